//! Our pipeline, built from the settings in the words of the definition language.
//!
//! Preprocess, Train, Evaluate, then QualityGate, which lets Register run or ends in
//! QualityGateFailed.

use config::steps::{
    self, Argument, Gate, HyperparameterValue, OOB_SCORE, Register, RegisterVariables,
    TRAINING_METRICS, pascal_case, paths, training_metric_key,
};
use config::{ApprovalStatus, Image, JobKind, Metric, Settings, serving};
use indexmap::IndexMap;
use pipeline::{
    AlgorithmSpecification, AppSpecification, CacheConfig, Channel, ClusterConfig, Condition,
    ConditionArguments, Definition, ExecutionVariable, Expression, MetricDefinition, NetworkConfig,
    Operator, Parameter, ProcessingArguments, ProcessingInput, ProcessingOutput,
    ProcessingOutputConfig, PropertyFile, ResourceConfig, RetryPolicy, Step, StoppingCondition,
    Tag, TrainingArguments, VpcConfig,
};

/// The parameter that names the raw table.
pub const INPUT_PARAMETER: &str = "InputDataUrl";
/// The step that reads the raw table.
pub const PREPROCESS: &str = "Preprocess";
const TRAIN: &str = "Train";
/// The step that scores the test rows.
pub const EVALUATE: &str = "Evaluate";
const QUALITY_GATE: &str = "QualityGate";
/// The step that registers the model.
pub const REGISTER: &str = "Register";
/// The step that ends an execution whose model is not good enough.
pub const QUALITY_GATE_FAILED: &str = "QualityGateFailed";
const REPORT: &str = "EvaluationReport";

/// The pipeline of these settings. The same settings give the same definition.
pub fn build(settings: &Settings) -> Definition {
    let build = Build { settings };
    let steps = vec![build.preprocess(), build.train(), build.evaluate(), build.quality_gate()];
    Definition::new(build.parameters(), steps)
}

/// Whether a definition is one of ours, of whatever settings.
#[cfg(feature = "aws")]
pub fn is_ours(definition: &Definition) -> bool {
    [PREPROCESS, TRAIN, EVALUATE, QUALITY_GATE].iter().all(|step| definition.step(step).is_some())
}

/// What a job of the pipeline runs on.
#[cfg(feature = "aws")]
#[derive(Clone, Copy, Debug)]
pub struct Machine<'a> {
    /// The image that it runs.
    pub image: Image,
    /// The kind of job.
    pub kind: JobKind,
    /// Such as ml.m5.large.
    pub instance_type: &'a str,
    /// How many of them.
    pub count: u32,
    /// For how many seconds at most.
    pub limit: u32,
}

/// The machines of an execution that runs every job.
#[cfg(feature = "aws")]
pub fn machines(settings: &Settings) -> Vec<Machine<'_>> {
    let machine = |&image: &Image| {
        let kind = image.job_kind()?;
        // Register runs as Preprocess does, but alone
        let alone = image == Image::Register;
        Some(Machine {
            image,
            kind,
            instance_type: settings.instance_types.get(kind),
            count: if alone { 1 } else { *settings.instance_counts.get(kind) },
            limit: *settings.runtime_limits.get(kind),
        })
    };
    Image::ALL.iter().filter_map(machine).collect()
}

struct Build<'a> {
    settings: &'a Settings,
}

impl Build<'_> {
    fn parameters(&self) -> Vec<Parameter> {
        let s = self.settings;
        let mut input = s.s3_paths.url(&s.s3_paths.input_dataset);
        // a prefix that does not end in / also reads what only begins with the same letters
        if s.s3_paths.input_dataset.ends_with('/') {
            input.push('/');
        }
        let mut parameters = vec![Parameter::string(INPUT_PARAMETER, input)];
        for (kind, instance_type) in s.instance_types.iter() {
            parameters.push(Parameter::string(kind.instance_type_parameter(), instance_type));
        }
        for (kind, &count) in s.instance_counts.iter() {
            parameters.push(Parameter::integer(kind.instance_count_parameter(), count.into()));
        }
        for (name, value) in s.hyperparameters.values() {
            let parameter = pascal_case(name);
            parameters.push(match value {
                HyperparameterValue::Integer(number) => {
                    Parameter::integer(parameter, number.into())
                }
                HyperparameterValue::Text(text) => Parameter::string(parameter, text),
                HyperparameterValue::Choice { word, words } => {
                    Parameter::string(parameter, word).one_of(words.iter().copied())
                }
            });
        }
        parameters.push(Parameter::float("TestSize", s.preprocessing.test_size));
        let gates = s.quality_gates.iter();
        parameters.extend(
            gates.map(|(metric, &minimum)| Parameter::float(metric.gate_parameter(), minimum)),
        );
        let status = s.model_registry.approval_status.to_string();
        parameters.push(
            Parameter::string("ModelApprovalStatus", status)
                .one_of(ApprovalStatus::WORDS.iter().copied()),
        );
        parameters.push(Parameter::string(
            "ModelPackageGroupName",
            &s.model_registry.model_package_group_name,
        ));
        parameters
    }

    fn preprocess(&self) -> Step {
        let s = self.settings;
        let told = s.preprocess().to_arguments();
        let arguments = told.iter().map(|argument| match argument.name {
            "test-size" => from_parameter("--test-size=", "TestSize"),
            "seed" => from_parameter("--seed=", "RandomState"),
            _ => argument.to_string().into(),
        });
        let mut job = self.processing(JobKind::Processing, Image::Preprocess, arguments.collect());
        job.processing_inputs =
            vec![input("raw", Expression::parameter(INPUT_PARAMETER), paths::PREPROCESS_INPUT)];
        let outputs = [
            ("train", paths::PREPROCESS_TRAIN),
            ("test", paths::PREPROCESS_TEST),
            ("recipe", paths::PREPROCESS_RECIPE),
            ("summary", paths::PREPROCESS_SUMMARY),
        ];
        let prefix = &s.s3_paths.processed_data;
        let outputs =
            outputs.map(|(name, path)| output(name, self.own_prefix(prefix, Some(name)), path));
        job.processing_output_config = self.outputs(outputs.into());
        self.job(PREPROCESS, "Clean the raw table, engineer features, split it", job)
    }

    fn train(&self) -> Step {
        let s = self.settings;
        let mut algorithm = AlgorithmSpecification::new(s.aws.image_uri(Image::Train));
        let oob_score = s.hyperparameters.oob_score.then_some(&OOB_SCORE);
        algorithm.metric_definitions = TRAINING_METRICS
            .iter()
            .chain(oob_score)
            .map(|name| {
                MetricDefinition::new(
                    format!("train:{name}"),
                    format!(r"{}=([0-9]+\.?[0-9]*)", training_metric_key(name)),
                )
            })
            .collect();
        let mut resources = ResourceConfig::new(
            instance_type(JobKind::Training),
            instance_count(JobKind::Training),
            s.volume_sizes.training,
        );
        resources.volume_kms_key_id = s.aws.kms.volume_key.clone().map(Into::into);
        let mut job = TrainingArguments::new(
            algorithm,
            self.own_prefix(&s.s3_paths.model_artifacts, None),
            resources,
            StoppingCondition::seconds(s.runtime_limits.training),
            s.aws.role_arn.as_str(),
        );
        job.output_data_config.kms_key_id = s.aws.kms.output_key.clone().map(Into::into);
        job.input_data_config = vec![
            channel(paths::TRAIN_CHANNEL, Expression::output(PREPROCESS, "train"), serving::CSV),
            channel(paths::RECIPE_CHANNEL, Expression::output(PREPROCESS, "recipe"), serving::JSON),
        ];
        job.hyper_parameters = s
            .hyperparameters
            .values()
            .into_iter()
            .map(|(name, value)| {
                let parameter = Expression::parameter(pascal_case(name));
                // SageMaker takes strings only; a number becomes one by being joined to nothing
                let text = match value {
                    HyperparameterValue::Integer(_) => parameter.into_text(),
                    HyperparameterValue::Text(_) | HyperparameterValue::Choice { .. } => parameter,
                };
                (name.to_owned(), text)
            })
            .collect();
        job.tags = self.tags();
        job.vpc_config = self.vpc();
        job.enable_network_isolation = s.aws.network_isolation.then_some(true.into());
        self.job(TRAIN, "Train the random forest", job)
    }

    fn evaluate(&self) -> Step {
        let s = self.settings;
        let told = s.evaluate();
        let metrics = steps::Evaluate { gates: Vec::new(), ..told.clone() };
        let mut arguments: Vec<Expression> = metrics
            .to_arguments()
            .iter()
            .filter(|argument: &&Argument| argument.name == "metric")
            .map(|argument| argument.to_string().into())
            .collect();
        arguments.extend(told.gates.iter().map(|Gate { metric, .. }| {
            from_parameter(&format!("--gate={metric}="), &metric.gate_parameter())
        }));
        let mut job = self.processing(JobKind::Evaluation, Image::Evaluate, arguments);
        job.processing_inputs = vec![
            input("model", model_data(), paths::EVALUATE_MODEL),
            input("test", Expression::output(PREPROCESS, "test"), paths::EVALUATE_TEST),
        ];
        let place = self.own_prefix(&s.s3_paths.evaluation, None);
        job.processing_output_config =
            self.outputs(vec![output("evaluation", place, paths::EVALUATE_OUTPUT)]);
        let mut step = self.job(EVALUATE, "Score the test rows", job);
        step.property_files = vec![PropertyFile {
            property_file_name: REPORT.to_owned(),
            output_name: "evaluation".to_owned(),
            file_path: paths::EVALUATION_JSON.to_owned(),
        }];
        step
    }

    fn quality_gate(&self) -> Step {
        let metrics: Vec<Metric> = self.settings.quality_gates.keys().copied().collect();
        let conditions = metrics.iter().map(|metric| {
            Condition::compare(
                reported(*metric),
                Operator::GreaterThanOrEqualTo,
                Expression::parameter(metric.gate_parameter()),
            )
        });
        let conditions = conditions.collect();
        let mut message: Vec<Expression> = vec!["Quality gate not met: ".into()];
        for (index, metric) in metrics.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            message.push(format!("{separator}{metric} ").into());
            message.push(reported(*metric));
            message.push(", at least ".into());
            message.push(Expression::parameter(metric.gate_parameter()));
            message.push(" wanted".into());
        }
        let mut step = Step::new(
            QUALITY_GATE,
            ConditionArguments {
                conditions,
                if_steps: vec![self.register()],
                else_steps: vec![Step::fail(QUALITY_GATE_FAILED, Expression::join("", message))],
            },
        );
        step.description = Some("Register only a model that reaches every minimum".to_owned());
        step
    }

    fn register(&self) -> Step {
        let s = self.settings;
        let text = |text: &str| Expression::from(text);
        let variables = RegisterVariables {
            group: Expression::parameter("ModelPackageGroupName"),
            group_description: text(&s.model_registry.description),
            approval_status: Expression::parameter("ModelApprovalStatus"),
            model_data_url: model_data(),
            metrics_url: Expression::join(
                "/",
                [Expression::output(EVALUATE, "evaluation"), text(paths::EVALUATION_JSON)],
            ),
            inference_image: text(&s.aws.image_uri(Image::Serve)),
            pipeline_name: Expression::execution(ExecutionVariable::PipelineName),
            pipeline_execution_id: Expression::execution(ExecutionVariable::PipelineExecutionId),
        };
        let list = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
        let told = Register {
            content_types: list(&serving::CONTENT_TYPES),
            response_types: list(&serving::RESPONSE_TYPES),
            realtime_instance_types: list(&serving::REALTIME_INSTANCE_TYPES),
            transform_instance_types: list(&serving::TRANSFORM_INSTANCE_TYPES),
            ..Register::default()
        };
        let arguments =
            told.to_arguments().iter().map(|argument| argument.to_string().into()).collect();
        let mut job = self.processing(JobKind::Processing, Image::Register, arguments);
        // one registration, whatever the number of machines that preprocess
        job.processing_resources.cluster_config.instance_count = 1_u32.into();
        let variables = variables.into_named().into_iter();
        job.environment = variables.map(|(name, value)| (name.to_owned(), value)).collect();
        job.environment.retain(|_, value| value.as_str() != Some(""));
        // the platform tells a Processing job no region, and it calls SageMaker's
        job.environment.insert("AWS_REGION".to_owned(), text(&s.aws.region));
        job.processing_inputs = vec![input(
            "evaluation",
            Expression::output(EVALUATE, "evaluation"),
            paths::REGISTER_EVALUATION,
        )];
        // not below the evaluation: that would change under a cached Evaluate
        let place = self.own_prefix(&s.s3_paths.model_artifacts, Some("registration"));
        job.processing_output_config =
            self.outputs(vec![output("registration", place, paths::REGISTER_OUTPUT)]);
        // it calls SageMaker
        if let Some(network) = &mut job.network_config {
            network.enable_network_isolation = None;
        }
        let mut step = self.job(REGISTER, "Add the model to the registry", job);
        // a registration is an act, not a result: it is never taken from an earlier execution
        step.cache = None;
        step
    }

    /// What all Processing jobs share.
    fn processing(
        &self,
        kind: JobKind,
        image: Image,
        arguments: Vec<Expression>,
    ) -> ProcessingArguments {
        let s = self.settings;
        let mut app = AppSpecification::new(s.aws.image_uri(image));
        // the images have this entrypoint anyway; the Python SDK's local mode wants it said
        app.container_entrypoint = vec![format!("/usr/local/bin/{}", image.name()).into()];
        app.container_arguments = arguments;
        let mut cluster = ClusterConfig::new(
            instance_type(kind),
            instance_count(kind),
            *s.volume_sizes.get(kind),
        );
        cluster.volume_kms_key_id = s.aws.kms.volume_key.clone().map(Into::into);
        let mut arguments = ProcessingArguments::new(cluster, app, s.aws.role_arn.as_str());
        arguments.stopping_condition =
            Some(StoppingCondition::seconds(*s.runtime_limits.get(kind)));
        arguments.tags = self.tags();
        if s.aws.network_isolation || s.aws.vpc.is_some() {
            arguments.network_config = Some(NetworkConfig {
                enable_network_isolation: s.aws.network_isolation.then_some(true.into()),
                vpc_config: self.vpc(),
                ..NetworkConfig::default()
            });
        }
        arguments
    }

    /// What all jobs share: retries and the cache.
    fn job(&self, name: &str, description: &str, arguments: impl Into<pipeline::StepKind>) -> Step {
        let s = self.settings;
        let mut step = Step::new(name, arguments);
        step.description = Some(description.to_owned());
        if s.retries.max_attempts > 0 {
            let exceptions = [
                "Step.SERVICE_FAULT",
                "Step.THROTTLING",
                "SageMaker.JOB_INTERNAL_ERROR",
                "SageMaker.CAPACITY_ERROR",
                "SageMaker.RESOURCE_LIMIT",
            ];
            step.retry_policies = vec![RetryPolicy {
                backoff_rate: Some(s.retries.backoff_rate),
                interval_seconds: Some(s.retries.interval_seconds.into()),
                max_attempts: Some(s.retries.max_attempts.into()),
                expire_after_min: None,
                exception_type: exceptions.map(str::to_owned).to_vec(),
            }];
        }
        if s.cache.enabled {
            step.cache = Some(CacheConfig {
                enabled: true,
                expire_after: Some(s.cache.expire_after.clone()),
            });
        }
        step
    }

    /// `s3://bucket/<prefix>/<execution>/<name>`: no execution writes where another did, so that
    /// what a cached step, a registered model or a colleague points at stays as it is.
    fn own_prefix(&self, prefix: &str, name: Option<&str>) -> Expression {
        let mut parts = vec![
            Expression::from(self.settings.s3_paths.url(prefix)),
            Expression::execution(ExecutionVariable::PipelineExecutionId),
        ];
        parts.extend(name.map(Expression::from));
        Expression::join("/", parts)
    }

    fn outputs(&self, outputs: Vec<ProcessingOutput>) -> Option<ProcessingOutputConfig> {
        let kms_key_id = self.settings.aws.kms.output_key.clone().map(Into::into);
        Some(ProcessingOutputConfig { outputs, kms_key_id, other: IndexMap::new() })
    }

    fn tags(&self) -> Vec<Tag> {
        self.settings
            .tags
            .iter()
            .map(|(key, value)| Tag::new(key.as_str(), value.as_str()))
            .collect()
    }

    fn vpc(&self) -> Option<VpcConfig> {
        let list = |ids: &[String]| ids.iter().map(|id| id.as_str().into()).collect();
        self.settings.aws.vpc.as_ref().map(|vpc| VpcConfig {
            security_group_ids: list(&vpc.security_group_ids),
            subnets: list(&vpc.subnets),
        })
    }
}

fn instance_type(kind: JobKind) -> Expression {
    Expression::parameter(kind.instance_type_parameter())
}

fn instance_count(kind: JobKind) -> Expression {
    Expression::parameter(kind.instance_count_parameter())
}

fn from_parameter(prefix: &str, parameter: &str) -> Expression {
    Expression::join("", [Expression::from(prefix), Expression::parameter(parameter)])
}

fn model_data() -> Expression {
    Expression::property(TRAIN, "ModelArtifacts.S3ModelArtifacts")
}

fn reported(metric: Metric) -> Expression {
    Expression::json_get(EVALUATE, REPORT, metric.report_path())
}

fn input(name: &str, uri: Expression, path: &str) -> ProcessingInput {
    ProcessingInput::new(name, uri, format!("/opt/ml/processing/{path}"))
}

fn output(name: &str, uri: Expression, path: &str) -> ProcessingOutput {
    ProcessingOutput::new(name, uri, format!("/opt/ml/processing/{path}"))
}

fn channel(name: &str, uri: Expression, content_type: &str) -> Channel {
    let mut channel = Channel::new(name, uri);
    channel.content_type = Some(content_type.into());
    channel
}

//! What the steps share: retries, cache, tags, network, addresses.

use config::{Image, JobKind, Settings};
use indexmap::IndexMap;
use pipeline::{
    AppSpecification, CacheConfig, ClusterConfig, ExecutionVariable, Expression, NetworkConfig,
    ProcessingArguments, ProcessingInput, ProcessingOutput, ProcessingOutputConfig, RetryPolicy,
    Step, StoppingCondition, Tag, VpcConfig,
};

use super::names::TRAIN;

/// Builds the definition's parts from the settings. Each step adds its method in a file of its own.
pub(super) struct DefinitionBuilder<'a> {
    pub(super) settings: &'a Settings,
    /// The digest of the definition without this digest, which Register stores with the model; empty in that
    /// definition.
    pub(super) digest: &'a str,
}

impl DefinitionBuilder<'_> {
    /// Returns the arguments that all Processing steps share.
    pub(super) fn processing(
        &self,
        kind: JobKind,
        image: Image,
        arguments: Vec<Expression>,
    ) -> ProcessingArguments {
        let s = self.settings;
        let mut app = AppSpecification::new(s.aws.image_uri(image));
        // The images have this entrypoint, too; the Python SDK's local mode needs it here.
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

    /// Returns a step with the retry policy and the cache configuration that all jobs share.
    pub(super) fn job(
        &self,
        name: &str,
        description: &str,
        arguments: impl Into<pipeline::StepKind>,
    ) -> Step {
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

    /// Returns `s3://bucket/<prefix>/<execution>/<name>`. No execution writes to the prefix of another
    /// one, so that objects which a cached step or a registered model refers to stay unchanged.
    pub(super) fn own_prefix(&self, prefix: &str, name: Option<&str>) -> Expression {
        let mut parts = vec![
            Expression::from(self.settings.s3_paths.url(prefix)),
            Expression::execution(ExecutionVariable::PipelineExecutionId),
        ];
        parts.extend(name.map(Expression::from));
        Expression::join("/", parts)
    }

    pub(super) fn outputs(&self, outputs: Vec<ProcessingOutput>) -> Option<ProcessingOutputConfig> {
        let kms_key_id = self.settings.aws.kms.output_key.clone().map(Into::into);
        Some(ProcessingOutputConfig { outputs, kms_key_id, other: IndexMap::new() })
    }

    pub(super) fn tags(&self) -> Vec<Tag> {
        self.settings
            .tags
            .iter()
            .map(|(key, value)| Tag::new(key.as_str(), value.as_str()))
            .collect()
    }

    pub(super) fn vpc(&self) -> Option<VpcConfig> {
        let list = |ids: &[String]| ids.iter().map(|id| id.as_str().into()).collect();
        self.settings.aws.vpc.as_ref().map(|vpc| VpcConfig {
            security_group_ids: list(&vpc.security_group_ids),
            subnets: list(&vpc.subnets),
        })
    }
}

/// Returns the parameter that sets the instance type of a kind of job.
pub(super) fn instance_type(kind: JobKind) -> Expression {
    Expression::parameter(kind.instance_type_parameter())
}

/// Returns the parameter that sets the number of instances of a kind of job.
pub(super) fn instance_count(kind: JobKind) -> Expression {
    Expression::parameter(kind.instance_count_parameter())
}

/// Returns a prefix followed by a parameter's value.
pub(super) fn from_parameter(prefix: &str, parameter: &str) -> Expression {
    Expression::join("", [Expression::from(prefix), Expression::parameter(parameter)])
}

/// Returns the address of the trained `model.tar.gz`.
pub(super) fn model_data() -> Expression {
    Expression::property(TRAIN, "ModelArtifacts.S3ModelArtifacts")
}

/// Returns an input below `/opt/ml/processing`.
pub(super) fn input(name: &str, uri: Expression, path: &str) -> ProcessingInput {
    ProcessingInput::new(name, uri, format!("/opt/ml/processing/{path}"))
}

/// Returns an output below `/opt/ml/processing`.
pub(super) fn output(name: &str, uri: Expression, path: &str) -> ProcessingOutput {
    ProcessingOutput::new(name, uri, format!("/opt/ml/processing/{path}"))
}

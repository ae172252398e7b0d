//! The step Register.

use config::steps::{Register, RegisterVariables, paths};
use config::{Image, JobKind, serving};
use pipeline::{ExecutionVariable, Expression, Step};

use super::names::{
    COMMIT_PARAMETER, EVALUATE, GROUP_PARAMETER, INPUT_PARAMETER, INPUT_VERSION_PARAMETER,
    REGISTER, STARTED_BY_PARAMETER,
};
use super::shared::{DefinitionBuilder, input, model_data, output};
use super::table::TableDocument;

impl DefinitionBuilder<'_> {
    /// Returns the step that registers the model.
    pub(super) fn register(&self) -> Step {
        let s = self.settings;
        let text = |text: &str| Expression::from(text);
        let variables = RegisterVariables {
            group: Expression::parameter(GROUP_PARAMETER),
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
            pipeline_execution_arn: Expression::execution(ExecutionVariable::PipelineExecutionArn),
            started_at: Expression::execution(ExecutionVariable::StartDateTime).into_text(),
            started_by: Expression::parameter(STARTED_BY_PARAMETER),
            source_commit: Expression::parameter(COMMIT_PARAMETER),
            definition_digest: text(self.digest),
            table_settings_digest: text(&TableDocument::of(s).digest),
            input_data_url: Expression::parameter(INPUT_PARAMETER),
            input_data_version: Expression::parameter(INPUT_VERSION_PARAMETER),
            preprocess_image: text(&s.aws.image_uri(Image::Preprocess)),
            train_image: text(&s.aws.image_uri(Image::Train)),
            evaluate_image: text(&s.aws.image_uri(Image::Evaluate)),
        };
        let list = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
        let lists = Register {
            content_types: list(&serving::CONTENT_TYPES),
            response_types: list(&serving::RESPONSE_TYPES),
            realtime_instance_types: list(&serving::REALTIME_INSTANCE_TYPES),
            transform_instance_types: list(&serving::TRANSFORM_INSTANCE_TYPES),
            ..Register::default()
        };
        let arguments =
            lists.to_arguments().iter().map(|argument| argument.to_string().into()).collect();
        let mut job = self.processing(JobKind::Processing, Image::Register, arguments);
        // There is one registration, however many instances preprocess.
        job.processing_resources.cluster_config.instance_count = 1_u32.into();
        let variables = variables.into_named().into_iter();
        job.environment = variables.map(|(name, value)| (name.to_owned(), value)).collect();
        job.environment.retain(|_, value| value.as_str() != Some(""));
        // SageMaker does not tell a Processing job its region, and Register calls SageMaker.
        job.environment.insert("AWS_REGION".to_owned(), text(&s.aws.region));
        job.processing_inputs = vec![input(
            "evaluation",
            Expression::output(EVALUATE, "evaluation"),
            paths::REGISTER_EVALUATION,
        )];
        // Not below the evaluation, which would then change under a cached Evaluate.
        let prefix = self.own_prefix(&s.s3_paths.model_artifacts, Some("registration"));
        job.processing_output_config =
            self.outputs(vec![output("registration", prefix, paths::REGISTER_OUTPUT)]);
        // Register calls SageMaker.
        if let Some(network) = &mut job.network_config {
            network.enable_network_isolation = None;
        }
        let mut step = self.job(REGISTER, "Add the model to the registry", job);
        // A registration is an act, not a result: it is never taken from the cache.
        step.cache = None;
        step
    }
}

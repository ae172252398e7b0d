//! The step Train.

use config::steps::{
    HyperparameterValue, OOB_SCORE, TRAINING_METRICS, pascal_case, paths, training_metric_key,
};
use config::{Image, JobKind, serving};
use pipeline::{
    AlgorithmSpecification, Channel, Expression, MetricDefinition, ResourceConfig, Step,
    StoppingCondition, TrainingArguments,
};

use super::names::{PREPROCESS, TRAIN};
use super::shared::{DefinitionBuilder, instance_count, instance_type};

impl DefinitionBuilder<'_> {
    /// Returns the step that trains the forest.
    pub(super) fn train(&self) -> Step {
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
                // Hyperparameters are strings; joining a number to nothing makes it one.
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
}

fn channel(name: &str, uri: Expression, content_type: &str) -> Channel {
    let mut channel = Channel::new(name, uri);
    channel.content_type = Some(content_type.into());
    channel
}

//! The pipeline as it is deployed.

use aws::CallError;
use aws::sagemaker::types::{ParallelismConfiguration, PipelineStatus};
use serde_json::Value;

use super::Cloud;
use crate::command::CommandError;

/// The pipeline as SageMaker describes it.
pub struct Deployed {
    /// Its name to every AWS call.
    pub arn: String,
    /// The definition; null if what is there is no JSON.
    pub definition: Value,
    /// The same as text.
    pub text: String,
    /// The role that the jobs run as.
    pub role_arn: String,
    /// What it is said to be.
    pub description: String,
    /// How it is called in Studio.
    pub display_name: Option<String>,
    /// How many steps may run at once; set elsewhere, so an update must hand it back.
    pub parallelism: Option<ParallelismConfiguration>,
}

impl Cloud {
    /// The deployed pipeline, if there is one.
    pub fn deployed(&self) -> Result<Option<Deployed>, CommandError> {
        const ACTION: &str = "sagemaker:DescribePipeline";
        let call = self.sagemaker.describe_pipeline().pipeline_name(self.name());
        let answer = match self.aws.call(ACTION, call.send()) {
            Ok(answer) => answer,
            Err(error) if error.is_absent() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if answer.pipeline_status == Some(PipelineStatus::Deleting) {
            return Err(CommandError::Aws(format!(
                "the pipeline {} is being deleted; try again once it is gone",
                self.name()
            )));
        }
        let arn = answer.pipeline_arn.ok_or_else(|| CallError::without(ACTION, "PipelineArn"))?;
        let text = answer.pipeline_definition;
        let text = text.ok_or_else(|| CallError::without(ACTION, "PipelineDefinition"))?;
        Ok(Some(Deployed {
            arn,
            definition: serde_json::from_str(&text).unwrap_or_default(),
            text,
            role_arn: answer.role_arn.unwrap_or_default(),
            description: answer.pipeline_description.unwrap_or_default(),
            display_name: answer.pipeline_display_name,
            parallelism: answer.parallelism_configuration,
        }))
    }
}

//! The pipeline as it is deployed.

use aws::CallError;
use aws::sagemaker::primitives::DateTime;
use aws::sagemaker::types::{ParallelismConfiguration, PipelineStatus};
use pipeline::{Change, difference};
use serde_json::Value;

use crate::execution::LARGEST_PAGE;
use crate::{Cloud, CloudError};

/// A pipeline as SageMaker describes it.
pub struct DeployedPipeline {
    /// The ARN.
    pub arn: String,
    /// The definition, or null if it is not JSON.
    pub definition: Value,
    /// The definition's text.
    pub text: String,
    /// The ARN of the role that the jobs run as.
    pub role_arn: String,
    /// The description.
    pub description: String,
    /// The name that Studio shows.
    pub display_name: Option<String>,
    /// The limit of concurrent steps. It may be set elsewhere, so an update must send it back.
    pub(crate) parallelism: Option<ParallelismConfiguration>,
    /// The time of the last change.
    pub(crate) modified: Option<DateTime>,
}

impl DeployedPipeline {
    /// Returns whether a later description of the pipeline tells the same of what an update changes.
    pub(crate) fn is_as(&self, earlier: &Self) -> bool {
        let told = |one: &Self| (one.text.clone(), one.role_arn.clone(), one.description.clone());
        told(self) == told(earlier)
    }
}

impl Cloud {
    /// Describes the deployed pipeline, or returns `None` if there is none.
    ///
    /// # Errors
    ///
    /// Fails if the pipeline is being deleted, or if SageMaker refuses.
    pub fn deployed(&self) -> Result<Option<DeployedPipeline>, CloudError> {
        const ACTION: &str = "sagemaker:DescribePipeline";
        let name = &self.target.pipeline_name;
        let call = self.sagemaker.describe_pipeline().pipeline_name(name);
        let answer = match self.aws.call(ACTION, call.send()) {
            Ok(answer) => answer,
            Err(error) if error.is_absent() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if answer.pipeline_status == Some(PipelineStatus::Deleting) {
            return Err(CloudError::Deleting(name.clone()));
        }
        let arn = answer.pipeline_arn.ok_or_else(|| Self::missing(ACTION, "PipelineArn"))?;
        let text = answer.pipeline_definition;
        let text = text.ok_or_else(|| Self::missing(ACTION, "PipelineDefinition"))?;
        Ok(Some(DeployedPipeline {
            arn,
            definition: common::json::from_slice(text.as_bytes()).unwrap_or_default(),
            text,
            role_arn: answer.role_arn.unwrap_or_default(),
            description: answer.pipeline_description.unwrap_or_default(),
            display_name: answer.pipeline_display_name,
            parallelism: answer.parallelism_configuration,
            modified: answer.last_modified_time,
        }))
    }

    /// Returns the names and definitions of the account's other pipelines in the target's region.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn other_definitions(&self) -> Result<Vec<(String, String)>, CloudError> {
        let call = self.sagemaker.list_pipelines().max_results(LARGEST_PAGE);
        let mut pages = call.into_paginator().items().send();
        let mut definitions = Vec::new();
        while let Some(pipeline) = self.aws.wait(pages.next()) {
            let pipeline =
                pipeline.map_err(|error| CallError::of("sagemaker:ListPipelines", error))?;
            let name = pipeline.pipeline_name.unwrap_or_default();
            if name == self.target.pipeline_name {
                continue;
            }
            let call = self.sagemaker.describe_pipeline().pipeline_name(&name);
            let described = self.aws.call("sagemaker:DescribePipeline", call.send());
            let described = CallError::if_there(described)?;
            let text = described.and_then(|described| described.pipeline_definition);
            definitions.push((name, text.unwrap_or_default()));
        }
        Ok(definitions)
    }

    /// Describes the deployed pipeline.
    ///
    /// # Errors
    ///
    /// Fails as [`Cloud::deployed`] does, and if the pipeline is not deployed.
    pub fn require_deployed(&self) -> Result<DeployedPipeline, CloudError> {
        self.deployed()?.ok_or_else(|| self.no_pipeline())
    }

    /// Lists what an update to the definition `json` would change of the deployed pipeline: its role,
    /// its description, its limit of concurrent steps, the target's tags and every member of the definition.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses to list the tags.
    pub fn changes(
        &self,
        json: &str,
        deployed: &DeployedPipeline,
    ) -> Result<Vec<Change>, CloudError> {
        let wanted: Value = common::json::from_slice(json.as_bytes()).unwrap_or_default();
        let attributes = [
            ("RoleArn", &deployed.role_arn, &self.target.role_arn),
            ("PipelineDescription", &deployed.description, &self.target.description),
        ];
        let attributes = attributes.into_iter().filter(|(_, before, after)| before != after);
        let attributes = attributes.map(|(place, before, after)| Change {
            place: place.to_owned(),
            before: Some(before.as_str().into()),
            after: Some(after.as_str().into()),
        });
        let before = deployed.parallelism.as_ref();
        let before = before.and_then(ParallelismConfiguration::max_parallel_execution_steps);
        let after = self.target.parallelism().and_then(|it| it.max_parallel_execution_steps());
        let parallelism = after.filter(|_| after != before).map(|after| Change {
            place: "ParallelismConfiguration.MaxParallelExecutionSteps".to_owned(),
            before: before.map(Value::from),
            after: Some(after.into()),
        });
        let tags = self.tag_changes(&deployed.arn, "")?;
        Ok(attributes
            .chain(parallelism)
            .chain(tags)
            .chain(difference(&deployed.definition, &wanted))
            .collect())
    }
}

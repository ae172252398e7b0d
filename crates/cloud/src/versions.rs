//! The versions of the pipeline: SageMaker keeps one for each definition that was deployed.

use std::time::SystemTime;

use aws::CallError;
use aws::sagemaker::types::SortOrder;

use crate::{Cloud, CloudError, DeployedPipeline};

/// A version of the pipeline.
#[derive(Clone, Debug)]
pub struct PipelineVersion {
    /// The id, counted from 1.
    pub id: i64,
    /// The time of its creation.
    pub created: Option<SystemTime>,
    /// The ARN of the execution that ran it last.
    pub last_execution: Option<String>,
}

impl Cloud {
    /// Lists the versions of the pipeline, latest first. The latest is the one that is deployed.
    ///
    /// # Errors
    ///
    /// Fails if the pipeline is not deployed, or if SageMaker refuses.
    pub fn pipeline_versions(&self) -> Result<Vec<PipelineVersion>, CloudError> {
        let call =
            self.sagemaker.list_pipeline_versions().pipeline_name(&self.target.pipeline_name);
        let mut pages = call.into_paginator().send();
        let mut versions = Vec::new();
        while let Some(page) = self.aws.wait(pages.next()) {
            let page = page.map_err(|error| {
                let error = CallError::of("sagemaker:ListPipelineVersions", error);
                if error.is_absent() { self.no_pipeline() } else { error.into() }
            })?;
            let summaries = page.pipeline_version_summaries.unwrap_or_default().into_iter();
            versions.extend(summaries.filter_map(|summary| {
                Some(PipelineVersion {
                    id: summary.pipeline_version_id?,
                    created: summary.creation_time.and_then(|time| time.try_into().ok()),
                    last_execution: summary.last_execution_pipeline_execution_arn,
                })
            }));
        }
        versions.sort_by_key(|version| std::cmp::Reverse(version.id));
        Ok(versions)
    }

    /// Returns the version that an update has replaced, if it is not the one that was deployed when the update was
    /// planned: somebody else's, which came between. The service need not tell.
    pub(crate) fn version_between(
        &self,
        planned: &DeployedPipeline,
        updated: Option<i64>,
    ) -> Option<i64> {
        let replaced = updated? - 1;
        let modified = planned.modified?;
        let call =
            self.sagemaker.list_pipeline_versions().pipeline_name(&self.target.pipeline_name);
        let call = call.sort_order(SortOrder::Descending).max_results(2);
        let page = self.aws.call("sagemaker:ListPipelineVersions", call.send()).ok()?;
        let mut versions = page.pipeline_version_summaries?.into_iter();
        let version = versions.find(|version| version.pipeline_version_id == Some(replaced))?;
        // The pipeline is modified when its version is created, to the second.
        (version.creation_time?.secs() > modified.secs() + 1).then_some(replaced)
    }

    /// Returns the definition of a version of the pipeline, as it was deployed.
    ///
    /// # Errors
    ///
    /// Fails if there is no such version, or if SageMaker refuses.
    pub fn version_definition(&self, id: i64) -> Result<String, CloudError> {
        const ACTION: &str = "sagemaker:DescribePipeline";
        let name = &self.target.pipeline_name;
        let call = self.sagemaker.describe_pipeline().pipeline_name(name).pipeline_version_id(id);
        let answer = self.aws.call(ACTION, call.send()).map_err(|error| {
            let absent = || CloudError::NoPipelineVersion { name: name.clone(), id };
            if error.is_absent() || error.is_invalid() { absent() } else { error.into() }
        })?;
        let definition = answer.pipeline_definition;
        Ok(definition.ok_or_else(|| Self::missing(ACTION, "PipelineDefinition"))?)
    }

    /// Refuses a pipeline of which an execution, among the latest, has not ended.
    ///
    /// # Errors
    ///
    /// Fails with the ids of these executions, if the pipeline is not deployed, or if SageMaker refuses.
    pub fn require_idle(&self) -> Result<(), CloudError> {
        const SEARCHED: usize = 1000;
        let executions = self.executions(SEARCHED)?;
        let running = executions.iter().filter(|execution| !execution.is_over());
        let ids: Vec<_> = running.map(|execution| execution.id().to_owned()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        Err(CloudError::Running { name: self.target.pipeline_name.clone(), ids })
    }

    /// Deletes the pipeline with its versions and the record of its executions. What these have made stays.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses, as it does while an execution runs.
    pub fn delete_pipeline(&self, deployed: &DeployedPipeline) -> Result<(), CloudError> {
        self.check_arn(&deployed.arn)?;
        let call = self.sagemaker.delete_pipeline().pipeline_name(&self.target.pipeline_name);
        self.aws.call("sagemaker:DeletePipeline", call.send())?;
        Ok(())
    }
}

//! Creating and updating the pipeline.

use aws::sagemaker::types::PipelineDefinitionS3Location;
use infrastructure::DEFINITIONS;
use pipeline::LARGEST_DEFINITION;

use crate::{Cloud, CloudError, DeployedPipeline, Owner};

/// A pipeline that was created or updated.
#[derive(Debug)]
pub struct WrittenPipeline {
    /// The ARN.
    pub arn: String,
    /// The object that holds the definition, if it was too large for the request itself.
    pub definition_uri: Option<String>,
}

/// A definition as a request carries it: its text, or the object that holds it.
struct DefinitionBody {
    text: Option<String>,
    location: Option<PipelineDefinitionS3Location>,
    uri: Option<String>,
}

impl Cloud {
    /// Refuses a deployed pipeline that does not carry the owner's tag.
    ///
    /// # Errors
    ///
    /// Fails with a description of the tags, or if SageMaker refuses to list them.
    pub fn check_owner(&self, deployed: &DeployedPipeline, owner: Owner) -> Result<(), CloudError> {
        match self.owner_problem(&deployed.arn, owner)? {
            None => Ok(()),
            Some(owner) => {
                Err(CloudError::Foreign { name: self.target.pipeline_name.clone(), owner })
            }
        }
    }

    /// Creates the pipeline.
    ///
    /// # Errors
    ///
    /// Fails if somebody else has created it meanwhile, or if SageMaker, or S3 for a large definition, refuses.
    pub fn create(&self, json: &str, owner: Owner) -> Result<WrittenPipeline, CloudError> {
        const ACTION: &str = "sagemaker:CreatePipeline";
        let body = self.definition_body(json)?;
        let call = self
            .sagemaker
            .create_pipeline()
            .pipeline_name(&self.target.pipeline_name)
            .pipeline_description(&self.target.description)
            .set_pipeline_definition(body.text)
            .set_pipeline_definition_s3_location(body.location)
            .role_arn(&self.target.role_arn)
            .set_parallelism_configuration(self.target.parallelism())
            .set_tags(Some(self.tags(owner)));
        let answer = self.aws.call(ACTION, call.send()).map_err(|error| {
            if error.already_exists() { self.changed_before() } else { error.into() }
        })?;
        let arn = answer.pipeline_arn.ok_or_else(|| Self::missing(ACTION, "PipelineArn"))?;
        Ok(WrittenPipeline { arn, definition_uri: body.uri })
    }

    /// Updates the deployed pipeline. Its display name stays, and so does its limit of concurrent steps unless the
    /// target has one.
    ///
    /// # Errors
    ///
    /// Fails if somebody else has changed the pipeline since it was described, or changes it at the same time,
    /// and if SageMaker, or S3 for a large definition, refuses.
    pub fn update(
        &self,
        json: &str,
        deployed: &DeployedPipeline,
        owner: Owner,
    ) -> Result<WrittenPipeline, CloudError> {
        let body = self.definition_body(json)?;
        let call = self
            .sagemaker
            .update_pipeline()
            .pipeline_name(&self.target.pipeline_name)
            .set_pipeline_display_name(deployed.display_name.clone())
            .pipeline_description(&self.target.description)
            .set_pipeline_definition(body.text)
            .set_pipeline_definition_s3_location(body.location)
            .role_arn(&self.target.role_arn)
            .set_parallelism_configuration(
                self.target.parallelism().or_else(|| deployed.parallelism.clone()),
            );
        // SageMaker has no conditional update, so what is there is compared just before and just after.
        let found = self.require_deployed()?;
        if !found.is_as(deployed) {
            return Err(self.changed_before());
        }
        // The tags come first: a pipeline that was updated must carry the owner's.
        self.tag(&deployed.arn, owner)?;
        let updated = self.aws.call("sagemaker:UpdatePipeline", call.send())?;
        if let Some(version) = self.version_between(&found, updated.pipeline_version_id) {
            let name = self.target.pipeline_name.clone();
            return Err(CloudError::Replaced { name, version });
        }
        let after = self.require_deployed()?;
        // A description may lag behind an update for a moment.
        if !after.is_as(&found) && !self.changes(json, &after)?.is_empty() {
            return Err(CloudError::ChangedAfter(self.target.pipeline_name.clone()));
        }
        Ok(WrittenPipeline { arn: deployed.arn.clone(), definition_uri: body.uri })
    }

    fn changed_before(&self) -> CloudError {
        CloudError::ChangedBefore(self.target.pipeline_name.clone())
    }

    /// Stores a definition that is too large for a request under its digest.
    fn definition_body(&self, json: &str) -> Result<DefinitionBody, CloudError> {
        if json.len() <= LARGEST_DEFINITION {
            return Ok(DefinitionBody { text: Some(json.to_owned()), location: None, uri: None });
        }
        let bucket = &self.target.bucket;
        let digest = common::sha256_hex(json);
        let key = format!("{DEFINITIONS}{}/{digest}.json", self.target.pipeline_name);
        let uri = Some(self.store_json(&key, json)?);
        let location = PipelineDefinitionS3Location::builder().bucket(bucket).object_key(key);
        Ok(DefinitionBody { text: None, location: Some(location.build()), uri })
    }
}

//! Operations on SageMaker and what a pipeline needs around it: pipelines, executions, jobs and their
//! logs, endpoints and batch transforms, images in ECR, objects in S3, and the checks of an account. Every operation takes values,
//! calls AWS and returns values.
//!
//! Knows AWS's services. Must never know the settings file, a command line or the environment, and
//! must never print.
//!
//! ```
//! use cloud::Target;
//!
//! let target = Target {
//!     pipeline_name: "machine-downtime".to_owned(),
//!     region: "eu-central-1".to_owned(),
//!     account_id: "111122223333".to_owned(),
//!     ..Target::default()
//! };
//! // ARNs of another account are refused before anything is changed there.
//! assert!(target.check_account("444455556666").is_err());
//! assert!(target.check_account("111122223333").is_ok());
//! ```

mod deploy;
mod deployed;
mod doctor;
mod endpoint;
mod error;
mod execution;
mod group;
mod holdings;
mod images;
mod job;
mod listing;
mod log;
mod newest_upload;
mod object;
mod tags;
mod time;
mod transform;
mod upload;
mod versions;
mod watch;

use aws::sagemaker::types::ParallelismConfiguration;
use aws::sts::operation::get_caller_identity::GetCallerIdentityOutput;
use aws::{Aws, CallError};
use indexmap::IndexMap;

pub use deploy::WrittenPipeline;
pub use deployed::DeployedPipeline;
pub use doctor::{
    AccountNeeds, Check, JobMachine, JobQuota, KmsKey, Needs, Remedy, Verdict, architecture_of,
};
pub use endpoint::{
    AsynchronousAnswer, Autoscaling, Capture, DeployedEndpoint, DeployedScaling, DeployedVariant,
    DesiredEndpoint, EndpointConfiguration, EndpointMetrics, EndpointPlan, HostedModel, Hosting,
    Instances, Kept, Network, Queue, Removal, Rollback, ScalingMetric, StartedUpdate, TrafficShift,
    UpdatePolicy,
};
pub use error::CloudError;
pub use execution::{SageMakerExecution, SageMakerStep, Selection, Start};
pub use group::GROUP;
pub use holdings::{StoredImages, StoredVersions};
pub use images::EcrImage;
pub use job::{BilledInstances, JobDescription, SageMakerJob};
pub use listing::{StoredObject, version_of};
pub use log::{Log, LogLine};
pub use newest_upload::{NewestTable, NewestUpload};
pub use tags::Owner;
pub use transform::{Transform, TransformJob, TransformRecords};
pub use upload::Upload;
pub use versions::PipelineVersion;
pub use watch::{Watch, WatchEvent};

/// The pipeline that the operations are about, and the account, region and bucket that it belongs to.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The pipeline's name.
    pub pipeline_name: String,
    /// The pipeline's description.
    pub description: String,
    /// The region.
    pub region: String,
    /// The account.
    pub account_id: String,
    /// The ARN of the role that the pipeline and its jobs run as.
    pub role_arn: String,
    /// The bucket of the pipeline's data.
    pub bucket: String,
    /// The tags of the pipeline.
    pub tags: IndexMap<String, String>,
    /// The most steps that run at the same time; `None` leaves those of the deployed pipeline.
    pub max_parallel_steps: Option<u32>,
}

impl Target {
    /// Returns the limit of steps that run at the same time, as SageMaker takes it.
    pub(crate) fn parallelism(&self) -> Option<ParallelismConfiguration> {
        let most = i32::try_from(self.max_parallel_steps?).ok()?;
        Some(ParallelismConfiguration::builder().max_parallel_execution_steps(most).build())
    }

    /// Refuses any account but the target's.
    ///
    /// # Errors
    ///
    /// Fails with both account ids if they differ.
    pub fn check_account(&self, account_id: &str) -> Result<(), CloudError> {
        if account_id == self.account_id {
            return Ok(());
        }
        Err(CloudError::Account { found: account_id.to_owned(), wanted: self.account_id.clone() })
    }
}

/// A connection to AWS with the pipeline that it is used for.
#[derive(Clone)]
pub struct Cloud {
    target: Target,
    aws: Aws,
    sagemaker: aws::sagemaker::Client,
}

impl Cloud {
    /// Makes the connection operate on `target`.
    pub fn new(aws: Aws, target: Target) -> Self {
        let sagemaker = aws.sagemaker();
        Self { target, aws, sagemaker }
    }

    /// Returns the pipeline and its surroundings.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the connection.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Refuses an ARN of another account than the target's.
    ///
    /// # Errors
    ///
    /// Fails with both account ids if they differ.
    pub fn check_arn(&self, arn: &str) -> Result<(), CloudError> {
        arn.split(':').nth(4).map_or(Ok(()), |account| self.target.check_account(account))
    }

    /// Refuses credentials of another account than the target's, since a pipeline that was created
    /// in the wrong account would have to be found again.
    ///
    /// # Errors
    ///
    /// Fails if the accounts differ, or if STS does not answer.
    pub fn check_credentials(&self) -> Result<(), CloudError> {
        self.target.check_account(&account_of(&self.aws)?)
    }

    fn no_pipeline(&self) -> CloudError {
        let Target { pipeline_name, region, .. } = &self.target;
        CloudError::NoPipeline { name: pipeline_name.clone(), region: region.clone() }
    }

    fn missing(action: &'static str, member: &'static str) -> CallError {
        CallError::without(action, member)
    }
}

/// The action that tells whose credentials are used.
const IDENTITY: &str = "sts:GetCallerIdentity";

/// Asks STS whose the credentials are.
pub(crate) fn identity_of(aws: &Aws) -> Result<GetCallerIdentityOutput, CallError> {
    aws.call(IDENTITY, aws.sts().get_caller_identity().send())
}

/// Returns the account of the credentials.
///
/// # Errors
///
/// Fails if STS does not answer.
pub fn account_of(aws: &Aws) -> Result<String, CallError> {
    identity_of(aws)?.account.ok_or_else(|| CallError::without(IDENTITY, "Account"))
}

/// Returns the ARN of the user or the role whose the credentials are.
///
/// # Errors
///
/// Fails if STS does not answer.
pub fn caller_of(aws: &Aws) -> Result<String, CallError> {
    identity_of(aws)?.arn.ok_or_else(|| CallError::without(IDENTITY, "Arn"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_account_is_refused_with_both_ids() {
        let target = Target { account_id: "111122223333".to_owned(), ..Target::default() };
        assert!(target.check_account("111122223333").is_ok());
        insta::assert_snapshot!(
            target.check_account("444455556666").unwrap_err(),
            @"the credentials are of account 444455556666, and aws.account_id is 111122223333"
        );
    }
}

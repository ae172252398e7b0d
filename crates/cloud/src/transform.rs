//! Batch transforms: a model's answers to the records of objects in S3.

use std::collections::BTreeMap;

use aws::sagemaker::types as api;
use serde::Serialize;

use crate::endpoint::{HostedModel, number};
use crate::watch::{Watch, WatchEvent, until_over};
use crate::{Cloud, CloudError, Owner};

/// A batch transform that is wanted.
#[derive(Clone, Debug)]
pub struct Transform {
    /// The job's name.
    pub name: String,
    /// The endpoint that shares the model.
    pub endpoint: String,
    /// The model.
    pub model: HostedModel,
    /// Additional environment variables of the container.
    pub environment: BTreeMap<String, String>,
    /// The S3 address of the records: an object or a prefix.
    pub input: String,
    /// The content type of the records, of which each is a line.
    pub content_type: String,
    /// The content type of the answers.
    pub accept: String,
    /// The S3 prefix of the answers: `<input>.out` for each input.
    pub output: String,
    /// The KMS key of the answers.
    pub output_key: Option<String>,
    /// The type of the instances.
    pub instance_type: String,
    /// The number of instances. Each takes some of the objects.
    pub count: u32,
    /// The KMS key of the instances' disks.
    pub volume_key: Option<String>,
}

/// A batch transform as SageMaker describes it.
#[derive(Clone, Debug, Serialize)]
pub struct TransformJob {
    /// The job's name.
    pub name: String,
    /// The status, such as `InProgress`.
    pub status: String,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// When the instances began, in seconds since 1970.
    pub started: Option<f64>,
    /// When they ended, in seconds since 1970.
    pub ended: Option<f64>,
}

impl TransformJob {
    /// Returns whether it has ended.
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "Completed" | "Failed" | "Stopped")
    }
}

impl Cloud {
    /// Starts a batch transform. Its model is made unless it is there.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn start_transform(&self, transform: &Transform, owner: Owner) -> Result<(), CloudError> {
        let Transform { name, endpoint, model, .. } = transform;
        let model_name = self.create_model(model, endpoint, owner)?;
        let source = api::TransformS3DataSource::builder()
            .s3_data_type(api::S3DataType::S3Prefix)
            .s3_uri(&transform.input);
        let source = api::TransformDataSource::builder().s3_data_source(source.build());
        let input = api::TransformInput::builder()
            .data_source(source.build())
            .content_type(&transform.content_type)
            .split_type(api::SplitType::Line);
        let output = api::TransformOutput::builder()
            .s3_output_path(&transform.output)
            .accept(&transform.accept)
            .assemble_with(api::AssemblyType::Line)
            .set_kms_key_id(transform.output_key.clone());
        let resources = api::TransformResources::builder()
            .instance_type(transform.instance_type.as_str().into())
            .instance_count(number(transform.count))
            .set_volume_kms_key_id(transform.volume_key.clone());
        let call = self
            .sagemaker
            .create_transform_job()
            .transform_job_name(name)
            .model_name(model_name)
            .set_environment(Some(transform.environment.clone().into_iter().collect()))
            .batch_strategy(api::BatchStrategy::MultiRecord)
            .transform_input(input.build())
            .transform_output(output.build())
            .transform_resources(resources.build())
            .set_tags(Some(self.tags(owner)));
        self.aws.call("sagemaker:CreateTransformJob", call.send())?;
        Ok(())
    }

    /// Waits until a batch transform has ended, and passes each event to `on_event`.
    ///
    /// # Errors
    ///
    /// Fails if the job fails or is stopped, if the timeout passes, or if SageMaker refuses.
    pub fn watch_transform(
        &self,
        name: &str,
        watch: Watch,
        on_event: &mut dyn FnMut(WatchEvent<'_, TransformJob>),
    ) -> Result<TransformJob, CloudError> {
        const ACTION: &str = "sagemaker:DescribeTransformJob";
        let describe = || {
            let call = self.sagemaker.describe_transform_job().transform_job_name(name);
            let job = self.aws.call(ACTION, call.send())?;
            let status = job.transform_job_status;
            let status = status.ok_or_else(|| Self::missing(ACTION, "TransformJobStatus"))?;
            Ok(TransformJob {
                name: name.to_owned(),
                status: status.as_str().to_owned(),
                failure_reason: job.failure_reason.filter(|reason| !reason.is_empty()),
                started: job.transform_start_time.map(|time| time.as_secs_f64()),
                ended: job.transform_end_time.map(|time| time.as_secs_f64()),
            })
        };
        let id = format!("transform job {name}");
        let job = until_over(&id, watch, describe, TransformJob::is_over, on_event)?;
        if job.status != "Completed" {
            return Err(CloudError::TransformFailed {
                name: job.name,
                status: job.status,
                reason: job.failure_reason.unwrap_or_else(|| "no reason given".to_owned()),
            });
        }
        Ok(job)
    }
}

//! The jobs behind steps: their description and their outputs.

use std::collections::BTreeMap;

use aws::CallError;

use crate::Cloud;

/// A job, identified by its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SageMakerJob {
    /// The job of a Processing step.
    Processing(String),
    /// The job of a Training step.
    Training(String),
}

/// A job as SageMaker describes it.
#[derive(Debug, Default)]
pub struct JobDescription {
    /// The reason of a failure, in the program's words if it left any.
    pub reason: Option<String>,
    /// The reason of a failure in the service's words.
    pub service_reason: Option<String>,
    /// The S3 address of each output, by name.
    pub outputs: BTreeMap<String, String>,
    /// The values that its metric definitions have found so far.
    pub metrics: BTreeMap<String, f32>,
}

impl SageMakerJob {
    /// Returns the ARN.
    pub fn arn(&self) -> &str {
        let (Self::Processing(arn) | Self::Training(arn)) = self;
        arn
    }

    pub(crate) fn name(&self) -> &str {
        self.arn().rsplit('/').next().unwrap_or_default()
    }

    pub(crate) fn log_group(&self) -> &'static str {
        match self {
            Self::Processing(_) => "/aws/sagemaker/ProcessingJobs",
            Self::Training(_) => "/aws/sagemaker/TrainingJobs",
        }
    }
}

impl Cloud {
    /// Describes a job.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn job(&self, job: &SageMakerJob) -> Result<JobDescription, CallError> {
        match job {
            SageMakerJob::Processing(_) => {
                let call = self.sagemaker.describe_processing_job().processing_job_name(job.name());
                let answer = self.aws.call("sagemaker:DescribeProcessingJob", call.send())?;
                let message = answer.exit_message.filter(|message| !message.is_empty());
                let service_reason = answer.failure_reason.clone();
                let reason = match (message, answer.failure_reason) {
                    (Some(message), Some(reason)) => Some(format!("{message} ({reason})")),
                    (message, reason) => message.or(reason),
                };
                let outputs = answer.processing_output_config.and_then(|config| config.outputs);
                let output = |output: aws::sagemaker::types::ProcessingOutput| {
                    Some((output.output_name?, output.s3_output?.s3_uri?))
                };
                let outputs = outputs.unwrap_or_default().into_iter().filter_map(output).collect();
                Ok(JobDescription { reason, service_reason, outputs, metrics: BTreeMap::new() })
            }
            SageMakerJob::Training(_) => {
                let call = self.sagemaker.describe_training_job().training_job_name(job.name());
                let answer = self.aws.call("sagemaker:DescribeTrainingJob", call.send())?;
                let model = answer.model_artifacts.and_then(|model| model.s3_model_artifacts);
                let metrics = answer.final_metric_data_list.unwrap_or_default().into_iter();
                Ok(JobDescription {
                    reason: answer.failure_reason.clone(),
                    service_reason: answer.failure_reason,
                    outputs: model.map(|model| ("model".to_owned(), model)).into_iter().collect(),
                    metrics: metrics.filter_map(|m| Some((m.metric_name?, m.value?))).collect(),
                })
            }
        }
    }
}

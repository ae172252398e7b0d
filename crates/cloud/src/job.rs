//! The jobs behind steps: their description, their inputs and outputs, and what they are billed for.

use std::collections::BTreeMap;
use std::time::Duration;

use aws::CallError;
use aws::sagemaker::operation::describe_processing_job::DescribeProcessingJobOutput;
use aws::sagemaker::operation::describe_training_job::DescribeTrainingJobOutput;
use aws::sagemaker::types::{ProcessingInput, ProcessingOutput};

use crate::Cloud;
use crate::time::{between, time};

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
    /// What a running job is doing, in the service's words, such as `Downloading`.
    pub activity: Option<String>,
    /// The address of the image.
    pub image: Option<String>,
    /// The S3 address of each input, by name.
    pub inputs: BTreeMap<String, String>,
    /// The S3 address of each output, by name.
    pub outputs: BTreeMap<String, String>,
    /// The values that its metric definitions have found so far.
    pub metrics: BTreeMap<String, f32>,
    /// What the job is billed for so far; none before its instances have started.
    pub billed: Vec<BilledInstances>,
}

/// Instances of one type that a job is billed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BilledInstances {
    /// The type, such as ml.m5.large.
    pub instance_type: String,
    /// The number of instances.
    pub count: u32,
    /// The time that each of them is billed for.
    pub time: Duration,
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
                Ok(JobDescription::of_processing(answer))
            }
            SageMakerJob::Training(_) => {
                let call = self.sagemaker.describe_training_job().training_job_name(job.name());
                let answer = self.aws.call("sagemaker:DescribeTrainingJob", call.send())?;
                Ok(JobDescription::of_training(answer))
            }
        }
    }
}

impl JobDescription {
    fn of_processing(answer: DescribeProcessingJobOutput) -> Self {
        // SageMaker bills a Processing job from the start of its container to its end.
        let cluster = answer.processing_resources.and_then(|resources| resources.cluster_config);
        let started = time(answer.processing_start_time);
        let billed = cluster.zip(started).map(|(cluster, started)| BilledInstances {
            instance_type: cluster.instance_type.map_or_else(String::new, |t| t.to_string()),
            count: number(cluster.instance_count),
            time: between(Some(started), time(answer.processing_end_time)),
        });
        let message = answer.exit_message.filter(|message| !message.is_empty());
        let service_reason = answer.failure_reason.clone();
        let reason = match (message, answer.failure_reason) {
            (Some(message), Some(reason)) => Some(format!("{message} ({reason})")),
            (message, reason) => message.or(reason),
        };
        let input = |input: ProcessingInput| Some((input.input_name?, input.s3_input?.s3_uri?));
        let output =
            |output: ProcessingOutput| Some((output.output_name?, output.s3_output?.s3_uri?));
        let outputs = answer.processing_output_config.and_then(|config| config.outputs);
        Self {
            reason,
            service_reason,
            activity: None,
            image: answer.app_specification.and_then(|app| app.image_uri),
            inputs: answer.processing_inputs.into_iter().flatten().filter_map(input).collect(),
            outputs: outputs.unwrap_or_default().into_iter().filter_map(output).collect(),
            metrics: BTreeMap::new(),
            billed: billed.into_iter().collect(),
        }
    }

    fn of_training(answer: DescribeTrainingJobOutput) -> Self {
        let started = time(answer.training_start_time);
        // The service counts the seconds when the job has ended.
        let seconds = answer.billable_time_in_seconds.and_then(|seconds| seconds.try_into().ok());
        let billed_time = seconds
            .map(Duration::from_secs)
            .or_else(|| started.map(|at| between(Some(at), time(answer.training_end_time))));
        let billed = answer.resource_config.zip(billed_time).map(|(resources, time)| {
            let of = |instance_type: Option<String>, count| BilledInstances {
                instance_type: instance_type.unwrap_or_default(),
                count: number(count),
                time,
            };
            let groups = resources.instance_groups.unwrap_or_default();
            if groups.is_empty() {
                let instance_type = resources.instance_type.map(|t| t.to_string());
                return vec![of(instance_type, resources.instance_count)];
            }
            let group_type = |group: &aws::sagemaker::types::InstanceGroup| {
                group.instance_type.as_ref().map(ToString::to_string)
            };
            groups.iter().map(|group| of(group_type(group), group.instance_count)).collect()
        });
        let channels = answer.input_data_config.unwrap_or_default().into_iter();
        let inputs = channels.filter_map(|channel| {
            Some((channel.channel_name?, channel.data_source?.s3_data_source?.s3_uri?))
        });
        let model = answer.model_artifacts.and_then(|model| model.s3_model_artifacts);
        let metrics = answer.final_metric_data_list.unwrap_or_default().into_iter();
        Self {
            reason: answer.failure_reason.clone(),
            service_reason: answer.failure_reason,
            activity: answer.secondary_status.map(|status| status.as_str().to_owned()),
            image: answer.algorithm_specification.and_then(|algorithm| algorithm.training_image),
            inputs: inputs.collect(),
            outputs: model.map(|model| ("model".to_owned(), model)).into_iter().collect(),
            metrics: metrics.filter_map(|m| Some((m.metric_name?, m.value?))).collect(),
            billed: billed.unwrap_or_default(),
        }
    }
}

/// Returns a number of instances. The service says none that is negative.
fn number(count: Option<i32>) -> u32 {
    count.and_then(|count| count.try_into().ok()).unwrap_or(0)
}

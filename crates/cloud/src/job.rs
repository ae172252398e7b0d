//! The jobs behind steps: their description, their outputs and their logs.

use std::collections::BTreeMap;

use aws::CallError;

use crate::Cloud;

/// The number of lines in the tail of a log.
const TAIL: i32 = 20;

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

    fn name(&self) -> &str {
        self.arn().rsplit('/').next().unwrap_or_default()
    }

    fn log_group(&self) -> &'static str {
        match self {
            Self::Processing(_) => "/aws/sagemaker/ProcessingJobs",
            Self::Training(_) => "/aws/sagemaker/TrainingJobs",
        }
    }
}

/// A job's log and the position up to which it was read.
#[derive(Debug)]
pub struct JobLog {
    /// The job.
    pub job: SageMakerJob,
    /// The token of the next page of each stream. Every host has a stream.
    tokens: BTreeMap<String, Option<String>>,
}

impl JobLog {
    /// Makes a log that is read from its beginning.
    pub fn new(job: SageMakerJob) -> Self {
        Self { job, tokens: BTreeMap::new() }
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

    /// Returns the last 20 lines of each host's log.
    ///
    /// # Errors
    ///
    /// Fails if CloudWatch Logs refuses.
    pub fn log_tail(&self, job: &SageMakerJob) -> Result<Vec<String>, CallError> {
        let streams = self.log_streams(job)?;
        let mut lines = Vec::new();
        for stream in &streams {
            let call = self
                .aws
                .logs()
                .get_log_events()
                .log_group_name(job.log_group())
                .log_stream_name(stream)
                .start_from_head(false)
                .limit(TAIL);
            let answer = self.aws.call("logs:GetLogEvents", call.send())?;
            let events = answer.events.unwrap_or_default().into_iter();
            lines.extend(
                events.filter_map(|event| Some(with_host(stream, streams.len(), event.message?))),
            );
        }
        Ok(lines)
    }

    /// Passes the lines that were logged since the last call to `on_line`, until it returns false.
    /// Returns whether all lines were passed.
    ///
    /// # Errors
    ///
    /// Fails if CloudWatch Logs refuses.
    pub fn read_log(
        &self,
        log: &mut JobLog,
        on_line: &mut dyn FnMut(&str) -> bool,
    ) -> Result<bool, CallError> {
        /// The number of empty pages in a row after which reading stops. The service may return an
        /// empty page before further events.
        const MAX_EMPTY: u32 = 10;
        for stream in self.log_streams(&log.job)? {
            log.tokens.entry(stream).or_insert(None);
        }
        let (group, hosts) = (log.job.log_group(), log.tokens.len());
        for (stream, token) in &mut log.tokens {
            let mut empty = 0;
            while empty < MAX_EMPTY {
                let call = self
                    .aws
                    .logs()
                    .get_log_events()
                    .log_group_name(group)
                    .log_stream_name(stream)
                    .start_from_head(true)
                    .set_next_token(token.clone());
                let answer = self.aws.call("logs:GetLogEvents", call.send())?;
                let events = answer.events.unwrap_or_default();
                empty = if events.is_empty() { empty + 1 } else { 0 };
                for message in events.into_iter().filter_map(|event| event.message) {
                    if !on_line(&with_host(stream, hosts, message)) {
                        return Ok(false);
                    }
                }
                let next = answer.next_forward_token;
                // The service repeats the token at the end of the log.
                if next.is_none() || next == *token {
                    break;
                }
                *token = next;
            }
        }
        Ok(true)
    }

    /// Lists the log streams of a job, one for each host that has logged something.
    fn log_streams(&self, job: &SageMakerJob) -> Result<Vec<String>, CallError> {
        let call = self
            .aws
            .logs()
            .describe_log_streams()
            .log_group_name(job.log_group())
            .log_stream_name_prefix(format!("{}/", job.name()));
        match self.aws.call("logs:DescribeLogStreams", call.send()) {
            Ok(answer) => {
                let streams = answer.log_streams.unwrap_or_default().into_iter();
                Ok(streams.filter_map(|stream| stream.log_stream_name).collect())
            }
            // no job of this kind has logged anything yet
            Err(error) if error.is_absent() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// Formats a line of a log, with its host's name in front if there are several hosts.
fn with_host(stream: &str, hosts: usize, message: String) -> String {
    let message = message.trim_end();
    match stream.rsplit('/').next() {
        Some(host) if hosts > 1 => format!("{host}: {message}"),
        _ => message.to_owned(),
    }
}

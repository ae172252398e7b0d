//! The jobs behind steps: how they ended, what they left, and `orchestrator logs`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use aws::CallError;
use clap::Args;
use common::{Exit, chain, printable};

use super::Cloud;
use super::execution::Step;
use crate::command::{CommandError, Config};
use crate::progress::say;

/// How many of a failed job's last log lines are shown.
const TAIL: i32 = 20;
/// Between two looks at a log that is followed.
const PAUSE: Duration = Duration::from_secs(5);

/// What `logs` is told.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: Config,
    /// The step
    step: String,
    /// The execution's id or ARN [default: the latest]
    #[arg(long, value_name = "ID")]
    execution: Option<String>,
    /// Go on until the step ends
    #[arg(long)]
    follow: bool,
}

/// A job, by its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Of a Processing step.
    Processing(String),
    /// Of a Training step.
    Training(String),
}

/// What is known of a job.
#[derive(Debug, Default)]
pub struct Described {
    /// Why it failed, in the program's words if it had any.
    pub reason: Option<String>,
    /// Why it failed, in the service's.
    pub service: Option<String>,
    /// Where its outputs are, by name.
    pub outputs: BTreeMap<String, String>,
    /// What its metric definitions found so far.
    pub metrics: BTreeMap<String, f32>,
}

impl Job {
    /// Its name to IAM, CloudTrail and events.
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

/// Prints the log of a step's job.
pub fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let cloud = Cloud::connect(&arguments.config)?;
    let arn = cloud.find(arguments.execution.as_deref())?;
    let mut log: Option<Log> = None;
    loop {
        let execution = match cloud.execution(&arn) {
            // whoever follows waits for the way to come back
            Err(error) if arguments.follow && error.is_transient() => {
                say(&format!("{}; asking again", chain(&error)));
                thread::sleep(PAUSE);
                continue;
            }
            execution => execution?,
        };
        let is_over = execution.is_over();
        let step = execution.steps.iter().find(|step| step.name == arguments.step);
        let ended = is_over || step.is_some_and(Step::is_over);
        match step {
            Some(Step { job: Some(job), .. }) => {
                // a step that is tried again has another job
                let log = match &mut log {
                    Some(log) if log.job == *job => log,
                    other => other.insert(Log::of(job.clone())),
                };
                match cloud.read_log(log, &mut shown_line) {
                    Ok(true) => {}
                    // nobody reads any more
                    Ok(false) => return Ok(Exit::Done),
                    Err(error) if arguments.follow && error.is_transient() && !ended => {
                        say(&format!("{}; asking again", chain(&error)));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Some(step) if ended => {
                let what =
                    if step.cached { "was taken from an earlier execution" } else { "ran no job" };
                return Err(CommandError::Aws(format!(
                    "step {} {what}, so it has no log",
                    step.name
                )));
            }
            None if is_over || !arguments.follow => {
                let names: Vec<_> = execution.steps.iter().map(|step| step.name.as_str()).collect();
                return Err(CommandError::Aws(format!(
                    "execution {} has not reached a step {}; it has {}",
                    execution.id(),
                    arguments.step,
                    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
                )));
            }
            Some(_) | None => {}
        }
        if ended || !arguments.follow {
            return Ok(Exit::Done);
        }
        thread::sleep(PAUSE);
    }
}

/// Prints a line; false where nobody reads it.
fn shown_line(line: &str) -> bool {
    writeln!(io::stdout().lock(), "{}", printable(line)).is_ok()
}

/// A job's log and how far it was read.
struct Log {
    job: Job,
    /// The place in each stream, one for every host.
    places: BTreeMap<String, Option<String>>,
}

impl Log {
    fn of(job: Job) -> Self {
        Self { job, places: BTreeMap::new() }
    }
}

impl Cloud {
    /// A job as it stands.
    pub fn job(&self, job: &Job) -> Result<Described, CallError> {
        match job {
            Job::Processing(_) => {
                let call = self.sagemaker.describe_processing_job().processing_job_name(job.name());
                let answer = self.aws.call("sagemaker:DescribeProcessingJob", call.send())?;
                let message = answer.exit_message.filter(|message| !message.is_empty());
                let service = answer.failure_reason.clone();
                let reason = match (message, answer.failure_reason) {
                    (Some(message), Some(reason)) => Some(format!("{message} ({reason})")),
                    (message, reason) => message.or(reason),
                };
                let outputs = answer.processing_output_config.and_then(|config| config.outputs);
                let output = |output: aws::sagemaker::types::ProcessingOutput| {
                    Some((output.output_name?, output.s3_output?.s3_uri?))
                };
                let outputs = outputs.unwrap_or_default().into_iter().filter_map(output).collect();
                Ok(Described { reason, service, outputs, metrics: BTreeMap::new() })
            }
            Job::Training(_) => {
                let call = self.sagemaker.describe_training_job().training_job_name(job.name());
                let answer = self.aws.call("sagemaker:DescribeTrainingJob", call.send())?;
                let model = answer.model_artifacts.and_then(|model| model.s3_model_artifacts);
                let metrics = answer.final_metric_data_list.unwrap_or_default().into_iter();
                Ok(Described {
                    reason: answer.failure_reason.clone(),
                    service: answer.failure_reason,
                    outputs: model.map(|model| ("model".to_owned(), model)).into_iter().collect(),
                    metrics: metrics.filter_map(|m| Some((m.metric_name?, m.value?))).collect(),
                })
            }
        }
    }

    /// The last lines of a job's log.
    pub fn log_tail(&self, job: &Job) -> Result<Vec<String>, CallError> {
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
                events.filter_map(|event| Some(shown(stream, streams.len(), event.message?))),
            );
        }
        Ok(lines)
    }

    /// Tells what a log has had since it was last read, until `tell` has enough.
    fn read_log(
        &self,
        log: &mut Log,
        tell: &mut dyn FnMut(&str) -> bool,
    ) -> Result<bool, CallError> {
        /// The service may answer with nothing and yet have more, though not for ever.
        const MOST_EMPTY: u32 = 10;
        for stream in self.log_streams(&log.job)? {
            log.places.entry(stream).or_insert(None);
        }
        let (group, hosts) = (log.job.log_group(), log.places.len());
        for (stream, place) in &mut log.places {
            let mut empty = 0;
            while empty < MOST_EMPTY {
                let call = self
                    .aws
                    .logs()
                    .get_log_events()
                    .log_group_name(group)
                    .log_stream_name(stream)
                    .start_from_head(true)
                    .set_next_token(place.clone());
                let answer = self.aws.call("logs:GetLogEvents", call.send())?;
                let events = answer.events.unwrap_or_default();
                empty = if events.is_empty() { empty + 1 } else { 0 };
                for message in events.into_iter().filter_map(|event| event.message) {
                    if !tell(&shown(stream, hosts, message)) {
                        return Ok(false);
                    }
                }
                let next = answer.next_forward_token;
                // the same token again is the end so far
                if next.is_none() || next == *place {
                    break;
                }
                *place = next;
            }
        }
        Ok(true)
    }

    /// The streams of a job, one for every host that has said something.
    fn log_streams(&self, job: &Job) -> Result<Vec<String>, CallError> {
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
            // no job of this kind has said anything yet
            Err(error) if error.is_absent() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// A line of a log; with its host in front where there are several.
fn shown(stream: &str, hosts: usize, message: String) -> String {
    let message = message.trim_end();
    match stream.rsplit('/').next() {
        Some(host) if hosts > 1 => format!("{host}: {message}"),
        _ => message.to_owned(),
    }
}

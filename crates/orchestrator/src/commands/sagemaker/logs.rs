//! `orchestrator logs`: prints the log of a step's job.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use clap::{Args, value_parser};
use cloud::{Cloud, Log, LogLine, SageMakerExecution, SageMakerStep};
use common::{Exit, chain, printable};
use jiff::Timestamp;
use serde_json::json;

use super::connect::connect;
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;
use crate::output::{printable_json, say};
use crate::sagemaker_error::SageMakerError;

/// The time between two reads of a log that is followed.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Arguments of the logs command.
#[derive(Debug, Args)]
pub struct LogsArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// The step
    step: String,
    /// The execution's id or ARN [default: the latest]
    #[arg(long, value_name = "ID")]
    execution: Option<String>,
    /// Go on until the step ends
    #[arg(long)]
    follow: bool,
    /// Only what was logged in the last minutes
    #[arg(long, value_name = "MINUTES")]
    since: Option<u32>,
    /// Only the last lines of each host, and what follows
    #[arg(long, value_name = "LINES", value_parser = value_parser!(i32).range(1..=10_000))]
    tail: Option<i32>,
    /// Begin each line with its time
    #[arg(long, conflicts_with = "json")]
    times: bool,
    /// Print each line as a JSON object: time, host if there are several, message
    #[arg(long)]
    json: bool,
}

/// Prints the log of a step's job. With `--follow` it prints new lines until the step ends.
pub fn run(arguments: &LogsArgs) -> Result<Exit, CommandError> {
    let (_, cloud) = connect(&arguments.config)?;
    let arn = cloud.find(arguments.execution.as_deref())?;
    let since = arguments
        .since
        .map(|minutes| Timestamp::now().as_millisecond() - i64::from(minutes) * 60_000);
    let mut lines = 0_u64;
    let mut print = |line: &LogLine| {
        lines += 1;
        print_line(&arguments.format(line))
    };
    let mut log: Option<Log> = None;
    loop {
        let execution = match cloud.execution(&arn) {
            // With --follow the command retries until AWS can be reached again.
            Err(error) if arguments.follow && error.is_transient() => {
                say(&format!("{}; asking again", chain(&error)));
                thread::sleep(POLL_INTERVAL);
                continue;
            }
            execution => execution.map_err(SageMakerError::Call)?,
        };
        let step = execution.steps.iter().find(|step| step.name == arguments.step);
        let ended = execution.is_over() || step.is_some_and(SageMakerStep::is_over);
        if let Some(job) = step.and_then(|step| step.job.as_ref()) {
            // A retried step has a new job.
            let log = match &mut log {
                Some(log) if log.is_of(job) => log,
                other => other.insert(Log::of_job(job, since).tail(arguments.tail)),
            };
            match cloud.read_log(log, &mut print) {
                Ok(true) => {}
                // Standard output was closed.
                Ok(false) => return Ok(Exit::Done),
                Err(error) if arguments.follow && error.is_transient() && !ended => {
                    say(&format!("{}; asking again", chain(&error)));
                }
                Err(error) => return Err(SageMakerError::Call(error).into()),
            }
        } else {
            arguments.require_job(&execution, step)?;
        }
        if ended || !arguments.follow {
            break;
        }
        thread::sleep(POLL_INTERVAL);
    }
    if lines == 0 {
        let begun = log.as_ref().is_some_and(Log::has_begun);
        say(&arguments.why_empty(&cloud, begun));
    }
    Ok(Exit::Done)
}

impl LogsArgs {
    /// Refuses a step without a job that will have none, or has none yet if it is not followed.
    fn require_job(
        &self,
        execution: &SageMakerExecution,
        step: Option<&SageMakerStep>,
    ) -> Result<(), CommandError> {
        let ended = execution.is_over() || step.is_some_and(SageMakerStep::is_over);
        let message = match step {
            Some(step) if ended => {
                let what =
                    if step.cached { "was taken from an earlier execution" } else { "ran no job" };
                format!("step {} {what}, so it has no log", step.name)
            }
            None if ended || !self.follow => {
                let names: Vec<_> = execution.steps.iter().map(|step| step.name.as_str()).collect();
                format!(
                    "execution {} has not reached a step {}; it has {}",
                    execution.id(),
                    self.step,
                    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
                )
            }
            Some(_) | None => return Ok(()),
        };
        Err(CommandError::SageMaker(SageMakerError::NoLog(message)))
    }

    /// Formats a line of the log.
    fn format(&self, line: &LogLine) -> String {
        let time = || Timestamp::from_millisecond(line.time?).ok();
        let time = time().map(|time| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
        if self.json {
            let mut object = json!({ "time": time, "message": line.message });
            if let Some(host) = &line.host {
                object["host"] = host.as_str().into();
            }
            return printable_json(&object.to_string());
        }
        printable(&match time.filter(|_| self.times) {
            Some(time) => format!("{time} {line}"),
            None => line.to_string(),
        })
    }

    /// Says why there is no line. `begun` is whether a host has logged something.
    fn why_empty(&self, cloud: &Cloud, begun: bool) -> String {
        let Self { step, since, .. } = self;
        let region = &cloud.target().region;
        match since {
            Some(minutes) if begun => {
                format!(
                    "{step} has said nothing in the last {minutes} minutes; --since looks further back."
                )
            }
            _ if begun => format!("{step} has said nothing."),
            _ => format!(
                "{step} has no log stream in {region}: its container has said nothing yet, or never began."
            ),
        }
    }
}

/// Prints a line. Returns whether standard output is still open.
pub fn print_line(line: &str) -> bool {
    writeln!(io::stdout().lock(), "{line}").is_ok()
}

//! `orchestrator logs`: prints the log of a step's job.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use clap::Args;
use cloud::{Log, SageMakerStep};
use common::{Exit, chain, printable};

use super::connect::connect;
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;
use crate::output::say;
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
}

/// Prints the log of a step's job. With `--follow` it prints new lines until the step ends.
pub fn run(arguments: &LogsArgs) -> Result<Exit, CommandError> {
    let (_, cloud) = connect(&arguments.config)?;
    let arn = cloud.find(arguments.execution.as_deref())?;
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
        let is_over = execution.is_over();
        let step = execution.steps.iter().find(|step| step.name == arguments.step);
        let ended = is_over || step.is_some_and(SageMakerStep::is_over);
        match step {
            Some(SageMakerStep { job: Some(job), .. }) => {
                // A retried step has a new job.
                let log = match &mut log {
                    Some(log) if log.is_of(job) => log,
                    other => other.insert(Log::of_job(job)),
                };
                match cloud.read_log(log, &mut print_line) {
                    Ok(true) => {}
                    // Standard output was closed.
                    Ok(false) => return Ok(Exit::Done),
                    Err(error) if arguments.follow && error.is_transient() && !ended => {
                        say(&format!("{}; asking again", chain(&error)));
                    }
                    Err(error) => return Err(SageMakerError::Call(error).into()),
                }
            }
            Some(step) if ended => {
                let what =
                    if step.cached { "was taken from an earlier execution" } else { "ran no job" };
                return Err(CommandError::SageMaker(SageMakerError::NoLog(format!(
                    "step {} {what}, so it has no log",
                    step.name
                ))));
            }
            None if is_over || !arguments.follow => {
                let names: Vec<_> = execution.steps.iter().map(|step| step.name.as_str()).collect();
                return Err(CommandError::SageMaker(SageMakerError::NoLog(format!(
                    "execution {} has not reached a step {}; it has {}",
                    execution.id(),
                    arguments.step,
                    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
                ))));
            }
            Some(_) | None => {}
        }
        if ended || !arguments.follow {
            return Ok(Exit::Done);
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Prints a line. Returns whether standard output is still open.
pub fn print_line(line: &str) -> bool {
    writeln!(io::stdout().lock(), "{}", printable(line)).is_ok()
}

//! `orchestrator watch`: an execution seen to its end.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use aws::CallError;
use clap::Args;
use common::{Exit, chain};
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use super::Cloud;
use super::execution::{Execution, Step};
use super::job::Job;
use super::report::Ending;
use crate::command::{CommandError, Config, print_json};
use crate::progress::{self, Progress};
use local::StepRecord;

/// What `watch` is told.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: Config,
    /// The execution's id or ARN [default: the latest]
    execution: Option<String>,
    #[command(flatten)]
    watching: Watching,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// How an execution is watched.
#[derive(Debug, Args)]
pub struct Watching {
    /// How often SageMaker is asked
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = positive)]
    interval: f64,
    /// Give up watching after so long, with exit code 1; the execution goes on
    #[arg(long, value_name = "MINUTES", value_parser = positive)]
    timeout: Option<f64>,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (0.001..=1e6).contains(&number) => Ok(number),
        _ => Err("expected a number from 0.001 to 1000000".to_owned()),
    }
}

/// How long AWS may be out of reach before watching is given up.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// The longest wait between two tries to reach it.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How exactly the end of --timeout is met.
const POLL: Duration = Duration::from_millis(50);

/// Watches and prints how it ended.
pub fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let cloud = Cloud::connect(&arguments.config)?;
    let arn = cloud.find(arguments.execution.as_deref())?;
    let ending = to_the_end(&cloud, &arn, &arguments.watching)?;
    if arguments.json {
        print_json(&ending.report)?;
    } else {
        ending.print(&cloud)?;
    }
    Ok(ending.exit)
}

/// Watches an execution until it is over. An interrupt ends the watching and this program, not the
/// execution.
pub fn to_the_end(cloud: &Cloud, arn: &str, watching: &Watching) -> Result<Ending, CommandError> {
    let id = Execution::id_of(arn).to_owned();
    let mut signals = Signals::new([SIGINT]).map_err(CommandError::Begin)?;
    let handle = signals.handle();
    let named = id.clone();
    let listener = thread::spawn(move || {
        for _ in signals.forever() {
            say_that_it_goes_on(&named);
            // as if nobody had caught it, so that a shell sees what happened
            let _ = low_level::emulate_default_handler(SIGINT);
        }
    });
    let watch = Watch {
        id: &id,
        interval: Duration::from_secs_f64(watching.interval),
        until: watching.timeout.map(|m| Instant::now() + Duration::from_secs_f64(m * 60.0)),
    };
    let mut view = View { cloud, progress: progress::stderr(), seen: BTreeMap::new() };
    let execution = watch.until_over(|| {
        let execution = cloud.execution(arn)?;
        view.show(&execution);
        Ok(execution)
    })?;
    drop(view);
    let ending = Ending::of(cloud, &execution);
    handle.close();
    // it ends with its signals
    let _ = listener.join();
    Ok(ending)
}

struct Watch<'a> {
    id: &'a str,
    interval: Duration,
    until: Option<Instant>,
}

impl Watch<'_> {
    /// Asks again and again, and survives that nobody answers.
    fn until_over(
        &self,
        mut ask: impl FnMut() -> Result<Execution, CallError>,
    ) -> Result<Execution, CommandError> {
        let mut heard = Instant::now();
        let mut wait = self.interval;
        loop {
            match ask() {
                Ok(execution) if execution.is_over() => return Ok(execution),
                Ok(_) => {
                    heard = Instant::now();
                    wait = self.interval;
                }
                Err(error) if error.is_transient() && heard.elapsed() < PATIENCE => {
                    wait = (wait * 2).min(LONGEST_WAIT.max(self.interval));
                    let seconds = wait.as_secs_f64();
                    progress::say(&format!("{}; asking again in {seconds:.0} s", chain(&error)));
                }
                Err(error) => {
                    say_that_it_goes_on(self.id);
                    return Err(error.into());
                }
            }
            let next = Instant::now() + wait;
            loop {
                if self.until.is_some_and(|until| Instant::now() >= until) {
                    say_that_it_goes_on(self.id);
                    return Err(CommandError::Late { execution: self.id.to_owned() });
                }
                let left = next.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                thread::sleep(left.min(POLL));
            }
        }
    }
}

fn say_that_it_goes_on(id: &str) {
    progress::say(&format!(
        "Execution {id} goes on: `orchestrator watch {id}` follows it, `orchestrator stop {id}` stops it."
    ));
}

/// What has been shown of an execution.
struct View<'a> {
    cloud: &'a Cloud,
    progress: Box<dyn Progress>,
    seen: BTreeMap<String, Seen>,
}

#[derive(Default)]
struct Seen {
    began: bool,
    attempts: u32,
    over: bool,
    metrics: BTreeMap<String, f32>,
}

impl View<'_> {
    /// Shows what is new.
    fn show(&mut self, execution: &Execution) {
        for step in &execution.steps {
            let seen = self.seen.entry(step.name.clone()).or_default();
            // a retried execution runs it again
            if seen.over && !step.is_over() {
                *seen = Seen::default();
            }
            if seen.over {
                continue;
            }
            if seen.attempts > 0 && step.attempts > seen.attempts {
                let reason = step.failure_reason.as_deref().unwrap_or("the service says no more");
                self.progress.retried(&step.name, reason, seen.attempts);
            }
            seen.attempts = step.attempts;
            if !step.is_over() {
                if !seen.began {
                    self.progress.began(&step.name, step.duration());
                    seen.began = true;
                }
                if let Some(job @ Job::Training(_)) = &step.job {
                    // a metric that cannot be asked for now comes later
                    let now = self.cloud.job(job).map(|job| job.metrics).unwrap_or_default();
                    for (name, value) in &now {
                        if seen.metrics.get(name) != Some(value) {
                            self.progress.note(&format!("{:<18} {name} {value}", step.name));
                        }
                    }
                    seen.metrics.extend(now);
                }
                continue;
            }
            seen.over = true;
            self.end(step);
        }
    }

    fn end(&self, step: &Step) {
        let mut record = StepRecord::begun(&step.name, step.kind);
        record.status = match step.status.as_str() {
            "Succeeded" => local::Status::Succeeded,
            "Stopped" => local::Status::Stopped,
            _ => local::Status::Failed,
        };
        record.seconds = step.duration().as_secs_f64();
        record.cached = step.cached;
        let mut tail = Vec::new();
        if let (local::Status::Failed, Some(job)) = (record.status, &step.job) {
            match self.cloud.log_tail(job) {
                Ok(lines) => tail = lines,
                Err(error) => self.progress.note(&format!(
                    "The log of {} cannot be read: {}",
                    step.name,
                    chain(&error)
                )),
            }
        }
        self.progress.ended(&record, &tail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> CallError {
        CallError::Refused {
            action: "sagemaker:DescribePipelineExecution",
            code: code.to_owned(),
            message: "no".to_owned(),
            request_id: None,
        }
    }

    fn watch(script: Vec<Result<&str, CallError>>) -> Result<String, String> {
        let mut script = script.into_iter();
        let watch = Watch {
            id: "x1",
            interval: Duration::from_millis(1),
            until: Some(Instant::now() + Duration::from_secs(20)),
        };
        let ask = || {
            let status = script.next().unwrap()?.to_owned();
            Ok(Execution { status, ..Execution::default() })
        };
        watch.until_over(ask).map(|e| e.status).map_err(|error| error.to_string())
    }

    #[test]
    fn trouble_on_the_way_is_survived() {
        let unanswered = CallError::Unanswered { action: "a", source: "no route".into() };
        let script = vec![
            Ok("Executing"),
            Err(refused("ThrottlingException")),
            Err(unanswered),
            Err(refused("HTTP 503")),
            Ok("Stopping"),
            Ok("Succeeded"),
        ];
        assert_eq!(watch(script), Ok("Succeeded".to_owned()));
    }

    #[test]
    fn a_status_that_is_not_known_is_no_end() {
        assert_eq!(watch(vec![Ok("Hibernating"), Ok("Failed")]), Ok("Failed".to_owned()));
    }

    #[test]
    fn a_refusal_is_an_end() {
        let error = watch(vec![Ok("Executing"), Err(refused("ExpiredToken"))]).unwrap_err();
        insta::assert_snapshot!(error, @"sagemaker:DescribePipelineExecution was refused with ExpiredToken: no; renew the credentials");
    }
}

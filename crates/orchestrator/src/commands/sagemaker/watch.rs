//! `orchestrator watch`: watches an execution to its end.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use cloud::{
    Cloud, CloudError, Log, SageMakerExecution, SageMakerJob, SageMakerStep, Watch, WatchEvent,
};
use common::{Exit, chain};
use local::{Progress, Status, StepRecord};
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use super::connect::connect;
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;
use crate::output::sagemaker_report::SageMakerReport;
use crate::output::{duration, print_json, progress, say};

/// Arguments of the watch command.
#[derive(Debug, Args)]
pub struct WatchArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// The execution's id or ARN [default: the latest]
    execution: Option<String>,
    #[command(flatten)]
    watching: WatchingArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// The number of lines of each host that are printed of a failed job's log.
const TAIL: i32 = 20;

/// The arguments of all commands that watch something.
#[derive(Debug, Args)]
pub struct WatchingArgs {
    /// How often SageMaker is asked
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = parse_positive)]
    interval: f64,
    /// Give up watching after so long, with exit code 1; what is watched goes on
    #[arg(long, value_name = "MINUTES", value_parser = parse_positive)]
    timeout: Option<f64>,
}

impl WatchingArgs {
    /// Returns how to watch.
    pub fn watch(&self) -> Watch {
        Watch {
            interval: Duration::from_secs_f64(self.interval),
            timeout: self.timeout.map(|minutes| Duration::from_secs_f64(minutes * 60.0)),
        }
    }
}

/// Parses a duration that `Duration::from_secs_f64` accepts.
pub fn parse_positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (0.001..=1e6).contains(&number) => Ok(number),
        _ => Err("expected a number from 0.001 to 1000000".to_owned()),
    }
}

/// Watches the execution and prints its report.
pub fn run(arguments: &WatchArgs) -> Result<Exit, CommandError> {
    let (settings, cloud) = connect(&arguments.config)?;
    let arn = cloud.find(arguments.execution.as_deref())?;
    let report = watch_to_end(&cloud, &arn, &arguments.watching)?;
    if arguments.json {
        print_json(&report.to_json(&settings))?;
    } else {
        report.print(&settings)?;
    }
    Ok(report.exit)
}

/// Watches an execution until it has ended. SIGINT ends this program, but not the execution.
pub fn watch_to_end(
    cloud: &Cloud,
    arn: &str,
    arguments: &WatchingArgs,
) -> Result<SageMakerReport, CommandError> {
    let id = SageMakerExecution::id_of(arn);
    let goes_on = format!(
        "Execution {id} goes on: `orchestrator watch {id}` follows it, `orchestrator stop {id}` stops it."
    );
    let mut view = ProgressView {
        cloud,
        progress: progress::stderr(),
        shown: BTreeMap::new(),
        heartbeat: Heartbeat::default(),
    };
    let execution = interruptible(&goes_on, || {
        cloud.watch(arn, arguments.watch(), &mut |event| match event {
            WatchEvent::Described(execution) => view.show(execution),
            WatchEvent::Unreachable { error, wait } => say_unreachable(error, wait),
        })
    })?;
    drop(view);
    Ok(SageMakerReport::of(cloud, &execution))
}

/// Says that AWS is not within reach, and when it is asked again.
pub fn say_unreachable(error: &aws::CallError, wait: Duration) {
    say(&format!("{}; asking again in {:.0} s", chain(error), wait.as_secs_f64()));
}

/// Waits for something that goes on without this program. If SIGINT ends the program, or waiting ends too
/// early, `goes_on` is printed.
pub fn interruptible<T>(
    goes_on: &str,
    wait: impl FnOnce() -> Result<T, CloudError>,
) -> Result<T, CommandError> {
    let mut signals = Signals::new([SIGINT]).map_err(CommandError::Begin)?;
    let handle = signals.handle();
    let listener = thread::spawn({
        let goes_on = goes_on.to_owned();
        move || {
            for _ in signals.forever() {
                say(&goes_on);
                // The default action lets a shell see that the program was interrupted.
                let _ = low_level::emulate_default_handler(SIGINT);
            }
        }
    });
    let waited = wait();
    if let Err(CloudError::Timeout(_) | CloudError::Call(_)) = waited {
        say(goes_on);
    }
    handle.close();
    // The listener ends when its signals are closed.
    let _ = listener.join();
    Ok(waited?)
}

/// Prints the progress of an execution.
struct ProgressView<'a> {
    cloud: &'a Cloud,
    progress: Box<dyn Progress>,
    /// The state of each step that was printed last.
    shown: BTreeMap<String, ShownStep>,
    heartbeat: Heartbeat,
}

/// The time between two lines about steps that run, where standard error is no terminal.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// Decides when the steps that run are told: as soon as one begins, and then every minute.
#[derive(Default)]
struct Heartbeat {
    last: Option<Instant>,
}

impl Heartbeat {
    fn is_due(&mut self, now: Instant, has_begun: bool) -> bool {
        let is_due = has_begun || self.last.is_none_or(|last| now - last >= HEARTBEAT);
        if is_due {
            self.last = Some(now);
        }
        is_due
    }
}

#[derive(Default)]
struct ShownStep {
    began: bool,
    attempts: u32,
    ended: bool,
    activity: Option<String>,
    metrics: BTreeMap<String, f32>,
}

impl ProgressView<'_> {
    /// Prints the changes since the last call.
    fn show(&mut self, execution: &SageMakerExecution) {
        let mut has_begun = false;
        for step in &execution.steps {
            let shown = self.shown.entry(step.name.clone()).or_default();
            // In a retried execution the step runs again.
            if shown.ended && !step.is_over() {
                *shown = ShownStep::default();
            }
            if shown.ended {
                continue;
            }
            if shown.attempts > 0 && step.attempts > shown.attempts {
                let reason = step.failure_reason.as_deref().unwrap_or("the service says no more");
                self.progress.retried(&step.name, reason, shown.attempts);
            }
            shown.attempts = step.attempts;
            if !step.is_over() {
                if !shown.began {
                    self.progress.began(&step.name, step.duration());
                    shown.began = true;
                    has_begun = true;
                }
                if let Some(job @ SageMakerJob::Training(_)) = &step.job {
                    // What cannot be read now is read in the next call.
                    let job = self.cloud.job(job).unwrap_or_default();
                    if let Some(activity) = job.activity
                        && shown.activity.as_ref() != Some(&activity)
                    {
                        self.progress.note(&format!("{:<18} {activity}", step.name));
                        shown.activity = Some(activity);
                    }
                    for (name, value) in &job.metrics {
                        if shown.metrics.get(name) != Some(value) {
                            self.progress.note(&format!("{:<18} {name} {value}", step.name));
                        }
                    }
                    shown.metrics.extend(job.metrics);
                }
                continue;
            }
            shown.ended = true;
            self.print_ended(step);
        }
        // A terminal has a live line for each of these steps.
        if !progress::is_live() && self.heartbeat.is_due(Instant::now(), has_begun) {
            for step in execution.steps.iter().filter(|step| !step.is_over()) {
                let time = duration(step.duration().as_secs_f64());
                self.progress.note(&format!("{:<18} {:<10} {time:>9}", step.name, step.status));
            }
        }
    }

    /// Prints the result of a step, with the end of its log if it failed.
    fn print_ended(&self, step: &SageMakerStep) {
        let mut record = StepRecord::started(&step.name, step.kind);
        record.status = match step.status.as_str() {
            "Succeeded" => Status::Succeeded,
            "Stopped" => Status::Stopped,
            _ => Status::Failed,
        };
        record.seconds = step.duration().as_secs_f64();
        record.cached = step.cached;
        let mut tail = Vec::new();
        if let (Status::Failed, Some(job)) = (record.status, &step.job) {
            let mut log = Log::of_job(job, None).tail(Some(TAIL));
            let read = self.cloud.read_log(&mut log, &mut |line| {
                tail.push(line.to_string());
                true
            });
            if let Err(error) = read {
                let error = chain(&error);
                self.progress.note(&format!("The log of {} cannot be read: {error}", step.name));
            }
        }
        self.progress.ended(&record, &tail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_is_due_when_a_step_begins_and_every_minute() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::default();
        let mut is_due =
            |seconds, begun| heartbeat.is_due(start + Duration::from_secs(seconds), begun);
        assert!(is_due(0, true));
        assert!(!is_due(59, false));
        assert!(is_due(60, false));
        // A step that begins puts the next one off.
        assert!(is_due(90, true));
        assert!(!is_due(149, false));
        assert!(is_due(150, false));
    }
}

//! The scheduler of an execution: it decides which steps can start, evaluates their expressions and
//! records how they end.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use common::{Exit, chain};
use indexmap::IndexMap;
use pipeline::{
    Branch, Definition, EvaluationError, ExecutionVariable, Path, PlacedStep, RetryPolicy, Scope,
    Step, StepKind, Verdict, duration, evaluate_all, resolve_all,
};
use serde_json::Value;

use crate::attempt::JobRunner;
use crate::cache::Cache;
use crate::failure::JobFailure;
use crate::job::{LocalJob, arn};
use crate::process::Stop;
use crate::progress::Progress;
use crate::record::{LocalExecution, Status, StepRecord};
use crate::request::JobError;
use crate::runner::Runner;
use crate::store::Store;

/// The maximum wait between two attempts. Failures on this machine do not recover by waiting.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// Options of an execution.
pub struct RunOptions {
    /// The directory of the runs, with `s3`, `registry`, `cache` and `executions`.
    pub runs: Utf8PathBuf,
    /// The runner that starts the programs.
    pub runner: Box<dyn Runner>,
    /// The pipeline's name.
    pub pipeline_name: String,
    /// The parameters' values.
    pub parameters: IndexMap<String, Value>,
    /// The address at which the user's file or directory was stored, and the path that the user gave.
    /// Failure reasons show the path.
    pub named_input: Option<(String, String)>,
    /// Whether the results of unchanged steps are taken from the cache.
    pub cache: bool,
    /// The results of steps that are not run, by the step's name.
    pub reused: BTreeMap<String, StepRecord>,
}

/// The end of an execution: its record and the exit code.
#[derive(Debug)]
pub struct Ending {
    /// The record, which is also stored in the execution's directory.
    pub execution: LocalExecution,
    /// The exit code for the caller.
    pub exit: Exit,
}

/// Returns the object store of `runs`.
pub fn store(runs: &Utf8Path) -> Store {
    Store::new(runs.join("s3"))
}

/// Returns the directory that stands for the Model Registry in `runs`.
pub fn registry(runs: &Utf8Path) -> Utf8PathBuf {
    runs.join("registry")
}

/// Returns the directory of the executions in `runs`.
pub fn executions(runs: &Utf8Path) -> Utf8PathBuf {
    runs.join("executions")
}

/// Runs a definition to its end. Failures of steps are in the returned record.
///
/// # Errors
///
/// Fails only where the execution's directory cannot be created or written at the start.
pub fn run(
    definition: &Definition,
    options: &RunOptions,
    progress: &dyn Progress,
    stop: &Stop<'_>,
) -> std::io::Result<Ending> {
    let execution = LocalExecution::begin(
        &executions(&options.runs),
        &options.pipeline_name,
        options.parameters.clone(),
    )?;
    fs_err::write(execution.directory.join("definition.json"), definition.to_json())?;
    let store = store(&options.runs);
    let scheduler = Scheduler {
        definition,
        options,
        progress,
        stop,
        cache: Cache::new(options.runs.join("cache")),
        store,
        started: Instant::now(),
    };
    Ok(scheduler.run(execution))
}

/// Runs the steps of one execution, each as soon as the steps that it needs have succeeded.
struct Scheduler<'a> {
    definition: &'a Definition,
    options: &'a RunOptions,
    progress: &'a dyn Progress,
    stop: &'a Stop<'a>,
    cache: Cache,
    store: Store,
    started: Instant,
}

/// The result of a finished step.
struct FinishedStep {
    record: StepRecord,
    exit: Exit,
    tail: Vec<String>,
}

impl Scheduler<'_> {
    /// Runs every step that can be started, and each job in its own thread.
    fn run(&self, execution: LocalExecution) -> Ending {
        let placed = self.definition.steps_recursive();
        let graph = self.definition.graph();
        let mut state = ExecutionState {
            scheduler: self,
            execution,
            outcomes: BTreeMap::new(),
            exit: Exit::Done,
        };
        let mut started: BTreeSet<String> = BTreeSet::new();
        let (send, receive) = mpsc::channel::<FinishedStep>();
        thread::scope(|scope| {
            let mut running = 0_usize;
            loop {
                let ready = placed.iter().find(|placed| {
                    let name = &placed.step.name;
                    state.may_continue()
                        && !started.contains(name)
                        && state.can_start(placed, graph.needs(name))
                });
                if let Some(PlacedStep { step, .. }) = ready {
                    started.insert(step.name.clone());
                    match state.start(step) {
                        StartedStep::Finished(finished) => state.finish(*finished),
                        StartedStep::Job(job) => {
                            running += 1;
                            let send = send.clone();
                            let directory = state.execution.directory.join(&step.name);
                            scope.spawn(move || {
                                // the receiver outlives every job, so this cannot fail
                                let _ = send.send(self.job(step, &job, &directory));
                            });
                        }
                    }
                    continue;
                }
                if running == 0 {
                    break;
                }
                if let Ok(finished) = receive.recv() {
                    running -= 1;
                    state.finish(finished);
                }
            }
        });
        state.end(&placed)
    }

    /// Runs a job, with retries where a retry policy covers the failure.
    fn job(&self, step: &Step, job: &LocalJob, directory: &Utf8Path) -> FinishedStep {
        let started = Instant::now();
        let mut record = StepRecord::started(&step.name, step.kind.name());
        let job_runner =
            JobRunner { store: &self.store, runner: &*self.options.runner, stop: self.stop };
        let caching = step.cache.as_ref().filter(|cache| cache.enabled && self.options.cache);
        // where the key cannot be computed, running the job reports the reason
        let key = caching.and_then(|_| {
            let program = job_runner.runner.identity(job).ok()?;
            Cache::key(&step.name, job, &program, &self.store).ok()
        });
        let max_age = caching.and_then(|cache| cache.expire_after.as_deref()).and_then(duration);
        if let Some(found) = key.as_ref().and_then(|key| self.cache.find(key, max_age, &self.store))
        {
            return FinishedStep::reused(found, started);
        }
        let result =
            self.attempts(&job_runner, step, job, directory, started, &mut record.attempts);
        let (mut exit, mut tail, mut host) = (Exit::Done, Vec::new(), None);
        match result {
            Ok(metrics) => {
                record.status = Status::Succeeded;
                record.metrics = metrics;
                record.outputs = job.stored();
                record.exit_code = Some(0);
            }
            Err(failure) => {
                record.status = if failure.stopped { Status::Stopped } else { Status::Failed };
                record.failure_reason = Some(failure.reason);
                record.exit_code = failure.exit_code;
                (exit, tail, host) = (failure.exit, failure.tail, failure.host);
            }
        }
        record.description = job.describe(match record.status {
            Status::Succeeded => "Completed",
            Status::Stopped => "Stopped",
            Status::Failed | Status::Executing => "Failed",
        });
        let host = host.as_deref().unwrap_or("algo-1");
        record.log = Some(Utf8PathBuf::from(&step.name).join(format!("{host}.log")));
        record.seconds = started.elapsed().as_secs_f64();
        if record.status == Status::Succeeded
            && let Some(key) = &key
            && let Err(error) = self.cache.remember(key, &record, &self.store)
        {
            self.progress.note(&format!("{} is not remembered: {}", step.name, chain(&error)));
        }
        FinishedStep { record, exit, tail }
    }

    /// Runs attempts at a job until one succeeds or is not to be retried, and counts them.
    fn attempts(
        &self,
        job_runner: &JobRunner<'_>,
        step: &Step,
        job: &LocalJob,
        directory: &Utf8Path,
        started: Instant,
        attempts: &mut u32,
    ) -> Result<IndexMap<String, f64>, JobFailure> {
        loop {
            *attempts += 1;
            // files of an earlier attempt must not be mistaken for results of this one
            let _ = fs_err::remove_dir_all(directory);
            let failure = match job_runner.attempt(job, directory) {
                Ok(metrics) => return Ok(metrics),
                Err(failure) => failure,
            };
            let Some(wait) = self.retry_wait(step, &failure, *attempts, started) else {
                return Err(failure);
            };
            self.progress.retried(&step.name, &failure.reason, *attempts);
            thread::sleep(wait);
        }
    }

    /// Returns the wait before the next attempt, or `None` if the job is not to be retried.
    fn retry_wait(
        &self,
        step: &Step,
        failure: &JobFailure,
        attempts: u32,
        started: Instant,
    ) -> Option<Duration> {
        let exception = failure.exception?;
        let covers =
            |policy: &&RetryPolicy| policy.exception_type.iter().any(|name| name == exception);
        let policy = step.retry_policies.iter().find(covers)?;
        let minutes = policy.expire_after_min.and_then(|minutes| u64::try_from(minutes).ok());
        let expired = minutes.is_some_and(|max| started.elapsed().as_secs() >= max * 60);
        let max_attempts =
            policy.max_attempts.unwrap_or(if minutes.is_some() { i64::MAX } else { 20 });
        let allowed = i64::from(attempts) <= max_attempts && !expired && !self.stop.is_requested();
        // the wait grows by the backoff rate with every attempt
        let growth = policy.backoff_rate.unwrap_or(2.0).powi(attempts.saturating_sub(1) as i32);
        let seconds = policy.interval_seconds.unwrap_or(1) as f64 * growth;
        let wait = Duration::try_from_secs_f64(seconds).unwrap_or(MAX_WAIT);
        allowed.then(|| wait.min(MAX_WAIT))
    }
}

impl FinishedStep {
    /// Returns the result of a step whose record comes from an earlier execution.
    fn reused(mut record: StepRecord, started: Instant) -> Self {
        record.cached = true;
        record.attempts = 0;
        record.log = None;
        record.seconds = started.elapsed().as_secs_f64();
        Self { record, exit: Exit::Done, tail: Vec::new() }
    }
}

/// A step that has been started.
enum StartedStep {
    /// The step has already ended: it has no job, or the job cannot be run.
    Finished(Box<FinishedStep>),
    /// The step's job is to be run.
    Job(Box<LocalJob>),
}

/// The state of an execution.
struct ExecutionState<'a> {
    scheduler: &'a Scheduler<'a>,
    execution: LocalExecution,
    /// The outcome of each evaluated condition, by the step's name.
    outcomes: BTreeMap<String, bool>,
    exit: Exit,
}

impl ExecutionState<'_> {
    /// Returns whether further steps may start.
    fn may_continue(&self) -> bool {
        self.exit == Exit::Done && !self.scheduler.stop.is_requested()
    }

    /// Returns whether a step is on taken branches and every step that it needs has succeeded.
    fn can_start<'n>(
        &self,
        placed: &PlacedStep<'_>,
        mut needs: impl Iterator<Item = &'n str>,
    ) -> bool {
        let on_taken_branches = placed
            .branches
            .iter()
            .all(|branch| self.outcomes.get(branch.condition) == Some(&branch.when));
        on_taken_branches && needs.all(|name| self.succeeded(name).is_some())
    }

    /// Returns the record of a step that has succeeded.
    fn succeeded(&self, name: &str) -> Option<&StepRecord> {
        self.execution
            .steps
            .iter()
            .find(|step| step.name == name && step.status == Status::Succeeded)
    }

    /// Records the start of a step, and ends the step at once if it has no job to run.
    fn start(&mut self, step: &Step) -> StartedStep {
        self.execution.steps.push(StepRecord::started(&step.name, step.kind.name()));
        self.scheduler.progress.began(&step.name, Duration::ZERO);
        self.save();
        if let Some(record) = self.scheduler.options.reused.get(&step.name) {
            let reused = FinishedStep::reused(record.clone(), Instant::now());
            return StartedStep::Finished(Box::new(reused));
        }
        let name = format!("pipelines-{}-{}", self.execution.execution_id, step.name);
        match &step.kind {
            StepKind::Processing(arguments) => match resolve_all(&**arguments, self) {
                Ok(arguments) => started_job(step, LocalJob::processing(name, &arguments)),
                Err(error) => unresolved(step, &error),
            },
            StepKind::Training(arguments) => match resolve_all(&**arguments, self) {
                Ok(arguments) => started_job(step, LocalJob::training(name, &arguments)),
                Err(error) => unresolved(step, &error),
            },
            StepKind::Condition(arguments) => match evaluate_all(&arguments.conditions, self) {
                Ok(verdict) => self.decide(step, verdict),
                Err(error) => unresolved(step, &error),
            },
            StepKind::Fail { error_message } => match error_message.resolve(self) {
                Ok(Value::String(reason)) => failed(step, reason, Exit::Gate),
                Ok(other) => failed(step, other.to_string(), Exit::Gate),
                Err(error) => unresolved(step, &error),
            },
            StepKind::Other { kind, .. } => {
                let reason = format!(
                    "steps of type {kind} are not run here; Processing, Training, Condition and Fail are"
                );
                failed(step, reason, Exit::Usage)
            }
        }
    }

    /// Records the outcome of a condition, which decides the branch to run.
    fn decide(&mut self, step: &Step, verdict: Verdict) -> StartedStep {
        self.outcomes.insert(step.name.clone(), verdict.met);
        let mut record = StepRecord::started(&step.name, step.kind.name());
        record.status = Status::Succeeded;
        let outcome = if verdict.met { "True" } else { "False" };
        record.description = serde_json::json!({ "Outcome": outcome });
        record.comparisons = verdict.comparisons.into_iter().map(Into::into).collect();
        let finished = FinishedStep { record, exit: Exit::Done, tail: Vec::new() };
        StartedStep::Finished(Box::new(finished))
    }

    /// Records the end of a step; its failure ends the execution.
    fn finish(&mut self, finished: FinishedStep) {
        let FinishedStep { mut record, exit, tail } = finished;
        if let (Some(reason), Some((uri, name))) =
            (&mut record.failure_reason, &self.scheduler.options.named_input)
        {
            *reason = reason.replace(uri, name);
        }
        self.scheduler.progress.ended(&record, &tail);
        // the first failure becomes the execution's failure reason
        if record.status == Status::Failed && self.exit == Exit::Done {
            let reason = record.failure_reason.as_deref().unwrap_or_default();
            self.execution.failure_reason = Some(format!("{}: {reason}", record.name));
            self.exit = if exit == Exit::Done { Exit::Failed } else { exit };
        } else if let Some(reason) = &record.failure_reason {
            self.scheduler.progress.note(&format!("{}: {reason}", record.name));
        }
        if let Some(known) = self.execution.step_mut(&record.name) {
            *known = record;
        }
        self.save();
    }

    /// Records the end of the execution.
    fn end(mut self, placed: &[PlacedStep<'_>]) -> Ending {
        self.fail_if_incomplete(placed);
        let stopped = self.scheduler.stop.is_requested();
        self.execution.status = match self.exit {
            Exit::Done if stopped => Status::Stopped,
            Exit::Done => Status::Succeeded,
            _ => Status::Failed,
        };
        if self.execution.status == Status::Stopped {
            self.exit = Exit::Failed;
            self.execution.failure_reason = Some("stopped before its end".to_owned());
        }
        self.execution.seconds = self.scheduler.started.elapsed().as_secs_f64();
        self.save();
        Ending { execution: self.execution, exit: self.exit }
    }

    /// Fails the execution if a step on a taken branch was not run: an execution that cannot
    /// continue has not succeeded.
    fn fail_if_incomplete(&mut self, placed: &[PlacedStep<'_>]) {
        if !self.may_continue() {
            return;
        }
        let missing = placed.iter().find(|placed| {
            let not_taken =
                |branch: &Branch<'_>| self.outcomes.get(branch.condition) != Some(&branch.when);
            !placed.branches.iter().any(not_taken) && self.succeeded(&placed.step.name).is_none()
        });
        if let Some(PlacedStep { step, .. }) = missing {
            self.exit = Exit::Failed;
            self.execution.failure_reason =
                Some(format!("{} was not run: a step that it needs was passed over", step.name));
        }
    }

    /// Writes the record. An execution whose record cannot be written fails.
    fn save(&mut self) {
        self.execution.seconds = self.scheduler.started.elapsed().as_secs_f64();
        if let Err(error) = self.execution.save() {
            self.scheduler.progress.note(&chain(&error));
            if self.exit == Exit::Done {
                self.exit = Exit::Failed;
                self.execution.failure_reason = Some(chain(&error));
            }
        }
    }
}

/// Returns a step whose job is to be run, or the failure of a request that cannot be run.
fn started_job(step: &Step, job: Result<LocalJob, JobError>) -> StartedStep {
    match job {
        Ok(job) => StartedStep::Job(Box::new(job)),
        Err(error) => failed(step, chain(&error), Exit::Usage),
    }
}

/// Returns the failure of a step whose expressions cannot be evaluated.
fn unresolved(step: &Step, error: &EvaluationError) -> StartedStep {
    failed(step, chain(error), Exit::Failed)
}

/// Returns a step that failed without running a job.
fn failed(step: &Step, reason: String, exit: Exit) -> StartedStep {
    let mut record = StepRecord::started(&step.name, step.kind.name());
    record.status = Status::Failed;
    record.failure_reason = Some(reason);
    StartedStep::Finished(Box::new(FinishedStep { record, exit, tail: Vec::new() }))
}

impl Scope for ExecutionState<'_> {
    fn parameter(&self, name: &str) -> Option<Value> {
        self.execution.parameters.get(name).cloned()
    }

    fn execution(&self, variable: ExecutionVariable) -> String {
        let name = self.execution.pipeline_name.as_str();
        let id = self.execution.execution_id.as_str();
        match variable {
            ExecutionVariable::PipelineExecutionId => id.to_owned(),
            ExecutionVariable::PipelineExecutionArn => {
                arn("pipeline", &format!("{name}/execution/{id}"))
            }
            ExecutionVariable::PipelineName => name.to_owned(),
            ExecutionVariable::PipelineArn => arn("pipeline", name),
            ExecutionVariable::StartDateTime => self.execution.started_at.clone(),
            ExecutionVariable::CurrentDateTime => jiff::Timestamp::now().to_string(),
        }
    }

    fn property(&self, step: &str, path: &Path) -> Option<Value> {
        path.find(&self.succeeded(step)?.description).cloned()
    }

    fn property_file(&self, step: &str, name: &str) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let declared = self.scheduler.definition.step(step).map(|step| &step.property_files);
        let file = declared
            .and_then(|files| files.iter().find(|file| file.property_file_name == name))
            .ok_or("no such property file is declared")?;
        let outputs = self.succeeded(step).map(|step| &step.outputs);
        let prefix = outputs
            .and_then(|outputs| outputs.get(&file.output_name))
            .ok_or("the output that it is in does not exist")?;
        let path = self.scheduler.store.path(&format!("{prefix}/{}", file.file_path))?;
        let text = fs_err::read(&path)?;
        serde_json::from_slice(&text).map_err(|error| format!("{path} is not JSON: {error}").into())
    }
}

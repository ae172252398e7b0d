//! Interprets a definition: which steps may begin, what their expressions come to, how they end.

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
    Step, StepKind, duration, evaluate_all, resolve_all,
};
use serde_json::Value;

use crate::progress::Progress;

use crate::attempt::Bench;
use crate::cache::Cache;
use crate::failed::Failed;
use crate::job::{Job, arn};
use crate::process::Stop;
use crate::record::{Execution, Status, StepRecord};
use crate::runner::Runner;
use crate::store::Store;

/// No wait between two attempts is longer: nothing on this machine recovers by waiting.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Where an execution runs, and what of it.
pub struct Options {
    /// Everything that is kept: `s3`, `registry`, `cache` and `executions`.
    pub runs: Utf8PathBuf,
    /// Starts the programs.
    pub runner: Box<dyn Runner>,
    /// The pipeline's name.
    pub pipeline_name: String,
    /// The parameters' values.
    pub parameters: IndexMap<String, Value>,
    /// The address that the caller's own file or directory was stored at, and what they call it.
    pub given: Option<(String, String)>,
    /// Whether unchanged steps are taken from earlier executions.
    pub cache: bool,
    /// Steps that are not run: their results are these.
    pub reused: BTreeMap<String, StepRecord>,
}

/// How an execution ended: its record, and what to exit with.
#[derive(Debug)]
pub struct Ending {
    /// The record, which is also in the execution's directory.
    pub execution: Execution,
    /// What it means for the caller.
    pub exit: Exit,
}

/// The object store of `runs`.
pub fn store(runs: &Utf8Path) -> Store {
    Store::new(runs.join("s3"))
}

/// The model registry of `runs`.
pub fn registry(runs: &Utf8Path) -> Utf8PathBuf {
    runs.join("registry")
}

/// The executions of `runs`.
pub fn executions(runs: &Utf8Path) -> Utf8PathBuf {
    runs.join("executions")
}

/// Runs a definition to its end. An error is returned only where nothing could be begun; whatever
/// goes wrong later is in the record.
pub fn run(
    definition: &Definition,
    options: &Options,
    progress: &dyn Progress,
    stop: &Stop<'_>,
) -> std::io::Result<Ending> {
    let execution = Execution::begin(
        &executions(&options.runs),
        &options.pipeline_name,
        options.parameters.clone(),
    )?;
    fs_err::write(execution.directory.join("definition.json"), definition.to_json())?;
    let store = store(&options.runs);
    let engine = Engine {
        definition,
        options,
        progress,
        stop,
        cache: Cache::new(options.runs.join("cache")),
        store,
        started: Instant::now(),
    };
    Ok(engine.run(execution))
}

struct Engine<'a> {
    definition: &'a Definition,
    options: &'a Options,
    progress: &'a dyn Progress,
    stop: &'a Stop<'a>,
    cache: Cache,
    store: Store,
    started: Instant,
}

/// What a finished step leaves to the scheduler.
struct Finished {
    record: StepRecord,
    exit: Exit,
    tail: Vec<String>,
}

impl Engine<'_> {
    fn run(&self, execution: Execution) -> Ending {
        let placed = self.definition.steps_recursive();
        let graph = self.definition.graph();
        let mut state = State { engine: self, execution, taken: BTreeMap::new(), exit: Exit::Done };
        let mut begun: BTreeSet<String> = BTreeSet::new();
        let (send, receive) = mpsc::channel::<Finished>();
        thread::scope(|scope| {
            let mut running = 0_usize;
            loop {
                let ready = placed.iter().find(|placed| {
                    let name = &placed.step.name;
                    state.may_go_on()
                        && !begun.contains(name)
                        && state.may_begin(placed, graph.needs(name))
                });
                if let Some(PlacedStep { step, .. }) = ready {
                    begun.insert(step.name.clone());
                    match state.begin(step) {
                        Begun::Finished(finished) => state.finish(*finished),
                        Begun::Job(job) => {
                            running += 1;
                            let send = send.clone();
                            let directory = state.execution.directory.join(&step.name);
                            scope.spawn(move || {
                                // the receiver lives until every job has been received
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

    /// Runs a job, again where a policy says so.
    fn job(&self, step: &Step, job: &Job, directory: &Utf8Path) -> Finished {
        let started = Instant::now();
        let mut record = StepRecord::begun(&step.name, step.kind.name());
        let bench = Bench { store: &self.store, runner: &*self.options.runner, stop: self.stop };
        let caching = step.cache.as_ref().filter(|cache| cache.enabled && self.options.cache);
        // where a key cannot be made, running the job will say why
        let key = caching.and_then(|_| {
            let program = bench.runner.identity(job).ok()?;
            Cache::key(&step.name, job, &program, &self.store).ok()
        });
        let most_age = caching.and_then(|cache| cache.expire_after.as_deref()).and_then(duration);
        if let Some(found) =
            key.as_ref().and_then(|key| self.cache.find(key, most_age, &self.store))
        {
            return Finished::reused(found, started);
        }
        let (mut exit, mut tail) = (Exit::Done, Vec::new());
        let mut host = None;
        loop {
            record.attempts += 1;
            // what an attempt before this one left must not be taken for its work
            let _ = fs_err::remove_dir_all(directory);
            match bench.attempt(job, directory) {
                Ok(metrics) => {
                    record.status = Status::Succeeded;
                    record.metrics = metrics;
                    record.outputs = job.stored();
                    record.exit_code = Some(0);
                    record.failure_reason = None;
                    break;
                }
                Err(failed) => {
                    if let Some(wait) = self.retry(step, &failed, record.attempts, started) {
                        self.progress.retried(&step.name, &failed.reason, record.attempts);
                        thread::sleep(wait);
                        continue;
                    }
                    record.status = if failed.stopped { Status::Stopped } else { Status::Failed };
                    record.failure_reason = Some(failed.reason);
                    record.exit_code = failed.exit_code;
                    (exit, tail, host) = (failed.exit, failed.tail, failed.host);
                    break;
                }
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
        Finished { record, exit, tail }
    }

    /// How long to wait before the next attempt, where there is to be one.
    fn retry(
        &self,
        step: &Step,
        failed: &Failed,
        attempts: u32,
        started: Instant,
    ) -> Option<Duration> {
        let exception = failed.exception?;
        let covers =
            |policy: &&RetryPolicy| policy.exception_type.iter().any(|name| name == exception);
        let policy = step.retry_policies.iter().find(covers)?;
        let minutes = policy.expire_after_min.and_then(|minutes| u64::try_from(minutes).ok());
        let expired = minutes.is_some_and(|most| started.elapsed().as_secs() >= most * 60);
        let most = policy.max_attempts.unwrap_or(if minutes.is_some() { i64::MAX } else { 20 });
        let more = i64::from(attempts) <= most && !expired && !self.stop.asked();
        // each wait is so many times the one before
        let growth = policy.backoff_rate.unwrap_or(2.0).powi(attempts.saturating_sub(1) as i32);
        let seconds = policy.interval_seconds.unwrap_or(1) as f64 * growth;
        let wait = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_WAIT);
        more.then(|| wait.min(LONGEST_WAIT))
    }
}

impl Finished {
    fn reused(mut record: StepRecord, started: Instant) -> Self {
        record.cached = true;
        record.attempts = 0;
        record.log = None;
        record.seconds = started.elapsed().as_secs_f64();
        Self { record, exit: Exit::Done, tail: Vec::new() }
    }

    fn failed(step: &Step, reason: String, exit: Exit) -> Box<Self> {
        let mut record = StepRecord::begun(&step.name, step.kind.name());
        record.status = Status::Failed;
        record.failure_reason = Some(reason);
        Box::new(Self { record, exit, tail: Vec::new() })
    }
}

/// What beginning a step comes to.
enum Begun {
    /// It is done already: no job, or one that cannot be.
    Finished(Box<Finished>),
    /// A job is to be run.
    Job(Box<Job>),
}

/// The execution as it stands.
struct State<'a> {
    engine: &'a Engine<'a>,
    execution: Execution,
    /// Which branch each condition took.
    taken: BTreeMap<String, bool>,
    exit: Exit,
}

impl State<'_> {
    fn may_go_on(&self) -> bool {
        self.exit == Exit::Done && !self.engine.stop.asked()
    }

    fn may_begin<'n>(
        &self,
        placed: &PlacedStep<'_>,
        mut needs: impl Iterator<Item = &'n str>,
    ) -> bool {
        let chosen = placed
            .branches
            .iter()
            .all(|branch| self.taken.get(branch.condition) == Some(&branch.when));
        chosen && needs.all(|name| self.succeeded(name).is_some())
    }

    fn succeeded(&self, name: &str) -> Option<&StepRecord> {
        self.execution
            .steps
            .iter()
            .find(|step| step.name == name && step.status == Status::Succeeded)
    }

    fn begin(&mut self, step: &Step) -> Begun {
        self.execution.steps.push(StepRecord::begun(&step.name, step.kind.name()));
        self.engine.progress.began(&step.name, Duration::ZERO);
        self.save();
        if let Some(record) = self.engine.options.reused.get(&step.name) {
            return Begun::Finished(Box::new(Finished::reused(record.clone(), Instant::now())));
        }
        let name = format!("pipelines-{}-{}", self.execution.execution_id, step.name);
        let job = match &step.kind {
            StepKind::Processing(arguments) => match resolve_all(&**arguments, self) {
                Ok(arguments) => Job::processing(name, &arguments),
                Err(error) => return unresolved(step, &error),
            },
            StepKind::Training(arguments) => match resolve_all(&**arguments, self) {
                Ok(arguments) => Job::training(name, &arguments),
                Err(error) => return unresolved(step, &error),
            },
            StepKind::Condition(arguments) => {
                return match evaluate_all(&arguments.conditions, self) {
                    Ok(verdict) => {
                        self.taken.insert(step.name.clone(), verdict.met);
                        let mut record = StepRecord::begun(&step.name, step.kind.name());
                        record.status = Status::Succeeded;
                        let outcome = if verdict.met { "True" } else { "False" };
                        record.description = serde_json::json!({ "Outcome": outcome });
                        record.comparisons =
                            verdict.comparisons.into_iter().map(Into::into).collect();
                        Begun::Finished(Box::new(Finished {
                            record,
                            exit: Exit::Done,
                            tail: Vec::new(),
                        }))
                    }
                    Err(error) => unresolved(step, &error),
                };
            }
            StepKind::Fail { error_message } => {
                return match error_message.resolve(self) {
                    Ok(Value::String(reason)) => {
                        Begun::Finished(Finished::failed(step, reason, Exit::Gate))
                    }
                    Ok(other) => {
                        Begun::Finished(Finished::failed(step, other.to_string(), Exit::Gate))
                    }
                    Err(error) => unresolved(step, &error),
                };
            }
            StepKind::Other { kind, .. } => {
                let reason = format!(
                    "steps of type {kind} are not run here; Processing, Training, Condition and Fail are"
                );
                return Begun::Finished(Finished::failed(step, reason, Exit::Usage));
            }
        };
        match job {
            Ok(job) => Begun::Job(Box::new(job)),
            Err(error) => Begun::Finished(Finished::failed(step, chain(&error), Exit::Usage)),
        }
    }

    fn finish(&mut self, finished: Finished) {
        let Finished { mut record, exit, tail } = finished;
        if let (Some(reason), Some((uri, name))) =
            (&mut record.failure_reason, &self.engine.options.given)
        {
            *reason = reason.replace(uri, name);
        }
        self.engine.progress.ended(&record, &tail);
        // the first failure is the execution's
        if record.status == Status::Failed && self.exit == Exit::Done {
            let reason = record.failure_reason.as_deref().unwrap_or_default();
            self.execution.failure_reason = Some(format!("{}: {reason}", record.name));
            self.exit = if exit == Exit::Done { Exit::Failed } else { exit };
        } else if let Some(reason) = &record.failure_reason {
            self.engine.progress.note(&format!("{}: {reason}", record.name));
        }
        if let Some(known) = self.execution.step_mut(&record.name) {
            *known = record;
        }
        self.save();
    }

    fn end(mut self, placed: &[PlacedStep<'_>]) -> Ending {
        self.refuse_leftovers(placed);
        let stopped = self.engine.stop.asked();
        self.execution.status = match self.exit {
            Exit::Done if stopped => Status::Stopped,
            Exit::Done => Status::Succeeded,
            _ => Status::Failed,
        };
        if self.execution.status == Status::Stopped {
            self.exit = Exit::Failed;
            self.execution.failure_reason = Some("stopped before its end".to_owned());
        }
        self.execution.seconds = self.engine.started.elapsed().as_secs_f64();
        self.save();
        Ending { execution: self.execution, exit: self.exit }
    }

    /// Every step must have ended unless its branch was not taken: an execution that stands still
    /// is not one that succeeded.
    fn refuse_leftovers(&mut self, placed: &[PlacedStep<'_>]) {
        if !self.may_go_on() {
            return;
        }
        let left = placed.iter().find(|placed| {
            let passed_over =
                |branch: &Branch<'_>| self.taken.get(branch.condition) != Some(&branch.when);
            !placed.branches.iter().any(passed_over) && self.succeeded(&placed.step.name).is_none()
        });
        if let Some(PlacedStep { step, .. }) = left {
            self.exit = Exit::Failed;
            self.execution.failure_reason =
                Some(format!("{} was not run: a step that it needs was passed over", step.name));
        }
    }

    fn save(&mut self) {
        self.execution.seconds = self.engine.started.elapsed().as_secs_f64();
        if let Err(error) = self.execution.save() {
            self.engine.progress.note(&chain(&error));
            if self.exit == Exit::Done {
                self.exit = Exit::Failed;
                self.execution.failure_reason = Some(chain(&error));
            }
        }
    }
}

fn unresolved(step: &Step, error: &EvaluationError) -> Begun {
    Begun::Finished(Finished::failed(step, chain(error), Exit::Failed))
}

impl Scope for State<'_> {
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
        let declared = self.engine.definition.step(step).map(|step| &step.property_files);
        let file = declared
            .and_then(|files| files.iter().find(|file| file.property_file_name == name))
            .ok_or("no such property file is declared")?;
        let outputs = self.succeeded(step).map(|step| &step.outputs);
        let prefix = outputs
            .and_then(|outputs| outputs.get(&file.output_name))
            .ok_or("the output that it is in does not exist")?;
        let path = self.engine.store.path(&format!("{prefix}/{}", file.file_path))?;
        let text = fs_err::read(&path)?;
        serde_json::from_slice(&text).map_err(|error| format!("{path} is not JSON: {error}").into())
    }
}

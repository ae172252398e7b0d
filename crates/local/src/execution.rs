//! The scheduler of an execution: it starts each step as soon as it can start, and runs the jobs in
//! threads of their own.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use camino::{Utf8Path, Utf8PathBuf};
use common::{Directory, Exit};
use indexmap::IndexMap;
use pipeline::{Definition, PlacedStep, Room, Step, duration};
use serde_json::Value;

use crate::attempt::{JobRunner, Made};
use crate::cache::{Cache, Cached};
use crate::failure::JobFailure;
use crate::inputs::inputs;
use crate::job::LocalJob;
use crate::keeper::Keeper;
use crate::leftovers::remove_path;
use crate::occupancy::Mark;
use crate::process::Stop;
use crate::progress::Progress;
use crate::record::{LocalExecution, Status, StepRecord};
use crate::recorded::Contents;
use crate::registration::ModelRegistry;
use crate::retry::Attempts;
use crate::runner::Runner;
use crate::state::{ExecutionState, FinishedStep, StartedStep};
use crate::store::Store;

/// The name of the directory of the executions.
const EXECUTIONS: &str = "executions";

/// Options of an execution.
pub struct RunOptions {
    /// The directory of the runs, with `s3`, `registry`, `cache` and `executions`.
    pub runs: Utf8PathBuf,
    /// The runner that starts the programs.
    pub runner: Box<dyn Runner>,
    /// The registry of RegisterModel steps.
    pub models: Box<dyn ModelRegistry>,
    /// The pipeline's name.
    pub pipeline_name: String,
    /// The parameters' values.
    pub parameters: IndexMap<String, Value>,
    /// The address at which the user's file or directory was stored, and the path that the user gave.
    /// Failure reasons show the path.
    pub named_input: Option<(String, String)>,
    /// The objects that the user gave, which are read only as they are recorded here.
    pub inputs: Contents,
    /// Whether the results are on the disk before anything refers to them.
    pub sync: bool,
    /// Whether the results of unchanged steps are taken from the cache.
    pub cache: bool,
    /// The results of steps that are not run, by the step's name.
    pub reused: BTreeMap<String, StepRecord>,
    /// The maximum number of steps that run at once. A job of several hosts is one step.
    pub parallel: NonZeroUsize,
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
    runs.join(EXECUTIONS)
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
    Directory::make(&options.runs, EXECUTIONS)?;
    refuse_link(&registry(&options.runs))?;
    let executions = executions(&options.runs);
    let (text, parameters) = (definition.to_json(), options.parameters.clone());
    let mut execution =
        LocalExecution::begin(&executions, &options.pipeline_name, parameters, &text)?;
    // It comes before the record: an execution with a record and no mark has ended.
    let _mark = Mark::set(&options.runs, &execution.execution_id)?;
    execution.inputs.clone_from(&options.inputs);
    let keeper = Keeper::begin(&options.runs, &execution, &text, options.sync)?;
    let cache = Cache::new(&*options.runs);
    let scheduler = Scheduler { definition, options, progress, stop, cache };
    Ok(scheduler.run(execution, keeper))
}

/// Refuses a link in the runs directory where a directory is written to.
fn refuse_link(path: &Utf8Path) -> std::io::Result<()> {
    if path.is_symlink() {
        return Err(std::io::Error::other(format!(
            "{path} is a symbolic link, which is not followed; expected a directory. The runs directory as a whole \
             may be a link"
        )));
    }
    Ok(())
}

/// Runs the steps of one execution, each as soon as the steps that it needs have succeeded.
struct Scheduler<'a> {
    definition: &'a Definition,
    options: &'a RunOptions,
    progress: &'a dyn Progress,
    stop: &'a Stop<'a>,
    cache: Cache,
}

impl Scheduler<'_> {
    /// Runs every step that can be started, the first of the definition first, and each job in its own
    /// thread. While the greatest number of jobs runs, no step starts, as with SageMaker's
    /// `MaxParallelExecutionSteps`.
    fn run(&self, execution: LocalExecution, keeper: Keeper) -> Ending {
        let placed = self.definition.steps_recursive();
        let graph = self.definition.graph();
        let mut state = ExecutionState {
            definition: self.definition,
            store: store(&self.options.runs),
            keeper,
            progress: self.progress,
            stop: self.stop,
            reused: &self.options.reused,
            models: &*self.options.models,
            named_input: self.options.named_input.as_ref(),
            started: Instant::now(),
            execution,
            outcomes: BTreeMap::new(),
            exit: Exit::Done,
            room: Room::default(),
            known: RefCell::new(None),
            changed: None,
        };
        // Where an address cannot be evaluated, the step that reads it reports the reason.
        state.keep_inputs(inputs(self.definition, &self.options.parameters).unwrap_or_default());
        let mut pending: Vec<&PlacedStep<'_>> = placed.iter().collect();
        let (send, receive) = mpsc::channel::<FinishedStep>();
        thread::scope(|scope| {
            let mut running = 0_usize;
            loop {
                let may_start = running < self.options.parallel.get() && state.may_continue();
                let ready = pending.iter().position(|placed| {
                    may_start && state.can_start(placed, graph.needs(&placed.step.name))
                });
                if let Some(PlacedStep { step, .. }) = ready.map(|place| pending.remove(place)) {
                    match state.start(step) {
                        StartedStep::Finished(finished) => state.finish(*finished),
                        StartedStep::Job(job) => {
                            running += 1;
                            let send = send.clone();
                            let directory = state.execution.directory.join(&step.name);
                            let store = state.store.clone();
                            let run = move || {
                                // the receiver outlives every job, so this cannot fail
                                let _ = send.send(self.job(step, &job, &directory, &store));
                            };
                            let name = step.name.clone();
                            let job = thread::Builder::new().name(name).spawn_scoped(scope, run);
                            if let Err(error) = job {
                                running -= 1;
                                let reason = format!("its thread cannot be started: {error}");
                                state.finish(FinishedStep::failed(step, reason, Exit::Failed));
                            }
                        }
                    }
                    continue;
                }
                if running == 0 {
                    break;
                }
                state.save();
                if let Ok(finished) = receive.recv() {
                    running -= 1;
                    state.finish(finished);
                }
            }
        });
        state.end(&placed);
        Ending { execution: state.execution, exit: state.exit }
    }

    /// Runs a job, with retries where a retry policy covers the failure.
    fn job(
        &self,
        step: &Step,
        job: &LocalJob,
        directory: &Utf8Path,
        store: &Store,
    ) -> FinishedStep {
        let started = Instant::now();
        let mut record = StepRecord::started(&step.name, step.kind.name());
        let caching = step.cache.as_ref().filter(|cache| cache.enabled && self.options.cache);
        // where the key cannot be computed, running the job reports the reason
        let key = caching.and_then(|_| {
            let program = self.options.runner.identity(job, self.stop).ok()?;
            Cache::key(&step.name, job, &program, store).ok()
        });
        let max_age = caching.and_then(|cache| cache.expire_after.as_deref()).and_then(duration);
        match key.as_ref().map(|key| self.cache.find(key, max_age, store)) {
            Some(Cached::Result(found)) => return FinishedStep::reused(*found, started),
            Some(Cached::Damaged(why)) => {
                self.progress.note(&format!("{}: no cached result is used: {why}", step.name));
            }
            Some(Cached::Nothing) | None => {}
        }
        self.say_what_is_left_out(job, store);
        let (mut exit, mut tail, mut host) = (Exit::Done, Vec::new(), None);
        match self.attempts(step, job, directory, store, &mut record) {
            Ok(Made { metrics, contents }) => {
                // The outputs are in the store now; a failed job's trees are kept for inspection.
                self.remove_trees(job, directory);
                record.status = Status::Succeeded;
                record.metrics = metrics;
                record.contents = contents;
                record.outputs = job.stored();
                record.exit_code = Some(0);
            }
            Err(failure) => {
                if failure.stopped {
                    self.remove_trees(job, directory);
                }
                record.status = if failure.stopped { Status::Stopped } else { Status::Failed };
                record.failure_reason = Some(failure.reason);
                record.exit_code = failure.exit_code;
                (exit, tail, host) = (failure.exit, failure.tail, failure.host);
            }
        }
        let status = match record.status {
            Status::Succeeded => "Completed",
            Status::Stopped => "Stopped",
            Status::Failed | Status::Executing => "Failed",
        };
        record.description = job.describe(status, &record.metrics);
        let host = host.as_deref().unwrap_or("algo-1");
        record.log = Some(Utf8PathBuf::from(&step.name).join(format!("{host}.log")));
        record.seconds = started.elapsed().as_secs_f64();
        let key = key.filter(|_| record.status == Status::Succeeded);
        FinishedStep { record, exit, tail, key }
    }

    /// Removes the trees of a job's hosts, before another step needs their space.
    fn remove_trees(&self, job: &LocalJob, directory: &Utf8Path) {
        for host in job.host_names() {
            if let Err(error) = remove_path(&self.options.runs, &directory.join(host)) {
                self.progress.note(&format!("{}: {error}", job.step));
            }
        }
    }

    /// Says which files a job does not read, though SageMaker would give them to it: they lie at the address of an
    /// input, and this execution has neither been given nor made them.
    fn say_what_is_left_out(&self, job: &LocalJob, store: &Store) {
        for input in &job.inputs {
            // where the files cannot be listed, running the job reports the reason
            let files = store.left_out(&input.uri).unwrap_or_default();
            let Some(first) = files.first() else { continue };
            let (such, it) = match files.len() {
                1 => (format!("{first} is not read"), "it"),
                many => (format!("{many} files, such as {first}, are not read"), "them"),
            };
            self.progress.note(&format!(
                "{}: {such}: this execution has neither been given nor made {it}; on SageMaker the input {} would have {it}",
                job.step, input.name
            ));
        }
    }

    /// Runs attempts at a job until one succeeds or no retry policy allows another, and counts
    /// them in `record`.
    fn attempts(
        &self,
        step: &Step,
        job: &LocalJob,
        directory: &Utf8Path,
        store: &Store,
        record: &mut StepRecord,
    ) -> Result<Made, JobFailure> {
        let job_runner = JobRunner { store, runner: &*self.options.runner, stop: self.stop };
        let mut attempts = Attempts::first(&step.retry_policies, Instant::now());
        loop {
            record.attempts = attempts.count();
            let failure = match job_runner.attempt(job, directory) {
                Ok(made) => return Ok(made),
                Err(failure) => failure,
            };
            if self.stop.is_requested() {
                return Err(failure);
            }
            let Some(wait) = attempts.next(&failure) else {
                return Err(failure);
            };
            self.progress.retried(&step.name, &failure.reason, record.attempts);
            thread::sleep(wait);
        }
    }
}

//! The state of an execution: which steps have ended and how, what may start next, and the values that
//! expressions refer to.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::json::LARGEST_JSON;
use common::{Exit, chain};
use pipeline::{
    Branch, Definition, EvaluationError, ExecutionVariable, Path, PlacedStep, Room, Scope, Step,
    StepKind, Verdict, evaluate_all, resolve_all,
};
use serde_json::{Value, json};

use crate::job::{LocalJob, arn};
use crate::keeper::Keeper;
use crate::process::Stop;
use crate::progress::Progress;
use crate::record::{LocalExecution, Status, StepRecord};
use crate::registration::{self, ModelRegistry, REGISTER_MODEL};
use crate::request::JobError;
use crate::store::Store;

/// The result of a finished step.
pub struct FinishedStep {
    /// The step's record.
    pub record: StepRecord,
    /// The exit code of the execution if the step failed.
    pub exit: Exit,
    /// The last lines of a failed job's log.
    pub tail: Vec<String>,
    /// The key by which the cache finds the result.
    pub key: Option<String>,
}

impl FinishedStep {
    /// Returns the result of a step whose record comes from an earlier execution.
    pub fn reused(mut record: StepRecord, started: Instant) -> Self {
        record.cached = true;
        record.attempts = 0;
        record.log = None;
        record.seconds = started.elapsed().as_secs_f64();
        Self::done(record)
    }

    /// Returns the result of a step that failed without running a job.
    pub fn failed(step: &Step, reason: String, exit: Exit) -> Self {
        let mut record = StepRecord::started(&step.name, step.kind.name());
        record.status = Status::Failed;
        record.failure_reason = Some(reason);
        Self { exit, ..Self::done(record) }
    }

    /// Returns the result of a step that has succeeded.
    fn done(record: StepRecord) -> Self {
        Self { record, exit: Exit::Done, tail: Vec::new(), key: None }
    }
}

/// A step that has been started.
pub enum StartedStep {
    /// The step has already ended: it has no job, or the job cannot be run.
    Finished(Box<FinishedStep>),
    /// The step's job is to be run.
    Job(Box<LocalJob>),
}

/// The state of an execution.
pub struct ExecutionState<'a> {
    /// The definition that is run.
    pub definition: &'a Definition,
    /// The object store of the outputs, which knows those of the steps that have ended.
    pub store: Store,
    /// Keeps the record and the results.
    pub keeper: Keeper,
    /// The receiver of messages about the steps.
    pub progress: &'a dyn Progress,
    /// The request to stop the execution.
    pub stop: &'a Stop<'a>,
    /// The results of steps that are not run, by the step's name.
    pub reused: &'a BTreeMap<String, StepRecord>,
    /// The registry of RegisterModel steps.
    pub models: &'a dyn ModelRegistry,
    /// The address of the staged input, and the path that failure reasons show in its place.
    pub named_input: Option<&'a (String, String)>,
    /// The start of the execution.
    pub started: Instant,
    /// The record of the execution.
    pub execution: LocalExecution,
    /// The outcome of each evaluated condition, by the step's name.
    pub outcomes: BTreeMap<String, bool>,
    /// The exit code so far.
    pub exit: Exit,
    /// What the values of expressions may still come to.
    pub room: Room,
    /// What need not be looked up again.
    pub known: RefCell<Option<Known>>,
    /// The time since which the record has changes that the keeper does not have.
    pub changed: Option<Instant>,
}

/// The longest time that the keeper does not have a change of the record.
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// What need not be looked up again: property files, because conditions ask for one metric after the other, and
/// places of steps in the record.
#[derive(Debug, Default)]
pub struct Known {
    /// The property files that were read last, the oldest first.
    files: VecDeque<PropertyFile>,
    /// The place of each step in the record.
    places: BTreeMap<String, usize>,
}

/// The number of bytes of the property files that are kept. As values in memory they may take 30 times as much.
const MOST_TEXT: usize = 2 * LARGEST_JSON as usize;

/// The JSON of a property file.
#[derive(Debug)]
struct PropertyFile {
    /// The step's name and the file's own.
    key: (String, String),
    document: Arc<Value>,
    /// The number of bytes of the text.
    size: usize,
}

impl Known {
    /// Returns a property file that is kept.
    fn file(&self, key: &(String, String)) -> Option<Arc<Value>> {
        let file = self.files.iter().find(|file| file.key == *key)?;
        Some(Arc::clone(&file.document))
    }

    /// Makes room for a property file of `size` bytes: the oldest ones go.
    fn make_room(&mut self, size: usize) {
        let mut total: usize = self.files.iter().map(|file| file.size).sum();
        while total + size > MOST_TEXT
            && let Some(oldest) = self.files.pop_front()
        {
            total -= oldest.size;
        }
    }
}

impl ExecutionState<'_> {
    /// Returns whether further steps may start.
    pub fn may_continue(&self) -> bool {
        self.exit == Exit::Done && !self.stop.is_requested()
    }

    /// Makes what the execution was given known to the steps, and keeps it: what the user gave, and what is at the
    /// `addresses` that steps read and none writes.
    pub fn keep_inputs(&mut self, addresses: BTreeSet<String>) {
        let mut inputs = self.execution.inputs.clone();
        if let Err(error) = self.store.know(&inputs) {
            return self.fail(&chain(&error));
        }
        for uri in addresses.iter().filter(|uri| !self.store.is_known(uri)) {
            // Where something cannot be read, the step that reads it reports the reason.
            inputs.extend(self.store.record(uri).unwrap_or_default());
        }
        if let Err(error) = self.store.know(&inputs) {
            return self.fail(&chain(&error));
        }
        self.keeper.files(self.store.files(&inputs).collect(), None);
        self.execution.inputs = inputs;
    }

    /// Makes what a step has left known to later steps and keeps it, for the cache under a key.
    fn keep_result(&mut self, record: &StepRecord, key: Option<String>) {
        if let Err(error) = self.store.know(&record.contents) {
            return self.fail(&chain(&error));
        }
        let log = record.log.as_ref().map(|log| self.execution.directory.join(log));
        let files = self.store.files(&record.contents);
        let files = files.chain(log.filter(|log| log.is_file())).collect();
        self.keeper.files(files, key.map(|key| (key, record.clone())));
    }

    /// Returns whether a step is on taken branches and every step that it needs has succeeded.
    pub fn can_start<'n>(
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
        let place = *self.known.borrow().as_ref()?.places.get(name)?;
        let record = self.execution.steps.get(place)?;
        (record.name == name && record.status == Status::Succeeded).then_some(record)
    }

    /// Adds the record of a step that starts.
    fn add(&mut self, record: StepRecord) {
        let places = &mut self.known.get_mut().get_or_insert_default().places;
        places.entry(record.name.clone()).or_insert(self.execution.steps.len());
        self.execution.steps.push(record);
    }

    /// Records the start of a step, and ends the step at once if it has no job to run.
    pub fn start(&mut self, step: &Step) -> StartedStep {
        self.add(StepRecord::started(&step.name, step.kind.name()));
        self.progress.began(&step.name, Duration::ZERO);
        self.note_change();
        if let Some(record) = self.reused.get(&step.name) {
            let reused = FinishedStep::reused(record.clone(), Instant::now());
            return StartedStep::Finished(Box::new(reused));
        }
        if let Err(reason) = self.settle_before(step) {
            return failed(step, reason, Exit::Failed);
        }
        let name = format!("pipelines-{}-{}", self.execution.execution_id, step.name);
        match &step.kind {
            StepKind::Processing(arguments) => match resolve_all(&**arguments, self, &self.room) {
                Ok(arguments) => {
                    started_job(step, LocalJob::processing(&step.name, name, &arguments))
                }
                Err(error) => unresolved(step, &error),
            },
            StepKind::Training(arguments) => match resolve_all(&**arguments, self, &self.room) {
                Ok(arguments) => {
                    started_job(step, LocalJob::training(&step.name, name, &arguments))
                }
                Err(error) => unresolved(step, &error),
            },
            StepKind::Condition(arguments) => {
                match evaluate_all(&arguments.conditions, self, &self.room) {
                    Ok(verdict) => self.decide(step, verdict),
                    Err(error) => unresolved(step, &error),
                }
            }
            StepKind::Fail { error_message } => match error_message.resolve(self) {
                Ok(Value::String(reason)) => failed(step, reason, Exit::Gate),
                Ok(other) => failed(step, other.to_string(), Exit::Gate),
                Err(error) => unresolved(step, &error),
            },
            StepKind::Other { kind, arguments } if kind == REGISTER_MODEL => {
                match resolve_all(arguments, self, &self.room) {
                    Ok(request) => self.register(step, request),
                    Err(error) => unresolved(step, &error),
                }
            }
            StepKind::Other { kind, .. } => {
                let reason = format!(
                    "steps of type {kind} are not run here; Processing, Training, Condition, Fail and RegisterModel are"
                );
                failed(step, reason, Exit::Usage)
            }
        }
    }

    /// Registers the model of a request. An execution registers it once.
    fn register(&self, step: &Step, request: Value) -> StartedStep {
        let names = format!("{}\n{}\n", self.execution.execution_id, step.name);
        let mut token = common::sha256_hex(names);
        token.truncate(32);
        // a step without arguments lacks every member
        let request = if request.is_object() { request } else { json!({}) };
        if let Err(error) = self.store.require_named(texts(&request)) {
            return failed(step, chain(&error), Exit::Data);
        }
        match self.models.register(&request, &token) {
            Ok(registered) => {
                let mut record = StepRecord::started(&step.name, step.kind.name());
                record.status = Status::Succeeded;
                record.description = registration::describe(request, &registered);
                StartedStep::Finished(Box::new(FinishedStep::done(record)))
            }
            Err(error) => failed(step, chain(&error), error.exit()),
        }
    }

    /// Records the outcome of a condition, which decides the branch to run.
    fn decide(&mut self, step: &Step, verdict: Verdict) -> StartedStep {
        self.outcomes.insert(step.name.clone(), verdict.met);
        let mut record = StepRecord::started(&step.name, step.kind.name());
        record.status = Status::Succeeded;
        let outcome = if verdict.met { "True" } else { "False" };
        record.description = json!({ "Outcome": outcome });
        record.comparisons = verdict.comparisons.into_iter().map(Into::into).collect();
        StartedStep::Finished(Box::new(FinishedStep::done(record)))
    }

    /// Waits until what a step may refer to is kept, if the step may act on something that lasts: one whose result
    /// must not come from the cache, such as a registration.
    fn settle_before(&mut self, step: &Step) -> Result<(), String> {
        let computes = match &step.kind {
            StepKind::Condition(_) | StepKind::Fail { .. } => true,
            _ => step.cache.as_ref().is_some_and(|cache| cache.enabled),
        };
        if computes {
            return Ok(());
        }
        self.save();
        self.keeper.settle();
        self.keeper.failure().map_or(Ok(()), Err)
    }

    /// Records the end of a step; its failure ends the execution.
    pub fn finish(&mut self, finished: FinishedStep) {
        let FinishedStep { mut record, exit, tail, key } = finished;
        if let (Some(reason), Some((uri, name))) = (&mut record.failure_reason, self.named_input) {
            *reason = reason.replace(uri, name);
        }
        self.progress.ended(&record, &tail);
        // the first failure becomes the execution's failure reason
        if record.status == Status::Failed && self.exit == Exit::Done {
            let reason = record.failure_reason.as_deref().unwrap_or_default();
            self.execution.failure_reason = Some(format!("{}: {reason}", record.name));
            self.exit = if exit == Exit::Done { Exit::Failed } else { exit };
        } else if let Some(reason) = &record.failure_reason {
            self.progress.note(&format!("{}: {reason}", record.name));
        }
        self.keep_result(&record, key);
        if let Some(known) = self.execution.step_mut(&record.name) {
            *known = record;
        }
        self.note_change();
        self.heed();
    }

    /// Records the end of the execution.
    pub fn end(&mut self, placed: &[PlacedStep<'_>]) {
        self.keeper.settle();
        self.heed();
        self.fail_if_incomplete(placed);
        let stopped = self.stop.is_requested();
        self.execution.status = match self.exit {
            Exit::Done if stopped => Status::Stopped,
            Exit::Done => Status::Succeeded,
            _ => Status::Failed,
        };
        if self.execution.status == Status::Stopped {
            self.exit = Exit::Failed;
            self.execution.failure_reason = Some("stopped before its end".to_owned());
        }
        self.execution.seconds = self.started.elapsed().as_secs_f64();
        self.keeper.record(&self.execution, true);
        self.keeper.settle();
        self.heed();
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
                Some(format!("{} was not run: it needs a step that was not run", step.name));
        }
    }

    /// Notes that the record has changed. It is kept [before the scheduler waits](Self::save), because thousands of
    /// steps that take no time would copy it each time, but not much later than after [`LONGEST_DELAY`].
    fn note_change(&mut self) {
        let since = *self.changed.get_or_insert_with(Instant::now);
        if since.elapsed() > LONGEST_DELAY {
            self.save();
        }
    }

    /// Keeps the record as it is now, if it has changed.
    pub fn save(&mut self) {
        if self.changed.take().is_none() {
            return;
        }
        self.execution.seconds = self.started.elapsed().as_secs_f64();
        self.keeper.record(&self.execution, false);
        self.heed();
    }

    /// Says what the keeper has to say, and fails the execution if its record or a result could not be kept.
    fn heed(&mut self) {
        self.keeper.notes().iter().for_each(|note| self.progress.note(note));
        if let Some(reason) = self.keeper.failure() {
            self.fail(&reason);
        }
    }

    /// Fails the execution for a reason that is no step's. The first failure is its reason.
    fn fail(&mut self, reason: &str) {
        if self.exit == Exit::Done {
            self.progress.note(reason);
            self.exit = Exit::Failed;
            self.execution.status = Status::Failed;
            self.execution.failure_reason = Some(reason.to_owned());
        }
    }
}

/// Returns the texts in a value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
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
    StartedStep::Finished(Box::new(FinishedStep::failed(step, reason, exit)))
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

    fn property_file(
        &self,
        step: &str,
        name: &str,
    ) -> Result<Arc<Value>, Box<dyn Error + Send + Sync>> {
        let key = (step.to_owned(), name.to_owned());
        let known = self.known.borrow().as_ref().and_then(|known| known.file(&key));
        if let Some(document) = known {
            return Ok(document);
        }
        if self.stop.is_requested() {
            return Err("the execution was stopped before it was read".into());
        }
        let declared = self.definition.step(step).map(|step| &step.property_files);
        let file = declared
            .and_then(|files| files.iter().find(|file| file.property_file_name == name))
            .ok_or("no such property file is declared")?;
        let outputs = self.succeeded(step).map(|step| &step.outputs);
        let prefix = outputs
            .and_then(|outputs| outputs.get(&file.output_name))
            .ok_or("the output that it is in does not exist")?;
        let uri = format!("{prefix}/{}", file.file_path);
        let path = self.store.path(&uri)?;
        // reading it says what is wrong with something that is no file
        let size = path.metadata().map_or(0, |about| about.len());
        if size > LARGEST_JSON {
            return Err(format!("{path} has {size} bytes, expected at most {LARGEST_JSON}").into());
        }
        let text = self.store.read(&uri)?;
        let mut known = self.known.borrow_mut();
        let known = known.get_or_insert_default();
        known.make_room(text.len());
        let document: Value = common::json::from_slice(&text)
            .map_err(|error| format!("{path} is not JSON: {error}"))?;
        let document = Arc::new(document);
        let file = PropertyFile { key, document: Arc::clone(&document), size: text.len() };
        known.files.push_back(file);
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn property_files_are_kept_until_they_are_too_large_together() {
        let mut known = Known::default();
        let key = |name: &str| ("Evaluate".to_owned(), name.to_owned());
        let mut add = |name: &str, size: usize| {
            known.make_room(size);
            let document = Arc::new(Value::Null);
            known.files.push_back(PropertyFile { key: key(name), document, size });
            ["R", "Q", "P"].map(|name| known.file(&key(name)).is_some())
        };
        let largest = MOST_TEXT / 2;
        assert_eq!(add("R", largest - 1), [true, false, false]);
        assert_eq!(add("Q", largest), [true, true, false]);
        assert_eq!(add("P", 1), [true, true, true]);
        assert_eq!(add("P", 1), [false, true, true]);
    }
}

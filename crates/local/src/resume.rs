//! `--from STEP`: the results of the steps before it are taken from an earlier execution.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use indexmap::IndexMap;
use pipeline::{Definition, Step, StepKind};
use serde_json::Value;

use crate::progress::Progress;
use crate::record::{LocalExecution, Status, StepRecord};
use crate::recorded::Contents;
use crate::registration::REGISTER_MODEL;
use crate::store::{Store, StoreError};

/// The results before a step cannot be taken from an earlier execution.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The step cannot be where an execution resumes.
    #[error("--from {step}: {reason}")]
    Refused {
        /// The step's name.
        step: String,
        /// The reason.
        reason: String,
    },
    /// The earlier execution's definition cannot be read.
    #[error(transparent)]
    Read(std::io::Error),
    /// The object store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is taken from an earlier execution.
#[derive(Debug, Default)]
pub struct Earlier {
    /// The results of its steps, by the step's name.
    pub results: BTreeMap<String, StepRecord>,
    /// The objects that it was given.
    pub inputs: Contents,
}

/// A request to start at a step, with the results of the steps before it.
pub struct ResumeFrom<'a> {
    /// The definition that is about to run.
    pub definition: &'a Definition,
    /// The directory of the runs.
    pub runs: &'a Utf8Path,
    /// The step to resume from.
    pub step: &'a str,
    /// The parameters that the user set for this run.
    pub set_parameters: &'a [&'a str],
    /// The parameter that names the raw table. It keeps its earlier value unless the user sets it.
    pub input_parameter: &'a str,
    /// The object store of the results.
    pub store: &'a Store,
    /// Receives notes on parameters and executions that are reused.
    pub progress: &'a dyn Progress,
}

impl ResumeFrom<'_> {
    /// Returns the results of the jobs that the step depends on, from the latest execution in which
    /// all of them succeeded. Parameters that these jobs read take the values that they ran with, so
    /// that the record shows where the results come from. Conditions are evaluated again, which is
    /// cheap.
    ///
    /// # Errors
    ///
    /// Fails where the user set such a parameter to another value, a step has changed, a result is
    /// gone, or no execution has all results.
    pub fn earlier_results(
        &self,
        earlier: &[LocalExecution],
        parameters: &mut IndexMap<String, Value>,
    ) -> Result<Earlier, ResumeError> {
        let jobs = self.jobs_before()?;
        if jobs.is_empty() && earlier.is_empty() {
            return Ok(Earlier::default());
        }
        // results of different executions may come from different tables, so one must have all
        let succeeded = |execution: &&LocalExecution, name: &str| {
            let mut steps = execution.steps.iter();
            steps.any(|step| step.name == name && step.status == Status::Succeeded)
        };
        let complete =
            |execution: &&LocalExecution| jobs.iter().all(|job| succeeded(execution, job));
        let Some(execution) = earlier.iter().find(complete) else {
            let never = |job: &&&str| !earlier.iter().any(|execution| succeeded(&execution, job));
            let why = match jobs.iter().find(never) {
                Some(job) => {
                    format!("{job} comes before it and has not succeeded in {} yet", self.runs)
                }
                None => format!(
                    "it needs {}, which have not succeeded in one execution in {} yet",
                    jobs.join(" and "),
                    self.runs
                ),
            };
            return self.refuse(&why);
        };
        let id = &execution.execution_id;
        if execution.execution_id != earlier[0].execution_id {
            self.progress
                .note(&format!("The results before {} are those of execution {id}.", self.step));
        }
        let earlier_definition = execution.definition().map_err(ResumeError::Read)?;
        let mut results = BTreeMap::new();
        for name in jobs {
            let Some(step) = self.definition.step(name) else { continue };
            if earlier_definition.step(name) != Some(step) {
                return self
                    .refuse(&format!("{name} has changed since execution {id}; begin there"));
            }
            for parameter in step.read_parameters() {
                self.keep(&parameter, execution, parameters, &format!("{name} ran"))?;
            }
            if let Some(record) = execution.steps.iter().find(|step| step.name == name) {
                self.require_intact(record, id)?;
                results.insert(name.to_owned(), record.clone());
            }
        }
        // unless the user names a table, the earlier execution's is used
        if !self.set_parameters.contains(&self.input_parameter) {
            self.keep(self.input_parameter, execution, parameters, "it was")?;
        }
        Ok(Earlier { results, inputs: execution.inputs.clone() })
    }

    /// Refuses a result of which something is gone or has changed since it was recorded.
    fn require_intact(&self, record: &StepRecord, id: &str) -> Result<(), ResumeError> {
        let StepRecord { name, outputs, contents, .. } = record;
        if let Some(uri) = outputs.values().find(|uri| !contents.contains_key(*uri)) {
            return self.refuse(&format!(
                "execution {id}, which an earlier version of this program ran, did not record what {uri} held; \
                 begin at {name}"
            ));
        }
        let (uri, what) = match self.store.verify(contents) {
            Ok(()) => return Ok(()),
            Err(StoreError::Gone(path)) => (self.store.uri(&path), "is gone".to_owned()),
            Err(StoreError::Changed { path, found, expected }) => (
                self.store.uri(&path),
                format!("has changed: its SHA-256 is {found}, expected {expected}"),
            ),
            Err(error) => return Err(error.into()),
        };
        self.refuse(&format!("{uri}, which {name} made in execution {id}, {what}; begin there"))
    }

    /// Sets a parameter to its value in an earlier execution. `what` begins the message to the user.
    fn keep(
        &self,
        parameter: &str,
        execution: &LocalExecution,
        parameters: &mut IndexMap<String, Value>,
        what: &str,
    ) -> Result<(), ResumeError> {
        let (Some(now), Some(then)) =
            (parameters.get_mut(parameter), execution.parameters.get(parameter))
        else {
            return Ok(());
        };
        if now == then {
            return Ok(());
        }
        let id = &execution.execution_id;
        if self.set_parameters.contains(&parameter) {
            return self.refuse(&format!(
                "{what} with {parameter} = {then} in execution {id}, not {now}; begin there"
            ));
        }
        self.progress
            .note(&format!("{parameter} stays {then}, with which {what} in execution {id}."));
        *now = then.clone();
        Ok(())
    }

    /// Returns the Processing, Training and RegisterModel steps that the step needs directly or indirectly, in the
    /// order of execution.
    fn jobs_before(&self) -> Result<Vec<&str>, ResumeError> {
        let steps = self.definition.steps_recursive();
        let graph = self.definition.graph();
        let order = graph.order().map_err(|cycle| self.refusal(&cycle.to_string()))?;
        let is_job = |name: &str| {
            let kind = self.definition.step(name).map(|step| &step.kind);
            match kind {
                Some(StepKind::Processing(_) | StepKind::Training(_)) => true,
                Some(StepKind::Other { kind, .. }) => kind == REGISTER_MODEL,
                _ => false,
            }
        };
        if !is_job(self.step)
            && !matches!(
                self.definition.step(self.step),
                Some(Step { kind: StepKind::Condition(_), .. })
            )
        {
            let names = steps.iter().map(|placed| placed.step);
            let names = names.filter(|step| !matches!(step.kind, StepKind::Fail { .. }));
            let names: Vec<_> = names.map(|step| step.name.as_str()).collect();
            return self.refuse(&format!(
                "there is no such step to begin at; there are {}",
                names.join(", ")
            ));
        }
        let mut before = BTreeSet::new();
        let mut open = vec![self.step];
        while let Some(name) = open.pop() {
            let placed = steps.iter().find(|placed| placed.step.name == name);
            let conditions = placed.into_iter().flat_map(|placed| &placed.branches);
            let conditions = conditions.map(|branch| branch.condition);
            let needs = self.definition.step(name).map(|step| step.name.as_str());
            for need in graph.needs(needs.unwrap_or_default()).chain(conditions) {
                let need = self.definition.step(need).map_or("", |step| step.name.as_str());
                if before.insert(need) {
                    open.push(need);
                }
            }
        }
        let known = |name: &str| self.definition.step(name).map(|step| step.name.as_str());
        let jobs = order.into_iter().filter(|name| before.contains(name) && is_job(name));
        Ok(jobs.filter_map(known).collect())
    }

    fn refuse<T>(&self, reason: &str) -> Result<T, ResumeError> {
        Err(self.refusal(reason))
    }

    fn refusal(&self, reason: &str) -> ResumeError {
        ResumeError::Refused { step: self.step.to_owned(), reason: reason.to_owned() }
    }
}

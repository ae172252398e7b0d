//! `start --from STEP`: which steps run, and the execution whose results and parameters they take.

use std::collections::BTreeMap;

use cloud::{Cloud, CloudError, SageMakerExecution, Selection};
use common::chain;
use pipeline::{Definition, SelectedSteps, Step, StepKind};
use serde_json::Value;

use crate::definition::names::{COMMIT_PARAMETER, STARTED_BY_PARAMETER};
use crate::error::CommandError;
use crate::output::say;

/// The number of executions among which the latest with all results is looked for.
const SEARCHED: usize = 20;

/// The earlier execution whose results an execution takes.
pub struct EarlierResults {
    /// The steps that run, and the earlier execution.
    pub selection: Selection,
    /// The earlier execution's parameters, without those that are assigned anew.
    pub parameters: Vec<(String, String)>,
}

impl EarlierResults {
    /// Finds the results that `from` and the steps after it need: those of the execution `of`, or of the latest
    /// that has them. Says which it takes.
    pub fn of(
        cloud: &Cloud,
        definition: &Definition,
        from: &str,
        of: Option<&str>,
        assignments: &[(&str, &str)],
    ) -> Result<Self, CommandError> {
        let refuse = |why: String| CommandError::Usage(format!("--from {from}: {why}"));
        let steps = selected(definition, from).map_err(refuse)?;
        let execution = match of {
            Some(id) => {
                let execution = described(cloud, &cloud.find(Some(id))?)?;
                let missing = missing(&execution, &steps.kept);
                if !missing.is_empty() {
                    let (id, missing) = (execution.id(), missing.join(" and "));
                    return Err(refuse(format!(
                        "it needs the results of {missing}, which did not succeed in execution {id}"
                    )));
                }
                execution
            }
            None => latest(cloud, &steps.kept, from)?,
        };
        let id = execution.id();
        let earlier = cloud.execution_definition(&execution.arn).map_err(CloudError::from)?;
        let earlier = Definition::from_json(&earlier)
            .map_err(|error| refuse(format!("the definition of execution {id}: {error}")))?;
        let parameters = cloud.execution_parameters(&execution.arn);
        let listed = parameters.map_err(CloudError::from)?;
        // Parameters with their default need not be listed.
        let known = listed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let then = earlier.parameter_values(known);
        let then = then.map_err(|error| refuse(format!("execution {id}: {}", chain(&error))))?;
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut parameters: BTreeMap<String, String> = listed.into_iter().collect();
        for step in &steps.kept {
            if earlier.step(&step.name) != Some(*step) {
                let name = &step.name;
                return Err(refuse(format!(
                    "{name} has changed since execution {id}; begin there, or without --from"
                )));
            }
            let read = step.read_parameters();
            for (name, then) in then.iter().filter(|(name, _)| read.contains(*name)) {
                let then = text(then);
                let assigned = assignments.iter().find(|(assigned, _)| assigned == name);
                if let Some((_, value)) = assigned.filter(|(_, value)| *value != then) {
                    return Err(refuse(format!(
                        "{} ran with {name}={then} in execution {id}, not {value}; begin there",
                        step.name
                    )));
                }
                parameters.insert(name.clone(), then);
            }
        }
        parameters.retain(|name, _| {
            // Who starts this one, and at which commit, is told anew.
            let is_told = [COMMIT_PARAMETER, STARTED_BY_PARAMETER].contains(&name.as_str());
            let is_known = definition.parameters.iter().any(|parameter| parameter.name == *name);
            is_known && !is_told && !assignments.iter().any(|(assigned, _)| assigned == name)
        });
        let names = |steps: &[&Step]| {
            steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        say(&format!(
            "{} run, with the results of {} and the parameters of execution {id}",
            names(&steps.run),
            names(&steps.kept)
        ));
        let steps = steps.run.iter().map(|step| step.name.clone()).collect();
        let parameters = parameters.into_iter().collect();
        Ok(Self { selection: Selection { steps, source: execution.arn }, parameters })
    }
}

/// Divides the steps, or tells why an execution cannot begin at `from`.
fn selected<'a>(definition: &'a Definition, from: &str) -> Result<SelectedSteps<'a>, String> {
    let Some(steps) = definition.select_from(from) else {
        let placed = definition.steps_recursive();
        let inner = placed.iter().find(|placed| placed.step.name == from);
        if let Some(branch) = inner.and_then(|placed| placed.branches.first()) {
            let condition = branch.condition;
            return Err(format!("it is in a branch of {condition}; begin at {condition}"));
        }
        let names: Vec<_> = definition.steps.iter().map(|step| step.name.as_str()).collect();
        return Err(format!("there is no such step to begin at; there are {}", names.join(", ")));
    };
    if steps.kept.is_empty() {
        return Err("it needs no earlier result; start without --from".to_owned());
    }
    Ok(steps)
}

/// Returns the names of the steps without a result in an execution. A Condition step has none that another
/// could take.
fn missing<'a>(execution: &SageMakerExecution, kept: &[&'a Step]) -> Vec<&'a str> {
    let has = |name: &str| {
        let mut steps = execution.steps.iter();
        steps.any(|step| step.name == name && step.status == "Succeeded")
    };
    let kept = kept.iter().filter(|step| !matches!(step.kind, StepKind::Condition(_)));
    kept.map(|step| step.name.as_str()).filter(|name| !has(name)).collect()
}

fn described(cloud: &Cloud, arn: &str) -> Result<SageMakerExecution, CommandError> {
    Ok(cloud.execution(arn).map_err(CloudError::from)?)
}

/// Returns the latest execution with all results.
fn latest(cloud: &Cloud, kept: &[&Step], from: &str) -> Result<SageMakerExecution, CommandError> {
    let mut first_missing = Vec::new();
    for execution in cloud.executions(SEARCHED)?.into_iter().take(SEARCHED) {
        let execution = described(cloud, &execution.arn)?;
        let missing = missing(&execution, kept);
        if missing.is_empty() && execution.is_over() {
            return Ok(execution);
        }
        if first_missing.is_empty() {
            first_missing = missing;
        }
    }
    let missing = match first_missing.is_empty() {
        true => kept.iter().map(|step| step.name.as_str()).collect(),
        false => first_missing,
    };
    Err(CommandError::Usage(format!(
        "--from {from}: it needs the results of {}, and none of the last {SEARCHED} executions has ended with all of \
         them",
        missing.join(" and ")
    )))
}

//! The arguments that set an execution's parameters, and the check of their values.

use clap::Args;
use common::one_line;
use config::steps::{Hyperparameters, pascal_case};
use config::{JobKind, ONE_INSTANCE, Settings, training_instances};
use indexmap::IndexMap;
use pipeline::{Definition, Expression, Reference, lint_values};
use serde_json::Value;

use crate::definition::names::{APPROVAL_PARAMETER, GROUP_PARAMETER, INPUT_PARAMETER};
use crate::error::CommandError;

/// The arguments `-p NAME=VALUE`, which may be repeated.
#[derive(Debug, Default, Args)]
pub struct ParameterArgs {
    /// Set a parameter of the pipeline; may be repeated
    #[arg(short = 'p', long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
}

impl ParameterArgs {
    /// Returns the names and values.
    ///
    /// # Errors
    ///
    /// Fails where an argument has no `=`, or where a name occurs twice.
    pub fn assignments(&self) -> Result<Vec<(&str, &str)>, CommandError> {
        let mut assignments: Vec<(&str, &str)> = Vec::new();
        for parameter in &self.parameters {
            let Some((name, value)) = parameter.split_once('=') else {
                let message = format!(
                    "-p {}: expected NAME=VALUE, such as -p MaxDepth=12",
                    one_line(parameter)
                );
                return Err(CommandError::Usage(message));
            };
            if assignments.iter().any(|(other, _)| *other == name) {
                return Err(CommandError::Usage(format!(
                    "-p {} is given twice, expected once",
                    one_line(name)
                )));
            }
            assignments.push((name, value));
        }
        Ok(assignments)
    }
}

/// Returns the value of every parameter of the definition: the one that the user assigns, or the
/// default.
///
/// # Errors
///
/// Fails where the definition has no parameter of a name, or where a value has the wrong type.
pub fn values(
    definition: &Definition,
    assignments: &[(&str, &str)],
) -> Result<IndexMap<String, Value>, CommandError> {
    let values = definition.parameter_values(assignments.iter().copied());
    values.map_err(|error| {
        let mut message = one_line(&common::chain(&error));
        let approves = assignments.contains(&(APPROVAL_PARAMETER, "Approved"));
        if approves && message.contains(APPROVAL_PARAMETER) {
            message.push_str("; `orchestrator models approve` approves a version");
        }
        CommandError::Usage(message)
    })
}

/// Returns the text of an expression that is a literal or a parameter.
pub fn text<'a>(
    expression: &'a Expression,
    parameters: &'a IndexMap<String, Value>,
) -> Option<&'a str> {
    match expression {
        Expression::Get(Reference::Parameter(name)) => parameters.get(name)?.as_str(),
        other => other.as_str(),
    }
}

/// Refuses values with which the service would not run the definition, such as one that makes a
/// container's argument too long, and reports all of them.
pub fn require_accepted(
    definition: &Definition,
    parameters: &IndexMap<String, Value>,
) -> Result<(), CommandError> {
    let findings: Vec<_> =
        lint_values(definition, parameters).iter().map(ToString::to_string).collect();
    if findings.is_empty() { Ok(()) } else { Err(CommandError::Usage(findings.join("\n"))) }
}

/// Checks the values of our own definition's parameters against the ranges that the steps accept, and
/// reports all faults at once.
pub fn check_ranges(
    settings: &Settings,
    parameters: &IndexMap<String, Value>,
) -> Result<(), CommandError> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let names = settings.hyperparameters.to_map().into_keys();
    let hyperparameters = names.filter_map(|name| {
        let value = parameters.get(&pascal_case(&name))?;
        Some((name, text(value)))
    });
    let mut faults = match Hyperparameters::from_map(&hyperparameters.collect()) {
        Ok(_) => Vec::new(),
        Err(error) => error.faults,
    };
    let mut check = |name: &str, expected: &str, within: fn(f64) -> bool| {
        let value = parameters.get(name).filter(|value| !value.as_f64().is_some_and(within));
        faults.extend(
            value.map(|value| format!("parameter {name} is `{value}`, expected {expected}")),
        );
    };
    let share = "a number between 0 and 1, both excluded";
    for kind in [JobKind::Processing, JobKind::Evaluation] {
        check(&kind.instance_count_parameter(), ONE_INSTANCE, |count| count == 1.0);
    }
    check("TestSize", share, |size| size > 0.0 && size < 1.0);
    for metric in settings.quality_gates.keys() {
        let minimum = |minimum: f64| (0.0..=1.0).contains(&minimum);
        check(&metric.gate_parameter(), "a number from 0 to 1", minimum);
    }
    let name = JobKind::Training.instance_count_parameter();
    if let Some(count) = parameters.get(&name) {
        // A wrong number of trees has been reported already.
        let trees = parameters.get("NEstimators").and_then(Value::as_u64).unwrap_or_default();
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let checked = training_instances(count.as_u64().map_or(0, number), number(trees));
        let fault = checked.err();
        faults.extend(
            fault.map(|expected| format!("parameter {name} is `{count}`, expected {expected}")),
        );
    }
    if let Some(input) = parameters.get(INPUT_PARAMETER).and_then(Value::as_str) {
        let location = input.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        if location.is_none_or(|(bucket, _)| bucket.is_empty()) {
            faults.push(format!(
                "parameter {INPUT_PARAMETER} is `{input}`, expected s3://BUCKET/KEY"
            ));
        }
    }
    if let Some(name) = parameters.get(GROUP_PARAMETER).and_then(Value::as_str) {
        let fault = registry::check_group_name(name).err();
        faults.extend(fault.map(|error| format!("parameter {GROUP_PARAMETER}: {error}")));
    }
    if faults.is_empty() { Ok(()) } else { Err(CommandError::Usage(faults.join("; "))) }
}

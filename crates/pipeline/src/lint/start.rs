//! Checks of the values with which an execution starts: what the service would refuse once they are
//! in the place of the parameters.

use std::collections::BTreeSet;
use std::fmt;

use indexmap::IndexMap;
use serde_json::Value;

use super::{Finding, Severity, lint, lint_with};
use crate::definition::Definition;
use crate::reference::Reference;
use crate::walk;

/// A limit of the service that the values of parameters break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueFinding {
    /// The parameters whose values make the difference, as far as that is known.
    pub parameters: Vec<String>,
    /// The place that the values reach, and what is wrong there.
    pub finding: Finding,
}

/// Writes `parameter name: place: message`.
impl fmt::Display for ValueFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { place, message, .. } = &self.finding;
        match &self.parameters[..] {
            [] => {}
            [name] => write!(f, "parameter {name}: ")?,
            names => write!(f, "parameters {}: ", names.join(", "))?,
        }
        write!(f, "{place}: {message}")
    }
}

/// Checks a definition with the value of each parameter of an execution. Returns what the service
/// would refuse, without the errors that the definition has with its defaults, which
/// [`lint`](fn@lint) reports.
pub fn lint_values(definition: &Definition, values: &IndexMap<String, Value>) -> Vec<ValueFinding> {
    let is_error = |finding: &Finding| finding.severity == Severity::Error;
    let known: BTreeSet<String> =
        lint(definition).into_iter().filter(is_error).map(|finding| finding.place).collect();
    let found = lint_with(definition, Some(values)).into_iter();
    let found = found.filter(|finding| is_error(finding) && !known.contains(&finding.place));
    found
        .map(|finding| ValueFinding {
            parameters: parameters(definition, values, &finding.place),
            finding,
        })
        .collect()
}

/// Returns the parameters of the expressions at a place: those whose value is not their default, or
/// else all of them. Where none is found, as for a prefix that refers to another step's, these are
/// all parameters whose value is not their default.
fn parameters(
    definition: &Definition,
    values: &IndexMap<String, Value>,
    place: &str,
) -> Vec<String> {
    let mut read = BTreeSet::new();
    for placed in definition.steps_recursive() {
        let Some(inside) = place.strip_prefix(&placed.place) else { continue };
        let Some(inside) = inside.strip_prefix('.') else { continue };
        for (at, expression) in walk::expressions(placed.step) {
            let (Ok(expression), true) = (expression, at.starts_with(inside)) else { continue };
            read.extend(expression.references().into_iter().filter_map(|reference| {
                if let Reference::Parameter(name) = reference { Some(name) } else { None }
            }));
        }
    }
    let names = definition.parameters.iter();
    let changed: Vec<&str> = names
        .filter(|parameter| parameter.default.as_ref() != values.get(&parameter.name))
        .map(|parameter| parameter.name.as_str())
        .collect();
    let owned = |name: &&str| (*name).to_owned();
    if read.is_empty() {
        return changed.iter().map(owned).collect();
    }
    let both: Vec<String> =
        changed.iter().filter(|name| read.contains(**name)).map(owned).collect();
    if both.is_empty() { read.into_iter().collect() } else { both }
}

//! Checks of a definition against the service's rules, without a call of the service.
//!
//! The limits are those of the SageMaker API's shapes and of the developer guide's chapter on
//! pipelines. The value of an expression is checked as far as it is known: literals, parameter
//! defaults, and the S3 prefixes of other steps' outputs.

mod conditions;
mod known;
mod members;
mod processing;
mod references;
mod response;
mod shapes;
mod start;
mod steps;
mod training;
mod values;

pub use start::{ValueFinding, lint_values};
pub use training::LARGEST_EXPRESSION;
pub use values::LONGEST_ARGUMENT;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use common::{did_you_mean, nearest};
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use self::shapes::JobShapes;

use crate::definition::{Definition, VERSION};
use crate::graph::PlacedStep;
use crate::parameter::{Parameter, ParameterType};
use crate::place::shown;
use crate::step::{Step, StepKind};
use crate::walk;

/// The maximum size of a definition in a `CreatePipeline` request, in bytes. Larger ones are passed
/// through S3.
pub const LARGEST_DEFINITION: usize = 1024 * 1024;
/// The maximum number of parameters of a pipeline.
const MAX_PARAMETERS: usize = 200;

/// The number of findings after which names are not compared any more.
const MOST_SUGGESTIONS: usize = 200;

/// A part of a definition that the service would refuse, or that is likely a mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The place, such as `Steps.Preprocess.Arguments.AppSpecification.ContainerArguments[3]`.
    pub place: String,
    /// What was found and what was expected.
    pub message: String,
    /// Whether the pipeline can be used in spite of it.
    pub severity: Severity,
}

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The service refuses the definition, or an execution cannot succeed.
    Error,
    /// The service accepts the definition, which likely does not do what was meant.
    Warning,
}

/// Writes `error: place: message`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}: {}", self.place, self.message)
    }
}

/// Checks a definition against the service's rules and returns all findings, in the definition's
/// order.
pub fn lint(definition: &Definition) -> Vec<Finding> {
    lint_with(definition, None)
}

/// Checks a definition, with the values of an execution in place of the parameters' defaults if
/// there are any.
fn lint_with(definition: &Definition, given: Option<&IndexMap<String, Value>>) -> Vec<Finding> {
    let steps = definition.steps_recursive();
    let documents: Vec<Value> = steps.iter().map(|placed| walk::own_value(placed.step)).collect();
    let mut linter = Linter::new(definition, &steps, &documents);
    linter.given = given;
    linter.definition();
    linter.definition_members();
    linter.parameters();
    linter.experiment();
    let distinct = linter.step_names();
    for (placed, document) in steps.iter().zip(&documents) {
        linter.step(placed, document);
    }
    // The graph identifies steps by name, so two steps of one name could look like a cycle.
    if distinct {
        linter.order();
    }
    linter.unused_parameters();
    linter.findings
}

/// A definition and what was found in it so far.
struct Linter<'a> {
    definition: &'a Definition,
    steps: &'a [PlacedStep<'a>],
    /// Each step as JSON, in the same order.
    documents: &'a [Value],
    /// The index in both lists of the first step of each name.
    positions: BTreeMap<&'a str, usize>,
    parameters: BTreeMap<&'a str, &'a Parameter>,
    used_parameters: BTreeSet<String>,
    /// The values of an execution's parameters; without them the defaults are checked.
    given: Option<&'a IndexMap<String, Value>>,
    findings: Vec<Finding>,
}

impl<'a> Linter<'a> {
    fn new(
        definition: &'a Definition,
        steps: &'a [PlacedStep<'a>],
        documents: &'a [Value],
    ) -> Self {
        let names = steps.iter().map(|placed| placed.step.name.as_str());
        Self {
            definition,
            steps,
            documents,
            // Reversed, so that the first of several steps of one name is inserted last and stays.
            positions: names.enumerate().map(|(index, name)| (name, index)).rev().collect(),
            parameters: definition.parameters.iter().map(|p| (p.name.as_str(), p)).collect(),
            used_parameters: BTreeSet::new(),
            given: None,
            findings: Vec::new(),
        }
    }

    fn error(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.add(place.into(), &message.into(), Severity::Error);
    }

    fn warning(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.add(place.into(), &message.into(), Severity::Warning);
    }

    /// Adds a finding. It quotes the definition, and is one line whatever that has.
    fn add(&mut self, place: String, message: &str, severity: Severity) {
        let (place, message) = (shown(place), common::one_line(message));
        self.findings.push(Finding { place, message, severity });
    }

    /// Returns the end of a message about an unknown name: the one of these that was probably meant. Among many
    /// findings a suggestion is of no use, and each takes the time of hundreds of comparisons.
    fn suggestion<'n>(&self, name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
        let is_useful = self.findings.len() < MOST_SUGGESTIONS;
        did_you_mean(is_useful.then(|| nearest(name, known)).flatten())
    }

    fn find_step(&self, name: &str) -> Option<&'a PlacedStep<'a>> {
        self.positions.get(name).and_then(|index| self.steps.get(*index))
    }

    /// Returns the arguments of a step as JSON; null if it has none.
    fn arguments(&self, name: &str) -> &'a Value {
        let document = self.positions.get(name).and_then(|index| self.documents.get(*index));
        document.and_then(|document| document.get("Arguments")).unwrap_or(&Value::Null)
    }

    fn definition(&mut self) {
        let version = &self.definition.version;
        if version != VERSION {
            self.error("Version", format!("{version:?}; the only version is {VERSION:?}"));
        }
        let size = self.definition.to_json().len();
        if size > LARGEST_DEFINITION {
            self.warning(
                "definition",
                format!("{size} bytes; the service takes at most {LARGEST_DEFINITION} in a request, larger ones from S3"),
            );
        }
        if self.definition.steps.is_empty() {
            self.error("Steps", "no steps; a pipeline has at least one");
        }
    }

    fn parameters(&mut self) {
        let parameters = &self.definition.parameters;
        self.at_most("Parameters", parameters.len(), MAX_PARAMETERS, "parameters");
        let names: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
        self.unique("Parameters", &names, "parameter");
        for parameter in parameters {
            let place = format!("Parameters.{}", parameter.name);
            self.name(&place, &parameter.name);
            if parameter.kind != ParameterType::String && !parameter.enum_values.is_empty() {
                self.error(
                    format!("{place}.EnumValues"),
                    format!("only String parameters have them, this is {}", parameter.kind),
                );
            }
            if let Some(Err(error)) = parameter.default.as_ref().map(|v| parameter.check(v)) {
                self.error(format!("{place}.DefaultValue"), error.to_string());
            }
        }
    }

    fn step(&mut self, placed: &PlacedStep<'a>, document: &Value) {
        let PlacedStep { step, place, .. } = placed;
        self.common(placed);
        self.step_members(placed, document);
        match &step.kind {
            StepKind::Processing(arguments) => self.processing(place, arguments),
            StepKind::Training(arguments) => self.training(place, arguments),
            StepKind::Condition(arguments) => {
                self.conditions(&format!("{place}.Arguments.Conditions"), &arguments.conditions);
            }
            StepKind::Fail { error_message } => {
                self.text(&format!("{place}.Arguments.ErrorMessage"), error_message, 3072);
            }
            StepKind::Other { .. } => {}
        }
        self.references(placed, document);
    }

    fn order(&mut self) {
        if let Err(cycle) = self.definition.graph().order() {
            self.error("Steps", cycle.to_string());
        }
    }

    fn unused_parameters(&mut self) {
        for parameter in &self.definition.parameters {
            if !self.used_parameters.contains(&parameter.name) {
                self.warning(
                    format!("Parameters.{}", parameter.name),
                    "no step uses it, so choosing a value changes nothing",
                );
            }
        }
    }
}

/// Whether a step has a Describe response that expressions can refer to.
fn has_properties(step: &Step) -> bool {
    !matches!(step.kind, StepKind::Condition(_) | StepKind::Fail { .. })
}

/// Returns the API's shapes of a step's job, if the step is of a known type.
fn job(step: &Step) -> Option<&'static JobShapes> {
    match step.kind {
        StepKind::Processing(_) => Some(&shapes::PROCESSING),
        StepKind::Training(_) => Some(&shapes::TRAINING),
        _ => None,
    }
}

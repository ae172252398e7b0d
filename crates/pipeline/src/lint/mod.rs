//! What the service would refuse, found without asking it.
//!
//! The numbers are those of the SageMaker API's shapes and of the developer guide's chapter on
//! pipelines. A value that an expression makes is checked as far as it is known: literals,
//! parameter defaults, and the S3 prefixes of other steps' outputs.

mod conditions;
mod known;
mod processing;
mod references;
mod steps;
mod training;
mod values;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::definition::{Definition, VERSION};
use crate::graph::PlacedStep;
use crate::parameter::{Parameter, ParameterType};
use crate::step::{Step, StepKind};

/// The largest definition `CreatePipeline` takes in its request.
const LARGEST_DEFINITION: usize = 1024 * 1024;
const MOST_PARAMETERS: usize = 200;

/// Something the service would refuse, or that is likely not meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Such as `Steps.Preprocess.Arguments.AppSpecification.ContainerArguments[3]`.
    pub place: String,
    /// What was found and what was expected.
    pub message: String,
    /// Whether the pipeline can be used nevertheless.
    pub severity: Severity,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The service refuses it, or it cannot work.
    Error,
    /// It works, but likely not as meant.
    Warning,
}

/// `error: place: message`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}: {}", self.place, self.message)
    }
}

/// Checks a definition against everything known about the service, and reports all there is to
/// report, in the definition's order.
pub fn lint(definition: &Definition) -> Vec<Finding> {
    let mut linter = Linter::new(definition);
    linter.definition();
    linter.parameters();
    linter.experiment();
    let distinct = linter.step_names();
    for placed in &linter.steps.clone() {
        linter.step(placed);
    }
    // The order goes by name, so two steps of one name would look like a circle.
    if distinct {
        linter.order();
    }
    linter.unused_parameters();
    linter.findings
}

/// A definition and what was found in it so far.
struct Linter<'a> {
    definition: &'a Definition,
    steps: Vec<PlacedStep<'a>>,
    parameters: BTreeMap<&'a str, &'a Parameter>,
    used_parameters: Vec<String>,
    findings: Vec<Finding>,
}

impl<'a> Linter<'a> {
    fn new(definition: &'a Definition) -> Self {
        Self {
            definition,
            steps: definition.steps_recursive(),
            parameters: definition.parameters.iter().map(|p| (p.name.as_str(), p)).collect(),
            used_parameters: Vec::new(),
            findings: Vec::new(),
        }
    }

    fn error(&mut self, place: impl Into<String>, message: impl Into<String>) {
        let (place, message) = (place.into(), message.into());
        self.findings.push(Finding { place, message, severity: Severity::Error });
    }

    fn warning(&mut self, place: impl Into<String>, message: impl Into<String>) {
        let (place, message) = (place.into(), message.into());
        self.findings.push(Finding { place, message, severity: Severity::Warning });
    }

    fn find_step(&self, name: &str) -> Option<&PlacedStep<'a>> {
        self.steps.iter().find(|placed| placed.step.name == name)
    }

    fn definition(&mut self) {
        let version = &self.definition.version;
        if version != VERSION {
            self.error("Version", format!("{version:?}; the only version is {VERSION:?}"));
        }
        let size = self.definition.to_json().len();
        if size > LARGEST_DEFINITION {
            self.error(
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
        self.at_most("Parameters", parameters.len(), MOST_PARAMETERS, "parameters");
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

    fn step(&mut self, placed: &PlacedStep<'a>) {
        let PlacedStep { step, place, .. } = placed;
        self.common(placed);
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
        self.references(placed);
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

/// Whether a step of this type runs a job whose Describe answer can be pointed at.
fn has_properties(step: &Step) -> bool {
    !matches!(step.kind, StepKind::Condition(_) | StepKind::Fail { .. })
}

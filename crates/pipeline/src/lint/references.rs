//! Checks of the references in `DependsOn` and in expressions.

use serde_json::Value;

use super::shapes::Shape;
use super::{Linter, Severity, has_properties, job, response};
use crate::expression::Expression;
use crate::graph::PlacedStep;
use crate::path::Path;
use crate::reference::Reference;
use crate::step::{Step, StepKind};
use crate::walk;

/// The only property of a Condition step: `True` or `False`.
const OUTCOME: &str = "Outcome";

impl Linter<'_> {
    /// Checks `DependsOn` and every expression of one step.
    pub(super) fn references(&mut self, placed: &PlacedStep<'_>, document: &Value) {
        for (index, name) in placed.step.depends_on.iter().enumerate() {
            let place = format!("{}.DependsOn[{index}]", placed.place);
            self.dependency(&place, placed, name);
        }
        for (inner, found) in walk::expressions_in(document) {
            let place = format!("{}.{inner}", placed.place);
            match found {
                Err(problem) => self.error(place, problem),
                Ok(expression) => {
                    let value = needs_value(placed.step, &inner, &expression);
                    for reference in expression.references() {
                        if let Some(step) = reference.step() {
                            self.dependency(&place, placed, step);
                        }
                        self.reference(&place, &reference, value);
                    }
                }
            }
        }
    }

    /// Checks the experiment's names, which are evaluated before any step runs.
    pub(super) fn experiment(&mut self) {
        let Some(experiment) = &self.definition.experiment else { return };
        for (name, expression) in
            [("ExperimentName", &experiment.experiment_name), ("TrialName", &experiment.trial_name)]
        {
            let Some(expression) = expression else { continue };
            let place = format!("PipelineExperimentConfig.{name}");
            self.filled(&place, expression, 120);
            for reference in expression.references() {
                match reference.step() {
                    Some(_) => self.error(
                        &place,
                        format!("{reference} is not known before the first step; use parameters and execution variables"),
                    ),
                    None => self.reference(&place, &reference, true),
                }
            }
        }
    }

    /// Checks that the step `name` exists, and that it runs in every execution in which the step
    /// `placed` runs.
    fn dependency(&mut self, place: &str, placed: &PlacedStep<'_>, name: &str) {
        let Some(target) = self.find_step(name) else {
            let names = self.steps.iter().map(|placed| placed.step.name.as_str());
            let suggestion = self.suggestion(name, names);
            self.error(place, format!("there is no step {name:?}{suggestion}"));
            return;
        };
        if matches!(target.step.kind, StepKind::Fail { .. }) {
            self.error(place, format!("{name} is a Fail step, nothing runs after it"));
            return;
        }
        for branch in &target.branches {
            if placed.branches.contains(branch) || placed.step.name == branch.condition {
                continue;
            }
            let condition = branch.condition;
            if placed.branches.iter().any(|own| own.condition == condition) {
                self.error(
                    place,
                    format!("{name} is in the other branch of {condition}, so only one of the two ever runs"),
                );
            } else {
                let side = if branch.when { "IfSteps" } else { "ElseSteps" };
                self.warning(
                    place,
                    format!("{name} runs only when {condition} takes its {side}; without it this step cannot run"),
                );
            }
        }
    }

    /// Checks that the target of a reference exists, and that it is a value if `value` is set.
    fn reference(&mut self, place: &str, reference: &Reference, value: bool) {
        match reference {
            Reference::Parameter(name) => {
                if self.parameters.contains_key(name.as_str()) {
                    self.used_parameters.insert(name.clone());
                } else {
                    let suggestion = self.suggestion(name, self.parameters.keys().copied());
                    self.error(place, format!("there is no parameter {name:?}{suggestion}"));
                }
            }
            Reference::Execution(_) => {}
            Reference::Property { step, path } => self.property(place, step, path, value),
            Reference::PropertyFile { step, name } => {
                let Some(target) = self.find_step(step).map(|placed| placed.step) else { return };
                let names = || target.property_files.iter().map(|f| f.property_file_name.as_str());
                if !names().any(|file| file == name) {
                    let suggestion = self.suggestion(name, names());
                    self.error(place, format!("{step} has no property file {name:?}{suggestion}"));
                }
            }
        }
    }

    fn property(&mut self, place: &str, name: &str, path: &str, value: bool) {
        let Some(target) = self.find_step(name).map(|placed| placed.step) else { return };
        if !has_properties(target) {
            // A Fail step was already reported as a dependency.
            if matches!(target.kind, StepKind::Condition(_)) && path != OUTCOME {
                self.error(
                    place,
                    format!("{name} is a Condition step and has no {path:?}; it has {OUTCOME}"),
                );
            }
            return;
        }
        let (Some(job), Ok(parsed)) = (job(target), Path::parse(path)) else { return };
        match response::follow(name, job, self.arguments(name), &parsed) {
            Err((Severity::Error, message)) => self.error(place, message),
            Err((Severity::Warning, message)) => self.warning(place, message),
            Ok(shape) => {
                let what = match shape {
                    Shape::Object { .. } => format!("an object of {}", shape.names().join(", ")),
                    Shape::Map => "an object".to_owned(),
                    Shape::List(_) => "a list".to_owned(),
                    Shape::Value | Shape::Any => return,
                };
                if value {
                    let message = format!("Steps.{name}.{path} is {what}; a value is needed here");
                    self.error(place, message);
                }
            }
        }
    }
}

/// Whether the result of this expression of a step must be a string, a number or a boolean.
fn needs_value(step: &Step, place: &str, expression: &Expression) -> bool {
    match (&step.kind, expression) {
        (_, Expression::Join { .. }) => true,
        (StepKind::Condition(_) | StepKind::Fail { .. }, _) => true,
        _ => job(step)
            .zip(place.strip_prefix("Arguments."))
            .and_then(|(job, place)| job.request.at(place))
            .is_some_and(|shape| matches!(shape, Shape::Value)),
    }
}

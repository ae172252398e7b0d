//! Checks of unknown members. They are kept, since the API may gain members, but a misspelled one
//! has no effect.

use common::nearest;
use serde_json::Value;

use super::shapes::Shape;
use super::{Linter, job};
use crate::definition::PARALLELISM;
use crate::graph::PlacedStep;
use crate::step::StepKind;
use crate::walk::is_expression;

/// The members of a definition. The official SDK writes `MlflowConfig` since version 3.
const DEFINITION: [&str; 6] =
    ["Version", "Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig", "Steps"];
const STEP: [&str; 9] = [
    "Name",
    "Type",
    "Arguments",
    "DependsOn",
    "DisplayName",
    "Description",
    "RetryPolicies",
    "CacheConfig",
    "PropertyFiles",
];

impl Linter<'_> {
    pub(super) fn definition_members(&mut self) {
        for name in self.definition.other.keys() {
            if name == PARALLELISM {
                match self.definition.max_parallel_steps() {
                    Ok(_) => self.warning(
                        name,
                        "a member of CreatePipeline's request, not of its definition; the local run takes it",
                    ),
                    Err((place, problem)) => self.error(place, problem),
                }
            } else if !DEFINITION.contains(&name.as_str()) {
                self.unknown_member(name.clone(), name, &DEFINITION);
            }
        }
    }

    pub(super) fn step_members(&mut self, placed: &PlacedStep<'_>, document: &Value) {
        let PlacedStep { step, place, .. } = placed;
        for name in step.other.keys() {
            // Steps of other types have members of their own.
            let own = matches!(step.kind, StepKind::Other { .. });
            if !own || nearest(name, STEP).is_some() {
                self.unknown_member(format!("{place}.{name}"), name, &STEP);
            }
        }
        if let (Some(job), Some(arguments)) = (job(step), document.get("Arguments")) {
            self.argument_members(&format!("{place}.Arguments"), arguments, job.request);
        }
    }

    fn argument_members(&mut self, place: &str, value: &Value, shape: Shape) {
        match (shape, value) {
            (Shape::Object { .. }, Value::Object(members)) if !is_expression(members) => {
                for (name, value) in members {
                    let place = format!("{place}.{name}");
                    match shape.member(name) {
                        Some(shape) => self.argument_members(&place, value, shape),
                        None => self.unknown_member(place, name, &shape.names()),
                    }
                }
            }
            (Shape::List(shape), Value::Array(entries)) => {
                for (index, entry) in entries.iter().enumerate() {
                    self.argument_members(&format!("{place}[{index}]"), entry, *shape);
                }
            }
            _ => {}
        }
    }

    fn unknown_member(&mut self, place: String, name: &str, known: &[&str]) {
        let suggestion = self.suggestion(name, known.iter().copied());
        self.warning(place, format!("unknown member, kept as it stands{suggestion}"));
    }
}

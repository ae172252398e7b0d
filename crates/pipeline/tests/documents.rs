//! Definitions as documents: the example of this crate, and definitions in the style of the
//! official Python SDK.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use pipeline::{Definition, StepKind, lint};
use serde_json::{Value, json};

/// Definitions in the style of the official SDK: `AppManaged` on every input and output, empty
/// environments, Debugger and Profiler settings, and steps of types that this crate only keeps.
const FOREIGN: [(&str, &str); 6] = [
    ("batch_forecast", include_str!("foreign/batch_forecast.json")),
    ("gated_publication", include_str!("foreign/gated_publication.json")),
    ("mlflow_config", include_str!("foreign/mlflow_config.json")),
    ("model_registry", include_str!("foreign/model_registry.json")),
    ("named_jobs", include_str!("foreign/named_jobs.json")),
    ("other_step_types", include_str!("foreign/other_step_types.json")),
];

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_example_is_its_committed_json() {
    let text = include_str!("example.json");
    let example = common::example();
    assert_same_lines(&example.to_json(), text);
    assert_eq!(Definition::from_json(text).unwrap(), example);
    assert_eq!(lint(&example), []);
}

/// Asserts that the texts are equal, and shows the first line that differs.
fn assert_same_lines(found: &str, expected: &str) {
    let found: Vec<&str> = found.split('\n').collect();
    let expected: Vec<&str> = expected.split('\n').collect();
    for (line, pair) in found.iter().zip(&expected).enumerate() {
        assert_eq!(pair.0, pair.1, "line {}", line + 1);
    }
    assert_eq!(found.len(), expected.len());
}

/// Removes every `"Environment": {}`: the SDK writes it, and this crate leaves it out.
fn without_empty_environments(mut document: Value) -> Value {
    match &mut document {
        Value::Object(members) => {
            members.retain(|name, member| name != "Environment" || *member != json!({}));
            members.values_mut().for_each(|v| *v = without_empty_environments(v.take()));
        }
        Value::Array(entries) => {
            entries.iter_mut().for_each(|v| *v = without_empty_environments(v.take()));
        }
        _ => {}
    }
    document
}

#[test]
fn foreign_definitions_survive_a_round_trip() {
    for (name, text) in FOREIGN {
        let definition = Definition::from_json(text).unwrap();
        let written = definition.to_json();
        assert_eq!(
            without_empty_environments(value(&written)),
            without_empty_environments(value(text)),
            "{name}"
        );
        assert_eq!(Definition::from_json(&written).unwrap(), definition, "{name}");
    }
}

#[test]
fn foreign_definitions_validate() {
    let schema = value(include_str!("../definition.schema.json"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, text) in FOREIGN {
        let document = value(text);
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn foreign_definitions_are_linted() {
    let mut report = String::new();
    for (name, text) in FOREIGN {
        report.push_str(&format!("{name}\n"));
        for finding in lint(&Definition::from_json(text).unwrap()) {
            report.push_str(&format!("  {finding}\n"));
        }
    }
    // The SDK declares every parameter of the pipeline object, whether a step uses it or not.
    insta::assert_snapshot!(report, @"
    batch_forecast
      warning: Parameters.LeastR2: no step uses it, so choosing a value changes nothing
      warning: Parameters.MostRmse: no step uses it, so choosing a value changes nothing
      warning: Parameters.Approval: no step uses it, so choosing a value changes nothing
    gated_publication
    mlflow_config
    model_registry
      warning: Parameters.Spot: no step uses it, so choosing a value changes nothing
    named_jobs
    other_step_types
    ");
}

#[test]
fn a_definition_up_to_a_step_has_what_the_step_needs() {
    let mut example = common::example();
    let names = |definition: &Definition| -> Vec<String> {
        definition.steps.iter().map(|step| step.name.clone()).collect()
    };
    assert_eq!(names(&example.up_to("Train")), ["Preprocess", "Train"]);
    assert_eq!(example.up_to("Train").parameters, example.parameters);
    assert_eq!(names(&example.up_to("None")), [""; 0]);
    // A condition has let the step run, so that it is none of what the step runs on.
    let gate = example.steps.iter().find(|step| matches!(step.kind, StepKind::Condition(_)));
    let gate = gate.unwrap().name.clone();
    let mut late = example.step("Train").unwrap().clone();
    late.name = "Late".to_owned();
    late.depends_on = vec![gate, "Evaluate".to_owned()];
    example.steps.push(late);
    let late = example.up_to("Late");
    assert_eq!(names(&late), ["Preprocess", "Train", "Evaluate", "Late"]);
    assert_eq!(late.step("Late").unwrap().depends_on, ["Evaluate"]);
}

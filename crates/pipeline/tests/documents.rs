//! Definitions as documents: our own example, and what the official SDK emits.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::PathBuf;

use pipeline::{Definition, lint};
use serde_json::Value;

/// Where the workspace's neighbour keeps the schema and the SDK's definitions, if it is there.
fn reference() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference");
    path.is_dir().then_some(path)
}

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

/// Equal; the first line that differs is shown when not.
fn assert_same_lines(found: &str, expected: &str) {
    let found: Vec<&str> = found.split('\n').collect();
    let expected: Vec<&str> = expected.split('\n').collect();
    for (line, pair) in found.iter().zip(&expected).enumerate() {
        assert_eq!(pair.0, pair.1, "line {}", line + 1);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn the_example_fits_the_patched_schema() {
    let Some(reference) = reference() else { return };
    let schema =
        fs_err::read_to_string(reference.join("pipeline-definition.patched.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&value(&schema)).unwrap();
    let example = value(&common::example().to_json());
    let errors: Vec<String> = validator
        .iter_errors(&example)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn what_the_official_sdk_emits_survives_and_lints() {
    let Some(reference) = reference() else { return };
    let mut report = String::new();
    let directory = fs_err::read_dir(reference.join("definitions")).unwrap();
    let mut paths: Vec<PathBuf> = directory.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let text = fs_err::read_to_string(&path).unwrap();
        let definition = Definition::from_json(&text).unwrap();
        let written = definition.to_json();
        assert_eq!(value(&written), value(&text), "{}", path.display());
        assert_eq!(Definition::from_json(&written).unwrap(), definition);
        let name = path.file_stem().unwrap().to_string_lossy();
        report.push_str(&format!("{name}\n"));
        for finding in lint(&definition) {
            report.push_str(&format!("  {finding}\n"));
        }
    }
    // The SDK declares every parameter of the pipeline object, used or not.
    insta::assert_snapshot!(report, @r#"
    a_register_processing
      warning: Parameters.UseSpot: no step uses it, so choosing a value changes nothing
    b_register_native
      warning: Parameters.UseSpot: no step uses it, so choosing a value changes nothing
    c_model_transform
      warning: Parameters.MinAccuracy: no step uses it, so choosing a value changes nothing
      warning: Parameters.MinF1: no step uses it, so choosing a value changes nothing
      warning: Parameters.MinRecall: no step uses it, so choosing a value changes nothing
    d_minimal
    e_minimal_custom_prefix
    v3_minimal
    "#);
}

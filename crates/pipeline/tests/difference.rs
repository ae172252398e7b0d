//! What tells two definitions apart.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use pipeline::difference;
use proptest::prelude::*;
use serde_json::{Value, json};

fn example() -> Value {
    serde_json::from_str(&common::example().to_json()).unwrap()
}

/// The lines that tell `after` from the example.
fn lines(after: &Value) -> String {
    let changes = difference(&example(), after);
    changes.iter().map(|change| format!("{change}\n")).collect()
}

fn edited(edit: impl FnOnce(&mut Value)) -> String {
    let mut after = example();
    edit(&mut after);
    lines(&after)
}

#[test]
fn nothing() {
    assert_eq!(lines(&example()), "");
    let unsaid = edited(|d| {
        d["Steps"][0]["DependsOn"] = json!([]);
        d["Steps"][0]["DisplayName_"] = json!(null);
        d["Metadata"] = json!(null);
    });
    assert_eq!(unsaid, "");
    let order = edited(|d| {
        d["Steps"].as_array_mut().unwrap().reverse();
        d["Parameters"].as_array_mut().unwrap().reverse();
    });
    assert_eq!(order, "");
}

#[test]
fn what_was_changed_is_named() {
    insta::assert_snapshot!(edited(|d| d["Parameters"][0]["DefaultValue"] = json!("ml.c5.xlarge")), @r#"~ Parameters.InputUrl.DefaultValue: "s3://my-bucket/raw/" -> "ml.c5.xlarge""#);
    insta::assert_snapshot!(edited(|d| {
        d["Steps"][0]["Arguments"]["AppSpecification"]["ContainerArguments"][1] = json!("0.3");
        d["Steps"][0]["Arguments"]["ProcessingOutputConfig"]["Outputs"][1]["S3Output"]["S3Uri"] = json!("s3://other");
    }), @r#"
    ~ Steps.Preprocess.Arguments.AppSpecification.ContainerArguments[1]: join("", Parameters.TestSize) -> "0.3"
    ~ Steps.Preprocess.Arguments.ProcessingOutputConfig.Outputs.test.S3Output.S3Uri: join("/", "s3://my-bucket/runs", Execution.PipelineExecutionId, "test") -> "s3://other"
    "#);
    insta::assert_snapshot!(edited(|d| {
        let list = d["Steps"][0]["Arguments"]["AppSpecification"]["ContainerArguments"].as_array_mut().unwrap();
        list.insert(0, json!("--new"));
    }), @r#"+ Steps.Preprocess.Arguments.AppSpecification.ContainerArguments[0]: "--new""#);
    insta::assert_snapshot!(edited(|d| {
        d["Steps"].as_array_mut().unwrap().remove(0);
        d["Parameters"].as_array_mut().unwrap().push(json!({"Name": "New", "Type": "String"}));
    }), @r#"
    + Parameters.New: {"Name":"New","Type":"String"}
    - Steps.Preprocess: a Processing step
    "#);
}

#[test]
fn what_is_no_definition_is_another() {
    let changes = difference(&Value::Null, &json!({ "Version": "2020-12-01" }));
    insta::assert_snapshot!(changes[0].to_string(), @r#"+ definition: {"Version":"2020-12-01"}"#);
    assert_eq!(changes.len(), 1);
    insta::assert_snapshot!(difference(&json!("x".repeat(500)), &json!(1))[0].to_string(), @r#"~ definition: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx ... xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" -> 1"#);
}

/// Every place in a document that holds a number, a text or a word.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, inner)| leaves(inner, &format!("{at}/{name}"), found));
        }
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(i, inner)| leaves(inner, &format!("{at}/{i}"), found));
        }
        Value::Null => {}
        _ => found.push(at.to_owned()),
    }
}

proptest! {
    #[test]
    fn one_edit_is_one_change(which in any::<prop::sample::Index>()) {
        let before = example();
        let mut places = Vec::new();
        leaves(&before, "", &mut places);
        // another name is another member: one that is gone and one that is new
        let named = |place: &String| place.ends_with("Name") || place.ends_with("/Key");
        places.retain(|place| !named(place));
        let place = which.get(&places);
        let mut after = before.clone();
        *after.pointer_mut(place).unwrap() = json!("something else");
        let changes = difference(&before, &after);
        prop_assert_eq!(changes.len(), 1, "{} {:?}", place, changes);
        let last = place.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap();
        let expression = ["Get", "Path", "On", "Values"].contains(&last);
        prop_assert!(expression || changes[0].place.contains(last), "{} {:?}", place, changes);
    }
}

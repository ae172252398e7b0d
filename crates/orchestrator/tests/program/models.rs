//! `orchestrator models --local`: the models that local runs registered.

use serde_json::Value;

use crate::{CONFIG, Place};

fn models(place: &Place, code: i32, arguments: &[&str]) -> testkit::Outcome {
    let local = ["--local", "--config", CONFIG];
    place.orchestrator(&[&["models"], arguments, &local[..]].concat()).expect(code)
}

fn json(place: &Place, arguments: &[&str]) -> Value {
    let outcome = models(place, 0, &[arguments, &["--json"]].concat());
    serde_json::from_str(&outcome.stdout).unwrap()
}

#[test]
fn versions_are_listed_compared_approved_and_rejected() {
    let place = Place::new();
    place.json(0, &[]);
    place.json(0, &["-p", "NEstimators=20"]);
    let listed = json(&place, &["list"]);
    let versions = listed["versions"].as_array().unwrap();
    assert_eq!(versions.iter().map(|v| v["version"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 1]);
    let one = json(&place, &["list", "--most", "1"]);
    assert_eq!(one["versions"].as_array().unwrap().len(), 1);

    models(&place, 2, &["show", "approved"]);
    models(&place, 0, &["approve", "1", "--reason", "good on line 2"]);
    models(&place, 0, &["reject", "latest", "--reason", "fewer trees"]);
    let shown = json(&place, &["show", "approved"]);
    assert_eq!(shown["model_package"]["version"], 1);
    assert_eq!(shown["model_package"]["approval_description"], "good on line 2");
    // The metrics of the whole report, not only those of the version's metadata.
    assert!(shown["metrics"]["roc_auc"].as_f64().unwrap() > 0.9, "{shown}");

    let compared = json(&place, &["compare", "1", "2"]);
    let metric = |version: &str| compared[version]["metrics"]["recall"].as_f64().unwrap();
    let difference = compared["differences"]["recall"].as_f64().unwrap();
    assert!((metric("b") - metric("a") - difference).abs() < 1e-12, "{compared}");
    let table = models(&place, 0, &["compare", "1", "2"]).stdout;
    let line = table.lines().find(|line| line.starts_with("reason")).unwrap();
    assert!(line.contains("good on line 2") && line.ends_with("fewer trees"), "{table}");
    // A later run registers a third version and keeps the decisions.
    place.json(0, &["-p", "NEstimators=21"]);
    let statuses: Vec<_> = json(&place, &["list"])["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["approval_status"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(statuses, ["PendingManualApproval", "Rejected", "Approved"]);
}

#[test]
fn a_missing_group_or_version_is_wrong_usage() {
    let place = Place::new();
    let stderr = |arguments: &[&str]| models(&place, 2, arguments).stderr;
    insta::assert_snapshot!(stderr(&["list"]), @"error: model package group `machine-downtime-model-group` does not exist");
    place.json(0, &[]);
    insta::assert_snapshot!(stderr(&["approve", "9"]), @"error: model package of version 9 in group machine-downtime-model-group (versions there: 1) does not exist");
    insta::assert_snapshot!(stderr(&["show", "newest"]), @"error: version `newest`: expected a number, `latest` or `approved`");
    insta::assert_snapshot!(stderr(&["list", "--group", "../runs"]), @"error: model package group is `../runs`, expected 1 to 63 letters and digits with hyphens between them");
    let long = "x".repeat(1025);
    assert!(
        stderr(&["reject", "1", "--reason", &long]).contains("at most 1024 printable characters")
    );
}

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
    let same = models(&place, 0, &["compare", "approved", "1"]);
    assert_eq!(same.stderr, "approved and 1 are both version 1\n");
    assert_eq!(models(&place, 0, &["compare", "1", "2"]).stderr, "");
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

/// A report that was replaced says nothing of the version.
#[test]
fn the_metrics_are_those_of_the_registered_report() {
    let place = Place::new();
    let result = place.json(0, &[]);
    let file = place.stored(&result["model_package"]["metrics_url"]);
    let report = fs_err::read_to_string(&file).unwrap();
    let digest = common::sha256_hex(&report);
    assert_eq!(result["model_package"]["metadata"]["report_digest"], digest);
    let shown = models(&place, 0, &["show", "1"]);
    assert!(shown.stdout.contains(&format!("\nreport digest        {digest}\n")), "{shown:?}");
    assert_eq!((shown.stdout.matches(&digest).count(), &*shown.stderr), (1, ""), "{shown:?}");
    let before = json(&place, &["show", "1"]);

    let mut other: Value = serde_json::from_str(&report).unwrap();
    for metric in ["recall", "auc"] {
        other["binary_classification_metrics"][metric]["value"] = 0.25.into();
    }
    fs_err::write(&file, other.to_string()).unwrap();
    let shown = models(&place, 0, &["show", "1"]);
    let said = crate::without_digests(&place.neutral(&shown.stderr));
    insta::assert_snapshot!(said, @"s3://machine-downtime-2/evaluation/<id>/evaluation.json has the SHA-256 <sha256>, and the report of version 1 of group machine-downtime-model-group had <sha256> when it was registered; of its metrics those are shown that were registered");
    let after = json(&place, &["show", "1"]);
    assert_eq!(after["metrics"]["recall"], before["metrics"]["recall"]);
    assert_eq!(after["metrics"]["roc_auc"], Value::Null, "{after}");
    assert_eq!(after["model_file"], serde_json::json!({ "state": "intact", "error": null }));
    assert!(after["report_error"].as_str().unwrap().contains(" has the SHA-256 "), "{after}");
    assert_eq!(before["report_error"], Value::Null);

    fs_err::remove_file(&file).unwrap();
    let said = place.neutral(&models(&place, 0, &["compare", "1", "1"]).stderr);
    insta::assert_snapshot!(said.lines().last().unwrap(), @"The report of version 1, s3://machine-downtime-2/evaluation/<id>/evaluation.json, cannot be read: failed to open file `runs/s3/machine-downtime-2/evaluation/<id>/evaluation.json`: No such file or directory (os error 2); of its metrics those are shown that were registered");
    assert_eq!(models(&place, 0, &["list"]).stderr, "");
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

/// The file that is read by default is chosen like every other one where it is named.
#[test]
fn of_several_groups_one_must_be_named() {
    let place = Place::new();
    let default = "config/pipeline_config.yaml";
    let call = |code: i32, arguments: &[&str]| place.orchestrator(arguments).expect(code);
    insta::assert_snapshot!(call(2, &["models", "list", "--local"]).stderr, @"error: there is no registered model in runs; --runs names another directory, and `run` registers a model");
    place.json(0, &[]);
    let settings = fs_err::read_to_string(CONFIG).unwrap();
    let settings = settings
        .replace("machine-downtime-model-group", "line-2")
        .replace("bad_cells: error", "bad_cells: missing");
    place.file(default, settings);
    // The only group is taken, whatever the settings say that nobody names.
    let only = call(0, &["models", "show", "latest", "--local"]).stdout;
    assert!(only.contains("model-package/machine-downtime-model-group/1"), "{only}");
    call(2, &["models", "show", "latest", "--local", "--config", default]);

    call(0, &["run"]);
    call(0, &["sample", "--rows", "20", "--output", "rows.csv"]);
    let rows = fs_err::read_to_string(place.path("rows.csv")).unwrap();
    let (header, first) = rows.split_once('\n').unwrap();
    let column = header.split(',').position(|name| name.starts_with("Torque")).unwrap();
    let mut cells: Vec<&str> = first.lines().next().unwrap().split(',').collect();
    cells[column] = "broken";
    place.file("rows.csv", format!("{header}\n{}\n", cells.join(",")));
    let show = ["models", "show", "latest", "--local"];
    let predict = ["predict", "--model", "latest", "--input", "rows.csv"];
    let unnamed = call(2, &show).stderr;
    insta::assert_snapshot!(unnamed, @"error: there are models of several groups in runs; --config or --group names one of: line-2, machine-downtime-model-group");
    assert_eq!(call(2, &predict).stderr, unnamed);
    let named = call(0, &[&show[..], &["--config", default]].concat()).stdout;
    assert!(named.contains("model-package/line-2/1"), "{named}");
    let named = call(0, &[&show[..], &["--group", "machine-downtime-model-group"]].concat()).stdout;
    assert!(named.contains("model-package/machine-downtime-model-group/1"), "{named}");
    // What the named settings say of bad cells holds.
    let scored = call(0, &[&predict[..], &["--config", default]].concat());
    assert!(scored.stderr.contains("scored by version 1 of group line-2"), "{}", scored.stderr);
    assert!(scored.stdout.lines().nth(1).unwrap().contains(",Torque,"), "{}", scored.stdout);
    let group = ["--group", "line-2"];
    let strict = call(3, &[&predict[..], &group].concat()).stderr;
    assert!(strict.contains("found `broken`, expected a number"), "{strict}");
}

#[test]
fn a_decision_that_is_made_again_keeps_its_reasons() {
    let place = Place::new();
    place.json(0, &[]);
    let reason = || {
        let shown = json(&place, &["show", "1"]);
        shown["model_package"]["approval_description"].clone()
    };
    let approve = |more: &[&str]| {
        let text = models(&place, 0, &[&["approve", "1"], more].concat()).stdout;
        text.strip_prefix("arn:aws:sagemaker:local:000000000000:model-package/").unwrap().to_owned()
    };
    insta::assert_snapshot!(approve(&[]), @"machine-downtime-model-group/1: Approved");
    insta::assert_snapshot!(approve(&[]), @"machine-downtime-model-group/1: Approved already; it has no reason");
    assert_eq!(reason(), Value::Null);
    insta::assert_snapshot!(approve(&["--reason", "recall 0.98"]), @"machine-downtime-model-group/1: Approved already; its reason is now: recall 0.98");
    insta::assert_snapshot!(approve(&[]), @"machine-downtime-model-group/1: Approved already; its reason stays: recall 0.98");
    assert_eq!(reason(), "recall 0.98");
    insta::assert_snapshot!(approve(&["--reason", "good on line 2"]), @"machine-downtime-model-group/1: Approved already; its reason is now: recall 0.98; good on line 2");
    let again = json(&place, &["approve", "1", "--reason", "recall 0.98"]);
    assert_eq!(again["changed"], false);
    assert_eq!(reason(), "recall 0.98; good on line 2");
    // Another decision keeps the one before, and says what that was.
    let rejected = models(&place, 0, &["reject", "1", "--reason", "a bad export"]).stderr;
    assert_eq!(rejected, "Version 1 was Approved: recall 0.98; good on line 2\n");
    assert_eq!(reason(), "a bad export; earlier Approved: recall 0.98; good on line 2");
    let approved = json(&place, &["approve", "1"]);
    assert_eq!(approved["changed"], true);
    let earlier = "earlier Rejected: a bad export; earlier Approved: recall 0.98; good on line 2";
    assert_eq!(reason(), earlier);
}

/// Files of one name in two directories have the same group in the settings that `init` writes.
#[test]
fn versions_of_other_tables_in_one_group_are_said() {
    let place = Place::new();
    let call = |arguments: &[&str]| place.orchestrator(arguments).expect(0);
    for (line, columns, label) in [("a", "Temp,Load", "Failure"), ("b", "Temp,Speed", "Downtime")] {
        let rows = (0..300).map(|row| {
            let fails = if row * 37 % 101 > 70 { "yes" } else { "no" };
            format!("{}.5,{}.25,{fails}\n", row * 37 % 101, row * 13 % 29)
        });
        let table = format!("{columns},{label}\n{}", rows.collect::<String>());
        place.file(&format!("{line}/data.csv"), table);
        let (input, output) = (format!("{line}/data.csv"), format!("{line}.yaml"));
        call(&["init", "--input", &input, "--output", &output]);
    }
    let run = |line: &str, more: &[&str]| {
        let (input, config) = (format!("{line}/data.csv"), format!("{line}.yaml"));
        call(&[&["run", "--config", &config, "--input", &input], more].concat()).stderr
    };
    let said = |stderr: String| {
        stderr
            .lines()
            .filter(|line| line.starts_with("Version"))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    assert_eq!(said(run("a", &[])), "");
    assert_eq!(said(run("a", &["-p", "NEstimators=20"])), "");
    insta::assert_snapshot!(said(run("b", &[])), @"Version 3 of group data-downtime-models was made from another table than version 2: without `Load`; with `Speed`; with the label `Downtime` rather than `Failure`. Versions of one group replace each other; model_registry.model_package_group_name gives this table a group of its own.");
    let compared = call(&["models", "compare", "1", "3", "--local"]).stderr;
    insta::assert_snapshot!(compared, @"Version 3 was made from another table than version 1: without `Load`; with `Speed`; with the label `Downtime` rather than `Failure`");
    assert_eq!(call(&["models", "compare", "1", "2", "--local"]).stderr, "");
}

//! Changes that docs/settings.md describes. Each is made in the settings alone, with the same programs.

use serde_json::Value;

use crate::{CONFIG, Place};

fn run(place: &Place, code: i32, edits: &[(&str, &str)]) -> Value {
    run_with(place, code, edits, &[])
}

fn run_with(place: &Place, code: i32, edits: &[(&str, &str)], more: &[&str]) -> Value {
    let mut text = fs_err::read_to_string(CONFIG).unwrap();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let config = place.file("config.yaml", text);
    let arguments = [&["run", "--json", "--config", config.as_str()], more].concat();
    let outcome = place.orchestrator(&arguments).expect(code);
    serde_json::from_str(&outcome.stdout).unwrap()
}

#[test]
fn a_feature_is_one_line() {
    let place = Place::new();
    let edit = (
        "  engineered_features:\n",
        "  engineered_features:\n    Power: Torque * Spindle_Speed / 9550\n",
    );
    let result = run(&place, 0, &[edit]);
    let train =
        place.stored(&crate::step(&result, "Preprocess")["outputs"]["train"]).join("train.csv");
    let text = fs_err::read_to_string(train).unwrap();
    let header: Vec<_> = text.lines().next().unwrap().split(',').collect();
    assert_eq!(header[12], "Power");
    assert_eq!((header.len(), header[16]), (17, "label"));
    let row: Vec<f64> =
        text.lines().nth(1).unwrap().split(',').map(|c| c.parse().unwrap()).collect();
    let expected = row[10] * row[8] / 9550.0;
    assert!((row[12] / expected - 1.0).abs() < 1e-6, "{row:?}");
}

#[test]
fn a_gate_is_one_line() {
    let place = Place::new();
    let result = run(&place, 4, &[("quality_gates:\n", "quality_gates:\n  specificity: 1\n")]);
    let gates = result["gates"].as_array().unwrap();
    let gate = gates.iter().find(|gate| gate["metric"] == "specificity").unwrap();
    assert_eq!((&gate["passed"], &gate["threshold"]), (&Value::Bool(false), &Value::from(1.0)));
    assert!(result["failure_reason"].as_str().unwrap().contains("specificity"), "{result:#}");
}

#[test]
fn a_hyperparameter_and_a_path_are_one_line_each() {
    let place = Place::new();
    let edits = [
        ("n_estimators: 200", "n_estimators: 3"),
        ("evaluation: evaluation ", "evaluation: reports "),
    ];
    let result = run(&place, 0, &edits);
    let url = result["model_package"]["metrics_url"].as_str().unwrap();
    assert!(url.starts_with("s3://machine-downtime-2/reports/"), "{url}");
    let definition = fs_err::read_to_string(
        camino::Utf8Path::new(result["directory"].as_str().unwrap()).join("definition.json"),
    )
    .unwrap();
    let definition: Value = serde_json::from_str(&definition).unwrap();
    let parameters = definition["Parameters"].as_array().unwrap();
    let trees = parameters.iter().find(|parameter| parameter["Name"] == "NEstimators").unwrap();
    assert_eq!(trees["DefaultValue"], 3);
}

#[test]
fn a_parameter_sets_a_count_or_a_share_of_rows_whichever_the_settings_have() {
    let place = Place::new();
    let share = [("min_samples_leaf: 1", "min_samples_leaf: 0.01")];
    let model = |edits: &[(&str, &str)], parameter: &[&str]| {
        crate::step(&run_with(&place, 0, edits, parameter), "Train")["outputs"].clone()
    };
    let (one, hundredth) = (model(&[], &[]), model(&share, &[]));
    assert_ne!(one, hundredth);
    // The same job has the same cache key.
    assert_eq!(model(&share, &["-p", "MinSamplesLeaf=1"]), one);
    assert_eq!(model(&[], &["-p", "MinSamplesLeaf=0.01"]), hundredth);
}

//! The shipped settings, and what is said of settings that are wrong.

use config::Settings;

const SHIPPED: &str = include_str!("../../../config/pipeline_config.yaml");
const SCHEMA: &str = include_str!("../../../config/pipeline_config.schema.json");

fn nothing(_: &str) -> Option<String> {
    None
}

fn read(text: &str) -> Result<Settings, String> {
    Settings::from_yaml("config.yaml", text, nothing).map_err(|error| error.to_string())
}

/// The shipped file with one piece of text replaced.
fn with(old: &str, new: &str) -> String {
    assert!(SHIPPED.contains(old), "{old}");
    SHIPPED.replacen(old, new, 1)
}

fn message(old: &str, new: &str) -> String {
    read(&with(old, new)).unwrap_err()
}

#[test]
fn the_shipped_file_says_the_defaults() {
    let shipped = read(SHIPPED).unwrap();
    let least = "s3_paths: {bucket: machine-downtime-2}\n\
                 aws: {account_id: '123456789012', role_arn: 'arn:aws:iam::123456789012:role/MachineDowntimePipelineExecutionRole'}\n";
    assert_eq!(shipped, read(least).unwrap());
    assert_eq!(shipped.preprocess(), config::steps::Preprocess::default());
    assert_eq!(shipped.evaluate(), config::steps::Evaluate::default());
}

#[test]
fn the_schema_is_fresh() {
    assert!(
        Settings::json_schema() == SCHEMA,
        "run `cargo run -p orchestrator --no-default-features -- schema > config/pipeline_config.schema.json`"
    );
}

#[test]
fn every_violation_is_reported_at_once_with_its_place() {
    let mut text = with("n_estimators: 200", "n_estimators: 0");
    for (old, new) in [
        ("test_size: 0.2", "test_size: 1.5"),
        ("max_depth: 10", "max_deep: 10"),
        ("min_samples_leaf: 1", "min_samples_leaf: many"),
        ("class_weight: balanced", "class_weight: balancd"),
        ("f1_score: 0.75", "f1_score: 7.5"),
        ("  bucket: machine-downtime-2", "  bucket: Machine_Downtime"),
        ("  training: ml.m5.large", "  training: m5.large"),
        ("missing_values: drop", "missing_values: mean"),
    ] {
        assert!(text.contains(old), "{old}");
        text = text.replacen(old, new, 1);
    }
    insta::assert_snapshot!(read(&text).unwrap_err(), @"");
}

#[test]
fn what_is_wrong_alone() {
    insta::assert_snapshot!(message("n_estimators: 200", "n_estimator: 200"), @"");
    insta::assert_snapshot!(message("n_estimators: 200", "n_estimators: -1"), @"");
    insta::assert_snapshot!(message("max_features: sqrt", "max_features: 1.5"), @"");
    insta::assert_snapshot!(message("recall: 0.85", "recal: 0.85"), @"");
    insta::assert_snapshot!(message("processing: 1\n", "processing: 2\n"), @"");
    insta::assert_snapshot!(message("  input_dataset: raw/", "  input_dataset: s3://b/raw/"), @"");
    insta::assert_snapshot!(message("Cutting: { unit: kN, spellings", "Cutting: { unit: kN, speling"), @"");
    insta::assert_snapshot!(message("Cutting: { unit: kN, spellings: [Cutting_Force] }", "\"Cutting(kN)\": {}"), @"");
    insta::assert_snapshot!(message("pipeline:\n", "pipeline: [\n"), @"");
    insta::assert_snapshot!(read("").unwrap_err(), @"");
    insta::assert_snapshot!(read("aws: 3").unwrap_err(), @"");
    insta::assert_snapshot!(read("s3_paths: {}\naws: {account_id: 12}").unwrap_err(), @"");
    insta::assert_snapshot!(read(&SHIPPED.replace("  recall: 0.85", "").replace("  f1_score: 0.75", "").replace("  accuracy: 0.80", "  {}")).unwrap_err(), @"");
}

#[test]
fn variables_come_from_the_environment_that_is_passed_in() {
    let environment = |name: &str| match name {
        "AWS_REGION" => Some("eu-central-1".to_owned()),
        "TREES" => Some("50".to_owned()),
        "AWS_ACCOUNT_ID" => Some("012345678901".to_owned()),
        _ => None,
    };
    let text = with("n_estimators: 200", "n_estimators: ${TREES:-10}");
    let settings = Settings::from_yaml("config.yaml", &text, environment).unwrap();
    assert_eq!(settings.aws.region, "eu-central-1");
    assert_eq!(settings.aws.account_id, "012345678901");
    assert_eq!(settings.hyperparameters.n_estimators, 50);
    assert_eq!(settings.aws.images.tag, "latest");
    assert_eq!(
        settings.aws.image_uri("machine-downtime/train"),
        "012345678901.dkr.ecr.eu-central-1.amazonaws.com/machine-downtime/train:latest"
    );
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    insta::assert_snapshot!(message("name: MachineDowntimePipeline", "name: ${PIPELINE}"), @"");
    insta::assert_snapshot!(message("name: MachineDowntimePipeline", "name: ${PIPE LINE}"), @"");
    insta::assert_snapshot!(message("name: MachineDowntimePipeline", "name: Pipe${LINE"), @"");
    let text = with("description: Predicts", "description: costs $${5} and predicts");
    assert!(read(&text).unwrap().pipeline.description.starts_with("costs ${5}"));
}

#[test]
fn numbers_and_true_are_text_where_text_is_wanted() {
    let text = with("positive: [Machine_Failure, \"yes\", \"1\", \"true\"]", "positive: [1, true, yes]");
    assert_eq!(read(&text).unwrap().preprocessing.label.positive, ["1", "true", "yes"]);
}

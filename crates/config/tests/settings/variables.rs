//! Environment variables in the settings file.

use config::{Image, Metric, Settings};

use crate::{message, read, with};

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
        settings.aws.image_uri(Image::Train),
        "012345678901.dkr.ecr.eu-central-1.amazonaws.com/machine-downtime/train:latest"
    );
    let text = with("recall: 0.85", "recall: ${LEAST_RECALL:-0.9}");
    assert_eq!(read(&text).unwrap().quality_gates[&Metric::Recall], 0.9);
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    insta::assert_snapshot!(message("name: MachineDowntimePipeline", "name: ${PIPELINE}"), @"config.yaml:8:3: pipeline.name: environment variable PIPELINE is not set; set it, or write `${PIPELINE:-default}`");
    insta::assert_snapshot!(message("name: MachineDowntimePipeline", "name: ${PIPE LINE}"), @"config.yaml:8:3: pipeline.name: `${PIPE LINE}`: `PIPE LINE` is not the name of an environment variable");
    insta::assert_snapshot!(message("name: MachineDowntimePipeline", "name: Pipe${LINE"), @"config.yaml:8:3: pipeline.name: `Pipe${LINE`: `${` without its `}`");
    insta::assert_snapshot!(message("n_estimators: 200", "n_estimators: ${TREES}"), @"config.yaml:46:3: hyperparameters.n_estimators: environment variable TREES is not set; set it, or write `${TREES:-default}`");
    insta::assert_snapshot!(message("n_estimators: 200", "n_estimators: ${TREES:-many}"), @"config.yaml:46:3: hyperparameters.n_estimators: found `many` (from `${TREES:-many}`), expected a whole number");
    insta::assert_snapshot!(message("n_estimators: 200", "n_estimators: ${TREES:--1}"), @"config.yaml:46:3: hyperparameters.n_estimators: found `-1` (from `${TREES:--1}`), expected a whole number from 0 to 4294967295");
    insta::assert_snapshot!(message("n_estimators: 200", "n_estimators: ${TREES:-0}"), @"config.yaml:46:3: hyperparameters.n_estimators: found `0` (from `${TREES:-0}`), expected at least 1");
    insta::assert_snapshot!(message("positive: [Machine_Failure,", "positive: [\"${A}\", \"${B}\","), @"
    config.yaml:62:16: preprocessing.label.positive[0]: environment variable A is not set; set it, or write `${A:-default}`
    config.yaml:62:24: preprocessing.label.positive[1]: environment variable B is not set; set it, or write `${B:-default}`
    ");
    let text = with("description: Predicts", "description: costs $${5} and predicts");
    assert!(read(&text).unwrap().pipeline.description.starts_with("costs ${5}"));
}

#[test]
fn a_default_may_contain_variables() {
    let role = "arn:aws:iam::${ACCOUNT:-${AWS_ACCOUNT_ID:-111122223333}}:role/jobs";
    let line = "role_arn: ${SAGEMAKER_ROLE_ARN:-arn:aws:iam::123456789012:role/MachineDowntimePipelineExecutionRole}";
    let text = with(line, &format!("role_arn: ${{SAGEMAKER_ROLE_ARN:-{role}}}"));
    assert_eq!(read(&text).unwrap().aws.role_arn, "arn:aws:iam::111122223333:role/jobs");
    let inner = |name: &str| (name == "ACCOUNT").then(|| "444455556666".to_owned());
    let settings = Settings::from_yaml("config.yaml", &text, inner).unwrap();
    assert_eq!(settings.aws.role_arn, "arn:aws:iam::444455556666:role/jobs");
    // A default that is not needed is not looked at.
    let outer = |name: &str| {
        (name == "SAGEMAKER_ROLE_ARN").then(|| "arn:aws:iam::123456789012:role/a".to_owned())
    };
    let text = with(line, "role_arn: ${SAGEMAKER_ROLE_ARN:-${UNSET}}");
    assert!(Settings::from_yaml("config.yaml", &text, outer).is_ok());
    let nested = format!("description: {}{}", "${A:-".repeat(40), "}".repeat(40));
    let error = message("description: Predicts", &nested);
    assert!(error.contains("more than 8 defaults within defaults"), "{error}");
}

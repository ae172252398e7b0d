//! A Register job: its arguments, environment variables and files.

use testkit::Sandbox;

pub(crate) const ARGUMENTS: [&str; 5] = [
    "--content-type=text/csv",
    "--content-type=application/json",
    "--response-type=application/json",
    "--realtime-instance-type=ml.m5.large",
    "--transform-instance-type=ml.m5.xlarge",
];

pub(crate) const METRICS: &str = r#"{"accuracy": 0.984, "f1_score": 0.98425, "recall": 1.0}"#;

pub(crate) const EVALUATION: &str = r#"{
    "format_version": 1,
    "model": {"algorithm": "random_forest", "data_digest": "9f86d081", "program_version": "0.1.0"},
    "binary_classification_metrics": {}
}"#;

/// Creates a job with everything but a registry.
pub(crate) fn job() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox
        .file("processing/evaluation/metrics.json", METRICS)
        .file("processing/evaluation/evaluation.json", EVALUATION);
    for (name, value) in [
        ("MODEL_PACKAGE_GROUP_NAME", "machine-downtime"),
        ("MODEL_PACKAGE_GROUP_DESCRIPTION", "predicts downtime"),
        ("MODEL_APPROVAL_STATUS", "PendingManualApproval"),
        ("MODEL_DATA_URL", "s3://bucket/model-artifacts/job/output/model.tar.gz"),
        ("MODEL_METRICS_URL", "s3://bucket/evaluation/abc/evaluation.json"),
        ("INFERENCE_IMAGE", "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"),
        ("PIPELINE_NAME", "MachineDowntimePipeline"),
        ("PIPELINE_EXECUTION_ID", "abc"),
    ] {
        sandbox.variable(name, value);
    }
    sandbox
}

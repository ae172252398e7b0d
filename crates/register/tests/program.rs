//! The program with a registry in a directory: what it registers, and how it fails.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod job;

use job::{EVALUATION, METRICS, job};
use registry::{ModelPackage, Status};
use serde_json::Value;
use testkit::Sandbox;

const REGISTRATION: &str = "processing/registration/registration.json";

/// Creates a job whose registry is a directory of its own tree.
fn job_with_directory() -> Sandbox {
    let mut sandbox = job();
    let models = sandbox.path("models");
    sandbox.variable("MODEL_REGISTRY_DIRECTORY", models.as_str());
    sandbox
}

#[test]
fn a_model_becomes_a_version_of_its_group() {
    let sandbox = job_with_directory();
    sandbox.run("register", &job::ARGUMENTS).expect(0);
    insta::assert_snapshot!(sandbox.read(REGISTRATION), @r#"
    {
      "format_version": 1,
      "arn": "arn:aws:sagemaker:local:000000000000:model-package/machine-downtime/1",
      "group": "machine-downtime",
      "version": 1,
      "status": "Completed",
      "approval_status": "PendingManualApproval",
      "inference_image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1",
      "model_data_url": "s3://bucket/model-artifacts/job/output/model.tar.gz",
      "content_types": [
        "text/csv",
        "application/json"
      ],
      "response_types": [
        "application/json"
      ],
      "realtime_instance_types": [
        "ml.m5.large"
      ],
      "transform_instance_types": [
        "ml.m5.xlarge"
      ],
      "metrics_url": "s3://bucket/evaluation/abc/evaluation.json",
      "metadata": {
        "accuracy": "0.984",
        "algorithm": "random_forest",
        "data_digest": "9f86d081",
        "f1_score": "0.98425",
        "pipeline_execution": "abc",
        "program_version": "0.1.0",
        "project": "MachineDowntimePipeline",
        "recall": "1",
        "report_digest": "3323394bfe045d43ba8666fa4d79b4a74db6bf28deb6b534796f2ea244a1d594"
      }
    }
    "#);
    let package = ModelPackage::from_json(sandbox.read(REGISTRATION).as_bytes()).unwrap();
    assert_eq!(package.status, Status::Completed);
    assert_eq!(sandbox.list("models/machine-downtime"), ["1", "group.json"]);
    assert_eq!(sandbox.list("output"), Vec::<String>::new());
}

/// The report of version 2 says with what the model was trained, and the definition where it comes from.
#[test]
fn a_version_tells_what_made_it() {
    let mut sandbox = job_with_directory();
    let trained = EVALUATION.replace("\"format_version\": 1", "\"format_version\": 2").replace(
        "\"algorithm\"",
        r#""training_rows": 720, "model_digest": "DIGEST", "hyperparameters": {"max_depth": "10", "class_weight": "{\"positive\":5}"}, "algorithm""#,
    );
    let trained = trained.replace("DIGEST", &"0a".repeat(32));
    sandbox.file("processing/evaluation/evaluation.json", &trained);
    let arn = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/abc";
    for (name, value) in [
        ("PIPELINE_EXECUTION_ARN", arn),
        ("STARTED_AT", "2026-11-30T12:00:00Z"),
        ("STARTED_BY", "unknown"),
        ("SOURCE_COMMIT", "1f0c3a-dirty"),
        ("DEFINITION_DIGEST", "5e5e"),
        ("TABLE_SETTINGS_DIGEST", "7a7a"),
        ("INPUT_DATA_URL", "s3://bucket/raw/line 2 (new).csv"),
        ("INPUT_DATA_VERSION", "unchecked"),
        ("PREPROCESS_IMAGE", "host/preprocess@sha256:01"),
        ("TRAIN_IMAGE", "host/train@sha256:02"),
        ("EVALUATE_IMAGE", "host/evaluate@sha256:03"),
    ] {
        sandbox.variable(name, value);
    }
    sandbox.run("register", &job::ARGUMENTS).expect(0);
    let package = ModelPackage::from_json(sandbox.read(REGISTRATION).as_bytes()).unwrap();
    assert_eq!(package.source.commit_id.as_deref(), Some("1f0c3a-dirty"));
    assert_eq!(package.source.generated_by.as_deref(), Some(arn));
    insta::assert_json_snapshot!(package.metadata, @r#"
    {
      "accuracy": "0.984",
      "algorithm": "random_forest",
      "data_digest": "9f86d081",
      "definition_digest": "5e5e",
      "evaluate_image": "host/evaluate@sha256:03",
      "f1_score": "0.98425",
      "hyperparameters.class_weight": "__positive_:5_",
      "hyperparameters.max_depth": "10",
      "input_data_url": "s3://bucket/raw/line 2 _new_.csv",
      "input_data_version": "unchecked",
      "model_digest": "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
      "pipeline_execution": "abc",
      "preprocess_image": "host/preprocess@sha256:01",
      "program_version": "0.1.0",
      "project": "MachineDowntimePipeline",
      "recall": "1",
      "report_digest": "f93cf27c82cd7ce05ab4e79d73bb54834ffe228ff64bb9a4d027c4e2be1b1901",
      "started_at": "2026-11-30T12:00:00Z",
      "table_settings_digest": "7a7a",
      "train_image": "host/train@sha256:02",
      "training_rows": "720"
    }
    "#);

    let other = job_with_directory();
    other.file("processing/evaluation/evaluation.json", trained.replace("hyperparameters", "h"));
    insta::assert_snapshot!(
        refused(&other, 3),
        @"/opt/ml/processing/evaluation/evaluation.json has no model.hyperparameters, expected an object"
    );
    let other = job_with_directory();
    other.file("processing/evaluation/evaluation.json", trained.replace("0a0a", "0A0a"));
    insta::assert_snapshot!(
        refused(&other, 3),
        @r#"/opt/ml/processing/evaluation/evaluation.json has model.model_digest "0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a0A0a", expected a SHA-256 of 64 lower-case hexadecimal digits"#
    );
}

#[test]
fn a_retried_job_registers_once() {
    let mut sandbox = job_with_directory();
    sandbox.run("register", &job::ARGUMENTS).expect(0);
    let first = sandbox.read(REGISTRATION);
    sandbox.run("register", &job::ARGUMENTS).expect(0);
    assert_eq!(sandbox.read(REGISTRATION), first);
    assert_eq!(sandbox.list("models/machine-downtime"), ["1", "group.json"]);

    sandbox.variable("PIPELINE_EXECUTION_ID", "abd");
    sandbox.run("register", &job::ARGUMENTS).expect(0);
    assert_eq!(sandbox.list("models/machine-downtime"), ["1", "2", "group.json"]);
}

#[test]
fn two_jobs_at_once_register_a_version_each() {
    let mut jobs = [job_with_directory(), job()];
    let models = jobs[0].path("models");
    jobs[1].variable("MODEL_REGISTRY_DIRECTORY", models.as_str());
    jobs[1].variable("PIPELINE_EXECUTION_ID", "abd");
    for process in jobs.each_ref().map(|job| job.start("register", &job::ARGUMENTS)) {
        testkit::Outcome::from(process.wait_with_output().unwrap()).expect(0);
    }
    let mut registered = jobs.each_ref().map(|job| {
        let package = ModelPackage::from_json(job.read(REGISTRATION).as_bytes()).unwrap();
        (package.version, package.metadata["pipeline_execution"].clone())
    });
    registered.sort();
    assert_eq!(registered.each_ref().map(|(version, _)| *version), [1, 2]);
    assert_ne!(registered[0].1, registered[1].1);
    assert_eq!(jobs[0].list("models/machine-downtime"), ["1", "2", "group.json"]);
}

/// Runs a job that must fail with `code` and register nothing, and returns its message.
fn refused(sandbox: &Sandbox, code: i32) -> String {
    sandbox.run("register", &job::ARGUMENTS).expect(code);
    assert_eq!(sandbox.list("models"), Vec::<String>::new());
    assert_eq!(sandbox.list("processing/registration"), Vec::<String>::new());
    sandbox.message()
}

/// Changes the metrics, runs a job over them that must fail, and returns its message.
fn refused_with_metrics(change: impl FnOnce(&mut Value)) -> String {
    let sandbox = job_with_directory();
    let mut metrics: Value = serde_json::from_str(METRICS).unwrap();
    change(&mut metrics);
    sandbox.file("processing/evaluation/metrics.json", metrics.to_string());
    refused(&sandbox, 3)
}

#[test]
fn a_metric_that_is_missing_or_not_a_number_is_named() {
    insta::assert_snapshot!(
        refused_with_metrics(|metrics| drop(metrics.as_object_mut().unwrap().remove("recall"))),
        @"/opt/ml/processing/evaluation/metrics.json has no recall, expected a number from 0 to 1"
    );
    insta::assert_snapshot!(
        refused_with_metrics(|metrics| {
            metrics["accuracy"] = "NaN".into();
            metrics["f1_score"] = 98.4.into();
            metrics["recall"] = Value::Null;
        }),
        @r#"/opt/ml/processing/evaluation/metrics.json has accuracy "NaN", expected a number from 0 to 1; f1_score 98.4, expected a number from 0 to 1; recall null, expected a number from 0 to 1"#
    );
}

#[test]
fn a_metric_without_a_value_never_becomes_zero() {
    for metric in ["accuracy", "f1_score", "recall"] {
        for (value, found) in [
            (None, format!("no {metric},")),
            (Some(Value::Null), format!("{metric} null,")),
            (Some("0.9".into()), format!("{metric} \"0.9\",")),
            (Some(false.into()), format!("{metric} false,")),
            (Some((-0.1).into()), format!("{metric} -0.1,")),
        ] {
            let message = refused_with_metrics(|metrics| {
                let metrics = metrics.as_object_mut().unwrap();
                metrics.remove(metric);
                metrics.extend(value.map(|value| (metric.to_owned(), value)));
            });
            assert!(message.contains(&format!("metrics.json has {found}")), "{message}");
        }
    }
    // Python writes NaN, which is not JSON.
    let sandbox = job_with_directory();
    sandbox.file("processing/evaluation/metrics.json", METRICS.replace("0.984,", "NaN,"));
    insta::assert_snapshot!(
        refused(&sandbox, 3),
        @"/opt/ml/processing/evaluation/metrics.json is not JSON: expected value at line 1 column 14"
    );
}

#[test]
fn an_evaluation_without_the_origin_of_its_model() {
    let sandbox = job_with_directory();
    sandbox
        .file("processing/evaluation/evaluation.json", EVALUATION.replace("data_digest", "digest"));
    insta::assert_snapshot!(
        refused(&sandbox, 3),
        @"/opt/ml/processing/evaluation/evaluation.json has no model.data_digest, expected a text"
    );
}

#[test]
fn an_evaluation_of_another_version() {
    let sandbox = job_with_directory();
    let newer = EVALUATION.replace("\"format_version\": 1", "\"format_version\": 3");
    sandbox.file("processing/evaluation/evaluation.json", newer);
    insta::assert_snapshot!(refused(&sandbox, 3), @"/opt/ml/processing/evaluation/evaluation.json has format_version 3, expected 1 or 2");
}

#[test]
fn an_evaluation_that_is_missing_or_not_json() {
    let sandbox = job_with_directory();
    sandbox.file("processing/evaluation/metrics.json", "accuracy=0.9");
    insta::assert_snapshot!(
        refused(&sandbox, 3),
        @"/opt/ml/processing/evaluation/metrics.json is not JSON: expected value at line 1 column 1"
    );
    fs_err::remove_file(sandbox.path("processing/evaluation/metrics.json")).unwrap();
    insta::assert_snapshot!(
        refused(&sandbox, 3),
        @"cannot read the evaluation: failed to open file `/opt/ml/processing/evaluation/metrics.json`: No such file or directory (os error 2)"
    );
}

#[test]
fn all_invalid_settings_are_named() {
    let mut sandbox = job_with_directory();
    sandbox.variable("MODEL_DATA_URL", "").variable("MODEL_APPROVAL_STATUS", "Perhaps");
    let message = refused(&sandbox, 2);
    assert!(message.contains("environment variable MODEL_DATA_URL is not set"), "{message}");
    assert!(message.contains("`Perhaps`"), "{message}");
}

#[test]
fn a_setting_that_sagemaker_would_refuse_is_refused_before_the_call() {
    let mut sandbox = job_with_directory();
    sandbox.variable("MODEL_DATA_URL", "/opt/ml/model");
    insta::assert_snapshot!(
        refused(&sandbox, 2),
        @"model data URL is `/opt/ml/model`, expected s3://bucket/key or https://host/path, at most 1024 characters"
    );
}

#[test]
fn a_registry_that_cannot_be_written() {
    let mut sandbox = job();
    let file = sandbox.path("a-file");
    sandbox.file("a-file", "");
    sandbox.variable("MODEL_REGISTRY_DIRECTORY", file.as_str());
    insta::assert_snapshot!(
        refused(&sandbox, 1),
        @"model registry /opt/ml/a-file cannot be used: failed to create directory `/opt/ml/a-file`: File exists (os error 17)"
    );
}

#[test]
fn an_output_that_cannot_be_written() {
    let sandbox = job_with_directory();
    sandbox.file("processing/registration", "in the way");
    sandbox.run("register", &job::ARGUMENTS).expect(1);
    insta::assert_snapshot!(
        sandbox.message(),
        @"cannot write /opt/ml/processing/registration/registration.json: failed to create directory `/opt/ml/processing/registration`: File exists (os error 17)"
    );
}

#[cfg(not(feature = "aws"))]
#[test]
fn a_program_without_a_registry_says_how_to_get_one() {
    insta::assert_snapshot!(
        refused(&job(), 2),
        @"there is no model registry: set MODEL_REGISTRY_DIRECTORY to a directory, or build register with its feature `aws` to use SageMaker's"
    );
}

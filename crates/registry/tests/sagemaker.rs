//! SageMaker's Model Registry: the requests that are sent to a server with scripted answers.
#![cfg(feature = "aws")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::sagemaker::registry;
use common::{chain, group, version};
use registry::{ModelPackage, Registry, Status};
use serde_json::{Value, json};
use testkit::aws::{Answer, ScriptedCall, Server, answers, refuses, yields};

const ARN: &str = "arn:aws:sagemaker:us-east-1:123456789012:model-package/machine-downtime/4";

fn package(status: &str, checks: Value) -> Value {
    json!({
        "ModelPackageName": "machine-downtime",
        "ModelPackageGroupName": "machine-downtime",
        "ModelPackageVersion": 4,
        "ModelPackageArn": ARN,
        "CreationTime": 1700000000.0,
        "InferenceSpecification": {
            "Containers": [{
                "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1",
                "ModelDataUrl": "s3://bucket/model.tar.gz",
            }],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["application/json"],
            "SupportedRealtimeInferenceInstanceTypes": ["ml.m5.large"],
            "SupportedTransformInstanceTypes": ["ml.m5.xlarge"],
        },
        "ModelPackageStatus": status,
        "ModelPackageStatusDetails": { "ValidationStatuses": checks },
        "ModelApprovalStatus": "PendingManualApproval",
        "ModelMetrics": { "ModelQuality": { "Statistics": {
            "ContentType": "application/json", "S3Uri": "s3://bucket/evaluation.json",
        }}},
        "CustomerMetadataProperties": { "accuracy": "0.98" },
    })
}

fn ensure_group(script: Vec<ScriptedCall>) -> (Result<(), String>, Vec<String>) {
    let server = Server::start(script);
    let outcome = registry(&server.url).ensure_group(&group()).map_err(|error| chain(&error));
    (outcome, server.finish().into_iter().map(|(action, _)| action).collect())
}

#[test]
fn an_existing_group_is_only_described() {
    let (outcome, calls) = ensure_group(vec![yields(
        "DescribeModelPackageGroup",
        json!({ "ModelPackageGroupName": "machine-downtime" }),
    )]);
    assert_eq!(outcome, Ok(()));
    assert_eq!(calls, ["DescribeModelPackageGroup"]);
}

#[test]
fn an_absent_group_is_created() {
    let server = Server::start(vec![
        refuses(
            "DescribeModelPackageGroup",
            400,
            "ValidationException",
            "ModelPackageGroup x does not exist.",
        ),
        yields("CreateModelPackageGroup", json!({ "ModelPackageGroupArn": "arn" })),
    ]);
    registry(&server.url).ensure_group(&group()).unwrap();
    let (action, request) = server.finish().pop().unwrap();
    assert_eq!(action, "CreateModelPackageGroup");
    assert_eq!(
        request,
        json!({
            "ModelPackageGroupName": "machine-downtime",
            "ModelPackageGroupDescription": "predicts downtime",
        })
    );
}

#[test]
fn a_group_that_was_created_meanwhile_is_no_error() {
    let (outcome, _) = ensure_group(vec![
        refuses("DescribeModelPackageGroup", 400, "ResourceNotFound", "no such group"),
        refuses(
            "CreateModelPackageGroup",
            400,
            "ValidationException",
            "Model Package Group already exists: x",
        ),
    ]);
    assert_eq!(outcome, Ok(()));
}

#[test]
fn throttling_is_retried() {
    let (outcome, calls) = ensure_group(vec![
        refuses("DescribeModelPackageGroup", 400, "ThrottlingException", "Rate exceeded"),
        refuses("DescribeModelPackageGroup", 503, "InternalFailure", "later"),
        yields("DescribeModelPackageGroup", json!({})),
    ]);
    assert_eq!(outcome, Ok(()));
    assert_eq!(calls.len(), 3);
}

#[test]
fn a_denied_call_names_the_action_to_allow_and_is_not_repeated() {
    let (outcome, calls) = ensure_group(vec![refuses(
        "DescribeModelPackageGroup",
        400,
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/x is not authorized",
    )]);
    insta::assert_snapshot!(
        outcome.unwrap_err(),
        @r#"sagemaker:DescribeModelPackageGroup was refused with AccessDeniedException: User: arn:aws:iam::123456789012:user/x is not authorized; allowed by a policy with {"Effect": "Allow", "Action": "sagemaker:DescribeModelPackageGroup", "Resource": "*"} (request 8a1c)"#
    );
    assert_eq!(calls.len(), 1);
}

#[test]
fn a_request_carries_every_field_of_a_version() {
    let server = Server::start(vec![
        yields("CreateModelPackage", json!({ "ModelPackageArn": ARN })),
        yields("DescribeModelPackage", package("InProgress", json!([]))),
        yields("DescribeModelPackage", package("Completed", json!([]))),
    ]);
    let registry = registry(&server.url);
    let package = registry.create_version(&version("job-1")).unwrap();
    assert_eq!(
        (package.arn.as_str(), package.version, package.status),
        (ARN, 4, Status::InProgress)
    );
    assert_eq!(
        registry.describe(ARN).unwrap(),
        ModelPackage { status: Status::Completed, ..package }
    );
    let calls = server.finish();
    insta::assert_json_snapshot!(calls[0].1, @r#"
    {
      "ClientToken": "job-1",
      "CustomerMetadataProperties": {
        "accuracy": "0.98"
      },
      "InferenceSpecification": {
        "Containers": [
          {
            "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1",
            "ModelDataUrl": "s3://bucket/model.tar.gz"
          }
        ],
        "SupportedContentTypes": [
          "text/csv"
        ],
        "SupportedRealtimeInferenceInstanceTypes": [
          "ml.m5.large"
        ],
        "SupportedResponseMIMETypes": [
          "application/json"
        ],
        "SupportedTransformInstanceTypes": [
          "ml.m5.xlarge"
        ]
      },
      "MetadataProperties": {
        "CommitId": "1f0c3a",
        "GeneratedBy": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/a"
      },
      "ModelApprovalStatus": "PendingManualApproval",
      "ModelMetrics": {
        "ModelQuality": {
          "Statistics": {
            "ContentType": "application/json",
            "S3Uri": "s3://bucket/evaluation.json"
          }
        }
      },
      "ModelPackageGroupName": "machine-downtime"
    }
    "#);
    assert_eq!(calls[1].1, json!({ "ModelPackageName": ARN }));
}

/// The Python SDK names a model by its source, and Studio says which notebook or job a version is from.
#[test]
fn a_version_of_the_python_sdk_is_read() {
    let mut package = package("Completed", json!([]));
    package["InferenceSpecification"]["Containers"] = json!([{
        "Image": "xgboost:1",
        "ModelDataSource": { "S3DataSource": {
            "S3Uri": "s3://bucket/xgb/model.tar.gz", "S3DataType": "S3Object", "CompressionType": "Gzip",
        }},
    }]);
    package["MetadataProperties"] = json!({ "Repository": "https://host/plant", "CommitId": "" });
    package["CreatedBy"] = json!({ "UserProfileName": "ada" });
    package["CreationTime"] = 1_700_000_000.25.into();
    package.as_object_mut().unwrap().remove("CustomerMetadataProperties");
    let server = Server::start(vec![yields("DescribeModelPackage", package)]);
    let package = registry(&server.url).describe(ARN).unwrap();
    assert_eq!(package.serving.model_data_url, "s3://bucket/xgb/model.tar.gz");
    assert_eq!(package.source.repository.as_deref(), Some("https://host/plant"));
    assert_eq!((package.source.commit_id, package.metadata.len()), (None, 0));
    assert_eq!(package.registered_at.as_deref(), Some("2023-11-14T22:13:20Z"));
    assert_eq!(package.registered_by.as_deref(), Some("ada"));
}

/// Defaults that the service adds by itself are no members of their own.
#[test]
fn what_a_version_has_besides_is_named() {
    let others = |change: &dyn Fn(&mut Value)| {
        let mut package = package("Completed", json!([]));
        change(&mut package);
        let server = Server::start(vec![yields("DescribeModelPackage", package)]);
        registry(&server.url).describe(ARN).unwrap().other_members.join(", ")
    };
    assert_eq!(others(&|_| ()), "");
    let source = |kind: &str| {
        json!({ "S3DataSource": {
            "S3Uri": "s3://bucket/model", "S3DataType": kind, "CompressionType": "Gzip", "ETag": "e",
        }})
    };
    let by_default = others(&|package| {
        let container = &mut package["InferenceSpecification"]["Containers"][0];
        container["Environment"] = json!({});
        container["ImageDigest"] = json!("sha256:5e");
        container["ModelDataETag"] = json!("e");
        container["ModelDataSource"] = source("S3Object");
        package["SkipModelValidation"] = json!("None");
        package["ModelCard"] = json!({ "ModelCardStatus": "Draft" });
    });
    assert_eq!(by_default, "");
    insta::assert_snapshot!(others(&|package| {
        let containers = package["InferenceSpecification"]["Containers"].as_array_mut().unwrap();
        containers[0]["Environment"] = json!({ "THRESHOLD": "0.3" });
        containers[0]["ModelDataSource"] = source("S3Prefix");
        containers.push(json!({ "Image": "scaler:1" }));
        package["AdditionalInferenceSpecifications"] = json!([{ "Name": "gpu", "Containers": [] }]);
        package["DriftCheckBaselines"] = json!({});
        package["Task"] = json!("CLASSIFICATION");
    }), @"InferenceSpecification.Containers[0].Environment, InferenceSpecification.Containers[0].ModelDataSource, InferenceSpecification.Containers[1], AdditionalInferenceSpecifications, DriftCheckBaselines, Task");
}

#[test]
fn a_failed_version_says_which_check_failed() {
    let checks = json!([
        { "Name": "ImageScan", "Status": "Completed" },
        { "Name": "Validation", "Status": "Failed", "FailureReason": "the image did not answer" },
    ]);
    let server = Server::start(vec![yields("DescribeModelPackage", package("Failed", checks))]);
    let package = registry(&server.url).describe(ARN).unwrap();
    assert_eq!(package.status, Status::Failed);
    assert_eq!(package.failure_reason.unwrap(), "Validation: the image did not answer");
}

#[test]
fn an_unknown_status_counts_as_in_progress() {
    let server =
        Server::start(vec![yields("DescribeModelPackage", package("Scanning", json!([])))]);
    assert_eq!(registry(&server.url).describe(ARN).unwrap().status, Status::InProgress);
}

#[test]
fn an_absent_version_or_group_is_named() {
    let server = Server::start(vec![
        refuses(
            "DescribeModelPackage",
            400,
            "ValidationException",
            "ModelPackage x does not exist.",
        ),
        refuses(
            "CreateModelPackage",
            400,
            "ValidationException",
            "Model Package Group x does not exist.",
        ),
    ]);
    let registry = registry(&server.url);
    insta::assert_snapshot!(
        chain(&registry.describe(ARN).unwrap_err()),
        @"model package arn:aws:sagemaker:us-east-1:123456789012:model-package/machine-downtime/4 does not exist"
    );
    insta::assert_snapshot!(
        chain(&registry.create_version(&version("job-1")).unwrap_err()),
        @"model package group `machine-downtime` does not exist"
    );
}

#[test]
fn an_answer_without_its_fields_is_an_error() {
    let server = Server::start(vec![yields("DescribeModelPackage", json!({}))]);
    insta::assert_snapshot!(
        chain(&registry(&server.url).describe(ARN).unwrap_err()),
        @"SageMaker described model package arn:aws:sagemaker:us-east-1:123456789012:model-package/machine-downtime/4 without ModelPackageVersion"
    );
}

#[test]
fn an_answer_that_is_not_json_is_an_error() {
    let (outcome, calls) =
        ensure_group(vec![answers("DescribeModelPackageGroup", Answer::garbage())]);
    let message = outcome.unwrap_err();
    let expected = "sagemaker:DescribeModelPackageGroup got an answer that cannot be understood (request 8a1c): ";
    assert!(message.starts_with(expected), "{message}");
    assert_eq!(calls.len(), 1);
}

#[test]
fn a_field_beyond_the_limits_is_not_sent() {
    let server = Server::start(vec![]);
    let mut version = version("job-1");
    version.group = "-downtime".to_owned();
    assert!(registry(&server.url).create_version(&version).is_err());
    assert_eq!(server.finish(), []);
}

#[test]
fn a_refused_connection_is_an_error() {
    let error = registry("http://127.0.0.1:9").ensure_group(&group()).unwrap_err();
    let message = chain(&error);
    assert!(
        message.starts_with("sagemaker:DescribeModelPackageGroup got no answer: "),
        "{message}"
    );
    assert!(message.contains("Connection refused"), "{message}");
}

#[test]
fn versions_come_page_by_page_and_latest_first() {
    let summary = |version: u32| {
        json!({
            "ModelPackageVersion": version, "ModelPackageArn": format!("arn:{version}"),
            "CreationTime": 1.0, "ModelPackageStatus": "Completed",
        })
    };
    let server = Server::start(vec![
        yields(
            "ListModelPackages",
            json!({ "ModelPackageSummaryList": [summary(2), summary(1)], "NextToken": "more" }),
        ),
        refuses("ListModelPackages", 400, "ThrottlingException", "Rate exceeded"),
        yields("ListModelPackages", json!({ "ModelPackageSummaryList": [summary(3)] })),
    ]);
    let versions = registry(&server.url).versions("machine-downtime").unwrap();
    assert_eq!(versions.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [3, 2, 1]);
    let calls = server.finish();
    assert_eq!(calls[2].1["NextToken"], "more");

    // SageMaker looks for the approved ones: describing each would take a call for each.
    let approved = json!({ "ModelPackageSummaryList": [summary(1)] });
    let server = Server::start(vec![yields("ListModelPackages", approved)]);
    let versions = registry(&server.url).approved_versions("machine-downtime").unwrap();
    assert_eq!(versions.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1]);
    assert_eq!(server.finish()[0].1["ModelApprovalStatus"], "Approved");

    let server = Server::start(vec![refuses(
        "ListModelPackages",
        400,
        "ValidationException",
        "Model package group machine-downtime does not exist.",
    )]);
    let absent = registry(&server.url).versions("machine-downtime").unwrap_err();
    insta::assert_snapshot!(chain(&absent), @"model package group `machine-downtime` does not exist");
}

#[test]
fn a_rejection_is_sent_with_its_reason() {
    let server = Server::start(vec![
        yields("DescribeModelPackage", package("Completed", json!([]))),
        yields("UpdateModelPackage", json!({ "ModelPackageArn": ARN })),
    ]);
    let rejected = registry(&server.url)
        .set_approval(ARN, registry::ApprovalStatus::Rejected, Some("a bad export"))
        .unwrap();
    assert_eq!(rejected.approval_description.as_deref(), Some("a bad export"));
    let (_, request) = server.finish().remove(1);
    assert_eq!(
        request,
        json!({
            "ModelPackageArn": ARN, "ModelApprovalStatus": "Rejected",
            "ApprovalDescription": "a bad export",
        })
    );
}

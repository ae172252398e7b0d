//! SageMaker's Model Registry: on the wire against scripted answers, and against a live moto.
#![cfg(feature = "aws")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use aws::Aws;
use aws::sagemaker::config::{Credentials, Region};
use common::{chain, group, version};
use registry::{ModelPackage, Registry, SageMakerRegistry, Status};
use serde_json::{Value, json};
use testkit::aws::{Answer, Rule, ScriptedCall, Server, answers, moto, refuses, yields};

const ARN: &str = "arn:aws:sagemaker:us-east-1:123456789012:model-package/machine-downtime/4";

fn registry(endpoint: &str) -> SageMakerRegistry {
    let loader = aws::config::from_env()
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .endpoint_url(endpoint);
    SageMakerRegistry::new(Aws::with(loader).unwrap())
}

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
fn an_existing_group_is_only_looked_at() {
    let (outcome, calls) = ensure_group(vec![yields(
        "DescribeModelPackageGroup",
        json!({ "ModelPackageGroupName": "machine-downtime" }),
    )]);
    assert_eq!(outcome, Ok(()));
    assert_eq!(calls, ["DescribeModelPackageGroup"]);
}

#[test]
fn an_absent_group_is_made() {
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
fn a_group_that_another_made_meanwhile_is_welcome() {
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
fn a_version_carries_everything_that_it_was_made_with() {
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
fn a_status_of_a_later_service_is_waited_for() {
    let server =
        Server::start(vec![yields("DescribeModelPackage", package("Scanning", json!([])))]);
    assert_eq!(registry(&server.url).describe(ARN).unwrap().status, Status::InProgress);
}

#[test]
fn a_version_that_is_absent_or_no_group_for_it() {
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
fn an_answer_that_is_no_document_is_an_error() {
    let (outcome, calls) =
        ensure_group(vec![answers("DescribeModelPackageGroup", Answer::garbage())]);
    let message = outcome.unwrap_err();
    let expected = "sagemaker:DescribeModelPackageGroup got an answer that cannot be understood (request 8a1c): ";
    assert!(message.starts_with(expected), "{message}");
    assert_eq!(calls.len(), 1);
}

#[test]
fn what_the_api_would_refuse_is_not_sent() {
    let server = Server::start(vec![]);
    let mut version = version("job-1");
    version.group = "-downtime".to_owned();
    assert!(registry(&server.url).create_version(&version).is_err());
    assert_eq!(server.finish(), []);
}

#[test]
fn nobody_listening_is_no_answer() {
    let error = registry("http://127.0.0.1:9").ensure_group(&group()).unwrap_err();
    let message = chain(&error);
    assert!(
        message.starts_with("sagemaker:DescribeModelPackageGroup got no answer: "),
        "{message}"
    );
    assert!(message.contains("Connection refused"), "{message}");
}

#[test]
fn moto_takes_what_we_send() {
    let Some(endpoint) = moto() else { return };
    let registry = registry(&endpoint);
    let name = format!("machine-downtime-{}", std::process::id());
    let group = registry::Group { name: name.clone(), ..group() };
    registry.ensure_group(&group).unwrap();
    registry.ensure_group(&group).unwrap();
    let new = registry::NewVersion { group: name.clone(), ..version("job-1") };
    let made = registry.create_version(&new).unwrap();
    assert_eq!((made.version, made.status), (1, Status::Completed));
    assert_eq!((made.serving.clone(), made.metadata.clone()), (new.serving, new.metadata));
    assert_eq!(made.metrics_url, new.metrics_url);
    assert_eq!(registry.describe(&made.arn).unwrap(), made);
    let absent = registry.describe(&made.arn.replace("/1", "/7")).unwrap_err();
    assert!(matches!(absent, registry::RegistryError::NoVersion { .. }), "{absent:?}");
}

#[test]
fn a_bad_connection_to_moto_is_got_over() {
    let Some(endpoint) = moto() else { return };
    let bad = [Answer::throttled(), Answer::closed(), Answer::unavailable(), Answer::forwarded()];
    let server =
        Server::proxy(&endpoint, vec![Rule::answers("CreateModelPackageGroup", bad.clone())]);
    let name = format!("machine-downtime-bad-connection-{}", std::process::id());
    registry(&server.url).ensure_group(&registry::Group { name, ..group() }).unwrap();
    assert_eq!(server.count("DescribeModelPackageGroup"), 1);
    assert_eq!(server.count("CreateModelPackageGroup"), bad.len());
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
fn a_decision_is_sent_with_its_reason() {
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

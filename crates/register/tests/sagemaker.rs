//! The program with SageMaker's Model Registry: scripted answers on the wire, and a moto server.
#![cfg(feature = "aws")]

mod job;

use std::io::{BufRead, BufReader};

use registry::{ApprovalStatus, ModelPackage, Status};
use serde_json::{Value, json};
use testkit::Sandbox;
use testkit::aws::{Server, moto, refuses, yields};

const ARN: &str = "arn:aws:sagemaker:us-east-1:123456789012:model-package/machine-downtime/4";

/// Creates a job in an account behind `endpoint`.
fn job_at(endpoint: &str) -> Sandbox {
    let mut sandbox = job::job();
    for (name, value) in [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ] {
        sandbox.variable(name, value);
    }
    sandbox
}

fn package(status: &str) -> Value {
    json!({
        "ModelPackageGroupName": "machine-downtime",
        "ModelPackageVersion": 4,
        "ModelPackageArn": ARN,
        "InferenceSpecification": { "Containers": [{ "Image": "serve:1" }] },
        "ModelPackageStatus": status,
        "ModelPackageStatusDetails": { "ValidationStatuses": [
            { "Name": "Validation", "Status": status, "FailureReason": "the image did not answer" },
        ]},
        "ModelApprovalStatus": "PendingManualApproval",
    })
}

#[test]
fn a_version_is_registered_and_waited_for() {
    let server = Server::start(vec![
        refuses("DescribeModelPackageGroup", 400, "ValidationException", "x does not exist."),
        yields("CreateModelPackageGroup", json!({})),
        yields("CreateModelPackage", json!({ "ModelPackageArn": ARN })),
        yields("DescribeModelPackage", package("InProgress")),
        refuses("DescribeModelPackage", 400, "ThrottlingException", "Rate exceeded"),
        yields("DescribeModelPackage", package("Completed")),
    ]);
    let sandbox = job_at(&server.url);
    sandbox.run("register", &job::ARGUMENTS).expect(0);
    let written = sandbox.read("processing/registration/registration.json");
    let package = ModelPackage::from_json(written.as_bytes()).unwrap();
    assert_eq!((package.arn.as_str(), package.version), (ARN, 4));

    let calls = server.finish();
    assert_eq!(
        calls[1].1,
        json!({
            "ModelPackageGroupName": "machine-downtime",
            "ModelPackageGroupDescription": "predicts downtime",
        })
    );
    // The token: sha256("abc\nmachine-downtime\ns3://bucket/model-artifacts/job/output/model.tar.gz\n")
    insta::assert_json_snapshot!(calls[2].1, @r#"
    {
      "ClientToken": "e9c9aac74e475044ba71da81b98b545d",
      "CustomerMetadataProperties": {
        "accuracy": "0.984",
        "algorithm": "random_forest",
        "data_digest": "9f86d081",
        "f1_score": "0.98425",
        "pipeline_execution": "abc",
        "program_version": "0.1.0",
        "project": "MachineDowntimePipeline",
        "recall": "1",
        "report_digest": "3323394bfe045d43ba8666fa4d79b4a74db6bf28deb6b534796f2ea244a1d594"
      },
      "InferenceSpecification": {
        "Containers": [
          {
            "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1",
            "ModelDataUrl": "s3://bucket/model-artifacts/job/output/model.tar.gz"
          }
        ],
        "SupportedContentTypes": [
          "text/csv",
          "application/json"
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
            "S3Uri": "s3://bucket/evaluation/abc/evaluation.json"
          }
        }
      },
      "ModelPackageGroupName": "machine-downtime"
    }
    "#);
}

#[test]
fn a_version_that_fails_gives_its_reason() {
    let server = Server::start(vec![
        yields("DescribeModelPackageGroup", json!({})),
        yields("CreateModelPackage", json!({ "ModelPackageArn": ARN })),
        yields("DescribeModelPackage", package("Failed")),
    ]);
    let sandbox = job_at(&server.url);
    sandbox.run("register", &job::ARGUMENTS).expect(5);
    insta::assert_snapshot!(
        sandbox.message(),
        @"model package arn:aws:sagemaker:us-east-1:123456789012:model-package/machine-downtime/4 failed: Validation: the image did not answer"
    );
    assert_eq!(sandbox.list("processing/registration"), Vec::<String>::new());
}

#[test]
fn a_denied_call_ends_the_job() {
    let server = Server::start(vec![
        yields("DescribeModelPackageGroup", json!({})),
        refuses("CreateModelPackage", 400, "AccessDeniedException", "User is not authorized"),
    ]);
    let sandbox = job_at(&server.url);
    sandbox.run("register", &job::ARGUMENTS).expect(5);
    insta::assert_snapshot!(
        sandbox.message(),
        @r#"sagemaker:CreateModelPackage was refused with AccessDeniedException: User is not authorized; allowed by a policy with {"Effect": "Allow", "Action": "sagemaker:CreateModelPackage", "Resource": "*"} (request 8a1c)"#
    );
}

#[test]
fn a_job_that_is_stopped_while_it_waits_ends_at_once() {
    let mut script = vec![
        yields("DescribeModelPackageGroup", json!({})),
        yields("CreateModelPackage", json!({ "ModelPackageArn": ARN })),
    ];
    script.extend((0..10).map(|_| yields("DescribeModelPackage", package("InProgress"))));
    let server = Server::start(script);
    let sandbox = job_at(&server.url);
    let mut job = sandbox.start("register", &job::ARGUMENTS);
    let mut log = BufReader::new(job.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("registered")));
    let kill = std::process::Command::new("kill").arg(job.id().to_string()).status().unwrap();
    assert!(kill.success());
    assert_eq!(job.wait_with_output().unwrap().status.code(), Some(1));
    insta::assert_snapshot!(
        sandbox.message(),
        @"stopped while waiting for model package arn:aws:sagemaker:us-east-1:123456789012:model-package/machine-downtime/4, which is registered and is InProgress"
    );
}

#[test]
fn no_region_and_no_credentials_name_the_remedy() {
    let mut sandbox = job::job();
    sandbox.variable("AWS_EC2_METADATA_DISABLED", "true");
    sandbox.run("register", &job::ARGUMENTS).expect(5);
    insta::assert_snapshot!(
        sandbox.message(),
        @"no AWS region: set AWS_REGION, or `region` in the profile that AWS_PROFILE names"
    );
    sandbox.variable("AWS_REGION", "us-east-1");
    sandbox.run("register", &job::ARGUMENTS).expect(5);
    insta::assert_snapshot!(
        sandbox.message(),
        @"no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile in AWS_PROFILE, or run where a role provides them: the credential provider was not enabled: no credentials found in chain. Attempted:; Environment: the credential provider was not enabled: environment variable not set; Profile: the credential provider was not enabled; WebIdentityToken: the credential provider was not enabled: $AWS_WEB_IDENTITY_TOKEN_FILE was not set; EcsContainer: the credential provider was not enabled: ECS provider not configured; Ec2InstanceMetadata: the credential provider was not enabled: IMDS disabled by AWS_EC2_METADATA_DISABLED env var set to `true`"
    );
}

#[test]
fn moto_registers_a_model() {
    let Some(endpoint) = moto() else { return };
    let mut sandbox = job_at(&endpoint);
    let group = format!("machine-downtime-job-{}", std::process::id());
    sandbox.variable("MODEL_PACKAGE_GROUP_NAME", &group);
    sandbox.run("register", &job::ARGUMENTS).expect(0);
    let written = sandbox.read("processing/registration/registration.json");
    let package = ModelPackage::from_json(written.as_bytes()).unwrap();
    assert_eq!((package.group, package.version, package.status), (group, 1, Status::Completed));
    assert_eq!(package.approval_status, ApprovalStatus::PendingManualApproval);
    assert_eq!(package.serving.transform_instance_types, ["ml.m5.xlarge"]);
    assert_eq!(package.metrics_url, "s3://bucket/evaluation/abc/evaluation.json");
    assert_eq!(package.metadata["recall"], "1");
}

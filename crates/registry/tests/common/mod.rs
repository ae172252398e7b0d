//! Helpers of the tests of both registries. No test file uses all of them.
#![allow(dead_code, reason = "each test file compiles its own copy and uses a part of it")]

pub(crate) mod directory;
#[cfg(feature = "aws")]
pub(crate) mod sagemaker;

use std::error::Error;

use registry::{ApprovalStatus, Group, NewVersion, Serving, Source};

pub(crate) fn group() -> Group {
    Group { name: "machine-downtime".to_owned(), description: "predicts downtime".to_owned() }
}

pub(crate) fn version(client_token: &str) -> NewVersion {
    NewVersion {
        group: group().name,
        approval_status: ApprovalStatus::PendingManualApproval,
        serving: Serving {
            inference_image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1".to_owned(),
            model_data_url: "s3://bucket/model.tar.gz".to_owned(),
            content_types: vec!["text/csv".to_owned()],
            response_types: vec!["application/json".to_owned()],
            realtime_instance_types: vec!["ml.m5.large".to_owned()],
            transform_instance_types: vec!["ml.m5.xlarge".to_owned()],
        },
        metrics_url: "s3://bucket/evaluation.json".to_owned(),
        source: Source {
            commit_id: Some("1f0c3a".to_owned()),
            repository: None,
            generated_by: Some(
                "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/a".to_owned(),
            ),
        },
        metadata: [("accuracy".to_owned(), "0.98".to_owned())].into(),
        client_token: client_token.to_owned(),
    }
}

/// Formats an error and its causes on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

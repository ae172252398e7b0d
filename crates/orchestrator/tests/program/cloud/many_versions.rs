//! A model package group of a thousand versions.

use serde_json::{Value, json};
use testkit::aws::{Answer, Rule};

use super::{ACCOUNT, Cloud};

const VERSIONS: u64 = 1_000;
/// The only one that is approved.
const APPROVED: u64 = 17;

fn status(version: u64) -> &'static str {
    if version == APPROVED { "Approved" } else { "PendingManualApproval" }
}

fn arn(version: u64) -> String {
    format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package/alone/{version}")
}

/// Answers a listing, a hundred versions on a page, latest first.
fn page(request: &Value) -> Answer {
    let wanted = request["ModelApprovalStatus"].as_str();
    let is_wanted = |version: &u64| wanted.is_none_or(|wanted| status(*version) == wanted);
    let versions: Vec<u64> = (1..=VERSIONS).rev().filter(is_wanted).collect();
    let start = request["NextToken"].as_str().map_or(0, |token| token.parse::<usize>().unwrap());
    let summary = |version: &u64| {
        json!({
            "ModelPackageGroupName": "alone", "ModelPackageVersion": version,
            "ModelPackageArn": arn(*version), "ModelApprovalStatus": status(*version),
            "ModelPackageStatus": "Completed", "CreationTime": 1_790_000_000.0,
        })
    };
    let end = (start + 100).min(versions.len());
    let summaries: Vec<_> = versions[start..end].iter().map(summary).collect();
    let mut answer = json!({ "ModelPackageSummaryList": summaries });
    if end < versions.len() {
        answer["NextToken"] = end.to_string().into();
    }
    Answer::json(answer)
}

fn described(request: &Value) -> Answer {
    let arn = request["ModelPackageName"].as_str().unwrap();
    let version: u64 = arn.rsplit_once('/').unwrap().1.parse().unwrap();
    Answer::json(json!({
        "ModelPackageName": "alone", "ModelPackageGroupName": "alone",
        "ModelPackageVersion": version, "ModelPackageArn": arn,
        "ModelApprovalStatus": status(version), "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": { "ValidationStatuses": [] },
        "CreationTime": 1_790_000_000.0,
        "CustomerMetadataProperties": { "accuracy": "0.9" },
        "InferenceSpecification": { "Containers": [{
            "Image": "registry/serve@sha256:1", "ModelDataUrl": "s3://alone/model.tar.gz",
        }]},
    }))
}

/// Every page is read, even where SageMaker is too busy at first, and no version but those that are shown.
#[test]
fn all_versions_are_listed_page_by_page() {
    let cloud = Cloud::alone(vec![
        Rule::with("ListModelPackages", page).throttled(1),
        Rule::with("DescribeModelPackage", described).throttled(1),
    ]);
    let listed = cloud.json(0, &["models", "list", "--most", "3"]);
    let versions: Vec<_> = listed["versions"].as_array().unwrap().iter().collect();
    let numbers: Vec<_> = versions.iter().map(|one| one["version"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1000, 999, 998]);
    assert_eq!(cloud.server.count("ListModelPackages"), 10 + 1);
    assert_eq!(cloud.server.count("DescribeModelPackage"), 3 + 1);
    let oldest = cloud.json(0, &["models", "show", "1"]);
    assert_eq!(oldest["model_package"]["version"], 1);
    // The listing knows who is approved.
    let before = cloud.server.count("DescribeModelPackage");
    let approved = cloud.json(0, &["models", "show", "approved"]);
    assert_eq!(approved["model_package"]["version"], APPROVED);
    assert!(cloud.server.count("DescribeModelPackage") <= before + 2);
}

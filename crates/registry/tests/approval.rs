//! Approval and rejection in a directory registry.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::directory::{names, scratch, set};
use common::{chain, group, version};
use registry::{ApprovalStatus, DirectoryRegistry, ModelPackage, Registry};

#[test]
fn an_approval_stays_with_its_reason() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    let made = registry.create_version(&version("job-1")).unwrap();
    let file = scratch.path.join("machine-downtime/1/model_package.json");
    let first = fs_err::read_to_string(&file).unwrap();
    let approve = |status, reason| registry.set_approval(&made.arn, status, reason).unwrap();

    let approved = approve(ApprovalStatus::Approved, Some("better than 3, say \"two\""));
    let expected = ModelPackage {
        approval_status: ApprovalStatus::Approved,
        approval_description: Some("better than 3, say \"two\"".to_owned()),
        ..made.clone()
    };
    assert_eq!(approved, expected);
    assert_eq!(registry.describe(&made.arn).unwrap(), expected);
    assert_eq!(ModelPackage::from_json(&expected.to_json().unwrap()).unwrap(), expected);
    // The same again changes nothing.
    let once = fs_err::read_to_string(&file).unwrap();
    assert_eq!(approve(ApprovalStatus::Approved, Some("better than 3, say \"two\"")), expected);
    assert_eq!(fs_err::read_to_string(&file).unwrap(), once);
    // The document is what it was before the approval but for what was decided.
    assert!(
        first.contains(r#""client_token": "job-1""#) && once.contains(r#""client_token": "job-1""#)
    );
    assert_eq!(approve(ApprovalStatus::PendingManualApproval, Some("")), made);
    assert_eq!(fs_err::read_to_string(&file).unwrap(), first);
    assert_eq!(names(&scratch.path.join("machine-downtime/1")), set(["model_package.json"]));
    // A repeated request still finds its version.
    assert_eq!(registry.create_version(&version("job-1")).unwrap(), made);
}

#[test]
fn an_approval_needs_its_version_and_a_reason_that_fits() {
    let scratch = scratch();
    let registry = DirectoryRegistry::new(&scratch.path);
    registry.ensure_group(&group()).unwrap();
    let made = registry.create_version(&version("job-1")).unwrap();
    let refusal = |arn: &str, reason: &str| {
        let outcome = registry.set_approval(arn, ApprovalStatus::Rejected, Some(reason));
        chain(&outcome.unwrap_err())
    };
    insta::assert_snapshot!(refusal(&made.arn.replace("/1", "/2"), "bad"), @"model package arn:aws:sagemaker:local:000000000000:model-package/machine-downtime/2 does not exist");
    insta::assert_snapshot!(refusal(&made.arn.replace("machine-downtime", ".."), "bad"), @"model package arn:aws:sagemaker:local:000000000000:model-package/../1 does not exist");
    insta::assert_snapshot!(refusal(&made.arn, &"ä".repeat(1025)), @"reason is `ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää...` (1025 characters), expected at most 1024 printable characters");
    insta::assert_snapshot!(refusal(&made.arn, "two\nlines"), @"
    reason is `two
    lines`, expected at most 1024 printable characters
    ");
    assert_eq!(registry.describe(&made.arn).unwrap(), made);
    let longest = "ä".repeat(1024);
    registry.set_approval(&made.arn, ApprovalStatus::Rejected, Some(&longest)).unwrap();
}

//! `orchestrator models approve` and `reject`: decide about a version.

use common::Exit;
use registry::{ApprovalStatus, ModelPackage};
use serde_json::json;

use super::group::{ModelGroup, ServedVersion};
use crate::error::CommandError;
use crate::output::{print_json, print_text, say};

/// Sets the approval status of the version with a number or of the `latest` one. The version
/// `approved` is refused, since it could change between two decisions.
pub fn decide(
    group: &ModelGroup,
    version: &str,
    status: ApprovalStatus,
    reason: Option<&str>,
    as_json: bool,
) -> Result<Exit, CommandError> {
    if version == "approved" {
        let message = "version `approved`: expected a number or `latest`".to_owned();
        return Err(CommandError::Usage(message));
    }
    let package = group.find(version)?;
    let package = group.registry.set_approval(&package.arn, status, reason)?;
    if let Some(note) = (group.find_endpoint)().and_then(|served| note(&served, &package)) {
        say(&note);
    }
    if as_json {
        return print_json(&json!({ "model_package": package }));
    }
    print_text(&format!("{}: {}\n", package.arn, package.approval_status))
}

/// Returns what a decision about a version does not change of an endpoint, where somebody may expect it to.
fn note(served: &ServedVersion, package: &ModelPackage) -> Option<String> {
    let ServedVersion { endpoint, version, follows_approvals } = served;
    match package.approval_status {
        ApprovalStatus::Rejected if package.version == *version => Some(format!(
            "The endpoint {endpoint} answers with version {version} and goes on to: `orchestrator endpoint rollback` \
             brings the one before back, `orchestrator endpoint deploy VERSION` another"
        )),
        ApprovalStatus::Approved if package.version < *version && !follows_approvals => {
            Some(format!(
                "The endpoint {endpoint} answers with version {version}: `orchestrator endpoint deploy` deploys the latest \
                 approved version, `orchestrator endpoint deploy {}` this one",
                package.version
            ))
        }
        _ => None,
    }
}

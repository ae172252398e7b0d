//! `orchestrator models approve` and `reject`: decide about a version.

use common::Exit;
use registry::ApprovalStatus;
use serde_json::json;

use super::group::ModelGroup;
use crate::error::CommandError;
use crate::output::{print_json, print_text};

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
    if as_json {
        return print_json(&json!({ "model_package": package }));
    }
    print_text(&format!("{}: {}\n", package.arn, package.approval_status))
}

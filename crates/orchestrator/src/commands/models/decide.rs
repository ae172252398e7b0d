//! `orchestrator models approve` and `reject`: decide about a version.

use common::Exit;
use registry::{ApprovalStatus, ModelPackage};
use serde_json::json;

use super::group::{DecidedGroup, ServedVersion, require_complete};
use crate::error::CommandError;
use crate::output::{print_json, print_text, say};

/// Sets the approval status of the version with a number or of the `latest` one. The version
/// `approved` is refused, since it could change between two decisions.
pub fn decide(
    decided: &DecidedGroup,
    version: &str,
    status: ApprovalStatus,
    reason: Option<&str>,
    as_json: bool,
) -> Result<Exit, CommandError> {
    let DecidedGroup { group, can_go_back } = decided;
    if version == "approved" {
        let message = "version `approved`: expected a number or `latest`".to_owned();
        return Err(CommandError::Usage(message));
    }
    let before = group.find(version)?;
    if status == ApprovalStatus::Approved {
        require_complete(&before)?;
    }
    let reason = reason.filter(|reason| !reason.is_empty());
    let is_repeated = before.approval_status == status;
    let all_reasons = match &before.approval_description {
        Some(earlier) if is_repeated => added(earlier, reason),
        _ => reason.map(str::to_owned),
    };
    let is_changed = !is_repeated || all_reasons != before.approval_description;
    let package = if is_changed {
        group.registry.set_approval(&before.arn, status, all_reasons.as_deref())?
    } else {
        before
    };
    if let Some(note) =
        (group.find_endpoint)().and_then(|served| note(&served, &package, can_go_back))
    {
        say(&note);
    }
    if as_json {
        return print_json(&json!({ "model_package": package, "changed": is_changed }));
    }
    let mut text = format!("{}: {status}", package.arn);
    if is_repeated {
        let verb = if is_changed { "is now" } else { "stays" };
        text.push_str(" already; ");
        text.push_str(&match &package.approval_description {
            Some(reason) => format!("its reason {verb}: {reason}"),
            None => "it has no reason".to_owned(),
        });
    }
    print_text(&format!("{text}\n"))
}

/// Returns the reasons of a decision that is made again: the earlier ones, which stay, and the new one.
fn added(earlier: &str, reason: Option<&str>) -> Option<String> {
    const BETWEEN: &str = "; ";
    Some(match reason {
        Some(reason)
            if !earlier.split(BETWEEN).any(|known| known == reason) && reason != earlier =>
        {
            format!("{earlier}{BETWEEN}{reason}")
        }
        _ => earlier.to_owned(),
    })
}

/// Returns what a decision about a version does not change of an endpoint, where somebody may expect it to.
fn note(
    served: &ServedVersion,
    package: &ModelPackage,
    can_go_back: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let ServedVersion { endpoint, version, follows_approvals } = served;
    match package.approval_status {
        ApprovalStatus::Rejected if package.version == *version => {
            let remedy = if can_go_back(endpoint) {
                "`orchestrator endpoint rollback` brings the one before back, `orchestrator endpoint deploy \
                 VERSION` another"
            } else {
                "`orchestrator endpoint deploy VERSION` deploys another"
            };
            Some(format!(
                "The endpoint {endpoint} answers with version {version} and goes on to: {remedy}"
            ))
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_added_once() {
        let added = |earlier, reason| added(earlier, reason).unwrap_or_default();
        assert_eq!(added("a", None), "a");
        assert_eq!(added("a", Some("b")), "a; b");
        assert_eq!(added("a; b", Some("b")), "a; b");
        assert_eq!(added("a; b", Some("a; b")), "a; b");
        assert_eq!(added("ab", Some("a")), "ab; a");
    }
}

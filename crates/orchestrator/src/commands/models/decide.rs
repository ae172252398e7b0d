//! `orchestrator models approve` and `reject`: decide about a version.

use common::Exit;
use registry::{ApprovalStatus, DirectoryRegistry, ModelPackage};
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
    let DecidedGroup { group, can_go_back, decider } = decided;
    if version == "approved" {
        let message = "version `approved`: expected a number or `latest`".to_owned();
        return Err(CommandError::Usage(message));
    }
    let before = group.find(version)?;
    if status == ApprovalStatus::Approved {
        require_complete(&before)?;
        // Whoever approves on SageMaker need not be allowed to read the model.
        if DirectoryRegistry::is_own(&before.arn) {
            group.model(&before)?;
        }
    }
    let reason = reason.filter(|reason| !reason.is_empty());
    let is_repeated = before.approval_status == status;
    let all_reasons = match (&before.approval_description, is_repeated) {
        (Some(earlier), true) => added(earlier, reason, decider.as_deref()),
        // A decision that is only repeated says nothing new.
        (None, true) if reason.is_none() => None,
        (None, true) => entry(reason, decider.as_deref()),
        (earlier, false) => {
            let entry = entry(reason, decider.as_deref());
            let earlier = earlier_text(before.approval_status, earlier.as_deref());
            match (entry, earlier) {
                (Some(entry), Some(earlier)) => Some(joined(&entry, &earlier)),
                (entry, earlier) => entry.or(earlier),
            }
        }
    };
    if !is_repeated && before.approval_status != ApprovalStatus::PendingManualApproval {
        let reason = before.approval_description.as_deref();
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        say(&format!("Version {} was {}{reason}", before.version, before.approval_status));
    }
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

/// What stands between the parts of an approval description.
const BETWEEN: &str = "; ";

/// Returns what a decision adds to the approval description: its reason, and who has decided.
fn entry(reason: Option<&str>, decider: Option<&str>) -> Option<String> {
    match (reason, decider) {
        (None, None) => None,
        (Some(reason), None) => Some(reason.to_owned()),
        (None, Some(name)) => Some(format!("by {name}")),
        (Some(reason), Some(name)) => Some(format!("{reason} (by {name})")),
    }
}

/// Returns what the approval description keeps of an earlier decision that is now another one.
fn earlier_text(status: ApprovalStatus, reason: Option<&str>) -> Option<String> {
    if status == ApprovalStatus::PendingManualApproval {
        return reason.map(str::to_owned);
    }
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    Some(format!("earlier {status}{reason}"))
}

/// Returns the reasons of a decision that is made again: the earlier ones, which stay, and the new one.
fn added(earlier: &str, reason: Option<&str>, decider: Option<&str>) -> Option<String> {
    let is_known = |reason: &str| {
        let begins = |known: &str| known == reason || known.starts_with(&format!("{reason} (by "));
        begins(earlier) || earlier.split(BETWEEN).any(begins)
    };
    let new = reason.filter(|reason| !is_known(reason));
    let new = new.and_then(|reason| entry(Some(reason), decider));
    Some(match new {
        None => earlier.to_owned(),
        Some(new) if fits(&format!("{earlier}{BETWEEN}{new}")) => {
            format!("{earlier}{BETWEEN}{new}")
        }
        Some(new) => joined(&new, earlier),
    })
}

/// The maximum number of characters of an approval description.
const MOST: usize = 1024;

fn fits(description: &str) -> bool {
    description.chars().count() <= MOST
}

/// Returns what is new and what was earlier, of which the end is cut where SageMaker would refuse both. What is new
/// is never cut.
fn joined(new: &str, earlier: &str) -> String {
    let both = format!("{new}{BETWEEN}{earlier}");
    if fits(&both) {
        return both;
    }
    let room = (MOST - "...".len()).saturating_sub(new.chars().count() + BETWEEN.len());
    if room == 0 {
        return new.to_owned();
    }
    let kept: String = earlier.chars().take(room).collect();
    format!("{new}{BETWEEN}{kept}...")
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
        let added = |earlier, reason| added(earlier, reason, None).unwrap_or_default();
        assert_eq!(added("a", None), "a");
        assert_eq!(added("a", Some("b")), "a; b");
        assert_eq!(added("a; b", Some("b")), "a; b");
        assert_eq!(added("a; b", Some("a; b")), "a; b");
        assert_eq!(added("ab", Some("a")), "ab; a");
        let by = |reason| super::added("a (by ann)", reason, Some("bob")).unwrap_or_default();
        assert_eq!(by(Some("a")), "a (by ann)");
        assert_eq!(by(Some("b")), "a (by ann); b (by bob)");
    }

    #[test]
    fn an_earlier_decision_is_kept() {
        let rejected = earlier_text(ApprovalStatus::Rejected, Some("leaks the label (by ann)"));
        assert_eq!(rejected.unwrap(), "earlier Rejected: leaks the label (by ann)");
        assert_eq!(earlier_text(ApprovalStatus::PendingManualApproval, None), None);
        let long = joined("new", &"é".repeat(1024));
        assert!(long.starts_with("new; é") && long.ends_with("é..."), "{long}");
        assert_eq!(long.chars().count(), MOST);
        assert_eq!(joined(&"n".repeat(1025), "earlier").len(), 1025);
    }
}

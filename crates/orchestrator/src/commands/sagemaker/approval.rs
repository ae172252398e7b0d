//! Whether executions register versions that are approved already: approving is a right of its own.

use config::{ApprovalStatus, Settings};
use indexmap::IndexMap;
use pipeline::Definition;
use serde_json::{Value, json};

use crate::error::CommandError;

/// Returns whether the executions of a definition, with these values of its parameters, register versions that are
/// approved already.
pub fn registers_approved(definition: &Definition, parameters: &IndexMap<String, Value>) -> bool {
    const APPROVED: &str = "Approved";
    const MEMBERS: [&str; 2] = ["MODEL_APPROVAL_STATUS", "ModelApprovalStatus"];
    let mut open = vec![json!(definition.steps), json!(parameters)];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(entries) => open.extend(entries),
            Value::Object(members) => {
                let mut named = MEMBERS.iter().filter_map(|member| members.get(*member));
                if named.any(|value| value == APPROVED) {
                    return true;
                }
                open.extend(members.into_iter().map(|(_, value)| value));
            }
            _ => {}
        }
    }
    false
}

/// Refuses a definition that registers approved versions, unless the settings do.
pub fn require_unapproved(
    settings: &Settings,
    definition: &Definition,
    parameters: &IndexMap<String, Value>,
) -> Result<(), CommandError> {
    let status = settings.model_registry.approval_status;
    if status == ApprovalStatus::Approved || !registers_approved(definition, parameters) {
        return Ok(());
    }
    Err(CommandError::Usage(format!(
        "executions would register approved versions, and model_registry.approval_status is {status}; `orchestrator \
         models approve` approves a version"
    )))
}

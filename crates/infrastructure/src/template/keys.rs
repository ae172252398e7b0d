//! The customer's key, with which logs, images and notifications are encrypted as the bucket is.

use serde_yaml::Value;

use super::sections::Sections;
use super::value::reference;
use crate::inventory::Inventory;
use crate::statements::key_arn;

/// The parameter for the ARN of the key, where the settings name it by an alias.
const LOG_KEY: &str = "LogKeyArn";

/// Returns the key of what is kept, as the settings name it.
pub(super) fn of_outputs(inventory: &Inventory<'_>) -> Option<Value> {
    inventory.settings.aws.kms.output_key.as_deref().map(Into::into)
}

/// Returns the ARN of the key for CloudWatch Logs, which takes no alias. The template cannot look up what
/// key an alias stands for, so that a parameter says it.
pub(super) fn of_logs(inventory: &Inventory<'_>, sections: &mut Sections) -> Option<Value> {
    let key = inventory.settings.aws.kms.output_key.as_deref()?;
    let arn = key_arn(inventory, key);
    if !arn.contains(":alias/") {
        return Some(arn.into());
    }
    sections.parameter(
        LOG_KEY,
        object! {
            "Description": format!(
                "The ARN of the key {key}, since logs take no alias; `aws kms describe-key --key-id {key}` prints it"
            ),
            "Type": "String",
            "AllowedPattern": "^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$",
        },
    );
    Some(reference(LOG_KEY))
}

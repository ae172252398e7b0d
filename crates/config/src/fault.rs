//! What is wrong with a setting.

use serde_yaml::Value;

/// A setting whose value is out of range.
pub(crate) struct Fault {
    /// The path of the setting, such as `tags.project`.
    pub(crate) path: String,
    /// The value found, if it can be shown.
    pub(crate) value: Option<Value>,
    /// What was expected.
    pub(crate) expected: String,
}

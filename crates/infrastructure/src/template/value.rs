//! The words that a template is written in. Members stay in the order in which they are written.

use serde::Serialize;
use serde_yaml::Value;

pub(super) use crate::document::VERSION as POLICY_VERSION;

/// A mapping, written as in JSON.
macro_rules! object {
    ($($name:literal: $value:expr),* $(,)?) => {
        serde_yaml::Value::Mapping(
            [$((serde_yaml::Value::from($name), serde_yaml::Value::from($value))),*]
                .into_iter()
                .collect(),
        )
    };
}

pub(super) fn list<T: Into<Value>>(values: impl IntoIterator<Item = T>) -> Value {
    Value::Sequence(values.into_iter().map(Into::into).collect())
}

/// A parameter's value, or the name of a resource.
pub(super) fn reference(name: &str) -> Value {
    object! { "Ref": name }
}

pub(super) fn arn(resource: &str) -> Value {
    object! { "Fn::GetAtt": list([resource, "Arn"]) }
}

/// A text with `${...}` in it.
pub(super) fn filled(text: &str) -> Value {
    object! { "Fn::Sub": text }
}

/// Whether a parameter has this value.
pub(super) fn is(parameter: &str, value: &str) -> Value {
    object! { "Fn::Equals": list([reference(parameter), value.into()]) }
}

/// Anything that serialises. Cannot fail for what this crate has: every key is a string.
pub(super) fn of(value: &impl Serialize) -> Value {
    serde_yaml::to_value(value).unwrap_or_default()
}

/// The version of the template language.
pub(super) const TEMPLATE_VERSION: &str = "2010-09-09";

/// As YAML. Where a reader is of YAML 1.1, as many are, a bare date would be no text.
pub(super) fn text(value: &Value) -> String {
    let mut text = serde_yaml::to_string(value).unwrap_or_default();
    for date in [TEMPLATE_VERSION, POLICY_VERSION] {
        text = text.replace(&format!(": {date}\n"), &format!(": '{date}'\n"));
    }
    text
}

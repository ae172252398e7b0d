//! Constructors of a template's values. Members keep the order in which they are written.

use serde::Serialize;
use serde_yaml::Value;

pub(super) use crate::document::VERSION as POLICY_VERSION;

/// Creates a mapping, written as in JSON.
macro_rules! object {
    ($($name:literal: $value:expr),* $(,)?) => {
        serde_yaml::Value::Mapping(
            [$((serde_yaml::Value::from($name), serde_yaml::Value::from($value))),*]
                .into_iter()
                .collect(),
        )
    };
}

/// Creates a sequence.
pub(super) fn list<T: Into<Value>>(values: impl IntoIterator<Item = T>) -> Value {
    Value::Sequence(values.into_iter().map(Into::into).collect())
}

/// Returns a `Ref`: the value of a parameter, or the name of a resource.
pub(super) fn reference(name: &str) -> Value {
    object! { "Ref": name }
}

/// Returns an `Fn::GetAtt` of the ARN of a resource.
pub(super) fn arn(resource: &str) -> Value {
    object! { "Fn::GetAtt": list([resource, "Arn"]) }
}

/// Returns a `Fn::Sub` of a text with `${...}` in it.
pub(super) fn substitute(text: &str) -> Value {
    object! { "Fn::Sub": text }
}

/// Returns an `Fn::Equals`: whether a parameter has this value.
pub(super) fn equals(parameter: &str, value: &str) -> Value {
    object! { "Fn::Equals": list([reference(parameter), value.into()]) }
}

/// Returns an `Fn::If`: one of two values, by a condition.
pub(super) fn choose(condition: &str, when_met: Value, otherwise: Value) -> Value {
    object! { "Fn::If": list([condition.into(), when_met, otherwise]) }
}

/// Adds a member to a mapping, if there is a value for it.
pub(super) fn put(mapping: &mut Value, name: &str, value: Option<Value>) {
    if let (Value::Mapping(members), Some(value)) = (mapping, value) {
        members.insert(name.into(), value);
    }
}

/// Serializes a value. This cannot fail for the types of this crate, whose keys are strings.
pub(super) fn serialized(value: &impl Serialize) -> Value {
    serde_yaml::to_value(value).unwrap_or_default()
}

/// The version of the template language.
pub(super) const TEMPLATE_VERSION: &str = "2010-09-09";

/// The version of GitHub's API.
pub(super) const GITHUB_VERSION: &str = "2022-11-28";

/// Returns the template as YAML. The versions are quoted, since many parsers follow YAML 1.1, which
/// reads a bare date as a date.
pub(super) fn text(value: &Value) -> String {
    let mut text = serde_yaml::to_string(value).unwrap_or_default();
    for date in [TEMPLATE_VERSION, POLICY_VERSION, GITHUB_VERSION] {
        text = text.replace(&format!(": {date}\n"), &format!(": '{date}'\n"));
    }
    text
}

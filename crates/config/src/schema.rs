//! The JSON schema of the settings file, for editors.

use serde_json::{Map, Value, json};

use crate::settings::Settings;

impl Settings {
    /// Returns the JSON schema of the settings file, generated from the types of the settings.
    pub fn json_schema() -> String {
        let mut schema = schemars::schema_for!(Self);
        let mut members = std::mem::take(schema.ensure_object()).into();
        allow_variables(&mut members);
        if let Value::Object(members) = members {
            *schema.ensure_object() = members;
        }
        let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// Allows `${VAR}` wherever the schema requires a number, a word or a pattern, because an editor
/// does not know the value of the variable.
fn allow_variables(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    for name in ["properties", "$defs"] {
        let schemas = members.get_mut(name).and_then(Value::as_object_mut);
        schemas.into_iter().flatten().for_each(|(_, inner)| allow_variables(inner));
    }
    for name in ["additionalProperties", "items"] {
        members.get_mut(name).into_iter().for_each(allow_variables);
    }
    if !is_scalar(members) {
        return;
    }
    let mut inner = std::mem::take(members);
    for keyword in ["description", "default"] {
        members.extend(inner.remove(keyword).map(|value| (keyword.to_owned(), value)));
    }
    let variable = json!({ "type": "string", "pattern": r"\$\{.+\}" });
    members.insert("anyOf".to_owned(), json!([inner, variable]));
}

/// Returns whether the schema accepts a number, a boolean or a restricted text.
fn is_scalar(members: &Map<String, Value>) -> bool {
    let kind = |kind: &str| match &members["type"] {
        Value::Array(kinds) => kinds.iter().any(|known| known == kind),
        known => known == kind,
    };
    if members.contains_key("type") {
        let narrow = ["pattern", "const", "minLength"].iter().any(|n| members.contains_key(*n));
        return ["integer", "number", "boolean"].into_iter().any(kind)
            || (kind("string") && narrow);
    }
    let choices = ["oneOf", "anyOf"].into_iter().filter_map(|name| members.get(name)?.as_array());
    choices.flatten().filter_map(Value::as_object).any(is_scalar)
}

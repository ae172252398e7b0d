//! Expressions: values that may be known only while a pipeline runs.

use std::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::reference::{ExecutionVariable, Reference};

pub(crate) const GET: &str = "Get";
pub(crate) const JOIN: &str = "Std:Join";
pub(crate) const JSON_GET: &str = "Std:JsonGet";

/// A value in a definition: a literal, or one that is evaluated while the pipeline runs.
///
/// [`Display`](fmt::Display) writes it for messages: `join("/", "s3://b", Parameters.X)`.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A string, number or boolean.
    Literal(Value),
    /// `{"Get": "..."}`
    Get(Reference),
    /// `{"Std:Join": {"On": "...", "Values": [...]}}`: the values as text, joined by a separator.
    Join {
        /// The separator.
        on: String,
        /// The values, in order.
        values: Vec<Expression>,
    },
    /// `{"Std:JsonGet": {"PropertyFile": {"Get": "Steps.S.PropertyFiles.F"}, "Path": "..."}}`
    JsonGet {
        /// The step that wrote the file.
        step: String,
        /// The file's `PropertyFileName`.
        file: String,
        /// The place in the file's JSON, as [`Path::parse`](crate::Path::parse) reads it.
        path: String,
    },
}

impl Expression {
    /// Returns a reference to a pipeline parameter.
    pub fn parameter(name: impl Into<String>) -> Self {
        Self::Get(Reference::Parameter(name.into()))
    }

    /// Returns a reference to an execution variable.
    pub fn execution(variable: ExecutionVariable) -> Self {
        Self::Get(Reference::Execution(variable))
    }

    /// Returns a reference to a member of a step's Describe response, such as
    /// `ModelArtifacts.S3ModelArtifacts`.
    pub fn property(step: impl Into<String>, path: impl Into<String>) -> Self {
        Self::Get(Reference::Property { step: step.into(), path: path.into() })
    }

    /// Returns a reference to the S3 prefix of a Processing step's output.
    pub fn output(step: impl Into<String>, output: &str) -> Self {
        Self::property(step, format!("ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri"))
    }

    /// Returns the values joined as text, separated by `on`.
    pub fn join<E: Into<Self>>(on: impl Into<String>, values: impl IntoIterator<Item = E>) -> Self {
        Self::Join { on: on.into(), values: values.into_iter().map(Into::into).collect() }
    }

    /// Returns this value converted to a string, which a number needs where the API expects a
    /// string.
    pub fn into_text(self) -> Self {
        Self::join("", [self])
    }

    /// Returns a reference to a value in a step's property file.
    pub fn json_get(
        step: impl Into<String>,
        file: impl Into<String>,
        path: impl Into<String>,
    ) -> Self {
        Self::JsonGet { step: step.into(), file: file.into(), path: path.into() }
    }

    /// Returns the value if the expression is a literal.
    pub fn as_literal(&self) -> Option<&Value> {
        match self {
            Self::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the string if the expression is a literal string.
    pub fn as_str(&self) -> Option<&str> {
        self.as_literal().and_then(Value::as_str)
    }

    /// Reads an expression from its JSON. The error is a message.
    pub(crate) fn deserialize_value(value: &Value) -> Result<Self, String> {
        Self::deserialize(value).map_err(|error| error.to_string())
    }

    /// Returns every reference in this expression, including those in the values of a Join.
    pub fn references(&self) -> Vec<Reference> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Get(reference) => vec![reference.clone()],
            Self::Join { values, .. } => values.iter().flat_map(Self::references).collect(),
            Self::JsonGet { step, file, .. } => {
                vec![Reference::PropertyFile { step: step.clone(), name: file.clone() }]
            }
        }
    }
}

impl From<&str> for Expression {
    fn from(text: &str) -> Self {
        Self::Literal(text.into())
    }
}

impl From<String> for Expression {
    fn from(text: String) -> Self {
        Self::Literal(text.into())
    }
}

impl From<i64> for Expression {
    fn from(number: i64) -> Self {
        Self::Literal(number.into())
    }
}

impl From<u32> for Expression {
    fn from(number: u32) -> Self {
        Self::Literal(number.into())
    }
}

/// JSON has no NaN and no infinities: they become the strings that SageMaker's reports use,
/// `"NaN"`, `"inf"` and `"-inf"`.
impl From<f64> for Expression {
    fn from(number: f64) -> Self {
        Self::Literal(
            serde_json::Number::from_f64(number)
                .map_or_else(|| number.to_string().into(), Value::Number),
        )
    }
}

impl From<bool> for Expression {
    fn from(truth: bool) -> Self {
        Self::Literal(truth.into())
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(value) => write!(f, "{value}"),
            Self::Get(reference) => write!(f, "{reference}"),
            Self::Join { on, values } => {
                write!(f, "join({on:?}")?;
                for value in values {
                    write!(f, ", {value}")?;
                }
                f.write_str(")")
            }
            Self::JsonGet { step, file, path } => {
                write!(f, "json_get(Steps.{step}.PropertyFiles.{file}, {path:?})")
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct JoinBody<V> {
    on: String,
    values: V,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct JsonGetBody {
    property_file: Get,
    path: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Get {
    get: String,
}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = match self {
            Self::Literal(value) => return value.serialize(serializer),
            _ => serializer.serialize_map(Some(1))?,
        };
        match self {
            Self::Literal(_) => {}
            Self::Get(reference) => map.serialize_entry(GET, &reference.to_string())?,
            Self::Join { on, values } => {
                map.serialize_entry(JOIN, &JoinBody { on: on.clone(), values })?;
            }
            Self::JsonGet { step, file, path } => {
                let reference = Reference::PropertyFile { step: step.clone(), name: file.clone() };
                map.serialize_entry(
                    JSON_GET,
                    &JsonGetBody {
                        property_file: Get { get: reference.to_string() },
                        path: path.clone(),
                    },
                )?;
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExpressionVisitor)
    }
}

struct ExpressionVisitor;

impl<'de> Visitor<'de> for ExpressionVisitor {
    type Value = Expression;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string, a number, a boolean, or an object with {GET}, {JOIN} or {JSON_GET}")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Expression, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Expression, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Expression, E> {
        Ok(Expression::Literal(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Expression, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Expression, E> {
        Ok(value.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Expression, A::Error> {
        let Some(function) = map.next_key::<String>()? else {
            return Err(de::Error::invalid_value(de::Unexpected::Map, &self));
        };
        let expression = match function.as_str() {
            GET => {
                let text = map.next_value::<String>()?;
                Expression::Get(text.parse().map_err(de::Error::custom)?)
            }
            JOIN => {
                let JoinBody { on, values } = map.next_value()?;
                Expression::Join { on, values }
            }
            JSON_GET => {
                let JsonGetBody { property_file, path } = map.next_value()?;
                match property_file.get.parse().map_err(de::Error::custom)? {
                    Reference::PropertyFile { step, name } => {
                        crate::Path::parse(&path).map_err(de::Error::custom)?;
                        Expression::JsonGet { step, file: name, path }
                    }
                    other => {
                        return Err(de::Error::custom(format!(
                            "{other} is no property file; expected \
                             Steps.<step>.PropertyFiles.<name>"
                        )));
                    }
                }
            }
            _ => return Err(de::Error::unknown_field(&function, &[GET, JOIN, JSON_GET])),
        };
        match map.next_key::<String>()? {
            None => Ok(expression),
            Some(extra) => Err(de::Error::custom(format!(
                "{extra:?} beside {function}: an expression has exactly one member"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_survives_a_round_trip() {
        for value in [
            json!("text"),
            json!(3),
            json!(0.5),
            json!(true),
            json!({"Get": "Parameters.X"}),
            json!({"Std:Join": {"On": "/", "Values": ["a", 1, {"Get": "Execution.PipelineName"}]}}),
            json!({"Std:JsonGet": {
                "PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"},
                "Path": "metrics.f1[0]",
            }}),
        ] {
            let expression: Expression = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(expression).unwrap(), value);
        }
    }

    #[test]
    fn an_expression_is_displayed_like_a_function_call() {
        let expression = Expression::join(
            "/",
            [
                "s3://b".into(),
                Expression::parameter("X"),
                Expression::json_get("Evaluate", "Report", "f1.value"),
            ],
        );
        insta::assert_snapshot!(expression, @r#"join("/", "s3://b", Parameters.X, json_get(Steps.Evaluate.PropertyFiles.Report, "f1.value"))"#);
    }

    #[test]
    fn an_invalid_expression_is_refused_with_the_expected_form() {
        let message =
            |value: Value| serde_json::from_value::<Expression>(value).unwrap_err().to_string();
        insta::assert_snapshot!(message(json!(null)), @"invalid type: null, expected a string, a number, a boolean, or an object with Get, Std:Join or Std:JsonGet");
        insta::assert_snapshot!(message(json!([1])), @"invalid type: sequence, expected a string, a number, a boolean, or an object with Get, Std:Join or Std:JsonGet");
        insta::assert_snapshot!(message(json!({})), @"invalid value: map, expected a string, a number, a boolean, or an object with Get, Std:Join or Std:JsonGet");
        insta::assert_snapshot!(message(json!({"Std:Jion": {}})), @"unknown field `Std:Jion`, expected one of `Get`, `Std:Join`, `Std:JsonGet`");
        insta::assert_snapshot!(message(json!({"Get": 3})), @"invalid type: integer `3`, expected a string");
        insta::assert_snapshot!(message(json!({"Get": "Steps.A"})), @r#""Steps.A" is no reference; expected Parameters.<name>, Execution.<variable>, Steps.<step>.<property> or Steps.<step>.PropertyFiles.<name>"#);
        insta::assert_snapshot!(message(json!({"Get": "Parameters.A", "Default": 1})), @"unknown field `Default`, expected one of `Get`, `Std:Join`, `Std:JsonGet`");
        insta::assert_snapshot!(message(json!({"Std:Join": {"On": "/"}})), @"missing field `Values`");
        insta::assert_snapshot!(message(json!({"Std:JsonGet": {"PropertyFile": {"Get": "Parameters.A"}, "Path": "a"}})), @"Parameters.A is no property file; expected Steps.<step>.PropertyFiles.<name>");
        insta::assert_snapshot!(message(json!({"Std:JsonGet": {"PropertyFile": {"Get": "Steps.A.PropertyFiles.B"}, "Path": "a["}})), @r#"path "a[": the bracket at character 2 is not closed"#);
    }
}

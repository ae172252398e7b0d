//! What whoever starts a pipeline may choose.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// The longest value `StartPipelineExecution` takes, in characters.
pub(crate) const LONGEST_VALUE: usize = 1024;

/// One pipeline parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// `[A-Za-z0-9\-_]{1,64}`
    #[serde(rename = "Name")]
    pub name: String,
    /// What its values are.
    #[serde(rename = "Type")]
    pub kind: ParameterType,
    /// For the people who start the pipeline.
    #[serde(rename = "Description", default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Used when a start names no value.
    #[serde(rename = "DefaultValue", default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// The only values allowed; String parameters alone have it.
    #[serde(rename = "EnumValues", default, skip_serializing_if = "Vec::is_empty")]
    pub enum_values: Vec<String>,
}

/// The four types of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterType {
    /// Text of at most 1024 characters.
    String,
    /// A whole number that fits 64 bits.
    Integer,
    /// A finite number.
    Float,
    /// `true` or `false`.
    Boolean,
}

impl fmt::Display for ParameterType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Parameter {
    /// A String parameter.
    pub fn string(name: impl Into<String>, default: impl Into<String>) -> Self {
        Self::with_default(name.into(), ParameterType::String, default.into().into())
    }

    /// An Integer parameter.
    pub fn integer(name: impl Into<String>, default: i64) -> Self {
        Self::with_default(name.into(), ParameterType::Integer, default.into())
    }

    /// A Float parameter; `default` is finite, or there is none.
    pub fn float(name: impl Into<String>, default: f64) -> Self {
        Self {
            default: Number::from_f64(default).map(Value::Number),
            ..Self::with_default(name.into(), ParameterType::Float, Value::Null)
        }
    }

    /// A Boolean parameter.
    pub fn boolean(name: impl Into<String>, default: bool) -> Self {
        Self::with_default(name.into(), ParameterType::Boolean, default.into())
    }

    fn with_default(name: String, kind: ParameterType, default: Value) -> Self {
        Self { name, kind, description: None, default: Some(default), enum_values: Vec::new() }
    }

    /// The same parameter, restricted to these values.
    #[must_use]
    pub fn one_of<S: Into<String>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.enum_values = values.into_iter().map(Into::into).collect();
        self
    }

    /// Reads a value as a start passes it: always text.
    pub fn parse(&self, text: &str) -> Result<Value, ParameterError> {
        let value = match self.kind {
            ParameterType::String => Some(Value::from(text)),
            ParameterType::Integer => text.parse::<i64>().ok().map(Value::from),
            ParameterType::Float => {
                text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
            }
            // Python's str(True) is what the official SDK sends.
            ParameterType::Boolean => match text {
                "true" | "True" => Some(true.into()),
                "false" | "False" => Some(false.into()),
                _ => None,
            },
        };
        let value = value.ok_or_else(|| self.refuse(format!("{text:?}")))?;
        self.check(&value)?;
        Ok(value)
    }

    /// Whether `value` is of the parameter's type, length and enumeration.
    pub fn check(&self, value: &Value) -> Result<(), ParameterError> {
        let fits = match self.kind {
            ParameterType::String => value.as_str().is_some_and(|text| {
                text.chars().count() <= LONGEST_VALUE
                    && (self.enum_values.is_empty() || self.enum_values.iter().any(|v| v == text))
            }),
            ParameterType::Integer => value.as_i64().is_some(),
            ParameterType::Float => value.is_number(),
            ParameterType::Boolean => value.is_boolean(),
        };
        if fits { Ok(()) } else { Err(self.refuse(value.to_string())) }
    }

    fn refuse(&self, value: String) -> ParameterError {
        let expected = match self.kind {
            ParameterType::String if !self.enum_values.is_empty() => {
                format!("one of {}", self.enum_values.join(", "))
            }
            ParameterType::String => format!("text of at most {LONGEST_VALUE} characters"),
            ParameterType::Integer => "a whole number of 64 bits".to_owned(),
            ParameterType::Float => "a finite number".to_owned(),
            ParameterType::Boolean => "true or false".to_owned(),
        };
        ParameterError::Value { name: self.name.clone(), kind: self.kind, value, expected }
    }
}

/// Why a pipeline cannot be started with the values given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// A value of the wrong type, too long, or none of those allowed.
    #[error("parameter {name} ({kind}): found {value}, expected {expected}")]
    Value {
        /// The parameter.
        name: String,
        /// Its type.
        kind: ParameterType,
        /// What was found, quoted.
        value: String,
        /// What would do.
        expected: String,
    },
    /// The pipeline has no such parameter.
    #[error("parameter {name}: the pipeline has none of this name{}", match suggestion {
        Some(near) => common::did_you_mean(Some(near)),
        None => format!("; it has {}", known.join(", ")),
    })]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name there is.
        suggestion: Option<String>,
        /// All names there are.
        known: Vec<String>,
    },
    /// A parameter without default that was given no value.
    #[error("parameter {name} ({kind}): it has no default, so the start must name a value")]
    Missing {
        /// The parameter.
        name: String,
        /// Its type.
        kind: ParameterType,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_becomes_a_value_of_the_type() {
        assert_eq!(Parameter::string("Url", "").parse("s3://b/k"), Ok(json!("s3://b/k")));
        assert_eq!(Parameter::integer("Trees", 1).parse("-20"), Ok(json!(-20)));
        assert_eq!(Parameter::float("MinF1", 0.5).parse("1"), Ok(json!(1.0)));
        assert_eq!(Parameter::float("MinF1", 0.5).parse("2.5e-3"), Ok(json!(0.0025)));
        assert_eq!(Parameter::boolean("Spot", false).parse("True"), Ok(json!(true)));
    }

    #[test]
    fn a_refusal_names_parameter_value_and_what_was_expected() {
        let refuse =
            |parameter: Parameter, text: &str| parameter.parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(refuse(Parameter::integer("Trees", 1), "2.5"), @r#"parameter Trees (Integer): found "2.5", expected a whole number of 64 bits"#);
        insta::assert_snapshot!(refuse(Parameter::integer("Trees", 1), "9223372036854775808"), @r#"parameter Trees (Integer): found "9223372036854775808", expected a whole number of 64 bits"#);
        insta::assert_snapshot!(refuse(Parameter::float("MinF1", 0.5), "NaN"), @r#"parameter MinF1 (Float): found "NaN", expected a finite number"#);
        insta::assert_snapshot!(refuse(Parameter::boolean("Spot", false), "yes"), @r#"parameter Spot (Boolean): found "yes", expected true or false"#);
        insta::assert_snapshot!(
            refuse(Parameter::string("Status", "Approved").one_of(["Approved", "Rejected"]), "approved"),
            @r#"parameter Status (String): found "approved", expected one of Approved, Rejected"#);
        assert!(Parameter::string("Url", "").parse(&"x".repeat(1024)).is_ok());
        assert!(Parameter::string("Url", "").parse(&"x".repeat(1025)).is_err());
    }
}

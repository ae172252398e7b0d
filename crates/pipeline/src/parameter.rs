//! Pipeline parameters: the values that each start of a pipeline may choose.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// The maximum length of a value in `StartPipelineExecution`, in characters.
pub(crate) const LONGEST_VALUE: usize = 1024;

/// One pipeline parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// The name, of the pattern `[A-Za-z0-9\-_]{1,64}`.
    #[serde(rename = "Name")]
    pub name: String,
    /// The type of its values.
    #[serde(rename = "Type")]
    pub kind: ParameterType,
    /// A description for people who start the pipeline.
    #[serde(rename = "Description", default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The value of an execution that is started without one.
    #[serde(rename = "DefaultValue", default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// The allowed values; empty if any value is allowed. Only String parameters have them.
    #[serde(rename = "EnumValues", default, skip_serializing_if = "Vec::is_empty")]
    pub enum_values: Vec<String>,
}

/// The four types of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterType {
    /// Text of at most 1024 characters.
    String,
    /// A signed integer of 64 bits.
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
    /// Creates a String parameter.
    pub fn string(name: impl Into<String>, default: impl Into<String>) -> Self {
        Self::with_default(name.into(), ParameterType::String, default.into().into())
    }

    /// Creates an Integer parameter.
    pub fn integer(name: impl Into<String>, default: i64) -> Self {
        Self::with_default(name.into(), ParameterType::Integer, default.into())
    }

    /// Creates a Float parameter. It has no default if `default` is not finite.
    pub fn float(name: impl Into<String>, default: f64) -> Self {
        Self {
            default: Number::from_f64(default).map(Value::Number),
            ..Self::with_default(name.into(), ParameterType::Float, Value::Null)
        }
    }

    /// Creates a Boolean parameter.
    pub fn boolean(name: impl Into<String>, default: bool) -> Self {
        Self::with_default(name.into(), ParameterType::Boolean, default.into())
    }

    fn with_default(name: String, kind: ParameterType, default: Value) -> Self {
        Self { name, kind, description: None, default: Some(default), enum_values: Vec::new() }
    }

    /// Restricts the parameter to these values.
    #[must_use]
    pub fn one_of<S: Into<String>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.enum_values = values.into_iter().map(Into::into).collect();
        self
    }

    /// Parses a value from text, the form in which `StartPipelineExecution` takes all values.
    ///
    /// Fails as [`check`](Self::check) does, and on text that is not of the parameter's type.
    pub fn parse(&self, text: &str) -> Result<Value, ParameterError> {
        let value = match self.kind {
            ParameterType::String => Some(Value::from(text)),
            ParameterType::Integer => text.parse::<i64>().ok().map(Value::from),
            ParameterType::Float => {
                text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
            }
            // The official SDK sends Python's str(True).
            ParameterType::Boolean => match text {
                "true" | "True" => Some(true.into()),
                "false" | "False" => Some(false.into()),
                _ => None,
            },
        };
        // the service takes an empty default, but no empty value
        let value = value.filter(|_| !text.is_empty());
        let value = value.ok_or_else(|| self.refuse(format!("{text:?}")))?;
        self.check(&value)?;
        Ok(value)
    }

    /// Checks that `value` has the parameter's type and length and is one of the allowed values.
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
            ParameterType::String => format!("text of 1 to {LONGEST_VALUE} characters"),
            ParameterType::Integer => "a whole number of 64 bits".to_owned(),
            ParameterType::Float => "a finite number".to_owned(),
            ParameterType::Boolean => "true or false".to_owned(),
        };
        ParameterError::Value { name: self.name.clone(), kind: self.kind, value, expected }
    }
}

/// The error of a parameter value with which a pipeline cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// A value has the wrong type, is too long, or is not one of the allowed values.
    #[error("parameter {name} ({kind}): found {value}, expected {expected}")]
    Value {
        /// The parameter.
        name: String,
        /// Its type.
        kind: ParameterType,
        /// The value found, quoted.
        value: String,
        /// A description of the allowed values.
        expected: String,
    },
    /// The pipeline has no parameter of this name.
    #[error("parameter {name}: the pipeline has none of this name{}", match suggestion {
        Some(near) => common::did_you_mean(Some(near)),
        None => format!("; it has {}", known.join(", ")),
    })]
    Unknown {
        /// The requested name.
        name: String,
        /// The most similar name of a parameter.
        suggestion: Option<String>,
        /// The names of all parameters.
        known: Vec<String>,
    },
    /// A parameter has neither a value nor a default.
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
        insta::assert_snapshot!(refuse(Parameter::string("Url", ""), ""), @r#"parameter Url (String): found "", expected text of 1 to 1024 characters"#);
        assert!(Parameter::string("Url", "").check(&json!("")).is_ok(), "a default may be empty");
        assert!(Parameter::string("Url", "").parse(&"x".repeat(1024)).is_ok());
        assert!(Parameter::string("Url", "").parse(&"x".repeat(1025)).is_err());
    }
}

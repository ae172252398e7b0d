//! What can be said about an expression before anything runs.

use serde_json::Value;

use super::Linter;
use crate::expression::Expression;
use crate::parameter::ParameterType;
use crate::path::Path;
use crate::reference::Reference;
use crate::step::StepKind;

/// The type an expression's value will have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Float,
    Boolean,
    /// A property or a value from a property file.
    Unknown,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Integer => "an integer",
            Self::Float => "a float",
            Self::Boolean => "a boolean",
            Self::Unknown => "anything",
        }
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::String(_) => Self::Text,
            Value::Number(number) if number.is_f64() => Self::Float,
            Value::Number(_) => Self::Integer,
            Value::Bool(_) => Self::Boolean,
            Value::Null | Value::Array(_) | Value::Object(_) => Self::Unknown,
        }
    }
}

/// The part of an expression's text that is known.
#[derive(Default)]
pub(super) struct Known {
    /// Everything known, without what is not.
    pub(super) text: String,
    /// The text before the first thing not known: all of it when nothing is missing.
    pub(super) head: String,
    /// What will be known only once the pipeline runs.
    pub(super) missing: Vec<String>,
    /// Whether a parameter's default is in it.
    pub(super) defaults: bool,
    /// How many expressions were looked at.
    looked_at: usize,
}

impl Known {
    pub(super) fn complete(&self) -> bool {
        self.missing.is_empty()
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        if self.complete() {
            self.head.push_str(text);
        }
    }
}

/// Output prefixes may be made of other outputs' prefixes; past this depth it is a circle.
const DEEPEST: usize = 8;
/// Prefixes that each name several others multiply: ten names on eight levels are 10^8.
const MOST_LOOKED_AT: usize = 10_000;

impl Linter<'_> {
    pub(super) fn kind(&self, expression: &Expression) -> Kind {
        match expression {
            Expression::Literal(value) => Kind::of(value),
            Expression::Get(Reference::Parameter(name)) => {
                match self.parameters.get(name.as_str()).map(|p| p.kind) {
                    Some(ParameterType::String) => Kind::Text,
                    Some(ParameterType::Integer) => Kind::Integer,
                    Some(ParameterType::Float) => Kind::Float,
                    Some(ParameterType::Boolean) => Kind::Boolean,
                    None => Kind::Unknown,
                }
            }
            Expression::Get(Reference::Execution(_)) | Expression::Join { .. } => Kind::Text,
            Expression::Get(Reference::Property { .. } | Reference::PropertyFile { .. })
            | Expression::JsonGet { .. } => Kind::Unknown,
        }
    }

    /// The value, if it is plain or a parameter's default.
    pub(super) fn value(&self, expression: &Expression) -> Option<Value> {
        match expression {
            Expression::Literal(value) => Some(value.clone()),
            Expression::Get(Reference::Parameter(name)) => {
                self.parameters.get(name.as_str()).and_then(|p| p.default.clone())
            }
            _ => None,
        }
    }

    pub(super) fn known(&self, expression: &Expression) -> Known {
        let mut known = Known::default();
        self.add_known(expression, &mut known, 0);
        known
    }

    fn add_known(&self, expression: &Expression, known: &mut Known, depth: usize) {
        known.looked_at += 1;
        if known.looked_at > MOST_LOOKED_AT {
            // One more name does; nobody reads ten thousand.
            if known.looked_at == MOST_LOOKED_AT + 1 {
                known.missing.push(expression.to_string());
            }
            return;
        }
        if let Some(value) = self.value(expression) {
            known.defaults |= expression.as_literal().is_none();
            return match value {
                Value::String(text) => known.push(&text),
                other => known.push(&other.to_string()),
            };
        }
        match expression {
            Expression::Join { on, values } => {
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        known.push(on);
                    }
                    self.add_known(value, known, depth);
                }
            }
            Expression::Get(Reference::Property { step, path }) if depth < DEEPEST => {
                match self.output_uri(step, path) {
                    Some(uri) => self.add_known(uri, known, depth + 1),
                    None => known.missing.push(expression.to_string()),
                }
            }
            _ => known.missing.push(expression.to_string()),
        }
    }

    /// What `Steps.<step>.ProcessingOutputConfig.Outputs['<name>'].S3Output.S3Uri` was given as.
    fn output_uri(&self, step: &str, path: &str) -> Option<&Expression> {
        let StepKind::Processing(arguments) = &self.find_step(step)?.step.kind else {
            return None;
        };
        let path = Path::parse(path).ok()?;
        let ["ProcessingOutputConfig", "Outputs", name, "S3Output", "S3Uri"] = path.names()[..]
        else {
            return None;
        };
        let output = arguments.outputs().iter().find(|output| output.output_name == name)?;
        output.s3_output.as_ref().map(|s3| &s3.s3_uri)
    }
}

//! What expressions come to once there are values.

use std::error::Error;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::condition::{Condition, Operator};
use crate::expression::Expression;
use crate::path::{Path, PathError};
use crate::place::shown;
use crate::reference::{ExecutionVariable, Reference};
use crate::walk::{Segment, is_expression, within};

/// Where values come from: whoever runs a definition.
pub trait Scope {
    /// A parameter's value.
    fn parameter(&self, name: &str) -> Option<Value>;

    /// What is known about the execution.
    fn execution(&self, variable: ExecutionVariable) -> String;

    /// A member of the Describe answer of a step that is done; [`Path::find`] finds it in the
    /// answer's JSON.
    fn property(&self, step: &str, path: &Path) -> Option<Value>;

    /// The JSON of a property file of a step that is done.
    fn property_file(&self, step: &str, name: &str) -> Result<Value, Box<dyn Error + Send + Sync>>;
}

/// Why an expression has no value.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// What is pointed at is not there.
    #[error("{reference} has no value")]
    Unknown {
        /// What points at it.
        reference: Reference,
    },
    /// A path that cannot be read.
    #[error("{reference}")]
    Path {
        /// What it is part of.
        reference: Reference,
        /// What is wrong with it.
        source: PathError,
    },
    /// A property file that cannot be read.
    #[error("{reference} cannot be read")]
    PropertyFile {
        /// The file.
        reference: Reference,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A property file without the member asked for.
    #[error("{reference} holds nothing at {path}")]
    Absent {
        /// The file.
        reference: Reference,
        /// The path that leads nowhere.
        path: String,
    },
    /// A list, an object or null where text is needed.
    #[error("{expression} is {found}; only strings, numbers and booleans can be joined")]
    NotText {
        /// What was to become text.
        expression: String,
        /// What it is.
        found: Value,
    },
    /// Two values that have no order, or no equality.
    #[error(
        "cannot compare {left} {} {right}: {left_value} is {} and {right_value} is {}",
        operator.sign(), kind(left_value), kind(right_value)
    )]
    Incomparable {
        /// The left expression, for people.
        left: String,
        /// What it came to.
        left_value: Value,
        /// How they were to be compared.
        operator: Operator,
        /// The right expression, for people.
        right: String,
        /// What it came to.
        right_value: Value,
    },
    /// An object that looks like an expression and is none.
    #[error("{problem}")]
    Malformed {
        /// What is wrong with it.
        problem: String,
    },
    /// Resolved arguments that no longer have the arguments' shape.
    #[error("the resolved arguments do not fit")]
    Shape(#[source] serde_path_to_error::Error<serde_json::Error>),
    /// Where in a document it happened.
    #[error("{place}")]
    At {
        /// Such as `AppSpecification.ContainerArguments[3]`.
        place: String,
        /// What happened.
        source: Box<EvaluationError>,
    },
}

impl Expression {
    /// The expression's value.
    pub fn resolve(&self, scope: &dyn Scope) -> Result<Value, EvaluationError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Get(reference) => look_up(reference, scope),
            Self::Join { on, values } => {
                let parts: Result<Vec<String>, _> =
                    values.iter().map(|value| text(value, scope)).collect();
                Ok(Value::String(parts?.join(on)))
            }
            Self::JsonGet { step, file, path } => {
                let reference = Reference::PropertyFile { step: step.clone(), name: file.clone() };
                let document = look_up(&reference, scope)?;
                let parsed = Path::parse(path).map_err(|source| EvaluationError::Path {
                    reference: reference.clone(),
                    source,
                })?;
                parsed
                    .find(&document)
                    .cloned()
                    .ok_or(EvaluationError::Absent { reference, path: path.clone() })
            }
        }
    }
}

fn look_up(reference: &Reference, scope: &dyn Scope) -> Result<Value, EvaluationError> {
    let value = match reference {
        Reference::Parameter(name) => scope.parameter(name),
        Reference::Execution(variable) => Some(Value::String(scope.execution(*variable))),
        Reference::Property { step, path } => {
            let path = Path::parse(path)
                .map_err(|source| EvaluationError::Path { reference: reference.clone(), source })?;
            scope.property(step, &path)
        }
        Reference::PropertyFile { step, name } => {
            Some(scope.property_file(step, name).map_err(|source| {
                EvaluationError::PropertyFile { reference: reference.clone(), source }
            })?)
        }
    };
    value.ok_or_else(|| EvaluationError::Unknown { reference: reference.clone() })
}

/// A value as a part of a Join: strings as they are, numbers and booleans as JSON writes them
/// (`200`, `0.85`, `1.0`, `true`).
fn text(expression: &Expression, scope: &dyn Scope) -> Result<String, EvaluationError> {
    match expression.resolve(scope)? {
        Value::String(text) => Ok(text),
        value @ (Value::Number(_) | Value::Bool(_)) => Ok(value.to_string()),
        found => Err(EvaluationError::NotText { expression: expression.to_string(), found }),
    }
}

/// Replaces every expression in a step's arguments by its value. `T` is one of the argument types
/// of this crate, or plain JSON.
pub fn resolve_all<T: Serialize + DeserializeOwned>(
    arguments: &T,
    scope: &dyn Scope,
) -> Result<T, EvaluationError> {
    let mut document = crate::walk::to_value(arguments);
    replace(&mut document, &mut String::new(), scope)?;
    serde_path_to_error::deserialize(document).map_err(EvaluationError::Shape)
}

fn replace(
    value: &mut Value,
    place: &mut String,
    scope: &dyn Scope,
) -> Result<(), EvaluationError> {
    match value {
        Value::Object(members) if is_expression(members) => {
            let resolved = Expression::deserialize_value(value)
                .map_err(|problem| EvaluationError::Malformed { problem })
                .and_then(|expression| expression.resolve(scope));
            *value = resolved.map_err(|source| match place.is_empty() {
                true => source,
                false => {
                    EvaluationError::At { place: shown(place.clone()), source: Box::new(source) }
                }
            })?;
            Ok(())
        }
        Value::Object(members) => members.iter_mut().try_for_each(|(name, member)| {
            within(place, Segment::Member(name), |place| replace(member, place, scope))
        }),
        Value::Array(entries) => entries.iter_mut().enumerate().try_for_each(|(index, entry)| {
            within(place, Segment::Entry(index), |place| replace(entry, place, scope))
        }),
        _ => Ok(()),
    }
}

/// What a list of conditions came to, and every comparison on the way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether all of them hold.
    pub met: bool,
    /// In the order written, those within Not and Or included.
    pub comparisons: Vec<Comparison>,
}

/// One comparison with the values it saw.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The left expression, for people.
    pub left: String,
    /// What it came to.
    pub left_value: Value,
    /// `=`, `>`, `>=`, `<`, `<=` or `in`.
    pub operator: &'static str,
    /// The right expression, for people.
    pub right: String,
    /// What it came to; for `in`, a list.
    pub right_value: Value,
    /// Whether this comparison holds, whatever a Not around it makes of it.
    pub holds: bool,
}

/// Works out a Condition step's list: all must hold. Every condition is worked out even when an
/// earlier one has decided, so that a report can show all of them.
pub fn evaluate_all(
    conditions: &[Condition],
    scope: &dyn Scope,
) -> Result<Verdict, EvaluationError> {
    let mut comparisons = Vec::new();
    let mut met = true;
    for condition in conditions {
        met &= evaluate(condition, scope, &mut comparisons)?;
    }
    Ok(Verdict { met, comparisons })
}

fn evaluate(
    condition: &Condition,
    scope: &dyn Scope,
    comparisons: &mut Vec<Comparison>,
) -> Result<bool, EvaluationError> {
    match condition {
        Condition::Compare { operator, left, right } => {
            let (left_value, right_value) = (left.resolve(scope)?, right.resolve(scope)?);
            let holds = compare(*operator, (left, &left_value), (right, &right_value))?;
            comparisons.push(Comparison {
                left: left.to_string(),
                left_value,
                operator: operator.sign(),
                right: right.to_string(),
                right_value,
                holds,
            });
            Ok(holds)
        }
        Condition::In { query, values } => {
            let left_value = query.resolve(scope)?;
            let mut holds = false;
            let mut right_values = Vec::new();
            for value in values {
                let resolved = value.resolve(scope)?;
                holds |= compare(Operator::Equals, (query, &left_value), (value, &resolved))?;
                right_values.push(resolved);
            }
            let names: Vec<String> = values.iter().map(ToString::to_string).collect();
            comparisons.push(Comparison {
                left: query.to_string(),
                left_value,
                operator: "in",
                right: format!("[{}]", names.join(", ")),
                right_value: Value::Array(right_values),
                holds,
            });
            Ok(holds)
        }
        Condition::Not(condition) => Ok(!evaluate(condition, scope, comparisons)?),
        Condition::And(conditions) => {
            let mut met = true;
            for condition in conditions {
                met &= evaluate(condition, scope, comparisons)?;
            }
            Ok(met)
        }
        Condition::Or(conditions) => {
            let mut met = false;
            for condition in conditions {
                met |= evaluate(condition, scope, comparisons)?;
            }
            Ok(met)
        }
    }
}

/// Numbers compare with numbers, text with text (by code point), truth with truth (equality
/// alone). Anything else is an error.
///
/// The text `"NaN"` is how SageMaker's reports write a metric without a value, and it is in no
/// order with any number or text, itself included, nor equal to any number, as IEEE 754 has it. A
/// gate over such a metric is then not met, and the execution ends as a failed gate with a report
/// rather than as a broken run; two of them do not pass a `>=` by being the same text. That
/// `"NaN"` equals `"NaN"` as text lets a condition ask for it.
fn compare(
    operator: Operator,
    (left, left_value): (&Expression, &Value),
    (right, right_value): (&Expression, &Value),
) -> Result<bool, EvaluationError> {
    let nan = |value: &Value| value.as_str() == Some("NaN");
    match (left_value, right_value) {
        (Value::Number(_), text) | (text, Value::Number(_)) if nan(text) => return Ok(false),
        (Value::String(_), Value::String(_))
            if operator != Operator::Equals && (nan(left_value) || nan(right_value)) =>
        {
            return Ok(false);
        }
        _ => {}
    }
    let ordering = match (left_value, right_value) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64().zip(b.as_f64()).and_then(|(a, b)| a.partial_cmp(&b)),
        },
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) if operator == Operator::Equals => Some(a.cmp(b)),
        _ => None,
    };
    let ordering = ordering.ok_or_else(|| EvaluationError::Incomparable {
        left: left.to_string(),
        left_value: left_value.clone(),
        operator,
        right: right.to_string(),
        right_value: right_value.clone(),
    })?;
    Ok(match operator {
        Operator::Equals => ordering.is_eq(),
        Operator::GreaterThan => ordering.is_gt(),
        Operator::GreaterThanOrEqualTo => ordering.is_ge(),
        Operator::LessThan => ordering.is_lt(),
        Operator::LessThanOrEqualTo => ordering.is_le(),
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

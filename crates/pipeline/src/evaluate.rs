//! Evaluation of expressions and conditions.

use std::cell::Cell;
use std::error::Error;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::condition::{Condition, Operator};
use crate::expression::Expression;
use crate::path::{Path, PathError};
use crate::place::{cut, shown};
use crate::reference::{ExecutionVariable, Reference};
use crate::walk::{PlaceSegment, is_expression, within};

/// The values that expressions refer to. Whoever runs a definition implements it.
pub trait Scope {
    /// Returns a parameter's value.
    fn parameter(&self, name: &str) -> Option<Value>;

    /// Returns the value of an execution variable.
    fn execution(&self, variable: ExecutionVariable) -> String;

    /// Returns a member of the Describe response of a finished step; [`Path::find`] finds it in the
    /// response's JSON.
    fn property(&self, step: &str, path: &Path) -> Option<Value>;

    /// Returns the JSON of a property file of a finished step.
    fn property_file(
        &self,
        step: &str,
        name: &str,
    ) -> Result<Arc<Value>, Box<dyn Error + Send + Sync>>;
}

/// The error of an expression that cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// The value referred to does not exist.
    #[error("{reference} has no value")]
    Unknown {
        /// The reference.
        reference: Reference,
    },
    /// A path is malformed.
    #[error("{reference}")]
    Path {
        /// The reference that contains the path.
        reference: Reference,
        /// The reason.
        source: PathError,
    },
    /// A property file cannot be read.
    #[error("{reference} cannot be read")]
    PropertyFile {
        /// The file.
        reference: Reference,
        /// The reason.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A property file does not have the requested member.
    #[error("{reference} holds nothing at {path}")]
    Absent {
        /// The file.
        reference: Reference,
        /// The path of the member.
        path: String,
    },
    /// The value is larger than any that the service takes.
    #[error(
        "{expression} comes to more than {LARGEST_VALUE} bytes, the longest text that SageMaker takes"
    )]
    TooLarge {
        /// The expression, cut to a readable length.
        expression: String,
    },
    /// The values of an execution have used up its [`Room`].
    #[error(
        "the values of the execution's expressions come to more than {LARGEST_EXECUTION} bytes together"
    )]
    NoRoom,
    /// A part of a Join is a list, an object or null.
    #[error("{expression} is {found}; only strings, numbers and booleans can be joined")]
    NotText {
        /// The part.
        expression: String,
        /// Its value.
        found: Value,
    },
    /// Two values cannot be compared with the operator.
    #[error(
        "cannot compare {left} {} {right}: {left_value} is {} and {right_value} is {}",
        operator.sign(), kind(left_value), kind(right_value)
    )]
    Incomparable {
        /// The left expression, for display.
        left: String,
        /// Its value.
        left_value: Value,
        /// The comparison operator.
        operator: Operator,
        /// The right expression, for display.
        right: String,
        /// Its value.
        right_value: Value,
    },
    /// An object has the member of an expression but is not one.
    #[error("{problem}")]
    Malformed {
        /// The reason.
        problem: String,
    },
    /// Arguments no longer have their shape after their expressions were resolved.
    #[error("the resolved arguments do not fit")]
    Shape(#[source] serde_path_to_error::Error<serde_json::Error>),
    /// An error at a place of a document.
    #[error("{place}")]
    At {
        /// The place, such as `AppSpecification.ContainerArguments[3]`.
        place: String,
        /// The error there.
        source: Box<EvaluationError>,
    },
}

/// The maximum size of an expression's value, in bytes of JSON. The longest text that a step's request
/// takes is the content of a model card.
const LARGEST_VALUE: usize = 100_000;
/// The maximum size of the values of an execution together. Where each of 26 steps joins the text of the
/// step before it with itself, the last one is of 67 million times the first one's length.
const LARGEST_EXECUTION: usize = 4 << 20;

/// What the values of an execution may still come to. There is one for the whole execution.
#[derive(Debug)]
pub struct Room(Cell<usize>);

impl Default for Room {
    fn default() -> Self {
        Self(Cell::new(LARGEST_EXECUTION))
    }
}

impl Room {
    /// Takes the room of a value.
    fn take(&self, value: &Value) -> Result<(), EvaluationError> {
        let left = self.0.get().checked_sub(size(value)).ok_or(EvaluationError::NoRoom)?;
        self.0.set(left);
        Ok(())
    }
}

/// Returns about as many bytes as a value has in JSON.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(entries) => 2 + entries.iter().map(size).sum::<usize>(),
        Value::Object(members) => {
            2 + members.iter().map(|(name, value)| name.len() + 4 + size(value)).sum::<usize>()
        }
    }
}

impl Expression {
    /// Evaluates the expression.
    ///
    /// Fails if it refers to something that does not exist or cannot be read, joins a value
    /// that is no string, number or boolean, or comes to more than 100,000 bytes.
    pub fn resolve(&self, scope: &dyn Scope) -> Result<Value, EvaluationError> {
        let value = match self {
            Self::Literal(value) => return Ok(value.clone()),
            Self::Get(reference) => look_up(reference, scope)?,
            Self::Join { on, values } => return self.joined(on, values, scope),
            Self::JsonGet { step, file, path } => {
                let reference = Reference::PropertyFile { step: step.clone(), name: file.clone() };
                let document = property_file(step, file, scope)?;
                let parsed = Path::parse(path).map_err(|source| EvaluationError::Path {
                    reference: reference.clone(),
                    source,
                })?;
                parsed
                    .find(&document)
                    .cloned()
                    .ok_or(EvaluationError::Absent { reference, path: path.clone() })?
            }
        };
        if size(&value) > LARGEST_VALUE { Err(self.too_large()) } else { Ok(value) }
    }

    /// Joins values as text, and stops where that becomes too large.
    fn joined(
        &self,
        on: &str,
        values: &[Self],
        scope: &dyn Scope,
    ) -> Result<Value, EvaluationError> {
        let mut joined = String::new();
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                joined.push_str(on);
            }
            joined.push_str(&text(value, scope)?);
            if joined.len() > LARGEST_VALUE {
                return Err(self.too_large());
            }
        }
        Ok(Value::String(joined))
    }

    fn too_large(&self) -> EvaluationError {
        EvaluationError::TooLarge { expression: cut(self.to_string(), 80, 20) }
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
            Some(Arc::unwrap_or_clone(property_file(step, name, scope)?))
        }
    };
    value.ok_or_else(|| EvaluationError::Unknown { reference: reference.clone() })
}

fn property_file(step: &str, name: &str, scope: &dyn Scope) -> Result<Arc<Value>, EvaluationError> {
    scope.property_file(step, name).map_err(|source| {
        let reference = Reference::PropertyFile { step: step.to_owned(), name: name.to_owned() };
        EvaluationError::PropertyFile { reference, source }
    })
}

/// Evaluates a part of a Join as text: strings as they are, numbers and booleans as JSON writes them
/// (`200`, `0.85`, `1.0`, `true`).
fn text(expression: &Expression, scope: &dyn Scope) -> Result<String, EvaluationError> {
    match expression.resolve(scope)? {
        Value::String(text) => Ok(text),
        value @ (Value::Number(_) | Value::Bool(_)) => Ok(value.to_string()),
        found => Err(EvaluationError::NotText { expression: expression.to_string(), found }),
    }
}

/// Returns a step's arguments with every expression replaced by its value. `T` is one of the
/// argument types of this crate, or plain JSON.
///
/// Fails if an expression cannot be evaluated, if its value has the wrong type for its place, or if
/// `room` is used up.
pub fn resolve_all<T: Serialize + DeserializeOwned>(
    arguments: &T,
    scope: &dyn Scope,
    room: &Room,
) -> Result<T, EvaluationError> {
    let mut document = crate::walk::to_value(arguments);
    replace(&mut document, &mut String::new(), scope, room)?;
    serde_path_to_error::deserialize(document).map_err(EvaluationError::Shape)
}

fn replace(
    value: &mut Value,
    place: &mut String,
    scope: &dyn Scope,
    room: &Room,
) -> Result<(), EvaluationError> {
    match value {
        Value::Object(members) if is_expression(members) => {
            let resolved = Expression::deserialize_value(value)
                .map_err(|problem| EvaluationError::Malformed { problem })
                .and_then(|expression| resolve_in(&expression, scope, room));
            *value = resolved.map_err(|source| {
                if place.is_empty() {
                    source
                } else {
                    EvaluationError::At { place: shown(place.clone()), source: Box::new(source) }
                }
            })?;
            Ok(())
        }
        Value::Object(members) => members.iter_mut().try_for_each(|(name, member)| {
            within(place, PlaceSegment::Member(name), |place| replace(member, place, scope, room))
        }),
        Value::Array(entries) => entries.iter_mut().enumerate().try_for_each(|(index, entry)| {
            within(place, PlaceSegment::Entry(index), |place| replace(entry, place, scope, room))
        }),
        _ => Ok(()),
    }
}

/// Evaluates an expression and takes its value's room.
fn resolve_in(
    expression: &Expression,
    scope: &dyn Scope,
    room: &Room,
) -> Result<Value, EvaluationError> {
    let value = expression.resolve(scope)?;
    room.take(&value)?;
    Ok(value)
}

/// The result of a list of conditions, with all of its comparisons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Whether all conditions hold.
    pub met: bool,
    /// The comparisons in the order written, including those inside Not, And and Or.
    pub comparisons: Vec<Comparison>,
}

/// One comparison with the values compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The left expression, for display.
    pub left: String,
    /// The value of the left expression.
    pub left_value: Value,
    /// `=`, `>`, `>=`, `<`, `<=` or `in`.
    pub operator: &'static str,
    /// The right expression, for display.
    pub right: String,
    /// The value of the right expression; a list for `in`.
    pub right_value: Value,
    /// Whether this comparison holds, before a Not around it is applied.
    pub holds: bool,
}

/// Evaluates a Condition step's list, of which all must hold. Every condition is evaluated even if
/// an earlier one has decided the result, so that a report can show all of them.
///
/// Fails if an expression cannot be evaluated, two values cannot be compared, or `room` is used up.
pub fn evaluate_all(
    conditions: &[Condition],
    scope: &dyn Scope,
    room: &Room,
) -> Result<Verdict, EvaluationError> {
    let mut comparisons = Vec::new();
    let mut met = true;
    for condition in conditions {
        met &= evaluate(condition, scope, room, &mut comparisons)?;
    }
    Ok(Verdict { met, comparisons })
}

fn evaluate(
    condition: &Condition,
    scope: &dyn Scope,
    room: &Room,
    comparisons: &mut Vec<Comparison>,
) -> Result<bool, EvaluationError> {
    match condition {
        Condition::Compare { operator, left, right } => {
            let left_value = resolve_in(left, scope, room)?;
            let right_value = resolve_in(right, scope, room)?;
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
            let left_value = resolve_in(query, scope, room)?;
            let mut holds = false;
            let mut right_values = Vec::new();
            for value in values {
                let resolved = resolve_in(value, scope, room)?;
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
        Condition::Not(condition) => Ok(!evaluate(condition, scope, room, comparisons)?),
        Condition::And(conditions) => {
            let mut met = true;
            for condition in conditions {
                met &= evaluate(condition, scope, room, comparisons)?;
            }
            Ok(met)
        }
        Condition::Or(conditions) => {
            let mut met = false;
            for condition in conditions {
                met |= evaluate(condition, scope, room, comparisons)?;
            }
            Ok(met)
        }
    }
}

/// Compares numbers with numbers, strings with strings (by code point) and booleans with booleans
/// (for equality only). Any other pair is an error.
///
/// SageMaker's reports write a metric without a value as the string `"NaN"`. As in IEEE 754, every
/// order comparison of it is false, with itself too, and it equals no number. A gate on such a
/// metric is therefore not met, and the execution ends as a failed gate with a report rather than
/// with an error. The strings `"NaN"` and `"NaN"` are equal, so that a condition can test for it.
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

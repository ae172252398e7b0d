//! Search for expressions in a step's JSON, whatever its shape.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::expression::{Expression, GET, JOIN, JSON_GET};
use crate::step::{Step, StepKind};

/// Whether this object has the form of an expression.
pub(crate) fn is_expression(members: &Map<String, Value>) -> bool {
    members.len() == 1 && [GET, JOIN, JSON_GET].iter().any(|name| members.contains_key(*name))
}

/// The place of an expression in a step's JSON, such as
/// `Arguments.AppSpecification.ContainerArguments[3]`, and the expression, or the reason why an
/// object with an expression's member is not one.
pub(crate) type PlacedExpression = (String, Result<Expression, String>);

/// Returns every expression of `step`, without those of the steps in its branches.
pub(crate) fn expressions(step: &Step) -> Vec<PlacedExpression> {
    expressions_in(&own_value(step))
}

/// Returns every expression of a step's [`own_value`].
pub(crate) fn expressions_in(document: &Value) -> Vec<PlacedExpression> {
    let mut found = Vec::new();
    let mut place = String::new();
    collect(document, &mut place, &mut found);
    found
}

/// Returns the step's JSON without the steps in its branches.
pub(crate) fn own_value(step: &Step) -> Value {
    match &step.kind {
        StepKind::Condition(arguments) => {
            json!({"Arguments": {"Conditions": to_value(&arguments.conditions)}})
        }
        _ => to_value(step),
    }
}

/// Returns the value as JSON. This cannot fail for the types of this crate, since every key is a
/// string and every number finite; null stands for the error that cannot occur.
pub(crate) fn to_value<T: Serialize + ?Sized>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn collect(value: &Value, place: &mut String, found: &mut Vec<PlacedExpression>) {
    match value {
        Value::Object(members) if is_expression(members) => {
            let expression = Expression::deserialize_value(value);
            found.push((place.clone(), expression));
        }
        Value::Object(members) => {
            for (name, member) in members {
                within(place, PlaceSegment::Member(name), |place| collect(member, place, found));
            }
        }
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                within(place, PlaceSegment::Entry(index), |place| collect(entry, place, found));
            }
        }
        _ => {}
    }
}

/// One segment of a place in a document.
pub(crate) enum PlaceSegment<'a> {
    Member(&'a str),
    /// A member whose name could be read as more than one segment.
    Quoted(&'a str),
    Entry(usize),
}

/// Calls `work` with `place` extended by one segment.
pub(crate) fn within<T>(
    place: &mut String,
    segment: PlaceSegment<'_>,
    work: impl FnOnce(&mut String) -> T,
) -> T {
    let length = place.len();
    match segment {
        PlaceSegment::Member(name) if length == 0 => place.push_str(name),
        PlaceSegment::Member(name) => {
            place.push('.');
            place.push_str(name);
        }
        // Writing into a String cannot fail.
        PlaceSegment::Quoted(name) => {
            let _ = write!(place, "['{name}']");
        }
        PlaceSegment::Entry(index) => {
            let _ = write!(place, "[{index}]");
        }
    }
    let result = work(place);
    place.truncate(length);
    result
}

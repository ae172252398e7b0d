//! Finding the expressions in a step's JSON, whatever its shape.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::expression::{Expression, GET, JOIN, JSON_GET};
use crate::step::{Step, StepKind};

/// Whether this object stands for a value to be worked out.
pub(crate) fn is_expression(members: &Map<String, Value>) -> bool {
    members.len() == 1 && [GET, JOIN, JSON_GET].iter().any(|name| members.contains_key(*name))
}

/// An expression in a step's JSON and where it stands, such as
/// `Arguments.AppSpecification.ContainerArguments[3]`. An object that has an expression's member
/// but is none gives the reason.
pub(crate) type Found = (String, Result<Expression, String>);

/// Every expression of `step`, without those of the steps in its branches.
pub(crate) fn expressions(step: &Step) -> Vec<Found> {
    expressions_in(&own_value(step))
}

/// Every expression of a step's [`own_value`].
pub(crate) fn expressions_in(document: &Value) -> Vec<Found> {
    let mut found = Vec::new();
    let mut place = String::new();
    collect(document, &mut place, &mut found);
    found
}

/// The step's JSON without the steps in its branches.
pub(crate) fn own_value(step: &Step) -> Value {
    match &step.kind {
        StepKind::Condition(arguments) => {
            json!({"Arguments": {"Conditions": to_value(&arguments.conditions)}})
        }
        _ => to_value(step),
    }
}

/// The value as JSON. Cannot fail for the types of this crate: every key is a string and every
/// number finite, so what serde reports is no more than null.
pub(crate) fn to_value<T: Serialize + ?Sized>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn collect(value: &Value, place: &mut String, found: &mut Vec<Found>) {
    match value {
        Value::Object(members) if is_expression(members) => {
            let expression = Expression::deserialize_value(value);
            found.push((place.clone(), expression));
        }
        Value::Object(members) => {
            for (name, member) in members {
                within(place, Segment::Member(name), |place| collect(member, place, found));
            }
        }
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                within(place, Segment::Entry(index), |place| collect(entry, place, found));
            }
        }
        _ => {}
    }
}

/// One step down into a document.
pub(crate) enum Segment<'a> {
    Member(&'a str),
    /// A member whose name would read as more than one segment.
    Quoted(&'a str),
    Entry(usize),
}

/// Runs `work` with `place` extended by one segment.
pub(crate) fn within<T>(
    place: &mut String,
    segment: Segment<'_>,
    work: impl FnOnce(&mut String) -> T,
) -> T {
    let length = place.len();
    match segment {
        Segment::Member(name) if length == 0 => place.push_str(name),
        Segment::Member(name) => {
            place.push('.');
            place.push_str(name);
        }
        // Writing into a String cannot fail.
        Segment::Quoted(name) => {
            let _ = write!(place, "['{name}']");
        }
        Segment::Entry(index) => {
            let _ = write!(place, "[{index}]");
        }
    }
    let result = work(place);
    place.truncate(length);
    result
}

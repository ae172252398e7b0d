//! What tells one definition from another, as people would say it.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Expression;
use crate::expression::{GET, JOIN, JSON_GET};

/// The members that name an object among others of its list.
const NAMES: [&str; 6] =
    ["Name", "InputName", "OutputName", "ChannelName", "PropertyFileName", "Key"];
/// The most that is shown of a value, in characters.
const SHOWN: usize = 120;

/// One thing that is different.
///
/// [`Display`](fmt::Display) is a line for people: `~ Parameters.MaxDepth.DefaultValue: 10 -> 12`.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Where, such as `Steps.Train.Arguments.ResourceConfig.VolumeSizeInGB`.
    pub place: String,
    /// What was there; none where it is new.
    pub before: Option<Value>,
    /// What is there; none where it is gone.
    pub after: Option<Value>,
}

/// What is different in `after`, two definitions as JSON. Whoever wrote them, and in whatever order:
/// the members of an object have none, and the members of a list go by their names if all have one.
/// A member that is missing, null or empty is the same thing.
pub fn difference(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", before, after, &mut changes);
    changes
}

fn compare(place: &str, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    match (before, after) {
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        _ if is_nothing(before) && is_nothing(after) || before == after => {}
        _ if is_nothing(before) || is_nothing(after) => changes.push(change(place, before, after)),
        (Value::Object(a), Value::Object(b)) if !is_expression(a) && !is_expression(b) => {
            let names = a.keys().chain(b.keys().filter(|name| !a.contains_key(*name)));
            for name in names {
                let (a, b) = (&a.get(name), &b.get(name));
                compare(
                    &inside(place, name),
                    a.unwrap_or(&Value::Null),
                    b.unwrap_or(&Value::Null),
                    changes,
                );
            }
        }
        (Value::Array(a), Value::Array(b)) => match (by_name(a), by_name(b)) {
            (Some(a), Some(b)) => {
                compare(place, &Value::Object(a), &Value::Object(b), changes);
            }
            _ => in_order(place, a, b, changes),
        },
        _ => changes.push(change(place, before, after)),
    }
}

/// Lists whose order counts: what is the same at both ends stays, the rest is compared one by one.
fn in_order(place: &str, before: &[Value], after: &[Value], changes: &mut Vec<Change>) {
    let alike = |(a, b): &(&Value, &Value)| difference(a, b).is_empty();
    let start = before.iter().zip(after).take_while(alike).count();
    let (before, after) = (&before[start..], &after[start..]);
    let end = before.iter().rev().zip(after.iter().rev()).take_while(alike).count();
    let (before, after) = (&before[..before.len() - end], &after[..after.len() - end]);
    for index in 0..before.len().max(after.len()) {
        let at = |list: &[Value]| list.get(index).cloned().unwrap_or_default();
        compare(&format!("{place}[{}]", start + index), &at(before), &at(after), changes);
    }
}

fn change(place: &str, before: &Value, after: &Value) -> Change {
    let something = |value: &Value| (!is_nothing(value)).then(|| value.clone());
    let place = if place.is_empty() { "definition" } else { place };
    Change { place: place.to_owned(), before: something(before), after: something(after) }
}

fn inside(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn is_expression(members: &Map<String, Value>) -> bool {
    members.len() == 1 && [GET, JOIN, JSON_GET].iter().any(|word| members.contains_key(*word))
}

/// The members of a list by name, if each has one of its own.
fn by_name(list: &[Value]) -> Option<Map<String, Value>> {
    let name = |member: &Value| {
        let named = NAMES.iter().find_map(|name| member.get(name)?.as_str());
        named.map(str::to_owned)
    };
    let names: Vec<String> = list.iter().map(name).collect::<Option<_>>()?;
    let distinct: BTreeSet<&String> = names.iter().collect();
    (distinct.len() == names.len()).then(|| names.into_iter().zip(list.iter().cloned()).collect())
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = &self.place;
        match (&self.before, &self.after) {
            (None, None) => write!(f, "  {place}"),
            (None, Some(after)) => write!(f, "+ {place}: {}", shown(after)),
            (Some(before), None) => write!(f, "- {place}: {}", shown(before)),
            (Some(before), Some(after)) => {
                write!(f, "~ {place}: {} -> {}", shown(before), shown(after))
            }
        }
    }
}

/// A value in one line.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Object(members) if is_expression(members) => Expression::deserialize(value)
            .map_or_else(|_| value.to_string(), |expression| expression.to_string()),
        // a whole step would be hundreds of lines
        Value::Object(members) => match members.get("Type").and_then(Value::as_str) {
            Some(kind) if members.contains_key("Arguments") => format!("a {kind} step"),
            _ => value.to_string(),
        },
        other => other.to_string(),
    };
    let length = text.chars().count();
    if length <= SHOWN {
        return text;
    }
    let head: String = text.chars().take(SHOWN / 2).collect();
    let tail: String = text.chars().skip(length - SHOWN / 2 + 5).collect();
    format!("{head} ... {tail}")
}

//! The differences between two definitions.
//!
//! Definitions are compared as plain JSON, since one of them may have been deployed by another tool.

use std::fmt;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::brief::{brief, cut_value, write_text};
use crate::place::shown;
use crate::walk::{PlaceSegment, is_expression, within};

/// One difference between two definitions.
///
/// [`Display`](fmt::Display) writes a line: `Parameters.MaxDepth.DefaultValue: 10 -> 12`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The place of the part that was added or removed, or else of the smallest part that differs,
    /// such as `Parameters.MaxDepth.DefaultValue` or `Steps.QualityGate.IfSteps.Register`.
    pub place: String,
    /// The value before the change; none if the part was added.
    pub before: Option<Value>,
    /// The value after the change; none if the part was removed.
    pub after: Option<Value>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, before, after } = self;
        match (before, after) {
            (Some(before), Some(after)) => {
                let (before, after) = distinct_lines(before, after);
                write!(f, "{place}: {before} -> {after}")
            }
            (Some(before), None) => write!(f, "{place}: removed {}", brief(before)),
            (None, Some(after)) => write!(f, "{place}: added {}", brief(after)),
            (None, None) => f.write_str(place),
        }
    }
}

/// Returns both values as one line each. Values with equal summaries, such as a number and its
/// digits as text or two long texts, are shown as JSON from shortly before the first difference.
fn distinct_lines(before: &Value, after: &Value) -> (String, String) {
    const LEAD: usize = 20;
    let texts = (brief(before), brief(after));
    if texts.0 != texts.1 {
        return texts;
    }
    let (before, after) = (before.to_string(), after.to_string());
    let alike = before.bytes().zip(after.bytes()).take_while(|(b, a)| b == a).count();
    let from = |text: String| match text.floor_char_boundary(alike.saturating_sub(LEAD)) {
        0 => cut_value(text),
        start => cut_value(format!("…{}", &text[start..])),
    };
    (from(before), from(after))
}

/// Returns the differences between two definitions, in the order of `before`.
///
/// Definitions with the same meaning are equal: the order of members does not count, nor does the
/// order of lists whose entries have names (steps, parameters, inputs, tags). Absent, null and
/// empty values are equal, and so are 1 and 1.0. An expression changes as a whole.
pub fn difference(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(Some(before), Some(after), &mut String::new(), &mut changes);
    changes
}

fn compare(
    before: Option<&Value>,
    after: Option<&Value>,
    place: &mut String,
    changes: &mut Vec<Change>,
) {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after)))
            if !is_expression(before) && !is_expression(after) =>
        {
            return compare_members(before, after, place, changes);
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            return compare_entries(before, after, place, changes);
        }
        _ => {}
    }
    let (before, after) = (before.filter(is_present), after.filter(is_present));
    match (before, after) {
        // Named entries of a list that was added or removed are reported one by one.
        (Some(Value::Array(list)), None) if named(list, &[]).is_some() => {
            compare_entries(list, &[], place, changes);
        }
        (None, Some(Value::Array(list))) if named(&[], list).is_some() => {
            compare_entries(&[], list, place, changes);
        }
        _ if same(before, after) => {}
        _ => {
            let mut line = String::new();
            write_text(if place.is_empty() { "definition" } else { place }, &mut line);
            let (before, after) = (before.cloned(), after.cloned());
            changes.push(Change { place: shown(line), before, after });
        }
    }
}

fn compare_members(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    place: &mut String,
    changes: &mut Vec<Change>,
) {
    const ARGUMENTS: &str = ".Arguments";
    for name in union(before, after) {
        // The graph and the lint leave `Arguments` out: `Steps.Gate.IfSteps.Register`.
        let branch = matches!(name, "IfSteps" | "ElseSteps") && place.ends_with(ARGUMENTS);
        if branch {
            place.truncate(place.len() - ARGUMENTS.len());
        }
        within(place, segment(name), |place| {
            compare(before.get(name), after.get(name), place, changes);
        });
        if branch {
            place.push_str(ARGUMENTS);
        }
    }
}

fn compare_entries(
    before: &[Value],
    after: &[Value],
    place: &mut String,
    changes: &mut Vec<Change>,
) {
    let Some((before, after)) = named(before, after) else {
        return compare_in_order(before, after, place, changes);
    };
    for name in before.keys().chain(after.keys().filter(|name| !before.contains_key(*name))) {
        within(place, segment(name), |place| {
            compare(before.get(name).copied(), after.get(name).copied(), place, changes);
        });
    }
}

/// Compares lists without names. Equal entries at both ends are skipped, so that an argument that
/// was inserted or removed is one change.
fn compare_in_order(
    before: &[Value],
    after: &[Value],
    place: &mut String,
    changes: &mut Vec<Change>,
) {
    let equal = |(before, after): &(&Value, &Value)| same(Some(before), Some(after));
    let start = before.iter().zip(after).take_while(equal).count();
    let (before, after) = (&before[start..], &after[start..]);
    let end = before.iter().rev().zip(after.iter().rev()).take_while(equal).count();
    let (before, after) = (&before[..before.len() - end], &after[..after.len() - end]);
    for index in 0..before.len().max(after.len()) {
        within(place, PlaceSegment::Entry(start + index), |place| {
            compare(before.get(index), after.get(index), place, changes);
        });
    }
}

/// Entries by name.
type Named<'a> = IndexMap<&'a str, &'a Value>;

/// Returns both lists by the names of their entries, if all entries have the same naming member
/// and the names are unique.
fn named<'a>(before: &'a [Value], after: &'a [Value]) -> Option<(Named<'a>, Named<'a>)> {
    // A property file also has an `OutputName`, which does not identify it.
    const NAMES: [&str; 7] =
        ["Name", "PropertyFileName", "InputName", "OutputName", "ChannelName", "Key", "Id"];
    let first = before.first().or(after.first())?.as_object()?;
    let others = first.keys().map(String::as_str).filter(|member| member.ends_with("Name"));
    NAMES.into_iter().chain(others).find_map(|member| {
        let by_name = |list: &'a [Value]| {
            let names = list.iter().map(|entry| Some((entry.get(member)?.as_str()?, entry)));
            names.collect::<Option<Named<'_>>>().filter(|names| names.len() == list.len())
        };
        Some((by_name(before)?, by_name(after)?))
    })
}

/// Returns the names of the members of either object.
fn union<'a>(
    before: &'a Map<String, Value>,
    after: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a str> {
    let added = after.keys().filter(|name| !before.contains_key(*name));
    before.keys().chain(added).map(String::as_str)
}

fn segment(name: &str) -> PlaceSegment<'_> {
    if name.is_empty() || name.contains(['.', '[', ']', '\'', '"']) {
        PlaceSegment::Quoted(name)
    } else {
        PlaceSegment::Member(name)
    }
}

/// Whether a value is neither null nor empty.
fn is_present(value: &&Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(entries) => !entries.is_empty(),
        Value::Object(members) => members.values().any(|member| is_present(&member)),
        _ => true,
    }
}

fn same(before: Option<&Value>, after: Option<&Value>) -> bool {
    match (before.filter(is_present), after.filter(is_present)) {
        (Some(Value::Number(before)), Some(Value::Number(after))) => same_number(before, after),
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            let mut pairs = before.iter().zip(after);
            before.len() == after.len() && pairs.all(|(b, a)| same(Some(b), Some(a)))
        }
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            union(before, after).all(|name| same(before.get(name), after.get(name)))
        }
        (before, after) => before == after,
    }
}

fn same_number(before: &Number, after: &Number) -> bool {
    // Large integers lose digits as floats, so two integers are compared as integers.
    before == after || (before.is_f64() != after.is_f64() && before.as_f64() == after.as_f64())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(before: &Value, after: &Value) -> String {
        difference(before, after).iter().map(|change| format!("{change}\n")).collect()
    }

    fn definition(size: Value, steps: Value) -> Value {
        json!({
            "Parameters": [{"Name": "Size", "Type": "Integer", "DefaultValue": size}],
            "Steps": steps,
        })
    }

    fn processing(name: &str, arguments: &[&str]) -> Value {
        json!({"Name": name, "Type": "Processing", "Arguments": {
            "AppSpecification": {"ImageUri": "image:1", "ContainerArguments": arguments},
            "Environment": {},
        }})
    }

    fn gate(steps: &[Value]) -> Value {
        json!({"Name": "Gate", "Type": "Condition", "Arguments": {
            "Conditions": [{"Type": "Equals", "LeftValue": {"Get": "Parameters.Size"}, "RightValue": 1}],
            "IfSteps": steps,
        }})
    }

    #[test]
    fn each_change_names_its_place() {
        let before = definition(
            json!(10),
            json!([
                processing("Clean", &["--size", "3", "--seed", "1"]),
                gate(&[]),
                processing("Old", &[])
            ]),
        );
        let mut gate = gate(&[processing("Register", &["--all"])]);
        gate["Arguments"]["Conditions"][0]["LeftValue"]["Get"] = json!("Parameters.Other");
        let mut clean = processing("Clean", &["--size", "3", "--seed", "2"]);
        clean["Arguments"]["Environment"] = json!({"RUST.LOG": "info"});
        let after = definition(json!(12), json!([gate, clean]));
        insta::assert_snapshot!(lines(&before, &after), @"
        Parameters.Size.DefaultValue: 10 -> 12
        Steps.Clean.Arguments.AppSpecification.ContainerArguments[3]: 1 -> 2
        Steps.Clean.Arguments.Environment['RUST.LOG']: added info
        Steps.Gate.Arguments.Conditions[0].LeftValue: Parameters.Size -> Parameters.Other
        Steps.Gate.IfSteps.Register: added {Arguments: {AppSpecification: {ContainerArguments: [--all], ImageUri: image:1},…: {}}, Name: Register, Type: Processing}
        Steps.Old: removed {Arguments: {AppSpecification: {ContainerArguments: [], ImageUri: image:1}, Envi…nment: {}}, Name: Old, Type: Processing}
        ");
    }

    #[test]
    fn an_inserted_or_removed_argument_is_one_change() {
        let at = |arguments: &[&str]| processing("Clean", arguments);
        insta::assert_snapshot!(lines(&at(&["a", "b", "c"]), &at(&["a", "x", "b", "c"])), @"Arguments.AppSpecification.ContainerArguments[1]: added x");
        insta::assert_snapshot!(lines(&at(&["a", "b", "b"]), &at(&["a", "b"])), @"Arguments.AppSpecification.ContainerArguments[2]: removed b");
        insta::assert_snapshot!(lines(&at(&["a", "b"]), &at(&["b", "a"])), @"
        Arguments.AppSpecification.ContainerArguments[0]: a -> b
        Arguments.AppSpecification.ContainerArguments[1]: b -> a
        ");
        insta::assert_snapshot!(lines(&at(&[]), &at(&["a", "b"])), @"
        Arguments.AppSpecification.ContainerArguments[0]: added a
        Arguments.AppSpecification.ContainerArguments[1]: added b
        ");
    }

    #[test]
    fn values_of_the_same_meaning_are_equal() {
        for (before, after) in [
            (json!({"Tags": []}), json!({})),
            (json!({"VpcConfig": null}), json!({"VpcConfig": {"Subnets": []}})),
            (json!({"Size": 30}), json!({"Size": 30.0})),
            (
                json!({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}),
                json!({"Tags": [{"Value": "2", "Key": "b"}, {"Value": "1", "Key": "a"}]}),
            ),
            (
                json!({"Url": {"Std:Join": {"On": "", "Values": ["a", 1]}}}),
                json!({"Url": {"Std:Join": {"Values": ["a", 1.0], "On": ""}}}),
            ),
        ] {
            assert_eq!(difference(&before, &after), [], "{before} {after}");
        }
    }

    #[test]
    fn values_of_another_meaning_differ() {
        insta::assert_snapshot!(lines(&json!({"Size": 30}), &json!({"Size": "30"})), @r#"Size: 30 -> "30""#);
        insta::assert_snapshot!(lines(&json!({"N": 9_007_199_254_740_993_u64}), &json!({"N": 9_007_199_254_740_992_u64})), @"N: 9007199254740993 -> 9007199254740992");
        insta::assert_snapshot!(lines(&json!({"Text": ""}), &json!({})), @r#"Text: removed """#);
        let script =
            |end: &str| json!({"Script": format!("{}{end}{}", "x".repeat(90), "y".repeat(90))});
        insta::assert_snapshot!(lines(&script("one"), &script("two")), @r#"Script: …xxxxxxxxxxxxxxxxxxxxoneyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy" -> …xxxxxxxxxxxxxxxxxxxxtwoyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy""#);
        insta::assert_snapshot!(lines(&json!({"Url": "a"}), &json!({"Url": {"Get": "Parameters.Url"}})), @"Url: a -> Parameters.Url");
        insta::assert_snapshot!(lines(&json!({"a\nb": 1}), &json!({"a\nb": "\u{1b}[2J"})), @r"a\nb: 1 -> \u{1b}[2J");
        insta::assert_snapshot!(lines(&json!([1]), &json!("no definition")), @"definition: [1] -> no definition");
    }

    #[test]
    fn entries_without_unique_names_are_compared_in_order() {
        let twice = json!({"Tags": [{"Key": "a", "Value": 1}, {"Key": "a", "Value": 2}]});
        let turned = json!({"Tags": [{"Key": "a", "Value": 2}, {"Key": "a", "Value": 1}]});
        insta::assert_snapshot!(lines(&twice, &turned), @"
        Tags[0].Value: 1 -> 2
        Tags[1].Value: 2 -> 1
        ");
        insta::assert_snapshot!(lines(&json!({"Steps": [{"Name": 3}]}), &json!({"Steps": [{"Name": "3"}]})), @r#"Steps[0].Name: 3 -> "3""#);
    }
}

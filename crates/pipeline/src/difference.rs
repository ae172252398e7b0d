//! What is different between two definitions.
//!
//! They are taken as plain JSON: one of them may have been deployed by another tool.

use std::fmt;

use indexmap::IndexMap;
use serde_json::{Map, Number, Value};

use crate::brief::{brief, cut_value, write_text};
use crate::place::shown;
use crate::walk::{Segment, is_expression, within};

/// One difference between two definitions.
///
/// [`Display`](fmt::Display) is for people: `Parameters.MaxDepth.DefaultValue: 10 -> 12`.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// `Parameters.MaxDepth.DefaultValue`, `Steps.QualityGate.IfSteps.Register`; what was added or
    /// removed as a whole, else the smallest part that differs.
    pub place: String,
    /// What stood there.
    pub before: Option<Value>,
    /// What stands there now.
    pub after: Option<Value>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, before, after } = self;
        match (before, after) {
            (Some(before), Some(after)) => {
                let (before, after) = told_apart(before, after);
                write!(f, "{place}: {before} -> {after}")
            }
            (Some(before), None) => write!(f, "{place}: removed {}", brief(before)),
            (None, Some(after)) => write!(f, "{place}: added {}", brief(after)),
            (None, None) => f.write_str(place),
        }
    }
}

/// Both in one line. Two that read the same, a number and its digits or two long texts, are shown
/// as JSON from a little before where they part.
fn told_apart(before: &Value, after: &Value) -> (String, String) {
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

/// What is different between two definitions, in the order of `before`.
///
/// It is the meaning that counts. The order of members is none of it, nor that of a list whose
/// entries have names: of steps, parameters, inputs, tags. What is absent, null or empty is the
/// same, and so are 1 and 1.0. An expression changes as a whole.
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
    let (before, after) = (before.filter(is_something), after.filter(is_something));
    match (before, after) {
        // Steps that come or go with their list are told one by one.
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
        // As the graph and the lint say it: `Steps.Gate.IfSteps.Register`.
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

/// Where nothing has a name, what is alike at both ends stays out of it: an argument that was put
/// in or taken out is one change.
fn compare_in_order(
    before: &[Value],
    after: &[Value],
    place: &mut String,
    changes: &mut Vec<Change>,
) {
    let alike = |(before, after): &(&Value, &Value)| same(Some(before), Some(after));
    let start = before.iter().zip(after).take_while(alike).count();
    let (before, after) = (&before[start..], &after[start..]);
    let end = before.iter().rev().zip(after.iter().rev()).take_while(alike).count();
    let (before, after) = (&before[..before.len() - end], &after[..after.len() - end]);
    for index in 0..before.len().max(after.len()) {
        within(place, Segment::Entry(start + index), |place| {
            compare(before.get(index), after.get(index), place, changes);
        });
    }
}

type Named<'a> = IndexMap<&'a str, &'a Value>;

/// Both lists by the names of their entries, where all have one, each another, in the same member.
fn named<'a>(before: &'a [Value], after: &'a [Value]) -> Option<(Named<'a>, Named<'a>)> {
    // A property file has the name of an output as well.
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

/// The names of the members of both.
fn union<'a>(
    before: &'a Map<String, Value>,
    after: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a str> {
    let added = after.keys().filter(|name| !before.contains_key(*name));
    before.keys().chain(added).map(String::as_str)
}

fn segment(name: &str) -> Segment<'_> {
    match name.is_empty() || name.contains(['.', '[', ']', '\'', '"']) {
        true => Segment::Quoted(name),
        false => Segment::Member(name),
    }
}

/// Neither null nor empty.
fn is_something(value: &&Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(entries) => !entries.is_empty(),
        Value::Object(members) => members.values().any(|member| is_something(&member)),
        _ => true,
    }
}

fn same(before: Option<&Value>, after: Option<&Value>) -> bool {
    match (before.filter(is_something), after.filter(is_something)) {
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
    // Large integers lose digits as floats, and are compared as they are.
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
    fn each_change_is_told_where_it_is() {
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
    fn an_argument_put_in_or_taken_out_is_one_change() {
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
    fn what_means_the_same_is_the_same() {
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
    fn what_means_another_thing_is_another() {
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
    fn names_that_are_no_names_are_compared_in_order() {
        let twice = json!({"Tags": [{"Key": "a", "Value": 1}, {"Key": "a", "Value": 2}]});
        let turned = json!({"Tags": [{"Key": "a", "Value": 2}, {"Key": "a", "Value": 1}]});
        insta::assert_snapshot!(lines(&twice, &turned), @"
        Tags[0].Value: 1 -> 2
        Tags[1].Value: 2 -> 1
        ");
        insta::assert_snapshot!(lines(&json!({"Steps": [{"Name": 3}]}), &json!({"Steps": [{"Name": "3"}]})), @r#"Steps[0].Name: 3 -> "3""#);
    }
}

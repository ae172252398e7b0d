//! Properties of the difference between definitions.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use pipeline::{Change, Path, difference};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

fn example() -> Value {
    serde_json::from_str(include_str!("example.json")).unwrap()
}

fn is_expression(value: &Value) -> bool {
    ["Get", "Std:Join", "Std:JsonGet"].iter().any(|member| value.get(member).is_some())
}

/// Whether the entries of a list of the example are identified by name.
fn has_names(list: &[Value]) -> bool {
    let named =
        |entry: &Value| entry.as_object().is_some_and(|m| m.keys().any(|name| is_name(name)));
    list.iter().all(named)
}

fn is_name(member: &str) -> bool {
    member == "Key" || member.ends_with("Name")
}

/// Collects JSON pointers to everything outside expressions.
fn pointers(value: &Value, pointer: &str, found: &mut Vec<String>) {
    found.push(pointer.to_owned());
    match value {
        Value::Object(members) if !is_expression(value) => {
            for (name, member) in members {
                pointers(member, &format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(entries) => {
            for (index, entry) in entries.iter().enumerate() {
                pointers(entry, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Makes one edit and returns the expected values before and after it; none if the edit does not
/// apply.
fn edit(document: &mut Value, pointer: &str, kind: u8) -> Option<(Option<Value>, Option<Value>)> {
    let (parent, last) = pointer.rsplit_once('/')?;
    let value = document.pointer(pointer)?.clone();
    match kind {
        // Another value.
        0 if (!value.is_object() && !value.is_array() && !is_name(last))
            || is_expression(&value) =>
        {
            let other = if is_expression(&value) {
                json!({"Get": "Parameters.Other"})
            } else {
                json!("other")
            };
            *document.pointer_mut(pointer)? = other.clone();
            Some((Some(value), Some(other)))
        }
        // Removal.
        1 => match document.pointer_mut(parent)? {
            Value::Object(members) if !is_name(last) => {
                let alone = value.as_array().is_none_or(|list| list.len() < 2 || !has_names(list));
                let empty = difference(&value, &Value::Null).is_empty();
                if !alone || empty {
                    return None;
                }
                members.remove(last)?;
                let expected =
                    value.as_array().filter(|list| has_names(list)).map(|list| list[0].clone());
                Some((Some(expected.unwrap_or(value)), None))
            }
            Value::Array(entries) => {
                entries.remove(last.parse().ok()?);
                Some((Some(value), None))
            }
            _ => None,
        },
        // Addition.
        2 => {
            let parent = document.pointer_mut(parent)?;
            match parent {
                Value::Object(members) => {
                    members.insert("Extra.Member".to_owned(), json!(["new"]));
                    Some((None, Some(json!(["new"]))))
                }
                Value::Array(entries) => {
                    let mut new = value;
                    let members = new.as_object_mut().filter(|members| members.len() > 1);
                    match members
                        .and_then(|members| members.iter_mut().find(|(name, _)| is_name(name)))
                    {
                        Some((_, name)) => *name = json!("New"),
                        None => new = json!("new"),
                    }
                    entries.insert(last.parse().ok()?, new.clone());
                    Some((None, Some(new)))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Finds the value at a place, read as a path of the language.
fn find<'a>(document: &'a Value, place: &str) -> Option<&'a Value> {
    let path = place
        .replace(".IfSteps", ".Arguments.IfSteps")
        .replace(".ElseSteps", ".Arguments.ElseSteps")
        .replace("Tags.project", "Tags[0]");
    Path::parse(&path).unwrap().find(document)
}

/// Returns the document with every list of named entries reversed.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(_) if is_expression(value) => value.clone(),
        Value::Object(members) => Value::Object(
            members.iter().map(|(name, member)| (name.clone(), reversed(member))).collect(),
        ),
        Value::Array(entries) if has_names(entries) => entries.iter().rev().map(reversed).collect(),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn a_single_edit_is_one_change_that_names_it(at: Index, kind in 0_u8..3) {
        let before = example();
        let mut all = Vec::new();
        pointers(&before, "", &mut all);
        let pointer = at.get(&all);
        let mut after = before.clone();
        let expected = edit(&mut after, pointer, kind);
        prop_assume!(expected.is_some());
        let (old, new) = expected.unwrap();
        let changes = difference(&before, &after);
        prop_assert_eq!(changes.len(), 1, "{}: {:?}", pointer, changes);
        let Change { place, before: b, after: a } = &changes[0];
        prop_assert_eq!((b, a), (&old, &new), "{} {}", pointer, place);
        for (document, value) in [(&before, b), (&after, a)] {
            if value.is_some() && !place.ends_with("Tags.New") {
                prop_assert_eq!(find(document, place), value.as_ref(), "{} {}", pointer, place);
            }
        }
        let back = difference(&after, &before);
        prop_assert_eq!(back, [Change { place: place.clone(), before: new, after: old }]);
    }

    #[test]
    fn any_json_can_be_compared(before in json_value(), after in json_value()) {
        prop_assert_eq!(difference(&before, &before), []);
        let mut there: Vec<_> = difference(&before, &after).into_iter().map(|c| c.place).collect();
        let mut back: Vec<_> = difference(&after, &before).into_iter().map(|c| c.place).collect();
        there.sort();
        back.sort();
        prop_assert_eq!(there, back);
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "Name",
        "Key",
        "Get",
        "Std:Join",
        "Arguments",
        "IfSteps",
        "a.b",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3_i64).prop_map(Value::from),
        (0..3_i32).prop_map(|n| Value::from(f64::from(n))),
        "[a-c]{0,1}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn the_order_of_named_entries_is_no_change() {
    let example = example();
    let reversed = reversed(&example);
    assert_ne!(reversed, example);
    assert_eq!(difference(&example, &reversed), []);
}

#[test]
fn the_order_of_members_is_no_change() {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let before =
        read(r#"{"Steps": [{"Name": "A", "Arguments": {"X": 1, "Y": {"P": 2, "Q": 3}}}]}"#);
    let after = read(r#"{"Steps": [{"Arguments": {"Y": {"Q": 3, "P": 2}, "X": 1}, "Name": "A"}]}"#);
    assert_eq!(difference(&before, &after), []);
}

#[test]
fn deep_lists_take_no_longer_than_wide_ones() {
    let deep = |leaf: u8| (0..100).fold(json!(leaf), |inner, _| json!([inner]));
    assert_eq!(difference(&deep(1), &deep(2)).len(), 1);
}

//! The YAML tree, whose faulty values can be replaced, and paths into it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_path_to_error::{Path, Segment};
use serde_yaml::{Mapping, Value};

/// One component of a path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Key {
    Name(String),
    Index(usize),
}

/// Converts the path of a deserialization error.
pub(crate) fn keys(path: &Path) -> Vec<Key> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Map { key } => Some(Key::Name(key.clone())),
            Segment::Seq { index } => Some(Key::Index(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// Formats a path, such as `preprocessing.label.positive[2]`.
pub(crate) fn dotted(keys: &[Key]) -> String {
    let mut path = String::new();
    for key in keys {
        match key {
            Key::Index(index) => path.push_str(&format!("[{index}]")),
            Key::Name(name) if path.is_empty() => path.push_str(name),
            Key::Name(name) => path.push_str(&format!(".{name}")),
        }
    }
    path
}

/// Parses a path. This is the inverse of [`dotted`] for names without dots and brackets.
pub(crate) fn parse(path: &str) -> Vec<Key> {
    path.split(['.', '['])
        .filter(|part| !part.is_empty())
        .map(|part| match part.strip_suffix(']').and_then(|index| index.parse().ok()) {
            Some(index) => Key::Index(index),
            None => Key::Name(part.to_owned()),
        })
        .collect()
}

/// Returns the value at a path.
pub(crate) fn get<'a>(tree: &'a Value, keys: &[Key]) -> Option<&'a Value> {
    keys.iter().try_fold(tree, |value, key| match key {
        Key::Name(name) => value.get(name.as_str()),
        Key::Index(index) => value.get(index),
    })
}

/// Sets the value at a path, or removes it if `value` is `None`. Returns false if the path does not
/// exist.
pub(crate) fn put(tree: &mut Value, keys: &[Key], value: Option<Value>) -> bool {
    let Some((last, above)) = keys.split_last() else {
        let given = value.is_some();
        *tree = value.unwrap_or_default();
        return given;
    };
    let parent = above.iter().try_fold(tree, |value, key| match key {
        Key::Name(name) => value.get_mut(name.as_str()),
        Key::Index(index) => value.get_mut(index),
    });
    match (parent, last, value) {
        (Some(Value::Mapping(entries)), Key::Name(name), Some(value)) => {
            entries.insert(Value::String(name.clone()), value);
            true
        }
        (Some(Value::Mapping(entries)), Key::Name(name), None) => {
            entries.shift_remove(name.as_str()).is_some()
        }
        (Some(Value::Sequence(items)), Key::Index(index), value) if *index < items.len() => {
            match value {
                Some(value) => items[*index] = value,
                None => drop(items.remove(*index)),
            }
            true
        }
        _ => false,
    }
}

/// A tree whose keys are text and in which the last of two duplicate keys counts. Unlike
/// serde_yaml's own tree it accepts duplicate keys, so that they are reported together with all
/// other faults.
pub(crate) struct Lenient(pub(crate) Value);

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LenientVisitor).map(Self)
    }
}

struct LenientVisitor;

impl<'de> Visitor<'de> for LenientVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number, true or false, a list, or keys with values")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut sequence = Vec::new();
        while let Some(Lenient(item)) = items.next_element()? {
            sequence.push(item);
        }
        Ok(Value::Sequence(sequence))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut mapping = Mapping::new();
        while let Some(Lenient(key)) = entries.next_key()? {
            let key = scalar(&key).ok_or_else(|| {
                Error::custom(format!("found {} as a key, expected text", kind(&key)))
            })?;
            let Lenient(value) = entries.next_value()?;
            mapping.insert(Value::String(key), value);
        }
        Ok(Value::Mapping(mapping))
    }
}

/// Returns the text of a scalar value.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(word) => Some(word.to_string()),
        _ => None,
    }
}

/// Returns the description of a value that is not a scalar.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "keys with values",
        _ => "a tagged value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_set_and_removed() {
        let mut tree: Value = serde_yaml::from_str("{a: [1, 2, 3], b: {c: x}}").unwrap();
        assert!(put(&mut tree, &parse("a[1]"), Some("two".into())));
        assert!(put(&mut tree, &parse("a[0]"), None));
        assert!(put(&mut tree, &parse("b.d"), Some("y".into())));
        assert!(put(&mut tree, &parse("b.c"), None));
        assert!(!put(&mut tree, &parse("a[2]"), Some("three".into())));
        assert!(!put(&mut tree, &parse("b.c"), None));
        assert_eq!(tree, serde_yaml::from_str::<Value>("{a: [two, 3], b: {d: y}}").unwrap());
    }

    #[test]
    fn keys_become_text_and_the_last_duplicate_counts() {
        let Lenient(tree) = serde_yaml::from_str("{1: a, true: b, c: 1, c: 2}").unwrap();
        let expected = "{'1': a, 'true': b, c: 2}";
        assert_eq!(tree, serde_yaml::from_str::<Value>(expected).unwrap());
        let error = serde_yaml::from_str::<Lenient>("[a]: b").map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("a list as a key, expected text"), "{error}");
    }
}

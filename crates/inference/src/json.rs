//! One level of a JSON document: the text of each number stays as it is written, so that a record has the
//! same readings in JSON and in CSV.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The greatest number below which an `f64` holds every integer.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// A document, with nested values as text.
pub(crate) enum Json<'a> {
    Object(Vec<Member<'a>>),
    Array(Vec<&'a str>),
    /// Any other value.
    Scalar(&'a str),
}

/// A member of an object.
pub(crate) struct Member<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: &'a str,
}

/// Parses the outermost level of a document. What is nested in it is checked and kept as text; however deep
/// it is, this takes no stack.
pub(crate) fn parse(text: &[u8]) -> Result<Json<'_>, serde_json::Error> {
    match text.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(text).map(|Members(members)| Json::Object(members)),
        Some(b'[') => {
            let values: Vec<&RawValue> = serde_json::from_slice(text)?;
            Ok(Json::Array(values.into_iter().map(RawValue::get).collect()))
        }
        _ => serde_json::from_slice::<&RawValue>(text).map(|value| Json::Scalar(value.get())),
    }
}

/// Returns the text of a value as a cell of CSV has it: that of a string without its quotes, nothing for null.
/// `None` if it is an object or an array.
pub(crate) fn text(raw: &str) -> Option<Cow<'_, str>> {
    match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw).ok().map(|Text(text)| text),
        Some(b'{' | b'[') => None,
        Some(b'n') => Some(Cow::Borrowed("")),
        _ => Some(Cow::Borrowed(raw)),
    }
}

/// Returns the word that a value stands for, given its text: that of a number which is whole has no decimal
/// places, as in a binary file, so that 10.0 is `10`.
pub(crate) fn word<'a>(raw: &str, text: Cow<'a, str>) -> Cow<'a, str> {
    let is_number = raw.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    if !is_number || !raw.contains(['.', 'e', 'E']) {
        return text;
    }
    match raw.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() < MAX_EXACT => {
            Cow::Owned(format!("{number:.0}"))
        }
        _ => text,
    }
}

/// A string that is borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The members of an object, in their order.
struct Members<'a>(Vec<Member<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some((Text(name), value)) = map.next_entry::<Text<'de>, &RawValue>()? {
                    members.push(Member { name, value: value.get() });
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

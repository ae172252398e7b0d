//! JSON documents from outside: settings, definitions, records and what steps write.

use std::collections::BTreeSet;
use std::fmt;
use std::io;

use camino::Utf8Path;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::files::read_all;
use crate::regular::open_regular;

/// The maximum size of a JSON document in bytes. As values in memory it takes about 30 times as much.
pub const LARGEST_JSON: u64 = 16 << 20;

/// Reads a file of at most [`LARGEST_JSON`] bytes.
///
/// # Errors
///
/// Fails with the path, if the file is larger, and if it is no file but a named pipe or the like.
pub fn read(path: &Utf8Path) -> io::Result<Vec<u8>> {
    read_all(path, open_regular(path)?, LARGEST_JSON)
}

/// Parses a document of at most [`LARGEST_JSON`] bytes, in which no object has two members of one name.
///
/// # Errors
///
/// Fails as [`serde_json::from_slice`] does, which refuses more than 127 levels, and with the size or with
/// the place and name of the second member.
pub fn from_slice<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    if text.len() as u64 > LARGEST_JSON {
        let found = text.len();
        let message = format!("{found} bytes of JSON, expected at most {LARGEST_JSON}");
        return Err(serde_json::Error::custom(message));
    }
    let value = serde_json::from_slice(text)?;
    serde_json::from_slice::<Unique>(text)?;
    Ok(value)
}

/// Any document in which no object has two members of one name, of which most readers would ignore the
/// first without a word.
#[derive(Debug)]
pub struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Unique, A::Error> {
        while entries.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unique, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format_args!("member {name:?} is there twice")));
            }
            names.insert(name);
            members.next_value::<Unique>()?;
        }
        Ok(Unique)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn message(text: &str) -> String {
        from_slice::<Value>(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_member_that_is_there_twice_is_named_with_its_place() {
        let text = "{\"a\": [{\"b\": 1,\n  \"b\": 2}]}";
        assert_eq!(message(text), "member \"b\" is there twice at line 2 column 5");
        // Equal names in different objects are different members.
        let text = br#"{"a": {"b": [null, true, 0.5, -1, "x"]}, "b": {"b": 1}}"#;
        let expected = json!({"a": {"b": [null, true, 0.5, -1, "x"]}, "b": {"b": 1}});
        assert_eq!(from_slice::<Value>(text).unwrap(), expected);
    }

    #[test]
    fn deep_and_large_documents_are_refused() {
        let expected = "recursion limit exceeded at line 1 column 128";
        assert_eq!(message(&"[".repeat(100_000)), expected);
        let blanks = vec![b' '; usize::try_from(LARGEST_JSON).unwrap() + 1];
        let refused = from_slice::<Value>(&blanks).unwrap_err().to_string();
        assert_eq!(refused, "16777217 bytes of JSON, expected at most 16777216");
    }

    #[test]
    fn a_large_file_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(directory.path()).unwrap().join("large.json");
        // A hole takes no space.
        fs_err::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let refused = read(&path).unwrap_err().to_string();
        assert_eq!(refused, format!("{path} has more than 16777216 bytes"));
        fs_err::write(&path, "[1]").unwrap();
        assert_eq!(read(&path).unwrap(), b"[1]");
    }
}

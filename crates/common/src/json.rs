//! JSON documents from outside: settings, definitions, records and what steps write.

use std::collections::BTreeSet;
use std::fmt;
use std::io;

use camino::Utf8Path;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::digest::sha256_hex;
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

/// How a sealed document begins. The digest, and [`SEAL_END`], follow.
const SEAL: &[u8] = b"{\n  \"sha256\": \"";
/// What is between the digest of a sealed document and what it is the digest of.
const SEAL_END: &[u8] = b"\",\n";

/// Returns an object, which has members, as indented text whose first member is the SHA-256 of what follows it, so that
/// [`require_unchanged`] notices if a bit of it has changed.
///
/// # Errors
///
/// Fails where the document cannot be written as JSON.
pub fn seal<T: Serialize + ?Sized>(document: &T) -> serde_json::Result<Vec<u8>> {
    let text = serde_json::to_vec_pretty(document)?;
    let Some(members) = text.strip_prefix(b"{\n") else { return Ok(text) };
    let members = [members, b"\n"].concat();
    Ok([SEAL, sha256_hex(&members).as_bytes(), SEAL_END, &members].concat())
}

/// Returns whether a text is sealed by [`seal`].
///
/// # Errors
///
/// Fails where it is, and has changed since.
pub fn require_unchanged(text: &[u8]) -> io::Result<bool> {
    let Some(sealed) = text.strip_prefix(SEAL) else { return Ok(false) };
    let digest = sealed.get(..64).unwrap_or_default();
    let found = sha256_hex(
        sealed.strip_prefix(digest).unwrap_or_default().strip_prefix(SEAL_END).unwrap_or_default(),
    );
    if digest == found.as_bytes() {
        return Ok(true);
    }
    let expected = String::from_utf8_lossy(digest);
    Err(io::Error::other(format!(
        "it has changed since it was written: the SHA-256 of what follows its member `sha256` is {found}, expected \
         {expected}; without that member it counts as it is"
    )))
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
    fn a_sealed_document_is_the_same_json_and_a_changed_bit_is_noticed() {
        let document = json!({ "a": [1, 2.5], "b": "x" });
        let text = seal(&document).unwrap();
        assert!(require_unchanged(&text).unwrap());
        let mut read: Value = from_slice(&text).unwrap();
        assert_eq!(
            read.as_object_mut().unwrap().remove("sha256").unwrap().as_str().unwrap().len(),
            64
        );
        assert_eq!(read, document);
        for place in SEAL.len()..text.len() {
            let mut changed = text.clone();
            changed[place] ^= 1;
            let error = require_unchanged(&changed).unwrap_err().to_string();
            assert!(error.starts_with("it has changed since it was written: "), "{error}");
            assert!(require_unchanged(&text[..place]).is_err(), "cut off at {place}");
        }
        assert!(!require_unchanged(b"{\n  \"a\": 1\n}\n").unwrap());
        assert_eq!(seal(&json!([1])).unwrap(), b"[\n  1\n]", "there is no first member");
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

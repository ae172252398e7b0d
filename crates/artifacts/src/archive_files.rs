//! The files of two model archives, compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::archive::{self, MAX_UNPACKED};
use crate::bundle::BundleError;

/// The number of characters of a value that are shown.
const SHOWN: usize = 60;

/// The files of a `model.tar.gz`, whatever they are.
#[derive(Debug)]
pub struct ArchiveFiles(BTreeMap<String, Vec<u8>>);

/// A file of one archive that differs from that of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDifference {
    /// The file's name in the archive.
    pub name: String,
    /// The first place at which it differs, and how.
    pub difference: String,
}

impl ArchiveFiles {
    /// Reads the files of an archive.
    ///
    /// # Errors
    /// Returns an error if the archive is hostile or damaged.
    pub fn read(archive: &[u8]) -> Result<Self, BundleError> {
        Ok(Self(archive::read(archive, archive.len() as u64, MAX_UNPACKED, |_| true)?))
    }

    /// Returns the names of the files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns in which files `later` differs, documents first, since they say why others do.
    pub fn differences(&self, later: &Self) -> Vec<FileDifference> {
        let names: BTreeSet<&String> = self.0.keys().chain(later.0.keys()).collect();
        let mut found: Vec<FileDifference> = names
            .into_iter()
            .filter_map(|name| {
                let difference = match (self.0.get(name), later.0.get(name)) {
                    (Some(before), Some(after)) if before == after => return None,
                    (Some(before), Some(after)) => difference(before, after),
                    (None, _) => "was not there".to_owned(),
                    (_, None) => "is not there any more".to_owned(),
                };
                Some(FileDifference { name: name.clone(), difference })
            })
            .collect();
        found.sort_by_key(|difference| !difference.name.ends_with(".json"));
        found
    }
}

/// Returns the first difference of two files that differ: a member of documents, a byte of other files.
fn difference(before: &[u8], after: &[u8]) -> String {
    let parse = |bytes| common::json::from_slice::<Value>(bytes).ok();
    let member = match (parse(before), parse(after)) {
        (Some(before), Some(after)) => member_difference("", Some(&before), Some(&after)),
        _ => None,
    };
    member.unwrap_or_else(|| {
        let same = before.iter().zip(after).take_while(|(before, after)| before == after).count();
        format!("has {} bytes, had {}, and differs from byte {same}", after.len(), before.len())
    })
}

/// Returns the first member in which two documents differ.
fn member_difference(path: &str, before: Option<&Value>, after: Option<&Value>) -> Option<String> {
    match (before, after) {
        (before, after) if before == after => None,
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            let dot = if path.is_empty() { "" } else { "." };
            names.into_iter().find_map(|name| {
                let path = format!("{path}{dot}{name}");
                member_difference(&path, before.get(name), after.get(name))
            })
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) => {
            (0..before.len().max(after.len())).find_map(|index| {
                let path = format!("{path}[{index}]");
                member_difference(&path, before.get(index), after.get(index))
            })
        }
        (before, after) => Some(format!("{path} is {}, was {}", shown(after), shown(before))),
    }
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "absent".to_owned() };
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> ArchiveFiles {
        let owned = |&(name, text): &(&str, &str)| (name.to_owned(), text.as_bytes().to_vec());
        ArchiveFiles(files.iter().map(owned).collect())
    }

    #[test]
    fn each_file_that_differs_is_named_with_its_first_difference() {
        let before = files(&[
            ("forest.bin", "abcd"),
            ("metadata.json", r#"{"rows": 4, "depth": [1, 2], "version": "0.1.0"}"#),
            ("old.bin", "x"),
            ("recipe.json", "{}"),
        ]);
        let after = files(&[
            ("forest.bin", "abxyz"),
            ("metadata.json", r#"{"rows": 4, "depth": [1, 2, 3], "version": "0.2.0"}"#),
            ("new.bin", "x"),
            ("recipe.json", "{ }"),
        ]);
        let lines = before.differences(&after).into_iter();
        let lines: Vec<_> = lines.map(|it| format!("{}: {}", it.name, it.difference)).collect();
        assert_eq!(
            lines,
            [
                "metadata.json: depth[2] is 3, was absent",
                // The documents say the same.
                "recipe.json: has 3 bytes, had 2, and differs from byte 1",
                "forest.bin: has 5 bytes, had 4, and differs from byte 2",
                "new.bin: was not there",
                "old.bin: is not there any more",
            ]
        );
        assert_eq!(before.differences(&before), []);
        let long = files(&[("metadata.json", &format!(r#"{{"a": "{}"}}"#, "ä".repeat(70)))]);
        let short = files(&[("metadata.json", r#"{"a": 1}"#)]);
        let difference = &short.differences(&long)[0].difference;
        assert_eq!(*difference, format!("a is \"{}..., was 1", "ä".repeat(59)));
    }
}

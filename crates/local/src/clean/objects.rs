//! The objects of a store, and whose they are.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::leftovers::{entries, executions_in};

/// An object.
pub struct Object {
    /// The address, `s3://bucket/key`.
    pub address: String,
    /// The file.
    pub path: Utf8PathBuf,
    /// Whose it is.
    pub owner: Owner,
}

/// Whose an object is.
#[derive(Debug, PartialEq, Eq)]
pub enum Owner {
    /// The execution's that made it: the first id in its key.
    Execution(String),
    /// An input's, which was stored below its digest: the address up to there.
    Digest(String),
    /// Somebody's.
    Unknown,
}

/// Returns the objects of a store, without links and unfinished files.
///
/// # Errors
///
/// Fails where a directory cannot be read.
pub fn all(store: &Utf8Path) -> io::Result<Vec<Object>> {
    let mut found = Vec::new();
    let mut open = vec![(store.to_owned(), "s3:/".to_owned())];
    while let Some((directory, prefix)) = open.pop() {
        for entry in entries(&directory)? {
            let address = format!("{prefix}/{}", entry.name());
            if entry.is_unfinished() {
                continue;
            }
            if entry.is_directory() {
                open.push((entry.path, address));
            } else if entry.is_file() {
                let owner = owner(&address);
                found.push(Object { address, path: entry.path, owner });
            }
        }
    }
    found.sort_by(|a, b| a.address.cmp(&b.address));
    Ok(found)
}

/// Returns whose the object at an address is.
fn owner(address: &str) -> Owner {
    if let Some(id) = executions_in(address).next() {
        return Owner::Execution(id.to_owned());
    }
    let mut end = 0;
    // The last part is a file's name.
    let directories = address.rsplit_once('/').map_or("", |(directories, _)| directories);
    for part in directories.split_inclusive('/') {
        end += part.len();
        if is_digest(part.trim_end_matches('/')) {
            return Owner::Digest(address[..end].trim_end_matches('/').to_owned());
        }
    }
    Owner::Unknown
}

/// Returns whether a name is a SHA-256 digest, or the beginning of one as earlier runs cut it. Twelve digits
/// without a letter are rather a time, `202611271030`.
fn is_digest(name: &str) -> bool {
    let is_hexadecimal =
        name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let has_letter = name.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_hexadecimal && has_letter && [12, 64].contains(&name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_its_executions_or_an_inputs_or_somebodys() {
        let id = "20261127-094518-9b0";
        let execution = Owner::Execution(id.to_owned());
        assert_eq!(owner(&format!("s3://b/processed/{id}/train/train.csv")), execution);
        assert_eq!(owner(&format!("s3://b/models/pipelines-{id}-Train/output/x")), execution);
        let digest = Owner::Digest("s3://b/raw/0123456789ab".to_owned());
        assert_eq!(owner("s3://b/raw/0123456789ab/tables/a.csv"), digest);
        let whole = common::sha256_hex("");
        let prefix = format!("s3://b/definitions/{whole}");
        assert_eq!(owner(&format!("{prefix}/table.json")), Owner::Digest(prefix));
        for other in ["s3://b/raw/202611271030/a.csv", "s3://b/raw/0123456789ab", "s3://b/a.csv"] {
            assert_eq!(owner(other), Owner::Unknown, "{other}");
        }
    }
}

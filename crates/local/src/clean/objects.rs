//! The objects of a store, and whose they are.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::leftovers::{ID_LENGTH, is_execution, readable_entries};
use crate::stage::digest_of_files;
use crate::store::file_digest;

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
    /// The execution's that made it: the first id that is a directory of its key, or is in that of a job.
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
        for entry in readable_entries(&directory)? {
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

/// Returns whose the object at an address is, by the directories in its key.
fn owner(address: &str) -> Owner {
    let mut end = 0;
    // The last part is a file's name.
    let directories = address.rsplit_once('/').map_or("", |(directories, _)| directories);
    let mut digest = None;
    for part in directories.split_inclusive('/') {
        end += part.len();
        let part = part.trim_end_matches('/');
        if let Some(id) = execution(part) {
            return Owner::Execution(id.to_owned());
        }
        if digest.is_none() && is_digest(part) {
            digest = Some(address[..end].trim_end_matches('/').to_owned());
        }
    }
    digest.map_or(Owner::Unknown, Owner::Digest)
}

/// Returns the id of the execution that a directory is named for, or one of its jobs.
fn execution(directory: &str) -> Option<&str> {
    if is_execution(directory) {
        return Some(directory);
    }
    let job = directory.strip_prefix("pipelines-")?;
    let id = job.get(..ID_LENGTH)?;
    (is_execution(id) && job[ID_LENGTH..].starts_with('-')).then_some(id)
}

/// Returns whether what was stored at an address below its digest is still what has that digest: the contents of its only
/// file, or the names and contents of all.
///
/// # Errors
///
/// Fails where a file cannot be read.
pub fn fits_digest(prefix: &str, files: &[(&str, &Utf8Path)]) -> io::Result<bool> {
    let name = prefix.rsplit('/').next().unwrap_or_default();
    let mut digests = Vec::new();
    for (_, path) in files {
        digests.push(file_digest(path).map_err(io::Error::other)?);
    }
    let listed: Vec<_> =
        files.iter().zip(&digests).map(|((name, _), digest)| (*name, &**digest)).collect();
    let is_only = digests.len() == 1 && digests[0].starts_with(name);
    Ok(is_only || digest_of_files(listed).starts_with(name))
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
        let export = format!("s3://b/raw/export-{id}.csv");
        assert_eq!(owner(&export), Owner::Unknown);
        assert_eq!(owner(&format!("s3://b/raw/{id}")), Owner::Unknown);
        for other in ["s3://b/raw/202611271030/a.csv", "s3://b/raw/0123456789ab", "s3://b/a.csv"] {
            assert_eq!(owner(other), Owner::Unknown, "{other}");
        }
    }
}

//! The files below a directory: the objects of the store, and what a job has left.

use std::fs::FileType;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

/// A file below a directory, which is an object of the store or becomes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The path below the directory that the objects are copied to; see [`crate::Store::objects`].
    pub name: String,
    /// The object's file.
    pub path: Utf8PathBuf,
}

/// Returns whether there is no directory.
pub fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The maximum length of a key of S3 in bytes.
const LONGEST_KEY: usize = 1024;

/// Collects the files below a directory; links, unfinished files and what cannot have a key are skipped.
pub fn collect(directory: &Utf8Path, prefix: &str, into: &mut Vec<Object>) -> io::Result<()> {
    walk(directory, prefix, &mut |object, kind| {
        let is_file = kind.is_file() && !object.is_unfinished();
        let is_entered =
            kind.is_dir() && !object.is_unfinished() && object.name.len() < LONGEST_KEY;
        into.extend(is_file.then_some(object));
        Ok(is_entered)
    })
}

/// Calls `take` with everything below a directory, which it enters where that says so. Something that is gone meanwhile, or
/// has a name that is not UTF-8, is an error.
fn walk(
    directory: &Utf8Path,
    prefix: &str,
    take: &mut dyn FnMut(Object, FileType) -> io::Result<bool>,
) -> io::Result<()> {
    let mut open = vec![(directory.to_owned(), prefix.to_owned())];
    while let Some((directory, prefix)) = open.pop() {
        let entries = match directory.read_dir_utf8() {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name());
            let (path, kind) = (entry.path().to_owned(), entry.file_type()?);
            if take(Object { name: name.clone(), path: path.clone() }, kind)? {
                open.push((path, format!("{name}/")));
            }
        }
    }
    Ok(())
}

impl Object {
    /// Returns whether a program that was killed may have left it.
    fn is_unfinished(&self) -> bool {
        self.path.file_name().is_some_and(|name| name.starts_with(common::PARTIAL_PREFIX))
    }
}

/// Returns the files that a job has left in a directory, sorted by name. Links are skipped.
///
/// # Errors
///
/// Fails where the directory cannot be read, and where something in it cannot be an object of the store: a pipe, a name
/// that is too long for a key, or one of an unfinished file.
pub fn files_below(directory: &Utf8Path) -> io::Result<Vec<Object>> {
    let mut files = Vec::new();
    walk(directory, "", &mut |object, kind| {
        let refuse = |reason: String| Err(io::Error::other(format!("`{}` {reason}", object.name)));
        if object.name.len() > LONGEST_KEY {
            let start: String = object.name.chars().take(80).collect();
            let length = object.name.len();
            return Err(io::Error::other(format!(
                "`{start}...` has a name of {length} bytes, expected at most {LONGEST_KEY}, as of a key of S3"
            )));
        }
        if kind.is_symlink() {
            return Ok(false);
        }
        if object.is_unfinished() {
            let prefix = common::PARTIAL_PREFIX;
            return refuse(format!(
                "begins with `{prefix}`, as names of unfinished files do; expected another name"
            ));
        }
        if kind.is_file() {
            files.push(object);
        } else if !kind.is_dir() {
            return refuse(format!("is {}, expected a file or a directory", common::kind_of(kind)));
        }
        Ok(kind.is_dir())
    })?;
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

//! What killed processes leave in a directory of runs: the trees of their jobs, and unfinished files.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use common::{Directory, PARTIAL_PREFIX};

/// The length of an execution's id, such as `20261127-094518-9b0`.
pub const ID_LENGTH: usize = 19;

/// Returns whether a text is the id of an execution.
pub fn is_execution(text: &str) -> bool {
    text.len() == ID_LENGTH
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 15 => byte == b'-',
            0..15 => byte.is_ascii_digit(),
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

/// Returns the ids of executions in a text.
pub fn executions_in(text: &str) -> impl Iterator<Item = &str> {
    let places = 0..(text.len() + 1).saturating_sub(ID_LENGTH);
    places.filter_map(|place| text.get(place..place + ID_LENGTH)).filter(|part| is_execution(part))
}

/// Removes the job trees of executions that were killed, and if nobody else is at work in the directory
/// every unfinished file.
///
/// # Errors
///
/// Fails where a directory cannot be read, or something cannot be removed.
pub fn remove(runs: &Utf8Path, executions: &[String], is_alone: bool) -> io::Result<()> {
    for id in executions {
        for tree in job_trees(&runs.join("executions").join(id))? {
            remove_path(runs, &tree)?;
        }
    }
    let unfinished = if is_alone { unfinished(runs)? } else { Vec::new() };
    unfinished.iter().try_for_each(|path| remove_path(runs, path))
}

/// Removes a file in a directory of runs, or a directory with everything in it, but nothing that a link leads to.
///
/// # Errors
///
/// Fails where it cannot be removed. Something that is gone already is no error.
pub fn remove_path(runs: &Utf8Path, path: &Utf8Path) -> io::Result<()> {
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let Some(directory) = Directory::open(runs, above.strip_prefix(runs).unwrap_or(above))? else {
        return Ok(());
    };
    let removed = directory.remove(name);
    removed.map_err(|error| io::Error::new(error.kind(), format!("cannot remove {path}: {error}")))
}

/// Returns the trees of the jobs' hosts in the directory of an execution: `<step>/algo-1`.
///
/// # Errors
///
/// Fails where a directory cannot be read.
pub fn job_trees(execution: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
    let mut trees = Vec::new();
    for step in entries(execution)?.into_iter().filter(Entry::is_directory) {
        let hosts = entries(&step.path)?.into_iter().filter(Entry::is_directory);
        trees.extend(hosts.map(|host| host.path));
    }
    Ok(trees)
}

/// Returns the unfinished files and directories that no process will finish, if no run is at work.
///
/// # Errors
///
/// Fails where a directory cannot be read.
pub fn unfinished(runs: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
    let mut found = Vec::new();
    let mut open = ["s3", "cache", "registry"].map(|name| runs.join(name)).to_vec();
    while let Some(directory) = open.pop() {
        for entry in readable_entries(&directory)? {
            if entry.is_unfinished() {
                found.push(entry.path);
            } else if entry.is_directory() && entry.path.as_str().len() < LONGEST_PATH {
                open.push(entry.path);
            }
        }
    }
    // A job's own files are none of ours.
    let executions = entries(&runs.join("executions"))?;
    let executions = executions.into_iter().filter(Entry::is_directory).map(|entry| entry.path);
    for directory in executions.chain([runs.join("running")]) {
        let inside = entries(&directory)?.into_iter().filter(Entry::is_unfinished);
        found.extend(inside.map(|entry| entry.path));
    }
    found.sort();
    Ok(found)
}

/// Paths from this length on are not entered: with a name they may be longer than the operating system takes. Only a
/// job that goes astray makes them, and [`remove_path`] removes them nevertheless.
const LONGEST_PATH: usize = 3800;

/// Returns the number of bytes in the files below a directory.
///
/// # Errors
///
/// Fails where a directory cannot be read.
pub fn size_below(directory: &Utf8Path) -> io::Result<u64> {
    let (mut bytes, mut open) = (0, vec![directory.to_owned()]);
    while let Some(directory) = open.pop() {
        for entry in readable_entries(&directory)? {
            if entry.is_directory() && entry.path.as_str().len() < LONGEST_PATH {
                open.push(entry.path);
            } else if entry.is_file() {
                // What goes meanwhile has no bytes.
                bytes += fs_err::symlink_metadata(&entry.path).map_or(0, |about| about.len());
            }
        }
    }
    Ok(bytes)
}

/// Something in a directory.
pub struct Entry {
    /// Its path.
    pub path: Utf8PathBuf,
    kind: std::fs::FileType,
}

impl Entry {
    /// Returns its name.
    pub fn name(&self) -> &str {
        self.path.file_name().unwrap_or_default()
    }

    /// Returns whether it is a directory, and no link to one.
    pub fn is_directory(&self) -> bool {
        self.kind.is_dir()
    }

    /// Returns whether it is a file, and no link to one.
    pub fn is_file(&self) -> bool {
        self.kind.is_file()
    }

    /// Returns whether it was to get another name once it was complete.
    pub fn is_unfinished(&self) -> bool {
        self.name().starts_with(PARTIAL_PREFIX)
    }
}

/// Returns what is in a directory, in order. A directory that does not exist has nothing in it, and what
/// has a name that is not UTF-8 is not of this program.
///
/// # Errors
///
/// Fails where the directory cannot be read.
pub fn entries(directory: &Utf8Path) -> io::Result<Vec<Entry>> {
    let listing = match fs_err::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing?,
    };
    let mut found = Vec::new();
    for entry in listing {
        let entry = entry?;
        if let Ok(path) = Utf8PathBuf::from_path_buf(entry.path()) {
            found.push(Entry { path, kind: entry.file_type()? });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Returns what is in a directory as [`entries`] does, or nothing if it may not be read or is a file: what is in it stays.
///
/// # Errors
///
/// Fails where the directory cannot be read for another reason.
pub fn readable_entries(directory: &Utf8Path) -> io::Result<Vec<Entry>> {
    use io::ErrorKind::{NotADirectory, PermissionDenied};
    match entries(directory) {
        Err(error) if matches!(error.kind(), NotADirectory | PermissionDenied) => Ok(Vec::new()),
        found => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_known_by_its_id() {
        let key =
            "b/model-artifacts/20261127-094518-9b0/pipelines-20261127-094519-9b1-Train/output/x";
        let found: Vec<_> = executions_in(key).collect();
        assert_eq!(found, ["20261127-094518-9b0", "20261127-094519-9b1"]);
        for text in ["", "20261127-094518-9b", "20261127-094518-9bg", "2026112-7094518-9b0", "µ"] {
            assert_eq!(executions_in(text).next(), None, "{text}");
        }
    }
}

//! Helpers of the tests of the directory registry.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

/// A temporary directory, and the path of a registry in it that does not exist yet.
pub(crate) struct Scratch {
    _directory: tempfile::TempDir,
    pub(crate) path: Utf8PathBuf,
}

pub(crate) fn scratch() -> Scratch {
    let directory = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::try_from(directory.path().join("models")).unwrap();
    Scratch { _directory: directory, path }
}

/// Returns the names of a directory's entries.
pub(crate) fn names(directory: &Utf8Path) -> BTreeSet<String> {
    let entries = directory.read_dir_utf8().unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_owned()).collect()
}

pub(crate) fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

//! Copies a user's table into the object store.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::recorded::Contents;
use crate::store::{Store, StoreError, file_digest};

/// A table cannot be copied into the object store.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The path is not a file or a non-empty directory.
    #[error("--input {path}: {reason}")]
    Input {
        /// The path.
        path: Utf8PathBuf,
        /// The reason.
        reason: String,
    },
    /// A directory holds something that is neither a file nor a directory, or has an unusable name.
    #[error("{0}")]
    Entry(String),
    /// A file or directory cannot be read.
    #[error(transparent)]
    Read(std::io::Error),
    /// The object store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Returns whether a directory holds the object store, the records and the registry of local runs.
/// Its tables are copies and parts of the table that was learned from, so none of it is input.
pub fn is_runs_directory(path: &Utf8Path) -> bool {
    ["executions", "s3"].iter().all(|part| path.join(part).is_dir())
}

/// A table in the object store.
#[derive(Debug)]
pub struct Staged {
    /// The prefix that the pipeline reads.
    pub prefix: String,
    /// The address of the file or directory that the user named: a file below the prefix, or the
    /// prefix itself.
    pub uri: String,
    /// The files, by the prefix.
    pub contents: Contents,
    /// The directories of earlier runs below the directory, which are left out.
    pub runs: Vec<Utf8PathBuf>,
}

/// Copies a file, or all files below a directory, to `<raw>/<digest>/`. The digest covers names and
/// contents, so the same input is stored once. What is stored already is read and, where it is not what it was,
/// stored again.
///
/// # Errors
///
/// Fails where `path` is not a file or a non-empty directory of files, where a file cannot be read,
/// and where the store fails.
pub fn stage(store: &Store, path: &Utf8Path, raw: &str) -> Result<Staged, StageError> {
    let refuse =
        |reason: &str| Err(StageError::Input { path: path.to_owned(), reason: reason.to_owned() });
    let (mut files, mut runs) = (Vec::new(), Vec::new());
    let name = path.file_name().unwrap_or_default();
    if let Some(reason) = unusable(name) {
        return refuse(&reason);
    }
    // What is stored would be input of the next run.
    let runs_root = store.root.parent().unwrap_or(&store.root).canonicalize_utf8();
    let place = store.path(raw)?.canonicalize_utf8();
    if let (Ok(input), Ok(place), Ok(root)) = (path.canonicalize_utf8(), place, runs_root)
        && place.starts_with(&input)
        && input.starts_with(&root)
        && input != root
    {
        return refuse("runs store their tables there; expected the table itself");
    }
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => collect(path, "", &mut files, &mut runs)?,
        Ok(metadata) if metadata.is_file() => {
            files.push((name.to_owned(), path.to_owned()));
        }
        Ok(_) => {
            return refuse(
                "expected a file or a directory; a pipe's text must be written to a file first",
            );
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return refuse("there is no such file or directory");
        }
        Err(error) => return refuse(&error.to_string()),
    }
    if files.is_empty() && !runs.is_empty() {
        return refuse("there is nothing but the results of runs in it");
    }
    if files.is_empty() {
        return refuse("the directory is empty");
    }
    files.sort();
    let mut objects = BTreeMap::new();
    for (name, file) in &files {
        objects.insert(name.clone(), file_digest(file)?);
    }
    let digest = digest_of_files(objects.iter().map(|(name, digest)| (&**name, &**digest)));
    let prefix = format!("{}/{digest}", raw.trim_end_matches('/'));
    for (name, file) in &files {
        let (uri, digest) = (format!("{prefix}/{name}"), &objects[name]);
        let stored = store.path(&uri)?;
        let intact = stored.is_file() && !stored.is_symlink();
        if !(intact && file_digest(&stored)? == *digest) && store.put(file, &uri)? != *digest {
            return Err(StageError::Input {
                path: file.clone(),
                reason: "it was changed while it was read; run again".to_owned(),
            });
        }
    }
    let uri = match &files[..] {
        [(name, file)] if file == path => format!("{prefix}/{name}"),
        _ => prefix.clone(),
    };
    let contents = Contents::from([(prefix.clone(), objects)]);
    Ok(Staged { prefix, uri, contents, runs })
}

/// Returns the digest of files by their names, in order, and the digests of their contents. No name has a line end.
pub(crate) fn digest_of_files<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> String {
    let lines = files.into_iter().map(|(name, digest)| format!("{digest}\n{name}\n"));
    common::sha256_hex(lines.collect::<String>())
}

/// Returns why no object can have this name.
fn unusable(name: &str) -> Option<String> {
    if name.starts_with(common::PARTIAL_PREFIX) {
        let prefix = common::PARTIAL_PREFIX;
        return Some(format!(
            "names that begin with `{prefix}` are of unfinished files; expected another name"
        ));
    }
    let has_control = name.chars().any(char::is_control);
    has_control.then(|| "the name has a control character; expected another name".to_owned())
}

/// Collects every file below a directory with its path relative to it, and the directories of runs.
/// Anything else that would be left out, such as a link to a directory, is an error.
fn collect(
    directory: &Utf8Path,
    prefix: &str,
    into: &mut Vec<(String, Utf8PathBuf)>,
    runs: &mut Vec<Utf8PathBuf>,
) -> Result<(), StageError> {
    if is_runs_directory(directory) {
        runs.push(directory.to_owned());
        return Ok(());
    }
    for entry in fs_err::read_dir(directory).map_err(StageError::Read)? {
        let path = entry.map_err(StageError::Read)?.path();
        let path = Utf8PathBuf::from_path_buf(path).map_err(|path| {
            StageError::Entry(format!("{}: the name is not UTF-8", path.display()))
        })?;
        let name = format!("{prefix}{}", path.file_name().unwrap_or_default());
        // a file that a killed program has not finished
        if path.file_name().is_some_and(|name| name.starts_with(common::PARTIAL_PREFIX)) {
            continue;
        }
        if let Some(reason) = unusable(path.file_name().unwrap_or_default()) {
            return Err(StageError::Entry(format!("{path}: {reason}")));
        }
        let metadata = fs_err::metadata(&path).map_err(StageError::Read)?;
        if metadata.is_file() {
            into.push((name, path));
        } else if metadata.is_dir() && !path.is_symlink() {
            collect(&path, &format!("{name}/"), into, runs)?;
        } else {
            let message = format!("{path} is neither a file nor a directory of its own");
            return Err(StageError::Entry(message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> (tempfile::TempDir, Utf8PathBuf, Store) {
        let directory = tempfile::tempdir().unwrap();
        let here = Utf8PathBuf::from_path_buf(directory.path().to_owned()).unwrap();
        let store = Store::new(here.join("runs/s3"));
        (directory, here, store)
    }

    #[test]
    fn what_is_stored_already_is_stored_again_where_it_has_changed() {
        let (_guard, here, store) = here();
        let table = here.join("table.csv");
        fs_err::write(&table, "a,b\n").unwrap();
        let staged = stage(&store, &table, "s3://b/raw/").unwrap();
        let digest = staged.prefix.strip_prefix("s3://b/raw/").unwrap();
        assert_eq!(
            digest,
            common::sha256_hex(format!("{}\ntable.csv\n", common::sha256_hex("a,b\n")))
        );
        let stored = store.path(&staged.uri).unwrap();
        let own = here.join("own.csv");
        fs_err::write(&own, "theirs").unwrap();
        let damage: [&dyn Fn(); 4] = [
            &|| fs_err::write(&stored, "").unwrap(),
            &|| fs_err::write(&stored, "x,y\n").unwrap(),
            &|| fs_err::remove_file(&stored).unwrap(),
            &|| {
                fs_err::remove_file(&stored).unwrap();
                std::os::unix::fs::symlink(&own, &stored).unwrap();
            },
        ];
        for damage in damage {
            damage();
            let again = stage(&store, &table, "s3://b/raw").unwrap();
            assert_eq!((&again.prefix, &again.contents), (&staged.prefix, &staged.contents));
            store.verify(&again.contents).unwrap();
            assert!(!stored.is_symlink());
        }
        assert_eq!(fs_err::read_to_string(&own).unwrap(), "theirs");
    }

    #[test]
    fn what_would_grow_with_each_run_or_have_no_object_is_refused() {
        let (_guard, here, store) = here();
        let table = here.join("table.csv");
        fs_err::write(&table, "a,b\n").unwrap();
        stage(&store, &table, "s3://b/raw").unwrap();
        fs_err::create_dir(here.join("runs/executions")).unwrap();
        let refused = |path: &str| {
            let error = stage(&store, &here.join(path), "s3://b/raw").unwrap_err().to_string();
            error.replace(here.as_str(), "<here>")
        };
        for inside in ["runs/s3", "runs/s3/b", "runs/s3/b/raw"] {
            let expected = "runs store their tables there; expected the table itself";
            assert_eq!(refused(inside), format!("--input <here>/{inside}: {expected}"));
        }
        let expected = "--input <here>/runs: there is nothing but the results of runs in it";
        assert_eq!(refused("runs"), expected);
        assert_eq!(stage(&store, &here, "s3://b/raw").unwrap().runs, [here.join("runs")]);
        for (name, expected) in [
            (
                ".partial-x.csv",
                "names that begin with `.partial-` are of unfinished files; expected another name",
            ),
            ("a\nb.csv", "the name has a control character; expected another name"),
        ] {
            fs_err::write(here.join(name), "a,b\n").unwrap();
            assert_eq!(refused(name), format!("--input <here>/{name}: {expected}"));
        }
        let whole = stage(&store, &here, "s3://b/raw").unwrap_err().to_string();
        assert!(
            whole.ends_with("the name has a control character; expected another name"),
            "{whole}"
        );
    }

    #[test]
    fn an_intact_copy_is_not_written_again() {
        let (_guard, here, store) = here();
        fs_err::create_dir_all(here.join("tables/deep")).unwrap();
        for name in ["a.csv", "deep/b.csv", ".partial-3-0"] {
            fs_err::write(here.join("tables").join(name), name).unwrap();
        }
        let staged = stage(&store, &here.join("tables"), "s3://b/raw").unwrap();
        let names: Vec<_> = staged.contents[&staged.prefix].keys().collect();
        assert_eq!(names, ["a.csv", "deep/b.csv"]);
        let written =
            || store.path(&format!("{}/a.csv", staged.prefix)).unwrap().metadata().unwrap();
        let before = std::os::unix::fs::MetadataExt::ino(&written());
        stage(&store, &here.join("tables"), "s3://b/raw").unwrap();
        assert_eq!(std::os::unix::fs::MetadataExt::ino(&written()), before);
    }
}

//! Copies a user's table into the object store.

use camino::{Utf8Path, Utf8PathBuf};

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

/// A table in the object store.
#[derive(Debug)]
pub struct Staged {
    /// The prefix that the pipeline reads.
    pub prefix: String,
    /// The address of the file or directory that the user named: a file below the prefix, or the
    /// prefix itself.
    pub uri: String,
}

/// Copies a file, or all files below a directory, to `<raw>/<digest>/`. The digest covers names and
/// contents, so the same input is stored once.
///
/// # Errors
///
/// Fails where `path` is not a file or a non-empty directory of files, where a file cannot be read,
/// and where the store fails.
pub fn stage(store: &Store, path: &Utf8Path, raw: &str) -> Result<Staged, StageError> {
    let refuse =
        |reason: &str| Err(StageError::Input { path: path.to_owned(), reason: reason.to_owned() });
    let mut files = Vec::new();
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => collect(path, "", &mut files)?,
        Ok(metadata) if metadata.is_file() => {
            files.push((path.file_name().unwrap_or_default().to_owned(), path.to_owned()));
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
    if files.is_empty() {
        return refuse("the directory is empty");
    }
    files.sort();
    let mut names_and_contents = String::new();
    for (name, file) in &files {
        names_and_contents.push_str(&format!("{}\n{name}\n", file_digest(file)?));
    }
    let digest = common::sha256_hex(&names_and_contents);
    let prefix = format!("{}/{}", raw.trim_end_matches('/'), &digest[..12]);
    for (name, file) in &files {
        let uri = format!("{prefix}/{name}");
        if !store.path(&uri)?.is_file() {
            store.put(file, &uri)?;
        }
    }
    let uri = match &files[..] {
        [(name, file)] if file == path => format!("{prefix}/{name}"),
        _ => prefix.clone(),
    };
    Ok(Staged { prefix, uri })
}

/// Collects every file below a directory with its path relative to it. Anything that would be left
/// out silently, such as a link to a directory, is an error.
fn collect(
    directory: &Utf8Path,
    prefix: &str,
    into: &mut Vec<(String, Utf8PathBuf)>,
) -> Result<(), StageError> {
    for entry in fs_err::read_dir(directory).map_err(StageError::Read)? {
        let path = entry.map_err(StageError::Read)?.path();
        let path = Utf8PathBuf::from_path_buf(path).map_err(|path| {
            StageError::Entry(format!("{}: the name is not UTF-8", path.display()))
        })?;
        let name = format!("{prefix}{}", path.file_name().unwrap_or_default());
        let metadata = fs_err::metadata(&path).map_err(StageError::Read)?;
        if metadata.is_file() {
            into.push((name, path));
        } else if metadata.is_dir() && !path.is_symlink() {
            collect(&path, &format!("{name}/"), into)?;
        } else {
            let message = format!("{path} is neither a file nor a directory of its own");
            return Err(StageError::Entry(message));
        }
    }
    Ok(())
}

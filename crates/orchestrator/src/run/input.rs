//! Where the raw table comes from.

use camino::{Utf8Path, Utf8PathBuf};
use config::Settings;

use crate::command::CommandError;
use crate::local::{self, Store};
use crate::progress;

/// How many rows a run reads that is given none, and from which seed.
const SAMPLE_ROWS: u64 = 2500;
const SAMPLE_SEED: u64 = 42;

/// Brings raw tables into the store.
pub(super) struct Input<'a> {
    pub(super) settings: &'a Settings,
    pub(super) store: &'a Store,
}

/// A table of the caller's in the store.
pub(super) struct Staged {
    /// What the pipeline is told to read.
    pub(super) prefix: String,
    /// The address that stands for what the caller named: a file in the prefix, or the prefix.
    pub(super) uri: String,
}

impl Input<'_> {
    /// Stores a copy of a file or of all files below a directory, once for the same names and
    /// contents.
    pub(super) fn stage(&self, path: &Utf8Path) -> Result<Staged, CommandError> {
        let refuse = |why: &str| Err(CommandError::Data(format!("--input {path}: {why}")));
        let mut files = Vec::new();
        match path.metadata() {
            Ok(there) if there.is_dir() => collect(path, "", &mut files)?,
            Ok(there) if there.is_file() => {
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
            names_and_contents.push_str(&format!("{}\n{name}\n", local::file_digest(file)?));
        }
        let digest = common::sha256_hex(&names_and_contents);
        let raw = self.settings.s3_paths.raw_data.trim_end_matches('/');
        let prefix = self.settings.s3_paths.url(&format!("{raw}/{}", &digest[..12]));
        for (name, file) in &files {
            let uri = format!("{prefix}/{name}");
            if !self.store.path(&uri)?.is_file() {
                self.store.put(file, &uri)?;
            }
        }
        let uri = match &files[..] {
            [(name, file)] if file == path => format!("{prefix}/{name}"),
            _ => prefix.clone(),
        };
        Ok(Staged { prefix, uri })
    }

    /// Stores a synthetic table, which the same rows and seed always make the same.
    pub(super) fn synthetic(&self) -> Result<String, CommandError> {
        let key = format!(
            "{}/synthetic/{SAMPLE_ROWS}-rows-seed-{SAMPLE_SEED}.csv",
            self.settings.s3_paths.raw_data
        );
        let uri = self.settings.s3_paths.url(&key);
        common::write_with(&self.store.path(&uri)?, |out| {
            dataset::sample::write(out, SAMPLE_ROWS, SAMPLE_SEED)
        })?;
        progress::say(&format!(
            "No --input: running on {SAMPLE_ROWS} synthetic rows, made by `orchestrator sample`."
        ));
        Ok(uri)
    }
}

/// Every file below a directory, with its place there. What would be left out without a word is an
/// error.
fn collect(
    directory: &Utf8Path,
    prefix: &str,
    into: &mut Vec<(String, Utf8PathBuf)>,
) -> Result<(), CommandError> {
    for entry in fs_err::read_dir(directory).map_err(CommandError::Read)? {
        let path = entry.map_err(CommandError::Read)?.path();
        let path = Utf8PathBuf::from_path_buf(path).map_err(|path| {
            CommandError::Data(format!("{}: the name is not UTF-8", path.display()))
        })?;
        let name = format!("{prefix}{}", path.file_name().unwrap_or_default());
        let there = fs_err::metadata(&path).map_err(CommandError::Read)?;
        if there.is_file() {
            into.push((name, path));
        } else if there.is_dir() && !path.is_symlink() {
            collect(&path, &format!("{name}/"), into)?;
        } else {
            let message = format!("{path} is neither a file nor a directory of its own");
            return Err(CommandError::Data(message));
        }
    }
    Ok(())
}

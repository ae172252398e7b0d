//! Files that appear complete or not at all, and files that are read up to a limit.

use std::fs::Metadata;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};

use crate::{Exit, Failure};

/// The prefix of a temporary file's name. A temporary file stays behind if the program is killed
/// while it writes; readers of a directory ignore such files.
pub const PARTIAL_PREFIX: &str = ".partial-";

/// Writing a file failed. An earlier file of that name is untouched, and no temporary file remains.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}")]
pub struct FileError {
    path: Utf8PathBuf,
    source: io::Error,
}

impl FileError {
    pub(crate) fn new(path: &Utf8Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), source }
    }
}

impl Failure for FileError {
    fn exit(&self) -> Exit {
        Exit::Failed
    }
}

/// The size of the largest file that is read into memory, 4 GiB.
pub const LARGEST_FILE: u64 = 4 << 30;

/// Reads a file of at most `limit` bytes.
///
/// # Errors
///
/// Fails with the path and the operating system's reason, and if the file has more bytes.
pub fn read_at_most(path: &Utf8Path, limit: u64) -> io::Result<Vec<u8>> {
    read_all(path, fs_err::File::open(path)?, limit)
}

/// Reads an opened file of at most `limit` bytes.
pub(crate) fn read_all(path: &Utf8Path, file: fs_err::File, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_large(path, limit)) } else { Ok(bytes) }
}

/// Returns the error of a file that has more than `limit` bytes.
pub(crate) fn too_large(path: &Utf8Path, limit: u64) -> io::Error {
    let message = format!("{path} has more than {limit} bytes");
    io::Error::new(io::ErrorKind::FileTooLarge, message)
}

/// Reads a text of at most `limit` bytes.
///
/// # Errors
///
/// Fails as [`read_at_most`] does, and if the file is not UTF-8.
pub fn read_text_at_most(path: &Utf8Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read_at_most(path, limit)?).map_err(|error| {
        let message = format!("{path} is not UTF-8 text: {}", error.utf8_error());
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}

/// Writes `contents` to `path` atomically: to a temporary file in the same directory, which is then
/// renamed. Missing parent directories are created. A symbolic link is followed and its target
/// replaced; a device or a named pipe is written to directly.
///
/// # Errors
///
/// Fails with the path and the operating system's reason.
pub fn write_file(path: &Utf8Path, contents: &[u8]) -> Result<(), FileError> {
    write_with(path, |out| out.write_all(contents))
}

/// Writes a file atomically as [`write_file`] does, with contents that `produce` writes piece by piece.
///
/// # Errors
///
/// Fails where [`write_file`] does, and where `produce` does.
pub fn write_with(
    path: &Utf8Path,
    produce: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    let write = || {
        let (path, there) = target(path)?;
        if there.is_some_and(|there| !there.is_file() && !there.is_dir()) {
            let mut out = BufWriter::new(fs_err::OpenOptions::new().write(true).open(&path)?);
            produce(&mut out)?;
            return out.flush();
        }
        let directory = match path.parent() {
            Some(parent) if parent != "" => parent,
            _ => Utf8Path::new("."),
        };
        fs_err::create_dir_all(directory)?;
        let mut file = tempfile::Builder::new()
            .prefix(PARTIAL_PREFIX)
            .permissions(std::fs::Permissions::from_mode(0o644))
            .tempfile_in(directory)?;
        let mut out = BufWriter::with_capacity(1 << 16, file.as_file_mut());
        produce(&mut out)?;
        out.flush()?;
        drop(out);
        file.persist(&path).map_err(|refused| refused.error)?;
        Ok(())
    };
    write().map_err(|source| FileError::new(path, source))
}

/// Calls `write`, which writes the files at `paths`, and removes them if it fails: a reader could not
/// tell that some of them are missing.
///
/// # Errors
///
/// Returns the error of `write`.
pub fn write_all_or_none<'p, T, E>(
    paths: impl IntoIterator<Item = &'p Utf8PathBuf>,
    write: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    write().inspect_err(|_| {
        for path in paths {
            // It may not have been written yet.
            let _ = fs_err::remove_file(path);
        }
    })
}

/// Follows the symbolic links of `path` and returns the final path with the metadata of what exists
/// there.
fn target(path: &Utf8Path) -> io::Result<(Utf8PathBuf, Option<Metadata>)> {
    let mut path = path.to_owned();
    // Linux follows at most 40 links.
    for _ in 0..40 {
        match path.symlink_metadata() {
            Ok(there) if there.is_symlink() => {
                let next = path.read_link_utf8()?;
                path = path.parent().unwrap_or(Utf8Path::new("")).join(next);
            }
            Ok(there) => return Ok((path, Some(there))),
            // Creating the parent directories reports the reason of any other failure.
            Err(_) => return Ok((path, None)),
        }
    }
    Err(io::Error::other("too many links, one to the next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(directory.path().join("a/b.txt")).unwrap();
        write_file(&path, b"old").unwrap();
        let refused = write_with(&path, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("the disk is full"))
        });
        let message = crate::chain(&refused.unwrap_err());
        assert_eq!(message, format!("cannot write {path}: the disk is full"));
        assert_eq!(fs_err::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs_err::read_dir(directory.path().join("a")).unwrap().count(), 1);
    }

    #[test]
    fn a_link_is_followed_and_a_pipe_stays_a_pipe() {
        let directory = tempfile::tempdir().unwrap();
        let place = Utf8Path::from_path(directory.path()).unwrap();
        std::os::unix::fs::symlink("target.txt", place.join("link.txt")).unwrap();
        write_file(&place.join("link.txt"), b"text").unwrap();
        assert_eq!(fs_err::read_to_string(place.join("target.txt")).unwrap(), "text");
        assert!(place.join("link.txt").is_symlink());

        let pipe = place.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs_err::read_to_string(pipe).unwrap()
        });
        write_file(&pipe, b"through").unwrap();
        assert_eq!(reader.join().unwrap(), "through");
        assert!(!pipe.is_file());

        std::os::unix::fs::symlink("circle", place.join("circle")).unwrap();
        assert!(write_file(&place.join("circle"), b"").is_err());
    }
}

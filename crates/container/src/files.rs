//! Files that are there whole or not at all.

use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;

use camino::{Utf8Path, Utf8PathBuf};

use crate::{Exit, Failure};

/// A file could not be written. Nothing is left under its name, nor beside it.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}")]
pub struct FileError {
    path: Utf8PathBuf,
    source: io::Error,
}

impl Failure for FileError {
    fn exit(&self) -> Exit {
        Exit::Failed
    }
}

/// Writes `contents` beside `path`, then renames it into place. Makes the directories above.
pub fn write_file(path: &Utf8Path, contents: &[u8]) -> Result<(), FileError> {
    write_with(path, |out| out.write_all(contents))
}

/// As [`write_file`], for contents that are produced piece by piece.
pub fn write_with(
    path: &Utf8Path,
    produce: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    let write = || {
        let directory = match path.parent() {
            Some(parent) if parent != "" => parent,
            _ => Utf8Path::new("."),
        };
        fs_err::create_dir_all(directory)?;
        let mut file = tempfile::Builder::new()
            .prefix(".partial-")
            .permissions(std::fs::Permissions::from_mode(0o644))
            .tempfile_in(directory)?;
        let mut out = BufWriter::with_capacity(1 << 16, file.as_file_mut());
        produce(&mut out)?;
        out.flush()?;
        drop(out);
        file.persist(path).map_err(|refused| refused.error)?;
        Ok(())
    };
    write().map_err(|source| FileError { path: path.to_owned(), source })
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
}

//! Files and directories that appear complete or not at all, and whose contents are synced to the
//! disk before they appear.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;

use camino::Utf8Path;
use tempfile::{Builder, NamedTempFile};

use crate::PARTIAL_PREFIX;

/// Creates a file with `contents`. Returns false and changes nothing if a file of that name exists.
///
/// # Errors
///
/// Fails where the operating system refuses to create, write or rename a file.
pub fn create_file(path: &Utf8Path, contents: &[u8]) -> io::Result<bool> {
    match prepare_file(path, contents)?.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

/// Writes a file with `contents`, in place of any file of that name.
///
/// # Errors
///
/// Fails where the operating system refuses to create, write or rename a file.
pub fn replace_file(path: &Utf8Path, contents: &[u8]) -> io::Result<()> {
    prepare_file(path, contents)?.persist(path).map(drop).map_err(|error| error.error)
}

/// Creates a directory that holds one file, `name`, with `contents`. Returns false and changes
/// nothing if a file or a directory with entries of that name exists.
///
/// # Errors
///
/// Fails where the operating system refuses to create, write or rename.
pub fn create_directory(path: &Utf8Path, name: &str, contents: &[u8]) -> io::Result<bool> {
    // The umask reduces these modes as for any other file; tempfile's default would be private.
    let prepared = Builder::new()
        .prefix(PARTIAL_PREFIX)
        .permissions(Permissions::from_mode(0o777))
        .tempdir_in(path.parent().unwrap_or(path))?;
    let mut file = fs_err::File::create_new(prepared.path().join(name))?;
    file.write_all(contents)?;
    file.sync_all()?;
    match fs_err::rename(prepared.path(), path) {
        Ok(()) => {
            // The directory has its final name; the guard has nothing left to remove.
            let _ = prepared.keep();
            Ok(true)
        }
        // A directory can be renamed only to a free name or over an empty directory.
        Err(error) if exists(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn prepare_file(path: &Utf8Path, contents: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = Builder::new()
        .prefix(PARTIAL_PREFIX)
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(path.parent().unwrap_or(path))?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn exists(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty)
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;

    use super::*;

    #[test]
    fn what_exists_stays_and_no_temporary_file_remains() {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(directory.path().to_owned()).unwrap();
        let file = root.join("group.json");
        assert!(create_file(&file, b"first").unwrap());
        assert!(!create_file(&file, b"second").unwrap());
        assert_eq!(fs_err::read_to_string(&file).unwrap(), "first");
        replace_file(&file, b"third").unwrap();
        assert_eq!(fs_err::read_to_string(&file).unwrap(), "third");

        let version = root.join("1");
        assert!(create_directory(&version, "package.json", b"one").unwrap());
        assert!(!create_directory(&version, "package.json", b"two").unwrap());
        assert_eq!(fs_err::read_to_string(version.join("package.json")).unwrap(), "one");
        assert_eq!(fs_err::read_dir(&root).unwrap().count(), 2);
    }
}

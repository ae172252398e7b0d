//! The outputs of a job become files of the user, as objects of S3 have no owner and no mode: a
//! program of others could have left a file that runs with the rights of its owner.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::{fs, io};

use camino::Utf8Path;

use crate::tree::files_below;

/// The permissions of a stored file.
const STORED: u32 = 0o644;

/// Makes every file below a directory an ordinary file of the current user's.
///
/// # Errors
///
/// Fails where a file cannot be read or changed.
pub fn take(directory: &Utf8Path) -> io::Result<()> {
    let user = rustix::process::geteuid().as_raw();
    for file in files_below(directory)? {
        let metadata = fs_err::symlink_metadata(&file.path)?;
        if metadata.uid() == user && metadata.nlink() == 1 {
            if metadata.permissions().mode() & 0o7777 != STORED {
                fs_err::set_permissions(&file.path, fs::Permissions::from_mode(STORED))?;
            }
        } else {
            // A file of another owner, or one that has another name elsewhere: the copy is neither.
            let mut source = fs_err::File::open(&file.path)?;
            common::write_with(&file.path, |out| io::copy(&mut source, out).map(|_| ()))
                .map_err(io::Error::other)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lose_their_modes_and_their_other_names() {
        let place = tempfile::tempdir().unwrap();
        let place = Utf8Path::from_path(place.path()).unwrap();
        let write = |name: &str, mode: u32| {
            let path = place.join(name);
            common::write_file(&path, name.as_bytes()).unwrap();
            fs_err::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let mode =
            |name: &str| fs_err::metadata(place.join(name)).unwrap().permissions().mode() & 0o7777;
        write("out/a/set-uid", 0o6755);
        write("out/unreadable", 0o000);
        write("own", 0o600);
        fs_err::hard_link(place.join("own"), place.join("out/linked")).unwrap();
        take(&place.join("out")).unwrap();
        for name in ["out/a/set-uid", "out/unreadable", "out/linked"] {
            assert_eq!(mode(name), STORED, "{name}");
        }
        assert_eq!(mode("own"), 0o600, "the user's own file is as it was");
        assert_eq!(fs_err::metadata(place.join("out/linked")).unwrap().nlink(), 1);
        assert_eq!(fs_err::read_to_string(place.join("out/linked")).unwrap(), "own");
    }
}

//! Files as opposed to pipes, devices and sockets of the same name, and copies of files.

use std::fs::{File, FileType};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileTypeExt;

use camino::Utf8Path;
use fs_err::os::unix::fs::OpenOptionsExt;
use rustix::fs::OFlags;

use crate::Sha256Reader;
use crate::files::{read_all, too_large};

/// Returns what something in a directory is, with its article: `a file`, `a named pipe`.
pub fn kind_of(kind: FileType) -> &'static str {
    if kind.is_file() {
        "a file"
    } else if kind.is_dir() {
        "a directory"
    } else if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// Opens a file to read it. Anything else of that name is an error that says what it is: whoever opens a named
/// pipe waits until somebody writes into it.
///
/// # Errors
///
/// Fails where there is no file, and where it cannot be opened.
pub fn open_regular(path: &Utf8Path) -> io::Result<fs_err::File> {
    let check = |kind: FileType| {
        if kind.is_file() {
            return Ok(());
        }
        let found = kind_of(kind);
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{path} is {found}, expected a file"),
        ))
    };
    // To open a device may already set it to work. Opening what is not there says so.
    if let Ok(about) = path.metadata() {
        check(about.file_type())?;
    }
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = fs_err::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    check(file.metadata()?.file_type())?;
    Ok(file)
}

/// Reads a file of at most `limit` bytes that [`open_regular`] opens.
///
/// # Errors
///
/// Fails as that does, if the file has more bytes, and where it cannot be read.
pub fn read_regular(path: &Utf8Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = open_regular(path)?;
    if file.metadata()?.len() > limit {
        return Err(too_large(path, limit));
    }
    read_all(path, file, limit)
}

/// Copies a file into an empty one, which is open for reading, too, and returns the SHA-256 of the copy. Where the file
/// system can do so, the copy takes no space until one of the two files changes; the other one stays as it is.
///
/// # Errors
///
/// Fails where a file cannot be read or written.
pub fn copy_file(source: &File, empty: &File) -> io::Result<String> {
    if shares_blocks(empty, source) {
        return Sha256Reader::new(empty).digest_to_end();
    }
    let mut source = Sha256Reader::new(source);
    let mut target = BufWriter::with_capacity(1 << 16, empty);
    io::copy(&mut source, &mut target)?;
    target.flush()?;
    Ok(source.digest())
}

/// Makes an empty file share the blocks of another one. Most file systems cannot do so, nor can two of them.
#[cfg(target_os = "linux")]
fn shares_blocks(empty: &File, source: &File) -> bool {
    rustix::fs::ioctl_ficlone(empty, source).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn shares_blocks(_: &File, _: &File) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::io::Seek;

    use camino::Utf8PathBuf;

    use super::*;
    use crate::LARGEST_FILE;

    #[test]
    fn a_pipe_is_refused_and_nobody_waits() {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(directory.path().join("package.json")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let refusal = |path: &Utf8Path| read_regular(path, 9).unwrap_err().to_string();
        assert_eq!(refusal(&path), format!("{path} is a named pipe, expected a file"));
        let null = Utf8Path::new("/dev/null");
        assert_eq!(refusal(null), "/dev/null is a device, expected a file");
        let here = path.parent().unwrap();
        assert_eq!(refusal(here), format!("{here} is a directory, expected a file"));
        fs_err::write(here.join("text"), "text").unwrap();
        std::os::unix::fs::symlink("text", here.join("link")).unwrap();
        assert_eq!(read_regular(&here.join("link"), 4).unwrap(), b"text");
    }

    #[test]
    fn a_file_that_does_not_fit_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(directory.path().join("model.tar.gz")).unwrap();
        // It takes no space, as nothing is written into it.
        fs_err::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let refused = read_regular(&path, LARGEST_FILE).unwrap_err().to_string();
        assert_eq!(refused, format!("{path} has more than 4294967296 bytes"));
    }

    #[test]
    fn a_copy_keeps_its_contents_when_the_file_changes() {
        let mut source = tempfile::tempfile().unwrap();
        source.write_all(b"1,2").unwrap();
        source.rewind().unwrap();
        let mut copy = tempfile::tempfile().unwrap();
        assert_eq!(copy_file(&source, &copy).unwrap(), crate::sha256_hex("1,2"));
        source.rewind().unwrap();
        source.write_all(b"3").unwrap();
        copy.rewind().unwrap();
        assert_eq!(io::read_to_string(copy).unwrap(), "1,2");
    }
}

//! Tells what a file is by its first bytes, never by its name.

use std::io::{self, Read, Seek};

use zip::ZipArchive;

use crate::source::is_zip;
use crate::table_error::TableError;

/// The number of bytes that tell.
pub(crate) const MAGIC_BYTES: u64 = 8;
/// The first bytes of a file with files in it, as programs of before 2007 wrote their documents, and
/// those of today write encrypted ones.
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// The name that says so in an encrypted document, in UTF-16.
const ENCRYPTED: &[u8] = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0";
/// What the first file of an OpenDocument spreadsheet says.
const OPEN_DOCUMENT: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    /// Text, which may be compressed and in any encoding.
    Text,
    Parquet,
    /// A ZIP archive of files.
    Archive,
    /// A workbook of Excel 2007 and later: XML or binary records in a ZIP archive.
    Workbook {
        is_binary: bool,
    },
    /// A file that is recognised in order to be refused: its name.
    Refused(&'static str),
}

impl Container {
    /// Looks at a file and rewinds it.
    ///
    /// # Errors
    /// Returns an I/O error.
    pub(crate) fn of(mut input: impl Read + Seek) -> io::Result<Self> {
        let mut magic = Vec::new();
        (&mut input).take(MAGIC_BYTES).read_to_end(&mut magic)?;
        let container = if is_zip(&magic) {
            input.rewind()?;
            Self::of_zip(&mut input)
        } else if magic.starts_with(b"PAR1") {
            Self::Parquet
        } else if magic.starts_with(COMPOUND) {
            let is_encrypted = contains(&mut input, ENCRYPTED)?;
            Self::Refused(if is_encrypted {
                "an encrypted Excel workbook, expected one without a password"
            } else {
                "a document of before 2007, such as an Excel workbook (.xls), expected .xlsx or text"
            })
        } else {
            Self::Text
        };
        input.rewind()?;
        Ok(container)
    }

    /// Returns whether a file that begins so must be read with seeking.
    pub(crate) fn needs_seeking(begin: &[u8]) -> bool {
        is_zip(begin) || begin.starts_with(b"PAR1") || begin.starts_with(COMPOUND)
    }

    /// Tells a workbook from an archive by the files in it.
    fn of_zip(input: impl Read + Seek) -> Self {
        // What is wrong with the archive is said when it is read.
        let Ok(mut archive) = ZipArchive::new(input) else { return Self::Archive };
        let has = |name: &str| archive.index_for_name(name).is_some();
        if has("[Content_Types].xml") {
            let mut names = archive.file_names().filter_map(Result::ok);
            let mut has_one_of = |begins: [&str; 2]| {
                names.any(|name| begins.iter().any(|begin| name.starts_with(begin)))
            };
            if has("xl/workbook.bin") {
                return Self::Workbook { is_binary: true };
            }
            if has_one_of(["xl/workbook", "xl/worksheets/"]) {
                return Self::Workbook { is_binary: false };
            }
        }
        let mut kind = Vec::new();
        if let Ok(entry) = archive.by_name("mimetype") {
            // An archive that cannot be read is none of these.
            let _ = entry.take(OPEN_DOCUMENT.len() as u64).read_to_end(&mut kind);
        }
        if kind == OPEN_DOCUMENT {
            return Self::Refused("an OpenDocument spreadsheet (.ods), expected .xlsx or text");
        }
        Self::Archive
    }
}

/// Returns the error of a file that is recognised and not read.
pub(crate) fn refused(file: &str, name: &str) -> TableError {
    let message = format!("it is {name}");
    TableError::unreadable(file, io::Error::new(io::ErrorKind::Unsupported, message))
}

/// Returns whether what is left of the input has these bytes.
fn contains(mut input: impl Read, bytes: &[u8]) -> io::Result<bool> {
    let mut window = Vec::new();
    loop {
        let read = (&mut input).take(1 << 16).read_to_end(&mut window)?;
        if memchr::memmem::find(&window, bytes).is_some() {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        window.drain(..window.len().saturating_sub(bytes.len()));
    }
}

//! Reads the files of a ZIP archive, one after another.

use std::io::{Cursor, Read, Seek};

use zip::ZipArchive;

use crate::container::{Container, MAGIC_BYTES};
use crate::table_error::TableError;

/// The maximum length of a Parquet file or a workbook in a ZIP archive, which is read into memory.
const MAX_ENTRY_BYTES: u64 = 2 << 30;

/// A file of an archive.
pub(crate) enum Entry<'a> {
    /// Text, which is read as it is decompressed.
    Text(Box<dyn Read + 'a>),
    /// A file of another format, which needs all of its bytes.
    Container(Container, Vec<u8>),
}

/// Passes each file to `take` with its name, which begins with that of the archive.
///
/// # Errors
/// Returns the first error of `take`, or one of the archive itself, which may have no file.
pub(crate) fn read(
    file: &str,
    input: impl Read + Seek,
    mut take: impl FnMut(&str, Entry<'_>) -> Result<(), TableError>,
) -> Result<(), TableError> {
    let zip_error = |source| TableError::Zip { file: file.to_owned(), source: Box::new(source) };
    let mut archive = ZipArchive::new(input).map_err(zip_error)?;
    let mut is_empty = true;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(zip_error)?;
        let name = entry.name().map_err(zip_error)?.into_owned();
        // Archivers of one system leave files of their own.
        let is_hidden = name.split('/').any(|part| part.starts_with(['.', '_']));
        if entry.is_dir() || is_hidden {
            continue;
        }
        is_empty = false;
        let name = format!("{file}/{name}");
        let unreadable = |source| TableError::unreadable(&name, source);
        let mut begin = Vec::new();
        (&mut entry).take(MAGIC_BYTES).read_to_end(&mut begin).map_err(unreadable)?;
        let needs_seeking = Container::needs_seeking(&begin);
        let mut whole = Cursor::new(begin).chain(entry);
        if !needs_seeking {
            take(&name, Entry::Text(Box::new(whole)))?;
            continue;
        }
        let mut bytes = Vec::new();
        (&mut whole).take(MAX_ENTRY_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_ENTRY_BYTES {
            let reason = format!("it has more than {MAX_ENTRY_BYTES} bytes; unpack the archive");
            return Err(TableError::Container {
                file: name,
                format: "a part of an archive",
                reason,
            });
        }
        let container = Container::of(Cursor::new(&bytes)).map_err(unreadable)?;
        take(&name, Entry::Container(container, bytes))?;
    }
    if is_empty {
        return Err(TableError::EmptyZip { file: file.to_owned() });
    }
    Ok(())
}

//! Reads `model.tar.gz`, whose bytes are untrusted.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Component, Path};

use flate2::read::GzDecoder;
use tar::EntryType;

/// The maximum number of unpacked bytes for each byte of the archive. The unpacked files are held
/// in memory. A forest compresses by a factor of 3 to 5, a decompression bomb by a factor of 1,000.
const MAX_RATIO: u64 = 20;
/// The number of unpacked bytes allowed in addition to [`MAX_RATIO`], so that small archives are
/// not refused because of their headers.
const EXTRA_BYTES: u64 = 1 << 20;
/// The maximum number of unpacked bytes of any archive, unless the caller has another limit: 4 GB.
pub const MAX_UNPACKED: u64 = 4 << 30;
/// The maximum number of entries of any type.
const MAX_ENTRIES: usize = 1_000;

/// The reason for which an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The bytes are not a gzipped tar archive, or are damaged.
    #[error("the archive is not a gzipped tar, or is damaged")]
    Unreadable(#[source] io::Error),
    /// The path of an entry leads out of the archive.
    #[error("the archive has the path `{0}`, expected one inside it")]
    Escape(String),
    /// An entry is neither a file nor a directory.
    #[error("the archive has `{path}`, which is {kind}, expected files and directories")]
    Kind {
        /// The path of the entry.
        path: String,
        /// The type of the entry.
        kind: &'static str,
    },
    /// Two entries have the same path.
    #[error("the archive has `{0}` twice")]
    Twice(String),
    /// The archive is a decompression bomb.
    #[error("the archive unpacks to more than {limit} bytes, {MAX_RATIO} for each of its own")]
    Bomb {
        /// The maximum number of unpacked bytes.
        limit: u64,
    },
    /// The archive unpacks to more than the caller allows.
    #[error("the archive unpacks to more than {most} bytes, the most that a model may have here")]
    TooLarge {
        /// The maximum number of unpacked bytes.
        most: u64,
    },
    /// The archive has too many entries.
    #[error("the archive has more than {MAX_ENTRIES} entries")]
    TooMany,
}

/// Reads the files of an archive of `length` bytes into memory, by name; nothing is written to
/// disk. Only `wanted` files have contents. The other entries are checked as well: each must be a
/// regular file or a directory inside the archive. All of them have at most `most` bytes together.
pub(crate) fn read(
    archive: impl Read,
    length: u64,
    most: u64,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
    let limit = length.saturating_mul(MAX_RATIO).saturating_add(EXTRA_BYTES);
    // One byte more tells an archive of just so many bytes from a larger one.
    let mut unpacked = GzDecoder::new(archive).take(limit.min(most.saturating_add(1)));
    let result = entries(&mut unpacked, wanted);
    // The checksum follows the last byte, so the whole archive is unpacked.
    let rest = io::copy(&mut unpacked, &mut io::sink());
    if unpacked.limit() == 0 {
        return Err(if most < limit {
            ArchiveError::TooLarge { most }
        } else {
            ArchiveError::Bomb { limit }
        });
    }
    let files = result?;
    rest.map_err(ArchiveError::Unreadable)?;
    Ok(files)
}

fn entries(
    unpacked: impl Read,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(unpacked);
    for (index, entry) in archive.entries().map_err(ArchiveError::Unreadable)?.enumerate() {
        if index == MAX_ENTRIES {
            return Err(ArchiveError::TooMany);
        }
        let mut entry = entry.map_err(ArchiveError::Unreadable)?;
        let shown = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let is_file = match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => true,
            EntryType::Directory | EntryType::XGlobalHeader => false,
            other => return Err(ArchiveError::Kind { path: shown, kind: describe(other) }),
        };
        let name = normalize(&shown).ok_or_else(|| ArchiveError::Escape(shown.clone()))?;
        if !is_file {
            continue;
        }
        let mut content = Vec::new();
        if wanted(&name) {
            entry.read_to_end(&mut content).map_err(ArchiveError::Unreadable)?;
        }
        if files.insert(name.clone(), content).is_some() {
            return Err(ArchiveError::Twice(name));
        }
    }
    Ok(files)
}

fn describe(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Symlink => "a symbolic link",
        EntryType::Link => "a hard link",
        EntryType::GNUSparse => "a sparse file",
        _ => "a device or a pipe",
    }
}

/// Returns the path without `.` components, or `None` if it leads out of the archive.
fn normalize(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

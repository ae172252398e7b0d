//! Reading `model.tar.gz`, which may come from anywhere.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Component, Path};

use flate2::read::GzDecoder;
use tar::EntryType;

/// What unpacking may give for each byte of the archive. A forest packs three to five times; a bomb
/// a thousand times, and what it unpacks to is held in memory.
const MOST_PER_BYTE: u64 = 20;
/// And besides, so that small archives are not refused for their headers.
const MOST_BESIDES: u64 = 1 << 20;
/// The most entries, whatever they are.
const MOST_ENTRIES: usize = 1_000;

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// No gzipped tar, or a damaged one.
    #[error("the archive is not a gzipped tar, or is damaged")]
    Unreadable(#[source] io::Error),
    /// A path that leaves the archive.
    #[error("the archive has the path `{0}`, expected one inside it")]
    Escape(String),
    /// A link, a device and the like.
    #[error("the archive has `{path}`, which is {kind}, expected files and directories")]
    Kind {
        /// The entry.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// One file twice.
    #[error("the archive has `{0}` twice")]
    Twice(String),
    /// A bomb.
    #[error("the archive unpacks to more than {limit} bytes, {MOST_PER_BYTE} for each of its own")]
    Bomb {
        /// The most that it may.
        limit: u64,
    },
    /// Very many entries.
    #[error("the archive has more than {MOST_ENTRIES} entries")]
    TooMany,
}

/// The files of an archive of `length` bytes by name, in memory: nothing is ever written. Only those
/// that are `wanted` have contents; the others, too, must be plain files inside.
pub(crate) fn read(
    archive: impl Read,
    length: u64,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
    let limit = length.saturating_mul(MOST_PER_BYTE).saturating_add(MOST_BESIDES);
    let mut unpacked = GzDecoder::new(archive).take(limit);
    let result = entries(&mut unpacked, wanted);
    // The checksum stands behind the last byte, so everything is unpacked, wanted or not.
    let rest = io::copy(&mut unpacked, &mut io::sink());
    if unpacked.limit() == 0 {
        return Err(ArchiveError::Bomb { limit });
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
        if index == MOST_ENTRIES {
            return Err(ArchiveError::TooMany);
        }
        let mut entry = entry.map_err(ArchiveError::Unreadable)?;
        let shown = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let is_file = match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => true,
            EntryType::Directory | EntryType::XGlobalHeader => false,
            other => return Err(ArchiveError::Kind { path: shown, kind: kind(other) }),
        };
        let name = inside(&shown).ok_or_else(|| ArchiveError::Escape(shown.clone()))?;
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

fn kind(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Symlink => "a symbolic link",
        EntryType::Link => "a hard link",
        EntryType::GNUSparse => "a sparse file",
        _ => "a device or a pipe",
    }
}

/// The path without `.` parts; none where it leads out of the archive.
fn inside(path: &str) -> Option<String> {
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

//! JSON with a format version.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Why a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is not JSON, or not in its shape.
    #[error("{name} is not in its format")]
    Malformed {
        /// Which document.
        name: &'static str,
        /// Where it departs from that.
        source: serde_json::Error,
    },
    /// It was written by another version of this program.
    #[error("{name} has format version {found}, expected {expected}")]
    Version {
        /// Which document.
        name: &'static str,
        /// Its version.
        found: u32,
        /// The one that this program reads.
        expected: u32,
    },
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    format_version: u32,
    #[serde(flatten)]
    content: &'a T,
}

#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

/// The document's bytes, a line each for what is easily compared.
pub(crate) fn write<T: Serialize>(
    name: &'static str,
    format_version: u32,
    content: &T,
) -> Result<Vec<u8>, DocumentError> {
    let mut bytes = serde_json::to_vec_pretty(&Versioned { format_version, content })
        .map_err(|source| DocumentError::Malformed { name, source })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads the version first: another one explains better than its consequences do.
pub(crate) fn read<T: DeserializeOwned>(
    name: &'static str,
    expected: u32,
    bytes: &[u8],
) -> Result<T, DocumentError> {
    let malformed = |source| DocumentError::Malformed { name, source };
    let Version { format_version: found } = serde_json::from_slice(bytes).map_err(malformed)?;
    if found != expected {
        return Err(DocumentError::Version { name, found, expected });
    }
    serde_json::from_slice(bytes).map_err(malformed)
}

//! JSON documents with a format version.

use std::ops::RangeInclusive;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The reason for which a document cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The bytes are not JSON, or do not have the fields of the document.
    #[error("{name} is not in its format")]
    Malformed {
        /// The document.
        name: &'static str,
        /// The position of the fault and what was expected there.
        source: serde_json::Error,
    },
    /// The document has another format version.
    #[error("{name} has format version {found}, expected {expected}")]
    Version {
        /// The document.
        name: &'static str,
        /// The version of the document.
        found: u32,
        /// The versions that this program reads: `1 or 2`.
        expected: String,
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

/// Serializes a document as indented JSON, one value a line, so that two documents can be compared
/// with `diff`.
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

/// Reads a document of one of these versions. The version is checked first: a mismatch explains more
/// than the missing fields that follow from it.
pub(crate) fn read<T: DeserializeOwned>(
    name: &'static str,
    versions: RangeInclusive<u32>,
    bytes: &[u8],
) -> Result<T, DocumentError> {
    let malformed = |source| DocumentError::Malformed { name, source };
    let Version { format_version: found } = common::json::from_slice(bytes).map_err(malformed)?;
    if !versions.contains(&found) {
        let all: Vec<String> = versions.map(|version| version.to_string()).collect();
        return Err(DocumentError::Version { name, found, expected: all.join(" or ") });
    }
    common::json::from_slice(bytes).map_err(malformed)
}

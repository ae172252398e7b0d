//! Errors of registries and of their documents.

use std::io;

use camino::Utf8PathBuf;

/// An operation of a registry failed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// SageMaker's API would refuse a field. No request was sent.
    #[error("{field} is {}, expected {expected}", quoted(.found))]
    Limit {
        /// The field.
        field: String,
        /// The field's value.
        found: String,
        /// A description of valid values.
        expected: &'static str,
    },
    /// The group of a new version does not exist.
    #[error("model package group `{group}` does not exist")]
    NoGroup {
        /// The group's name.
        group: String,
    },
    /// The version does not exist.
    #[error("model package {arn} does not exist")]
    NoVersion {
        /// The version's ARN.
        arn: String,
    },
    /// A directory registry cannot be read or written.
    #[error("model registry {path} cannot be used")]
    Directory {
        /// The registry's directory.
        path: Utf8PathBuf,
        /// The operating system's reason, with the path of the file.
        source: io::Error,
    },
    /// A file of a directory registry was not written by this program.
    #[error("{path} in the model registry cannot be used")]
    Document {
        /// The file.
        path: Utf8PathBuf,
        /// The reason.
        source: DocumentError,
    },
    /// The AWS configuration has no region or yields no credentials.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Connect(#[from] aws::ConnectError),
    /// AWS refused a call or cannot be reached.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Call(#[from] aws::CallError),
    /// SageMaker's description of a version lacks a field that every version has.
    #[cfg(feature = "aws")]
    #[error("SageMaker described model package {arn} without {field}")]
    Incomplete {
        /// The version's ARN, or the name of its group.
        arn: String,
        /// The missing field, in the API's spelling.
        field: &'static str,
    },
}

impl RegistryError {
    /// Returns whether AWS refused a call or cannot be reached.
    pub fn is_of_aws(&self) -> bool {
        #[cfg(feature = "aws")]
        let is_of_aws = matches!(self, Self::Connect(_) | Self::Call(_));
        #[cfg(not(feature = "aws"))]
        let is_of_aws = false;
        is_of_aws
    }
}

/// Quotes a value, cut after 80 characters.
fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}...` ({} characters)", &text[..end], text.chars().count()),
        None => format!("`{text}`"),
    }
}

/// A document is not a model package.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The document is not JSON, or lacks a field.
    #[error("is not a model package")]
    Json(#[source] serde_json::Error),
    /// The document has a format version that this program does not know.
    #[error("has format version {found}, expected {expected}")]
    Version {
        /// The document's format version.
        found: u32,
        /// The format version that this program writes.
        expected: u32,
    },
    /// The document is not what was written.
    #[error(transparent)]
    Changed(io::Error),
    /// The document is a copy of another version's.
    #[error("describes {found}, expected {expected}")]
    Misplaced {
        /// The version, group and ARN in the document.
        found: String,
        /// The ARN that belongs to its path.
        expected: String,
    },
}

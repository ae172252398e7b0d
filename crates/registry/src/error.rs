//! Why a registry did not do as asked.

use std::io;

use camino::Utf8PathBuf;

use crate::package::DocumentError;

/// Why a registry did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A field that SageMaker's API would refuse; nothing was asked of the registry.
    #[error("{field} is {}, expected {expected}", quoted(.found))]
    Limit {
        /// Which one.
        field: String,
        /// Its value.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The group of a new version does not exist.
    #[error("model package group `{group}` does not exist")]
    NoGroup {
        /// Its name.
        group: String,
    },
    /// The version does not exist.
    #[error("model package {arn} does not exist")]
    NoVersion {
        /// What was asked for.
        arn: String,
    },
    /// A directory registry that cannot be read or written.
    #[error("model registry {path} cannot be used")]
    Directory {
        /// The registry's directory.
        path: Utf8PathBuf,
        /// Names the file.
        source: io::Error,
    },
    /// A file of a directory registry that this program did not write.
    #[error("{path} in the model registry cannot be used")]
    Document {
        /// The file.
        path: Utf8PathBuf,
        /// What is wrong with it.
        source: DocumentError,
    },
    /// AWS cannot be reached from here.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Connect(#[from] aws::ConnectError),
    /// AWS did not do as asked.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Call(#[from] aws::CallError),
    /// AWS described a version and left out what every version has.
    #[cfg(feature = "aws")]
    #[error("SageMaker described model package {arn} without {field}")]
    Incomplete {
        /// What was asked for.
        arn: String,
        /// What is missing, as the API names it.
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

/// The value, or enough of it to know it by.
fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}...` ({} characters)", &text[..end], text.chars().count()),
        None => format!("`{text}`"),
    }
}

//! The error of the server as a whole.

use std::io;
use std::net::SocketAddr;

use camino::Utf8PathBuf;
use common::{Exit, Failure};
use config::steps::StepError;
use container::ContainerError;
use inference::{BundleError, ExplainError, RecordsError};

/// The reason why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A setting is invalid.
    #[error(transparent)]
    Settings(#[from] StepError),
    /// What the platform says is invalid.
    #[error(transparent)]
    Platform(#[from] ContainerError),
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] LoadError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address and port.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// A thread cannot be started.
    #[error("cannot start a thread that answers requests")]
    Worker(#[source] io::Error),
}

impl Failure for ServeError {
    fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) | Self::Platform(_) => Exit::Usage,
            Self::Model(_) => Exit::Data,
            Self::Listen { .. } | Self::Worker(_) => Exit::Failed,
        }
    }
}

/// The reason why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The directory or a file in it cannot be read.
    #[error("the model cannot be read")]
    Unreadable(#[source] io::Error),
    /// A part of the model is no file.
    #[error("the model cannot be read: {path} is not a file")]
    NoFile {
        /// What is there.
        path: Utf8PathBuf,
    },
    /// The directory has no model.
    #[error("{directory} has no model; it has: {found}")]
    Nothing {
        /// The directory.
        directory: Utf8PathBuf,
        /// The files that are there.
        found: String,
    },
    /// The files are not a model.
    #[error("{path} cannot be used")]
    Bundle {
        /// The directory or archive.
        path: Utf8PathBuf,
        /// The cause.
        source: BundleError,
    },
    /// The columns of CSV without a line of names cannot be those.
    #[error("SERVE_CSV_COLUMNS cannot be used")]
    Columns(#[source] RecordsError),
    /// The model does not score a row.
    #[error("the model does not score a row without readings: {0}")]
    Probe(String),
    /// The model cannot explain its answers, as the settings want.
    #[error("answers cannot be explained, as SERVE_EXPLAIN wants")]
    Explain(#[source] ExplainError),
}

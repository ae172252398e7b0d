//! The error of a command, and the exit code that it means.

use std::io;
use std::process::ExitStatus;

use camino::Utf8PathBuf;
use common::{Exit, FileError};
use config::ConfigError;
use inference::{BundleError, InferenceError};
use local::{ResumeError, StageError, StoreError};
use profile::ProfileError;
use registry::RegistryError;

#[cfg(feature = "aws")]
use crate::sagemaker_error::SageMakerError;

/// The reason why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(io::Error),
    /// The settings are wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file does not hold a definition.
    #[error("{file}")]
    Definition {
        /// The file.
        file: Utf8PathBuf,
        /// The position in the file and the reason.
        source: pipeline::DefinitionError,
    },
    /// The arguments are wrong or contradict each other.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
    /// A table has no profile.
    #[error(transparent)]
    Profile(ProfileError),
    /// A file is no model.
    #[error("{path} is no model")]
    Model {
        /// The file.
        path: String,
        /// The reason.
        source: BundleError,
    },
    /// The model of a version cannot be read.
    #[error("the model of {version} is at {uri}, which cannot be read")]
    UnreadableModel {
        /// The version.
        version: String,
        /// The address of its model.
        uri: String,
        /// Why it cannot be read.
        source: Box<CommandError>,
    },
    /// The model or the report of a version has been replaced.
    #[error(
        "{uri} has the SHA-256 {found}, and the {what} of {version} had {recorded} when it was {}",
        if *what == "model" { "evaluated" } else { "registered" }
    )]
    Replaced {
        /// Which of them.
        what: &'static str,
        /// The version.
        version: String,
        /// The address of its model or report.
        uri: String,
        /// The digest of what is there.
        found: String,
        /// The digest that the version records.
        recorded: String,
    },
    /// Rows have no answers.
    #[error(transparent)]
    Inference(InferenceError),
    /// Standard output cannot be written.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// An execution cannot be started.
    #[error("cannot begin an execution")]
    Begin(#[source] io::Error),
    /// A directory of runs cannot be cleaned.
    #[error("cannot clean {runs}")]
    Clean {
        /// The directory.
        runs: Utf8PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The server of a model failed; it has said why.
    #[error("the server has failed: {0}")]
    Server(ExitStatus),
    /// The local object store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The input cannot be copied into the local object store.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// An execution cannot be resumed.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// A model registry refused or failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// An operation on SageMaker failed.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    SageMaker(#[from] SageMakerError),
}

impl CommandError {
    /// Returns the exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Read(_) | Self::Config(_) | Self::Definition { .. } | Self::Usage(_) => {
                Exit::Usage
            }
            Self::Profile(error) if error.is_usage() => Exit::Usage,
            Self::Profile(_) | Self::Model { .. } | Self::Replaced { .. } => Exit::Data,
            Self::UnreadableModel { source, .. } => match &**source {
                Self::Read(_) | Self::Store(_) => Exit::Data,
                source => source.exit(),
            },
            Self::Inference(InferenceError::Output(_) | InferenceError::Model(_)) => Exit::Failed,
            Self::Inference(_) => Exit::Data,
            Self::Stage(error) => match error {
                StageError::Input { .. } | StageError::Entry(_) => Exit::Data,
                StageError::Read(_) => Exit::Usage,
                StageError::Store(_) => Exit::Failed,
            },
            Self::Resume(ResumeError::Store(_)) => Exit::Failed,
            Self::Resume(_) => Exit::Usage,
            Self::Registry(error) => registry_exit(error),
            #[cfg(feature = "aws")]
            Self::SageMaker(error) => error.exit(),
            // The server's codes are those of every program.
            Self::Server(status) => match status.code() {
                Some(code) if code == Exit::Usage as i32 => Exit::Usage,
                Some(code) if code == Exit::Data as i32 => Exit::Data,
                _ => Exit::Failed,
            },
            Self::Write(_)
            | Self::Output(_)
            | Self::Begin(_)
            | Self::Clean { .. }
            | Self::Store(_) => Exit::Failed,
        }
    }
}

/// Returns the exit code of an error of a registry, here or on SageMaker: a group or version that does not exist
/// was wrongly named.
fn registry_exit(error: &RegistryError) -> Exit {
    use RegistryError::{Directory, Document, Limit, NoGroup, NoVersion};
    if matches!(error, NoGroup { .. } | NoVersion { .. } | Limit { .. }) {
        Exit::Usage
    } else if matches!(error, Directory { .. } | Document { .. }) {
        Exit::Failed
    } else {
        Exit::Aws
    }
}

#[cfg(feature = "aws")]
impl From<cloud::CloudError> for CommandError {
    fn from(error: cloud::CloudError) -> Self {
        Self::SageMaker(error.into())
    }
}

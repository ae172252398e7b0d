//! Why a model was not registered.

use std::time::Duration;

use camino::Utf8PathBuf;
use common::{Exit, Failure, FileError};
use config::steps::StepError;
use registry::{DocumentError, RegistryError};

/// Why a model was not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The step was told something it cannot use.
    #[error(transparent)]
    Settings(#[from] StepError),
    /// A file of the evaluation cannot be read.
    #[error("cannot read the evaluation")]
    Unreadable(#[source] std::io::Error),
    /// A file of the evaluation is not JSON.
    #[error("{path} is not JSON")]
    NotJson {
        /// Which one.
        path: Utf8PathBuf,
        /// Where it departs from that.
        source: serde_json::Error,
    },
    /// What a version is registered with is missing from the evaluation, or is of no use.
    #[error("{path} has {}", faults.join("; "))]
    Evaluation {
        /// The file.
        path: Utf8PathBuf,
        /// One for each field: its name, what was found and what was expected.
        faults: Vec<String>,
    },
    /// This program was built without SageMaker's registry, and no other was named.
    #[cfg(not(feature = "aws"))]
    #[error(
        "there is no model registry: set MODEL_REGISTRY_DIRECTORY to a directory, or build \
         register with its feature `aws` to use SageMaker's"
    )]
    NoRegistry,
    /// The registry did not do as asked.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The version was registered, and then something was found to be wrong with it.
    #[error("model package {arn} failed: {reason}")]
    Failed {
        /// The version.
        arn: String,
        /// In the registry's words.
        reason: String,
    },
    /// The version did not become complete in time.
    #[error("model package {arn} is still {status} after {} s, expected Completed", .waited.as_secs())]
    Unfinished {
        /// The version.
        arn: String,
        /// How far the registry is with it.
        status: String,
        /// How long that took.
        waited: Duration,
    },
    /// The job was asked to stop.
    #[error("stopped while waiting for model package {arn}, which is registered and is {status}")]
    Stopped {
        /// The version.
        arn: String,
        /// How far the registry is with it.
        status: String,
    },
    /// The version cannot be written down.
    #[error("the registered model package")]
    Document(#[from] DocumentError),
    /// The output cannot be written.
    #[error(transparent)]
    Output(#[from] FileError),
}

impl Failure for RegisterError {
    fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) => Exit::Usage,
            #[cfg(not(feature = "aws"))]
            Self::NoRegistry => Exit::Usage,
            Self::Unreadable(_) | Self::NotJson { .. } | Self::Evaluation { .. } => Exit::Data,
            Self::Registry(RegistryError::Limit { .. }) => Exit::Usage,
            #[cfg(feature = "aws")]
            Self::Registry(
                RegistryError::Connect(_)
                | RegistryError::Call(_)
                | RegistryError::Incomplete { .. },
            ) => Exit::Aws,
            Self::Registry(_) | Self::Stopped { .. } | Self::Document(_) | Self::Output(_) => {
                Exit::Failed
            }
            Self::Failed { .. } | Self::Unfinished { .. } => Exit::Aws,
        }
    }
}

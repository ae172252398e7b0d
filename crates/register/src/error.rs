//! The errors of the step.

use std::time::Duration;

use camino::Utf8PathBuf;
use common::{Exit, Failure, FileError};
use config::steps::StepError;
use registry::{DocumentError, RegistryError};

/// An error of the Register step.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Arguments or environment variables that cannot be used.
    #[error(transparent)]
    Settings(#[from] StepError),
    /// A file of the evaluation that cannot be read.
    #[error("cannot read the evaluation")]
    Unreadable(#[source] std::io::Error),
    /// A file of the evaluation that is not JSON.
    #[error("{path} is not JSON")]
    NotJson {
        /// The file.
        path: Utf8PathBuf,
        /// The parser's error.
        source: serde_json::Error,
    },
    /// Fields of the evaluation that are missing or invalid.
    #[error("{path} has {}", faults.join("; "))]
    Evaluation {
        /// The file.
        path: Utf8PathBuf,
        /// For each field its name, what was found and what was expected.
        faults: Vec<String>,
    },
    /// No registry: the program was built without SageMaker's, and no directory is configured.
    #[cfg(not(feature = "aws"))]
    #[error(
        "there is no model registry: set MODEL_REGISTRY_DIRECTORY to a directory, or build \
         register with its feature `aws` to use SageMaker's"
    )]
    NoRegistry,
    /// A local run that does not give the registry to this job.
    #[error(
        "this job does not get the model registry: MODEL_REGISTRY_DIRECTORY is empty, expected a directory; \
         `orchestrator run --register-step STEP` gives it to one step"
    )]
    NotGiven,
    /// An error of the registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A version that was registered and then failed the registry's validation.
    #[error("model package {arn} failed: {reason}")]
    Failed {
        /// The ARN of the version.
        arn: String,
        /// The registry's reason.
        reason: String,
    },
    /// A version that did not become complete before the timeout.
    #[error("model package {arn} is still {status} after {} s, expected Completed", .waited.as_secs())]
    Unfinished {
        /// The ARN of the version.
        arn: String,
        /// The last status of the version.
        status: String,
        /// The time waited.
        waited: Duration,
    },
    /// A job that was stopped while it waited.
    #[error("stopped while waiting for model package {arn}, which is registered and is {status}")]
    Stopped {
        /// The ARN of the version.
        arn: String,
        /// The last status of the version.
        status: String,
    },
    /// A version that cannot be serialized.
    #[error("cannot serialize the registered model package")]
    Document(#[from] DocumentError),
    /// An output that cannot be written.
    #[error(transparent)]
    Output(#[from] FileError),
}

impl Failure for RegisterError {
    fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) | Self::NotGiven => Exit::Usage,
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

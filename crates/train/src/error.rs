//! The errors of the step.

use std::io;

use artifacts::{BundleError, DocumentError};
use camino::Utf8PathBuf;
use common::{Exit, Failure, FileError};
use config::steps::StepError;
use container::ContainerError;
use dataset::FeatureError;
use forest::{FitError, PredictError};

/// An error of the Train step.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Hyperparameters that are invalid.
    #[error(transparent)]
    Settings(#[from] StepError),
    /// A file or channel of the container contract that is missing or malformed.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// More hosts than trees.
    #[error(
        "the job runs on {hosts} hosts, expected at most {trees}: each grows some of the trees of n_estimators"
    )]
    Hosts {
        /// The number of hosts.
        hosts: usize,
        /// The number of trees, `n_estimators`.
        trees: u32,
    },
    /// A file of a channel that cannot be read.
    #[error("cannot read a channel")]
    Channel(#[source] io::Error),
    /// A recipe that is malformed or of another format version.
    #[error("{path}")]
    Recipe {
        /// The file.
        path: Utf8PathBuf,
        /// The reason.
        source: DocumentError,
    },
    /// Training rows that cannot be read.
    #[error(transparent)]
    Rows(#[from] FeatureError),
    /// Training rows of one class only.
    #[error("{path}: all {rows} rows are of class {class}, expected both classes")]
    OneClass {
        /// The file.
        path: Utf8PathBuf,
        /// The number of rows.
        rows: usize,
        /// Their class.
        class: usize,
    },
    /// A forest that could not be fitted, or whose training was stopped.
    #[error("the forest was not trained")]
    Fit(#[from] FitError),
    /// Training rows that the forest cannot score.
    #[error("the forest was not scored")]
    Score(#[from] PredictError),
    /// A model that cannot be serialized.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Training metrics that cannot be serialized.
    #[error("cannot serialize the training metrics")]
    Metrics(#[from] serde_json::Error),
    /// An output that cannot be written.
    #[error(transparent)]
    Output(#[from] FileError),
}

impl Failure for TrainError {
    fn exit(&self) -> Exit {
        match self {
            Self::Settings(_)
            | Self::Container(_)
            | Self::Hosts { .. }
            | Self::Fit(FitError::Params(_)) => Exit::Usage,
            Self::Fit(FitError::Stopped { .. }) => Exit::Failed,
            Self::Channel(_)
            | Self::Recipe { .. }
            | Self::Rows(_)
            | Self::OneClass { .. }
            | Self::Fit(_) => Exit::Data,
            Self::Score(_) | Self::Bundle(_) | Self::Metrics(_) | Self::Output(_) => Exit::Failed,
        }
    }
}

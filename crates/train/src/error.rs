//! Why no model was trained.

use std::io;

use artifacts::{BundleError, DocumentError};
use camino::Utf8PathBuf;
use common::{Exit, Failure, FileError};
use config::steps::StepError;
use container::ContainerError;
use dataset::FeatureError;
use forest::{FitError, PredictError};

/// Why no model was trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Hyperparameters that cannot be used.
    #[error(transparent)]
    Settings(#[from] StepError),
    /// The job is not laid out as SageMaker does it.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// More hosts than can share the work.
    #[error(
        "the job runs on {hosts} hosts, expected at most {trees}: each grows some of the trees of n_estimators"
    )]
    Hosts {
        /// How many there are.
        hosts: usize,
        /// How many trees.
        trees: u32,
    },
    /// A file of a channel cannot be read.
    #[error("cannot read a channel")]
    Channel(#[source] io::Error),
    /// The recipe cannot be used.
    #[error("{path}")]
    Recipe {
        /// Where it is.
        path: Utf8PathBuf,
        /// Why.
        source: DocumentError,
    },
    /// The rows cannot be read.
    #[error(transparent)]
    Rows(#[from] FeatureError),
    /// Nothing to tell apart.
    #[error("{path}: all {rows} rows are of class {class}, expected both classes")]
    OneClass {
        /// The file.
        path: Utf8PathBuf,
        /// How many rows.
        rows: usize,
        /// Their class.
        class: usize,
    },
    /// The forest cannot be fitted, or was stopped.
    #[error("the forest was not trained")]
    Fit(#[from] FitError),
    /// The rows cannot be scored.
    #[error("the forest was not scored")]
    Score(#[from] PredictError),
    /// The model cannot be written down.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The metrics cannot be written down.
    #[error("the training metrics")]
    Metrics(#[from] serde_json::Error),
    /// An output cannot be written.
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

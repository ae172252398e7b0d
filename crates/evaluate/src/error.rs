//! Why a model was not evaluated.

use std::io;

use artifacts::{BundleError, DocumentError};
use camino::Utf8PathBuf;
use common::{Exit, Failure, FileError};
use config::steps::StepError;
use container::ContainerError;
use dataset::FeatureError;
use forest::PredictError;

/// Why a model was not evaluated.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The step was told something it cannot use.
    #[error(transparent)]
    Settings(#[from] StepError),
    /// The job is not laid out as SageMaker does it.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// Each host would report on the part of the rows that it was given.
    #[error("the job runs on {0} hosts, expected 1: the metrics are those of all test rows")]
    Hosts(usize),
    /// An input is not there.
    #[error("cannot read an input")]
    Input(#[source] io::Error),
    /// The model cannot be used.
    #[error("{path} holds no usable model")]
    Model {
        /// Where it is.
        path: Utf8PathBuf,
        /// Why.
        source: BundleError,
    },
    /// The test rows cannot be read.
    #[error(transparent)]
    Rows(#[from] FeatureError),
    /// The rows cannot be scored.
    #[error("the test rows were not scored")]
    Score(#[from] PredictError),
    /// A document cannot be written down.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// An output cannot be written.
    #[error(transparent)]
    Output(#[from] FileError),
}

impl Failure for EvaluateError {
    fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) | Self::Container(_) | Self::Hosts(_) => Exit::Usage,
            Self::Input(_) | Self::Model { .. } | Self::Rows(_) => Exit::Data,
            Self::Score(_) | Self::Document(_) | Self::Output(_) => Exit::Failed,
        }
    }
}

//! The errors of the step.

use std::io;

use artifacts::{BundleError, DocumentError};
use camino::Utf8PathBuf;
use common::{Exit, Failure, FileError};
use config::steps::StepError;
use container::ContainerError;
use dataset::FeatureError;
use forest::PredictError;

/// An error of the Evaluate step.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// Arguments that cannot be used.
    #[error(transparent)]
    Settings(#[from] StepError),
    /// A file of the container contract that is missing or malformed.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// More than one host: each would report on its own part of the rows.
    #[error("the job runs on {0} hosts, expected 1: the metrics are those of all test rows")]
    Hosts(usize),
    /// An input that cannot be read.
    #[error("cannot read an input")]
    Input(#[source] io::Error),
    /// A model that cannot be read.
    #[error("{path} holds no usable model")]
    Model {
        /// The archive.
        path: Utf8PathBuf,
        /// The reason.
        source: BundleError,
    },
    /// Test rows that cannot be read.
    #[error(transparent)]
    Rows(#[from] FeatureError),
    /// Test rows that the forest cannot score.
    #[error("the test rows were not scored")]
    Score(#[from] PredictError),
    /// A report that cannot be serialized.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// An output that cannot be written.
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

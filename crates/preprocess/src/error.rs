//! Why a table was not preprocessed.

use std::io;
use std::path::PathBuf;

use artifacts::DocumentError;
use camino::Utf8PathBuf;
use common::{Exit, Failure, FileError};
use config::steps::StepError;
use container::ContainerError;
use dataset::{RecipeError, SchemaError, SplitError, TableError};

/// Why a table was not preprocessed.
#[derive(Debug, thiserror::Error)]
pub enum PreprocessError {
    /// The step was told something it cannot use.
    #[error(transparent)]
    Settings(#[from] StepError),
    /// The columns and labels it was told.
    #[error("the columns cannot be told apart")]
    Schema(#[from] SchemaError),
    /// The job is not laid out as SageMaker does it.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// Each host would split its own part of the table.
    #[error(
        "the job runs on {0} hosts, expected 1: medians, duplicates and the split are those of the \
         whole table"
    )]
    Hosts(usize),
    /// The input cannot be read.
    #[error("cannot read the input")]
    Input(#[source] io::Error),
    /// A file that no message could name.
    #[error("the input has {}, expected names in UTF-8", .0.display())]
    Name(PathBuf),
    /// Nothing to read.
    #[error("{directory} has no CSV file; it has: {}", if .found.is_empty() { "nothing".to_owned() } else { found.join(", ") })]
    NoCsv {
        /// Where they should be.
        directory: Utf8PathBuf,
        /// What there is instead.
        found: Vec<String>,
    },
    /// The table cannot be used.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The rows cannot be divided.
    #[error("the table cannot be split")]
    Split(#[from] SplitError),
    /// The features cannot be made.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A document cannot be written down.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The summary cannot be written down.
    #[error("the summary")]
    Summary(#[from] serde_json::Error),
    /// An output cannot be written.
    #[error(transparent)]
    Output(#[from] FileError),
}

impl Failure for PreprocessError {
    fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) | Self::Schema(_) | Self::Container(_) | Self::Hosts(_) => {
                Exit::Usage
            }
            Self::Split(SplitError::TestSize(_)) => Exit::Usage,
            Self::Recipe(
                RecipeError::Expression { .. } | RecipeError::NameTaken(_) | RecipeError::Name(_),
            ) => Exit::Usage,
            Self::Input(_)
            | Self::Name(_)
            | Self::NoCsv { .. }
            | Self::Table(_)
            | Self::Split(_)
            | Self::Recipe(_) => Exit::Data,
            Self::Document(_) | Self::Summary(_) | Self::Output(_) => Exit::Failed,
        }
    }
}

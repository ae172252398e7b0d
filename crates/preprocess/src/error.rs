//! The errors of the step.

use std::io;
use std::path::PathBuf;

use artifacts::DocumentError;
use camino::Utf8PathBuf;
use common::{Exit, Failure, FileError};
use config::steps::{StepError, TableSettingsError};
use container::ContainerError;
use dataset::{RecipeError, SchemaError, SplitError, TableError};

/// An error of the Preprocess step.
#[derive(Debug, thiserror::Error)]
pub enum PreprocessError {
    /// Arguments that cannot be used.
    #[error(transparent)]
    Arguments(#[from] StepError),
    /// A file of settings that is missing or cannot be read.
    #[error("cannot read the settings of the table, the input `settings` of the job")]
    NoSettings(#[source] io::Error),
    /// A file of settings that is malformed.
    #[error("{path} does not hold the settings of a table")]
    TableSettings {
        /// The file.
        path: Utf8PathBuf,
        /// The place in the file and the reason.
        source: TableSettingsError,
    },
    /// Columns or label values that are ambiguous or contradict themselves.
    #[error("the columns cannot be used")]
    Schema(#[from] SchemaError),
    /// A file of the container contract that is missing or malformed.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// More than one host: each would split its own part of the table.
    #[error(
        "the job runs on {0} hosts, expected 1: medians, duplicates and the split are those of the \
         whole table"
    )]
    Hosts(usize),
    /// A file or directory of the input that cannot be read.
    #[error("cannot read the input")]
    Input(#[source] io::Error),
    /// A file name that is not UTF-8, so that no message could show it.
    #[error("the input has {}, expected names in UTF-8", .0.display())]
    Name(PathBuf),
    /// An input directory without a file that may be a table.
    #[error("{directory} has no table; it has: {}", if .found.is_empty() { "nothing".to_owned() } else { found.join(", ") })]
    NoTable {
        /// The input directory.
        directory: Utf8PathBuf,
        /// The hidden files in it.
        found: Vec<String>,
    },
    /// A table that cannot be read or used.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A cell that is not a number, where every column is a sensor column.
    #[error(
        "{0}; with `preprocessing.columns: all` every column holds numbers but for those in \
         `preprocessing.except`"
    )]
    NotANumber(TableError),
    /// Rows that cannot be divided into a training and a test part.
    #[error("the table cannot be split")]
    Split(#[from] SplitError),
    /// Feature expressions that are invalid or have no value.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A recipe that cannot be serialized.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A summary that cannot be serialized.
    #[error("cannot serialize the summary")]
    Summary(#[from] serde_json::Error),
    /// An output that cannot be written.
    #[error(transparent)]
    Output(#[from] FileError),
}

impl Failure for PreprocessError {
    fn exit(&self) -> Exit {
        match self {
            Self::Arguments(_)
            | Self::NoSettings(_)
            | Self::TableSettings { .. }
            | Self::Schema(_)
            | Self::Container(_)
            | Self::Hosts(_) => Exit::Usage,
            Self::Split(SplitError::TestSize(_)) => Exit::Usage,
            Self::Recipe(
                RecipeError::Expression { .. } | RecipeError::NameTaken(_) | RecipeError::Name(_),
            ) => Exit::Usage,
            Self::Input(_)
            | Self::Name(_)
            | Self::NoTable { .. }
            | Self::Table(_)
            | Self::NotANumber(_)
            | Self::Split(_)
            | Self::Recipe(_) => Exit::Data,
            Self::Document(_) | Self::Summary(_) | Self::Output(_) => Exit::Failed,
        }
    }
}

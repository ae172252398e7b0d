//! The error of answering rows.

use std::io;

use dataset::TableError;
use forest::ExplainError;

/// The reason why rows have no answers.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// A table or one of its rows cannot be read, or it lacks a column of the model.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A file has other columns than the first one, whose columns the answers are written beside.
    #[error(
        "{file} has other columns than {first} ({found} and {expected}, or in another order); the \
         answers are written beside them, so each needs an output of its own"
    )]
    OtherColumns {
        /// The file.
        file: String,
        /// The number of its columns.
        found: usize,
        /// The first file.
        first: String,
        /// The number of that one's columns.
        expected: usize,
    },
    /// There are no rows.
    #[error("there are no rows in {files}, expected some below the header")]
    NoRows {
        /// The files.
        files: String,
    },
    /// The model contradicts itself.
    #[error(transparent)]
    Model(#[from] ExplainError),
    /// The answers cannot be written.
    #[error("the answers cannot be written")]
    Output(#[source] io::Error),
}

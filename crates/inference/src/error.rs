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

//! The error of reading a raw table.

use crate::cleaning::CleaningCounts;
use crate::csv_records::CsvError;
use crate::header::HeaderError;
use crate::record::RecordError;

/// The ways in which reading a raw table fails.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A file that cannot be read as CSV.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// A file without a header.
    #[error("{file} is empty, expected a header line")]
    Empty {
        /// The file.
        file: String,
    },
    /// A header that does not have the schema's columns.
    #[error("{file} {problem}")]
    Header {
        /// The file.
        file: String,
        /// The error, which is part of the message and therefore not its source.
        problem: HeaderError,
    },
    /// Two files with different columns.
    #[error("{file} and {other} have different columns: {}", differences.join(", "))]
    DifferentColumns {
        /// The file.
        file: String,
        /// The first file.
        other: String,
        /// The columns that only one of the two files has, with the name of that file.
        differences: Vec<String>,
    },
    /// A row that cannot be parsed.
    #[error("{file}, line {line}{}{problem}", separator(problem))]
    Record {
        /// The file.
        file: String,
        /// The line on which the row begins.
        line: u64,
        /// The error, which is part of the message and therefore not its source.
        problem: RecordError,
    },
    /// More rows than a 32-bit index can tell apart.
    #[error("there are more than {} rows", u32::MAX)]
    TooManyRows,
    /// Files with a header and no rows.
    #[error("there are no rows: {} a header and nothing else", files_have(files))]
    NoRows {
        /// The files.
        files: Vec<String>,
    },
    /// No rows left after cleaning.
    #[error(
        "no rows are left of {}: {} with missing cells, {} with cells that cannot be read, {} with \
         too few or too many fields, {} duplicates{}",
        .0.rows_read, .0.dropped_missing, .0.dropped_bad_cells, .0.dropped_ragged,
        .0.dropped_duplicates, first_bad(.0)
    )]
    AllDropped(Box<CleaningCounts>),
}

/// Returns what separates the line number from the error: a column is part of the location.
fn separator(problem: &RecordError) -> &'static str {
    match problem {
        RecordError::FieldCount { .. } => ": ",
        RecordError::NotANumber { .. } | RecordError::UnknownLabel { .. } => ", ",
    }
}

fn files_have(files: &[String]) -> String {
    match files {
        [] => "no file has".to_owned(),
        [file] => format!("{file} has"),
        [first, ..] => format!("{first} and {} more have", files.len() - 1),
    }
}

fn first_bad(counts: &CleaningCounts) -> String {
    counts.first_bad.as_ref().map_or_else(String::new, |first| format!("; the first: {first}"))
}

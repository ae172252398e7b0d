//! The error of reading a raw table.

use std::{fmt, io};

use crate::categories::{MAX_VALUES, ValuesError};
use crate::cleaning::CleaningCounts;
use crate::csv_records::CsvError;
use crate::header::HeaderError;
use crate::record::RecordError;
use crate::schema::SchemaError;

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
    /// A text in which no separator finds columns.
    #[error(
        "{file} is no table: none of comma, semicolon, tab, | and blanks divides its lines into the \
         same number of fields, two at least"
    )]
    NoColumns {
        /// The file.
        file: String,
    },
    /// A text whose rows have one field more than what looks like its header.
    #[error(
        "{file}, line {line}: the row has {fields} fields, expected {} as in the header; does a decimal \
         comma divide a number?", fields - 1
    )]
    Wider {
        /// The file.
        file: String,
        /// The line of the first row.
        line: u64,
        /// The number of its fields.
        fields: usize,
    },
    /// A table that has no column of those before it.
    #[error("{file} has no column in common with {first}")]
    OtherTable {
        /// The file.
        file: String,
        /// The first table.
        first: String,
    },
    /// A header that does not have the schema's columns.
    #[error("{file} {problem}")]
    Header {
        /// The file.
        file: String,
        /// The error, which is part of the message and therefore not its source.
        problem: HeaderError,
    },
    /// A file without a sensor column, if every column is one except for some.
    #[error("{file} has no column but {others}, expected sensor columns")]
    NoSensorColumns {
        /// The file.
        file: String,
        /// The columns that are no sensor columns.
        others: String,
    },
    /// A header whose columns cannot all be sensor columns.
    #[error("{file}: the columns cannot be used; name them in `preprocessing.columns`")]
    AllColumns {
        /// The file.
        file: String,
        /// The reason.
        source: SchemaError,
    },
    /// A file with a column that the first file lacks, if every column is a sensor column.
    #[error(
        "{file} has `{column}`, which {first} lacks; with `preprocessing.columns: all` every file has \
         the same columns but for those in `preprocessing.except`"
    )]
    MoreColumns {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The first file.
        first: String,
    },
    /// A column in different units in two files, where the schema does not declare one.
    #[error(
        "column `{column}` is in {unit} in {file} and in {other_unit} in {other}; declare its \
         `unit`, and both are converted to it"
    )]
    DifferentUnits {
        /// The column.
        column: String,
        /// The file.
        file: String,
        /// The unit in the file's header.
        unit: String,
        /// The earlier file.
        other: String,
        /// The unit in its header.
        other_unit: String,
    },
    /// A number with two meanings, by what the first rows show of the file.
    #[error(
        "{place}: `{text}` is {meanings}; the setting `preprocessing.format.decimal` says which"
    )]
    TwoMeanings {
        /// The file, the line and the column.
        place: String,
        /// The cell.
        text: String,
        /// The numbers that it may be.
        meanings: String,
    },
    /// A date that can be read with the day first and with the month first.
    #[error(
        "{place}: `{text}` may have the day or the month first; the setting \
         `preprocessing.format.day_first` says which"
    )]
    TwoDates {
        /// The file, the line and the column.
        place: String,
        /// The cell.
        text: String,
    },
    /// An archive that cannot be read.
    #[error("{file} cannot be read as a ZIP archive")]
    Zip {
        /// The file.
        file: String,
        /// The cause.
        source: Box<zip::result::ZipError>,
    },
    /// An archive without a file.
    #[error("{file} is a ZIP archive without a file, expected a table in it")]
    EmptyZip {
        /// The file.
        file: String,
    },
    /// Several files, none of which is a table with the schema's columns.
    #[error("no file is a table with these columns: {}", reasons.join("; "))]
    NoTable {
        /// Each file, with the reason.
        reasons: Vec<String>,
    },
    /// A file that is not what its first bytes say, or is too large.
    #[error("{file} cannot be read as {format}: {reason}")]
    Container {
        /// The file.
        file: String,
        /// The format: `a Parquet file`.
        format: &'static str,
        /// The reason, which may be the words of a library and is part of the message.
        reason: String,
    },
    /// A column whose cells are lists or structures.
    #[error("{file} has `{column}` as a list or a structure, expected one value in each row")]
    Nested {
        /// The file.
        file: String,
        /// The column in the file.
        column: String,
    },
    /// A workbook without the sheet of the settings.
    #[error("{file} has no sheet `{sheet}`; sheets found: {}", found.join(", "))]
    NoSheet {
        /// The file.
        file: String,
        /// The sheet of the settings.
        sheet: String,
        /// The sheets of the workbook.
        found: Vec<String>,
    },
    /// A workbook with two tables of the schema.
    #[error(
        "{file} has these columns on the sheets `{first}` and `{second}`; the setting \
         `preprocessing.format.sheet` says which one is read"
    )]
    TwoSheets {
        /// The file.
        file: String,
        /// The first sheet.
        first: String,
        /// The second sheet.
        second: String,
    },
    /// A row that cannot be parsed.
    #[error("{file}, {place}{}{problem}", separator(problem))]
    Record {
        /// The file.
        file: String,
        /// The row.
        place: Place,
        /// The error, which is part of the message and therefore not its source.
        problem: RecordError,
    },
    /// A column of categories with more different values than categories have.
    #[error(
        "{file}, column `{column}`: more than {MAX_VALUES} different values, expected a category; \
         is it an identifier?"
    )]
    TooManyValues {
        /// The file in which the limit was reached.
        file: String,
        /// The column.
        column: String,
    },
    /// Two values of a category that cannot be told apart, because their hashes are equal.
    #[error("{file}, column `{column}`: two values have the same hash; rename one of them")]
    SameHash {
        /// The file.
        file: String,
        /// The column.
        column: String,
    },
    /// Files with a header and no rows.
    #[error("there are no rows: {} a header and nothing else", files_have(files))]
    NoRows {
        /// The files.
        files: Vec<String>,
    },
    /// No rows left after cleaning.
    #[error(
        "no rows are left of {}: {} with missing cells{}, {} with cells that cannot be read, {} \
         with too few or too many fields, {} duplicates{}",
        .0.read.rows, .0.dropped_missing.rows, most_missing(.0), .0.dropped_bad_cells.rows,
        .0.dropped_ragged.rows, .0.dropped_duplicates.rows, first_bad(.0)
    )]
    AllDropped(Box<CleaningCounts>),
}

/// The place of a row in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The line on which the row begins, from 1.
    Line(u64),
    /// The number of the row, from 1, in a file without lines.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

impl TableError {
    /// Returns the error of a file that cannot be read.
    pub(crate) fn unreadable(file: &str, source: io::Error) -> Self {
        Self::Csv(CsvError::Unreadable { file: file.to_owned(), source })
    }

    /// Returns the error of a column whose values cannot be kept.
    pub(crate) fn values(file: String, column: String, problem: ValuesError) -> Self {
        match problem {
            ValuesError::TooMany => Self::TooManyValues { file, column },
            ValuesError::SameCode => Self::SameHash { file, column },
        }
    }

    /// Returns whether the file is no table of the schema at all: it is empty, in another format, or
    /// has none of the columns.
    pub(crate) fn is_no_table(&self) -> bool {
        match self {
            Self::Empty { .. }
            | Self::EmptyZip { .. }
            | Self::NoColumns { .. }
            | Self::OtherTable { .. } => true,
            Self::Header { problem: HeaderError::Missing { all, .. }, .. } => *all,
            Self::Csv(CsvError::Unreadable { source, .. }) => {
                source.kind() == io::ErrorKind::Unsupported
            }
            _ => false,
        }
    }

    /// Returns why a file that is no table was left out, for a list of such files.
    pub(crate) fn why_left_out(&self, file: &str) -> String {
        match self {
            Self::Header { .. } => format!("{file} has none of the columns"),
            Self::Csv(CsvError::Unreadable { source, .. }) => format!("{file}: {source}"),
            other => other.to_string(),
        }
    }
}

/// Returns what separates the line number from the error: a column is part of the location.
fn separator(problem: &RecordError) -> &'static str {
    match problem {
        RecordError::FieldCount { .. } => ": ",
        RecordError::NotANumber { .. }
        | RecordError::OutOfRange { .. }
        | RecordError::NotATime { .. }
        | RecordError::NotYesOrNo { .. }
        | RecordError::UnknownLabel { .. } => ", ",
    }
}

fn files_have(files: &[String]) -> String {
    match files {
        [] => "no file has".to_owned(),
        [file] => format!("{file} has"),
        [first, ..] => format!("{first} and {} more have", files.len() - 1),
    }
}

/// Returns the columns with the most missing cells.
fn most_missing(counts: &CleaningCounts) -> String {
    const SHOWN: usize = 5;
    let mut columns: Vec<_> = counts.missing_cells.iter().collect();
    columns.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let shown = columns.iter().take(SHOWN).map(|(name, count)| format!("`{name}` {count}"));
    let shown = shown.collect::<Vec<_>>().join(", ");
    match columns.len() {
        0 => String::new(),
        all if all > SHOWN => format!(" ({shown} and {} more columns)", all - SHOWN),
        _ => format!(" ({shown})"),
    }
}

fn first_bad(counts: &CleaningCounts) -> String {
    counts.first_bad.as_ref().map_or_else(String::new, |first| format!("; the first: {first}"))
}

//! The error of reading records.

use dataset::{CsvError, HeaderError, RecordError};

use crate::record_text::SUBJECT;

/// The reason why a text has no records.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// There is no record.
    #[error("{SUBJECT} has no records")]
    Empty,
    /// A blank line between records. Answers would not stand on the lines of their records.
    #[error("{SUBJECT}, line {0} is blank, expected a record")]
    Blank(u64),
    /// Bytes of a CSV that are not UTF-8.
    #[error("{SUBJECT}, line {0} is not UTF-8")]
    NotUtf8(u64),
    /// A first line that names the model's columns and is a record as well.
    #[error(
        "{SUBJECT}, line 1 may be names or a record; `header=present` or `header=absent` says which"
    )]
    NamesOrRecord,
    /// A first line that several separators divide into a record.
    #[error("{SUBJECT}, line 1 may be divided by {0}; `separator=` says which")]
    Separators(String),
    /// Numbers with decimal commas and others with decimal points.
    #[error(
        "{SUBJECT}, line {line}: `{found}` and `{other}` have different decimal marks; `decimal=comma` or \
         `decimal=point` says which is one"
    )]
    DecimalMarks {
        /// The line of the second one.
        line: u64,
        /// The second one.
        found: String,
        /// The first one.
        other: String,
    },
    /// A number that has two meanings.
    #[error(
        "{SUBJECT}, line {line}: `{found}` is {meanings}; `decimal=comma` or `decimal=point` says which"
    )]
    TwoMeanings {
        /// The line.
        line: u64,
        /// The number.
        found: String,
        /// What it may be.
        meanings: String,
    },
    /// A quote behind a blank, which is no quote of CSV.
    #[error(
        "{SUBJECT}, line {line}: field `{found}` has a quote behind a blank, expected it at the beginning"
    )]
    BlankBeforeQuote {
        /// The line.
        line: u64,
        /// The field.
        found: String,
    },
    /// An object with a member that is another spelling of a column that it has.
    #[error("{place} has `{name}` besides, which names a column that it has by another name")]
    OtherSpelling {
        /// The record.
        place: String,
        /// The member.
        name: String,
    },
    /// More records than are read at once.
    #[error("{SUBJECT} has more than {0} records, at most as many are answered at once")]
    TooMany(usize),
    /// A line of columns that has another line behind it.
    #[error("the line of columns has another line behind it")]
    ColumnsLines,
    /// A document with several lists of records, or with a list and a record.
    #[error("{SUBJECT} has `{0}` and `{1}`, expected all records in one of them")]
    Lists(String, String),
    /// There is a line of names and no record.
    #[error("{SUBJECT} has a line of names and no records")]
    HeaderAlone,
    /// The text is not CSV.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// The text is not JSON.
    #[error("{place} is not JSON: {problem}{hint}")]
    Syntax {
        /// The text, or the place in a line of it.
        place: String,
        /// The reason, and the place in a document.
        problem: String,
        /// What would be JSON, or an empty string.
        hint: &'static str,
    },
    /// The names of a record or of all records.
    #[error("{place} {problem}")]
    Names {
        /// The text or the record.
        place: String,
        /// What is wrong with the names.
        problem: HeaderError,
    },
    /// A line of names that the other pieces of the text do not have.
    #[error(
        "{SUBJECT} begins with a line of names, which other pieces of the same file do not have; lines without \
         it are read as: {expected}. Remove it, name these columns as the columns of lines without names, or \
         say that every piece has it"
    )]
    PieceHeader {
        /// The columns of lines without names.
        expected: String,
    },
    /// A record without names that has another number of values than there are columns.
    #[error("{place} has {found} values, expected {expected}: {columns}; or their names")]
    Width {
        /// The record.
        place: String,
        /// The number of its values.
        found: usize,
        /// The number of columns.
        expected: usize,
        /// The names of the columns.
        columns: String,
    },
    /// A value that cannot be read.
    #[error("{place}: {problem}")]
    Record {
        /// The record.
        place: String,
        /// The column, the value and what was expected.
        problem: RecordError,
    },
    /// A JSON value that is no record, or no value of a record.
    #[error("{place}: found {found}, expected {expected}")]
    Shape {
        /// The record, and the member of it.
        place: String,
        /// The beginning of the value.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// An object with too many members.
    #[error("{place} has more than {most} members")]
    TooManyMembers {
        /// The record.
        place: String,
        /// The maximum.
        most: usize,
    },
    /// An object that has a member twice.
    #[error("{SUBJECT} has `{0}` twice")]
    Twice(String),
    /// Records with too many sets of names.
    #[error("{place}: its names are the {most}th set of names, at most as many are read")]
    TooManyNames {
        /// The record.
        place: String,
        /// The maximum.
        most: usize,
    },
}

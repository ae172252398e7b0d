//! Texts of records: their formats, what is read of them, and how messages call their parts.

/// What error messages call the text.
pub(crate) const SUBJECT: &str = "the request";
/// The number of names in a message, and the length of each.
const MAX_SHOWN: usize = 30;
const MAX_SHOWN_LETTERS: usize = 60;

/// A format of records, and of answers to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comma-separated values, or with another separator.
    Csv,
    /// One JSON document.
    Json,
    /// One JSON document a line.
    JsonLines,
}

/// Whether a CSV begins with a line of names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CsvHeader {
    /// It does if most of the model's columns are among the fields of the first line.
    #[default]
    IfNamed,
    /// The same, but the text may be the first piece of a longer one, whose other pieces have no such line: it
    /// must name what lines without names have.
    IfNamedInPiece,
    /// It does.
    Present,
    /// It does not.
    Absent,
}

/// What is known of a CSV.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CsvFormat {
    /// Whether it begins with a line of names.
    pub header: CsvHeader,
    /// The separator of fields. It is found unless it is given.
    pub separator: Option<u8>,
    /// The decimal mark, `.` or `,`. Unless it is given, it is found as that of a table, and between commas it is
    /// `.`.
    pub decimal: Option<u8>,
}

/// Records as a model reads them.
#[derive(Debug, Default, PartialEq)]
pub struct Records {
    /// The readings of one record after the other, as [`Model::answer`](crate::Model::answer) takes them.
    pub readings: Vec<f64>,
    /// The number of records.
    pub count: usize,
    /// Whether the text is one JSON object, or one JSON array of readings, and no list of records.
    pub is_single: bool,
    /// What is new about the names of the records and should be said, as sentences.
    pub remarks: Vec<String>,
}

/// The place of a record.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// The text is the record.
    Whole,
    /// The line on which the record begins, from 1.
    Line(u64),
    /// The index of the record, from 0.
    Index(usize),
}

impl Place {
    pub(crate) fn shown(self) -> String {
        match self {
            Self::Whole => SUBJECT.to_owned(),
            Self::Line(line) => format!("{SUBJECT}, line {line}"),
            Self::Index(index) => format!("{SUBJECT}, record at index {index}"),
        }
    }
}

/// Returns the first names for a message, each cut if it is long.
pub(crate) fn shown_names(names: &[String]) -> String {
    let mut shown: Vec<String> = names.iter().take(MAX_SHOWN).map(|name| shown(name)).collect();
    if names.len() > shown.len() {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

/// Returns the beginning of a text from outside, on one line.
pub(crate) fn shown(text: &str) -> String {
    let mut letters = text.chars();
    let mut shown: String = letters.by_ref().take(MAX_SHOWN_LETTERS).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    common::one_line(&shown)
}

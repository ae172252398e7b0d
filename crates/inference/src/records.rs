//! Records in a text in memory, and the names that they have. How a CSV is read is in `csv_text`, and how JSON is
//! in `json_text`.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use dataset::{ColumnNames, CsvError, CsvRecords, HeaderError, RecordError, RecordReader, Schema};

use crate::model::Model;
use crate::{csv_text, json_text};

/// What error messages call the text.
pub(crate) const SUBJECT: &str = "the request";
/// The maximum number of readings that are in memory at a time: 256 MB.
const MAX_READINGS: usize = 32 << 20;
/// The number of sets of names that are remembered.
const MAX_MET: usize = 8;
/// The maximum number of remarks about the names in one text, and about all texts.
const MAX_REMARKS: usize = 10;
const MAX_SAID: usize = 200;
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
    /// The decimal mark, `.` or `,`. Between semicolons it is found unless it is given, and elsewhere it is `.`.
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
        "{SUBJECT}, line {line}: `{found}` may have a decimal point or be a thousand times as much; \
         `decimal=comma` or `decimal=point` says which"
    )]
    TwoMeanings {
        /// The line.
        line: u64,
        /// The number.
        found: String,
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
    /// A document with several lists of records.
    #[error("{SUBJECT} has `{0}` and `{1}`, expected one list of records")]
    Lists(&'static str, &'static str),
    /// There is a line of names and no record.
    #[error("{SUBJECT} has a line of names and no records")]
    HeaderAlone,
    /// The text is not CSV.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// The text is not JSON.
    #[error("{place} is not JSON: {problem}{hint}")]
    Syntax {
        /// The text or its line.
        place: String,
        /// The place in it and the reason, which are part of the message.
        problem: serde_json::Error,
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

/// Reads records in the columns of a model. It remembers the names that records have, so that they are looked
/// up once.
///
/// A CSV has a line of names, in any of the spellings and units that the model's columns have, or none. JSON is
/// an object; an array of objects or of arrays; one of these as `instances`, `inputs` or `dataframe_records`;
/// or `columns` with `data`, also as `dataframe_split`. JSON lines are an object or an array each. Arrays, and
/// lines without names, have the model's columns in their order. An object may leave out columns: their
/// readings are missing.
#[derive(Debug)]
pub struct RecordsReader {
    schema: Schema,
    pub(crate) known: ColumnNames,
    /// Records without names.
    pub(crate) unnamed: Arc<Named>,
    /// Lines of CSV without names, with decimal points and with decimal commas.
    pub(crate) lines: [Arc<Named>; 2],
    /// The names of the last records.
    met: Mutex<VecDeque<Arc<Named>>>,
    /// What was said about names.
    said: Mutex<BTreeSet<String>>,
}

impl RecordsReader {
    /// Creates a reader. `columns` is the line of names that CSV without one would have; without it, such CSV
    /// has the model's columns in their order.
    ///
    /// # Errors
    /// Returns an error if `columns` is no line of CSV, or lacks a column of the model.
    pub fn new(model: &Model, columns: Option<&str>) -> Result<Self, RecordsError> {
        const COLUMNS: &str = "the line of columns";
        let wrong = |problem| RecordsError::Names { place: COLUMNS.to_owned(), problem };
        let schema = model.schema().clone();
        let own: Vec<String> = schema.names().map(str::to_owned).collect();
        let line = match columns {
            Some(line) => {
                let mut lines = CsvRecords::new(COLUMNS, line.as_bytes(), 1, b',');
                let names = lines.next()?.map(csv_text::names).unwrap_or_default();
                if lines.next()?.is_some() {
                    return Err(RecordsError::ColumnsLines);
                }
                names
            }
            None => own.clone(),
        };
        let find = |names: &[String], style| {
            Named::find(&schema, names.to_vec(), style).map(Arc::new).map_err(wrong)
        };
        let unnamed = find(&own, Style::DecimalPoints)?;
        let lines = [find(&line, Style::DecimalPoints)?, find(&line, Style::DecimalCommas)?];
        let known = ColumnNames::of(&schema);
        let (met, said) = (Mutex::default(), Mutex::default());
        Ok(Self { schema, known, unnamed, lines, met, said })
    }

    /// Reads the records of a text. `csv` says what is known of a CSV.
    ///
    /// # Errors
    /// Returns an error if the text is malformed, if it has no records, or if one of them cannot be read.
    pub fn read(
        &self,
        format: Format,
        csv: CsvFormat,
        text: &[u8],
    ) -> Result<Records, RecordsError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut records = match format {
            Format::Csv => csv_text::read(self, csv, text)?,
            Format::Json => json_text::read(self, text)?,
            Format::JsonLines => json_text::read_lines(self, text)?,
        };
        if records.count == 0 {
            return Err(RecordsError::Empty);
        }
        // Each thing is said once, and not everything that anybody makes up.
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        records.remarks.retain(|remark| said.len() < MAX_SAID && said.insert(remark.clone()));
        Ok(records)
    }

    /// Returns the number of columns.
    pub(crate) fn width(&self) -> usize {
        self.schema.columns().len()
    }

    /// Returns the number of records that are read at once.
    pub(crate) fn most_records(&self) -> usize {
        MAX_READINGS / self.width().max(1)
    }

    /// Returns the reader of records with these names, and adds what is new about them to the remarks.
    pub(crate) fn named<'n>(
        &self,
        names: impl ExactSizeIterator<Item = &'n str> + Clone,
        style: Style,
        remarks: &mut Vec<String>,
    ) -> Result<(Arc<Named>, IsNew), HeaderError> {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(named) = met.iter().find(|named| named.is(names.clone(), style)) {
            return Ok((Arc::clone(named), IsNew(false)));
        }
        drop(met);
        let names = names.map(str::to_owned).collect();
        let named = Arc::new(Named::find(&self.schema, names, style)?);
        if remarks.len() < MAX_REMARKS {
            remarks.extend(named.remarks());
        }
        met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        met.truncate(MAX_MET - 1);
        met.push_front(Arc::clone(&named));
        Ok((named, IsNew(true)))
    }
}

/// Whether names were not met before.
pub(crate) struct IsNew(pub(crate) bool);

/// How records are written, apart from their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// With decimal points.
    DecimalPoints,
    /// With decimal commas, and points between groups of digits.
    DecimalCommas,
    /// With decimal points, and columns may be left out.
    Object,
}

/// A reader of records that have these names.
pub(crate) struct Named {
    pub(crate) names: Vec<String>,
    /// The number of names that records have; the columns behind them are missing in each record.
    pub(crate) given: usize,
    style: Style,
    pub(crate) records: RecordReader<'static>,
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Named {
    fn find(schema: &Schema, mut names: Vec<String>, style: Style) -> Result<Self, HeaderError> {
        let given = names.len();
        let find = |names: &[String]| match style {
            Style::DecimalCommas => RecordReader::with_decimal_commas(schema, names),
            Style::DecimalPoints | Style::Object => RecordReader::new(schema, names),
        };
        let records = match find(&names) {
            Err(HeaderError::Missing { missing, found, all: false }) if style == Style::Object => {
                // A name that is nearly the missing one is a slip and no other column.
                let is_near = |name: &String| {
                    common::nearest(name, names.iter().map(String::as_str)).is_some()
                };
                if missing.iter().take(MAX_SHOWN).any(is_near) {
                    return Err(HeaderError::Missing { missing, found, all: false });
                }
                names.extend(missing);
                find(&names)
            }
            records => records,
        };
        let records = records?.into_owned();
        Ok(Self { names, given, style, records })
    }

    pub(crate) fn is<'n>(
        &self,
        names: impl ExactSizeIterator<Item = &'n str>,
        style: Style,
    ) -> bool {
        self.style == style
            && self.given == names.len()
            && self.names.iter().zip(names).all(|(own, other)| own == other)
    }

    /// Returns whether records with other names have the model's columns in the same fields and units.
    pub(crate) fn reads_as(&self, other: &Self) -> bool {
        let used = |named: &Self| -> Vec<Option<String>> {
            let used = |(field, name): (usize, &String)| {
                named.records.is_used(field).then(|| dataset::fold_name(name))
            };
            named.names.iter().enumerate().map(used).collect()
        };
        used(self) == used(other)
    }

    /// Returns what should be said of the names.
    fn remarks(&self) -> Vec<String> {
        let is_ignored =
            |(field, name): (usize, &String)| (!self.records.is_used(field)).then(|| name.clone());
        let given = self.names[..self.given].iter().enumerate();
        let ignored: Vec<String> = given.filter_map(is_ignored).collect();
        let mut remarks = Vec::new();
        if !ignored.is_empty() {
            remarks.push(format!(
                "not used, because the model has no such column: {}",
                shown_names(&ignored)
            ));
        }
        if self.given < self.names.len() {
            let missing = shown_names(&self.names[self.given..]);
            remarks.push(format!("records have no {missing}: these readings count as missing"));
        }
        for (column, unit) in self.records.assumed_units() {
            remarks.push(format!(
                "column `{column}` is in {unit}; the model knows no unit of it, and takes its numbers as they are"
            ));
        }
        remarks
    }
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

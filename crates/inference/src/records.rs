//! Reads records from a text in memory: CSV, JSON or JSON lines.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use dataset::{
    ColumnNames, CsvError, CsvRecord, CsvRecords, HeaderError, RecordError, RecordReader, Schema,
};
use memchr::{memchr, memchr_iter};
use rayon::prelude::*;

use crate::json::{self, Json, Member};
use crate::model::Model;

/// What error messages call the text.
const SUBJECT: &str = "the request";
/// The separators of CSV, the likeliest first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// The maximum number of members of a JSON object, which is that of fields of CSV.
const MAX_MEMBERS: usize = 1 << 14;
/// The maximum number of times that a record has other names than the record before it. Finding the
/// columns among names takes longer than reading a record.
const MAX_NAME_CHANGES: usize = 1_000;
/// The length of the blocks into which a long CSV is divided.
const BLOCK_BYTES: usize = 64 << 10;
/// The number of sets of names that are remembered.
const MAX_MET: usize = 8;
/// The maximum number of remarks about the names in one text.
const MAX_REMARKS: usize = 10;

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
    /// It does if a field of the first line names a column of the model.
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
    #[error("{place} has more than {MAX_MEMBERS} members")]
    TooManyMembers {
        /// The record.
        place: String,
    },
    /// An object that has a member twice.
    #[error("{SUBJECT} has `{0}` twice")]
    Twice(String),
    /// Records with too many sets of names.
    #[error(
        "{place}: the names differ from those of the record before it for the {MAX_NAME_CHANGES}th time"
    )]
    TooManyNames {
        /// The record.
        place: String,
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
    known: ColumnNames,
    /// Records without names.
    unnamed: Arc<Named>,
    /// Lines of CSV without names, by separator.
    lines: [Arc<Named>; 2],
    /// The names of the last records.
    met: Mutex<VecDeque<Arc<Named>>>,
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
                let mut lines = CsvRecords::new(COLUMNS, line.as_bytes(), 1, SEPARATORS[0]);
                lines.next()?.map(names).unwrap_or_default()
            }
            None => own.clone(),
        };
        let find = |names: &[String], style| {
            Named::find(&schema, names.to_vec(), style).map(Arc::new).map_err(wrong)
        };
        let unnamed = find(&own, Style::Plain)?;
        let lines = [find(&line, Style::Plain)?, find(&line, Style::DecimalCommas)?];
        let known = ColumnNames::of(&schema);
        Ok(Self { schema, known, unnamed, lines, met: Mutex::default() })
    }

    /// Reads the records of a text.
    ///
    /// # Errors
    /// Returns an error if the text is malformed, if it has no records, or if one of them cannot be read.
    pub fn read(
        &self,
        format: Format,
        header: CsvHeader,
        text: &[u8],
    ) -> Result<Records, RecordsError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut reading =
            Reading { reader: self, records: Records::default(), named: None, changes: 0 };
        match format {
            Format::Csv => reading.csv(text, header)?,
            Format::Json => reading.json(text)?,
            Format::JsonLines => reading.json_lines(text)?,
        }
        if reading.records.count == 0 {
            return Err(RecordsError::Empty);
        }
        Ok(reading.records)
    }

    /// Returns the reader of records with these names, and whether they were not met before.
    fn named<'n>(
        &self,
        names: impl ExactSizeIterator<Item = &'n str> + Clone,
        style: Style,
    ) -> Result<(Arc<Named>, bool), HeaderError> {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(named) = met.iter().find(|named| named.is(names.clone(), style)) {
            return Ok((Arc::clone(named), false));
        }
        drop(met);
        let names = names.map(str::to_owned).collect();
        let named = Arc::new(Named::find(&self.schema, names, style)?);
        met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        met.truncate(MAX_MET - 1);
        met.push_front(Arc::clone(&named));
        Ok((named, true))
    }
}

/// How records are written, apart from their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// With decimal points.
    Plain,
    /// With decimal points or commas.
    DecimalCommas,
    /// With decimal points, and columns may be left out.
    Object,
}

/// A reader of records that have these names.
struct Named {
    names: Vec<String>,
    /// The number of names that records have; the columns behind them are missing in each record.
    given: usize,
    style: Style,
    records: RecordReader<'static>,
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
            Style::Plain | Style::Object => RecordReader::new(schema, names),
        };
        let records = match find(&names) {
            Err(HeaderError::Missing { missing, all: false, .. }) if style == Style::Object => {
                names.extend(missing);
                find(&names)
            }
            records => records,
        };
        let records = records?.into_owned();
        Ok(Self { names, given, style, records })
    }

    fn is<'n>(&self, names: impl ExactSizeIterator<Item = &'n str>, style: Style) -> bool {
        self.style == style
            && self.given == names.len()
            && self.names.iter().zip(names).all(|(own, other)| own == other)
    }

    /// Returns whether records with other names have the model's columns in the same fields and units.
    fn reads_as(&self, other: &Self) -> bool {
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
enum Place {
    /// The text is the record.
    Whole,
    /// The line on which the record begins, from 1.
    Line(u64),
    /// The index of the record, from 0.
    Index(usize),
}

impl Place {
    fn shown(self) -> String {
        match self {
            Self::Whole => SUBJECT.to_owned(),
            Self::Line(line) => format!("{SUBJECT}, line {line}"),
            Self::Index(index) => format!("{SUBJECT}, record at index {index}"),
        }
    }
}

/// The reading of one text.
struct Reading<'r> {
    reader: &'r RecordsReader,
    records: Records,
    /// The names of the last object.
    named: Option<Arc<Named>>,
    changes: usize,
}

impl Reading<'_> {
    /// Returns the reader of records with these names.
    fn named<'n>(
        &mut self,
        names: impl ExactSizeIterator<Item = &'n str> + Clone,
        style: Style,
        place: impl Fn() -> String,
    ) -> Result<Arc<Named>, RecordsError> {
        let found = self.reader.named(names, style);
        let (named, is_new) =
            found.map_err(|problem| RecordsError::Names { place: place(), problem })?;
        if is_new && self.records.remarks.len() < MAX_REMARKS {
            self.records.remarks.extend(named.remarks());
        }
        Ok(named)
    }

    fn csv(&mut self, text: &[u8], header: CsvHeader) -> Result<(), RecordsError> {
        let Some(first) = FirstLine::find(text, self.reader, header)? else { return Ok(()) };
        let (style, unnamed) = match first.separator {
            b';' => (Style::DecimalCommas, &self.reader.lines[1]),
            _ => (Style::Plain, &self.reader.lines[0]),
        };
        let mut lines = CsvRecords::new(SUBJECT, text, 1, first.separator);
        let mut begin = 1;
        let named = match &first.names {
            Some(names) => {
                begin = lines.next()?.map_or(begin, |names| names.next_line());
                let names = names.iter().map(String::as_str);
                let named = self.named(names, style, || SUBJECT.to_owned())?;
                if header == CsvHeader::IfNamedInPiece && !named.reads_as(unnamed) {
                    let expected = shown_names(&unnamed.names);
                    return Err(RecordsError::PieceHeader { expected });
                }
                named
            }
            None => Arc::clone(unnamed),
        };
        let reading =
            Lines { named: &named, has_names: first.names.is_some(), separator: first.separator };
        // Behind CR the line end is not complete.
        let rest = lines.rest();
        let rest = if begin > 1 { rest.strip_prefix(b"\n").unwrap_or(rest) } else { rest };
        for (readings, count) in reading.read_blocks(rest, begin)? {
            self.records.readings.extend(readings);
            self.records.count += count;
        }
        if first.names.is_some() && self.records.count == 0 {
            return Err(RecordsError::HeaderAlone);
        }
        Ok(())
    }

    fn json_lines(&mut self, text: &[u8]) -> Result<(), RecordsError> {
        let (mut rest, mut number) = (text, 0);
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            number += 1;
            if line.trim_ascii().is_empty() {
                if rest.trim_ascii().is_empty() {
                    break;
                }
                return Err(RecordsError::Blank(number));
            }
            let place = Place::Line(number);
            let document = json::parse(line).map_err(|source| syntax(place, source, line))?;
            match document {
                Json::Object(members) => self.object(&members, place)?,
                Json::Array(values) => self.array(&values, place)?,
                Json::Scalar(text) => return Err(no_record(place, text)),
            }
        }
        Ok(())
    }

    fn json(&mut self, text: &[u8]) -> Result<(), RecordsError> {
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        match json::parse(text).map_err(|source| syntax(Place::Whole, source, text))? {
            Json::Object(members) => self.document(&members),
            Json::Array(values) => {
                let is_record = |value: &&str| !value.starts_with(['{', '[']);
                if values.first().is_some_and(is_record) {
                    self.records.is_single = true;
                    return self.array(&values, Place::Whole);
                }
                self.list(&values)
            }
            Json::Scalar(text) => Err(no_record(Place::Whole, text)),
        }
    }

    /// Reads an object: lists of records under one of the usual names, or a record.
    fn document(&mut self, members: &[Member<'_>]) -> Result<(), RecordsError> {
        for name in ["instances", "inputs", "dataframe_records"] {
            if let Some(values) = array_member(members, name)? {
                return self.list(&values);
            }
        }
        if let Some(split) = member(members, "dataframe_split")?.filter(|raw| raw.starts_with('{'))
        {
            let document = json::parse(split.as_bytes());
            if let Json::Object(members) =
                document.map_err(|source| syntax(Place::Whole, source, split.as_bytes()))?
            {
                return self.split(&members)?.map_or_else(
                    || Err(shape("dataframe_split", split, "an object with columns and data")),
                    Ok,
                );
            }
        }
        if let Some(()) = self.split(members)? {
            return Ok(());
        }
        self.records.is_single = true;
        self.object(members, Place::Whole)
    }

    /// Reads `columns` and `data`, if both are there.
    fn split(&mut self, members: &[Member<'_>]) -> Result<Option<()>, RecordsError> {
        let (Some(columns), Some(rows)) =
            (array_member(members, "columns")?, array_member(members, "data")?)
        else {
            return Ok(None);
        };
        if columns.len() > MAX_MEMBERS {
            return Err(RecordsError::TooManyMembers { place: format!("{SUBJECT}, columns") });
        }
        let name = |raw: &&str| match json::text(raw) {
            Some(name) if raw.starts_with('"') => Ok(name.into_owned()),
            _ => Err(shape(&format!("{SUBJECT}, columns"), raw, "a name")),
        };
        let names = columns.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        let names = names.iter().map(String::as_str);
        let named = self.named(names, Style::Plain, || format!("{SUBJECT}, columns"))?;
        for (index, raw) in rows.iter().enumerate() {
            let place = Place::Index(index);
            match parse_nested(raw) {
                Some(Json::Array(values)) => self.values(&named, &values, place)?,
                _ => return Err(shape(&place.shown(), raw, "an array of values")),
            }
        }
        Ok(Some(()))
    }

    fn list(&mut self, values: &[&str]) -> Result<(), RecordsError> {
        for (index, raw) in values.iter().enumerate() {
            let place = Place::Index(index);
            match parse_nested(raw) {
                Some(Json::Object(members)) => self.object(&members, place)?,
                Some(Json::Array(values)) => self.array(&values, place)?,
                _ => return Err(no_record(place, raw)),
            }
        }
        Ok(())
    }

    /// Reads a record without names.
    fn array(&mut self, values: &[&str], place: Place) -> Result<(), RecordsError> {
        let unnamed = &self.reader.unnamed;
        self.values(unnamed, values, place)
    }

    fn object(&mut self, members: &[Member<'_>], place: Place) -> Result<(), RecordsError> {
        if members.len() > MAX_MEMBERS {
            return Err(RecordsError::TooManyMembers { place: place.shown() });
        }
        let names = members.iter().map(|member| member.name.as_ref());
        let named = match self.named.take() {
            Some(named) if named.is(names.clone(), Style::Object) => named,
            _ => {
                // Columns that are not there are missing.
                self.changes += 1;
                if self.changes > MAX_NAME_CHANGES {
                    return Err(RecordsError::TooManyNames { place: place.shown() });
                }
                self.named(names, Style::Object, || place.shown())?
            }
        };
        let values: Vec<&str> = members.iter().map(|member| member.value).collect();
        let read = self.values(&named, &values, place);
        self.named = Some(named);
        read
    }

    /// Reads the values of a record.
    fn values(&mut self, named: &Named, values: &[&str], place: Place) -> Result<(), RecordsError> {
        if values.len() != named.given {
            let (place, columns) = (place.shown(), shown_names(&named.names));
            let (found, expected) = (values.len(), named.given);
            return Err(RecordsError::Width { place, found, expected, columns });
        }
        let mut cells: Vec<Cow<'_, str>> = Vec::with_capacity(named.names.len());
        for (field, raw) in values.iter().enumerate() {
            match json::text(raw) {
                Some(cell) => cells.push(cell),
                None if named.records.is_used(field) => {
                    let place = format!("{}: column `{}`", place.shown(), named.names[field]);
                    return Err(shape(&place, raw, "a number, a text, true, false or null"));
                }
                None => cells.push(Cow::Borrowed("")),
            }
        }
        cells.resize(named.names.len(), Cow::Borrowed(""));
        let cells: Vec<&[u8]> = cells.iter().map(|cell| cell.as_bytes()).collect();
        match named.records.read(&cells, &mut self.records.readings) {
            Ok(_) => self.records.count += 1,
            Err(problem) => return Err(RecordsError::Record { place: place.shown(), problem }),
        }
        Ok(())
    }
}

/// How lines of CSV are read.
struct Lines<'a> {
    named: &'a Named,
    /// Whether the names are in the text.
    has_names: bool,
    separator: u8,
}

impl Lines<'_> {
    /// Reads lines, the first of which is line `begin`. Those of a long text are read by all threads of rayon:
    /// readings and number of records of each block.
    fn read_blocks(&self, text: &[u8], begin: u64) -> Result<Vec<(Vec<f64>, usize)>, RecordsError> {
        // A line end in quotes ends no record. Blank lines behind the last record are none.
        let end = text.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r'));
        let text = &text[..end.map_or(0, |last| last + 1)];
        if text.len() <= 2 * BLOCK_BYTES || memchr(b'"', text).is_some() {
            return Ok(vec![self.read(text, begin)?]);
        }
        let (mut rest, mut line, mut blocks) = (text, begin, Vec::new());
        while !rest.is_empty() {
            let from = BLOCK_BYTES.min(rest.len());
            let end = memchr(b'\n', &rest[from..]).map_or(rest.len(), |end| from + end + 1);
            let (block, behind) = rest.split_at(end);
            // A block that ends in a blank line is followed by records.
            let ends_blank = block.ends_with(b"\n\n") || block.ends_with(b"\n\r\n");
            let lines = memchr_iter(b'\n', block).count() as u64;
            if ends_blank && !behind.is_empty() {
                return Err(self
                    .read(text, begin)
                    .err()
                    .unwrap_or(RecordsError::Blank(line + lines - 1)));
            }
            blocks.push((block, line));
            line += lines;
            rest = behind;
        }
        // The first error of the text is returned.
        let read: Vec<_> =
            blocks.into_par_iter().map(|(block, line)| self.read(block, line)).collect();
        read.into_iter().collect()
    }

    fn read(&self, text: &[u8], begin: u64) -> Result<(Vec<f64>, usize), RecordsError> {
        let (mut readings, mut count, mut expected) = (Vec::new(), 0, begin);
        let mut lines = CsvRecords::new(SUBJECT, text, begin, self.separator);
        while let Some(record) = lines.next()? {
            if record.line > expected {
                return Err(RecordsError::Blank(expected));
            }
            expected = record.next_line();
            let place = Place::Line(record.line);
            let fields: Vec<&[u8]> = record.fields().collect();
            match self.named.records.read(&fields, &mut readings) {
                Ok(_) => count += 1,
                Err(RecordError::FieldCount { found, expected }) if !self.has_names => {
                    let (place, columns) = (place.shown(), shown_names(&self.named.names));
                    return Err(RecordsError::Width { place, found, expected, columns });
                }
                Err(problem) => return Err(RecordsError::Record { place: place.shown(), problem }),
            }
        }
        Ok((readings, count))
    }
}

/// The first line of a CSV.
struct FirstLine {
    separator: u8,
    /// Its fields, if they are names.
    names: Option<Vec<String>>,
}

impl FirstLine {
    /// Finds the separator, and whether the first line has names; `None` if there is no line.
    fn find(
        text: &[u8],
        reader: &RecordsReader,
        header: CsvHeader,
    ) -> Result<Option<Self>, RecordsError> {
        // Of lines without names.
        let width = reader.lines[0].given;
        let mut of_width = None;
        for separator in SEPARATORS {
            let mut lines = CsvRecords::new(SUBJECT, text, 1, separator);
            let first = match lines.next() {
                Ok(Some(first)) => first,
                Ok(None) => return Ok(None),
                Err(error) if separator == SEPARATORS[0] => return Err(error.into()),
                // The line has too many fields with this separator.
                Err(_) => continue,
            };
            if header != CsvHeader::Absent
                && first.fields().any(|field| reader.known.contains(field))
            {
                return Ok(Some(Self { separator, names: Some(names(first)) }));
            }
            if first.len() == width {
                of_width.get_or_insert(separator);
                // A line of one field may have several with another separator.
                if width > 1 && header != CsvHeader::Present {
                    break;
                }
            }
        }
        let separator = of_width.unwrap_or(SEPARATORS[0]);
        let first = CsvRecords::new(SUBJECT, text, 1, separator).next()?.map(names);
        Ok(Some(Self { separator, names: first.filter(|_| header == CsvHeader::Present) }))
    }
}

/// Returns the fields of a line of names.
fn names(line: CsvRecord<'_>) -> Vec<String> {
    line.fields().map(|field| String::from_utf8_lossy(field).into_owned()).collect()
}

/// Returns a member of an object.
fn member<'a>(members: &[Member<'a>], name: &str) -> Result<Option<&'a str>, RecordsError> {
    let mut found = members.iter().filter(|member| member.name == name);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(RecordsError::Twice(name.to_owned())),
        (found, _) => Ok(found.map(|member| member.value)),
    }
}

/// Returns the values of a member that is an array.
fn array_member<'a>(
    members: &[Member<'a>],
    name: &str,
) -> Result<Option<Vec<&'a str>>, RecordsError> {
    // A column may have this name, and its values are no arrays.
    match member(members, name)?.map(parse_nested) {
        Some(Some(Json::Array(values))) => Ok(Some(values)),
        _ => Ok(None),
    }
}

/// Parses a value of a document, which is an object or an array; `None` if it is another value.
fn parse_nested(raw: &str) -> Option<Json<'_>> {
    match json::parse(raw.as_bytes()) {
        Ok(Json::Scalar(_)) | Err(_) => None,
        Ok(found) => Some(found),
    }
}

fn no_record(place: Place, raw: &str) -> RecordsError {
    shape(&place.shown(), raw, "an object, or an array of values")
}

fn shape(place: &str, raw: &str, expected: &'static str) -> RecordsError {
    RecordsError::Shape { place: place.to_owned(), found: shown_value(raw), expected }
}

/// Returns the beginning of a JSON value for a message.
fn shown_value(raw: &str) -> String {
    let mut letters = raw.chars().filter(|letter| !letter.is_control());
    let shown: String = letters.by_ref().take(60).collect();
    if letters.next().is_some() { format!("`{shown}…`") } else { format!("`{shown}`") }
}

/// Returns the first names for a message.
fn shown_names(names: &[String]) -> String {
    let mut shown: Vec<&str> = names.iter().take(30).map(String::as_str).collect();
    if names.len() > shown.len() {
        shown.push("…");
    }
    shown.join(", ")
}

fn syntax(place: Place, problem: serde_json::Error, text: &[u8]) -> RecordsError {
    let line = text.split(|byte| *byte == b'\n').nth(problem.line().saturating_sub(1));
    let at =
        line.and_then(|line| line.get(problem.column().saturating_sub(1)..)).unwrap_or_default();
    let names_no_number =
        ["NaN", "Infinity", "-Infinity"].iter().any(|word| at.starts_with(word.as_bytes()));
    let hint = if names_no_number { "; a missing reading is null in JSON" } else { "" };
    RecordsError::Syntax { place: place.shown(), problem, hint }
}

//! Reads one raw record: cells as text become readings in the schema's columns and units.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use crate::cell::{CellParser, NumberFormat};
use crate::header::{Header, HeaderError};
use crate::number_sample::NumberSample;
use crate::schema::{ColumnKind, Label, Schema, fold_word};
use crate::units;
use crate::words::is_missing;

/// The maximum number of label spellings that are cached. Most files have two.
const MAX_CACHED_LABELS: usize = 8;
/// The maximum length in characters of a cell in a message.
const MAX_SHOWN_CHARS: usize = 60;

/// The ways in which reading one record fails.
///
/// The messages name the column, the text found and what was expected. The caller, who knows where
/// the record is from, adds the file and the line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A record with more or fewer fields than the header.
    #[error("the row has {found} fields, expected {expected} as in the header")]
    FieldCount {
        /// The number of fields in the record.
        found: usize,
        /// The number of fields in the header.
        expected: usize,
    },
    /// A sensor cell that is not a number.
    #[error("column `{column}`: found `{text}`, expected a number")]
    NotANumber {
        /// The column's name in the schema.
        column: String,
        /// The start of the cell, with control characters escaped.
        text: String,
    },
    /// A number that 32 bits do not hold.
    #[error(
        "column `{column}`: found `{text}`, expected at most 3.4e38, the greatest number of 32 bits"
    )]
    OutOfRange {
        /// The column's name in the schema.
        column: String,
        /// The start of the cell, with control characters escaped.
        text: String,
    },
    /// A cell of a yes/no column that is neither.
    #[error("column `{column}`: found `{text}`, expected yes or no")]
    NotYesOrNo {
        /// The column's name in the schema.
        column: String,
        /// The start of the cell, with control characters escaped.
        text: String,
    },
    /// A cell of the column of times that is none.
    #[error("column `{column}`: found `{text}`, expected a date or time")]
    NotATime {
        /// The column's name.
        column: String,
        /// The start of the cell, with control characters escaped.
        text: String,
    },
    /// A label that is not a class.
    #[error("column `{column}`: found `{text}`, expected one of: {}", expected.join(", "))]
    UnknownLabel {
        /// The label's name in the schema.
        column: String,
        /// The start of the cell, with control characters escaped.
        text: String,
        /// The words for both classes.
        expected: Vec<String>,
    },
}

/// Reads records whose fields are in the order of one header.
///
/// It finds the schema's columns in the header by any of their spellings, converts units, and tells
/// missing cells from bad ones. It knows nothing of files: [`TableReader`](crate::TableReader)
/// reads every row of a file with it, and a server reads single records by the same rules.
///
/// ```
/// use dataset::{Column, Label, RecordReader, Schema};
///
/// let columns = vec![
///     Column {
///         name: "Hydraulic_Pressure".into(),
///         unit: Some("bar".into()),
///         ..Column::default()
///     },
///     Column {
///         name: "Cutting".into(),
///         unit: Some("kN".into()),
///         spellings: vec!["Force".into()],
///         ..Column::default()
///     },
/// ];
/// let label = Label {
///     column: "Downtime".into(),
///     positive: vec!["yes".into()],
///     negative: vec!["no".into()],
///     missing_markers: vec![],
/// };
/// let schema = Schema::new(columns, label)?;
///
/// let reader = RecordReader::new(&schema, &["force (N)", "Machine", "hydraulic pressure (Pa)"])?;
/// let mut readings = Vec::new();
/// reader.read(&["3580", "Mill-1", "7104000"], &mut readings)?;
/// assert_eq!(readings, [71.04, 3.58]);
///
/// let error = reader.read(&["3.5 bar", "Mill-1", "7104000"], &mut readings).unwrap_err();
/// assert_eq!(error.to_string(), "column `Cutting`: found `3.5 bar`, expected a number");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RecordReader<'a> {
    schema: Cow<'a, Schema>,
    header: Header,
    /// The role of each field in a record.
    roles: Vec<FieldRole>,
    /// How the cells of each column are parsed.
    cells: Vec<CellParser>,
    /// The index and the field of each column of categories.
    categories: Vec<(usize, usize)>,
}

/// The meaning of a field.
#[derive(Clone, Copy)]
pub(crate) enum FieldRole {
    /// A number of the column at this index.
    Number(usize),
    /// A category, or yes or no, of the column at this index.
    Word(usize),
    Label,
    Ignored,
}

/// A cell that could not be read: the index of its column, and its text for a message.
pub(crate) type BadCell = (usize, String);

impl<'a> RecordReader<'a> {
    /// Creates a reader of records without a label. A label column in the header is ignored.
    ///
    /// `header` holds the columns' names in any spelling and order, in UTF-8 or Latin-1, with or
    /// without units in parentheses, and may hold other columns.
    ///
    /// # Errors
    /// Returns an error if a column is missing, there twice, or in a unit that cannot be converted.
    pub fn new(schema: &'a Schema, header: &[impl AsRef<[u8]>]) -> Result<Self, HeaderError> {
        let header = Header::find(schema, header, &[], false)?;
        Ok(Self::from_header(schema, header, NumberFormat::default()))
    }

    /// Does the same for records whose numbers are written in this format.
    ///
    /// # Errors
    /// Returns the errors of [`RecordReader::new`].
    pub fn with_numbers(
        schema: &'a Schema,
        header: &[impl AsRef<[u8]>],
        numbers: NumberFormat,
    ) -> Result<Self, HeaderError> {
        let header = Header::find(schema, header, &[], false)?;
        Ok(Self::from_header(schema, header, numbers))
    }

    /// Creates a reader of records with a label, which the header must have.
    ///
    /// # Errors
    /// Returns the errors of [`RecordReader::new`], for the label as well.
    pub fn with_label(
        schema: &'a Schema,
        header: &[impl AsRef<[u8]>],
    ) -> Result<Self, HeaderError> {
        let header = Header::find(schema, header, &[], true)?;
        Ok(Self::from_header(schema, header, NumberFormat::default()))
    }

    pub(crate) fn from_header(schema: &'a Schema, header: Header, numbers: NumberFormat) -> Self {
        let mut roles = vec![FieldRole::Ignored; header.width()];
        if let Some(field) = header.label {
            roles[field] = FieldRole::Label;
        }
        let (mut cells, mut categories) = (Vec::new(), Vec::new());
        for (index, (column, found)) in schema.columns().iter().zip(&header.columns).enumerate() {
            roles[found.field] = match column.kind {
                ColumnKind::Number => FieldRole::Number(index),
                ColumnKind::YesNo | ColumnKind::Category => FieldRole::Word(index),
            };
            if column.kind == ColumnKind::Category {
                categories.push((index, found.field));
            }
            let markers = &column.missing_markers;
            let parser = CellParser::of_kind(column.kind, markers, found.conversion, numbers);
            cells.push(parser.with_unit(column.unit.clone().or_else(|| found.unit.clone())));
        }
        Self { schema: Cow::Borrowed(schema), header, roles, cells, categories }
    }

    /// Makes the reader keep the schema itself.
    pub fn into_owned(self) -> RecordReader<'static> {
        let Self { schema, header, roles, cells, categories } = self;
        RecordReader { schema: Cow::Owned(schema.into_owned()), header, roles, cells, categories }
    }

    /// Appends a record's readings to `readings` and returns its class.
    ///
    /// There is one reading for each of the schema's columns, in their order and units: 1 for yes and
    /// 0 for no, and for a category a code that only a [`Recipe`](crate::Recipe) reads. A missing
    /// cell, and a number that is not finite as an `f32`, is NaN, which
    /// [`Recipe::apply`](crate::Recipe::apply) replaces. The class is 0 or 1, or `None` where the
    /// label is missing or the reader was created without one.
    ///
    /// # Errors
    /// Returns an error if the record has another number of fields than the header, a sensor cell
    /// is not a number, or the label is not a class. `readings` is then unchanged.
    pub fn read(
        &self,
        cells: &[impl AsRef<[u8]>],
        readings: &mut Vec<f64>,
    ) -> Result<Option<u8>, RecordError> {
        let field = |index: usize| cells[index].as_ref();
        let read = self.read_fields(cells.len(), field, &mut self.label_parser(), readings, None);
        read.map(|label| label.class)
    }

    /// Does the same, but takes a sensor cell that cannot be read for a missing one.
    ///
    /// # Errors
    /// Returns the other errors of [`Self::read`].
    pub fn read_leniently(
        &self,
        cells: &[impl AsRef<[u8]>],
        readings: &mut Vec<f64>,
    ) -> Result<Option<u8>, RecordError> {
        let field = |index: usize| cells[index].as_ref();
        let mut bad = Vec::new();
        let labels = &mut self.label_parser();
        let read = self.read_fields(cells.len(), field, labels, readings, Some(&mut bad));
        read.map(|label| label.class)
    }

    /// Returns the field of the schema's column at an index.
    pub fn field(&self, column: usize) -> usize {
        self.header.columns[column].field
    }

    /// Returns whether a field of the records is one of the schema's columns.
    pub fn is_used(&self, field: usize) -> bool {
        self.roles.get(field).is_some_and(|role| !matches!(role, FieldRole::Ignored))
    }

    /// Returns whether a field of the records is a category, or yes or no, of the schema.
    pub fn is_word(&self, field: usize) -> bool {
        matches!(self.roles.get(field), Some(FieldRole::Word(_)))
    }

    /// Returns whether another reader of the same schema reads every record as this one does.
    pub fn reads_as(&self, other: &RecordReader<'_>) -> bool {
        let (own, others) = (&self.header.columns, &other.header.columns);
        self.header.width() == other.header.width()
            && own
                .iter()
                .zip(others)
                .all(|(own, other)| own.field == other.field && own.conversion == other.conversion)
    }

    /// Returns an empty sample of the numbers in records, by which it is found how they are written.
    pub fn number_sample(&self) -> NumberSample<'_> {
        NumberSample::new(&self.schema, &self.header)
    }

    /// Iterates over the columns that have no unit in the schema and one in the header, with that unit:
    /// their numbers are taken as they are.
    pub fn assumed_units(&self) -> impl Iterator<Item = (&str, &str)> {
        let columns = self.schema.columns().iter().zip(&self.header.columns);
        columns.filter(|(column, _)| column.unit.is_none()).filter_map(|(column, found)| {
            let unit = found.unit.as_deref().filter(|unit| units::is_known(unit))?;
            Some((column.name.as_str(), unit))
        })
    }

    /// Does the work of [`Self::read`] for a record of `count` fields, which `field` returns. With
    /// `bad_cells` a sensor cell that is not a number is missing, and pushed there.
    pub(crate) fn read_fields<'b>(
        &self,
        count: usize,
        field: impl Fn(usize) -> &'b [u8],
        labels: &mut LabelParser<'_>,
        readings: &mut Vec<f64>,
        bad_cells: Option<&mut Vec<BadCell>>,
    ) -> Result<ParsedLabel, RecordError> {
        let width = self.header.width();
        // Rows may end with a separator where the header does not, or the other way around.
        let is_ended_otherwise = (width..count).all(|index| field(index).trim_ascii().is_empty())
            && count >= self.header.named_width();
        if count != width && !is_ended_otherwise {
            return Err(RecordError::FieldCount { found: count, expected: width });
        }
        let begin = readings.len();
        let read = self.append(field, labels, readings, bad_cells);
        if read.is_err() {
            readings.truncate(begin);
        }
        read
    }

    fn append<'b>(
        &self,
        field: impl Fn(usize) -> &'b [u8],
        labels: &mut LabelParser<'_>,
        readings: &mut Vec<f64>,
        mut bad_cells: Option<&mut Vec<BadCell>>,
    ) -> Result<ParsedLabel, RecordError> {
        for (index, (found, parser)) in self.header.columns.iter().zip(&self.cells).enumerate() {
            let cell = field(found.field);
            let reading = match (parser.parse(cell), &mut bad_cells) {
                (Some(reading), _) => reading,
                (None, Some(bad_cells)) => {
                    bad_cells.push((index, shown(cell)));
                    f64::NAN
                }
                (None, None) => {
                    let column = &self.schema.columns()[index];
                    let (kind, column, text) = (column.kind, column.name.clone(), shown(cell));
                    return Err(match kind {
                        ColumnKind::YesNo => RecordError::NotYesOrNo { column, text },
                        ColumnKind::Number if parser.is_out_of_range(cell) => {
                            RecordError::OutOfRange { column, text }
                        }
                        ColumnKind::Number | ColumnKind::Category => {
                            RecordError::NotANumber { column, text }
                        }
                    });
                }
            };
            readings.push(reading);
        }
        let Some(index) = self.header.label else { return Ok(ParsedLabel::default()) };
        let cell = field(index);
        let label = self.schema.label();
        labels.parse(cell).ok_or_else(|| RecordError::UnknownLabel {
            column: label.column.clone(),
            text: shown(cell),
            expected: label.positive.iter().chain(&label.negative).cloned().collect(),
        })
    }

    /// Returns the positions of the columns in the header.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the role of each field in a record.
    pub(crate) fn roles(&self) -> &[FieldRole] {
        &self.roles
    }

    /// Returns how the cells of each column are parsed.
    pub(crate) fn cells(&self) -> &[CellParser] {
        &self.cells
    }

    /// Returns a parser of labels.
    pub(crate) fn label_parser(&self) -> LabelParser<'_> {
        LabelParser { label: self.schema.label(), known: Vec::new() }
    }

    /// Returns the index and the field of each column of categories.
    pub(crate) fn categories(&self) -> &[(usize, usize)] {
        &self.categories
    }

    /// Returns the name of a column.
    pub(crate) fn column_name(&self, index: usize) -> &str {
        &self.schema.columns()[index].name
    }
}

/// A label cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ParsedLabel {
    /// The class, or `None` where the cell is missing.
    pub(crate) class: Option<u8>,
    /// A hash of the word, equal for the spellings of one word.
    pub(crate) word: u64,
}

/// Parses labels and remembers the first spellings.
pub(crate) struct LabelParser<'a> {
    label: &'a Label,
    known: Vec<(Vec<u8>, ParsedLabel)>,
}

impl LabelParser<'_> {
    /// Parses a label cell. Returns `None` where it is neither a class nor missing.
    pub(crate) fn parse(&mut self, cell: &[u8]) -> Option<ParsedLabel> {
        if let Some((_, parsed)) = self.known.iter().find(|(spelling, _)| spelling == cell) {
            return Some(*parsed);
        }
        let text = String::from_utf8_lossy(cell);
        let class = self.label.class(&text);
        let word = fold_word(&text);
        let is_missing =
            || is_missing(&word) || self.label.missing_markers.iter().any(|m| fold_word(m) == word);
        let parsed = ParsedLabel { class, word: xxh3_64(word.as_bytes()) };
        let is_valid = class.is_some() || is_missing();
        if is_valid && self.known.len() < MAX_CACHED_LABELS {
            self.known.push((cell.to_vec(), parsed));
        }
        is_valid.then_some(parsed)
    }
}

/// Returns the start of a cell on one line, for a message.
pub(crate) fn shown(cell: &[u8]) -> String {
    let text = String::from_utf8_lossy(cell);
    let mut letters = text.chars();
    let mut shown = String::new();
    for letter in letters.by_ref().take(MAX_SHOWN_CHARS) {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Column;

    fn schema() -> Schema {
        let column = |name: &str, unit: &str, spellings: &[&str]| Column {
            name: name.to_owned(),
            unit: Some(unit.to_owned()),
            spellings: spellings.iter().map(|&text| text.to_owned()).collect(),
            ..Column::default()
        };
        let label = Label {
            column: "Downtime".to_owned(),
            positive: vec!["Failure".to_owned(), "1".to_owned()],
            negative: vec!["None_Failed".to_owned(), "0".to_owned()],
            missing_markers: Vec::new(),
        };
        let columns = vec![column("Pressure", "bar", &[]), column("Cutting", "kN", &["Force"])];
        Schema::new(columns, label).unwrap()
    }

    fn read(
        reader: &RecordReader<'_>,
        cells: &[&str],
    ) -> Result<(Vec<f64>, Option<u8>), RecordError> {
        let mut readings = Vec::new();
        let class = reader.read(cells, &mut readings)?;
        Ok((readings, class))
    }

    #[test]
    fn readings_are_in_the_order_and_units_of_the_schema() {
        let schema = schema();
        let reader = RecordReader::new(&schema, &["cutting [N]", "Date", "PRESSURE"]).unwrap();
        assert_eq!(read(&reader, &["3580", "today", " 71.04 "]), Ok((vec![71.04, 3.58], None)));
        // Readings are appended to those of the records before.
        let mut readings = Vec::new();
        for pressure in ["1", "2"] {
            reader.read(&["1000", "", pressure], &mut readings).unwrap();
        }
        assert_eq!(readings, [1.0, 1.0, 2.0, 1.0]);
    }

    #[test]
    fn headers_and_cells_may_be_bytes_in_latin_1() {
        let schema = schema();
        let header: [&[u8]; 3] = [b"Pressure", b"Force", b"Temp\xe9rature(\xb0C)"];
        let reader = RecordReader::new(&schema, &header).unwrap();
        let cells: [&[u8]; 3] = [b"1", b"2", b"\xff"];
        let mut readings = Vec::new();
        assert_eq!(reader.read(&cells, &mut readings), Ok(None));
        assert_eq!(readings, [1.0, 2.0]);
    }

    #[test]
    fn missing_cells_are_nan() {
        let schema = schema();
        let reader = RecordReader::new(&schema, &["Pressure", "Force"]).unwrap();
        for cell in ["", " ", "n/a", "NaN", "inf"] {
            let (readings, _) = read(&reader, &[cell, "2"]).unwrap();
            assert!(readings[0].is_nan() && readings[1] == 2.0, "{cell}: {readings:?}");
        }
    }

    #[test]
    fn a_label_is_a_class_or_missing() {
        let schema = schema();
        let header = ["Downtime", "Pressure", "Force"];
        let reader = RecordReader::with_label(&schema, &header).unwrap();
        for (cell, class) in
            [(" FAILURE ", Some(1)), ("1.0", Some(1)), ("0", Some(0)), ("", None), ("null", None)]
        {
            assert_eq!(read(&reader, &[cell, "1", "2"]), Ok((vec![1.0, 2.0], class)), "{cell}");
        }
        // Without a label, the column is one of those that are ignored.
        let reader = RecordReader::new(&schema, &header).unwrap();
        assert_eq!(read(&reader, &["perhaps", "1", "2"]), Ok((vec![1.0, 2.0], None)));
    }

    #[test]
    fn bad_records_are_errors_without_a_place_and_leave_no_readings() {
        let schema = schema();
        let reader =
            RecordReader::with_label(&schema, &["Pressure", "Force(N)", "Downtime"]).unwrap();
        let mut readings = vec![7.0];
        let mut error = |cells: &[&str]| {
            let error = reader.read(cells, &mut readings).unwrap_err().to_string();
            assert_eq!(readings, [7.0], "{cells:?}");
            error
        };
        insta::assert_snapshot!(error(&["1", "2\n", "1", "4"]), @"the row has 4 fields, expected 3 as in the header");
        insta::assert_snapshot!(error(&["1", "2 V\n", "1"]), @r"column `Cutting`: found `2 V\n`, expected a number");
        insta::assert_snapshot!(error(&["1,5", "x", "?"]), @"column `Pressure`: found `1,5`, expected a number");
        insta::assert_snapshot!(error(&["1", "2", "maybe"]), @"column `Downtime`: found `maybe`, expected one of: Failure, 1, None_Failed, 0");
    }

    #[test]
    fn bad_headers_are_errors_without_a_place() {
        let schema = schema();
        let error = |header: &[&str]| {
            RecordReader::new(&schema, header).err().map(|error| error.to_string()).unwrap()
        };
        insta::assert_snapshot!(error(&["Presure"]), @"lacks column `Pressure` (did you mean `Presure`?), column `Cutting`; columns found: Presure");
        insta::assert_snapshot!(error(&["Pressure", "Force", "cutting(N)"]), @"has two columns for `Cutting`: `Force` and `cutting(N)`");
        insta::assert_snapshot!(error(&["Pressure(V)", "Force"]), @"has `Pressure(V)`, expected `Pressure` in one of: bar, mbar, Pa, hPa, kPa, MPa, mPa, psi, atm, kgf/cm2");
        let label = RecordReader::with_label(&schema, &["Pressure", "Force"]).err().unwrap();
        insta::assert_snapshot!(label, @"lacks column `Downtime`; columns found: Pressure, Force");
    }

    #[test]
    fn long_cells_are_cut_in_messages() {
        assert_eq!(shown("ü".repeat(61).as_bytes()), format!("{}…", "ü".repeat(60)));
        assert_eq!(shown(&[b'1', 0xff]), "1\u{FFFD}");
    }
}

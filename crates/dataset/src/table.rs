//! Reading and cleaning the raw table.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::BufRead;

use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

use crate::header::{Header, HeaderError};
use crate::records::{Record, RecordError, Records};
use crate::schema::Schema;

/// What becomes of a row with an empty or non-finite sensor cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingValues {
    /// It is dropped and counted.
    Drop,
    /// The cell stays NaN; the recipe puts the training median in its place.
    Median,
}

/// What becomes of a row with a cell that should be a number or a class and is not, or with too
/// few or too many fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCells {
    /// Reading fails and names the cell.
    Error,
    /// The row is dropped and counted.
    Drop,
}

/// How to clean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Missing cells.
    pub missing_values: MissingValues,
    /// Cells that cannot be read.
    pub bad_cells: BadCells,
}

/// Cleaned rows of raw sensor readings. A reading is an f32, as the forest's features are; NaN is a
/// missing one.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    width: usize,
    cells: Vec<f32>,
    labels: Vec<u8>,
}

impl Table {
    /// How many rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// A row's readings, in the order of the schema's columns.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.cells[index * self.width..][..self.width]
    }

    /// The readings of one column.
    pub fn column(&self, index: usize) -> impl Iterator<Item = f32> + Clone {
        self.cells.iter().skip(index).step_by(self.width).copied()
    }

    /// Each row's class, 0 or 1.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }
}

/// What was read and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Rows in all files.
    pub rows_read: usize,
    /// Rows left.
    pub rows_kept: usize,
    /// Rows dropped for an empty or non-finite cell, label included.
    pub dropped_missing: usize,
    /// Rows dropped for a cell that is not a number, or a label that is no class.
    pub dropped_bad_cells: usize,
    /// Rows dropped for too few or too many fields.
    pub dropped_ragged: usize,
    /// Rows dropped because the same readings and label were there before.
    pub dropped_duplicates: usize,
    /// Empty or non-finite cells of each column, over all rows that could be read.
    pub missing_cells: BTreeMap<String, usize>,
    /// The first row that could not be read, in the words of the error that it would have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_bad: Option<String>,
}

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Not CSV.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Not this table.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// Nothing in it.
    #[error("{file} is empty, expected a header line")]
    Empty {
        /// The file.
        file: String,
    },
    /// A row of another length.
    #[error(
        "{file}, line {line}: the row has {found} fields, expected {expected} as in the header"
    )]
    Ragged {
        /// The file.
        file: String,
        /// Where the row begins.
        line: u64,
        /// What it has.
        found: usize,
        /// What the header has.
        expected: usize,
    },
    /// A cell that is not a number.
    #[error("{file}, line {line}, column `{column}`: found `{text}`, expected a number")]
    NotANumber {
        /// The file.
        file: String,
        /// Where the row begins.
        line: u64,
        /// The column's name.
        column: String,
        /// The cell.
        text: String,
    },
    /// A label that is no class.
    #[error("{file}, line {line}, column `{column}`: found `{text}`, expected one of: {}", expected.join(", "))]
    UnknownLabel {
        /// The file.
        file: String,
        /// Where the row begins.
        line: u64,
        /// The label's name.
        column: String,
        /// The cell.
        text: String,
        /// The words for both classes.
        expected: Vec<String>,
    },
    /// Headers and nothing else.
    #[error("there are no rows: {} a header and nothing else", has(files))]
    NoRows {
        /// The files.
        files: Vec<String>,
    },
    /// Nothing left after cleaning.
    #[error(
        "no rows are left of {}: {} with missing cells, {} with cells that cannot be read, {} with \
         too few or too many fields, {} duplicates{}",
        .0.rows_read, .0.dropped_missing, .0.dropped_bad_cells, .0.dropped_ragged,
        .0.dropped_duplicates, first_bad(.0)
    )]
    AllDropped(Box<Counts>),
}

fn has(files: &[String]) -> String {
    match files {
        [] => "no file has".to_owned(),
        [file] => format!("{file} has"),
        [first, ..] => format!("{first} and {} more have", files.len() - 1),
    }
}

fn first_bad(counts: &Counts) -> String {
    counts.first_bad.as_ref().map_or_else(String::new, |first| format!("; the first: {first}"))
}

/// Cells that mean nothing was measured, as pandas reads them, folded.
const NOTHING: [&str; 10] =
    ["", "nan", "-nan", "na", "n/a", "#n/a", "<na>", "null", "none", "missing"];

/// Reads file after file into one table.
pub struct TableReader<'a> {
    schema: &'a Schema,
    rules: Rules,
    table: Table,
    counts: Counts,
    missing: Vec<usize>,
    /// The first file and its columns.
    first: Option<(String, BTreeSet<String>)>,
    files: Vec<String>,
    /// Digests of the rows so far: 16 bytes each, whatever their width. Two different rows with the
    /// same 128 bits would take 10^16 rows to become likely.
    seen: HashSet<u128>,
    row: Vec<f32>,
}

impl<'a> TableReader<'a> {
    /// A reader of tables of this schema.
    pub fn new(schema: &'a Schema, rules: Rules) -> Self {
        let width = schema.columns().len();
        Self {
            schema,
            rules,
            table: Table { width, cells: Vec::new(), labels: Vec::new() },
            counts: Counts::default(),
            missing: vec![0; width],
            first: None,
            files: Vec::new(),
            seen: HashSet::new(),
            row: Vec::with_capacity(width),
        }
    }

    /// Reads one file, which messages call `file`.
    ///
    /// # Errors
    /// No CSV, another table's columns, or a row that cannot be read where the rules forbid that.
    pub fn read(&mut self, file: &str, input: impl BufRead) -> Result<(), TableError> {
        let mut records = Records::new(file, input);
        let Some(record) = records.next()? else {
            return Err(TableError::Empty { file: file.to_owned() });
        };
        let header = Header::new(file, self.schema, &record)?;
        match &self.first {
            Some((other, names)) => header.check_same(file, names, other)?,
            None => self.first = Some((file.to_owned(), header.names.clone())),
        }
        self.files.push(file.to_owned());
        while let Some(record) = records.next()? {
            self.counts.rows_read += 1;
            match self.record(file, &header, &record) {
                Ok(()) => {}
                Err(error) if self.rules.bad_cells == BadCells::Error => return Err(error),
                Err(error) => {
                    match error {
                        TableError::Ragged { .. } => self.counts.dropped_ragged += 1,
                        _ => self.counts.dropped_bad_cells += 1,
                    }
                    self.counts.first_bad.get_or_insert_with(|| error.to_string());
                }
            }
        }
        Ok(())
    }

    /// Takes one row into the table, or drops and counts it.
    fn record(
        &mut self,
        file: &str,
        header: &Header,
        record: &Record<'_>,
    ) -> Result<(), TableError> {
        let line = record.line;
        if record.len() != header.width {
            let (file, found, expected) = (file.to_owned(), record.len(), header.width);
            return Err(TableError::Ragged { file, line, found, expected });
        }
        self.row.clear();
        for (&(field, power), column) in header.columns.iter().zip(self.schema.columns()) {
            let bytes = record.field(field);
            let reading = reading(bytes, power).ok_or_else(|| TableError::NotANumber {
                file: file.to_owned(),
                line,
                column: column.name.clone(),
                text: shown(bytes),
            })?;
            self.row.push(reading);
        }
        let label = self.label(file, line, record.field(header.label))?;

        let mut missing = 0;
        for (count, reading) in self.missing.iter_mut().zip(&self.row) {
            *count += usize::from(reading.is_nan());
            missing += usize::from(reading.is_nan());
        }
        let Some(label) = label else {
            self.counts.dropped_missing += 1;
            return Ok(());
        };
        if missing > 0 && self.rules.missing_values == MissingValues::Drop {
            self.counts.dropped_missing += 1;
            return Ok(());
        }
        if !self.seen.insert(digest(&self.row, label)) {
            self.counts.dropped_duplicates += 1;
            return Ok(());
        }
        self.table.cells.extend_from_slice(&self.row);
        self.table.labels.push(label);
        Ok(())
    }

    /// The class that a label cell means; none where it is empty.
    fn label(&self, file: &str, line: u64, bytes: &[u8]) -> Result<Option<u8>, TableError> {
        let label = self.schema.label();
        let text = String::from_utf8_lossy(bytes);
        if let Some(class) = label.class(&text) {
            return Ok(Some(class));
        }
        if NOTHING.contains(&text.trim().to_lowercase().as_str()) {
            return Ok(None);
        }
        Err(TableError::UnknownLabel {
            file: file.to_owned(),
            line,
            column: label.column.clone(),
            text: shown(bytes),
            expected: label.positive.iter().chain(&label.negative).cloned().collect(),
        })
    }

    /// The table, and what was dropped on the way.
    ///
    /// # Errors
    /// A table without rows.
    pub fn finish(mut self) -> Result<(Table, Counts), TableError> {
        self.counts.rows_kept = self.table.len();
        let names = self.schema.names().map(str::to_owned);
        self.counts.missing_cells =
            names.zip(self.missing).filter(|(_, count)| *count > 0).collect();
        if self.counts.rows_read == 0 {
            return Err(TableError::NoRows { files: self.files });
        }
        if self.table.is_empty() {
            return Err(TableError::AllDropped(Box::new(self.counts)));
        }
        Ok((self.table, self.counts))
    }
}

/// The number in a cell, in the column's unit; NaN where nothing was measured or the number is not
/// finite as an f32, and none where it is not a number.
fn reading(bytes: &[u8], power: i32) -> Option<f32> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let number = if power == 0 { text.parse() } else { scaled(text, power) };
    match number {
        Ok(number) => {
            let reading = number as f32;
            Some(if reading.is_finite() { reading } else { f32::NAN })
        }
        Err(_) => NOTHING.contains(&text.to_lowercase().as_str()).then_some(f32::NAN),
    }
}

/// `text * 10^power`, correctly rounded: the power goes into the decimal exponent before the number
/// is read, so that 693372.4915 Pa and 6.933724915 bar are the same bits.
fn scaled(text: &str, power: i32) -> Result<f64, std::num::ParseFloatError> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if digits.ends_with(|c: char| c.is_ascii_digit() || c == '.') => {
            format!("{digits}e{}", exponent.saturating_add(power)).parse()
        }
        _ => text.parse(),
    }
}

/// A cell as a message shows it: the start of it, on one line.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut letters = text.chars();
    let mut shown = String::new();
    for letter in letters.by_ref().take(60) {
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

fn digest(row: &[f32], label: u8) -> u128 {
    let mut hash = Xxh3::new();
    for reading in row {
        // 0.0 and -0.0 are one number. All missing readings are the one NaN.
        hash.update(&(reading + 0.0).to_bits().to_le_bytes());
    }
    hash.update(&[label]);
    hash.digest128()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_change_the_exponent_and_nothing_else() {
        assert_eq!(reading(b"693372.4915", -5), reading(b"6.933724915", 0));
        assert_eq!(reading(b" 7104000 ", -5), Some(71.04));
        assert_eq!(reading(b"6.9e5", -5), Some(6.9));
        assert_eq!(reading(b".5", 3), Some(500.0));
        assert_eq!(reading(b"5.", 3), Some(5000.0));
        assert_eq!(reading(b"-2E-1", 3), Some(-200.0));
    }

    #[test]
    fn missing_is_not_the_same_as_bad() {
        for text in ["", "  ", "NaN", "n/a", "NULL", "None", "inf", "-Infinity", "1e39"] {
            for power in [0, 3] {
                assert!(reading(text.as_bytes(), power).is_some_and(f32::is_nan), "{text}");
            }
        }
        for text in ["broken", "1,5", "0x1f", "12 bar", "--1", "1e", "e5", "1e5x"] {
            for power in [0, 3] {
                assert_eq!(reading(text.as_bytes(), power), None, "{text}");
            }
        }
        assert_eq!(reading(b"\xff1", 0), None);
    }

    #[test]
    fn a_long_cell_is_cut_in_messages() {
        assert_eq!(shown("ü".repeat(61).as_bytes()), format!("{}…", "ü".repeat(60)));
        assert_eq!(shown(&[b'1', 0xff]), "1\u{FFFD}");
    }
}

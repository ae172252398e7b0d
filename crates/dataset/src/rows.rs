//! Rows of the raw table, block by block.

use memchr::memchr;

use crate::blocks::Block;
use crate::header::Header;
use crate::number;
use crate::records::{Record, Records};
use crate::schema::{Label, Schema};
use crate::seen;
use crate::table::{BadCells, Counts, MissingValues, Rules, TableError};

/// Cells that mean nothing was measured, as pandas reads them, folded.
const NOTHING: [&str; 10] =
    ["", "nan", "-nan", "na", "n/a", "#n/a", "<na>", "null", "none", "missing"];
/// How many spellings of a label are kept in mind: most files have two.
const SPELLINGS: usize = 8;

/// How the rows of one file are read.
pub(crate) struct Rows<'a> {
    file: &'a str,
    schema: &'a Schema,
    rules: Rules,
    header: &'a Header,
    /// What each field of a row is.
    roles: Vec<Role>,
}

#[derive(Clone, Copy)]
enum Role {
    /// A reading of this column, times a power of ten.
    Reading(usize, i32),
    Label,
    Other,
}

/// What the rows of a block come to: those that are kept, unless they were there before, and what
/// became of the others.
#[derive(Default)]
pub(crate) struct Piece {
    pub(crate) cells: Vec<f32>,
    pub(crate) labels: Vec<u8>,
    /// Of each row.
    pub(crate) hashes: Vec<u32>,
    /// Missing cells of each column.
    pub(crate) missing: Vec<usize>,
    pub(crate) counts: Counts,
    /// Room for what is hashed.
    bytes: Vec<u8>,
}

impl Piece {
    /// Keeps the row of the last readings, or drops and counts it.
    fn row(&mut self, label: Option<u8>, rules: Rules) {
        let begin = self.cells.len() - self.missing.len();
        let row = &self.cells[begin..];
        let mut missing = label.is_none();
        for (count, reading) in self.missing.iter_mut().zip(row) {
            *count += usize::from(reading.is_nan());
            missing |= reading.is_nan() && rules.missing_values == MissingValues::Drop;
        }
        match label.filter(|_| !missing) {
            Some(label) => {
                self.hashes.push(seen::hash(row, label, &mut self.bytes));
                self.labels.push(label);
            }
            None => {
                self.counts.dropped_missing += 1;
                self.cells.truncate(begin);
            }
        }
    }
}

impl<'a> Rows<'a> {
    pub(crate) fn new(file: &'a str, schema: &'a Schema, rules: Rules, header: &'a Header) -> Self {
        let mut roles = vec![Role::Other; header.width];
        roles[header.label] = Role::Label;
        for (column, &(field, power)) in header.columns.iter().enumerate() {
            roles[field] = Role::Reading(column, power);
        }
        Self { file, schema, rules, header, roles }
    }

    /// The rows of a block: plain ones quickly, and any other one, a wrong one above all, record by
    /// record.
    pub(crate) fn read(&self, block: &Block) -> Result<Piece, TableError> {
        let mut piece = Piece { missing: vec![0; self.header.columns.len()], ..Piece::default() };
        let mut records = Records::new(self.file, block);
        let mut classes = Classes { label: self.schema.label(), known: Vec::new() };
        loop {
            if block.is_short {
                records.skip(self.plain_rows(records.rest(), &mut piece, &mut classes));
            }
            let Some(record) = records.next()? else { return Ok(piece) };
            piece.counts.rows_read += 1;
            let begin = piece.cells.len();
            match self.record(&record, &mut piece.cells, &mut classes) {
                Ok(label) => piece.row(label, self.rules),
                Err(error) if self.rules.bad_cells == BadCells::Error => return Err(error),
                Err(error) => {
                    piece.cells.truncate(begin);
                    match error {
                        TableError::Ragged { .. } => piece.counts.dropped_ragged += 1,
                        _ => piece.counts.dropped_bad_cells += 1,
                    }
                    piece.counts.first_bad.get_or_insert_with(|| error.to_string());
                }
            }
        }
    }

    /// Takes rows as long as they are plain, and gives how many bytes they are.
    fn plain_rows(&self, text: &[u8], piece: &mut Piece, classes: &mut Classes<'_>) -> usize {
        let mut read = 0;
        loop {
            let blank = text[read..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
            read += blank.count();
            let begin = piece.cells.len();
            let row = self.plain_row(&text[read..], &mut piece.cells);
            let row = row.and_then(|(label, length)| Some((classes.of(label)?, length)));
            let Some((class, length)) = row else {
                piece.cells.truncate(begin);
                return read;
            };
            piece.counts.rows_read += 1;
            piece.row(class, self.rules);
            read += length;
        }
    }

    /// Appends the readings of the row that a text begins with, and gives its label and how many
    /// bytes it takes. None where anything about it is unusual: it may be no row.
    fn plain_row<'b>(&self, text: &'b [u8], cells: &mut Vec<f32>) -> Option<(&'b [u8], usize)> {
        let begin = cells.len();
        cells.resize(begin + self.header.columns.len(), f32::NAN);
        let cells = &mut cells[begin..];
        let mut label: &[u8] = &[];
        let mut at = 0;
        for (place, role) in self.roles.iter().enumerate() {
            let rest = &text[at..];
            at += match *role {
                Role::Reading(column, power) => {
                    let (number, length) = plain_reading(rest, power)?;
                    cells[column] = number;
                    length
                }
                Role::Label => {
                    let (field, length) = plain_field(rest)?;
                    label = field;
                    length
                }
                Role::Other => plain_field(rest)?.1,
            };
            let is_last = place + 1 == self.roles.len();
            match text.get(at)? {
                b',' if !is_last => at += 1,
                b'\n' | b'\r' if is_last => return Some((label, at + 1)),
                _ => return None,
            }
        }
        None
    }

    /// Appends a record's readings to `cells` and gives its class, or none where that is empty.
    fn record(
        &self,
        record: &Record<'_>,
        cells: &mut Vec<f32>,
        classes: &mut Classes<'_>,
    ) -> Result<Option<u8>, TableError> {
        let (line, header) = (record.line, self.header);
        let file = || self.file.to_owned();
        if record.len() != header.width {
            let (found, expected) = (record.len(), header.width);
            return Err(TableError::Ragged { file: file(), line, found, expected });
        }
        for (&(field, power), column) in header.columns.iter().zip(self.schema.columns()) {
            let bytes = record.field(field);
            cells.push(reading(bytes, power).ok_or_else(|| TableError::NotANumber {
                file: file(),
                line,
                column: column.name.clone(),
                text: shown(bytes),
            })?);
        }
        let (bytes, label) = (record.field(header.label), self.schema.label());
        classes.of(bytes).ok_or_else(|| TableError::UnknownLabel {
            file: file(),
            line,
            column: label.column.clone(),
            text: shown(bytes),
            expected: label.positive.iter().chain(&label.negative).cloned().collect(),
        })
    }
}

/// What labels mean.
struct Classes<'a> {
    label: &'a Label,
    /// The first spellings that came.
    known: Vec<(Vec<u8>, Option<u8>)>,
}

impl Classes<'_> {
    /// The class that a label cell means, none where it is empty; none at all where it means
    /// nothing.
    fn of(&mut self, bytes: &[u8]) -> Option<Option<u8>> {
        if let Some((_, class)) = self.known.iter().find(|(spelling, _)| spelling == bytes) {
            return Some(*class);
        }
        let text = String::from_utf8_lossy(bytes);
        let class = self.label.class(&text);
        let is_known = class.is_some() || NOTHING.contains(&text.trim().to_lowercase().as_str());
        if is_known && self.known.len() < SPELLINGS {
            self.known.push((bytes.to_vec(), class));
        }
        is_known.then_some(class)
    }
}

/// The reading that a text begins with, NaN where it is empty, and how many bytes it takes.
fn plain_reading(text: &[u8], power: i32) -> Option<(f32, usize)> {
    // Most numbers have no quotes around them, and end where their field does.
    if let Some(found) = number::leading(text, power) {
        return Some(found);
    }
    let (field, length) = plain_field(text)?;
    if field.is_empty() {
        return Some((f32::NAN, length));
    }
    let (number, digits) = number::leading(field, power)?;
    (digits == field.len()).then_some((number, length))
}

/// The field that a text begins with, without the quotes around it, and how many bytes it takes.
/// What follows is a comma or a line end, unless there are quotes in the quotes.
fn plain_field(text: &[u8]) -> Option<(&[u8], usize)> {
    if let Some((b'"', quoted)) = text.split_first() {
        let length = memchr(b'"', quoted)?;
        return Some((&quoted[..length], length + 2));
    }
    let is_end = |byte: &u8| matches!(byte, b',' | b'\n' | b'\r');
    let length = text.iter().take_while(|byte| !is_end(byte)).count();
    Some((&text[..length], length))
}

/// The number in a cell, in the column's unit; NaN where nothing was measured or the number is not
/// finite as an f32, and none where it is not a number.
fn reading(bytes: &[u8], power: i32) -> Option<f32> {
    if let Some((number, length)) = number::leading(bytes, power)
        && length == bytes.len()
    {
        return Some(number);
    }
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

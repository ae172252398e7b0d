//! Reads the rows of a raw table, block by block.

use memchr::memchr;

use crate::blocks::Block;
use crate::cleaning::{BadCells, CleaningCounts, CleaningRules, MissingValues};
use crate::csv_records::{CsvRecord, CsvRecords};
use crate::duplicates;
use crate::number;
use crate::record::{ClassCache, FieldRole, RecordError, RecordReader, parse_reading};
use crate::table_error::TableError;

/// Reads the rows of one file.
pub(crate) struct RowReader<'a> {
    file: &'a str,
    rules: CleaningRules,
    records: &'a RecordReader<'a>,
}

/// The rows of a block that are kept, before duplicates are dropped, and the counts of the others.
#[derive(Default)]
pub(crate) struct BlockRows {
    pub(crate) readings: Vec<f32>,
    /// The class of each row.
    pub(crate) labels: Vec<u8>,
    /// The hash of each row.
    pub(crate) hashes: Vec<u32>,
    /// The number of missing cells in each column.
    pub(crate) missing: Vec<usize>,
    pub(crate) counts: CleaningCounts,
    /// The buffer for the bytes of a row that is hashed.
    hash_buffer: Vec<u8>,
}

impl BlockRows {
    /// Keeps the row whose readings were appended last, or drops and counts it.
    fn finish_row(&mut self, label: Option<u8>, rules: CleaningRules) {
        let begin = self.readings.len() - self.missing.len();
        let row = &self.readings[begin..];
        let mut missing = label.is_none();
        for (count, reading) in self.missing.iter_mut().zip(row) {
            *count += usize::from(reading.is_nan());
            missing |= reading.is_nan() && rules.missing_values == MissingValues::Drop;
        }
        match label.filter(|_| !missing) {
            Some(label) => {
                self.hashes.push(duplicates::hash(row, label, &mut self.hash_buffer));
                self.labels.push(label);
            }
            None => {
                self.counts.dropped_missing += 1;
                self.readings.truncate(begin);
            }
        }
    }
}

impl<'a> RowReader<'a> {
    pub(crate) fn new(file: &'a str, rules: CleaningRules, records: &'a RecordReader<'a>) -> Self {
        Self { file, rules, records }
    }

    /// Reads the rows of a block. Plain rows take a fast path; any other row, in particular a bad
    /// one, is parsed as a CSV record.
    pub(crate) fn read(&self, block: &Block) -> Result<BlockRows, TableError> {
        let columns = self.records.header().columns.len();
        let mut rows = BlockRows { missing: vec![0; columns], ..BlockRows::default() };
        let mut csv = CsvRecords::new(self.file, &block.text, block.line);
        let mut classes = self.records.class_cache();
        loop {
            if block.is_short {
                csv.skip(self.read_plain_rows(csv.rest(), &mut rows, &mut classes));
            }
            let Some(record) = csv.next()? else { return Ok(rows) };
            self.read_record(&record, &mut rows, &mut classes)?;
        }
    }

    /// Reads rows until one is not plain, and returns their length in bytes.
    fn read_plain_rows(
        &self,
        text: &[u8],
        rows: &mut BlockRows,
        classes: &mut ClassCache<'_>,
    ) -> usize {
        let mut read = 0;
        loop {
            let blank = text[read..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
            read += blank.count();
            let begin = rows.readings.len();
            let row = self.read_plain_row(&text[read..], &mut rows.readings);
            let row = row.and_then(|(label, length)| Some((classes.parse(label)?, length)));
            let Some((class, length)) = row else {
                rows.readings.truncate(begin);
                return read;
            };
            rows.counts.rows_read += 1;
            rows.finish_row(class, self.rules);
            read += length;
        }
    }

    /// Appends the readings of the row at the start of `text`, and returns its label and its length
    /// in bytes. Returns `None` where the text is not plain: it may not be a row.
    fn read_plain_row<'b>(
        &self,
        text: &'b [u8],
        readings: &mut Vec<f32>,
    ) -> Option<(&'b [u8], usize)> {
        let begin = readings.len();
        readings.resize(begin + self.records.header().columns.len(), f32::NAN);
        let readings = &mut readings[begin..];
        let roles = self.records.roles();
        let mut label: &[u8] = &[];
        let mut at = 0;
        for (index, role) in roles.iter().enumerate() {
            let rest = &text[at..];
            at += match *role {
                FieldRole::Reading(column, power) => {
                    let (number, length) = plain_reading(rest, power)?;
                    readings[column] = number;
                    length
                }
                FieldRole::Label => {
                    let (field, length) = plain_field(rest)?;
                    label = field;
                    length
                }
                FieldRole::Ignored => plain_field(rest)?.1,
            };
            let is_last = index + 1 == roles.len();
            match text.get(at)? {
                b',' if !is_last => at += 1,
                b'\n' | b'\r' if is_last => return Some((label, at + 1)),
                _ => return None,
            }
        }
        None
    }

    /// Reads a row that may have quotes, odd numbers or errors.
    fn read_record(
        &self,
        record: &CsvRecord<'_>,
        rows: &mut BlockRows,
        classes: &mut ClassCache<'_>,
    ) -> Result<(), TableError> {
        rows.counts.rows_read += 1;
        let field = |index| record.field(index);
        let read = self.records.read_fields(record.len(), field, classes, &mut rows.readings);
        let problem = match read {
            Ok(class) => {
                rows.finish_row(class, self.rules);
                return Ok(());
            }
            Err(problem) => problem,
        };
        let is_ragged = matches!(problem, RecordError::FieldCount { .. });
        let file = self.file.to_owned();
        let error = TableError::Record { file, line: record.line, problem };
        if self.rules.bad_cells == BadCells::Error {
            return Err(error);
        }
        if is_ragged {
            rows.counts.dropped_ragged += 1;
        } else {
            rows.counts.dropped_bad_cells += 1;
        }
        rows.counts.first_bad.get_or_insert_with(|| error.to_string());
        Ok(())
    }
}

/// Parses the reading at the start of `text`, and returns it with the length of its field in bytes.
/// Returns `None` where it is not a reading.
fn plain_reading(text: &[u8], power: i32) -> Option<(f32, usize)> {
    // Most numbers are unquoted and end where their field does; the caller checks for that.
    if let Some(found) = number::leading(text, power) {
        return Some(found);
    }
    let (field, length) = plain_field(text)?;
    if field.is_empty() {
        return Some((f32::NAN, length));
    }
    Some((parse_reading(field, power)?, length))
}

/// Returns the field at the start of `text` without its quotes, and its length in bytes. A comma or
/// a line end follows, unless the field has quotes inside.
fn plain_field(text: &[u8]) -> Option<(&[u8], usize)> {
    if let Some((b'"', quoted)) = text.split_first() {
        let length = memchr(b'"', quoted)?;
        return Some((&quoted[..length], length + 2));
    }
    let is_end = |byte: &u8| matches!(byte, b',' | b'\n' | b'\r');
    let length = text.iter().take_while(|byte| !is_end(byte)).count();
    Some((&text[..length], length))
}

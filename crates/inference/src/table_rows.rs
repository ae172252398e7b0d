//! Reads the rows of one table with the columns of a model, and counts those that are left out.

use dataset::{
    BadCells, OtherRow, RawHeader, RecordError, RecordReader, TableError, is_totals_row, push_field,
};

use crate::columns::Columns;
use crate::error::InferenceError;
use crate::model::Model;
use crate::scored_rows::ScoredRows;

/// The rows of one table.
pub(crate) struct TableRows<'m> {
    header: RawHeader,
    records: RecordReader<'m>,
    bad_cells: BadCells,
    /// What begins each line: the file, if there are several tables.
    name: Vec<u8>,
    /// The field of each column of the output, if the table has it.
    fields: Vec<Option<usize>>,
}

/// The rows of a block that are left out, and the first error.
#[derive(Default)]
pub(crate) struct LeftOut {
    totals_rows: u64,
    header_rows: u64,
    blank_rows: u64,
    unreadable_rows: u64,
    first_unreadable: Option<String>,
    /// The first error. Later rows are not read.
    pub(crate) error: Option<InferenceError>,
}

impl<'m> TableRows<'m> {
    /// Creates a reader of a table's rows, and adds what is unusual about the table to `scored`. Returns
    /// `None` if the table lacks a column of the model.
    pub(crate) fn new(
        model: &'m Model,
        header: RawHeader,
        columns: &Columns,
        bad_cells: BadCells,
        scored: &mut ScoredRows,
    ) -> Option<Self> {
        let records = header.records(model.schema()).ok()?;
        scored.note(&header, &records);
        let (name, fields) = (columns.line_start(&header), columns.fields(&header));
        Some(Self { header, records, bad_cells, name, fields })
    }

    /// Appends the readings of the row that begins on a line to `readings`, and returns whether it is a row
    /// to answer.
    pub(crate) fn read(
        &self,
        line: u64,
        fields: &[&[u8]],
        readings: &mut Vec<f64>,
        left_out: &mut LeftOut,
    ) -> bool {
        if left_out.error.is_some() {
            return false;
        }
        let begin = readings.len();
        let read = match self.bad_cells {
            BadCells::Missing => self.records.read_leniently(fields, readings),
            BadCells::Error | BadCells::Drop => self.records.read(fields, readings),
        };
        let lacks_something = readings[begin..].iter().any(|reading| reading.is_nan());
        if (lacks_something || read.is_err()) && is_totals_row(fields.iter().copied()) {
            readings.truncate(begin);
            left_out.totals_rows += 1;
            return false;
        }
        match read {
            Ok(_) => true,
            Err(problem) => {
                self.refuse(line, problem, left_out);
                false
            }
        }
    }

    /// Leaves out a row that cannot be read, or ends with its error.
    fn refuse(&self, line: u64, problem: RecordError, left_out: &mut LeftOut) {
        let (file, place) = (self.header.file.clone(), self.header.place(line));
        let error = InferenceError::Table(TableError::Record { file, place, problem });
        if self.bad_cells == BadCells::Error {
            left_out.error.get_or_insert(error);
        } else {
            left_out.unreadable_rows += 1;
            left_out.first_unreadable.get_or_insert_with(|| error.to_string());
        }
    }

    /// Leaves out a row with too few or too many fields, or ends with an error.
    pub(crate) fn refuse_ragged(
        &self,
        line: u64,
        found: usize,
        expected: usize,
        left_out: &mut LeftOut,
    ) {
        self.refuse(line, RecordError::FieldCount { found, expected }, left_out);
    }

    /// Returns the field of the model's column at an index.
    pub(crate) fn field(&self, column: usize) -> usize {
        self.records.field(column)
    }

    /// Appends the fields of a row as a line of the output, without its end.
    pub(crate) fn push_row(&self, fields: &[&[u8]], line: &mut Vec<u8>) {
        line.extend_from_slice(&self.name);
        for (index, place) in self.fields.iter().enumerate() {
            line.extend((index > 0).then_some(b','));
            if let Some(place) = place {
                push_field(fields[*place], line);
            }
        }
    }
}

impl LeftOut {
    /// Counts a row that is none of the table's.
    pub(crate) fn count(&mut self, row: OtherRow) {
        match row {
            OtherRow::Totals => self.totals_rows += 1,
            OtherRow::Header => self.header_rows += 1,
            OtherRow::Blank => self.blank_rows += 1,
        }
    }

    /// Adds the counts to those of all rows.
    pub(crate) fn add_to(self, scored: &mut ScoredRows) {
        scored.totals_rows += self.totals_rows;
        scored.header_rows += self.header_rows;
        scored.blank_rows += self.blank_rows;
        scored.unreadable_rows += self.unreadable_rows;
        scored.first_unreadable = scored.first_unreadable.take().or(self.first_unreadable);
    }
}

//! Passes the rows of tables on as records, for a model that answers elsewhere.

use std::io::{Read, Seek};
use std::ops::ControlFlow;

use dataset::{
    BadCells, ColumnKind, OtherRow, RawHeader, RawReader, RecordError, RecordReader, RowSink,
    TableError, TextFormat, is_totals_row, push_field,
};

use crate::error::InferenceError;
use crate::model::Model;
use crate::table::{Columns, ScoredRows};

/// Rows of a table, and the records that they come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordBlock {
    /// The records, each a line of CSV: the readings in the order and units of the model's columns.
    pub records: Vec<u8>,
    /// The rows as they are in the table, each a line of CSV without its end.
    pub rows: Vec<Vec<u8>>,
}

/// Reads tables, one file after another, and passes their rows to a function as records of CSV without a
/// line of names, which is what a server of the model reads as it reads nothing else: numbers have a point
/// and the model's units.
///
/// The order is that of the rows, and memory is bounded by what the function keeps.
pub struct TableRecords<'m, F>(RawReader<Sink<'m, F>>);

impl<'m, F: FnMut(RecordBlock) -> ControlFlow<()>> TableRecords<'m, F> {
    /// Creates a reader of tables with these columns. `pass` may break off, and says why itself.
    pub fn new(model: &'m Model, format: TextFormat, columns: Columns, pass: F) -> Self {
        let sink = Sink {
            model,
            pass,
            files: Vec::new(),
            columns,
            read: ScoredRows::default(),
            bad_cells: BadCells::Error,
            error: None,
        };
        Self(RawReader::of_schema(sink, model.schema().clone(), format))
    }

    /// Sets how a cell that is not a number is handled, as
    /// [`TableScorer::with_bad_cells`](crate::TableScorer::with_bad_cells) does.
    #[must_use]
    pub fn with_bad_cells(mut self, rule: BadCells) -> Self {
        self.0.sink_mut().bad_cells = rule;
        self
    }

    /// Reads a file, or every file of a ZIP archive.
    ///
    /// # Errors
    /// Returns an error if the file lacks a column of the model, or if a row cannot be read.
    pub fn read_file(&mut self, file: &str, input: impl Read + Seek) -> Result<(), InferenceError> {
        let read = self.0.read_file(file, input);
        match self.0.sink_mut().error.take() {
            Some(error) => Err(error),
            None => Ok(read?),
        }
    }

    /// Returns what became of the rows, as far as that is known without their answers.
    ///
    /// # Errors
    /// Returns an error if no file is a table with the model's columns, or if there are no rows.
    pub fn finish(self) -> Result<ScoredRows, InferenceError> {
        let (sink, left_out) = self.0.finish()?;
        if sink.read.rows == 0 && sink.read.unreadable_rows == 0 {
            return Err(InferenceError::NoRows { files: sink.files.join(", ") });
        }
        Ok(ScoredRows { left_out, ..sink.read })
    }
}

struct Sink<'m, F> {
    model: &'m Model,
    pass: F,
    /// The files that were read.
    files: Vec<String>,
    columns: Columns,
    read: ScoredRows,
    bad_cells: BadCells,
    /// The first error, after which nothing is passed on.
    error: Option<InferenceError>,
}

/// What reading the rows of a file takes.
struct OpenFile<'m> {
    header: RawHeader,
    records: RecordReader<'m>,
    kinds: Vec<ColumnKind>,
    bad_cells: BadCells,
    /// What begins each row: the file, if there are several tables.
    name: Vec<u8>,
    /// The field of each column of the tables, if this one has it.
    fields: Vec<Option<usize>>,
}

/// The rows of a block.
#[derive(Default)]
struct Part {
    block: RecordBlock,
    /// Memory for the readings of a row.
    readings: Vec<f64>,
    totals_rows: u64,
    header_rows: u64,
    blank_rows: u64,
    unreadable_rows: u64,
    first_unreadable: Option<String>,
    error: Option<InferenceError>,
}

impl Part {
    /// Leaves out a row that cannot be read, or ends with its error.
    fn refuse(&mut self, file: &OpenFile<'_>, line: u64, problem: RecordError) {
        let (name, place) = (file.header.file.clone(), file.header.place(line));
        let error = InferenceError::Table(TableError::Record { file: name, place, problem });
        if file.bad_cells == BadCells::Error {
            self.error.get_or_insert(error);
        } else {
            self.unreadable_rows += 1;
            self.first_unreadable.get_or_insert_with(|| error.to_string());
        }
    }
}

impl OpenFile<'_> {
    /// Appends the record of a row.
    fn push_record(&self, readings: &[f64], fields: &[&[u8]], record: &mut Vec<u8>) {
        use std::io::Write;
        let begin = record.len();
        for (column, (&reading, kind)) in readings.iter().zip(&self.kinds).enumerate() {
            record.extend((column > 0).then_some(b','));
            if reading.is_nan() {
                continue;
            }
            match kind {
                // Writing to memory cannot fail. The digits are the fewest that give the same number.
                ColumnKind::Number => {
                    let _ = write!(record, "{reading}");
                }
                ColumnKind::YesNo | ColumnKind::Category => {
                    push_field(fields[self.records.field(column)], record);
                }
            }
        }
        if record.len() == begin {
            // A record of one column that is missing would be a blank line.
            record.extend_from_slice(b"\"\"");
        }
        record.push(b'\n');
    }
}

impl<'m, F: FnMut(RecordBlock) -> ControlFlow<()>> RowSink for Sink<'m, F> {
    type File = OpenFile<'m>;
    type Part = Part;

    fn open(&mut self, header: RawHeader) -> Option<OpenFile<'m>> {
        // The reader has found these columns already.
        let records = header.records(self.model.schema()).ok()?;
        self.read.note(&header, &records);
        self.files.push(header.file.clone());
        let (fields, name) = (self.columns.fields(&header), self.columns.line_start(&header));
        let columns = self.model.schema().columns();
        let kinds = columns.iter().map(|column| column.kind).collect();
        Some(OpenFile { header, records, kinds, bad_cells: self.bad_cells, name, fields })
    }

    fn part(_: &OpenFile<'m>) -> Part {
        Part::default()
    }

    fn row(file: &OpenFile<'m>, part: &mut Part, line: u64, fields: &[&[u8]]) {
        if part.error.is_some() {
            return;
        }
        let mut readings = std::mem::take(&mut part.readings);
        readings.clear();
        let read = match file.bad_cells {
            BadCells::Missing => file.records.read_leniently(fields, &mut readings),
            BadCells::Error | BadCells::Drop => file.records.read(fields, &mut readings),
        };
        let lacks_something = readings.iter().any(|reading| reading.is_nan());
        if (lacks_something || read.is_err()) && is_totals_row(fields.iter().copied()) {
            part.totals_rows += 1;
        } else if let Err(problem) = read {
            part.refuse(file, line, problem);
        } else {
            file.push_record(&readings, fields, &mut part.block.records);
            let mut row = file.name.clone();
            for (index, place) in file.fields.iter().enumerate() {
                row.extend((index > 0).then_some(b','));
                if let Some(place) = place {
                    push_field(fields[*place], &mut row);
                }
            }
            part.block.rows.push(row);
        }
        part.readings = readings;
    }

    fn ragged(file: &OpenFile<'m>, part: &mut Part, line: u64, fields: usize, expected: usize) {
        part.refuse(file, line, RecordError::FieldCount { found: fields, expected });
    }

    fn other(part: &mut Part, row: OtherRow) {
        match row {
            OtherRow::Totals => part.totals_rows += 1,
            OtherRow::Header => part.header_rows += 1,
            OtherRow::Blank => part.blank_rows += 1,
        }
    }

    fn take(&mut self, _: &OpenFile<'m>, part: Part) -> ControlFlow<()> {
        if self.error.is_none() {
            self.error = part.error;
        }
        if self.error.is_some() {
            return ControlFlow::Break(());
        }
        self.read.rows += part.block.rows.len() as u64;
        self.read.totals_rows += part.totals_rows;
        self.read.header_rows += part.header_rows;
        self.read.blank_rows += part.blank_rows;
        self.read.unreadable_rows += part.unreadable_rows;
        self.read.first_unreadable = self.read.first_unreadable.take().or(part.first_unreadable);
        if part.block.rows.is_empty() { ControlFlow::Continue(()) } else { (self.pass)(part.block) }
    }
}

//! Passes the rows of tables on as records, for a model that answers elsewhere.

use std::io::{Read, Seek};
use std::ops::ControlFlow;

use dataset::{
    BadCells, ColumnKind, OtherRow, RawHeader, RawReader, RowSink, TextFormat, push_field,
};

use crate::columns::Columns;
use crate::error::InferenceError;
use crate::model::Model;
use crate::scored_rows::ScoredRows;
use crate::table_rows::{LeftOut, TableRows};

/// Rows of a table, and the records that they come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordBlock {
    /// The records, each a line of CSV: the readings in the order and units of the model's columns.
    pub records: Vec<u8>,
    /// The end of each record.
    pub ends: Vec<usize>,
    /// The rows as they are in the table, each a line of CSV without its end.
    pub rows: Vec<Vec<u8>>,
}

/// Reads tables, one file after another, and passes their rows to a function as records of CSV without a
/// line of names, which a server of the model reads without guessing: numbers have a point and the model's
/// units.
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

/// What passing on the rows of a file takes.
struct OpenFile<'m> {
    rows: TableRows<'m>,
    kinds: Vec<ColumnKind>,
}

/// The rows of a block.
#[derive(Default)]
struct Part {
    block: RecordBlock,
    /// Memory for the readings of a row.
    readings: Vec<f64>,
    left_out: LeftOut,
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
                    push_word(fields[self.rows.field(column)], record);
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
        let file = header.file.clone();
        // The reader has found these columns already.
        let (model, rule) = (self.model, self.bad_cells);
        let rows = TableRows::new(model, header, &self.columns, rule, &mut self.read)?;
        self.files.push(file);
        let kinds = model.schema().columns().iter().map(|column| column.kind).collect();
        Some(OpenFile { rows, kinds })
    }

    fn part(_: &OpenFile<'m>) -> Part {
        Part::default()
    }

    fn row(file: &OpenFile<'m>, part: &mut Part, line: u64, fields: &[&[u8]]) {
        part.readings.clear();
        if !file.rows.read(line, fields, &mut part.readings, &mut part.left_out) {
            return;
        }
        file.push_record(&part.readings, fields, &mut part.block.records);
        part.block.ends.push(part.block.records.len());
        let mut row = Vec::new();
        file.rows.push_row(fields, &mut row);
        part.block.rows.push(row);
    }

    fn ragged(file: &OpenFile<'m>, part: &mut Part, line: u64, fields: usize, expected: usize) {
        file.rows.refuse_ragged(line, fields, expected, &mut part.left_out);
    }

    fn other(part: &mut Part, row: OtherRow) {
        part.left_out.count(row);
    }

    fn take(&mut self, _: &OpenFile<'m>, mut part: Part) -> ControlFlow<()> {
        if self.error.is_none() {
            self.error = part.left_out.error.take();
        }
        if self.error.is_some() {
            return ControlFlow::Break(());
        }
        self.read.rows += part.block.rows.len() as u64;
        part.left_out.add_to(&mut self.read);
        if part.block.rows.is_empty() { ControlFlow::Continue(()) } else { (self.pass)(part.block) }
    }
}

/// Appends a word as a field. A line break within it becomes a blank, since records are cut at line ends.
fn push_word(word: &[u8], record: &mut Vec<u8>) {
    if !word.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
        return push_field(word, record);
    }
    let breaks = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
    let word: Vec<u8> = word.iter().map(breaks).collect();
    push_field(&word, record);
}

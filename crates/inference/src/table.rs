//! Writes the rows of tables with a model's answers beside them.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Seek, Write};
use std::ops::ControlFlow;

use dataset::{
    BadCells, OtherRow, RawHeader, RawReader, RecordError, RecordReader, RowSink, TableError,
    TextFormat, is_totals_row, push_field,
};
use serde::Serialize;

use crate::answer_text::{AnswerNames, answer_columns, push_numbers};
use crate::counts::AnswerCounts;
use crate::error::InferenceError;
use crate::model::Model;

/// The number of rows that are answered at a time.
const ROWS_AT_A_TIME: usize = 512;
/// The column of the file, if there are several.
const FILE_COLUMN: &str = "file";
/// The columns of the tables that are scored together: the headers of the first table, and those that
/// others have besides. A header that a table has twice is there twice.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    headers: Vec<String>,
    /// How often each header is there.
    counts: BTreeMap<String, usize>,
    tables: usize,
}

impl Columns {
    /// Returns the line of names of the tables' rows with answers behind them. A column of the table keeps
    /// its name, and that of an answer gets `_` behind its own where both are the same.
    pub fn header_with(&self, answers: impl IntoIterator<Item = String>) -> Vec<u8> {
        let mut line = Vec::new();
        let own = |mut name: String| {
            while self.headers.contains(&name) {
                name.push('_');
            }
            name
        };
        let file = (self.tables > 1).then(|| own(FILE_COLUMN.to_owned()));
        let answers = answers.into_iter().map(own);
        let names = file.into_iter().chain(self.headers.iter().cloned()).chain(answers);
        for (index, name) in names.enumerate() {
            line.extend((index > 0).then_some(b','));
            push_field(name.as_bytes(), &mut line);
        }
        line.push(b'\n');
        line
    }

    /// Returns what begins each line of a table's rows: the file, if there are several tables.
    pub(crate) fn line_start(&self, table: &RawHeader) -> Vec<u8> {
        let mut name = Vec::new();
        if self.tables > 1 {
            push_field(table.file.as_bytes(), &mut name);
            name.push(b',');
        }
        name
    }

    /// Returns the field of each column in a table, if the table has it.
    pub(crate) fn fields(&self, table: &RawHeader) -> Vec<Option<usize>> {
        let mut fields: BTreeMap<&str, VecDeque<usize>> = BTreeMap::new();
        for (field, column) in table.columns.iter().enumerate() {
            fields.entry(&column.header).or_default().push_back(field);
        }
        let field = |header: &String| fields.get_mut(header.as_str())?.pop_front();
        self.headers.iter().map(field).collect()
    }
}

/// Finds the columns of tables by reading their beginnings.
pub struct ColumnFinder(RawReader<Columns>);

impl ColumnFinder {
    /// Creates a finder in tables of a model.
    pub fn new(model: &Model, format: TextFormat) -> Self {
        Self(RawReader::of_schema(Columns::default(), model.schema().clone(), format))
    }

    /// Reads the beginning of a file, or of every file of a ZIP archive.
    ///
    /// # Errors
    /// Returns an error if the file lacks a column of the model.
    pub fn read_file(&mut self, file: &str, input: impl Read + Seek) -> Result<(), InferenceError> {
        Ok(self.0.read_file(file, input)?)
    }

    /// Returns the columns.
    ///
    /// # Errors
    /// Returns an error if no file is a table with the model's columns.
    pub fn finish(self) -> Result<Columns, InferenceError> {
        Ok(self.0.finish()?.0)
    }
}

impl RowSink for Columns {
    type File = ();
    type Part = ();

    fn open(&mut self, header: RawHeader) -> Option<()> {
        self.tables += 1;
        let mut own: BTreeMap<String, usize> = BTreeMap::new();
        for column in header.columns {
            let own = own.entry(column.header.clone()).or_default();
            *own += 1;
            let known = self.counts.entry(column.header.clone()).or_default();
            if *own > *known {
                *known += 1;
                self.headers.push(column.header);
            }
        }
        Some(())
    }

    fn part((): &()) {}

    fn row((): &(), (): &mut (), _: u64, _: &[&[u8]]) {}

    fn ragged((): &(), (): &mut (), _: u64, _: usize, _: usize) {}

    fn other((): &mut (), _: OtherRow) {}

    fn take(&mut self, (): &(), (): ()) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}

/// Scores tables: reads their rows, one file after another, and writes each with its answer as a line
/// of CSV.
///
/// A line has the file, if there are several tables; the fields of the row as text, which are empty in
/// columns that its table does not have; and then what the model predicts, in the words of the
/// training table; the probability of a failure; and the names of the columns that were imputed, whose
/// value was never seen, and whose number is out of the range of the training rows. If the model explains,
/// `base_value` and the contributions follow. The order is that of the rows, and memory is bounded.
pub struct TableScorer<'m, W>(RawReader<Sink<'m, W>>);

/// What became of the rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ScoredRows {
    /// The rows that were answered.
    pub rows: u64,
    /// Those that are predicted to fail.
    pub failures: u64,
    /// The missing readings by column.
    pub imputed: BTreeMap<String, u64>,
    /// The values that are in no training row, by column.
    pub unseen: BTreeMap<String, u64>,
    /// The numbers outside of the range of the training rows, by column.
    pub out_of_range: BTreeMap<String, u64>,
    /// Rows of totals, which are not answered.
    pub totals_rows: u64,
    /// Rows that are the header again, which are not answered.
    pub header_rows: u64,
    /// Rows without any value, which are not answered.
    pub blank_rows: u64,
    /// Rows that cannot be read, which are not answered. There are none unless
    /// [`TableScorer::with_bad_cells`] allows them.
    pub unreadable_rows: u64,
    /// The first row that cannot be read.
    pub first_unreadable: Option<String>,
    /// What a person should look at.
    pub warnings: Vec<String>,
    /// What was found of the files that is not the usual.
    pub notes: Vec<String>,
    /// The files that are no tables, with the reason.
    pub left_out: Vec<String>,
}

impl ScoredRows {
    /// Adds what was found of a file that is not the usual.
    pub(crate) fn note(&mut self, header: &RawHeader, records: &RecordReader<'_>) {
        if !header.notes.is_empty() {
            self.notes.push(format!("{}: {}", header.file, header.notes.join("; ")));
        }
        for (column, unit) in records.assumed_units() {
            self.warnings.push(format!(
                "{}: column `{column}` is in {unit}; the model knows no unit of it, and takes its numbers \
                 as they are",
                header.file
            ));
        }
    }
}

impl<'m, W: Write> TableScorer<'m, W> {
    /// Creates a scorer of tables with these columns, which writes to `output`. What is not known of the
    /// tables' format is found.
    pub fn new(model: &'m Model, format: TextFormat, columns: Columns, output: W) -> Self {
        let sink = Sink {
            model,
            output,
            files: Vec::new(),
            columns,
            scored: ScoredRows::default(),
            bad_cells: BadCells::Error,
            error: None,
        };
        Self(RawReader::of_schema(sink, model.schema().clone(), format))
    }

    /// Sets how a cell that is not a number is handled, and a row with too few or too many fields: by an
    /// error, which is the default, by leaving the row out, or, of a cell, as a missing one.
    #[must_use]
    pub fn with_bad_cells(mut self, rule: BadCells) -> Self {
        self.0.sink_mut().bad_cells = rule;
        self
    }

    /// Scores the rows of a file, or of every file of a ZIP archive, in any format that
    /// [`TableReader`](dataset::TableReader) reads.
    ///
    /// # Errors
    /// Returns an error if the file lacks a column of the model, if a row cannot be read, or if the output
    /// cannot be written. The output is not whole then.
    pub fn read_file(&mut self, file: &str, input: impl Read + Seek) -> Result<(), InferenceError> {
        let read = self.0.read_file(file, input);
        match self.0.sink_mut().error.take() {
            Some(error) => Err(error),
            None => Ok(read?),
        }
    }

    /// Returns what became of the rows.
    ///
    /// # Errors
    /// Returns an error if no file is a table with the model's columns, if there are no rows, or if the
    /// output cannot be written.
    pub fn finish(self) -> Result<ScoredRows, InferenceError> {
        let (mut sink, left_out) = self.0.finish()?;
        if sink.scored.rows == 0 && sink.scored.unreadable_rows == 0 {
            return Err(InferenceError::NoRows { files: sink.files.join(", ") });
        }
        sink.output.flush().map_err(InferenceError::Output)?;
        for (column, count) in &sink.scored.out_of_range {
            if 2 * count > sink.scored.rows {
                sink.scored.warnings.push(format!(
                    "column `{column}`: {count} of {} numbers are outside of the training rows' range; are the \
                     units and the decimal marks the same?",
                    sink.scored.rows
                ));
            }
        }
        if !sink.model.knows_ranges() {
            let warning = "the model was trained by an old program and knows no ranges of its columns, so none \
                           is out of range";
            sink.scored.warnings.push(warning.to_owned());
        }
        Ok(ScoredRows { left_out, ..sink.scored })
    }
}

/// Answers the rows of a [`RawReader`].
struct Sink<'m, W> {
    model: &'m Model,
    output: W,
    /// The files that were read.
    files: Vec<String>,
    /// The columns beside which the answers are written.
    columns: Columns,
    scored: ScoredRows,
    bad_cells: BadCells,
    /// The first error, after which nothing is written.
    error: Option<InferenceError>,
}

/// What reading the rows of a file takes.
struct OpenFile<'m> {
    model: &'m Model,
    names: AnswerNames,
    /// The base value, if answers are explained.
    base: Option<f64>,
    header: RawHeader,
    records: RecordReader<'m>,
    bad_cells: BadCells,
    /// What begins each line: the file, if there are several tables.
    name: Vec<u8>,
    /// The field of each column of the output, if the table has it.
    fields: Vec<Option<usize>>,
}

impl OpenFile<'_> {
    /// Returns the error of the row that begins on a line.
    fn row_error(&self, line: u64, problem: RecordError) -> InferenceError {
        let (file, place) = (self.header.file.clone(), self.header.place(line));
        InferenceError::Table(TableError::Record { file, place, problem })
    }
}

/// The rows of a block.
#[derive(Default)]
struct Part {
    /// The lines with their answers.
    lines: Vec<u8>,
    /// The lines that wait for their answers, where each ends, and their readings.
    waiting: Vec<u8>,
    ends: Vec<usize>,
    readings: Vec<f64>,
    counts: AnswerCounts,
    totals_rows: u64,
    header_rows: u64,
    blank_rows: u64,
    unreadable_rows: u64,
    first_unreadable: Option<String>,
    /// The first error. Later rows are not read.
    error: Option<InferenceError>,
}

impl<'m, W: Write> RowSink for Sink<'m, W> {
    type File = OpenFile<'m>;
    type Part = Part;

    fn open(&mut self, header: RawHeader) -> Option<OpenFile<'m>> {
        // The reader has found these columns already.
        let records = header.records(self.model.schema()).ok()?;
        if self.files.is_empty() {
            let answers = answer_columns(self.model, self.model.options());
            let line = self.columns.header_with(answers);
            if let Err(error) = self.output.write_all(&line) {
                self.error.get_or_insert(InferenceError::Output(error));
            }
        }
        let fields = self.columns.fields(&header);
        self.scored.note(&header, &records);
        self.files.push(header.file.clone());
        let name = self.columns.line_start(&header);
        let (model, bad_cells) = (self.model, self.bad_cells);
        let names = AnswerNames::new(model, "");
        // Models whose answers are explained have a base value.
        let base = model.options().explain.and_then(|kind| model.base(kind).ok());
        Some(OpenFile { model, names, base, header, records, bad_cells, name, fields })
    }

    fn part(_: &OpenFile<'m>) -> Part {
        Part::default()
    }

    fn row(file: &OpenFile<'m>, part: &mut Part, line: u64, fields: &[&[u8]]) {
        if part.error.is_some() {
            return;
        }
        let begin = part.readings.len();
        let read = match file.bad_cells {
            BadCells::Missing => file.records.read_leniently(fields, &mut part.readings),
            BadCells::Error | BadCells::Drop => file.records.read(fields, &mut part.readings),
        };
        let lacks_something = part.readings[begin..].iter().any(|reading| reading.is_nan());
        if (lacks_something || read.is_err()) && is_totals_row(fields.iter().copied()) {
            part.readings.truncate(begin);
            part.totals_rows += 1;
            return;
        }
        if let Err(problem) = read {
            part.refuse(file, line, problem);
            return;
        }
        part.waiting.extend_from_slice(&file.name);
        for (index, place) in file.fields.iter().enumerate() {
            part.waiting.extend((index > 0).then_some(b','));
            if let Some(place) = place {
                push_field(fields[*place], &mut part.waiting);
            }
        }
        part.ends.push(part.waiting.len());
        if part.ends.len() == ROWS_AT_A_TIME {
            part.answer(file);
        }
    }

    fn end(file: &OpenFile<'m>, part: &mut Part) {
        part.answer(file);
    }

    fn ragged(file: &OpenFile<'m>, part: &mut Part, line: u64, fields: usize, expected: usize) {
        let problem = RecordError::FieldCount { found: fields, expected };
        part.refuse(file, line, problem);
    }

    fn other(part: &mut Part, row: OtherRow) {
        match row {
            OtherRow::Totals => part.totals_rows += 1,
            OtherRow::Header => part.header_rows += 1,
            OtherRow::Blank => part.blank_rows += 1,
        }
    }

    fn take(&mut self, _: &OpenFile<'m>, part: Part) -> ControlFlow<()> {
        let error = part
            .error
            .or_else(|| self.output.write_all(&part.lines).err().map(InferenceError::Output));
        if self.error.is_none() {
            self.error = error;
        }
        if self.error.is_some() {
            return ControlFlow::Break(());
        }
        let counts = part.counts;
        self.scored.rows += counts.rows;
        self.scored.failures += counts.failures;
        self.scored.totals_rows += part.totals_rows;
        self.scored.header_rows += part.header_rows;
        self.scored.blank_rows += part.blank_rows;
        self.scored.unreadable_rows += part.unreadable_rows;
        self.scored.first_unreadable =
            self.scored.first_unreadable.take().or(part.first_unreadable);
        let columns = self.model.schema().columns();
        for (counts, more) in [
            (&mut self.scored.imputed, counts.imputed),
            (&mut self.scored.unseen, counts.unseen),
            (&mut self.scored.out_of_range, counts.out_of_range),
        ] {
            for (column, count) in more {
                *counts.entry(columns[column].name.clone()).or_default() += count;
            }
        }
        ControlFlow::Continue(())
    }
}

impl Part {
    /// Leaves out a row that cannot be read, or ends with its error.
    fn refuse(&mut self, file: &OpenFile<'_>, line: u64, problem: RecordError) {
        let error = file.row_error(line, problem);
        if file.bad_cells == BadCells::Error {
            self.error.get_or_insert(error);
        } else {
            self.unreadable_rows += 1;
            self.first_unreadable.get_or_insert_with(|| error.to_string());
        }
    }

    /// Answers the rows that wait.
    fn answer(&mut self, file: &OpenFile<'_>) {
        let answers = match file.model.answer(&mut self.readings) {
            Ok(answers) => answers,
            Err(error) => {
                self.error.get_or_insert(error.into());
                return;
            }
        };
        let mut begin = 0;
        for (answer, end) in answers.iter().zip(self.ends.drain(..)) {
            self.lines.extend_from_slice(&self.waiting[begin..end]);
            begin = end;
            self.lines.push(b',');
            file.names.push_prediction(answer, &mut self.lines);
            if let Some(base) = file.base {
                push_numbers(base, answer, &mut self.lines);
            }
            self.lines.push(b'\n');
            self.counts.add(answer);
        }
        self.waiting.clear();
        self.readings.clear();
    }
}

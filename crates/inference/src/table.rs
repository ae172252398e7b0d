//! Writes the rows of tables with a model's answers beside them.

use std::io::{Read, Seek, Write};
use std::ops::ControlFlow;

use dataset::{BadCells, OtherRow, RawHeader, RawReader, RowSink, TextFormat};

use crate::answer_text::{AnswerNames, answer_columns, push_numbers};
use crate::columns::Columns;
use crate::counts::AnswerCounts;
use crate::error::InferenceError;
use crate::model::Model;
use crate::scored_rows::ScoredRows;
use crate::table_rows::{LeftOut, TableRows};

/// The number of rows that are answered at a time.
const ROWS_AT_A_TIME: usize = 512;
/// Scores tables: reads their rows, one file after another, and writes each with its answer as a line
/// of CSV.
///
/// A line has the file, if there are several tables; the fields of the row as text, which are empty in
/// columns that its table does not have; and then what the model predicts, in the words of the
/// training table; the probability of a failure; and the names of the columns that were imputed, whose
/// value was never seen, and whose number is out of the range of the training rows. If the model explains,
/// `base_value` and the contributions follow. The order is that of the rows, and memory is bounded.
pub struct TableScorer<'m, W>(RawReader<Sink<'m, W>>);

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
        sink.scored.warn(sink.model);
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

/// What answering the rows of a file takes.
struct OpenFile<'m> {
    model: &'m Model,
    names: AnswerNames,
    /// The base value, if answers are explained.
    base: Option<f64>,
    rows: TableRows<'m>,
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
    left_out: LeftOut,
}

impl<'m, W: Write> RowSink for Sink<'m, W> {
    type File = OpenFile<'m>;
    type Part = Part;

    fn open(&mut self, header: RawHeader) -> Option<OpenFile<'m>> {
        let (model, columns) = (self.model, &self.columns);
        let file = header.file.clone();
        // The reader has found these columns already.
        let rows = TableRows::new(model, header, columns, self.bad_cells, &mut self.scored)?;
        if self.files.is_empty() {
            let line = columns.header_with(answer_columns(model, model.options()));
            if let Err(error) = self.output.write_all(&line) {
                self.error.get_or_insert(InferenceError::Output(error));
            }
        }
        self.files.push(file);
        let names = AnswerNames::new(model, "");
        // Models whose answers are explained have a base value.
        let base = model.options().explain.and_then(|kind| model.base(kind).ok());
        Some(OpenFile { model, names, base, rows })
    }

    fn part(_: &OpenFile<'m>) -> Part {
        Part::default()
    }

    fn row(file: &OpenFile<'m>, part: &mut Part, line: u64, fields: &[&[u8]]) {
        if !file.rows.read(line, fields, &mut part.readings, &mut part.left_out) {
            return;
        }
        file.rows.push_row(fields, &mut part.waiting);
        part.ends.push(part.waiting.len());
        if part.ends.len() == ROWS_AT_A_TIME {
            part.answer(file);
        }
    }

    fn end(file: &OpenFile<'m>, part: &mut Part) {
        part.answer(file);
    }

    fn ragged(file: &OpenFile<'m>, part: &mut Part, line: u64, fields: usize, expected: usize) {
        file.rows.refuse_ragged(line, fields, expected, &mut part.left_out);
    }

    fn other(part: &mut Part, row: OtherRow) {
        part.left_out.count(row);
    }

    fn take(&mut self, _: &OpenFile<'m>, mut part: Part) -> ControlFlow<()> {
        let error = part
            .left_out
            .error
            .take()
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
        part.left_out.add_to(&mut self.scored);
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
    /// Answers the rows that wait.
    fn answer(&mut self, file: &OpenFile<'_>) {
        let answers = match file.model.answer(&mut self.readings) {
            Ok(answers) => answers,
            Err(error) => {
                self.left_out.error.get_or_insert(error.into());
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

//! The columns of tables whose rows are written with answers.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Seek};
use std::ops::ControlFlow;

use dataset::{OtherRow, RawHeader, RawReader, RowSink, TextFormat, push_field};

use crate::error::InferenceError;
use crate::model::Model;

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

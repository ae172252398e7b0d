//! Reading and cleaning the raw table.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::Serialize;

use crate::blocks::{self, Blocks};
use crate::header::{Header, HeaderError};
use crate::in_order::in_order;
use crate::records::RecordError;
use crate::rows::{Piece, Rows};
use crate::schema::Schema;
use crate::seen::{self, Found, Seen};
use crate::statistics::Summary;

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

    /// What each column is like.
    pub fn summaries(&self) -> Vec<Summary> {
        (0..self.width).into_par_iter().map(|column| Summary::of(self.column(column))).collect()
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

impl Counts {
    /// Adds what was dropped of the rows behind these.
    fn add(&mut self, behind: Self) {
        self.rows_read += behind.rows_read;
        self.dropped_missing += behind.dropped_missing;
        self.dropped_bad_cells += behind.dropped_bad_cells;
        self.dropped_ragged += behind.dropped_ragged;
        self.first_bad = self.first_bad.take().or(behind.first_bad);
    }
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
    /// More rows than can be told apart.
    #[error("there are more than {} rows", u32::MAX)]
    TooManyRows,
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
    seen: Seen,
    block_size: usize,
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
            seen: Seen::default(),
            block_size: blocks::SIZE,
        }
    }

    /// Reads one file, which messages call `file`.
    ///
    /// # Errors
    /// No CSV, another table's columns, or a row that cannot be read where the rules forbid that.
    pub fn read(&mut self, file: &str, input: impl Read) -> Result<(), TableError> {
        let mut blocks = Blocks::new(file, input, self.block_size);
        let Some(fields) = blocks.header()? else {
            return Err(TableError::Empty { file: file.to_owned() });
        };
        let header = Header::new(file, self.schema, &fields)?;
        match &self.first {
            Some((other, names)) => header.check_same(file, names, other)?,
            None => self.first = Some((file.to_owned(), header.names.clone())),
        }
        self.files.push(file.to_owned());
        let rows = Rows::new(file, self.schema, self.rules, &header);
        in_order(|| Ok(blocks.next()?), |block| rows.read(&block), |piece| self.take(piece?))
    }

    /// Takes rows into the table, all but those that are there.
    fn take(&mut self, piece: Piece) -> Result<(), TableError> {
        let Self { table, seen, .. } = self;
        for (index, (&label, &hash)) in piece.labels.iter().zip(&piece.hashes).enumerate() {
            let cells = &piece.cells[index * table.width..][..table.width];
            let is_same =
                |other: usize| table.labels[other] == label && seen::same(table.row(other), cells);
            match seen.take(hash, table.len(), is_same) {
                Found::New => {
                    table.cells.extend_from_slice(cells);
                    table.labels.push(label);
                }
                Found::Before => self.counts.dropped_duplicates += 1,
                Found::NoRoom => return Err(TableError::TooManyRows),
            }
        }
        for (count, more) in self.missing.iter_mut().zip(&piece.missing) {
            *count += more;
        }
        self.counts.add(piece.counts);
        Ok(())
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

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::schema::{Column, Label};

    const HEADER: &str = "A,Note,B(Pa),Label\n";

    fn schema() -> Schema {
        let column = |name: &str| {
            let unit = Some("bar".to_owned());
            Column { name: name.to_owned(), unit, spellings: Vec::new() }
        };
        let words = |word: &str| vec![word.to_owned()];
        let label =
            Label { column: "Label".to_owned(), positive: words("1"), negative: words("0") };
        Schema::new(vec![column("A"), column("B")], label).unwrap()
    }

    /// The rows kept as bits, and either the counts or an error.
    type Outcome = (Vec<(Vec<u32>, u8)>, Result<Counts, String>);

    fn read(text: &str, rules: Rules, block_size: usize) -> Outcome {
        let schema = schema();
        let mut reader = TableReader { block_size, ..TableReader::new(&schema, rules) };
        let read = reader.read("a.csv", text.as_bytes()).map_err(|error| error.to_string());
        let (table, mut counts) = (reader.table, reader.counts);
        counts.rows_kept = table.len();
        let names = schema.names().map(str::to_owned);
        counts.missing_cells = names.zip(reader.missing).collect();
        let rows = (0..table.len())
            .map(|row| (table.row(row).iter().map(|x| x.to_bits()).collect(), table.labels()[row]));
        let rows = if read.is_ok() { rows.collect() } else { Vec::new() };
        (rows, read.map(|()| counts))
    }

    /// The same by the csv crate and the standard library, one row after the other. It does not see
    /// that a quote is not closed, nor knows any missing cell but an empty one.
    fn simply(text: &str, rules: Rules) -> Outcome {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let mut counts = Counts::default();
        let mut rows: Vec<(Vec<u32>, u8)> = Vec::new();
        let mut missing = [0; 2];
        let number = |cell: &str, scale: &str| match cell.trim() {
            "" => Ok(f32::NAN),
            cell => format!("{cell}{scale}").parse::<f64>().map(|number| number as f32),
        };
        for record in reader.records() {
            let record = record.unwrap();
            counts.rows_read += 1;
            let mut begin = record.position().unwrap().byte() as usize;
            begin += text[begin..].find(|letter| !matches!(letter, '\n' | '\r')).unwrap();
            let line = 1 + text[..begin].matches('\n').count();
            let mut bad = |problem: String, count: fn(&mut Counts) -> &mut usize| {
                let error = format!("a.csv, line {line}{problem}");
                *count(&mut counts) += 1;
                counts.first_bad.get_or_insert(error.clone());
                if rules.bad_cells == BadCells::Error { Err(error) } else { Ok(()) }
            };
            let [a, _, b, label] = match record.iter().collect::<Vec<_>>()[..] {
                [a, note, b, label] => [a, note, b, label],
                _ => {
                    let problem = format!(
                        ": the row has {} fields, expected 4 as in the header",
                        record.len()
                    );
                    match bad(problem, |counts| &mut counts.dropped_ragged) {
                        Ok(()) => continue,
                        Err(error) => return (Vec::new(), Err(error)),
                    }
                }
            };
            let numbers = [("A", a, ""), ("B", b, "e-5")].map(|(column, cell, scale)| {
                number(cell, scale)
                    .map_err(|_| format!(", column `{column}`: found `{cell}`, expected a number"))
            });
            let class = match label.trim() {
                "" => Ok(None),
                "0" => Ok(Some(0)),
                "1" | "1." | "1.0" => Ok(Some(1)),
                _ => Err(format!(", column `Label`: found `{label}`, expected one of: 1, 0")),
            };
            let (a, b, class) = match (numbers, class) {
                ([Ok(a), Ok(b)], Ok(class)) => (a, b, class),
                ([Err(problem), _] | [_, Err(problem)], _) | (_, Err(problem)) => {
                    match bad(problem.replace('\n', "\\n"), |counts| &mut counts.dropped_bad_cells)
                    {
                        Ok(()) => continue,
                        Err(error) => return (Vec::new(), Err(error)),
                    }
                }
            };
            for (count, reading) in missing.iter_mut().zip([a, b]) {
                *count += usize::from(reading.is_nan());
            }
            let drop = rules.missing_values == MissingValues::Drop && (a.is_nan() || b.is_nan());
            let Some(class) = class.filter(|_| !drop) else {
                counts.dropped_missing += 1;
                continue;
            };
            let row = (vec![a.to_bits(), b.to_bits()], class);
            let zero = |row: &(Vec<u32>, u8)| {
                let bits = row.0.iter().map(|bits| if *bits == 1 << 31 { 0 } else { *bits });
                (bits.collect::<Vec<_>>(), row.1)
            };
            if rows.iter().any(|other| zero(other) == zero(&row)) {
                counts.dropped_duplicates += 1;
            } else {
                rows.push(row);
            }
        }
        counts.rows_kept = rows.len();
        counts.missing_cells = ["A", "B"].map(str::to_owned).into_iter().zip(missing).collect();
        (rows, Ok(counts))
    }

    /// Rows, most of them plain, in all sorts of spellings.
    fn text() -> impl Strategy<Value = String> {
        let plain = ["0", "-0", "1", "2.5", "-3.25", "0.1", "693372.4915", "12345678.9"];
        let odd = [
            "",
            " ",
            " 4 ",
            "+1",
            "\"1\"",
            "\"1\n\"",
            "\"1,5\"",
            "\"\"\"1\"",
            "1\"2",
            "x",
            "16777217",
            "0.12345678901234567890123",
            "12345678901234567890",
        ];
        let cell = || {
            let odd = select(odd.to_vec());
            prop_oneof![6 => select(plain.to_vec()), 1 => odd]
        };
        let note = select(vec!["", "n", "two words", "\"a,\r\nb\"", "\"\"", "\"x\"y", "a\"b\""]);
        let label =
            select(vec!["0", "1", "0", "1", "0", "1", " 1 ", "1.0", "\"1\"", "", "2", "1,1"]);
        let end = select(vec!["\n", "\n", "\n", "\r\n", "\r", "\n\n", "\r\n \n"]);
        let row = (cell(), note, cell(), label, end)
            .prop_map(|(a, note, b, label, end)| format!("{a},{note},{b},{label}{end}"));
        prop::collection::vec(row, 0..40).prop_map(|rows| format!("{HEADER}{}", rows.concat()))
    }

    proptest! {
        #[test]
        fn blocks_of_any_size_are_the_same_table_as_row_by_row(
            text in text(),
            block_size in 1_usize..200,
            cut in 0_usize..4,
            is_strict: bool,
            keeps_missing: bool,
        ) {
            let text = &text[..text.len().saturating_sub(cut).max(HEADER.len())];
            let rules = Rules {
                missing_values:
                    if keeps_missing { MissingValues::Median } else { MissingValues::Drop },
                bad_cells: if is_strict { BadCells::Error } else { BadCells::Drop },
            };
            let found = read(text, rules, block_size);
            prop_assert_eq!(&read(text, rules, blocks::SIZE), &found);
            let unclosed = |error: &String| error.ends_with("a quote is not closed");
            if !found.1.as_ref().is_err_and(unclosed) {
                prop_assert_eq!(simply(text, rules), found);
            }
        }
    }
}

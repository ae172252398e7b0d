//! Reads files of raw sensor readings into one clean table.

use std::collections::BTreeSet;
use std::io::Read;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::blocks::{self, BlockReader};
use crate::cleaning::{CleaningCounts, CleaningRules};
use crate::duplicates::{self, Insertion, RowIndex};
use crate::in_order::in_order;
use crate::record::RecordReader;
use crate::rows::{BlockRows, RowReader};
use crate::schema::Schema;
use crate::statistics::ColumnSummary;
use crate::table_error::TableError;

/// Cleaned rows of raw sensor readings with their labels. A reading is an `f32`, as the forest's
/// features are; a missing one is NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct SensorTable {
    width: usize,
    cells: Vec<f32>,
    labels: Vec<u8>,
}

impl SensorTable {
    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns whether the table has no rows.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Returns a row's readings in the order of the schema's columns.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.cells[index * self.width..][..self.width]
    }

    /// Iterates over the readings of one column.
    pub fn column(&self, index: usize) -> impl Iterator<Item = f32> + Clone {
        self.cells.iter().skip(index).step_by(self.width).copied()
    }

    /// Returns summary statistics of each column.
    pub fn summaries(&self) -> Vec<ColumnSummary> {
        let columns = (0..self.width).into_par_iter();
        columns.map(|column| ColumnSummary::of(self.column(column))).collect()
    }

    /// Returns the class of each row, 0 or 1.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }
}

/// Reads one file after another into one [`SensorTable`].
pub struct TableReader<'a> {
    schema: &'a Schema,
    rules: CleaningRules,
    table: SensorTable,
    counts: CleaningCounts,
    /// The number of missing cells in each column.
    missing: Vec<usize>,
    /// The first file and the names of its columns.
    first: Option<(String, BTreeSet<String>)>,
    files: Vec<String>,
    index: RowIndex,
    block_size: usize,
}

impl<'a> TableReader<'a> {
    /// Creates a reader of tables with this schema.
    pub fn new(schema: &'a Schema, rules: CleaningRules) -> Self {
        let width = schema.columns().len();
        Self {
            schema,
            rules,
            table: SensorTable { width, cells: Vec::new(), labels: Vec::new() },
            counts: CleaningCounts::default(),
            missing: vec![0; width],
            first: None,
            files: Vec::new(),
            index: RowIndex::default(),
            block_size: blocks::BLOCK_BYTES,
        }
    }

    /// Reads one file, which errors name `file`. Blocks of rows are parsed in rayon's threads.
    ///
    /// # Errors
    /// Returns an error if the file is not CSV, its columns are not the schema's or those of the
    /// first file, or a row cannot be parsed and the rules forbid that.
    pub fn read(&mut self, file: &str, input: impl Read) -> Result<(), TableError> {
        let mut blocks = BlockReader::new(file, input, self.block_size);
        let Some(header) = blocks.header()? else {
            return Err(TableError::Empty { file: file.to_owned() });
        };
        let records = RecordReader::with_label(self.schema, &header)
            .map_err(|problem| TableError::Header { file: file.to_owned(), problem })?;
        let names = &records.header().names;
        match &self.first {
            Some((other, first)) => check_same_columns(file, names, other, first)?,
            None => self.first = Some((file.to_owned(), names.clone())),
        }
        self.files.push(file.to_owned());
        let rows = RowReader::new(file, self.rules, &records);
        in_order(|| Ok(blocks.next()?), |block| rows.read(&block), |rows| self.append(rows?))
    }

    /// Appends rows to the table, except duplicates.
    fn append(&mut self, rows: BlockRows) -> Result<(), TableError> {
        let Self { table, index, .. } = self;
        for (place, (&label, &hash)) in rows.labels.iter().zip(&rows.hashes).enumerate() {
            let cells = &rows.readings[place * table.width..][..table.width];
            let is_same = |other: usize| {
                table.labels[other] == label && duplicates::same(table.row(other), cells)
            };
            match index.insert(hash, table.len(), is_same) {
                Insertion::New => {
                    table.cells.extend_from_slice(cells);
                    table.labels.push(label);
                }
                Insertion::Duplicate => self.counts.dropped_duplicates += 1,
                Insertion::Full => return Err(TableError::TooManyRows),
            }
        }
        for (count, more) in self.missing.iter_mut().zip(&rows.missing) {
            *count += more;
        }
        self.counts.add_dropped(rows.counts);
        Ok(())
    }

    /// Returns the table and the counts of the rows that were read and dropped.
    ///
    /// # Errors
    /// Returns an error if no rows were read or none are left.
    pub fn finish(mut self) -> Result<(SensorTable, CleaningCounts), TableError> {
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

/// Checks that a file has the columns of the first file, in any order.
fn check_same_columns(
    file: &str,
    names: &BTreeSet<String>,
    other: &str,
    first: &BTreeSet<String>,
) -> Result<(), TableError> {
    let only = |here: &BTreeSet<String>, there: &BTreeSet<String>, file: &str| {
        let names = here.difference(there).map(|name| format!("`{name}` only in {file}"));
        names.collect::<Vec<_>>()
    };
    let mut differences = only(names, first, file);
    differences.extend(only(first, names, other));
    if differences.is_empty() {
        return Ok(());
    }
    let (file, other) = (file.to_owned(), other.to_owned());
    Err(TableError::DifferentColumns { file, other, differences })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::cleaning::{BadCells, MissingValues};
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

    /// The bits of the kept rows, and either the counts or an error.
    type Outcome = (Vec<(Vec<u32>, u8)>, Result<CleaningCounts, String>);

    fn read(text: &str, rules: CleaningRules, block_size: usize) -> Outcome {
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

    /// Does the same with the csv crate and the standard library, one row after another. It does
    /// not notice an unclosed quote and knows no missing cell but an empty one.
    fn read_simply(text: &str, rules: CleaningRules) -> Outcome {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let mut counts = CleaningCounts::default();
        let mut rows: Vec<(Vec<u32>, u8)> = Vec::new();
        let mut missing = [0; 2];
        for record in reader.records() {
            let record = record.unwrap();
            counts.rows_read += 1;
            let (a, b, class) = match parse_simply(&record) {
                Ok(row) => row,
                Err((problem, count)) => {
                    let line = line_of(text, record.position().unwrap().byte() as usize);
                    let error = format!("a.csv, line {line}{problem}");
                    if rules.bad_cells == BadCells::Error {
                        return (Vec::new(), Err(error));
                    }
                    *count(&mut counts) += 1;
                    counts.first_bad.get_or_insert(error);
                    continue;
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

    /// The message of a bad row and the count that it belongs to.
    type BadRow = (String, fn(&mut CleaningCounts) -> &mut usize);

    /// Parses the two readings and the class of a record.
    fn parse_simply(record: &csv::StringRecord) -> Result<(f32, f32, Option<u8>), BadRow> {
        let [a, _, b, label] = record.iter().collect::<Vec<_>>()[..] else {
            let found = record.len();
            let problem = format!(": the row has {found} fields, expected 4 as in the header");
            return Err((problem, |counts| &mut counts.dropped_ragged));
        };
        let bad = |column: &str, cell: &str, expected: &str| -> BadRow {
            let problem = format!(", column `{column}`: found `{cell}`, expected {expected}");
            (problem.replace('\n', "\\n"), |counts| &mut counts.dropped_bad_cells)
        };
        let number = |column: &str, cell: &str, scale: &str| match cell.trim() {
            "" => Ok(f32::NAN),
            trimmed => match format!("{trimmed}{scale}").parse::<f64>() {
                Ok(number) => Ok(number as f32),
                Err(_) => Err(bad(column, cell, "a number")),
            },
        };
        let (a, b) = (number("A", a, "")?, number("B", b, "e-5")?);
        let class = match label.trim() {
            "" => None,
            "0" => Some(0),
            "1" | "1." | "1.0" => Some(1),
            _ => return Err(bad("Label", label, "one of: 1, 0")),
        };
        Ok((a, b, class))
    }

    /// Returns the line of the first record at or after byte `begin`.
    fn line_of(text: &str, mut begin: usize) -> usize {
        begin += text[begin..].find(|letter| !matches!(letter, '\n' | '\r')).unwrap();
        1 + text[..begin].matches('\n').count()
    }

    /// Generates rows, most of them plain, in many spellings.
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
        fn blocks_of_any_size_give_the_table_that_reading_row_by_row_gives(
            text in text(),
            block_size in 1_usize..200,
            cut in 0_usize..4,
            is_strict: bool,
            keeps_missing: bool,
        ) {
            let text = &text[..text.len().saturating_sub(cut).max(HEADER.len())];
            let rules = CleaningRules {
                missing_values:
                    if keeps_missing { MissingValues::Median } else { MissingValues::Drop },
                bad_cells: if is_strict { BadCells::Error } else { BadCells::Drop },
            };
            let found = read(text, rules, block_size);
            prop_assert_eq!(&read(text, rules, blocks::BLOCK_BYTES), &found);
            let unclosed = |error: &String| error.ends_with("a quote is not closed");
            if !found.1.as_ref().is_err_and(unclosed) {
                prop_assert_eq!(read_simply(text, rules), found);
            }
        }
    }
}

//! The feature table that Preprocess writes and Train and Evaluate read: a CSV with a header,
//! numeric features, and the label in the last column.

use std::io::{self, Read, Write};
use std::sync::{Mutex, PoisonError};

use ndarray::{Array1, Array2};

use crate::blocks::{self, Block, BlockReader};
use crate::csv_records::{CsvError, CsvRecord, CsvRecords};
use crate::in_order::in_order;
use crate::number;
use crate::recipe::{ImputationCounts, Recipe};
use crate::schema::LABEL;
use crate::sensor_table::SensorTable;

/// The number of cells that one task writes, about half a megabyte of text.
const CELLS_PER_TASK: usize = 1 << 16;

/// The features and labels of a number of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureTable {
    /// The names of the features.
    pub names: Vec<String>,
    /// The features, of shape (rows, features).
    pub records: Array2<f32>,
    /// The class of each row, 0 or 1.
    pub labels: Array1<usize>,
}

/// The ways in which reading a feature table fails.
#[derive(Debug, thiserror::Error)]
pub enum FeatureError {
    /// A file that cannot be read as CSV.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// A file without a header.
    #[error("{file} is empty, expected a header line")]
    Empty {
        /// The file.
        file: String,
    },
    /// A header that does not end in the label.
    #[error("{file} ends in column `{found}`, expected features and then `{LABEL}`")]
    NoLabel {
        /// The file.
        file: String,
        /// The last column.
        found: String,
    },
    /// A header with features other than the recipe's.
    #[error("{file} has column {place} `{found}`, expected `{expected}` as in the recipe")]
    OtherFeature {
        /// The file.
        file: String,
        /// The position of the first column that differs, from 1.
        place: usize,
        /// The name of that column.
        found: String,
        /// The name that the recipe has at that position.
        expected: String,
    },
    /// A file with a header and no rows.
    #[error("{file} has a header and no rows")]
    NoRows {
        /// The file.
        file: String,
    },
    /// A row with more or fewer fields than the header.
    #[error(
        "{file}, line {line}: the row has {found} fields, expected {expected} as in the header"
    )]
    FieldCount {
        /// The file.
        file: String,
        /// The line on which the row begins.
        line: u64,
        /// The number of fields in the row.
        found: usize,
        /// The number of fields in the header.
        expected: usize,
    },
    /// A feature that is not a finite number, or a label that is not a class.
    #[error("{file}, line {line}, column `{column}`: found `{text}`, expected {expected}")]
    Cell {
        /// The file.
        file: String,
        /// The line on which the row begins.
        line: u64,
        /// The column's name.
        column: String,
        /// The start of the cell.
        text: String,
        /// What the cell should be.
        expected: &'static str,
    },
}

impl FeatureTable {
    /// Reads a table with these features from `input`, which errors name `file`. Blocks of rows are
    /// parsed in rayon's threads.
    ///
    /// # Errors
    /// Returns an error if the input is not CSV, has other features or no rows, or a cell is not a
    /// finite number.
    pub fn read<'a>(
        file: &str,
        input: impl Read,
        features: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, FeatureError> {
        Self::read_blocks(blocks::BLOCK_BYTES, file, input, features)
    }

    fn read_blocks<'a>(
        block_size: usize,
        name: &str,
        input: impl Read,
        features: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, FeatureError> {
        let mut blocks = BlockReader::new(name, input, block_size, b',');
        let Some(header) = blocks.header()? else {
            return Err(FeatureError::Empty { file: name.to_owned() });
        };
        let names = check_header(name, &header, features)?;
        let (mut cells, mut labels) = (Vec::new(), Vec::new());
        in_order(
            || Ok(blocks.next()?),
            |block| read_block(name, &names, &block),
            |rows| -> Result<(), FeatureError> {
                let (more_cells, more_labels) = rows?;
                cells.extend_from_slice(&more_cells);
                labels.extend_from_slice(&more_labels);
                Ok(())
            },
        )?;
        let records = Array2::from_shape_vec((labels.len(), names.len()), cells).ok();
        match records.filter(|records| records.nrows() > 0) {
            Some(records) => Ok(Self { names, records, labels: labels.into() }),
            None => Err(FeatureError::NoRows { file: name.to_owned() }),
        }
    }

    /// Writes the table as CSV. A number is written with as many digits as it takes to read the
    /// same bits back.
    ///
    /// # Errors
    /// Returns the errors of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let names = self.names.iter().map(String::as_str);
        let row = |row, cells: &mut Vec<f32>, (): &mut ()| {
            cells.extend(self.records.row(row));
            self.labels[row]
        };
        write(out, names, self.labels.len(), || (), row, |()| ())
    }
}

impl Recipe {
    /// Writes the feature table of these rows, which [`FeatureTable::read`] reads, without holding
    /// it in memory. Returns the number of values that were imputed.
    ///
    /// # Errors
    /// Returns the errors of `out`.
    pub fn write(
        &self,
        table: &SensorTable,
        rows: &[usize],
        out: &mut dyn Write,
    ) -> io::Result<ImputationCounts> {
        type Task = (Vec<f64>, ImputationCounts);
        let row = |index: usize, cells: &mut Vec<f32>, (readings, counts): &mut Task| {
            let row: usize = rows[index];
            readings.clear();
            readings.extend_from_slice(table.row(row));
            self.apply(readings, cells, counts);
            usize::from(table.labels()[row])
        };
        let mut total = self.no_counts();
        let names = self.feature_names();
        let task = || (Vec::new(), self.no_counts());
        write(out, names, rows.len(), task, row, |(_, counts)| total.add(&counts))?;
        Ok(total)
    }
}

/// Checks that a header has these features and then the label, and returns the features' names.
fn check_header<'a>(
    file: &str,
    header: &[Vec<u8>],
    features: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<String>, FeatureError> {
    let text = |field: &Vec<u8>| String::from_utf8_lossy(field).into_owned();
    let mut names: Vec<String> = header.iter().map(text).collect();
    let last = names.pop().unwrap_or_default();
    if last != LABEL {
        return Err(FeatureError::NoLabel { file: file.to_owned(), found: last });
    }
    let expected: Vec<&str> = features.into_iter().collect();
    for index in 0..names.len().max(expected.len()) {
        let found = names.get(index).map_or(LABEL, String::as_str);
        let expected = expected.get(index).copied().unwrap_or(LABEL);
        if found != expected {
            return Err(FeatureError::OtherFeature {
                file: file.to_owned(),
                place: index + 1,
                found: found.to_owned(),
                expected: expected.to_owned(),
            });
        }
    }
    Ok(names)
}

/// Writes a header and `count` rows. `row` appends the features of the row with this index, returns
/// its label, and counts in a value that `counts` makes for each task and `add` takes after it.
fn write<'a, C: Send>(
    out: &mut dyn Write,
    names: impl Iterator<Item = &'a str>,
    count: usize,
    counts: impl Fn() -> C + Sync,
    row: impl Fn(usize, &mut Vec<f32>, &mut C) -> usize + Sync,
    mut add: impl FnMut(C),
) -> io::Result<()> {
    let mut header = csv::Writer::from_writer(Vec::new());
    let names: Vec<&str> = names.chain([LABEL]).collect();
    let rows_per_task = (CELLS_PER_TASK / names.len()).max(1);
    header.write_record(names).map_err(io::Error::other)?;
    out.write_all(&header.into_inner().map_err(|error| error.into_error())?)?;
    let mut begins = (0..count).step_by(rows_per_task);
    // The texts' memory is used again: new memory costs a fifth of the time.
    let spare = Mutex::new(Vec::new());
    let spare_texts = || spare.lock().unwrap_or_else(PoisonError::into_inner);
    in_order(
        || Ok(begins.next()),
        |begin| {
            let (mut text, mut cells) = (spare_texts().pop().unwrap_or_default(), Vec::new());
            let mut counts = counts();
            for index in begin..count.min(begin + rows_per_task) {
                cells.clear();
                let label = row(index, &mut cells, &mut counts);
                for value in &cells {
                    number::push(*value, &mut text);
                    text.push(b',');
                }
                text.extend_from_slice(if label == 0 { b"0\n" } else { b"1\n" });
            }
            (text, counts)
        },
        |(mut text, counts): (Vec<u8>, C)| {
            add(counts);
            out.write_all(&text)?;
            text.clear();
            spare_texts().push(text);
            Ok(())
        },
    )
}

/// The features and labels of a block's rows.
type BlockFeatures = (Vec<f32>, Vec<usize>);

/// Reads the rows of a block. Plain rows take a fast path; any other row, in particular a bad one,
/// is parsed as a CSV record.
fn read_block(file: &str, names: &[String], block: &Block) -> Result<BlockFeatures, FeatureError> {
    let (mut cells, mut labels) = (Vec::new(), Vec::new());
    let mut records = CsvRecords::new(file, &block.text, block.line, b',');
    loop {
        if block.is_short {
            let rest = records.rest();
            let mut read = 0;
            while let Some((label, length)) = plain_row(&rest[read..], names.len(), &mut cells) {
                labels.push(label);
                read += length;
            }
            cells.truncate(labels.len() * names.len());
            records.skip(read);
        }
        let Some(record) = records.next()? else { return Ok((cells, labels)) };
        labels.push(read_record(file, names, &record, &mut cells)?);
    }
}

/// Appends the features of the row at the start of `text`, and returns its label and its length in
/// bytes. Returns `None` where the text is not plain: it may not be a row.
fn plain_row(text: &[u8], width: usize, cells: &mut Vec<f32>) -> Option<(usize, usize)> {
    let mut at = 0;
    for _ in 0..width {
        let (number, length) = number::leading_f32(&text[at..])?;
        cells.push(number);
        at += length;
        if text.get(at)? != &b',' {
            return None;
        }
        at += 1;
    }
    match text.get(at..at + 2)? {
        b"0\n" => Some((0, at + 2)),
        b"1\n" => Some((1, at + 2)),
        _ => None,
    }
}

/// Appends a record's features and returns its label.
fn read_record(
    file: &str,
    names: &[String],
    record: &CsvRecord<'_>,
    cells: &mut Vec<f32>,
) -> Result<usize, FeatureError> {
    let (file, line) = (|| file.to_owned(), record.line);
    let width = names.len();
    if record.len() != width + 1 {
        let (found, expected) = (record.len(), width + 1);
        return Err(FeatureError::FieldCount { file: file(), line, found, expected });
    }
    let wrong = |column: &str, index, expected| FeatureError::Cell {
        file: file(),
        line,
        column: column.to_owned(),
        text: String::from_utf8_lossy(record.field(index)).chars().take(60).collect(),
        expected,
    };
    for (index, column) in names.iter().enumerate() {
        let number = std::str::from_utf8(record.field(index)).ok();
        let number = number.and_then(|text| text.trim().parse::<f32>().ok());
        match number.filter(|number| number.is_finite()) {
            Some(number) => cells.push(number),
            None => return Err(wrong(column, index, "a finite number")),
        }
    }
    match record.field(width).trim_ascii() {
        b"0" => Ok(0),
        b"1" => Ok(1),
        _ => Err(wrong(LABEL, width, "0 or 1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, block_size: usize) -> Result<FeatureTable, String> {
        FeatureTable::read_blocks(block_size, "a.csv", text.as_bytes(), ["a", "b"])
            .map_err(|error| error.to_string())
    }

    #[test]
    fn blocks_of_any_size_give_the_same_table() {
        let rows = "1,2,0\n-3.5, 4 ,1\r\n\n\"5\",16777217,\" 1\"\n0.1,1e-3,0\r";
        let text = format!("a,b,label\n{rows}{}", "1,2,1\n".repeat(50));
        let whole = read(&text, blocks::BLOCK_BYTES).unwrap();
        let cells = [1.0, 2.0, -3.5, 4.0, 5.0, 16_777_216.0, 0.1, 0.001, 1.0];
        assert_eq!(whole.records.iter().copied().take(9).collect::<Vec<_>>(), cells);
        assert_eq!(whole.labels.iter().copied().take(5).collect::<Vec<_>>(), [0, 1, 1, 0, 1]);
        assert_eq!(whole.labels.len(), 54);
        let wrong = format!("{text}1,2,2\n1,2\n");
        for size in 1..text.len() {
            assert!(read(&text, size).as_ref() == Ok(&whole), "{size}");
            // Line 56: the text has a blank line, and a carriage return that ends a row but not a
            // line.
            let error = "a.csv, line 56, column `label`: found `2`, expected 0 or 1";
            assert_eq!(read(&wrong, size).unwrap_err(), error, "{size}");
        }
    }
}

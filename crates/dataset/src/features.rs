//! The table that Preprocess leaves and Train and Evaluate read: a CSV with a header, numeric
//! features, and the label in the last column.

use std::io::{self, Read, Write};

use ndarray::{Array1, Array2};

use crate::blocks::{self, Block, Blocks};
use crate::in_order::in_order;
use crate::number;
use crate::recipe::{Applied, Recipe};
use crate::records::{Record, RecordError, Records};
use crate::table::Table;

/// The label's column in a feature table.
pub const LABEL: &str = "label";
/// How many rows are written at a time.
const ROWS: usize = 1 << 12;

/// Features and labels.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureTable {
    /// The features' names.
    pub names: Vec<String>,
    /// A row of features for each row.
    pub records: Array2<f32>,
    /// Each row's class, 0 or 1.
    pub labels: Array1<usize>,
}

/// Why a feature table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FeatureError {
    /// Not CSV.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// No header.
    #[error("{file} is empty, expected a header line")]
    Empty {
        /// The file.
        file: String,
    },
    /// No label.
    #[error("{file} ends in column `{found}`, expected features and then `{LABEL}`")]
    NoLabel {
        /// The file.
        file: String,
        /// Its last column.
        found: String,
    },
    /// Other features.
    #[error("{file} has column {place} `{found}`, expected `{expected}` as in the recipe")]
    OtherFeature {
        /// The file.
        file: String,
        /// Which column, from 1.
        place: usize,
        /// Its name.
        found: String,
        /// The recipe's.
        expected: String,
    },
    /// A header and nothing else.
    #[error("{file} has a header and no rows")]
    NoRows {
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
    /// A cell that is not a finite number.
    #[error("{file}, line {line}, column `{column}`: found `{text}`, expected {expected}")]
    Cell {
        /// The file.
        file: String,
        /// Where the row begins.
        line: u64,
        /// The column's name.
        column: String,
        /// The cell.
        text: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl FeatureTable {
    /// Reads a table with these features, which messages call `file`.
    ///
    /// # Errors
    /// No CSV, other features, a cell that is not a finite number, no rows.
    pub fn read<'a>(
        file: &str,
        input: impl Read,
        features: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, FeatureError> {
        Self::read_by(blocks::SIZE, file, input, features)
    }

    fn read_by<'a>(
        block_size: usize,
        name: &str,
        input: impl Read,
        features: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, FeatureError> {
        let file = || name.to_owned();
        let mut blocks = Blocks::new(name, input, block_size);
        let Some(header) = blocks.header()? else {
            return Err(FeatureError::Empty { file: file() });
        };
        let text = |field: &Vec<u8>| String::from_utf8_lossy(field).into_owned();
        let mut names: Vec<String> = header.iter().map(text).collect();
        let last = names.pop().unwrap_or_default();
        if last != LABEL {
            return Err(FeatureError::NoLabel { file: file(), found: last });
        }
        let expected: Vec<&str> = features.into_iter().collect();
        for place in 0..names.len().max(expected.len()) {
            let (found, expected) =
                (names.get(place).map_or(LABEL, String::as_str), expected.get(place));
            let expected = expected.copied().unwrap_or(LABEL);
            if found != expected {
                let (found, expected) = (found.to_owned(), expected.to_owned());
                return Err(FeatureError::OtherFeature {
                    file: file(),
                    place: place + 1,
                    found,
                    expected,
                });
            }
        }
        let (mut cells, mut labels) = (Vec::new(), Vec::new());
        in_order(
            || Ok(blocks.next()?),
            |block| read_block(name, &names, &block),
            |piece| -> Result<(), FeatureError> {
                let (more_cells, more_labels) = piece?;
                cells.extend_from_slice(&more_cells);
                labels.extend_from_slice(&more_labels);
                Ok(())
            },
        )?;
        let records = Array2::from_shape_vec((labels.len(), names.len()), cells).ok();
        match records.filter(|records| records.nrows() > 0) {
            Some(records) => Ok(Self { names, records, labels: labels.into() }),
            None => Err(FeatureError::NoRows { file: file() }),
        }
    }

    /// Writes the table. A number is written with as many digits as it takes to read the very same
    /// one back.
    ///
    /// # Errors
    /// What `out` cannot take.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let names = self.names.iter().map(String::as_str);
        let row = |row, cells: &mut Vec<f32>| {
            cells.extend(self.records.row(row));
            (self.labels[row], Applied::default())
        };
        write(out, names, self.labels.len(), row).map(|_| ())
    }
}

impl Recipe {
    /// Writes the feature table of these rows, which [`FeatureTable::read`] reads, without holding
    /// it; gives how much had to be made up.
    ///
    /// # Errors
    /// What `out` cannot take.
    pub fn write(&self, table: &Table, rows: &[usize], out: &mut dyn Write) -> io::Result<Applied> {
        let row = |index: usize, cells: &mut Vec<f32>| {
            let row: usize = rows[index];
            let made_up = self.apply(table.row(row), cells);
            (usize::from(table.labels()[row]), made_up)
        };
        write(out, self.feature_names(), rows.len(), row)
    }
}

/// Writes a header and `count` rows. `row` appends a row's features and gives its label and how
/// much of it is made up; together this is what `write` gives.
fn write<'a>(
    out: &mut dyn Write,
    names: impl Iterator<Item = &'a str>,
    count: usize,
    row: impl Fn(usize, &mut Vec<f32>) -> (usize, Applied) + Sync,
) -> io::Result<Applied> {
    let mut header = csv::Writer::from_writer(Vec::new());
    header.write_record(names.chain([LABEL])).map_err(io::Error::other)?;
    out.write_all(&header.into_inner().map_err(|error| error.into_error())?)?;
    let mut begins = (0..count).step_by(ROWS);
    let mut all_made_up = Applied::default();
    in_order(
        || Ok(begins.next()),
        |begin| {
            let (mut text, mut cells) = (Vec::new(), Vec::new());
            let mut all_made_up = Applied::default();
            for index in begin..count.min(begin + ROWS) {
                cells.clear();
                let (label, made_up) = row(index, &mut cells);
                all_made_up = all_made_up + made_up;
                for value in &cells {
                    number::push(*value, &mut text);
                    text.push(b',');
                }
                text.extend_from_slice(if label == 0 { b"0\n" } else { b"1\n" });
            }
            (text, all_made_up)
        },
        |(text, made_up)| {
            all_made_up = all_made_up + made_up;
            out.write_all(&text)
        },
    )?;
    Ok(all_made_up)
}

/// The cells and labels of some rows.
type Piece = (Vec<f32>, Vec<usize>);

/// The rows of a block: plain ones quickly, and any other one, a wrong one above all, record by
/// record.
fn read_block(file: &str, names: &[String], block: &Block) -> Result<Piece, FeatureError> {
    let (mut cells, mut labels) = (Vec::new(), Vec::new());
    let mut records = Records::new(file, block);
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

/// Appends the features of the row that a text begins with, and gives its label and how many bytes
/// it takes. None where anything about it is unusual: it may be no row.
fn plain_row(text: &[u8], width: usize, cells: &mut Vec<f32>) -> Option<(usize, usize)> {
    let mut at = 0;
    for _ in 0..width {
        let (number, length) = number::leading(&text[at..], 0)?;
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

/// Appends a record's features and gives its label.
fn read_record(
    file: &str,
    names: &[String],
    record: &Record<'_>,
    cells: &mut Vec<f32>,
) -> Result<usize, FeatureError> {
    let (file, line) = (|| file.to_owned(), record.line);
    let width = names.len();
    if record.len() != width + 1 {
        let (found, expected) = (record.len(), width + 1);
        return Err(FeatureError::Ragged { file: file(), line, found, expected });
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
        FeatureTable::read_by(block_size, "a.csv", text.as_bytes(), ["a", "b"])
            .map_err(|error| error.to_string())
    }

    #[test]
    fn blocks_of_any_size_are_the_same_table() {
        let rows = "1,2,0\n-3.5, 4 ,1\r\n\n\"5\",16777217,\" 1\"\n0.1,1e-3,0\r";
        let text = format!("a,b,label\n{rows}{}", "1,2,1\n".repeat(50));
        let whole = read(&text, blocks::SIZE).unwrap();
        let cells = [1.0, 2.0, -3.5, 4.0, 5.0, 16_777_216.0, 0.1, 0.001, 1.0];
        assert_eq!(whole.records.iter().copied().take(9).collect::<Vec<_>>(), cells);
        assert_eq!(whole.labels.iter().copied().take(5).collect::<Vec<_>>(), [0, 1, 1, 0, 1]);
        assert_eq!(whole.labels.len(), 54);
        let wrong = format!("{text}1,2,2\n1,2\n");
        for size in 1..text.len() {
            assert!(read(&text, size).as_ref() == Ok(&whole), "{size}");
            // A blank line, and a carriage return that ends a row and no line.
            let error = "a.csv, line 56, column `label`: found `2`, expected 0 or 1";
            assert_eq!(read(&wrong, size).unwrap_err(), error, "{size}");
        }
    }
}

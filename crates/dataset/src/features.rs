//! The table that Preprocess leaves and Train and Evaluate read: a CSV with a header, numeric
//! features, and the label in the last column.

use std::io::{self, BufRead, Write};

use ndarray::{Array1, Array2};

use crate::records::{RecordError, Records};

/// The label's column in a feature table.
pub const LABEL: &str = "label";

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
        input: impl BufRead,
        features: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, FeatureError> {
        let file = || file.to_owned();
        let name = file();
        let mut records = Records::new(&name, input);
        let Some(header) = records.next()? else {
            return Err(FeatureError::Empty { file: file() });
        };
        let text = |field| String::from_utf8_lossy(field).into_owned();
        let mut names: Vec<String> = header.fields().map(text).collect();
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
        let width = names.len();
        let (mut cells, mut labels) = (Vec::new(), Vec::new());
        while let Some(record) = records.next()? {
            let line = record.line;
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
            labels.push(match record.field(width).trim_ascii() {
                b"0" => 0,
                b"1" => 1,
                _ => return Err(wrong(LABEL, width, "0 or 1")),
            });
        }
        let records = Array2::from_shape_vec((labels.len(), width), cells).ok();
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
        let mut writer = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(out);
        let header = self.names.iter().map(String::as_str).chain([LABEL]);
        writer.write_record(header).map_err(into_io)?;
        let mut number = String::new();
        for (row, label) in self.records.rows().into_iter().zip(&self.labels) {
            for value in row {
                use std::fmt::Write as _;
                number.clear();
                write!(number, "{value}").map_err(io::Error::other)?;
                writer.write_field(&number).map_err(into_io)?;
            }
            writer.write_field(if *label == 0 { "0" } else { "1" }).map_err(into_io)?;
            writer.write_record(None::<&[u8]>).map_err(into_io)?;
        }
        writer.flush()
    }
}

fn into_io(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

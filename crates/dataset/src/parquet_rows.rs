//! Turns batches of a Parquet file into rows of readings, by the rules that CSV rows are read by.

use crate::duplicates::RowDigester;
use crate::other_row::is_totals_row;
use crate::parquet_file::{Batch, Values};
use crate::record::{LabelParser, ParsedLabel, RecordReader};
use crate::rows::{BlockRows, Fields, RowReader, lacks_something};
use crate::table_error::{Place, TableError};

/// Reads the rows of batches.
pub(crate) struct BatchReader<'a> {
    rows: RowReader<'a>,
    records: &'a RecordReader<'a>,
}

/// The texts of a column in a batch.
enum Texts<'v> {
    /// The values are texts.
    Values(&'v Values),
    /// The texts of other values, one after another, and the end of each.
    Written { text: Vec<u8>, ends: Vec<usize> },
    /// The column is not read.
    None,
}

impl<'v> Texts<'v> {
    fn of(values: Option<&'v Values>, rows: usize) -> Self {
        let Some(values) = values else { return Self::None };
        if values.is_text() {
            return Self::Values(values);
        }
        let (mut text, mut ends) = (Vec::new(), Vec::with_capacity(rows));
        for row in 0..rows {
            values.push_text(row, &mut text);
            ends.push(text.len());
        }
        Self::Written { text, ends }
    }

    /// Returns the text of a row, which is empty where it has no value.
    fn row(&self, row: usize) -> &[u8] {
        match self {
            Self::Values(values) => values.text(row).unwrap_or_default(),
            Self::Written { text, ends } => {
                let begin = if row == 0 { 0 } else { ends[row - 1] };
                &text[begin..ends[row]]
            }
            Self::None => &[],
        }
    }
}

impl<'a> BatchReader<'a> {
    pub(crate) fn new(rows: RowReader<'a>, records: &'a RecordReader<'a>) -> Self {
        Self { rows, records }
    }

    /// Reads the rows of a batch. Columns are read as a whole; a row with a bad cell is then read
    /// again as text, as a row of a CSV file is.
    pub(crate) fn read(&self, batch: &Batch) -> Result<BlockRows, TableError> {
        let header = self.records.header();
        let values = |field: usize| batch.columns[field].as_ref();
        let mut rows = BlockRows::new(header.columns.len());
        let mut is_odd = vec![false; batch.rows];
        let mut columns: Vec<Vec<f64>> = Vec::with_capacity(header.columns.len());
        for (found, cells) in header.columns.iter().zip(self.records.cells()) {
            let mut readings = Vec::with_capacity(batch.rows);
            if let Some(values) = values(found.field) {
                values.readings(cells, &mut readings, &mut is_odd);
            }
            readings.resize(batch.rows, f64::NAN);
            columns.push(readings);
        }
        let mut texts: Vec<Texts<'_>> = batch.columns.iter().map(|_| Texts::None).collect();
        let categories = || self.records.categories().iter().map(|&(_, field)| field);
        for field in self.rows.identity_texts().chain(header.label).chain(categories()) {
            texts[field] = Texts::of(values(field), batch.rows);
        }
        let mut labels = self.records.label_parser();
        let (mut digester, mut bad_cells) = (RowDigester::default(), Vec::new());
        rows.readings.reserve(batch.rows * columns.len());
        for row in 0..batch.rows {
            let begin = rows.readings.len();
            rows.readings.extend(columns.iter().map(|column| column[row]));
            let label = label_of(&mut labels, header.label.map(|field| texts[field].row(row)));
            let is_plain = |label: &ParsedLabel| {
                let lacks = lacks_something(&rows.readings[begin..], *label);
                !is_odd[row] && (!lacks || !is_totals_row(batch.first_text(row).into_iter()))
            };
            let field = |field: usize| texts[field].row(row);
            if let (Some(label), Some(key)) = (label.filter(is_plain), self.rows.key(field)) {
                self.rows.add_values(&mut rows, field)?;
                self.rows.finish_row(&mut rows, label, key, &mut digester, field);
                continue;
            }
            rows.readings.truncate(begin);
            let fields: Vec<Vec<u8>> =
                batch.columns.iter().map(|column| text_of(column, row)).collect();
            let fields =
                Fields { count: fields.len(), field: |field: usize| fields[field].as_slice() };
            let place = Place::Row(batch.first_row + row as u64);
            self.rows.read_fields(
                &fields,
                place,
                &mut rows,
                &mut labels,
                &mut digester,
                &mut bad_cells,
            )?;
        }
        Ok(rows)
    }
}

fn label_of(labels: &mut LabelParser<'_>, text: Option<&[u8]>) -> Option<ParsedLabel> {
    match text {
        Some(text) => labels.parse(text),
        None => Some(ParsedLabel::default()),
    }
}

fn text_of(column: &Option<Values>, row: usize) -> Vec<u8> {
    let mut text = Vec::new();
    if let Some(values) = column {
        values.push_text(row, &mut text);
    }
    text
}

impl Batch {
    /// Returns the first value of a row if it is a text.
    fn first_text(&self, row: usize) -> Option<&[u8]> {
        let blank = |text: &[u8]| text.trim_ascii().is_empty();
        let values = self.columns.iter().flatten().filter(|values| !values.is_missing(row));
        let mut values = values.filter(|values| !values.text(row).is_some_and(blank));
        values.next().and_then(|values| values.text(row))
    }
}

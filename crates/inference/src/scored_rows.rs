//! What became of the rows of tables.

use std::collections::BTreeMap;

use dataset::{RawHeader, RecordReader};
use serde::Serialize;

use crate::model::Model;

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
    /// [`TableScorer::with_bad_cells`](crate::TableScorer::with_bad_cells) allows them.
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
    /// Adds the notes and the assumed units of a file.
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

    /// Warns of what the answers show of all rows together: other units than those of the training rows, or a
    /// model that knows no ranges.
    pub fn warn(&mut self, model: &Model) {
        for (column, count) in &self.out_of_range {
            if 2 * count > self.rows {
                self.warnings.push(format!(
                    "column `{column}`: {count} of {} numbers are outside of the training rows' range; are the \
                     units and the decimal marks the same?",
                    self.rows
                ));
            }
        }
        if !model.knows_ranges() {
            let warning = "the model was trained by an old program and knows no ranges of its columns, so none \
                           is out of range";
            self.warnings.push(warning.to_owned());
        }
    }
}

//! How rows are cleaned, and the counts of the rows that cleaning drops.

use std::collections::BTreeMap;

use serde::Serialize;

/// How a row with an empty or non-finite sensor cell is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingValues {
    /// The row is dropped and counted.
    Drop,
    /// The cell stays NaN; the recipe replaces it with the training median.
    Median,
}

/// How a row is handled that has a cell which should be a number or a class and is not, or too few
/// or too many fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCells {
    /// Reading fails with an error that names the cell.
    Error,
    /// The row is dropped and counted.
    Drop,
}

/// How a table is cleaned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleaningRules {
    /// The handling of missing cells.
    pub missing_values: MissingValues,
    /// The handling of cells that cannot be parsed.
    pub bad_cells: BadCells,
}

/// The numbers of rows read, kept and dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CleaningCounts {
    /// Rows in all files.
    pub rows_read: usize,
    /// Rows kept.
    pub rows_kept: usize,
    /// Rows dropped because of an empty or non-finite cell, the label included.
    pub dropped_missing: usize,
    /// Rows dropped because of a cell that is not a number, or a label that is not a class.
    pub dropped_bad_cells: usize,
    /// Rows dropped because of too few or too many fields.
    pub dropped_ragged: usize,
    /// Rows dropped because an earlier row has the same readings and label.
    pub dropped_duplicates: usize,
    /// Empty or non-finite cells of each column, over all rows that could be parsed.
    pub missing_cells: BTreeMap<String, usize>,
    /// The first row that could not be parsed, as the message of the error that
    /// [`BadCells::Error`] would have returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_bad: Option<String>,
}

impl CleaningCounts {
    /// Adds the counts of later rows, except kept rows, duplicates and missing cells, which are not
    /// counted by block.
    pub(crate) fn add_dropped(&mut self, later: Self) {
        self.rows_read += later.rows_read;
        self.dropped_missing += later.dropped_missing;
        self.dropped_bad_cells += later.dropped_bad_cells;
        self.dropped_ragged += later.dropped_ragged;
        self.first_bad = self.first_bad.take().or(later.first_bad);
    }
}

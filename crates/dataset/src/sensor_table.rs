//! The cleaned rows of raw tables.

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::categories::{self, Values};
use crate::statistics::ColumnSummary;

/// Cleaned rows of raw sensor readings with their labels. Readings have 64 bits, so that a feature
/// such as the difference of two counters is exact; a missing one is NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct SensorTable {
    /// The number of columns.
    pub(crate) width: usize,
    /// The readings, row by row.
    pub(crate) cells: Vec<f64>,
    /// The class of each row.
    pub(crate) labels: Vec<u8>,
    /// The values of each column of categories; those of other columns are empty.
    pub(crate) values: Vec<Values>,
    /// The key of each row by which it is split; empty if there is no column for that.
    pub(crate) keys: Vec<f64>,
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
    pub fn row(&self, index: usize) -> &[f64] {
        &self.cells[index * self.width..][..self.width]
    }

    /// Returns the number of rows with each value of a column of categories, among these rows.
    pub fn value_counts(&self, column: usize, rows: &[usize]) -> BTreeMap<&str, usize> {
        let mut by_code: BTreeMap<u64, usize> = BTreeMap::new();
        for reading in rows.iter().map(|&row| self.row(row)[column]) {
            if !reading.is_nan() {
                *by_code.entry(categories::code_of(reading)).or_default() += 1;
            }
        }
        let named = by_code.into_iter();
        named.filter_map(|(code, count)| Some((self.values[column].get(code)?, count))).collect()
    }

    /// Returns summary statistics of each column. Those of a column of categories mean nothing but
    /// for the count: see [`Self::value_counts`].
    pub fn summaries(&self) -> Vec<ColumnSummary> {
        self.summaries_of(0..self.len())
    }

    /// Returns summary statistics of each column over these rows.
    pub(crate) fn summaries_of(
        &self,
        rows: impl ExactSizeIterator<Item = usize> + Clone + Sync,
    ) -> Vec<ColumnSummary> {
        // A cache line has eight readings of a row. Reading a single column of a wide table loads one
        // for each reading.
        const COLUMNS: usize = 16;
        let begins: Vec<usize> = (0..self.width).step_by(COLUMNS).collect();
        let summaries = begins.into_par_iter().flat_map_iter(|begin| {
            let width = COLUMNS.min(self.width - begin);
            let mut columns = vec![Vec::with_capacity(rows.len()); width];
            for row in rows.clone() {
                let readings = &self.row(row)[begin..][..width];
                columns
                    .iter_mut()
                    .zip(readings)
                    .for_each(|(column, reading)| column.push(*reading));
            }
            columns.into_iter().map(|column| ColumnSummary::of(column.into_iter()))
        });
        summaries.collect()
    }

    /// Returns what [`split_by_time`](crate::split_by_time) and
    /// [`split_by_machine`](crate::split_by_machine) divide the rows by, or nothing if there is no
    /// column for that.
    pub fn split_keys(&self) -> &[f64] {
        &self.keys
    }

    /// Returns the class of each row, 0 or 1.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }
}

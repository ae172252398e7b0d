//! The cleaned rows of raw tables.

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::categories::{self, Values};
use crate::statistics::{ColumnNumbers, ColumnSummary, Spread};

/// The number of readings that a thread gathers at a time to compute statistics of columns.
const GATHERED_NUMBERS: usize = 1 << 21;

/// The maximum number of columns that a thread gathers at a time.
const MAX_GATHERED_COLUMNS: usize = 64;

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
        self.of_each_column(0..self.len(), ColumnNumbers::summary)
    }

    /// Returns the spread of each column over these rows, `None` for a column without a reading.
    pub(crate) fn spreads(&self, rows: &[usize]) -> Vec<Option<Spread>> {
        self.of_each_column(rows.iter().copied(), ColumnNumbers::spread)
    }

    /// Returns the summary statistics of a column over these rows.
    pub(crate) fn summary_of(&self, column: usize, rows: &[usize]) -> ColumnSummary {
        ColumnSummary::of(rows.iter().map(|&row| self.row(row)[column]))
    }

    /// Returns what `statistic` makes of the numbers of each column over these rows.
    fn of_each_column<T: Send>(
        &self,
        rows: impl Iterator<Item = usize> + Clone + Sync,
        statistic: impl Fn(&mut ColumnNumbers) -> T + Sync,
    ) -> Vec<T> {
        // A cache line has eight readings of a row, and a page of memory 512: reading a single column
        // loads one of each for each reading. So several columns are gathered at a time, as many as a
        // few tens of megabytes hold.
        let at_a_time = (GATHERED_NUMBERS / self.len().max(1)).clamp(1, MAX_GATHERED_COLUMNS);
        let begins: Vec<usize> = (0..self.width).step_by(at_a_time).collect();
        let statistics =
            begins.into_par_iter().map_init(Vec::new, |columns: &mut Vec<_>, begin| {
                columns.resize_with(at_a_time.min(self.width - begin), ColumnNumbers::default);
                columns.iter_mut().for_each(ColumnNumbers::clear);
                for row in rows.clone() {
                    let readings = &self.row(row)[begin..];
                    columns
                        .iter_mut()
                        .zip(readings)
                        .for_each(|(column, reading)| column.push(*reading));
                }
                columns.iter_mut().map(&statistic).collect::<Vec<T>>()
            });
        statistics.collect::<Vec<_>>().into_iter().flatten().collect()
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

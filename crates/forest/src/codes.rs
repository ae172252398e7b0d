//! The table as ranks: a feature's value becomes the number of smaller distinct values, so a
//! split is found by counting and never by sorting.

use ndarray::ArrayView2;

use crate::FitError;

/// One feature of all rows.
pub(crate) struct Column {
    /// Each row's rank.
    pub(crate) codes: Vec<u32>,
    /// The value of each rank, ascending.
    pub(crate) values: Vec<f32>,
}

impl Column {
    /// The threshold between two ranks: the midpoint of their values, or the lower one where the
    /// midpoint rounds to the upper, so that `value <= threshold` parts them in any case.
    pub(crate) fn threshold(&self, low: u32, high: u32) -> f32 {
        let (low, high) = (self.values[low as usize], self.values[high as usize]);
        let middle = (0.5 * (f64::from(low) + f64::from(high))) as f32;
        if middle < high { middle } else { low }
    }
}

/// Every column of a table, ranked.
pub(crate) fn rank(records: ArrayView2<'_, f32>) -> Result<Vec<Column>, FitError> {
    let mut columns = Vec::with_capacity(records.ncols());
    let mut order: Vec<(f32, u32)> = Vec::with_capacity(records.nrows());
    for (feature, column) in records.columns().into_iter().enumerate() {
        order.clear();
        for (row, &value) in column.iter().enumerate() {
            if !value.is_finite() {
                return Err(FitError::NotFinite { row, feature, value });
            }
            order.push((value, row as u32));
        }
        // Ties may come in any order: they get one rank.
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut values: Vec<f32> = Vec::new();
        let mut codes = vec![0; order.len()];
        for &(value, row) in &order {
            // `!=` takes -0.0 and 0.0 for one value, as `<=` does.
            if values.last().is_none_or(|&last| last != value) {
                values.push(value);
            }
            codes[row as usize] = values.len() as u32 - 1;
        }
        columns.push(Column { codes, values });
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn ranks_count_smaller_distinct_values() {
        let columns = rank(array![[3.0_f32], [-0.0], [3.0], [0.0], [7.5]].view()).unwrap();
        assert_eq!(columns[0].codes, [1, 0, 1, 0, 2]);
        assert_eq!(columns[0].values, [0.0, 3.0, 7.5]);
    }

    #[test]
    fn a_threshold_parts_its_neighbours_even_where_no_float_lies_between() {
        let next = f32::from_bits(1.0_f32.to_bits() + 1);
        let columns = rank(array![[1.0_f32, f32::MIN], [next, f32::MAX]].view()).unwrap();
        let threshold = columns[0].threshold(0, 1);
        assert!(1.0 <= threshold && threshold < next);
        assert_eq!(columns[1].threshold(0, 1), 0.0);
    }
}

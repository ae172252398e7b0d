//! The bins of a feature: each value is replaced by a small whole number, so that a split is found
//! by counting instead of sorting.

use std::hint::select_unpredictable;

/// The number of values that [`FeatureBins::codes`] searches for at a time.
pub(crate) const SEARCH_LANES: usize = 8;

/// The number of bins that an 8-bit code can tell apart.
pub(crate) const U8_BINS: usize = 1 << 8;

/// The number of bins that a 16-bit code can tell apart: the most that a feature may have.
pub(crate) const U16_BINS: usize = 1 << 16;

/// The bins of one feature, in ascending order. If there are at most as many distinct values as
/// bins, each value has a bin of its own and splits are exact. Otherwise neighbouring values share
/// a bin, and all bins hold about the same number of rows.
#[derive(Debug)]
pub(crate) struct FeatureBins {
    /// The lower limit of each bin.
    low: Vec<f32>,
    /// The upper limit of each bin, padded with infinity to a power of two.
    high: Vec<f32>,
    len: usize,
}

impl FeatureBins {
    /// Chooses at most `limit` bins from `sorted` values: all values of the feature if `all` is
    /// set, a sample of them otherwise.
    pub(crate) fn new(sorted: &[f32], limit: usize, all: bool) -> Self {
        // `==` treats -0.0 and 0.0 as one value, as `<=` does.
        let runs = || sorted.chunk_by(|a, b| a == b);
        let distinct = runs().count();
        if all && distinct <= limit {
            let values: Vec<f32> = runs().map(|run| run[0]).collect();
            return Self::from_limits(values.clone(), values);
        }
        let mut high = Vec::new();
        let (mut bins_left, mut rows_left, mut rows) = (limit, sorted.len(), 0);
        let mut runs = runs().peekable();
        while let (Some(run), Some(next)) = (runs.next(), runs.peek()) {
            rows += run.len();
            // Each bin takes an even share of the remaining rows, so that one frequent value does
            // not use up the bins of the others.
            let full = distinct <= limit || (rows * bins_left >= rows_left && bins_left > 1);
            if full {
                high.push(between(run[0], next[0]));
                (bins_left, rows_left, rows) = (bins_left - 1, rows_left - rows, 0);
            }
        }
        let low = std::iter::once(f32::MIN).chain(high.iter().copied()).collect();
        high.push(f32::MAX);
        Self::from_limits(low, high)
    }

    fn from_limits(low: Vec<f32>, mut high: Vec<f32>) -> Self {
        let len = high.len();
        high.resize(len.next_power_of_two(), f32::INFINITY);
        Self { low, high, len }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns the bin of each value, that is the number of bins whose upper limit is below it.
    ///
    /// The binary search has no branches, because their outcome cannot be predicted, and advances
    /// several values at once, because each step depends on the one before.
    pub(crate) fn codes(&self, values: [f32; SEARCH_LANES]) -> [usize; SEARCH_LANES] {
        let mut below = [0; SEARCH_LANES];
        let mut step = self.high.len() / 2;
        while step > 0 {
            for (below, value) in below.iter_mut().zip(values) {
                let above = self.high[*below + step - 1] < value;
                *below = select_unpredictable(above, *below + step, *below);
            }
            step /= 2;
        }
        below
    }

    /// Returns the threshold between two bins; the bins between them must be empty.
    pub(crate) fn threshold(&self, low: usize, high: usize) -> f32 {
        between(self.high[low], self.low[high])
    }
}

/// Returns the midpoint of two values, or the lower value if the midpoint rounds to the upper one,
/// so that `value <= threshold` always separates them.
fn between(low: f32, high: f32) -> f32 {
    let middle = (0.5 * (f64::from(low) + f64::from(high))) as f32;
    if middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl FeatureBins {
        fn code(&self, value: f32) -> usize {
            self.codes([value; SEARCH_LANES])[SEARCH_LANES - 1]
        }
    }

    #[test]
    fn few_distinct_values_get_a_bin_each() {
        let bins = FeatureBins::new(&[-0.0, 0.0, 3.0, 3.0, 7.5], 3, true);
        let codes = [3.0, -0.0, 3.0, 0.0, 7.5].map(|value| bins.code(value));
        assert_eq!((codes, bins.len()), ([1, 0, 1, 0, 2], 3));
        assert_eq!([bins.threshold(0, 1), bins.threshold(0, 2)], [1.5, 3.75]);
    }

    #[test]
    fn many_values_share_bins_with_equal_row_counts() {
        let values: Vec<f32> = (0..1000).map(|value| value as f32).collect();
        for all in [true, false] {
            let bins = FeatureBins::new(&values, 10, all);
            let mut rows = [0; 10];
            for &value in &values {
                rows[bins.code(value)] += 1;
            }
            assert_eq!(rows, [100; 10]);
            assert_eq!([bins.threshold(0, 1), bins.threshold(0, 2)], [99.5, 149.5]);
        }
    }

    #[test]
    fn a_frequent_value_takes_one_bin_only() {
        let mut values = vec![0.0; 9_000];
        values.extend((1..=1000).map(|value| value as f32));
        let bins = FeatureBins::new(&values, 11, true);
        assert_eq!((bins.len(), bins.code(0.0), bins.code(1.0)), (11, 0, 1));
        assert_eq!([bins.code(100.0), bins.code(101.0), bins.code(1000.0)], [1, 2, 10]);
    }

    #[test]
    fn values_missing_from_the_sample_agree_with_the_threshold() {
        let bins = FeatureBins::new(&[1.0, 2.0, 4.0], 256, false);
        for value in [f32::MIN, 0.0, 1.2, 1.8, 2.9, 3.1, 5.0, f32::MAX] {
            for low in 0..2 {
                let left = value <= bins.threshold(low, low + 1);
                assert_eq!(left, bins.code(value) <= low, "{value}");
            }
        }
    }

    #[test]
    fn a_threshold_separates_adjacent_floats() {
        let next = f32::from_bits(1.0_f32.to_bits() + 1);
        let threshold = FeatureBins::new(&[1.0, next], 2, true).threshold(0, 1);
        assert!(1.0 <= threshold && threshold < next);
        assert_eq!(FeatureBins::new(&[f32::MIN, f32::MAX], 2, true).threshold(0, 1), 0.0);
    }
}

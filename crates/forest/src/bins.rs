//! A feature's values as small whole numbers: a split is found by counting, never by sorting.

use std::hint::select_unpredictable;

/// How many values are searched for side by side.
pub(crate) const LANES: usize = 8;

/// The bins of one feature, ascending. Up to a limit each distinct value has a bin of its own and
/// splits are exact; beyond it, bins of about as many rows each take neighbouring values.
#[derive(Debug)]
pub(crate) struct Bins {
    /// No value of a bin is below this.
    low: Vec<f32>,
    /// Nor above this; filled up with infinity to a power of two.
    high: Vec<f32>,
    len: usize,
}

impl Bins {
    /// At most `limit` bins for `sorted` values, which are `all` that there are or a sample.
    pub(crate) fn new(sorted: &[f32], limit: usize, all: bool) -> Self {
        // `==` takes -0.0 and 0.0 for one value, as `<=` does.
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
            // An even share of what is left, so that one frequent value does not use up the others'.
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

    /// The bins of some values: how many bins end below each. A search without branches, since no
    /// processor can foretell where a value is, and of several side by side, since each step waits
    /// for the last one.
    pub(crate) fn codes(&self, values: [f32; LANES]) -> [usize; LANES] {
        let mut below = [0; LANES];
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

    /// The threshold between two bins, those between them being empty.
    pub(crate) fn threshold(&self, low: usize, high: usize) -> f32 {
        between(self.high[low], self.low[high])
    }
}

/// The midpoint of two values, or the lower one where the midpoint rounds to the upper, so that
/// `value <= threshold` parts them in any case.
fn between(low: f32, high: f32) -> f32 {
    let middle = (0.5 * (f64::from(low) + f64::from(high))) as f32;
    if middle < high { middle } else { low }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Bins {
        fn code(&self, value: f32) -> usize {
            self.codes([value; LANES])[LANES - 1]
        }
    }

    #[test]
    fn few_values_have_a_bin_each() {
        let bins = Bins::new(&[-0.0, 0.0, 3.0, 3.0, 7.5], 3, true);
        let codes = [3.0, -0.0, 3.0, 0.0, 7.5].map(|value| bins.code(value));
        assert_eq!((codes, bins.len()), ([1, 0, 1, 0, 2], 3));
        assert_eq!([bins.threshold(0, 1), bins.threshold(0, 2)], [1.5, 3.75]);
    }

    #[test]
    fn many_values_share_bins_of_as_many_rows() {
        let values: Vec<f32> = (0..1000).map(|value| value as f32).collect();
        for all in [true, false] {
            let bins = Bins::new(&values, 10, all);
            let mut rows = [0; 10];
            for &value in &values {
                rows[bins.code(value)] += 1;
            }
            assert_eq!(rows, [100; 10]);
            assert_eq!([bins.threshold(0, 1), bins.threshold(0, 2)], [99.5, 149.5]);
        }
    }

    #[test]
    fn a_frequent_value_leaves_the_bins_to_the_others() {
        let mut values = vec![0.0; 9_000];
        values.extend((1..=1000).map(|value| value as f32));
        let bins = Bins::new(&values, 11, true);
        assert_eq!((bins.len(), bins.code(0.0), bins.code(1.0)), (11, 0, 1));
        assert_eq!([bins.code(100.0), bins.code(101.0), bins.code(1000.0)], [1, 2, 10]);
    }

    #[test]
    fn values_that_a_sample_missed_are_on_their_side_of_a_threshold() {
        let bins = Bins::new(&[1.0, 2.0, 4.0], 256, false);
        for value in [f32::MIN, 0.0, 1.2, 1.8, 2.9, 3.1, 5.0, f32::MAX] {
            for low in 0..2 {
                let left = value <= bins.threshold(low, low + 1);
                assert_eq!(left, bins.code(value) <= low, "{value}");
            }
        }
    }

    #[test]
    fn a_threshold_parts_its_neighbours_even_where_no_float_lies_between() {
        let next = f32::from_bits(1.0_f32.to_bits() + 1);
        let threshold = Bins::new(&[1.0, next], 2, true).threshold(0, 1);
        assert!(1.0 <= threshold && threshold < next);
        assert_eq!(Bins::new(&[f32::MIN, f32::MAX], 2, true).threshold(0, 1), 0.0);
    }
}

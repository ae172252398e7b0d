//! Summary statistics of a column.

use serde::Serialize;

/// Summary statistics of a column's numbers. Missing ones are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ColumnSummary {
    /// The number of values.
    pub count: usize,
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation, with n - 1 as in pandas; 0 for a single number.
    pub std: f64,
    /// The minimum.
    pub min: f64,
    /// The median; for an even count the mean of the middle two.
    pub median: f64,
    /// The maximum.
    pub max: f64,
}

impl ColumnSummary {
    /// Summarizes all numbers that are not NaN. All statistics are 0 if there are none.
    pub fn of(numbers: impl Iterator<Item = f64>) -> Self {
        let keys = numbers.filter(|number| !number.is_nan()).map(key).collect();
        let sorted = sorted(keys);
        // Sums over sorted numbers have the same bits, whatever order the numbers came in.
        let numbers = || sorted.iter().map(|&key| number(key));
        let (Some(min), Some(max)) = (numbers().next(), numbers().next_back()) else {
            return Self::default();
        };
        let count = sorted.len();
        let mean = numbers().sum::<f64>() / count as f64;
        let squares: f64 = numbers().map(|number| (number - mean).powi(2)).sum();
        let std = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        let [low, high] = [(count - 1) / 2, count / 2].map(|place| number(sorted[place]));
        let median = if low == high { low } else { low / 2.0 + high / 2.0 };
        Self { count, mean, std, min, median, max }
    }
}

/// Returns a key that sorts as the number does by [`f64::total_cmp`].
fn key(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// Returns the number of a key.
fn number(key: u64) -> f64 {
    f64::from_bits(if key & SIGN == 0 { !key } else { key & !SIGN })
}

const SIGN: u64 = 1 << 63;

/// Sorts keys with a radix sort by 11 bits at a time, the lowest first. A comparison sort takes
/// twice as long for a million keys.
fn sorted(mut keys: Vec<u64>) -> Vec<u64> {
    const BITS: u32 = 11;
    let digit = |key: u64, pass: u32| (key >> (pass * BITS)) as usize % (1 << BITS);
    let mut other = vec![0; keys.len()];
    for pass in 0..u64::BITS.div_ceil(BITS) {
        let mut counts = [0; 1 << BITS];
        for &key in &keys {
            counts[digit(key, pass)] += 1;
        }
        // Numbers with few binary places have no low digits.
        if counts.contains(&keys.len()) {
            continue;
        }
        // The position of the next key with each digit.
        let mut places = counts;
        let mut before = 0;
        for (place, count) in places.iter_mut().zip(counts) {
            *place = before;
            before += count;
        }
        for &key in &keys {
            let place = &mut places[digit(key, pass)];
            other[*place] = key;
            *place += 1;
        }
        std::mem::swap(&mut keys, &mut other);
    }
    keys
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn statistics_match_those_computed_by_hand() {
        // Mean 10 / 4 = 2.5; squares 2.25 + 0.25 + 0.25 + 2.25 = 5; sqrt(5 / 3).
        let found = ColumnSummary::of([4.0, 1.0, f64::NAN, 3.0, 2.0].into_iter());
        assert_eq!((found.count, found.mean, found.median), (4, 2.5, 2.5));
        assert_eq!((found.min, found.max), (1.0, 4.0));
        assert!((found.std - (5.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(ColumnSummary::of([7.0].into_iter()).std, 0.0);
        assert_eq!(ColumnSummary::of(std::iter::empty()).count, 0);
    }

    proptest! {
        #[test]
        fn keys_sort_as_numbers_do(bits in prop::collection::vec(any::<u64>(), 0..300)) {
            let numbers: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
            let found = sorted(numbers.iter().copied().map(key).collect());
            let found: Vec<u64> = found.into_iter().map(|key| number(key).to_bits()).collect();
            let mut expected = numbers;
            expected.sort_by(f64::total_cmp);
            let expected: Vec<u64> = expected.into_iter().map(f64::to_bits).collect();
            prop_assert_eq!(found, expected);
        }
    }
}

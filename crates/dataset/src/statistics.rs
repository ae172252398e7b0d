//! Summary statistics of a column.

use std::mem;

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
        let mut column = ColumnNumbers::default();
        numbers.for_each(|number| column.push(number));
        column.summary()
    }
}

/// The median of a column's numbers, and the range that they are in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

/// The numbers of a column that are not missing. The memory is used again for the next column.
#[derive(Default)]
pub(crate) struct ColumnNumbers {
    /// The numbers, as keys that sort as they do.
    keys: Vec<u64>,
    /// Memory to sort in.
    spare: Vec<u64>,
}

impl ColumnNumbers {
    pub(crate) fn clear(&mut self) {
        self.keys.clear();
    }

    /// Adds a number, unless it is NaN.
    pub(crate) fn push(&mut self, number: f64) {
        if !number.is_nan() {
            self.keys.push(key(number));
        }
    }

    /// Returns the summary statistics. All are 0 if there are no numbers.
    pub(crate) fn summary(&mut self) -> ColumnSummary {
        sort(&mut self.keys, &mut self.spare);
        // Sums over sorted numbers have the same bits, whatever order the numbers came in.
        let numbers = || self.keys.iter().map(|&key| number(key));
        let (Some(min), Some(max)) = (numbers().next(), numbers().next_back()) else {
            return ColumnSummary::default();
        };
        let count = self.keys.len();
        let mean = numbers().sum::<f64>() / count as f64;
        let squares: f64 = numbers().map(|number| (number - mean).powi(2)).sum();
        let std = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        let [low, high] = [(count - 1) / 2, count / 2].map(|place| number(self.keys[place]));
        ColumnSummary { count, mean, std, min, median: middle(low, high), max }
    }

    /// Returns the spread, or `None` if there are no numbers. Unlike [`Self::summary`] it does not sort
    /// them.
    pub(crate) fn spread(&mut self) -> Option<Spread> {
        let count = self.keys.len();
        if count == 0 {
            return None;
        }
        let (below, &mut high, above) = self.keys.select_nth_unstable(count / 2);
        let low = if count % 2 == 1 { high } else { below.iter().copied().max().unwrap_or(high) };
        let least = below.iter().copied().min().unwrap_or(high);
        let greatest = above.iter().copied().max().unwrap_or(high);
        let (least, greatest) = (number(least), number(greatest));
        Some(Spread { median: middle(number(low), number(high)), least, greatest })
    }
}

/// Returns the mean of the middle two numbers, which does not overflow.
fn middle(low: f64, high: f64) -> f64 {
    if low == high { low } else { low / 2.0 + high / 2.0 }
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
fn sort(keys: &mut Vec<u64>, spare: &mut Vec<u64>) {
    const BITS: u32 = 11;
    const PASSES: usize = u64::BITS.div_ceil(BITS) as usize;
    let digit = |key: u64, pass: usize| (key >> (pass as u32 * BITS)) as usize % (1 << BITS);
    spare.resize(keys.len(), 0);
    // All digits are counted in one pass over the keys.
    let mut counts = [[0_u32; 1 << BITS]; PASSES];
    for &key in &*keys {
        for (pass, counts) in counts.iter_mut().enumerate() {
            counts[digit(key, pass)] += 1;
        }
    }
    for (pass, counts) in counts.iter_mut().enumerate() {
        // Numbers with few binary places have no low digits.
        if counts.contains(&(keys.len() as u32)) {
            continue;
        }
        // The position of the next key with each digit.
        let places = counts;
        let mut before = 0;
        for place in &mut *places {
            before += mem::replace(place, before);
        }
        for &key in &*keys {
            let place = &mut places[digit(key, pass)];
            spare[*place as usize] = key;
            *place += 1;
        }
        mem::swap(keys, spare);
    }
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
        fn the_spread_is_that_of_the_summary(
            numbers in prop::collection::vec(any::<f64>(), 0..60)
        ) {
            let mut column = ColumnNumbers::default();
            numbers.iter().for_each(|&number| column.push(number));
            let spread = column.spread();
            let summary = ColumnSummary::of(numbers.into_iter());
            prop_assert_eq!(spread.is_some(), summary.count > 0);
            if let Some(Spread { median, least, greatest }) = spread {
                let found = [median, least, greatest].map(f64::to_bits);
                prop_assert_eq!(found, [summary.median, summary.min, summary.max].map(f64::to_bits));
            }
        }

        #[test]
        fn keys_sort_as_numbers_do(bits in prop::collection::vec(any::<u64>(), 0..300)) {
            let numbers: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
            let mut found = numbers.iter().copied().map(key).collect();
            sort(&mut found, &mut Vec::new());
            let found: Vec<u64> = found.into_iter().map(|key| number(key).to_bits()).collect();
            let mut expected = numbers;
            expected.sort_by(f64::total_cmp);
            let expected: Vec<u64> = expected.into_iter().map(f64::to_bits).collect();
            prop_assert_eq!(found, expected);
        }
    }
}

//! Statistics of a column.

use serde::Serialize;

/// What a column's numbers are like. Missing ones do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// How many there are.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation, with n - 1 as in pandas; 0 for a single number.
    pub std: f64,
    /// The least.
    pub min: f64,
    /// The median: the mean of the middle two of an even count.
    pub median: f64,
    /// The greatest.
    pub max: f64,
}

impl Summary {
    /// Of all that are not NaN; all 0 where there are none.
    pub fn of(numbers: impl Iterator<Item = f32>) -> Self {
        let mut sorted: Vec<f32> = numbers.filter(|number| !number.is_nan()).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        // Sums over sorted numbers are the same bits in whatever order those came.
        let numbers = || sorted.iter().map(|&number| f64::from(number));
        let (Some(min), Some(max)) = (numbers().next(), numbers().next_back()) else {
            return Self::default();
        };
        let count = sorted.len();
        let mean = numbers().sum::<f64>() / count as f64;
        let squares: f64 = numbers().map(|number| (number - mean).powi(2)).sum();
        let std = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        let [low, high] = [(count - 1) / 2, count / 2].map(|place| f64::from(sorted[place]));
        let median = if low == high { low } else { low / 2.0 + high / 2.0 };
        Self { count, mean, std, min, median, max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Mean 10 / 4 = 2.5; squares 2.25 + 0.25 + 0.25 + 2.25 = 5; sqrt(5 / 3).
        let found = Summary::of([4.0, 1.0, f32::NAN, 3.0, 2.0].into_iter());
        assert_eq!((found.count, found.mean, found.median), (4, 2.5, 2.5));
        assert_eq!((found.min, found.max), (1.0, 4.0));
        assert!((found.std - (5.0_f64 / 3.0).sqrt()).abs() < 1e-15);
        assert_eq!(Summary::of([7.0].into_iter()).std, 0.0);
        assert_eq!(Summary::of(std::iter::empty()).count, 0);
    }
}

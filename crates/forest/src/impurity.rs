//! How mixed the classes of a node are.

use crate::Criterion;

impl Criterion {
    /// How much less impure two classes are when a part of their rows is split off: the impurity
    /// times the weight of all, less that of both sides; up to a constant factor. No number where
    /// one side is empty.
    #[inline(always)]
    pub(crate) fn gain(self, left: [f64; 2], total: [f64; 2]) -> f64 {
        let (l, t) = (left[0] + left[1], total[0] + total[1]);
        let sides = l * (t - l);
        match self {
            // With Gini a set's share is a b / w, half of w (1 - (a / w)^2 - (b / w)^2), and the
            // difference comes down to one square.
            Self::Gini => {
                let skew = left[0] * total[1] - left[1] * total[0];
                skew * skew / (sides * t)
            }
            Self::Entropy if sides > 0.0 => {
                let right = [total[0] - left[0], total[1] - left[1]];
                entropy(total) - entropy(left) - entropy(right)
            }
            Self::Entropy => f64::NAN,
        }
    }

    /// What a class of weight `weight` adds to the sum that [`Self::of_sum`] takes.
    pub(crate) fn part(self, weight: f64) -> f64 {
        match self {
            Self::Gini => weight * weight,
            Self::Entropy => term(weight),
        }
    }

    /// The impurity of a set of rows times its weight, from its weight and the sum of its classes'
    /// parts.
    pub(crate) fn of_sum(self, weight: f64, parts: f64) -> f64 {
        match self {
            Self::Gini => weight - parts / weight,
            Self::Entropy => term(weight) - parts,
        }
    }
}

/// The Shannon entropy of two classes times their weight.
fn entropy([a, b]: [f64; 2]) -> f64 {
    term(a + b) - term(a) - term(b)
}

/// `w ln w`, and 0 at 0.
fn term(weight: f64) -> f64 {
    weight * ln(weight)
}

/// The logarithm of a positive number that is neither infinite nor tiny, and something finite for 0.
/// The same bits on every machine, which the platform's own does not promise, and quick, since it
/// has no branches.
fn ln(number: f64) -> f64 {
    // number = 2^exponent * rest, with the rest between sqrt(1/2) and sqrt(2)
    const SQRT_HALF: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    let above = number.to_bits().wrapping_sub(SQRT_HALF);
    let exponent = (above as i64 >> 52) as i32;
    let rest = f64::from_bits((above & ((1 << 52) - 1)) + SQRT_HALF);
    // ln(rest) = 2 artanh(x) = 2 (x + x^3 / 3 + x^5 / 5 + ...), where x is at most 0.172: what comes
    // after x^21 is less than the last bit.
    let x = (rest - 1.0) / (rest + 1.0);
    let square = x * x;
    let mut sum = 0.0;
    for power in (0..=10).rev() {
        sum = sum * square + 2.0 / f64::from(2 * power + 1);
    }
    f64::from(exponent) * std::f64::consts::LN_2 + x * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Gini: 10 * (1 - 0.4^2 - 0.6^2) = 4.8; of 3, 1: 4 * 0.375 = 1.5; of 1, 5: 6 * 10/36.
        let gain = Criterion::Gini.gain([3.0, 1.0], [4.0, 6.0]);
        assert!((2.0 * gain - (4.8 - 1.5 - 10.0 / 6.0)).abs() < 1e-12);
        // Entropy: 10 * 0.6730117, 4 * 0.5623351, 6 * 0.4505612.
        let gain = Criterion::Entropy.gain([3.0, 1.0], [4.0, 6.0]);
        assert!((gain - (6.730_117 - 2.249_340_6 - 2.703_367_2)).abs() < 1e-6);
        for criterion in [Criterion::Gini, Criterion::Entropy] {
            assert!(criterion.gain([2.0, 3.0], [4.0, 6.0]).abs() < 1e-14);
            assert!(criterion.gain([0.0, 0.0], [4.0, 6.0]).is_nan());
            assert!(criterion.gain([4.0, 6.0], [4.0, 6.0]).is_nan());
        }
    }

    #[test]
    fn the_logarithm_is_right_to_the_last_digits() {
        for number in [1.0, 1.5, 0.7, 0.71, 1.41, 1.42, 3.0, 1e-9, 12_345.678, 4e9, 1e300] {
            let (found, expected) = (ln(number), f64::ln(number));
            assert!((found - expected).abs() <= 4e-16 * expected.abs(), "{number}: {found}");
        }
        assert!(ln(0.0).is_finite());
    }

    #[test]
    fn two_classes_are_a_case_of_many() {
        let sum = |criterion: Criterion, [a, b]: [f64; 2]| {
            criterion.of_sum(a + b, criterion.part(a) + criterion.part(b))
        };
        for (criterion, factor) in [(Criterion::Gini, 2.0), (Criterion::Entropy, 1.0)] {
            let [total, left, right] = [[9.5, 3.0], [2.5, 2.0], [7.0, 1.0]];
            let many = sum(criterion, total) - sum(criterion, left) - sum(criterion, right);
            assert!((many - factor * criterion.gain(left, total)).abs() < 1e-12);
        }
    }
}

//! The impurity of a node and the gain of a split.

use crate::params::Criterion;

impl Criterion {
    /// Returns the gain of a split of two classes: the weighted impurity of the node minus that of
    /// both sides, up to a constant factor. Returns NaN if one side is empty.
    #[inline(always)]
    pub(crate) fn gain(self, left: [f64; 2], total: [f64; 2]) -> f64 {
        let (l, t) = (left[0] + left[1], total[0] + total[1]);
        let sides = l * (t - l);
        match self {
            // The weighted Gini impurity of a set is proportional to a b / w, half of w (1 - (a /
            // w)^2 - (b / w)^2), and the difference simplifies to one square.
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

    /// Returns the term that a class of weight `weight` adds to the sum that [`Self::impurity`]
    /// takes.
    pub(crate) fn class_term(self, weight: f64) -> f64 {
        match self {
            Self::Gini => weight * weight,
            Self::Entropy => x_ln_x(weight),
        }
    }

    /// Returns the weighted impurity of a set of rows, given the set's weight and the sum of its
    /// classes' terms.
    pub(crate) fn impurity(self, weight: f64, parts: f64) -> f64 {
        match self {
            Self::Gini => weight - parts / weight,
            Self::Entropy => x_ln_x(weight) - parts,
        }
    }
}

/// Returns the Shannon entropy of two classes times their weight.
fn entropy([a, b]: [f64; 2]) -> f64 {
    x_ln_x(a + b) - x_ln_x(a) - x_ln_x(b)
}

/// Returns `w ln w`, and 0 for 0.
fn x_ln_x(weight: f64) -> f64 {
    weight * ln(weight)
}

/// Returns the natural logarithm of a positive, finite, normal number, and a finite number for 0.
/// The result has the same bits on every machine, which `f64::ln` does not promise, and the absence
/// of branches makes it fast.
fn ln(number: f64) -> f64 {
    // number = 2^exponent * rest, where rest is between sqrt(1/2) and sqrt(2)
    const SQRT_HALF: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    let above = number.to_bits().wrapping_sub(SQRT_HALF);
    let exponent = (above as i64 >> 52) as i32;
    let rest = f64::from_bits((above & ((1 << 52) - 1)) + SQRT_HALF);
    // ln(rest) = 2 artanh(x) = 2 (x + x^3 / 3 + x^5 / 5 + ...), where |x| is at most 0.172: the
    // terms beyond x^21 are below the last bit.
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
    fn gains_match_hand_computed_values() {
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
    fn the_logarithm_is_accurate_to_two_units_in_the_last_place() {
        for number in [1.0, 1.5, 0.7, 0.71, 1.41, 1.42, 3.0, 1e-9, 12_345.678, 4e9, 1e300] {
            let (found, expected) = (ln(number), f64::ln(number));
            assert!((found - expected).abs() <= 4e-16 * expected.abs(), "{number}: {found}");
        }
        assert!(ln(0.0).is_finite());
    }

    #[test]
    fn the_formula_for_two_classes_agrees_with_the_general_one() {
        let sum = |criterion: Criterion, [a, b]: [f64; 2]| {
            criterion.impurity(a + b, criterion.class_term(a) + criterion.class_term(b))
        };
        for (criterion, factor) in [(Criterion::Gini, 2.0), (Criterion::Entropy, 1.0)] {
            let [total, left, right] = [[9.5, 3.0], [2.5, 2.0], [7.0, 1.0]];
            let many = sum(criterion, total) - sum(criterion, left) - sum(criterion, right);
            assert!((many - factor * criterion.gain(left, total)).abs() < 1e-12);
        }
    }
}

//! Splits rows into a training and a test part.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

/// The indices of the rows of each part, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The training rows.
    pub train: Vec<usize>,
    /// The test rows.
    pub test: Vec<usize>,
}

/// The ways in which splitting rows fails.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// A test size that leaves a part empty.
    #[error("test_size is {0}, expected a number between 0 and 1, both excluded")]
    TestSize(f64),
    /// Rows of a single class.
    #[error("all {rows} rows are of class {class}, expected both classes")]
    OneClass {
        /// The number of rows.
        rows: usize,
        /// The class of all rows.
        class: u8,
    },
    /// A class with too few rows for both parts.
    #[error(
        "{rows} rows of class {class} cannot be divided into training and test rows with test_size \
         {test_size}, expected enough for one in each part"
    )]
    TooFew {
        /// The number of rows of the class.
        rows: usize,
        /// The class.
        class: u8,
        /// The fraction of test rows.
        test_size: f64,
    },
}

/// Splits rows with these labels, 0 or 1, into training and test rows.
///
/// `test_size` is the fraction of test rows, whose number is rounded up. A stratified split keeps
/// the proportion of the classes in both parts, to within one row. The same labels, test size and
/// seed give the same split.
///
/// # Errors
/// Returns an error if `test_size` is not between 0 and 1, or a class does not have a row in each
/// part.
pub fn split(
    labels: &[u8],
    test_size: f64,
    stratify: bool,
    seed: u64,
) -> Result<Split, SplitError> {
    if !(test_size > 0.0 && test_size < 1.0) {
        return Err(SplitError::TestSize(test_size));
    }
    let rows_of = |class| (0..labels.len()).filter(|&row| labels[row] == class).collect::<Vec<_>>();
    let mut classes = [rows_of(0), rows_of(1)];
    for class in [0, 1] {
        if classes[usize::from(class)].is_empty() {
            return Err(SplitError::OneClass { rows: labels.len(), class: 1 - class });
        }
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let test_rows = (test_size * labels.len() as f64).ceil() as usize;
    let mut test = Vec::with_capacity(test_rows);
    if stratify {
        let positives = classes[1].len() as f64 / labels.len() as f64;
        let positives = (positives * test_rows as f64).round() as usize;
        for (class, take) in [(0, test_rows - positives.min(test_rows)), (1, positives)] {
            let rows = &mut classes[class];
            if take == 0 || take >= rows.len() {
                let (rows, class) = (rows.len(), class as u8);
                return Err(SplitError::TooFew { rows, class, test_size });
            }
            rows.shuffle(&mut random);
            test.extend_from_slice(&rows[..take]);
        }
    } else {
        let mut rows: Vec<_> = (0..labels.len()).collect();
        rows.shuffle(&mut random);
        test.extend_from_slice(&rows[..test_rows]);
    }
    test.sort_unstable();
    let mut is_test = vec![false; labels.len()];
    for &row in &test {
        is_test[row] = true;
    }
    let train: Vec<_> = (0..labels.len()).filter(|&row| !is_test[row]).collect();
    // A part of a split without stratification may have a single class by chance.
    for class in [0, 1] {
        if [&train, &test].iter().any(|part| part.iter().all(|&row| labels[row] != class)) {
            let rows = classes[usize::from(class)].len();
            return Err(SplitError::TooFew { rows, class, test_size });
        }
    }
    Ok(Split { train, test })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stratified_split_matches_one_computed_by_hand() {
        // 10 rows, 4 of class 1: 2 test rows, round(0.4 * 2) = 1 of class 1.
        let labels = [0, 0, 1, 0, 1, 0, 0, 1, 1, 0];
        let parts = split(&labels, 0.2, true, 42).unwrap();
        assert_eq!((parts.train.len(), parts.test.len()), (8, 2));
        assert_eq!(parts.test.iter().filter(|&&row| labels[row] == 1).count(), 1);
        assert_eq!(parts, split(&labels, 0.2, true, 42).unwrap());
    }

    #[test]
    fn rows_that_cannot_be_split_are_an_error() {
        let refused = |labels: &[u8], size| split(labels, size, true, 1).unwrap_err().to_string();
        for size in [0.0, 1.0, -0.5, f64::NAN] {
            assert!(refused(&[0, 1], size).starts_with("test_size is "), "{size}");
        }
        assert_eq!(refused(&[1, 1, 1], 0.2), "all 3 rows are of class 1, expected both classes");
        assert_eq!(
            refused(&[0, 0, 0, 0, 1], 0.2),
            "1 rows of class 1 cannot be divided into training and test rows with test_size 0.2, \
             expected enough for one in each part"
        );
    }

    proptest! {
        #[test]
        fn parts_are_disjoint_cover_all_rows_and_keep_proportions(
            labels in prop::collection::vec(0_u8..2, 40..400),
            test_size in 0.1_f64..0.9,
            stratify: bool,
            seed: u64,
        ) {
            let Ok(parts) = split(&labels, test_size, stratify, seed) else { return Ok(()) };
            let mut all = [parts.train.as_slice(), &parts.test].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
            let wanted = (test_size * labels.len() as f64).ceil() as usize;
            prop_assert_eq!(parts.test.len(), wanted);
            if stratify {
                let positives = |part: &[usize]| {
                    part.iter().filter(|&&row| labels[row] == 1).count() as f64
                };
                let all: Vec<_> = (0..labels.len()).collect();
                let expected = positives(&all) / labels.len() as f64 * wanted as f64;
                prop_assert!((positives(&parts.test) - expected).abs() <= 0.5 + 1e-9);
            }
        }
    }
}

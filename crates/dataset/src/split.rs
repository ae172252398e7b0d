//! Dividing rows into training and test.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

/// The rows of each part, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// To learn from.
    pub train: Vec<usize>,
    /// To test with.
    pub test: Vec<usize>,
}

/// Rows that cannot be divided.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// A part would be everything or nothing.
    #[error("test_size is {0}, expected a number between 0 and 1, both excluded")]
    TestSize(f64),
    /// One class only.
    #[error("all {rows} rows are of class {class}, expected both classes")]
    OneClass {
        /// How many rows.
        rows: usize,
        /// Their class.
        class: u8,
    },
    /// Fewer rows than parts.
    #[error(
        "{rows} rows of class {class} cannot be divided into training and test rows with test_size \
         {test_size}, expected enough for one in each part"
    )]
    TooFew {
        /// How many.
        rows: usize,
        /// Their class.
        class: u8,
        /// The test rows' share.
        test_size: f64,
    },
}

/// Divides the rows of these classes, `test_size` of them for testing, rounded up. Where it is
/// stratified both parts have the classes in the same proportion, to within a row. The same labels,
/// share and seed give the same parts.
///
/// # Errors
/// A share that leaves a part empty, one class only, a class too rare to be in both parts.
pub fn split(
    labels: &[u8],
    test_size: f64,
    stratify: bool,
    seed: u64,
) -> Result<Split, SplitError> {
    if !(test_size > 0.0 && test_size < 1.0) {
        return Err(SplitError::TestSize(test_size));
    }
    let of = |class| (0..labels.len()).filter(|&row| labels[row] == class).collect::<Vec<_>>();
    let mut classes = [of(0), of(1)];
    for class in [0, 1] {
        if classes[usize::from(class)].is_empty() {
            return Err(SplitError::OneClass { rows: labels.len(), class: 1 - class });
        }
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let wanted = (test_size * labels.len() as f64).ceil() as usize;
    let mut test = Vec::with_capacity(wanted);
    if stratify {
        let positives = classes[1].len() as f64 / labels.len() as f64;
        let positives = (positives * wanted as f64).round() as usize;
        for (class, take) in [(0, wanted - positives.min(wanted)), (1, positives)] {
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
        test.extend_from_slice(&rows[..wanted]);
    }
    test.sort_unstable();
    let mut is_test = vec![false; labels.len()];
    for &row in &test {
        is_test[row] = true;
    }
    let train: Vec<_> = (0..labels.len()).filter(|&row| !is_test[row]).collect();
    // By chance, or where there are very few rows, a part of a plain split may have one class.
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
    fn eighty_twenty_by_hand() {
        // 10 rows, 4 of class 1: 2 test rows, round(0.4 * 2) = 1 of class 1.
        let labels = [0, 0, 1, 0, 1, 0, 0, 1, 1, 0];
        let parts = split(&labels, 0.2, true, 42).unwrap();
        assert_eq!((parts.train.len(), parts.test.len()), (8, 2));
        assert_eq!(parts.test.iter().filter(|&&row| labels[row] == 1).count(), 1);
        assert_eq!(parts, split(&labels, 0.2, true, 42).unwrap());
    }

    #[test]
    fn what_cannot_be_divided_says_why() {
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
        fn parts_are_a_partition_and_keep_proportions(
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

//! Splits rows into a training and a test part.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Rows that are all of one time or one machine.
    #[error("all rows are of one {0}, expected at least two to split by")]
    OneKey(&'static str),
    /// Machines that cannot be divided.
    #[error(
        "{0} machines cannot be divided so that training and test rows have failures and others; \
         another split, or another random_state, may do"
    )]
    Machines(usize),
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
    check(labels, test_size)?;
    let rows_of = |class| (0..labels.len()).filter(|&row| labels[row] == class).collect::<Vec<_>>();
    let mut classes = [rows_of(0), rows_of(1)];
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
    let split = Split { train, test };
    // A part of a split without stratification may have a single class by chance.
    check_parts(labels, &split, test_size)?;
    Ok(split)
}

/// The number of shuffles of machines that are tried.
const SHUFFLES: u64 = 100;

/// Splits rows by time: the test rows are the last by their `times`, about the fraction `test_size` of
/// all. Rows of the same time are in the same part. Also returns the time of the first test row.
///
/// # Errors
/// Returns an error if `test_size` is not between 0 and 1, or a class does not have a row in each
/// part.
pub fn split_by_time(
    labels: &[u8],
    times: &[f64],
    test_size: f64,
) -> Result<(Split, f64), SplitError> {
    check(labels, test_size)?;
    let mut rows: Vec<usize> = (0..labels.len()).collect();
    rows.sort_by(|&a, &b| times[a].total_cmp(&times[b]));
    let wanted = rows.len() - (test_size * rows.len() as f64).ceil() as usize;
    // The positions at which time moves on; the nearest to the wanted one divides the rows.
    let begins = (1..rows.len()).filter(|&at| times[rows[at]] > times[rows[at - 1]]);
    let begin = begins.min_by_key(|at| at.abs_diff(wanted)).ok_or(SplitError::OneKey("time"))?;
    let first = times[rows[begin]];
    let (train, test) = rows.split_at(begin);
    let (mut train, mut test) = (train.to_vec(), test.to_vec());
    train.sort_unstable();
    test.sort_unstable();
    let split = Split { train, test };
    check_parts(labels, &split, test_size)?;
    Ok((split, first))
}

/// Splits rows by machine: all rows with the same number in `machines` are in the same part. Of a
/// hundred shuffles of the machines, the one is taken whose test rows are nearest to the fraction
/// `test_size` and to the share of failures.
///
/// # Errors
/// Returns an error if `test_size` is not between 0 and 1, there is one machine only, or in no
/// shuffle each class has a row in each part.
pub fn split_by_machine(
    labels: &[u8],
    machines: &[f64],
    test_size: f64,
    seed: u64,
) -> Result<Split, SplitError> {
    check(labels, test_size)?;
    // The rows and failures of each machine, by the bits of its number.
    let mut sizes: BTreeMap<u64, [usize; 2]> = BTreeMap::new();
    for (machine, label) in machines.iter().zip(labels) {
        let [rows, failures] = sizes.entry(machine.to_bits()).or_default();
        *rows += 1;
        *failures += usize::from(*label);
    }
    if sizes.len() < 2 {
        return Err(SplitError::OneKey("machine"));
    }
    let rows = labels.len() as f64;
    let failures = labels.iter().filter(|&&label| label == 1).count();
    let wanted_rows = test_size * rows;
    let wanted_share = failures as f64 / rows;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut best: Option<(f64, BTreeSet<u64>)> = None;
    for _ in 0..SHUFFLES {
        let mut order: Vec<(u64, [usize; 2])> = sizes.iter().map(|(&m, &size)| (m, size)).collect();
        order.shuffle(&mut random);
        // Machines are added as long as that brings the number of rows nearer to the wanted one.
        let (mut test, mut size) = (BTreeSet::new(), [0, 0]);
        for (machine, [more_rows, more_failures]) in order {
            let distance = |rows: usize| (rows as f64 - wanted_rows).abs();
            if test.is_empty() || distance(size[0] + more_rows) < distance(size[0]) {
                test.insert(machine);
                size = [size[0] + more_rows, size[1] + more_failures];
            }
        }
        let [test_rows, test_failures] = size;
        let has_both = |rows: usize, positive: usize| positive > 0 && positive < rows;
        if !has_both(test_rows, test_failures)
            || !has_both(labels.len() - test_rows, failures - test_failures)
        {
            continue;
        }
        let share = test_failures as f64 / test_rows as f64;
        let distance = (test_rows as f64 - wanted_rows).abs() / rows + (share - wanted_share).abs();
        if best.as_ref().is_none_or(|(least, _)| distance < *least) {
            best = Some((distance, test));
        }
    }
    let Some((_, machines_of_test)) = best else {
        return Err(SplitError::Machines(sizes.len()));
    };
    let is_test = |row: &usize| machines_of_test.contains(&machines[*row].to_bits());
    let (test, train) = (0..labels.len()).partition(is_test);
    Ok(Split { train, test })
}

/// Checks that rows of these labels can be divided by this test size.
fn check(labels: &[u8], test_size: f64) -> Result<(), SplitError> {
    if !(test_size > 0.0 && test_size < 1.0) {
        return Err(SplitError::TestSize(test_size));
    }
    for class in [0, 1] {
        if labels.iter().all(|&label| label != class) {
            return Err(SplitError::OneClass { rows: labels.len(), class: 1 - class });
        }
    }
    Ok(())
}

/// Checks that each class has a row in each part.
fn check_parts(labels: &[u8], split: &Split, test_size: f64) -> Result<(), SplitError> {
    for class in [0, 1] {
        let lacks = |part: &[usize]| part.iter().all(|&row| labels[row] != class);
        if lacks(&split.train) || lacks(&split.test) {
            let rows = labels.iter().filter(|&&label| label == class).count();
            return Err(SplitError::TooFew { rows, class, test_size });
        }
    }
    Ok(())
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

    #[test]
    fn the_last_rows_are_tested_and_equal_times_stay_together() {
        let labels = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1];
        let times = [9.0, 1.0, 2.0, 3.0, 8.0, 8.0, 5.0, 4.0, 7.0, 6.0];
        // Of ten rows three are wanted, those of 8, 8 and 9.
        let (parts, first) = split_by_time(&labels, &times, 0.3).unwrap();
        assert_eq!((parts.test, first), (vec![0, 4, 5], 8.0));
        // The border of two would divide the rows of 8.
        let (parts, _) = split_by_time(&labels, &times, 0.2).unwrap();
        assert_eq!(parts.test, [0, 4, 5]);
        let refused = |labels: &[u8], times: &[f64]| {
            split_by_time(labels, times, 0.5).unwrap_err().to_string()
        };
        assert_eq!(
            refused(&[0, 1], &[1.0, 1.0]),
            "all rows are of one time, expected at least two to split by"
        );
        assert_eq!(
            refused(&[0, 1], &[1.0, 2.0]),
            "1 rows of class 0 cannot be divided into training and test rows with test_size 0.5, \
             expected enough for one in each part"
        );
    }

    #[test]
    fn a_machine_is_in_one_part() {
        let machines: Vec<f64> = (0..200).map(|row| f64::from(row % 10)).collect();
        let labels: Vec<u8> = (0..200).map(|row| u8::from(row % 7 == 0)).collect();
        let parts = split_by_machine(&labels, &machines, 0.2, 1).unwrap();
        assert_eq!((parts.train.len(), parts.test.len()), (160, 40));
        let of = |part: &[usize]| part.iter().map(|row| row % 10).collect::<BTreeSet<_>>();
        assert!(of(&parts.train).is_disjoint(&of(&parts.test)));
        assert_eq!(parts, split_by_machine(&labels, &machines, 0.2, 1).unwrap());
        assert_eq!(
            split_by_machine(&labels, &[1.0; 200], 0.2, 1),
            Err(SplitError::OneKey("machine"))
        );
        // The failures are of one machine.
        let labels: Vec<u8> = (0..200).map(|row| u8::from(row % 10 == 0)).collect();
        assert_eq!(split_by_machine(&labels, &machines, 0.2, 1), Err(SplitError::Machines(10)));
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

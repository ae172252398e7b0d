//! Finds numbers that stand for a missing value, such as -999, by their being far outside of all
//! others.

use crate::counts::ColumnCounts;

/// Numbers that programs write where they have none, besides those of nines.
const USUAL: [f64; 8] =
    [-32768.0, 32767.0, 65535.0, -2_147_483_648.0, 2_147_483_647.0, -99.99, -999.25, -9999.25];
/// The least number of other values that a number is compared with.
const LEAST_VALUES: usize = 3;
/// The maximum number of such numbers in a column.
const MAX_SENTINELS: usize = 4;

/// The sentinels of a column, and the others.
pub(crate) struct Sentinels {
    pub(crate) numbers: Vec<f64>,
    /// The number of cells, estimated from the sample where it is not known.
    pub(crate) count: u64,
    /// The least and the greatest of the other numbers.
    pub(crate) range: (f64, f64),
}

/// Finds the sentinels of a column; `sample` has some of its numbers.
pub(crate) fn find(counts: &ColumnCounts, sample: &[f64]) -> Sentinels {
    let (least, greatest) = (counts.least, counts.greatest());
    let mut values: Vec<f64> = sample.to_vec();
    values.extend([least.number, least.next, greatest.number, greatest.next]);
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    values.dedup();
    let mut numbers = Vec::new();
    while numbers.len() < MAX_SENTINELS && values.len() > LEAST_VALUES {
        let last = values.len() - 1;
        let is_far = |gap: f64, others: f64| gap > others;
        let at_end = is_usual(values[last])
            && is_far(values[last] - values[last - 1], values[last - 1] - values[0]);
        let at_begin =
            is_usual(values[0]) && is_far(values[1] - values[0], values[last] - values[1]);
        if at_end {
            numbers.extend(values.pop());
        } else if at_begin {
            numbers.push(values.remove(0));
        } else {
            break;
        }
    }
    let count_of = |number: f64| {
        if number == least.number {
            return least.count;
        }
        if number == greatest.number {
            return greatest.count;
        }
        let among = sample.iter().filter(|other| **other == number).count() as u64;
        among * counts.numbers / (sample.len() as u64).max(1)
    };
    let count = numbers.iter().map(|&number| count_of(number)).sum::<u64>().min(counts.numbers);
    let range =
        (values.first().copied().unwrap_or_default(), values.last().copied().unwrap_or_default());
    Sentinels { numbers, count, range }
}

/// Returns whether programs write this number where they have none: -99 or 999 and so on.
fn is_usual(number: f64) -> bool {
    let whole = number.abs();
    let is_nines = (99.0..1e10).contains(&whole)
        && whole.fract() == 0.0
        && format!("{whole}").bytes().all(|digit| digit == b'9');
    is_nines || USUAL.contains(&number) || whole >= 1e30
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentinels(numbers: &[f64]) -> (Vec<f64>, u64, (f64, f64)) {
        let mut counts = ColumnCounts::default();
        let header = "a,b\n1,2\n3,4\n";
        let cells = crate::tests::header(header).cells(0, None);
        for number in numbers {
            counts.add(&cells, number.to_string().as_bytes(), 10);
        }
        let found = find(&counts, numbers);
        (found.numbers, found.count, found.range)
    }

    #[test]
    fn numbers_of_nines_far_outside_of_all_others_are_missing() {
        let plain = [20.5, 30.0, 40.0, 80.0];
        let with = |more: &[f64]| [&plain[..], more].concat();
        assert_eq!(sentinels(&with(&[-999.0, -999.0])), (vec![-999.0], 2, (20.5, 80.0)));
        assert_eq!(sentinels(&with(&[9999.0, -999.0])), (vec![9999.0, -999.0], 2, (20.5, 80.0)));
        assert_eq!(sentinels(&with(&[-999.0, -9999.0])), (vec![-9999.0, -999.0], 2, (20.5, 80.0)));
        // 99 is not farther from 80 than 80 is from 20.5, and 500 is no usual number.
        assert_eq!(sentinels(&with(&[99.0])).0, [0.0; 0]);
        assert_eq!(sentinels(&with(&[500.0])).0, [0.0; 0]);
        // Two other values are too few.
        assert_eq!(sentinels(&[1.0, 2.0, -999.0]).0, [0.0; 0]);
        let counter: Vec<f64> = (0..=999).map(f64::from).collect();
        assert_eq!(sentinels(&counter), (vec![], 0, (0.0, 999.0)));
    }
}

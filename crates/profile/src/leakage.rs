//! Measures how far a single column determines the label. One that does so nearly always is rather
//! a consequence of a failure than a sign of it.

use crate::features::Encoded;

/// The balanced accuracy above which a column gives the label away.
pub(crate) const GIVES_AWAY: f64 = 0.99;
/// The same for a column whose name speaks of failures.
pub(crate) const GIVES_AWAY_BY_NAME: f64 = 0.9;
/// The same for several yes/no columns together, each of which is yes only where something failed.
pub(crate) const GIVES_AWAY_TOGETHER: f64 = 0.95;
/// The least number of rows of each class. Fewer are told apart by chance.
const LEAST_ROWS: usize = 10;
/// The share of failures among the rows with a value that occurs only with failures, and the least
/// number of these rows.
const ONLY_FAILURES: f64 = 0.95;
const LEAST_SUCH_ROWS: usize = 5;

/// Returns the balanced accuracy, the mean of the shares of failures and of other rows that are
/// told, of the best rule that looks at one column: a threshold for numbers, the commoner class for
/// each word. A missing cell is a value of its own. Returns `None` if there are too few rows.
pub(crate) fn balanced_accuracy(column: &Encoded, classes: &[Option<u8>]) -> Option<f64> {
    let count = |class: u8| classes.iter().filter(|c| **c == Some(class)).count();
    let (positives, negatives) = (count(1), count(0));
    if positives.min(negatives) < LEAST_ROWS {
        return None;
    }
    let (all_positives, all_negatives) = (positives as f64, negatives as f64);
    match column {
        Encoded::Numbers(numbers) => {
            let rows = numbers.iter().zip(classes);
            let mut rows: Vec<(f64, u8)> =
                rows.filter_map(|(number, class)| Some((*number, (*class)?))).collect();
            let missing =
                |class: u8| rows.iter().filter(|(n, c)| n.is_nan() && *c == class).count() as f64;
            // Rows without a number are told to be what helps most.
            let missing = [missing(1) / all_positives, missing(0) / all_negatives];
            let missing = missing[0].max(missing[1]);
            rows.retain(|(number, _)| !number.is_nan());
            rows.sort_by(|a, b| a.0.total_cmp(&b.0));
            let share = |class: u8| match class {
                1 => 1.0 / all_positives,
                _ => 1.0 / all_negatives,
            };
            let sum =
                |class: u8| rows.iter().filter(|(_, c)| *c == class).count() as f64 * share(class);
            let (right_positive, right_negative) = (sum(1), sum(0));
            let (mut left_positive, mut left_negative) = (0.0, 0.0);
            let mut best = f64::max(right_positive, right_negative);
            for (place, (number, class)) in rows.iter().enumerate() {
                if *class == 1 {
                    left_positive += share(1);
                } else {
                    left_negative += share(0);
                }
                if rows.get(place + 1).is_some_and(|(next, _)| next == number) {
                    continue;
                }
                let above = left_negative + right_positive - left_positive;
                let below = left_positive + right_negative - left_negative;
                best = best.max(above).max(below);
            }
            Some((best + missing) / 2.0)
        }
        Encoded::Words(words, count) => {
            // The last place counts missing cells.
            let mut counts = vec![[0_usize; 2]; count + 1];
            for (word, class) in words.iter().zip(classes) {
                if let Some(class) = class {
                    counts[word.unwrap_or(*count)][usize::from(*class)] += 1;
                }
            }
            let mut told = 0.0;
            for [negatives, positives] in counts {
                let (positives, negatives) = (positives as f64, negatives as f64);
                // Each row is told by the others with its word, so that rare words tell nothing.
                if (positives - 1.0) / all_positives > negatives / all_negatives {
                    told += positives / all_positives;
                }
                if (negatives - 1.0) / all_negatives > positives / all_positives {
                    told += negatives / all_negatives;
                }
            }
            Some(told / 2.0)
        }
    }
}

/// Returns whether each row has the rarer of a column's two values, or of numbers that are mostly 0 another
/// one, if that occurs only in rows of failures.
pub(crate) fn only_in_failures(column: &Encoded, classes: &[Option<u8>]) -> Option<Vec<bool>> {
    let flags: Vec<Option<bool>> = match column {
        Encoded::Numbers(numbers) => {
            let zeros = numbers.iter().filter(|number| **number == 0.0).count();
            if 2 * zeros < numbers.len() && !column.is_yes_no() {
                return None;
            }
            numbers.iter().map(|number| (!number.is_nan()).then_some(*number != 0.0)).collect()
        }
        Encoded::Words(words, 2) => words.iter().map(|word| word.map(|word| word == 1)).collect(),
        Encoded::Words(..) => return None,
    };
    let count = |value: bool| flags.iter().filter(|flag| **flag == Some(value)).count();
    let rarer = count(true) <= count(false);
    let has: Vec<bool> = flags.iter().map(|flag| *flag == Some(rarer)).collect();
    let rows = || has.iter().zip(classes).filter(|(has, class)| **has && class.is_some());
    let failures = rows().filter(|(_, class)| **class == Some(1)).count();
    let is_only = rows().count() >= LEAST_SUCH_ROWS
        && failures as f64 >= ONLY_FAILURES * rows().count() as f64
        && classes.iter().filter(|class| **class == Some(0)).count() >= LEAST_ROWS;
    is_only.then_some(has)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty rows of each class.
    fn classes() -> Vec<Option<u8>> {
        (0..40).map(|row| Some(u8::from(row >= 20))).collect()
    }

    fn numbers(number: impl Fn(usize) -> f64) -> Encoded {
        Encoded::Numbers((0..40).map(number).collect())
    }

    #[test]
    fn a_threshold_or_being_missing_gives_the_label_away() {
        let accuracy = |column: &Encoded| balanced_accuracy(column, &classes()).unwrap();
        assert_eq!(accuracy(&numbers(|row| row as f64)), 1.0);
        assert_eq!(accuracy(&numbers(|row| -(row as f64))), 1.0);
        let missing = |row: usize| if row < 20 { f64::NAN } else { (row % 3) as f64 };
        assert_eq!(accuracy(&numbers(missing)), 1.0);
        assert_eq!(accuracy(&numbers(|_| 1.0)), 0.5);
        // 15 of 20 failures are above 24.5, and all others are below.
        let late = |row: usize| if row < 25 { 0.0 } else { 1.0 };
        assert_eq!(accuracy(&numbers(late)), 0.875);
        let few = classes()
            .into_iter()
            .map(|class| class.filter(|class| *class == 0))
            .collect::<Vec<_>>();
        assert_eq!(balanced_accuracy(&numbers(|row| row as f64), &few), None);
    }

    #[test]
    fn words_give_the_label_away_unless_each_row_has_its_own() {
        let words = |word: fn(usize) -> Option<usize>, count| {
            let column = Encoded::Words((0..40).map(word).collect(), count);
            balanced_accuracy(&column, &classes()).unwrap()
        };
        assert_eq!(words(|row| Some(row / 20), 2), 1.0);
        assert_eq!(words(|row| (row >= 20).then_some(row % 3), 3), 1.0);
        assert_eq!(words(Some, 40), 0.0);
        assert_eq!(words(|row| Some(row % 2), 2), 0.0);
    }

    #[test]
    fn flags_that_are_set_in_failures_only_are_found() {
        let flag = numbers(|row| f64::from(u8::from((30..36).contains(&row))));
        let has = only_in_failures(&flag, &classes()).unwrap();
        assert_eq!(has.iter().filter(|has| **has).count(), 6);
        let few = numbers(|row| f64::from(u8::from((30..34).contains(&row))));
        assert!(only_in_failures(&few, &classes()).is_none());
        let both = numbers(|row| f64::from(u8::from((15..25).contains(&row))));
        assert!(only_in_failures(&both, &classes()).is_none());
        assert!(only_in_failures(&numbers(|row| row as f64), &classes()).is_none());
        let minutes = numbers(|row| if row >= 32 { row as f64 } else { 0.0 });
        assert!(only_in_failures(&minutes, &classes()).is_some());
        let rising = numbers(|row| if row >= 18 { row as f64 } else { 0.0 });
        assert!(only_in_failures(&rising, &classes()).is_none());
    }
}

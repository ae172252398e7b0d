//! What answers say, in numbers.

use std::collections::BTreeMap;

use crate::model::Answer;

/// What a model made of rows. Columns are indices into those of the model's schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerCounts {
    /// The rows that were answered.
    pub rows: u64,
    /// Those that are predicted to fail.
    pub failures: u64,
    /// The missing readings by column.
    pub imputed: BTreeMap<usize, u64>,
    /// The values that are in no training row, by column.
    pub unseen: BTreeMap<usize, u64>,
    /// The numbers outside of the range of the training rows, by column.
    pub out_of_range: BTreeMap<usize, u64>,
}

impl AnswerCounts {
    /// Counts an answer.
    pub fn add(&mut self, answer: &Answer) {
        self.rows += 1;
        self.failures += u64::from(answer.is_failure);
        for (counts, columns) in [
            (&mut self.imputed, &answer.imputed),
            (&mut self.unseen, &answer.unseen),
            (&mut self.out_of_range, &answer.out_of_range),
        ] {
            columns.iter().for_each(|column| *counts.entry(*column).or_default() += 1);
        }
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.failures += other.failures;
        for (counts, more) in [
            (&mut self.imputed, other.imputed),
            (&mut self.unseen, other.unseen),
            (&mut self.out_of_range, other.out_of_range),
        ] {
            for (column, count) in more {
                *counts.entry(column).or_default() += count;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_column() {
        let mut counts = AnswerCounts::default();
        counts.add(&Answer { is_failure: true, imputed: vec![0, 2], ..Answer::default() });
        let mut more = AnswerCounts::default();
        more.add(&Answer { imputed: vec![2], out_of_range: vec![1], ..Answer::default() });
        counts.merge(more);
        assert_eq!((counts.rows, counts.failures), (2, 1));
        assert_eq!(counts.imputed, [(0, 1), (2, 2)].into());
        assert_eq!(counts.out_of_range, [(1, 1)].into());
    }
}

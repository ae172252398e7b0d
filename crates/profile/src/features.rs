//! The cells of the sample as numbers: readings, and the numbers of words.

use std::collections::BTreeMap;

use dataset::RawCell;

use crate::column::{Analysis, Kind, folded, sampled};
use crate::reading::{FoundTables, Sample};

/// A column of the sample, row by row.
pub(crate) enum Encoded {
    /// Numbers; a missing one is NaN.
    Numbers(Vec<f64>),
    /// The number of each word, and how many words there are. A missing word has none.
    Words(Vec<Option<usize>>, usize),
}

impl Encoded {
    /// Encodes a column that was found to be numbers or words.
    pub(crate) fn of(tables: &FoundTables, sample: &Sample, index: usize, what: &Analysis) -> Self {
        let words: Vec<String> = what.markers.iter().map(|marker| folded(marker)).collect();
        let cells = sampled(tables, sample, index);
        if !what.is_words && matches!(what.kind, Kind::Number | Kind::YesNo) {
            let numbers: Vec<f64> = what.markers.iter().filter_map(|m| m.parse().ok()).collect();
            let number = |(cell, _)| match cell {
                RawCell::Number(number) if !numbers.contains(&number) => number,
                _ => f64::NAN,
            };
            return Self::Numbers(cells.map(number).collect());
        }
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let word = |(cell, text): (RawCell, &[u8])| {
            let word = folded(&String::from_utf8_lossy(text));
            if cell == RawCell::Missing || words.contains(&word) {
                return None;
            }
            let next = known.len();
            Some(*known.entry(word).or_insert(next))
        };
        let cells: Vec<Option<usize>> = cells.map(word).collect();
        Self::Words(cells, known.len())
    }

    /// Returns the columns of a table of numbers for some rows: the numbers with the median in place
    /// of missing ones, or a column of 0 and 1 for each word.
    pub(crate) fn columns(&self, rows: &[usize], most_words: usize) -> Vec<Vec<f32>> {
        match self {
            Self::Numbers(numbers) => {
                let mut present: Vec<f64> =
                    rows.iter().map(|&row| numbers[row]).filter(|n| !n.is_nan()).collect();
                present.sort_by(f64::total_cmp);
                let median = present.get(present.len() / 2).copied().unwrap_or_default();
                let filled = |&row: &usize| {
                    let number = numbers[row];
                    (if number.is_nan() { median } else { number }) as f32
                };
                vec![rows.iter().map(filled).collect()]
            }
            Self::Words(words, count) => {
                let is = |word: usize| move |&row: &usize| f32::from(words[row] == Some(word));
                // The second of two words is where the first is not.
                let count = if *count == 2 { 1 } else { (*count).min(most_words) };
                (0..count).map(|word| rows.iter().map(is(word)).collect()).collect()
            }
        }
    }
}

//! The cells of the sample as numbers: readings, and the numbers of words.

use std::collections::BTreeMap;

use dataset::{RawCell, yes_or_no};

use crate::column::{Analysis, Kind, folded, sampled};
use crate::reading::{FoundTables, Sample};

/// The share of the rows below which a value is rare, by default.
const MIN_FREQUENCY: f64 = 0.01;

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
        let value = |(cell, text): (RawCell, &[u8])| {
            let value = String::from_utf8_lossy(text).trim().to_owned();
            let is_missing = cell == RawCell::Missing || words.contains(&folded(&value));
            (!is_missing).then_some(value)
        };
        if what.kind == Kind::YesNo {
            let number = |value: Option<String>| match value.and_then(|v| yes_or_no(&folded(&v))) {
                Some(yes) => f64::from(u8::from(yes)),
                None => f64::NAN,
            };
            return Self::Numbers(cells.map(value).map(number).collect());
        }
        // Letter case tells categories apart, as it does in a recipe.
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let word = |cell| {
            let value = value(cell)?;
            let next = known.len();
            Some(*known.entry(value).or_insert(next))
        };
        let cells: Vec<Option<usize>> = cells.map(word).collect();
        Self::Words(cells, known.len())
    }

    /// Returns the columns of a table of numbers for some rows, as a recipe makes them: the numbers
    /// with the median in place of missing ones, or a column of 0 and 1 for each word that is not
    /// rare, and one for all rare words.
    pub(crate) fn columns(&self, rows: &[usize]) -> Vec<Vec<f32>> {
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
                let is_rare = rare(rows.iter().map(|&row| words[row]), *count);
                let column = |is: &dyn Fn(usize) -> bool| -> Vec<f32> {
                    rows.iter().map(|&row| f32::from(words[row].is_some_and(is))).collect()
                };
                let common = (0..*count).filter(|&word| !is_rare[word]);
                let mut columns: Vec<_> =
                    common.map(|word| column(&|other| other == word)).collect();
                if is_rare.contains(&true) {
                    columns.push(column(&|word| is_rare[word]));
                }
                columns
            }
        }
    }

    /// Returns whether there are no other values than two.
    pub(crate) fn is_yes_no(&self) -> bool {
        match self {
            Self::Numbers(numbers) => numbers.iter().all(|n| n.is_nan() || *n == 0.0 || *n == 1.0),
            Self::Words(_, count) => *count <= 2,
        }
    }

    /// Returns the number of columns that [`Self::columns`] makes of all rows.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Numbers(_) => 1,
            Self::Words(words, count) => {
                let is_rare = rare(words.iter().copied(), *count);
                let rare = is_rare.iter().filter(|is| **is).count();
                count - rare + usize::from(rare > 0)
            }
        }
    }
}

/// Returns whether each of `count` words is rare in these cells.
fn rare(cells: impl Iterator<Item = Option<usize>>, count: usize) -> Vec<bool> {
    let mut counts = vec![0_usize; count];
    let mut rows = 0;
    for word in cells {
        rows += 1;
        word.into_iter().for_each(|word| counts[word] += 1);
    }
    counts.into_iter().map(|count| (count as f64) < MIN_FREQUENCY * rows as f64).collect()
}

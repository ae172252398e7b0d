//! Counts the cells of a column while its rows stream by, in bounded memory. Counts of blocks can be
//! merged in any number.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use dataset::{RawCell, RawCells};

use crate::dates::is_date;

/// The number of spellings of numbers that are counted. A column of classes has fewer.
pub(crate) const MAX_NUMBERS: usize = 40;
/// The maximum length in bytes of a text that is counted by its value. A longer one is free text.
const MAX_TEXT: usize = 200;

/// How often each value occurs, up to a number of values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ValueCounts {
    counts: BTreeMap<Box<[u8]>, u64>,
    /// Whether there are more values than are counted.
    overflowed: bool,
}

impl ValueCounts {
    /// Counts a value again, and returns false if it is not known yet.
    #[inline]
    fn again(&mut self, value: &[u8]) -> bool {
        match self.counts.get_mut(value) {
            Some(count) => {
                *count += 1;
                true
            }
            None => false,
        }
    }

    fn add(&mut self, value: &[u8], count: u64, limit: usize) {
        if self.overflowed {
            return;
        }
        if let Some(known) = self.counts.get_mut(value) {
            *known += count;
        } else if self.counts.len() < limit && value.len() <= MAX_TEXT {
            self.counts.insert(value.into(), count);
        } else {
            self.overflow();
        }
    }

    /// Returns counts that are given up from the beginning.
    fn given_up() -> Self {
        Self { overflowed: true, ..Self::default() }
    }

    /// Gives up counting by value.
    fn overflow(&mut self) {
        self.overflowed = true;
        self.counts.clear();
    }

    fn merge(&mut self, other: Self, limit: usize) {
        if other.overflowed {
            self.overflow();
        }
        for (value, count) in other.counts {
            self.add(&value, count, limit);
        }
    }

    /// Iterates over the values and their counts, or returns `None` if there are too many.
    pub(crate) fn iter(&self) -> Option<impl Iterator<Item = (String, u64)>> {
        let text = |value: &[u8]| String::from_utf8_lossy(value).trim().to_owned();
        let values = self.counts.iter().map(move |(value, count)| (text(value), *count));
        (!self.overflowed).then_some(values)
    }
}

/// The least number and what comes after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Least {
    pub(crate) number: f64,
    pub(crate) count: u64,
    /// The least of the other numbers, or infinity if there is none.
    pub(crate) next: f64,
}

impl Default for Least {
    fn default() -> Self {
        Self { number: f64::INFINITY, count: 0, next: f64::INFINITY }
    }
}

impl Least {
    #[inline]
    fn add(&mut self, number: f64, count: u64) {
        if number > self.next {
            return;
        }
        if number < self.number {
            *self = Self { number, count, next: self.number };
        } else if number == self.number {
            self.count += count;
        } else {
            self.next = number;
        }
    }

    fn merge(&mut self, other: Self) {
        if other.count > 0 {
            self.add(other.number, other.count);
            if other.next.is_finite() {
                // The count of a number is kept only while it is the least one.
                self.add(other.next, 0);
            }
        }
    }
}

/// The counts of one column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ColumnCounts {
    /// Empty cells.
    pub(crate) blank: u64,
    /// Words such as `NaN` that are missing in every table.
    pub(crate) missing_words: ValueCounts,
    pub(crate) missing: u64,
    /// Cells that are numbers.
    pub(crate) numbers: u64,
    /// Whether a number has a fraction.
    pub(crate) has_fractions: bool,
    /// The least number, and that of the numbers with the other sign.
    pub(crate) least: Least,
    pub(crate) least_negated: Least,
    /// The spellings of the numbers, if they are few.
    pub(crate) number_spellings: ValueCounts,
    /// Cells that are other texts, their length in bytes, and how many are dates or times.
    pub(crate) texts: u64,
    pub(crate) text_bytes: u64,
    pub(crate) dates: u64,
    pub(crate) text_values: ValueCounts,
}

/// What need not be counted by value any more, because too many values are known.
#[derive(Debug, Default)]
pub(crate) struct GivenUp {
    numbers: AtomicBool,
    texts: AtomicBool,
}

impl GivenUp {
    /// Notes what these counts have given up.
    pub(crate) fn note(&self, counts: &ColumnCounts) {
        self.numbers.fetch_or(counts.number_spellings.overflowed, Ordering::Relaxed);
        self.texts.fetch_or(counts.text_values.overflowed, Ordering::Relaxed);
    }
}

impl ColumnCounts {
    /// Returns the counts of no cells.
    pub(crate) fn new(given_up: &GivenUp) -> Self {
        let values = |is_given_up: &AtomicBool| match is_given_up.load(Ordering::Relaxed) {
            true => ValueCounts::given_up(),
            false => ValueCounts::default(),
        };
        let (number_spellings, text_values) = (values(&given_up.numbers), values(&given_up.texts));
        Self { number_spellings, text_values, ..Self::default() }
    }

    /// Counts a cell. At most `limit` texts are told apart.
    #[inline]
    pub(crate) fn add(&mut self, cells: &RawCells, cell: &[u8], limit: usize) {
        if cell.is_empty() {
            self.blank += 1;
            return;
        }
        let may_be_number = matches!(cell[0], b'0'..=b'9' | b'-' | b'+' | b'.' | b',' | b' ');
        if !may_be_number && self.text_values.again(cell) {
            self.texts += 1;
            self.text_bytes += cell.len() as u64;
            return;
        }
        // A date is no number, and finding that out takes longer.
        if self.dates > 0 && is_date(cell) {
            self.add_text(cell, true, limit);
            return;
        }
        match cells.read(cell) {
            RawCell::Number(number) => self.add_number(number, cell),
            RawCell::Missing if cell.trim_ascii().is_empty() => self.blank += 1,
            RawCell::Missing => {
                self.missing += 1;
                self.missing_words.add(cell.trim_ascii(), 1, MAX_NUMBERS);
            }
            RawCell::Text => self.add_text(cell, is_date(cell), limit),
        }
    }

    #[inline]
    fn add_number(&mut self, number: f64, cell: &[u8]) {
        self.numbers += 1;
        self.has_fractions = self.has_fractions || number.fract() != 0.0;
        self.least.add(number, 1);
        self.least_negated.add(-number, 1);
        if !self.number_spellings.overflowed {
            self.number_spellings.add(cell.trim_ascii(), 1, MAX_NUMBERS);
        }
    }

    fn add_text(&mut self, cell: &[u8], is_date: bool, limit: usize) {
        self.texts += 1;
        self.text_bytes += cell.len() as u64;
        self.dates += u64::from(is_date);
        self.text_values.add(cell, 1, limit);
    }

    /// Adds the counts of other rows.
    pub(crate) fn merge(&mut self, other: Self, limit: usize) {
        self.blank += other.blank;
        self.missing += other.missing;
        self.missing_words.merge(other.missing_words, MAX_NUMBERS);
        self.numbers += other.numbers;
        self.has_fractions |= other.has_fractions;
        self.least.merge(other.least);
        self.least_negated.merge(other.least_negated);
        self.number_spellings.merge(other.number_spellings, MAX_NUMBERS);
        self.texts += other.texts;
        self.text_bytes += other.text_bytes;
        self.dates += other.dates;
        self.text_values.merge(other.text_values, limit);
    }

    /// Returns the greatest number, its count and the number before it.
    pub(crate) fn greatest(&self) -> Least {
        let Least { number, count, next } = self.least_negated;
        Least { number: -number, count, next: -next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn least(numbers: &[f64]) -> Least {
        let mut least = Least::default();
        numbers.iter().for_each(|&number| least.add(number, 1));
        least
    }

    #[test]
    fn the_least_number_is_the_same_however_it_is_merged() {
        let numbers = [3.0, 1.0, 2.0, 1.0, 5.0, 1.0, 2.0];
        let whole = least(&numbers);
        assert_eq!(whole, Least { number: 1.0, count: 3, next: 2.0 });
        for at in 0..=numbers.len() {
            let mut merged = least(&numbers[..at]);
            merged.merge(least(&numbers[at..]));
            assert_eq!(merged, whole, "{at}");
        }
        assert_eq!(least(&[4.0, 4.0]), Least { number: 4.0, count: 2, next: f64::INFINITY });
    }

    #[test]
    fn values_are_counted_up_to_a_limit() {
        let mut counts = ValueCounts::default();
        counts.add(b"a", 1, 2);
        counts.add(b" b ", 2, 2);
        let values: Vec<_> = counts.iter().unwrap().collect();
        assert_eq!(values, [("b".to_owned(), 2), ("a".to_owned(), 1)]);
        let mut other = counts.clone();
        other.merge(counts.clone(), 2);
        assert_eq!(other.iter().unwrap().map(|(_, count)| count).sum::<u64>(), 6);
        counts.add(b"c", 1, 2);
        assert!(counts.iter().is_none());
        let mut long = ValueCounts::default();
        long.add(&[b'x'; MAX_TEXT + 1], 1, 2);
        assert!(long.iter().is_none());
        other.merge(long, 2);
        assert!(other.iter().is_none());
    }
}

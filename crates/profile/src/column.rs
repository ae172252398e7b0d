//! Decides what a column is: its kind, what stands for a missing value in it, and whether it is left
//! out.

use std::collections::{BTreeMap, BTreeSet};

use dataset::{RawCell, fold_word};
use serde::Serialize;

use crate::counts::{ColumnCounts, ValueCounts};
use crate::dates::is_numeric_date;
use crate::reading::{FoundColumn, FoundTables, MAX_TEXTS, Sample};
use crate::sentinel;
use crate::words;

/// The share of a column's values that are numbers in a column of numbers.
const NUMBER_SHARE: f64 = 0.9;
/// The maximum number of words among numbers that are taken for markers of missing values.
const MAX_MARKERS: usize = 20;
/// The share of texts that are dates in a column of dates.
const DATE_SHARE: f64 = 0.95;
/// The share of missing cells above which a column is left out.
const MAX_MISSING: f64 = 0.5;
/// The share of rows with a value of their own from which on a column identifies rows.
const DISTINCT_SHARE: f64 = 0.99;
/// The mean length in bytes above which texts are no categories.
const MAX_MEAN_BYTES: f64 = 50.0;
/// The number of values that are named.
const SHOWN_VALUES: usize = 5;

/// What a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Numbers.
    Number,
    /// Words for yes and no, or 0 and 1.
    YesNo,
    /// Some words.
    Category,
    /// Dates or times.
    Date,
    /// What tells rows or things apart.
    Identifier,
    /// One value.
    Constant,
    /// Free text.
    Text,
    /// No value at all.
    Empty,
}

/// A value of a column of few values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Value {
    /// The spellings in the files; an empty one stands for an empty cell.
    pub spellings: Vec<String>,
    /// The number of cells.
    pub count: u64,
}

impl Value {
    /// Returns the value as it is compared.
    pub(crate) fn folded(&self) -> String {
        self.spellings.first().map_or_else(String::new, |word| folded(word))
    }

    /// Returns the value for a message.
    pub(crate) fn shown(&self) -> String {
        match self.spellings.first().map(String::as_str) {
            None | Some("") => "(empty)".to_owned(),
            Some(word) => word.to_owned(),
        }
    }
}

/// What a column was found to be.
#[derive(Clone, Debug)]
pub(crate) struct Analysis {
    pub(crate) kind: Kind,
    /// What made it think so.
    pub(crate) why: String,
    /// Why the column is left out, if it is.
    pub(crate) left_out: Option<String>,
    /// Words and numbers that stand for a missing value, besides the usual ones.
    pub(crate) markers: Vec<String>,
    /// The cells without a value.
    pub(crate) missing: u64,
    /// All cells.
    pub(crate) cells: u64,
    /// Whether some cells can be read neither as numbers nor as markers.
    pub(crate) has_bad_cells: bool,
    /// Whether the kind is written with words: numbers 0 and 1 need no kind.
    pub(crate) is_words: bool,
}

/// Returns a value as it is compared: numbers in one form, whatever their decimal mark.
pub(crate) fn folded(word: &str) -> String {
    let point = word.replacen(',', ".", 1);
    if point.trim().parse::<f64>().is_ok() { fold_word(&point) } else { fold_word(word) }
}

/// Returns the values of a column that has few: texts, numbers and words for a missing value.
pub(crate) fn values(counts: &ColumnCounts) -> Option<Vec<Value>> {
    let lists = [&counts.text_values, &counts.number_spellings, &counts.missing_words];
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    for list in lists {
        for (word, count) in list.iter()? {
            let new = || Value { spellings: Vec::new(), count: 0 };
            let value = values.entry(folded(&word)).or_insert_with(new);
            value.count += count;
            // Letter case is ignored, the decimal mark is not.
            if !value.spellings.iter().any(|known| fold_word(known) == fold_word(&word)) {
                value.spellings.push(word);
            }
        }
    }
    let mut values: Vec<Value> = values.into_values().collect();
    values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.folded().cmp(&b.folded())));
    Some(values)
}

/// The texts of a column.
struct Texts {
    /// The words that stand for a missing value, and the number of such cells.
    markers: Vec<String>,
    marked: u64,
    /// The other words, or `None` if there are too many.
    words: Option<Vec<(String, u64)>>,
    /// The number of spellings of the other words.
    spellings: usize,
}

impl Texts {
    fn of(values: &ValueCounts) -> Self {
        let Some(all) = values.iter() else {
            return Self { markers: Vec::new(), marked: 0, words: None, spellings: 0 };
        };
        let mut folded: BTreeMap<String, (String, u64)> = BTreeMap::new();
        let mut spellings = BTreeSet::new();
        for (word, count) in all {
            if !words::is_marker(&word) {
                spellings.insert(word.clone());
            }
            folded.entry(fold_word(&word)).or_insert_with(|| (word, 0)).1 += count;
        }
        let (markers, words): (Vec<_>, Vec<_>) =
            folded.into_values().partition(|(word, _)| words::is_marker(word));
        let marked = markers.iter().map(|(_, count)| count).sum();
        let markers = markers.into_iter().map(|(word, _)| word).collect();
        Self { markers, marked, words: Some(words), spellings: spellings.len() }
    }
}

/// A column and the tables that it is from.
struct ColumnOf<'a> {
    tables: &'a FoundTables,
    sample: &'a Sample,
    index: usize,
    found: &'a FoundColumn,
}

/// Decides what a column is.
pub(crate) fn analyse(tables: &FoundTables, sample: &Sample, index: usize) -> Analysis {
    let found = &tables.columns[index];
    let column = ColumnOf { tables, sample, index, found };
    let counts = &found.counts;
    let texts = Texts::of(&counts.text_values);
    let words = counts.texts - texts.marked;
    let values = counts.numbers + words;
    let cells = counts.blank + counts.missing + counts.numbers + counts.texts;
    let mut analysis = Analysis {
        kind: Kind::Empty,
        why: "no cell has a value".to_owned(),
        left_out: None,
        missing: cells - values,
        cells,
        markers: texts.markers.clone(),
        has_bad_cells: false,
        is_words: false,
    };
    let are_few = counts.number_spellings.iter().is_some();
    if values == 0 {
        analysis.left_out = Some("it has no value".to_owned());
        analysis.markers.clear();
    } else if words > 0
        && counts.dates as f64 >= DATE_SHARE * words as f64
        && words > counts.numbers
    {
        analysis.become_left_out(Kind::Date, column.first_value(), "it is a date or time");
    } else if counts.numbers as f64 >= NUMBER_SHARE * values as f64
        || (!are_few && 2 * counts.numbers >= values)
    {
        column.analyse_numbers(&texts, &mut analysis);
    } else {
        column.analyse_words(&texts, words, &mut analysis);
    }
    let share = analysis.missing as f64 / cells.max(1) as f64;
    if analysis.left_out.is_none() && share > MAX_MISSING {
        analysis.left_out = Some(format!("{:.0} % of its cells are missing", 100.0 * share));
    }
    analysis
}

impl Analysis {
    fn become_left_out(&mut self, kind: Kind, why: String, reason: &str) {
        self.kind = kind;
        self.why = why;
        self.left_out = Some(reason.to_owned());
    }

    fn become_kind(&mut self, kind: Kind, why: String) {
        self.kind = kind;
        self.why = why;
    }
}

impl ColumnOf<'_> {
    fn analyse_numbers(&self, texts: &Texts, analysis: &mut Analysis) {
        let counts = &self.found.counts;
        let words = texts.words.as_deref().filter(|words| words.len() <= MAX_MARKERS);
        match words {
            Some(words) => {
                analysis.markers.extend(words.iter().map(|(word, _)| word.clone()));
                analysis.missing += words.iter().map(|(_, count)| count).sum::<u64>();
            }
            None => {
                analysis.has_bad_cells = true;
                analysis.missing += counts.texts - texts.marked;
            }
        }
        let numbers = self.sampled_numbers();
        let sentinels = sentinel::find(counts, &numbers);
        analysis.missing += sentinels.count;
        analysis.markers.extend(sentinels.numbers.iter().map(|number| number.to_string()));
        let (least, greatest) = sentinels.range;
        if least == greatest {
            analysis.become_left_out(Kind::Constant, format!("always {least}"), "it has one value");
            return;
        }
        let name = &self.found.name;
        let is_rising = numbers.windows(2).all(|pair| pair[0] < pair[1]);
        let is_whole = !counts.has_fractions && self.found.unit.is_none();
        let range = format!("{} to {}", shown(least), shown(greatest));
        let are_dates = is_numeric_date(least) && is_numeric_date(greatest);
        if words::names_date(name) && (are_dates || is_rising) {
            analysis.become_left_out(Kind::Date, range, "it is a date or time, by its name");
        } else if words::names_time(name) && is_rising {
            analysis.become_left_out(Kind::Date, range, "it is a running time");
        } else if is_whole && words::names_identifier(name) {
            analysis.become_left_out(Kind::Identifier, range, "it is an identifier, by its name");
        } else if is_whole && is_rising && self.numbers_rows(least, greatest) {
            analysis.become_left_out(Kind::Identifier, range, "it numbers the rows");
        } else if (least, greatest) == (0.0, 1.0) && is_whole && counts.least.next == 1.0 {
            analysis.become_kind(Kind::YesNo, "0 and 1".to_owned());
        } else {
            let share = if counts.has_fractions { "" } else { "whole numbers, " };
            analysis.become_kind(Kind::Number, format!("{share}{range}"));
        }
    }

    /// Returns whether rising whole numbers number the rows: they count from 0 or 1, or from
    /// anywhere if the name says so.
    fn numbers_rows(&self, least: f64, greatest: f64) -> bool {
        let counts = &self.found.counts;
        let is_dense = greatest - least + 1.0 == counts.numbers as f64;
        let counts_from_start = (least == 0.0 || least == 1.0) && is_dense && counts.numbers > 2;
        counts_from_start || words::names_numbering(&self.found.name)
    }

    fn analyse_words(&self, texts: &Texts, count: u64, analysis: &mut Analysis) {
        let counts = &self.found.counts;
        let mean_bytes = counts.text_bytes as f64 / counts.texts.max(1) as f64;
        let numbers = counts.number_spellings.iter();
        let (Some(words), Some(numbers)) = (&texts.words, numbers) else {
            let (distinct, all) = self.sampled_distinct();
            if mean_bytes > MAX_MEAN_BYTES {
                let why = format!("{mean_bytes:.0} letters on average");
                analysis.become_left_out(Kind::Text, why, "it is free text");
            } else if distinct as f64 >= DISTINCT_SHARE * all as f64 {
                let why = format!("such as {}", self.first_value());
                analysis.become_left_out(
                    Kind::Identifier,
                    why,
                    "nearly every row has its own value",
                );
            } else {
                let why = format!("more than {MAX_TEXTS} values");
                analysis.become_left_out(Kind::Text, why, "it has too many values");
            }
            return;
        };
        let values: BTreeSet<String> = words
            .iter()
            .map(|(word, _)| folded(word))
            .chain(numbers.map(|(n, _)| folded(&n)))
            .collect();
        let values: Vec<String> = values.into_iter().collect();
        let all = count + counts.numbers;
        let shown = self.named_values(words);
        analysis.is_words = true;
        if values.len() == 1 {
            analysis.become_left_out(Kind::Constant, format!("always {shown}"), "it has one value");
        } else if words::are_yes_no(&values) {
            analysis.become_kind(Kind::YesNo, shown);
        } else if words::names_identifier(&self.found.name) {
            let why = format!("{} values: {shown}", values.len());
            analysis.become_left_out(Kind::Identifier, why, "it is an identifier, by its name");
        } else if mean_bytes > MAX_MEAN_BYTES {
            let why = format!("{mean_bytes:.0} letters on average");
            analysis.become_left_out(Kind::Text, why, "it is free text");
        } else if all >= 10 && values.len() as f64 >= DISTINCT_SHARE * all as f64 {
            let why = format!("{} values in {all} rows", values.len());
            analysis.become_left_out(Kind::Identifier, why, "nearly every row has its own value");
        } else if values.len() > MAX_TEXTS || (values.len() > 20 && 2 * values.len() as u64 > all) {
            let why = format!("{} values in {all} rows", values.len());
            analysis.become_left_out(Kind::Text, why, "it has too many values");
        } else {
            // A category's values are told apart by letter case.
            let by_case = texts.spellings.saturating_sub(words.len());
            let count = values.len() + by_case;
            let note = if by_case > 0 { ", some of which differ in letter case alone" } else { "" };
            analysis.become_kind(Kind::Category, format!("{count} values{note}: {shown}"));
        }
    }

    /// Names the commonest values.
    fn named_values(&self, words: &[(String, u64)]) -> String {
        let mut words: Vec<&(String, u64)> = words.iter().collect();
        words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let names = words.iter().take(SHOWN_VALUES).map(|(word, _)| word.as_str());
        let more = if words.len() > SHOWN_VALUES { ", ..." } else { "" };
        format!("{}{more}", names.collect::<Vec<_>>().join(", "))
    }

    /// Returns the numbers of the sample.
    fn sampled_numbers(&self) -> Vec<f64> {
        sampled(self.tables, self.sample, self.index)
            .filter_map(|(cell, _)| match cell {
                RawCell::Number(number) => Some(number),
                _ => None,
            })
            .collect()
    }

    /// Returns the number of different values in the sample, and that of all.
    fn sampled_distinct(&self) -> (usize, usize) {
        let cells = sampled(self.tables, self.sample, self.index);
        let texts: Vec<&[u8]> =
            cells.filter(|(cell, _)| *cell != RawCell::Missing).map(|(_, text)| text).collect();
        let distinct: BTreeSet<&[u8]> = texts.iter().copied().collect();
        (distinct.len(), texts.len())
    }

    /// Returns the first value of the sample.
    fn first_value(&self) -> String {
        let mut cells = sampled(self.tables, self.sample, self.index);
        let first = cells.find(|(cell, _)| *cell != RawCell::Missing);
        first.map_or_else(String::new, |(_, text)| String::from_utf8_lossy(text).into_owned())
    }
}

/// Iterates over the cells of a column in the sample, with their text.
pub(crate) fn sampled<'a>(
    tables: &'a FoundTables,
    sample: &'a Sample,
    column: usize,
) -> impl Iterator<Item = (RawCell, &'a [u8])> {
    let unit = tables.columns[column].unit.as_deref();
    let readers: Vec<_> = tables.files.iter().map(|file| file.cells(column, unit)).collect();
    sample.column(tables, column).map(move |(file, cell)| {
        let reader = readers[file].as_ref();
        (reader.map_or(RawCell::Missing, |reader| reader.read(cell)), cell)
    })
}

/// Returns a number for people, with at most six digits.
fn shown(number: f64) -> String {
    let rounded = format!("{number:.4}").parse().unwrap_or(number);
    if number.abs() >= 1e9 || (number != 0.0 && number.abs() < 1e-3) {
        format!("{number:.3e}")
    } else {
        format!("{rounded}")
    }
}

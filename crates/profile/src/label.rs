//! Finds the label column and which of its values mean a failure.

use dataset::{fold_name, fold_word};
use serde::Serialize;

use crate::column::{Value, folded, values};
use crate::error::{LabelCandidate, ProfileError};
use crate::reading::FoundTables;
use crate::words::{self, NameEvidence};

/// The maximum number of values of a label.
const MAX_VALUES: usize = 100;
/// The maximum number of values of a column that is found to be a label by itself.
const MAX_FOUND_VALUES: usize = 20;

/// What the user says of the label.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The label column.
    pub label: Option<String>,
    /// The values that mean a failure.
    pub positive: Vec<String>,
}

/// The label of a table.
#[derive(Clone, Debug, Serialize)]
pub struct LabelProfile {
    /// The column, as the header has it.
    pub column: String,
    /// What made it the label.
    pub why: String,
    /// The spellings of the values that mean a failure; an empty one stands for an empty cell.
    pub positive: Vec<String>,
    /// The spellings of the other values.
    pub negative: Vec<String>,
    /// What made the values mean that.
    pub why_positive: String,
    /// The rows of failures, of no failures, and without a label.
    pub failures: u64,
    /// The rows of no failures.
    pub sound: u64,
    /// The rows without a label.
    pub unlabelled: u64,
    /// The words that stand for a missing label, besides those that always do.
    pub missing_markers: Vec<String>,
    /// The index of the column.
    #[serde(skip)]
    pub(crate) index: usize,
}

impl LabelProfile {
    /// Returns the class of a cell, or `None` if it has none.
    pub(crate) fn class(&self, cell: &[u8]) -> Option<u8> {
        let word = fold_word(&String::from_utf8_lossy(cell));
        let among = |words: &[String]| words.iter().any(|other| fold_word(other) == word);
        if among(&self.positive) {
            Some(1)
        } else if among(&self.negative) {
            Some(0)
        } else {
            None
        }
    }

    /// Returns the share of failures among the rows with a label.
    pub fn failure_share(&self) -> f64 {
        self.failures as f64 / (self.failures + self.sound).max(1) as f64
    }
}

/// A column that may be the label.
struct Candidate {
    index: usize,
    /// The values, the commonest first; a missing cell is one if only one other value is there.
    values: Vec<Value>,
    unlabelled: u64,
    missing_markers: Vec<String>,
    name: NameEvidence,
    /// Whether the two values say which is a failure.
    has_words: bool,
}

impl Candidate {
    fn of(tables: &FoundTables, index: usize) -> Option<Self> {
        let column = &tables.columns[index];
        if column.name.is_empty() || column.is_twice || !tables.is_in_all_files(index) {
            return None;
        }
        let Classes { values, unlabelled, missing_markers } = classes(tables, index)?;
        let has_words = match &values[..] {
            [one, other] => {
                let (one, other) =
                    (words::is_failure(&one.folded()), words::is_failure(&other.folded()));
                one.is_some() || other.is_some()
            }
            _ => false,
        };
        let name = words::label_evidence(&column.name);
        Some(Self { index, values, unlabelled, missing_markers, name, has_words })
    }

    /// Returns how much speaks for this column: its name counts three if it is of a failure and one
    /// if it may be, its values two.
    fn score(&self) -> u32 {
        let name = match self.name {
            NameEvidence::None => 0,
            NameEvidence::Weak => 1,
            NameEvidence::Strong => 3,
        };
        name + if self.has_words { 2 } else { 0 }
    }

    fn has(&self, word: &str) -> bool {
        let word = folded(word);
        self.values.iter().any(|value| value.spellings.iter().any(|other| folded(other) == word))
    }

    fn for_message(&self, tables: &FoundTables) -> LabelCandidate {
        LabelCandidate {
            column: tables.columns[self.index].headers[0].clone(),
            values: self.values.iter().map(|value| (value.shown(), value.count)).collect(),
            why: match (self.name, self.has_words) {
                (NameEvidence::Strong, _) => "by its name",
                (NameEvidence::Weak, true) => "by its name and values",
                (NameEvidence::Weak, false) => "perhaps by its name",
                (NameEvidence::None, true) => "by its values",
                (NameEvidence::None, false) => "by having two values",
            },
        }
    }
}

/// The classes of a column.
struct Classes {
    /// The values, the commonest first.
    values: Vec<Value>,
    /// The number of cells without a class.
    unlabelled: u64,
    /// The words in those cells, besides those that are missing in every column.
    missing_markers: Vec<String>,
}

/// Returns the classes of a column. Cells that are missing are a class if the other cells have one
/// value, or if they are most of them and no other value means that nothing failed.
fn classes(tables: &FoundTables, index: usize) -> Option<Classes> {
    let counts = &tables.columns[index].counts;
    let all = values(counts)?;
    let is_missing = |value: &Value| {
        let word = value.folded();
        // `None` names a class as often as nothing.
        word != "none" && (dataset::is_missing(&word) || words::is_marker(&word))
    };
    let (missing, mut classes): (Vec<Value>, Vec<Value>) = all.into_iter().partition(is_missing);
    let empty: u64 = counts.blank + missing.iter().map(|value| value.count).sum::<u64>();
    let cells = empty + classes.iter().map(|value| value.count).sum::<u64>();
    let none_is_sound =
        classes.iter().all(|value| words::is_failure(&value.folded()) != Some(false));
    let mut missing_markers = Vec::new();
    let is_class = empty > 0
        && (classes.len() == 1 || (classes.len() > 1 && none_is_sound && 2 * empty > cells));
    if is_class {
        let spellings = missing.into_iter().flat_map(|value| value.spellings);
        let blank = (counts.blank > 0).then(String::new);
        classes
            .push(Value { spellings: blank.into_iter().chain(spellings).collect(), count: empty });
    } else {
        let words = missing.into_iter().filter(|value| !dataset::is_missing(&value.folded()));
        missing_markers.extend(words.filter_map(|value| value.spellings.into_iter().next()));
    }
    classes.sort_by_key(|value| std::cmp::Reverse(value.count));
    let unlabelled = if is_class { 0 } else { empty };
    Some(Classes { values: classes, unlabelled, missing_markers })
}

/// Finds the label, or says why none is plain.
pub(crate) fn find(tables: &FoundTables, wishes: &Wishes) -> Result<LabelProfile, ProfileError> {
    let candidate = match &wishes.label {
        Some(name) => wished(tables, name)?,
        None => plainest(tables, wishes)?,
    };
    let why = match (&wishes.label, candidate.name, candidate.has_words) {
        (Some(_), ..) => "you say so",
        (None, NameEvidence::None, _) => "its values say so",
        (None, _, true) => "its name and values say so",
        (None, _, false) => "its name says so",
    };
    let header = &tables.columns[candidate.index].headers[0];
    let (positive, why_positive) = positive(&candidate, header, wishes)?;
    let part = |wanted: bool| {
        let values = candidate.values.iter().zip(&positive).filter(move |(_, is)| **is == wanted);
        let values = values.map(|(value, _)| value);
        let count: u64 = values.clone().map(|value| value.count).sum();
        (values.flat_map(|value| value.spellings.clone()).collect(), count)
    };
    let ((positive, failures), (negative, sound)) = (part(true), part(false));
    Ok(LabelProfile {
        column: header.clone(),
        why: why.to_owned(),
        positive,
        negative,
        why_positive,
        failures,
        sound,
        unlabelled: candidate.unlabelled,
        missing_markers: candidate.missing_markers,
        index: candidate.index,
    })
}

/// Returns the column that the user names.
fn wished(tables: &FoundTables, name: &str) -> Result<Candidate, ProfileError> {
    let folded = fold_name(name);
    let whole = |index: &usize| {
        tables.columns[*index].headers.iter().any(|header| fold_name(header) == folded)
    };
    let bare = |index: &usize| fold_name(&tables.columns[*index].name) == folded;
    let all = 0..tables.columns.len();
    let index = all.clone().find(whole).or_else(|| all.clone().find(bare));
    let Some(index) = index.filter(|_| !folded.is_empty()) else {
        let headers = || tables.columns.iter().flat_map(|column| column.headers.first());
        let near = common::nearest(name, headers().map(String::as_str)).map(str::to_owned);
        let found = headers().filter(|header| !header.is_empty()).cloned().collect();
        return Err(ProfileError::NoSuchLabel { name: name.to_owned(), near, found });
    };
    let column = &tables.columns[index];
    let name = column.headers[0].clone();
    if column.is_twice {
        return Err(ProfileError::LabelTwice { name });
    }
    if let Some(file) = tables.file_without(index) {
        return Err(ProfileError::LabelNotInAll { name, file: file.to_owned() });
    }
    match Candidate::of(tables, index) {
        Some(candidate) if candidate.values.len() > MAX_VALUES => {
            Err(ProfileError::TooManyClasses { name, count: Some(candidate.values.len()) })
        }
        Some(candidate) if candidate.values.len() < 2 => {
            let value = candidate.values.first().map(Value::shown);
            Err(ProfileError::OneClass { name, value })
        }
        Some(candidate) => Ok(candidate),
        None => Err(ProfileError::TooManyClasses { name, count: None }),
    }
}

/// Returns the one column that is plainly the label.
fn plainest(tables: &FoundTables, wishes: &Wishes) -> Result<Candidate, ProfileError> {
    let all = (0..tables.columns.len()).filter_map(|index| Candidate::of(tables, index));
    let all = all.filter(|c| (2..=MAX_FOUND_VALUES).contains(&c.values.len()));
    let all: Vec<Candidate> =
        all.filter(|c| wishes.positive.iter().all(|word| c.has(word))).collect();
    let (two, more): (Vec<_>, Vec<_>) = all.into_iter().partition(|c| c.values.len() == 2);
    // A named column of several values is meant where none of two values is named.
    let named = more.into_iter().filter(|candidate| candidate.score() > 0);
    let mut candidates = two;
    if candidates.iter().all(|candidate| candidate.score() == 0) || !wishes.positive.is_empty() {
        candidates.extend(named);
    }
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.score()));
    let best = candidates.first().map_or(0, Candidate::score);
    let is_plain = candidates.iter().filter(|candidate| candidate.score() == best).count() == 1
        && (best > 0 || !wishes.positive.is_empty());
    if is_plain && !candidates.is_empty() {
        return Ok(candidates.swap_remove(0));
    }
    let shown: Vec<_> = candidates.iter().map(|c| c.for_message(tables)).collect();
    if best > 0 {
        return Err(ProfileError::SeveralLabels { candidates: shown });
    }
    for (index, column) in tables.columns.iter().enumerate() {
        // The files may be tables of different things.
        let is_label = words::label_evidence(&column.name) == NameEvidence::Strong;
        if let Some(file) = tables.file_without(index).filter(|_| is_label) {
            let name = column.headers[0].clone();
            return Err(ProfileError::LabelNotInAll { name, file: file.to_owned() });
        }
    }
    let headers = tables.columns.iter().flat_map(|column| column.headers.first());
    let columns = headers.filter(|header| !header.is_empty()).cloned().collect();
    Err(ProfileError::NoLabel { candidates: shown, columns, positive: wishes.positive.clone() })
}

/// Returns which of the values mean a failure, and why.
fn positive(
    candidate: &Candidate,
    header: &str,
    wishes: &Wishes,
) -> Result<(Vec<bool>, String), ProfileError> {
    let values = &candidate.values;
    let counts = || values.iter().map(|value| (value.shown(), value.count)).collect();
    let label = header.to_owned();
    if !wishes.positive.is_empty() {
        if let Some(word) = wishes.positive.iter().find(|word| !candidate.has(word)) {
            return Err(ProfileError::NoSuchValue { label, word: word.clone(), values: counts() });
        }
        let wished: Vec<String> = wishes.positive.iter().map(|word| folded(word)).collect();
        let is_wished = |value: &Value| value.spellings.iter().any(|w| wished.contains(&folded(w)));
        let positive: Vec<bool> = values.iter().map(is_wished).collect();
        if positive.iter().all(|is| *is) {
            return Err(ProfileError::AllPositive { label, values: counts() });
        }
        return Ok((positive, "you say so".to_owned()));
    }
    let [one, other] = &values[..] else {
        return Err(ProfileError::WhichPositive { label, values: counts() });
    };
    let (first, why) = is_first_positive(one, other, header);
    Ok((vec![first, !first], why))
}

/// Returns whether the first of two values means a failure, and why.
fn is_first_positive(one: &Value, other: &Value, header: &str) -> (bool, String) {
    let (word, other_word) = (one.folded(), other.folded());
    let failure = match (words::is_failure(&word), words::is_failure(&other_word)) {
        (Some(true), Some(false) | None) => Some(true),
        (Some(false) | None, Some(true)) => Some(false),
        (Some(false), None) => Some(false),
        (None, Some(false)) => Some(true),
        _ => None,
    };
    if let Some(first) = failure {
        let word = if first { one } else { other };
        return (first, format!("`{}` is a failure by these words", word.shown()));
    }
    if let Some((yes, no)) = words::yes_no(&word, &other_word) {
        // A column such as `is_ok` says yes where nothing failed.
        if words::is_about_soundness(header) {
            return (word == no, format!("the column's name says that `{yes}` is no failure"));
        }
        return (word == yes, format!("`{yes}` is yes and `{no}` is no"));
    }
    if one.folded().is_empty() != other.folded().is_empty() {
        return (other.folded().is_empty(), "an empty cell is no failure".to_owned());
    }
    let first = one.count < other.count;
    let rarer = if first { one } else { other };
    let why = if one.count == other.count {
        format!("no word says which, and both are as frequent: `{}` is a guess", rarer.shown())
    } else {
        format!("no word says which, and `{}` is rarer", rarer.shown())
    };
    (first, why)
}

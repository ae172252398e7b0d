//! The error of profiling a table.

use dataset::{SplitError, TableError};

/// A column that may be the label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelCandidate {
    /// The column, as the header has it.
    pub column: String,
    /// Its values and how often they occur.
    pub values: Vec<(String, u64)>,
    /// What speaks for it.
    pub why: &'static str,
}

/// The reason why a table has no profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The table cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// There are no rows.
    #[error("there are no rows in {files}, expected some below the header")]
    NoRows {
        /// The files.
        files: String,
    },
    /// Some files have a header and others do not.
    #[error("{nameless} has no header line and {named} has one, expected the same of all files")]
    Mixed {
        /// A file with a header.
        named: String,
        /// A file without one.
        nameless: String,
    },
    /// No column is left that a model can use.
    #[error("no column is left for a model: {}", reasons.join("; "))]
    NoColumns {
        /// Each column with the reason why it is left out.
        reasons: Vec<String>,
    },
    /// A class has too few rows for training and test.
    #[error("the table is too small")]
    TooFewRows {
        /// The class and its rows.
        source: SplitError,
    },
    /// No column looks like a label.
    #[error(
        "no column{} is plainly the label, --label names it{}; columns found: {}",
        with(positive),
        candidates_as_text(candidates),
        shown(columns)
    )]
    NoLabel {
        /// The columns with two values.
        candidates: Vec<LabelCandidate>,
        /// All columns.
        columns: Vec<String>,
        /// The values that the label must have.
        positive: Vec<String>,
    },
    /// Several columns look like a label.
    #[error("several columns may be the label, --label names it{}", candidates_as_text(candidates))]
    SeveralLabels {
        /// The columns.
        candidates: Vec<LabelCandidate>,
    },
    /// The named column does not exist.
    #[error(
        "--label {name}: no file has this column{}; columns found: {}",
        common::did_you_mean(near.as_deref()), shown(found)
    )]
    NoSuchLabel {
        /// The name.
        name: String,
        /// The nearest name.
        near: Option<String>,
        /// All columns.
        found: Vec<String>,
    },
    /// Two columns have the name of the label.
    #[error("label `{name}`: two columns have this name, expected one")]
    LabelTwice {
        /// The name.
        name: String,
    },
    /// A file lacks the label.
    #[error("label `{name}`: {file} has no such column, expected it in every file")]
    LabelNotInAll {
        /// The name.
        name: String,
        /// The file.
        file: String,
    },
    /// The label has too many values to be classes.
    #[error(
        "label `{name}`: it has {} values, expected two, or some of which --positive names the failures",
        count.map_or_else(|| "too many".to_owned(), |count| count.to_string())
    )]
    TooManyClasses {
        /// The name.
        name: String,
        /// The number of values, if it is known.
        count: Option<usize>,
    },
    /// The label has one value.
    #[error(
        "label `{name}`: found {}, expected two values",
        value.as_ref().map_or_else(|| "no value".to_owned(), |value| format!("`{value}` in every row"))
    )]
    OneClass {
        /// The name.
        name: String,
        /// The value.
        value: Option<String>,
    },
    /// The label has more than two values, and nobody says which mean failure.
    #[error(
        "label `{label}`: --positive says which of its values mean a failure, once for each; found {}",
        values_as_text(values)
    )]
    WhichPositive {
        /// The label.
        label: String,
        /// Its values and how often they occur.
        values: Vec<(String, u64)>,
    },
    /// The label does not have the value that is said to mean failure.
    #[error(
        "label `{label}`: no cell is `{word}`, as --positive says; found {}",
        values_as_text(values)
    )]
    NoSuchValue {
        /// The label.
        label: String,
        /// The value.
        word: String,
        /// The values and how often they occur.
        values: Vec<(String, u64)>,
    },
    /// All values of the label are said to mean failure.
    #[error("label `{label}`: --positive names all of its values: {}", values_as_text(values))]
    AllPositive {
        /// The label.
        label: String,
        /// The values and how often they occur.
        values: Vec<(String, u64)>,
    },
}

impl ProfileError {
    /// Returns whether an argument of the user would help, rather than another table.
    pub fn is_usage(&self) -> bool {
        !matches!(
            self,
            Self::Table(_)
                | Self::NoRows { .. }
                | Self::Mixed { .. }
                | Self::NoColumns { .. }
                | Self::TooFewRows { .. }
        )
    }
}

/// The maximum number of values, and of columns, in a message.
const SHOWN_VALUES: usize = 20;
const SHOWN_COLUMNS: usize = 40;

fn values_as_text(values: &[(String, u64)]) -> String {
    let shown = values.iter().take(SHOWN_VALUES);
    let mut text: Vec<String> = shown.map(|(word, count)| format!("`{word}` {count}")).collect();
    if values.len() > SHOWN_VALUES {
        text.push(format!("and {} more", values.len() - SHOWN_VALUES));
    }
    text.join(", ")
}

fn candidates_as_text(candidates: &[LabelCandidate]) -> String {
    if candidates.is_empty() {
        return "; no column has two values".to_owned();
    }
    let lines = candidates.iter().take(SHOWN_VALUES).map(|candidate| {
        let LabelCandidate { column, values, why } = candidate;
        format!("\n  {column}: {why}: {}", values_as_text(values))
    });
    lines.collect()
}

fn with(positive: &[String]) -> String {
    match positive {
        [] => String::new(),
        words => format!(" with the values {}", words.join(", ")),
    }
}

fn shown(names: &[String]) -> String {
    let mut text: Vec<&str> = names.iter().take(SHOWN_COLUMNS).map(String::as_str).collect();
    let more = format!("and {} more", names.len().saturating_sub(SHOWN_COLUMNS));
    if names.len() > SHOWN_COLUMNS {
        text.push(&more);
    }
    text.join(", ")
}

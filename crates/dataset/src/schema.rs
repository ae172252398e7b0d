//! What the table should hold.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A sensor column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name without a unit.
    pub name: String,
    /// The unit that its numbers are in; a header may have another of the same kind.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<String>,
    /// Other names.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub spellings: Vec<String>,
}

/// The column that tells the classes apart, and its words. Letter case and blanks around do not
/// matter, nor does it whether a number is written as `1` or `1.0`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Its name.
    pub column: String,
    /// What means class 1.
    pub positive: Vec<String>,
    /// What means class 0.
    pub negative: Vec<String>,
}

/// The sensor columns and the label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    columns: Vec<Column>,
    label: Label,
}

/// A schema that does not tell its columns or classes apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Nothing to learn from.
    #[error("there are no sensor columns, expected at least one")]
    NoColumns,
    /// A name of nothing but blanks, `_` and `-`, which an index column in front would match.
    #[error("the name `{0}` has neither letters nor digits")]
    Blank(String),
    /// A name for two things.
    #[error("the name `{0}` stands for two columns")]
    Ambiguous(String),
    /// A word for both classes.
    #[error("the label value `{0}` means both classes")]
    BothClasses(String),
    /// A class without a word.
    #[error("no label value means class {0}, expected at least one")]
    NoWord(u8),
}

impl Schema {
    /// A schema whose names and words are unmistakable.
    ///
    /// # Errors
    /// One name for two columns, one word for both classes, or none at all.
    pub fn new(columns: Vec<Column>, label: Label) -> Result<Self, SchemaError> {
        if columns.is_empty() {
            return Err(SchemaError::NoColumns);
        }
        let all = columns.iter().flat_map(Column::names).chain([label.column.as_str()]);
        if let Some(blank) = all.into_iter().find(|name| fold_name(name).is_empty()) {
            return Err(SchemaError::Blank(blank.to_owned()));
        }
        let mut taken = BTreeSet::from([fold_name(&label.column)]);
        for column in &columns {
            let names: BTreeSet<_> = column.names().map(fold_name).collect();
            for name in names {
                if !taken.insert(name.clone()) {
                    return Err(SchemaError::Ambiguous(name));
                }
            }
        }
        for (class, words) in [(1, &label.positive), (0, &label.negative)] {
            if words.is_empty() {
                return Err(SchemaError::NoWord(class));
            }
        }
        let positive: BTreeSet<_> = label.positive.iter().map(|word| fold_word(word)).collect();
        if let Some(word) = label.negative.iter().find(|word| positive.contains(&fold_word(word))) {
            return Err(SchemaError::BothClasses(word.clone()));
        }
        Ok(Self { columns, label })
    }

    /// The sensor columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The label.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// The sensor columns' names.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.columns.iter().map(|column| column.name.as_str())
    }
}

impl Column {
    /// All its names, its own first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.spellings).map(String::as_str)
    }
}

impl Label {
    /// The class that a word means.
    pub(crate) fn class(&self, word: &str) -> Option<u8> {
        let folded = fold_word(word);
        let among = |words: &[String]| words.iter().any(|word| fold_word(word) == folded);
        if among(&self.positive) {
            Some(1)
        } else if among(&self.negative) {
            Some(0)
        } else {
            None
        }
    }
}

/// A name as it is compared: letter case, and what stands between words, do not matter.
pub(crate) fn fold_name(name: &str) -> String {
    let words = name.split(|c: char| c.is_whitespace() || c == '_' || c == '-');
    let words: Vec<_> = words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    words.join("_")
}

/// A label value as it is compared.
fn fold_word(word: &str) -> String {
    let word = word.trim().to_lowercase();
    match word.parse::<f64>() {
        Ok(number) if number.is_finite() => number.to_string(),
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, spellings: &[&str]) -> Column {
        let spellings = spellings.iter().map(|&text| text.to_owned()).collect();
        Column { name: name.to_owned(), unit: None, spellings }
    }

    fn label(positive: &[&str], negative: &[&str]) -> Label {
        let words = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Label {
            column: "Downtime".to_owned(),
            positive: words(positive),
            negative: words(negative),
        }
    }

    #[test]
    fn words_in_any_case_and_numbers_in_any_form() {
        let label = label(&["Machine_Failure", "1"], &["No_Machine_Failure", "0"]);
        for word in ["MACHINE_FAILURE", " machine_failure ", "1.0", "01", "1e0"] {
            assert_eq!(label.class(word), Some(1), "{word}");
        }
        assert_eq!(label.class("0.0"), Some(0));
        for word in ["", "2", "failure", "nan"] {
            assert_eq!(label.class(word), None, "{word}");
        }
    }

    #[test]
    fn a_schema_that_is_not_clear_is_refused() {
        let refused = |columns: &[Column], label| {
            Schema::new(columns.to_vec(), label).unwrap_err().to_string()
        };
        let good = || label(&["1"], &["0"]);
        assert_eq!(refused(&[], good()), "there are no sensor columns, expected at least one");
        assert_eq!(
            refused(&[column("A b", &[]), column("C", &["a_B"])], good()),
            "the name `a_b` stands for two columns"
        );
        for blank in [column("_", &[]), column("A", &[" - "])] {
            assert!(refused(&[blank], good()).ends_with("` has neither letters nor digits"));
        }
        assert_eq!(
            refused(&[column("downtime", &[])], good()),
            "the name `downtime` stands for two columns"
        );
        assert_eq!(
            refused(&[column("A", &[])], label(&["Yes", "1"], &["yes "])),
            "the label value `yes ` means both classes"
        );
        assert_eq!(
            refused(&[column("A", &[])], label(&["1"], &[])),
            "no label value means class 0, expected at least one"
        );
        // A column may be listed under its own name again.
        assert!(Schema::new(vec![column("A", &["a", "A "])], good()).is_ok());
    }
}

//! The schema of a table: its sensor columns and its label.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::words::is_missing;

/// The name of the label's column in a feature table. No feature may have it.
pub const LABEL: &str = "label";

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Numbers.
    #[default]
    Number,
    /// Yes or no, in the usual spellings of several languages; the reading is 1 or 0.
    YesNo,
    /// Words that name a category. A [`Recipe`](crate::Recipe) encodes them as numbers.
    Category,
}

impl ColumnKind {
    fn is_number(&self) -> bool {
        *self == Self::Number
    }
}

/// A sensor column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The canonical name, without a unit.
    pub name: String,
    /// What the cells hold.
    #[serde(skip_serializing_if = "ColumnKind::is_number", default)]
    pub kind: ColumnKind,
    /// The order of a category's values: the first is 1, the next 2, any other 0.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub order: Vec<String>,
    /// Whether there is also a feature that is 1 where the cell is missing, and 0 elsewhere.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub missing_indicator: bool,
    /// The unit of the readings; a header may have another unit of the same quantity.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<String>,
    /// Other names of the column.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub spellings: Vec<String>,
    /// Words and numbers that stand for a missing value, besides the usual ones.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing_markers: Vec<String>,
}

/// The label column and the words for its classes. Letter case and surrounding blanks are ignored,
/// and numbers are compared by value: `1` is `1.0`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The name of the column.
    pub column: String,
    /// The words for class 1.
    pub positive: Vec<String>,
    /// The words for class 0.
    pub negative: Vec<String>,
    /// Words that stand for a missing label, besides the usual ones.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing_markers: Vec<String>,
}

/// The sensor columns and the label, with unambiguous names and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    columns: Vec<Column>,
    label: Label,
}

/// The ways in which a schema is empty or ambiguous.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A schema without sensor columns.
    #[error("there are no sensor columns, expected at least one")]
    NoColumns,
    /// A name of nothing but blanks, `_` and `-`, which an unnamed index column would match.
    #[error("the name `{0}` has neither letters nor digits")]
    Blank(String),
    /// A name for two columns.
    #[error("the name `{0}` stands for two columns")]
    Ambiguous(String),
    /// A word for both classes.
    #[error("the label value `{0}` means both classes")]
    BothClasses(String),
    /// A class without a word.
    #[error("no label value means class {0}, expected at least one")]
    NoWord(u8),
    /// A unit of a column that holds no numbers.
    #[error("column `{0}` has a unit and does not hold numbers")]
    UnitOfWords(String),
    /// An order of a column that is no category.
    #[error("column `{0}` has an order and is not a category")]
    OrderOfNumbers(String),
    /// A value that is empty or twice in an order.
    #[error("column `{column}`: the order has `{value}` twice, or it stands for a missing value")]
    Order {
        /// The column.
        column: String,
        /// The value.
        value: String,
    },
}

impl Schema {
    /// Creates a schema after checking that its names and words are unambiguous.
    ///
    /// # Errors
    /// Returns an error if there are no columns, a name is blank or stands for two columns, or a
    /// word stands for both classes or a class has none.
    pub fn new(columns: Vec<Column>, label: Label) -> Result<Self, SchemaError> {
        if columns.is_empty() {
            return Err(SchemaError::NoColumns);
        }
        Self::checked(columns, label)
    }

    /// Creates the schema of a table whose sensor columns are not known yet.
    ///
    /// # Errors
    /// Returns an error if the label's name is blank, or a word stands for both classes or a class has
    /// none.
    pub fn of_label(label: Label) -> Result<Self, SchemaError> {
        Self::checked(Vec::new(), label)
    }

    fn checked(columns: Vec<Column>, label: Label) -> Result<Self, SchemaError> {
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
            column.check_kind()?;
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

    /// Returns the sensor columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Returns the label.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// Iterates over the names of the sensor columns.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.columns.iter().map(|column| column.name.as_str())
    }
}

impl Column {
    /// Checks that unit and order fit the kind.
    fn check_kind(&self) -> Result<(), SchemaError> {
        if self.kind != ColumnKind::Number && self.unit.is_some() {
            return Err(SchemaError::UnitOfWords(self.name.clone()));
        }
        if self.kind != ColumnKind::Category && !self.order.is_empty() {
            return Err(SchemaError::OrderOfNumbers(self.name.clone()));
        }
        let mut values = BTreeSet::new();
        for value in &self.order {
            if is_missing(value.trim()) || !values.insert(value.trim()) {
                let (column, value) = (self.name.clone(), value.clone());
                return Err(SchemaError::Order { column, value });
            }
        }
        Ok(())
    }

    /// Iterates over the canonical name and the spellings.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.spellings).map(String::as_str)
    }
}

impl Label {
    /// Returns the class that a word stands for.
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

/// Returns a name as it is compared: in lower case, with words separated by `_`.
pub fn fold_name(name: &str) -> String {
    let words = name.split(|c: char| c.is_whitespace() || c == '_' || c == '-');
    let words: Vec<_> = words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    words.join("_")
}

/// Returns a label value as it is compared: trimmed, in lower case, numbers in one form.
pub fn fold_word(word: &str) -> String {
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
        Column { name: name.to_owned(), spellings, ..Column::default() }
    }

    fn label(positive: &[&str], negative: &[&str]) -> Label {
        let words = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Label {
            column: "Downtime".to_owned(),
            positive: words(positive),
            negative: words(negative),
            missing_markers: Vec::new(),
        }
    }

    #[test]
    fn labels_match_words_in_any_case_and_numbers_in_any_form() {
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
    fn an_ambiguous_schema_is_refused() {
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

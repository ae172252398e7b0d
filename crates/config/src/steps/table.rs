//! The settings of the table, which Preprocess reads from a file.

use std::fmt;

use garde::Validate;
use schemars::JsonSchema;
use serde::de::{self, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::rules::is_not_blank;
use crate::words::words;

words! {
    /// How a row with an empty or non-finite required cell is treated.
    MissingValues {
        /// The row is dropped and counted.
        Drop = "drop",
        /// The cell is replaced by the median of the column over the training rows.
        Median = "median",
    }
}

words! {
    /// How a cell is treated that should be a number and is not.
    BadCells {
        /// The step fails with an error that names the cell.
        Error = "error",
        /// The row is dropped and counted.
        Drop = "drop",
        /// The cell is missing, and counted by its text.
        Missing = "missing",
    }
}

words! {
    /// What the cells of a column hold.
    ColumnKind {
        /// Numbers.
        Number = "number",
        /// Yes or no, in the usual spellings: `true`, `1`, `ja`, `oui`, ...
        YesNo = "yes_no",
        /// Words that name a category.
        Category = "category",
    }
}

impl Default for ColumnKind {
    /// Returns the kind of a column that does not say it.
    fn default() -> Self {
        Self::Number
    }
}

impl ColumnKind {
    /// Returns whether the column holds numbers, which need not be said.
    pub(crate) fn is_number(&self) -> bool {
        *self == Self::Number
    }
}

/// How columns of categories become features.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Categories {
    /// The maximum number of one-hot features of a column. A column with more values has a single
    /// feature: the share of the training rows that have the row's value.
    #[garde(range(min = 1, max = 1000))]
    pub max_one_hot: u32,
    /// The share of the training rows below which a value is rare. The rare values of a column share
    /// one feature.
    #[garde(range(min = 0.0, max = 1.0))]
    pub min_frequency: f64,
}

impl Default for Categories {
    fn default() -> Self {
        Self { max_one_hot: 16, min_frequency: 0.01 }
    }
}

/// How the rows are divided into training and test rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// At random.
    Random,
    /// The test rows are the last ones by the times in this column of the file.
    Time(String),
    /// All rows with the same value of this column of the file, such as a machine's name, are in the
    /// same part.
    ByMachine(String),
}

impl<'de> Deserialize<'de> for Split {
    /// Reads `random`, `time: column` or `by_machine: column`. serde's derived enums need a YAML tag
    /// for the last two.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SplitVisitor;

        impl<'de> Visitor<'de> for SplitVisitor {
            type Value = Split;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("random, time: with a column, or by_machine: with a column")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Split, E> {
                match word {
                    "random" => Ok(Split::Random),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Split, A::Error> {
                let mut split = None;
                while let Some(key) = map.next_key::<String>()? {
                    let column = map.next_value()?;
                    let next = match key.as_str() {
                        "time" => Split::Time(column),
                        "by_machine" => Split::ByMachine(column),
                        _ => return Err(de::Error::unknown_field(&key, &["time", "by_machine"])),
                    };
                    if split.replace(next).is_some() {
                        return Err(de::Error::custom("expected time or by_machine, not both"));
                    }
                }
                split.ok_or_else(|| de::Error::missing_field("time"))
            }
        }

        deserializer.deserialize_any(SplitVisitor)
    }
}

/// Which rows are dropped because they are equal to an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// Rows that are equal in every column of the file, whether the model uses it or not.
    Drop,
    /// None.
    Keep,
    /// Rows that are equal in these columns of the file.
    By(Vec<String>),
}

impl<'de> Deserialize<'de> for Duplicates {
    /// Reads `drop`, `keep` or `by: [columns]`. serde's derived enums need a YAML tag for the last.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DuplicatesVisitor;

        impl<'de> Visitor<'de> for DuplicatesVisitor {
            type Value = Duplicates;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("drop, keep, or by: with a list of columns")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Duplicates, E> {
                match word {
                    "drop" => Ok(Duplicates::Drop),
                    "keep" => Ok(Duplicates::Keep),
                    _ => Err(E::unknown_variant(word, &["drop", "keep", "by"])),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Duplicates, A::Error> {
                let mut columns = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key != "by" {
                        return Err(de::Error::unknown_field(&key, &["by"]));
                    }
                    columns = Some(map.next_value()?);
                }
                columns.map(Duplicates::By).ok_or_else(|| de::Error::missing_field("by"))
            }
        }

        deserializer.deserialize_any(DuplicatesVisitor)
    }
}

words! {
    /// The encoding of text files. A byte order mark wins over it.
    Encoding {
        /// UTF-8.
        Utf8 = "utf-8",
        /// UTF-16, the lower byte first.
        Utf16 = "utf-16",
        /// UTF-16, the higher byte first.
        Utf16Be = "utf-16be",
        /// Windows-1252, which includes Latin-1.
        Windows1252 = "windows-1252",
    }
}

words! {
    /// What separates the fields of a row.
    Separator {
        /// Commas.
        Comma = ",",
        /// Semicolons.
        Semicolon = ";",
        /// Tabs.
        Tab = "tab",
        /// Vertical bars.
        Bar = "|",
        /// Any number of blanks.
        Blank = "blank",
    }
}

words! {
    /// The decimal mark.
    Decimal {
        /// A point.
        Point = ".",
        /// A comma.
        Comma = ",",
    }
}

words! {
    /// What separates groups of three digits.
    Thousands {
        /// A blank of any kind.
        Blank = "blank",
        /// An apostrophe.
        Apostrophe = "'",
        /// A point.
        Point = ".",
        /// A comma.
        Comma = ",",
    }
}

/// What is known of the format of the files. What is absent is found by looking at each of them.
/// Encoding, separator and marks are those of text files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Format {
    /// The encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub encoding: Option<Encoding>,
    /// The separator of fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub separator: Option<Separator>,
    /// The decimal mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub decimal: Option<Decimal>,
    /// The separator of groups of three digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub thousands: Option<Thousands>,
    /// The line of the header, from 1; with 0 there is none, and the columns are named `column_1`,
    /// `column_2`, and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(range(max = 100)))]
    pub header_line: Option<u64>,
    /// Whether the day comes before the month in a date such as 1/2/2024.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(skip)]
    pub day_first: Option<bool>,
    /// The sheet of Excel workbooks. By default the only one that is not hidden and has the columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(inner(length(min = 1, max = 100), custom(is_not_blank)))]
    pub sheet: Option<String>,
}

/// A sensor column: its canonical name, its unit, and its alternative names in exports. A unit in
/// the header, letter case and blanks are ignored when names are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The name, without the unit.
    pub name: String,
    /// What the cells hold.
    #[serde(default, skip_serializing_if = "ColumnKind::is_number")]
    pub kind: ColumnKind,
    /// The order of a category's values, the least first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    /// Whether there is also a feature that says whether the cell was missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing_indicator: bool,
    /// The unit of the model's values. A column in another known unit is converted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Alternative names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spellings: Vec<String>,
    /// Words and numbers that stand for a missing value, those of all columns included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_markers: Vec<String>,
}

/// The label column and the words of its two classes. Letter case and blanks are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The name of the column.
    #[garde(length(min = 1, max = 100), custom(is_not_blank))]
    pub column: String,
    /// The words for a failure, class 1. An empty word stands for an empty cell.
    #[garde(length(min = 1), inner(length(max = 100)))]
    pub positive: Vec<String>,
    /// The words for no failure, class 0. An empty word stands for an empty cell.
    #[garde(length(min = 1), inner(length(max = 100)))]
    pub negative: Vec<String>,
}

/// An engineered feature: a name, and an expression over the columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// The name of the feature.
    pub name: String,
    /// The expression, such as `Hydraulic_Pressure - median(Hydraulic_Pressure)`.
    pub expression: String,
}

/// The settings of the table: the document that the orchestrator writes and Preprocess reads.
/// The defaults are those of the shipped settings file.
///
/// They are a file, because a Processing job takes 100 container arguments of 256 characters each,
/// which hold fewer than 100 columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSettings {
    /// The version of the document's format.
    pub format_version: TableFormat,
    /// The sensor columns that the model uses, in order. The list is empty if `all_columns_except` is
    /// set.
    pub columns: Vec<Column>,
    /// The columns that are no sensor columns, if all other columns of the file are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_columns_except: Option<Vec<String>>,
    /// The label column.
    pub label: Label,
    /// The engineered features, which follow the columns.
    pub features: Vec<Feature>,
    /// How columns of categories become features.
    pub categories: Categories,
    /// How the rows are divided into training and test rows.
    pub split: Split,
    /// Whether a random split is stratified by the label.
    pub stratify: bool,
    /// How empty cells are treated.
    pub missing_values: MissingValues,
    /// How cells that are not numbers are treated.
    pub bad_cells: BadCells,
    /// Words that stand for a missing label.
    pub missing_labels: Vec<String>,
    /// Which rows are duplicates.
    pub duplicates: Duplicates,
    /// What is known of the files' format.
    pub format: Format,
}

/// The version of the document's format: the only one that is read, in JSON the number 2. Version 1
/// had no categories and no other split than a random one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableFormat;

impl TableFormat {
    const VERSION: u32 = 2;
}

impl Serialize for TableFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(Self::VERSION)
    }
}

impl<'de> Deserialize<'de> for TableFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = u32::deserialize(deserializer)?;
        if found == Self::VERSION {
            return Ok(Self);
        }
        Err(D::Error::custom(format!("found version {found}, expected {}", Self::VERSION)))
    }
}

/// The reason why bytes are not the settings of a table. The message names the member, the line
/// and what was expected there.
#[derive(Debug, thiserror::Error)]
pub enum TableSettingsError {
    /// A member is missing, unknown or malformed.
    #[error(transparent)]
    Member(#[from] serde_path_to_error::Error<serde_json::Error>),
    /// Something follows the document.
    #[error(transparent)]
    Rest(serde_json::Error),
}

impl TableSettings {
    /// Returns the document. The same settings give the same bytes.
    pub fn to_json(&self) -> String {
        // Serialization into memory with string keys cannot fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads the document.
    ///
    /// # Errors
    /// The first member that is missing, unknown, malformed or there twice. No member has a default, except those
    /// of a column and `all_columns_except`.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TableSettingsError> {
        let mut document = serde_json::Deserializer::from_slice(bytes);
        let settings = serde_path_to_error::deserialize(&mut document)?;
        document.end().map_err(TableSettingsError::Rest)?;
        let mut document = serde_json::Deserializer::from_slice(bytes);
        serde_path_to_error::deserialize::<_, common::json::Unique>(&mut document)?;
        Ok(settings)
    }
}

impl Default for TableSettings {
    fn default() -> Self {
        let column = |(name, unit): (&str, &str)| Column {
            name: name.to_owned(),
            unit: Some(unit.to_owned()),
            ..Column::default()
        };
        let mut columns: Vec<Column> = [
            ("Hydraulic_Pressure", "bar"),
            ("Coolant_Pressure", "bar"),
            ("Air_System_Pressure", "bar"),
            ("Coolant_Temperature", "°C"),
            ("Hydraulic_Oil_Temperature", "°C"),
            ("Spindle_Bearing_Temperature", "°C"),
            ("Spindle_Vibration", "µm"),
            ("Tool_Vibration", "µm"),
            ("Spindle_Speed", "RPM"),
            ("Voltage", "volts"),
            ("Torque", "Nm"),
        ]
        .map(column)
        .to_vec();
        columns.push(Column {
            spellings: vec!["Cutting_Force".to_owned()],
            ..column(("Cutting", "kN"))
        });
        let features = [
            ("Pressure_Differential", "Hydraulic_Pressure - median(Hydraulic_Pressure)"),
            ("Vibration_Ratio", "Tool_Vibration / (Spindle_Vibration + 1e-6)"),
            ("Pressure_Force_Interaction", "Hydraulic_Pressure * Cutting"),
        ];
        let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect();
        Self {
            format_version: TableFormat,
            columns,
            all_columns_except: None,
            label: Label {
                column: "Downtime".to_owned(),
                positive: words(&["Machine_Failure", "yes", "1", "true"]),
                negative: words(&["No_Machine_Failure", "no", "0", "false"]),
            },
            features: features
                .map(|(name, expression)| Feature {
                    name: name.to_owned(),
                    expression: expression.to_owned(),
                })
                .to_vec(),
            categories: Categories::default(),
            split: Split::Random,
            stratify: true,
            missing_values: MissingValues::Drop,
            bad_cells: BadCells::Error,
            missing_labels: Vec::new(),
            duplicates: Duplicates::Drop,
            format: Format::default(),
        }
    }
}

//! The settings of Preprocess.

use std::fmt;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::{Argument, ArgumentParser, Parsed, StepError};
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
    }
}

/// A sensor column: its canonical name, its unit, and its alternative names in exports. A unit in
/// the header, letter case and blanks are ignored when names are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name, without the unit.
    pub name: String,
    /// The unit of the model's values. A column in another known unit is converted.
    pub unit: Option<String>,
    /// Alternative names.
    pub spellings: Vec<String>,
}

/// Formats a column as `Cutting(kN)=Cutting_Force|Feed_Force`.
impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(unit) = &self.unit {
            write!(f, "({unit})")?;
        }
        if !self.spellings.is_empty() {
            write!(f, "={}", self.spellings.join("|"))?;
        }
        Ok(())
    }
}

impl Column {
    fn parse(text: &str) -> Option<Self> {
        let (head, spellings) = text.split_once('=').unwrap_or((text, ""));
        let (name, unit) = match head.split_once('(') {
            Some((name, rest)) => (name, Some(rest.strip_suffix(')')?.to_owned())),
            None => (head, None),
        };
        let spellings = spellings.split('|').filter(|s| !s.is_empty()).map(str::to_owned).collect();
        (!name.is_empty()).then(|| Self { name: name.to_owned(), unit, spellings })
    }
}

/// The label column and the words of its two classes. Letter case and blanks are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The name of the column.
    #[garde(length(min = 1, max = 100), custom(is_not_blank))]
    pub column: String,
    /// The words for a failure, class 1.
    #[garde(length(min = 1), inner(length(min = 1, max = 100)))]
    pub positive: Vec<String>,
    /// The words for no failure, class 0.
    #[garde(length(min = 1), inner(length(min = 1, max = 100)))]
    pub negative: Vec<String>,
}

/// An engineered feature: a name, and an expression over the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// The name of the feature.
    pub name: String,
    /// The expression, such as `Hydraulic_Pressure - median(Hydraulic_Pressure)`.
    pub expression: String,
}

/// Formats a feature as `Vibration_Ratio=Tool_Vibration / (Spindle_Vibration + 1e-6)`.
impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.expression)
    }
}

/// The settings of Preprocess. The defaults are those of the shipped settings file.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocess {
    /// The sensor columns that the model uses, in order.
    pub columns: Vec<Column>,
    /// The label column.
    pub label: Label,
    /// The engineered features, which follow the columns.
    pub features: Vec<Feature>,
    /// The share of rows in the test set, between 0 and 1.
    pub test_size: f64,
    /// Whether the split is stratified by the label.
    pub stratify: bool,
    /// The seed of the split.
    pub seed: u64,
    /// How empty cells are treated.
    pub missing_values: MissingValues,
    /// How cells that are not numbers are treated.
    pub bad_cells: BadCells,
}

impl Default for Preprocess {
    fn default() -> Self {
        let columns = [
            "Hydraulic_Pressure(bar)",
            "Coolant_Pressure(bar)",
            "Air_System_Pressure(bar)",
            "Coolant_Temperature(°C)",
            "Hydraulic_Oil_Temperature(°C)",
            "Spindle_Bearing_Temperature(°C)",
            "Spindle_Vibration(µm)",
            "Tool_Vibration(µm)",
            "Spindle_Speed(RPM)",
            "Voltage(volts)",
            "Torque(Nm)",
            "Cutting(kN)=Cutting_Force",
        ];
        let features = [
            ("Pressure_Differential", "Hydraulic_Pressure - median(Hydraulic_Pressure)"),
            ("Vibration_Ratio", "Tool_Vibration / (Spindle_Vibration + 1e-6)"),
            ("Pressure_Force_Interaction", "Hydraulic_Pressure * Cutting"),
        ];
        let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect();
        Self {
            columns: columns.iter().filter_map(|text| Column::parse(text)).collect(),
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
            test_size: 0.2,
            stratify: true,
            seed: 42,
            missing_values: MissingValues::Drop,
            bad_cells: BadCells::Error,
        }
    }
}

impl Preprocess {
    const ARGUMENTS: [&str; 10] = [
        "column",
        "label",
        "positive",
        "negative",
        "feature",
        "test-size",
        "stratify",
        "seed",
        "missing-values",
        "bad-cells",
    ];

    /// Returns the settings as container arguments.
    pub fn to_arguments(&self) -> Vec<Argument> {
        let mut arguments = vec![
            Argument::new("test-size", self.test_size),
            Argument::new("stratify", self.stratify),
            Argument::new("seed", self.seed),
            Argument::new("missing-values", self.missing_values),
            Argument::new("bad-cells", self.bad_cells),
            Argument::new("label", &self.label.column),
        ];
        arguments.extend(self.label.positive.iter().map(|word| Argument::new("positive", word)));
        arguments.extend(self.label.negative.iter().map(|word| Argument::new("negative", word)));
        arguments.extend(self.columns.iter().map(|column| Argument::new("column", column)));
        if self.features.is_empty() {
            arguments.push(Argument::new("feature", ""));
        }
        arguments.extend(self.features.iter().map(|feature| Argument::new("feature", feature)));
        arguments
    }

    /// Parses container arguments. Settings without an argument keep their default.
    ///
    /// # Errors
    /// All invalid values.
    pub fn parse(arguments: &[String]) -> Result<Parsed<Self>, StepError> {
        let mut parser = ArgumentParser::new(arguments, &Self::ARGUMENTS);
        let mut settings = Self::default();
        let word = |text: &str| Some(text.to_owned());
        let column = |text: &str| Column::parse(text);
        let feature = |text: &str| {
            let (name, expression) = text.split_once('=')?;
            Some(Feature { name: name.trim().to_owned(), expression: expression.trim().to_owned() })
        };
        parser.parse_list(
            "column",
            &mut settings.columns,
            "`Name(unit)=Spelling|Spelling`",
            column,
        );
        parser.parse_value("label", &mut settings.label.column, "a column's name", |name| {
            !name.is_empty()
        });
        parser.parse_list("positive", &mut settings.label.positive, "a word", word);
        parser.parse_list("negative", &mut settings.label.negative, "a word", word);
        parser.parse_list("feature", &mut settings.features, "`Name=expression`", feature);
        parser.parse_value(
            "test-size",
            &mut settings.test_size,
            "a number between 0 and 1, both excluded",
            |&share| share > 0.0 && share < 1.0,
        );
        parser.parse_value("stratify", &mut settings.stratify, "true or false", |_| true);
        parser.parse_value("seed", &mut settings.seed, "a whole number from 0", |_| true);
        parser.parse_value(
            "missing-values",
            &mut settings.missing_values,
            "drop or median",
            |_| true,
        );
        parser.parse_value("bad-cells", &mut settings.bad_cells, "error or drop", |_| true);
        parser.finish(settings)
    }
}

//! What Preprocess is told.

use std::fmt;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Argument, Arguments, Parsed, StepError, words};

words! {
    /// What becomes of a row with an empty or non-finite required cell.
    MissingValues {
        /// The row is dropped and counted.
        Drop = "drop",
        /// The cell becomes the column's median over the training rows.
        Median = "median",
    }
}

words! {
    /// What becomes of a cell that should be a number and is not.
    BadCells {
        /// The step fails, naming the cell.
        Error = "error",
        /// The row is dropped and counted.
        Drop = "drop",
    }
}

/// A sensor column: its canonical name, unit, and what else it is called in exports.
/// A unit in the header, letter case and blanks need no spelling of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name without its unit.
    pub name: String,
    /// The unit that the model works in; a header with another known unit is converted.
    pub unit: Option<String>,
    /// Other names.
    pub spellings: Vec<String>,
}

/// `Cutting(kN)=Cutting_Force|Feed_Force`
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

/// The column that tells a failure, and how exports spell it. Letter case and blanks do not matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The column's name.
    #[garde(length(min = 1, max = 100), custom(crate::checks::is_filled))]
    pub column: String,
    /// What means failure, class 1.
    #[garde(length(min = 1), inner(length(min = 1, max = 100)))]
    pub positive: Vec<String>,
    /// What means no failure, class 0.
    #[garde(length(min = 1), inner(length(min = 1, max = 100)))]
    pub negative: Vec<String>,
}

/// An engineered feature: a name and an expression over the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// The name of the new column.
    pub name: String,
    /// Such as `Hydraulic_Pressure - median(Hydraulic_Pressure)`.
    pub expression: String,
}

/// `Vibration_Ratio=Tool_Vibration / (Spindle_Vibration + 1e-6)`
impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.expression)
    }
}

/// Everything that Preprocess is told. The default is the shipped config.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocess {
    /// The sensor columns that the model is made of, in order.
    pub columns: Vec<Column>,
    /// The label.
    pub label: Label,
    /// Engineered features, after the columns.
    pub features: Vec<Feature>,
    /// The share of rows kept back for testing, between 0 and 1.
    pub test_size: f64,
    /// Whether both parts keep the share of failures.
    pub stratify: bool,
    /// Seeds the split.
    pub seed: u64,
    /// Missing cells.
    pub missing_values: MissingValues,
    /// Cells that are not numbers.
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
    const NAMES: [&str; 10] = [
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

    /// As container arguments.
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

    /// From container arguments; what is not given keeps its default.
    pub fn parse(arguments: &[String]) -> Result<Parsed<Self>, StepError> {
        let mut given = Arguments::split(arguments, &Self::NAMES);
        let mut settings = Self::default();
        let word = |text: &str| Some(text.to_owned());
        let column = |text: &str| Column::parse(text);
        let feature = |text: &str| {
            let (name, expression) = text.split_once('=')?;
            Some(Feature { name: name.trim().to_owned(), expression: expression.trim().to_owned() })
        };
        given.parse_list("column", &mut settings.columns, "`Name(unit)=Spelling|Spelling`", column);
        given.parse_value("label", &mut settings.label.column, "a column's name", |name| {
            !name.is_empty()
        });
        given.parse_list("positive", &mut settings.label.positive, "a word", word);
        given.parse_list("negative", &mut settings.label.negative, "a word", word);
        given.parse_list("feature", &mut settings.features, "`Name=expression`", feature);
        given.parse_value(
            "test-size",
            &mut settings.test_size,
            "a number between 0 and 1, both excluded",
            |&share| share > 0.0 && share < 1.0,
        );
        given.parse_value("stratify", &mut settings.stratify, "true or false", |_| true);
        given.parse_value("seed", &mut settings.seed, "a whole number from 0", |_| true);
        given.parse_value("missing-values", &mut settings.missing_values, "drop or median", |_| {
            true
        });
        given.parse_value("bad-cells", &mut settings.bad_cells, "error or drop", |_| true);
        given.finish(settings)
    }
}

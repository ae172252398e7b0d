//! What Train is told: the forest's hyperparameters, named as in scikit-learn.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use garde::Validate;
use schemars::JsonSchema;
use serde::de::{self, Deserializer, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::{Parsed, StepError, fault, words};

/// The metrics that Train logs, one `train_<name>=<value>` line each, and that the definition's
/// MetricDefinitions pick up. Of several hosts each logs those of the trees that it grew.
pub const TRAINING_METRICS: [&str; 6] =
    ["accuracy", "precision", "recall", "f1_score", "roc_auc", "log_loss"];

words! {
    /// How classes are weighted.
    ClassWeight {
        /// Inversely to how often they occur.
        Balanced = "balanced",
        /// All alike.
        None = "none",
    }
}

/// How many features each split looks at: `sqrt`, `log2`, `all`, a count such as `3`, or a share
/// such as `0.5`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxFeatures {
    /// The square root of the number of features.
    Sqrt,
    /// Its binary logarithm.
    Log2,
    /// All of them.
    All,
    /// So many.
    Count(u32),
    /// Such a share of them, above 0 and below 1.
    Fraction(f64),
}

impl MaxFeatures {
    /// What a setting may be, for messages.
    pub const EXPECTED: &'static str =
        "sqrt, log2, all, a whole number from 1, or a share between 0 and 1 such as 0.5";
}

impl fmt::Display for MaxFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqrt => f.write_str("sqrt"),
            Self::Log2 => f.write_str("log2"),
            Self::All => f.write_str("all"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Fraction(share) => write!(f, "{share}"),
        }
    }
}

impl FromStr for MaxFeatures {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let count = || text.parse().ok().filter(|&count| count > 0).map(Self::Count);
        // as in scikit-learn, 1 is one feature and 1.0 is all of them
        let share = || match text.parse().ok()? {
            1.0 => Some(Self::All),
            share if share > 0.0 && share < 1.0 => Some(Self::Fraction(share)),
            _ => None,
        };
        match text {
            "sqrt" => Ok(Self::Sqrt),
            "log2" => Ok(Self::Log2),
            "all" => Ok(Self::All),
            _ => count().or_else(share).ok_or(()),
        }
    }
}

impl JsonSchema for MaxFeatures {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MaxFeatures".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "How many features each split looks at: sqrt, log2, all, a count such as 3, or a share such as 0.5.",
            "anyOf": [
                { "type": "string", "enum": ["sqrt", "log2", "all"] },
                { "type": "number", "exclusiveMinimum": 0 }
            ]
        })
    }
}

impl Serialize for MaxFeatures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u32(*count),
            Self::Fraction(share) => serializer.serialize_f64(*share),
            word => serializer.collect_str(word),
        }
    }
}

impl<'de> Deserialize<'de> for MaxFeatures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MaxFeaturesVisitor)
    }
}

/// A word or a number, as people write it in YAML.
struct MaxFeaturesVisitor;

impl Visitor<'_> for MaxFeaturesVisitor {
    type Value = MaxFeatures;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MaxFeatures::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<MaxFeatures, E> {
        text.parse().map_err(|()| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<MaxFeatures, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<MaxFeatures, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<MaxFeatures, E> {
        self.visit_str(&format!("{number:?}"))
    }
}

/// The forest's hyperparameters. Names and meanings are scikit-learn's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
pub struct Hyperparameters {
    /// How many trees.
    #[garde(range(min = 1, max = 100_000))]
    pub n_estimators: u32,
    /// How deep a tree may grow; 0 for no limit.
    #[garde(range(max = 1_000))]
    pub max_depth: u32,
    /// How many rows a node needs to be split.
    #[garde(range(min = 2))]
    pub min_samples_split: u32,
    /// How many rows each side of a split needs.
    #[garde(range(min = 1))]
    pub min_samples_leaf: u32,
    /// How many features each split looks at.
    #[garde(skip)]
    pub max_features: MaxFeatures,
    /// How classes are weighted.
    #[garde(skip)]
    pub class_weight: ClassWeight,
    /// Seeds the forest and the split of the table.
    #[garde(skip)]
    pub random_state: u32,
}

impl Default for Hyperparameters {
    fn default() -> Self {
        Self {
            n_estimators: 200,
            max_depth: 10,
            min_samples_split: 2,
            min_samples_leaf: 1,
            max_features: MaxFeatures::Sqrt,
            class_weight: ClassWeight::Balanced,
            random_state: 42,
        }
    }
}

impl Hyperparameters {
    /// As SageMaker hands them over: every value a string.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        [
            ("n_estimators", self.n_estimators.to_string()),
            ("max_depth", self.max_depth.to_string()),
            ("min_samples_split", self.min_samples_split.to_string()),
            ("min_samples_leaf", self.min_samples_leaf.to_string()),
            ("max_features", self.max_features.to_string()),
            ("class_weight", self.class_weight.to_string()),
            ("random_state", self.random_state.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// From strings; what is not given keeps its default.
    pub fn from_map(map: &BTreeMap<String, String>) -> Result<Parsed<Self>, StepError> {
        let mut settings = Self::default();
        let mut unknown = Vec::new();
        let mut faults = Vec::new();
        for (name, value) in map {
            let mut read = Read { name, value: value.trim(), faults: &mut faults };
            match name.as_str() {
                "n_estimators" => read.number(&mut settings.n_estimators, 1, 100_000),
                "max_depth" if matches!(read.value, "none" | "None" | "null") => {
                    settings.max_depth = 0;
                }
                "max_depth" => read.number(&mut settings.max_depth, 0, 1_000),
                "min_samples_split" => read.number(&mut settings.min_samples_split, 2, u32::MAX),
                "min_samples_leaf" => read.number(&mut settings.min_samples_leaf, 1, u32::MAX),
                "random_state" => read.number(&mut settings.random_state, 0, u32::MAX),
                "max_features" => read.word(&mut settings.max_features, MaxFeatures::EXPECTED),
                "class_weight" => read.word(&mut settings.class_weight, "balanced or none"),
                _ => unknown.push(name.clone()),
            }
        }
        if faults.is_empty() { Ok(Parsed { settings, unknown }) } else { Err(StepError { faults }) }
    }
}

/// One hyperparameter being read.
struct Read<'a> {
    name: &'a str,
    value: &'a str,
    faults: &'a mut Vec<String>,
}

impl Read<'_> {
    fn number<T: FromStr + PartialOrd + fmt::Display>(&mut self, into: &mut T, min: T, max: T) {
        match self.value.parse() {
            Ok(number) if number >= min && number <= max => *into = number,
            _ => self.fault(&format!("a whole number from {min} to {max}")),
        }
    }

    fn word<T: FromStr>(&mut self, into: &mut T, expected: &str) {
        match self.value.parse() {
            Ok(word) => *into = word,
            Err(_) => self.fault(expected),
        }
    }

    fn fault(&mut self, expected: &str) {
        self.faults.push(fault("hyperparameter", self.name, self.value, expected));
    }
}

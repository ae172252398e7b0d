//! The types of hyperparameters.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

use crate::words::words;

/// The value of a hyperparameter. Its variant is the type of the pipeline parameter that sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HyperparameterValue {
    /// A whole number.
    Integer(u32),
    /// Text, for types whose values are not always numbers, or whose numbers must keep their
    /// spelling: `1` is a count and `1.0` a share.
    Text(String),
    /// One of a few words.
    Choice {
        /// The value.
        word: String,
        /// All possible values.
        words: &'static [&'static str],
    },
}

impl fmt::Display for HyperparameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) | Self::Choice { word: text, .. } => f.write_str(text),
        }
    }
}

/// A type that hyperparameters can have.
pub(super) trait HyperparameterType {
    fn to_value(&self) -> HyperparameterValue;
}

impl HyperparameterType for u32 {
    fn to_value(&self) -> HyperparameterValue {
        HyperparameterValue::Integer(*self)
    }
}

impl HyperparameterType for bool {
    fn to_value(&self) -> HyperparameterValue {
        HyperparameterValue::Choice { word: self.to_string(), words: &["true", "false"] }
    }
}

impl HyperparameterType for Criterion {
    fn to_value(&self) -> HyperparameterValue {
        HyperparameterValue::Choice { word: self.to_string(), words: Self::WORDS }
    }
}

impl HyperparameterType for Samples {
    fn to_value(&self) -> HyperparameterValue {
        HyperparameterValue::Text(self.to_string())
    }
}

impl HyperparameterType for MaxFeatures {
    fn to_value(&self) -> HyperparameterValue {
        HyperparameterValue::Text(self.to_string())
    }
}

impl HyperparameterType for ClassWeight {
    fn to_value(&self) -> HyperparameterValue {
        HyperparameterValue::Text(self.to_string())
    }
}

words! {
    /// The impurity that splits reduce. Entropy and log loss are two names of the same criterion.
    Criterion {
        /// The Gini impurity.
        Gini = "gini",
        /// The Shannon entropy.
        Entropy = "entropy",
        /// The Shannon entropy.
        LogLoss = "log_loss",
    }
}

/// A number of rows: a count such as `2`, or a share of the rows such as `0.01`. As in
/// scikit-learn, `1` is one row and `1.0` is all rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Samples {
    /// A count, at least 1.
    Count(#[schemars(range(min = 1))] u32),
    /// A share of the rows, above 0 and at most 1.
    Fraction(#[schemars(range(max = 1), extend("exclusiveMinimum" = 0))] f64),
}

impl Samples {
    /// The expected values, for messages.
    pub const EXPECTED: &'static str =
        "a whole number of rows from 1, or a share of the rows such as 0.01";
}

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            // `{:?}` prints the share 1.0 as `1.0`; `1` is a count.
            Self::Fraction(share) => write!(f, "{share:?}"),
        }
    }
}

impl FromStr for Samples {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let count = || text.parse().ok().filter(|&count| count > 0).map(Self::Count);
        let share = || text.parse().ok().filter(|&s| s > 0.0 && s <= 1.0).map(Self::Fraction);
        count().or_else(share).ok_or(())
    }
}

impl<'de> Deserialize<'de> for Samples {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrWordVisitor(Self::EXPECTED, PhantomData))
    }
}

/// The number of features that each split considers: `sqrt`, `log2`, `all`, a count such as `3`, or
/// a share such as `0.5`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MaxFeatures {
    /// The square root of the number of features.
    Sqrt,
    /// The binary logarithm of the number of features.
    Log2,
    /// All features.
    All,
    /// A count, at least 1.
    #[serde(untagged)]
    Count(#[schemars(range(min = 1))] u32),
    /// A share of the features, above 0 and below 1.
    #[serde(untagged)]
    Fraction(#[schemars(range(max = 1), extend("exclusiveMinimum" = 0))] f64),
}

impl MaxFeatures {
    /// The expected values, for messages.
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
        // As in scikit-learn, 1 is one feature and 1.0 is all features.
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

impl<'de> Deserialize<'de> for MaxFeatures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrWordVisitor(Self::EXPECTED, PhantomData))
    }
}

/// Deserializes a word or a number of YAML. The text is what is expected.
struct NumberOrWordVisitor<T>(&'static str, PhantomData<T>);

impl<T: FromStr> Visitor<'_> for NumberOrWordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&format!("{number:?}"))
    }
}

/// Deserializes a limit that 0 and null switch off. scikit-learn writes `None`, which is null in JSON
/// and in YAML, and a word in the YAML of who is used to Python.
pub(super) fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    deserializer.deserialize_any(LimitVisitor)
}

/// The words of YAML, JSON and Python for nothing.
pub(super) const NOTHING: [&str; 3] = ["none", "None", "null"];

struct LimitVisitor;

impl Visitor<'_> for LimitVisitor {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number from 0, or null for no limit")
    }

    fn visit_unit<E: de::Error>(self) -> Result<u32, E> {
        Ok(0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u32, E> {
        if NOTHING.contains(&text) {
            return Ok(0);
        }
        Err(E::invalid_type(Unexpected::Str(text), &self))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<u32, E> {
        let invalid = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
        u32::try_from(number).map_err(invalid)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<u32, E> {
        let invalid = |_| E::invalid_value(Unexpected::Signed(number), &self);
        u32::try_from(number).map_err(invalid)
    }
}

/// The weights of the classes: `balanced`, `none`, or a weight for each class such as
/// `{negative: 1, positive: 5}`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeight {
    /// Weights inversely proportional to the class frequencies.
    Balanced,
    /// Equal weights.
    None,
    /// A weight for each class.
    #[serde(untagged)]
    Each(Weights),
}

/// The weight of a row of each class, from 1e-9 to 1e9.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// The weight of class 0, no failure.
    #[serde(deserialize_with = "weight")]
    #[schemars(range(min = 1e-9, max = 1e9))]
    pub negative: f64,
    /// The weight of class 1, a failure.
    #[serde(deserialize_with = "weight")]
    #[schemars(range(min = 1e-9, max = 1e9))]
    pub positive: f64,
}

fn weight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let weight = f64::deserialize(deserializer)?;
    if (1e-9..=1e9).contains(&weight) {
        return Ok(weight);
    }
    Err(de::Error::invalid_value(Unexpected::Float(weight), &"a number from 1e-9 to 1e9"))
}

impl ClassWeight {
    /// The expected values, for messages.
    pub const EXPECTED: &'static str =
        r#"balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#;
}

impl fmt::Display for ClassWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Balanced => f.write_str("balanced"),
            Self::None => f.write_str("none"),
            Self::Each(Weights { negative, positive }) => {
                write!(f, r#"{{"negative":{negative},"positive":{positive}}}"#)
            }
        }
    }
}

impl FromStr for ClassWeight {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "balanced" => Ok(Self::Balanced),
            "none" => Ok(Self::None),
            // serde would accept a list as well.
            _ if !text.starts_with('{') => Err(()),
            _ => common::json::from_slice(text.as_bytes()).map(Self::Each).map_err(|_| ()),
        }
    }
}

impl<'de> Deserialize<'de> for ClassWeight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrWeightsVisitor)
    }
}

struct WordOrWeightsVisitor;

impl<'de> Visitor<'de> for WordOrWeightsVisitor {
    type Value = ClassWeight;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ClassWeight::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ClassWeight, E> {
        text.parse().map_err(|()| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<ClassWeight, A::Error> {
        Weights::deserialize(MapAccessDeserializer::new(entries)).map(ClassWeight::Each)
    }
}

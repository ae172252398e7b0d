//! What Train is told: the forest's hyperparameters, named as in scikit-learn.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use garde::Validate;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

use super::{Parsed, StepError, fault, words};
use crate::checks::unless;

/// The metrics that Train logs, one `train_<name>=<value>` line each, and that the definition's
/// MetricDefinitions pick up. Of several hosts each logs those of the trees that it grew.
pub const TRAINING_METRICS: [&str; 6] =
    ["accuracy", "precision", "recall", "f1_score", "roc_auc", "log_loss"];

/// The metric that Train logs in the same way where it is asked for.
pub const OOB_SCORE: &str = "oob_score";

words! {
    /// What a split is to make less of. Entropy and log loss are two names of one thing.
    Criterion {
        /// The Gini impurity.
        Gini = "gini",
        /// The Shannon entropy.
        Entropy = "entropy",
        /// The same.
        LogLoss = "log_loss",
    }
}

/// A number of rows: a count such as `2`, or a share of the rows such as `0.01`. As in
/// scikit-learn, `1` is one row and `1.0` is all of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Samples {
    /// So many.
    Count(#[schemars(range(min = 1))] u32),
    /// Such a share, above 0 and at most 1.
    Fraction(#[schemars(range(max = 1), extend("exclusiveMinimum" = 0))] f64),
}

impl Samples {
    /// What a setting may be, for messages.
    pub const EXPECTED: &'static str =
        "a whole number of rows from 1, or a share of the rows such as 0.01";
}

impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            // 1.0 is not 1
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
        deserializer.deserialize_any(NumberOrWord(Self::EXPECTED, PhantomData))
    }
}

/// How many features each split looks at: `sqrt`, `log2`, `all`, a count such as `3`, or a share
/// such as `0.5`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MaxFeatures {
    /// The square root of the number of features.
    Sqrt,
    /// Its binary logarithm.
    Log2,
    /// All of them.
    All,
    /// So many.
    #[serde(untagged)]
    Count(#[schemars(range(min = 1))] u32),
    /// Such a share of them, above 0 and below 1.
    #[serde(untagged)]
    Fraction(#[schemars(range(max = 1), extend("exclusiveMinimum" = 0))] f64),
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

impl<'de> Deserialize<'de> for MaxFeatures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrWord(Self::EXPECTED, PhantomData))
    }
}

/// A word or a number, as people write it in YAML, and what is expected.
struct NumberOrWord<T>(&'static str, PhantomData<T>);

impl<T: FromStr> Visitor<'_> for NumberOrWord<T> {
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

/// How classes are weighted: `balanced`, `none`, or a weight for each class such as
/// `{negative: 1, positive: 5}`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeight {
    /// Inversely to how often they occur.
    Balanced,
    /// All alike.
    None,
    /// So much each.
    #[serde(untagged)]
    Each(Weights),
}

/// What a row of each class counts for, from 1e-9 to 1e9.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// No failure, class 0.
    #[serde(deserialize_with = "weight")]
    #[schemars(range(min = 1e-9, max = 1e9))]
    pub negative: f64,
    /// Failure, class 1.
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
    /// What a setting may be, for messages.
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
            // a list would do as well otherwise
            _ if !text.starts_with('{') => Err(()),
            _ => serde_json::from_str(text).map(Self::Each).map_err(|_| ()),
        }
    }
}

impl<'de> Deserialize<'de> for ClassWeight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrWeights)
    }
}

struct WordOrWeights;

impl<'de> Visitor<'de> for WordOrWeights {
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
    /// How many rows a node needs to be split: a count from 2, or a share of the rows.
    #[garde(custom(is_divisible))]
    pub min_samples_split: Samples,
    /// How many rows each side of a split needs: a count, or a share of the rows.
    #[garde(skip)]
    pub min_samples_leaf: Samples,
    /// How many features each split looks at.
    #[garde(skip)]
    pub max_features: MaxFeatures,
    /// How classes are weighted.
    #[garde(skip)]
    pub class_weight: ClassWeight,
    /// Seeds the forest and the split of the table.
    #[garde(skip)]
    pub random_state: u32,
    /// What a split is to make less of.
    #[garde(skip)]
    pub criterion: Criterion,
    /// How many leaves a tree has at most, the split that gains most coming first; 0 for no limit.
    #[garde(custom(is_leaves))]
    pub max_leaf_nodes: u32,
    /// How many values of a feature splits tell apart at most, up to 65,536. 0 for all up to
    /// 20,000 rows, where every split is exact, and 256 beyond, which is faster and as good.
    #[garde(custom(is_bins))]
    pub max_bins: u32,
    /// Whether each tree draws its rows with replacement, or takes them all.
    #[garde(skip)]
    pub bootstrap: bool,
    /// How many rows each tree draws: a count, or a share of the rows.
    #[garde(skip)]
    pub max_samples: Samples,
    /// Whether Train also scores each row by the trees that were not grown from it.
    #[garde(custom(is_out_of_bag(&self.bootstrap)))]
    pub oob_score: bool,
    /// Whether Train also tells how much accuracy is lost when a feature is shuffled.
    #[garde(custom(is_out_of_bag(&self.bootstrap)))]
    pub permutation_importances: bool,
}

impl Default for Hyperparameters {
    fn default() -> Self {
        Self {
            n_estimators: 200,
            max_depth: 10,
            min_samples_split: Samples::Count(2),
            min_samples_leaf: Samples::Count(1),
            max_features: MaxFeatures::Sqrt,
            class_weight: ClassWeight::Balanced,
            random_state: 42,
            criterion: Criterion::Gini,
            max_leaf_nodes: 0,
            max_bins: 0,
            bootstrap: true,
            max_samples: Samples::Fraction(1.0),
            oob_score: false,
            permutation_importances: false,
        }
    }
}

const DIVISIBLE: &str = "a whole number of rows from 2, or a share of the rows such as 0.01";
const LEAVES: &str = "0 for no limit, or at least 2";
const BINS: &str = "0, or a whole number from 2 to 65536";

fn is_divisible(rows: &Samples, _: &()) -> garde::Result {
    unless(*rows == Samples::Count(1), DIVISIBLE)
}

fn is_leaves(&leaves: &u32, _: &()) -> garde::Result {
    unless(leaves == 1, LEAVES)
}

fn is_bins(&bins: &u32, _: &()) -> garde::Result {
    unless(bins == 1 || bins > 65_536, BINS)
}

fn is_out_of_bag(bootstrap: &bool) -> impl FnOnce(&bool, &()) -> garde::Result {
    let none = !bootstrap;
    move |&wanted, _| unless(wanted && none, "false, because without bootstrap no row is left out")
}

impl Hyperparameters {
    /// As SageMaker hands them over: every value a string. What scikit-learn's users seldom set is
    /// there only where it is not the default.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        let common = [
            ("n_estimators", self.n_estimators.to_string()),
            ("max_depth", self.max_depth.to_string()),
            ("min_samples_split", self.min_samples_split.to_string()),
            ("min_samples_leaf", self.min_samples_leaf.to_string()),
            ("max_features", self.max_features.to_string()),
            ("class_weight", self.class_weight.to_string()),
            ("random_state", self.random_state.to_string()),
        ];
        let default = Self::default().rare();
        let rare = self.rare().into_iter().zip(default).filter(|(own, default)| own != default);
        let all = common.into_iter().chain(rare.map(|(own, _)| own));
        all.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn rare(&self) -> [(&'static str, String); 7] {
        [
            ("criterion", self.criterion.to_string()),
            ("max_leaf_nodes", self.max_leaf_nodes.to_string()),
            ("max_bins", self.max_bins.to_string()),
            ("bootstrap", self.bootstrap.to_string()),
            ("max_samples", self.max_samples.to_string()),
            ("oob_score", self.oob_score.to_string()),
            ("permutation_importances", self.permutation_importances.to_string()),
        ]
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
                "min_samples_split" => {
                    read.checked(&mut settings.min_samples_split, DIVISIBLE, is_divisible);
                }
                "min_samples_leaf" => {
                    read.word(&mut settings.min_samples_leaf, Samples::EXPECTED);
                }
                "random_state" => read.number(&mut settings.random_state, 0, u32::MAX),
                "max_features" => read.word(&mut settings.max_features, MaxFeatures::EXPECTED),
                "class_weight" => read.word(&mut settings.class_weight, ClassWeight::EXPECTED),
                "criterion" => read.word(&mut settings.criterion, "gini, entropy or log_loss"),
                "max_leaf_nodes" => read.checked(&mut settings.max_leaf_nodes, LEAVES, is_leaves),
                "max_bins" => read.checked(&mut settings.max_bins, BINS, is_bins),
                "bootstrap" => read.switch(&mut settings.bootstrap),
                "max_samples" => read.word(&mut settings.max_samples, Samples::EXPECTED),
                "oob_score" => read.switch(&mut settings.oob_score),
                "permutation_importances" => read.switch(&mut settings.permutation_importances),
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

    fn checked<T: FromStr>(
        &mut self,
        into: &mut T,
        expected: &str,
        check: impl Fn(&T, &()) -> garde::Result,
    ) {
        match self.value.parse() {
            Ok(value) if check(&value, &()).is_ok() => *into = value,
            _ => self.fault(expected),
        }
    }

    /// As YAML, JSON and Python write it.
    fn switch(&mut self, into: &mut bool) {
        match self.value {
            "true" | "True" => *into = true,
            "false" | "False" => *into = false,
            _ => self.fault("true or false"),
        }
    }

    fn fault(&mut self, expected: &str) {
        self.faults.push(fault("hyperparameter", self.name, self.value, expected));
    }
}

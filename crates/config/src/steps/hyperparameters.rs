//! The settings of Train: the forest's hyperparameters, named as in scikit-learn.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::{Parsed, StepError, fault};
use super::hyperparameter_types::{
    ClassWeight, Criterion, HyperparameterType, HyperparameterValue, MaxFeatures, NOTHING, Samples,
    limit,
};
use crate::rules::unless;

/// Declares [`Hyperparameters`], so that a new hyperparameter is one entry: its documentation, its
/// rule in the settings file, its name and type, its default, when it is passed to Train, and how
/// Train parses it.
macro_rules! hyperparameters {
    ($($(#[$meta:meta])* $name:ident: $type:ty = $default:expr, $passed:ident, $parse:expr;)+) => {
        /// The forest's hyperparameters. Names and meanings are scikit-learn's.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
        #[serde(deny_unknown_fields, default)]
        pub struct Hyperparameters { $($(#[$meta])* pub $name: $type),+ }

        impl Default for Hyperparameters {
            fn default() -> Self {
                Self { $($name: $default),+ }
            }
        }

        impl Hyperparameters {
            /// Returns the typed values of the hyperparameters that are passed to Train, by name.
            pub fn values(&self) -> BTreeMap<&'static str, HyperparameterValue> {
                let default = Self::default();
                let mut values = BTreeMap::new();
                $(if Passed::$passed == Passed::Always || self.$name != default.$name {
                    values.insert(stringify!($name), self.$name.to_value());
                })+
                values
            }

            /// Parses and sets the hyperparameter `name`. Returns false if there is none.
            fn set(&mut self, name: &str, text: &str) -> Result<bool, String> {
                $(if name == stringify!($name) {
                    self.$name = ($parse)(text)?;
                    return Ok(true);
                })+
                Ok(false)
            }
        }
    };
}

/// When a hyperparameter is passed to Train.
#[derive(PartialEq)]
enum Passed {
    /// Always: it is a parameter of every pipeline.
    Always,
    /// Only if it differs from its default, because most users never set it.
    IfSet,
}

hyperparameters! {
    /// The number of trees.
    #[garde(range(min = 1, max = 100_000))]
    n_estimators: u32 = 200, Always, whole_number(1, 100_000);
    /// The maximum depth of a tree; 0 or null for no limit.
    #[garde(range(max = 1_000))]
    #[serde(deserialize_with = "limit")]
    #[schemars(with = "Option<u32>", range(max = 1_000))]
    max_depth: u32 = 10, Always, or_nothing(whole_number(0, 1_000));
    /// The minimum number of rows of a node that is split: a count from 2, or a share of the rows.
    #[garde(custom(is_divisible))]
    min_samples_split: Samples = Samples::Count(2), Always, checked(DIVISIBLE, is_divisible);
    /// The minimum number of rows on each side of a split: a count, or a share of the rows.
    #[garde(skip)]
    min_samples_leaf: Samples = Samples::Count(1), Always, word(Samples::EXPECTED);
    /// The number of features that each split considers.
    #[garde(skip)]
    max_features: MaxFeatures = MaxFeatures::Sqrt, Always, word(MaxFeatures::EXPECTED);
    /// The weights of the classes. A tree draws rows of a class in proportion to the weight, as in
    /// scikit-learn since version 1.9; without a bootstrap the weights count in the impurity.
    #[garde(skip)]
    class_weight: ClassWeight = ClassWeight::Balanced, Always, word(ClassWeight::EXPECTED);
    /// The seed of the forest and of the train-test split.
    #[garde(skip)]
    random_state: u32 = 42, Always, whole_number(0, u32::MAX);
    /// The impurity that splits reduce.
    #[garde(skip)]
    criterion: Criterion = Criterion::Gini, IfSet, word("gini, entropy or log_loss");
    /// The maximum number of leaves of a tree, which is grown best-first; 0 or null for no limit.
    #[garde(custom(is_leaves))]
    #[serde(deserialize_with = "limit")]
    #[schemars(with = "Option<u32>")]
    max_leaf_nodes: u32 = 0, IfSet, or_nothing(checked(LEAVES, is_leaves));
    /// The maximum number of bins of a feature, up to 65,536. 0 for exact splits up to 20,000 rows,
    /// and for 256 bins beyond, which are faster and as accurate.
    #[garde(custom(is_bins))]
    max_bins: u32 = 0, IfSet, checked(BINS, is_bins);
    /// Whether each tree is grown from a bootstrap sample of the rows, or from all rows.
    #[garde(skip)]
    bootstrap: bool = true, IfSet, switch;
    /// The size of the bootstrap samples: a count, or a share of the rows.
    #[garde(skip)]
    max_samples: Samples = Samples::Fraction(1.0), IfSet, word(Samples::EXPECTED);
    /// Whether Train also computes the out-of-bag score.
    #[garde(skip)] // see checks::faults
    oob_score: bool = false, IfSet, switch;
    /// Whether Train also computes permutation importances: the decrease of the out-of-bag accuracy
    /// when a feature is permuted.
    #[garde(skip)] // see checks::faults
    permutation_importances: bool = false, IfSet, switch;
}

impl Hyperparameters {
    /// Returns the hyperparameters as SageMaker passes them to Train: every value as a string.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        let values = self.values().into_iter();
        values.map(|(name, value)| (name.to_owned(), value.to_string())).collect()
    }

    /// Parses the strings that SageMaker passes to Train. Hyperparameters that are not in the map
    /// keep their default.
    ///
    /// # Errors
    /// All invalid values.
    pub fn from_map(map: &BTreeMap<String, String>) -> Result<Parsed<Self>, StepError> {
        let mut settings = Self::default();
        let mut unknown = Vec::new();
        let mut faults = Vec::new();
        for (name, value) in map {
            let value = value.trim();
            match settings.set(name, value) {
                Ok(true) => {}
                Ok(false) => unknown.push(name.clone()),
                Err(expected) => faults.push(fault("hyperparameter", name, value, &expected)),
            }
        }
        if faults.is_empty() { Ok(Parsed { settings, unknown }) } else { Err(StepError { faults }) }
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

// The parsers of hyperparameters. Their error is what was expected.

fn whole_number<T: FromStr + PartialOrd + Display>(
    min: T,
    max: T,
) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        let number = text.parse().ok().filter(|number| (&min..=&max).contains(&number));
        number.ok_or_else(|| format!("a whole number from {min} to {max}"))
    }
}

/// Parses as `parse` does; a word of YAML, JSON or Python for nothing is 0, no limit.
fn or_nothing(parse: impl Fn(&str) -> Result<u32, String>) -> impl Fn(&str) -> Result<u32, String> {
    move |text| if NOTHING.contains(&text) { Ok(0) } else { parse(text) }
}

fn word<T: FromStr>(expected: &str) -> impl Fn(&str) -> Result<T, String> {
    move |text| text.parse().map_err(|_| expected.to_owned())
}

fn checked<T: FromStr>(
    expected: &str,
    check: impl Fn(&T, &()) -> garde::Result,
) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        let value = text.parse().ok().filter(|value| check(value, &()).is_ok());
        value.ok_or_else(|| expected.to_owned())
    }
}

/// Parses a boolean as YAML, JSON and Python write it.
fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" | "True" => Ok(true),
        "false" | "False" => Ok(false),
        _ => Err("true or false".to_owned()),
    }
}

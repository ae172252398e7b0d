//! The ranges that a rule beside the field cannot say: what hangs on several values, and what
//! stands under a key of its own.

use indexmap::IndexMap;
use serde_yaml::Value;

use crate::Metric;
use crate::settings::{ColumnSettings, PerStep, Settings};

type Check = garde::Result;

pub(crate) fn unless(wrong: bool, expected: &str) -> Check {
    if wrong { Err(garde::Error::new(format!("expected {expected}"))) } else { Ok(()) }
}

pub(crate) fn is_share(&share: &f64, _: &()) -> Check {
    unless(!(share > 0.0 && share < 1.0), "a number between 0 and 1, both excluded")
}

pub(crate) fn is_finite(number: &f64, _: &()) -> Check {
    unless(number.is_nan(), "a number")
}

pub(crate) fn is_filled(name: &str, _: &()) -> Check {
    unless(name.trim().is_empty(), "a column's name")
}

pub(crate) fn is_key(key: &str, _: &()) -> Check {
    let plain = |c: char| c.is_ascii_alphanumeric() || "!_.*'()/=-".contains(c);
    let wrong =
        key.is_empty() || key.starts_with('/') || key.contains("//") || !key.chars().all(plain);
    let climbs = key.split('/').any(|part| part == "." || part == "..");
    unless(
        wrong || climbs || key.len() > 512,
        "a key or prefix such as raw/table.csv, without s3:// or the bucket",
    )
}

pub(crate) fn is_repository(name: &str, _: &()) -> Check {
    let word = |w: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        w.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && w.chars().all(inner)
    };
    let right = name.len() >= 2 && name.len() <= 256 && name.split('/').all(word);
    unless(!right, "an ECR repository such as machine-downtime/train")
}

/// A value that is wrong, and what was expected.
pub(crate) struct Fault {
    pub(crate) path: String,
    pub(crate) value: Option<Value>,
    pub(crate) expected: String,
}

/// What is wrong below the keys of the file's maps.
pub(crate) fn entries(settings: &Settings) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    let types = &settings.instance_types;
    let expected_type = "an instance type such as ml.m5.large";
    faults.each("instance_types", types, |name| is_instance_type(name), expected_type);
    let counts = &settings.instance_counts;
    for (job, count) in [("processing", counts.processing), ("evaluation", counts.evaluation)] {
        faults.unless(count == 1, &format!("instance_counts.{job}"), count, ONE_INSTANCE);
    }
    if let Err(expected) =
        training_instances(counts.training, settings.hyperparameters.n_estimators)
    {
        faults.push("instance_counts.training", Some(counts.training.into()), &expected);
    }
    faults.each(
        "volume_sizes",
        &settings.volume_sizes,
        |size| (1..=16_384).contains(size),
        "1 to 16384 GB",
    );
    faults.each(
        "runtime_limits",
        &settings.runtime_limits,
        |seconds| (1..=432_000).contains(seconds),
        "1 to 432000 seconds, which are five days",
    );
    faults.columns(&settings.preprocessing.columns);
    faults.features(&settings.preprocessing.engineered_features);
    faults.gates(&settings.quality_gates);
    faults.tags(&settings.tags);
    for (kind, &price) in &settings.prices.per_hour {
        let path = format!("prices.per_hour.{kind}");
        faults.unless(is_instance_type(kind), &path, kind.as_str(), expected_type);
        faults.unless(price >= 0.0 && price.is_finite(), &path, price, "what an hour costs");
    }
    faults.0
}

/// How many instances preprocess and evaluate.
pub const ONE_INSTANCE: &str = "1, because the step works on the whole table at once";

/// Whether so many instances can train a forest of `n_estimators` trees, each at least one of them.
///
/// # Errors
/// What was expected.
pub fn training_instances(count: u32, n_estimators: u32) -> Result<(), String> {
    // forests without trees have a message of their own
    if (1..=n_estimators.clamp(1, 100)).contains(&count) {
        return Ok(());
    }
    Err(format!("1 to 100, and no more than the {n_estimators} trees of n_estimators"))
}

struct Faults(Vec<Fault>);

impl Faults {
    fn unless(&mut self, right: bool, path: &str, value: impl Into<Value>, expected: &str) {
        if !right {
            self.push(path, Some(value.into()), expected);
        }
    }

    fn push(&mut self, path: &str, value: Option<Value>, expected: &str) {
        self.0.push(Fault { path: path.to_owned(), value, expected: expected.to_owned() });
    }

    fn each<T: Clone + Into<Value>>(
        &mut self,
        name: &str,
        values: &PerStep<T>,
        right: impl Fn(&T) -> bool,
        expected: &str,
    ) {
        for (step, value) in [
            ("processing", &values.processing),
            ("training", &values.training),
            ("evaluation", &values.evaluation),
        ] {
            self.unless(right(value), &format!("{name}.{step}"), value.clone(), expected);
        }
    }

    fn columns(&mut self, columns: &IndexMap<String, ColumnSettings>) {
        const PATH: &str = "preprocessing.columns";
        self.unless(!columns.is_empty(), PATH, Value::Null, "at least one column");
        for (name, column) in columns {
            let path = format!("{PATH}.{name}");
            self.unless(is_column_name(name), &path, name.as_str(), COLUMN_NAME);
            // These travel in an argument `Name(unit)=Spelling|Spelling`.
            let plain = |text: &str| !text.is_empty() && !text.contains(['(', ')', '=', '|']);
            if let Some(unit) = &column.unit {
                let expected = "a unit without (, ), = and |";
                self.unless(plain(unit), &format!("{path}.unit"), unit.as_str(), expected);
            }
            for (index, spelling) in column.spellings.iter().enumerate() {
                let path = format!("{path}.spellings[{index}]");
                let expected = "a column's name without its unit, without (, ), = and |";
                self.unless(plain(spelling), &path, spelling.as_str(), expected);
            }
        }
    }

    fn features(&mut self, features: &IndexMap<String, String>) {
        for (name, expression) in features {
            let path = format!("preprocessing.engineered_features.{name}");
            self.unless(is_column_name(name), &path, name.as_str(), COLUMN_NAME);
            let filled = !expression.trim().is_empty();
            self.unless(filled, &path, "", "an expression such as A - median(A)");
        }
    }

    fn gates(&mut self, gates: &IndexMap<Metric, f64>) {
        self.unless(!gates.is_empty(), "quality_gates", Value::Null, "at least one gate");
        for (metric, &minimum) in gates {
            let path = format!("quality_gates.{metric}");
            let right = (0.0..=1.0).contains(&minimum);
            self.unless(right, &path, minimum, "a number from 0 to 1");
        }
    }

    fn tags(&mut self, tags: &IndexMap<String, String>) {
        if tags.len() > 50 {
            self.push("tags", None, "at most 50 tags");
        }
        for (key, value) in tags {
            let path = format!("tags.{key}");
            let right = (1..=128).contains(&key.chars().count()) && !key.starts_with("aws:");
            let expected = "a key of 1 to 128 characters that does not begin with aws:";
            self.unless(right, &path, key.as_str(), expected);
            let right = value.chars().count() <= 256;
            self.unless(right, &path, value.as_str(), "at most 256 characters");
        }
    }
}

fn is_instance_type(name: &str) -> bool {
    let parts: Vec<_> = name.split('.').collect();
    matches!(parts[..], ["ml", family, size] if !family.is_empty() && !size.is_empty())
}

const COLUMN_NAME: &str = "at most 100 letters, digits and _, no digit first";

fn is_column_name(name: &str) -> bool {
    let letter = |c: char| c.is_alphabetic() || c == '_';
    name.starts_with(letter)
        && name.chars().all(|c| letter(c) || c.is_numeric())
        && name.chars().count() <= 100
}

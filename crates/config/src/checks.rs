//! The rules that an attribute of a field cannot express: those over several settings, and those
//! over the keys and values of maps.

use indexmap::IndexMap;
use serde_yaml::Value;

use crate::endpoint_checks;
use crate::fault::Fault;
use crate::job_kind::{JobKind, PerJobKind};
use crate::metric::Metric;
use crate::partition::partition;
use crate::prefixes;
use crate::rules::{
    COLUMN_NAME, INSTANCE_TYPE, ONE_INSTANCE, TAG, is_column_name, is_instance_type,
    is_tag_character, training_instances,
};
use crate::settings::{Aws, ColumnSettings, Columns, Preprocessing, Settings};
use crate::steps::{ColumnKind, Duplicates, Hyperparameters, MissingValues, Split};

/// The most columns and engineered features. Preprocess writes them and the label as a table, and
/// `dataset` reads tables of at most 16,384 fields.
const MAX_FEATURES: usize = 16_383;

/// The most tags of the settings. A resource has at most 50.
const MAX_TAGS: usize = 48;

/// Returns the faults of the settings that garde does not check.
pub(crate) fn faults(settings: &Settings) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    let types = &settings.instance_types;
    faults.each("instance_types", types, |name| is_instance_type(name), INSTANCE_TYPE);
    for (kind, &count) in settings.instance_counts.iter() {
        let checked = match kind {
            JobKind::Training => training_instances(count, settings.hyperparameters.n_estimators),
            JobKind::Processing | JobKind::Evaluation if count == 1 => Ok(()),
            JobKind::Processing | JobKind::Evaluation => Err(ONE_INSTANCE.to_owned()),
        };
        if let Err(expected) = checked {
            let path = format!("instance_counts.{}", kind.name());
            faults.push(&path, Some(count.into()), &expected);
        }
    }
    faults.out_of_bag(&settings.hyperparameters);
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
    match &settings.preprocessing.columns {
        Columns::All(_) => faults.except(&settings.preprocessing.except),
        Columns::Named(columns) => {
            faults.columns(columns);
            faults.kinds(columns, settings.preprocessing.missing_values);
            let except = &settings.preprocessing.except;
            let first = except.first().map_or("", String::as_str);
            let expected = "no such list, unless columns: all is beside it";
            faults.unless(except.is_empty(), "preprocessing.except", first, expected);
        }
    }
    faults.split(&settings.preprocessing.split);
    faults.duplicates(&settings.preprocessing.duplicates);
    faults.features(&settings.preprocessing.engineered_features);
    faults.fields(&settings.preprocessing);
    faults.gates(&settings.quality_gates);
    faults.tags(&settings.tags);
    if let Some(schedule) = &settings.schedule {
        let starts = schedule.at.is_some() || schedule.on_new_objects;
        let expected = "at, with times, or on_new_objects: true, or no such key";
        faults.unless(starts, "schedule", Value::Null, expected);
    }
    for (kind, &price) in &settings.prices.per_hour {
        let path = format!("prices.per_hour.{kind}");
        faults.unless(is_instance_type(kind), &path, kind.as_str(), INSTANCE_TYPE);
        faults.unless(price >= 0.0 && price.is_finite(), &path, price, "what an hour costs");
    }
    faults.of_region(&settings.aws);
    faults.0.extend(prefixes::faults(settings));
    faults.0.extend(endpoint_checks::faults(settings));
    faults.0
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
        values: &PerJobKind<T>,
        right: impl Fn(&T) -> bool,
        expected: &str,
    ) {
        for (kind, value) in values.iter() {
            let path = format!("{name}.{}", kind.name());
            self.unless(right(value), &path, value.clone(), expected);
        }
    }

    /// Refuses a role of another partition than the region's, and keys that are not of the region.
    fn of_region(&mut self, aws: &Aws) {
        let Aws { region, role_arn, kms, .. } = aws;
        let partition = partition(region);
        // What is no ARN at all is reported by the rule of the field.
        let of_partition =
            role_arn.starts_with(&format!("arn:{partition}:")) || !role_arn.starts_with("arn:aws");
        let expected = format!("a role of the partition {partition}, as the region {region} is");
        self.unless(of_partition, "aws.role_arn", role_arn.as_str(), &expected);
        let keys = [("volume_key", &kms.volume_key), ("output_key", &kms.output_key)];
        for (name, key) in keys {
            // An id or an alias is of the region.
            let Some(key) = key.as_deref().filter(|key| key.starts_with("arn:")) else { continue };
            let start = format!("arn:{partition}:kms:{region}:");
            let expected =
                format!("a key of the region: {start}ACCOUNT:key/ID, or its id or alias");
            self.unless(key.starts_with(&start), &format!("aws.kms.{name}"), key, &expected);
        }
    }

    fn out_of_bag(&mut self, hyperparameters: &Hyperparameters) {
        let Hyperparameters { bootstrap, oob_score, permutation_importances, .. } = hyperparameters;
        for (name, wanted) in
            [("oob_score", oob_score), ("permutation_importances", permutation_importances)]
        {
            let path = format!("hyperparameters.{name}");
            let expected = "false, because without bootstrap no row is left out";
            self.unless(*bootstrap || !wanted, &path, *wanted, expected);
        }
    }

    fn columns(&mut self, columns: &IndexMap<String, ColumnSettings>) {
        const PATH: &str = "preprocessing.columns";
        self.unless(!columns.is_empty(), PATH, Value::Null, "at least one column");
        for (name, column) in columns {
            let path = format!("{PATH}.{name}");
            self.unless(is_column_name(name), &path, name.as_str(), COLUMN_NAME);
            // In a header, parentheses begin and end the unit.
            let plain = |text: &str| !text.is_empty() && !text.contains(['(', ')']);
            if let Some(unit) = &column.unit {
                let expected = "a unit without ( and )";
                self.unless(plain(unit), &format!("{path}.unit"), unit.as_str(), expected);
            }
            for (index, spelling) in column.spellings.iter().enumerate() {
                let path = format!("{path}.spellings[{index}]");
                self.unless(
                    !spelling.trim().is_empty(),
                    &path,
                    spelling.as_str(),
                    "a column's name",
                );
            }
        }
    }

    fn except(&mut self, except: &[String]) {
        for (index, name) in except.iter().enumerate() {
            let path = format!("preprocessing.except[{index}]");
            self.unless(!name.trim().is_empty(), &path, name.as_str(), "a column's name");
        }
    }

    fn kinds(&mut self, columns: &IndexMap<String, ColumnSettings>, missing_values: MissingValues) {
        for (name, column) in columns {
            let path = |key: &str| format!("preprocessing.columns.{name}.{key}");
            if let Some(unit) = column.unit.as_deref().filter(|_| !column.kind.is_number()) {
                let expected = "no unit, because the column holds no numbers";
                self.push(&path("unit"), Some(unit.into()), expected);
            }
            if !column.order.is_empty() && column.kind != ColumnKind::Category {
                self.push(&path("order"), None, "kind: category beside it");
            }
            let indicates = column.missing_indicator;
            if indicates && missing_values == MissingValues::Drop {
                let expected = "false, because rows with a missing value are dropped \
                                (missing_values: median keeps them)";
                self.push(&path("missing_indicator"), Some(true.into()), expected);
            }
        }
    }

    fn split(&mut self, split: &Split) {
        let (key, column) = match split {
            Split::Random => return,
            Split::Time(column) => ("time", column),
            Split::ByMachine(column) => ("by_machine", column),
        };
        let path = format!("preprocessing.split.{key}");
        self.unless(!column.trim().is_empty(), &path, column.as_str(), "a column's name");
    }

    fn duplicates(&mut self, duplicates: &Duplicates) {
        if let Duplicates::By(columns) = duplicates {
            let named = columns.iter().all(|name| !name.trim().is_empty());
            let expected = "drop, keep, or by: with at least one column";
            self.unless(
                !columns.is_empty() && named,
                "preprocessing.duplicates.by",
                Value::Null,
                expected,
            );
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

    fn fields(&mut self, preprocessing: &Preprocessing) {
        let Preprocessing { columns, engineered_features, .. } = preprocessing;
        let columns = columns.named().map_or(0, IndexMap::len);
        if columns + engineered_features.len() > MAX_FEATURES {
            let expected = format!(
                "at most {MAX_FEATURES} columns and engineered features together, there are {columns} and {}",
                engineered_features.len()
            );
            self.push("preprocessing.columns", None, &expected);
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
        if tags.len() > MAX_TAGS {
            let expected =
                format!("at most {MAX_TAGS} tags, beside which the program has two of its own");
            self.push("tags", None, &expected);
        }
        for (key, value) in tags {
            let path = format!("tags.{key}");
            let reserved = key.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("aws:"));
            let right = (1..=128).contains(&key.chars().count()) && !reserved;
            let expected = "a key of 1 to 128 characters that does not begin with aws: in any case";
            self.unless(right, &path, key.as_str(), expected);
            let own = ["deployed-to", "previous-config"].contains(&key.as_str());
            self.unless(!own, &path, key.as_str(), "a key that the program does not use itself");
            let right = value.chars().count() <= 256;
            self.unless(right, &path, value.as_str(), "at most 256 characters");
            for text in [key, value] {
                self.unless(text.chars().all(is_tag_character), &path, text.as_str(), TAG);
            }
        }
    }
}

//! Reads checked [`Settings`] from YAML and reports all violations at once.
//!
//! serde stops at the first fault. To find all faults, a value that does not fit is reported,
//! replaced by its default, and the tree is deserialized again. The ranges are checked once
//! deserialization succeeds.

use std::collections::BTreeMap;

use garde::Validate;
use serde::Deserialize;
use serde_yaml::Value;

use crate::checks;
use crate::error::ConfigError;
use crate::layers::{Layer, Layers};
use crate::limits;
use crate::message::{expected, found, one_of, rule, unknown};
use crate::settings::Settings;
use crate::tree::{Key, dotted, get, keys, parse, put, scalar};
use crate::variables::{Variables, expand};

/// The maximum number of reported faults. A file with more is not a settings file.
const MAX_FAULTS: usize = 100;
/// The maximum number of values that are reinterpreted. Each one costs a deserialization of the
/// whole tree, as each fault does.
const MAX_REINTERPRETED: usize = 1000;
/// The number of keys, values and items that may be deserialized for faults, and as many again for values that
/// are reinterpreted: about a second's work. A tree of 20,000 of them, which are 1,600 columns, has all faults.
const MAX_DESERIALIZED: usize = 20_000_000;

impl Settings {
    /// Reads the settings from the text of `file`. `${VAR}` and `${VAR:-default}` are looked up in
    /// `environment`.
    ///
    /// # Errors
    /// All violations of the file.
    pub fn from_yaml(
        file: &str,
        text: &str,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let variables = Variables { environment: &environment, otherwise: &|_| None };
        Self::from_layers(&[Layer { file, text }], variables, |_| Vec::new())
    }

    /// Reads the settings from one file or several, of which a later one overrides an earlier one: a
    /// mapping is merged key by key, any other value replaces the earlier one. `check` adds checks of the
    /// caller's: it returns paths and messages, for example of an expression that names an unknown column.
    /// It is called even if there are other faults, with defaults in place of the values that do not fit,
    /// so that all violations are reported at once.
    ///
    /// # Errors
    /// All violations of the files, including those of `check`.
    pub fn from_layers(
        layers: &[Layer<'_>],
        variables: Variables<'_>,
        check: impl Fn(&Self) -> Vec<(String, String)>,
    ) -> Result<Self, ConfigError> {
        let layers = Layers::parse(layers)?;
        let mut tree = layers.tree.clone();
        let mut loader = Loader { faults: Vec::new(), variables: BTreeMap::new() };
        loader.substitute(&mut tree, "", variables);
        let settings = loader.read(tree);
        if let Some(settings) = &settings {
            loader.check(settings);
            for (path, message) in check(settings) {
                if !loader.reported(&path) {
                    loader.fault(&path, message);
                }
            }
        }
        match settings {
            Some(settings) if loader.faults.is_empty() && !layers.repeat_keys() => Ok(settings),
            _ => Err(ConfigError { violations: layers.violations(loader.faults) }),
        }
    }
}

/// Deserializes a tree and collects its faults.
struct Loader {
    /// Paths and messages.
    faults: Vec<(String, String)>,
    /// The original texts that contain variables, by path. Their values may be numbers.
    variables: BTreeMap<String, String>,
}

impl Loader {
    fn fault(&mut self, path: &str, message: impl Into<String>) {
        self.faults.push((path.to_owned(), message.into()));
    }

    fn substitute(&mut self, value: &mut Value, path: &str, variables: Variables<'_>) {
        match value {
            Value::String(text) if text.contains("${") => {
                self.variables.insert(path.to_owned(), text.clone());
                match expand(text, variables) {
                    Ok(expanded) => *text = expanded,
                    Err(message) => self.fault(path, message),
                }
            }
            Value::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.substitute(item, &format!("{path}[{index}]"), variables);
                }
            }
            Value::Mapping(entries) => {
                for (key, entry) in entries.iter_mut() {
                    let key = key.as_str().unwrap_or_default();
                    let below =
                        if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                    self.substitute(entry, &below, variables);
                }
            }
            _ => {}
        }
    }

    fn read(&mut self, mut tree: Value) -> Option<Settings> {
        let defaults = default_tree();
        // The original values that were reinterpreted, with the messages about them, by path.
        let mut reinterpreted: BTreeMap<String, (Value, String)> = BTreeMap::new();
        let affordable = MAX_DESERIALIZED / nodes(&tree);
        let most_faults = affordable.clamp(10, MAX_FAULTS);
        let most_reinterpreted = affordable.clamp(10, MAX_REINTERPRETED);
        while self.faults.len() < most_faults {
            let error = match serde_path_to_error::deserialize::<_, Settings>(tree.clone()) {
                Ok(settings) => return Some(settings),
                Err(error) => error,
            };
            let mut at = keys(error.path());
            let mut message = error.inner().to_string();
            if let Some((field, _)) = unknown(&message, "missing field `") {
                at.push(Key::Name(field.to_owned()));
                self.fault(&dotted(&at), "missing, and there is no default");
                if !substitute_default(&mut tree, &at, &defaults) {
                    return None;
                }
                continue;
            }
            let path = dotted(&at);
            // serde_yaml starts the message with the path, which the violation states already.
            if let Some(rest) = message.strip_prefix(&format!("{path}: ")) {
                message = rest.to_owned();
            }
            let mut value = get(&tree, &at).cloned();
            match reinterpreted.get(&path) {
                // The message about the reinterpreted value is better only if its type is right.
                Some((before, first_message)) => {
                    value = Some(before.clone());
                    if message.starts_with("invalid type") {
                        message.clone_from(first_message);
                    }
                }
                None if reinterpreted.len() < most_reinterpreted => {
                    let variable = self.variables.contains_key(&path);
                    let other = value.as_ref().and_then(|v| reinterpret(v, variable, &message));
                    if let (Some(before), Some(other)) = (&value, other) {
                        reinterpreted.insert(path, (before.clone(), message));
                        put(&mut tree, &at, Some(other));
                        continue;
                    }
                }
                None => {}
            }
            self.report(&mut at, value.as_ref(), &message);
            if !substitute_default(&mut tree, &at, &defaults) {
                return None;
            }
        }
        None
    }

    /// Reports a value or a key that does not fit. If it is a key, `at` is extended by it.
    fn report(&mut self, at: &mut Vec<Key>, value: Option<&Value>, message: &str) {
        if let Some((word, known)) = unknown(message, "unknown field `") {
            let message = format!("unknown key, expected {}", one_of(word, &known));
            return self.fault(&dotted(at), message);
        }
        if let Some((word, known)) = unknown(message, "unknown variant `") {
            // The word is a key, such as a metric. The path may or may not end in it already.
            let at_key = at.last() == Some(&Key::Name(word.to_owned()));
            let below = value.is_some_and(|value| value.get(word).is_some());
            if below || (at_key && value.and_then(Value::as_str) != Some(word)) {
                if below {
                    at.push(Key::Name(word.to_owned()));
                }
                let message = format!("unknown key, expected {}", one_of(word, &known));
                return self.fault(&dotted(at), message);
            }
            return self.refuse(&dotted(at), value, &one_of(word, &known));
        }
        match expected(message) {
            Some(expected) => self.refuse(&dotted(at), value, &expected),
            None => self.fault(&dotted(at), message),
        }
    }

    /// Reports the value at `path`, unless a fault has been reported there.
    fn refuse(&mut self, path: &str, value: Option<&Value>, expected: &str) {
        // A variable that is not set has been reported already.
        if !self.reported(path) {
            let origin = self.variables.get(path).map(String::as_str);
            let message = found(value, origin, expected);
            self.fault(path, message);
        }
    }

    fn reported(&self, path: &str) -> bool {
        self.faults.iter().any(|(known, _)| known == path)
    }

    /// Checks the ranges of settings that could be deserialized.
    fn check(&mut self, settings: &Settings) {
        let tree = serde_yaml::to_value(settings).unwrap_or_default();
        if let Err(report) = settings.validate() {
            for (path, error) in report.iter() {
                let path = path.to_string();
                if !self.reported(&path) {
                    let origin = self.variables.get(&path).map(String::as_str);
                    let message = rule(error.message(), get(&tree, &parse(&path)), origin);
                    self.fault(&path, message);
                }
            }
        }
        for fault in checks::faults(settings) {
            // A map that is empty because its entries were refused is not a second fault.
            let below = format!("{}.", fault.path);
            if self.faults.iter().any(|(known, _)| known.starts_with(&below)) {
                continue;
            }
            self.refuse(&fault.path, fault.value.as_ref(), &fault.expected);
        }
    }
}

/// Replaces the value at `at` by one that fits, so that the rest can be read: the default at that
/// path, the default of the list's first entry, or the default of an enclosing value. Returns false
/// if there is none.
fn substitute_default(tree: &mut Value, at: &[Key], defaults: &Value) -> bool {
    let mut at = at;
    loop {
        if let Some(default) = get(defaults, at) {
            return put(tree, at, Some(default.clone()));
        }
        let Some((last, above)) = at.split_last() else { return false };
        let entry = match last {
            // Removing an entry would change the indices of those after it.
            Key::Index(_) => get(defaults, above)
                .and_then(|list| list.get(0))
                .cloned()
                .or_else(|| Some(Value::String(PLACEHOLDER.to_owned()))),
            Key::Name(_) => None,
        };
        let is_placeholder = get(tree, at).and_then(Value::as_str) == Some(PLACEHOLDER);
        if put(tree, at, entry.filter(|_| !is_placeholder)) {
            return true;
        }
        at = above;
    }
}

/// Returns the number of keys, values and items of a tree, itself included.
fn nodes(tree: &Value) -> usize {
    match tree {
        Value::Sequence(items) => 1 + items.iter().map(nodes).sum::<usize>(),
        Value::Mapping(entries) => {
            1 + entries.values().map(|value| 1 + nodes(value)).sum::<usize>()
        }
        _ => 1,
    }
}

/// An entry that fits every list of texts without a default.
const PLACEHOLDER: &str = "placeholder";

/// Returns the value as another type: a plain `123` as text if text is expected, or the text of a
/// variable as a number.
fn reinterpret(value: &Value, variable: bool, message: &str) -> Option<Value> {
    match value {
        Value::Number(_) | Value::Bool(_) if message.ends_with("expected a string") => {
            scalar(value).map(Value::String)
        }
        Value::String(text) if variable => {
            limits::parse("", text).ok().filter(|other: &Value| !other.is_string())
        }
        _ => None,
    }
}

/// Returns the default settings as a tree, with placeholders for those that have no default.
fn default_tree() -> Value {
    let text = "s3_paths: {bucket: bucket}\n\
                aws: {account_id: '000000000000', role_arn: 'arn:aws:iam::000000000000:role/none',\n\
                \x20 vpc: {security_group_ids: [sg-0], subnets: [subnet-0]}}\n\
                notifications: {email: name@example.com}\n\
                hyperparameters: {class_weight: {negative: 1, positive: 1}}\n";
    serde_yaml::from_str::<Value>(text)
        .ok()
        .and_then(|tree| Settings::deserialize(tree).ok())
        .and_then(|settings| serde_yaml::to_value(settings).ok())
        .unwrap_or_default()
}

//! From YAML text to checked [`Settings`], with every violation at once.
//!
//! serde stops at the first fault. To find them all, a value that does not fit is noted, replaced
//! by its default and the tree read again; the ranges are checked once it reads.

use std::collections::BTreeMap;
use std::fmt;

use garde::Validate;
use serde::Deserialize;
use serde_yaml::{Mapping, Value};

use crate::location::Locations;
use crate::message::{expected, found, one_of, rule, unknown};
use crate::tree::{Key, Lenient, dotted, get, keys, parse, put, scalar};
use crate::{Settings, checks};

/// One thing that is wrong with the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// Such as `hyperparameters.n_estimators`; empty for the file itself.
    pub path: String,
    /// The value found and what was expected.
    pub message: String,
}

/// The file cannot be used. Every violation is listed, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file's name, as given.
    pub file: String,
    /// At least one.
    pub violations: Vec<Violation>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.violations.iter().enumerate() {
            let Violation { line, column, path, message } = violation;
            let separator = if index == 0 { "" } else { "\n" };
            let colon = if path.is_empty() { "" } else { ": " };
            write!(f, "{separator}{}:{line}:{column}: {path}{colon}{message}", self.file)?;
        }
        Ok(())
    }
}

/// How many faults are listed; more than this are a different file altogether.
const MOST_FAULTS: usize = 100;
/// How many values may be read as something else, each at the price of reading the whole tree.
const MOST_REREAD: usize = 1000;

impl Settings {
    /// Reads the settings from the text of `file`; `${VAR}` and `${VAR:-default}` are looked up in
    /// `environment`.
    pub fn from_yaml(
        file: &str,
        text: &str,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        Self::from_yaml_checked(file, text, environment, |_| Vec::new())
    }

    /// As [`Settings::from_yaml`], with what somebody else has to say against the settings, as
    /// paths and messages: an expression that names an unknown column, say. It is asked even where
    /// there are other faults, with values that fit in their place, so that all are told at once.
    pub fn from_yaml_checked(
        file: &str,
        text: &str,
        environment: impl Fn(&str) -> Option<String>,
        more: impl Fn(&Self) -> Vec<(String, String)>,
    ) -> Result<Self, ConfigError> {
        let Lenient(mut tree) =
            serde_yaml::from_str(text).map_err(|error| not_yaml(file, text, &error))?;
        let places = Locations::of(text);
        let mut load = Load { found: Vec::new(), variables: BTreeMap::new() };
        load.substitute(&mut tree, "", &environment);
        let settings = load.read(tree);
        if let Some(settings) = &settings {
            load.check(settings);
            for (path, message) in more(settings) {
                if !load.reported(&path) {
                    load.fault(&path, message);
                }
            }
        }
        match settings {
            Some(settings) if load.found.is_empty() && places.repeated.is_empty() => Ok(settings),
            _ => {
                let violations = place(load.found, &places);
                Err(ConfigError { file: file.to_owned(), violations })
            }
        }
    }
}

pub(crate) fn not_yaml(file: &str, text: &str, error: &serde_yaml::Error) -> ConfigError {
    let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
    // the place is said once, in front
    let mut message = error.to_string().replace(&format!(" at line {line} column {column}"), "");
    let blanks = |line: &str| line.len() - line.trim_start().len();
    if text.lines().nth(line.saturating_sub(1)).is_some_and(|l| l[..blanks(l)].contains('\t')) {
        message.push_str("; YAML is indented by blanks, not by tabs");
    }
    let violation = Violation { line, column, path: String::new(), message };
    ConfigError { file: file.to_owned(), violations: vec![violation] }
}

fn place(found: Vec<(String, String)>, places: &Locations) -> Vec<Violation> {
    let found = found.into_iter().map(|(path, message)| (places.find(&path), path, message));
    let repeated = places.repeated.iter().map(|(path, place, first)| {
        (*place, path.clone(), format!("the same key again, first in line {first}"))
    });
    let mut violations: Vec<_> = found
        .chain(repeated)
        .map(|((line, column), path, message)| Violation { line, column, path, message })
        .collect();
    violations.sort();
    violations.dedup();
    violations
}

struct Load {
    found: Vec<(String, String)>,
    /// The text as written where variables stand in it, by path: what becomes of it may be a
    /// number.
    variables: BTreeMap<String, String>,
}

impl Load {
    fn fault(&mut self, path: &str, message: impl Into<String>) {
        self.found.push((path.to_owned(), message.into()));
    }

    fn substitute(
        &mut self,
        value: &mut Value,
        path: &str,
        environment: &impl Fn(&str) -> Option<String>,
    ) {
        match value {
            Value::String(text) if text.contains("${") => {
                self.variables.insert(path.to_owned(), text.clone());
                match expand(text, environment) {
                    Ok(expanded) => *text = expanded,
                    Err(message) => self.fault(path, message),
                }
            }
            Value::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.substitute(item, &format!("{path}[{index}]"), environment);
                }
            }
            Value::Mapping(entries) => {
                for (key, entry) in entries.iter_mut() {
                    let key = key.as_str().unwrap_or_default();
                    let below =
                        if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                    self.substitute(entry, &below, environment);
                }
            }
            _ => {}
        }
    }

    fn read(&mut self, mut tree: Value) -> Option<Settings> {
        if tree.is_null() {
            tree = Value::Mapping(Mapping::new());
        }
        let defaults = default_tree();
        // values that were read as something else, as they were and with what was said of them
        let mut reread: BTreeMap<String, (Value, String)> = BTreeMap::new();
        while self.found.len() < MOST_FAULTS {
            let error = match serde_path_to_error::deserialize::<_, Settings>(tree.clone()) {
                Ok(settings) => return Some(settings),
                Err(error) => error,
            };
            let mut at = keys(error.path());
            let mut message = error.inner().to_string();
            if let Some((field, _)) = unknown(&message, "missing field `") {
                at.push(Key::Name(field.to_owned()));
                self.fault(&dotted(&at), "missing, and there is no default");
                if !mend(&mut tree, &at, &defaults) {
                    return None;
                }
                continue;
            }
            let path = dotted(&at);
            // serde_yaml puts the path in front, which is said already
            if let Some(rest) = message.strip_prefix(&format!("{path}: ")) {
                message = rest.to_owned();
            }
            let mut value = get(&tree, &at).cloned();
            match reread.get(&path) {
                // the second reading tells more only where the value is of the right kind
                Some((before, said)) => {
                    value = Some(before.clone());
                    if message.starts_with("invalid type") {
                        message.clone_from(said);
                    }
                }
                None if reread.len() < MOST_REREAD => {
                    let variable = self.variables.contains_key(&path);
                    let other = value.as_ref().and_then(|v| reinterpret(v, variable, &message));
                    if let (Some(before), Some(other)) = (&value, other) {
                        reread.insert(path, (before.clone(), message));
                        put(&mut tree, &at, Some(other));
                        continue;
                    }
                }
                None => {}
            }
            self.misfit(&mut at, value.as_ref(), &message);
            if !mend(&mut tree, &at, &defaults) {
                return None;
            }
        }
        None
    }

    /// Reports a value that does not fit its place, or a key: then `at` is extended by it.
    fn misfit(&mut self, at: &mut Vec<Key>, value: Option<&Value>, message: &str) {
        if let Some((word, known)) = unknown(message, "unknown field `") {
            let message = format!("unknown key, expected {}", one_of(word, &known));
            return self.fault(&dotted(at), message);
        }
        if let Some((word, known)) = unknown(message, "unknown variant `") {
            // a metric as a key; the path may or may not name it already
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

    fn refuse(&mut self, path: &str, value: Option<&Value>, expected: &str) {
        // a variable that is not set has been reported already
        if !self.reported(path) {
            let origin = self.variables.get(path).map(String::as_str);
            let message = found(value, origin, expected);
            self.fault(path, message);
        }
    }

    fn reported(&self, path: &str) -> bool {
        self.found.iter().any(|(known, _)| known == path)
    }

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
        for fault in checks::entries(settings) {
            // a map that is empty because its entries were refused is no second fault
            let below = format!("{}.", fault.path);
            if self.found.iter().any(|(known, _)| known.starts_with(&below)) {
                continue;
            }
            self.refuse(&fault.path, fault.value.as_ref(), &fault.expected);
        }
    }
}

/// Puts a value that fits where one did not, so that the rest can be read: the default of that
/// place, of a list's first entry, or of what is around it. False where nothing helps.
fn mend(tree: &mut Value, at: &[Key], defaults: &Value) -> bool {
    let mut at = at;
    loop {
        if let Some(default) = get(defaults, at) {
            return put(tree, at, Some(default.clone()));
        }
        let Some((last, above)) = at.split_last() else { return false };
        let entry = match last {
            // An entry that is removed would move those behind it to other places.
            Key::Index(_) => get(defaults, above)
                .and_then(|list| list.get(0))
                .cloned()
                .or_else(|| Some(Value::String(STAND_IN.to_owned()))),
            Key::Name(_) => None,
        };
        let stands_in = get(tree, at).and_then(Value::as_str) == Some(STAND_IN);
        if put(tree, at, entry.filter(|_| !stands_in)) {
            return true;
        }
        at = above;
    }
}

/// Fits every list of texts that has no default.
const STAND_IN: &str = "stand-in";

/// Replaces `${VAR}` and `${VAR:-default}`; `$${` stands for `${`.
fn expand(text: &str, environment: &impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        if let Some(before) = rest[..start].strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        out.push_str(&rest[..start]);
        let after = &rest[start + 2..];
        let Some(end) = after.find('}') else {
            return Err(format!("`{text}`: `${{` without its `}}`"));
        };
        let (name, default) = match after[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&after[..end], None),
        };
        let valid = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !valid {
            return Err(format!("`{text}`: `{name}` is not the name of an environment variable"));
        }
        match environment(name).filter(|value| !value.is_empty()).or(default.map(str::to_owned)) {
            Some(value) => out.push_str(&value),
            None => {
                return Err(format!(
                    "environment variable {name} is not set; set it, or write `${{{name}:-default}}`"
                ));
            }
        }
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// A value read the other way: a plain `123` as text where text is wanted, or the text of a
/// variable as a number.
fn reinterpret(value: &Value, variable: bool, message: &str) -> Option<Value> {
    match value {
        Value::Number(_) | Value::Bool(_) if message.ends_with("expected a string") => {
            scalar(value).map(Value::String)
        }
        Value::String(text) if variable => {
            serde_yaml::from_str(text).ok().filter(|other: &Value| !other.is_string())
        }
        _ => None,
    }
}

/// The shipped settings as a tree, with stand-ins for what has no default.
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

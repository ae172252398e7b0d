//! From YAML text to checked [`Settings`], with every violation at once.
//!
//! serde stops at the first fault. To find them all, a value that does not fit is noted, replaced
//! by its default and the tree read again; the ranges are checked once it reads.

use std::collections::BTreeSet;
use std::fmt;

use garde::Validate;
use serde::Deserialize;
use serde_path_to_error::{Path, Segment};
use serde_yaml::Value;

use crate::Settings;
use crate::location::Locations;

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

/// How often the tree may be read again; more faults than this are a different file altogether.
const MOST_FAULTS: usize = 100;

impl Settings {
    /// Reads the settings from the text of `file`; `${VAR}` and `${VAR:-default}` are looked up in
    /// `environment`.
    pub fn from_yaml(
        file: &str,
        text: &str,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut tree = match serde_yaml::from_str::<Value>(text) {
            Ok(tree) => tree,
            Err(error) => return Err(not_yaml(file, &error)),
        };
        let mut load = Load { found: Vec::new(), substituted: BTreeSet::new() };
        load.substitute(&mut tree, "", &environment);
        let settings = load.read(tree);
        if let Some(settings) = &settings {
            load.check(settings);
        }
        match settings {
            Some(settings) if load.found.is_empty() => Ok(settings),
            _ => {
                let places = Locations::of(text);
                Err(ConfigError { file: file.to_owned(), violations: place(load.found, &places) })
            }
        }
    }

    /// A fault that somebody else found in a setting of this text, an expression that names an
    /// unknown column say, put where that setting stands.
    pub fn violation(text: &str, path: &str, message: String) -> Violation {
        let (line, column) = Locations::of(text).find(path);
        Violation { line, column, path: path.to_owned(), message }
    }

    /// The JSON schema of the file, generated from these types.
    pub fn json_schema() -> String {
        let schema = schemars::schema_for!(Self);
        let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
        text.push('\n');
        text
    }
}

fn not_yaml(file: &str, error: &serde_yaml::Error) -> ConfigError {
    let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
    let text = error.to_string();
    // the place is said once, in front
    let message = match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    };
    let violation = Violation { line, column, path: String::new(), message };
    ConfigError { file: file.to_owned(), violations: vec![violation] }
}

fn place(found: Vec<(String, String)>, places: &Locations) -> Vec<Violation> {
    let mut violations: Vec<_> = found
        .into_iter()
        .map(|(path, message)| {
            let (line, column) = places.find(&path);
            Violation { line, column, path, message }
        })
        .collect();
    violations.sort();
    violations.dedup();
    violations
}

struct Load {
    found: Vec<(String, String)>,
    /// Where text came from the environment: it may stand for a number.
    substituted: BTreeSet<String>,
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
                self.substituted.insert(path.to_owned());
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
        let defaults = default_tree();
        let mut reread: BTreeSet<String> = BTreeSet::new();
        for _ in 0..MOST_FAULTS {
            let error = match serde_path_to_error::deserialize::<_, Settings>(tree.clone()) {
                Ok(settings) => return Some(settings),
                Err(error) => error,
            };
            let segments = keys(error.path());
            let path = dotted(&segments);
            let message = error.inner().to_string();
            if let Some(field) = quoted(&message, "missing field `") {
                self.fault(&path, format!("`{field}` is missing"));
                let mut below = segments;
                below.push(Key::Name(field));
                if !put(&mut tree, &below, get(&defaults, &below).cloned()) {
                    return None;
                }
                continue;
            }
            // a number or true where a text is wanted, or the text of a variable where a number is
            if reread.insert(path.clone()) {
                let from_environment = self.substituted.contains(&path);
                if let Some(other) =
                    get(&tree, &segments).and_then(|value| reinterpret(value, from_environment))
                {
                    put(&mut tree, &segments, Some(other));
                    continue;
                }
            }
            // a variable that is not set has been reported already
            if !self.found.iter().any(|(known, _)| known == &path) {
                let message = explain(&message, &path);
                self.fault(&path, message);
            }
            if !put(&mut tree, &segments, get(&defaults, &segments).cloned()) {
                return None;
            }
        }
        None
    }

    fn check(&mut self, settings: &Settings) {
        let Err(report) = settings.validate() else { return };
        let tree = serde_yaml::to_value(settings).unwrap_or_default();
        for (path, error) in report.iter() {
            let mut path = path.to_string();
            let mut message = error.to_string();
            // a check of all three jobs names the one that is wrong
            for step in ["processing", "training", "evaluation"] {
                if let Some(rest) = message.strip_prefix(&format!("{step}: ")) {
                    path = format!("{path}.{step}");
                    message = rest.to_owned();
                    break;
                }
            }
            if self.found.iter().any(|(known, _)| known == &path) {
                continue;
            }
            let value = get(&tree, &parse(&path)).and_then(scalar);
            match value {
                Some(value) => self.fault(&path, format!("`{value}`: {message}")),
                None => self.fault(&path, message),
            }
        }
    }
}

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

#[derive(Clone, Debug, PartialEq)]
enum Key {
    Name(String),
    Index(usize),
}

fn keys(path: &Path) -> Vec<Key> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Map { key } => Some(Key::Name(key.clone())),
            Segment::Seq { index } => Some(Key::Index(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

fn dotted(keys: &[Key]) -> String {
    let mut path = String::new();
    for key in keys {
        match key {
            Key::Index(index) => path.push_str(&format!("[{index}]")),
            Key::Name(name) if path.is_empty() => path.push_str(name),
            Key::Name(name) => path.push_str(&format!(".{name}")),
        }
    }
    path
}

/// The inverse of [`dotted`].
fn parse(path: &str) -> Vec<Key> {
    path.split(['.', '['])
        .filter(|part| !part.is_empty())
        .map(|part| match part.strip_suffix(']').and_then(|index| index.parse().ok()) {
            Some(index) => Key::Index(index),
            None => Key::Name(part.to_owned()),
        })
        .collect()
}

fn get<'a>(tree: &'a Value, keys: &[Key]) -> Option<&'a Value> {
    keys.iter().try_fold(tree, |value, key| match key {
        Key::Name(name) => value.get(name.as_str()),
        Key::Index(index) => value.get(index),
    })
}

/// Sets the value at `keys`, or removes it where there is none to set. False where that place does
/// not exist.
fn put(tree: &mut Value, keys: &[Key], value: Option<Value>) -> bool {
    let Some((last, above)) = keys.split_last() else {
        return match value {
            Some(value) => {
                *tree = value;
                true
            }
            None => false,
        };
    };
    let parent = above.iter().try_fold(tree, |value, key| match key {
        Key::Name(name) => value.get_mut(name.as_str()),
        Key::Index(index) => value.get_mut(index),
    });
    match (parent, last, value) {
        (Some(Value::Mapping(entries)), Key::Name(name), Some(value)) => {
            entries.insert(Value::String(name.clone()), value);
            true
        }
        (Some(Value::Mapping(entries)), Key::Name(name), None) => {
            entries.remove(name.as_str()).is_some()
        }
        (Some(Value::Sequence(items)), Key::Index(index), _) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    }
}

/// A scalar read the other way: a plain `123` as text, or a variable's text as a number.
fn reinterpret(value: &Value, from_environment: bool) -> Option<Value> {
    match value {
        Value::Number(number) => Some(Value::String(number.to_string())),
        Value::Bool(word) => Some(Value::String(word.to_string())),
        Value::String(text) if from_environment => {
            serde_yaml::from_str(text).ok().filter(|other: &Value| !other.is_string())
        }
        _ => None,
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(word) => Some(word.to_string()),
        _ => None,
    }
}

fn quoted(message: &str, prefix: &str) -> Option<String> {
    message.strip_prefix(prefix)?.split('`').next().map(str::to_owned)
}

/// serde's message in words for people, with the nearest known name for a word that is not known.
fn explain(message: &str, path: &str) -> String {
    for (prefix, says) in [("unknown field `", "unknown key "), ("unknown variant `", "")] {
        let Some(found) = quoted(message, prefix) else { continue };
        let known: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
        let list = known.join(", ");
        let distance =
            |name: &str| strsim::damerau_levenshtein(&found.to_lowercase(), &name.to_lowercase());
        return match known.iter().min_by_key(|name| distance(name)) {
            Some(name) if distance(name) <= name.len() / 2 => {
                format!("{says}`{found}`, did you mean `{name}`? expected one of: {list}")
            }
            _ => format!("{says}`{found}`, expected one of: {list}"),
        };
    }
    // serde_yaml puts the path in front, which is said already
    let message =
        message.strip_prefix(path).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(message);
    message.replace("invalid type: ", "found ").replace("invalid value: ", "found ")
}

/// The shipped settings as a tree, with stand-ins for what has no default.
fn default_tree() -> Value {
    let text = "s3_paths: {bucket: bucket}\n\
                aws: {account_id: '000000000000', role_arn: 'arn:aws:iam::000000000000:role/none'}\n";
    serde_yaml::from_str::<Value>(text)
        .ok()
        .and_then(|tree| Settings::deserialize(tree).ok())
        .and_then(|settings| serde_yaml::to_value(settings).ok())
        .unwrap_or_default()
}

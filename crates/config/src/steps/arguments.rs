//! Container arguments of the form `--name=value`.

use std::fmt;
use std::str::FromStr;

/// A container argument, `--name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// The name, without the dashes.
    pub name: &'static str,
    /// The value, as text.
    pub value: String,
}

impl Argument {
    pub(super) fn new(name: &'static str, value: impl ToString) -> Self {
        Self { name, value: value.to_string() }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--{}={}", self.name, self.value)
    }
}

/// The settings of a step, and the arguments that it does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<T> {
    /// The settings.
    pub settings: T,
    /// Unknown arguments, or the names of unknown hyperparameters.
    pub unknown: Vec<String>,
}

/// The settings of a step are invalid. All faults are listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", faults.join("; "))]
pub struct StepError {
    /// One sentence for each fault: the setting, the value found and what was expected.
    pub faults: Vec<String>,
}

/// Parses `--name=value` arguments and collects their faults.
pub(super) struct ArgumentParser {
    /// Names and values.
    known: Vec<(String, String)>,
    unknown: Vec<String>,
    pub(super) faults: Vec<String>,
}

impl ArgumentParser {
    /// Separates the arguments of these names from unknown ones.
    pub(super) fn new(arguments: &[String], names: &[&str]) -> Self {
        let mut parser = Self { known: Vec::new(), unknown: Vec::new(), faults: Vec::new() };
        for argument in arguments {
            let (name, value) = match argument.strip_prefix("--") {
                Some(rest) => match rest.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (rest, None),
                },
                None => ("", None),
            };
            match value {
                _ if !names.contains(&name) => parser.unknown.push(argument.clone()),
                Some(value) => parser.known.push((name.to_owned(), value.to_owned())),
                None => parser
                    .faults
                    .push(format!("argument `{argument}` has no value, expected `{argument}=...`")),
            }
        }
        parser
    }

    /// Returns all values of a repeated argument, in order.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        self.known.iter().filter(|(n, _)| n == name).map(|(_, value)| value.clone()).collect()
    }

    /// Parses the values of a repeated argument. A single empty value is the empty list; without
    /// any value `into` is unchanged.
    pub(super) fn parse_list<T>(
        &mut self,
        name: &str,
        into: &mut Vec<T>,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) {
        let values = self.list(name);
        if values.is_empty() {
            return;
        }
        into.clear();
        for value in values.iter().filter(|value| !value.is_empty()) {
            match parse(value) {
                Some(parsed) => into.push(parsed),
                None => self.faults.push(fault("argument", &format!("--{name}"), value, expected)),
            }
        }
    }

    /// Parses the last value of an argument, which `accept` must accept. Without a value `into` is
    /// unchanged.
    pub(super) fn parse_value<T: FromStr>(
        &mut self,
        name: &str,
        into: &mut T,
        expected: &str,
        accept: impl Fn(&T) -> bool,
    ) {
        let Some(value) = self.list(name).pop() else { return };
        match value.trim().parse() {
            Ok(parsed) if accept(&parsed) => *into = parsed,
            _ => self.faults.push(fault("argument", &format!("--{name}"), &value, expected)),
        }
    }

    /// Returns the settings, or all faults.
    pub(super) fn finish<T>(self, settings: T) -> Result<Parsed<T>, StepError> {
        if self.faults.is_empty() {
            Ok(Parsed { settings, unknown: self.unknown })
        } else {
            Err(StepError { faults: self.faults })
        }
    }
}

/// Returns the message about an invalid value.
pub(super) fn fault(kind: &str, name: &str, value: &str, expected: &str) -> String {
    format!("{kind} {name} is `{value}`, expected {expected}")
}

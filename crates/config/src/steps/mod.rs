//! What each step is told, and where it finds and leaves its files.
//!
//! Processing steps are told by container arguments of the form `--name=value`, a list being the
//! same argument repeated; Training by `hyperparameters.json`, where every value is a string;
//! Register, whose values are known only while the pipeline runs, also by its environment.
//! Whatever a step does not know is handed back as `unknown` for it to warn about: SageMaker and
//! its SDKs add arguments of their own.

mod evaluate;
mod hyperparameters;
pub mod paths;
mod preprocess;
mod register;

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{self, Deserializer, Visitor};

use crate::message::list;

pub use evaluate::{Evaluate, Gate};
pub use hyperparameters::{
    ClassWeight, Criterion, Hyperparameters, MaxFeatures, OOB_SCORE, Samples, TRAINING_METRICS,
    Weights,
};
pub use preprocess::{BadCells, Column, Feature, Label, MissingValues, Preprocess};
pub use register::Register;

/// One container argument, `--name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Without the dashes.
    pub name: &'static str,
    /// As text.
    pub value: String,
}

impl Argument {
    fn new(name: &'static str, value: impl ToString) -> Self {
        Self { name, value: value.to_string() }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--{}={}", self.name, self.value)
    }
}

/// The settings of a step, and what came with them that it does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed<T> {
    /// What the step was told.
    pub settings: T,
    /// Arguments or hyperparameters that are not ours.
    pub unknown: Vec<String>,
}

/// A step was told something it cannot use. Every fault is listed, not only the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", faults.join("; "))]
pub struct StepError {
    /// One sentence each: which setting, the value found, what was expected.
    pub faults: Vec<String>,
}

/// Reads `--name=value` arguments, gathering faults as it goes.
struct Arguments {
    known: Vec<(String, String)>,
    unknown: Vec<String>,
    faults: Vec<String>,
}

impl Arguments {
    fn split(arguments: &[String], names: &[&str]) -> Self {
        let mut split = Self { known: Vec::new(), unknown: Vec::new(), faults: Vec::new() };
        for argument in arguments {
            let (name, value) = match argument.strip_prefix("--") {
                Some(rest) => match rest.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (rest, None),
                },
                None => ("", None),
            };
            match value {
                _ if !names.contains(&name) => split.unknown.push(argument.clone()),
                Some(value) => split.known.push((name.to_owned(), value.to_owned())),
                None => split
                    .faults
                    .push(format!("argument `{argument}` has no value, expected `{argument}=...`")),
            }
        }
        split
    }

    /// Every value of a repeated argument; none where it was not given.
    fn list(&self, name: &str) -> Vec<String> {
        self.known.iter().filter(|(n, _)| n == name).map(|(_, value)| value.clone()).collect()
    }

    /// The values of a list argument turned into `T`. A single empty value is the empty list.
    fn parse_list<T>(
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

    /// The last value given for `name`, if it is one that `accept` takes.
    fn parse_value<T: FromStr>(
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

    fn finish<T>(self, settings: T) -> Result<Parsed<T>, StepError> {
        if self.faults.is_empty() {
            Ok(Parsed { settings, unknown: self.unknown })
        } else {
            Err(StepError { faults: self.faults })
        }
    }
}

fn fault(kind: &str, name: &str, value: &str, expected: &str) -> String {
    format!("{kind} {name} is `{value}`, expected {expected}")
}

/// `max_depth` as `MaxDepth`: how a setting is named as a pipeline parameter.
pub fn pascal_case(snake: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    snake.split('_').filter_map(capital).collect()
}

/// Reads one of a few words. serde's own enums would speak of tags where something else stands,
/// and hide from an error's path the key that a word is.
pub(crate) fn word<'de, T: FromStr, D: Deserializer<'de>>(
    deserializer: D,
    words: &'static [&'static str],
) -> Result<T, D::Error> {
    deserializer.deserialize_str(Word(words, PhantomData))
}

struct Word<T>(&'static [&'static str], PhantomData<T>);

impl<T: FromStr> Visitor<'_> for Word<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&list(self.0))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|_| E::unknown_variant(text, self.0))
    }
}

/// A closed list of words as an enum that reads and prints them.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every word, in order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];
            /// Every variant, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($word => Ok(Self::$variant),)+ _ => Err(()) }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::steps::word(deserializer, Self::WORDS)
            }
        }
    };
}
pub(crate) use words;

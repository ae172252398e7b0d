//! The container arguments of Preprocess.

use std::collections::BTreeSet;

use super::arguments::{Argument, ArgumentParser, Parsed, StepError};
use super::paths::{PREPROCESS_SETTINGS, TABLE_JSON};

/// The container arguments of Preprocess, which parameters of the pipeline set. Its other settings
/// are a file, [`TableSettings`](super::TableSettings). The defaults are those of the shipped
/// settings file.
#[derive(Clone, Debug, PartialEq)]
pub struct Preprocess {
    /// The share of rows in the test set, between 0 and 1.
    pub test_size: f64,
    /// The seed of the split.
    pub seed: u64,
    /// What tells the contents of the input from others at the same address. The step does nothing with
    /// it: it makes the arguments of a job differ where its table does, so that SageMaker's cache, which
    /// compares addresses, does not take the rows of an earlier table.
    pub input_version: String,
}

/// The version of an input at which nobody has looked.
pub const UNCHECKED: &str = "unchecked";

impl Default for Preprocess {
    fn default() -> Self {
        Self { test_size: 0.2, seed: 42, input_version: UNCHECKED.to_owned() }
    }
}

/// Arguments of earlier versions, whose values are in the settings of the table now. A job that
/// ignored them would silently read other columns than its definition names.
const ARGUMENTS_OF_THE_TABLE: [&str; 8] = [
    "column",
    "label",
    "positive",
    "negative",
    "feature",
    "stratify",
    "missing-values",
    "bad-cells",
];

impl Preprocess {
    /// Returns the settings as container arguments.
    pub fn to_arguments(&self) -> Vec<Argument> {
        vec![
            Argument::new("test-size", self.test_size),
            Argument::new("seed", self.seed),
            Argument::new("input-version", &self.input_version),
        ]
    }

    /// Parses container arguments. Settings without an argument keep their default.
    ///
    /// # Errors
    /// All invalid values, and the arguments of earlier versions whose values are in the settings
    /// of the table now.
    pub fn parse(arguments: &[String]) -> Result<Parsed<Self>, StepError> {
        let mut parser = ArgumentParser::new(arguments, &["test-size", "seed", "input-version"]);
        let mut settings = Self::default();
        let name = |argument: &'_ String| -> Option<&'static str> {
            let name = argument.strip_prefix("--")?.split('=').next()?;
            ARGUMENTS_OF_THE_TABLE.into_iter().find(|known| *known == name)
        };
        let outdated: BTreeSet<_> = arguments.iter().filter_map(name).collect();
        if !outdated.is_empty() {
            let names: Vec<_> = outdated.into_iter().map(|name| format!("--{name}")).collect();
            parser.faults.push(format!(
                "arguments of an earlier version: {}; the settings of the table are a file now, \
                 {PREPROCESS_SETTINGS}/{TABLE_JSON}",
                names.join(", ")
            ));
        }
        parser.parse_value(
            "test-size",
            &mut settings.test_size,
            "a number between 0 and 1, both excluded",
            |&share| share > 0.0 && share < 1.0,
        );
        parser.parse_value("seed", &mut settings.seed, "a whole number from 0", |_| true);
        if let Some(version) = parser.list("input-version").pop() {
            settings.input_version = version;
        }
        parser.finish(settings)
    }
}

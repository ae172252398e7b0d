//! The violations that make a file unusable.

use std::fmt;

/// One fault of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The name of the file, as passed in.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The path of the setting, such as `hyperparameters.n_estimators`. Empty for the whole file.
    pub path: String,
    /// The value found and what was expected.
    pub message: String,
}

/// The file, or one of several, cannot be used. All violations are listed, in the order of the files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The violations, at least one.
    pub violations: Vec<Violation>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.violations.iter().enumerate() {
            let Violation { file, line, column, path, message } = violation;
            let separator = if index == 0 { "" } else { "\n" };
            let colon = if path.is_empty() { "" } else { ": " };
            // A key may have line ends.
            let path = common::one_line(path);
            write!(f, "{separator}{file}:{line}:{column}: {path}{colon}{message}")?;
        }
        Ok(())
    }
}

impl ConfigError {
    /// Returns the error for a text that is not YAML, or does not have the fields of its document.
    pub(crate) fn unreadable(file: &str, text: &str, error: &serde_yaml::Error) -> Self {
        let (line, column) =
            error.location().map_or((1, 1), |place| (place.line(), place.column()));
        // The violation states the place, so the message does not repeat it.
        let mut message =
            error.to_string().replace(&format!(" at line {line} column {column}"), "");
        let indent = |line: &str| line.len() - line.trim_start().len();
        if text.lines().nth(line.saturating_sub(1)).is_some_and(|l| l[..indent(l)].contains('\t')) {
            message.push_str("; YAML is indented by blanks, not by tabs");
        }
        let file = file.to_owned();
        Self { violations: vec![Violation { file, line, column, path: String::new(), message }] }
    }
}

//! The output of the commands: text and JSON on standard output, progress and messages on standard
//! error.

pub mod profile_report;
pub mod progress;
pub mod report;
#[cfg(feature = "aws")]
pub mod sagemaker_report;
pub mod scored_rows;

use std::io::{self, Write};

use common::Exit;

use crate::error::CommandError;

pub use progress::say;

/// Prints a text that may quote data from outside, with its control characters escaped.
pub fn print_text(text: &str) -> Result<Exit, CommandError> {
    print(&common::printable(text))
}

/// Prints a value as indented JSON.
pub fn print_json(value: &impl serde::Serialize) -> Result<Exit, CommandError> {
    print(&json(value))
}

/// Formats a value as indented JSON that ends in a line break.
pub fn json(value: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// Prints to standard output. A closed pipe, as after `| head`, is not an error.
pub fn print(text: &str) -> Result<Exit, CommandError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::Output(error)),
        _ => Ok(Exit::Done),
    }
}

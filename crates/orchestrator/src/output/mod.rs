//! The output of the commands: text and JSON on standard output, progress and messages on standard
//! error.

#[cfg(feature = "aws")]
pub mod cost;
pub mod profile_report;
pub mod progress;
pub mod report;
#[cfg(feature = "aws")]
pub mod sagemaker_report;
pub mod scored_rows;
pub mod side_by_side;

use std::io::{self, Write};

use common::Exit;

use crate::error::CommandError;

pub use progress::say;

/// Formats a duration for people: its two greatest units, or the hundredths of a second.
pub fn duration(seconds: f64) -> String {
    if seconds < 59.995 {
        return format!("{:.2} s", seconds.max(0.0));
    }
    let seconds = seconds.round() as u64;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("{days} d {hours} h")
    } else if hours > 0 {
        format!("{hours} h {minutes} min")
    } else {
        format!("{minutes} min {} s", seconds % 60)
    }
}

/// Formats a number of bytes for people.
pub fn bytes(number: u64) -> String {
    let units = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let number_of_bytes = number as f64;
    // 999,960 bytes are 1.0 MB and not 1000.0 kB.
    let unit = units.into_iter().find(|(_, size)| number_of_bytes >= size * 0.99995);
    match unit {
        Some((unit, size)) => format!("{:.1} {unit}", number_of_bytes / size),
        None => format!("{number} bytes"),
    }
}

/// Formats a time as RFC 3339 in UTC.
#[cfg(feature = "aws")]
pub fn stamp(at: Option<std::time::SystemTime>) -> Option<String> {
    let at = jiff::Timestamp::try_from(at?).ok()?;
    Some(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Returns a text from outside with a mark before each of its further lines, so that none of them looks like a line of
/// this program.
pub fn continued(text: &str) -> String {
    text.trim_end_matches('\n').replace('\n', "\n  | ")
}

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
    let mut text = printable_json(&serde_json::to_string_pretty(value).unwrap_or_default());
    text.push('\n');
    text
}

/// Writes every letter of a JSON document that would control a terminal by its number, which is read
/// back as the same letter.
pub fn printable_json(document: &str) -> String {
    let mut text = String::with_capacity(document.len());
    for letter in document.chars() {
        if common::is_printable(letter) {
            text.push(letter);
        } else {
            // none of them needs more than four digits
            text.push_str(&format!("\\u{:04x}", u32::from(letter)));
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_no_letter_that_controls_a_terminal() {
        let value = serde_json::json!({ "a": "x\u{202e}y\u{9b}\n\u{1b}°" });
        let text = json(&value);
        assert_eq!(text, "{\n  \"a\": \"x\\u202ey\\u009b\\n\\u001b°\"\n}\n");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn further_lines_of_a_text_have_a_mark() {
        let text = continued("it failed\nerror: everything is fine\n");
        assert_eq!(text, "it failed\n  | error: everything is fine");
    }

    #[test]
    fn bytes_have_the_unit_that_suits_them() {
        let text = [0, 999, 1_000, 999_949, 999_950, 1_250_000, 5_000_000_000].map(bytes);
        let expected = ["0 bytes", "999 bytes", "1.0 kB", "999.9 kB", "1.0 MB", "1.2 MB", "5.0 GB"];
        assert_eq!(text, expected);
    }

    #[test]
    fn a_duration_has_its_two_greatest_units() {
        let text = [-1.0, 0.012, 59.99, 59.996, 61.5, 3_660.0, 90_000.0].map(duration);
        let expected =
            ["0.00 s", "0.01 s", "59.99 s", "1 min 0 s", "1 min 2 s", "1 h 1 min", "1 d 1 h"];
        assert_eq!(text, expected);
    }
}

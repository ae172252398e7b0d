//! Translates the messages of serde and garde for the people who write the file: what was found and
//! what was expected.

use common::one_line;
use serde_yaml::Value;

use crate::tree::{kind, scalar};

/// The number of characters after which a value is truncated in messages.
const MAX_SHOWN: usize = 80;

/// The patterns of the settings and their descriptions. A test checks that every pattern is listed.
const PATTERNS: [(&str, &str); 12] = [
    (
        r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}$",
        "1 to 256 letters, digits and hyphens, the first and the last no hyphen",
    ),
    (
        r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "3 to 63 lower-case letters, digits, dots and hyphens, the first and the last a letter or digit",
    ),
    (
        r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$",
        "1 to 63 letters, digits and hyphens, the first and the last no hyphen",
    ),
    (r"^[a-z]{2}(-[a-z]+)+-[0-9]$", "a region such as us-east-1"),
    (r"^[0-9]{12}$", "12 digits"),
    (
        r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[a-zA-Z0-9_+=,.@/-]{1,512}$",
        "a role such as arn:aws:iam::123456789012:role/name",
    ),
    (
        r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$",
        "1 to 128 letters, digits, underscores, dots and hyphens, the first no dot or hyphen",
    ),
    (r"^sg-[0-9a-z]+$", "a security group such as sg-0123456789abcdef0"),
    (r"^subnet-[0-9a-z]+$", "a subnet such as subnet-0123456789abcdef0"),
    (r"^[^@ ]+@[^@ ]+\.[^@ ]+$", "an e-mail address such as name@example.com"),
    (r"^[A-Z]{3}$", "a currency such as USD"),
    (r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", "a date such as 2026-11-26"),
];

/// The description of the one pattern that is too long to be repeated here.
const DURATION: &str = "a duration such as 30d, P30D, T12h or 30dT5h";

/// Returns the description of a pattern.
fn pattern(pattern: &str) -> Option<&'static str> {
    if pattern.starts_with("^[Pp]?(") {
        return Some(DURATION);
    }
    PATTERNS.iter().find(|(known, _)| *known == pattern).map(|(_, words)| *words)
}

/// Returns a message such as "found `7.5`, expected ...". `origin` is the text with variables that
/// the value was substituted into.
pub(crate) fn found(value: Option<&Value>, origin: Option<&str>, expected: &str) -> String {
    let Some(value) = value else { return format!("expected {expected}") };
    let origin = origin.map(|text| format!(" (from `{}`)", one_line(text))).unwrap_or_default();
    format!("found {}{origin}, expected {expected}", show(value))
}

fn show(value: &Value) -> String {
    // A setting of type f64 would print 85 as 85.0. An integer may have more digits than such a number holds.
    let float = value.as_f64().filter(|_| value.is_f64());
    let whole = float.filter(|number| number.fract() == 0.0);
    match whole.map(|number| number.to_string()).or_else(|| scalar(value)) {
        None => kind(value).to_owned(),
        Some(text) if text.is_empty() => "an empty text".to_owned(),
        Some(text) => match text.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => format!("`{}...`", one_line(&text[..end])),
            None => format!("`{}`", one_line(&text)),
        },
    }
}

/// Joins words as `drop or median`, or as `one of drop, median, mean`.
pub(crate) fn list(words: &[&str]) -> String {
    match words {
        [only] => (*only).to_owned(),
        [one, other] => format!("{one} or {other}"),
        _ => format!("one of {}", words.join(", ")),
    }
}

/// Returns the end of a message that lists the known words and suggests the one nearest to `word`.
pub(crate) fn one_of(word: &str, known: &[&str]) -> String {
    let list = list(known);
    match common::nearest(word, known.iter().copied()) {
        Some(name) => format!("{list}; did you mean `{name}`?"),
        None => list,
    }
}

/// Returns the unknown word of serde's message and the words that serde expected.
pub(crate) fn unknown<'a>(message: &'a str, prefix: &str) -> Option<(&'a str, Vec<&'a str>)> {
    let rest = message.strip_prefix(prefix)?;
    let mut words = rest.split('`');
    Some((words.next()?, words.skip(1).step_by(2).collect()))
}

/// Returns what serde expected. Names of Rust types are replaced by descriptions.
pub(crate) fn expected(message: &str) -> Option<String> {
    let (before, expected) = message.split_once("expected ")?;
    let out_of_range = before.starts_with("invalid value");
    Some(match expected {
        "u32" if out_of_range => format!("a whole number from 0 to {}", u32::MAX),
        "u32" => "a whole number".to_owned(),
        "f64" => "a number".to_owned(),
        "a string" => "text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "keys with values".to_owned(),
        _ if expected.starts_with("struct ") => "keys with values".to_owned(),
        _ => expected.to_owned(),
    })
}

/// Returns the message about a rule of garde that a value violates.
pub(crate) fn rule(message: &str, value: Option<&Value>, origin: Option<&str>) -> String {
    let length = |bound: &str, number: &str| {
        let (count, what) = match value {
            Some(Value::Sequence(items)) => (items.len(), "entries"),
            Some(Value::String(text)) => (text.chars().count(), "characters"),
            _ => return format!("expected {bound} {number}"),
        };
        format!("found {count} {what}, expected {bound} {number}")
    };
    if let Some(number) = message.strip_prefix("length is lower than ") {
        return length("at least", number);
    }
    if let Some(number) = message.strip_prefix("length is greater than ") {
        return length("at most", number);
    }
    let words = if let Some(number) = message.strip_prefix("lower than ") {
        format!("at least {number}")
    } else if let Some(number) = message.strip_prefix("greater than ") {
        format!("at most {number}")
    } else if let Some(regex) = message.strip_prefix("does not match pattern /") {
        let regex = regex.strip_suffix('/').unwrap_or(regex);
        pattern(regex).map_or_else(|| format!("a match of {regex}"), str::to_owned)
    } else {
        message.strip_prefix("expected ").unwrap_or(message).to_owned()
    };
    found(value, origin, &words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_the_settings_has_a_description() {
        let schema = crate::Settings::json_schema();
        let patterns: Vec<String> = schema
            .lines()
            .filter_map(|line| line.trim().strip_prefix("\"pattern\": "))
            .map(|text| serde_json::from_str(text.trim_end_matches(',')).unwrap())
            // The pattern of `${VAR}`, which is allowed in place of every other.
            .filter(|regex| regex != r"\$\{.+\}")
            .collect();
        assert_eq!(patterns.len(), PATTERNS.len() + 1, "{patterns:?}");
        for regex in patterns {
            assert!(pattern(&regex).is_some(), "{regex}");
        }
    }

    #[test]
    fn a_long_text_is_truncated_between_characters() {
        let text = "é".repeat(81);
        let shown = format!("`{}...`", "é".repeat(80));
        assert_eq!(show(&Value::String(text)), shown);
        assert_eq!(show(&Value::Null), "nothing");
    }

    #[test]
    fn numbers_and_line_ends_are_shown_as_they_were_written() {
        for text in ["9223372036854775807", "18446744073709551615", "-9223372036854775808", "7.5"] {
            assert_eq!(show(&serde_yaml::from_str(text).unwrap()), format!("`{text}`"));
        }
        assert_eq!(show(&serde_yaml::from_str("85.0").unwrap()), "`85`");
        assert_eq!(show(&Value::String("a\nb\u{202e}".to_owned())), "`a\\nb\\u{202e}`");
        let message = found(Some(&Value::Null), Some("${A:-x}\ny"), "text");
        assert_eq!(message, "found nothing (from `${A:-x}\\ny`), expected text");
    }
}

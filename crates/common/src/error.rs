//! Errors as text.

use std::error::Error;

/// Formats an error and all its sources on one line, separated by colons:
/// `cannot write metrics.json: no space left on device`. The text is [`printable`], because errors
/// quote data from outside.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    printable(&text)
}

/// Escapes control characters, other than line feeds and tabs, as `\u{1b}`, so that the text cannot
/// move the cursor of a terminal or change its colours.
pub fn printable(text: &str) -> String {
    let is_escaped = |letter: char| letter.is_control() && !['\n', '\t'].contains(&letter);
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_escaped(letter) {
            escaped.extend(letter.escape_default());
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

/// Escapes what [`printable`] escapes, and line feeds, tabs and the marks that change the direction of text, so
/// that words from outside cannot look like another line of a log.
pub fn one_line(text: &str) -> String {
    let is_escaped = |letter: char| {
        matches!(letter, '\n' | '\t' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(letter, '\u{2066}'..='\u{2069}')
    };
    let mut escaped = String::with_capacity(text.len());
    for letter in printable(text).chars() {
        if is_escaped(letter) {
            escaped.extend(letter.escape_default());
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write metrics.json")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_chain_joins_an_error_and_its_sources() {
        let error = Outer(std::io::Error::other("no space left on device"));
        assert_eq!(chain(&error), "cannot write metrics.json: no space left on device");
        assert_eq!(chain(&std::io::Error::other("alone")), "alone");
    }

    #[test]
    fn other_text_stays() {
        assert_eq!(printable("two\nlines\tof 23 \u{b0}C"), "two\nlines\tof 23 \u{b0}C");
        // CSI in one character, which some terminals obey, too.
        assert_eq!(printable("\u{9b}2J\r\u{7f}"), "\\u{9b}2J\\r\\u{7f}");
    }

    #[test]
    fn one_line_has_no_line_ends_and_one_direction() {
        assert_eq!(one_line("a\n\tb\r"), "a\\n\\tb\\r");
        assert_eq!(one_line("a\u{202e}b\u{2028}°"), "a\\u{202e}b\\u{2028}°");
    }

    #[test]
    fn control_characters_are_escaped() {
        let error = std::io::Error::other("a cell: \u{1b}[2J\0");
        assert_eq!(chain(&error), "a cell: \\u{1b}[2J\\u{0}");
    }
}

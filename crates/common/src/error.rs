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

/// Returns whether a letter can be written to a terminal: line feeds and tabs, but no other control
/// character, no separator of lines, and no mark that changes the direction of text. With such a mark
/// the words of a log could be shown in another order than they have.
pub fn is_printable(letter: char) -> bool {
    let is_mark = matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(letter, '\u{2066}'..='\u{2069}');
    !is_mark && (!letter.is_control() || ['\n', '\t'].contains(&letter))
}

/// Escapes every letter that is not [`is_printable`] as `\u{1b}`, so that the text cannot move the
/// cursor of a terminal, change its colours or reverse what follows.
pub fn printable(text: &str) -> String {
    escape(text, |letter| !is_printable(letter))
}

/// Escapes what [`printable`] escapes, and line feeds and tabs, so that words from outside cannot look
/// like another line of a log.
pub fn one_line(text: &str) -> String {
    escape(text, |letter| !is_printable(letter) || ['\n', '\t'].contains(&letter))
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
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
    fn marks_of_direction_are_escaped() {
        // what RIGHT-TO-LEFT OVERRIDE follows is shown backwards
        let error = std::io::Error::other("model\u{202e}gpj.exe");
        assert_eq!(chain(&error), "model\\u{202e}gpj.exe");
        for mark in "\u{61c}\u{200e}\u{200f}\u{2028}\u{202a}\u{202e}\u{2066}\u{2069}".chars() {
            assert_eq!(printable(&mark.to_string()), format!("\\u{{{:x}}}", u32::from(mark)));
        }
        // letters that are written from the right need no mark
        let words = "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627}";
        assert_eq!(printable(words), words);
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

//! Errors as text.

use std::error::Error;

/// The number of letters above which a line of a message is [`shortened`].
const LONG: usize = 4000;
/// The numbers of letters that are kept of the beginning and of the end of such a line.
const KEPT: (usize, usize) = (3000, 500);

/// Formats an error and all its sources on one line, separated by colons:
/// `cannot write metrics.json: no space left on device`. The text is [`printable`] and [`shortened`],
/// because errors quote data from outside.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    shortened(&printable(&text))
}

/// Leaves out the middle of every line that has more than 4,000 letters, and says so there: a message
/// that quotes a name of 100,000 letters is not read by anybody.
pub fn shortened(text: &str) -> String {
    if text.len() <= LONG {
        return text.to_owned();
    }
    let lines = text.split('\n').map(|line| {
        let letters = line.chars().count();
        if letters <= LONG {
            return line.to_owned();
        }
        let begin: String = line.chars().take(KEPT.0).collect();
        let end: String = line.chars().skip(letters - KEPT.1).collect();
        format!("{begin} [{} letters are left out] {end}", letters - KEPT.0 - KEPT.1)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns whether a letter can be written to a terminal: line feeds and tabs, but no other control
/// character, no separator of lines, no mark that changes the direction of text, and none that is not
/// seen. With a mark of direction the words of a log could be shown in another order than they have; with
/// one that is not seen two names could look the same.
pub fn is_printable(letter: char) -> bool {
    let is_mark = matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(letter, '\u{2066}'..='\u{2069}');
    // U+200C and U+200D are not seen either, but Persian and Indian words are written with them.
    let is_unseen = matches!(letter, '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}')
        || matches!(letter, '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || matches!(letter, '\u{e0000}'..='\u{e007f}');
    !is_mark && !is_unseen && (!letter.is_control() || ['\n', '\t'].contains(&letter))
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
    fn the_middle_of_a_long_line_is_left_out() {
        let short = "\u{e4}".repeat(4000);
        let text = shortened(&format!("begin\n{short}\nx{short}y\nend"));
        let [begin, same, cut, end] = text.split('\n').collect::<Vec<_>>()[..] else {
            panic!("{text}")
        };
        assert_eq!((begin, same, end), ("begin", &*short, "end"));
        let expected = "\u{e4} [502 letters are left out] \u{e4}";
        assert!(cut.starts_with("x\u{e4}") && cut.ends_with("\u{e4}y"), "{cut}");
        assert!(cut.contains(expected) && cut.chars().count() < 3600, "{cut}");
        let error = std::io::Error::other("x".repeat(100_000));
        assert!(chain(&error).len() < 4000);
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
    fn letters_that_are_not_seen_are_escaped() {
        let error = std::io::Error::other("model\u{200b}-group");
        assert_eq!(chain(&error), "model\\u{200b}-group");
        for [first, last] in [
            ['\u{ad}', '\u{ad}'],
            ['\u{200b}', '\u{200b}'],
            ['\u{2060}', '\u{2064}'],
            ['\u{206a}', '\u{206f}'],
            ['\u{feff}', '\u{feff}'],
            ['\u{fff9}', '\u{fffb}'],
            ['\u{e0000}', '\u{e007f}'],
        ] {
            for letter in first..=last {
                assert_eq!(
                    printable(&letter.to_string()),
                    format!("\\u{{{:x}}}", u32::from(letter))
                );
            }
        }
        // letters beside them, and two that words are written with
        let seen = "\u{ac}\u{ae}\u{200a}\u{200c}\u{200d}\u{2070}\u{fefe}\u{fffd}\u{e0100}";
        assert_eq!(printable(seen), seen);
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

//! Limits of a YAML text, which hold before it is parsed as a whole: serde_yaml takes half a minute for
//! 100,000 open braces, and a list of references to a long list has no size that memory holds.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser};

use crate::error::{ConfigError, Violation};

/// The maximum size of a text, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// The maximum number of lists and mappings within one another. The settings have six.
const MAX_DEPTH: usize = 32;
/// The maximum number of keys, values and items, those that a reference repeats included.
const MAX_NODES: usize = 200_000;
/// The maximum length of a key, in characters. The longest that a setting takes is a tag's.
const MAX_KEY: usize = 128;
/// The maximum number of lines that may be directives: each is compared with all before it.
const MAX_DIRECTIVES: usize = 16;
/// The maximum number of brackets in a text that is no YAML by the first of the two parsers. Those behind
/// its fault are not counted by depth.
const MAX_BRACKETS: usize = 1_000;

/// Returns the text as serde_yaml's tree or another document.
///
/// # Errors
/// A text beyond the limits, one that is not YAML, or that does not have the fields of its document.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(
    file: &str,
    text: &str,
) -> Result<T, ConfigError> {
    check(text).map_err(|(line, column, message)| {
        let (file, path) = (file.to_owned(), String::new());
        ConfigError { violations: vec![Violation { file, line, column, path, message }] }
    })?;
    serde_yaml::from_str(text).map_err(|error| ConfigError::unreadable(file, text, &error))
}

/// The line, the column and what is wrong there.
type Fault = (usize, usize, String);

/// A list or mapping whose end has not been read.
struct Open {
    /// The number by which references name it; 0 if it has no name.
    anchor: usize,
    /// Its nodes so far, with those of the references.
    nodes: usize,
    /// Whether the next node of a mapping is a key; `None` for a list.
    at_key: Option<bool>,
}

fn check(text: &str) -> Result<(), Fault> {
    if text.len() > MAX_BYTES {
        return Err((1, 1, format!("{} bytes, expected at most {MAX_BYTES}", text.len())));
    }
    let mut directives = text.lines().enumerate().filter(|(_, line)| line.starts_with('%'));
    if let Some((line, _)) = directives.nth(MAX_DIRECTIVES) {
        let message = format!(
            "more than {MAX_DIRECTIVES} lines that begin with `%`, as directives do; settings need none"
        );
        return Err((line + 1, 1, message));
    }
    let mut open: Vec<Open> = Vec::new();
    let mut named: BTreeMap<usize, usize> = BTreeMap::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            // The parser looks ahead in a line, and has a limit of its own there.
            Err(error) if error.info() == "recursion limit exceeded" => {
                return Err(fault(error.marker(), &too_deep()));
            }
            Err(error) => {
                let brackets = text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count();
                // serde_yaml's message is the better one.
                return if brackets > MAX_BRACKETS {
                    Err(fault(error.marker(), error.info()))
                } else {
                    Ok(())
                };
            }
        };
        let ended = match &event {
            Event::Scalar(name, _, anchor, _) => {
                let is_key = open.last().is_some_and(|open| open.at_key == Some(true));
                let length = if is_key { name.chars().count() } else { 0 };
                if length > MAX_KEY {
                    let message =
                        format!("a key of {length} characters, expected at most {MAX_KEY}");
                    return Err(fault(&span.start, &message));
                }
                Some((*anchor, 1))
            }
            Event::Alias(anchor) => Some((0, named.get(anchor).copied().unwrap_or(1))),
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                let at_key = matches!(event, Event::MappingStart(..)).then_some(true);
                open.push(Open { anchor: *anchor, nodes: 1, at_key });
                None
            }
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop().map(|open| (open.anchor, open.nodes))
            }
            _ => None,
        };
        if open.len() > MAX_DEPTH {
            return Err(fault(&span.start, &too_deep()));
        }
        let Some((anchor, nodes)) = ended else { continue };
        if anchor > 0 {
            named.insert(anchor, nodes);
        }
        if let Some(around) = open.last_mut() {
            around.nodes = around.nodes.saturating_add(nodes);
            around.at_key = around.at_key.map(|at_key| !at_key);
            if around.nodes > MAX_NODES {
                let message =
                    format!("more than {MAX_NODES} keys and values, with what references repeat");
                return Err(fault(&span.start, &message));
            }
        }
    }
    Ok(())
}

fn too_deep() -> String {
    format!("more than {MAX_DEPTH} lists and mappings within one another")
}

fn fault(place: &Marker, message: &str) -> Fault {
    (place.line(), place.col() + 1, message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        let (line, column, message) = check(text).unwrap_err();
        format!("{line}:{column}: {message}")
    }

    #[test]
    fn many_directives_are_refused() {
        let tags = |number: usize| -> String {
            (0..number).map(|tag| format!("%TAG !t{tag}! x{tag}\n")).collect::<String>()
                + "---\na: 1\n"
        };
        assert!(check(&tags(16)).is_ok());
        let (line, column, message) = check(&tags(40_000)).unwrap_err();
        assert_eq!((line, column), (17, 1), "{message}");
    }

    #[test]
    fn deep_texts_are_refused_at_once_in_every_form() {
        let braces = "{".repeat(100_000);
        insta::assert_snapshot!(message(&braces), @"1:256: more than 32 lists and mappings within one another");
        insta::assert_snapshot!(message(&format!("a:\n  b: {}", "[".repeat(100_000))), @"2:261: more than 32 lists and mappings within one another");
        insta::assert_snapshot!(message(&"- ".repeat(100_000)), @"1:65: more than 32 lists and mappings within one another");
        insta::assert_snapshot!(message(&"{a: ".repeat(100_000)), @"1:1021: more than 32 lists and mappings within one another");
        insta::assert_snapshot!(message(&"? ".repeat(100_000)), @"1:65: more than 32 lists and mappings within one another");
        let indented: String = (0..40).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        insta::assert_snapshot!(message(&indented), @"33:33: more than 32 lists and mappings within one another");
        // A fault that only this parser finds does not let the rest through.
        insta::assert_snapshot!(message(&format!("a: \"\\z\"\nb: {braces}")), @"1:4: while parsing a quoted scalar, found unknown escape character");
        assert_eq!(check("a: [[[{b: [[1]]}]]]\n# {{{{ [[[[\nc: '{{{{{{'\n"), Ok(()));
    }

    #[test]
    fn large_texts_are_refused() {
        insta::assert_snapshot!(message(&" ".repeat(MAX_BYTES + 1)), @"1:1: 1048577 bytes, expected at most 1048576");
        insta::assert_snapshot!(message(&format!("[{}]", "1,".repeat(MAX_NODES))), @"1:400000: more than 200000 keys and values, with what references repeat");
        insta::assert_snapshot!(message(&format!("a: 1\n{}: 2\n", "k".repeat(129))), @"2:1: a key of 129 characters, expected at most 128");
        assert_eq!(check(&format!("{}: {}\n", "k".repeat(128), "v".repeat(10_000))), Ok(()));
    }

    #[test]
    fn references_count_as_what_they_repeat() {
        let mut text = "a0: &a0 [1, 2]\n".to_owned();
        for level in 1..30 {
            let before = level - 1;
            text.push_str(&format!("a{level}: &a{level} [*a{before}, *a{before}]\n"));
        }
        insta::assert_snapshot!(message(&text), @"16:22: more than 200000 keys and values, with what references repeat");
        let long = format!("a: &a [{}]\nb: [{}]\n", "1,".repeat(1_000), "*a ,".repeat(1_000));
        insta::assert_snapshot!(message(&long), @"2:801: more than 200000 keys and values, with what references repeat");
        assert_eq!(check("a: &a {x: 1}\nb: [*a, *a]\n"), Ok(()));
    }
}

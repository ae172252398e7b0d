//! The exit codes of every program of this project, in one place.

use std::error::Error;
use std::process::ExitCode;

/// How a program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done = 0,
    /// 1: failed for a reason that is none of those below.
    Failed = 1,
    /// 2: wrong usage or configuration.
    Usage = 2,
    /// 3: bad input data.
    Data = 3,
    /// 4: a quality gate was not met.
    Gate = 4,
    /// 5: AWS refused.
    Aws = 5,
    /// 10: there is a difference, for who asked whether there is one.
    Different = 10,
}

impl Exit {
    /// What a process that ended with `code` meant; codes that are none of ours are failures.
    pub fn from_code(code: i32) -> Self {
        let known = [Self::Done, Self::Usage, Self::Data, Self::Gate, Self::Aws];
        known.into_iter().find(|exit| *exit as i32 == code).unwrap_or(Self::Failed)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that knows which exit code it means.
pub trait Failure: Error + 'static {
    /// The code to end with.
    fn exit(&self) -> Exit;
}

/// An error and all its causes in one line, `what failed: why: why that`. What they quote of others'
/// data cannot move the cursor of a terminal: control characters are written as `\u{1b}`.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    printable(&text)
}

/// A text that cannot move the cursor of a terminal: control characters but line ends and tabs are
/// written as `\u{1b}`.
pub fn printable(text: &str) -> String {
    let raw = |letter: char| letter.is_control() && !['\n', '\t'].contains(&letter);
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if raw(letter) { shown.extend(letter.escape_default()) } else { shown.push(letter) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_cannot_move_the_cursor() {
        let quoted = std::io::Error::other("a cell: \u{1b}[2J\0");
        assert_eq!(chain(&quoted), "a cell: \\u{1b}[2J\\u{0}");
    }
}

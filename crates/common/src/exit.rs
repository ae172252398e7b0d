//! The exit codes of every program of this project, in one place.

use std::error::Error;
use std::process::ExitCode;

/// An exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: the program did what it was asked to do.
    Done = 0,
    /// 1: the program failed for a reason that has no code of its own.
    Failed = 1,
    /// 2: the command line or the configuration is wrong.
    Usage = 2,
    /// 3: the input data cannot be used.
    Data = 3,
    /// 4: a quality gate was not met.
    Gate = 4,
    /// 5: AWS refused a request or cannot be reached.
    Aws = 5,
    /// 10: a command that compares, such as `plan`, found a difference.
    Different = 10,
}

impl Exit {
    /// Returns the meaning of a child process's exit code. Codes that this project does not define
    /// mean [`Exit::Failed`].
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

/// An error that determines the exit code of the program that it ends.
pub trait Failure: Error + 'static {
    /// Returns the exit code.
    fn exit(&self) -> Exit;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_passes_on_its_exit_code() {
        for exit in [Exit::Done, Exit::Failed, Exit::Usage, Exit::Data, Exit::Gate, Exit::Aws] {
            assert_eq!(Exit::from_code(exit as i32), exit);
        }
        // 10 is an answer of a command and not of a step; 101 is a panic, 137 a kill.
        for code in [10, 101, 137, -1, 256] {
            assert_eq!(Exit::from_code(code), Exit::Failed, "{code}");
        }
    }
}

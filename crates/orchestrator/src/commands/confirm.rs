//! Saying what would be done that costs money or deletes, and asking.

use std::io::{self, BufRead, IsTerminal};

use clap::Args;
use common::printable;

use crate::error::CommandError;
use crate::output::{print_text, say};

/// The arguments of the commands that ask before they act.
#[derive(Debug, Args)]
pub struct ConfirmArgs {
    /// Say what would be done, and do nothing of it
    #[arg(long)]
    pub dry_run: bool,
    /// Do it without asking
    #[arg(long, short)]
    yes: bool,
}

/// What the user wants of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Do it.
    Do,
    /// Only say it.
    Say,
    /// Leave it.
    Leave,
}

impl ConfirmArgs {
    /// Decides as [`ConfirmArgs::decide`] does, but asks nobody where there is nothing to ask about.
    #[cfg(feature = "aws")]
    pub fn decide_if(
        &self,
        is_asked: bool,
        proposal: &str,
        question: &str,
        as_json: bool,
    ) -> Result<Decision, CommandError> {
        Self { yes: self.yes || !is_asked, ..*self }.decide(proposal, question, as_json)
    }

    /// Prints what would be done, unless the result is JSON, and returns what the user wants. Where nobody
    /// can be asked, `--yes` must have said so.
    pub fn decide(
        &self,
        proposal: &str,
        question: &str,
        as_json: bool,
    ) -> Result<Decision, CommandError> {
        if !as_json {
            print_text(proposal)?;
        }
        if self.dry_run {
            if !as_json {
                print_text("Nothing was done: --dry-run.\n")?;
            }
            return Ok(Decision::Say);
        }
        if self.yes {
            return Ok(Decision::Do);
        }
        if !io::stdin().is_terminal() {
            let message = "nothing was done: standard input is no terminal to ask at, expected --yes to do it or \
                           --dry-run to only say it";
            return Err(CommandError::Usage(message.to_owned()));
        }
        if as_json {
            say(printable(proposal).trim_end());
        }
        say(&format!("{question} [y/N]"));
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map_err(CommandError::Read)?;
        if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
            return Ok(Decision::Do);
        }
        say("Nothing was done.");
        Ok(Decision::Leave)
    }
}

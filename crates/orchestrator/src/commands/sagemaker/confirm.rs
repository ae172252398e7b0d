//! Asking before something is done that costs money or deletes.

use std::io::{self, BufRead, IsTerminal};

use clap::Args;

use crate::error::CommandError;
use crate::output::say;

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

impl ConfirmArgs {
    /// Returns whether the user wants it done. Where nobody can be asked, `--yes` must have said so.
    pub fn confirm(&self, question: &str) -> Result<bool, CommandError> {
        if self.yes {
            return Ok(true);
        }
        if !io::stdin().is_terminal() {
            let message = "nothing was done: where nobody can be asked, --yes does it, and --dry-run only says it";
            return Err(CommandError::Usage(message.to_owned()));
        }
        say(&format!("{question} [y/N]"));
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map_err(CommandError::Read)?;
        let wants = ["y", "yes"].contains(&answer.trim().to_lowercase().as_str());
        if !wants {
            say("Nothing was done.");
        }
        Ok(wants)
    }
}

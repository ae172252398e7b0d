//! The commands on SageMaker in a program that was built without the AWS SDK: each is an error that
//! says how to build the program with it.

use std::ffi::OsString;

use clap::{Args, Subcommand};
use common::Exit;

use super::models::{Group, ModelsPlace};
use crate::error::CommandError;

/// The commands that need AWS.
const COMMANDS: [&str; 10] =
    ["deploy", "plan", "doctor", "start", "stop", "retry", "executions", "status", "watch", "logs"];

/// Any command that is not known to this program.
#[derive(Debug, Subcommand)]
pub enum SageMakerCommand {
    /// What needs AWS in a build that has it not
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

/// The arguments of a program that is called without a command: none.
#[derive(Debug, Args)]
pub struct DefaultArgs {}

impl From<DefaultArgs> for SageMakerCommand {
    fn from(DefaultArgs {}: DefaultArgs) -> Self {
        Self::Other(vec!["deploy".into()])
    }
}

impl SageMakerCommand {
    /// Returns why the command cannot run.
    pub fn run(&self) -> Result<Exit, CommandError> {
        let Self::Other(words) = self;
        let command = words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
        Err(CommandError::Usage(if COMMANDS.contains(&command.as_ref()) {
            format!(
                "{command} needs AWS, and this program was built without it; \
                 `cargo run -p orchestrator -- {command}` builds it with AWS"
            )
        } else {
            format!("there is no command `{command}`; `orchestrator --help` lists those that are")
        }))
    }
}

/// Returns why SageMaker's registry cannot be opened.
pub fn open_registry(_: &ModelsPlace) -> Result<Group, CommandError> {
    Err(CommandError::Usage(
        "SageMaker's registry needs AWS, and this program was built without it; `cargo run -p \
         orchestrator -- models` builds it with AWS, --local asks the registry of the runs here"
            .to_owned(),
    ))
}

//! The commands on SageMaker in a program that was built without the AWS SDK. Each fails with a
//! message that says how to build the program with the SDK.

use std::ffi::OsString;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, Subcommand, value_parser};
use common::Exit;

use super::models::group::{DecidedGroup, ModelGroup, RegistryArgs};
use crate::error::CommandError;

/// The commands that need AWS.
const COMMANDS: [&str; 12] = [
    "deploy",
    "plan",
    "doctor",
    "start",
    "stop",
    "retry",
    "executions",
    "status",
    "watch",
    "logs",
    "endpoint",
    "transform",
];

/// A command that needs AWS, by its name.
#[derive(Debug)]
pub struct SageMakerCommand(String);

/// The arguments of the program when it is called without a command. There are none.
#[derive(Debug, Args)]
pub struct DefaultArgs {}

impl From<DefaultArgs> for SageMakerCommand {
    fn from(DefaultArgs {}: DefaultArgs) -> Self {
        Self("deploy".to_owned())
    }
}

impl FromArgMatches for SageMakerCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.subcommand_name().unwrap_or_default().to_owned()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for SageMakerCommand {
    /// Adds the commands as hidden ones that accept any arguments.
    fn augment_subcommands(command: Command) -> Command {
        let any = Arg::new("any")
            .num_args(0..)
            .trailing_var_arg(true)
            .allow_hyphen_values(true)
            .value_parser(value_parser!(OsString));
        COMMANDS.into_iter().fold(command, |command, name| {
            let hidden = Command::new(name).hide(true).disable_help_flag(true).arg(any.clone());
            command.subcommand(hidden)
        })
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        COMMANDS.contains(&name)
    }
}

impl SageMakerCommand {
    /// Fails, since every command needs AWS.
    pub fn run(&self) -> Result<Exit, CommandError> {
        let Self(command) = self;
        Err(CommandError::Usage(format!(
            "{command} needs AWS, and this program was built without it; \
             `cargo run -p orchestrator -- {command}` builds it with AWS"
        )))
    }
}

/// Fails, since SageMaker's registry needs AWS.
pub fn open_to_decide(arguments: &RegistryArgs) -> Result<DecidedGroup, CommandError> {
    let group = open_registry(arguments)?;
    Ok(DecidedGroup { group, can_go_back: Box::new(|_| false) })
}

/// Fails, since SageMaker's registry needs AWS.
pub fn open_registry(_: &RegistryArgs) -> Result<ModelGroup, CommandError> {
    Err(CommandError::Usage(
        "SageMaker's registry needs AWS, and this program was built without it; `cargo run -p \
         orchestrator -- models` builds it with AWS, --local asks the registry of the runs here"
            .to_owned(),
    ))
}

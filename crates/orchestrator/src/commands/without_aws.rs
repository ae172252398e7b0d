//! The commands on SageMaker in a program that was built without the AWS SDK. Each fails with a
//! message that says how to build the program with the SDK.

use std::ffi::OsString;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, Subcommand, value_parser};
use common::Exit;

use super::models::group::{DecidedGroup, ModelGroup, RegistryArgs};
use super::past_execution::PastExecution;
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;
use crate::output::print;

/// The commands that need AWS, and what each does, as the program with AWS says it.
const COMMANDS: [(&str, &str); 15] = [
    ("deploy", "Make the pipeline on SageMaker what the settings say"),
    (
        "plan",
        "Print what `deploy` would change and what an execution costs; exit code 10 if there is a change",
    ),
    (
        "doctor",
        "Look at everything that a deployment needs, and name the remedy for what is missing",
    ),
    ("start", "Start an execution of the deployed pipeline"),
    ("stop", "Stop an execution"),
    ("retry", "Run the failed steps of an execution again"),
    ("executions", "List executions, latest first"),
    ("status", "Tell how an execution stands: steps, metrics, gates, the registered model"),
    (
        "watch",
        "Watch an execution to its end, with the log of what failed; exits as the execution ends",
    ),
    ("logs", "Print the log of a step's job"),
    ("endpoint", "Deploy an approved version as an endpoint, look at it, ask it, and delete it"),
    (
        "transform",
        "Answer the rows of a table, or of objects in S3, by a batch transform of an approved version",
    ),
    ("pipeline", "List the versions of the deployed pipeline, go back to one, or delete it"),
    ("promote", "Register an approved version in another stage, with the same bytes"),
    (
        "destroy",
        "Delete what the pipeline has left in the account: endpoint, pipeline and models, and if asked for data and images",
    ),
];

/// A command that needs AWS.
#[derive(Debug)]
pub struct SageMakerCommand {
    /// The name.
    name: String,
    /// Whether its help is asked for.
    is_help: bool,
}

/// The arguments of the program when it is called without a command. There are none.
#[derive(Debug, Args)]
pub struct DefaultArgs {}

impl From<DefaultArgs> for SageMakerCommand {
    fn from(DefaultArgs {}: DefaultArgs) -> Self {
        Self { name: "deploy".to_owned(), is_help: false }
    }
}

impl FromArgMatches for SageMakerCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let (name, matches) = matches.subcommand().unzip();
        let mut arguments =
            matches.and_then(|it| it.get_many::<OsString>("any")).into_iter().flatten();
        let is_help = arguments.any(|argument| argument == "--help" || argument == "-h");
        Ok(Self { name: name.unwrap_or_default().to_owned(), is_help })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for SageMakerCommand {
    /// Adds the commands as hidden ones that accept any arguments.
    fn augment_subcommands(command: Command) -> Command {
        COMMANDS.into_iter().fold(command, |command, (name, about)| {
            command.subcommand(hidden(name, about, &format!("{name} --help")))
        })
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        COMMANDS.iter().any(|(known, _)| *known == name)
    }
}

/// Returns a command of any arguments. Its help says what it does, and which command line prints the help of the
/// program with AWS.
fn hidden(name: &'static str, about: &'static str, line: &str) -> Command {
    let any = Arg::new("any")
        .num_args(0..)
        .trailing_var_arg(true)
        .allow_hyphen_values(true)
        .hide(true)
        .value_parser(value_parser!(OsString));
    Command::new(name)
        .about(about)
        .override_usage(format!("orchestrator {name} ..."))
        .after_help(format!(
            "It needs AWS, and this program was built without it. `cargo run -p orchestrator -- {line}` builds it with \
             AWS and prints its arguments."
        ))
        .hide(true)
        .disable_help_flag(true)
        .arg(any)
}

impl SageMakerCommand {
    /// Fails, since every command needs AWS, unless its help is asked for.
    pub fn run(&self) -> Result<Exit, CommandError> {
        let Self { name, is_help } = self;
        if let (true, Some((name, about))) =
            (*is_help, COMMANDS.iter().find(|(known, _)| known == name))
        {
            return print(&hidden(name, about, &command_line(name)).render_help().to_string());
        }
        Err(CommandError::Usage(format!(
            "{name} needs AWS, and this program was built without it; {}",
            built_with_aws(name)
        )))
    }
}

/// Returns the message that the typed command line builds the program with AWS.
fn built_with_aws(command: &str) -> String {
    format!("`cargo run -p orchestrator -- {}` builds it with AWS", command_line(command))
}

/// Returns the arguments of this program as a shell takes them, or the command where there are none.
fn command_line(command: &str) -> String {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| quoted(&argument.to_string_lossy())).collect();
    if arguments.is_empty() { command.to_owned() } else { arguments.join(" ") }
}

/// Quotes an argument that a shell would not take as it is.
fn quoted(argument: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// Fails, since looking at an account needs AWS.
pub fn check_account(_: &SettingsArgs) -> Result<Exit, CommandError> {
    Err(CommandError::Usage(format!(
        "infrastructure --check needs AWS, and this program was built without it; {}",
        built_with_aws("infrastructure --check")
    )))
}

/// Fails, since SageMaker's registry needs AWS.
pub fn open_to_decide(arguments: &RegistryArgs) -> Result<DecidedGroup, CommandError> {
    let group = open_registry(arguments)?;
    Ok(DecidedGroup { group, can_go_back: Box::new(|_| false), decider: None })
}

/// Fails, since SageMaker's executions need AWS. Their registry, which is opened first, does so before.
pub fn past_execution(arguments: &RegistryArgs, _: &str) -> Result<PastExecution, CommandError> {
    open_registry(arguments).and_then(|_| Err(CommandError::Usage(built_with_aws("reproduce"))))
}

/// Fails, since SageMaker's registry needs AWS.
pub fn open_registry(_: &RegistryArgs) -> Result<ModelGroup, CommandError> {
    const MODELS: &str = "models";
    let command = std::env::args_os().nth(1);
    let has_local = command.is_some_and(|command| command == MODELS || command == "reproduce");
    let here = if has_local {
        "--local asks the registry of the runs here"
    } else {
        "without --sagemaker the version is one of the runs here"
    };
    Err(CommandError::Usage(format!(
        "SageMaker's registry needs AWS, and this program was built without it; {}, {here}",
        built_with_aws(MODELS)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_what_is_printed() {
        for (argument, expected) in [
            ("--input=a/b_1.csv", "--input=a/b_1.csv"),
            ("", "''"),
            ("recall 0.98", "'recall 0.98'"),
            ("it's $HOME", r"'it'\''s $HOME'"),
        ] {
            assert_eq!(quoted(argument), expected);
        }
    }
}

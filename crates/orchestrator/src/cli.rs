//! The command line.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use common::{Exit, chain};

use crate::commands::sagemaker::{DefaultArgs, SageMakerCommand};
use crate::commands::{
    clean, definition, iam_policy, infrastructure, init, models, predict, reproduce, run, sample,
    schema, serve, validate,
};
use crate::error::CommandError;
use crate::output::{print, say};

/// Builds, checks and runs the machine-downtime pipeline.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    default: DefaultArgs,
}

const EXIT_CODES: &str = "Without a command it deploys. Exit codes: 0 done, 1 failed, 2 wrong usage or \
                          configuration, 3 bad input data, 4 quality gate not met, 5 AWS refused, \
                          10 there is a difference (plan).";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the pipeline on this machine: no AWS, no network, and Docker only if asked for
    #[command(
        after_help = "Example: orchestrator run --input machine_downtime.csv -p MaxDepth=12 -p MinRecall=0.9"
    )]
    Run(run::RunArgs),
    /// Read a table that is new to the pipeline and write settings for it
    #[command(
        after_help = "Example: orchestrator init --input plant.csv --output plant.yaml\n\nIt finds what each \
                      column is, the label, what stands for a missing value, and columns that give the label \
                      away; `run` works on what it writes."
    )]
    Init(init::InitArgs),
    /// Score the rows of a table with a registered model, or any other
    #[command(
        after_help = "Example: orchestrator predict --model latest --input shift.csv --output scored.csv\n\nIt \
                      writes each row as CSV with what the model predicts, the probability of a failure, and \
                      the columns that were missing, never seen or out of range."
    )]
    Predict(predict::PredictArgs),
    /// Answer requests with a registered model, or any other, on this machine
    #[command(
        after_help = "Example: orchestrator serve --model latest --port 8080\n\nIt starts the program of the \
                      image `serve` without Docker, prints a request that works, and ends on Ctrl-C."
    )]
    Serve(serve::ServeArgs),
    /// Print the SageMaker pipeline definition that the settings come to
    #[command(after_help = "Example: orchestrator definition > definition.json")]
    Definition(definition::DefinitionArgs),
    /// Check settings and definition against every limit of the service, offline
    #[command(after_help = "Example: orchestrator validate --config config/pipeline_config.yaml")]
    Validate(validate::ValidateArgs),
    /// Write a synthetic table of sensor readings
    #[command(
        after_help = "Example: orchestrator sample --rows 10000 --seed 7 --output sample.csv"
    )]
    Sample(sample::SampleArgs),
    /// Print the IAM policy that the jobs, you or GitHub Actions need
    #[command(after_help = "Example: orchestrator iam-policy deploy > policy.json")]
    IamPolicy(iam_policy::IamPolicyArgs),
    /// Print the CloudFormation template of what the pipeline needs in its account
    #[command(
        after_help = "Example: orchestrator infrastructure > infrastructure.yaml\n\n--check compares the account \
                      with what the settings need; it asks AWS."
    )]
    Infrastructure(infrastructure::InfrastructureArgs),
    /// Print the JSON schema of the settings file
    #[command(
        after_help = "Example: orchestrator schema > plant.schema.json\n\nAn editor checks the settings whose first \
                      line is `# yaml-language-server: $schema=plant.schema.json`."
    )]
    Schema,
    #[command(flatten)]
    SageMaker(SageMakerCommand),
    /// List, show, compare, approve and reject registered models, on SageMaker or of the runs here
    #[command(after_help = "Example: orchestrator models approve latest --reason 'recall 0.98'")]
    Models(models::ModelsArgs),
    /// Make the model of a registered version again on this machine, and compare the bytes
    #[command(
        after_help = "Example: orchestrator reproduce latest --local\n\nIt runs the definition of the execution that \
                      made the version, on its parameters and inputs, up to the training. It registers nothing. Exit \
                      code 1 says that the bytes are not the same."
    )]
    Reproduce(reproduce::ReproduceArgs),
    /// Remove what nobody needs any more from the runs on this machine
    #[command(
        after_help = "Example: orchestrator clean --keep 20 --older-than 30d\n\nIt lists what would go, and asks. What \
                      a registered version or an execution that stays refers to stays, and so does what a run uses \
                      that is at work."
    )]
    Clean(clean::CleanArgs),
    /// Print a shell's completions for this command line
    #[command(
        after_help = "Example: orchestrator completions bash > /etc/bash_completion.d/orchestrator"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let command = cli.command.unwrap_or_else(|| Command::SageMaker(cli.default.into()));
    match command.run() {
        Ok(exit) => exit.into(),
        Err(error) => {
            say(&format!("error: {}", chain(&error)));
            error.exit().into()
        }
    }
}

/// Prints why there is no command to run, or the help that was asked for. An argument that the text names may have
/// letters that a terminal must not get, or very many of them.
fn refuse(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if text.chars().all(common::is_printable) && common::shortened(&text) == text {
        error.exit();
    }
    say(text.trim_end());
    Exit::Usage.into()
}

impl Command {
    fn run(&self) -> Result<Exit, CommandError> {
        match self {
            Self::Run(arguments) => run::run(arguments),
            Self::Init(arguments) => init::run(arguments),
            Self::Predict(arguments) => predict::run(arguments),
            Self::Serve(arguments) => serve::run(arguments),
            Self::Definition(arguments) => definition::run(arguments),
            Self::Validate(arguments) => validate::run(arguments),
            Self::Sample(arguments) => sample::run(arguments),
            Self::IamPolicy(arguments) => iam_policy::run(arguments),
            Self::Infrastructure(arguments) => infrastructure::run(arguments),
            Self::Schema => schema::run(),
            Self::SageMaker(command) => command.run(),
            Self::Models(arguments) => models::run(arguments),
            Self::Reproduce(arguments) => reproduce::run(arguments),
            Self::Clean(arguments) => clean::run(arguments),
            Self::Completions { shell } => completions(*shell),
        }
    }
}

fn completions(shell: clap_complete::Shell) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "orchestrator", &mut script);
    print(&String::from_utf8_lossy(&script))
}

//! The command line.

#[cfg(not(feature = "aws"))]
use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use camino::Utf8PathBuf;
use clap::{Args, CommandFactory, Parser, Subcommand};
use common::{Exit, chain};
use config::Settings;

#[cfg(feature = "aws")]
use crate::cloud;
use crate::command::{CommandError, Config, print};
use crate::{definition, infrastructure, models, progress, run, validate};

/// Builds, checks and runs the machine-downtime pipeline.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    deploy: cloud::Deploy,
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
    Run(run::Arguments),
    /// Print the SageMaker pipeline definition that the settings come to
    #[command(after_help = "Example: orchestrator definition > definition.json")]
    Definition(Config),
    /// Check settings and definition against every limit of the service, offline
    #[command(after_help = "Example: orchestrator validate --config config/pipeline_config.yaml")]
    Validate(validate::Arguments),
    /// Write a synthetic table of sensor readings
    #[command(
        after_help = "Example: orchestrator sample --rows 10000 --seed 7 --output sample.csv"
    )]
    Sample(Sample),
    /// Print the IAM policy that the jobs, you or GitHub Actions need
    #[command(after_help = "Example: orchestrator iam-policy deploy > policy.json")]
    IamPolicy(infrastructure::PolicyArguments),
    /// Print the CloudFormation template of what the pipeline needs in its account
    #[command(after_help = "Example: orchestrator infrastructure > infrastructure.yaml")]
    Infrastructure(Config),
    /// Print the JSON schema of the settings file
    Schema,
    /// Make the pipeline on SageMaker what the settings say
    #[cfg(feature = "aws")]
    #[command(
        after_help = "Example: orchestrator deploy --upload machine_downtime.csv --watch -p MaxDepth=12"
    )]
    Deploy(cloud::Deploy),
    /// Print what `deploy` would change and what an execution costs; exit code 10 if there is a change
    #[cfg(feature = "aws")]
    #[command(after_help = "Example: orchestrator plan --json")]
    Plan(cloud::PlanArguments),
    /// Look at everything that a deployment needs, and name the remedy for what is missing
    #[cfg(feature = "aws")]
    #[command(after_help = "Example: orchestrator doctor")]
    Doctor(cloud::Doctor),
    /// Start an execution of the deployed pipeline
    #[cfg(feature = "aws")]
    #[command(after_help = "Example: orchestrator start -p MinRecall=0.9 --watch")]
    Start(cloud::Start),
    /// Stop an execution
    #[cfg(feature = "aws")]
    #[command(after_help = "Example: orchestrator stop k3f9x2m1q8zt")]
    Stop(cloud::Stop),
    /// Run the failed steps of an execution again
    #[cfg(feature = "aws")]
    #[command(after_help = "Example: orchestrator retry --watch")]
    Retry(cloud::Retry),
    /// List executions, latest first
    #[cfg(feature = "aws")]
    #[command(after_help = "Example: orchestrator executions --most 5")]
    Executions(cloud::Executions),
    /// Tell how an execution stands: steps, metrics, gates, the registered model
    #[cfg(feature = "aws")]
    #[command(after_help = "Example: orchestrator status k3f9x2m1q8zt --json")]
    Status(cloud::Status),
    /// Watch an execution to its end, with the log of what failed; exits as the execution ends
    #[cfg(feature = "aws")]
    #[command(after_help = "Example: orchestrator watch --timeout 60")]
    Watch(cloud::Watch),
    /// Print the log of a step's job
    #[cfg(feature = "aws")]
    #[command(after_help = "Example: orchestrator logs Train --follow")]
    Logs(cloud::Logs),
    /// List, show, compare, approve and reject registered models, on SageMaker or of the runs here
    #[command(after_help = "Example: orchestrator models approve latest --reason 'recall 0.98'")]
    Models(models::Arguments),
    /// Print a shell's completions for this command line
    #[command(
        after_help = "Example: orchestrator completions bash > /etc/bash_completion.d/orchestrator"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// What needs AWS in a build that has it not
    #[cfg(not(feature = "aws"))]
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

/// What only a build with the AWS SDK can do.
#[cfg(not(feature = "aws"))]
const CLOUD: [&str; 10] =
    ["deploy", "plan", "doctor", "start", "stop", "retry", "executions", "status", "watch", "logs"];

#[derive(Debug, Args)]
struct Sample {
    /// How many rows
    #[arg(long, default_value_t = 2500)]
    rows: u64,
    /// The same seed gives the same table
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Where to; `-` is standard output
    #[arg(long, value_name = "FILE")]
    output: Utf8PathBuf,
}

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let command = match cli.command {
        Some(command) => command,
        #[cfg(feature = "aws")]
        None => Command::Deploy(cli.deploy),
        #[cfg(not(feature = "aws"))]
        None => Command::Other(vec!["deploy".into()]),
    };
    let result = match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Definition(arguments) => print_definition(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Sample(arguments) => sample(&arguments),
        Command::IamPolicy(arguments) => infrastructure::policy(&arguments),
        Command::Infrastructure(arguments) => infrastructure::template(&arguments),
        Command::Schema => print(&Settings::json_schema()),
        #[cfg(feature = "aws")]
        Command::Deploy(arguments) => cloud::deploy(&arguments),
        #[cfg(feature = "aws")]
        Command::Plan(arguments) => cloud::plan(&arguments),
        #[cfg(feature = "aws")]
        Command::Doctor(arguments) => cloud::doctor(&arguments),
        #[cfg(feature = "aws")]
        Command::Start(arguments) => cloud::start(&arguments),
        #[cfg(feature = "aws")]
        Command::Stop(arguments) => cloud::stop(&arguments),
        #[cfg(feature = "aws")]
        Command::Retry(arguments) => cloud::retry(&arguments),
        #[cfg(feature = "aws")]
        Command::Executions(arguments) => cloud::executions(&arguments),
        #[cfg(feature = "aws")]
        Command::Status(arguments) => cloud::status(&arguments),
        #[cfg(feature = "aws")]
        Command::Watch(arguments) => cloud::watch(&arguments),
        #[cfg(feature = "aws")]
        Command::Logs(arguments) => cloud::logs(&arguments),
        Command::Models(arguments) => models::run(&arguments),
        Command::Completions { shell } => completions(shell),
        #[cfg(not(feature = "aws"))]
        Command::Other(words) => Err(not_here(&words)),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            progress::say(&format!("error: {}", chain(&error)));
            error.exit().into()
        }
    }
}

fn completions(shell: clap_complete::Shell) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "orchestrator", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// Why a command is not known.
#[cfg(not(feature = "aws"))]
fn not_here(words: &[OsString]) -> CommandError {
    let command = words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
    CommandError::Usage(if CLOUD.contains(&command.as_ref()) {
        format!(
            "{command} needs AWS, and this program was built without it; \
             `cargo run -p orchestrator -- {command}` builds it with AWS"
        )
    } else {
        format!("there is no command `{command}`; `orchestrator --help` lists those that are")
    })
}

fn print_definition(arguments: &Config) -> Result<Exit, CommandError> {
    print(&definition::build(&arguments.settings()?).to_json())
}

fn sample(arguments: &Sample) -> Result<Exit, CommandError> {
    let Sample { rows, seed, output } = arguments;
    if *rows == 0 {
        return Err(CommandError::Usage("--rows is 0, expected at least 1".to_owned()));
    }
    if output == "-" {
        let written = dataset::sample::write(io::stdout().lock(), *rows, *seed);
        return match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(CommandError::Output(error))
            }
            _ => Ok(Exit::Done),
        };
    }
    common::write_with(output, |out| dataset::sample::write(out, *rows, *seed))?;
    print(&format!("{output}: {rows} synthetic rows, seed {seed}\n"))
}

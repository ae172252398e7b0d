//! The command line.

use std::io;
use std::process::ExitCode;

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand};
use config::Settings;
use container::{Exit, chain};

use crate::command::{CommandError, Config, print};
use crate::{definition, infrastructure, local, run, validate};

/// Builds, checks and runs the machine-downtime pipeline.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 bad input data, \
                          4 quality gate not met, 5 AWS refused.";

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
}

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
    let result = match Cli::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Definition(arguments) => print_definition(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Sample(arguments) => sample(&arguments),
        Command::IamPolicy(arguments) => infrastructure::policy(&arguments),
        Command::Infrastructure(arguments) => infrastructure::template(&arguments),
        Command::Schema => print(&Settings::json_schema()),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            local::say(&format!("error: {}", chain(&error)));
            error.exit().into()
        }
    }
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
    container::write_with(output, |out| dataset::sample::write(out, *rows, *seed))?;
    print(&format!("{output}: {rows} synthetic rows, seed {seed}\n"))
}

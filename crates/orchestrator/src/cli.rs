//! The command line.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

use std::io::{self, Write};
use std::process::ExitCode;

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, Parser, Subcommand};
use config::{ConfigError, Settings};
use container::{Exit, FileError, chain};
use pipeline::Definition;

use crate::{definition, run, validate};

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
    /// Run the pipeline on this machine, without AWS, Docker or a network
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
    /// Print the JSON schema of the settings file
    Schema,
}

/// Which settings.
#[derive(Debug, Args)]
pub struct Config {
    /// The settings
    #[arg(long, value_name = "FILE", default_value = "config/pipeline_config.yaml")]
    pub config: Utf8PathBuf,
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

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(io::Error),
    /// The settings are wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A definition is not one.
    #[error("{file}")]
    Definition {
        /// Which file.
        file: Utf8PathBuf,
        /// Where and why.
        source: pipeline::DefinitionError,
    },
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The data cannot be used.
    #[error("{0}")]
    Data(String),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
    /// Output has nowhere to go.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// An execution could not even begin.
    #[error("cannot begin an execution")]
    Begin(#[source] io::Error),
    /// The local object store.
    #[error(transparent)]
    Store(#[from] crate::local::StoreError),
}

impl CommandError {
    fn exit(&self) -> Exit {
        match self {
            Self::Read(_) | Self::Config(_) | Self::Definition { .. } | Self::Usage(_) => {
                Exit::Usage
            }
            Self::Data(_) => Exit::Data,
            Self::Write(_) | Self::Output(_) | Self::Begin(_) | Self::Store(_) => Exit::Failed,
        }
    }
}

/// The program.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Definition(arguments) => print_definition(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Sample(arguments) => sample(&arguments),
        Command::Schema => print(&Settings::json_schema()),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {}", chain(&error));
            error.exit().into()
        }
    }
}

impl Config {
    /// Reads and checks the settings.
    pub fn settings(&self) -> Result<Settings, CommandError> {
        let text = read(&self.config)?;
        Ok(Settings::from_yaml(self.config.as_str(), &text, |name| std::env::var(name).ok())?)
    }
}

/// Reads a text file.
pub fn read(path: &Utf8Path) -> Result<String, CommandError> {
    fs_err::read_to_string(path).map_err(CommandError::Read)
}

/// Reads a definition.
pub fn read_definition(path: &Utf8Path) -> Result<Definition, CommandError> {
    let text = read(path)?;
    Definition::from_json(&text)
        .map_err(|source| CommandError::Definition { file: path.to_owned(), source })
}

/// Prints to standard output. A reader that has gone away, such as `head`, is no failure.
pub fn print(text: &str) -> Result<Exit, CommandError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::Output(error)),
        _ => Ok(Exit::Done),
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
    println!("{output}: {rows} synthetic rows, seed {seed}");
    Ok(Exit::Done)
}

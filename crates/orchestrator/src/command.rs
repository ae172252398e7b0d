//! What all commands share: their settings, what they print, why they fail.

use std::io::{self, Write};

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use common::{Exit, FileError};
use config::{ConfigError, Settings};
use local::{ResumeError, StageError};
use pipeline::Definition;
use registry::RegistryError;

use crate::table;

/// Which settings.
#[derive(Debug, Args)]
pub struct Config {
    /// The settings
    #[arg(long, value_name = "FILE", default_value = "config/pipeline_config.yaml")]
    pub config: Utf8PathBuf,
    /// The images by digest, as scripts/push-images wrote them down
    #[arg(long, value_name = "FILE")]
    pub images: Option<Utf8PathBuf>,
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
    #[cfg(feature = "aws")]
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
    Store(#[from] local::StoreError),
    /// A table cannot be copied into the local object store.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// An execution cannot be resumed.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// A model registry did not do as asked.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// What stands on AWS is not what the command needs.
    #[cfg(feature = "aws")]
    #[error("{0}")]
    Aws(String),
    /// Watching was given up.
    #[cfg(feature = "aws")]
    #[error("execution {execution} is not over within --timeout")]
    Late {
        /// Which one.
        execution: String,
    },
    /// AWS cannot be reached.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Connect(#[from] aws::ConnectError),
    /// AWS did not do as asked.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Call(#[from] aws::CallError),
}

impl CommandError {
    /// What to exit with.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Read(_) | Self::Config(_) | Self::Definition { .. } | Self::Usage(_) => {
                Exit::Usage
            }
            #[cfg(feature = "aws")]
            Self::Data(_) => Exit::Data,
            Self::Stage(error) => match error {
                StageError::Input { .. } | StageError::Entry(_) => Exit::Data,
                StageError::Read(_) => Exit::Usage,
                StageError::Store(_) => Exit::Failed,
            },
            Self::Resume(ResumeError::Store(_)) => Exit::Failed,
            Self::Resume(_) => Exit::Usage,
            #[cfg(feature = "aws")]
            Self::Aws(_) | Self::Connect(_) | Self::Call(_) => Exit::Aws,
            Self::Registry(error) => match error {
                RegistryError::Directory { .. } | RegistryError::Document { .. } => Exit::Failed,
                // SageMaker's; of a local one it is wrong usage, and said to be
                _ => Exit::Aws,
            },
            #[cfg(feature = "aws")]
            Self::Late { .. } => Exit::Failed,
            Self::Write(_) | Self::Output(_) | Self::Begin(_) | Self::Store(_) => Exit::Failed,
        }
    }
}

impl Config {
    /// Reads and checks the settings.
    pub fn settings(&self) -> Result<Settings, CommandError> {
        let text = read(&self.config).map_err(|error| {
            CommandError::Usage(format!("{}; --config names the settings", common::chain(&error)))
        })?;
        let environment = |name: &str| std::env::var(name).ok();
        let mut settings =
            Settings::from_yaml_checked(self.config.as_str(), &text, environment, table::faults)?;
        if let Some(images) = &self.images {
            settings.use_images(images.as_str(), &read(images)?)?;
        }
        Ok(settings)
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

/// Prints what others may have put words into.
pub fn print_text(text: &str) -> Result<Exit, CommandError> {
    print(&common::printable(text))
}

/// Prints a value as JSON.
pub fn print_json(value: &impl serde::Serialize) -> Result<Exit, CommandError> {
    print(&json(value))
}

/// A value as indented JSON with a line end at its end.
pub fn json(value: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// Prints to standard output. A reader that has gone away, such as `head`, is no failure.
pub fn print(text: &str) -> Result<Exit, CommandError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::Output(error)),
        _ => Ok(Exit::Done),
    }
}

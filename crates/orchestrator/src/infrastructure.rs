//! What the pipeline needs of its account, printed.

use clap::{Args, ValueEnum};
use common::Exit;
use infrastructure::PolicyKind;

use crate::command::{CommandError, Config, print};
use crate::definition;

/// Which policy, of which settings.
#[derive(Debug, Args)]
pub struct PolicyArguments {
    /// Who it is for
    kind: Kind,
    #[command(flatten)]
    config: Config,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// The role that the pipeline and its jobs run as
    Execution,
    /// Who types these commands
    Deploy,
    /// GitHub Actions: as deploy, but they push images and approve no models
    Github,
}

/// Prints a policy as JSON.
pub fn policy(arguments: &PolicyArguments) -> Result<Exit, CommandError> {
    let settings = arguments.config.settings()?;
    let kind = match arguments.kind {
        Kind::Execution => PolicyKind::Execution,
        Kind::Deploy => PolicyKind::Deploy,
        Kind::Github => PolicyKind::Github,
    };
    let definition = definition::build(&settings);
    print(&infrastructure::policy(kind, &settings, &definition).to_json())
}

/// Prints the CloudFormation template as YAML.
pub fn template(arguments: &Config) -> Result<Exit, CommandError> {
    let settings = arguments.settings()?;
    print(&infrastructure::template(&settings, &definition::build(&settings)))
}

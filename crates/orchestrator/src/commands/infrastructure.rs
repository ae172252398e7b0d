//! `orchestrator infrastructure`: prints the CloudFormation template, or compares the account with it.

use clap::Args;
use common::Exit;

use super::sagemaker::check_account;
use crate::arguments::settings::SettingsArgs;
use crate::definition;
use crate::error::CommandError;
use crate::output::print;

/// Arguments of the infrastructure command.
#[derive(Debug, Args)]
pub struct InfrastructureArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// Print no template, but what the account lacks, and what the template can leave alone
    #[arg(long)]
    check: bool,
}

/// Prints the template as YAML, or what the account lacks.
pub fn run(arguments: &InfrastructureArgs) -> Result<Exit, CommandError> {
    if arguments.check {
        return check_account(&arguments.config);
    }
    let settings = arguments.config.settings_of_account()?;
    print(&infrastructure::template(&settings, &definition::build(&settings)))
}

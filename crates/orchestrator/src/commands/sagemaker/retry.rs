//! `orchestrator retry`: runs the failed steps of an execution again.

use clap::Args;
use common::Exit;

use super::connect::connect;
use super::follow::{FollowArgs, follow};
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;

/// Arguments of the retry command.
#[derive(Debug, Args)]
pub struct RetryArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// The execution's id or ARN [default: the latest]
    execution: Option<String>,
    #[command(flatten)]
    follow: FollowArgs,
}

/// Retries the execution, and watches it with `--watch`.
pub fn run(arguments: &RetryArgs) -> Result<Exit, CommandError> {
    let (settings, cloud) = connect(&arguments.config)?;
    let arn = cloud.find(arguments.execution.as_deref())?;
    cloud.check_arn(&arn)?;
    cloud.retry(&arn)?;
    follow(&settings, &cloud, &arn, "tried again", &arguments.follow)
}

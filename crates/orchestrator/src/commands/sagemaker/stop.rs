//! `orchestrator stop`: stops an execution.

use clap::Args;
use common::Exit;

use super::connect::connect;
use super::follow::announce;
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;

/// Arguments of the stop command.
#[derive(Debug, Args)]
pub struct StopArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// The execution's id or ARN [default: the latest]
    execution: Option<String>,
}

/// Stops the execution.
pub fn run(arguments: &StopArgs) -> Result<Exit, CommandError> {
    let (_, cloud) = connect(&arguments.config)?;
    let arn = cloud.find(arguments.execution.as_deref())?;
    cloud.stop(&arn)?;
    announce(&format!("{arn}: stopping; its jobs are given two minutes"))
}

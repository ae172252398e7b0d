//! `orchestrator stop`: stops an execution.

use clap::Args;
use cloud::SageMakerExecution;
use common::Exit;
use serde_json::json;

use super::connect::connect;
use super::follow::announce;
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;
use crate::output::{print_json, say};

/// Arguments of the stop command.
#[derive(Debug, Args)]
pub struct StopArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// The execution's id or ARN [default: the latest]
    execution: Option<String>,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Stops the execution.
pub fn run(arguments: &StopArgs) -> Result<Exit, CommandError> {
    let (_, cloud) = connect(&arguments.config)?;
    let arn = cloud.find(arguments.execution.as_deref())?;
    cloud.check_arn(&arn)?;
    cloud.stop(&arn)?;
    let text = format!("{arn}: stopping; its jobs are given two minutes");
    if !arguments.json {
        return announce(&text);
    }
    let id = SageMakerExecution::id_of(&arn);
    let result = json!({ "execution_arn": arn, "execution_id": id, "status": "Stopping" });
    print_json(&result).inspect_err(|_| say(&text))
}

//! `orchestrator status`: reports the state of an execution.

use clap::Args;
use common::Exit;

use super::connect::connect;
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;
use crate::output::print_json;
use crate::output::sagemaker_report::SageMakerReport;
use crate::sagemaker_error::SageMakerError;

/// Arguments of the status command.
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// The execution's id or ARN [default: the latest]
    execution: Option<String>,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints steps, metrics, gates and the registered model.
pub fn run(arguments: &StatusArgs) -> Result<Exit, CommandError> {
    let (settings, cloud) = connect(&arguments.config)?;
    let arn = cloud.find(arguments.execution.as_deref())?;
    let execution = cloud.execution(&arn).map_err(SageMakerError::Call)?;
    let report = SageMakerReport::of(&cloud, &execution);
    if arguments.json {
        print_json(&report.to_json(&settings))?;
    } else {
        report.print(&settings)?;
    }
    // The command succeeded, whatever the status of the execution is.
    Ok(Exit::Done)
}

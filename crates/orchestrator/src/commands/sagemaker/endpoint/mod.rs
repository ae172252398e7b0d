//! `orchestrator endpoint`: deploys approved versions as an endpoint, and operates it.

mod delete;
mod deploy;
mod desired;
mod hosting_check;
mod hosting_cost;
mod invoke;
mod logs;
mod progress;
mod rollback;
mod status;

use clap::{Args, Subcommand};
use common::Exit;

use crate::error::CommandError;

pub use deploy::require_deployable;
pub use desired::hosted_model;
pub use hosting_check::require_hostable;

/// Arguments of the endpoint command.
#[derive(Debug, Args)]
pub struct EndpointArgs {
    #[command(subcommand)]
    command: EndpointCommand,
}

#[derive(Debug, Subcommand)]
enum EndpointCommand {
    /// Make the endpoint what the settings say, with an approved version
    #[command(
        after_help = "Example: orchestrator endpoint deploy 3 --yes\n\nIt says what would change and what that \
                      costs, and asks. It fails if SageMaker rolls the update back."
    )]
    Deploy(deploy::DeployArgs),
    /// Tell how the endpoint stands: version, state, requests, errors, latency, cost
    #[command(after_help = "Example: orchestrator endpoint status --json")]
    Status(status::StatusArgs),
    /// Send the rows of a table to the endpoint and write them with its answers
    #[command(
        after_help = "Example: orchestrator endpoint invoke --input shift.csv --output scored.csv"
    )]
    Invoke(invoke::InvokeArgs),
    /// Print what the containers of the endpoint said
    #[command(after_help = "Example: orchestrator endpoint logs --since 15 --follow")]
    Logs(logs::LogsArgs),
    /// Go back to what the endpoint was before its last update
    #[command(after_help = "Example: orchestrator endpoint rollback")]
    Rollback(rollback::RollbackArgs),
    /// Delete the endpoint with what was made for it, and nothing that is in use
    #[command(after_help = "Example: orchestrator endpoint delete --dry-run")]
    Delete(delete::DeleteArgs),
}

/// Runs the subcommand.
pub fn run(arguments: &EndpointArgs) -> Result<Exit, CommandError> {
    match &arguments.command {
        EndpointCommand::Deploy(arguments) => deploy::run(arguments),
        EndpointCommand::Status(arguments) => status::run(arguments),
        EndpointCommand::Invoke(arguments) => invoke::run(arguments),
        EndpointCommand::Logs(arguments) => logs::run(arguments),
        EndpointCommand::Rollback(arguments) => rollback::run(arguments),
        EndpointCommand::Delete(arguments) => delete::run(arguments),
    }
}

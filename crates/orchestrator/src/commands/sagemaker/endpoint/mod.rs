//! `orchestrator endpoint`: deploys approved versions as an endpoint, and operates it.

mod delete;
mod deploy;
mod desired;
mod hosting_cost;
mod invoke;
mod logs;
mod rollback;
mod status;

use clap::{Args, Subcommand};
use cloud::{DeployedEndpoint, WatchEvent};
use common::{Exit, chain};

use crate::error::CommandError;
use crate::output::say;

pub use deploy::require_deployable;
pub use desired::hosted_model;

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

/// Prints how an endpoint changes: a line for each state that it comes into.
#[derive(Default)]
struct EndpointProgress {
    shown: String,
}

impl EndpointProgress {
    fn show(&mut self, event: WatchEvent<'_, DeployedEndpoint>) {
        match event {
            WatchEvent::Described(endpoint) => {
                let activity = endpoint.variants.iter().flat_map(|variant| &variant.activity);
                let activity: Vec<&str> = activity.map(String::as_str).collect();
                let mut line = format!("{}: {}", endpoint.name, endpoint.status);
                if !activity.is_empty() {
                    line.push_str(&format!(" ({})", activity.join(", ")));
                }
                if line != self.shown {
                    say(&line);
                    self.shown = line;
                }
            }
            WatchEvent::Unreachable { error, wait } => {
                say(&format!("{}; asking again in {:.0} s", chain(error), wait.as_secs_f64()));
            }
        }
    }
}

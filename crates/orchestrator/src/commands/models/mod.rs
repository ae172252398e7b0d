//! `orchestrator models`: lists, shows, compares, approves and rejects registered models.

mod compare;
mod decide;
pub mod group;
mod list;
mod show;

use clap::{Args, Subcommand};
use common::Exit;
use registry::{ApprovalStatus, DirectoryRegistry, RegistryError};

use super::sagemaker;
use crate::error::CommandError;
use compare::compare;
use decide::decide;
use group::{Group, ModelsPlace};
use list::list;
use show::show;

/// Arguments of the models command.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// List the versions of the group, latest first
    #[command(after_help = "Example: orchestrator models list --local")]
    List {
        #[command(flatten)]
        place: ModelsPlace,
        /// How many
        #[arg(long, value_name = "NUMBER", default_value_t = 20)]
        most: usize,
    },
    /// Show a version whole
    #[command(after_help = "Example: orchestrator models show 3 --json")]
    Show {
        /// The version's number, or `latest` or `approved`
        version: String,
        #[command(flatten)]
        place: ModelsPlace,
    },
    /// Show two versions side by side: metrics, origin, serving
    #[command(after_help = "Example: orchestrator models compare approved latest")]
    Compare {
        /// A version's number, or `latest` or `approved`
        a: String,
        /// Another
        b: String,
        #[command(flatten)]
        place: ModelsPlace,
    },
    /// Let a version be deployed
    #[command(
        after_help = "Example: orchestrator models approve 3 --reason 'recall 0.98 on line 2'"
    )]
    Approve {
        /// The version's number, or `latest`
        version: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        place: ModelsPlace,
    },
    /// Forbid that a version is deployed
    #[command(
        after_help = "Example: orchestrator models reject 3 --reason 'trained on a bad export'"
    )]
    Reject {
        /// The version's number, or `latest`
        version: String,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        place: ModelsPlace,
    },
}

/// Runs the subcommand.
pub fn run(arguments: &ModelsArgs) -> Result<Exit, CommandError> {
    use RegistryError::{Limit, NoGroup, NoVersion};
    match execute(&arguments.command) {
        // In a local registry, a group or version that does not exist is wrong usage.
        Err(CommandError::Registry(error @ (NoGroup { .. } | NoVersion { .. } | Limit { .. })))
            if arguments.command.place().local =>
        {
            Err(CommandError::Usage(error.to_string()))
        }
        result => result,
    }
}

impl ModelsCommand {
    fn place(&self) -> &ModelsPlace {
        match self {
            Self::List { place, .. }
            | Self::Show { place, .. }
            | Self::Compare { place, .. }
            | Self::Approve { place, .. }
            | Self::Reject { place, .. } => place,
        }
    }
}

fn execute(command: &ModelsCommand) -> Result<Exit, CommandError> {
    match command {
        ModelsCommand::List { place, most } => list(&open(place)?, *most, place.json),
        ModelsCommand::Show { version, place } => show(&open(place)?, version, place.json),
        ModelsCommand::Compare { a, b, place } => compare(&open(place)?, [a, b], place.json),
        ModelsCommand::Approve { version, reason, place } => {
            let status = ApprovalStatus::Approved;
            decide(&open(place)?, version, status, reason.as_deref(), place.json)
        }
        ModelsCommand::Reject { version, reason, place } => {
            let status = ApprovalStatus::Rejected;
            decide(&open(place)?, version, status, Some(reason), place.json)
        }
    }
}

/// Opens the group that the arguments name.
fn open(place: &ModelsPlace) -> Result<Group, CommandError> {
    if !place.local {
        return sagemaker::open_registry(place);
    }
    let settings = place.config.settings()?;
    let name = place.group.clone().unwrap_or(settings.model_registry.model_package_group_name);
    let store = local::store(&place.runs);
    let registry = Box::new(DirectoryRegistry::new(local::registry(&place.runs)));
    let read = move |uri: &str| fs_err::read(store.path(uri).ok()?).ok();
    Ok(Group { registry, name, read: Box::new(read) })
}

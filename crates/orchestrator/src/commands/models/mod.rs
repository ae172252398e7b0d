//! `orchestrator models`: lists, shows, compares, approves and rejects registered models.

mod compare;
mod decide;
pub mod digests;
pub mod group;
mod list;
mod made_by;
pub mod report_metrics;
mod show;
mod table_change;

use clap::{Args, Subcommand};
use common::Exit;
use registry::{ApprovalStatus, DirectoryRegistry};

use super::sagemaker;
use crate::error::CommandError;
use compare::compare;
use decide::decide;
use group::{DecidedGroup, ModelGroup, RegistryArgs};
use list::list;
use show::show;

pub use made_by::execution;
pub use table_change::table_change;

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
        registry: RegistryArgs,
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
        registry: RegistryArgs,
    },
    /// Show two versions side by side: metrics, origin, serving
    #[command(after_help = "Example: orchestrator models compare approved latest")]
    Compare {
        /// A version's number, or `latest` or `approved`
        a: String,
        /// Another
        b: String,
        #[command(flatten)]
        registry: RegistryArgs,
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
        registry: RegistryArgs,
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
        registry: RegistryArgs,
    },
}

/// Runs the subcommand.
pub fn run(arguments: &ModelsArgs) -> Result<Exit, CommandError> {
    match &arguments.command {
        ModelsCommand::List { registry, most } => list(&open(registry)?, *most, registry.json),
        ModelsCommand::Show { version, registry } => show(&open(registry)?, version, registry.json),
        ModelsCommand::Compare { a, b, registry } => {
            compare(&open(registry)?, [a, b], registry.json)
        }
        ModelsCommand::Approve { version, reason, registry } => {
            let status = ApprovalStatus::Approved;
            decide(&open_to_decide(registry)?, version, status, reason.as_deref(), registry.json)
        }
        ModelsCommand::Reject { version, reason, registry } => {
            let status = ApprovalStatus::Rejected;
            decide(&open_to_decide(registry)?, version, status, Some(reason), registry.json)
        }
    }
}

/// Returns the group of the settings if they are named, and otherwise the only one of the runs on this machine.
fn local_group(registry: &RegistryArgs) -> Result<String, CommandError> {
    if registry.config.are_named() {
        return Ok(registry.config.settings()?.model_registry.model_package_group_name);
    }
    let runs = &registry.runs;
    let mut groups = DirectoryRegistry::new(local::registry(runs)).groups()?;
    match &groups[..] {
        [_] => Ok(groups.remove(0)),
        [] => Err(CommandError::Usage(format!(
            "there is no registered model in {runs}; --runs names another directory, and `run` registers a model"
        ))),
        _ => Err(CommandError::Usage(format!(
            "there are models of several groups in {runs}; --config or --group names one of: {}",
            groups.join(", ")
        ))),
    }
}

/// Opens the group that the arguments name, to decide about its versions.
fn open_to_decide(registry: &RegistryArgs) -> Result<DecidedGroup, CommandError> {
    if !registry.local {
        return sagemaker::open_to_decide(registry);
    }
    Ok(DecidedGroup { group: open(registry)?, can_go_back: Box::new(|_| false), decider: None })
}

/// Opens the group that the arguments name.
pub fn open(registry: &RegistryArgs) -> Result<ModelGroup, CommandError> {
    if !registry.local {
        return sagemaker::open_registry(registry);
    }
    let name = match &registry.group {
        Some(group) => group.clone(),
        None => local_group(registry)?,
    };
    let store = local::store(&registry.runs);
    let directory = local::registry(&registry.runs);
    let read = move |uri: &str, limit| {
        common::read_regular(&store.path(uri)?, limit).map_err(CommandError::Read)
    };
    Ok(ModelGroup {
        registry: Box::new(DirectoryRegistry::new(directory)),
        name,
        read: Box::new(read),
        find_endpoint: Box::new(|| None),
    })
}

//! `orchestrator endpoint rollback`: goes back to what the endpoint was before its last update.

use clap::Args;
use common::Exit;
use serde_json::json;

use super::deploy::{require_deployable, version_text, versions_text};
use super::progress::watch_update;
use crate::arguments::settings::SettingsArgs;
use crate::commands::confirm::{ConfirmArgs, Decision};
use crate::commands::sagemaker::connect::{connect, group_of};
use crate::commands::sagemaker::deploy::OWNER;
use crate::commands::sagemaker::follow::announce;
use crate::commands::sagemaker::watch::WatchingArgs;
use crate::error::CommandError;
use crate::output::{print_json, say};

/// Arguments of the rollback command.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    #[command(flatten)]
    config: SettingsArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    watching: WatchingArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Brings the configuration before the last update back.
pub fn run(arguments: &RollbackArgs) -> Result<Exit, CommandError> {
    let (settings, cloud) = connect(&arguments.config)?;
    let name = settings.endpoint_name();
    let rollback = cloud.plan_rollback(name)?;
    cloud.check_arn(&rollback.deployed.arn)?;
    cloud.check_endpoint_owner(&rollback.deployed, OWNER)?;
    let group = group_of(&settings, &cloud);
    let arn = rollback.previous.package_arn.as_deref();
    let arn = arn.filter(|_| rollback.previous.version.is_some());
    // A version that was rejected since must not answer again.
    let check = || arn.map_or(Ok(()), |arn| require_deployable(&group.registry.describe(arn)?));
    check()?;
    let after = version_text(Some(&rollback.previous));
    let package_arn = rollback.previous.package_arn.as_deref().unwrap_or_default();
    let versions = versions_text(rollback.current.as_ref(), package_arn, &after);
    let report = |action: &str| {
        json!({
            "endpoint": name, "action": action, "dry_run": arguments.confirm.dry_run,
            "version": rollback.previous.version,
            "configuration": rollback.previous.name, "changes": rollback.changes,
        })
    };
    let mut text = format!("{name} goes back: {versions}.\n");
    for change in &rollback.changes {
        text.push_str(&format!("  {change}\n"));
    }
    match arguments.confirm.decide(&text, "Go back?", arguments.json)? {
        Decision::Do => {}
        Decision::Say if arguments.json => return print_json(&report("rollback")),
        Decision::Say => return Ok(Exit::Done),
        Decision::Leave => return Ok(Exit::Failed),
    }
    check()?;
    let update = cloud.start_rollback(&rollback)?;
    if update.has_removed_autoscaling {
        say(
            "The number of instances follows the traffic no more, since they are of another type or kind; `orchestrator \
             endpoint deploy` sets it again.",
        );
    }
    watch_update(&cloud, name, &update, &arguments.watching, "")?;
    if arguments.json {
        return print_json(&report("rolled back"));
    }
    announce(&format!("endpoint {name}: {after} answers again"))
}

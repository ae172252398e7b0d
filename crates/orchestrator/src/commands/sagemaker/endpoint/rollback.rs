//! `orchestrator endpoint rollback`: goes back to what the endpoint was before its last update.

use clap::Args;
use common::Exit;
use serde_json::json;

use super::deploy::require_deployable;
use super::desired::update_policy;
use super::progress::EndpointProgress;
use crate::arguments::settings::SettingsArgs;
use crate::commands::sagemaker::confirm::ConfirmArgs;
use crate::commands::sagemaker::connect::{connect, group_of};
use crate::commands::sagemaker::deploy::OWNER;
use crate::commands::sagemaker::follow::announce;
use crate::commands::sagemaker::watch::{WatchingArgs, interruptible};
use crate::error::CommandError;
use crate::output::{print_json, print_text, say};

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
    if let Some(arn) = &rollback.previous.package_arn
        && rollback.previous.version.is_some()
    {
        // A version that was rejected since must not answer again.
        require_deployable(&group_of(&settings, &cloud).registry.describe(arn)?)?;
    }
    let version = |version: Option<u32>| {
        version.map_or("another model".to_owned(), |version| format!("version {version}"))
    };
    let before = rollback.current.as_ref().and_then(|current| current.version);
    let (before, after) = (version(before), version(rollback.previous.version));
    let report = |action: &str| {
        let changes = rollback.changes.iter();
        let changes: Vec<_> = changes
            .map(|it| json!({ "place": it.place, "before": it.before, "after": it.after }))
            .collect();
        json!({
            "endpoint": name, "action": action, "version": rollback.previous.version,
            "configuration": rollback.previous.name, "changes": changes,
        })
    };
    if !arguments.json {
        let mut text = format!("{name} goes back: {before} -> {after}.\n");
        for change in &rollback.changes {
            text.push_str(&format!("  {change}\n"));
        }
        print_text(&text)?;
    }
    if arguments.confirm.dry_run {
        return if arguments.json {
            print_json(&report("rollback"))
        } else {
            print_text("Nothing was done: --dry-run.\n")
        };
    }
    if !arguments.confirm.confirm("Go back?")? {
        return Ok(Exit::Failed);
    }
    let policy = update_policy(&settings.endpoint.update);
    let update = cloud.start_rollback(&rollback, &policy)?;
    if rollback.removes_autoscaling() {
        say(
            "The number of instances follows the traffic no more, since they are of another type; `orchestrator endpoint deploy` sets it again.",
        );
    }
    let goes_on = format!(
        "The endpoint {name} goes on to change: `orchestrator endpoint status` tells how it stands."
    );
    let mut progress = EndpointProgress::default();
    interruptible(&goes_on, || {
        cloud.watch_update(name, &update, arguments.watching.watch(), &mut |event| {
            progress.show(event);
        })
    })?;
    if arguments.json {
        return print_json(&report("rolled back"));
    }
    announce(&format!("endpoint {name}: {after} answers again"))
}

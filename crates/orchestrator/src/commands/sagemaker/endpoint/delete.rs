//! `orchestrator endpoint delete`: deletes the endpoint with what was made for it.

use clap::Args;
use cloud::{EndpointMetrics, Kept, Removal, WatchEvent};
use common::Exit;
use config::Settings;
use serde_json::json;

use super::status::{hosting_cost, metrics_or_say};
use crate::arguments::settings::SettingsArgs;
use crate::commands::confirm::{ConfirmArgs, Decision};
use crate::commands::sagemaker::connect::connect;
use crate::commands::sagemaker::deploy::OWNER;
use crate::commands::sagemaker::follow::announce;
use crate::commands::sagemaker::watch::{WatchingArgs, interruptible, say_unreachable};
use crate::error::CommandError;
use crate::output::print_json;

/// Arguments of the delete command.
#[derive(Debug, Args)]
pub struct DeleteArgs {
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

/// Deletes the endpoint.
pub fn run(arguments: &DeleteArgs) -> Result<Exit, CommandError> {
    let (settings, cloud) = connect(&arguments.config)?;
    let name = settings.endpoint_name();
    let removal = cloud.plan_removal(name)?;
    let mut metrics = None;
    match &removal.endpoint {
        Some(endpoint) => {
            cloud.check_arn(&endpoint.arn)?;
            cloud.check_endpoint_owner(endpoint, OWNER)?;
            metrics = Some(metrics_or_say(&cloud, name));
        }
        None if removal.is_empty() => {
            // Whoever deletes what is gone has what they want; a wrong name should not look like it.
            cloud.require_endpoint(name)?;
        }
        None => cloud.check_credentials()?,
    }
    let dry_run = arguments.confirm.dry_run;
    let report = |removal: &Removal, done: bool| json!({ "deleted": done, "dry_run": dry_run, "removal": removal, "last_hour": metrics });
    let text = to_text(&settings, &removal, metrics);
    match arguments.confirm.decide(&text, "Delete it?", arguments.json)? {
        Decision::Do => {}
        Decision::Say if arguments.json => return print_json(&report(&removal, false)),
        Decision::Say => return Ok(Exit::Done),
        Decision::Leave => return Ok(Exit::Failed),
    }
    cloud.start_removal(&removal)?;
    let goes_on = "SageMaker goes on to delete the endpoint; the same command deletes the rest.";
    let removed = interruptible(goes_on, || {
        cloud.finish_removal(&removal, arguments.watching.watch(), &mut |event| {
            if let WatchEvent::Unreachable { error, wait } = event {
                say_unreachable(error, wait);
            }
        })
    })?;
    if arguments.json {
        return print_json(&report(&removed, true));
    }
    // What was taken into use meanwhile is kept, too.
    let kept = kept_text(removed.kept.iter().filter(|kept| !removal.kept.contains(kept)));
    let deleted = removed.configurations.len() + removed.models.len();
    if removal.endpoint.is_none() && deleted == 0 {
        return announce(&format!("{kept}endpoint {name}: nothing was deleted"));
    }
    announce(&format!("{kept}endpoint {name}: deleted"))
}

fn to_text(settings: &Settings, removal: &Removal, metrics: Option<EndpointMetrics>) -> String {
    let name = settings.endpoint_name();
    let mut text = String::new();
    match &removal.endpoint {
        None => text
            .push_str(&format!("The endpoint {name} is gone; what was made for it is deleted.\n")),
        Some(endpoint) => {
            text.push_str(&format!("The endpoint {name} ({}) is deleted.\n", endpoint.status));
            if let Some(cost) = hosting_cost(settings, endpoint, removal.current.as_ref()) {
                text.push_str(&format!("It costs {cost}; that stops.\n"));
            }
            let requests = match metrics {
                Some(metrics) if metrics != EndpointMetrics::default() => {
                    format!("{:.0}", metrics.invocations.unwrap_or_default())
                }
                _ => "unknown".to_owned(),
            };
            text.push_str(&format!("Requests to it in the last hour: {requests}.\n"));
        }
    }
    for (what, names) in [("configurations", &removal.configurations), ("models", &removal.models)]
    {
        if !names.is_empty() {
            text.push_str(&format!("Deleted with it, {what}: {}\n", names.join(", ")));
        }
    }
    text + &kept_text(&removal.kept)
}

fn kept_text<'a>(kept: impl IntoIterator<Item = &'a Kept>) -> String {
    let kept = kept.into_iter();
    kept.map(|kept| format!("Kept: the {} {}, which {} uses\n", kept.kind, kept.name, kept.used_by))
        .collect()
}

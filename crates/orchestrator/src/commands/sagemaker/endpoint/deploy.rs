//! `orchestrator endpoint deploy`: makes the endpoint what the settings say, with an approved version.

use clap::Args;
use cloud::{Cloud, CloudError, DesiredEndpoint, EndpointConfiguration, EndpointPlan};
use common::Exit;
use config::{EndpointKind, EndpointUpdate, Settings, Shift};
use registry::{ApprovalStatus, ModelPackage};
use serde_json::json;

use super::desired::desired_endpoint;
use super::hosting_check::require_hostable;
use super::hosting_cost::HostingCost;
use super::progress::watch_update;
use crate::arguments::settings::SettingsArgs;
use crate::commands::confirm::{ConfirmArgs, Decision};
use crate::commands::models::group::require_complete;
use crate::commands::sagemaker::connect::{connect, group_of};
use crate::commands::sagemaker::deploy::OWNER;
use crate::commands::sagemaker::follow::announce;
use crate::commands::sagemaker::watch::WatchingArgs;
use crate::error::CommandError;
use crate::output::{print_json, print_text};
use crate::sagemaker_error::SageMakerError;

/// Arguments of the deploy command.
#[derive(Debug, Args)]
pub struct DeployArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// The version's number, `latest` or `approved` [default: approved, the latest such one]
    version: Option<String>,
    #[command(flatten)]
    confirm: ConfirmArgs,
    /// Take over an endpoint of this name that something else has made
    #[arg(long)]
    adopt: bool,
    #[command(flatten)]
    watching: WatchingArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Deploys a version.
pub fn run(arguments: &DeployArgs) -> Result<Exit, CommandError> {
    let (settings, cloud) = connect(&arguments.config)?;
    let group = group_of(&settings, &cloud);
    let version = arguments.version.as_deref().unwrap_or("approved");
    let package = group.find(version)?;
    require_deployable(&package)?;
    let desired = desired_endpoint(&settings, &package);
    // Every check comes before the first change.
    let plan = cloud.plan_endpoint(&desired)?;
    match &plan.deployed {
        Some(deployed) => {
            cloud.check_arn(&deployed.arn)?;
            if !arguments.adopt {
                cloud.check_endpoint_owner(deployed, OWNER)?;
            }
        }
        None => cloud.check_credentials()?,
    }
    let cost = HostingCost::of_settings(&settings);
    let report = |action: &str| {
        json!({
            "endpoint": desired.name, "action": action, "dry_run": arguments.confirm.dry_run,
            "version": package.version,
            "configuration": plan.config_name, "changes": plan.changes, "cost": cost,
        })
    };
    let text = to_text(&plan, &desired, &settings, &cost);
    if plan.is_empty() {
        if let (Some(deployed), true) = (&plan.deployed, arguments.adopt) {
            cloud.tag(&deployed.arn, OWNER)?;
        }
        return if arguments.json { print_json(&report("unchanged")) } else { print_text(&text) };
    }
    let endpoint = &settings.endpoint;
    let instance_type =
        Some(endpoint.instance_type()).filter(|_| endpoint.kind != EndpointKind::Serverless);
    require_hostable(&cloud, &package, instance_type)?;
    let action = if plan.deployed.is_some() { "update" } else { "create" };
    match arguments.confirm.decide(&text, "Deploy it?", arguments.json)? {
        Decision::Do => {}
        Decision::Say if arguments.json => return print_json(&report(action)),
        Decision::Say => return Ok(Exit::Done),
        Decision::Leave => return Ok(Exit::Failed),
    }
    // It may have been rejected while somebody was asked.
    require_deployable(&group.registry.describe(&package.arn)?)?;
    apply(&cloud, &desired, &plan, &arguments.watching)?;
    let done = if plan.deployed.is_some() { "updated" } else { "created" };
    if arguments.json {
        return print_json(&report(done));
    }
    announce(&format!(
        "endpoint {}: {done}, version {} answers. orchestrator endpoint invoke --input TABLE asks it.",
        desired.name, package.version
    ))
}

/// Returns the version of a configuration, for people.
pub fn version_text(configuration: Option<&EndpointConfiguration>) -> String {
    let version = configuration.and_then(|configuration| configuration.version);
    version.map_or("another model".to_owned(), |version| format!("version {version}"))
}

/// Returns what becomes of the version of a configuration, for people. `after` names the version of the package.
pub fn versions_text(
    before: Option<&EndpointConfiguration>,
    package_arn: &str,
    after: &str,
) -> String {
    let own = before.and_then(|configuration| configuration.package_arn.as_deref());
    if own == Some(package_arn) {
        return format!("{after} stays");
    }
    format!("{} -> {after}", version_text(before))
}

/// Refuses a version that nobody has approved, or that is not whole.
pub fn require_deployable(package: &ModelPackage) -> Result<(), CommandError> {
    let ModelPackage { version, group, approval_status, .. } = package;
    if *approval_status != ApprovalStatus::Approved {
        return Err(CommandError::Usage(format!(
            "version {version} of group {group} is {approval_status}, expected Approved; `orchestrator models \
             approve {version}` approves it"
        )));
    }
    require_complete(package)
}

/// Makes the endpoint what is wanted, and waits for it.
fn apply(
    cloud: &Cloud,
    desired: &DesiredEndpoint,
    plan: &EndpointPlan,
    watching: &WatchingArgs,
) -> Result<(), CommandError> {
    let name = &desired.name;
    let mut has_removed_autoscaling = false;
    if plan.brings_configuration() {
        let update = cloud.start_update(desired, plan, OWNER)?;
        has_removed_autoscaling = update.has_removed_autoscaling;
        let afterwards = if desired.autoscaling.is_none() {
            ""
        } else {
            " The same command then makes the number of instances follow the traffic."
        };
        let ended = watch_update(cloud, name, &update, watching, afterwards);
        if has_removed_autoscaling
            && let Err(CommandError::SageMaker(SageMakerError::Operation { error })) = &ended
            && matches!(**error, CloudError::RolledBack { .. })
        {
            cloud.restore_autoscaling(name, plan.scaling.as_ref())?;
        }
        ended?;
    } else if plan.lacks_something() {
        cloud.replace_deleted(desired, plan, OWNER)?;
    }
    if let (Some(deployed), false) = (&plan.deployed, plan.brings_configuration()) {
        cloud.tag(&deployed.arn, OWNER)?;
    }
    match &desired.autoscaling {
        Some(scaling) => cloud.set_autoscaling(name, scaling)?,
        None if plan.scaling.is_some() && !has_removed_autoscaling => {
            cloud.remove_autoscaling(name)?;
        }
        None => {}
    }
    Ok(())
}

fn to_text(
    plan: &EndpointPlan,
    desired: &DesiredEndpoint,
    settings: &Settings,
    cost: &HostingCost,
) -> String {
    let (name, version) = (&desired.name, desired.model.version);
    let region = &settings.aws.region;
    if plan.is_empty() {
        return format!(
            "{name} in {region} is as it should be: version {version}.\nIt costs {cost}.\n"
        );
    }
    let mut text = match (&plan.deployed, &plan.current) {
        (None, _) => format!(
            "{name} is not in {region} yet: it is created, {}, with version {version} of group {}.\n",
            settings.endpoint.kind, settings.model_registry.model_package_group_name
        ),
        (Some(_), current) => {
            let versions = versions_text(
                current.as_ref(),
                &desired.model.package_arn,
                &format!("version {version}"),
            );
            let count = plan.changes.len();
            let s = if count == 1 { "" } else { "s" };
            format!("{name} in {region}: {versions}, {count} change{s}.\n")
        }
    };
    for change in &plan.changes {
        text.push_str(&format!("  {change}\n"));
    }
    if plan.lacks_something() {
        text.push_str("  Its configuration or model was deleted, so that AWS does not patch it: it is made again.\n");
    }
    if plan.deployed.is_some() && plan.brings_configuration() {
        text.push_str(&update_text(&settings.endpoint.update));
    }
    text.push_str(&format!("It will cost {cost}.\n"));
    text
}

/// Formats how an update moves the traffic.
fn update_text(update: &EndpointUpdate) -> String {
    let EndpointUpdate { wait_seconds, rollback_alarms, .. } = update;
    let percent = update.percent.unwrap_or(100);
    let moves = match update.shift {
        Shift::AllAtOnce => format!("all at once, and {wait_seconds} s are waited"),
        Shift::Canary => format!("{percent} % first and the rest {wait_seconds} s later"),
        Shift::Linear => format!("{percent} % every {wait_seconds} s"),
    };
    let alarms = match &rollback_alarms[..] {
        [] => "no alarm undoes it".to_owned(),
        alarms => format!("undone by the alarms {}", alarms.join(", ")),
    };
    format!("The traffic moves {moves}; {alarms}.\n")
}

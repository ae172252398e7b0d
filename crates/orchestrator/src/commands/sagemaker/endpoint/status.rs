//! `orchestrator endpoint status`: tells how the endpoint stands.

use std::fmt::Write;

use clap::Args;
use cloud::{Cloud, DeployedEndpoint, EndpointConfiguration, EndpointMetrics};
use common::{Exit, chain};
use config::Settings;
use jiff::Timestamp;
use registry::ApprovalStatus;
use serde_json::json;

use super::hosting_cost::HostingCost;
use crate::arguments::settings::SettingsArgs;
use crate::commands::sagemaker::connect::{connect, group_of};
use crate::error::CommandError;
use crate::output::{duration, print_json, print_text, say};
use crate::sagemaker_error::SageMakerError;

/// Arguments of the status command.
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints the endpoint's state, its version, and what CloudWatch counted in the last hour.
pub fn run(arguments: &StatusArgs) -> Result<Exit, CommandError> {
    let (settings, cloud) = connect(&arguments.config)?;
    let name = settings.endpoint_name();
    let endpoint = cloud.require_endpoint(name)?;
    let current = cloud.endpoint_configuration(&endpoint.config_name);
    let current = current.map_err(SageMakerError::Call)?;
    let metrics = metrics_or_say(&cloud, name);
    let is_serverless = current.as_ref().is_some_and(EndpointConfiguration::is_serverless);
    let autoscaling = if is_serverless { None } else { cloud.autoscaling(name)? };
    let autoscaling = autoscaling.map(|scaling| scaling.to_string());
    let status = EndpointStatus {
        cost: hosting_cost(&settings, &endpoint, current.as_ref()),
        age: endpoint.created.map(|created| Timestamp::now().as_second() as f64 - created),
        approval: approval(&settings, &cloud, current.as_ref()),
        endpoint,
        current,
        metrics,
        autoscaling,
    };
    if arguments.json {
        return print_json(&json!({
            "endpoint": status.endpoint, "configuration": status.current, "approval_status": status.approval,
            "autoscaling": status.autoscaling, "last_hour": status.metrics, "age_seconds": status.age, "cost": status.cost,
            "cost_so_far": status.cost_so_far(),
        }));
    }
    print_text(&status.to_text())
}

/// Returns the approval status of the version that answers, or `None` if these credentials may not look at it: who
/// looks at the endpoint need not be allowed to.
fn approval(
    settings: &Settings,
    cloud: &Cloud,
    current: Option<&EndpointConfiguration>,
) -> Option<ApprovalStatus> {
    let current = current.filter(|current| current.version.is_some())?;
    let package = group_of(settings, cloud).registry.describe(current.package_arn.as_deref()?);
    package.ok().map(|package| package.approval_status)
}

/// Returns what CloudWatch counted of an endpoint, or says why it does not tell.
pub fn metrics_or_say(cloud: &Cloud, name: &str) -> EndpointMetrics {
    cloud.endpoint_metrics(name).unwrap_or_else(|error| {
        say(&format!("The requests of the last hour are not known: {}", chain(&error)));
        EndpointMetrics::default()
    })
}

/// Returns what an endpoint costs as it is now, or `None` if its configuration is unknown.
pub fn hosting_cost(
    settings: &Settings,
    endpoint: &DeployedEndpoint,
    current: Option<&EndpointConfiguration>,
) -> Option<HostingCost> {
    let current = current?;
    if let Some(instance_type) = &current.instance_type {
        let counts = endpoint.variants.iter().filter_map(|variant| variant.instances);
        let count = counts.sum::<i32>().try_into().unwrap_or(0);
        return Some(HostingCost::of_instances(&settings.prices, instance_type, count, count));
    }
    let memory = current.settings.get("memory_mb")?.parse().ok()?;
    let provisioned = current.settings.contains_key("provisioned_concurrency");
    Some(HostingCost::of_memory(&settings.prices, memory, provisioned))
}

struct EndpointStatus {
    endpoint: DeployedEndpoint,
    current: Option<EndpointConfiguration>,
    /// The approval status of the version that answers.
    approval: Option<ApprovalStatus>,
    metrics: EndpointMetrics,
    /// How the number of instances follows the traffic.
    autoscaling: Option<String>,
    cost: Option<HostingCost>,
    /// The seconds since the endpoint was created.
    age: Option<f64>,
}

impl EndpointStatus {
    /// Returns what the endpoint has cost if it has always had the instances of now.
    fn cost_so_far(&self) -> Option<f64> {
        let (hour, _) = self.cost.as_ref()?.per_hour?;
        Some(hour * self.age?.max(0.0) / 3600.0)
    }

    fn to_text(&self) -> String {
        let Self { endpoint, current, metrics, .. } = self;
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<18} {value}");
        };
        line("Endpoint", endpoint.name.clone());
        let reason = endpoint.failure_reason.as_ref();
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        line("Status", format!("{}{reason}", endpoint.status));
        let model = match current {
            None => "unknown: its configuration was deleted, so AWS does not patch it any more"
                .to_owned(),
            Some(current) => match (current.version, &current.package_arn) {
                (Some(version), Some(arn)) => format!("{version} ({arn})"),
                (_, Some(model)) => format!("none: it is {model}"),
                (_, None) => {
                    "unknown: its model was deleted, so AWS does not patch it any more".to_owned()
                }
            },
        };
        line("Version", model);
        if let Some(approval) = self.approval {
            let note = match approval {
                ApprovalStatus::Approved => "",
                _ => "; it answers nevertheless",
            };
            line("Approval", format!("{approval}{note}"));
        }
        line("Configuration", endpoint.config_name.clone());
        if let Some(pending) = &endpoint.pending_config_name {
            line("Pending", pending.clone());
        }
        for variant in &endpoint.variants {
            let instances = match (variant.instances, variant.desired_instances) {
                (Some(now), Some(wanted)) if now != wanted => {
                    format!("{now} of {wanted} instances")
                }
                (Some(1), _) => "1 instance".to_owned(),
                (Some(now), _) => format!("{now} instances"),
                (None, _) => "serverless".to_owned(),
            };
            let activity = variant.activity.join(", ");
            let activity = if activity.is_empty() { activity } else { format!(" ({activity})") };
            line("Variant", format!("{}: {instances}{activity}", variant.name));
        }
        if let Some(autoscaling) = &self.autoscaling {
            line("Autoscaling", autoscaling.clone());
        }
        if let Some(age) = self.age {
            line("Age", duration(age));
        }
        // CloudWatch has no figure of what has not happened; without any it did not answer.
        let is_known = *metrics != EndpointMetrics::default();
        let count = |number: Option<f64>| match number {
            Some(number) => format!("{number:.0}"),
            None if is_known => "0".to_owned(),
            None => "unknown".to_owned(),
        };
        let errors = format!(
            "{} refused (4xx), {} failed (5xx)",
            count(metrics.client_errors),
            count(metrics.server_errors)
        );
        line("Last hour", format!("{} requests, {errors}", count(metrics.invocations)));
        let time =
            |us: Option<f64>| us.map_or("unknown".to_owned(), |us| format!("{:.2} ms", us / 1e3));
        line(
            "Latency",
            format!(
                "p50 {}, p99 {}; SageMaker adds {} (p99)",
                time(metrics.p50_us),
                time(metrics.p99_us),
                time(metrics.overhead_p99_us)
            ),
        );
        if let Some(cost) = &self.cost {
            line("Costs", cost.to_string());
        }
        if let Some(cost) = self.cost_so_far() {
            let currency = self.cost.as_ref().map_or("", |cost| &cost.currency);
            line(
                "Cost so far",
                format!("about {cost:.2} {currency}, if it always had these instances"),
            );
        }
        text
    }
}

//! `orchestrator executions`: lists executions, sums what those of a month cost, compares two.

mod compare;
mod described;

use std::ops::Range;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use cloud::Cloud;
use common::Exit;
use config::Settings;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::connect::connect;
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;
use crate::output::cost::BilledCost;
use crate::output::{print_json, print_text, stamp};
use compare::{CompareArgs, compare};
use described::{DescribedExecution, defaults};

/// Arguments of the executions command.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ExecutionsArgs {
    #[command(subcommand)]
    command: Option<ExecutionsCommand>,
    #[command(flatten)]
    config: SettingsArgs,
    /// How many, latest first
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    most: usize,
    /// Also who started each, its parameters, its result and its cost, which takes some ten calls an execution
    #[arg(long)]
    details: bool,
    /// All that were started in a month (UTC), such as 2026-11, with their details and what they cost together
    #[arg(long, value_name = "YYYY-MM", value_parser = parse_month, conflicts_with = "most")]
    month: Option<Date>,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum ExecutionsCommand {
    /// Show two executions side by side: parameters, images, input, metrics, durations, cost
    #[command(after_help = "Example: orchestrator executions compare k3f9x2m1q8zt p7c4w8n2r5yd")]
    Compare(CompareArgs),
}

/// Lists executions, latest first.
pub fn run(arguments: &ExecutionsArgs) -> Result<Exit, CommandError> {
    if let Some(ExecutionsCommand::Compare(arguments)) = &arguments.command {
        return compare(arguments);
    }
    let (settings, cloud) = connect(&arguments.config)?;
    if arguments.details || arguments.month.is_some() {
        return list_details(arguments, &settings, &cloud);
    }
    let mut executions = cloud.executions(arguments.most)?;
    executions.truncate(arguments.most);
    if arguments.json {
        let executions: Vec<_> = executions
            .iter()
            .map(|execution| {
                json!({
                    "execution_id": execution.id(),
                    "execution_arn": execution.arn,
                    "status": execution.status,
                    "started_at": stamp(execution.started),
                    "failure_reason": execution.failure_reason,
                })
            })
            .collect();
        return print_json(
            &json!({ "pipeline": cloud.target().pipeline_name, "executions": executions }),
        );
    }
    let mut text = format!("{:<14} {:<21} {}\n", "Execution", "Started", "Status");
    for execution in &executions {
        let started = stamp(execution.started).unwrap_or_default();
        text.push_str(&format!("{:<14} {started:<21} {}", execution.id(), execution.status));
        if let Some(reason) = &execution.failure_reason {
            text.push_str(&format!(": {reason}"));
        }
        text.push('\n');
    }
    print_text(&text)
}

/// Lists executions with their details, and sums their cost.
fn list_details(
    arguments: &ExecutionsArgs,
    settings: &Settings,
    cloud: &Cloud,
) -> Result<Exit, CommandError> {
    let mut executions = match arguments.month {
        Some(month) => cloud.executions_in(times_of(month)?)?,
        None => cloud.executions(arguments.most)?,
    };
    if arguments.month.is_none() {
        executions.truncate(arguments.most);
    }
    let defaults = defaults(cloud)?;
    let mut sum = BilledCost::nothing(&settings.prices);
    let (mut text, mut objects) = (String::new(), Vec::new());
    for execution in &executions {
        let described = DescribedExecution::of(cloud, &execution.arn)?;
        sum.add(&described.report, &settings.prices);
        if arguments.json {
            objects.push(described.to_json(settings));
        } else {
            text.push_str(&described.to_text(settings, &defaults));
        }
    }
    let month = arguments.month.map(|month| month.strftime("%Y-%m").to_string());
    if arguments.json {
        return print_json(&json!({
            "pipeline": cloud.target().pipeline_name,
            "month": month,
            "executions": objects,
            "cost": sum,
        }));
    }
    let when = month.map(|month| format!(" in {month}")).unwrap_or_default();
    let noun = if executions.len() == 1 { "execution" } else { "executions" };
    text.push_str(&format!("{} {noun}{when}: {sum}.\n", executions.len()));
    print_text(&text)
}

/// Parses a month into its first day.
fn parse_month(text: &str) -> Result<Date, String> {
    let month = Date::strptime("%Y-%m-%d", format!("{text}-01"));
    month.map_err(|_| "expected a month such as 2026-11".to_owned())
}

/// Returns the time from the first moment of a month to that of the next one.
fn times_of(month: Date) -> Result<Range<SystemTime>, CommandError> {
    let begin = |day: Date| {
        let begin = day.to_zoned(TimeZone::UTC)?;
        Ok(SystemTime::from(begin.timestamp()))
    };
    let wrong = |error: jiff::Error| CommandError::Usage(format!("--month: {error}"));
    let next = month.checked_add(jiff::Span::new().months(1)).map_err(wrong)?;
    Ok(begin(month).map_err(wrong)?..begin(next).map_err(wrong)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_where_the_next_one_begins() {
        let times = |text| {
            let Range { start, end } = times_of(parse_month(text).unwrap()).unwrap();
            [stamp(Some(start)), stamp(Some(end))].map(Option::unwrap)
        };
        assert_eq!(times("2026-11"), ["2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"]);
        assert_eq!(times("2026-12")[1], "2027-01-01T00:00:00Z");
        for wrong in ["2026", "2026-13", "2026-11-01", "next"] {
            assert!(parse_month(wrong).is_err(), "{wrong}");
        }
    }
}

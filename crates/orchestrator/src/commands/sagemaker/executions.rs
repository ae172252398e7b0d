//! `orchestrator executions`: lists executions.

use std::time::SystemTime;

use clap::Args;
use common::Exit;
use serde_json::json;

use super::connect::connect;
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;
use crate::output::{print_json, print_text};

/// Arguments of the executions command.
#[derive(Debug, Args)]
pub struct ExecutionsArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// How many, latest first
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    most: usize,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Lists executions, latest first.
pub fn run(arguments: &ExecutionsArgs) -> Result<Exit, CommandError> {
    let (_, cloud) = connect(&arguments.config)?;
    let mut executions = cloud.executions(arguments.most)?;
    executions.truncate(arguments.most);
    let started = |at: Option<SystemTime>| {
        let at = jiff::Timestamp::try_from(at?).ok()?;
        Some(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    };
    if arguments.json {
        let executions: Vec<_> = executions
            .iter()
            .map(|execution| {
                json!({
                    "execution_id": execution.id(),
                    "execution_arn": execution.arn,
                    "status": execution.status,
                    "started_at": started(execution.started),
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
        let started = started(execution.started).unwrap_or_default();
        text.push_str(&format!("{:<14} {started:<21} {}", execution.id(), execution.status));
        if let Some(reason) = &execution.failure_reason {
            text.push_str(&format!(": {reason}"));
        }
        text.push('\n');
    }
    print_text(&text)
}

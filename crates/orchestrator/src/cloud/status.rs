//! `orchestrator executions` and `orchestrator status`.

use clap::Args;
use common::Exit;
use serde_json::json;

use super::Cloud;
use super::report::Ending;
use crate::command::{CommandError, Config, print_json, print_text};

/// What `executions` is told.
#[derive(Debug, Args)]
pub struct Executions {
    #[command(flatten)]
    config: Config,
    /// How many, latest first
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    most: usize,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// What `status` is told.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    config: Config,
    /// The execution's id or ARN [default: the latest]
    execution: Option<String>,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Lists executions.
pub fn executions(arguments: &Executions) -> Result<Exit, CommandError> {
    let cloud = Cloud::connect(&arguments.config)?;
    let mut found = cloud.executions(arguments.most)?;
    found.truncate(arguments.most);
    let started = |at: Option<std::time::SystemTime>| {
        let at = jiff::Timestamp::try_from(at?).ok()?;
        Some(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    };
    if arguments.json {
        let executions: Vec<_> = found
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
        return print_json(&json!({ "pipeline": cloud.name(), "executions": executions }));
    }
    let mut text = format!("{:<14} {:<21} {}\n", "Execution", "Started", "Status");
    for execution in &found {
        let started = started(execution.started).unwrap_or_default();
        text.push_str(&format!("{:<14} {started:<21} {}", execution.id(), execution.status));
        if let Some(reason) = &execution.failure_reason {
            text.push_str(&format!(": {reason}"));
        }
        text.push('\n');
    }
    print_text(&text)
}

/// Tells how an execution stands.
pub fn run(arguments: &Status) -> Result<Exit, CommandError> {
    let cloud = Cloud::connect(&arguments.config)?;
    let arn = cloud.find(arguments.execution.as_deref())?;
    let ending = Ending::of(&cloud, &cloud.execution(&arn)?);
    if arguments.json {
        print_json(&ending.report)?;
    } else {
        ending.print(&cloud)?;
    }
    // the question was answered, whatever the answer
    Ok(Exit::Done)
}

//! `orchestrator executions compare`: prints two executions side by side.

use std::collections::BTreeMap;

use clap::Args;
use common::Exit;
use serde_json::json;

use super::described::DescribedExecution;
use crate::arguments::settings::SettingsArgs;
use crate::commands::sagemaker::connect::connect;
use crate::error::CommandError;
use crate::output::side_by_side::side_by_side;
use crate::output::{print_json, print_text};

/// Arguments of the compare command.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// An execution's id or ARN
    a: String,
    /// Another's
    b: String,
    #[command(flatten)]
    config: SettingsArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints the facts of two executions and the differences of their metrics.
pub fn compare(arguments: &CompareArgs) -> Result<Exit, CommandError> {
    let (settings, cloud) = connect(&arguments.config)?;
    let describe = |id: &String| DescribedExecution::of(&cloud, &cloud.find(Some(id))?);
    let (a, b) = (describe(&arguments.a)?, describe(&arguments.b)?);
    let [before, after] = [a.metrics(&settings), b.metrics(&settings)];
    let differences: BTreeMap<_, _> = before
        .iter()
        .filter_map(|(name, before)| Some((name.clone(), after.get(name)? - before)))
        .collect();
    if arguments.json {
        return print_json(&json!({
            "a": a.to_json(&settings),
            "b": b.to_json(&settings),
            "differences": differences,
        }));
    }
    print_text(&side_by_side(&a.facts(&settings), &b.facts(&settings), &differences))
}

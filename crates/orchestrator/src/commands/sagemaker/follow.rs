//! The common end of start and retry: prints the execution's ARN and, with `--watch`, watches it.

use clap::Args;
use cloud::{Cloud, SageMakerExecution};
use common::Exit;
use config::Settings;
use serde_json::json;

use super::watch::{WatchingArgs, watch_to_end};
use crate::error::CommandError;
use crate::output::{print_json, print_text, say};

/// The arguments that start and retry share.
#[derive(Debug, Args)]
pub struct FollowArgs {
    /// Watch it to its end
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    watching: WatchingArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Prints a change that was made on AWS. If standard output cannot be written, the text goes to
/// standard error.
pub fn announce(text: &str) -> Result<Exit, CommandError> {
    print_text(&format!("{text}\n")).inspect_err(|_| say(text))
}

/// Prints the execution's ARN with `verb`, such as "started", and watches it to its end with
/// `--watch`.
pub fn follow(
    settings: &Settings,
    cloud: &Cloud,
    arn: &str,
    verb: &str,
    arguments: &FollowArgs,
) -> Result<Exit, CommandError> {
    let id = SageMakerExecution::id_of(arn);
    let mut result = json!({ "execution_arn": arn, "execution_id": id });
    if !arguments.json {
        announce(&format!("{arn}: {verb}"))?;
    }
    let mut exit = Exit::Done;
    if arguments.watch {
        let report = watch_to_end(cloud, arn, &arguments.watching);
        // The ARN is printed, even if watching the execution failed.
        if arguments.json && report.is_err() {
            print_json(&result)?;
        }
        let report = report?;
        exit = report.exit;
        if !arguments.json {
            report.print(settings)?;
        }
        result["execution"] = report.to_json(settings);
    } else if !arguments.json {
        print_text(&format!("orchestrator watch {id} follows it.\n"))?;
    }
    if arguments.json {
        print_json(&result).inspect_err(|_| say(&format!("{arn}: {verb}")))?;
    }
    Ok(exit)
}

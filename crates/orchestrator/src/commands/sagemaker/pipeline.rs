//! `orchestrator pipeline`: the versions of the deployed pipeline, going back to one, and deleting it.

use ::pipeline::{Change, Definition};
use clap::{Args, Subcommand};
use cloud::{Cloud, DeployedPipeline, EcrImage, PipelineVersion, SageMakerExecution};
use common::Exit;
use serde_json::json;

use super::connect::connect;
use super::deploy::OWNER;
use super::follow::announce;
use super::plan::images_of;
use crate::arguments::settings::SettingsArgs;
use crate::commands::confirm::{ConfirmArgs, Decision};
use crate::error::CommandError;
use crate::output::{print_json, print_text, say, stamp};
use crate::sagemaker_error::SageMakerError;

/// Arguments of the pipeline command.
#[derive(Debug, Args)]
pub struct PipelineArgs {
    #[command(subcommand)]
    command: PipelineCommand,
}

#[derive(Debug, Subcommand)]
enum PipelineCommand {
    /// List the versions that were deployed, latest first
    #[command(after_help = "Example: orchestrator pipeline versions --json")]
    Versions {
        #[command(flatten)]
        config: SettingsArgs,
        /// Print the result as one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Deploy the definition of an earlier version again
    #[command(after_help = "Example: orchestrator pipeline rollback --to 3")]
    Rollback(RollbackArgs),
    /// Delete the pipeline; data, models and images stay
    #[command(after_help = "Example: orchestrator pipeline delete --dry-run")]
    Delete(DeleteArgs),
}

#[derive(Debug, Args)]
struct RollbackArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// The version's id [default: the latest that differs from what is deployed]
    #[arg(long, value_name = "VERSION")]
    to: Option<i64>,
    #[command(flatten)]
    confirm: ConfirmArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct DeleteArgs {
    #[command(flatten)]
    config: SettingsArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand.
pub fn run(arguments: &PipelineArgs) -> Result<Exit, CommandError> {
    match &arguments.command {
        PipelineCommand::Versions { config, json } => versions(config, *json),
        PipelineCommand::Rollback(arguments) => rollback(arguments),
        PipelineCommand::Delete(arguments) => delete(arguments),
    }
}

fn versions(config: &SettingsArgs, as_json: bool) -> Result<Exit, CommandError> {
    let (_, cloud) = connect(config)?;
    let versions = cloud.pipeline_versions()?;
    let last = |version: &PipelineVersion| {
        version.last_execution.as_deref().map(|arn| SageMakerExecution::id_of(arn).to_owned())
    };
    if as_json {
        let versions = versions.iter().map(|version| {
            json!({
                "version": version.id, "created_at": stamp(version.created),
                "last_execution_id": last(version),
            })
        });
        let versions: Vec<_> = versions.collect();
        let name = &cloud.target().pipeline_name;
        return print_json(&json!({ "pipeline": name, "versions": versions }));
    }
    let mut text = format!("{:<9} {:<21} {}\n", "Version", "Deployed", "Last execution");
    for version in &versions {
        let (created, last) =
            (stamp(version.created).unwrap_or_default(), last(version).unwrap_or_default());
        let line = format!("{:<9} {created:<21} {last}", version.id);
        text.push_str(&format!("{}\n", line.trim_end()));
    }
    print_text(&text)
}

/// Updates the pipeline to an earlier version's definition, which SageMaker makes a new version of.
fn rollback(arguments: &RollbackArgs) -> Result<Exit, CommandError> {
    let (_, cloud) = connect(&arguments.config)?;
    let deployed = cloud.require_deployed()?;
    cloud.check_arn(&deployed.arn)?;
    cloud.check_owner(&deployed, OWNER)?;
    let name = &cloud.target().pipeline_name;
    let (id, definition, changes) = match arguments.to {
        Some(id) => {
            let definition = cloud.version_definition(id)?;
            let changes = cloud.changes(&definition, &deployed)?;
            (id, definition, changes)
        }
        None => before(&cloud, &deployed)?,
    };
    let report = |done: bool| {
        let dry_run = arguments.confirm.dry_run;
        json!({ "pipeline": name, "version": id, "changes": changes, "done": done, "dry_run": dry_run })
    };
    require_runnable(&cloud, id, &definition)?;
    if changes.is_empty() {
        if arguments.json {
            return print_json(&report(false));
        }
        return print_text(&format!("{name} is as it was in version {id}.\n"));
    }
    let text = proposal(name, id, &changes);
    match arguments.confirm.decide(&text, "Deploy it?", arguments.json)? {
        Decision::Do => {}
        Decision::Say if arguments.json => return print_json(&report(false)),
        Decision::Say => return Ok(Exit::Done),
        Decision::Leave => return Ok(Exit::Failed),
    }
    cloud.update(&definition, &deployed, OWNER)?;
    say(
        "The settings may say otherwise: the next `deploy` goes by them, and `plan` tells what it would change.",
    );
    if arguments.json {
        return print_json(&report(true));
    }
    announce(&format!("{}: as in version {id}", deployed.arn))
}

/// Refuses a definition that cannot be read, or whose images are gone.
fn require_runnable(cloud: &Cloud, id: i64, definition: &str) -> Result<(), CommandError> {
    let definition = Definition::from_json(definition).map_err(|error| {
        CommandError::Usage(format!("version {id} cannot be read: {}", common::chain(&error)))
    })?;
    let images = images_of(&definition).into_iter().map(|uri| EcrImage::new("image", uri));
    let mut images: Vec<_> = images.collect();
    match cloud.look_up(&mut images) {
        Ok(()) => {}
        Err(error) if error.is_denied() => {
            say(&format!("Whether the images of version {id} are there is unknown: {error}"));
            return Ok(());
        }
        Err(error) => return Err(SageMakerError::Call(error).into()),
    }
    let gone = images.iter().filter(|image| !image.is_found()).map(|image| image.uri.as_str());
    let gone: Vec<_> = gone.collect();
    if gone.is_empty() {
        return Ok(());
    }
    Err(CommandError::Usage(format!(
        "version {id} names images that are not there: {}",
        gone.join(", ")
    )))
}

/// Returns the latest version that differs from what is deployed, with its definition and what it would change.
fn before(
    cloud: &Cloud,
    deployed: &DeployedPipeline,
) -> Result<(i64, String, Vec<Change>), CommandError> {
    for version in cloud.pipeline_versions()?.iter().skip(1) {
        let definition = cloud.version_definition(version.id)?;
        let changes = cloud.changes(&definition, deployed)?;
        if !changes.is_empty() {
            return Ok((version.id, definition, changes));
        }
    }
    let name = &cloud.target().pipeline_name;
    Err(CommandError::Usage(format!("{name} has no earlier version that differs from this one")))
}

fn proposal(name: &str, id: i64, changes: &[Change]) -> String {
    let s = if changes.len() == 1 { "" } else { "s" };
    let mut text = format!("{name} goes back to version {id}: {} change{s}.\n", changes.len());
    for change in changes {
        text.push_str(&format!("  {change}\n"));
    }
    text
}

fn delete(arguments: &DeleteArgs) -> Result<Exit, CommandError> {
    let (_, cloud) = connect(&arguments.config)?;
    let deployed = cloud.require_deployed()?;
    cloud.check_arn(&deployed.arn)?;
    cloud.check_owner(&deployed, OWNER)?;
    let name = &cloud.target().pipeline_name;
    cloud.require_idle()?;
    let report = |done: bool| json!({ "pipeline": name, "deleted": done, "dry_run": arguments.confirm.dry_run });
    let text = format!(
        "{} is deleted, with its versions and the record of its executions. Data, models and images stay.\n",
        deployed.arn
    );
    match arguments.confirm.decide(&text, "Delete it?", arguments.json)? {
        Decision::Do => {}
        Decision::Say if arguments.json => return print_json(&report(false)),
        Decision::Say => return Ok(Exit::Done),
        Decision::Leave => return Ok(Exit::Failed),
    }
    cloud.delete_pipeline(&deployed)?;
    if arguments.json {
        return print_json(&report(true));
    }
    announce(&format!("{}: deleted", deployed.arn))
}

//! `orchestrator deploy`: creates or updates the pipeline on SageMaker.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use clap::Args;
use cloud::{Cloud, Owner, Start, Upload, WrittenPipeline};
use common::Exit;
use config::Settings;
use serde_json::{Value, json};

use super::connect::connect;
use super::follow::announce;
use super::input_table::{TableUpload, use_newest, with_version};
use super::plan::{DeployAction, Plan};
use super::start::{require_own_starter, start_parameters, with_origin};
use super::watch::{WatchingArgs, watch_to_end};
use crate::arguments::parameters::ParameterArgs;
use crate::arguments::settings::SettingsArgs;
use crate::error::CommandError;
use crate::output::{print_json, print_text, say};
use crate::sagemaker_error::SageMakerError;

/// Arguments of the deploy command.
#[derive(Debug, Args)]
pub struct DeployArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// Deploy this definition instead of the settings' own, with the settings' name and role
    #[arg(long, value_name = "FILE")]
    definition: Option<Utf8PathBuf>,
    /// Say what would be done, and do nothing of it
    #[arg(long)]
    dry_run: bool,
    /// First upload this table, under the digest of its contents, and make it the pipeline's input
    #[arg(long, value_name = "CSV")]
    upload: Option<Utf8PathBuf>,
    /// Take over a pipeline of this name that something else has made
    #[arg(long)]
    adopt: bool,
    /// Start an execution afterwards
    #[arg(long)]
    start: bool,
    #[command(flatten)]
    parameters: ParameterArgs,
    /// Start an execution and watch it to its end
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    watching: WatchingArgs,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// The tag of the pipelines and endpoints that this program manages.
pub const OWNER: Owner = Owner { key: "managed-by", value: "machine-downtime-orchestrator" };

/// Deploys the pipeline. With `--start` or `--watch` it also starts an execution.
pub fn run(arguments: &DeployArgs) -> Result<Exit, CommandError> {
    let starts = arguments.start || arguments.watch;
    let assignments = arguments.parameters.assignments()?;
    require_own_starter(&assignments)?;
    if !starts && !assignments.is_empty() {
        let message = "-p sets a parameter of an execution; --start starts one".to_owned();
        return Err(CommandError::Usage(message));
    }
    if arguments.upload.is_some() && arguments.definition.is_some() {
        let message = "--upload makes a table the input of the settings' own definition, which --definition replaces; \
                       expected one of them";
        return Err(CommandError::Usage(message.to_owned()));
    }
    let file = arguments.upload.as_deref().map(Upload::open).transpose()?;
    let (mut settings, cloud) = connect(&arguments.config)?;
    // Every check comes before the first change.
    let upload = file.map(|file| TableUpload::of(file, &settings)).transpose()?;
    match &upload {
        Some(upload) => upload.become_input(&mut settings),
        // A definition from a file names its input itself.
        None if arguments.definition.is_none() => use_newest(&mut settings, &cloud)?,
        None => {}
    }
    let plan = Plan::of(&mut settings, &cloud, arguments.definition.as_deref())?;
    let parameters = if starts {
        Some(start_parameters(&settings, Some(&plan.definition), &assignments)?)
    } else {
        None
    };
    check_ownership(&cloud, &plan, arguments.adopt)?;
    let parameters =
        parameters.map(|all| with_origin(&cloud, &plan.definition, &arguments.config, all));
    let versioned = |parameters: Option<_>| {
        let with = |all| with_version(&settings, &cloud, &plan.definition, all);
        parameters.map(with).transpose()
    };
    let has_upload = upload.is_some();
    let parameters = if has_upload { parameters } else { versioned(parameters)? };
    if !arguments.json {
        let upload = upload.as_ref().map(TableUpload::to_text).unwrap_or_default();
        print_text(&format!("{upload}{}", plan.to_text(&cloud)))?;
    }
    if arguments.dry_run {
        return print_dry_run(arguments, &plan, upload.as_ref(), parameters.as_deref(), &cloud);
    }
    let (uploaded, newest) = match upload.map(|upload| upload.send(&cloud)).transpose()? {
        Some((uri, newest)) => (Some(uri), newest),
        None => (None, None),
    };
    // The jobs of the new definition read the settings of the table.
    let table = plan.table_to_upload();
    let table = table.map(|table| cloud.store_json(&table.key, &table.json)).transpose()?;
    let arn = apply(&cloud, &plan, arguments.adopt)?;
    // A pipeline that was not deployed goes on to read what it has read.
    if let Some(newest) = newest {
        cloud.remember_upload(newest)?;
    }
    write_group(&cloud, &plan, &settings, arguments.adopt)?;
    let done = match plan.action() {
        DeployAction::Create => "created",
        DeployAction::Update => "updated",
        DeployAction::Nothing => "unchanged",
    };
    if !arguments.json {
        announce(&format!("{arn}: {done}"))?;
    }
    let mut result = json!({
        "pipeline": cloud.target().pipeline_name, "pipeline_arn": arn, "action": done,
        "changes": plan.changes,
    });
    if let Some(uri) = uploaded {
        result["uploaded"] = uri.into();
    }
    if let Some(uri) = table {
        say(&format!("The settings of the table: {uri}"));
        result["table_settings"] = uri.into();
    }
    // What was just uploaded could not be looked for before.
    let parameters = if has_upload { versioned(parameters)? } else { parameters };
    let ended = execute(arguments, &settings, &cloud, parameters, &mut result);
    // The result of the deployment is printed, even if the execution failed.
    if arguments.json {
        print_json(&result)?;
    }
    ended
}

/// Refuses to change a pipeline of another account, or one that another tool manages unless `adopt`
/// is set.
fn check_ownership(cloud: &Cloud, plan: &Plan, adopt: bool) -> Result<(), CommandError> {
    match &plan.deployed {
        Some(deployed) => {
            cloud.check_arn(&deployed.arn)?;
            if !adopt && plan.action() != DeployAction::Nothing {
                cloud.check_owner(deployed, OWNER)?;
            }
        }
        None => cloud.check_credentials()?,
    }
    Ok(())
}

fn print_dry_run(
    arguments: &DeployArgs,
    plan: &Plan,
    upload: Option<&TableUpload>,
    parameters: Option<&[(String, String)]>,
    cloud: &Cloud,
) -> Result<Exit, CommandError> {
    if arguments.json {
        let execution = parameters.map(|parameters| {
            let parameters = parameters.iter().map(|(name, value)| (name.clone(), value.clone()));
            json!({ "parameters": parameters.collect::<BTreeMap<_, _>>(), "watch": arguments.watch })
        });
        return print_json(&json!({
            "pipeline": cloud.target().pipeline_name, "action": plan.action(), "dry_run": true,
            "changes": plan.changes,
            "upload": upload.map(TableUpload::uri),
            "table_settings": plan.table_to_upload().map(|table| &table.uri),
            "execution": execution,
        }));
    }
    let mut text = plan.upload_to_text();
    if let Some(parameters) = parameters {
        text.push_str("An execution would be started");
        for (index, (name, value)) in parameters.iter().enumerate() {
            let word = if index == 0 { " with" } else { "," };
            text.push_str(&format!("{word} {name}={value}"));
        }
        text.push_str(".\n");
    }
    print_text(&format!("{text}Nothing was done: --dry-run.\n"))
}

/// Creates or updates the pipeline and returns its ARN.
fn apply(cloud: &Cloud, plan: &Plan, adopt: bool) -> Result<String, CommandError> {
    let WrittenPipeline { arn, definition_uri } = match &plan.deployed {
        None => cloud.create(&plan.json, OWNER)?,
        Some(deployed) if plan.action() == DeployAction::Update => {
            cloud.update(&plan.json, deployed, OWNER)?
        }
        Some(deployed) => {
            if adopt {
                cloud.tag(&deployed.arn, OWNER)?;
            }
            WrittenPipeline { arn: deployed.arn.clone(), definition_uri: None }
        }
    };
    if let Some(uri) = definition_uri {
        say(&format!("The definition has {} bytes: {uri}", plan.json.len()));
    }
    Ok(arn)
}

/// Creates the model package group or gives it the settings' tags, which are those of its versions.
fn write_group(
    cloud: &Cloud,
    plan: &Plan,
    settings: &Settings,
    adopt: bool,
) -> Result<(), CommandError> {
    let is_as_it_should_be = plan.action() == DeployAction::Nothing && !adopt;
    let Some(group) = plan.group.as_deref().filter(|_| !is_as_it_should_be) else { return Ok(()) };
    if cloud.write_group(group, &settings.model_registry.description, OWNER, adopt)? {
        say(&format!("Model package group {group}: created"));
    } else if adopt {
        say(&format!("Model package group {group}: taken over"));
    }
    Ok(())
}

/// Starts an execution with `parameters`, if there are any, and watches it with `--watch`. Adds the
/// execution's ARN and report to `result`.
fn execute(
    arguments: &DeployArgs,
    settings: &Settings,
    cloud: &Cloud,
    parameters: Option<Vec<(String, String)>>,
    result: &mut Value,
) -> Result<Exit, CommandError> {
    let Some(parameters) = parameters else { return Ok(Exit::Done) };
    let execution =
        cloud.start(&Start { parameters, ..Start::default() }).map_err(SageMakerError::from)?;
    result["execution_arn"] = execution.as_str().into();
    if !arguments.json {
        announce(&format!("{execution}: started"))?;
    }
    if !arguments.watch {
        return Ok(Exit::Done);
    }
    let report = watch_to_end(cloud, &execution, &arguments.watching)?;
    if arguments.json {
        result["execution"] = report.to_json(settings);
    } else {
        report.print(settings)?;
    }
    Ok(report.exit)
}

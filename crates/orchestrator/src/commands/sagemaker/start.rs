//! `orchestrator start`: starts an execution of the deployed pipeline.

use clap::Args;
use cloud::{Cloud, Start};
use common::Exit;
use config::Settings;
use jiff::Timestamp;
use pipeline::Definition;
use serde_json::Value;

use super::approval::require_unapproved;
use super::connect::connect;
use super::earlier_results::EarlierResults;
use super::follow::{FollowArgs, follow};
use super::input_table::{with_newest, with_version};
use crate::arguments::parameters::{self, ParameterArgs};
use crate::arguments::settings::SettingsArgs;
use crate::commands::origin::{self, Commit};
use crate::definition::names::{
    EVALUATE, INPUT_VERSION_PARAMETER, PREPROCESS, QUALITY_GATE, STARTED_BY_PARAMETER, TRAIN,
};
use crate::error::CommandError;
use crate::output::say;

/// Arguments of the start command.
#[derive(Debug, Args)]
pub struct StartArgs {
    #[command(flatten)]
    config: SettingsArgs,
    #[command(flatten)]
    parameters: ParameterArgs,
    /// Run this step and those after it, with the results and the parameters of an earlier execution
    #[arg(long, value_name = "STEP")]
    from: Option<String>,
    /// The id of that execution [default: the latest that has the results]
    #[arg(long, value_name = "EXECUTION", requires = "from")]
    of: Option<String>,
    /// Run every step again, even if an earlier execution has the same
    #[arg(long, conflicts_with = "from")]
    no_cache: bool,
    /// The execution's name in Studio: letters, digits and single hyphens, at most 82
    #[arg(long, value_name = "NAME", value_parser = display_name)]
    name: Option<String>,
    #[command(flatten)]
    follow: FollowArgs,
}

fn display_name(name: &str) -> Result<String, String> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let edges = name.starts_with('-') || name.ends_with('-');
    if plain && !edges && (1..=82).contains(&name.len()) {
        Ok(name.to_owned())
    } else {
        Err("expected 1 to 82 letters, digits and hyphens between them".to_owned())
    }
}

/// Refuses assignments that tell who starts an execution: its versions keep whose credentials these are.
pub fn require_own_starter(assignments: &[(&str, &str)]) -> Result<(), CommandError> {
    match assignments.iter().find(|(name, _)| *name == STARTED_BY_PARAMETER) {
        None => Ok(()),
        Some((name, _)) => {
            let message = format!("parameter {name} is set by the credentials, and not by -p");
            Err(CommandError::Usage(message))
        }
    }
}

/// Starts an execution, and watches it with `--watch`.
pub fn run(arguments: &StartArgs) -> Result<Exit, CommandError> {
    let assignments = arguments.parameters.assignments()?;
    require_own_starter(&assignments)?;
    let (settings, cloud) = connect(&arguments.config)?;
    let deployed = cloud.require_deployed()?;
    cloud.check_arn(&deployed.arn)?;
    let definition = Definition::from_json(&deployed.text);
    let earlier = match (&arguments.from, &definition) {
        (None, _) => None,
        (Some(from), Ok(definition)) => {
            let of = arguments.of.as_deref();
            Some(EarlierResults::of(&cloud, definition, from, of, &assignments)?)
        }
        (Some(from), Err(error)) => {
            let message = format!("--from {from}: the deployed definition cannot be read: {error}");
            return Err(CommandError::Usage(message));
        }
    };
    let kept = earlier.iter().flat_map(|earlier| &earlier.parameters);
    let assigned = kept.map(|(name, value)| (name.as_str(), value.as_str()));
    let assigned: Vec<_> = assigned.chain(assignments.iter().copied()).collect();
    let definition = definition.ok();
    let parameters = start_parameters(&settings, definition.as_ref(), &assigned)?;
    let mut parameters = match &definition {
        Some(definition) => {
            let parameters = with_origin(&cloud, definition, &arguments.config, parameters);
            // What goes on with earlier results goes on with their input.
            let parameters = match &earlier {
                None => with_newest(&settings, &cloud, definition, parameters)?,
                Some(_) => parameters,
            };
            with_version(&settings, &cloud, definition, parameters)?
        }
        None => {
            say(
                "The deployed definition cannot be read, so nobody has looked at its input: rows of an earlier table \
                 may be used again.",
            );
            parameters
        }
    };
    if arguments.no_cache {
        without_cache(&mut parameters)?;
    }
    let start = Start {
        parameters,
        display_name: arguments.name.clone(),
        selection: earlier.map(|earlier| earlier.selection),
    };
    let execution = cloud.start(&start)?;
    follow(&settings, &cloud, &execution, "started", &arguments.follow)
}

/// Gives the input a version that no execution has had. SageMaker has no switch for its cache at the start of an
/// execution; but Preprocess has the version as an argument, and each later step reads what an earlier one has
/// written below the execution's own prefix.
fn without_cache(parameters: &mut [(String, String)]) -> Result<(), CommandError> {
    let version = parameters.iter_mut().find(|(name, _)| name == INPUT_VERSION_PARAMETER);
    let Some((name, version)) = version else {
        return Err(CommandError::Usage(format!(
            "--no-cache needs the parameter {INPUT_VERSION_PARAMETER}, which the deployed pipeline does not have; \
             `orchestrator deploy` adds it"
        )));
    };
    *version = format!("{version}-uncached-{}", Timestamp::now().as_millisecond());
    say(&format!("No step finds an earlier result: {name}={version}"));
    Ok(())
}

/// Checks the parameters of an execution against the definition and returns them as SageMaker takes
/// them. Where the deployed definition cannot be read, the check is left to SageMaker.
pub fn start_parameters(
    settings: &Settings,
    definition: Option<&Definition>,
    assignments: &[(&str, &str)],
) -> Result<Vec<(String, String)>, CommandError> {
    /// The maximum length in characters of a value that SageMaker accepts.
    const MAX_LENGTH: usize = 1024;
    if let Some((name, value)) =
        assignments.iter().find(|(_, value)| value.chars().count() > MAX_LENGTH)
    {
        return Err(CommandError::Usage(format!(
            "parameter {name} has {} characters, expected at most {MAX_LENGTH}",
            value.chars().count()
        )));
    }
    if let Some((name, _)) = assignments.iter().find(|(_, value)| value.is_empty()) {
        return Err(CommandError::Usage(format!(
            "parameter {name} is empty, expected 1 to {MAX_LENGTH} characters"
        )));
    }
    let Some(definition) = definition else {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        return Ok(assignments.iter().map(owned).collect());
    };
    let values = parameters::values(definition, assignments)?;
    // The ranges of another pipeline's parameters are unknown.
    if has_our_steps(definition) {
        parameters::check_ranges(settings, &values)?;
    }
    parameters::require_accepted(definition, &values)?;
    require_unapproved(settings, definition, &values)?;
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let assigned = assignments.iter().filter_map(|(name, _)| Some((*name, values.get(*name)?)));
    Ok(assigned.map(|(name, value)| (name.to_owned(), text(value))).collect())
}

/// Adds to the parameters of an execution who starts it, and from which commit of the settings.
pub fn with_origin(
    cloud: &Cloud,
    definition: &Definition,
    config: &SettingsArgs,
    mut parameters: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let assigned: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    let caller = || match cloud::caller_of(cloud.aws()) {
        Ok(arn) => Some(arn),
        Err(error) => {
            say(&format!("Who starts the execution stays unknown: {error}"));
            None
        }
    };
    let origin =
        origin::parameters(definition, &assigned, Commit::begin(config, &assigned), caller);
    parameters.extend(origin.into_iter().map(|(name, value)| (name.to_owned(), value)));
    parameters
}

/// Returns whether a definition has the steps of this pipeline, whatever its settings are.
fn has_our_steps(definition: &Definition) -> bool {
    [PREPROCESS, TRAIN, EVALUATE, QUALITY_GATE].iter().all(|step| definition.step(step).is_some())
}

//! `orchestrator start`: starts an execution of the deployed pipeline.

use clap::Args;
use common::Exit;
use config::Settings;
use pipeline::Definition;
use serde_json::Value;

use super::connect::connect;
use super::follow::{FollowArgs, follow};
use super::input_table::with_version;
use crate::arguments::parameters::{self, ParameterArgs};
use crate::arguments::settings::SettingsArgs;
use crate::definition::names::{EVALUATE, PREPROCESS, QUALITY_GATE, TRAIN};
use crate::error::CommandError;
use crate::output::say;

/// Arguments of the start command.
#[derive(Debug, Args)]
pub struct StartArgs {
    #[command(flatten)]
    config: SettingsArgs,
    #[command(flatten)]
    parameters: ParameterArgs,
    #[command(flatten)]
    follow: FollowArgs,
}

/// Starts an execution, and watches it with `--watch`.
pub fn run(arguments: &StartArgs) -> Result<Exit, CommandError> {
    let assignments = arguments.parameters.assignments()?;
    let (settings, cloud) = connect(&arguments.config)?;
    let deployed = cloud.require_deployed()?;
    cloud.check_arn(&deployed.arn)?;
    let definition = Definition::from_json(&deployed.text).ok();
    let parameters = start_parameters(&settings, definition.as_ref(), &assignments)?;
    let parameters = match &definition {
        Some(definition) => with_version(&settings, &cloud, definition, parameters)?,
        None => {
            say(
                "The deployed definition cannot be read, so nobody has looked at its input: rows of an earlier table \
                 may be used again.",
            );
            parameters
        }
    };
    let execution = cloud.start(&parameters)?;
    follow(&settings, &cloud, &execution, "started", &arguments.follow)
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
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let assigned = assignments.iter().filter_map(|(name, _)| Some((*name, values.get(*name)?)));
    Ok(assigned.map(|(name, value)| (name.to_owned(), text(value))).collect())
}

/// Returns whether a definition has the steps of this pipeline, whatever its settings are.
fn has_our_steps(definition: &Definition) -> bool {
    [PREPROCESS, TRAIN, EVALUATE, QUALITY_GATE].iter().all(|step| definition.step(step).is_some())
}

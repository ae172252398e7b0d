//! `orchestrator start`: starts an execution of the deployed pipeline.

use clap::Args;
use common::Exit;
use config::Settings;
use pipeline::Definition;
use serde_json::Value;

use super::connect::connect;
use super::follow::{FollowArgs, follow};
use crate::arguments::parameters::{self, ParameterArgs};
use crate::arguments::settings::SettingsArgs;
use crate::definition;
use crate::error::CommandError;

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

/// Starts an execution, and watches it if asked to.
pub fn run(arguments: &StartArgs) -> Result<Exit, CommandError> {
    let given = arguments.parameters.given()?;
    let (settings, cloud) = connect(&arguments.config)?;
    let deployed = cloud.require_deployed()?;
    cloud.check_arn(&deployed.arn)?;
    let definition = Definition::from_json(&deployed.text).ok();
    let parameters = start_parameters(&settings, definition.as_ref(), &given)?;
    let execution = cloud.start(&parameters)?;
    follow(&settings, &cloud, &execution, "started", &arguments.follow)
}

/// Checks the parameters of an execution against the definition. Without a definition, because the
/// deployed one cannot be read, SageMaker checks them.
pub fn start_parameters(
    settings: &Settings,
    definition: Option<&Definition>,
    given: &[(&str, &str)],
) -> Result<Vec<(String, String)>, CommandError> {
    /// The longest value in characters that SageMaker accepts.
    const MAX_LENGTH: usize = 1024;
    if let Some((name, value)) = given.iter().find(|(_, value)| value.chars().count() > MAX_LENGTH)
    {
        return Err(CommandError::Usage(format!(
            "parameter {name} has {} characters, expected at most {MAX_LENGTH}",
            value.chars().count()
        )));
    }
    let Some(definition) = definition else {
        let given = given.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        return Ok(given.collect());
    };
    let values = parameters::values(definition, given)?;
    // The ranges of another pipeline's parameters are not known here.
    if definition::is_ours(definition) {
        parameters::check_ranges(settings, &values)?;
    }
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let given = given.iter().filter_map(|(name, _)| Some((*name, values.get(*name)?)));
    Ok(given.map(|(name, value)| (name.to_owned(), text(value))).collect())
}

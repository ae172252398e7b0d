//! `orchestrator definition`: prints the pipeline definition.

use common::Exit;

use crate::arguments::settings::SettingsArgs;
use crate::definition;
use crate::error::CommandError;
use crate::output::print;

/// Prints the settings' definition as JSON.
pub fn run(arguments: &SettingsArgs) -> Result<Exit, CommandError> {
    print(&definition::build(&arguments.settings()?).to_json())
}

//! `orchestrator infrastructure`: prints the CloudFormation template.

use common::Exit;

use crate::arguments::settings::SettingsArgs;
use crate::definition;
use crate::error::CommandError;
use crate::output::print;

/// Prints the template as YAML.
pub fn run(arguments: &SettingsArgs) -> Result<Exit, CommandError> {
    let settings = arguments.settings_of_account()?;
    print(&infrastructure::template(&settings, &definition::build(&settings)))
}

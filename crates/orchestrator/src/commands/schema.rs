//! `orchestrator schema`: prints the JSON schema of the settings.

use common::Exit;
use config::Settings;

use crate::error::CommandError;
use crate::output::print;

/// Prints the schema.
pub fn run() -> Result<Exit, CommandError> {
    print(&Settings::json_schema())
}

//! `orchestrator definition`: prints the pipeline definition, or the file that it needs.

use clap::Args;
use common::Exit;

use crate::arguments::settings::SettingsArgs;
use crate::definition::{self, TableDocument};
use crate::error::CommandError;
use crate::output::{print, say};

/// Arguments of the definition command.
#[derive(Debug, Args)]
pub struct DefinitionArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// Print the settings of the table instead, a file that the definition needs in the bucket;
    /// standard error says at which address
    #[arg(long)]
    table_settings: bool,
}

/// Prints the settings' definition, or the settings of the table, as JSON.
pub fn run(arguments: &DefinitionArgs) -> Result<Exit, CommandError> {
    let settings = arguments.config.settings()?;
    arguments.config.remark_on_account(&settings);
    if !arguments.table_settings {
        return print(&definition::build(&settings).to_json());
    }
    let table = TableDocument::of(&settings);
    say(&format!("The definition reads this file from {}", table.uri));
    print(&table.json)
}

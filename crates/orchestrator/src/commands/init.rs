//! `orchestrator init`: reads a table that nobody has seen and writes settings for it.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use common::Exit;
use config::Layer;
use profile::{Profiler, TableProfile, Wishes};

use crate::arguments::settings::{checked_settings, local_account};
use crate::commands::input::{files, is_same_file};
use crate::default_config::DEFAULT_CONFIG;
use crate::error::CommandError;
use crate::initial_settings::{InitialSettings, SCHEMA_FILE};
use crate::output::profile_report::ProfileReport;
use crate::output::{print_json, print_text};

/// Arguments of the init command.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The raw table: a file, or a directory of them
    #[arg(long, value_name = "FILE-OR-DIRECTORY")]
    input: Utf8PathBuf,
    /// The label column, if its name and values do not say so
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// A value of the label that means a failure; may be repeated, and all others mean none
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    positive: Vec<String>,
    /// Where the settings are written
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    output: Utf8PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// Print what was found as one JSON object
    #[arg(long)]
    json: bool,
}

/// Profiles the table, writes the settings and prints what was found.
pub fn run(arguments: &InitArgs) -> Result<Exit, CommandError> {
    let InitArgs { input, output, .. } = arguments;
    // Reading may take long, so what can be refused before is.
    require_free(output, arguments.force)?;
    let table = profile(arguments)?;
    let next =
        format!("orchestrator run --config {} --input {}", argument(output), argument(input));
    let beside = output.parent().map_or_else(Utf8PathBuf::new, Utf8Path::to_owned);
    let settings = InitialSettings {
        profile: &table,
        input,
        next: &next,
        has_schema: beside.join(SCHEMA_FILE).is_file(),
    };
    let yaml = settings.to_yaml();
    // What run would refuse is not written.
    checked_settings(&[Layer { file: output.as_str(), text: &yaml }], &[], local_account)?;
    require_free(output, arguments.force)?;
    common::write_file(output, yaml.as_bytes())?;
    let report = ProfileReport { config: output.clone(), next, table };
    if arguments.json { print_json(&report) } else { print_text(&report.to_table()) }
}

/// Refuses to replace a file, unless that is wanted.
fn require_free(output: &Utf8Path, force: bool) -> Result<(), CommandError> {
    if output.is_dir() {
        return Err(CommandError::Usage(format!(
            "--output {output} is a directory, expected a file"
        )));
    }
    if output.symlink_metadata().is_ok() && !force {
        return Err(CommandError::Usage(format!(
            "{output} is there already; --force replaces it, --output names another file"
        )));
    }
    Ok(())
}

/// Reads the table.
fn profile(arguments: &InitArgs) -> Result<TableProfile, CommandError> {
    let InitArgs { input, output, label, positive, .. } = arguments;
    let mut profiler = Profiler::new();
    let mut files = files(input)?;
    // A file that has no column in common with the first one is left out, so the first is the largest:
    // a text beside the tables is not.
    let length = |path: &Utf8Path| path.metadata().map_or(0, |about| about.len());
    let largest = files.iter().enumerate().rev().max_by_key(|(_, (_, path))| length(path));
    if let Some(largest) = largest.map(|(index, _)| index) {
        files[..=largest].rotate_right(1);
    }
    for (name, path) in files {
        if is_same_file(&path, output) {
            return Err(CommandError::Usage(format!(
                "--output {output} is the table {path} itself, expected another file"
            )));
        }
        let file = fs_err::File::open(&path).map_err(CommandError::Read)?;
        profiler.read_file(&name, file).map_err(CommandError::Profile)?;
    }
    let wishes = Wishes { label: label.clone(), positive: positive.clone() };
    profiler.finish(&wishes).map_err(CommandError::Profile)
}

/// Returns an argument as a shell takes it.
fn argument(text: &Utf8Path) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "_./-+=:,@%".contains(letter);
    if !text.as_str().is_empty() && text.as_str().chars().all(is_plain) {
        text.to_string()
    } else {
        format!("'{}'", text.as_str().replace('\'', "'\\''"))
    }
}

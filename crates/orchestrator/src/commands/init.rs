//! `orchestrator init`: reads a table that nobody has seen and writes settings for it.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use common::Exit;
use local::StageError;
use profile::{Profiler, TableProfile, Wishes};

use crate::arguments::settings::{DEFAULT_CONFIG, checked_settings};
use crate::commands::input::say_left_out;
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
    checked_settings(output, &yaml)?;
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
    for (name, path) in files(input)? {
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

/// Returns whether two paths lead to the same file.
fn is_same_file(one: &Utf8Path, other: &Utf8Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Returns the files that Preprocess reads of an input, each with a name for messages: those below a
/// directory that are not hidden, in order.
fn files(input: &Utf8Path) -> Result<Vec<(String, Utf8PathBuf)>, CommandError> {
    let refuse = |reason: &str| {
        let (path, reason) = (input.to_owned(), reason.to_owned());
        CommandError::Stage(StageError::Input { path, reason })
    };
    match input.metadata() {
        Ok(about) if about.is_file() => return Ok(vec![(input.to_string(), input.to_owned())]),
        Ok(about) if about.is_dir() => {}
        Ok(_) => {
            return Err(refuse(
                "expected a file or a directory; a pipe's text must be written to a file first",
            ));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(refuse("there is no such file or directory"));
        }
        Err(error) => return Err(refuse(&error.to_string())),
    }
    let mut files = Vec::new();
    let mut open = vec![input.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in directory.read_dir_utf8().map_err(|error| refuse(&error.to_string()))? {
            let entry = entry.map_err(|error| refuse(&error.to_string()))?;
            let about = fs_err::metadata(entry.path()).map_err(CommandError::Read)?;
            if local::is_runs_directory(entry.path()) {
                say_left_out(entry.path());
            } else if about.is_dir() && !entry.path().is_symlink() {
                open.push(entry.path().to_owned());
            } else if about.is_file() && !entry.file_name().starts_with(['.', '_']) {
                files.push(entry.path().to_owned());
            }
        }
    }
    if files.is_empty() {
        return Err(refuse("the directory has no file that is not hidden"));
    }
    files.sort();
    let name = |path: &Utf8PathBuf| path.strip_prefix(input).unwrap_or(path).to_string();
    Ok(files.into_iter().map(|path| (name(&path), path)).collect())
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

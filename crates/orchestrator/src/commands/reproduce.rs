//! `orchestrator reproduce`: makes the model of a version again, and compares the bytes.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use common::Exit;
use indexmap::IndexMap;
use inference::{ArchiveFiles, FileDifference};
use local::{Contents, RegistryAccess, RunOptions, Store};
use pipeline::{Definition, StepKind};
use registry::{DirectoryRegistry, ModelPackage};
use serde_json::{Value, json};

use super::input::RawTable;
use super::models::group::RegistryArgs;
use super::models::{execution, open};
use super::past_execution::PastExecution;
use super::registration::LocalModels;
use super::run::{cores, stop_on_signals};
use super::sagemaker;
use crate::arguments::engine::EngineArgs;
use crate::definition::names::INPUT_PARAMETER;
use crate::error::CommandError;
use crate::output::{print_json, print_text, progress, say};

/// The version of this program, which is that of the steps' programs.
const PROGRAM_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Arguments of the reproduce command.
#[derive(Debug, Args)]
pub struct ReproduceArgs {
    /// The version's number, or `latest` or `approved`
    version: String,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Read this table in place of the one that the execution read
    #[arg(long, value_name = "FILE-OR-DIRECTORY")]
    input: Option<Utf8PathBuf>,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Runs the steps that made a version's model in a temporary directory, and compares both models.
pub fn run(arguments: &ReproduceArgs) -> Result<Exit, CommandError> {
    let registry = &arguments.registry;
    let group = open(registry)?;
    let package = group.find(&arguments.version)?;
    let name = format!("version {} of group {}", package.version, package.group);
    let id = execution(&package).ok_or_else(|| {
        CommandError::Usage(format!("{name} does not tell which execution made it"))
    })?;
    let past = if registry.local {
        PastExecution::here(&registry.runs, id.rsplit('/').next().unwrap_or(id))?
    } else {
        sagemaker::past_execution(registry, id)?
    };
    let model = group.model(&package)?;
    let before = files(&name, &model)?;
    say_other_program(&package);
    let Some(again) = train_again(arguments, past)? else { return Ok(Exit::Failed) };
    let name = format!("{name}, made again,");
    let differences = before.differences(&files(&name, &again)?);
    let digests = [&model, &again].map(common::sha256_hex);
    print(&package, &before, &differences, &digests, registry.json)?;
    Ok(if differences.is_empty() { Exit::Done } else { Exit::Failed })
}

fn files(name: &str, archive: &[u8]) -> Result<ArchiveFiles, CommandError> {
    ArchiveFiles::read(archive)
        .map_err(|source| CommandError::Model { path: name.to_owned(), source })
}

/// Says that a model was made by another version of the program, which may make another one of the same rows.
fn say_other_program(package: &ModelPackage) {
    let made_by = package.metadata.get("program_version");
    if let Some(version) = made_by.filter(|version| *version != PROGRAM_VERSION) {
        let image = package.metadata.get("train_image");
        let image = image.map(|image| format!(" ({image})")).unwrap_or_default();
        say(&format!(
            "Version {version} of the program{image} made it, and version {PROGRAM_VERSION} makes it again."
        ));
    }
}

/// Runs the steps up to the training and returns its `model.tar.gz`, or none if they failed, which has been said.
fn train_again(
    arguments: &ReproduceArgs,
    past: PastExecution,
) -> Result<Option<Vec<u8>>, CommandError> {
    let directory = tempfile::tempdir().map_err(CommandError::Begin)?;
    let runs = Utf8PathBuf::from_path_buf(directory.path().to_owned()).map_err(|path| {
        CommandError::Usage(format!("{} is not UTF-8; TMPDIR names another", path.display()))
    })?;
    let PastExecution { id, pipeline_name, definition, mut parameters, fetch } = past;
    let step = training_step(&definition, &id)?;
    let definition = definition.up_to(&step);
    let store = local::store(&runs);
    let mut staged = Contents::new();
    if let Some(table) = &arguments.input {
        staged = set_input(&store, table, &mut parameters)?;
    }
    let inputs = local::inputs(&definition, &parameters).map_err(|error| {
        CommandError::Usage(format!("execution {id}: {}", common::chain(&error)))
    })?;
    for uri in inputs {
        // A table that is given is there already.
        if arguments.input.is_none() || parameters.get(INPUT_PARAMETER) != Some(&json!(uri)) {
            fetch(&uri, &store).map_err(|error| missing_input(error, &uri, &parameters))?;
        }
    }
    let registry = RegistryAccess { directory: local::registry(&runs), step: None };
    let options = RunOptions {
        runner: arguments.engine.runner(&definition, &parameters, registry)?,
        models: Box::new(LocalModels(DirectoryRegistry::new(local::registry(&runs)))),
        pipeline_name,
        parameters,
        named_input: None,
        inputs: staged,
        // Nothing of the temporary directory is to last.
        sync: false,
        cache: false,
        reused: [].into(),
        parallel: cores(),
        runs,
    };
    let stop = stop_on_signals().map_err(CommandError::Begin)?;
    let progress = progress::stderr();
    let ending =
        local::run(&definition, &options, &*progress, &stop).map_err(CommandError::Begin)?;
    if ending.exit != Exit::Done {
        let reason = ending.execution.failure_reason.unwrap_or_default();
        say(&format!("error: the model could not be made again: {reason}"));
        return Ok(None);
    }
    let mut steps = ending.execution.steps.iter();
    let record = steps.find(|record| record.name == step);
    let uri = record.map(|record| &record.description["ModelArtifacts"]["S3ModelArtifacts"]);
    let uri = uri.and_then(Value::as_str).unwrap_or_default();
    Ok(Some(fs_err::read(store.path(uri)?).map_err(CommandError::Read)?))
}

/// Returns the only step that trains.
fn training_step(definition: &Definition, id: &str) -> Result<String, CommandError> {
    let steps = definition.steps_recursive();
    let steps = steps.iter().filter(|placed| matches!(placed.step.kind, StepKind::Training(_)));
    let names: Vec<&str> = steps.map(|placed| placed.step.name.as_str()).collect();
    match names[..] {
        [name] => Ok(name.to_owned()),
        _ => Err(CommandError::Usage(format!(
            "execution {id} has {} Training steps, expected 1: {}",
            names.len(),
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        ))),
    }
}

/// Makes the execution read a table of the user's, and returns what was stored of it.
fn set_input(
    store: &Store,
    table: &Utf8Path,
    parameters: &mut IndexMap<String, Value>,
) -> Result<Contents, CommandError> {
    let Some(input) = parameters.get_mut(INPUT_PARAMETER) else {
        return Err(CommandError::Usage(format!(
            "--input sets the parameter {INPUT_PARAMETER}, which the execution does not have"
        )));
    };
    let staged = RawTable { prefix: "s3://local/raw", store }.stage(table)?;
    *input = staged.prefix.into();
    Ok(staged.contents)
}

/// Adds to the error of an input how to give it.
fn missing_input(
    error: CommandError,
    uri: &str,
    parameters: &IndexMap<String, Value>,
) -> CommandError {
    let is_table = parameters.get(INPUT_PARAMETER).and_then(Value::as_str) == Some(uri);
    match &error {
        CommandError::Store(_) | CommandError::Usage(_) if is_table => CommandError::Usage(
            format!("{}; --input gives the table from elsewhere", common::chain(&error)),
        ),
        _ => error,
    }
}

/// Prints whether both models are the same, and in what they differ.
fn print(
    package: &ModelPackage,
    before: &ArchiveFiles,
    differences: &[FileDifference],
    [before_digest, after_digest]: &[String; 2],
    as_json: bool,
) -> Result<Exit, CommandError> {
    let ModelPackage { version, group, .. } = package;
    if as_json {
        let differences = differences.iter();
        let differences =
            differences.map(|it| json!({ "file": it.name, "difference": it.difference }));
        return print_json(&json!({
            "group": group, "version": version, "same": differences.len() == 0,
            "differences": differences.collect::<Vec<_>>(),
            "sha256": before_digest, "sha256_made_again": after_digest,
        }));
    }
    let name = format!("version {version} of group {group}");
    if before_digest == after_digest {
        return print_text(&format!("{name}: the same bytes, SHA-256 {before_digest}\n"));
    }
    if differences.is_empty() {
        let names: Vec<&str> = before.names().collect();
        return print_text(&format!(
            "{name}: the same bytes of {}. Something else has packed them: the archive's SHA-256 was {before_digest} \
             and is {after_digest}\n",
            names.join(", ")
        ));
    }
    let mut text = format!("{name}: not the same bytes\n");
    for FileDifference { name, difference } in differences {
        text.push_str(&format!("  {name} {difference}\n"));
    }
    print_text(&text)
}

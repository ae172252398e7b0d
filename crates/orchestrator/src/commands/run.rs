//! `orchestrator run`: runs the settings' definition, or any other, on this machine.

use std::num::NonZeroUsize;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use common::{Exit, chain, one_line};
use config::steps::Register;
use config::{Evaluation, Metric, Settings};
use indexmap::IndexMap;
use local::{
    Contents, ENDING_SIGNALS, Earlier, Ending, LocalExecution, Occupancy, REGISTER_MODEL,
    RegistryAccess, ResumeFrom, RunOptions, Status, Stop, Store, clean,
};
use pipeline::{Definition, PlacedStep, StepKind};
use registry::{DirectoryRegistry, ModelPackage, Registry};
use serde_json::Value;
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use super::input::{RawTable, store_table_settings};
use super::models::table_change;
use super::origin::{self, Commit};
use super::registration::LocalModels;
use super::validate;
use crate::arguments::engine::EngineArgs;
use crate::arguments::parameters::{self, ParameterArgs};
use crate::arguments::settings::{SettingsArgs, read_definition};
use crate::definition::names::INPUT_PARAMETER;
use crate::definition::{self, TableDocument};
use crate::error::CommandError;
use crate::output::report::ExecutionReport;
use crate::output::{bytes, continued, print_json, print_text, progress, say};

/// Arguments of the run command.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// Run this definition instead of the settings' own
    #[arg(long, value_name = "FILE")]
    definition: Option<Utf8PathBuf>,
    /// The raw table: a file, or a directory of them; without it 2,500 synthetic rows
    #[arg(long, value_name = "FILE-OR-DIRECTORY")]
    input: Option<Utf8PathBuf>,
    /// Where executions, outputs and the model registry are kept
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: Utf8PathBuf,
    #[command(flatten)]
    parameters: ParameterArgs,
    /// Begin at this step and take the results before it from the last execution
    #[arg(long, value_name = "STEP")]
    from: Option<String>,
    /// Run every step, also those whose inputs have not changed
    #[arg(long)]
    no_cache: bool,
    /// Run at most this many steps at once; by default the definition's ParallelismConfiguration,
    /// pipeline.max_parallel_steps, or the number of cores
    #[arg(long, value_name = "N")]
    parallel: Option<NonZeroUsize>,
    /// Leave it to the operating system when results get to the disk: saves milliseconds of a run, and a power cut
    /// within a minute after it may leave a registered version without its model
    #[arg(long)]
    no_sync: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
    /// The step of another definition that may write to the model registry; without it the
    /// settings' own Register
    #[arg(long, value_name = "STEP", requires = "definition")]
    register_step: Option<String>,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Runs the pipeline and prints the report.
pub fn run(arguments: &RunArgs) -> Result<Exit, CommandError> {
    let assignments = arguments.parameters.assignments()?;
    let assigned: Vec<&str> = assignments.iter().map(|(name, _)| *name).collect();
    let commit = Commit::begin(&arguments.config, &assigned);
    let pipeline = Pipeline::of(arguments)?;
    let Pipeline { name, definition, own, table, raw_tables, metrics, parallel, register_step } =
        pipeline;
    validate::require_valid(&definition)?;
    say_unsupported_steps(&definition);
    let mut parameters = parameters::values(&definition, &assignments)?;
    if let Some(settings) = &own {
        parameters::check_ranges(settings, &parameters)?;
    }
    parameters::require_accepted(&definition, &parameters)?;
    let runs = runs_directory(&arguments.runs)?;
    let sets_input = assignments.iter().any(|(name, _)| *name == INPUT_PARAMETER);
    if arguments.input.is_some() && sets_input {
        let message =
            format!("--input and -p {INPUT_PARAMETER} name the same thing, expected one of them");
        return Err(CommandError::Usage(message));
    }
    let progress = progress::stderr();
    if own.is_none() {
        arguments.engine.remark_on_foreign_definition();
        say_steps_without_registry(&definition, register_step.as_deref());
    }
    let registry = RegistryAccess { directory: local::registry(&runs), step: register_step };
    let runner = arguments.engine.runner(&definition, &parameters, registry)?;
    let occupancy = Occupancy::enter(&runs, &|text| progress.note(text));
    let _occupancy = occupancy.map_err(CommandError::Begin)?;
    let store = local::store(&runs);
    let input = RawTable { prefix: &raw_tables, store: &store };
    let earlier = match &arguments.from {
        Some(_) => {
            let note = |text: &str| progress.note(text);
            LocalExecution::read_all(&local::executions(&runs), &name, &note)
        }
        None => Vec::new(),
    };
    let (named_input, mut inputs) = stage_input(arguments, &input, &mut parameters)?;
    let origin = origin::parameters(&definition, &assigned, commit, origin::user);
    parameters.extend(origin.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
    parameters::require_accepted(&definition, &parameters)?;
    let earlier_results = match &arguments.from {
        Some(step) => {
            let mut set_by_user = assigned;
            set_by_user.extend(arguments.input.as_ref().map(|_| INPUT_PARAMETER));
            let resume = ResumeFrom {
                definition: &definition,
                runs: &runs,
                step,
                set_parameters: &set_by_user,
                input_parameter: INPUT_PARAMETER,
                store: &store,
                progress: &*progress,
            };
            resume.earlier_results(&earlier, &mut parameters)?
        }
        None => Earlier::default(),
    };
    inputs.extend(earlier_results.inputs);
    let needs_table = own.is_some() && earlier.is_empty();
    if needs_table && arguments.input.is_none() && !sets_input {
        let (uri, contents) = input.synthetic()?;
        set_input(&mut parameters, uri)?;
        inputs.extend(contents);
    }
    let registry = DirectoryRegistry::new(local::registry(&runs));
    if let Some(table) = &table {
        inputs.extend(store_table_settings(table, &definition, &store)?);
    }
    let options = RunOptions {
        runner,
        models: Box::new(LocalModels(registry.clone())),
        pipeline_name: name,
        parameters,
        named_input,
        inputs,
        sync: !arguments.no_sync,
        // The step that an execution resumes from runs, even if its result is in the cache.
        cache: !arguments.no_cache && arguments.from.is_none(),
        reused: earlier_results.results,
        parallel: arguments.parallel.or(parallel).unwrap_or_else(cores),
        runs,
    };
    let stop = stop_on_signals().map_err(CommandError::Begin)?;
    // It takes longer than a small run if there were thousands.
    let size = std::thread::Builder::new().name("size".to_owned()).spawn({
        let runs = options.runs.clone();
        move || clean::size(&runs)
    });
    let ending =
        local::run(&definition, &options, &*progress, &stop).map_err(CommandError::Begin)?;
    print_ending(arguments.json, &metrics, &ending, &store, &registry)?;
    // Without a thread to spare it is not said.
    if let Ok(Ok(Ok(size))) = size.map(std::thread::JoinHandle::join) {
        say_size(&arguments.runs, size);
    }
    Ok(ending.exit)
}

/// A pipeline that runs here.
struct Pipeline {
    /// The name.
    name: String,
    /// The definition.
    definition: Definition,
    /// The settings, if the definition is theirs.
    own: Option<Settings>,
    /// The settings of the table, which the definition may read.
    table: Option<TableDocument>,
    /// The S3 prefix of the tables that `--input` names.
    raw_tables: String,
    /// The metrics that the report shows.
    metrics: Vec<Metric>,
    /// The step that may write to the model registry.
    register_step: Option<String>,
    /// The most steps that run at once, if the definition or the settings say.
    parallel: Option<NonZeroUsize>,
}

impl Pipeline {
    /// Reads the pipeline that the arguments name. Another definition than the settings' own needs
    /// no settings: where there are none, its file gives the pipeline its name.
    fn of(arguments: &RunArgs) -> Result<Self, CommandError> {
        let Some(file) = &arguments.definition else {
            let settings = arguments.config.settings()?;
            let definition = validate::settings_definition(&settings)?;
            let named = Self::named(&settings, definition);
            return Ok(Self { own: Some(settings), ..named });
        };
        let settings = arguments.config.settings_if_any()?;
        let definition = read_definition(file)?;
        let mut pipeline = match settings {
            Some(settings) => Self::named(&settings, definition),
            None => Self {
                name: name_of(file),
                definition,
                own: None,
                table: None,
                raw_tables: "s3://local/raw".to_owned(),
                metrics: Evaluation::default().metrics,
                register_step: None,
                parallel: None,
            },
        };
        // the definition has been read, its limits are checked later
        if let Ok(Some(most)) = pipeline.definition.max_parallel_steps() {
            pipeline.parallel = Some(most);
        }
        if let Some(step) = &arguments.register_step {
            pipeline.register_step = Some(registering(&pipeline.definition, step)?);
        }
        Ok(pipeline)
    }

    /// Returns a definition with the name and the paths of the settings.
    fn named(settings: &Settings, definition: Definition) -> Self {
        Self {
            register_step: definition::own_register(settings, &definition).map(str::to_owned),
            name: settings.pipeline.name.clone(),
            definition,
            own: None,
            table: Some(TableDocument::of(settings)),
            raw_tables: settings.s3_paths.url(&settings.s3_paths.raw_data),
            metrics: settings.evaluation.metrics.clone(),
            parallel: settings
                .pipeline
                .max_parallel_steps
                .and_then(|steps| NonZeroUsize::new(steps as usize)),
        }
    }
}

/// Returns the name of a definition's file as the name of a pipeline, which has letters, digits and
/// hyphens.
fn name_of(file: &Utf8Path) -> String {
    let stem = file.file_stem().unwrap_or_default();
    let words: Vec<&str> =
        stem.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "pipeline".to_owned() } else { words.join("-") }
}

/// Returns the name of a step that a job can register by.
fn registering(definition: &Definition, name: &str) -> Result<String, CommandError> {
    let steps = definition.steps_recursive().into_iter();
    let jobs = steps.filter(|it| matches!(it.step.kind, StepKind::Processing(_)));
    let names: Vec<&str> = jobs.map(|placed| placed.step.name.as_str()).collect();
    if names.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(CommandError::Usage(format!(
        "--register-step {name}: there is no such Processing step; there are {}",
        names.join(", ")
    )))
}

/// Says which steps would register a model by their environment, but do not get the registry.
fn say_steps_without_registry(definition: &Definition, register_step: Option<&str>) {
    for PlacedStep { step, .. } in definition.steps_recursive() {
        if let StepKind::Processing(job) = &step.kind
            && job.environment.contains_key(Register::GROUP)
            && register_step != Some(&step.name)
        {
            say(&format!(
                "{} does not get the model registry; --register-step {0} would give it.",
                step.name
            ));
        }
    }
}

/// Reports the steps of a type that the local run does not support.
fn say_unsupported_steps(definition: &Definition) {
    for placed in definition.steps_recursive() {
        if let StepKind::Other { kind, .. } = &placed.step.kind
            && kind != REGISTER_MODEL
        {
            say(&format!(
                "{} is a {kind} step, which does not run here: the execution fails if it gets there.",
                placed.step.name
            ));
        }
    }
}

/// Copies the table that --input names into the store, and makes the pipeline read it. Returns the
/// table's address with the user's name for it, and what was stored.
fn stage_input(
    arguments: &RunArgs,
    input: &RawTable<'_>,
    parameters: &mut IndexMap<String, Value>,
) -> Result<(Option<(String, String)>, Contents), CommandError> {
    let Some(path) = &arguments.input else { return Ok((None, Contents::new())) };
    let staged = input.stage(path)?;
    set_input(parameters, staged.prefix)?;
    Ok((Some((staged.uri, path.to_string())), staged.contents))
}

/// Makes the pipeline read the table at this address.
fn set_input(parameters: &mut IndexMap<String, Value>, uri: String) -> Result<(), CommandError> {
    let Some(value) = parameters.get_mut(INPUT_PARAMETER) else {
        let message = format!(
            "--input sets the parameter {INPUT_PARAMETER}, which this definition does not have"
        );
        return Err(CommandError::Usage(message));
    };
    *value = Value::String(uri);
    Ok(())
}

/// Prints the report of an execution, and the reason of a failure.
fn print_ending(
    as_json: bool,
    metrics: &[Metric],
    ending: &Ending,
    store: &Store,
    registry: &DirectoryRegistry,
) -> Result<(), CommandError> {
    let store = &store.knowing(&ending.execution)?;
    let report = ExecutionReport::of(&ending.execution, store, registry);
    if as_json {
        print_json(&report)?;
    } else {
        let shown: Vec<_> = metrics.iter().map(|metric| metric.name()).collect();
        print_text(&report.to_table(&shown))?;
    }
    if let Some(package) = &report.model_package
        && let Some(warning) = other_table(package, store, registry)
    {
        say(&warning);
    }
    if ending.execution.status == Status::Stopped {
        let registered = registered(&ending.execution, report.model_package.as_ref());
        say(&match &registered[..] {
            [] => "It was stopped before it registered a model.".to_owned(),
            arns => format!("It was stopped after it had registered {}.", arns.join(", ")),
        });
    }
    if ending.execution.status == Status::Failed {
        let reason = ending.execution.failure_reason.as_deref().unwrap_or_default();
        say(&format!("error: {}", continued(reason)));
    }
    Ok(())
}

/// Returns the ARNs of the versions that an execution registered: those of its RegisterModel steps,
/// and that of our Register.
fn registered<'a>(
    execution: &'a LocalExecution,
    package: Option<&'a ModelPackage>,
) -> Vec<&'a str> {
    let steps = execution.steps.iter();
    let mut arns: Vec<&str> =
        steps.filter_map(|step| step.description["ModelPackageArn"].as_str()).collect();
    arns.extend(package.map(|package| &*package.arn).filter(|arn| !arns.contains(arn)));
    arns
}

/// Says how much a directory of runs holds, if that is much.
fn say_size(runs: &Utf8Path, size: u64) {
    const MUCH: u64 = 1_000_000_000;
    if size >= MUCH {
        let which = if runs == "runs" { String::new() } else { format!(" --runs {runs}") };
        say(&format!(
            "{runs} holds {}; `orchestrator clean{which}` lists what nobody needs any more, and asks.",
            bytes(size)
        ));
    }
}

/// Returns a warning if a version was made from other columns or another label than the one before it, or if that one
/// is damaged. Settings of two tables may have the same group without anybody's wanting it.
fn other_table(
    package: &ModelPackage,
    store: &Store,
    registry: &DirectoryRegistry,
) -> Option<String> {
    let ModelPackage { version, group, .. } = package;
    let versions = registry.versions(group).ok()?;
    let (before, arn) = versions.into_iter().find(|(number, _)| number < version)?;
    let earlier = match registry.describe(&arn) {
        Ok(earlier) => earlier,
        Err(error) => {
            return Some(format!(
                "version {before} of group {group} is left out: {}",
                chain(&error)
            ));
        }
    };
    let read = |package: &ModelPackage| store.read(&package.serving.model_data_url).ok();
    let change = table_change(&read(&earlier)?, &read(package)?)?;
    Some(format!(
        "Version {version} of group {group} was made from another table than version {before}: {change}. Versions of \
         one group replace each other; model_registry.model_package_group_name gives this table a group of its own."
    ))
}

/// Stops the execution on a signal that would end this program. A second one kills the jobs.
pub fn stop_on_signals() -> std::io::Result<Arc<Stop<'static>>> {
    let stop = Arc::new(Stop::default());
    let mut signals =
        Signals::new(ENDING_SIGNALS.into_iter().filter(|signal| !is_ignored(*signal)))?;
    // A file beyond the limit of its size is an error then, which says so.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    let stop_of_thread = Arc::clone(&stop);
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for _ in signals.forever() {
            if stop_of_thread.request() {
                say("stopping: the jobs are given time to end; a second signal kills them");
            }
        }
    })?;
    Ok(stop)
}

/// Returns whether whoever started this program wants it to ignore a signal, as `nohup` does. Interrupts and terminations
/// are never ignored: shells start what runs in the background so.
fn is_ignored(signal: i32) -> bool {
    if [SIGINT, SIGTERM].contains(&signal) {
        return false;
    }
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (signal - 1) & 1 == 1
}

/// Returns the number of cores, or one where the system does not tell it.
pub fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Returns the absolute path of the directory of runs. The processes of a job are looked for by its path, line by line.
fn runs_directory(path: &Utf8Path) -> Result<Utf8PathBuf, CommandError> {
    let absolute = camino::absolute_utf8(path).map_err(CommandError::Read)?;
    if absolute.as_str().contains(['\n', '\r', '\0']) {
        let found = one_line(absolute.as_str());
        let message = format!("--runs is {found}, expected a path without line ends");
        return Err(CommandError::Usage(message));
    }
    Ok(absolute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_a_pipeline_its_name() {
        for (file, name) in [
            ("a/yield_forecast.v2.json", "yield-forecast-v2"),
            ("-é-.json", "pipeline"),
            ("définition.json", "d-finition"),
        ] {
            assert_eq!(name_of(Utf8Path::new(file)), name);
        }
    }
}

//! `orchestrator run`: runs the settings' definition, or any other, on this machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use common::Exit;
use config::Settings;
use indexmap::IndexMap;
use local::{
    Ending, LocalExecution, Progress, ResumeFrom, RunOptions, Status, StepRecord, Stop, Store,
};
use pipeline::{Definition, StepKind};
use serde_json::Value;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::input::RawTable;
use super::validate;
use crate::arguments::engine::EngineArgs;
use crate::arguments::parameters::{self, ParameterArgs};
use crate::arguments::settings::{SettingsArgs, read_definition};
use crate::definition::names::INPUT_PARAMETER;
use crate::error::CommandError;
use crate::output::report::ExecutionReport;
use crate::output::{print_json, print_text, progress, say};

/// Arguments of the run command.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// Run this definition instead of the settings' own
    #[arg(long, value_name = "FILE")]
    definition: Option<Utf8PathBuf>,
    /// The raw table: a CSV file, or a directory of them; without it 2,500 synthetic rows
    #[arg(long, value_name = "CSV-OR-DIRECTORY")]
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
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

/// Runs the pipeline: decides the parameters, finds the input, runs the steps and prints the report.
pub fn run(arguments: &RunArgs) -> Result<Exit, CommandError> {
    let settings = arguments.config.settings()?;
    let definition = arguments.definition(&settings)?;
    let assignments = arguments.parameters.assignments()?;
    let mut parameters = arguments.parameter_values(&settings, &definition, &assignments)?;
    let runs = absolute(&arguments.runs)?;
    let runner = arguments.engine.runner(&definition, &runs)?;
    let store = local::store(&runs);
    let progress = progress::stderr();
    let context = RunContext {
        arguments,
        settings: &settings,
        definition: &definition,
        assignments: &assignments,
        runs: &runs,
        store: &store,
        progress: &*progress,
    };
    let inputs = context.inputs(&mut parameters)?;
    let options = RunOptions {
        runner,
        pipeline_name: settings.pipeline.name.clone(),
        parameters,
        given: inputs.user_table,
        // With --from the user wants to see the step run, so it is not taken from the cache.
        cache: !arguments.no_cache && arguments.from.is_none(),
        reused: inputs.earlier_results,
        runs: runs.clone(),
    };
    let stop = stop_on_signals().map_err(CommandError::Begin)?;
    let ending =
        local::run(&definition, &options, &*progress, &stop).map_err(CommandError::Begin)?;
    print_ending(ending, &store, &settings, arguments.json)
}

impl RunArgs {
    /// Returns the definition to run, which has no errors. Steps that cannot run here are reported.
    fn definition(&self, settings: &Settings) -> Result<Definition, CommandError> {
        let definition = match &self.definition {
            Some(file) => read_definition(file)?,
            None => validate::settings_definition(settings)?,
        };
        validate::require_valid(&definition)?;
        for placed in definition.steps_recursive() {
            if let StepKind::Other { kind, .. } = &placed.step.kind {
                say(&format!(
                    "{} is a {kind} step, which does not run here: the execution fails if it gets there.",
                    placed.step.name
                ));
            }
        }
        Ok(definition)
    }

    /// Returns the value of every parameter, and checks the values and their combination with
    /// `--input`.
    fn parameter_values(
        &self,
        settings: &Settings,
        definition: &Definition,
        assignments: &[(&str, &str)],
    ) -> Result<IndexMap<String, Value>, CommandError> {
        let values = parameters::values(definition, assignments)?;
        // The ranges of another definition's parameters are not known here.
        if self.definition.is_none() {
            parameters::check_ranges(settings, &values)?;
        }
        if self.input.is_some() && sets_input(assignments) {
            let message = format!(
                "--input and -p {INPUT_PARAMETER} name the same thing, expected one of them"
            );
            return Err(CommandError::Usage(message));
        }
        Ok(values)
    }
}

/// Returns whether `-p` names the raw table.
fn sets_input(assignments: &[(&str, &str)]) -> bool {
    assignments.iter().any(|(name, _)| *name == INPUT_PARAMETER)
}

/// The checked arguments of a run and the values that were read from them.
struct RunContext<'a> {
    arguments: &'a RunArgs,
    settings: &'a Settings,
    definition: &'a Definition,
    /// The names and values of the parameters that the user set.
    assignments: &'a [(&'a str, &'a str)],
    runs: &'a Utf8Path,
    store: &'a Store,
    progress: &'a dyn Progress,
}

/// The inputs of the steps that run.
struct Inputs {
    /// The address at which the user's table was stored, and the path that the user gave.
    user_table: Option<(String, String)>,
    /// The results of the steps before `--from`, by the step's name.
    earlier_results: BTreeMap<String, StepRecord>,
}

impl RunContext<'_> {
    /// Stores the raw table and finds the results of the steps before `--from`. Parameters that
    /// these decide are set. The table is that of `--input` or `-p`, else that of the execution that
    /// is resumed, else a synthetic one.
    fn inputs(&self, parameters: &mut IndexMap<String, Value>) -> Result<Inputs, CommandError> {
        let table = RawTable { settings: self.settings, store: self.store };
        let earlier = match &self.arguments.from {
            Some(_) => {
                LocalExecution::earlier(&local::executions(self.runs), &self.settings.pipeline.name)
            }
            None => Vec::new(),
        };
        let mut user_table = None;
        if let Some(path) = &self.arguments.input {
            let staged = table.stage(path)?;
            user_table = Some((staged.uri, path.to_string()));
            set_input(parameters, staged.prefix)?;
        }
        let earlier_results = match &self.arguments.from {
            Some(step) => self.earlier_results(step, &earlier, parameters)?,
            None => BTreeMap::new(),
        };
        let has_table = self.arguments.input.is_some() || sets_input(self.assignments);
        if self.arguments.definition.is_none() && earlier.is_empty() && !has_table {
            set_input(parameters, table.synthetic()?)?;
        }
        Ok(Inputs { user_table, earlier_results })
    }

    /// Returns the results of the steps before `step`, from one earlier execution, and sets the
    /// parameters that these steps ran with.
    fn earlier_results(
        &self,
        step: &str,
        earlier: &[LocalExecution],
        parameters: &mut IndexMap<String, Value>,
    ) -> Result<BTreeMap<String, StepRecord>, CommandError> {
        let mut set_by_user: Vec<&str> = self.assignments.iter().map(|(name, _)| *name).collect();
        set_by_user.extend(self.arguments.input.as_ref().map(|_| INPUT_PARAMETER));
        let resume = ResumeFrom {
            definition: self.definition,
            runs: self.runs,
            step,
            asked: &set_by_user,
            input_parameter: INPUT_PARAMETER,
            store: self.store,
            progress: self.progress,
        };
        Ok(resume.earlier_results(earlier, parameters)?)
    }
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

/// Prints the report of the execution and, where it failed, the reason.
fn print_ending(
    ending: Ending,
    store: &Store,
    settings: &Settings,
    as_json: bool,
) -> Result<Exit, CommandError> {
    let report = ExecutionReport::of(&ending.execution, store);
    if as_json {
        print_json(&report)?;
    } else {
        let shown: Vec<_> =
            settings.evaluation.metrics.iter().map(|metric| metric.name()).collect();
        print_text(&report.to_table(&shown))?;
    }
    if ending.execution.status == Status::Failed {
        say(&format!("error: {}", ending.execution.failure_reason.unwrap_or_default()));
    }
    Ok(ending.exit)
}

/// Returns a stop request that SIGINT, SIGTERM and SIGHUP make. The first signal lets the jobs end;
/// a second one kills them.
fn stop_on_signals() -> std::io::Result<Arc<Stop<'static>>> {
    let stop = Arc::new(Stop::default());
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let request = Arc::clone(&stop);
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for _ in signals.forever() {
            if request.ask() {
                say("stopping: the jobs are given time to end; a second signal kills them");
            }
        }
    })?;
    Ok(stop)
}

fn absolute(path: &Utf8Path) -> Result<Utf8PathBuf, CommandError> {
    camino::absolute_utf8(path).map_err(CommandError::Read)
}

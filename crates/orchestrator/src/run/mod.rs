//! `orchestrator run`: the settings' definition, or any other, run on this machine.

mod engine;
mod from;
mod input;

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use config::Settings;
use config::steps::{Hyperparameters, pascal_case};
use container::Exit;
use indexmap::IndexMap;
use pipeline::{Definition, Severity, StepKind};
use serde_json::Value;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::command::{CommandError, Config, print, read_definition};
use crate::definition::INPUT_PARAMETER;
use crate::local::{self, Execution, Options, Status, Stop};
use crate::{definition, report};

use engine::EngineArguments;
use from::From;
use input::Input;

/// What `run` is told.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: Config,
    /// Run this definition instead of the settings' own
    #[arg(long, value_name = "FILE")]
    definition: Option<Utf8PathBuf>,
    /// The raw table: a CSV file, or a directory of them; without it 2,500 synthetic rows
    #[arg(long, value_name = "CSV-OR-DIRECTORY")]
    input: Option<Utf8PathBuf>,
    /// Where executions, outputs and the model registry are kept
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: Utf8PathBuf,
    /// Set a parameter of the pipeline; may be repeated
    #[arg(short = 'p', long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
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
    engine: EngineArguments,
}

/// Runs the pipeline.
pub fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let settings = arguments.config.settings()?;
    let definition = match &arguments.definition {
        Some(file) => read_definition(file)?,
        None => own_definition(&settings)?,
    };
    check(&definition)?;
    for placed in definition.steps_recursive() {
        if let StepKind::Other { kind, .. } = &placed.step.kind {
            local::say(&format!(
                "{} is a {kind} step, which does not run here: the execution fails if it gets there.",
                placed.step.name
            ));
        }
    }
    let mut given: Vec<(&str, &str)> = Vec::new();
    for parameter in &arguments.parameters {
        let Some((name, value)) = parameter.split_once('=') else {
            let message = format!("-p {parameter}: expected NAME=VALUE, such as -p MaxDepth=12");
            return Err(CommandError::Usage(message));
        };
        if given.iter().any(|(other, _)| *other == name) {
            return Err(CommandError::Usage(format!("-p {name} is given twice, expected once")));
        }
        given.push((name, value));
    }
    let usage = |error: &dyn std::error::Error| CommandError::Usage(container::chain(error));
    let mut parameters =
        definition.parameter_values(given.iter().copied()).map_err(|e| usage(&e))?;
    if arguments.definition.is_none() {
        check_ranges(&settings, &parameters)?;
    }
    let runs = absolute(&arguments.runs)?;
    let input_given = given.iter().any(|(name, _)| *name == INPUT_PARAMETER);
    if arguments.input.is_some() && input_given {
        let message =
            format!("--input and -p {INPUT_PARAMETER} name the same thing, expected one of them");
        return Err(CommandError::Usage(message));
    }
    let runner = arguments.engine.runner(&definition, &runs)?;
    let store = local::store(&runs);
    let input = Input { settings: &settings, store: &store };
    let earlier = match &arguments.from {
        Some(_) => Execution::earlier(&local::executions(&runs), &settings.pipeline.name),
        None => Vec::new(),
    };
    let mut named = None;
    if let Some(path) = &arguments.input {
        let staged = input.stage(path)?;
        named = Some((staged.uri, path.to_string()));
        read_from(&mut parameters, staged.prefix)?;
    }
    let reused = match &arguments.from {
        Some(step) => {
            let mut asked: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
            asked.extend(arguments.input.as_ref().map(|_| INPUT_PARAMETER));
            let from =
                From { definition: &definition, runs: &runs, step, asked: &asked, store: &store };
            from.earlier_results(&earlier, &mut parameters)?
        }
        None => BTreeMap::new(),
    };
    let own = arguments.definition.is_none() && earlier.is_empty();
    if own && arguments.input.is_none() && !input_given {
        read_from(&mut parameters, input.synthetic()?)?;
    }
    let options = Options {
        runner,
        pipeline_name: settings.pipeline.name.clone(),
        parameters,
        given: named,
        // who begins at a step wants to see it run
        cache: !arguments.no_cache && arguments.from.is_none(),
        reused,
        runs,
    };
    let stop = stop_on_signals().map_err(CommandError::Begin)?;
    let ending =
        local::run(&definition, &options, &*local::stderr(), &stop).map_err(CommandError::Begin)?;
    let report = report::Report::of(&ending.execution, &store);
    if arguments.json {
        print(&report.to_json())?;
    } else {
        let shown: Vec<_> =
            settings.evaluation.metrics.iter().map(|metric| metric.name()).collect();
        print(&report.to_table(&shown))?;
    }
    if ending.execution.status == Status::Failed {
        local::say(&format!("error: {}", ending.execution.failure_reason.unwrap_or_default()));
    }
    Ok(ending.exit)
}

/// Has the pipeline read the table at this address.
fn read_from(parameters: &mut IndexMap<String, Value>, uri: String) -> Result<(), CommandError> {
    let Some(value) = parameters.get_mut(INPUT_PARAMETER) else {
        let message = format!(
            "--input sets the parameter {INPUT_PARAMETER}, which this definition does not have"
        );
        return Err(CommandError::Usage(message));
    };
    *value = Value::String(uri);
    Ok(())
}

/// Interrupts, termination and a terminal that is closed end the execution; a second signal ends it
/// at once.
fn stop_on_signals() -> std::io::Result<Arc<Stop>> {
    let stop = Arc::new(Stop::default());
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let asked = Arc::clone(&stop);
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for _ in signals.forever() {
            if asked.ask() {
                local::say("stopping: the jobs are given time to end; a second signal kills them");
            }
        }
    })?;
    Ok(stop)
}

/// The settings' definition, by way of the JSON that is deployed.
fn own_definition(settings: &Settings) -> Result<Definition, CommandError> {
    let json = definition::build(settings).to_json();
    Definition::from_json(&json).map_err(|source| CommandError::Definition {
        file: "the settings' definition".into(),
        source,
    })
}

fn check(definition: &Definition) -> Result<(), CommandError> {
    let errors: Vec<_> = pipeline::lint(definition)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| format!("{}: {}", finding.place, finding.message))
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(CommandError::Usage(format!("the definition is not valid\n{}", errors.join("\n"))))
}

/// Holds the parameters of our own definition to the ranges that the steps will ask of them.
fn check_ranges(
    settings: &Settings,
    parameters: &IndexMap<String, Value>,
) -> Result<(), CommandError> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let told = settings.hyperparameters.to_map().into_keys();
    let told = told.filter_map(|name| {
        let value = parameters.get(&pascal_case(&name))?;
        Some((name, text(value)))
    });
    let mut faults = match Hyperparameters::from_map(&told.collect()) {
        Ok(_) => Vec::new(),
        Err(error) => error.faults,
    };
    let mut check = |name: &str, expected: &str, within: fn(f64) -> bool| {
        let value = parameters.get(name).filter(|value| !value.as_f64().is_some_and(within));
        faults.extend(
            value.map(|value| format!("parameter {name} is `{value}`, expected {expected}")),
        );
    };
    let share = "a number between 0 and 1, both excluded";
    let one = "1, because each step works on the whole table at once";
    for count in ["ProcessingInstanceCount", "TrainingInstanceCount", "EvaluationInstanceCount"] {
        check(count, one, |count| count == 1.0);
    }
    check("TestSize", share, |size| size > 0.0 && size < 1.0);
    for metric in settings.quality_gates.keys() {
        let minimum = |minimum: f64| (0.0..=1.0).contains(&minimum);
        check(&metric.gate_parameter(), "a number from 0 to 1", minimum);
    }
    if let Some(name) = parameters.get("ModelPackageGroupName").and_then(Value::as_str) {
        let fault = registry::check_group_name(name).err();
        faults.extend(fault.map(|error| format!("parameter ModelPackageGroupName: {error}")));
    }
    if faults.is_empty() { Ok(()) } else { Err(CommandError::Usage(faults.join("; "))) }
}

fn absolute(path: &Utf8Path) -> Result<Utf8PathBuf, CommandError> {
    camino::absolute_utf8(path).map_err(CommandError::Read)
}

//! `orchestrator run`: the settings' definition, or any other, run on this machine.

#![expect(clippy::print_stderr, reason = "what a run reads is said before it starts")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use config::Settings;
use config::steps::{Hyperparameters, pascal_case};
use container::Exit;
use indexmap::IndexMap;
use pipeline::{Definition, Severity, Step, StepKind};
use serde_json::Value;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::command::{CommandError, Config, print, read_definition};
use crate::definition::INPUT_PARAMETER;
use crate::local::{self, Execution, Options, Status, StepRecord, Store};
use crate::{definition, report};

/// How many rows a run reads that is given none, and from which seed.
const SAMPLE_ROWS: u64 = 2500;
const SAMPLE_SEED: u64 = 42;

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
    /// The directory of the steps' programs; without it that of this program
    #[arg(long, value_name = "DIR")]
    programs: Option<Utf8PathBuf>,
}

/// Runs the pipeline.
pub fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let settings = arguments.config.settings()?;
    let definition = match &arguments.definition {
        Some(file) => read_definition(file)?,
        None => own_definition(&settings)?,
    };
    check(&definition)?;
    let mut given = Vec::new();
    for parameter in &arguments.parameters {
        let Some(pair) = parameter.split_once('=') else {
            let message = format!("-p {parameter}: expected NAME=VALUE, such as -p MaxDepth=12");
            return Err(CommandError::Usage(message));
        };
        given.push(pair);
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
    let input = Input { settings: &settings, store: &local::store(&runs) };
    let mut stored = None;
    let uri = match &arguments.input {
        Some(path) => {
            let prefix = input.stage(path)?;
            let file = path.file_name().filter(|_| path.is_file());
            let uri = file.map_or_else(|| prefix.clone(), |name| format!("{prefix}/{name}"));
            stored = Some((uri, path.to_string()));
            Some(prefix)
        }
        None if input_given || arguments.definition.is_some() || arguments.from.is_some() => None,
        None => Some(input.synthetic()?),
    };
    if let Some(uri) = uri {
        let Some(value) = parameters.get_mut(INPUT_PARAMETER) else {
            let message = format!(
                "--input sets the parameter {INPUT_PARAMETER}, which this definition does not have"
            );
            return Err(CommandError::Usage(message));
        };
        *value = Value::String(uri);
    }
    let reused = match &arguments.from {
        Some(step) => {
            let mut asked: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
            asked.extend(arguments.input.as_ref().map(|_| INPUT_PARAMETER));
            let earlier = Execution::earlier(&local::executions(&runs), &settings.pipeline.name);
            let from = From { definition: &definition, runs: &runs, step, asked: &asked };
            from.earlier_results(&earlier, &mut parameters)?
        }
        None => BTreeMap::new(),
    };
    let options = Options {
        programs: programs(arguments.programs.as_deref())?,
        pipeline_name: settings.pipeline.name.clone(),
        parameters,
        given: stored,
        // who begins at a step wants to see it run
        cache: !arguments.no_cache && arguments.from.is_none(),
        reused,
        environment: environment(&runs),
        runs,
    };
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // a second one ends this program at once
        signal_hook::flag::register_conditional_shutdown(
            signal,
            Exit::Failed as i32,
            Arc::clone(&stop),
        )
        .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
        .map_err(CommandError::Begin)?;
    }
    let ending =
        local::run(&definition, &options, &*local::stderr(), &stop).map_err(CommandError::Begin)?;
    let report = report::Report::of(&ending.execution, &local::store(&options.runs));
    if arguments.json {
        print(&report.to_json())?;
    } else {
        let shown: Vec<_> =
            settings.evaluation.metrics.iter().map(|metric| metric.name()).collect();
        print(&report.to_table(&shown))?;
    }
    if ending.execution.status == Status::Failed {
        eprintln!("error: {}", ending.execution.failure_reason.unwrap_or_default());
    }
    Ok(ending.exit)
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
    check("TestSize", share, |size| size > 0.0 && size < 1.0);
    for metric in settings.quality_gates.keys() {
        let minimum = |minimum: f64| (0.0..=1.0).contains(&minimum);
        check(&metric.gate_parameter(), "a number from 0 to 1", minimum);
    }
    if faults.is_empty() { Ok(()) } else { Err(CommandError::Usage(faults.join("; "))) }
}

/// Beginning at a step, with the results of those before it.
struct From<'a> {
    definition: &'a Definition,
    runs: &'a Utf8Path,
    step: &'a str,
    /// The parameters that this run was told.
    asked: &'a [&'a str],
}

impl From<'_> {
    /// The results of the jobs that the step builds on, each from the latest execution in which it
    /// succeeded. Parameters that only they read take the values that they ran with, so that the
    /// record says what the results came from; where this run was told others, or the step was
    /// changed, that is an error. Conditions are asked again: they cost nothing.
    fn earlier_results(
        &self,
        earlier: &[Execution],
        parameters: &mut IndexMap<String, Value>,
    ) -> Result<BTreeMap<String, StepRecord>, CommandError> {
        let mut reused = BTreeMap::new();
        for name in self.jobs_before()? {
            let succeeded = |execution: &&Execution| {
                let mut steps = execution.steps.iter();
                steps.any(|step| step.name == name && step.status == Status::Succeeded)
            };
            let Some(execution) = earlier.iter().find(succeeded) else {
                return self.refuse(&format!(
                    "{name} comes before it and has not succeeded in {} yet",
                    self.runs
                ));
            };
            let id = &execution.execution_id;
            let file = execution.directory.join("definition.json");
            let then = read_definition(&file)?;
            let Some(step) = self.definition.step(name) else { continue };
            if then.step(name) != Some(step) {
                return self
                    .refuse(&format!("{name} has changed since execution {id}; begin there"));
            }
            for parameter in read_parameters(&serde_json::json!(step)) {
                let (Some(now), Some(then)) =
                    (parameters.get_mut(&parameter), execution.parameters.get(&parameter))
                else {
                    continue;
                };
                if now == then {
                    continue;
                }
                if self.asked.contains(&parameter.as_str()) {
                    return self.refuse(&format!(
                        "{name} ran with {parameter} = {then} in execution {id}, not {now}; begin \
                         there"
                    ));
                }
                eprintln!("{parameter} stays {then}, with which {name} ran in execution {id}.");
                *now = then.clone();
            }
            let record = execution.steps.iter().find(|step| step.name == name);
            reused.extend(record.map(|record| (name.to_owned(), record.clone())));
        }
        Ok(reused)
    }

    /// The Processing and Training steps that the step needs, directly or by way of others.
    fn jobs_before(&self) -> Result<Vec<&str>, CommandError> {
        let steps = self.definition.steps_recursive();
        let graph = self.definition.graph();
        let order = graph.order().map_err(|cycle| CommandError::Usage(cycle.to_string()))?;
        let is_job = |name: &str| {
            let kind = self.definition.step(name).map(|step| &step.kind);
            matches!(kind, Some(StepKind::Processing(_) | StepKind::Training(_)))
        };
        if !is_job(self.step)
            && !matches!(
                self.definition.step(self.step),
                Some(Step { kind: StepKind::Condition(_), .. })
            )
        {
            let names = steps.iter().map(|placed| placed.step);
            let names = names.filter(|step| !matches!(step.kind, StepKind::Fail { .. }));
            let names: Vec<_> = names.map(|step| step.name.as_str()).collect();
            return self.refuse(&format!(
                "there is no such step to begin at; there are {}",
                names.join(", ")
            ));
        }
        let mut before = std::collections::BTreeSet::new();
        let mut open = vec![self.step];
        while let Some(name) = open.pop() {
            let placed = steps.iter().find(|placed| placed.step.name == name);
            let conditions = placed.into_iter().flat_map(|placed| &placed.branches);
            let conditions = conditions.map(|branch| branch.condition);
            let needs = self.definition.step(name).map(|step| step.name.as_str());
            for need in graph.needs(needs.unwrap_or_default()).chain(conditions) {
                let need = self.definition.step(need).map_or("", |step| step.name.as_str());
                if before.insert(need) {
                    open.push(need);
                }
            }
        }
        let known = |name: &str| self.definition.step(name).map(|step| step.name.as_str());
        let jobs = order.into_iter().filter(|name| before.contains(name) && is_job(name));
        Ok(jobs.filter_map(known).collect())
    }

    fn refuse<T>(&self, why: &str) -> Result<T, CommandError> {
        Err(CommandError::Usage(format!("--from {}: {why}", self.step)))
    }
}

/// The parameters that a step's expressions read.
fn read_parameters(step: &Value) -> Vec<String> {
    match step {
        Value::Object(members) => {
            let get = members.get("Get").and_then(Value::as_str);
            match get.and_then(|path| path.strip_prefix("Parameters.")) {
                Some(name) => vec![name.to_owned()],
                None => members.values().flat_map(read_parameters).collect(),
            }
        }
        Value::Array(items) => items.iter().flat_map(read_parameters).collect(),
        _ => Vec::new(),
    }
}

/// Where the raw table comes from.
struct Input<'a> {
    settings: &'a Settings,
    store: &'a Store,
}

impl Input<'_> {
    /// Stores a copy of a file or directory, once for the same contents, and gives its address.
    fn stage(&self, path: &Utf8Path) -> Result<String, CommandError> {
        let mut files = Vec::new();
        if path.is_dir() {
            let entries = path.read_dir_utf8().map_err(CommandError::Read)?;
            let found = entries.filter_map(Result::ok).filter(|entry| entry.path().is_file());
            files.extend(found.map(|entry| entry.into_path()));
            files.sort();
        } else if path.is_file() {
            files.push(path.to_owned());
        } else {
            return Err(CommandError::Data(format!(
                "--input {path}: there is no such file or directory"
            )));
        }
        if files.is_empty() {
            return Err(CommandError::Data(format!("--input {path}: the directory is empty")));
        }
        let mut digests = String::new();
        for file in &files {
            digests.push_str(&local::file_digest(file)?);
        }
        let digest = local::digest(&digests);
        let prefix =
            format!("{}/{}", self.settings.s3_paths.raw_data.trim_end_matches('/'), &digest[..12]);
        let prefix = self.settings.s3_paths.url(&prefix);
        for file in &files {
            let uri = format!("{prefix}/{}", file.file_name().unwrap_or_default());
            if !self.store.path(&uri)?.is_file() {
                self.store.put(file, &uri)?;
            }
        }
        Ok(prefix)
    }

    /// Stores a synthetic table, which the same rows and seed always make the same.
    fn synthetic(&self) -> Result<String, CommandError> {
        let key = format!(
            "{}/synthetic/{SAMPLE_ROWS}-rows-seed-{SAMPLE_SEED}.csv",
            self.settings.s3_paths.raw_data
        );
        let uri = self.settings.s3_paths.url(&key);
        container::write_with(&self.store.path(&uri)?, |out| {
            dataset::sample::write(out, SAMPLE_ROWS, SAMPLE_SEED)
        })?;
        eprintln!(
            "No --input: running on {SAMPLE_ROWS} synthetic rows, made by `orchestrator sample`."
        );
        Ok(uri)
    }
}

fn absolute(path: &Utf8Path) -> Result<Utf8PathBuf, CommandError> {
    camino::absolute_utf8(path).map_err(CommandError::Read)
}

/// The directory of the programs: cargo and our images put them side by side.
fn programs(given: Option<&Utf8Path>) -> Result<Utf8PathBuf, CommandError> {
    if let Some(directory) = given {
        return absolute(directory);
    }
    let this = std::env::current_exe().map_err(CommandError::Read)?;
    let this = Utf8PathBuf::from_path_buf(this).map_err(|path| {
        CommandError::Usage(format!("{} is not UTF-8; use --programs", path.display()))
    })?;
    Ok(this.parent().map(Utf8Path::to_owned).unwrap_or_default())
}

/// What the platform adds to every job's environment: here the registry's directory, and how to log.
fn environment(runs: &Utf8Path) -> Vec<(String, String)> {
    let mut environment =
        vec![("MODEL_REGISTRY_DIRECTORY".to_owned(), runs.join("registry").into_string())];
    for name in ["RUST_LOG", "LOG_FORMAT"] {
        environment.extend(std::env::var(name).ok().map(|value| (name.to_owned(), value)));
    }
    environment
}

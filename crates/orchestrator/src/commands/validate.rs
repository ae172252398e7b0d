//! `orchestrator validate`: checks settings and definition offline.

use camino::Utf8PathBuf;
use clap::Args;
use common::Exit;
use config::{ExplainedValue, Settings};
use pipeline::{Definition, Finding, Parameter, Severity, StepKind};
use serde_json::{Value, json};

use crate::arguments::parameters::text;
use crate::arguments::settings::{SettingsArgs, read_definition};
use crate::definition;
use crate::error::CommandError;
use crate::output::{print_json, print_text};

/// Arguments of the validate command.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// Print each setting with the file and line, or the default, that it comes from
    #[arg(long, conflicts_with = "definition")]
    explain: bool,
    /// Check this definition instead of the settings and their own
    #[arg(long, value_name = "FILE")]
    definition: Option<Utf8PathBuf>,
    /// Print the findings, or with --explain the settings, as one JSON object
    #[arg(long)]
    json: bool,
}

/// Checks the definition and prints every finding.
pub fn run(arguments: &ValidateArgs) -> Result<Exit, CommandError> {
    let mut findings = Vec::new();
    let (file, definition) = match &arguments.definition {
        Some(file) => {
            let definition = read_definition(file)?;
            findings.extend(unknown_instance_types(&definition));
            (file.to_string(), definition)
        }
        None => {
            let file = arguments.config.name();
            let settings = arguments.config.settings()?;
            arguments.config.remark_on_account(&settings);
            if arguments.explain {
                let values = arguments.config.explain(&settings)?;
                return match arguments.json {
                    true => print_json(&json!({ "settings": values })),
                    false => print_text(&explained(&values)),
                };
            }
            let unknown = settings.unknown_instance_types().into_iter();
            findings.extend(unknown.map(|(place, message)| warning(place, message)));
            (file, definition::build(&settings))
        }
    };
    findings.extend(lint(&definition));
    if arguments.json {
        print_json(&to_json(&definition, &findings))?;
    } else {
        print_text(&common::shortened(&to_text(&file, &definition, &findings)))?;
    }
    Ok(if is_valid(&findings) { Exit::Done } else { Exit::Usage })
}

fn warning(place: String, message: String) -> Finding {
    Finding { place, message, severity: Severity::Warning }
}

/// Returns a warning for each instance type of a definition, as a literal or as the default of a parameter,
/// that SageMaker is not known to have.
fn unknown_instance_types(definition: &Definition) -> Vec<Finding> {
    let defaults = definition.parameters.iter().filter_map(|parameter| {
        let Parameter { name, default, .. } = parameter;
        Some((name.clone(), default.clone()?))
    });
    let defaults = defaults.collect();
    let jobs = definition.steps_recursive().into_iter().filter_map(|placed| {
        let (member, instance_type, wanted) = match &placed.step.kind {
            StepKind::Processing(job) => (
                "ProcessingResources.ClusterConfig",
                &job.processing_resources.cluster_config.instance_type,
                "processing",
            ),
            StepKind::Training(job) => {
                ("ResourceConfig", job.resource_config.instance_type.as_ref()?, "training")
            }
            _ => return None,
        };
        let message = config::unknown_instance_type(text(instance_type, &defaults)?, wanted)?;
        let place = format!("{}.Arguments.{member}.InstanceType", placed.place);
        Some(warning(place, message))
    });
    jobs.collect()
}

/// Formats each value with its origin, in columns.
fn explained(values: &[ExplainedValue]) -> String {
    let text = |value: &ExplainedValue| match value.value.as_str() {
        "" => "(none)".to_owned(),
        text => text.replace('\n', "\\n"),
    };
    let width = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0).min(48);
    let paths = width(&mut values.iter().map(|value| value.path.chars().count()));
    let texts = width(&mut values.iter().map(|value| text(value).chars().count()));
    let mut lines = String::new();
    for value in values {
        let origin = match (&value.place, &value.text) {
            (None, _) => "default".to_owned(),
            (Some((file, line)), None) => format!("{file}:{line}"),
            (Some((file, line)), Some(raw)) => format!("{file}:{line}, from {raw}"),
        };
        lines.push_str(&format!("{:paths$}  {:texts$}  {origin}\n", value.path, text(value)));
    }
    lines
}

/// Returns whether no finding is an error. Warnings do not fail the command.
fn is_valid(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity != Severity::Error)
}

/// Formats a line for each finding, and a last one if the definition is valid.
fn to_text(file: &str, definition: &Definition, findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        text.push_str(&format!("{file}: {}: {severity}: {}\n", finding.place, finding.message));
    }
    if is_valid(findings) {
        let steps = definition.steps_recursive().len();
        text.push_str(&format!(
            "{file}: valid: {steps} steps, {} parameters\n",
            definition.parameters.len()
        ));
    }
    text
}

fn to_json(definition: &Definition, findings: &[Finding]) -> Value {
    json!({
        "valid": is_valid(findings),
        "steps": definition.steps_recursive().len(),
        "parameters": definition.parameters.len(),
        "findings": findings,
    })
}

/// Checks a definition. A finding about an address that is handed to Register names the setting that makes it
/// shorter.
fn lint(definition: &Definition) -> Vec<Finding> {
    let mut findings = pipeline::lint(definition);
    for Finding { place, message, .. } in &mut findings {
        message.push_str(&remedy(place));
    }
    findings
}

/// Returns the end of a finding at a place: the setting to change, if it is known.
fn remedy(place: &str) -> String {
    let variable = place.split_once(".Arguments.Environment.").map(|(_, variable)| variable);
    let setting = match variable {
        Some("MODEL_DATA_URL") => "s3_paths.model_artifacts",
        Some("MODEL_METRICS_URL") => "s3_paths.evaluation",
        _ => return String::new(),
    };
    format!("; a shorter {setting} of the settings makes it shorter")
}

/// Builds the settings' definition and reads it back from the JSON that is deployed.
pub fn settings_definition(settings: &Settings) -> Result<Definition, CommandError> {
    let json = definition::build(settings).to_json();
    Definition::from_json(&json).map_err(|source| CommandError::Definition {
        file: "the settings' definition".into(),
        source,
    })
}

/// Refuses a definition with errors and reports all of them at once.
pub fn require_valid(definition: &Definition) -> Result<(), CommandError> {
    let errors: Vec<_> = lint(definition)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| format!("{}: {}", finding.place, finding.message))
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(CommandError::Usage(format!("the definition is not valid\n{}", errors.join("\n"))))
}

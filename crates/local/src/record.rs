//! The record of an execution: `<runs>/executions/<id>/execution.json`.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use common::chain;
use common::json::LARGEST_JSON;
use indexmap::IndexMap;
use pipeline::Definition;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::recorded::Contents;

/// The file's name in the execution's directory.
pub const RECORD_FILE: &str = "execution.json";
/// The name of the definition's file in the execution's directory.
pub const DEFINITION_FILE: &str = "definition.json";
/// The version of the record's format.
const FORMAT_VERSION: u32 = 1;

/// The status of a step or an execution, in SageMaker's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Running.
    Executing,
    /// Ended with success.
    Succeeded,
    /// Ended with a failure.
    Failed,
    /// Stopped before its end.
    Stopped,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Executing => "Executing",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Stopped => "Stopped",
        })
    }
}

/// Two values that a condition compared.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Compared {
    /// The expression on the left.
    pub left: String,
    /// The value of the expression on the left.
    pub left_value: Value,
    /// The operator, such as `>=`.
    pub operator: String,
    /// The value of the expression on the right.
    pub right_value: Value,
    /// Whether the comparison is true.
    pub holds: bool,
}

impl From<pipeline::Comparison> for Compared {
    fn from(comparison: pipeline::Comparison) -> Self {
        let pipeline::Comparison { left, left_value, operator, right_value, holds, .. } =
            comparison;
        Self { left, left_value, operator: operator.to_owned(), right_value, holds }
    }
}

/// One step of an execution.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step's name.
    pub name: String,
    /// The step's type, such as Processing.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status.
    pub status: Status,
    /// The duration.
    pub seconds: f64,
    /// Whether the outputs come from an earlier execution.
    pub cached: bool,
    /// The number of times the job was started.
    pub attempts: u32,
    /// The S3 address of each output, by the output's name.
    pub outputs: BTreeMap<String, String>,
    /// The objects of the outputs. They are used only with the bytes that are recorded here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contents: Contents,
    /// The reason of the failure.
    pub failure_reason: Option<String>,
    /// The exit code of the job's program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The metrics that the job's metric definitions found in its log.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub metrics: IndexMap<String, f64>,
    /// The comparisons of a Condition step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Compared>,
    /// The job's log, relative to the execution's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Utf8PathBuf>,
    /// The response of SageMaker's Describe call; later steps and executions read its properties.
    #[serde(default)]
    pub description: Value,
}

impl StepRecord {
    /// Returns the record of a step that has just started.
    pub fn started(name: &str, kind: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            status: Status::Executing,
            seconds: 0.0,
            cached: false,
            attempts: 0,
            outputs: BTreeMap::new(),
            contents: Contents::new(),
            failure_reason: None,
            exit_code: None,
            metrics: IndexMap::new(),
            comparisons: Vec::new(),
            log: None,
            description: Value::Null,
        }
    }

    /// Returns whether the objects of every output are recorded. Earlier versions of this program recorded none.
    pub fn is_recorded(&self) -> bool {
        self.outputs.values().all(|uri| self.contents.contains_key(uri))
    }
}

/// Refuses a document that is too large for whoever reads it.
pub fn readable(name: &str, text: Vec<u8>) -> std::io::Result<Vec<u8>> {
    if text.len() as u64 <= LARGEST_JSON {
        return Ok(text);
    }
    let length = text.len();
    Err(std::io::Error::other(format!(
        "{name} would have {length} bytes, expected at most {LARGEST_JSON}: the steps have too many outputs"
    )))
}

/// The record of an execution on this machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LocalExecution {
    format_version: u32,
    /// The id, which begins with the second in which the execution started.
    pub execution_id: String,
    /// The pipeline's name.
    pub pipeline_name: String,
    /// The status.
    pub status: Status,
    /// The start time as RFC 3339 in UTC, with nanoseconds.
    pub started_at: String,
    /// The duration.
    pub seconds: f64,
    /// The reason of the failure.
    pub failure_reason: Option<String>,
    /// The SHA-256 of the definition's file. Earlier versions of this program recorded none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    definition_sha256: Option<String>,
    /// The parameters' values.
    pub parameters: IndexMap<String, Value>,
    /// The objects that the execution was given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: Contents,
    /// The steps that were started, in the order of their start.
    pub steps: Vec<StepRecord>,
    /// The execution's directory.
    #[serde(skip)]
    pub directory: Utf8PathBuf,
}

impl LocalExecution {
    /// Creates a directory for a new execution of a definition under `executions`. Two executions that start in the
    /// same second get different ids.
    ///
    /// # Errors
    ///
    /// Fails where the directory cannot be created.
    pub fn begin(
        executions: &Utf8Path,
        pipeline_name: &str,
        parameters: IndexMap<String, Value>,
        definition: &str,
    ) -> std::io::Result<Self> {
        fs_err::create_dir_all(executions)?;
        let now = jiff::Timestamp::now();
        let mut suffix = std::process::id() % 0x1000;
        loop {
            let execution_id = format!("{}-{suffix:03x}", now.strftime("%Y%m%d-%H%M%S"));
            let directory = executions.join(&execution_id);
            match fs_err::create_dir(&directory) {
                Ok(()) => {
                    return Ok(Self {
                        format_version: FORMAT_VERSION,
                        execution_id,
                        pipeline_name: pipeline_name.to_owned(),
                        status: Status::Executing,
                        started_at: format!("{now:.9}"),
                        seconds: 0.0,
                        failure_reason: None,
                        definition_sha256: Some(common::sha256_hex(definition)),
                        parameters,
                        inputs: Contents::new(),
                        steps: Vec::new(),
                        directory,
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    suffix = (suffix + 1) % 0x1000;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns everything that the execution was given and that its steps made.
    pub fn contents(&self) -> impl Iterator<Item = &Contents> {
        std::iter::once(&self.inputs).chain(self.steps.iter().map(|step| &step.contents))
    }

    /// Reads the record of the execution in a directory.
    ///
    /// # Errors
    ///
    /// Fails where there is no record, or one of another format, of another execution, or that has changed since it was
    /// written.
    pub fn read(directory: &Utf8Path) -> std::io::Result<Self> {
        let file = directory.join(RECORD_FILE);
        let text = common::json::read(&file)?;
        let malformed = |reason: String| std::io::Error::other(format!("{file}: {reason}"));
        common::json::require_unchanged(&text).map_err(|error| malformed(error.to_string()))?;
        let execution: Self =
            common::json::from_slice(&text).map_err(|error| malformed(error.to_string()))?;
        if execution.format_version != FORMAT_VERSION {
            let found = execution.format_version;
            return Err(malformed(format!("format_version {found}, expected {FORMAT_VERSION}")));
        }
        let (found, expected) = (&execution.execution_id, directory.file_name());
        if expected != Some(found) {
            let expected = expected.unwrap_or_default();
            return Err(malformed(format!("it is of execution {found}, expected {expected}")));
        }
        Ok(Self { directory: directory.to_owned(), ..execution })
    }

    /// Reads the definition that the execution ran.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::definition_text`] does, and where the text is no definition.
    pub fn definition(&self) -> std::io::Result<Definition> {
        Definition::from_json(&self.definition_text()?).map_err(|error| {
            let file = self.directory.join(DEFINITION_FILE);
            std::io::Error::other(format!("{file}: {}", chain(&error)))
        })
    }

    /// Reads the text of the definition that the execution ran.
    ///
    /// # Errors
    ///
    /// Fails where there is none, and where it is not UTF-8 or has changed since it was recorded.
    pub fn definition_text(&self) -> std::io::Result<String> {
        let file = self.directory.join(DEFINITION_FILE);
        let malformed = |reason: String| std::io::Error::other(format!("{file}: {reason}"));
        let text = common::json::read(&file)?;
        let found = common::sha256_hex(&text);
        if let Some(expected) = self.definition_sha256.as_ref().filter(|it| **it != found) {
            return Err(malformed(format!(
                "it has changed since it was recorded: its SHA-256 is {found}, expected {expected}"
            )));
        }
        String::from_utf8(text).map_err(|error| malformed(error.to_string()))
    }

    /// Reads the executions of a pipeline, the latest first. Records that cannot be read are skipped: those that are not
    /// there, because an execution that was killed may not have written one, without a word; `note` is told of others.
    pub fn read_all(executions: &Utf8Path, pipeline_name: &str, note: &dyn Fn(&str)) -> Vec<Self> {
        use std::io::ErrorKind::{NotADirectory, NotFound};
        let mut found = Vec::new();
        for entry in executions.read_dir_utf8().into_iter().flatten().flatten() {
            match Self::read(entry.path()) {
                Ok(execution) if execution.pipeline_name == pipeline_name => found.push(execution),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), NotFound | NotADirectory) => {}
                Err(error) => note(&format!("{error}; this execution is left out")),
            }
        }
        // ids have a resolution of one second only
        found.sort_by(|a, b| {
            (&b.started_at, &b.execution_id).cmp(&(&a.started_at, &a.execution_id))
        });
        found
    }

    /// Returns the record of a step.
    pub fn step_mut(&mut self, name: &str) -> Option<&mut StepRecord> {
        // The latest are asked for first.
        self.steps.iter_mut().rev().find(|step| step.name == name)
    }
}

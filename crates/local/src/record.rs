//! What is kept of an execution: `<runs>/executions/<id>/execution.json`.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The file's name in the execution's directory.
pub const FILE: &str = "execution.json";
/// The version of the record's format.
const FORMAT_VERSION: u32 = 1;

/// How a step or an execution stands, in SageMaker's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Under way.
    Executing,
    /// Done.
    Succeeded,
    /// Failed.
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
    /// What it came to.
    pub left_value: Value,
    /// Such as `>=`.
    pub operator: String,
    /// What the expression on the right came to.
    pub right_value: Value,
    /// Whether it holds.
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
    /// Processing, Training, Condition or Fail.
    #[serde(rename = "type")]
    pub kind: String,
    /// How it stands.
    pub status: Status,
    /// How long it took.
    pub seconds: f64,
    /// Whether its outputs are an earlier execution's.
    pub cached: bool,
    /// How often it was started.
    pub attempts: u32,
    /// Where its outputs are stored, by name.
    pub outputs: BTreeMap<String, String>,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// What the job's program exited with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What the job's metric definitions found in its log.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub metrics: IndexMap<String, f64>,
    /// What a condition compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Compared>,
    /// Where the job's log is, below the execution's directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Utf8PathBuf>,
    /// What Describe would answer: later steps and executions ask for its properties.
    #[serde(default)]
    pub description: Value,
}

impl StepRecord {
    /// A step that begins.
    pub fn begun(name: &str, kind: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            status: Status::Executing,
            seconds: 0.0,
            cached: false,
            attempts: 0,
            outputs: BTreeMap::new(),
            failure_reason: None,
            exit_code: None,
            metrics: IndexMap::new(),
            comparisons: Vec::new(),
            log: None,
            description: Value::Null,
        }
    }
}

/// An execution.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Execution {
    format_version: u32,
    /// Begins with the second it was started in.
    pub execution_id: String,
    /// The pipeline.
    pub pipeline_name: String,
    /// How it stands.
    pub status: Status,
    /// RFC 3339, in UTC with nanoseconds.
    pub started_at: String,
    /// How long it took.
    pub seconds: f64,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// The parameters' values.
    pub parameters: IndexMap<String, Value>,
    /// The steps that were reached, in the order they began.
    pub steps: Vec<StepRecord>,
    /// The execution's directory.
    #[serde(skip)]
    pub directory: Utf8PathBuf,
}

impl Execution {
    /// Makes a directory for a new execution under `executions`. Two that begin at once get two.
    pub fn begin(
        executions: &Utf8Path,
        pipeline_name: &str,
        parameters: IndexMap<String, Value>,
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
                        parameters,
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

    /// Writes the record as it stands.
    pub fn save(&self) -> Result<(), common::FileError> {
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        common::write_file(&self.directory.join(FILE), &text)
    }

    /// The executions of a pipeline, latest first. Records that cannot be read are passed over: an
    /// execution that was killed may not have written one.
    pub fn earlier(executions: &Utf8Path, pipeline_name: &str) -> Vec<Self> {
        let entries = executions.read_dir_utf8().into_iter().flatten().flatten();
        let mut found: Vec<Self> = entries
            .filter_map(|entry| {
                let text = fs_err::read(entry.path().join(FILE)).ok()?;
                let execution: Self = serde_json::from_slice(&text).ok()?;
                Some(Self { directory: entry.into_path(), ..execution })
            })
            .filter(|execution| {
                execution.format_version == FORMAT_VERSION
                    && execution.pipeline_name == pipeline_name
            })
            .collect();
        // an id tells only the second
        found.sort_by(|a, b| {
            (&b.started_at, &b.execution_id).cmp(&(&a.started_at, &a.execution_id))
        });
        found
    }

    /// A step's record.
    pub fn step_mut(&mut self, name: &str) -> Option<&mut StepRecord> {
        self.steps.iter_mut().find(|step| step.name == name)
    }
}

//! How an execution ended, as a table for people and as JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use camino::Utf8PathBuf;
use config::Metric;
use config::steps::paths::{METRICS_JSON, REGISTRATION_JSON, SUMMARY_JSON};
use registry::ModelPackage;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use local::{Compared, Execution, StepRecord, Store};

/// The result of an execution.
#[derive(Debug, Serialize)]
pub struct Report {
    /// In SageMaker's words.
    pub status: String,
    /// The execution.
    pub execution_id: String,
    /// The same to every AWS call, if it ran there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_arn: Option<String>,
    /// Where its record is, if it ran here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<Utf8PathBuf>,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// What was reached, in order.
    pub steps: Vec<Step>,
    /// What became of the raw rows.
    pub rows: Option<Rows>,
    /// Over the test rows.
    pub metrics: Map<String, Value>,
    /// What was asked of them.
    pub gates: Vec<Gate>,
    /// What was registered.
    pub model_package: Option<ModelPackage>,
    /// The model, if it is a file of this machine.
    #[serde(skip)]
    pub model: Option<Utf8PathBuf>,
}

/// A step of it.
#[derive(Debug, Serialize)]
pub struct Step {
    /// As the definition has it.
    pub name: String,
    /// Processing, Training and so on.
    #[serde(rename = "type")]
    pub kind: String,
    /// In SageMaker's words.
    pub status: String,
    /// How long it took.
    pub seconds: f64,
    /// Whether its outputs are an earlier execution's.
    pub cached: bool,
    /// Where they are, by name.
    pub outputs: BTreeMap<String, String>,
    /// The job that ran for it, if one did on SageMaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_arn: Option<String>,
    /// Why it failed.
    pub failure_reason: Option<String>,
}

/// What became of the raw rows, from Preprocess's summary.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rows {
    rows_read: u64,
    rows_kept: u64,
    dropped_missing: u64,
    dropped_bad_cells: u64,
    dropped_ragged: u64,
    dropped_duplicates: u64,
}

/// A metric and what was asked of it.
#[derive(Debug, Serialize)]
pub struct Gate {
    /// Which.
    pub metric: String,
    /// What it came to.
    pub value: Value,
    /// Such as `>=`.
    pub operator: String,
    /// What it was compared with.
    pub threshold: Value,
    /// Whether it was met.
    pub passed: bool,
}

impl Report {
    /// Gathers what an execution came to.
    pub fn of(execution: &Execution, store: &Store) -> Self {
        let find = |file: &str| {
            let mut outputs = execution.steps.iter().rev().flat_map(|step| step.outputs.values());
            outputs.find_map(|uri| fs_err::read(store.path(&format!("{uri}/{file}")).ok()?).ok())
        };
        let model_package =
            find(REGISTRATION_JSON).and_then(|text| ModelPackage::from_json(&text).ok());
        let model = model_package
            .as_ref()
            .and_then(|package| store.path(&package.serving.model_data_url).ok());
        Self {
            status: execution.status.to_string(),
            execution_id: execution.execution_id.clone(),
            execution_arn: None,
            directory: Some(execution.directory.clone()),
            failure_reason: execution.failure_reason.clone(),
            seconds: execution.seconds,
            steps: execution.steps.iter().map(Step::of).collect(),
            rows: find(SUMMARY_JSON).and_then(|text| rows(&text)),
            metrics: find(METRICS_JSON).map(|text| metrics(&text)).unwrap_or_default(),
            gates: execution
                .steps
                .iter()
                .flat_map(|step| &step.comparisons)
                .map(Gate::of)
                .collect(),
            model_package,
            model,
        }
    }

    /// Steps, rows, gates and these metrics, and where everything is.
    pub fn to_table(&self, shown: &[&str]) -> String {
        let mut text = String::from("\n");
        // writing to a string cannot fail
        let _ = self.write_table(&mut text, shown);
        text
    }

    fn write_table(&self, out: &mut String, shown: &[&str]) -> std::fmt::Result {
        writeln!(out, "{:<18} {:<10} {:>9}", "Step", "Status", "Time")?;
        for Step { name, status, seconds, cached, .. } in &self.steps {
            let note = if *cached { "  cached" } else { "" };
            writeln!(out, "{name:<18} {status:<10} {seconds:>7.2} s{note}")?;
        }
        if let Some(rows) = &self.rows {
            let Rows { rows_read, rows_kept, dropped_missing, dropped_duplicates, .. } = rows;
            let bad = rows.dropped_bad_cells + rows.dropped_ragged;
            write!(out, "\nRows               {rows_read} read, {rows_kept} kept")?;
            for (count, why) in [
                (dropped_missing, "with missing cells"),
                (&bad, "unreadable"),
                (dropped_duplicates, "duplicates"),
            ] {
                if *count > 0 {
                    write!(out, ", {count} {why}")?;
                }
            }
            writeln!(out)?;
        }
        if !self.metrics.is_empty() {
            writeln!(out, "\n{:<18} {:<10} Gate", "Metric", "Value")?;
        }
        for (name, value) in &self.metrics {
            let value = match value {
                Value::String(no_value) => no_value.clone(),
                other => other.as_f64().map_or_else(|| other.to_string(), |n| format!("{n:.4}")),
            };
            let gate = self.gates.iter().find(|gate| gate.metric == *name);
            if gate.is_none() && !shown.contains(&name.as_str()) {
                continue;
            }
            match gate {
                Some(Gate { operator, threshold, passed, .. }) => {
                    let verdict = if *passed { "met" } else { "NOT MET" };
                    writeln!(out, "{name:<18} {value:<10} {operator} {threshold}  {verdict}")?;
                }
                None => writeln!(out, "{name:<18} {value}")?,
            }
        }
        writeln!(out)?;
        if let Some(package) = &self.model_package {
            writeln!(out, "Model package  {} ({})", package.arn, package.approval_status)?;
        }
        if let Some(model) = &self.model {
            writeln!(out, "Model          {model}")?;
        }
        if let Some(directory) = &self.directory {
            writeln!(out, "Record         {directory}")?;
        }
        let Self { execution_id, status, seconds, .. } = self;
        writeln!(out, "\nExecution {execution_id}, {seconds:.2} s: {status}")
    }
}

/// What Preprocess's summary says of the rows.
pub fn rows(summary: &[u8]) -> Option<Rows> {
    #[derive(Deserialize)]
    struct Summary {
        rows: Rows,
    }
    serde_json::from_slice(summary).ok().map(|Summary { rows }| rows)
}

/// What Evaluate's flat metrics say.
pub fn metrics(text: &[u8]) -> Map<String, Value> {
    let mut metrics: Map<_, _> = serde_json::from_slice(text).unwrap_or_default();
    metrics.retain(|name, _| name != "format_version");
    metrics
}

impl Step {
    fn of(record: &StepRecord) -> Self {
        Self {
            name: record.name.clone(),
            kind: record.kind.clone(),
            status: record.status.to_string(),
            seconds: record.seconds,
            cached: record.cached,
            job_arn: None,
            outputs: record.outputs.clone(),
            failure_reason: record.failure_reason.clone(),
        }
    }
}

impl Gate {
    /// A comparison of a metric that we know goes by its name, any other by what it compares.
    fn of(comparison: &Compared) -> Self {
        let known =
            Metric::ALL.iter().find(|metric| comparison.left.contains(&metric.report_path()));
        Self {
            metric: known.map_or_else(|| comparison.left.clone(), ToString::to_string),
            value: comparison.left_value.clone(),
            operator: comparison.operator.clone(),
            threshold: comparison.right_value.clone(),
            passed: comparison.holds,
        }
    }
}

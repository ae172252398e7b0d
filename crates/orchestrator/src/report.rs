//! How a local run ended, as a table for people and as JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use camino::Utf8PathBuf;
use config::Metric;
use config::steps::paths::{METRICS_JSON, REGISTRATION_JSON, SUMMARY_JSON};
use registry::ModelPackage;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::local::{Compared, Execution, Status, StepRecord, Store};

/// The result of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    status: Status,
    execution_id: String,
    directory: Utf8PathBuf,
    failure_reason: Option<String>,
    seconds: f64,
    steps: Vec<Step>,
    rows: Option<Rows>,
    metrics: Map<String, Value>,
    gates: Vec<Gate>,
    model_package: Option<ModelPackage>,
    #[serde(skip)]
    model: Option<Utf8PathBuf>,
}

#[derive(Debug, Serialize)]
struct Step {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    status: Status,
    seconds: f64,
    cached: bool,
    outputs: BTreeMap<String, String>,
    failure_reason: Option<String>,
}

/// What became of the raw rows, from Preprocess's summary.
#[derive(Debug, Serialize, Deserialize)]
struct Rows {
    rows_read: u64,
    rows_kept: u64,
    dropped_missing: u64,
    dropped_bad_cells: u64,
    dropped_ragged: u64,
    dropped_duplicates: u64,
}

#[derive(Deserialize)]
struct Summary {
    rows: Rows,
}

#[derive(Debug, Serialize)]
struct Gate {
    metric: String,
    value: Value,
    operator: String,
    threshold: Value,
    passed: bool,
}

impl Report {
    /// Gathers what an execution came to.
    pub fn of(execution: &Execution, store: &Store) -> Self {
        let find = |file: &str| {
            let mut outputs = execution.steps.iter().rev().flat_map(|step| step.outputs.values());
            outputs.find_map(|uri| fs_err::read(store.path(&format!("{uri}/{file}")).ok()?).ok())
        };
        let metrics =
            find(METRICS_JSON).and_then(|text| serde_json::from_slice::<Map<_, _>>(&text).ok());
        let mut metrics = metrics.unwrap_or_default();
        metrics.retain(|name, _| name != "format_version");
        let summary =
            find(SUMMARY_JSON).and_then(|text| serde_json::from_slice::<Summary>(&text).ok());
        let model_package =
            find(REGISTRATION_JSON).and_then(|text| ModelPackage::from_json(&text).ok());
        let model = model_package
            .as_ref()
            .and_then(|package| store.path(&package.serving.model_data_url).ok());
        Self {
            status: execution.status,
            execution_id: execution.execution_id.clone(),
            directory: execution.directory.clone(),
            failure_reason: execution.failure_reason.clone(),
            seconds: execution.seconds,
            steps: execution.steps.iter().map(Step::of).collect(),
            rows: summary.map(|summary| summary.rows),
            metrics,
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

    /// One object.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
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
        writeln!(out, "Record         {}", self.directory)?;
        let Self { execution_id, status, seconds, .. } = self;
        writeln!(out, "\nExecution {execution_id}, {seconds:.2} s: {status}")
    }
}

impl Step {
    fn of(record: &StepRecord) -> Self {
        Self {
            name: record.name.clone(),
            kind: record.kind.clone(),
            status: record.status,
            seconds: record.seconds,
            cached: record.cached,
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

//! The report of an execution: a table for people, JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use camino::Utf8PathBuf;
use common::json::LARGEST_JSON;
use common::one_line;
use config::Metric;
use config::steps::paths::{EVALUATION_JSON, METRICS_JSON, REGISTRATION_JSON, SUMMARY_JSON};
use local::{Compared, LocalExecution, Status, StepRecord, Store};
use registry::{DirectoryRegistry, ModelPackage, Registry};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::duration;

/// The result of an execution, here or on SageMaker.
#[derive(Debug, Serialize)]
pub struct ExecutionReport {
    /// The status, with SageMaker's names.
    pub status: String,
    /// The execution's id.
    pub execution_id: String,
    /// The ARN of an execution on SageMaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_arn: Option<String>,
    /// The directory of a local execution's record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<Utf8PathBuf>,
    /// The reason of a failure.
    pub failure_reason: Option<String>,
    /// The duration in seconds.
    pub seconds: f64,
    /// The steps that were started, in order.
    pub steps: Vec<StepReport>,
    /// The numbers of raw rows.
    pub rows: Option<RowCounts>,
    /// The metrics over the test rows.
    pub metrics: Map<String, Value>,
    /// The quality gates.
    pub gates: Vec<GateReport>,
    /// Evaluate's report, with the curves.
    pub evaluation: Option<Value>,
    /// The registered version.
    pub model_package: Option<ModelPackage>,
    /// The file of a model that was trained here.
    #[serde(skip)]
    pub model: Option<Utf8PathBuf>,
}

/// A step of the report.
#[derive(Debug, Serialize)]
pub struct StepReport {
    /// The step's name in the definition.
    pub name: String,
    /// The step's type: Processing, Training, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// The status, with SageMaker's names.
    pub status: String,
    /// The duration in seconds.
    pub seconds: f64,
    /// Whether its outputs were taken from an earlier execution.
    pub cached: bool,
    /// The address of each output, by name.
    pub outputs: BTreeMap<String, String>,
    /// The ARN of the job on SageMaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_arn: Option<String>,
    /// The image of the job on SageMaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The address of each input of the job on SageMaker, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
    /// The number of attempts on SageMaker, if there were several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// What the last attempt on SageMaker is billed for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub billed: Vec<Billed>,
    /// The reason of a failure.
    pub failure_reason: Option<String>,
}

/// Instances that SageMaker bills.
#[derive(Debug, Serialize)]
pub struct Billed {
    /// The type, such as ml.m5.large.
    pub instance_type: String,
    /// The number of instances.
    pub instances: u32,
    /// The seconds that each of them is billed for.
    pub seconds: f64,
}

/// The numbers of raw rows that Preprocess read, kept and dropped.
#[derive(Debug, Serialize, Deserialize)]
pub struct RowCounts {
    rows_read: u64,
    rows_kept: u64,
    dropped_missing: u64,
    dropped_bad_cells: u64,
    dropped_ragged: u64,
    dropped_duplicates: u64,
    /// The missing cells of the rows that are kept.
    #[serde(default)]
    imputed_readings: u64,
    #[serde(default)]
    failures: FailureCounts,
    #[serde(default)]
    warnings: Vec<String>,
    /// The files that were not read, with the reason.
    #[serde(default)]
    left_out: Vec<String>,
    /// What was found of the files' format.
    #[serde(default)]
    notes: Vec<String>,
    #[serde(default)]
    totals_rows: u64,
    #[serde(default)]
    header_rows: u64,
    #[serde(default)]
    blank_rows: u64,
    /// The cells that could not be read and became missing, by their text.
    #[serde(default)]
    bad_cells: BTreeMap<String, BadCellCount>,
    /// How the rows were divided, if not at random.
    #[serde(default)]
    split: Option<String>,
}

impl RowCounts {
    /// Writes what became of the raw rows.
    fn write(&self, out: &mut String) -> std::fmt::Result {
        let Self { rows_read, rows_kept, dropped_missing, dropped_duplicates, .. } = self;
        let bad = self.dropped_bad_cells + self.dropped_ragged;
        write!(out, "\nRows               {rows_read} read, {rows_kept} kept")?;
        for (count, why) in [
            (dropped_missing, "with missing cells or labels"),
            (&bad, "unreadable"),
            (dropped_duplicates, "duplicates"),
        ] {
            if *count > 0 {
                let percent = 100.0 * *count as f64 / *rows_read as f64;
                write!(out, ", {count} {why} ({percent:.1} %)")?;
            }
        }
        writeln!(out)?;
        if let (Some(read), Some(kept)) = (self.failures.share_read, self.failures.share_kept) {
            let [read, kept] = [read, kept].map(|share| 100.0 * share);
            writeln!(
                out,
                "Failures           {read:.1} % of those read, {kept:.1} % of those kept"
            )?;
        }
        for (what, count) in [
            ("rows of totals", self.totals_rows),
            ("rows that repeat the header", self.header_rows),
            ("rows without any value", self.blank_rows),
        ] {
            if count > 0 {
                writeln!(out, "Left out           {what}: {count}")?;
            }
        }
        if self.imputed_readings > 0 {
            writeln!(
                out,
                "Missing            cells of rows that are kept: {}; numbers became their training \
                 median, categories 0",
                self.imputed_readings
            )?;
        }
        for (text, BadCellCount { count, first }) in &self.bad_cells {
            let (text, first) = (one_line(text), one_line(first));
            writeln!(out, "Read as missing    `{text}` ({count}), the first in {first}")?;
        }
        if let Some(split) = &self.split {
            writeln!(out, "Split              {}", one_line(split))?;
        }
        let lists =
            [("Read as", &self.notes), ("Left out", &self.left_out), ("Warning", &self.warnings)];
        for (title, list) in lists {
            for text in list {
                writeln!(out, "{title:<18} {}", one_line(text))?;
            }
        }
        Ok(())
    }
}

/// The cells with one text that could not be read.
#[derive(Debug, Serialize, Deserialize)]
struct BadCellCount {
    count: u64,
    /// The file, line and column of the first of them.
    first: String,
}

/// The numbers of failures among the rows that were read and kept.
#[derive(Debug, Default, Serialize, Deserialize)]
struct FailureCounts {
    read: u64,
    kept: u64,
    share_read: Option<f64>,
    share_kept: Option<f64>,
}

/// A quality gate: a metric and the value that it was compared with.
#[derive(Debug, Serialize)]
pub struct GateReport {
    /// The metric's name.
    pub metric: String,
    /// The metric's value.
    pub value: Value,
    /// The comparison's operator, such as `>=`.
    pub operator: String,
    /// The value that the metric was compared with.
    pub threshold: Value,
    /// Whether the comparison is true.
    pub passed: bool,
}

impl ExecutionReport {
    /// Collects the report of a local execution.
    pub fn of(execution: &LocalExecution, store: &Store, registry: &DirectoryRegistry) -> Self {
        let find = |file: &str| {
            let mut outputs = execution.steps.iter().rev().flat_map(|step| step.outputs.values());
            outputs.find_map(|uri| {
                let uri = format!("{uri}/{file}");
                let size = store.path(&uri).ok()?.metadata().ok()?.len();
                (size <= LARGEST_JSON).then(|| store.read(&uri).ok())?
            })
        };
        // our Register writes the version down, a RegisterModel step has its ARN
        let registered = || {
            let mut steps = execution.steps.iter().rev();
            let arn = steps.find_map(|step| step.description["ModelPackageArn"].as_str())?;
            registry.describe(arn).ok()
        };
        let model_package = find(REGISTRATION_JSON)
            .and_then(|text| ModelPackage::from_json(&text).ok())
            .or_else(registered)
            .or_else(|| registered_by(execution, registry));
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
            steps: execution.steps.iter().map(StepReport::of).collect(),
            rows: find(SUMMARY_JSON).and_then(|text| rows(&text)),
            metrics: find(METRICS_JSON).map(|text| metrics(&text)).unwrap_or_default(),
            gates: execution
                .steps
                .iter()
                .flat_map(|step| &step.comparisons)
                .map(GateReport::of)
                .collect(),
            evaluation: find(EVALUATION_JSON).and_then(|text| common::json::from_slice(&text).ok()),
            model_package,
            model,
        }
    }

    /// Formats the report as tables. The metrics are those with a gate and those in `shown`.
    pub fn to_table(&self, shown: &[&str]) -> String {
        let mut text = String::from("\n");
        // Writing to a string cannot fail.
        let _ = self.write_table(&mut text, shown);
        text
    }

    fn write_table(&self, out: &mut String, shown: &[&str]) -> std::fmt::Result {
        let times: Vec<_> = self.steps.iter().map(|step| duration(step.seconds)).collect();
        let width = times.iter().map(String::len).max().unwrap_or(0).max(9);
        writeln!(out, "{:<18} {:<10} {:>width$}", "Step", "Status", "Time")?;
        for (StepReport { name, status, cached, .. }, time) in self.steps.iter().zip(&times) {
            let note = if *cached { "  cached" } else { "" };
            writeln!(out, "{name:<18} {status:<10} {time:>width$}{note}")?;
        }
        if let Some(rows) = &self.rows {
            rows.write(out)?;
        }
        if !self.metrics.is_empty() {
            writeln!(out, "\n{:<18} {:<10} Gate", "Metric", "Value")?;
        }
        for (name, value) in &self.metrics {
            let value = match value {
                Value::String(no_value) => one_line(no_value),
                other => other.as_f64().map_or_else(|| other.to_string(), |n| format!("{n:.4}")),
            };
            let gate = self.gates.iter().find(|gate| gate.metric == *name);
            if gate.is_none() && !shown.contains(&name.as_str()) {
                continue;
            }
            let name = one_line(name);
            match gate {
                Some(GateReport { operator, threshold, passed, .. }) => {
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
        writeln!(out, "\nExecution {execution_id}, {}: {status}", duration(*seconds))
    }
}

/// The number of a group's latest versions among which that of an execution is looked for. Others may
/// have registered versions since.
const LATEST: usize = 20;

/// Returns the version that an execution registered although the job that did so did not succeed, as
/// when it is stopped right after that.
fn registered_by(execution: &LocalExecution, registry: &DirectoryRegistry) -> Option<ModelPackage> {
    if execution.status == Status::Succeeded {
        return None;
    }
    let versions = registry.groups().ok()?.into_iter().flat_map(|group| {
        let versions = registry.versions(&group).unwrap_or_default();
        versions.into_iter().take(LATEST)
    });
    let mut packages = versions.filter_map(|(_, arn)| registry.describe(&arn).ok());
    let id = Some(&execution.execution_id);
    packages.find(|package| package.metadata.get("pipeline_execution") == id)
}

/// Reads the numbers of rows from Preprocess's summary.
pub fn rows(summary: &[u8]) -> Option<RowCounts> {
    #[derive(Deserialize)]
    struct Summary {
        rows: RowCounts,
        #[serde(default)]
        imputed_readings: u64,
        #[serde(default)]
        split: Option<String>,
    }
    let summary = common::json::from_slice(summary).ok();
    summary.map(|Summary { rows, imputed_readings, split }| RowCounts {
        imputed_readings,
        split,
        ..rows
    })
}

/// Reads Evaluate's metrics.
pub fn metrics(text: &[u8]) -> Map<String, Value> {
    let mut metrics: Map<_, _> = common::json::from_slice(text).unwrap_or_default();
    metrics.retain(|name, _| name != "format_version");
    metrics
}

impl StepReport {
    fn of(record: &StepRecord) -> Self {
        Self {
            name: record.name.clone(),
            kind: record.kind.clone(),
            status: record.status.to_string(),
            seconds: record.seconds,
            cached: record.cached,
            job_arn: None,
            image: None,
            inputs: BTreeMap::new(),
            attempts: None,
            billed: Vec::new(),
            outputs: record.outputs.clone(),
            failure_reason: record.failure_reason.clone(),
        }
    }
}

impl GateReport {
    /// Converts a comparison of a condition. The gate has the name of the metric that is compared, or
    /// the expression on the left side if that is no known metric.
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

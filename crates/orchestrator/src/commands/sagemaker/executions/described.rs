//! An execution with everything that can be asked about it.

use std::collections::BTreeMap;

use cloud::{Cloud, SageMakerExecution};
use config::Settings;
use serde_json::{Value, json};

use crate::definition::names::{INPUT_PARAMETER, PREPROCESS};
use crate::error::CommandError;
use crate::output::cost::BilledCost;
use crate::output::report::ExecutionReport;
use crate::output::sagemaker_report::SageMakerReport;
use crate::output::{duration, stamp};
use crate::sagemaker_error::SageMakerError;

/// An execution, the values of its parameters, and its report.
pub struct DescribedExecution {
    execution: SageMakerExecution,
    parameters: BTreeMap<String, String>,
    /// The report.
    pub report: ExecutionReport,
}

impl DescribedExecution {
    /// Asks SageMaker about an execution.
    pub fn of(cloud: &Cloud, arn: &str) -> Result<Self, CommandError> {
        let execution = cloud.execution(arn).map_err(SageMakerError::Call)?;
        let parameters =
            cloud.execution_parameters(arn).map_err(SageMakerError::Call)?.into_iter().collect();
        let report = SageMakerReport::of(cloud, &execution).report;
        Ok(Self { execution, parameters, report })
    }

    /// Returns the report with who started the execution, when, with which parameters, and its cost.
    pub fn to_json(&self, settings: &Settings) -> Value {
        let mut json = json!(self.report);
        json["started_at"] = json!(stamp(self.execution.started));
        json["started_by"] = json!(self.execution.started_by);
        json["parameters"] = json!(self.parameters);
        json["cost"] = json!(BilledCost::of(&self.report, &settings.prices));
        json
    }

    /// Formats the execution in a few lines. Its parameters are those that differ from `defaults`.
    pub fn to_text(&self, settings: &Settings, defaults: &BTreeMap<String, String>) -> String {
        let Self { execution, report, .. } = self;
        let started = stamp(execution.started).unwrap_or_default();
        let by = execution.started_by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
        let cost = BilledCost::of(report, &settings.prices).amount();
        let time = duration(report.seconds);
        let mut text =
            format!("{}, {started}{by}: {}, {time}, {cost}\n", report.execution_id, report.status);
        let mut line = |what: &str, value: String| {
            if !value.is_empty() {
                text.push_str(&format!("  {what:<12} {value}\n"));
            }
        };
        line("reason", report.failure_reason.clone().unwrap_or_default());
        let version = report.model_package.as_ref();
        line("version", version.map(|version| version.version.to_string()).unwrap_or_default());
        let metrics = self.metrics(settings);
        let metrics = metrics.iter().map(|(name, value)| format!("{name} {value:.4}"));
        line("metrics", metrics.collect::<Vec<_>>().join(", "));
        let others =
            self.parameters.iter().filter(|(name, value)| defaults.get(*name) != Some(value));
        let others = others.map(|(name, value)| format!("{name}={value}"));
        line("parameters", others.collect::<Vec<_>>().join(" "));
        text
    }

    /// Returns the metrics that have a gate or that the settings show.
    pub fn metrics(&self, settings: &Settings) -> BTreeMap<String, f64> {
        let shown = &settings.evaluation.metrics;
        let is_shown = |name: &str| {
            shown.iter().any(|metric| metric.name() == name)
                || self.report.gates.iter().any(|gate| gate.metric == name)
        };
        let metrics = self.report.metrics.iter().filter(|(name, _)| is_shown(name));
        metrics.filter_map(|(name, value)| Some((name.clone(), value.as_f64()?))).collect()
    }

    /// Returns the names and values of the execution's facts, the most important first.
    pub fn facts(&self, settings: &Settings) -> Vec<(String, String)> {
        let Self { execution, report, .. } = self;
        let mut facts = Vec::new();
        let mut add = |name: String, value: Option<String>| {
            facts.extend(value.map(|value| (name, value)));
        };
        add("execution".to_owned(), Some(report.execution_id.clone()));
        add("status".to_owned(), Some(report.status.clone()));
        add("reason".to_owned(), report.failure_reason.clone());
        add("started".to_owned(), stamp(execution.started));
        add("by".to_owned(), execution.started_by.clone());
        add("time".to_owned(), Some(duration(report.seconds)));
        add("cost".to_owned(), Some(BilledCost::of(report, &settings.prices).amount()));
        let version = report.model_package.as_ref().map(|package| package.version.to_string());
        add("version".to_owned(), version);
        for (name, value) in self.metrics(settings) {
            add(name, Some(format!("{value:.4}")));
        }
        for step in &report.steps {
            let cached = if step.cached { ", cached" } else { "" };
            let time = duration(step.seconds);
            add(format!("{} time", step.name), Some(format!("{time}{cached}")));
        }
        let preprocess = report.steps.iter().find(|step| step.name == PREPROCESS);
        for (name, address) in preprocess.into_iter().flat_map(|step| &step.inputs) {
            add(format!("input {name}"), Some(address.clone()));
        }
        for (name, value) in self.parameters.iter().filter(|(name, _)| *name != INPUT_PARAMETER) {
            add(name.clone(), Some(value.clone()));
        }
        for step in &report.steps {
            add(format!("{} image", step.name), step.image.clone());
        }
        facts
    }
}

/// Returns the defaults of the parameters of the deployed pipeline, as text.
pub fn defaults(cloud: &Cloud) -> Result<BTreeMap<String, String>, CommandError> {
    let deployed = cloud.require_deployed()?;
    let parameters = deployed.definition["Parameters"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let default = |parameter: &Value| {
        let name = parameter["Name"].as_str()?.to_owned();
        parameter.get("DefaultValue").map(|value| (name, text(value)))
    };
    Ok(parameters.filter_map(default).collect())
}

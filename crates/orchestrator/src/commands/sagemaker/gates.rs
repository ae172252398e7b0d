//! The quality gates of a stage, judged by the report of a version.

use config::{Metric, Settings};
use registry::ModelPackage;
use serde_json::{Value, json};

use crate::commands::models::report_metrics::required_metric;
use crate::error::CommandError;
use crate::sagemaker_error::SageMakerError;

/// A quality gate, and what a version reached.
pub struct Gate {
    metric: Metric,
    minimum: f64,
    /// NaN if the metric has no value.
    value: f64,
}

impl Gate {
    /// Returns the gates of a stage with the values of a version's report. Nothing but the report counts: the
    /// metadata of a version is anybody's who registers.
    pub fn all(
        stage: &Settings,
        package: &ModelPackage,
        report: &[u8],
    ) -> Result<Vec<Self>, CommandError> {
        let place = format!("the report of version {}, {},", package.version, package.metrics_url);
        let refused = |reason: String| SageMakerError::Version(format!("{place} {reason}"));
        let report: Value = common::json::from_slice(report)
            .map_err(|error| refused(format!("is not JSON: {error}")))?;
        let gates =
            stage.quality_gates.iter().map(|(&metric, &minimum)| -> Result<Self, CommandError> {
                let value = required_metric(&report, metric).ok_or_else(|| {
                    refused(format!("has no {metric}, for which the other stage has a gate"))
                })?;
                if value.is_nan() || (0.0..=1.0).contains(&value) {
                    return Ok(Self { metric, minimum, value });
                }
                Err(refused(format!("has {metric} {value}, expected a number from 0 to 1")).into())
            });
        gates.collect()
    }

    /// Returns whether the version meets the gate. A metric without a value never does.
    pub fn is_met(&self) -> bool {
        self.value >= self.minimum
    }

    /// Returns the gate as a JSON object.
    pub fn to_json(&self) -> Value {
        let Self { metric, minimum, value } = self;
        json!({ "metric": metric.name(), "value": value, "minimum": minimum, "met": self.is_met() })
    }

    /// Returns the gate as a comparison, such as `recall 0.9802 >= 0.85`.
    pub fn to_text(&self) -> String {
        let Self { metric, minimum, value } = self;
        if value.is_nan() {
            format!("{metric} has no value, at least {minimum} wanted")
        } else {
            format!("{metric} {value:.4} {} {minimum}", if self.is_met() { ">=" } else { "<" })
        }
    }
}

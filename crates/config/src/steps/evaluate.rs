//! The settings of Evaluate.

use std::fmt;

use super::arguments::{Argument, ArgumentParser, Parsed, StepError};
use crate::metric::Metric;

/// A quality gate: the minimum that a metric must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// The metric.
    pub metric: Metric,
    /// The minimum, between 0 and 1.
    pub minimum: f64,
}

/// Formats a gate as `recall=0.85`.
impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.metric, self.minimum)
    }
}

impl Gate {
    fn parse(text: &str) -> Option<Self> {
        let (metric, minimum) = text.split_once('=')?;
        let minimum =
            minimum.trim().parse().ok().filter(|minimum| (0.0..=1.0).contains(minimum))?;
        Some(Self { metric: metric.trim().parse().ok()?, minimum })
    }
}

/// The settings of Evaluate.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluate {
    /// The quality gates. The report states whether each is met.
    pub gates: Vec<Gate>,
    /// The metrics to log.
    pub metrics: Vec<Metric>,
    /// The most that `model.tar.gz` may unpack to, in MB of 2^20 bytes.
    pub max_model_mb: u64,
}

/// The most that a model may unpack to unless a setting says otherwise, in MB of 2^20 bytes.
pub const DEFAULT_MODEL_MB: u64 = 4096;

impl Default for Evaluate {
    fn default() -> Self {
        let gate = |(metric, minimum)| Gate { metric, minimum };
        Self {
            gates: [(Metric::Accuracy, 0.80), (Metric::F1Score, 0.75), (Metric::Recall, 0.85)]
                .map(gate)
                .to_vec(),
            metrics: vec![
                Metric::Accuracy,
                Metric::Precision,
                Metric::Recall,
                Metric::F1Score,
                Metric::RocAuc,
                Metric::Specificity,
                Metric::Npv,
            ],
            max_model_mb: DEFAULT_MODEL_MB,
        }
    }
}

impl Evaluate {
    /// Returns the settings as container arguments.
    pub fn to_arguments(&self) -> Vec<Argument> {
        let mut arguments: Vec<_> =
            self.metrics.iter().map(|metric| Argument::new("metric", metric)).collect();
        if self.gates.is_empty() {
            arguments.push(Argument::new("gate", ""));
        }
        arguments.extend(self.gates.iter().map(|gate| Argument::new("gate", gate)));
        if self.max_model_mb != DEFAULT_MODEL_MB {
            arguments.push(Argument::new("max-model-mb", self.max_model_mb));
        }
        arguments
    }

    /// Parses container arguments. Settings without an argument keep their default.
    ///
    /// # Errors
    /// All invalid values.
    pub fn parse(arguments: &[String]) -> Result<Parsed<Self>, StepError> {
        let mut parser = ArgumentParser::new(arguments, &["gate", "metric", "max-model-mb"]);
        let mut settings = Self::default();
        let names = Metric::WORDS.join(", ");
        parser.parse_list("metric", &mut settings.metrics, &format!("one of {names}"), |text| {
            text.parse().ok()
        });
        let expected = format!("`metric=minimum`, a minimum from 0 to 1 and a metric of {names}");
        parser.parse_list("gate", &mut settings.gates, &expected, Gate::parse);
        let expected = "a number of MB from 1 to 1048576";
        parser.parse_value("max-model-mb", &mut settings.max_model_mb, expected, |most| {
            (1..=1 << 20).contains(most)
        });
        parser.finish(settings)
    }
}

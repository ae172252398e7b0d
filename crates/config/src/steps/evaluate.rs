//! What Evaluate is told.

use std::fmt;

use super::{Argument, Arguments, Parsed, StepError};
use crate::Metric;

/// A metric must reach a minimum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// Which metric.
    pub metric: Metric,
    /// The least value that passes, between 0 and 1.
    pub minimum: f64,
}

/// `recall=0.85`
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

/// Everything that Evaluate is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluate {
    /// The gates whose verdicts the report holds.
    pub gates: Vec<Gate>,
    /// The metrics to log.
    pub metrics: Vec<Metric>,
}

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
        }
    }
}

impl Evaluate {
    /// As container arguments.
    pub fn to_arguments(&self) -> Vec<Argument> {
        let mut arguments: Vec<_> =
            self.metrics.iter().map(|metric| Argument::new("metric", metric)).collect();
        if self.gates.is_empty() {
            arguments.push(Argument::new("gate", ""));
        }
        arguments.extend(self.gates.iter().map(|gate| Argument::new("gate", gate)));
        arguments
    }

    /// From container arguments; what is not given keeps its default.
    pub fn parse(arguments: &[String]) -> Result<Parsed<Self>, StepError> {
        let mut given = Arguments::split(arguments, &["gate", "metric"]);
        let mut settings = Self::default();
        let names = Metric::WORDS.join(", ");
        given.parse_list("metric", &mut settings.metrics, &format!("one of {names}"), |text| {
            text.parse().ok()
        });
        let expected = format!("`metric=minimum`, a minimum from 0 to 1 and a metric of {names}");
        given.parse_list("gate", &mut settings.gates, &expected, Gate::parse);
        given.finish(settings)
    }
}

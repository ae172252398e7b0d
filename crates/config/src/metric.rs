//! The metrics that a quality gate can ask for.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// A metric of a binary classifier: between 0 and 1, and more is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The share of right answers.
    Accuracy,
    /// The share of predicted failures that were failures.
    Precision,
    /// The share of failures that were predicted.
    Recall,
    /// The harmonic mean of precision and recall.
    F1Score,
    /// The area under the ROC curve.
    RocAuc,
    /// The area under the precision-recall curve, as average precision.
    PrAuc,
    /// The share of sound machines that were predicted sound.
    Specificity,
    /// The negative predictive value: the share of predicted sound machines that were sound.
    Npv,
}

impl Metric {
    /// Every metric, in the order of reports.
    pub const ALL: [Self; 8] = [
        Self::Accuracy,
        Self::Precision,
        Self::Recall,
        Self::F1Score,
        Self::RocAuc,
        Self::PrAuc,
        Self::Specificity,
        Self::Npv,
    ];

    const NAMES: &[&str] =
        &["accuracy", "precision", "recall", "f1_score", "roc_auc", "pr_auc", "specificity", "npv"];

    /// The name in settings, log lines and `metrics.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1Score => "f1_score",
            Self::RocAuc => "roc_auc",
            Self::PrAuc => "pr_auc",
            Self::Specificity => "specificity",
            Self::Npv => "npv",
        }
    }

    /// Where `evaluation.json` holds the number, in the words of SageMaker's model-quality report.
    pub fn report_path(self) -> String {
        let key = match self {
            Self::F1Score => "f1",
            Self::RocAuc => "auc",
            other => other.name(),
        };
        format!("binary_classification_metrics.{key}.value")
    }

    /// The pipeline parameter that sets this metric's gate: `MinRecall`, `MinF1Score`.
    pub fn gate_parameter(self) -> String {
        format!("Min{}", crate::steps::pascal_case(self.name()))
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|metric| metric.name() == text).ok_or(())
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::steps::word(deserializer, Self::NAMES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_all() {
        assert_eq!(Metric::ALL.map(Metric::name), *Metric::NAMES);
    }
}

//! The evaluation report in the format of SageMaker's model-quality report, and the metrics as a
//! flat object.
//!
//! Version 2 of the report says with what the model was trained, which the registry keeps. Reports of earlier
//! programs have no digest of the model.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Value, json};

use crate::document::{self, DocumentError};
use crate::measure::Measure;
use crate::scores::Scores;

/// The version of the report.
const VERSION: u32 = 2;
/// The version of the flat metrics.
const METRICS_VERSION: u32 = 1;

/// The origin of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelOrigin {
    /// The learning algorithm.
    pub algorithm: String,
    /// The version of the program that trained the model.
    pub program_version: String,
    /// The SHA-256 digest of the `model.tar.gz` that was evaluated.
    pub model_digest: String,
    /// The SHA-256 digest of the training rows.
    pub data_digest: String,
    /// The number of training rows.
    pub training_rows: usize,
    /// The hyperparameters, as the training job received them.
    pub hyperparameters: BTreeMap<String, String>,
}

/// The result of one quality gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateVerdict {
    /// The name of the metric.
    pub metric: String,
    /// The minimum value that passes.
    pub minimum: f64,
    /// The value that the model reached.
    pub value: Measure,
    /// Whether the gate is met. An undefined metric never meets its gate.
    pub met: bool,
}

impl GateVerdict {
    /// Compares the metric of that name with a minimum.
    pub fn new(metric: &str, minimum: f64, scores: &Scores) -> Self {
        let value = scores.metric(metric).unwrap_or(Measure(f64::NAN));
        Self { metric: metric.to_owned(), minimum, value, met: value.0 >= minimum }
    }
}

/// The evaluation of a model on the test rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The origin of the model.
    pub model: ModelOrigin,
    /// The metrics of the model.
    pub scores: Scores,
    /// The results of the quality gates.
    pub gates: Vec<GateVerdict>,
}

impl Evaluation {
    /// Returns the bytes of the report. SageMaker's keys have the format of its model-quality
    /// report, so that Studio draws it; the project's own keys stand beside them.
    ///
    /// # Errors
    /// No evaluation causes an error; the result is that of the serializer.
    pub fn to_json(&self) -> Result<Vec<u8>, DocumentError> {
        let explanations: IndexMap<_, _> = self.scores.explanations().collect();
        let content = json!({
            "dataset": { "item_count": self.rows() },
            "binary_classification_metrics": self.binary_classification_metrics(),
            "model": self.model,
            "gates": self.gates,
            "without_value": explanations,
        });
        document::write("the evaluation report", VERSION, &content)
    }

    /// Returns the bytes of the flat metrics: one JSON object with a number for each metric.
    ///
    /// # Errors
    /// No evaluation causes an error; the result is that of the serializer.
    pub fn metrics_to_json(&self) -> Result<Vec<u8>, DocumentError> {
        let metrics: IndexMap<_, _> = self.scores.metrics().collect();
        document::write("the metrics", METRICS_VERSION, &metrics)
    }

    fn rows(&self) -> u64 {
        let counts = &self.scores.confusion;
        counts.true_negatives
            + counts.false_positives
            + counts.false_negatives
            + counts.true_positives
    }

    fn binary_classification_metrics(&self) -> Value {
        let scores = &self.scores;
        let counts = &scores.confusion;
        // A single evaluation has no standard deviation; SageMaker's reports say "NaN" then.
        let with_deviation =
            |value: Measure| json!({ "value": value, "standard_deviation": "NaN" });
        let mut metrics = serde_json::Map::new();
        metrics.insert(
            "confusion_matrix".to_owned(),
            json!({
                "0": { "0": counts.true_negatives, "1": counts.false_positives },
                "1": { "0": counts.false_negatives, "1": counts.true_positives },
            }),
        );
        for (name, value) in scores.metrics() {
            let key = match name {
                "f1_score" => "f1",
                "roc_auc" => "auc",
                other => other,
            };
            metrics.insert(key.to_owned(), with_deviation(value));
        }
        let value_of = |name| scores.metric(name).map_or(f64::NAN, |value| value.0);
        for (key, value) in [
            ("f0_5", scores.f_score(0.5)),
            ("f2", scores.f_score(2.0)),
            ("true_positive_rate", value_of("recall")),
            ("true_negative_rate", value_of("specificity")),
            ("false_positive_rate", 1.0 - value_of("specificity")),
            ("false_negative_rate", 1.0 - value_of("recall")),
        ] {
            metrics.insert(key.to_owned(), with_deviation(Measure(value)));
        }
        let axes = |points: &[(f64, f64)]| -> (Vec<Measure>, Vec<Measure>) {
            points.iter().map(|&(x, y)| (Measure(x), Measure(y))).unzip()
        };
        let (false_positive_rates, true_positive_rates) = axes(&scores.roc_curve);
        metrics.insert(
            "receiver_operating_characteristic_curve".to_owned(),
            json!({
                "false_positive_rates": false_positive_rates,
                "true_positive_rates": true_positive_rates,
            }),
        );
        let (precisions, recalls) = axes(&scores.precision_recall_curve);
        metrics.insert(
            "precision_recall_curve".to_owned(),
            json!({ "precisions": precisions, "recalls": recalls }),
        );
        Value::Object(metrics)
    }
}

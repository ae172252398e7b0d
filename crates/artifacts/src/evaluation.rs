//! `evaluation.json`, the report in SageMaker's model-quality shape, and `metrics.json`, the flat
//! numbers.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Value, json};

use crate::document::{self, DocumentError};
use crate::measure::Measure;
use crate::scores::Scores;

const VERSION: u32 = 1;

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// How it was trained.
    pub algorithm: String,
    /// By which version of the program.
    pub program_version: String,
    /// On which rows.
    pub data_digest: String,
}

/// Whether a gate was met.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The metric.
    pub metric: String,
    /// The least value that passes.
    pub minimum: f64,
    /// The model's.
    pub value: Measure,
    /// Whether it passes; a metric without a value does not.
    pub met: bool,
}

impl Verdict {
    /// Judges a metric.
    pub fn new(metric: &str, minimum: f64, scores: &Scores) -> Self {
        let value = scores.metric(metric).unwrap_or(Measure(f64::NAN));
        Self { metric: metric.to_owned(), minimum, value, met: value.0 >= minimum }
    }
}

/// What Evaluate found out about a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The model.
    pub model: Origin,
    /// How good it is.
    pub scores: Scores,
    /// Whether that is enough.
    pub gates: Vec<Verdict>,
}

impl Evaluation {
    /// The bytes of `evaluation.json`. SageMaker's own keys come in its shape, so that Studio draws
    /// the report; what it has no key for stands beside them.
    ///
    /// # Errors
    /// None that an evaluation can cause.
    pub fn to_json(&self) -> Result<Vec<u8>, DocumentError> {
        let explanations: IndexMap<_, _> = self.scores.explanations().collect();
        let content = json!({
            "dataset": { "item_count": self.rows() },
            "binary_classification_metrics": self.binary_classification_metrics(),
            "model": self.model,
            "gates": self.gates,
            "without_value": explanations,
        });
        document::write("evaluation.json", VERSION, &content)
    }

    /// The bytes of `metrics.json`.
    ///
    /// # Errors
    /// None that an evaluation can cause.
    pub fn metrics_to_json(&self) -> Result<Vec<u8>, DocumentError> {
        let metrics: IndexMap<_, _> = self.scores.metrics().collect();
        document::write("metrics.json", VERSION, &metrics)
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
        // One evaluation has no spread; SageMaker's reports say "NaN" then.
        let with_spread = |value: Measure| json!({ "value": value, "standard_deviation": "NaN" });
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
            metrics.insert(key.to_owned(), with_spread(value));
        }
        let of = |name| scores.metric(name).map_or(f64::NAN, |value| value.0);
        for (key, value) in [
            ("f0_5", scores.f_score(0.5)),
            ("f2", scores.f_score(2.0)),
            ("true_positive_rate", of("recall")),
            ("true_negative_rate", of("specificity")),
            ("false_positive_rate", 1.0 - of("specificity")),
            ("false_negative_rate", 1.0 - of("recall")),
        ] {
            metrics.insert(key.to_owned(), with_spread(Measure(value)));
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

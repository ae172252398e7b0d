//! The metrics that Train logs.

/// The metrics over the training rows that Train logs. The pipeline definition's
/// `MetricDefinitions` extract them from the log. If several hosts grow the forest, each logs the
/// metrics of its own trees.
pub const TRAINING_METRICS: [&str; 6] =
    ["accuracy", "precision", "recall", "f1_score", "roc_auc", "log_loss"];

/// The out-of-bag score, which Train logs in the same way if it is requested.
pub const OOB_SCORE: &str = "oob_score";

/// Returns the key of a metric in Train's log lines, which have the form `train_accuracy=0.98`.
pub fn training_metric_key(metric: &str) -> String {
    format!("train_{metric}")
}

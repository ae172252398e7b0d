//! The metrics that a quality gate can require.

use crate::words::{pascal_case, words};

words! {
    /// A metric of a binary classifier. Its value is between 0 and 1, and more is better.
    #[derive(PartialOrd, Ord, Hash)]
    Metric {
        /// The share of correct predictions.
        Accuracy = "accuracy",
        /// The share of predicted failures that were failures.
        Precision = "precision",
        /// The share of failures that were predicted.
        Recall = "recall",
        /// The harmonic mean of precision and recall.
        F1Score = "f1_score",
        /// The area under the ROC curve.
        RocAuc = "roc_auc",
        /// The area under the precision-recall curve, computed as average precision.
        PrAuc = "pr_auc",
        /// The share of rows without a failure that were predicted as such.
        Specificity = "specificity",
        /// The negative predictive value: the share of rows predicted without a failure that had
        /// none.
        Npv = "npv",
    }
}

impl Metric {
    /// The metrics that a model version carries in the registry, in alphabetical order.
    pub const REGISTERED: [Self; 3] = [Self::Accuracy, Self::F1Score, Self::Recall];

    /// Returns the path of the value in the evaluation report, which has the keys of SageMaker's
    /// model-quality report.
    pub fn report_path(self) -> String {
        let key = match self {
            Self::F1Score => "f1",
            Self::RocAuc => "auc",
            other => other.name(),
        };
        format!("binary_classification_metrics.{key}.value")
    }

    /// Returns the pipeline parameter that sets the minimum of this metric's gate, such as
    /// `MinRecall` or `MinF1Score`.
    pub fn gate_parameter(self) -> String {
        format!("Min{}", pascal_case(self.name()))
    }
}

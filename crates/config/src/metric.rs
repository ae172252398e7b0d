//! The metrics that a quality gate can ask for.

use crate::steps::words;

words! {
    /// A metric of a binary classifier: between 0 and 1, and more is better.
    #[derive(PartialOrd, Ord, Hash)]
    Metric {
        /// The share of right answers.
        Accuracy = "accuracy",
        /// The share of predicted failures that were failures.
        Precision = "precision",
        /// The share of failures that were predicted.
        Recall = "recall",
        /// The harmonic mean of precision and recall.
        F1Score = "f1_score",
        /// The area under the ROC curve.
        RocAuc = "roc_auc",
        /// The area under the precision-recall curve, as average precision.
        PrAuc = "pr_auc",
        /// The share of sound machines that were predicted sound.
        Specificity = "specificity",
        /// The negative predictive value: the share of predicted sound machines that were sound.
        Npv = "npv",
    }
}

impl Metric {
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

//! The bytes of the evaluation report and of the flat metrics.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use artifacts::{Evaluation, GateVerdict, ModelOrigin, Scores};

fn evaluation(labels: &[usize], probabilities: &[f64]) -> Evaluation {
    let scores = Scores::of(labels, probabilities);
    let gate = |metric, minimum| GateVerdict::new(metric, minimum, &scores);
    Evaluation {
        model: ModelOrigin {
            algorithm: "random_forest".to_owned(),
            program_version: "0.1.0".to_owned(),
            model_digest: "cd".repeat(32),
            data_digest: "ab".repeat(32),
            training_rows: 12,
            hyperparameters: [("max_depth".to_owned(), "10".to_owned())].into(),
        },
        gates: vec![gate("accuracy", 0.75), gate("recall", 0.9), gate("precision", 0.5)],
        scores,
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_report_with_every_metric_defined() {
    let evaluation = evaluation(&[1, 1, 0, 0], &[0.875, 0.25, 0.5, 0.125]);
    insta::assert_snapshot!(text(evaluation.metrics_to_json().unwrap()), @r#"
    {
      "format_version": 1,
      "accuracy": 0.75,
      "precision": 1.0,
      "recall": 0.5,
      "f1_score": 0.6666666666666666,
      "roc_auc": 0.75,
      "pr_auc": 0.8333333333333333,
      "specificity": 1.0,
      "npv": 0.6666666666666666,
      "log_loss": 0.5866260817322203,
      "brier_score": 0.2109375
    }
    "#);
    insta::assert_snapshot!("report", text(evaluation.to_json().unwrap()));
}

#[test]
fn a_report_of_one_class() {
    let evaluation = evaluation(&[0, 0], &[0.25, 0.125]);
    insta::assert_snapshot!(text(evaluation.metrics_to_json().unwrap()), @r#"
    {
      "format_version": 1,
      "accuracy": 1.0,
      "precision": "NaN",
      "recall": "NaN",
      "f1_score": "NaN",
      "roc_auc": "NaN",
      "pr_auc": "NaN",
      "specificity": 1.0,
      "npv": 1.0,
      "log_loss": 0.21060673253815176,
      "brier_score": 0.0390625
    }
    "#);
    insta::assert_snapshot!("report-of-one-class", text(evaluation.to_json().unwrap()));
}

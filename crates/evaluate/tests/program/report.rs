//! The report on a model: metrics, gates and what is logged of them.

use serde_json::Value;
use testkit::Outcome;

use crate::job::{
    EVALUATION, METRICS, MODEL, ModelFiles, SAMPLE, TEST, evaluated, logged, rows, sample,
};

/// Rounds all numbers to six digits: the last digits of a logarithm depend on the machine.
fn rounded(value: &Value) -> Value {
    match value {
        Value::Number(number) => number
            .as_f64()
            .filter(|number| number.fract() != 0.0)
            .map_or_else(|| value.clone(), |number| ((number * 1e6).round() / 1e6).into()),
        Value::Array(values) => values.iter().map(rounded).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), rounded(value))).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn a_model_and_rows_become_a_report() {
    let job = SAMPLE.job();
    let (outcome, mut evaluation, metrics) = evaluated(&job, &[]);
    insta::assert_json_snapshot!(rounded(&metrics), @r#"
    {
      "accuracy": 0.958115,
      "brier_score": 0.043082,
      "f1_score": 0.956522,
      "format_version": 1,
      "log_loss": 0.189837,
      "npv": 0.969388,
      "pr_auc": 0.945662,
      "precision": 0.946237,
      "recall": 0.967033,
      "roc_auc": 0.966593,
      "specificity": 0.95
    }
    "#);
    insta::assert_snapshot!(logged(&outcome), @"
    INFO scoring the test rows rows=191
    INFO accuracy=0.958115
    INFO precision=0.946237
    INFO recall=0.967033
    INFO f1_score=0.956522
    INFO roc_auc=0.966593
    INFO specificity=0.950000
    INFO npv=0.969388
    INFO gate met: accuracy 0.958115 >= 0.8
    INFO gate met: f1_score 0.956522 >= 0.75
    INFO gate met: recall 0.967033 >= 0.85
    ");

    let metadata: Value = serde_json::from_slice(&SAMPLE.metadata).unwrap();
    assert_eq!(evaluation["model"]["data_digest"].take(), metadata["data_digest"]);
    let digest = common::sha256_hex(fs_err::read(job.path(MODEL)).unwrap());
    assert_eq!(evaluation["model"]["model_digest"].take(), digest);
    let numbers = &mut evaluation["binary_classification_metrics"];
    for (curve, axes) in [
        (
            "receiver_operating_characteristic_curve",
            ["false_positive_rates", "true_positive_rates"],
        ),
        ("precision_recall_curve", ["precisions", "recalls"]),
    ] {
        let curve = numbers[curve].take();
        let [x, y] = axes.map(|axis| curve[axis].as_array().unwrap().len());
        assert!(x == y && x > 10, "{curve}");
    }
    assert_eq!(numbers["accuracy"]["value"], metrics["accuracy"]);
    assert_eq!(numbers["f1"]["value"], metrics["f1_score"]);
    assert_eq!(numbers["auc"]["value"], metrics["roc_auc"]);
    insta::assert_json_snapshot!("evaluation", rounded(&evaluation));
}

/// The digest is that of the object, whatever of it the archive's reader needs.
#[test]
fn the_digest_is_that_of_the_whole_file() {
    let job = SAMPLE.job();
    let archive = [SAMPLE.archive(), b"behind its end".to_vec()].concat();
    job.file(MODEL, &archive);
    let (_, evaluation, _) = evaluated(&job, &[]);
    assert_eq!(evaluation["model"]["model_digest"], common::sha256_hex(&archive));
}

#[test]
fn the_same_model_and_rows_give_the_same_bytes() {
    let run = |threads: &str| {
        let mut sandbox = SAMPLE.job();
        sandbox.variable("RAYON_NUM_THREADS", threads);
        evaluated(&sandbox, &[]);
        [sandbox.read(EVALUATION), sandbox.read(METRICS)]
    };
    let first = run("1");
    for threads in ["1", "2", "5"] {
        assert_eq!(run(threads), first);
    }
}

#[test]
fn a_missed_gate_is_reported_and_is_no_error() {
    let arguments = ["--gate=accuracy=0.5", "--gate=recall=0.9999", "--metric=recall"];
    let (outcome, evaluation, _) = evaluated(&SAMPLE.job(), &arguments);
    insta::assert_json_snapshot!(rounded(&evaluation["gates"]), @r#"
    [
      {
        "met": true,
        "metric": "accuracy",
        "minimum": 0.5,
        "value": 0.958115
      },
      {
        "met": false,
        "metric": "recall",
        "minimum": 0.9999,
        "value": 0.967033
      }
    ]
    "#);
    insta::assert_snapshot!(logged(&outcome), @"
    INFO scoring the test rows rows=191
    INFO recall=0.967033
    INFO gate met: accuracy 0.958115 >= 0.5
    WARN gate missed: recall 0.967033, expected at least 0.9999
    ");
    let missed = evaluation["missed_gates"].as_str().unwrap();
    assert!(missed.starts_with("recall 0.967032967032967"), "{missed}");
    assert!(missed.ends_with(", at least 0.9999 wanted"), "{missed}");
    let (_, evaluation, _) = evaluated(&SAMPLE.job(), &["--gate="]);
    assert_eq!(evaluation["missed_gates"], "");
    assert_eq!(evaluation["gates"], Value::Array(Vec::new()));
}

/// Evaluates the rows of one class. Returns the log, and of the report the metrics, the reasons why
/// some have no value, and the gates.
fn evaluated_class(class: &str) -> (Outcome, [Value; 3]) {
    let sandbox = SAMPLE.job();
    sandbox.file(TEST, rows(|lines| lines.retain(|line| !is_of_other_class(line, class))));
    let (outcome, evaluation, metrics) = evaluated(&sandbox, &[]);
    let without_value = evaluation["without_value"].as_object().unwrap();
    for name in without_value.keys() {
        assert_eq!(metrics[name], "NaN", "{name}");
    }
    let found = [&metrics, &evaluation["without_value"], &evaluation["gates"]].map(rounded);
    (outcome, found)
}

fn is_of_other_class(line: &str, class: &str) -> bool {
    let label = line.rsplit(',').next().unwrap();
    label != class && label != "label"
}

#[test]
fn rows_without_failures_have_no_recall() {
    let (outcome, found) = evaluated_class("0");
    insta::assert_json_snapshot!(found, @r#"
    [
      {
        "accuracy": 0.95,
        "brier_score": 0.05094,
        "f1_score": 0.0,
        "format_version": 1,
        "log_loss": 0.21674,
        "npv": 1.0,
        "pr_auc": "NaN",
        "precision": 0.0,
        "recall": "NaN",
        "roc_auc": "NaN",
        "specificity": 0.95
      },
      {
        "pr_auc": "no row is a failure",
        "recall": "no row is a failure",
        "roc_auc": "all rows are of one class"
      },
      [
        {
          "met": true,
          "metric": "accuracy",
          "minimum": 0.8,
          "value": 0.95
        },
        {
          "met": false,
          "metric": "f1_score",
          "minimum": 0.75,
          "value": 0.0
        },
        {
          "met": false,
          "metric": "recall",
          "minimum": 0.85,
          "value": "NaN"
        }
      ]
    ]
    "#);
    insta::assert_snapshot!(logged(&outcome), @"
    INFO scoring the test rows rows=100
    INFO accuracy=0.950000
    INFO precision=0.000000
    INFO f1_score=0.000000
    INFO specificity=0.950000
    INFO npv=1.000000
    WARN recall has no value: no row is a failure
    WARN roc_auc has no value: all rows are of one class
    WARN pr_auc has no value: no row is a failure
    INFO gate met: accuracy 0.950000 >= 0.8
    WARN gate missed: f1_score 0.000000, expected at least 0.75
    WARN gate missed: recall NaN, expected at least 0.85
    ");
}

#[test]
fn rows_without_sound_machines_have_no_specificity() {
    let (outcome, found) = evaluated_class("1");
    insta::assert_json_snapshot!(found, @r#"
    [
      {
        "accuracy": 0.967033,
        "brier_score": 0.034447,
        "f1_score": 0.98324,
        "format_version": 1,
        "log_loss": 0.160274,
        "npv": 0.0,
        "pr_auc": 1.0,
        "precision": 1.0,
        "recall": 0.967033,
        "roc_auc": "NaN",
        "specificity": "NaN"
      },
      {
        "roc_auc": "all rows are of one class",
        "specificity": "no row is sound"
      },
      [
        {
          "met": true,
          "metric": "accuracy",
          "minimum": 0.8,
          "value": 0.967033
        },
        {
          "met": true,
          "metric": "f1_score",
          "minimum": 0.75,
          "value": 0.98324
        },
        {
          "met": true,
          "metric": "recall",
          "minimum": 0.85,
          "value": 0.967033
        }
      ]
    ]
    "#);
    insta::assert_snapshot!(logged(&outcome), @"
    INFO scoring the test rows rows=91
    INFO accuracy=0.967033
    INFO precision=1.000000
    INFO recall=0.967033
    INFO f1_score=0.983240
    INFO npv=0.000000
    WARN roc_auc has no value: all rows are of one class
    WARN specificity has no value: no row is sound
    INFO gate met: accuracy 0.967033 >= 0.8
    INFO gate met: f1_score 0.983240 >= 0.75
    INFO gate met: recall 0.967033 >= 0.85
    ");
}

#[test]
fn the_model_of_the_sample() {
    let (_, evaluation, metrics) = evaluated(&ModelFiles::of(&sample(2_500, 42)).job(), &[]);
    assert_good_model(&evaluation, &metrics, 0.97);
    insta::assert_json_snapshot!(rounded(&metrics), @r#"
    {
      "accuracy": 0.979036,
      "brier_score": 0.020325,
      "f1_score": 0.978632,
      "format_version": 1,
      "log_loss": 0.107966,
      "npv": 0.97541,
      "pr_auc": 0.979305,
      "precision": 0.982833,
      "recall": 0.974468,
      "roc_auc": 0.985757,
      "specificity": 0.983471
    }
    "#);
}

#[test]
fn the_model_of_the_real_table() {
    let Some(path) = testkit::real_table() else { return };
    let (_, evaluation, metrics) =
        evaluated(&ModelFiles::of(&fs_err::read(path).unwrap()).job(), &[]);
    assert_good_model(&evaluation, &metrics, 0.97);
}

#[track_caller]
fn assert_good_model(evaluation: &Value, metrics: &Value, accuracy: f64) {
    let value = |name: &str| metrics[name].as_f64().unwrap();
    assert!(value("accuracy") >= accuracy, "{metrics}");
    for name in ["precision", "recall", "f1_score", "roc_auc", "pr_auc", "specificity", "npv"] {
        assert!((0.95..=1.0).contains(&value(name)), "{name}: {metrics}");
    }
    let gates = evaluation["gates"].as_array().unwrap();
    assert_eq!(gates.len(), 3);
    assert!(gates.iter().all(|gate| gate["met"] == true), "{gates:?}");
}

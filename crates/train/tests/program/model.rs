//! The model that a job leaves, and what it logs of it.

use artifacts::Bundle;
use config::steps::TRAINING_METRICS;
use regex::Regex;
use testkit::Outcome;

use crate::hosts::{read_model, trained_on};
use crate::job::{RECIPE, TRAIN, job, job_over, logged, outputs, sample};

#[test]
fn channels_become_a_model() {
    let sandbox = job();
    let outcome = sandbox.run("train", &[]).expect(0);
    let [_, _, metadata, _, recipe, metrics] = outputs(&sandbox);
    assert_eq!(recipe, fs_err::read(sandbox.path(RECIPE)).unwrap());
    assert_eq!(outcome.stdout, "");
    insta::assert_snapshot!(logged(&outcome, "INFO"), @"
    read the rows rows=463 features=15
    train_accuracy=0.995680
    train_precision=1.000000
    train_recall=0.991150
    train_f1_score=0.995556
    train_roc_auc=1.000000
    train_log_loss=0.047907
    feature_importance_Hydraulic_Pressure=0.123877
    feature_importance_Coolant_Pressure=0.118341
    feature_importance_Air_System_Pressure=0.012306
    feature_importance_Coolant_Temperature=0.118160
    feature_importance_Hydraulic_Oil_Temperature=0.010586
    feature_importance_Spindle_Bearing_Temperature=0.016091
    feature_importance_Spindle_Vibration=0.011245
    feature_importance_Tool_Vibration=0.011126
    feature_importance_Spindle_Speed=0.077852
    feature_importance_Voltage=0.012129
    feature_importance_Torque=0.085791
    feature_importance_Cutting=0.154369
    feature_importance_Pressure_Differential=0.114007
    feature_importance_Vibration_Ratio=0.011179
    feature_importance_Pressure_Force_Interaction=0.122942
    ");

    // The files hold the logged metrics with more digits.
    let metrics: serde_json::Value = serde_json::from_slice(&metrics).unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata).unwrap();
    assert_eq!(metadata["training_metrics"], metrics);
    for (name, value) in metrics.as_object().unwrap() {
        let line = format!("train_{name}={:.6}", value.as_f64().unwrap());
        assert!(outcome.stderr.contains(&line), "{line}");
    }
    insta::assert_json_snapshot!(metadata["hyperparameters"], @r#"
    {
      "class_weight": "balanced",
      "max_depth": "10",
      "max_features": "sqrt",
      "min_samples_leaf": "1",
      "min_samples_split": "2",
      "n_estimators": "200",
      "random_state": "42"
    }
    "#);
}

#[test]
fn every_metric_is_logged_once_in_the_form_that_the_definition_expects() {
    let sandbox = job();
    let outcome = sandbox.run("train", &[]).expect(0);
    for name in TRAINING_METRICS {
        let definition = Regex::new(&format!(r"train_{name}=([0-9]+\.?[0-9]*)")).unwrap();
        let found: Vec<_> = definition.captures_iter(&outcome.stderr).collect();
        assert_eq!(found.len(), 1, "{name}:\n{}", outcome.stderr);
        let value: f64 = found[0][1].parse().unwrap();
        let range = if name == "log_loss" { 0.0..=1.0 } else { 0.95..=1.0 };
        assert!(range.contains(&value), "{name} {value}");
    }
}

#[test]
fn the_importance_of_every_feature_is_logged() {
    let sandbox = job();
    let outcome = sandbox.run("train", &[]).expect(0);
    let line = Regex::new(r"feature_importance_(\w+)=([0-9.]+)").unwrap();
    let found: Vec<_> = line.captures_iter(&outcome.stderr).collect();
    let names: Vec<_> = found.iter().map(|captures| captures[1].to_owned()).collect();
    let header = sandbox.read(TRAIN);
    let header = header.lines().next().unwrap().strip_suffix(",label").unwrap();
    assert_eq!(names.join(","), header);
    let sum: f64 = found.iter().map(|captures| captures[2].parse::<f64>().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-4, "{sum}");
}

#[test]
fn the_same_rows_give_the_same_bytes_on_any_number_of_threads() {
    let train = |threads: Option<&str>| {
        let mut sandbox = job();
        if let Some(threads) = threads {
            sandbox.variable("RAYON_NUM_THREADS", threads);
        }
        sandbox.run("train", &[]).expect(0);
        outputs(&sandbox)
    };
    let first = train(None);
    for threads in [None, Some("1"), Some("2"), Some("5")] {
        assert!(train(threads) == first, "{threads:?}");
    }
}

#[test]
fn another_seed_gives_another_model() {
    let train = |seed: &str| {
        let sandbox = job();
        sandbox.hyperparameters(&[("random_state", seed), ("n_estimators", "10")]);
        sandbox.run("train", &[]).expect(0);
        // The only file of the model that does not contain the hyperparameters.
        fs_err::read(sandbox.path("model/model.onnx")).unwrap()
    };
    assert_ne!(train("42"), train("43"));
}

#[test]
fn only_the_ratio_of_class_weights_matters() {
    let train = |weight: &str| {
        let hyperparameters = [("class_weight", weight), ("n_estimators", "10")];
        let Bundle { forest, metadata, .. } = read_model(&trained_on(1, &hyperparameters));
        assert_eq!(metadata.hyperparameters["class_weight"], weight);
        forest
    };
    let none = train("none");
    assert!(train(r#"{"negative":1,"positive":1}"#) == none);
    let positive = train(r#"{"negative":1,"positive":5}"#);
    let negative = train(r#"{"negative":5,"positive":1}"#);
    assert!(positive != none && negative != none && positive != negative);
    assert!(train(r#"{"negative":2,"positive":10}"#) == positive);
}

#[test]
fn the_other_files_that_sagemaker_mounts_change_nothing() {
    let plain = job();
    plain.run("train", &[]).expect(0);
    let mut sandbox = job();
    sandbox
        .variable("LOG_FORMAT", "json")
        .variable("TRAINING_JOB_NAME", "pipelines-abc-Train-1")
        .directory("model")
        .directory("output/data")
        .file("input/data/train-manifest", "")
        .file(
            "input/config/resourceconfig.json",
            r#"{"current_host":"algo-1","current_instance_type":"ml.m5.large","current_group_name":"homogeneousCluster","hosts":["algo-1"],"instance_groups":[{"instance_group_name":"homogeneousCluster","instance_type":"ml.m5.large","hosts":["algo-1"]}],"network_interface_name":"eth0","topology":null}"#,
        )
        .file(
            "input/config/inputdataconfig.json",
            r#"{"train":{"TrainingInputMode":"File","S3DistributionType":"FullyReplicated","RecordWrapperType":"None"}}"#,
        )
        .file("input/config/upstreamoutputdataconfig.json", "[]")
        .hyperparameters(&[
            ("n_estimators", "200"),
            ("max_features", "\"sqrt\""),
            ("sagemaker_region", "\"us-east-1\""),
        ]);
    let outcome = sandbox.run("train", &["train"]).expect(0);
    assert!(outputs(&sandbox) == outputs(&plain));
    assert!(!outcome.stderr.contains("sagemaker_region"), "{}", outcome.stderr);
}

#[test]
fn the_model_of_the_sample() {
    let outcome = job_over(&sample(2_500, 42)).run("train", &[]).expect(0);
    assert_good_model(&outcome, 1_906);
    insta::assert_snapshot!(logged(&outcome, "INFO"), @"
    read the rows rows=1906 features=15
    train_accuracy=0.990031
    train_precision=1.000000
    train_recall=0.979809
    train_f1_score=0.989801
    train_roc_auc=0.999340
    train_log_loss=0.056827
    feature_importance_Hydraulic_Pressure=0.111581
    feature_importance_Coolant_Pressure=0.127582
    feature_importance_Air_System_Pressure=0.008772
    feature_importance_Coolant_Temperature=0.099855
    feature_importance_Hydraulic_Oil_Temperature=0.007742
    feature_importance_Spindle_Bearing_Temperature=0.007047
    feature_importance_Spindle_Vibration=0.008165
    feature_importance_Tool_Vibration=0.007676
    feature_importance_Spindle_Speed=0.069238
    feature_importance_Voltage=0.006899
    feature_importance_Torque=0.094932
    feature_importance_Cutting=0.204573
    feature_importance_Pressure_Differential=0.117215
    feature_importance_Vibration_Ratio=0.008326
    feature_importance_Pressure_Force_Interaction=0.120398
    ");
}

#[test]
fn the_model_of_the_real_table() {
    let Some(path) = testkit::real_table() else { return };
    let table = fs_err::read(path).unwrap();
    let outcome = job_over(&table).run("train", &[]).expect(0);
    // Four fifths of the rows without an empty cell.
    let text = String::from_utf8_lossy(&table);
    let complete = text.lines().skip(1).filter(|line| !line.split(',').any(str::is_empty)).count();
    assert_good_model(&outcome, complete * 4 / 5);
}

/// Checks the log of a job over `rows` training rows, give or take one.
#[track_caller]
fn assert_good_model(outcome: &Outcome, rows: usize) {
    let log = logged(outcome, "INFO");
    let number = |name: &str| -> f64 {
        let line = log.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap_or_else(|| panic!("no {name} in\n{log}")).parse().unwrap()
    };
    let read = Regex::new("read the rows rows=([0-9]+) features=15").unwrap();
    let read: usize = read.captures(&log).unwrap()[1].parse().unwrap();
    assert!(read.abs_diff(rows) <= 1, "{read} rows, expected {rows}");
    for metric in ["accuracy", "precision", "recall", "f1_score", "roc_auc"] {
        assert!(number(&format!("train_{metric}")) >= 0.97, "{metric} in\n{log}");
    }
    assert!(number("train_log_loss") < 0.1, "{log}");
    let importances = log.lines().filter_map(|line| line.strip_prefix("feature_importance_"));
    let importances = importances.map(|line| line.split_once('=').unwrap().1);
    let sum: f64 = importances.map(|share| share.parse::<f64>().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-4, "{sum}");
}

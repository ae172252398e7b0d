//! Our own pipeline, run to its end.

use serde_json::Value;

use crate::{ALL, Place, names, step};

#[test]
fn a_run_without_input_uses_a_synthetic_table_and_reports_that() {
    let place = Place::new();
    let outcome = place.run(&[]).expect(0);
    insta::assert_snapshot!(place.neutral(&outcome.stdout), @"

    Step               Status          Time
    Preprocess         Succeeded <time>
    Train              Succeeded <time>
    Evaluate           Succeeded <time>
    QualityGate        Succeeded <time>
    Register           Succeeded <time>

    Rows               2500 read, 2383 kept, 117 with missing cells or labels (4.7 %)
    Failures           49.8 % of those read, 49.3 % of those kept

    Metric             Value      Gate
    accuracy           0.9790     >= 0.8  met
    f1_score           0.9786     >= 0.75  met
    npv                0.9754
    precision          0.9828
    recall             0.9745     >= 0.85  met
    roc_auc            0.9858
    specificity        0.9835

    Model package  arn:aws:sagemaker:local:000000000000:model-package/machine-downtime-model-group/1 (PendingManualApproval)
    Model          <here>/runs/s3/machine-downtime-2/model-artifacts/<id>/pipelines-<id>-Train/output/model.tar.gz
    Record         <here>/runs/executions/<id>

    Execution <id>, <time>: Succeeded
    ");
    insta::assert_snapshot!(place.neutral(&outcome.stderr), @"
    No --input: running on 2500 synthetic rows, made by `orchestrator sample`.
    Preprocess         Succeeded <time>
    Train              Succeeded <time>
    Evaluate           Succeeded <time>
    QualityGate        Succeeded <time>
    Register           Succeeded <time>
    ");
}

#[test]
fn the_result_as_json() {
    let place = Place::new();
    let result = place.json(0, &[]);
    assert_eq!(result["status"], "Succeeded");
    assert_eq!(names(&result), ALL);
    for step in result["steps"].as_array().unwrap() {
        assert_eq!(step["status"], "Succeeded", "{step:#}");
        assert_eq!(step["cached"], false);
        assert!(step["seconds"].as_f64().unwrap() >= 0.0);
        assert!(step["failure_reason"].is_null());
    }
    let accuracy = result["metrics"]["accuracy"].as_f64().unwrap();
    assert!(
        (0.95..=0.995).contains(&accuracy),
        "the sample is learnable, but not perfectly: {accuracy}"
    );
    for metric in ["precision", "recall", "f1_score", "roc_auc", "specificity", "npv"] {
        assert!(result["metrics"][metric].as_f64().unwrap() > 0.9, "{metric}");
    }
    let gates = result["gates"].as_array().unwrap();
    let gates: Vec<_> = gates.iter().map(|gate| (&gate["metric"], &gate["passed"])).collect();
    let met = Value::Bool(true);
    let expected = ["accuracy", "f1_score", "recall"].map(Value::from);
    assert_eq!(gates, expected.iter().map(|name| (name, &met)).collect::<Vec<_>>());
    let package = &result["model_package"];
    assert_eq!(package["approval_status"], "PendingManualApproval");
    assert_eq!(package["version"], 1);
    assert!(place.stored(&package["model_data_url"]).is_file());
    let report = fs_err::read(place.stored(&package["metrics_url"])).unwrap();
    assert_eq!(result["evaluation"], serde_json::from_slice::<Value>(&report).unwrap());
    let directory = result["directory"].as_str().unwrap();
    assert!(camino::Utf8Path::new(directory).join("definition.json").is_file());
    let id = result["execution_id"].as_str().unwrap();
    for (name, uri) in step(&result, "Preprocess")["outputs"].as_object().unwrap() {
        let expected = format!("s3://machine-downtime-2/processed/{id}/{name}");
        assert_eq!(uri, &Value::from(expected), "each execution has a prefix of its own");
    }
}

#[test]
fn training_metrics_match_the_regular_expressions_of_the_definition() {
    let place = Place::new();
    place.run(&[]).expect(0);
    let metrics = step(&place.record(), "Train")["metrics"].clone();
    let found: Vec<_> = metrics.as_object().unwrap().keys().cloned().collect();
    let expected = ["accuracy", "f1_score", "log_loss", "precision", "recall", "roc_auc"];
    assert_eq!(found, expected.map(|name| format!("train:{name}")));
    assert!(metrics["train:accuracy"].as_f64().unwrap() > 0.95);
}

#[test]
fn the_same_input_gives_the_same_model_and_report() {
    let place = Place::new();
    let bytes = |arguments: &[&str]| {
        let result = place.json(0, arguments);
        let model = fs_err::read(place.stored(&result["model_package"]["model_data_url"])).unwrap();
        let report = fs_err::read(place.stored(&result["model_package"]["metrics_url"])).unwrap();
        (model, report)
    };
    let first = bytes(&[]);
    assert!(first == bytes(&["--no-cache"]));
    assert!(first.0 != bytes(&["-p", "RandomState=7"]).0);
    assert!(first.0 != bytes(&["-p", r#"ClassWeight={"negative":1,"positive":5}"#]).0);
}

#[test]
fn several_hosts_train_the_forest_of_one() {
    let place = Place::new();
    let run = |arguments: &[&str]| {
        let result = place.json(0, arguments);
        let package = &result["model_package"];
        let report = fs_err::read_to_string(place.stored(&package["metrics_url"])).unwrap();
        let mut report: Value = serde_json::from_str(&report).unwrap();
        // The archives are not the same bytes.
        report["model"].as_object_mut().unwrap().remove("model_digest").unwrap();
        (report, place.stored(&package["model_data_url"]), result)
    };
    let (one, _, first) = run(&[]);
    for count in ["2", "3", "5"] {
        let hosts = format!("TrainingInstanceCount={count}");
        let (several, model, result) = run(&["-p", &hosts]);
        assert!(several == one, "{count} hosts");
        assert_eq!(result["metrics"], first["metrics"]);
        let cached = ["Preprocess", "Train"].map(|name| step(&result, name)["cached"] == true);
        assert_eq!(cached, [true, false]);
        // The model has the same bytes each time.
        let (_, again, _) = run(&["-p", &hosts, "--no-cache"]);
        assert_ne!(model, again);
        assert!(fs_err::read(&model).unwrap() == fs_err::read(&again).unwrap());
        let output = model.with_file_name("output.tar.gz");
        let bytes = fs_err::read(&output).unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        assert_eq!(archive.entries().unwrap().count().to_string(), count);
    }
}

#[test]
fn a_missed_gate_registers_nothing_and_exits_with_4() {
    let place = Place::new();
    let outcome = place.run(&["-p", "MinRecall=0.9999"]).expect(4);
    let errors = place.neutral(outcome.stderr.lines().last().unwrap());
    insta::assert_snapshot!(errors, @"error: QualityGateFailed: Quality gate not met: recall 0.9744680851063829, at least 0.9999 wanted");
    assert!(outcome.stdout.ends_with(": Failed\n"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("NOT MET"));
    assert!(!place.path("runs/registry").exists());
    let record = place.record();
    assert_eq!(record["status"], "Failed");
    assert_eq!(names(&record)[4], "QualityGateFailed");
    let result = place.json(4, &["-p", "MinRecall=0.9999"]);
    assert!(result["model_package"].is_null());
    assert_eq!(result["gates"][2]["passed"], false);
}

/// Precision has no value if no row is predicted to fail.
#[test]
fn a_metric_without_a_value_does_not_meet_its_gate() {
    let place = Place::new();
    let text = fs_err::read_to_string(crate::CONFIG).unwrap();
    let gates = "accuracy: 0.80\n  f1_score: 0.75\n  recall: 0.85";
    assert!(text.contains(gates));
    let config = place.file("config.yaml", text.replace(gates, "precision: 0.5"));
    let arguments = ["run", "--config", config.as_str(), "-p", "MinSamplesLeaf=100000"];
    let outcome = place.orchestrator(&arguments).expect(4);
    let last = outcome.stderr.lines().last().unwrap();
    insta::assert_snapshot!(last, @"error: QualityGateFailed: Quality gate not met: precision has no value, at least 0.5 wanted");
    assert!(
        outcome.stdout.contains("precision          NaN        >= 0.5  NOT MET"),
        "{}",
        outcome.stdout
    );
}

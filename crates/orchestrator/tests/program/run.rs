//! Our own pipeline, run to its end.

use serde_json::Value;

use crate::{Place, names, step};

const ALL: [&str; 5] = ["Preprocess", "Train", "Evaluate", "QualityGate", "Register"];

#[test]
fn without_input_it_runs_on_a_synthetic_table_and_says_so() {
    let place = Place::new();
    let outcome = place.run(&[]).expect(0);
    insta::assert_snapshot!(place.neutral(&outcome.stdout), @"

    Step               Status          Time
    Preprocess         Succeeded <time>
    Train              Succeeded <time>
    Evaluate           Succeeded <time>
    QualityGate        Succeeded <time>
    Register           Succeeded <time>

    Rows               2500 read, 2383 kept, 117 with missing cells

    Metric             Value      Gate
    accuracy           0.9769     >= 0.8  met
    f1_score           0.9765     >= 0.75  met
    npv                0.9753
    precision          0.9786
    recall             0.9745     >= 0.85  met
    roc_auc            0.9857
    specificity        0.9793

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
    assert!(place.stored(&package["metrics_url"]).is_file());
    let directory = result["directory"].as_str().unwrap();
    assert!(camino::Utf8Path::new(directory).join("definition.json").is_file());
    let id = result["execution_id"].as_str().unwrap();
    for (name, uri) in step(&result, "Preprocess")["outputs"].as_object().unwrap() {
        let expected = format!("s3://machine-downtime-2/processed/{id}/{name}");
        assert_eq!(uri, &Value::from(expected), "each execution has a prefix of its own");
    }
}

#[test]
fn training_metrics_are_found_by_the_definitions_expressions() {
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
fn the_forest_of_several_hosts_is_that_of_one() {
    let place = Place::new();
    let run = |arguments: &[&str]| {
        let result = place.json(0, arguments);
        let package = &result["model_package"];
        let report = fs_err::read(place.stored(&package["metrics_url"])).unwrap();
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
        // and the same bytes each time
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
    insta::assert_snapshot!(errors, @"error: QualityGateFailed: Quality gate not met: accuracy 0.9769392033542977, at least 0.8 wanted; f1_score 0.976545842217484, at least 0.75 wanted; recall 0.9744680851063829, at least 0.9999 wanted");
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

/// Precision has none where nothing is predicted to fail.
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
    insta::assert_snapshot!(last, @"error: QualityGateFailed: Quality gate not met: precision NaN, at least 0.5 wanted");
    assert!(
        outcome.stdout.contains("precision          NaN        >= 0.5  NOT MET"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn what_has_not_changed_is_not_run_again() {
    let place = Place::new();
    let cached = |arguments: &[&str]| {
        let result = place.json(0, arguments);
        ALL.map(|name| step(&result, name)["cached"].as_bool().unwrap())
    };
    assert_eq!(cached(&[]), [false; 5]);
    // A registration is an act and not a result, and a comparison costs nothing.
    assert_eq!(cached(&[]), [true, true, true, false, false]);
    let other_forest = cached(&["-p", "MaxDepth=4"]);
    assert_eq!([other_forest[0], other_forest[1]], [true, false]);
    let other_split = cached(&["-p", "TestSize=0.3"]);
    assert_eq!([other_split[0], other_split[1]], [false, false]);
    assert_eq!(cached(&["--no-cache"]), [false; 5]);
    // A result that was changed behind its back is made again.
    for entry in fs_err::read_dir(place.path("runs/s3/machine-downtime-2/processed")).unwrap() {
        fs_err::write(entry.unwrap().path().join("train/train.csv"), "other").unwrap();
    }
    assert!(!cached(&[])[0]);
}

#[test]
fn from_a_step_on_the_results_before_it_are_the_last_executions() {
    let place = Place::new();
    let first = place.json(0, &["-p", "MaxDepth=3"]);
    let result = place.json(0, &["--from", "Evaluate"]);
    assert_eq!(step(&result, "Train")["cached"], true);
    assert_eq!(step(&result, "Train")["outputs"], step(&first, "Train")["outputs"]);
    assert_eq!(step(&result, "Evaluate")["cached"], false);
    assert_eq!(result["metrics"], first["metrics"]);

    // The record says what the results came from.
    assert_eq!(place.record()["parameters"]["MaxDepth"], 3);
    let registered = place.json(0, &["--from", "Register"]);
    assert_eq!(step(&registered, "Evaluate")["cached"], true);
    assert_eq!(registered["model_package"]["version"], 3);

    let refused =
        |place: &Place, arguments: &[&str]| place.neutral(&place.run(arguments).expect(2).stderr);
    insta::assert_snapshot!(refused(&place, &["--from", "Evaluat"]), @"error: --from Evaluat: there is no such step to begin at; there are Preprocess, Train, Evaluate, QualityGate, Register");
    insta::assert_snapshot!(refused(&place, &["--from", "QualityGateFailed"]), @"error: --from QualityGateFailed: there is no such step to begin at; there are Preprocess, Train, Evaluate, QualityGate, Register");
    insta::assert_snapshot!(refused(&Place::new(), &["--from", "Evaluate"]), @"error: --from Evaluate: Preprocess comes before it and has not succeeded in <here>/runs yet");
    insta::assert_snapshot!(refused(&place, &["--from", "Evaluate", "-p", "MaxDepth=5"]), @r#"
    InputDataUrl stays "s3://machine-downtime-2/raw/synthetic/2500-rows-seed-42.csv", with which Preprocess ran in execution <id>.
    error: --from Evaluate: Train ran with MaxDepth = 3 in execution <id>, not 5; begin there
    "#);
    let text = fs_err::read_to_string(crate::CONFIG).unwrap();
    let edited = text.replace("stratify: true", "stratify: false");
    assert_ne!(text, edited);
    let config = place.file("edited.yaml", edited);
    let edited = ["run", "--config", config.as_str(), "--from", "Train"];
    insta::assert_snapshot!(place.neutral(&place.orchestrator(&edited).expect(2).stderr), @"error: --from Train: Preprocess has changed since execution <id>; begin there");
}

/// A model must not be scored on rows that it may have been trained on: what is reused comes from
/// one execution.
#[test]
fn from_a_step_on_no_two_executions_are_mixed() {
    let place = Place::new();
    let table = |name: &str, seed: &str| {
        let path = place.path(name);
        place
            .orchestrator(&["sample", "--rows", "600", "--seed", seed, "--output", path.as_str()])
            .expect(0);
        path
    };
    let (first, second) = (table("first.csv", "1"), table("second.csv", "2"));
    let whole = place.json(0, &["--input", first.as_str()]);
    // this one ends after Preprocess
    for program in ["preprocess", "train"] {
        fs_err::create_dir_all(place.path("bin")).unwrap();
        let program = testkit::executable(program);
        fs_err::copy(&program, place.path("bin").join(program.file_name().unwrap())).unwrap();
    }
    fs_err::write(place.path("bin/train"), "#!/bin/sh\nexit 1\n").unwrap();
    place.json(1, &["--input", second.as_str(), "--programs", "bin"]);
    let outcome = place.run(&["--from", "Evaluate"]).expect(0);
    insta::assert_snapshot!(place.neutral(outcome.stderr.lines().next().unwrap()), @"The results before Evaluate are those of execution <id>.");
    let record = place.record();
    assert_eq!(step(&record, "Preprocess")["outputs"], step(&whole, "Preprocess")["outputs"]);
    assert_eq!(step(&record, "Train")["outputs"], step(&whole, "Train")["outputs"]);

    // the table is the last one's, also where nothing else is taken from it
    let again = place.json(0, &["--from", "Preprocess"]);
    assert_eq!(again["rows"], whole["rows"]);
    assert_eq!(place.record()["parameters"]["InputDataUrl"], record["parameters"]["InputDataUrl"]);

    let model = place.stored(&again["model_package"]["model_data_url"]);
    fs_err::remove_file(model).unwrap();
    let outcome = place.run(&["--from", "Register"]).expect(2);
    let last = place.neutral(outcome.stderr.lines().last().unwrap());
    insta::assert_snapshot!(last, @"error: --from Register: s3://machine-downtime-2/model-artifacts/<id>/pipelines-<id>-Train/output/model.tar.gz, which Train made in execution <id>, is gone; begin there");
    assert_eq!(place.run(&["--from", "Preprocess", "-p", "MaxDepth=3"]).code, Some(0));
    assert_eq!(Place::new().run(&["--from", "Preprocess"]).code, Some(0));
}

#[test]
fn the_same_table_under_another_name_is_read_once() {
    let place = Place::new();
    let rows = |input: &str| place.json(0, &["--input", input])["rows"]["rows_read"].clone();
    place.orchestrator(&["sample", "--rows", "600", "--output", "a.csv"]).expect(0);
    fs_err::create_dir_all(place.path("tables/deep/er")).unwrap();
    fs_err::copy(place.path("a.csv"), place.path("b.csv")).unwrap();
    fs_err::copy(place.path("a.csv"), place.path("tables/deep/er/c.csv")).unwrap();
    for input in ["a.csv", "b.csv", "tables"] {
        assert_eq!(rows(input), 600, "{input}");
    }
}

#[test]
fn parameters_are_checked_against_the_definition() {
    let place = Place::new();
    let refused = |parameter: &str| place.run(&["-p", parameter]).expect(2).stderr;
    insta::assert_snapshot!(refused("MaxDepht=3"), @"error: parameter MaxDepht: the pipeline has none of this name; did you mean MaxDepth?");
    insta::assert_snapshot!(refused("MaxDepth=deep"), @r#"error: parameter MaxDepth (Integer): found "deep", expected a whole number of 64 bits"#);
    insta::assert_snapshot!(refused("MaxDepth"), @"error: -p MaxDepth: expected NAME=VALUE, such as -p MaxDepth=12");
    insta::assert_snapshot!(refused("ClassWeight=heavy"), @r#"error: hyperparameter class_weight is `heavy`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
    insta::assert_snapshot!(refused(r#"ClassWeight={"negative":1,"positive":0}"#), @r#"error: hyperparameter class_weight is `{"negative":1,"positive":0}`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
    insta::assert_snapshot!(refused(r#"ClassWeight={"positive":5}"#), @r#"error: hyperparameter class_weight is `{"positive":5}`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
    insta::assert_snapshot!(refused("ModelApprovalStatus=Maybe"), @r#"error: parameter ModelApprovalStatus (String): found "Maybe", expected one of PendingManualApproval, Approved, Rejected"#);
    insta::assert_snapshot!(refused("MinRecall=1.5"), @"error: parameter MinRecall is `1.5`, expected a number from 0 to 1");
    insta::assert_snapshot!(refused("EvaluationInstanceCount=2"), @"error: parameter EvaluationInstanceCount is `2`, expected 1, because the step works on the whole table at once");
    insta::assert_snapshot!(refused("TrainingInstanceCount=0"), @"error: parameter TrainingInstanceCount is `0`, expected 1 to 100, and no more than the 200 trees of n_estimators");
    insta::assert_snapshot!(refused("TrainingInstanceCount=101"), @"error: parameter TrainingInstanceCount is `101`, expected 1 to 100, and no more than the 200 trees of n_estimators");
    let few = place.run(&["-p", "NEstimators=2", "-p", "TrainingInstanceCount=3"]).expect(2).stderr;
    insta::assert_snapshot!(few, @"error: parameter TrainingInstanceCount is `3`, expected 1 to 100, and no more than the 2 trees of n_estimators");
    insta::assert_snapshot!(refused("ModelPackageGroupName=a_b"), @"error: parameter ModelPackageGroupName: model package group is `a_b`, expected 1 to 63 letters and digits with hyphens between them");
    let twice = place.run(&["-p", "MaxDepth=3", "-p", "MaxDepth=4"]).expect(2).stderr;
    insta::assert_snapshot!(twice, @"error: -p MaxDepth is given twice, expected once");
    insta::assert_snapshot!(refused("NEstimators=0"), @"error: hyperparameter n_estimators is `0`, expected a whole number from 1 to 100000");
    insta::assert_snapshot!(refused("MinSamplesLeaf=none"), @"error: hyperparameter min_samples_leaf is `none`, expected a whole number of rows from 1, or a share of the rows such as 0.01");
    insta::assert_snapshot!(refused("TestSize=1"), @"error: parameter TestSize is `1.0`, expected a number between 0 and 1, both excluded");
    insta::assert_snapshot!(refused("MinRecall=high"), @r#"error: parameter MinRecall (Float): found "high", expected a finite number"#);
    assert!(!place.path("runs").exists(), "nothing was begun");
}

#[test]
fn the_sample_in_every_spelling_gives_the_same_model() {
    let place = Place::new();
    let sample = place.orchestrator(&["sample", "--output", "-"]).expect(0).stdout;
    assert_equal_models(&place, &sample);
}

#[test]
fn the_real_table() {
    let Some(table) = testkit::real_table() else { return };
    let place = Place::new();
    let result = place.json(0, &["--input", table.as_str()]);
    assert!(result["metrics"]["accuracy"].as_f64().unwrap() >= 0.97);
    assert_eq!(result["model_package"]["approval_status"], "PendingManualApproval");
    let missed = place.json(4, &["--input", table.as_str(), "-p", "MinRecall=0.9999"]);
    assert!(missed["model_package"].is_null());
    assert!(missed["failure_reason"].as_str().unwrap().contains("recall"));
    assert_equal_models(&place, &fs_err::read_to_string(&table).unwrap());
}

/// Runs the pipeline over a table and over each of its spellings, without the cache, and compares
/// the models.
#[track_caller]
fn assert_equal_models(place: &Place, table: &str) {
    let model = |contents: &[u8]| {
        let input = place.file("spelling.csv", contents);
        let result = place.json(0, &["--no-cache", "--input", input.as_str()]);
        fs_err::read(place.stored(&result["model_package"]["model_data_url"])).unwrap()
    };
    let expected = model(table.as_bytes());
    for spelling in testkit::spellings(table) {
        assert!(model(&spelling.bytes) == expected, "{}", spelling.name);
    }
}

//! The program from channels to a model.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod job;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use artifacts::Bundle;
use config::steps::TRAINING_METRICS;
use dataset::FeatureTable;
use job::{RECIPE, TRAIN, job};
use regex::Regex;
use testkit::{Outcome, Sandbox};

const OUTPUTS: [&str; 5] = [
    "model/forest.bin",
    "model/metadata.json",
    "model/model.onnx",
    "model/recipe.json",
    "output/data/training_metrics.json",
];

/// The synthetic job on the host of this place, from 0, among so many.
fn job_of_host(index: usize, count: usize) -> Sandbox {
    let sandbox = job();
    let hosts: Vec<_> = (1..=count).map(|number| format!("algo-{number}")).collect();
    let resources = serde_json::json!({ "current_host": hosts[index], "hosts": hosts });
    sandbox.file("input/config/resourceconfig.json", resources.to_string());
    sandbox
}

/// The names of everything that a job left.
fn left(sandbox: &Sandbox) -> Vec<String> {
    [sandbox.files("model"), sandbox.files("output")].concat()
}

/// The bytes of all that a job left.
fn outputs(sandbox: &Sandbox) -> [Vec<u8>; 5] {
    assert_eq!(left(sandbox), OUTPUTS);
    OUTPUTS.map(|output| fs_err::read(sandbox.path(output)).unwrap())
}

/// Runs a job that must fail and leave nothing but its reason, and gives that.
fn refused(sandbox: &Sandbox, code: i32) -> String {
    let outcome = sandbox.run("train", &[]).expect(code);
    assert_eq!(left(sandbox), ["output/failure"]);
    explained(sandbox, &outcome)
}

/// The reason of a failure, which is in the log too.
fn explained(sandbox: &Sandbox, outcome: &Outcome) -> String {
    let reason = sandbox.failure();
    let log = sandbox.neutral(&outcome.stderr);
    assert!(log.contains(&format!("ERROR container::run: train failed: {reason}\n")), "{log}");
    assert_eq!(outcome.stdout, "");
    reason
}

fn refused_with(hyperparameters: &[(&str, &str)]) -> String {
    let sandbox = job();
    sandbox.hyperparameters(hyperparameters);
    refused(&sandbox, 2)
}

/// Runs a job whose training rows are changed.
fn refused_rows(change: impl FnOnce(&mut Vec<String>)) -> String {
    let sandbox = job();
    let text = sandbox.read(TRAIN);
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    sandbox.file(TRAIN, lines.join("\n"));
    refused(&sandbox, 3)
}

/// A line with one field, counted from 0, changed.
fn with_field(line: &str, field: usize, value: &str) -> String {
    let mut fields: Vec<_> = line.split(',').collect();
    fields[field] = value;
    fields.join(",")
}

/// What was logged at a level, without times and modules.
fn logged(outcome: &Outcome, level: &str) -> String {
    let lines = outcome.stderr.lines().filter_map(|line| {
        let (_, event) = line.split_once(&format!(" {level} "))?;
        event.strip_prefix("train: ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn channels_become_a_model() {
    let sandbox = job();
    let outcome = sandbox.run("train", &[]).expect(0);
    let [_, metadata, _, recipe, metrics] = outputs(&sandbox);
    assert_eq!(recipe, fs_err::read(sandbox.path(RECIPE)).unwrap());
    assert_eq!(outcome.stdout, "");
    insta::assert_snapshot!(logged(&outcome, "INFO"), @"
    read the rows rows=463 features=15
    train_accuracy=0.997840
    train_precision=1.000000
    train_recall=0.995575
    train_f1_score=0.997783
    train_roc_auc=1.000000
    train_log_loss=0.050032
    feature_importance_Hydraulic_Pressure=0.117579
    feature_importance_Coolant_Pressure=0.122974
    feature_importance_Air_System_Pressure=0.012555
    feature_importance_Coolant_Temperature=0.119722
    feature_importance_Hydraulic_Oil_Temperature=0.012903
    feature_importance_Spindle_Bearing_Temperature=0.016918
    feature_importance_Spindle_Vibration=0.013705
    feature_importance_Tool_Vibration=0.011104
    feature_importance_Spindle_Speed=0.079537
    feature_importance_Voltage=0.013775
    feature_importance_Torque=0.075899
    feature_importance_Cutting=0.148424
    feature_importance_Pressure_Differential=0.118872
    feature_importance_Vibration_Ratio=0.014061
    feature_importance_Pressure_Force_Interaction=0.121973
    ");

    // What is left is what was logged, with more digits.
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
fn every_metric_is_logged_once_as_the_definition_looks_for_it() {
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
        // The one file of the model that does not name its hyperparameters.
        fs_err::read(sandbox.path("model/model.onnx")).unwrap()
    };
    assert_ne!(train("42"), train("43"));
}

#[test]
fn what_sagemaker_mounts_around_a_job_changes_nothing() {
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
fn unknown_hyperparameters_are_ignored_with_a_warning() {
    let sandbox = job();
    sandbox.hyperparameters(&[
        ("n_estimators", "5"),
        ("n_estimator", "7"),
        ("_tuning_objective", "x"),
    ]);
    let outcome = sandbox.run("train", &[]).expect(0);
    insta::assert_snapshot!(logged(&outcome, "WARN"), @"
    hyperparameter `_tuning_objective` is not known here, it is ignored
    hyperparameter `n_estimator` is not known here, it is ignored
    ");
}

#[test]
fn hyperparameters_of_no_use_are_all_named() {
    insta::assert_snapshot!(refused_with(&[("n_estimators", "0")]), @"hyperparameter n_estimators is `0`, expected a whole number from 1 to 100000");
    insta::assert_snapshot!(refused_with(&[("max_depth", "ten")]), @"hyperparameter max_depth is `ten`, expected a whole number from 0 to 1000");
    insta::assert_snapshot!(refused_with(&[("class_weight", r#"{"negative":1,"positive":0}"#)]), @r#"hyperparameter class_weight is `{"negative":1,"positive":0}`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
    insta::assert_snapshot!(refused_with(&[("class_weight", r#"{"positive":5}"#)]), @r#"hyperparameter class_weight is `{"positive":5}`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
    insta::assert_snapshot!(
        refused_with(&[
            ("class_weight", "heavy"),
            ("max_features", "0"),
            ("min_samples_leaf", "0"),
            ("min_samples_split", "1.5"),
            ("n_estimators", "1e3"),
            ("random_state", "-1"),
        ]),
        @r#"hyperparameter class_weight is `heavy`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}; hyperparameter max_features is `0`, expected sqrt, log2, all, a whole number from 1, or a share between 0 and 1 such as 0.5; hyperparameter min_samples_leaf is `0`, expected a whole number of rows from 1, or a share of the rows such as 0.01; hyperparameter min_samples_split is `1.5`, expected a whole number of rows from 2, or a share of the rows such as 0.01; hyperparameter n_estimators is `1e3`, expected a whole number from 1 to 100000; hyperparameter random_state is `-1`, expected a whole number from 0 to 4294967295"#
    );
}

#[test]
fn hyperparameters_that_are_not_strings() {
    let sandbox = job();
    sandbox.file("input/config/hyperparameters.json", r#"{"n_estimators": 200}"#);
    insta::assert_snapshot!(refused(&sandbox, 2), @"/opt/ml/input/config/hyperparameters.json is not an object whose values are strings: invalid type: integer `200`, expected a string at line 1 column 20");
    sandbox.file("input/config/hyperparameters.json", r#"{"n_estimators": "200""#);
    insta::assert_snapshot!(refused(&sandbox, 2), @"/opt/ml/input/config/hyperparameters.json is not an object whose values are strings: EOF while parsing an object at line 1 column 22");
}

/// Runs every host of so many, and gives what they leave in their directories, put together.
fn trained_on(count: usize, hyperparameters: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for index in 0..count {
        let sandbox = job_of_host(index, count);
        sandbox.hyperparameters(hyperparameters);
        sandbox.run("train", &[]).expect(0);
        for file in left(&sandbox) {
            let bytes = fs_err::read(sandbox.path(&file)).unwrap();
            assert!(all.insert(file.clone(), bytes).is_none(), "two hosts wrote {file}");
        }
    }
    all
}

fn read_model(files: &BTreeMap<String, Vec<u8>>) -> Bundle {
    let model = files
        .iter()
        .filter_map(|(path, bytes)| Some((path.strip_prefix("model/")?.to_owned(), bytes.clone())));
    Bundle::from_files(model.collect()).unwrap()
}

#[test]
fn classes_weigh_what_they_are_told() {
    let train = |weight: &str| {
        let told = [("class_weight", weight), ("n_estimators", "10")];
        let Bundle { forest, metadata, .. } = read_model(&trained_on(1, &told));
        assert_eq!(metadata.hyperparameters["class_weight"], weight);
        forest
    };
    let none = train("none");
    assert!(train(r#"{"negative":1,"positive":1}"#) == none);
    let positive = train(r#"{"negative":1,"positive":5}"#);
    let negative = train(r#"{"negative":5,"positive":1}"#);
    assert!(positive != none && negative != none && positive != negative);
    // what matters is the ratio
    assert!(train(r#"{"negative":2,"positive":10}"#) == positive);
}

#[test]
fn hosts_grow_the_forest_of_one_together() {
    let told = [("n_estimators", "23"), ("max_features", "0.4")];
    let one = read_model(&trained_on(1, &told));
    let sandbox = job();
    let rows = fs_err::read(sandbox.path(TRAIN)).unwrap();
    let table = FeatureTable::read(TRAIN, &rows[..], one.recipe.feature_names()).unwrap();
    let predict = |bundle: &Bundle| bundle.forest.predict_proba(table.records.view()).unwrap();
    for count in [2, 5, 23] {
        let several = read_model(&trained_on(count, &told));
        assert!(several.forest == one.forest, "{count} hosts");
        assert_eq!(several.recipe, one.recipe);
        assert_eq!(several.metadata.feature_importances, one.metadata.feature_importances);
        let bits = |bundle: &Bundle| predict(bundle).mapv(f64::to_bits);
        assert!(bits(&several) == bits(&one), "{count} hosts");
    }
}

#[test]
fn a_host_leaves_its_shard_and_the_first_what_all_share() {
    let files = trained_on(3, &[("n_estimators", "10")]);
    insta::assert_snapshot!(files.keys().cloned().collect::<Vec<_>>().join("\n"), @"
    model/forest-1-of-3.bin
    model/forest-2-of-3.bin
    model/forest-3-of-3.bin
    model/metadata.json
    model/recipe.json
    output/data/training_metrics-1-of-3.json
    output/data/training_metrics-2-of-3.json
    output/data/training_metrics-3-of-3.json
    ");
    let second = job_of_host(1, 3);
    second.hyperparameters(&[("n_estimators", "10")]);
    let outcome = second.run("train", &[]).expect(0);
    insta::assert_snapshot!(logged(&outcome, "INFO").lines().take(2).collect::<Vec<_>>().join("\n"), @"
    shard 2 of 3: grows trees 4 to 6 of 10
    read the rows rows=463 features=15
    ");
    // Its metrics are those of its trees, and say nothing of the forest.
    let metadata: serde_json::Value =
        serde_json::from_slice(&files["model/metadata.json"]).unwrap();
    assert_eq!(metadata["training_metrics"], serde_json::json!({}));
    assert_eq!(metadata["feature_importances"], serde_json::json!({}));
}

#[test]
fn more_hosts_than_trees() {
    let sandbox = job_of_host(0, 3);
    sandbox.hyperparameters(&[("n_estimators", "2")]);
    insta::assert_snapshot!(refused(&sandbox, 2), @"the job runs on 3 hosts, expected at most 2: each grows some of the trees of n_estimators");
}

#[test]
fn a_host_that_is_none_of_the_jobs() {
    let sandbox = job();
    let resources = r#"{"current_host":"algo-3","hosts":["algo-1","algo-2"]}"#;
    sandbox.file("input/config/resourceconfig.json", resources);
    insta::assert_snapshot!(refused(&sandbox, 2), @"/opt/ml/input/config/resourceconfig.json has current_host `algo-3`, expected one of its hosts: algo-1, algo-2");
}

#[test]
fn a_missing_channel() {
    let sandbox = job();
    fs_err::remove_dir_all(sandbox.path("input/data/train")).unwrap();
    insta::assert_snapshot!(refused(&sandbox, 2), @"channel `train` is missing: /opt/ml/input/data/train is not a directory; channels here: recipe");
    insta::assert_snapshot!(refused(&Sandbox::new(), 2), @"channel `recipe` is missing: /opt/ml/input/data/recipe is not a directory; channels here: none");
}

#[test]
fn a_channel_without_its_file() {
    let sandbox = job();
    fs_err::remove_file(sandbox.path(TRAIN)).unwrap();
    insta::assert_snapshot!(refused(&sandbox, 3), @"cannot read a channel: failed to open file `/opt/ml/input/data/train/train.csv`: No such file or directory (os error 2)");
    fs_err::remove_file(sandbox.path(RECIPE)).unwrap();
    insta::assert_snapshot!(refused(&sandbox, 3), @"cannot read a channel: failed to open file `/opt/ml/input/data/recipe/recipe.json`: No such file or directory (os error 2)");
}

#[test]
fn a_recipe_that_cannot_be_used() {
    let with = |change: &dyn Fn(&str) -> String| {
        let sandbox = job();
        sandbox.file(RECIPE, change(&sandbox.read(RECIPE)));
        refused(&sandbox, 3)
    };
    let version = |text: &str| text.replacen(r#""format_version": 1"#, r#""format_version": 2"#, 1);
    insta::assert_snapshot!(with(&version), @"/opt/ml/input/data/recipe/recipe.json: recipe.json has format version 2, expected 1");
    insta::assert_snapshot!(with(&|text| text[..text.len() / 2].to_owned()), @"/opt/ml/input/data/recipe/recipe.json: recipe.json is not in its format: EOF while parsing an object at line 71 column 2");
    insta::assert_snapshot!(with(&|_| "{}".to_owned()), @"/opt/ml/input/data/recipe/recipe.json: recipe.json is not in its format: missing field `format_version` at line 1 column 2");
    let statistic = |text: &str| text.replace(r#""statistic": "median""#, r#""statistic": "mean""#);
    insta::assert_snapshot!(with(&statistic), @"/opt/ml/input/data/recipe/recipe.json: recipe.json is not in its format: the statistics of feature `Pressure_Differential` are not those of `Hydraulic_Pressure - median(Hydraulic_Pressure)` at line 135 column 1");
    let median = |text: &str| {
        let mut recipe: serde_json::Value = serde_json::from_str(text).unwrap();
        recipe["recipe"]["columns"][0]["median"] = 1e99.into();
        recipe.to_string()
    };
    insta::assert_snapshot!(with(&median), @"/opt/ml/input/data/recipe/recipe.json: recipe.json is not in its format: number out of range at line 1 column 108");
    let expression = |text: &str| text.replace("Hydraulic_Pressure * Cutting", "Cutting * ");
    insta::assert_snapshot!(with(&expression), @"/opt/ml/input/data/recipe/recipe.json: recipe.json is not in its format: feature `Pressure_Force_Interaction`: `Cutting * `, character 11: found the end, expected a number, a column, a function or `(` at line 135 column 1");
}

#[test]
fn a_cell_that_is_no_number() {
    insta::assert_snapshot!(refused_rows(|lines| lines[6] = with_field(&lines[6], 10, "broken")), @"/opt/ml/input/data/train/train.csv, line 7, column `Torque`: found `broken`, expected a finite number");
    insta::assert_snapshot!(refused_rows(|lines| lines[6] = with_field(&lines[6], 0, "")), @"/opt/ml/input/data/train/train.csv, line 7, column `Hydraulic_Pressure`: found ``, expected a finite number");
    insta::assert_snapshot!(refused_rows(|lines| lines[6] = with_field(&lines[6], 0, "inf")), @"/opt/ml/input/data/train/train.csv, line 7, column `Hydraulic_Pressure`: found `inf`, expected a finite number");
    insta::assert_snapshot!(refused_rows(|lines| lines[6] = with_field(&lines[6], 15, "2")), @"/opt/ml/input/data/train/train.csv, line 7, column `label`: found `2`, expected 0 or 1");
}

#[test]
fn rows_of_other_lengths() {
    insta::assert_snapshot!(refused_rows(|lines| lines[20].push_str(",1")), @"/opt/ml/input/data/train/train.csv, line 21: the row has 17 fields, expected 16 as in the header");
    insta::assert_snapshot!(refused_rows(|lines| lines[20] = "1,2,3".to_owned()), @"/opt/ml/input/data/train/train.csv, line 21: the row has 3 fields, expected 16 as in the header");
}

#[test]
fn other_columns_than_the_recipes() {
    insta::assert_snapshot!(refused_rows(|lines| lines[0] = with_field(&lines[0], 1, "Pressure")), @"/opt/ml/input/data/train/train.csv has column 2 `Pressure`, expected `Coolant_Pressure` as in the recipe");
    insta::assert_snapshot!(refused_rows(|lines| lines[0] = with_field(&lines[0], 15, "Downtime")), @"/opt/ml/input/data/train/train.csv ends in column `Downtime`, expected features and then `label`");
    let narrower = |lines: &mut Vec<String>| {
        for line in lines {
            let mut fields: Vec<_> = line.split(',').collect();
            fields.remove(14);
            *line = fields.join(",");
        }
    };
    insta::assert_snapshot!(refused_rows(narrower), @"/opt/ml/input/data/train/train.csv has column 15 `label`, expected `Pressure_Force_Interaction` as in the recipe");
}

#[test]
fn no_rows() {
    insta::assert_snapshot!(refused_rows(|lines| lines.truncate(1)), @"/opt/ml/input/data/train/train.csv has a header and no rows");
    insta::assert_snapshot!(refused_rows(Vec::clear), @"/opt/ml/input/data/train/train.csv is empty, expected a header line");
}

#[test]
fn rows_of_one_class() {
    let all = |class: &str| {
        refused_rows(|lines| {
            for line in &mut lines[1..] {
                *line = with_field(line, 15, class);
            }
        })
    };
    insta::assert_snapshot!(all("0"), @"/opt/ml/input/data/train/train.csv: all 463 rows are of class 0, expected both classes");
    insta::assert_snapshot!(all("1"), @"/opt/ml/input/data/train/train.csv: all 463 rows are of class 1, expected both classes");
}

#[test]
fn a_model_directory_that_cannot_be_written() {
    let sandbox = job();
    sandbox.file("model", "in the way");
    let outcome = sandbox.run("train", &[]).expect(1);
    insta::assert_snapshot!(explained(&sandbox, &outcome), @"cannot write /opt/ml/model/forest.bin: failed to create directory `/opt/ml/model`: File exists (os error 17)");
    assert_eq!(sandbox.files("output"), ["output/failure"]);
}

#[test]
fn the_last_output_cannot_be_written_and_no_other_is_left() {
    let sandbox = job();
    sandbox.directory("output/data/training_metrics.json");
    insta::assert_snapshot!(refused(&sandbox, 1), @"cannot write /opt/ml/output/data/training_metrics.json: Is a directory (os error 21)");
}

#[test]
fn a_full_disk() {
    let sandbox = job();
    if let Some((outcome, left)) = sandbox.run_on_a_small_disk("model", 64 << 10, "train", &[]) {
        insta::assert_snapshot!(explained(&sandbox, &outcome.expect(1)), @"cannot write /opt/ml/model/forest.bin: No space left on device (os error 28)");
        assert_eq!(
            (left.as_str(), sandbox.files("output")),
            ("", vec!["output/failure".to_owned()])
        );
    }
}

#[test]
fn a_job_that_is_stopped_while_it_trains() {
    let sandbox = job();
    sandbox.hyperparameters(&[("n_estimators", "100000"), ("max_depth", "0")]);
    let mut child = sandbox.start("train", &[]);
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut stderr = String::new();
    while !stderr.contains("read the rows") {
        assert_ne!(log.read_line(&mut stderr).unwrap(), 0, "{stderr}");
    }
    // Some trees are done by then.
    thread::sleep(Duration::from_millis(300));
    let begin = Instant::now();
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    log.read_to_string(&mut stderr).unwrap();
    let code = child.wait().unwrap().code();
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    let outcome = Outcome { code, stdout: String::new(), stderr }.expect(1);
    assert_eq!(left(&sandbox), ["output/failure"]);
    let reason = explained(&sandbox, &outcome);
    let neutral = Regex::new("[0-9]+ of").unwrap().replace(&reason, "N of");
    insta::assert_snapshot!(neutral, @"the forest was not trained: stopped after N of 100000 trees");
}

#[test]
fn a_job_that_is_killed_leaves_whole_files_or_none() {
    let many = [("n_estimators", "400"), ("max_depth", "0")];
    let whole = job();
    whole.hyperparameters(&many);
    let begin = Instant::now();
    whole.run("train", &[]).expect(0);
    let took = begin.elapsed();
    let expected = outputs(&whole);
    for step in 1..=12 {
        let sandbox = job();
        sandbox.hyperparameters(&many);
        let mut child = sandbox.start("train", &[]);
        thread::sleep(took * step / 12);
        child.kill().unwrap();
        child.wait().unwrap();
        for (output, expected) in OUTPUTS.iter().zip(&expected) {
            if let Ok(found) = fs_err::read(sandbox.path(output)) {
                assert!(found == *expected, "{output} is not whole");
            }
        }
    }
}

#[test]
fn the_real_table() {
    let Some(path) = testkit::shared("data/machine_downtime.csv") else { return };
    let sandbox = job::job_over(&fs_err::read(path).unwrap());
    let outcome = sandbox.run("train", &[]).expect(0);
    insta::assert_snapshot!(logged(&outcome, "INFO"), @"
    read the rows rows=1904 features=15
    train_accuracy=0.998950
    train_precision=1.000000
    train_recall=0.997967
    train_f1_score=0.998983
    train_roc_auc=1.000000
    train_log_loss=0.040185
    feature_importance_Hydraulic_Pressure=0.139068
    feature_importance_Coolant_Pressure=0.130742
    feature_importance_Air_System_Pressure=0.005747
    feature_importance_Coolant_Temperature=0.020853
    feature_importance_Hydraulic_Oil_Temperature=0.006748
    feature_importance_Spindle_Bearing_Temperature=0.007564
    feature_importance_Spindle_Vibration=0.006598
    feature_importance_Tool_Vibration=0.006763
    feature_importance_Spindle_Speed=0.064980
    feature_importance_Voltage=0.004481
    feature_importance_Torque=0.176184
    feature_importance_Cutting=0.205718
    feature_importance_Pressure_Differential=0.173321
    feature_importance_Vibration_Ratio=0.006672
    feature_importance_Pressure_Force_Interaction=0.044561
    ");
}

//! The program from a model and test rows to a report.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod job;

use job::{MADE, MODEL, Made, TEST, gzip};
use serde_json::Value;
use tar::{Builder, EntryType};
use testkit::{Outcome, Sandbox};

const EVALUATION: &str = "processing/evaluation/evaluation.json";
const METRICS: &str = "processing/evaluation/metrics.json";

/// Runs a job that must succeed, and gives its log, evaluation.json and metrics.json.
fn evaluated(sandbox: &Sandbox, arguments: &[&str]) -> (Outcome, Value, Value) {
    let outcome = sandbox.run("evaluate", arguments).expect(0);
    assert_eq!(sandbox.files("processing/evaluation"), [EVALUATION, METRICS]);
    assert_eq!(sandbox.files("output"), Vec::<String>::new());
    assert_eq!(outcome.stdout, "");
    let json = |file: &str| serde_json::from_str(&sandbox.read(file)).unwrap();
    (outcome, json(EVALUATION), json(METRICS))
}

/// Runs a job that must fail and leave nothing, and gives its message.
fn refused(sandbox: &Sandbox, code: i32, arguments: &[&str]) -> String {
    let outcome = sandbox.run("evaluate", arguments).expect(code);
    assert_eq!(sandbox.files("processing/evaluation"), Vec::<String>::new());
    explained(sandbox, &outcome)
}

/// The message, which is in the log too.
fn explained(sandbox: &Sandbox, outcome: &Outcome) -> String {
    let message = sandbox.message();
    let log = sandbox.neutral(&outcome.stderr);
    assert!(log.contains(&format!("ERROR container::run: evaluate failed: {message}\n")), "{log}");
    assert_eq!(outcome.stdout, "");
    message
}

fn refused_model(archive: impl AsRef<[u8]>) -> String {
    let sandbox = MADE.job();
    sandbox.file(MODEL, archive);
    let message = refused(&sandbox, 3, &[]);
    assert_eq!(sandbox.files("processing/model"), [MODEL], "something was unpacked");
    message
}

/// Runs a job with one of the model's files changed.
fn refused_made(change: impl FnOnce(&mut Made)) -> String {
    let Made { forest, recipe, metadata, test } = &*MADE;
    let mut made = Made {
        forest: forest.clone(),
        recipe: recipe.clone(),
        metadata: metadata.clone(),
        test: test.clone(),
    };
    change(&mut made);
    refused(&made.job(), 3, &[])
}

/// Test rows with their lines changed.
fn rows(change: impl FnOnce(&mut Vec<String>)) -> String {
    let text = String::from_utf8(MADE.test.clone()).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    lines.join("\n")
}

fn refused_rows(change: impl FnOnce(&mut Vec<String>)) -> String {
    refused_made(|made| made.test = rows(change).into_bytes())
}

/// A line with one field, counted from 0, changed.
fn with_field(line: &str, field: usize, value: &str) -> String {
    let mut fields: Vec<_> = line.split(',').collect();
    fields[field] = value;
    fields.join(",")
}

/// What was logged, without times and modules.
fn logged(outcome: &Outcome) -> String {
    let lines = outcome.stderr.lines().filter_map(|line| {
        let (before, event) = line.split_once(" evaluate: ")?;
        Some(format!("{} {event}", before.rsplit(' ').next()?))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Numbers to six digits: the last ones of a logarithm are the machine's.
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
    let (outcome, mut evaluation, metrics) = evaluated(&MADE.job(), &[]);
    insta::assert_json_snapshot!(rounded(&metrics), @r#"
    {
      "accuracy": 0.958115,
      "brier_score": 0.042636,
      "f1_score": 0.956522,
      "format_version": 1,
      "log_loss": 0.187484,
      "npv": 0.969388,
      "pr_auc": 0.944916,
      "precision": 0.946237,
      "recall": 0.967033,
      "roc_auc": 0.968187,
      "specificity": 0.95
    }
    "#);
    insta::assert_snapshot!(logged(&outcome), @"
    INFO scoring the test rows rows=191
    INFO accuracy=0.958115
    INFO precision=0.946237
    INFO recall=0.967033
    INFO f1_score=0.956522
    INFO roc_auc=0.968187
    INFO specificity=0.950000
    INFO npv=0.969388
    INFO gate met: accuracy 0.958115 >= 0.8
    INFO gate met: f1_score 0.956522 >= 0.75
    INFO gate met: recall 0.967033 >= 0.85
    ");

    let metadata: Value = serde_json::from_slice(&MADE.metadata).unwrap();
    assert_eq!(evaluation["model"]["data_digest"].take(), metadata["data_digest"]);
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
    insta::assert_json_snapshot!(rounded(&evaluation), @r#"
    {
      "binary_classification_metrics": {
        "accuracy": {
          "standard_deviation": "NaN",
          "value": 0.958115
        },
        "auc": {
          "standard_deviation": "NaN",
          "value": 0.968187
        },
        "brier_score": {
          "standard_deviation": "NaN",
          "value": 0.042636
        },
        "confusion_matrix": {
          "0": {
            "0": 95,
            "1": 5
          },
          "1": {
            "0": 3,
            "1": 88
          }
        },
        "f0_5": {
          "standard_deviation": "NaN",
          "value": 0.950324
        },
        "f1": {
          "standard_deviation": "NaN",
          "value": 0.956522
        },
        "f2": {
          "standard_deviation": "NaN",
          "value": 0.962801
        },
        "false_negative_rate": {
          "standard_deviation": "NaN",
          "value": 0.032967
        },
        "false_positive_rate": {
          "standard_deviation": "NaN",
          "value": 0.05
        },
        "log_loss": {
          "standard_deviation": "NaN",
          "value": 0.187484
        },
        "npv": {
          "standard_deviation": "NaN",
          "value": 0.969388
        },
        "pr_auc": {
          "standard_deviation": "NaN",
          "value": 0.944916
        },
        "precision": {
          "standard_deviation": "NaN",
          "value": 0.946237
        },
        "precision_recall_curve": null,
        "recall": {
          "standard_deviation": "NaN",
          "value": 0.967033
        },
        "receiver_operating_characteristic_curve": null,
        "specificity": {
          "standard_deviation": "NaN",
          "value": 0.95
        },
        "true_negative_rate": {
          "standard_deviation": "NaN",
          "value": 0.95
        },
        "true_positive_rate": {
          "standard_deviation": "NaN",
          "value": 0.967033
        }
      },
      "dataset": {
        "item_count": 191
      },
      "format_version": 1,
      "gates": [
        {
          "met": true,
          "metric": "accuracy",
          "minimum": 0.8,
          "value": 0.958115
        },
        {
          "met": true,
          "metric": "f1_score",
          "minimum": 0.75,
          "value": 0.956522
        },
        {
          "met": true,
          "metric": "recall",
          "minimum": 0.85,
          "value": 0.967033
        }
      ],
      "model": {
        "algorithm": "random_forest",
        "data_digest": null,
        "program_version": "0.1.0"
      },
      "without_value": {}
    }
    "#);
}

#[test]
fn the_same_model_and_rows_give_the_same_bytes() {
    let run = |threads: &str| {
        let mut sandbox = MADE.job();
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
fn a_gate_that_is_missed_is_the_report() {
    let arguments = ["--gate=accuracy=0.5", "--gate=recall=0.9999", "--metric=recall"];
    let (outcome, evaluation, _) = evaluated(&MADE.job(), &arguments);
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
    let (_, evaluation, _) = evaluated(&MADE.job(), &["--gate="]);
    assert_eq!(evaluation["gates"], Value::Array(Vec::new()));
}

#[test]
fn rows_of_one_class_have_metrics_without_value() {
    for (class, other) in [("0", "1"), ("1", "0")] {
        let sandbox = MADE.job();
        let only = rows(|lines| lines.retain(|line| !line.ends_with(&format!(",{other}"))));
        sandbox.file(TEST, only);
        let (outcome, evaluation, metrics) = evaluated(&sandbox, &[]);
        let without = evaluation["without_value"].as_object().unwrap();
        for name in without.keys() {
            assert_eq!(metrics[name], "NaN", "{name}");
        }
        let found = [&metrics, &evaluation["without_value"], &evaluation["gates"]].map(rounded);
        if class == "0" {
            insta::assert_json_snapshot!(found, @r#"
            [
              {
                "accuracy": 0.95,
                "brier_score": 0.04734,
                "f1_score": 0.0,
                "format_version": 1,
                "log_loss": 0.206672,
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
        } else {
            insta::assert_json_snapshot!(found, @r#"
            [
              {
                "accuracy": 0.967033,
                "brier_score": 0.037466,
                "f1_score": 0.98324,
                "format_version": 1,
                "log_loss": 0.166397,
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
    }
}

#[test]
fn a_missing_model() {
    let sandbox = MADE.job();
    fs_err::remove_file(sandbox.path(MODEL)).unwrap();
    insta::assert_snapshot!(refused(&sandbox, 3, &[]), @"cannot read an input: failed to open file `/opt/ml/processing/model/model.tar.gz`: No such file or directory (os error 2)");
}

#[test]
fn an_archive_that_is_none_or_cut_short() {
    let archive = MADE.archive();
    insta::assert_snapshot!(refused_model(""), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive is not a gzipped tar, or is damaged: unexpected end of file");
    insta::assert_snapshot!(refused_model("PK\u{3}\u{4} not a tar"), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive is not a gzipped tar, or is damaged: invalid gzip header");
    insta::assert_snapshot!(refused_model(&archive[..archive.len() / 2]), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive is not a gzipped tar, or is damaged: incomplete deflate stream");
    insta::assert_snapshot!(refused_model(&archive[..archive.len() - 1]), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive is not a gzipped tar, or is damaged: unexpected end of file");
}

#[test]
fn flipped_bits() {
    let archive = MADE.archive();
    // The first bytes are gzip's time and system, which mean nothing.
    for at in (10..archive.len()).step_by(archive.len() / 11).chain([archive.len() - 8]) {
        let mut flipped = archive.clone();
        flipped[at] ^= 0x10;
        let message = refused_model(flipped);
        let begins = "/opt/ml/processing/model/model.tar.gz holds no usable model: ";
        assert!(message.starts_with(begins), "{at}: {message}");
    }
    // Inside an archive that is whole.
    let middle = MADE.forest.len() / 2;
    let message = refused_made(|made| made.forest[middle] ^= 1);
    assert!(message.contains("forest.bin is damaged: its checksum is "), "{message}");
}

#[test]
fn a_forest_that_is_cut_short_or_of_another_version() {
    insta::assert_snapshot!(refused_made(|made| made.forest.truncate(5_000)), @"/opt/ml/processing/model/model.tar.gz holds no usable model: forest.bin is cut short at byte 4996");
    insta::assert_snapshot!(refused_made(|made| made.forest.clear()), @"/opt/ml/processing/model/model.tar.gz holds no usable model: forest.bin does not begin with `MDFOREST`, it is no forest");
    insta::assert_snapshot!(refused_made(|made| made.forest[8] = 3), @"/opt/ml/processing/model/model.tar.gz holds no usable model: forest.bin has format version 3, expected 1 or 2");
}

#[test]
fn documents_of_another_version_or_shape() {
    let replaced = |bytes: &[u8], from: &str, to: &str| {
        String::from_utf8(bytes.to_owned()).unwrap().replacen(from, to, 1).into_bytes()
    };
    let version = (r#""format_version": 1"#, r#""format_version": 7"#);
    insta::assert_snapshot!(
        refused_made(|made| made.metadata = replaced(&made.metadata, version.0, version.1)),
        @"/opt/ml/processing/model/model.tar.gz holds no usable model: metadata.json has format version 7, expected 1"
    );
    insta::assert_snapshot!(
        refused_made(|made| made.recipe = replaced(&made.recipe, version.0, version.1)),
        @"/opt/ml/processing/model/model.tar.gz holds no usable model: recipe.json has format version 7, expected 1"
    );
    insta::assert_snapshot!(
        refused_made(|made| made.metadata = replaced(&made.metadata, "data_digest", "digest")),
        @"/opt/ml/processing/model/model.tar.gz holds no usable model: metadata.json is not in its format: missing field `data_digest` at line 41 column 1"
    );
    let fewer = |made: &mut Made| {
        let mut recipe: Value = serde_json::from_slice(&made.recipe).unwrap();
        recipe["recipe"]["features"].as_array_mut().unwrap().pop();
        made.recipe = serde_json::to_vec(&recipe).unwrap();
    };
    insta::assert_snapshot!(refused_made(fewer), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the forest takes 15 features and the recipe makes 14");
}

#[test]
fn an_archive_without_the_model() {
    let mut model = Builder::new(Vec::new());
    job::add(&mut model, "model.pkl", b"");
    insta::assert_snapshot!(refused_model(gzip(&model.into_inner().unwrap())), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the model has no `forest.bin`; it has: model.pkl");
}

#[test]
fn the_model_of_several_hosts_is_that_of_one() {
    let reports = |sandbox: &Sandbox| {
        evaluated(sandbox, &[]);
        [EVALUATION, METRICS].map(|file| fs_err::read(sandbox.path(file)).unwrap())
    };
    let one = reports(&MADE.job());
    for count in [2, 5] {
        let sandbox = MADE.job();
        sandbox.file(MODEL, job::archive(&job::model_of_hosts(count, "42")));
        assert!(reports(&sandbox) == one, "{count} hosts");
    }
}

#[test]
fn a_shard_that_is_missing_or_of_another_model() {
    let model = job::model_of_hosts(3, "42");
    let second = "forest-2-of-3.bin";
    let mut without = model.clone();
    without.remove(second);
    insta::assert_snapshot!(refused_model(job::archive(&without)), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the model has no `forest-2-of-3.bin`; it has: forest-1-of-3.bin, forest-3-of-3.bin, metadata.json, recipe.json");
    let foreign = job::model_of_hosts(3, "43")[second].clone();
    let with = |bytes| {
        let mut model = model.clone();
        model.insert(second.to_owned(), bytes);
        refused_model(job::archive(&model))
    };
    insta::assert_snapshot!(with(foreign), @"/opt/ml/processing/model/model.tar.gz holds no usable model: forest-2-of-3.bin is of another training than metadata.json");
    insta::assert_snapshot!(with(model["forest-1-of-3.bin"].clone()), @"/opt/ml/processing/model/model.tar.gz holds no usable model: forest-2-of-3.bin holds the same trees as forest-1-of-3.bin");
}

#[test]
fn hostile_archives() {
    let with = |path: &str, kind, link: &str| refused_model(MADE.archive_with(path, kind, link));
    insta::assert_snapshot!(with("../../evil", EntryType::Regular, ""), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive has the path `../../evil`, expected one inside it");
    insta::assert_snapshot!(with("/etc/cron.d/evil", EntryType::Regular, ""), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive has the path `/etc/cron.d/evil`, expected one inside it");
    insta::assert_snapshot!(with("code/../../evil", EntryType::Directory, ""), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive has the path `code/../../evil`, expected one inside it");
    insta::assert_snapshot!(with("weights", EntryType::Symlink, "/etc/passwd"), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive has `weights`, which is a symbolic link, expected files and directories");
    insta::assert_snapshot!(with("weights", EntryType::Link, "../../etc/passwd"), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive has `weights`, which is a hard link, expected files and directories");
    insta::assert_snapshot!(with("weights", EntryType::Char, ""), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive has `weights`, which is a device or a pipe, expected files and directories");
    insta::assert_snapshot!(with("forest.bin", EntryType::Regular, ""), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive has `forest.bin` twice");
}

#[test]
fn a_bomb_takes_no_memory() {
    let sandbox = MADE.job();
    let bomb = job::bomb("forest.bin", 400 << 20);
    sandbox.file(MODEL, &bomb);
    let outcome = sandbox.run_within(300 << 20, "evaluate", &[]).expect(3);
    let message = explained(&sandbox, &outcome);
    let limit = bomb.len() * 20 + (1 << 20);
    insta::assert_snapshot!(message.replace(&limit.to_string(), "N"), @"/opt/ml/processing/model/model.tar.gz holds no usable model: the archive unpacks to more than N bytes, 20 for each of its own");
    assert_eq!(sandbox.files("processing/evaluation"), Vec::<String>::new());
}

#[test]
fn missing_test_rows() {
    let sandbox = MADE.job();
    fs_err::remove_file(sandbox.path(TEST)).unwrap();
    insta::assert_snapshot!(refused(&sandbox, 3, &[]), @"cannot read an input: failed to open file `/opt/ml/processing/test/test.csv`: No such file or directory (os error 2)");
}

#[test]
fn test_rows_that_cannot_be_read() {
    insta::assert_snapshot!(refused_rows(|lines| lines[3] = with_field(&lines[3], 9, "broken")), @"/opt/ml/processing/test/test.csv, line 4, column `Voltage`: found `broken`, expected a finite number");
    insta::assert_snapshot!(refused_rows(|lines| lines[3] = with_field(&lines[3], 15, "yes")), @"/opt/ml/processing/test/test.csv, line 4, column `label`: found `yes`, expected 0 or 1");
    insta::assert_snapshot!(refused_rows(|lines| lines[3].push_str(",0")), @"/opt/ml/processing/test/test.csv, line 4: the row has 17 fields, expected 16 as in the header");
    insta::assert_snapshot!(refused_rows(|lines| lines[0] = with_field(&lines[0], 0, "Pressure")), @"/opt/ml/processing/test/test.csv has column 1 `Pressure`, expected `Hydraulic_Pressure` as in the recipe");
    insta::assert_snapshot!(refused_rows(|lines| lines.truncate(1)), @"/opt/ml/processing/test/test.csv has a header and no rows");
    insta::assert_snapshot!(refused_rows(Vec::clear), @"/opt/ml/processing/test/test.csv is empty, expected a header line");
}

#[test]
fn gates_and_metrics_of_no_use_are_all_named() {
    let arguments = ["--gate=speed=0.5", "--gate=recall=85", "--metric=acuracy", "--gate"];
    insta::assert_snapshot!(refused(&MADE.job(), 2, &arguments), @"argument `--gate` has no value, expected `--gate=...`; argument --metric is `acuracy`, expected one of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv; argument --gate is `speed=0.5`, expected `metric=minimum`, a minimum from 0 to 1 and a metric of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv; argument --gate is `recall=85`, expected `metric=minimum`, a minimum from 0 to 1 and a metric of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv");
}

#[test]
fn unknown_arguments_are_ignored_with_a_warning() {
    let (outcome, ..) = evaluated(&MADE.job(), &["evaluate", "--gates=recall=1", "--metric="]);
    let warnings: Vec<_> =
        outcome.stderr.lines().filter_map(|line| line.split_once(" WARN ")).collect();
    let warnings: Vec<_> = warnings.into_iter().map(|(_, warning)| warning).collect();
    insta::assert_snapshot!(warnings.join("\n"), @"
    evaluate: argument `evaluate` is not known here, it is ignored
    evaluate: argument `--gates=recall=1` is not known here, it is ignored
    ");
}

#[test]
fn two_hosts() {
    let sandbox = MADE.job();
    sandbox.file(
        "config/resourceconfig.json",
        r#"{"current_host":"algo-1","hosts":["algo-1","algo-2"]}"#,
    );
    insta::assert_snapshot!(refused(&sandbox, 2, &[]), @"the job runs on 2 hosts, expected 1: the metrics are those of all test rows");
}

#[test]
fn an_output_that_cannot_be_written() {
    let sandbox = MADE.job();
    sandbox.file("processing/evaluation", "in the way");
    let outcome = sandbox.run("evaluate", &[]).expect(1);
    insta::assert_snapshot!(explained(&sandbox, &outcome), @"cannot write /opt/ml/processing/evaluation/evaluation.json: failed to create directory `/opt/ml/processing/evaluation`: File exists (os error 17)");

    let sandbox = MADE.job();
    sandbox.directory(METRICS);
    insta::assert_snapshot!(refused(&sandbox, 1, &[]), @"cannot write /opt/ml/processing/evaluation/metrics.json: Is a directory (os error 21)");
}

#[test]
fn a_full_disk() {
    let sandbox = MADE.job();
    let disk = sandbox.run_on_a_small_disk("processing/evaluation", 4 << 10, "evaluate", &[]);
    if let Some((outcome, left)) = disk {
        insta::assert_snapshot!(explained(&sandbox, &outcome.expect(1)), @"cannot write /opt/ml/processing/evaluation/evaluation.json: No space left on device (os error 28)");
        assert_eq!(left, "");
    }
}

#[test]
fn the_real_table() {
    let Some(path) = testkit::shared("data/machine_downtime.csv") else { return };
    let (_, evaluation, metrics) = evaluated(&Made::of(&fs_err::read(path).unwrap()).job(), &[]);
    assert!(metrics["accuracy"].as_f64().unwrap() >= 0.97, "{metrics}");
    insta::assert_json_snapshot!(rounded(&metrics), @r#"
    {
      "accuracy": 0.987421,
      "brier_score": 0.015204,
      "f1_score": 0.987705,
      "format_version": 1,
      "log_loss": 0.084049,
      "npv": 0.974576,
      "pr_auc": 0.997745,
      "precision": 1.0,
      "recall": 0.975709,
      "roc_auc": 0.995793,
      "specificity": 1.0
    }
    "#);
    assert!(evaluation["gates"].as_array().unwrap().iter().all(|gate| gate["met"] == true));
}

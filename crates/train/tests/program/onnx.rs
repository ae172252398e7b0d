//! `model.onnx` in onnxruntime: its labels and probabilities are those of the forest.

use std::process::Command;

use artifacts::Bundle;
use dataset::FeatureTable;
use testkit::{Outcome, Sandbox};

use crate::job::{TEST, TRAIN, job, job_over, sample};

/// Trains, scores every training and test row with the forest and in onnxruntime, and checks that
/// they agree. Returns the number of rows whose probability is one half.
fn assert_same_scores(python: &str, sandbox: &Sandbox) -> usize {
    sandbox.run("train", &[]).expect(0);
    let tables = [TRAIN, TEST].map(|table| sandbox.path(table));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/onnx.py");
    let theirs = Command::new(python)
        .args([script, sandbox.path("model/model.onnx").as_str()])
        .args(&tables)
        .output();
    let theirs = Outcome::from(theirs.unwrap()).expect(0).stdout;
    let mut theirs = theirs.lines();

    let files = sandbox.files("model").into_iter().map(|file| {
        let name = file.strip_prefix("model/").unwrap().to_owned();
        (name, fs_err::read(sandbox.path(&file)).unwrap())
    });
    let bundle = Bundle::from_files(files.collect()).unwrap();
    let mut ties = 0;
    for path in tables {
        let file = fs_err::File::open(&path).unwrap();
        let names = bundle.recipe.feature_names();
        let table = FeatureTable::read(path.as_str(), file, names).unwrap();
        let ours = bundle.forest.predict_proba(table.records.view()).unwrap();
        for (row, probability) in ours.column(1).iter().enumerate() {
            let (label, theirs) = theirs.next().unwrap().split_once(',').unwrap();
            let case = format!("{path}, row {row}: {probability}, {label} {theirs}");
            assert_eq!(label, if *probability > 0.5 { "1" } else { "0" }, "{case}");
            assert!((theirs.parse::<f64>().unwrap() - probability).abs() <= 1e-6, "{case}");
            ties += usize::from(*probability == 0.5);
        }
    }
    assert_eq!(theirs.next(), None);
    ties
}

#[test]
fn the_sample_table() {
    let Some(python) = testkit::onnxruntime() else { return };
    assert_same_scores(&python, &job_over(&sample(2_500, 42)));
}

#[test]
fn a_table_too_large_for_exact_splits() {
    let Some(python) = testkit::onnxruntime() else { return };
    let sandbox = job_over(&sample(30_000, 7));
    sandbox.hyperparameters(&[("n_estimators", "50"), ("max_depth", "0")]);
    assert_same_scores(&python, &sandbox);
}

#[test]
fn rows_whose_probability_is_one_half() {
    let Some(python) = testkit::onnxruntime() else { return };
    let sandbox = job();
    let stumps = [
        ("n_estimators", "2"),
        ("max_depth", "1"),
        ("class_weight", "none"),
        ("random_state", "7"),
    ];
    sandbox.hyperparameters(&stumps);
    assert_same_scores(&python, &sandbox);
    // Two trees with pure leaves give one half where they disagree.
    sandbox.hyperparameters(&[("n_estimators", "2"), ("max_depth", "0")]);
    assert_ne!(assert_same_scores(&python, &sandbox), 0);
}

#[test]
fn the_real_table() {
    let Some(python) = testkit::onnxruntime() else { return };
    let Some(path) = testkit::real_table() else { return };
    assert_same_scores(&python, &job_over(&fs_err::read(path).unwrap()));
}

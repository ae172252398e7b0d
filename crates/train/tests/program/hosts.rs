//! Jobs of several hosts.

use std::collections::{BTreeMap, BTreeSet};

use artifacts::Bundle;
use dataset::FeatureTable;
use ndarray::Array2;
use testkit::Sandbox;

use crate::job::{TRAIN, job, left, logged, refused};

/// Creates the synthetic job of one host, counted from 0, among `count`.
fn job_of_host(index: usize, count: usize) -> Sandbox {
    let sandbox = job();
    let hosts: Vec<_> = (1..=count).map(|number| format!("algo-{number}")).collect();
    let resources = serde_json::json!({ "current_host": hosts[index], "hosts": hosts });
    sandbox.file("input/config/resourceconfig.json", resources.to_string());
    sandbox
}

/// Runs each of `count` hosts and returns what they leave, put together as SageMaker does it: the
/// contents of the files by path.
pub fn trained_on(count: usize, hyperparameters: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
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

pub fn read_model(files: &BTreeMap<String, Vec<u8>>) -> Bundle {
    let model = files
        .iter()
        .filter_map(|(path, bytes)| Some((path.strip_prefix("model/")?.to_owned(), bytes.clone())));
    Bundle::from_files(model.collect()).unwrap()
}

#[test]
fn several_hosts_grow_the_forest_of_one() {
    let hyperparameters = [("n_estimators", "23"), ("max_features", "0.4")];
    let one = read_model(&trained_on(1, &hyperparameters));
    let sandbox = job();
    let rows = fs_err::read(sandbox.path(TRAIN)).unwrap();
    let table = FeatureTable::read(TRAIN, &rows[..], one.recipe.feature_names()).unwrap();
    let predict = |bundle: &Bundle| bundle.forest.predict_proba(table.records.view()).unwrap();
    for count in [2, 5, 23] {
        let several = read_model(&trained_on(count, &hyperparameters));
        assert!(several.forest == one.forest, "{count} hosts");
        assert_eq!(several.recipe, one.recipe);
        assert_eq!(several.background, one.background);
        assert_eq!(several.metadata.feature_importances, one.metadata.feature_importances);
        let bits = |bundle: &Bundle| predict(bundle).mapv(f64::to_bits);
        assert!(bits(&several) == bits(&one), "{count} hosts");
    }
}

#[test]
fn a_background_is_a_hundred_different_training_rows_or_all() {
    let sandbox = job();
    let text = sandbox.read(TRAIN);
    let background = |seed: &str, rows: usize| {
        let few: Vec<&str> = text.lines().take(rows + 1).collect();
        sandbox.file(TRAIN, few.join("\n"));
        sandbox.hyperparameters(&[("n_estimators", "2"), ("random_state", seed)]);
        sandbox.run("train", &[]).expect(0);
        let files = left(&sandbox).into_iter();
        let files = files.map(|file| (file.clone(), fs_err::read(sandbox.path(&file)).unwrap()));
        let bundle = read_model(&files.collect());
        let few = few.join("\n");
        let table = FeatureTable::read(TRAIN, few.as_bytes(), bundle.recipe.feature_names());
        let bits = |rows: &Array2<f32>| -> BTreeSet<Vec<u32>> {
            rows.rows().into_iter().map(|row| row.mapv(f32::to_bits).to_vec()).collect()
        };
        let (all, chosen) = (bits(&table.unwrap().records), bits(&bundle.background.unwrap()));
        assert!(chosen.is_subset(&all));
        chosen
    };
    let chosen = background("42", 400);
    assert_eq!(chosen.len(), 100);
    assert_ne!(background("43", 400), chosen);
    assert_eq!(background("42", 60).len(), 60);
}

#[test]
fn each_host_leaves_its_shard_and_the_first_one_the_shared_files() {
    let files = trained_on(3, &[("n_estimators", "10")]);
    insta::assert_snapshot!(files.keys().cloned().collect::<Vec<_>>().join("\n"), @"
    model/background.bin
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
    // A host has metrics of its own trees only, which are not those of the forest.
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
fn a_current_host_that_is_not_among_the_hosts() {
    let sandbox = job();
    let resources = r#"{"current_host":"algo-3","hosts":["algo-1","algo-2"]}"#;
    sandbox.file("input/config/resourceconfig.json", resources);
    insta::assert_snapshot!(refused(&sandbox, 2), @"/opt/ml/input/config/resourceconfig.json has current_host `algo-3`, expected one of its hosts: algo-1, algo-2");
}

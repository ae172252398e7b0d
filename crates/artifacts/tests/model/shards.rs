//! Forests that several hosts grow together.

use std::collections::BTreeMap;

use artifacts::{
    BACKGROUND_BIN, Bundle, BundleError, FOREST_BIN, METADATA_JSON, Metadata, RECIPE_JSON, Shard,
};
use forest::RandomForest;
use proptest::prelude::*;
use tar::EntryType;

use crate::sample::{Files, archive, bundle, bundle_of, chain, files, from_archive, patched, with};

/// Returns the files of each of `count` hosts that grow the trees of a bundle together.
fn hosts(whole: &Bundle, count: u32) -> Vec<Files> {
    let trees = whole.forest.trees();
    let host = |index| {
        let shard = Shard { index, count };
        let range = shard.trees(trees.len() as u32);
        let mine = trees[range.start as usize..range.end as usize].to_vec();
        let mut gains = vec![0; whole.forest.features()];
        for tree in &mine {
            gains[tree.nodes[0].feature as usize] += 1 << 43;
        }
        let forest = RandomForest::from_trees(mine, gains, 2).unwrap();
        let bundle = Bundle { forest, ..whole.clone() };
        bundle.to_shard(shard, trees.len() as u32).unwrap().into_iter().collect()
    };
    (0..count).map(host).collect()
}

/// Merges the directories of the hosts, as SageMaker does.
fn merged(hosts: Vec<Files>) -> Files {
    let names: usize = hosts.iter().map(BTreeMap::len).sum();
    let all: Files = hosts.into_iter().flatten().collect();
    assert_eq!(all.len(), names, "two hosts wrote the same file name");
    all
}

#[test]
fn each_host_writes_its_shard_and_the_first_the_common_files() {
    let hosts = hosts(&bundle(), 3);
    let names: Vec<Vec<_>> =
        hosts.iter().map(|files| files.keys().map(String::as_str).collect()).collect();
    let first = vec![BACKGROUND_BIN, "forest-1-of-3.bin", METADATA_JSON, RECIPE_JSON];
    assert_eq!(names, [first, vec!["forest-2-of-3.bin"], vec!["forest-3-of-3.bin"]]);
    let files = merged(hosts);
    let entries: Vec<_> = (files.iter())
        .map(|(name, bytes)| (name.as_str(), EntryType::Regular, bytes.as_slice()))
        .collect();
    let read = from_archive(&archive(&entries)).unwrap();
    assert_eq!(read.forest, bundle().forest);
    assert_eq!(read.background, bundle().background);
    // No host knows the metrics of the whole forest; its importances follow from the trees.
    assert!(read.metadata.training_metrics.is_empty());
    let metadata =
        Metadata { training_metrics: read.metadata.training_metrics.clone(), ..bundle().metadata };
    assert_eq!(read.metadata, metadata);
}

#[test]
fn missing_and_foreign_shards_are_named() {
    let refused = |files: Files| chain(&Bundle::from_files(files).unwrap_err());
    let three = merged(hosts(&bundle(), 3));
    let without = |name: &str| {
        let mut files = three.clone();
        assert!(files.remove(name).is_some());
        files
    };
    insta::assert_snapshot!(refused(without("forest-1-of-3.bin")), @"the model has no `forest-1-of-3.bin`; it has: background.bin, forest-2-of-3.bin, forest-3-of-3.bin, metadata.json, recipe.json");
    insta::assert_snapshot!(refused(without("forest-2-of-3.bin")), @"the model has no `forest-2-of-3.bin`; it has: background.bin, forest-1-of-3.bin, forest-3-of-3.bin, metadata.json, recipe.json");
    insta::assert_snapshot!(refused(without("forest-3-of-3.bin")), @"the model has no `forest-3-of-3.bin`; it has: background.bin, forest-1-of-3.bin, forest-2-of-3.bin, metadata.json, recipe.json");
    let in_place = |bytes: &[u8]| with(three.clone(), "forest-2-of-3.bin", bytes).unwrap_err();
    insta::assert_snapshot!(in_place(&three["forest-3-of-3.bin"]), @"forest-3-of-3.bin holds the same trees as forest-2-of-3.bin");
    // Shards of other rows, of other hyperparameters, and of another number of hosts.
    let mut other = bundle();
    other.metadata.data_digest = "11".repeat(32);
    insta::assert_snapshot!(in_place(&hosts(&other, 3)[1]["forest-2-of-3.bin"]), @"forest-2-of-3.bin is of another training than metadata.json");
    insta::assert_snapshot!(in_place(&hosts(&bundle_of(6), 3)[1]["forest-2-of-3.bin"]), @"forest-2-of-3.bin is of another training than metadata.json");
    insta::assert_snapshot!(in_place(&hosts(&bundle(), 2)[1]["forest-2-of-2.bin"]), @"forest-2-of-3.bin is of a forest of 5 trees, 3 features and 2 classes in 2 shards, expected 5 trees, 3 features and 2 classes in 3 shards as in forest-1-of-3.bin");
    insta::assert_snapshot!(in_place(&files(&bundle())[FOREST_BIN]), @"forest-2-of-3.bin is of a forest of 5 trees, 3 features and 2 classes in 1 shard, expected 5 trees, 3 features and 2 classes in 3 shards as in forest-1-of-3.bin");
    insta::assert_snapshot!(in_place(&three["forest-2-of-3.bin"][..40]), @"forest-2-of-3.bin is cut short at byte 36");
    // A whole forest beside the shards.
    let mut more = three.clone();
    more.insert(FOREST_BIN.to_owned(), files(&bundle())[FOREST_BIN].clone());
    insta::assert_snapshot!(refused(more), @"forest.bin is of a forest of 5 trees, 3 features and 2 classes in 1 shard, expected 5 trees, 3 features and 2 classes in 3 shards as in forest-1-of-3.bin");
    // Numbers of shards and trees that no archive could hold.
    let many = patched(&three["forest-2-of-3.bin"], 20, &[0xff; 4]);
    insta::assert_snapshot!(in_place(&many), @"forest-2-of-3.bin says that it is shard 2 of 4294967295 of 5 trees");
    let many = patched(&three["forest-2-of-3.bin"], 20, &[[0xff; 4], [0xff; 4]].concat());
    insta::assert_snapshot!(in_place(&many), @"forest-2-of-3.bin has 68 bytes after its last tree");
}

#[test]
fn a_shard_with_a_wrong_number_of_trees_is_refused() {
    let error = bundle().to_shard(Shard { index: 0, count: 2 }, 5).unwrap_err();
    assert!(matches!(error, BundleError::Trees { found: 5, expected: 2 }), "{error}");
}

proptest! {
    /// The merged forest depends neither on the number of hosts nor on the order of their shards.
    #[test]
    fn any_number_of_hosts_grows_the_same_forest(
        (trees, count) in (1..60_u32).prop_flat_map(|trees| (Just(trees), 1..=trees)),
        names in Just((0..60_u32).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let whole = bundle_of(trees);
        let shuffled = merged(hosts(&whole, count)).into_iter().enumerate();
        let shuffled = shuffled.map(|(index, (name, bytes))| {
            if name.starts_with("forest") {
                (format!("forest-{}-of-{count}.bin", names[index]), bytes)
            } else {
                (name, bytes)
            }
        });
        let read = Bundle::from_files(shuffled.collect()).unwrap();
        prop_assert_eq!(&read.forest, &whole.forest);
        let again: Files = read.to_files().unwrap().into_iter().collect();
        prop_assert_eq!(&again[FOREST_BIN], &files(&whole)[FOREST_BIN]);
    }
}

//! The bundle: round trip, damage, hostile archives, and the file of the first release.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::Write;

use artifacts::{
    Bundle, BundleError, FOREST_BIN, METADATA_JSON, Measure, Metadata, RECIPE_JSON, Shard,
};
use dataset::{
    BadCells, CleaningRules, Column, Feature, Label, MissingValues, Recipe, Schema, TableReader,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use forest::{Node, RandomForest, Tree};
use indexmap::IndexMap;
use ndarray::array;
use proptest::prelude::*;
use tar::{EntryType, Header};

fn from_archive(bytes: &[u8]) -> Result<Bundle, BundleError> {
    Bundle::from_archive(bytes, bytes.len() as u64)
}

fn recipe() -> Recipe {
    let columns = ["Pressure", "Vibration"].map(|name| Column {
        name: name.to_owned(),
        unit: None,
        spellings: Vec::new(),
    });
    let label = Label {
        column: "Downtime".to_owned(),
        positive: vec!["1".to_owned()],
        negative: vec!["0".to_owned()],
    };
    let schema = Schema::new(columns.to_vec(), label).unwrap();
    let rules = CleaningRules { missing_values: MissingValues::Drop, bad_cells: BadCells::Error };
    let mut reader = TableReader::new(&schema, rules);
    let rows = "Pressure,Vibration,Downtime\n1.5,2,0\n3,4.25,1\n";
    reader.read("a.csv", rows.as_bytes()).unwrap();
    let ratio =
        Feature { name: "Ratio".to_owned(), expression: "Pressure / mean(Vibration)".to_owned() };
    Recipe::fit(&schema, &[ratio], &reader.finish().unwrap().0, &[0, 1]).unwrap()
}

/// A tree of one split: a row at most `threshold` fails with the probability `left`.
fn stump(feature: u32, threshold: f32, left: f32, right: f32) -> Tree {
    let split = Node { feature, threshold, next: 1 };
    Tree {
        nodes: vec![split, Node::leaf(0), Node::leaf(1)],
        shares: vec![1.0 - left, left, 1.0 - right, right],
    }
}

/// A forest of so many trees, no two alike, that looks at three features.
fn forest_of(trees: u32) -> RandomForest {
    let tree = |index: u32| stump(index % 3, index as f32, 0.25, (index % 5) as f32 / 4.0);
    // a tree's gain is all its one feature's: 2^43 is a whole
    let gains = (0..3).map(|feature| u64::from((trees + 2 - feature) / 3) << 43).collect();
    RandomForest::from_trees((0..trees).map(tree).collect(), gains, 2).unwrap()
}

fn bundle_of(trees: u32) -> Bundle {
    let forest = forest_of(trees);
    Bundle {
        metadata: Metadata {
            algorithm: "random_forest".to_owned(),
            program_version: "0.1.0".to_owned(),
            data_digest: "00".repeat(32),
            training_rows: 60,
            hyperparameters: [("n_estimators".to_owned(), trees.to_string())].into(),
            training_metrics: [
                ("accuracy".to_owned(), Measure(1.0)),
                ("precision".to_owned(), Measure(f64::NAN)),
            ]
            .into_iter()
            .collect(),
            permutation_importances: IndexMap::new(),
            feature_importances: ["Pressure", "Vibration", "Ratio"]
                .into_iter()
                .zip(forest.feature_importances())
                .map(|(name, share)| (name.to_owned(), share))
                .collect(),
        },
        forest,
        recipe: recipe(),
    }
}

fn bundle() -> Bundle {
    bundle_of(5)
}

type Files = BTreeMap<String, Vec<u8>>;

fn files(bundle: &Bundle) -> Files {
    bundle.to_files().unwrap().into_iter().collect()
}

/// What each of so many hosts leaves that grow the bundle's trees together.
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

/// The hosts' directories as one, as SageMaker makes it.
fn together(hosts: Vec<Files>) -> Files {
    let names: usize = hosts.iter().map(BTreeMap::len).sum();
    let all: Files = hosts.into_iter().flatten().collect();
    assert_eq!(all.len(), names, "two hosts wrote one name");
    all
}

fn chain(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", chain(cause)));
    format!("{error}{}", cause.unwrap_or_default())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An archive of entries with these paths, types and contents, written as they are: no library
/// makes a hostile header.
fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, kind, content) in entries {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        if kind.is_symlink() || kind.is_hard_link() {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        tar.extend(header.as_bytes());
        tar.extend(*content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    gzip(&tar)
}

fn sound(prefix: &str) -> Vec<u8> {
    let files = files(&bundle());
    archive(&[
        (prefix.trim_end_matches("x"), EntryType::Directory, b""),
        (&format!("{prefix}{FOREST_BIN}"), EntryType::Regular, &files[FOREST_BIN]),
        (&format!("{prefix}code/anything.py"), EntryType::Regular, b"passed over"),
        (&format!("{prefix}{METADATA_JSON}"), EntryType::Regular, &files[METADATA_JSON]),
        (&format!("{prefix}{RECIPE_JSON}"), EntryType::Regular, &files[RECIPE_JSON]),
    ])
}

fn refused(archive: &[u8]) -> String {
    chain(&from_archive(archive).unwrap_err())
}

#[test]
fn it_is_the_same_after_the_way_through_an_archive() {
    assert_eq!(from_archive(&sound("")).unwrap(), bundle());
    assert_eq!(from_archive(&sound("./")).unwrap(), bundle());
}

/// Its trees grew as they did then.
#[test]
fn the_first_release_is_still_read() {
    let found = from_archive(include_bytes!("fixtures/model-v1.tar.gz")).unwrap();
    assert_eq!(found.recipe, recipe());
    assert_eq!(found.forest.trees().len(), 5);
    let metadata = Metadata {
        feature_importances: found.metadata.feature_importances.clone(),
        permutation_importances: IndexMap::new(),
        ..bundle().metadata
    };
    assert_eq!(found.metadata, metadata);
    // The shares of the whole are gains now: importances are the same but for their rounding.
    let importances = found.metadata.feature_importances.values();
    for (stored, counted) in importances.zip(found.forest.feature_importances()) {
        assert!((stored - counted).abs() < 1e-12, "{stored} {counted}");
    }
    let rows = array![[0.0_f32, 1.0, 2.0], [7.0, 6.5, 9.0], [4.0, 7.0, 6.0], [12.0, 0.0, 1.0]];
    let failing = found.forest.predict_proba(rows.view()).unwrap().column(1).to_vec();
    insta::assert_snapshot!(format!("{failing:?}"), @"[0.0, 0.6, 0.4, 0.0]");
    // It is written as of now, and the same again.
    assert_eq!(Bundle::from_files(files(&found)).unwrap(), found);
}

#[test]
fn a_bundle_is_written_the_same_as_ever() {
    let mut written = Vec::new();
    for (name, bytes) in bundle().to_files().unwrap() {
        written.extend([name.as_bytes(), b"\n", &bytes].concat());
    }
    assert_eq!(crc32fast::hash(&written), WRITTEN);
}

/// The CRC-32 of the three files, which another format version may change.
const WRITTEN: u32 = 3_065_812_111;

#[test]
fn hostile_archives_are_refused() {
    let with = |path, kind, content: &[u8]| refused(&archive(&[(path, kind, content)]));
    let file = EntryType::Regular;
    insta::assert_snapshot!(with("../forest.bin", file, b"x"), @"the archive has the path `../forest.bin`, expected one inside it");
    insta::assert_snapshot!(with("/forest.bin", file, b"x"), @"the archive has the path `/forest.bin`, expected one inside it");
    insta::assert_snapshot!(with("a/../../forest.bin", file, b"x"), @"the archive has the path `a/../../forest.bin`, expected one inside it");
    insta::assert_snapshot!(with("../", EntryType::Directory, b""), @"the archive has the path `../`, expected one inside it");
    insta::assert_snapshot!(with("forest.bin", EntryType::Symlink, b""), @"the archive has `forest.bin`, which is a symbolic link, expected files and directories");
    insta::assert_snapshot!(with("forest.bin", EntryType::Link, b""), @"the archive has `forest.bin`, which is a hard link, expected files and directories");
    insta::assert_snapshot!(with("forest.bin", EntryType::Char, b""), @"the archive has `forest.bin`, which is a device or a pipe, expected files and directories");
    insta::assert_snapshot!(with("forest.bin", EntryType::Fifo, b""), @"the archive has `forest.bin`, which is a device or a pipe, expected files and directories");
    insta::assert_snapshot!(with("recipe.json", file, b"{}"), @"the model has no `forest.bin`; it has: recipe.json");
    insta::assert_snapshot!(refused(&archive(&[])), @"the model has no `forest.bin`; it has: nothing");
    let twice = archive(&[("a", file, b"x"), ("./a", file, b"y")]);
    insta::assert_snapshot!(refused(&twice), @"the archive has `a` twice");
    let many: Vec<_> = (0..1001).map(|index| format!("{index}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), file, &b""[..])).collect();
    insta::assert_snapshot!(refused(&archive(&many)), @"the archive has more than 1000 entries");
    let zeros = vec![0; 8 << 20];
    let bomb = with("forest.bin", file, &zeros);
    assert!(bomb.starts_with("the archive unpacks to more than "), "{bomb}");
}

#[test]
fn damaged_archives_are_refused() {
    insta::assert_snapshot!(refused(b""), @"the archive is not a gzipped tar, or is damaged: unexpected end of file");
    insta::assert_snapshot!(refused(b"PK\x03\x04 something else"), @"the archive is not a gzipped tar, or is damaged: invalid gzip header");
    let whole = sound("");
    for length in (0..whole.len()).step_by(7) {
        assert!(from_archive(&whole[..length]).is_err(), "{length}");
    }
    // The header of a gzip holds a time and the like, which no checksum covers.
    for byte in (10..whole.len()).step_by(3) {
        let mut damaged = whole.clone();
        damaged[byte] ^= 1 << (byte % 8);
        // And a byte may be packed in more than one way.
        let read = from_archive(&damaged);
        assert!(read.is_err() || read.unwrap() == bundle(), "{byte}");
    }
}

/// Reads a bundle whose file `name` has these bytes.
fn with(mut files: Files, name: &str, bytes: impl Into<Vec<u8>>) -> Result<Bundle, String> {
    assert!(files.insert(name.to_owned(), bytes.into()).is_some(), "{name}");
    Bundle::from_files(files).map_err(|error| chain(&error))
}

/// Bytes of a forest with some changed, and a checksum that says they are right.
fn patched(forest: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut patched = forest.to_vec();
    patched[at..at + bytes.len()].copy_from_slice(bytes);
    let end = patched.len() - 4;
    let checksum = crc32fast::hash(&patched[..end]);
    patched[end..].copy_from_slice(&checksum.to_le_bytes());
    patched
}

#[test]
fn a_damaged_forest_is_refused() {
    let files = files(&bundle());
    let forest = &files[FOREST_BIN];
    let read = |forest: Vec<u8>| with(files.clone(), FOREST_BIN, forest);
    for length in 0..forest.len() {
        let error = read(forest[..length].to_vec()).unwrap_err();
        let short = error.starts_with("forest.bin is cut short at byte ");
        assert!(short || (length < 8 && error.starts_with("forest.bin does not begin")), "{error}");
    }
    for bit in 0..forest.len() * 8 {
        let mut damaged = forest.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(read(damaged).is_err(), "{bit}");
    }
    let patched = |at: usize, bytes: &[u8]| read(patched(forest, at, bytes)).unwrap_err();
    insta::assert_snapshot!(read(b"PK\x03\x04....".to_vec()).unwrap_err(), @"forest.bin does not begin with `MDFOREST`, it is no forest");
    insta::assert_snapshot!(patched(8, &[3]), @"forest.bin has format version 3, expected 1 or 2");
    insta::assert_snapshot!(patched(12, &[0xff; 4]), @"forest.bin is of another training than metadata.json");
    insta::assert_snapshot!(patched(16, &[1]), @"forest.bin says that it is shard 2 of 1 of 5 trees");
    insta::assert_snapshot!(patched(20, &[0; 4]), @"forest.bin says that it is shard 1 of 0 of 5 trees");
    insta::assert_snapshot!(patched(20, &[6]), @"forest.bin says that it is shard 1 of 6 of 5 trees");
    insta::assert_snapshot!(patched(24, &[4]), @"forest.bin has 60 bytes after its last tree");
    for (at, bytes) in [(24, &[6][..]), (24, &[0xff; 4]), (28, &[0xff; 4]), (32, &[0xff; 4])] {
        assert!(patched(at, bytes).starts_with("forest.bin is cut short at byte "), "{at}");
    }
    // The root of the first tree: 36 bytes of header, 3 gains, two counts.
    insta::assert_snapshot!(patched(36 + 24 + 8, &[9]), @"forest.bin holds no usable forest: tree 0 cannot be used: a split looks at a feature that does not exist");
    let mut flipped = forest.clone();
    flipped[36 + 24 + 12] ^= 1;
    assert!(read(flipped).unwrap_err().starts_with("forest.bin is damaged: its checksum is "));
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let files = files(&bundle());
    let (recipe, metadata) = (&files[RECIPE_JSON], &files[METADATA_JSON]);
    let read = |name: &str, bytes: &[u8]| with(files.clone(), name, bytes).unwrap_err();
    let replaced = |bytes: &[u8], from: &str, to: &str| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.contains(from), "{text}");
        text.replace(from, to).into_bytes()
    };
    let version = "\"format_version\": 1";
    let newer = "\"format_version\": 2";
    insta::assert_snapshot!(read(RECIPE_JSON, &replaced(recipe, version, newer)), @"recipe.json has format version 2, expected 1");
    insta::assert_snapshot!(read(METADATA_JSON, &replaced(metadata, version, newer)), @"metadata.json has format version 2, expected 1");
    insta::assert_snapshot!(read(RECIPE_JSON, b"{}"), @"recipe.json is not in its format: missing field `format_version` at line 1 column 2");
    insta::assert_snapshot!(read(RECIPE_JSON, b"["), @"recipe.json is not in its format: EOF while parsing a list at line 1 column 1");
    insta::assert_snapshot!(read(METADATA_JSON, &replaced(metadata, "60", "\"many\"")), @r#"metadata.json is not in its format: invalid type: string "many", expected usize at line 6 column 25"#);
    insta::assert_snapshot!(read(METADATA_JSON, &replaced(metadata, "60", "61")), @"forest.bin is of another training than metadata.json");
    insta::assert_snapshot!(read(RECIPE_JSON, &replaced(recipe, "\"mean\"", "\"median\"")), @"recipe.json is not in its format: the statistics of feature `Ratio` are not those of `Pressure / mean(Vibration)` at line 42 column 1");
    for missing in [RECIPE_JSON, METADATA_JSON] {
        let mut files = files.clone();
        files.remove(missing);
        let error = chain(&Bundle::from_files(files).unwrap_err());
        assert!(error.starts_with(&format!("the model has no `{missing}`; it has: ")), "{error}");
    }
}

#[test]
fn hosts_leave_a_shard_each_and_the_first_what_they_share() {
    let hosts = hosts(&bundle(), 3);
    let names: Vec<Vec<_>> =
        hosts.iter().map(|files| files.keys().map(String::as_str).collect()).collect();
    let first = vec!["forest-1-of-3.bin", METADATA_JSON, RECIPE_JSON];
    assert_eq!(names, [first, vec!["forest-2-of-3.bin"], vec!["forest-3-of-3.bin"]]);
    let files = together(hosts);
    let entries: Vec<_> = (files.iter())
        .map(|(name, bytes)| (name.as_str(), EntryType::Regular, bytes.as_slice()))
        .collect();
    let read = from_archive(&archive(&entries)).unwrap();
    assert_eq!(read.forest, bundle().forest);
    // No host's metrics are those of the forest; its importances are, whoever grew it.
    assert!(read.metadata.training_metrics.is_empty());
    let metadata =
        Metadata { training_metrics: read.metadata.training_metrics.clone(), ..bundle().metadata };
    assert_eq!(read.metadata, metadata);
}

#[test]
fn shards_that_are_missing_or_of_another_forest_are_named() {
    let refused = |files: Files| chain(&Bundle::from_files(files).unwrap_err());
    let three = together(hosts(&bundle(), 3));
    let without = |name: &str| {
        let mut files = three.clone();
        assert!(files.remove(name).is_some());
        files
    };
    insta::assert_snapshot!(refused(without("forest-1-of-3.bin")), @"the model has no `forest-1-of-3.bin`; it has: forest-2-of-3.bin, forest-3-of-3.bin, metadata.json, recipe.json");
    insta::assert_snapshot!(refused(without("forest-2-of-3.bin")), @"the model has no `forest-2-of-3.bin`; it has: forest-1-of-3.bin, forest-3-of-3.bin, metadata.json, recipe.json");
    insta::assert_snapshot!(refused(without("forest-3-of-3.bin")), @"the model has no `forest-3-of-3.bin`; it has: forest-1-of-3.bin, forest-2-of-3.bin, metadata.json, recipe.json");
    let in_place = |bytes: &[u8]| with(three.clone(), "forest-2-of-3.bin", bytes).unwrap_err();
    insta::assert_snapshot!(in_place(&three["forest-3-of-3.bin"]), @"forest-3-of-3.bin holds the same trees as forest-2-of-3.bin");
    // Of other rows, of other hyperparameters, of the same cut otherwise.
    let mut other = bundle();
    other.metadata.data_digest = "11".repeat(32);
    insta::assert_snapshot!(in_place(&hosts(&other, 3)[1]["forest-2-of-3.bin"]), @"forest-2-of-3.bin is of another training than metadata.json");
    insta::assert_snapshot!(in_place(&hosts(&bundle_of(6), 3)[1]["forest-2-of-3.bin"]), @"forest-2-of-3.bin is of another training than metadata.json");
    insta::assert_snapshot!(in_place(&hosts(&bundle(), 2)[1]["forest-2-of-2.bin"]), @"forest-2-of-3.bin is of a forest of 5 trees, 3 features and 2 classes in 2 shards, expected 5 trees, 3 features and 2 classes in 3 shards as in forest-1-of-3.bin");
    insta::assert_snapshot!(in_place(&files(&bundle())[FOREST_BIN]), @"forest-2-of-3.bin is of a forest of 5 trees, 3 features and 2 classes in 1 shard, expected 5 trees, 3 features and 2 classes in 3 shards as in forest-1-of-3.bin");
    insta::assert_snapshot!(in_place(&three["forest-2-of-3.bin"][..40]), @"forest-2-of-3.bin is cut short at byte 36");
    // One that is there besides.
    let mut more = three.clone();
    more.insert(FOREST_BIN.to_owned(), files(&bundle())[FOREST_BIN].clone());
    insta::assert_snapshot!(refused(more), @"forest.bin is of a forest of 5 trees, 3 features and 2 classes in 1 shard, expected 5 trees, 3 features and 2 classes in 3 shards as in forest-1-of-3.bin");
    // Numbers that no archive could hold the shards of.
    let many = patched(&three["forest-2-of-3.bin"], 20, &[0xff; 4]);
    insta::assert_snapshot!(in_place(&many), @"forest-2-of-3.bin says that it is shard 2 of 4294967295 of 5 trees");
    let many = patched(&three["forest-2-of-3.bin"], 20, &[[0xff; 4], [0xff; 4]].concat());
    insta::assert_snapshot!(in_place(&many), @"forest-2-of-3.bin has 60 bytes after its last tree");
}

#[test]
fn trees_that_are_not_the_shards_are_not_written() {
    let error = bundle().to_shard(Shard { index: 0, count: 2 }, 5).unwrap_err();
    assert!(matches!(error, BundleError::Trees { found: 5, expected: 2 }), "{error}");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = from_archive(&bytes);
        let _ = from_archive(&gzip(&bytes));
        let whole = files(&bundle());
        let _ = with(whole.clone(), METADATA_JSON, bytes.clone());
        let _ = with(whole.clone(), RECIPE_JSON, bytes.clone());
        for version in [1, 2] {
            let forest = [&b"MDFOREST"[..], &[version, 0, 0, 0], &bytes].concat();
            let _ = with(whole.clone(), FOREST_BIN, forest);
        }
    }

    /// However many hosts there are, and in whatever order their shards are read.
    #[test]
    fn any_number_of_hosts_leaves_the_same_forest(
        (trees, count) in (1..60_u32).prop_flat_map(|trees| (Just(trees), 1..=trees)),
        names in Just((0..60_u32).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let whole = bundle_of(trees);
        let shuffled = together(hosts(&whole, count)).into_iter().enumerate();
        let shuffled = shuffled.map(|(index, (name, bytes))| match name.starts_with("forest") {
            true => (format!("forest-{}-of-{count}.bin", names[index]), bytes),
            false => (name, bytes),
        });
        let read = Bundle::from_files(shuffled.collect()).unwrap();
        prop_assert_eq!(&read.forest, &whole.forest);
        let again: Files = read.to_files().unwrap().into_iter().collect();
        prop_assert_eq!(&again[FOREST_BIN], &files(&whole)[FOREST_BIN]);
    }
}

#[test]
fn onnx_is_written_the_same_as_ever() {
    assert_eq!(crc32fast::hash(&bundle().to_onnx().unwrap()), ONNX_WRITTEN);
}

/// The CRC-32 of a model that onnxruntime takes: the tests of `train` hold others against it.
const ONNX_WRITTEN: u32 = 2_532_184_761;

#[test]
fn onnx_is_not_made_of_every_forest() {
    let refused = |trees, gains, classes| {
        let forest = RandomForest::from_trees(trees, gains, classes).unwrap();
        chain(&Bundle { forest, ..bundle() }.to_onnx().unwrap_err())
    };
    let leaf = |shares: &[f32]| Tree { nodes: vec![Node::leaf(0)], shares: shares.to_vec() };
    insta::assert_snapshot!(refused(vec![leaf(&[0.5, 0.25, 0.25])], vec![0; 3], 3), @"the forest tells 3 classes apart, expected 2");

    // A comb: each split has a leaf to its left.
    let mut nodes = vec![Node { feature: 0, threshold: 0.0, next: 1 }];
    while nodes.len() < 1 << 22 {
        let next = nodes.len() as u32 + 2;
        nodes.push(Node::leaf(0));
        nodes.push(Node { feature: 0, threshold: 0.0, next });
    }
    *nodes.last_mut().unwrap() = Node::leaf(0);
    let comb = Tree { nodes, shares: vec![0.5, 0.5] };
    insta::assert_snapshot!(refused(vec![comb], vec![0; 3], 2), @"the forest has 4194305 nodes, and model.onnx is made of at most 4194304");
}

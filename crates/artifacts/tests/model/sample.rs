//! A small bundle, its files and its archives.

use std::collections::BTreeMap;
use std::io::Write;

use artifacts::{
    BACKGROUND_BIN, Bundle, BundleError, FOREST_BIN, METADATA_JSON, Measure, Metadata, RECIPE_JSON,
};
use dataset::{CategoryRules, CleaningRules, Column, Feature, Label, Recipe, Schema, TableReader};
use flate2::Compression;
use flate2::write::GzEncoder;
use forest::{Node, RandomForest, Tree};
use indexmap::IndexMap;
use ndarray::array;
use tar::{EntryType, Header};

pub fn from_archive(bytes: &[u8]) -> Result<Bundle, BundleError> {
    Bundle::from_archive(bytes, bytes.len() as u64)
}

pub fn recipe() -> Recipe {
    let columns =
        ["Pressure", "Vibration"].map(|name| Column { name: name.to_owned(), ..Column::default() });
    let label = Label {
        column: "Downtime".to_owned(),
        positive: vec!["1".to_owned()],
        negative: vec!["0".to_owned()],
        ..Label::default()
    };
    let schema = Schema::new(columns.to_vec(), label).unwrap();
    let mut reader = TableReader::new(&schema, CleaningRules::default());
    let rows = "Pressure,Vibration,Downtime\n1.5,2,0\n3,4.25,1\n";
    reader.read("a.csv", rows.as_bytes()).unwrap();
    let ratio =
        Feature { name: "Ratio".to_owned(), expression: "Pressure / mean(Vibration)".to_owned() };
    Recipe::fit(&schema, &[ratio], &reader.finish().unwrap().0, &[0, 1], CategoryRules::default())
        .unwrap()
}

/// Returns a tree of one split. A row whose feature is at most `threshold` has the probability
/// `left` of class 1, any other the probability `right`.
pub fn stump(feature: u32, threshold: f32, left: f32, right: f32) -> Tree {
    let split = Node { feature, threshold, next: 1 };
    Tree {
        nodes: vec![split, Node::leaf(0), Node::leaf(1)],
        shares: vec![1.0 - left, left, 1.0 - right, right],
        covers: vec![3.0, 5.0],
    }
}

/// Returns a forest of `trees` different trees on three features.
pub fn forest_of(trees: u32) -> RandomForest {
    let tree = |index: u32| stump(index % 3, index as f32, 0.25, (index % 5) as f32 / 4.0);
    // The whole gain of a tree, 2^43, belongs to its only feature.
    let gains = (0..3).map(|feature| u64::from((trees + 2 - feature) / 3) << 43).collect();
    RandomForest::from_trees((0..trees).map(tree).collect(), gains, 2).unwrap()
}

pub fn bundle_of(trees: u32) -> Bundle {
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
        background: Some(array![[1.5, 2.0, 0.48], [3.0, 4.25, 0.96]]),
    }
}

pub fn bundle() -> Bundle {
    bundle_of(5)
}

pub type Files = BTreeMap<String, Vec<u8>>;

pub fn files(bundle: &Bundle) -> Files {
    bundle.to_files().unwrap().into_iter().collect()
}

pub fn chain(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", chain(cause)));
    format!("{error}{}", cause.unwrap_or_default())
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Returns a `model.tar.gz` of entries with these paths, types and contents. The headers are
/// written by hand, because the library refuses to write hostile ones.
pub fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
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

pub fn valid_archive(prefix: &str) -> Vec<u8> {
    let files = files(&bundle());
    archive(&[
        (prefix.trim_end_matches("x"), EntryType::Directory, b""),
        (&format!("{prefix}{FOREST_BIN}"), EntryType::Regular, &files[FOREST_BIN]),
        (&format!("{prefix}code/anything.py"), EntryType::Regular, b"passed over"),
        (&format!("{prefix}{METADATA_JSON}"), EntryType::Regular, &files[METADATA_JSON]),
        (&format!("{prefix}{RECIPE_JSON}"), EntryType::Regular, &files[RECIPE_JSON]),
        (&format!("{prefix}{BACKGROUND_BIN}"), EntryType::Regular, &files[BACKGROUND_BIN]),
    ])
}

/// Reads a bundle after replacing the contents of the file `name`.
pub fn with(mut files: Files, name: &str, bytes: impl Into<Vec<u8>>) -> Result<Bundle, String> {
    assert!(files.insert(name.to_owned(), bytes.into()).is_some(), "{name}");
    Bundle::from_files(files).map_err(|error| chain(&error))
}

/// Replaces bytes of a forest file and corrects its checksum.
pub fn patched(forest: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut patched = forest.to_vec();
    patched[at..at + bytes.len()].copy_from_slice(bytes);
    let end = patched.len() - 4;
    let checksum = crc32fast::hash(&patched[..end]);
    patched[end..].copy_from_slice(&checksum.to_le_bytes());
    patched
}

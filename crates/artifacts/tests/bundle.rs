//! The bundle: round trip, damage, hostile archives, and the file of the first release.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::Write;

use artifacts::{Bundle, FOREST_BIN, METADATA_JSON, Measure, Metadata, RECIPE_JSON};
use dataset::{
    BadCells, Column, Feature, Label, MissingValues, Recipe, Rules, Schema, TableReader,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use forest::RandomForest;
use linfa::Dataset;
use linfa::prelude::Fit;
use ndarray::{Array1, Array2};
use proptest::prelude::*;
use tar::{EntryType, Header};

fn from_archive(bytes: &[u8]) -> Result<Bundle, artifacts::BundleError> {
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
    let rules = Rules { missing_values: MissingValues::Drop, bad_cells: BadCells::Error };
    let mut reader = TableReader::new(&schema, rules);
    let rows = "Pressure,Vibration,Downtime\n1.5,2,0\n3,4.25,1\n";
    reader.read("a.csv", rows.as_bytes()).unwrap();
    let ratio =
        Feature { name: "Ratio".to_owned(), expression: "Pressure / mean(Vibration)".to_owned() };
    Recipe::fit(&schema, &[ratio], &reader.finish().unwrap().0, &[0, 1]).unwrap()
}

fn bundle() -> Bundle {
    let records = Array2::from_shape_fn((60, 3), |(row, column)| ((row * 7 + column) % 13) as f32);
    let labels: Array1<usize> = records.column(1).iter().map(|&x| usize::from(x > 6.0)).collect();
    let params = RandomForest::params().n_estimators(5).random_state(1);
    let forest = params.fit(&Dataset::new(records, labels)).unwrap();
    Bundle {
        metadata: Metadata {
            algorithm: "random_forest".to_owned(),
            program_version: "0.1.0".to_owned(),
            data_digest: "00".repeat(32),
            training_rows: 60,
            hyperparameters: [("n_estimators".to_owned(), "5".to_owned())].into(),
            training_metrics: [
                ("accuracy".to_owned(), Measure(1.0)),
                ("precision".to_owned(), Measure(f64::NAN)),
            ]
            .into_iter()
            .collect(),
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

fn files(bundle: &Bundle) -> [Vec<u8>; 3] {
    bundle.to_files().unwrap().map(|(_, bytes)| bytes)
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
    let [forest, recipe, metadata] = files(&bundle());
    archive(&[
        (prefix.trim_end_matches("x"), EntryType::Directory, b""),
        (&format!("{prefix}{FOREST_BIN}"), EntryType::Regular, &forest),
        (&format!("{prefix}code/anything.py"), EntryType::Regular, b"passed over"),
        (&format!("{prefix}{METADATA_JSON}"), EntryType::Regular, &metadata),
        (&format!("{prefix}{RECIPE_JSON}"), EntryType::Regular, &recipe),
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

#[test]
fn the_first_release_is_still_read() {
    let fixture = include_bytes!("fixtures/model-v1.tar.gz");
    assert_eq!(from_archive(fixture).unwrap(), bundle());
    // And the forest, recipe and metadata are still written the same.
    let mut written = Vec::new();
    for (name, bytes) in bundle().to_files().unwrap() {
        written.extend([name.as_bytes(), b"\n", &bytes].concat());
    }
    assert_eq!(crc32fast::hash(&written), WRITTEN);
}

/// The CRC-32 of the first release's three files.
const WRITTEN: u32 = 3_203_208_464;

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
    insta::assert_snapshot!(with("recipe.json", file, b"{}"), @"the archive has no `forest.bin`; it has: recipe.json");
    insta::assert_snapshot!(refused(&archive(&[])), @"the archive has no `forest.bin`; it has: nothing");
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
        assert!(from_archive(&damaged).is_err(), "{byte}");
    }
}

#[test]
fn a_damaged_forest_is_refused() {
    let [forest, recipe, metadata] = files(&bundle());
    let read = |forest: Vec<u8>| {
        Bundle::from_files([forest, recipe.clone(), metadata.clone()])
            .map_err(|error| chain(&error))
    };
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
    let patched = |at: usize, bytes: &[u8]| {
        let mut patched = forest.clone();
        patched[at..at + bytes.len()].copy_from_slice(bytes);
        let end = patched.len() - 4;
        let checksum = crc32fast::hash(&patched[..end]);
        patched[end..].copy_from_slice(&checksum.to_le_bytes());
        patched
    };
    insta::assert_snapshot!(read(b"PK\x03\x04....".to_vec()).unwrap_err(), @"forest.bin does not begin with `MDFOREST`, it is no forest");
    insta::assert_snapshot!(read(patched(8, &[2])).unwrap_err(), @"forest.bin has format version 2, expected 1");
    insta::assert_snapshot!(read(patched(12, &[0xff; 4])).unwrap_err().split(" at ").next().unwrap(), @"forest.bin is cut short");
    insta::assert_snapshot!(read(patched(16, &[0xff; 4])).unwrap_err().split(" at ").next().unwrap(), @"forest.bin is cut short");
    assert!(read(patched(20, &[4])).unwrap_err().starts_with("forest.bin has "));
    // The root of the first tree: 24 bytes of header, 3 importances, two counts.
    insta::assert_snapshot!(read(patched(24 + 24 + 8, &[9])).unwrap_err(), @"forest.bin holds no usable forest: tree 0 cannot be used: a split looks at a feature that does not exist");
    let mut flipped = forest.clone();
    flipped[24 + 24 + 12] ^= 1;
    assert!(read(flipped).unwrap_err().starts_with("forest.bin is damaged: its checksum is "));
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let [forest, recipe, metadata] = files(&bundle());
    let read = |recipe: &[u8], metadata: &[u8]| {
        let files = [forest.clone(), recipe.to_vec(), metadata.to_vec()];
        chain(&Bundle::from_files(files).unwrap_err())
    };
    let with = |bytes: &[u8], from: &str, to: &str| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.contains(from), "{text}");
        text.replace(from, to).into_bytes()
    };
    let version = "\"format_version\": 1";
    let newer = "\"format_version\": 2";
    insta::assert_snapshot!(read(&with(&recipe, version, newer), &metadata), @"recipe.json has format version 2, expected 1");
    insta::assert_snapshot!(read(&recipe, &with(&metadata, version, newer)), @"metadata.json has format version 2, expected 1");
    insta::assert_snapshot!(read(b"{}", &metadata), @"recipe.json is not in its format: missing field `format_version` at line 1 column 2");
    insta::assert_snapshot!(read(b"[", &metadata), @"recipe.json is not in its format: EOF while parsing a list at line 1 column 1");
    insta::assert_snapshot!(read(&recipe, &with(&metadata, "60", "\"many\"")), @r#"metadata.json is not in its format: invalid type: string "many", expected usize at line 6 column 25"#);
    insta::assert_snapshot!(read(&with(&recipe, "\"mean\"", "\"median\""), &metadata), @"recipe.json is not in its format: the statistics of feature `Ratio` are not those of `Pressure / mean(Vibration)` at line 42 column 1");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = from_archive(&bytes);
        let _ = from_archive(&gzip(&bytes));
        let _ = Bundle::from_files([bytes.clone(), bytes.clone(), bytes.clone()]);
        let forest = [b"MDFOREST\x01\0\0\0", bytes.as_slice()].concat();
        let _ = Bundle::from_files([forest, bytes.clone(), bytes]);
    }
}

/// Writes the fixture: `cargo test -p artifacts -- --ignored`, once for a new format version.
#[test]
#[ignore = "writes a fixture"]
fn write_fixture() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/model-v1.tar.gz");
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    std::fs::write(path, sound("")).unwrap();
}

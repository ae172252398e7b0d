//! Reading bundles from archives and files, valid and damaged.

use std::collections::BTreeMap;
use std::io::{self, Read};

use artifacts::{
    BACKGROUND_BIN, Bundle, BundleFile, FOREST_BIN, METADATA_JSON, Metadata, RECIPE_JSON,
};
use indexmap::IndexMap;
use ndarray::array;
use proptest::prelude::*;
use tar::EntryType;

use crate::sample::{
    Files, archive, bundle, bundle_of, chain, files, from_archive, gzip, patched, recipe,
    valid_archive, with,
};

fn refused(archive: &[u8]) -> String {
    chain(&from_archive(archive).unwrap_err())
}

#[test]
fn a_bundle_survives_the_round_trip_through_an_archive() {
    assert_eq!(from_archive(&valid_archive("")).unwrap(), bundle());
    assert_eq!(from_archive(&valid_archive("./")).unwrap(), bundle());
}

#[test]
fn a_bundle_of_format_version_1_is_read() {
    let found = from_archive(include_bytes!("../fixtures/model-v1.tar.gz")).unwrap();
    // Version 1 of a recipe has no ranges.
    let written = artifacts::write_recipe(&recipe()).unwrap();
    let mut old: serde_json::Value = serde_json::from_slice(&written).unwrap();
    old["format_version"] = 1.into();
    for column in old["recipe"]["columns"].as_array_mut().unwrap() {
        column.as_object_mut().unwrap().remove("range").unwrap();
    }
    assert_eq!(found.recipe, artifacts::read_recipe(old.to_string().as_bytes()).unwrap());
    assert_eq!(found.forest.trees().len(), 5);
    assert_eq!(found.background, None);
    let metadata = Metadata {
        feature_importances: found.metadata.feature_importances.clone(),
        permutation_importances: IndexMap::new(),
        ..bundle().metadata
    };
    assert_eq!(found.metadata, metadata);
    // Version 1 stored shares, which are read as gains; importances differ by rounding only.
    let importances = found.metadata.feature_importances.values();
    for (stored, counted) in importances.zip(found.forest.feature_importances()) {
        assert!((stored - counted).abs() < 1e-12, "{stored} {counted}");
    }
    let rows = array![[0.0_f32, 1.0, 2.0], [7.0, 6.5, 9.0], [4.0, 7.0, 6.0], [12.0, 0.0, 1.0]];
    let failing = found.forest.predict_proba(rows.view()).unwrap().column(1).to_vec();
    insta::assert_snapshot!(format!("{failing:?}"), @"[0.0, 0.6, 0.4, 0.0]");
    // It is written in the current version and read back unchanged.
    assert_eq!(Bundle::from_files(files(&found)).unwrap(), found);
}

#[test]
fn the_bytes_of_a_bundle_do_not_change() {
    let mut written = Vec::new();
    for (name, bytes) in bundle().to_files().unwrap() {
        written.extend([name.as_bytes(), b"\n", &bytes].concat());
    }
    assert_eq!(crc32fast::hash(&written), WRITTEN);
}

/// The CRC-32 of the four files. It may change only together with a format version.
const WRITTEN: u32 = 3_711_057_169;

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
fn an_archive_unpacks_to_no_more_than_the_caller_allows() {
    let archive = valid_archive("");
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&archive[..]).read_to_end(&mut unpacked).unwrap();
    let most = unpacked.len() as u64;
    let read = |most| Bundle::from_archive_within(&archive[..], archive.len() as u64, most);
    assert_eq!(read(most).unwrap(), bundle());
    let message = chain(&read(most - 1).unwrap_err());
    assert_eq!(
        message,
        format!(
            "the archive unpacks to more than {} bytes, the most that a model may have here",
            most - 1
        )
    );
}

#[test]
fn damaged_archives_are_refused() {
    insta::assert_snapshot!(refused(b""), @"the archive is not a gzipped tar, or is damaged: unexpected end of file");
    insta::assert_snapshot!(refused(b"PK\x03\x04 something else"), @"the archive is not a gzipped tar, or is damaged: invalid gzip header");
    let whole = valid_archive("");
    for length in (0..whole.len()).step_by(7) {
        assert!(from_archive(&whole[..length]).is_err(), "{length}");
    }
    // No checksum covers the gzip header, which holds a timestamp and flags.
    for byte in (10..whole.len()).step_by(3) {
        let mut damaged = whole.clone();
        damaged[byte] ^= 1 << (byte % 8);
        // A changed byte can still decompress to the same bytes.
        let read = from_archive(&damaged);
        assert!(read.is_err() || read.unwrap() == bundle(), "{byte}");
    }
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
    insta::assert_snapshot!(patched(8, &[4]), @"forest.bin has format version 4, expected 1, 2 or 3");
    insta::assert_snapshot!(patched(12, &[0xff; 4]), @"forest.bin is of another training than metadata.json");
    insta::assert_snapshot!(patched(16, &[1]), @"forest.bin says that it is shard 2 of 1 of 5 trees");
    insta::assert_snapshot!(patched(20, &[0; 4]), @"forest.bin says that it is shard 1 of 0 of 5 trees");
    insta::assert_snapshot!(patched(20, &[6]), @"forest.bin says that it is shard 1 of 6 of 5 trees");
    insta::assert_snapshot!(patched(24, &[4]), @"forest.bin has 68 bytes after its last tree");
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
fn a_large_forest_is_prepared_by_several_threads_in_the_order_of_its_trees() {
    let whole = bundle_of(40_000);
    let files = files(&whole);
    let forest = &files[FOREST_BIN];
    assert_eq!(Bundle::from_files(files.clone()).unwrap(), whole);
    let read = |forest: &[u8]| with(files.clone(), FOREST_BIN, forest).unwrap_err();
    // A tree of one split has 68 bytes: two counts, three nodes, four shares, two covers.
    let feature_of = |tree: usize| 36 + 24 + 68 * tree + 8;
    let one = patched(forest, feature_of(30_000), &[9]);
    let two = patched(&one, feature_of(29_999), &[9]);
    insta::assert_snapshot!(read(&two), @"forest.bin holds no usable forest: tree 29999 cannot be used: a split looks at a feature that does not exist");
    insta::assert_snapshot!(read(&forest[..1 << 21]), @"forest.bin is cut short at byte 2097148");
    insta::assert_snapshot!(read(&patched(forest, 24, &39_999_u32.to_le_bytes())), @"forest.bin has 68 bytes after its last tree");
    let mut flipped = forest.clone();
    flipped[1 << 21] ^= 1;
    assert!(read(&flipped).starts_with("forest.bin is damaged: its checksum is "));
}

#[test]
fn files_that_end_early_or_cannot_be_read_are_named() {
    struct Gone;
    impl Read for Gone {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let files = files(&bundle());
    let read = |name: &str, file: BundleFile<'_>| {
        let others = files.iter().map(|(name, bytes)| (name.clone(), bytes.clone().into()));
        let mut readers: BTreeMap<String, BundleFile<'_>> = others.collect();
        readers.insert(name.to_owned(), file);
        chain(&Bundle::from_readers(readers).unwrap_err())
    };
    insta::assert_snapshot!(read(RECIPE_JSON, BundleFile::new(Gone, 100)), @"recipe.json cannot be read: the disk is gone");
    let forest = &files[FOREST_BIN];
    let length = forest.len() as u64;
    for begin in [0, 12, 100] {
        let error = read(FOREST_BIN, BundleFile::new(forest[..begin].chain(Gone), length));
        assert_eq!(error, "forest.bin cannot be read: the disk is gone", "{begin}");
    }
    let error = read(FOREST_BIN, BundleFile::new(&forest[..100], length));
    assert_eq!(error, format!("forest.bin is cut short at byte {}", length - 4));
}

#[test]
fn a_damaged_background_is_refused() {
    let mut files = files(&bundle());
    let background = files[BACKGROUND_BIN].clone();
    let read = |bytes: Vec<u8>| with(files.clone(), BACKGROUND_BIN, bytes);
    for length in 0..background.len() {
        let error = read(background[..length].to_vec()).unwrap_err();
        assert!(error.starts_with("background.bin "), "{error}");
    }
    for bit in 0..background.len() * 8 {
        let mut damaged = background.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(read(damaged).is_err(), "{bit}");
    }
    let patched = |at: usize, bytes: &[u8]| read(patched(&background, at, bytes)).unwrap_err();
    insta::assert_snapshot!(read(b"PK\x03\x04....".to_vec()).unwrap_err(), @"background.bin does not begin with `MDBACKGR`, it has no training rows");
    insta::assert_snapshot!(read(background[..26].to_vec()).unwrap_err(), @"background.bin has 26 bytes, expected 52");
    insta::assert_snapshot!(patched(8, &[2]), @"background.bin has format version 2, expected 1");
    insta::assert_snapshot!(patched(12, &[0xff; 4]), @"background.bin is of another training than metadata.json");
    insta::assert_snapshot!(patched(16, &[0]), @"background.bin has 0 rows, expected 1 to 100");
    insta::assert_snapshot!(patched(16, &[101]), @"background.bin has 101 rows, expected 1 to 100");
    insta::assert_snapshot!(patched(16, &[3]), @"background.bin has 52 bytes, expected 64");
    insta::assert_snapshot!(patched(20, &[2]), @"background.bin has rows of 2 features, expected 3, which the forest takes");
    insta::assert_snapshot!(patched(24, &f32::NAN.to_le_bytes()), @"background.bin has the value NaN, expected a finite number");
    let mut flipped = background.clone();
    flipped[24] ^= 1;
    assert!(read(flipped).unwrap_err().starts_with("background.bin is damaged: its checksum is "));
    // Models of earlier versions have none.
    files.remove(BACKGROUND_BIN);
    assert_eq!(Bundle::from_files(files).unwrap(), Bundle { background: None, ..bundle() });
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
    let version = |number: u32| format!("\"format_version\": {number}");
    let later = |bytes: &[u8], number| replaced(bytes, &version(number), &version(number + 1));
    insta::assert_snapshot!(read(RECIPE_JSON, &later(recipe, 2)), @"recipe.json has format version 3, expected 1 or 2");
    insta::assert_snapshot!(read(METADATA_JSON, &later(metadata, 2)), @"metadata.json has format version 3, expected 1 or 2");
    insta::assert_snapshot!(read(RECIPE_JSON, b"{}"), @"recipe.json is not in its format: missing field `format_version` at line 1 column 2");
    insta::assert_snapshot!(read(RECIPE_JSON, b"["), @"recipe.json is not in its format: EOF while parsing a list at line 1 column 1");
    insta::assert_snapshot!(read(METADATA_JSON, &replaced(metadata, "rows\": 60", "rows\": \"many\"")), @r#"metadata.json is not in its format: invalid type: string "many", expected usize at line 6 column 25"#);
    insta::assert_snapshot!(read(METADATA_JSON, &replaced(metadata, "rows\": 60", "rows\": 61")), @"forest.bin is of another training than metadata.json");
    insta::assert_snapshot!(read(RECIPE_JSON, &replaced(recipe, "\"mean\"", "\"median\"")), @"recipe.json is not in its format: the statistics of feature `Ratio` are not those of `Pressure / mean(Vibration)` at line 50 column 1");
    // Columns in another order make the same number of features.
    let exchanged = exchanged(recipe);
    assert!(artifacts::read_recipe(&exchanged).is_ok());
    insta::assert_snapshot!(read(RECIPE_JSON, &exchanged), @"recipe.json is of another training than metadata.json");
    let other_range = replaced(recipe, "4.25", "4.5");
    insta::assert_snapshot!(read(RECIPE_JSON, &other_range), @"recipe.json is of another training than metadata.json");
    // Metadata that another recipe is entered into is of another training than the forest.
    let digests = [recipe, &exchanged].map(common::sha256_hex);
    let entered = replaced(metadata, &digests[0], &digests[1]);
    let mut both = files.clone();
    both.insert(RECIPE_JSON.to_owned(), exchanged.clone());
    insta::assert_snapshot!(with(both, METADATA_JSON, entered).unwrap_err(), @"forest.bin is of another training than metadata.json");
    for missing in [RECIPE_JSON, METADATA_JSON] {
        let mut files = files.clone();
        files.remove(missing);
        let error = chain(&Bundle::from_files(files).unwrap_err());
        assert!(error.starts_with(&format!("the model has no `{missing}`; it has: ")), "{error}");
    }
}

/// Returns a recipe with its two columns in the other order.
fn exchanged(recipe: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(recipe.to_vec()).unwrap();
    let text = text.replace("Pressure", "X").replace("Vibration", "Pressure");
    text.replace('X', "Vibration").into_bytes()
}

/// Returns the files as the program before version 2 of the metadata wrote them: nothing in them depends on the
/// recipe, apart from the names of its features.
fn without_recipe_digest(mut files: Files) -> Files {
    // The identifier that this program gave to the training of the sample.
    const TRAINING: u32 = 3_239_231_610;
    let metadata = String::from_utf8(files[METADATA_JSON].clone()).unwrap();
    let metadata = metadata.replace("\"format_version\": 2", "\"format_version\": 1");
    let end = metadata.find(",\n  \"recipe_digest\"").unwrap();
    let metadata = format!("{}\n}}\n", &metadata[..end]);
    let forest = patched(&files[FOREST_BIN], 12, &TRAINING.to_le_bytes());
    let background = patched(&files[BACKGROUND_BIN], 12, &TRAINING.to_le_bytes());
    files.insert(METADATA_JSON.to_owned(), metadata.into_bytes());
    files.insert(FOREST_BIN.to_owned(), forest);
    files.insert(BACKGROUND_BIN.to_owned(), background);
    files
}

#[test]
fn a_bundle_without_the_digest_of_its_recipe_is_held_together_by_feature_names() {
    let files = without_recipe_digest(files(&bundle()));
    assert_eq!(Bundle::from_files(files.clone()).unwrap(), bundle());
    let exchanged = exchanged(&files[RECIPE_JSON]);
    let error = with(files.clone(), RECIPE_JSON, exchanged.clone()).unwrap_err();
    insta::assert_snapshot!(error, @"recipe.json is of another training than metadata.json");
    // Several hosts left no names.
    let mut metadata: serde_json::Value = serde_json::from_slice(&files[METADATA_JSON]).unwrap();
    metadata["feature_importances"] = serde_json::json!({});
    let mut unnamed = files;
    unnamed.insert(METADATA_JSON.to_owned(), metadata.to_string().into_bytes());
    assert!(with(unnamed, RECIPE_JSON, exchanged).is_ok());
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = from_archive(&bytes);
        let _ = from_archive(&gzip(&bytes));
        let whole = files(&bundle());
        let _ = with(whole.clone(), METADATA_JSON, bytes.clone());
        let _ = with(whole.clone(), RECIPE_JSON, bytes.clone());
        let _ = with(whole.clone(), BACKGROUND_BIN, [&b"MDBACKGR"[..], &bytes].concat());
        for version in [1, 2] {
            let forest = [&b"MDFOREST"[..], &[version, 0, 0, 0], &bytes].concat();
            let _ = with(whole.clone(), FOREST_BIN, forest);
        }
    }
}

//! Reads model bundles. The first byte names the format of the others, because the checksums of an
//! archive would stop almost every mutation before the parsers behind them:
//!
//! - `a`: `model.tar.gz`
//! - `t`: the tar archive, which the target compresses
//! - `s`: `metadata.json`, 0xFF, `recipe.json`, 0xFF, the length of the first shard as u16, and two shards
//!   without their checksums
//! - `b`: `metadata.json`, 0xFF, `recipe.json`, 0xFF, the length of `forest.bin` as u16, and `forest.bin` and
//!   `background.bin` without their checksums
//! - other: `metadata.json`, 0xFF, `recipe.json`, 0xFF, `forest.bin` without its checksum

#![no_main]

use std::collections::BTreeMap;
use std::io::Write;

use artifacts::{BACKGROUND_BIN, Bundle, BundleError, FOREST_BIN, METADATA_JSON, RECIPE_JSON};
use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use ndarray::Array2;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Splits the input into the files of a bundle; `None` where there are fewer. `names` are those of its last
/// one or two files.
fn files(data: &[u8], names: &[&str]) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut parts = data.splitn(3, |&byte| byte == 0xff);
    let (metadata, recipe, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let contents = if names.len() == 2 {
        let (&length, rest) = rest.split_first_chunk()?;
        let (first, second) = rest.split_at_checked(u16::from_le_bytes(length).into())?;
        vec![first, second]
    } else {
        vec![rest]
    };
    let mut files = BTreeMap::from([
        (METADATA_JSON.to_owned(), metadata.to_vec()),
        (RECIPE_JSON.to_owned(), recipe.to_vec()),
    ]);
    for (name, contents) in names.iter().zip(contents) {
        let checksum = crc32fast::hash(contents).to_le_bytes();
        files.insert((*name).to_owned(), [contents, &checksum].concat());
    }
    Some(files)
}

fn read(kind: u8, data: &[u8]) -> Option<Result<Bundle, BundleError>> {
    match kind {
        b'a' => Some(Bundle::from_archive(data, data.len() as u64)),
        b't' => {
            let archive = gzip(data);
            Some(Bundle::from_archive(archive.as_slice(), archive.len() as u64))
        }
        b's' => files(data, &["forest-1-of-2.bin", "forest-2-of-2.bin"]).map(Bundle::from_files),
        b'b' => files(data, &[FOREST_BIN, BACKGROUND_BIN]).map(Bundle::from_files),
        _ => files(data, &[FOREST_BIN]).map(Bundle::from_files),
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&kind, data)) = data.split_first() else { return };
    let Some(Ok(bundle)) = read(kind, data) else { return };

    let files = bundle.to_files().unwrap();
    let again = Bundle::from_files(files.iter().cloned().collect()).unwrap();
    assert_eq!(again, bundle);
    assert_eq!(again.to_files().unwrap(), files);

    // Any trees that were read give a prediction for every row.
    let columns = bundle.recipe.schema().columns().len();
    let mut rows = Vec::new();
    let mut counts = bundle.recipe.no_counts();
    for reading in [0.0, -1.5, f64::from(f32::MAX), f64::NAN] {
        bundle.recipe.apply(&mut vec![reading; columns], &mut rows, &mut counts);
    }
    assert!(rows.iter().all(|cell| cell.is_finite()));
    let records = Array2::from_shape_vec((4, rows.len() / 4), rows).unwrap();
    for row in bundle.forest.predict_proba(records.view()).unwrap().rows() {
        assert!(row.iter().all(|share| (0.0..=1.001).contains(share)), "{row}");
        assert!((row.sum() - 1.0).abs() < 0.002, "{row}");
    }
});

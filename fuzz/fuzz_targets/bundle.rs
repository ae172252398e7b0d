//! The model bundle. The first byte says what the others are, for a checksum keeps almost every
//! change of an archive from what is behind it:
//!
//! - `a`: `model.tar.gz`
//! - `t`: the tar, packed here
//! - other: `metadata.json`, 0xFF, `recipe.json`, 0xFF, `forest.bin` without its checksum

#![no_main]

use std::io::Write;

use artifacts::{Bundle, BundleError};
use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use ndarray::Array2;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The three files of `from_files`; none where there are fewer.
fn parts(data: &[u8]) -> Option<[Vec<u8>; 3]> {
    let mut parts = data.splitn(3, |&byte| byte == 0xff).map(<[u8]>::to_vec);
    let (metadata, recipe, mut forest) = (parts.next()?, parts.next()?, parts.next()?);
    forest.extend(crc32fast::hash(&forest).to_le_bytes());
    Some([forest, recipe, metadata])
}

fn read(kind: u8, data: &[u8]) -> Option<Result<Bundle, BundleError>> {
    match kind {
        b'a' => Some(Bundle::from_archive(data, data.len() as u64)),
        b't' => {
            let archive = gzip(data);
            Some(Bundle::from_archive(archive.as_slice(), archive.len() as u64))
        }
        _ => parts(data).map(Bundle::from_files),
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&kind, data)) = data.split_first() else { return };
    let Some(Ok(bundle)) = read(kind, data) else { return };

    let files = bundle.to_files().unwrap().map(|(_, bytes)| bytes);
    let again = Bundle::from_files(files.clone()).unwrap();
    assert_eq!(again, bundle);
    assert_eq!(again.to_files().unwrap().map(|(_, bytes)| bytes), files);

    // Whatever the trees are: an answer for every row.
    let columns = bundle.recipe.schema().columns().len();
    let mut rows = Vec::new();
    for reading in [0.0, -1.5, f32::MAX, f32::NAN] {
        bundle.recipe.apply(&vec![reading; columns], &mut rows);
    }
    assert!(rows.iter().all(|cell| cell.is_finite()));
    let records = Array2::from_shape_vec((4, rows.len() / 4), rows).unwrap();
    for row in bundle.forest.predict_proba(records.view()).unwrap().rows() {
        assert!(row.iter().all(|share| (0.0..=1.001).contains(share)), "{row}");
        assert!((row.sum() - 1.0).abs() < 0.002, "{row}");
    }
});

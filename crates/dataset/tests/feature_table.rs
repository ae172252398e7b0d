//! Feature tables, as Preprocess writes them and Train and Evaluate read them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use dataset::FeatureTable;
use ndarray::{Array1, Array2, array};
use proptest::prelude::*;

fn read(text: &str) -> Result<FeatureTable, String> {
    FeatureTable::read("train.csv", text.as_bytes(), ["a", "b"]).map_err(|error| error.to_string())
}

#[test]
fn a_feature_table_is_read_and_written() {
    let table = read("a,b,label\n1,-2.5,0\n3e2,.5,1\n").unwrap();
    assert_eq!(table.records, array![[1.0, -2.5], [300.0, 0.5]]);
    assert_eq!(table.labels, array![0, 1]);
    let mut out = Vec::new();
    table.write(&mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "a,b,label\n1,-2.5,0\n300,0.5,1\n");
}

#[test]
fn errors_name_the_file_and_the_place() {
    let error = |text: &str| read(text).unwrap_err();
    insta::assert_snapshot!(error(""), @"train.csv is empty, expected a header line");
    insta::assert_snapshot!(error("a,b\n"), @"train.csv ends in column `b`, expected features and then `label`");
    insta::assert_snapshot!(error("a,c,label\n"), @"train.csv has column 2 `c`, expected `b` as in the recipe");
    insta::assert_snapshot!(error("a,label\n"), @"train.csv has column 2 `label`, expected `b` as in the recipe");
    insta::assert_snapshot!(error("a,b,c,label\n"), @"train.csv has column 3 `c`, expected `label` as in the recipe");
    insta::assert_snapshot!(error("a,b,label\n"), @"train.csv has a header and no rows");
    insta::assert_snapshot!(error("a,b,label\n1,2,0\n1,2\n"), @"train.csv, line 3: the row has 2 fields, expected 3 as in the header");
    insta::assert_snapshot!(error("a,b,label\n1,,0\n"), @"train.csv, line 2, column `b`: found ``, expected a finite number");
    insta::assert_snapshot!(error("a,b,label\n1,inf,0\n"), @"train.csv, line 2, column `b`: found `inf`, expected a finite number");
    insta::assert_snapshot!(error("a,b,label\n1,2,yes\n"), @"train.csv, line 2, column `label`: found `yes`, expected 0 or 1");
}

/// Generates any finite number, subnormal ones included.
fn finite() -> impl Strategy<Value = f32> {
    prop::num::f32::NORMAL | prop::num::f32::ZERO | prop::num::f32::SUBNORMAL
}

proptest! {
    #[test]
    fn a_written_table_is_read_back_to_the_bit(
        rows in prop::collection::vec((finite(), any::<f32>(), 0_usize..2), 1..40),
    ) {
        let cells =
            rows.iter().flat_map(|row| [row.0, if row.1.is_finite() { row.1 } else { 0.1 }]);
        let table = FeatureTable {
            names: vec!["a".to_owned(), "b".to_owned()],
            records: Array2::from_shape_vec((rows.len(), 2), cells.collect()).unwrap(),
            labels: rows.iter().map(|row| row.2).collect::<Array1<_>>(),
        };
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        let back = FeatureTable::read("t.csv", out.as_slice(), ["a", "b"]).unwrap();
        let bits =
            |table: &FeatureTable| table.records.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&back), bits(&table));
        prop_assert_eq!(back.labels, table.labels);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = FeatureTable::read("t.csv", bytes.as_slice(), ["a", "b"]);
        let table = [b"a,b,label\n", bytes.as_slice()].concat();
        let _ = FeatureTable::read("t.csv", table.as_slice(), ["a", "b"]);
    }
}

//! Features from readings, and the table of features.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use dataset::{
    BadCells, CleaningRules, Column, Feature, FeatureTable, ImputationCounts, Label, MissingValues,
    Recipe, Schema, SensorTable, TableReader,
};
use ndarray::{Array1, Array2, array};
use proptest::prelude::*;

fn schema() -> Schema {
    let column = |name: &str| Column { name: name.to_owned(), unit: None, spellings: Vec::new() };
    let label = Label {
        column: "Downtime".to_owned(),
        positive: vec!["1".to_owned()],
        negative: vec!["0".to_owned()],
    };
    Schema::new(vec![column("Pressure"), column("Vibration")], label).unwrap()
}

fn table(rows: &str) -> SensorTable {
    let schema = schema();
    let rules = CleaningRules { missing_values: MissingValues::Median, bad_cells: BadCells::Error };
    let mut reader = TableReader::new(&schema, rules);
    reader.read("a.csv", format!("Pressure,Vibration,Downtime\n{rows}").as_bytes()).unwrap();
    reader.finish().unwrap().0
}

fn feature(name: &str, expression: &str) -> Feature {
    Feature { name: name.to_owned(), expression: expression.to_owned() }
}

fn features() -> Vec<Feature> {
    vec![feature("Difference", "Pressure - median(Pressure)"), feature("Ratio", "1 / Vibration")]
}

fn apply(recipe: &Recipe, readings: &[f32]) -> (Vec<f32>, ImputationCounts) {
    let mut out = Vec::new();
    let applied = recipe.apply(readings, &mut out);
    (out, applied)
}

#[test]
fn it_is_fitted_on_the_training_rows_only() {
    // The training rows are 0, 1 and 3: medians 20 of pressure and 2 of vibration.
    let table = table("10,1,1\n20,2,0\n9999,9999,1\n30,4,0\n");
    let recipe = Recipe::fit(&schema(), &features(), &table, &[0, 1, 3]).unwrap();
    let names: Vec<_> = recipe.feature_names().collect();
    assert_eq!(names, ["Pressure", "Vibration", "Difference", "Ratio"]);
    assert_eq!(apply(&recipe, &[25.0, 4.0]).0, [25.0, 4.0, 5.0, 0.25]);
    // A missing pressure becomes 20.
    let (row, applied) = apply(&recipe, &[f32::NAN, 4.0]);
    assert_eq!(row, [20.0, 4.0, 0.0, 0.25]);
    assert_eq!(applied, ImputationCounts { imputed: 1, replaced: 0 });
    // 1 / 0 becomes the median of 1, 0.5 and 0.25.
    let (row, applied) = apply(&recipe, &[20.0, 0.0]);
    assert_eq!(row, [20.0, 0.0, 0.0, 0.5]);
    assert_eq!(applied, ImputationCounts { imputed: 0, replaced: 1 });
}

#[test]
fn it_is_the_same_after_reading_it_back() {
    let table = table("10.1,1,1\n20.7,2,0\n30.3,4,0\n");
    let more = [features(), vec![feature("Score", "(Pressure - mean(Pressure)) / std(Pressure)")]];
    let recipe = Recipe::fit(&schema(), &more.concat(), &table, &[0, 1, 2]).unwrap();
    let json = serde_json::to_string_pretty(&recipe).unwrap();
    insta::assert_snapshot!(json, @r#"
    {
      "columns": [
        {
          "column": {
            "name": "Pressure"
          },
          "median": 20.7
        },
        {
          "column": {
            "name": "Vibration"
          },
          "median": 2.0
        }
      ],
      "label": {
        "column": "Downtime",
        "positive": [
          "1"
        ],
        "negative": [
          "0"
        ]
      },
      "features": [
        {
          "name": "Difference",
          "expression": "Pressure - median(Pressure)",
          "statistics": [
            {
              "statistic": "median",
              "column": "Pressure",
              "value": 20.700000762939453
            }
          ],
          "fallback": 0.0
        },
        {
          "name": "Ratio",
          "expression": "1 / Vibration",
          "statistics": [],
          "fallback": 0.5
        },
        {
          "name": "Score",
          "expression": "(Pressure - mean(Pressure)) / std(Pressure)",
          "statistics": [
            {
              "statistic": "mean",
              "column": "Pressure",
              "value": 20.366666793823242
            },
            {
              "statistic": "std",
              "column": "Pressure",
              "value": 10.104124014118824
            }
          ],
          "fallback": 0.032989893
        }
      ]
    }
    "#);
    assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe);
}

#[test]
fn a_stored_recipe_that_was_changed_is_refused() {
    let table = table("10,1,1\n20,2,0\n");
    let recipe = Recipe::fit(&schema(), &features(), &table, &[0, 1]).unwrap();
    let json = serde_json::to_string(&recipe).unwrap();
    let wrong = |from: &str, to: &str| {
        assert!(json.contains(from), "{json}");
        serde_json::from_str::<Recipe>(&json.replace(from, to)).unwrap_err().to_string()
    };
    insta::assert_snapshot!(wrong("1 / Vibration", "1 / Vibrations"), @"feature `Ratio`: `1 / Vibrations`, character 5: no column `Vibrations`; did you mean `Vibration`?");
    insta::assert_snapshot!(wrong("1 / Vibration", "1 / mean(Vibration)"), @"the statistics of feature `Ratio` are not those of `1 / mean(Vibration)`");
    insta::assert_snapshot!(wrong("\"name\":\"Ratio\"", "\"name\":\"Pressure\""), @"feature `Pressure` has the name of another column");
    insta::assert_snapshot!(wrong("\"median\":15.0", "\"median\":null"), @"invalid type: null, expected f32 at line 1 column 55");
    insta::assert_snapshot!(wrong("\"median\":15.0", "\"median\":1e99"), @"number out of range at line 1 column 55");
}

#[test]
fn features_that_cannot_be_say_why() {
    let table = table("10,1,1\n20,2,0\n,3,1\n");
    let wrong = |features: &[Feature], rows: &[usize]| {
        let error = Recipe::fit(&schema(), features, &table, rows).unwrap_err();
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        format!("{error}{}", cause.unwrap_or_default())
    };
    let one = |name, expression| wrong(&[feature(name, expression)], &[0, 1]);
    insta::assert_snapshot!(one("Double", "2 * Presure"), @"feature `Double`: `2 * Presure`, character 5: no column `Presure`; did you mean `Pressure`?");
    insta::assert_snapshot!(one("pressure", "1"), @"feature `pressure` has the name of another column");
    insta::assert_snapshot!(one("label", "1"), @"feature `label` has the name of another column");
    insta::assert_snapshot!(one("a b", "1"), @"feature `a b`: expected a name of letters, digits and `_`");
    insta::assert_snapshot!(one("Never", "ln(-Vibration)"), @"feature `Never`: `ln(-Vibration)` is not finite in any training row");
    insta::assert_snapshot!(wrong(&[], &[2]), @"column `Pressure` has no reading in any training row, expected at least one");
}

fn read(text: &str) -> Result<FeatureTable, String> {
    FeatureTable::read("train.csv", text.as_bytes(), ["a", "b"]).map_err(|error| error.to_string())
}

#[test]
fn a_feature_table_by_hand() {
    let table = read("a,b,label\n1,-2.5,0\n3e2,.5,1\n").unwrap();
    assert_eq!(table.records, array![[1.0, -2.5], [300.0, 0.5]]);
    assert_eq!(table.labels, array![0, 1]);
    let mut out = Vec::new();
    table.write(&mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "a,b,label\n1,-2.5,0\n300,0.5,1\n");
}

#[test]
fn a_feature_table_that_cannot_be_read_says_where() {
    let wrong = |text: &str| read(text).unwrap_err();
    insta::assert_snapshot!(wrong(""), @"train.csv is empty, expected a header line");
    insta::assert_snapshot!(wrong("a,b\n"), @"train.csv ends in column `b`, expected features and then `label`");
    insta::assert_snapshot!(wrong("a,c,label\n"), @"train.csv has column 2 `c`, expected `b` as in the recipe");
    insta::assert_snapshot!(wrong("a,label\n"), @"train.csv has column 2 `label`, expected `b` as in the recipe");
    insta::assert_snapshot!(wrong("a,b,c,label\n"), @"train.csv has column 3 `c`, expected `label` as in the recipe");
    insta::assert_snapshot!(wrong("a,b,label\n"), @"train.csv has a header and no rows");
    insta::assert_snapshot!(wrong("a,b,label\n1,2,0\n1,2\n"), @"train.csv, line 3: the row has 2 fields, expected 3 as in the header");
    insta::assert_snapshot!(wrong("a,b,label\n1,,0\n"), @"train.csv, line 2, column `b`: found ``, expected a finite number");
    insta::assert_snapshot!(wrong("a,b,label\n1,inf,0\n"), @"train.csv, line 2, column `b`: found `inf`, expected a finite number");
    insta::assert_snapshot!(wrong("a,b,label\n1,2,yes\n"), @"train.csv, line 2, column `label`: found `yes`, expected 0 or 1");
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_to_the_bit(
        rows in prop::collection::vec((prop::num::f32::NORMAL | prop::num::f32::ZERO | prop::num::f32::SUBNORMAL, any::<f32>(), 0_usize..2), 1..40),
    ) {
        let cells = rows.iter().flat_map(|row| [row.0, if row.1.is_finite() { row.1 } else { 0.1 }]);
        let table = FeatureTable {
            names: vec!["a".to_owned(), "b".to_owned()],
            records: Array2::from_shape_vec((rows.len(), 2), cells.collect()).unwrap(),
            labels: rows.iter().map(|row| row.2).collect::<Array1<_>>(),
        };
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        let back = FeatureTable::read("t.csv", out.as_slice(), ["a", "b"]).unwrap();
        let bits = |table: &FeatureTable| table.records.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&back), bits(&table));
        prop_assert_eq!(back.labels, table.labels);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = FeatureTable::read("t.csv", bytes.as_slice(), ["a", "b"]);
        let schema = schema();
        let rules = CleaningRules { missing_values: MissingValues::Drop, bad_cells: BadCells::Drop };
        let mut reader = TableReader::new(&schema, rules);
        let header = b"Pressure,Vibration,Downtime\n";
        let _ = reader.read("a.csv", [header, bytes.as_slice()].concat().as_slice());
        let _ = reader.read("b.csv", bytes.as_slice());
        let _ = reader.finish();
    }
}

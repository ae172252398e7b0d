//! Recipes: fitted, stored, and applied to readings.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use dataset::{
    CategoryRules, CleaningRules, Column, Feature, ImputationCounts, Label, MissingValues, Recipe,
    Schema, SensorTable, TableReader,
};

fn schema() -> Schema {
    let column = |name: &str| Column { name: name.to_owned(), ..Column::default() };
    let label = Label {
        column: "Downtime".to_owned(),
        positive: vec!["1".to_owned()],
        negative: vec!["0".to_owned()],
        missing_markers: Vec::new(),
    };
    Schema::new(vec![column("Pressure"), column("Vibration")], label).unwrap()
}

fn table(rows: &str) -> SensorTable {
    let schema = schema();
    let rules = CleaningRules { missing_values: MissingValues::Median, ..CleaningRules::default() };
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

/// Returns the features of a row and what was imputed.
fn apply(recipe: &Recipe, readings: &[f64]) -> (Vec<f32>, ImputationCounts) {
    let (mut out, mut counts) = (Vec::new(), recipe.no_counts());
    recipe.apply(&mut readings.to_vec(), &mut out, &mut counts);
    (out, counts)
}

fn counts(imputed: &[usize], replaced: &[usize]) -> ImputationCounts {
    let unseen = vec![0; imputed.len()];
    ImputationCounts { imputed: imputed.to_vec(), unseen, replaced: replaced.to_vec() }
}

#[test]
fn a_recipe_is_fitted_on_the_training_rows_only() {
    // Over the training rows 0, 1 and 3 the median pressure is 20 and the median vibration 2.
    let table = table("10,1,1\n20,2,0\n9999,9999,1\n30,4,0\n");
    let recipe =
        Recipe::fit(&schema(), &features(), &table, &[0, 1, 3], CategoryRules::default()).unwrap();
    let names: Vec<_> = recipe.feature_names().collect();
    assert_eq!(names, ["Pressure", "Vibration", "Difference", "Ratio"]);
    assert_eq!(apply(&recipe, &[25.0, 4.0]).0, [25.0, 4.0, 5.0, 0.25]);
    // A missing pressure becomes 20.
    let (row, imputed) = apply(&recipe, &[f64::NAN, 4.0]);
    assert_eq!(row, [20.0, 4.0, 0.0, 0.25]);
    assert_eq!(imputed, counts(&[1, 0], &[0, 0]));
    // 1 / 0 becomes the median of 1, 0.5 and 0.25.
    let (row, imputed) = apply(&recipe, &[20.0, 0.0]);
    assert_eq!(row, [20.0, 0.0, 0.0, 0.5]);
    assert_eq!(imputed, counts(&[0, 0], &[0, 1]));
}

#[test]
fn a_stored_recipe_is_read_back_unchanged() {
    let table = table("10.1,1,1\n20.7,2,0\n30.3,4,0\n");
    let more = [features(), vec![feature("Score", "(Pressure - mean(Pressure)) / std(Pressure)")]];
    let recipe =
        Recipe::fit(&schema(), &more.concat(), &table, &[0, 1, 2], CategoryRules::default())
            .unwrap();
    let json = serde_json::to_string_pretty(&recipe).unwrap();
    insta::assert_snapshot!(json, @r#"
    {
      "columns": [
        {
          "column": {
            "name": "Pressure"
          },
          "median": 20.7,
          "range": [
            10.1,
            30.3
          ]
        },
        {
          "column": {
            "name": "Vibration"
          },
          "median": 2.0,
          "range": [
            1.0,
            4.0
          ]
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
              "value": 20.7
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
              "value": 20.366666666666664
            },
            {
              "statistic": "std",
              "column": "Pressure",
              "value": 10.104124570359044
            }
          ],
          "fallback": 0.03298983
        }
      ]
    }
    "#);
    assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe);
}

#[test]
fn an_inconsistent_stored_recipe_is_refused() {
    let table = table("10,1,1\n20,2,0\n");
    let recipe =
        Recipe::fit(&schema(), &features(), &table, &[0, 1], CategoryRules::default()).unwrap();
    let json = serde_json::to_string(&recipe).unwrap();
    let error = |from: &str, to: &str| {
        assert!(json.contains(from), "{json}");
        serde_json::from_str::<Recipe>(&json.replace(from, to)).unwrap_err().to_string()
    };
    insta::assert_snapshot!(error("1 / Vibration", "1 / Vibrations"), @"feature `Ratio`: `1 / Vibrations`, character 5: no column `Vibrations`; did you mean `Vibration`?");
    insta::assert_snapshot!(error("1 / Vibration", "1 / mean(Vibration)"), @"the statistics of feature `Ratio` are not those of `1 / mean(Vibration)`");
    insta::assert_snapshot!(error("\"name\":\"Ratio\"", "\"name\":\"Pressure\""), @"feature `Pressure` has the name of another column");
    insta::assert_snapshot!(error("\"median\":15.0", "\"median\":null"), @"the encoding of column `Pressure` is not that of its kind");
    insta::assert_snapshot!(error("\"median\":15.0", "\"median\":1e99"), @"the median of column `Pressure` is not a number");
}

#[test]
fn unusable_features_are_errors() {
    let table = table("10,1,1\n20,2,0\n,3,1\n");
    let error = |features: &[Feature], rows: &[usize]| {
        let error =
            Recipe::fit(&schema(), features, &table, rows, CategoryRules::default()).unwrap_err();
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        format!("{error}{}", cause.unwrap_or_default())
    };
    let one = |name, expression| error(&[feature(name, expression)], &[0, 1]);
    insta::assert_snapshot!(one("Double", "2 * Presure"), @"feature `Double`: `2 * Presure`, character 5: no column `Presure`; did you mean `Pressure`?");
    insta::assert_snapshot!(one("pressure", "1"), @"feature `pressure` has the name of another column");
    insta::assert_snapshot!(one("label", "1"), @"feature `label` has the name of another column");
    insta::assert_snapshot!(one("a b", "1"), @"feature `a b`: expected a name of letters, digits and `_`");
    insta::assert_snapshot!(one("Never", "ln(-Vibration)"), @"feature `Never`: `ln(-Vibration)` is not finite in any training row");
    insta::assert_snapshot!(error(&[], &[2]), @"column `Pressure` has no reading in any training row, expected at least one");
}

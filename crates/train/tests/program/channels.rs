//! Channels that are missing or cannot be used.

use testkit::Sandbox;

use crate::job::{RECIPE, TRAIN, job, refused, refused_rows, with_field};

#[test]
fn a_missing_channel() {
    let sandbox = job();
    fs_err::remove_dir_all(sandbox.path("input/data/train")).unwrap();
    insta::assert_snapshot!(refused(&sandbox, 2), @"channel `train` is missing: /opt/ml/input/data/train is not a directory; channels here: recipe");
    insta::assert_snapshot!(refused(&Sandbox::new(), 2), @"channel `recipe` is missing: /opt/ml/input/data/recipe is not a directory; channels here: none");
}

#[test]
fn a_channel_without_its_file() {
    let sandbox = job();
    fs_err::remove_file(sandbox.path(TRAIN)).unwrap();
    insta::assert_snapshot!(refused(&sandbox, 3), @"cannot read a channel: failed to open file `/opt/ml/input/data/train/train.csv`: No such file or directory (os error 2)");
    fs_err::remove_file(sandbox.path(RECIPE)).unwrap();
    insta::assert_snapshot!(refused(&sandbox, 3), @"cannot read a channel: failed to open file `/opt/ml/input/data/recipe/recipe.json`: No such file or directory (os error 2)");
}

#[test]
fn a_recipe_that_cannot_be_used() {
    let with = |change: &dyn Fn(&str) -> String| {
        let sandbox = job();
        sandbox.file(RECIPE, change(&sandbox.read(RECIPE)));
        refused(&sandbox, 3)
    };
    let version = |text: &str| text.replacen(r#""format_version": 2"#, r#""format_version": 3"#, 1);
    insta::assert_snapshot!(with(&version), @"/opt/ml/input/data/recipe/recipe.json: recipe.json has format version 3, expected 1 or 2");
    insta::assert_snapshot!(with(&|text| text[..text.len() / 2].to_owned()), @"/opt/ml/input/data/recipe/recipe.json: recipe.json is not in its format: EOF while parsing an object at line 96 column 2");
    insta::assert_snapshot!(with(&|_| "{}".to_owned()), @"/opt/ml/input/data/recipe/recipe.json: recipe.json is not in its format: missing field `format_version` at line 1 column 2");
    let statistic = |text: &str| text.replace(r#""statistic": "median""#, r#""statistic": "mean""#);
    insta::assert_snapshot!(with(&statistic), @"/opt/ml/input/data/recipe/recipe.json: recipe.json is not in its format: the statistics of feature `Pressure_Differential` are not those of `Hydraulic_Pressure - median(Hydraulic_Pressure)` at line 183 column 1");
    let median = |text: &str| {
        let mut recipe: serde_json::Value = serde_json::from_str(text).unwrap();
        recipe["recipe"]["columns"][0]["median"] = 1e99.into();
        recipe.to_string()
    };
    insta::assert_snapshot!(with(&median), @"/opt/ml/input/data/recipe/recipe.json: recipe.json is not in its format: the median of column `Hydraulic_Pressure` is not a number at line 1 column 1702");
    let expression = |text: &str| text.replace("Hydraulic_Pressure * Cutting", "Cutting * ");
    insta::assert_snapshot!(with(&expression), @"/opt/ml/input/data/recipe/recipe.json: recipe.json is not in its format: feature `Pressure_Force_Interaction`: `Cutting * `, character 11: found the end, expected a number, a column, a function or `(` at line 183 column 1");
}

#[test]
fn a_cell_that_is_not_a_number() {
    insta::assert_snapshot!(refused_rows(|lines| lines[6] = with_field(&lines[6], 10, "broken")), @"/opt/ml/input/data/train/train.csv, line 7, column `Torque`: found `broken`, expected a finite number");
    insta::assert_snapshot!(refused_rows(|lines| lines[6] = with_field(&lines[6], 0, "")), @"/opt/ml/input/data/train/train.csv, line 7, column `Hydraulic_Pressure`: found ``, expected a finite number");
    insta::assert_snapshot!(refused_rows(|lines| lines[6] = with_field(&lines[6], 0, "inf")), @"/opt/ml/input/data/train/train.csv, line 7, column `Hydraulic_Pressure`: found `inf`, expected a finite number");
    insta::assert_snapshot!(refused_rows(|lines| lines[6] = with_field(&lines[6], 15, "2")), @"/opt/ml/input/data/train/train.csv, line 7, column `label`: found `2`, expected 0 or 1");
}

#[test]
fn rows_of_other_lengths() {
    insta::assert_snapshot!(refused_rows(|lines| lines[20].push_str(",1")), @"/opt/ml/input/data/train/train.csv, line 21: the row has 17 fields, expected 16 as in the header");
    insta::assert_snapshot!(refused_rows(|lines| lines[20] = "1,2,3".to_owned()), @"/opt/ml/input/data/train/train.csv, line 21: the row has 3 fields, expected 16 as in the header");
}

#[test]
fn other_columns_than_the_recipes() {
    insta::assert_snapshot!(refused_rows(|lines| lines[0] = with_field(&lines[0], 1, "Pressure")), @"/opt/ml/input/data/train/train.csv has column 2 `Pressure`, expected `Coolant_Pressure` as in the recipe");
    insta::assert_snapshot!(refused_rows(|lines| lines[0] = with_field(&lines[0], 15, "Downtime")), @"/opt/ml/input/data/train/train.csv ends in column `Downtime`, expected features and then `label`");
    let narrower = |lines: &mut Vec<String>| {
        for line in lines {
            let mut fields: Vec<_> = line.split(',').collect();
            fields.remove(14);
            *line = fields.join(",");
        }
    };
    insta::assert_snapshot!(refused_rows(narrower), @"/opt/ml/input/data/train/train.csv has column 15 `label`, expected `Pressure_Force_Interaction` as in the recipe");
}

#[test]
fn no_rows() {
    insta::assert_snapshot!(refused_rows(|lines| lines.truncate(1)), @"/opt/ml/input/data/train/train.csv has a header and no rows");
    insta::assert_snapshot!(refused_rows(Vec::clear), @"/opt/ml/input/data/train/train.csv is empty, expected a header line");
}

#[test]
fn rows_of_one_class() {
    let all = |class: &str| {
        refused_rows(|lines| {
            for line in &mut lines[1..] {
                *line = with_field(line, 15, class);
            }
        })
    };
    insta::assert_snapshot!(all("0"), @"/opt/ml/input/data/train/train.csv: all 463 rows are of class 0, expected both classes");
    insta::assert_snapshot!(all("1"), @"/opt/ml/input/data/train/train.csv: all 463 rows are of class 1, expected both classes");
}

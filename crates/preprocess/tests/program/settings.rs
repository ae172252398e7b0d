//! Settings of the table that cannot be used.

use config::steps::{Feature, TableSettings};
use testkit::Sandbox;

use crate::job::{RAW, SETTINGS, job, outputs, refused_with, sample, set};

#[test]
fn a_file_that_is_missing_or_malformed() {
    let sandbox = Sandbox::new();
    sandbox.file(RAW, sample(50));
    let refused = |document: &str| {
        sandbox.file(SETTINGS, document);
        refused_with(&sandbox, 2, &[])
    };
    insta::assert_snapshot!(refused_with(&sandbox, 2, &[]), @"cannot read the settings of the table, the input `settings` of the job: failed to open file `/opt/ml/processing/settings/table.json`: No such file or directory (os error 2)");
    insta::assert_snapshot!(refused(""), @"/opt/ml/processing/settings/table.json does not hold the settings of a table: EOF while parsing a value at line 1 column 0");
    insta::assert_snapshot!(refused("{}"), @"/opt/ml/processing/settings/table.json does not hold the settings of a table: missing field `format_version` at line 1 column 2");
    let document = TableSettings::default().to_json();
    insta::assert_snapshot!(refused(&document.replace("\"format_version\": 2", "\"format_version\": 1")), @"/opt/ml/processing/settings/table.json does not hold the settings of a table: format_version: found version 1, expected 2 at line 2 column 21");
    insta::assert_snapshot!(refused(&document.replace("\"features\": [", "\"extra\": [")), @"/opt/ml/processing/settings/table.json does not hold the settings of a table: extra: unknown field `extra`, expected one of `format_version`, `columns`, `all_columns_except`, `label`, `features`, `categories`, `split`, `stratify`, `missing_values`, `bad_cells`, `missing_labels`, `duplicates`, `format` at line 71 column 9");
    insta::assert_snapshot!(refused(&document.replace("\"unit\": \"Nm\"", "\"unit\": 1")), @"/opt/ml/processing/settings/table.json does not hold the settings of a table: columns[10].unit: invalid type: integer `1`, expected a string at line 46 column 15");
}

#[test]
fn a_typo_in_a_features_expression_points_at_it() {
    let sandbox = job(sample(50));
    let refused = |name: &str, expression: &str| {
        let feature = Feature { name: name.to_owned(), expression: expression.to_owned() };
        set(&sandbox, |settings| settings.features = vec![feature]);
        refused_with(&sandbox, 2, &[])
    };
    insta::assert_snapshot!(refused("X", "Hydraulic_Presure * 2"), @"feature `X`: `Hydraulic_Presure * 2`, character 1: no column `Hydraulic_Presure`; did you mean `Hydraulic_Pressure`?");
    insta::assert_snapshot!(refused("X", "Torque +* 2"), @"feature `X`: `Torque +* 2`, character 9: found `*`, expected a number, a column, a function or `(`");
    insta::assert_snapshot!(refused("X", "medain(Torque)"), @"feature `X`: `medain(Torque)`, character 1: no function `medain`; did you mean `median`?");
    insta::assert_snapshot!(refused("Torque", "Voltage * 2"), @"feature `Torque` has the name of another column");
    insta::assert_snapshot!(refused("X,Y", "Voltage * 2"), @"feature `X,Y`: expected a name of letters, digits and `_`");
}

#[test]
fn a_feature_without_any_value() {
    let sandbox = job(sample(50));
    let expression = "ln(0 - abs(Torque))".to_owned();
    set(&sandbox, |settings| {
        settings.features = vec![Feature { name: "X".to_owned(), expression }];
    });
    insta::assert_snapshot!(refused_with(&sandbox, 3, &[]), @"feature `X`: `ln(0 - abs(Torque))` is not finite in any training row");
}

#[test]
fn ambiguous_columns_and_labels() {
    let sandbox = job(sample(50));
    let refused = |change: &dyn Fn(&mut TableSettings)| {
        set(&sandbox, change);
        refused_with(&sandbox, 2, &[])
    };
    insta::assert_snapshot!(refused(&|settings| settings.columns[0].spellings = vec!["torque".to_owned()]), @"the columns cannot be used: the name `torque` stands for two columns");
    insta::assert_snapshot!(refused(&|settings| settings.label.positive = vec!["no".to_owned()]), @"the columns cannot be used: the label value `no` means both classes");
    insta::assert_snapshot!(refused(&|settings| settings.columns.clear()), @"the columns cannot be used: there are no sensor columns, expected at least one");
}

/// The order of the columns is the order of the features.
#[test]
fn columns_are_those_of_the_file() {
    let sandbox = job(sample(300));
    set(&sandbox, |settings| {
        settings.columns.retain(|column| matches!(column.name.as_str(), "Torque" | "Voltage"));
        settings.columns.reverse();
        settings.features.clear();
    });
    let [.., train] = outputs(&sandbox, &[]);
    assert_eq!(train.lines().next(), Some("Torque,Voltage,label"));
}

#[test]
fn words_in_a_table_whose_columns_are_all_sensors() {
    let sandbox = job("Torque,Shift,Downtime\n20.5,early,Machine_Failure\n");
    set(&sandbox, |settings| {
        settings.columns = Vec::new();
        settings.features = Vec::new();
        settings.all_columns_except = Some(Vec::new());
    });
    insta::assert_snapshot!(refused_with(&sandbox, 3, &[]), @"/opt/ml/processing/input/raw.csv, line 2, column `Shift`: found `early`, expected a number; with `preprocessing.columns: all` every column holds numbers but for those in `preprocessing.except`");
}

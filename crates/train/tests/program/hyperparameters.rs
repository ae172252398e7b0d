//! Hyperparameters that cannot be used, and those that are ignored.

use testkit::Sandbox;

use crate::job::{RECIPE, TRAIN, job, logged, refused};

/// Runs a job that its hyperparameters must make fail, and returns the reason.
fn refused_with(hyperparameters: &[(&str, &str)]) -> String {
    let sandbox = job();
    sandbox.hyperparameters(hyperparameters);
    refused(&sandbox, 2)
}

#[test]
fn unknown_hyperparameters_are_ignored_with_a_warning() {
    let sandbox = job();
    sandbox.hyperparameters(&[
        ("n_estimators", "5"),
        ("n_estimator", "7"),
        ("_tuning_objective", "x"),
    ]);
    let outcome = sandbox.run("train", &[]).expect(0);
    insta::assert_snapshot!(logged(&outcome, "WARN"), @"
    hyperparameter `_tuning_objective` is not known here, it is ignored
    hyperparameter `n_estimator` is not known here, it is ignored
    ");
}

#[test]
fn all_invalid_hyperparameters_are_named() {
    insta::assert_snapshot!(refused_with(&[("n_estimators", "0")]), @"hyperparameter n_estimators is `0`, expected a whole number from 1 to 100000");
    insta::assert_snapshot!(refused_with(&[("max_depth", "ten")]), @"hyperparameter max_depth is `ten`, expected a whole number from 0 to 1000");
    insta::assert_snapshot!(refused_with(&[("class_weight", r#"{"negative":1,"positive":0}"#)]), @r#"hyperparameter class_weight is `{"negative":1,"positive":0}`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
    insta::assert_snapshot!(refused_with(&[("class_weight", r#"{"positive":5}"#)]), @r#"hyperparameter class_weight is `{"positive":5}`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
    insta::assert_snapshot!(
        refused_with(&[
            ("class_weight", "heavy"),
            ("max_features", "0"),
            ("min_samples_leaf", "0"),
            ("min_samples_split", "1.5"),
            ("n_estimators", "1e3"),
            ("random_state", "-1"),
        ]),
        @r#"hyperparameter class_weight is `heavy`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}; hyperparameter max_features is `0`, expected sqrt, log2, all, a whole number from 1, or a share between 0 and 1 such as 0.5; hyperparameter min_samples_leaf is `0`, expected a whole number of rows from 1, or a share of the rows such as 0.01; hyperparameter min_samples_split is `1.5`, expected a whole number of rows from 2, or a share of the rows such as 0.01; hyperparameter n_estimators is `1e3`, expected a whole number from 1 to 100000; hyperparameter random_state is `-1`, expected a whole number from 0 to 4294967295"#
    );
}

#[test]
fn hyperparameters_that_are_not_strings() {
    let sandbox = job();
    sandbox.file("input/config/hyperparameters.json", r#"{"n_estimators": 200}"#);
    insta::assert_snapshot!(refused(&sandbox, 2), @"/opt/ml/input/config/hyperparameters.json is not an object whose values are strings: invalid type: integer `200`, expected a string at line 1 column 20");
    sandbox.file("input/config/hyperparameters.json", r#"{"n_estimators": "200""#);
    insta::assert_snapshot!(refused(&sandbox, 2), @"/opt/ml/input/config/hyperparameters.json is not an object whose values are strings: EOF while parsing an object at line 1 column 22");
}

#[test]
fn a_class_that_is_never_out_of_the_bag_is_a_warning() {
    // 5 failures of 205 rows: balanced, each is drawn 20 times for each tree.
    let mut rows = "Torque,label\n".to_owned();
    for row in 0..205 {
        rows.push_str(&format!("{row}.5,{}\n", u8::from(row >= 200)));
    }
    let recipe = r#"{"format_version": 1, "recipe": {
        "columns": [{"column": {"name": "Torque", "unit": "Nm"}, "median": 20.0}],
        "label": {"column": "Downtime", "positive": ["yes"], "negative": ["no"]},
        "features": []
    }}"#;
    let warnings = |hyperparameters: &[(&str, &str)]| {
        let sandbox = Sandbox::new();
        sandbox.file(RECIPE, recipe).file(TRAIN, &rows).hyperparameters(hyperparameters);
        logged(&sandbox.run("train", &[]).expect(0), "WARN")
    };
    let trees = ("n_estimators", "20");
    for asked in ["oob_score", "permutation_importances"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(warnings(&[trees, (asked, "true")]), @"out-of-bag scores judge 0 of 5 rows of the positive class, because its weight puts the others into every tree's sample; class_weight none leaves rows of both classes out of the bag");
        }
        assert_eq!(warnings(&[trees, (asked, "true"), ("class_weight", "none")]), "");
    }
    assert_eq!(warnings(&[trees]), "");
}

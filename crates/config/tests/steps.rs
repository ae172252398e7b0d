//! A step parses the settings that the orchestrator writes for it.

use config::Metric;
use config::steps::{
    BadCells, Categories, ClassWeight, Column, ColumnKind, Criterion, Decimal, Duplicates,
    Evaluate, Feature, Format, Gate, HyperparameterValue, Hyperparameters, Label, MaxFeatures,
    MissingValues, Preprocess, Register, RegisterVariables, Samples, Split, TableFormat,
    TableSettings, Weights,
};
use proptest::prelude::*;

fn texts(arguments: &[config::steps::Argument]) -> Vec<String> {
    arguments.iter().map(ToString::to_string).collect()
}

#[test]
fn preprocess_settings_as_arguments() {
    let arguments = texts(&Preprocess::default().to_arguments());
    assert_eq!(arguments, ["--test-size=0.2", "--seed=42", "--input-version=unchecked"]);
}

#[test]
fn without_arguments_the_defaults_apply_and_unknown_ones_are_returned() {
    let parsed = Preprocess::parse(&[]).unwrap();
    assert_eq!((parsed.settings, parsed.unknown.len()), (Preprocess::default(), 0));
    let unknown = ["train".to_owned(), "--seed=7".to_owned(), "--colour=red".to_owned()];
    let parsed = Preprocess::parse(&unknown).unwrap();
    assert_eq!(parsed.settings.seed, 7);
    assert_eq!(parsed.unknown, ["train", "--colour=red"]);
}

/// The jobs of a definition that an earlier version made do not run with other columns.
#[test]
fn arguments_that_became_a_file_are_refused() {
    let old = ["--column=Torque(Nm)", "--column=Voltage", "--label", "--seed=7"];
    let error = Preprocess::parse(&old.map(str::to_owned)).unwrap_err();
    insta::assert_snapshot!(error, @"arguments of an earlier version: --column, --label; the settings of the table are a file now, settings/table.json");
    for name in ["positive", "negative", "feature", "stratify", "missing-values", "bad-cells"] {
        assert!(Preprocess::parse(&[format!("--{name}=x")]).is_err(), "{name}");
    }
}

#[test]
fn all_faults_are_reported_at_once() {
    let wrong = ["--test-size=1", "--seed=x", "--seed"];
    let error = Preprocess::parse(&wrong.map(str::to_owned)).unwrap_err();
    insta::assert_snapshot!(error, @"argument `--seed` has no value, expected `--seed=...`; argument --test-size is `1`, expected a number between 0 and 1, both excluded; argument --seed is `x`, expected a whole number from 0");
    let wrong = ["--gate=recal=0.5", "--gate=recall=2", "--metric=speed"];
    let error = Evaluate::parse(&wrong.map(str::to_owned)).unwrap_err();
    insta::assert_snapshot!(error, @"argument --metric is `speed`, expected one of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv; argument --gate is `recal=0.5`, expected `metric=minimum`, a minimum from 0 to 1 and a metric of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv; argument --gate is `recall=2`, expected `metric=minimum`, a minimum from 0 to 1 and a metric of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv");
    let map = [
        ("n_estimators", "0"),
        ("max_depth", "deep"),
        ("max_features", "0"),
        ("class_weight", "heavy"),
    ];
    let map = map.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    insta::assert_snapshot!(Hyperparameters::from_map(&map).unwrap_err(), @r#"hyperparameter class_weight is `heavy`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}; hyperparameter max_depth is `deep`, expected a whole number from 0 to 1000; hyperparameter max_features is `0`, expected sqrt, log2, all, a whole number from 1, or a share between 0 and 1 such as 0.5; hyperparameter n_estimators is `0`, expected a whole number from 1 to 100000"#);
    let map = [
        ("bootstrap", "yes"),
        ("criterion", "mse"),
        ("max_bins", "1"),
        ("max_leaf_nodes", "1"),
        ("max_samples", "1.5"),
        ("min_samples_leaf", "0"),
        ("min_samples_split", "1"),
        ("oob_score", ""),
    ];
    let map = map.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    insta::assert_snapshot!(Hyperparameters::from_map(&map).unwrap_err(), @"hyperparameter bootstrap is `yes`, expected true or false; hyperparameter criterion is `mse`, expected gini, entropy or log_loss; hyperparameter max_bins is `1`, expected 0, or a whole number from 2 to 65536; hyperparameter max_leaf_nodes is `1`, expected 0 for no limit, or at least 2; hyperparameter max_samples is `1.5`, expected a whole number of rows from 1, or a share of the rows such as 0.01; hyperparameter min_samples_leaf is `0`, expected a whole number of rows from 1, or a share of the rows such as 0.01; hyperparameter min_samples_split is `1`, expected a whole number of rows from 2, or a share of the rows such as 0.01; hyperparameter oob_score is ``, expected true or false");
    let error = Register::parse(&[], |name| (name == "MODEL_APPROVAL_STATUS").then_some("Maybe"));
    insta::assert_snapshot!(error.unwrap_err(), @"environment variable MODEL_PACKAGE_GROUP_NAME is not set; environment variable MODEL_DATA_URL is not set; environment variable MODEL_METRICS_URL is not set; environment variable INFERENCE_IMAGE is not set; environment variable PIPELINE_NAME is not set; environment variable PIPELINE_EXECUTION_ID is not set; environment variable MODEL_APPROVAL_STATUS is `Maybe`, expected PendingManualApproval, Approved, Rejected");
}

/// The document of version 1. Another format needs another version.
#[test]
fn table_settings_as_a_document() {
    let few = |settings: TableSettings| TableSettings {
        columns: settings.columns.into_iter().skip(10).collect(),
        features: settings.features.into_iter().take(1).collect(),
        ..settings
    };
    let document = few(TableSettings::default()).to_json();
    insta::assert_snapshot!(document, @r#"
    {
      "format_version": 2,
      "columns": [
        {
          "name": "Torque",
          "unit": "Nm"
        },
        {
          "name": "Cutting",
          "unit": "kN",
          "spellings": [
            "Cutting_Force"
          ]
        }
      ],
      "label": {
        "column": "Downtime",
        "positive": [
          "Machine_Failure",
          "yes",
          "1",
          "true"
        ],
        "negative": [
          "No_Machine_Failure",
          "no",
          "0",
          "false"
        ]
      },
      "features": [
        {
          "name": "Pressure_Differential",
          "expression": "Hydraulic_Pressure - median(Hydraulic_Pressure)"
        }
      ],
      "categories": {
        "max_one_hot": 16,
        "min_frequency": 0.01
      },
      "split": "random",
      "stratify": true,
      "missing_values": "drop",
      "bad_cells": "error",
      "missing_labels": [],
      "duplicates": "drop",
      "format": {}
    }
    "#);
    let again = TableSettings::from_json(document.as_bytes()).unwrap();
    assert_eq!(again, few(TableSettings::default()));
    let plain = r#"{"bad_cells":"drop","columns":[{"name":"A"}],"features":[],"format_version":2,
        "label":{"column":"B","positive":["1"],"negative":["0"]},"missing_values":"median",
        "stratify":false,"missing_labels":[],"duplicates":{"by":["C"]},"format":{},
        "categories":{"max_one_hot":4,"min_frequency":0.5},"split":{"time":"Date"}}"#;
    let plain = TableSettings::from_json(plain.as_bytes()).unwrap();
    let column = Column { name: "A".to_owned(), ..Column::default() };
    assert_eq!((plain.columns, plain.bad_cells), (vec![column], BadCells::Drop));
}

#[test]
fn a_document_that_is_not_the_settings_of_a_table() {
    let document = TableSettings::default().to_json();
    let refused = |from: &str, to: &str| {
        assert!(document.contains(from), "{from}");
        let document = document.replacen(from, to, 1);
        TableSettings::from_json(document.as_bytes()).unwrap_err().to_string()
    };
    insta::assert_snapshot!(refused("\"format_version\": 2", "\"format_version\": 1"), @"format_version: found version 1, expected 2 at line 2 column 21");
    insta::assert_snapshot!(refused("\"format_version\": 2,", ""), @"missing field `format_version` at line 96 column 1");
    insta::assert_snapshot!(refused("\"stratify\": true", "\"stratified\": true"), @"stratified: unknown field `stratified`, expected one of `format_version`, `columns`, `all_columns_except`, `label`, `features`, `categories`, `split`, `stratify`, `missing_values`, `bad_cells`, `missing_labels`, `duplicates`, `format` at line 90 column 14");
    insta::assert_snapshot!(refused("\"stratify\": true,", ""), @"missing field `stratify` at line 96 column 1");
    insta::assert_snapshot!(refused("\"stratify\": true", "\"stratify\": 1"), @"stratify: invalid type: integer `1`, expected a boolean at line 90 column 15");
    insta::assert_snapshot!(refused("\"drop\"", "\"mean\""), @"missing_values: unknown variant `mean`, expected `drop` or `median` at line 91 column 26");
    insta::assert_snapshot!(refused("\"unit\": \"bar\"", "\"units\": \"bar\""), @"columns[0].units: unknown field `units`, expected one of `name`, `kind`, `order`, `missing_indicator`, `unit`, `spellings`, `missing_markers` at line 6 column 13");
    insta::assert_snapshot!(refused("\"Coolant_Pressure\"", "5"), @"columns[1].name: invalid type: integer `5`, expected a string at line 9 column 15");
    insta::assert_snapshot!(refused("\"stratify\": true", "\"stratify\": true, \"stratify\": true"), @"duplicate field `stratify` at line 90 column 30");
    insta::assert_snapshot!(refused("\n}", "\n}}"), @"trailing characters at line 96 column 2");
    insta::assert_snapshot!(refused("\n}", ""), @"EOF while parsing an object at line 96 column 0");
    insta::assert_snapshot!(TableSettings::from_json(b"").unwrap_err(), @"EOF while parsing a value at line 1 column 0");
}

#[test]
fn unknown_hyperparameters_are_returned() {
    let map = [
        ("n_estimators", "10"),
        ("max_depth", "none"),
        ("max_leaf_nodes", "None"),
        ("_tuning_objective_metric", "x"),
    ];
    let parsed =
        Hyperparameters::from_map(&map.map(|(n, v)| (n.to_owned(), v.to_owned())).into()).unwrap();
    let Hyperparameters { n_estimators, max_depth, max_leaf_nodes, .. } = parsed.settings;
    assert_eq!((n_estimators, max_depth, max_leaf_nodes), (10, 0, 0));
    assert_eq!(parsed.unknown, ["_tuning_objective_metric"]);
}

fn samples(least: u32) -> impl Strategy<Value = Samples> {
    prop_oneof![(least..).prop_map(Samples::Count), (0.001_f64..=1.0).prop_map(Samples::Fraction)]
}

fn max_features() -> impl Strategy<Value = MaxFeatures> {
    prop_oneof![
        Just(MaxFeatures::Sqrt),
        Just(MaxFeatures::Log2),
        Just(MaxFeatures::All),
        (1_u32..).prop_map(MaxFeatures::Count),
        (0.001_f64..0.999).prop_map(MaxFeatures::Fraction),
    ]
}

fn class_weight() -> impl Strategy<Value = ClassWeight> {
    let weight = || prop_oneof![1e-3_f64..1e3, 1e-9..=1e9];
    prop_oneof![
        Just(ClassWeight::Balanced),
        Just(ClassWeight::None),
        (weight(), weight())
            .prop_map(|(negative, positive)| ClassWeight::Each(Weights { negative, positive })),
    ]
}

proptest! {
    #[test]
    fn hyperparameters_survive_the_round_trip(
        n_estimators in 1_u32..=100_000, max_depth in 0_u32..=1000, min_samples_split in samples(2),
        min_samples_leaf in samples(1), random_state: u32, class_weight in class_weight(), max_features in max_features(),
        criterion in prop::sample::select(Criterion::ALL), max_leaf_nodes in 2_u32.., max_bins in 2_u32..=65_536,
        switches: [bool; 3], max_samples in samples(1),
    ) {
        let [bootstrap, oob_score, permutation_importances] = switches;
        let settings = Hyperparameters {
            n_estimators, max_depth, min_samples_split, min_samples_leaf, max_features, class_weight, random_state,
            criterion, max_leaf_nodes, max_bins, bootstrap, max_samples, oob_score, permutation_importances,
        };
        prop_assert_eq!(&Hyperparameters::from_map(&settings.to_map()).unwrap().settings, &settings);
        let written = serde_json::to_string(&settings).unwrap();
        prop_assert_eq!(serde_json::from_str::<Hyperparameters>(&written).unwrap(), settings);
    }

    #[test]
    fn preprocess_settings_survive_the_round_trip(
        test_size in 0.01_f64..0.99, seed: u64, input_version in ".{1,40}",
    ) {
        let settings = Preprocess { test_size, seed, input_version };
        let parsed = Preprocess::parse(&texts(&settings.to_arguments())).unwrap();
        prop_assert_eq!(parsed.settings, settings);
    }

    #[test]
    fn table_settings_survive_the_round_trip(
        names in prop::collection::vec(".{0,9}", 0..5), unit in prop::option::of(".{0,4}"),
        spellings in prop::collection::vec(".{0,9}", 0..3), expression in ".{0,30}", stratify: bool,
        kind in prop::sample::select(ColumnKind::ALL), max_one_hot: u32, min_frequency in 0.0_f64..=1.0,
        missing_values in prop::sample::select(MissingValues::ALL), bad_cells in prop::sample::select(BadCells::ALL),
    ) {
        let column = |name: &String| Column {
            name: name.clone(),
            kind,
            order: names.clone(),
            missing_indicator: stratify,
            unit: unit.clone(),
            spellings: spellings.clone(),
            missing_markers: names.clone(),
        };
        let feature = |name: &String| Feature { name: name.clone(), expression: expression.clone() };
        let settings = TableSettings {
            format_version: TableFormat,
            columns: names.iter().map(column).collect(),
            all_columns_except: stratify.then(|| spellings.clone()),
            label: Label { column: expression.clone(), positive: spellings.clone(), negative: names.clone() },
            features: names.iter().map(feature).collect(),
            categories: Categories { max_one_hot, min_frequency },
            split: if stratify { Split::Time(expression.clone()) } else { Split::ByMachine(expression.clone()) },
            stratify, missing_values, bad_cells,
            missing_labels: spellings.clone(),
            duplicates: if stratify { Duplicates::By(names.clone()) } else { Duplicates::Keep },
            format: Format { decimal: Some(Decimal::Comma), header_line: Some(3), sheet: Some("Daten".to_owned()), ..Format::default() },
        };
        let document = settings.to_json();
        let again = TableSettings::from_json(document.as_bytes()).unwrap();
        prop_assert_eq!(again.to_json(), document);
        prop_assert_eq!(again, settings);
    }

    #[test]
    fn evaluate_settings_survive_the_round_trip(
        minimums in prop::collection::vec(0.0_f64..=1.0, 0..8), max_model_mb in 1_u64..=4096,
    ) {
        let gates = minimums.into_iter().zip(Metric::ALL).map(|(minimum, &metric)| Gate { metric, minimum }).collect();
        let settings = Evaluate { gates, metrics: Metric::ALL.to_vec(), max_model_mb };
        let parsed = Evaluate::parse(&texts(&settings.to_arguments())).unwrap();
        prop_assert_eq!(parsed.settings, settings);
    }

    #[test]
    fn no_input_makes_a_parser_panic(
        arguments in prop::collection::vec("(--)?[a-z-]{0,9}(=.{0,20})?", 0..6), text in ".{0,200}",
    ) {
        let _ = (Preprocess::parse(&arguments), Evaluate::parse(&arguments));
        let _ = TableSettings::from_json(text.as_bytes());
        let _ = config::Settings::from_yaml("x", &text, |_| None);
    }
}

/// `1` is one feature and `1.0` is all features, both as text and in YAML.
#[test]
fn a_count_of_features_differs_from_a_share() {
    assert_eq!("1".parse(), Ok(MaxFeatures::Count(1)));
    assert_eq!("1.0".parse(), Ok(MaxFeatures::All));
    let read = |text: &str| serde_json::from_str::<MaxFeatures>(text);
    assert_eq!(read("1").unwrap(), MaxFeatures::Count(1));
    assert_eq!(read("1.0").unwrap(), MaxFeatures::All);
    assert_eq!(read("0.5").unwrap(), MaxFeatures::Fraction(0.5));
    assert!(read("3.0").is_err());
}

#[test]
fn class_weights_as_text() {
    let each = ClassWeight::Each(Weights { negative: 1.0, positive: 2.5 });
    insta::assert_snapshot!(each, @r#"{"negative":1,"positive":2.5}"#);
    assert_eq!(r#"{ "positive": 2.5, "negative": 1.0 }"#.parse(), Ok(each));
    for text in [
        "",
        "heavy",
        "Balanced",
        "5",
        "[1, 5]",
        "{}",
        "null",
        r#"{"negative":1}"#,
        r#"{"negative":1,"positive":5,"other":1}"#,
        r#"{"negative":1,"negative":1,"positive":5}"#,
        r#"{"negative":1,"positive":0}"#,
        r#"{"negative":1,"positive":-5}"#,
        r#"{"negative":1,"positive":1e10}"#,
        r#"{"negative":1e-10,"positive":1}"#,
        r#"{"negative":1,"positive":1e999}"#,
        r#"{"negative":1,"positive":"5"}"#,
        r#"{"negative":1,"positive":null}"#,
        r#"{"negative":1,"positive":NaN}"#,
        r#"{"negative":1,"positive":Infinity}"#,
        "{negative: 1, positive: 5}",
        r#"{"negative":1,"positive":5"#,
    ] {
        assert_eq!(text.parse::<ClassWeight>(), Err(()), "{text}");
    }
}

/// The register step reads from its environment what the orchestrator writes, variable by variable.
#[test]
fn register_settings_survive_the_round_trip() {
    let variables = RegisterVariables {
        group: "group",
        approval_status: "Approved",
        model_data_url: "s3://bucket/model.tar.gz",
        metrics_url: "s3://bucket/evaluation.json",
        inference_image: "serve:1",
        pipeline_name: "pipeline",
        pipeline_execution_id: "id",
        group_description: "",
        pipeline_execution_arn: "arn",
        started_at: "2026-11-30T12:00:00Z",
        started_by: "ada",
        source_commit: "1f0c3a",
        definition_digest: "d1",
        table_settings_digest: "d2",
        input_data_url: "s3://bucket/raw.csv",
        input_data_version: "v",
        preprocess_image: "preprocess:1",
        train_image: "train:1",
        evaluate_image: "",
    };
    let environment = variables.into_named();
    let names: Vec<_> = environment.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, Register::VARIABLES);
    assert_eq!(names.first(), Some(&Register::GROUP));
    let written = Register {
        group: "group".to_owned(),
        approval_status: "Approved".to_owned(),
        model_data_url: "s3://bucket/model.tar.gz".to_owned(),
        metrics_url: "s3://bucket/evaluation.json".to_owned(),
        inference_image: "serve:1".to_owned(),
        pipeline_name: "pipeline".to_owned(),
        pipeline_execution_id: "id".to_owned(),
        pipeline_execution_arn: "arn".to_owned(),
        started_at: "2026-11-30T12:00:00Z".to_owned(),
        started_by: "ada".to_owned(),
        source_commit: "1f0c3a".to_owned(),
        definition_digest: "d1".to_owned(),
        table_settings_digest: "d2".to_owned(),
        input_data_url: "s3://bucket/raw.csv".to_owned(),
        input_data_version: "v".to_owned(),
        preprocess_image: "preprocess:1".to_owned(),
        train_image: "train:1".to_owned(),
        content_types: vec!["text/csv".to_owned(), "application/json".to_owned()],
        realtime_instance_types: vec!["ml.m5.large".to_owned()],
        ..Register::default()
    };
    let parsed = Register::parse(&texts(&written.to_arguments()), |name| {
        environment.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    });
    assert_eq!(parsed.unwrap().settings, written);
}

#[test]
fn a_hyperparameter_has_the_parameter_type_of_its_values() {
    let values = Hyperparameters { bootstrap: false, ..Hyperparameters::default() }.values();
    assert_eq!(values["n_estimators"], HyperparameterValue::Integer(200));
    assert_eq!(values["min_samples_leaf"], HyperparameterValue::Text("1".to_owned()));
    assert_eq!(
        values["bootstrap"],
        HyperparameterValue::Choice { word: "false".to_owned(), words: &["true", "false"] }
    );
    assert!(!values.contains_key("criterion"), "its value is the default");
}

//! A small model for tests: three kinds of columns, and a table with which it was trained.

use artifacts::{Bundle, Metadata};
use dataset::{
    CategoryRules, CleaningRules, Column, ColumnKind, Duplicates, Feature, Label, Recipe, Schema,
    TableReader,
};
use forest::RandomForest;
use inference::Model;
use linfa::prelude::Fit;
use ndarray::{Array1, Array2};

/// The training table.
pub const TABLE: &str = "Torque (Nm),Oil Pressure [bar],Door,Line,Failed\n\
    14.5,71.0,yes,L1,yes\n15.2,70.2,no,L2,yes\n24.1,60.9,no,L1,no\n26.3,64.4,yes,L2,no\n\
    13.9,72.5,no,L1,yes\n25.0,63.1,no,L2,no\n";

/// Returns a model of `Torque`, `Oil_Pressure` (also `Druck`), `Door` and `Line`, with a feature of two
/// columns.
#[allow(dead_code, reason = "not every test needs it")]
pub fn model() -> Model {
    Model::new(bundle())
}

/// Returns a model of two columns of words, `Line` and `Door`.
#[allow(dead_code, reason = "not every test needs it")]
pub fn words() -> Model {
    let column =
        |name: &str| Column { name: name.into(), kind: ColumnKind::Category, ..Column::default() };
    Model::new(trained(
        vec![column("Line"), column("Door")],
        &[],
        "Line,Door,Failed\nL1,open,yes\nL2,shut,no\nL1,shut,no\nL2,open,yes\n",
    ))
}

/// Returns a model of three columns with similar names, `Sensor_1` to `Sensor_3`.
#[allow(dead_code, reason = "not every test needs it")]
pub fn similar() -> Model {
    let column = |number| Column { name: format!("Sensor_{number}"), ..Column::default() };
    Model::new(trained(
        (1..=3).map(column).collect(),
        &[],
        "Sensor_1,Sensor_2,Sensor_3,Failed\n1,2,3,yes\n4,5,6,no\n2,2,3,yes\n5,5,6,no\n",
    ))
}

/// Returns the files of the model.
pub fn bundle() -> Bundle {
    let number = |name: &str, unit: &str, spellings: &[&str]| Column {
        name: name.into(),
        unit: Some(unit.into()),
        spellings: spellings.iter().map(|name| (*name).to_owned()).collect(),
        ..Column::default()
    };
    let words = |name: &str, kind| Column { name: name.into(), kind, ..Column::default() };
    let columns = vec![
        number("Torque", "Nm", &[]),
        number("Oil_Pressure", "bar", &["Druck"]),
        words("Door", ColumnKind::YesNo),
        words("Line", ColumnKind::Category),
    ];
    let feature = Feature { name: "Ratio".into(), expression: "Torque / Oil_Pressure".into() };
    trained(columns, &[feature], TABLE)
}

fn trained(columns: Vec<Column>, features: &[Feature], table: &str) -> Bundle {
    let label = Label {
        column: "Failed".into(),
        positive: vec!["yes".into()],
        negative: vec!["no".into()],
        missing_markers: vec![],
    };
    let schema = Schema::new(columns, label).unwrap();
    let rules = CleaningRules { duplicates: Duplicates::Keep, ..CleaningRules::default() };
    let mut reader = TableReader::new(&schema, rules);
    reader.read("table.csv", table.as_bytes()).unwrap();
    let (table, _) = reader.finish().unwrap();
    let rows: Vec<usize> = (0..table.len()).collect();
    let recipe = Recipe::fit(&schema, features, &table, &rows, CategoryRules::default()).unwrap();
    let (mut features, mut counts) = (Vec::new(), recipe.no_counts());
    for row in 0..table.len() {
        recipe.apply(&mut table.row(row).to_vec(), &mut features, &mut counts);
    }
    let records = Array2::from_shape_vec((table.len(), features.len() / table.len()), features);
    let labels = Array1::from_iter(table.labels().iter().map(|label| usize::from(*label)));
    let rows = linfa::Dataset::new(records.unwrap(), labels);
    let forest = RandomForest::params().n_estimators(8).random_state(3).fit(&rows).unwrap();
    Bundle {
        background: Some(rows.records),
        forest,
        recipe,
        metadata: Metadata {
            algorithm: "random_forest".to_owned(),
            program_version: "0.1.0".to_owned(),
            data_digest: String::new(),
            training_rows: table.len(),
            hyperparameters: Default::default(),
            training_metrics: Default::default(),
            feature_importances: Default::default(),
            permutation_importances: Default::default(),
        },
    }
}

//! Columns of words: categories, and yes or no, from the file to the features.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use dataset::{
    CategoryRules, CleaningRules, Column, ColumnKind, Feature, Label, MissingValues, Recipe,
    RecordReader, Schema, SensorTable, TableReader,
};

const FILE: &str = "\
Type,Door,Speed,Failed
L,TRUE,10,0
M,false,20,1
L,Ja,,0
\"H, hot\",nein,40,1
,,50,0
L,1,60,1
";

fn column(name: &str, kind: ColumnKind) -> Column {
    Column { name: name.to_owned(), kind, ..Column::default() }
}

fn schema(columns: Vec<Column>) -> Schema {
    let words = |word: &str| vec![word.to_owned()];
    let column = "Failed".to_owned();
    let label = Label { column, positive: words("1"), negative: words("0"), ..Label::default() };
    Schema::new(columns, label).unwrap()
}

fn plant() -> Schema {
    schema(vec![
        column("Type", ColumnKind::Category),
        column("Door", ColumnKind::YesNo),
        Column { missing_indicator: true, ..column("Speed", ColumnKind::Number) },
    ])
}

fn read(schema: &Schema, files: &[&str]) -> Result<SensorTable, String> {
    let rules = CleaningRules { missing_values: MissingValues::Median, ..CleaningRules::default() };
    let mut reader = TableReader::new(schema, rules);
    for (index, file) in files.iter().enumerate() {
        let name = format!("{index}.csv");
        reader.read(&name, file.as_bytes()).map_err(|error| error.to_string())?;
    }
    reader.finish().map(|(table, _)| table).map_err(|error| error.to_string())
}

fn apply(recipe: &Recipe, readings: &[f64]) -> Vec<f32> {
    let mut out = Vec::new();
    recipe.apply(&mut readings.to_vec(), &mut out, &mut recipe.no_counts());
    out
}

#[test]
fn words_become_features() {
    let schema = plant();
    let table = read(&schema, &[FILE]).unwrap();
    let rows: Vec<usize> = (0..table.len()).collect();
    let counts = table.value_counts(0, &rows);
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("H, hot", 1), ("L", 3), ("M", 1)]);
    let recipe = Recipe::fit(&schema, &[], &table, &rows, CategoryRules::default()).unwrap();
    let names: Vec<&str> = recipe.feature_names().collect();
    assert_eq!(names, ["Type=H, hot", "Type=L", "Type=M", "Door", "Speed", "Speed=missing"]);
    let features: Vec<Vec<f32>> = rows.iter().map(|&row| apply(&recipe, table.row(row))).collect();
    assert_eq!(
        features,
        [
            [0., 1., 0., 1., 10., 0.],
            [0., 0., 1., 0., 20., 0.],
            // The median of 10, 20, 40, 50 and 60 is 40.
            [0., 1., 0., 1., 40., 1.],
            [1., 0., 0., 0., 40., 0.],
            // The median of 1, 0, 1, 0 and 1 is 1. A missing category is no value.
            [0., 0., 0., 1., 50., 0.],
            [0., 1., 0., 1., 60., 0.],
        ]
    );
}

#[test]
fn a_value_that_no_training_row_has_is_zero_and_counted() {
    let schema = plant();
    let table = read(&schema, &[FILE]).unwrap();
    // Without the row of `H, hot`.
    let recipe =
        Recipe::fit(&schema, &[], &table, &[0, 1, 2, 4, 5], CategoryRules::default()).unwrap();
    let mut counts = recipe.no_counts();
    let mut out = Vec::new();
    recipe.apply(&mut table.row(3).to_vec(), &mut out, &mut counts);
    assert_eq!(out, [0., 0., 0., 40., 0.]);
    assert_eq!((counts.unseen, counts.imputed), (vec![1, 0, 0], vec![0, 0, 0]));
}

#[test]
fn a_recipe_read_back_encodes_single_records_the_same() {
    let schema = plant();
    let table = read(&schema, &[FILE]).unwrap();
    let rules = CategoryRules { max_one_hot: 2, min_frequency: 0.0 };
    let feature =
        Feature { name: "Twice".to_owned(), expression: "Speed + Speed * Door".to_owned() };
    let recipe = Recipe::fit(&schema, &[feature], &table, &[0, 1, 2, 3], rules).unwrap();
    let text = serde_json::to_string(&recipe).unwrap();
    let again: Recipe = serde_json::from_str(&text).unwrap();
    assert_eq!(again, recipe);

    let records = RecordReader::new(again.schema(), &["Speed", "Door", "Type"]).unwrap();
    let mut readings = Vec::new();
    records.read(&["20", "no", "M"], &mut readings).unwrap();
    // One of the four training rows is M.
    assert_eq!(apply(&again, &readings), [0.25, 0., 20., 0., 20.]);
}

#[test]
fn values_are_the_same_in_every_file() {
    let schema = plant();
    let other = "Failed,Door,Type,Speed\n1,on,M,1\n0,off, L ,2\n";
    let table = read(&schema, &[FILE, other]).unwrap();
    assert_eq!(table.row(1)[0].to_bits(), table.row(6)[0].to_bits());
    assert_eq!(table.row(0)[0].to_bits(), table.row(7)[0].to_bits());
}

#[test]
fn what_is_no_category_is_an_error() {
    let error = |column: Column, file: &str| {
        let schema = schema(vec![column]);
        read(&schema, &[file]).unwrap_err()
    };
    insta::assert_snapshot!(
        error(column("Door", ColumnKind::YesNo), "Door,Failed\nyes,1\nmaybe,0\n"),
        @"0.csv, line 3, column `Door`: found `maybe`, expected yes or no"
    );
    let mut rows = "Serial,Failed\n".to_owned();
    for row in 0..=10_000 {
        rows.push_str(&format!("s{row},{}\n", row % 2));
    }
    insta::assert_snapshot!(
        error(column("Serial", ColumnKind::Category), &rows),
        @"0.csv, column `Serial`: more than 10000 different values, expected a category; is it an identifier?"
    );
}

#[test]
fn an_expression_does_not_compute_with_categories() {
    let schema = plant();
    let feature = Feature { name: "Double".to_owned(), expression: "2 * Type".to_owned() };
    let faults = Recipe::faults(&schema, &[feature]);
    insta::assert_snapshot!(
        faults[0].1,
        @"feature `Double` uses column `Type`, which is a category, expected a number"
    );
}

#[test]
fn kinds_are_checked() {
    let label = plant().label().clone();
    let refused = |column: Column| Schema::new(vec![column], label.clone()).unwrap_err();
    let unit = Some("bar".to_owned());
    let order = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
    insta::assert_snapshot!(
        refused(Column { unit, ..column("A", ColumnKind::YesNo) }),
        @"column `A` has a unit and does not hold numbers"
    );
    insta::assert_snapshot!(
        refused(Column { order: order(&["L"]), ..column("A", ColumnKind::Number) }),
        @"column `A` has an order and is not a category"
    );
    insta::assert_snapshot!(
        refused(Column { order: order(&["L", " L"]), ..column("A", ColumnKind::Category) }),
        @"column `A`: the order has ` L` twice, or it stands for a missing value"
    );
}

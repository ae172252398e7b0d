//! Parses engineered features, fits, applies and stores them, and reads them again.

#![no_main]

use std::sync::LazyLock;

use dataset::{
    CategoryRules, CleaningRules, Column, Expression, Feature, Label, MissingValues, Recipe,
    RecipeError, Schema, SensorTable, TableReader,
};
use libfuzzer_sys::fuzz_target;

const COLUMNS: [&str; 3] = ["Torque", "Speed", "Würze"];
const ROWS: &str = "Torque,Speed,Würze,Downtime\n\
    24.5,19000,-1.25,0\n0,3e38,1e-45,1\n-3e38,,0.5,0\n7,-2,NaN,1\n1e-6,0,3e38,1\n";

static TABLE: LazyLock<(Schema, SensorTable)> = LazyLock::new(|| {
    let column = |name: &str| Column { name: name.to_owned(), ..Column::default() };
    let label = Label {
        column: "Downtime".to_owned(),
        positive: vec!["1".to_owned()],
        negative: vec!["0".to_owned()],
        ..Label::default()
    };
    let schema = Schema::new(COLUMNS.map(column).to_vec(), label).expect("a schema");
    let rules = CleaningRules { missing_values: MissingValues::Median, ..CleaningRules::default() };
    let mut reader = TableReader::new(&schema, rules);
    reader.read("a.csv", ROWS.as_bytes()).expect("a table");
    let (table, _) = reader.finish().expect("rows");
    (schema, table)
});

fn applied(recipe: &Recipe, table: &SensorTable) -> Vec<u32> {
    let (mut cells, mut counts) = (Vec::new(), recipe.no_counts());
    for row in 0..table.len() {
        recipe.apply(&mut table.row(row).to_vec(), &mut cells, &mut counts);
    }
    let odd = &mut [f64::NAN, f64::INFINITY, f64::from(f32::MAX)];
    recipe.apply(odd, &mut cells, &mut counts);
    assert!(cells.iter().all(|cell| cell.is_finite()), "{cells:?}");
    cells.into_iter().map(f32::to_bits).collect()
}

fuzz_target!(|text: &str| {
    let parsed = Expression::parse(text, &COLUMNS);
    if let Err(error) = &parsed {
        assert!((1..=text.chars().count() + 1).contains(&error.position), "{error}");
    }
    let (schema, table) = &*TABLE;
    let feature = Feature { name: "Feature".to_owned(), expression: text.to_owned() };
    match Recipe::fit(schema, &[feature], table, &[0, 1, 2, 3], CategoryRules::default()) {
        Ok(recipe) => {
            assert!(parsed.is_ok());
            let stored = artifacts::write_recipe(&recipe).unwrap();
            let again = artifacts::read_recipe(&stored).unwrap();
            assert_eq!(again, recipe);
            assert_eq!(applied(&again, table), applied(&recipe, table));
        }
        Err(RecipeError::Expression { source, .. }) => assert_eq!(parsed, Err(source)),
        Err(RecipeError::NeverFinite { .. }) => assert!(parsed.is_ok()),
        Err(error) => panic!("{error}"),
    }
});

//! Reads CSV: raw tables in large and small blocks, with everything that Preprocess makes of them, and
//! feature tables, where the first line contains the word `label`.

#![no_main]

use std::io::BufReader;
use std::sync::LazyLock;

use config::steps::TableSettings;
use dataset::{
    BadCells, CategoryRules, CleaningCounts, CleaningRules, Feature, FeatureTable, MissingValues, Recipe, Schema, SensorTable, TableError, TableReader,
};
use libfuzzer_sys::fuzz_target;
use ndarray::Array2;

/// The default settings of the table.
static DEFAULT: LazyLock<(Schema, Vec<Feature>)> = LazyLock::new(|| {
    let settings = TableSettings::default();
    let schema = table_settings::schema(&settings).expect("the default schema");
    (schema, table_settings::features(&settings))
});

/// Splits the input into two files at a form feed; without one it is a single file.
fn read(
    data: &[u8],
    rules: &CleaningRules,
    buffer: usize,
) -> Result<(SensorTable, CleaningCounts), TableError> {
    let mut reader = TableReader::new(&DEFAULT.0, rules.clone());
    for (index, file) in data.splitn(2, |&byte| byte == b'\x0c').enumerate() {
        reader.read(&format!("{index}.csv"), BufReader::with_capacity(buffer, file))?;
    }
    reader.finish()
}

fn check(table: &SensorTable, counts: &CleaningCounts, rules: &CleaningRules) {
    let dropped: usize = counts.dropped().iter().map(|(_, dropped)| dropped.rows).sum();
    assert_eq!(counts.read.rows, counts.kept.rows + dropped, "{counts:?}");
    assert_eq!(counts.kept.rows, table.len());
    assert!(!table.is_empty());
    let bad = counts.dropped_bad_cells.rows + counts.dropped_ragged.rows;
    assert_eq!(bad > 0, counts.first_bad.is_some(), "{counts:?}");
    assert!(rules.bad_cells == BadCells::Drop || bad == 0, "{counts:?}");
    for row in 0..table.len() {
        for reading in table.row(row) {
            let missing = reading.is_nan() && rules.missing_values == MissingValues::Median;
            assert!(reading.is_finite() || missing, "{reading}");
        }
    }
    assert!(table.labels().iter().all(|label| *label <= 1));
}

/// Runs the rest of Preprocess and reads its output as Train and Evaluate do.
fn preprocess(table: &SensorTable) {
    let (schema, features) = &*DEFAULT;
    let Ok(rows) = dataset::split(table.labels(), 0.2, true, 42) else { return };
    let categories = CategoryRules::default();
    let Ok(recipe) = Recipe::fit(schema, features, table, &rows.train, categories) else { return };
    let mut cells = Vec::new();
    let mut counts = recipe.no_counts();
    for &row in &rows.test {
        recipe.apply(&mut table.row(row).to_vec(), &mut cells, &mut counts);
    }
    assert!(cells.iter().all(|cell| cell.is_finite()));
    let names: Vec<String> = recipe.feature_names().map(str::to_owned).collect();
    let features = FeatureTable {
        records: Array2::from_shape_vec((rows.test.len(), names.len()), cells).unwrap(),
        labels: rows.test.iter().map(|&row| usize::from(table.labels()[row])).collect(),
        names,
    };
    survives(&features);
    let stored = artifacts::write_recipe(&recipe).unwrap();
    assert_eq!(artifacts::read_recipe(&stored).unwrap(), recipe);
}

fn survives(table: &FeatureTable) {
    let mut written = Vec::new();
    table.write(&mut written).unwrap();
    let names = table.names.iter().map(String::as_str);
    let again = FeatureTable::read("b.csv", written.as_slice(), names).unwrap();
    // Compares bits, because there are two zeros.
    let bits = |table: &FeatureTable| table.records.mapv(f32::to_bits);
    assert_eq!(bits(&again), bits(table));
    assert_eq!((again.names, again.labels), (table.names.clone(), table.labels.clone()));
}

/// Compares bits, because a missing reading is NaN, which does not equal itself.
fn bits(table: &SensorTable) -> (Vec<u64>, &[u8]) {
    let rows = (0..table.len()).flat_map(|row| table.row(row));
    (rows.map(|reading| reading.to_bits()).collect(), table.labels())
}

fn raw(data: &[u8]) {
    let even = data.len().is_multiple_of(2);
    let missing_values = if even { MissingValues::Drop } else { MissingValues::Median };
    let rules = |bad_cells| CleaningRules { missing_values, bad_cells, ..CleaningRules::default() };
    let lenient = &rules(BadCells::Drop);
    let strict = &rules(BadCells::Error);
    let table = match (read(data, lenient, 1 << 16), read(data, lenient, 3)) {
        (Ok((table, counts)), Ok((same, again))) => {
            check(&table, &counts, lenient);
            assert_eq!((bits(&table), &counts), (bits(&same), &again));
            table
        }
        (Err(error), Err(same)) => return assert_eq!(error.to_string(), same.to_string()),
        (one, other) => panic!("by 65536 bytes {one:?}, by 3 {other:?}"),
    };
    // The readable rows are the same, whatever the setting for unreadable ones.
    if let Ok((same, counts)) = read(data, strict, 1 << 16) {
        check(&same, &counts, strict);
        assert_eq!(bits(&table), bits(&same));
    }
    preprocess(&table);
}

fn features(data: &[u8]) {
    let Ok(table) = FeatureTable::read("a.csv", data, ["Torque", "Ratio"]) else { return };
    assert!(table.records.iter().all(|cell| cell.is_finite()));
    assert_eq!(table.records.dim(), (table.labels.len(), 2));
    assert!(!table.labels.is_empty() && table.labels.iter().all(|label| *label <= 1));
    survives(&table);
}

fuzz_target!(|data: &[u8]| {
    // No header is valid in both formats.
    let header = data.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if header.windows(5).any(|word| word == b"label") {
        features(data);
    } else {
        raw(data);
    }
});

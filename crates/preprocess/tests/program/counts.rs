//! The counts of the summary, compared with counts taken from the text of the table: the synthetic
//! sample, and a real export where there is one.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::job::{job, outputs, shipped_sample};

#[test]
fn the_counts_of_the_sample() {
    assert_counts(&shipped_sample());
}

#[test]
fn the_counts_of_the_real_table() {
    let Some(path) = testkit::real_table() else { return };
    assert_counts(&fs_err::read_to_string(path).unwrap());
}

/// Checks the summary of a table without quotes, duplicate rows and cells that are not numbers.
#[track_caller]
fn assert_counts(table: &str) {
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let rows: Vec<_> = lines.collect();
    let complete: Vec<_> = rows.iter().filter(|row| !row.contains(&"")).collect();
    let mut missing_cells = BTreeMap::<_, u64>::new();
    for row in &rows {
        for (name, _) in header.iter().zip(row).filter(|(_, cell)| cell.is_empty()) {
            *missing_cells.entry(name.split('(').next().unwrap()).or_default() += 1;
        }
    }
    let failures = complete.iter().filter(|row| *row.last().unwrap() == "Machine_Failure").count();

    let [_, summary, ..] = outputs(&job(table), &[]);
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let counts = &summary["rows"];
    assert_eq!(counts["rows_read"], rows.len());
    assert_eq!(counts["rows_kept"], complete.len());
    assert_eq!(counts["dropped_missing"], rows.len() - complete.len());
    for reason in ["dropped_bad_cells", "dropped_duplicates", "dropped_ragged"] {
        assert_eq!(counts[reason], 0, "{reason}");
    }
    assert_eq!(counts["missing_cells"], serde_json::to_value(missing_cells).unwrap());

    let number = |part: &str, name: &str| summary[part][name].as_f64().unwrap();
    let sum = |name: &str| number("train", name) + number("test", name);
    assert_eq!(sum("rows"), complete.len() as f64);
    assert_eq!(sum("failures"), failures as f64);
    // A fifth of each class, rounded, is in the test part.
    let share = number("test", "rows") / sum("rows");
    assert!((share - 0.2).abs() < 0.001, "{share}");
    let shares = ["train", "test"].map(|part| number(part, "failure_share"));
    assert!((shares[0] - shares[1]).abs() < 0.002, "{shares:?}");
}

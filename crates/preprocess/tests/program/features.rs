//! The outputs of a job: features and label, recipe, and summary.

use std::collections::BTreeSet;

use crate::job::{job, outputs, sample, without_table};

#[test]
fn a_table_becomes_features_then_label() {
    let [recipe, _, test, train] = outputs(&job(sample(2_500)), &[]);
    let mut shares = Vec::new();
    for (table, rows) in [(&train, 1_906), (&test, 477)] {
        let mut lines = table.lines();
        insta::allow_duplicates! {
            insta::assert_snapshot!(lines.next().unwrap(), @"Hydraulic_Pressure,Coolant_Pressure,Air_System_Pressure,Coolant_Temperature,Hydraulic_Oil_Temperature,Spindle_Bearing_Temperature,Spindle_Vibration,Tool_Vibration,Spindle_Speed,Voltage,Torque,Cutting,Pressure_Differential,Vibration_Ratio,Pressure_Force_Interaction,label");
        }
        let mut failures = 0_u32;
        let mut count = 0_u32;
        for line in lines {
            let mut cells: Vec<_> = line.split(',').collect();
            let label = cells.pop().unwrap();
            assert!(matches!(label, "0" | "1"), "{line}");
            assert_eq!(cells.len(), 15, "{line}");
            assert!(cells.iter().all(|cell| cell.parse::<f32>().is_ok_and(f32::is_finite)));
            failures += u32::from(label == "1");
            count += 1;
        }
        assert_eq!(count, rows);
        shares.push(f64::from(failures) / f64::from(count));
    }
    assert!((shares[0] - shares[1]).abs() < 0.002, "{shares:?}");
    for column in ["Date", "Machine_ID", "Assembly_Line_No"] {
        assert!(!recipe.contains(column) && !train.contains(column));
    }
    // No row is in both parts, and each is in one: the table has no duplicates.
    let rows: BTreeSet<_> = train.lines().chain(test.lines()).skip(1).collect();
    assert_eq!(rows.len(), 1_906 + 477 + 1);
}

#[test]
fn the_summary_says_what_was_read_and_dropped() {
    let [_, summary, ..] = outputs(&job(sample(2_500)), &[]);
    insta::assert_snapshot!("summary", summary);
}

#[test]
fn the_same_table_gives_the_same_bytes() {
    let first = outputs(&job(sample(2_500)), &[]);
    let sandbox = job(sample(2_500));
    assert_eq!(outputs(&sandbox, &[]), first);
    // A second run replaces the outputs of the first one.
    assert_eq!(outputs(&sandbox, &[]), first);
    assert_ne!(outputs(&sandbox, &["--seed=43"])[3], first[3]);
}

#[test]
fn several_files_are_one_table() {
    let text = sample(900);
    let whole = outputs(&job(&text), &[]);
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let rows: Vec<_> = lines.collect();
    let sandbox = without_table();
    for (name, part) in
        ["2021.csv", "2022/January.CSV", "2022/june.csv"].iter().zip(rows.chunks(300))
    {
        sandbox.file(
            &format!("processing/input/{name}"),
            format!("{header}\r\n{}\r\n", part.join("\r\n")),
        );
    }
    assert!(outputs(&sandbox, &[]) == whole);
    // What is no table is left out and named.
    sandbox.file("processing/input/README.txt", "not a table");
    sandbox.file("processing/input/.DS_Store", "\0\0");
    let [recipe, summary, test, train] = outputs(&sandbox, &[]);
    assert!(recipe == whole[0] && test == whole[2] && train == whole[3]);
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let left_out = ["README.txt has none of the columns", ".DS_Store is a hidden file"];
    assert_eq!(summary["rows"]["left_out"], serde_json::json!(left_out));
}

#[test]
fn the_other_files_of_a_processing_job_change_nothing() {
    let plain = outputs(&job(sample(300)), &[]);
    let mut sandbox = job(sample(300));
    sandbox.variable("AWS_REGION", "us-east-1").variable("LOG_FORMAT", "json");
    sandbox
        .file("config/resourceconfig.json", r#"{"current_host":"algo-1","hosts":["algo-1"]}"#)
        .file("config/processingjobconfig.json", "{}");
    assert_eq!(outputs(&sandbox, &[]), plain);
}

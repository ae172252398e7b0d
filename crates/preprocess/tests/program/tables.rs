//! Tables that cannot be used, and rows that are dropped.

use config::steps::{BadCells, MissingValues};
use testkit::Limits;

use crate::job::{
    RAW, explained, job, outputs, refused, sample, set, with_field, with_line, without_table,
};

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(refused(&job("")), @"/opt/ml/processing/input/raw.csv is empty, expected a header line");
}

#[test]
fn a_header_and_nothing_else() {
    insta::assert_snapshot!(refused(&job(sample(0))), @"there are no rows: /opt/ml/processing/input/raw.csv has a header and nothing else");
}

#[test]
fn a_missing_label() {
    let table = sample(50).replacen(",Downtime\n", ",Shift\n", 1);
    insta::assert_snapshot!(refused(&job(table)), @"/opt/ml/processing/input/raw.csv lacks column `Downtime`; columns found: Date, Machine_ID, Assembly_Line_No, Hydraulic_Pressure(bar), Coolant_Pressure(bar), Air_System_Pressure(bar), Coolant_Temperature(°C), Hydraulic_Oil_Temperature(°C), Spindle_Bearing_Temperature(°C), Spindle_Vibration(µm), Tool_Vibration(µm), Spindle_Speed(RPM), Voltage(volts), Torque(Nm), Cutting(kN), Shift");
}

#[test]
fn a_missing_sensor_suggests_the_nearest_column() {
    let table = sample(50).replacen("Hydraulic_Pressure(bar)", "Hydraulic_Presure(bar)", 1);
    insta::assert_snapshot!(refused(&job(table)), @"/opt/ml/processing/input/raw.csv lacks column `Hydraulic_Pressure` (did you mean `Hydraulic_Presure`?); columns found: Date, Machine_ID, Assembly_Line_No, Hydraulic_Presure(bar), Coolant_Pressure(bar), Air_System_Pressure(bar), Coolant_Temperature(°C), Hydraulic_Oil_Temperature(°C), Spindle_Bearing_Temperature(°C), Spindle_Vibration(µm), Tool_Vibration(µm), Spindle_Speed(RPM), Voltage(volts), Torque(Nm), Cutting(kN), Downtime");
}

#[test]
fn a_text_in_a_numeric_column() {
    let table = with_line(17, |line| with_field(line, 5, "broken"));
    insta::assert_snapshot!(refused(&job(&table)), @"/opt/ml/processing/input/raw.csv, line 17, column `Air_System_Pressure`: found `broken`, expected a number");

    let allowed = job(table);
    set(&allowed, |settings| settings.bad_cells = BadCells::Drop);
    let [_, summary, ..] = outputs(&allowed, &[]);
    assert!(summary.contains(r#""dropped_bad_cells": 1,"#), "{summary}");
    insta::assert_snapshot!(
        allowed.normalized(summary.lines().find(|line| line.contains("first_bad")).unwrap().trim()),
        @r#""first_bad": "raw.csv, line 17, column `Air_System_Pressure`: found `broken`, expected a number""#
    );
}

#[test]
fn a_number_that_32_bits_do_not_hold() {
    let table = with_line(17, |line| with_field(line, 5, "1e308"));
    insta::assert_snapshot!(refused(&job(&table)), @"/opt/ml/processing/input/raw.csv, line 17, column `Air_System_Pressure`: found `1e308`, expected at most 3.4e38, the greatest number of 32 bits");

    for (rule, count) in [(BadCells::Drop, "dropped_bad_cells"), (BadCells::Missing, "count")] {
        let allowed = job(&table);
        set(&allowed, |settings| settings.bad_cells = rule);
        let [_, summary, ..] = outputs(&allowed, &[]);
        assert!(summary.contains(&format!(r#""{count}": 1,"#)), "{summary}");
    }
    let marker = job(&table);
    set(&marker, |settings| {
        settings.columns.iter_mut().for_each(|it| it.missing_markers = vec!["1e308".to_owned()]);
    });
    outputs(&marker, &[]);
}

#[test]
fn rows_that_are_all_dropped() {
    let text = sample(50);
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let rows: Vec<_> = lines.map(|line| with_field(line, 3, "")).collect();
    insta::assert_snapshot!(refused(&job(format!("{header}\n{}\n", rows.join("\n")))), @"no rows are left of 50: 50 with missing cells (`Hydraulic_Pressure` 50), 0 with cells that cannot be read, 0 with too few or too many fields, 0 duplicates");
}

#[test]
fn one_class_only() {
    let table = sample(50).replace(",No_Machine_Failure", ",Machine_Failure");
    insta::assert_snapshot!(refused(&job(table)), @"the table cannot be split: all 50 rows are of class 1, expected both classes");
}

#[test]
fn a_class_too_rare_for_both_parts() {
    let table = sample(50).replace(",No_Machine_Failure", ",Machine_Failure");
    let table = table.replacen(",Machine_Failure", ",No_Machine_Failure", 1);
    insta::assert_snapshot!(refused(&job(table)), @"the table cannot be split: 1 rows of class 0 cannot be divided into training and test rows with test_size 0.2, expected enough for one in each part");
}

#[test]
fn an_unknown_label() {
    let table = with_line(9, |line| with_field(line, 15, "Perhaps"));
    insta::assert_snapshot!(refused(&job(table)), @"/opt/ml/processing/input/raw.csv, line 9, column `Downtime`: found `Perhaps`, expected one of: Machine_Failure, yes, 1, true, No_Machine_Failure, no, 0, false");
}

#[test]
fn a_row_with_too_few_or_too_many_fields() {
    let short = with_line(30, |line| line.rsplit_once(',').unwrap().0.to_owned());
    insta::assert_snapshot!(refused(&job(short)), @"/opt/ml/processing/input/raw.csv, line 30: the row has 15 fields, expected 16 as in the header");
    let long = with_line(30, |line| format!("{line},more"));
    insta::assert_snapshot!(refused(&job(long)), @"/opt/ml/processing/input/raw.csv, line 30: the row has 17 fields, expected 16 as in the header");
}

#[test]
fn a_cell_that_is_not_utf_8() {
    let table = with_line(12, |line| with_field(line, 14, "@@"));
    let at = table.find("@@").unwrap();
    let mut bytes = table.into_bytes();
    bytes[at..at + 2].copy_from_slice(b"\xff\xfe");
    insta::assert_snapshot!(refused(&job(bytes)), @"/opt/ml/processing/input/raw.csv, line 12, column `Cutting`: found `ÿþ`, expected a number");
}

#[test]
fn a_quote_that_is_not_closed() {
    let table = sample(300);
    let at = table.lines().take(100).map(|line| line.len() + 1).sum::<usize>();
    let table = format!("{}\"{}", &table[..at], &table[at..]);
    insta::assert_snapshot!(refused(&job(table)), @"/opt/ml/processing/input/raw.csv, line 101: a quote is not closed");
}

#[test]
fn a_line_of_a_gigabyte_takes_little_time_and_memory() {
    let sandbox = job(sample(0));
    // The file is sparse: its NULs take no space on the disk.
    let file = fs_err::OpenOptions::new().write(true).open(sandbox.path(RAW)).unwrap();
    file.set_len(1 << 30).unwrap();
    let limits = Limits { address_space: 256 << 20, cpu_seconds: 2 };
    let outcome = sandbox.run_with_limits(limits, "preprocess", &[]).expect(3);
    assert_eq!(sandbox.files("processing/output"), Vec::<String>::new());
    insta::assert_snapshot!(explained(&sandbox, &outcome), @"/opt/ml/processing/input/raw.csv, line 2: the record is longer than 1048576 bytes; is a quote not closed?");
}

#[test]
fn numbers_that_are_not_finite_are_dropped_and_counted() {
    let clean = job(sample(300));
    let [_, clean, ..] = outputs(&clean, &[]);
    let cleaned: serde_json::Value = serde_json::from_str(&clean).unwrap();

    let text = sample(300);
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let row = lines[1].clone();
    let bad = ["NaN", "inf", "-Infinity", "nan", "", " "];
    lines.extend(bad.iter().map(|value| with_field(&row, 3, value)));
    let sandbox = job(lines.join("\n"));
    let [_, summary, train, test] = outputs(&sandbox, &[]);
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let more = |pointer: &str| {
        let of = |summary: &serde_json::Value| {
            summary.pointer(pointer).map_or(0, |count| count.as_u64().unwrap())
        };
        of(&summary) - of(&cleaned)
    };
    assert_eq!(more("/rows/rows_read"), 6);
    assert_eq!(more("/rows/dropped_missing"), 6);
    assert_eq!(more("/rows/missing_cells/Hydraulic_Pressure"), 6);
    assert_eq!(more("/rows/rows_kept"), 0);
    for table in [train, test] {
        assert!(!table.to_lowercase().contains("nan") && !table.contains("inf"));
    }
}

#[test]
fn missing_readings_become_training_medians_if_configured() {
    let sandbox = job(sample(300));
    set(&sandbox, |settings| settings.missing_values = MissingValues::Median);
    let [_, summary, ..] = outputs(&sandbox, &[]);
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["rows"]["rows_kept"], 300);
    let empty = sample(300).matches(",,").count() as u64;
    assert!(empty > 5);
    assert_eq!(summary["imputed_readings"], empty);
}

#[test]
fn a_directory_without_csv() {
    let sandbox = without_table();
    sandbox.directory("processing/input");
    insta::assert_snapshot!(refused(&sandbox), @"/opt/ml/processing/input has no table; it has: nothing");
    sandbox.file("processing/input/raw.xlsx", "").file("processing/input/a/.hidden.csv", "");
    insta::assert_snapshot!(refused(&sandbox), @"/opt/ml/processing/input/raw.xlsx is empty, expected a header line");
}

#[test]
fn a_missing_directory() {
    insta::assert_snapshot!(refused(&without_table()), @"cannot read the input: failed to read directory `/opt/ml/processing/input`: No such file or directory (os error 2)");
}

#[test]
fn a_file_that_cannot_be_opened() {
    let sandbox = job(sample(50));
    std::os::unix::fs::symlink("nowhere", sandbox.path("processing/input/b.csv")).unwrap();
    insta::assert_snapshot!(refused(&sandbox), @"cannot read the input: failed to open file `/opt/ml/processing/input/b.csv`: No such file or directory (os error 2)");
}

#[test]
fn a_file_whose_name_is_not_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = job(sample(300));
    let name = std::ffi::OsStr::from_bytes(b"2\xff.csv");
    fs_err::write(sandbox.path("processing/input").as_std_path().join(name), "x").unwrap();
    assert!(refused(&sandbox).ends_with(".csv, expected names in UTF-8"));
}

#[test]
fn two_files_with_different_columns_that_no_setting_names() {
    let sandbox = job(sample(50));
    let other = sample(50).replacen("Machine_ID", "Operator", 1);
    sandbox.file("processing/input/south.csv", other);
    let [_, summary, ..] = outputs(&sandbox, &[]);
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    // The rows of the two files are different rows, since their columns are.
    assert_eq!(summary["rows"]["rows_read"], 100);
    assert_eq!(summary["rows"]["dropped_duplicates"], 0);
}

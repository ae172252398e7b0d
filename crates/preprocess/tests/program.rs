//! The program from a raw table to training and test features.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod spellings;

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{Outcome, Sandbox};

const RAW: &str = "processing/input/raw.csv";
const TRAIN: &str = "processing/output/train/train.csv";
const TEST: &str = "processing/output/test/test.csv";
const RECIPE: &str = "processing/output/recipe/recipe.json";
const SUMMARY: &str = "processing/output/summary/summary.json";
const OUTPUTS: [&str; 4] = [RECIPE, SUMMARY, TEST, TRAIN];

/// A synthetic raw table.
fn sample(rows: u64) -> String {
    let mut text = Vec::new();
    dataset::sample::write(&mut text, rows, 7).unwrap();
    String::from_utf8(text).unwrap()
}

/// A job whose input is one file.
fn job(table: impl AsRef<[u8]>) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file(RAW, table);
    sandbox
}

/// Runs a job that must fail and leave nothing, and gives its message.
fn refused_with(sandbox: &Sandbox, code: i32, arguments: &[&str]) -> String {
    let outcome = sandbox.run("preprocess", arguments).expect(code);
    assert_eq!(sandbox.files("processing/output"), Vec::<String>::new());
    explained(sandbox, &outcome)
}

fn refused(sandbox: &Sandbox) -> String {
    refused_with(sandbox, 3, &[])
}

/// The message, which is in the log too.
fn explained(sandbox: &Sandbox, outcome: &Outcome) -> String {
    let message = sandbox.message();
    let log = sandbox.neutral(&outcome.stderr);
    assert!(
        log.contains(&format!("ERROR container::run: preprocess failed: {message}\n")),
        "{log}"
    );
    assert_eq!(outcome.stdout, "");
    message
}

/// All that a job that must succeed leaves.
fn outputs(sandbox: &Sandbox, arguments: &[&str]) -> [String; 4] {
    sandbox.run("preprocess", arguments).expect(0);
    assert_eq!(sandbox.files("processing/output"), OUTPUTS);
    assert_eq!(sandbox.files("output"), Vec::<String>::new());
    OUTPUTS.map(|output| sandbox.read(output))
}

/// A table with one line, counted from 1, changed.
fn with_line(line: usize, change: impl FnOnce(&str) -> String) -> String {
    let text = sample(50);
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines[line - 1] = change(&lines[line - 1]);
    lines.join("\n") + "\n"
}

/// A line with one field, counted from 0, changed.
fn with_field(line: &str, field: usize, value: &str) -> String {
    let mut fields: Vec<_> = line.split(',').collect();
    fields[field] = value;
    fields.join(",")
}

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
    let [_, summary, ..] = outputs(&allowed, &["--bad-cells=drop"]);
    assert!(summary.contains(r#""dropped_bad_cells": 1,"#), "{summary}");
    insta::assert_snapshot!(
        allowed.neutral(summary.lines().find(|line| line.contains("first_bad")).unwrap().trim()),
        @r#""first_bad": "/opt/ml/processing/input/raw.csv, line 17, column `Air_System_Pressure`: found `broken`, expected a number""#
    );
}

#[test]
fn rows_that_are_all_dropped() {
    let text = sample(50);
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let rows: Vec<_> = lines.map(|line| with_field(line, 3, "")).collect();
    insta::assert_snapshot!(refused(&job(format!("{header}\n{}\n", rows.join("\n")))), @"no rows are left of 50: 50 with missing cells, 0 with cells that cannot be read, 0 with too few or too many fields, 0 duplicates");
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
fn a_cell_that_is_no_utf_8() {
    let table = with_line(12, |line| with_field(line, 14, "@@"));
    let at = table.find("@@").unwrap();
    let mut bytes = table.into_bytes();
    bytes[at..at + 2].copy_from_slice(b"\xff\xfe");
    insta::assert_snapshot!(refused(&job(bytes)), @"/opt/ml/processing/input/raw.csv, line 12, column `Cutting`: found `��`, expected a number");
}

#[test]
fn a_line_of_a_gigabyte_takes_neither_time_nor_memory() {
    let sandbox = job(sample(0));
    // NULs that take no space on the disk.
    let file = fs_err::OpenOptions::new().write(true).open(sandbox.path(RAW)).unwrap();
    file.set_len(1 << 30).unwrap();
    let begin = Instant::now();
    let outcome = sandbox.run_within(256 << 20, "preprocess", &[]).expect(3);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
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
    let bad = ["NaN", "inf", "-Infinity", "1e39", "nan", "", " "];
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
    assert_eq!(more("/rows/rows_read"), 7);
    assert_eq!(more("/rows/dropped_missing"), 7);
    assert_eq!(more("/rows/missing_cells/Hydraulic_Pressure"), 7);
    assert_eq!(more("/rows/rows_kept"), 0);
    for table in [train, test] {
        assert!(!table.to_lowercase().contains("nan") && !table.contains("inf"));
    }
}

#[test]
fn missing_readings_become_training_medians_where_asked_for() {
    let sandbox = job(sample(300));
    let [_, summary, ..] = outputs(&sandbox, &["--missing-values=median"]);
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["rows"]["rows_kept"], 300);
    let empty = sample(300).matches(",,").count() as u64;
    assert!(empty > 5);
    assert_eq!(summary["imputed_readings"], empty);
}

#[test]
fn a_directory_without_csv() {
    let sandbox = Sandbox::new();
    sandbox.directory("processing/input");
    insta::assert_snapshot!(refused(&sandbox), @"/opt/ml/processing/input has no CSV file; it has: nothing");
    sandbox.file("processing/input/raw.xlsx", "").file("processing/input/a/.hidden.csv", "");
    insta::assert_snapshot!(refused(&sandbox), @"/opt/ml/processing/input has no CSV file; it has: a/.hidden.csv, raw.xlsx");
}

#[test]
fn a_directory_that_is_not_there() {
    insta::assert_snapshot!(refused(&Sandbox::new()), @"cannot read the input: failed to read directory `/opt/ml/processing/input`: No such file or directory (os error 2)");
}

#[test]
fn a_file_that_cannot_be_opened() {
    let sandbox = job(sample(50));
    std::os::unix::fs::symlink("nowhere", sandbox.path("processing/input/b.csv")).unwrap();
    insta::assert_snapshot!(refused(&sandbox), @"cannot read the input: failed to open file `/opt/ml/processing/input/b.csv`: No such file or directory (os error 2)");
}

#[test]
fn two_files_whose_columns_differ() {
    let sandbox = job(sample(50));
    let other = sample(50).replacen("Machine_ID", "Operator", 1);
    sandbox.file("processing/input/south.csv", other);
    insta::assert_snapshot!(refused(&sandbox), @"/opt/ml/processing/input/south.csv and /opt/ml/processing/input/raw.csv have different columns: `operator` only in /opt/ml/processing/input/south.csv, `machine_id` only in /opt/ml/processing/input/raw.csv");
}

#[test]
fn a_test_size_that_leaves_a_part_empty() {
    let sandbox = job(sample(50));
    insta::assert_snapshot!(refused_with(&sandbox, 2, &["--test-size=0"]), @"argument --test-size is `0`, expected a number between 0 and 1, both excluded");
    insta::assert_snapshot!(refused_with(&sandbox, 2, &["--test-size=1"]), @"argument --test-size is `1`, expected a number between 0 and 1, both excluded");
    insta::assert_snapshot!(refused_with(&sandbox, 2, &["--test-size=NaN"]), @"argument --test-size is `NaN`, expected a number between 0 and 1, both excluded");
    insta::assert_snapshot!(refused_with(&sandbox, 2, &["--test-size"]), @"argument `--test-size` has no value, expected `--test-size=...`");
}

#[test]
fn every_argument_of_no_use_is_named_at_once() {
    let arguments = ["--test-size=a", "--seed=-1", "--bad-cells=keep", "--feature=X"];
    insta::assert_snapshot!(refused_with(&job(sample(50)), 2, &arguments), @"argument --feature is `X`, expected `Name=expression`; argument --test-size is `a`, expected a number between 0 and 1, both excluded; argument --seed is `-1`, expected a whole number from 0; argument --bad-cells is `keep`, expected error or drop");
}

#[test]
fn a_typo_in_a_features_expression_points_at_it() {
    let sandbox = job(sample(50));
    let refused = |feature: &str| refused_with(&sandbox, 2, &[feature]);
    insta::assert_snapshot!(refused("--feature=X=Hydraulic_Presure * 2"), @"feature `X`: `Hydraulic_Presure * 2`, character 1: no column `Hydraulic_Presure`; did you mean `Hydraulic_Pressure`?");
    insta::assert_snapshot!(refused("--feature=X=Torque +* 2"), @"feature `X`: `Torque +* 2`, character 9: found `*`, expected a number, a column, a function or `(`");
    insta::assert_snapshot!(refused("--feature=X=medain(Torque)"), @"feature `X`: `medain(Torque)`, character 1: no function `medain`; did you mean `median`?");
    insta::assert_snapshot!(refused("--feature=Torque=Voltage * 2"), @"feature `Torque` has the name of another column");
    insta::assert_snapshot!(refused("--feature=X,Y=Voltage * 2"), @"feature `X,Y`: expected a name of letters, digits and `_`");
}

#[test]
fn a_feature_without_any_value() {
    let sandbox = job(sample(50));
    insta::assert_snapshot!(refused_with(&sandbox, 3, &["--feature=X=ln(0 - abs(Torque))"]), @"feature `X`: `ln(0 - abs(Torque))` is not finite in any training row");
}

#[test]
fn columns_that_cannot_be_told_apart() {
    let sandbox = job(sample(50));
    let refused = |arguments: &[&str]| refused_with(&sandbox, 2, arguments);
    insta::assert_snapshot!(refused(&["--column=Torque", "--column=Voltage=torque"]), @"the columns cannot be told apart: the name `torque` stands for two columns");
    insta::assert_snapshot!(refused(&["--positive=no"]), @"the columns cannot be told apart: the label value `no` means both classes");
}

#[test]
fn two_hosts() {
    let sandbox = job(sample(50));
    sandbox.file(
        "config/resourceconfig.json",
        r#"{"current_host":"algo-1","hosts":["algo-1","algo-2"]}"#,
    );
    insta::assert_snapshot!(refused_with(&sandbox, 2, &[]), @"the job runs on 2 hosts, expected 1: medians, duplicates and the split are those of the whole table");
}

#[test]
fn hosts_that_cannot_be_read() {
    let sandbox = job(sample(50));
    sandbox.file("config/resourceconfig.json", "{");
    insta::assert_snapshot!(refused_with(&sandbox, 2, &[]), @"/opt/ml/config/resourceconfig.json is not a resource configuration with current_host and hosts: EOF while parsing an object at line 1 column 1");
}

#[test]
fn unknown_arguments_are_ignored_with_a_warning() {
    let plain = outputs(&job(sample(300)), &[]);
    let sandbox = job(sample(300));
    let outcome =
        sandbox.run("preprocess", &["--local-mode", "train", "--test_size=0.5"]).expect(0);
    assert_eq!(OUTPUTS.map(|output| sandbox.read(output)), plain);
    let warnings: Vec<_> =
        outcome.stderr.lines().filter_map(|line| line.split_once(" WARN ")).map(|w| w.1).collect();
    insta::assert_snapshot!(warnings.join("\n"), @"
    preprocess: argument `--local-mode` is not known here, it is ignored
    preprocess: argument `train` is not known here, it is ignored
    preprocess: argument `--test_size=0.5` is not known here, it is ignored
    ");
}

#[test]
fn an_output_that_cannot_be_written() {
    let sandbox = job(sample(50));
    sandbox.file("processing/output", "in the way");
    let outcome = sandbox.run("preprocess", &[]).expect(1);
    insta::assert_snapshot!(explained(&sandbox, &outcome), @"cannot write /opt/ml/processing/output/train/train.csv: failed to create directory `/opt/ml/processing/output/train`: Not a directory (os error 20)");
    assert_eq!(sandbox.read("processing/output"), "in the way");
}

#[test]
fn the_last_output_cannot_be_written_and_no_other_is_left() {
    let sandbox = job(sample(50));
    sandbox.directory(SUMMARY);
    insta::assert_snapshot!(refused_with(&sandbox, 1, &[]), @"cannot write /opt/ml/processing/output/summary/summary.json: Is a directory (os error 21)");
}

#[test]
fn a_full_disk() {
    let sandbox = job(sample(2_500));
    // Not even the training rows, and the training rows but not the test rows.
    for bytes in [64 << 10, 232 << 10] {
        let Some((outcome, left)) =
            sandbox.run_on_a_small_disk("processing/output", bytes, "preprocess", &[])
        else {
            return;
        };
        let message = explained(&sandbox, &outcome.expect(1));
        assert_eq!(left, "");
        if bytes == 64 << 10 {
            insta::assert_snapshot!(message, @"cannot write /opt/ml/processing/output/train/train.csv: No space left on device (os error 28)");
        } else {
            insta::assert_snapshot!(message, @"cannot write /opt/ml/processing/output/summary/summary.json: No space left on device (os error 28)");
        }
    }
}

#[test]
fn a_job_that_is_stopped_while_it_reads() {
    let sandbox = Sandbox::new();
    sandbox.directory("processing/input");
    let pipe = sandbox.path(RAW);
    let run = |program: &str, arguments: &[&str]| {
        assert!(Command::new(program).args(arguments).status().unwrap().success());
    };
    run("mkfifo", &[pipe.as_str()]);
    let child = sandbox.start("preprocess", &[]);
    // Opens once the program reads, and then there is never anything to read.
    let _open = fs_err::OpenOptions::new().write(true).open(&pipe).unwrap();
    let begin = Instant::now();
    run("kill", &["-TERM", &child.id().to_string()]);
    let outcome = Outcome::from(child.wait_with_output().unwrap()).expect(1);
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert_eq!(sandbox.files("processing/output"), Vec::<String>::new());
    insta::assert_snapshot!(explained(&sandbox, &outcome), @"stopped by SIGTERM");
}

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
    insta::assert_snapshot!(summary, @r#"
    {
      "format_version": 1,
      "rows": {
        "rows_read": 2500,
        "rows_kept": 2383,
        "dropped_missing": 117,
        "dropped_bad_cells": 0,
        "dropped_ragged": 0,
        "dropped_duplicates": 0,
        "missing_cells": {
          "Air_System_Pressure": 7,
          "Coolant_Pressure": 15,
          "Coolant_Temperature": 10,
          "Cutting": 13,
          "Hydraulic_Oil_Temperature": 7,
          "Hydraulic_Pressure": 11,
          "Spindle_Bearing_Temperature": 6,
          "Spindle_Speed": 9,
          "Spindle_Vibration": 12,
          "Tool_Vibration": 7,
          "Torque": 11,
          "Voltage": 10
        }
      },
      "train": {
        "rows": 1906,
        "failures": 942,
        "failure_share": 0.49422875131164745
      },
      "test": {
        "rows": 477,
        "failures": 236,
        "failure_share": 0.4947589098532495
      },
      "imputed_readings": 0,
      "replaced_features": 0,
      "columns": {
        "Air_System_Pressure": {
          "count": 2383,
          "mean": 6.507829207909793,
          "std": 0.41338660025340784,
          "min": 5.302000045776367,
          "median": 6.513000011444092,
          "max": 7.818999767303467
        },
        "Coolant_Pressure": {
          "count": 2383,
          "mean": 4.8592077211027025,
          "std": 0.6047470998043679,
          "min": 2.690000057220459,
          "median": 4.953000068664551,
          "max": 6.2129998207092285
        },
        "Coolant_Temperature": {
          "count": 2383,
          "mean": 19.819219478378265,
          "std": 5.327382008201731,
          "min": 6.400000095367432,
          "median": 19.100000381469727,
          "max": 37.5
        },
        "Cutting": {
          "count": 2383,
          "mean": 2.470595887214558,
          "std": 0.47188581259689716,
          "min": 1.5099999904632568,
          "median": 2.359999895095825,
          "max": 3.9700000286102295
        },
        "Hydraulic_Oil_Temperature": {
          "count": 2383,
          "mean": 47.600587501477854,
          "std": 3.805204339778088,
          "min": 35.70000076293945,
          "median": 47.599998474121094,
          "max": 61.400001525878906
        },
        "Hydraulic_Pressure": {
          "count": 2383,
          "mean": 112.49504408874384,
          "std": 20.27337431815578,
          "min": 48.29999923706055,
          "median": 116.66000366210938,
          "max": 160.5500030517578
        },
        "Spindle_Bearing_Temperature": {
          "count": 2383,
          "mean": 35.00717585055807,
          "std": 3.712788380238021,
          "min": 23.5,
          "median": 35.099998474121094,
          "max": 47.79999923706055
        },
        "Spindle_Speed": {
          "count": 2383,
          "mean": 19659.423835501468,
          "std": 2916.731519436805,
          "min": 10089.0,
          "median": 19359.0,
          "max": 28475.0
        },
        "Spindle_Vibration": {
          "count": 2383,
          "mean": 0.9988854390721842,
          "std": 0.3355384229165062,
          "min": -0.15000000596046448,
          "median": 1.0019999742507935,
          "max": 2.0139999389648438
        },
        "Tool_Vibration": {
          "count": 2383,
          "mean": 25.466546366407847,
          "std": 6.427592588168223,
          "min": 4.940000057220459,
          "median": 25.579999923706055,
          "max": 46.130001068115234
        },
        "Torque": {
          "count": 2383,
          "mean": 26.724305508269815,
          "std": 5.018108474012605,
          "min": 10.9399995803833,
          "median": 26.950000762939453,
          "max": 53.68000030517578
        },
        "Voltage": {
          "count": 2383,
          "mean": 348.3583718002518,
          "std": 46.020484024233795,
          "min": 164.0,
          "median": 348.0,
          "max": 502.0
        }
      },
      "features": [
        "Hydraulic_Pressure",
        "Coolant_Pressure",
        "Air_System_Pressure",
        "Coolant_Temperature",
        "Hydraulic_Oil_Temperature",
        "Spindle_Bearing_Temperature",
        "Spindle_Vibration",
        "Tool_Vibration",
        "Spindle_Speed",
        "Voltage",
        "Torque",
        "Cutting",
        "Pressure_Differential",
        "Vibration_Ratio",
        "Pressure_Force_Interaction"
      ]
    }
    "#);
}

#[test]
fn the_same_table_gives_the_same_bytes() {
    let first = outputs(&job(sample(2_500)), &[]);
    let sandbox = job(sample(2_500));
    assert_eq!(outputs(&sandbox, &[]), first);
    // And a second run over the first one's outputs.
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
    let sandbox = Sandbox::new();
    for (name, part) in
        ["2021.csv", "2022/January.CSV", "2022/june.csv"].iter().zip(rows.chunks(300))
    {
        sandbox.file(
            &format!("processing/input/{name}"),
            format!("{header}\r\n{}\r\n", part.join("\r\n")),
        );
    }
    sandbox.file("processing/input/README.txt", "not a table");
    assert_eq!(outputs(&sandbox, &[]), whole);
}

#[test]
fn one_host_and_a_whole_processing_job_around_it() {
    let plain = outputs(&job(sample(300)), &[]);
    let mut sandbox = job(sample(300));
    sandbox.variable("AWS_REGION", "us-east-1").variable("LOG_FORMAT", "json");
    sandbox
        .file("config/resourceconfig.json", r#"{"current_host":"algo-1","hosts":["algo-1"]}"#)
        .file("config/processingjobconfig.json", "{}");
    assert_eq!(outputs(&sandbox, &[]), plain);
}

#[test]
fn every_spelling_of_a_table_is_the_same_table() {
    let real = testkit::shared("data/machine_downtime.csv");
    let real = real.map(|path| fs_err::read_to_string(path).unwrap());
    for table in [sample(500)].into_iter().chain(real) {
        let [recipe, _, test, train] = outputs(&job(&table), &[]);
        for (name, spelling) in spellings::of(&table) {
            let found = outputs(&job(&spelling), &[]);
            assert!(found[3] == train, "{name}: other training rows");
            assert!(found[2] == test, "{name}: other test rows");
            assert!(found[0] == recipe, "{name}: another recipe");
        }
    }
}

#[test]
fn the_real_table() {
    let Some(path) = testkit::shared("data/machine_downtime.csv") else { return };
    let [_, summary, ..] = outputs(&job(fs_err::read(path).unwrap()), &[]);
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    insta::assert_json_snapshot!([&summary["rows"], &summary["train"], &summary["test"]], @r#"
    [
      {
        "dropped_bad_cells": 0,
        "dropped_duplicates": 0,
        "dropped_missing": 119,
        "dropped_ragged": 0,
        "missing_cells": {
          "Air_System_Pressure": 17,
          "Coolant_Pressure": 19,
          "Coolant_Temperature": 12,
          "Cutting": 7,
          "Hydraulic_Oil_Temperature": 16,
          "Hydraulic_Pressure": 10,
          "Spindle_Bearing_Temperature": 7,
          "Spindle_Speed": 6,
          "Spindle_Vibration": 11,
          "Tool_Vibration": 11,
          "Torque": 21,
          "Voltage": 6
        },
        "rows_kept": 2381,
        "rows_read": 2500
      },
      {
        "failure_share": 0.5168067226890757,
        "failures": 984,
        "rows": 1904
      },
      {
        "failure_share": 0.5178197064989518,
        "failures": 247,
        "rows": 477
      }
    ]
    "#);
}

#[test]
fn a_file_whose_name_is_no_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = job(sample(300));
    let name = std::ffi::OsStr::from_bytes(b"2\xff.csv");
    fs_err::write(sandbox.path("processing/input").as_std_path().join(name), "x").unwrap();
    assert!(refused(&sandbox).ends_with(".csv, expected names in UTF-8"));
}

#[test]
fn a_quote_that_is_not_closed() {
    let table = sample(300);
    let at = table.lines().take(100).map(|line| line.len() + 1).sum::<usize>();
    let table = format!("{}\"{}", &table[..at], &table[at..]);
    insta::assert_snapshot!(refused(&job(table)), @"/opt/ml/processing/input/raw.csv, line 101: a quote is not closed");
}

//! Reading CSV files into one clean table.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use dataset::{
    BadCells, CleaningCounts, CleaningRules, Column, Duplicates, Label, MissingValues, RowCount,
    Schema, SensorTable, TableReader,
};
use proptest::prelude::*;

fn schema() -> Schema {
    let column = |name: &str, unit: &str, spellings: &[&str]| Column {
        name: name.to_owned(),
        unit: Some(unit.to_owned()),
        spellings: spellings.iter().map(|&text| text.to_owned()).collect(),
        ..Column::default()
    };
    let columns = vec![
        column("Hydraulic_Pressure", "bar", &[]),
        column("Spindle_Vibration", "µm", &[]),
        column("Cutting", "kN", &["Cutting_Force"]),
    ];
    let words = |list: [&str; 2]| list.map(str::to_owned).to_vec();
    let label = Label {
        column: "Downtime".to_owned(),
        positive: words(["Machine_Failure", "1"]),
        negative: words(["No_Machine_Failure", "0"]),
        missing_markers: Vec::new(),
    };
    Schema::new(columns, label).unwrap()
}

const STRICT: CleaningRules = CleaningRules {
    missing_values: MissingValues::Drop,
    bad_cells: BadCells::Error,
    duplicates: Duplicates::Drop,
};
const LENIENT: CleaningRules = CleaningRules {
    missing_values: MissingValues::Median,
    bad_cells: BadCells::Drop,
    duplicates: Duplicates::Drop,
};

fn read(files: &[&[u8]], rules: CleaningRules) -> Result<(SensorTable, CleaningCounts), String> {
    let schema = schema();
    let mut reader = TableReader::new(&schema, rules);
    for (file, bytes) in ["a.csv", "b.csv"].into_iter().zip(files) {
        reader.read(file, *bytes).map_err(|error| error.to_string())?;
    }
    reader.finish().map_err(|error| error.to_string())
}

fn rows(table: &SensorTable) -> Vec<(Vec<f64>, u8)> {
    (0..table.len()).map(|row| (table.row(row).to_vec(), table.labels()[row])).collect()
}

#[test]
fn every_spelling_gives_the_same_table() {
    let plain = "Hydraulic_Pressure,Spindle_Vibration,Cutting,Downtime\n\
        71.04,1.291,3.58,Machine_Failure\n125.33,1.382,2.68,No_Machine_Failure\n";
    let (expected, _) = read(&[plain.as_bytes()], STRICT).unwrap();
    assert_eq!(rows(&expected), [(vec![71.04, 1.291, 3.58], 1), (vec![125.33, 1.382, 2.68], 0)]);
    let body = plain.split_once('\n').unwrap().1;
    let headers: [&[u8]; 8] = [
        "Hydraulic_Pressure(bar),Spindle_Vibration(µm),Cutting(kN),Downtime".as_bytes(),
        b"Hydraulic_Pressure(bar),Spindle_Vibration(\xb5m),Cutting_Force(kN),Downtime",
        b"Hydraulic_Pressure (bar),Spindle_Vibration(?m), cutting force [kN] ,DOWNTIME",
        "hydraulic pressure,SPINDLE-VIBRATION,Cutting,\"Downtime\"".as_bytes(),
        "\u{FEFF}Hydraulic_Pressure,Spindle_Vibration(\u{FFFD}m),Cutting,Downtime".as_bytes(),
        "\"Hydraulic_Pressure(bar)\",Spindle_Vibration(um),Cutting(kn),downtime ".as_bytes(),
        "\u{FEFF}\"Hydraulic_Pressure\",Spindle_Vibration,Cutting,Downtime".as_bytes(),
        "Hydraulic_Pressure(),Spindle_Vibration(Âµm),Cutting( kN ),Downtime".as_bytes(),
    ];
    for header in headers {
        for body in [body.to_owned(), body.replace('\n', "\r\n"), body.replace(',', " , ")] {
            let file = [header, b"\n", body.as_bytes()].concat();
            let (table, _) = read(&[&file], STRICT).unwrap();
            assert_eq!(table, expected, "{}", String::from_utf8_lossy(header));
        }
    }
}

#[test]
fn other_units_orders_labels_and_extra_columns_give_the_same_table() {
    let (expected, _) = read(
        &[b"Hydraulic_Pressure,Spindle_Vibration,Cutting,Downtime\n6.933724915,1,3.58,1\n"],
        STRICT,
    )
    .unwrap();
    for file in [
        "Downtime,Cutting(N),Hydraulic_Pressure(Pa),Spindle_Vibration(mm)\n machine_FAILURE ,3580,693372.4915,0.001\n",
        ",Date,Hydraulic_Pressure,Machine_ID,Spindle_Vibration,Cutting,Downtime\n0,31-12-2021,6.933724915,x,1,3.58,1.0\n",
    ] {
        assert_eq!(read(&[file.as_bytes()], STRICT).unwrap().0, expected);
    }
}

#[test]
fn dropped_rows_are_counted_by_reason() {
    let file = "\
        Hydraulic_Pressure,Spindle_Vibration,Cutting,Downtime\n\
        1,2,3,1\n\
        1.0,2,3.00, 1.0 \n\
        ,2,3,1\n\
        NaN,inf,3,0\n\
        1,2,3,\n\
        1,2,3,0\n\
        1,x,3,0\n\
        1,2,3,maybe\n\
        1,2,3\n\
        1,2,3,4,5\n";
    let rules = CleaningRules { bad_cells: BadCells::Drop, ..STRICT };
    let (table, counts) = read(&[file.as_bytes()], rules).unwrap();
    assert_eq!(rows(&table), [(vec![1.0, 2.0, 3.0], 1), (vec![1.0, 2.0, 3.0], 0)]);
    insta::assert_json_snapshot!(counts, @r#"
    {
      "rows_read": 10,
      "rows_kept": 2,
      "dropped_missing": 3,
      "dropped_bad_cells": 2,
      "dropped_ragged": 2,
      "dropped_duplicates": 1,
      "failures": {
        "read": 3,
        "kept": 1,
        "dropped_missing": 1,
        "dropped_bad_cells": 0,
        "dropped_duplicates": 1,
        "share_read": 0.5,
        "share_kept": 0.5
      },
      "missing_cells": {
        "Hydraulic_Pressure": 2,
        "Spindle_Vibration": 1
      },
      "first_bad": "a.csv, line 8, column `Spindle_Vibration`: found `x`, expected a number",
      "warnings": [
        "3 of 10 rows (30.0 %) were dropped: with missing cells",
        "2 of 10 rows (20.0 %) were dropped: with cells that cannot be read; the share of failures was 50.0 % and is 60.0 %",
        "2 of 10 rows (20.0 %) were dropped: with too few or too many fields",
        "1 of 10 rows (10.0 %) were dropped: duplicates; the share of failures was 50.0 % and is 40.0 %"
      ]
    }
    "#);
    let (table, counts) = read(&[file.as_bytes()], LENIENT).unwrap();
    let dropped = (counts.dropped_missing.rows, counts.dropped_duplicates.rows);
    assert_eq!((table.len(), dropped), (4, (1, 1)));
    assert!(table.row(1)[0].is_nan() && table.row(2)[1].is_nan());
}

#[test]
fn several_files_give_one_table() {
    let first = b"Hydraulic_Pressure,Spindle_Vibration,Cutting,Downtime,Note\n1,2,3,1,x\n";
    let second = b"Note,Downtime,Cutting_Force(N),Spindle_Vibration,Hydraulic_Pressure\ny,0,4000,5,6\nx,1,3000,2,1\nz,1,3000,2,1\n";
    let (table, counts) = read(&[first, second], STRICT).unwrap();
    // The row of the second file with the note `x` is the row of the first; that with `z` is not.
    let expected = [(vec![1.0, 2.0, 3.0], 1), (vec![6.0, 5.0, 4.0], 0), (vec![1.0, 2.0, 3.0], 1)];
    assert_eq!(rows(&table), expected);
    assert_eq!(counts.dropped_duplicates.rows, 1);
}

const HEADER: &str = "Hydraulic_Pressure,Spindle_Vibration,Cutting,Downtime";

#[test]
fn rows_are_duplicates_if_they_are_equal_in_every_column_of_the_file() {
    let file = format!(
        ",{HEADER},Id,Shift\n0,1,2,3,1,7,a\n1,1,2,3,1,8,a\n2,1.0,2,3,1,7, a \n3,1,2,3,1,7,b\n"
    );
    let kept = |duplicates: Duplicates| {
        let rules = CleaningRules { duplicates, ..STRICT };
        read(&[file.as_bytes()], rules).map(|(table, counts)| {
            assert_eq!(table.len() + counts.dropped_duplicates.rows, 4);
            table.len()
        })
    };
    // The unnamed first column is the number of the row: the third row is the first.
    assert_eq!(kept(Duplicates::Drop), Ok(3));
    assert_eq!(kept(Duplicates::Keep), Ok(4));
    let by = |names: &[&str]| kept(Duplicates::By(names.iter().map(|&n| n.to_owned()).collect()));
    assert_eq!(by(&["Shift"]), Ok(2));
    assert_eq!(by(&["id", "shift"]), Ok(3));
    assert_eq!(by(&["Hydraulic_Pressure", "Downtime"]), Ok(1));
    insta::assert_snapshot!(by(&["Machine"]).unwrap_err(), @"a.csv lacks column `Machine`; columns found: , Hydraulic_Pressure, Spindle_Vibration, Cutting, Downtime, Id, Shift");
}

#[test]
fn rules_that_drop_many_rows_or_change_the_share_of_failures_are_warned_of() {
    // 100 rows with 50 failures, of which 5 are dropped: 5 % of the rows, and 45 / 95 = 47.4 % is
    // less than a tenth below 50 %.
    let rows = |bad: usize| {
        let row = |row: usize| {
            let pressure = if row < bad { String::new() } else { row.to_string() };
            format!("{pressure},2,3,{}\n", usize::from(row < 50))
        };
        format!("{HEADER}\n{}", (0..100).map(row).collect::<String>())
    };
    let warnings = |bad| read(&[rows(bad).as_bytes()], STRICT).unwrap().1.warnings;
    assert_eq!(warnings(5), Vec::<String>::new());
    insta::assert_snapshot!(warnings(6).join("\n"), @"6 of 100 rows (6.0 %) were dropped: with missing cells");
    // 39 / 89 = 43.8 %.
    insta::assert_snapshot!(warnings(11).join("\n"), @"11 of 100 rows (11.0 %) were dropped: with missing cells; the share of failures was 50.0 % and is 43.8 %");
}

#[test]
fn labels_of_one_class_are_different_words() {
    let file = format!("{HEADER}\n1,2,3,1\n1,2,3,Machine_Failure\n1,2,3,1.0\n1,2,3,0\n");
    let (table, counts) = read(&[file.as_bytes()], STRICT).unwrap();
    assert_eq!((table.labels(), counts.dropped_duplicates.rows), (&[1, 1, 0][..], 1));
}

#[test]
fn readings_have_64_bits() {
    // 123456789.25 and 123456789.5 are one 32-bit number.
    let file = format!("{HEADER}\n123456789.25,2,3,1\n123456789.5,2,3,1\n");
    let (table, _) = read(&[file.as_bytes()], STRICT).unwrap();
    assert_eq!(table.row(1)[0] - table.row(0)[0], 0.25);
}

#[test]
fn dropped_rows_are_counted_with_their_failures() {
    let file = format!("{HEADER}\n1,2,3,1\n1,2,3,1\n,2,3,1\nx,2,3,1\n1,2,3,0\n1,2,,0\n1,2\n");
    let rules = CleaningRules { bad_cells: BadCells::Drop, ..STRICT };
    let (_, counts) = read(&[file.as_bytes()], rules).unwrap();
    let pair = |count: RowCount| (count.rows, count.failures);
    assert_eq!(pair(counts.read), (7, 4));
    assert_eq!(pair(counts.kept), (2, 1));
    assert_eq!(pair(counts.dropped_duplicates), (1, 1));
    assert_eq!(pair(counts.dropped_missing), (2, 1));
    assert_eq!(pair(counts.dropped_bad_cells), (1, 1));
    assert_eq!(pair(counts.dropped_ragged), (1, 0));
}

#[test]
fn bad_cells_can_be_missing_and_are_counted_by_their_text() {
    let file = format!("{HEADER}\n1,2,3,1\nBad,2,3,1\n4,Bad,3,0\n5,oops,3,0\n1,2\n");
    let rules = CleaningRules { bad_cells: BadCells::Missing, ..LENIENT };
    let (table, counts) = read(&[file.as_bytes()], rules).unwrap();
    assert!(table.row(1)[0].is_nan() && table.row(2)[1].is_nan() && table.row(3)[1].is_nan());
    assert_eq!((table.len(), counts.dropped_ragged.rows), (4, 1));
    insta::assert_json_snapshot!(counts.bad_cells, @r#"
    {
      "Bad": {
        "count": 2,
        "first": "a.csv, line 3, column `Hydraulic_Pressure`"
      },
      "oops": {
        "count": 1,
        "first": "a.csv, line 5, column `Spindle_Vibration`"
      }
    }
    "#);
}

#[test]
fn rows_that_differ_in_a_bad_cell_are_no_duplicates() {
    let rules = CleaningRules { bad_cells: BadCells::Missing, ..LENIENT };
    let rows = |rows: &str| {
        let (table, counts) =
            read(&[format!("{HEADER}\n{rows}").as_bytes()], rules.clone()).unwrap();
        (table.len(), counts.dropped_duplicates.rows)
    };
    assert_eq!(rows("1,2,3,1\n>5,2,3,0\n>6,2,3,0\n>5,2,3,0\n,2,3,0\n"), (4, 1));
    assert_eq!(rows("1,2,3,1\nx,y,3,0\ny,x,3,0\n"), (3, 0));
}

fn one_column(name: &str, unit: Option<&str>, spellings: &[&str]) -> Schema {
    let column = Column {
        name: name.to_owned(),
        unit: unit.map(str::to_owned),
        spellings: spellings.iter().map(|&text| text.to_owned()).collect(),
        ..Column::default()
    };
    let words = |word: &str| vec![word.to_owned()];
    let label = Label {
        column: "fail".to_owned(),
        positive: words("1"),
        negative: words("0"),
        missing_markers: Vec::new(),
    };
    Schema::new(vec![column], label).unwrap()
}

/// Returns the first column of a table of these files, or the error, and the warnings.
fn first_column(schema: &Schema, files: &[&str]) -> (Result<Vec<f64>, String>, Vec<String>) {
    let mut reader = TableReader::new(schema, STRICT);
    for (name, text) in ["a.csv", "b.csv"].into_iter().zip(files) {
        if let Err(error) = reader.read(name, text.as_bytes()) {
            return (Err(error.to_string()), Vec::new());
        }
    }
    match reader.finish() {
        Ok((table, counts)) => {
            (Ok((0..table.len()).map(|row| table.row(row)[0]).collect()), counts.warnings)
        }
        Err(error) => (Err(error.to_string()), Vec::new()),
    }
}

#[test]
fn a_header_is_matched_exactly_then_by_unit_and_parentheses_may_be_a_name() {
    let column = |unit, spellings: &[&str], header: &str| {
        let schema = one_column("Speed", unit, spellings);
        first_column(&schema, &[&format!("{header},fail\n10,20,0\n")]).0
    };
    let both = "Speed [rpm],Speed [rad/s]";
    assert_eq!(column(Some("rpm"), &[], both), Ok(vec![10.0]));
    assert_eq!(column(Some("rad/s"), &[], both), Ok(vec![20.0]));
    assert_eq!(column(None, &["Speed [rad/s]"], both), Ok(vec![20.0]));
    insta::assert_snapshot!(column(None, &[], both).unwrap_err(), @"a.csv has two columns for `Speed`: `Speed [rpm]` and `Speed [rad/s]`; the column's `unit`, or the whole header as a spelling, tells them apart");
    // A unit that is not among the headers is converted from the one that can be.
    assert_eq!(column(Some("1/s"), &[], "Speed [rpm],Speed [V]"), Ok(vec![10.0 / 60.0]));
    for (spelling, reading) in [("Speed (in)", 10.0), ("speed (OUT)", 20.0)] {
        assert_eq!(column(None, &[spelling], "Speed (in),Speed (out)"), Ok(vec![reading]));
    }
    // `min` is a unit and here a part of the name.
    assert_eq!(column(Some("rpm"), &["Speed (min)"], "Speed (min),Speed (max)"), Ok(vec![10.0]));
    assert_eq!(column(None, &[], "Speed,Speed [rad/s]"), Ok(vec![10.0]));
    assert_eq!(
        column(None, &["Rate"], "Speed,Rate").unwrap_err(),
        "a.csv has two columns for `Speed`: `Speed` and `Rate`"
    );
    // The label, too, may be named as in the file, or without what is in parentheses.
    for name in ["fail (0/1)", "FAIL"] {
        let mut schema = one_column("Speed", None, &[]);
        let label = Label { column: name.to_owned(), ..schema.label().clone() };
        schema = Schema::new(schema.columns().to_vec(), label).unwrap();
        let (read, _) = first_column(&schema, &["Speed,Fail (0/1)\n10,1\n"]);
        assert_eq!(read, Ok(vec![10.0]), "{name}");
    }
}

#[test]
fn files_in_different_units_are_converted_or_refused() {
    let celsius = "T [\u{b0}C],fail\n100,1\n";
    let kelvin = "T [K],fail\n273.15,0\n";
    let read = |unit, files: &[&str]| first_column(&one_column("T", unit, &[]), files);
    assert_eq!(read(Some("\u{b0}C"), &[celsius, kelvin]).0, Ok(vec![100.0, 0.0]));
    insta::assert_snapshot!(read(None, &[celsius, kelvin]).0.unwrap_err(), @"column `T` is in K in b.csv and in °C in a.csv; declare its `unit`, and both are converted to it");
    // A file without a unit, beside one with: whether it is the declared one is a guess.
    for (files, without) in
        [([celsius, "T,fail\n1,0\n"], "b.csv"), (["T,fail\n1,0\n", celsius], "a.csv")]
    {
        let (read, warnings) = read(Some("K"), &files);
        assert_eq!(read.map(|read| read.len()), Ok(2));
        let with = if without == "a.csv" { "b.csv" } else { "a.csv" };
        assert_eq!(
            warnings,
            [format!(
                "column `T` is in \u{b0}C in {with} and has no unit in {without}, which is taken to be \
                 in K, the unit of the settings"
            )]
        );
    }
    // One unit in two spellings is no difference.
    let (same, warnings) = read(None, &[celsius, "T(degC),fail\n1,0\n"]);
    assert_eq!((same, warnings), (Ok(vec![100.0, 1.0]), Vec::new()));
    let (_, warnings) = read(None, &[celsius, "T,fail\n1,0\n"]);
    insta::assert_snapshot!(warnings.join("\n"), @"column `T` is in °C in a.csv and has no unit in b.csv: the same is assumed");
    let (_, warnings) = read(None, &["T,fail\n2,1\n-4,0\n", "T,fail\n3001,0\n"]);
    // The means are 3 and 3001.
    insta::assert_snapshot!(warnings.join("\n"), @"column `T`: the mean of absolute values is 3 in a.csv and 3001 in b.csv; are the units the same?");
    let (_, warnings) = read(None, &["T,fail\n2,1\n-4,0\n", "T,fail\n2999,0\n"]);
    assert!(warnings.is_empty());
}

#[test]
fn the_decimal_mark_may_be_far_below_the_header() {
    let read = |later: &str| {
        let text = format!("T;fail\n{}{later}", "5;0\n;0\n".repeat(400));
        first_column(&one_column("T", None, &[]), &[&text]).0
    };
    // Equal rows are read once.
    assert_eq!(read("0,5;1\n1,25;1\n"), Ok(vec![5.0, 0.5, 1.25]));
    assert_eq!(read("0.5;1\n"), Ok(vec![5.0, 0.5]));
    insta::assert_snapshot!(read("3,997;1\n").unwrap_err(), @"a.csv, line 802, column `T`: `3,997` is 3.997 with a decimal comma and 3997 with a decimal point; the setting `preprocessing.format.decimal` says which");
}

#[test]
fn files_may_differ_in_columns_that_the_schema_does_not_have() {
    let (read, warnings) = first_column(
        &one_column("T", None, &[]),
        &["T,Date,fail\n1,x,1\n", "Dates,T,fail\nx,1,1\n"],
    );
    // They are different rows: no row of the second file can equal one of the first.
    assert_eq!((read, warnings), (Ok(vec![1.0, 1.0]), Vec::new()));
}

#[test]
fn errors_name_the_file_and_the_place() {
    let header = "Hydraulic_Pressure,Spindle_Vibration,Cutting,Downtime\n";
    let error = |text: &[u8]| read(&[text], STRICT).unwrap_err();
    let body = |text: &str| error(format!("{header}{text}").as_bytes());
    insta::assert_snapshot!(error(b""), @"a.csv is empty, expected a header line");
    insta::assert_snapshot!(error(b"\n\n"), @"a.csv is empty, expected a header line");
    insta::assert_snapshot!(error(header.as_bytes()), @"there are no rows: a.csv has a header and nothing else");
    insta::assert_snapshot!(error(b"Hydraulic_Pressure;Cutting;Downtime\n1;2;1\n"), @"a.csv lacks column `Spindle_Vibration`; columns found: Hydraulic_Pressure, Cutting, Downtime");
    insta::assert_snapshot!(error(b"Hydraulic_Pressure\tCutting\tDowntime\n1\t2\t1\n"), @"a.csv lacks column `Spindle_Vibration`; columns found: Hydraulic_Pressure, Cutting, Downtime");
    let utf16: Vec<u8> =
        "\u{FEFF}Cutting,Downtime\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    insta::assert_snapshot!(error(&utf16), @"a.csv lacks column `Hydraulic_Pressure`, column `Spindle_Vibration`; columns found: Cutting, Downtime");
    insta::assert_snapshot!(error(b"Hydraulic_Presure(bar),Spindle_Vibration,Force,Downtim\n1,2,3,1\n"), @"a.csv lacks column `Downtime` (did you mean `Downtim`?), column `Hydraulic_Pressure` (did you mean `Hydraulic_Presure`?), column `Cutting`; columns found: Hydraulic_Presure(bar), Spindle_Vibration, Force, Downtim");
    insta::assert_snapshot!(error(b"Hydraulic_Pressure(V),Spindle_Vibration,Cutting,Downtime\n"), @"a.csv has `Hydraulic_Pressure(V)`, expected `Hydraulic_Pressure` in one of: bar, mbar, Pa, hPa, kPa, MPa, mPa, psi, atm, kgf/cm2");
    insta::assert_snapshot!(error(b"Hydraulic_Pressure,Spindle_Vibration,Cutting,Cutting_Force(N),Downtime\n"), @"a.csv has two columns for `Cutting`: `Cutting` and `Cutting_Force(N)`");
    insta::assert_snapshot!(body("1,2,3,1\n1,broken,3,1\n"), @"a.csv, line 3, column `Spindle_Vibration`: found `broken`, expected a number");
    insta::assert_snapshot!(body("1,2,3,1\n\n1,2,3,perhaps\n"), @"a.csv, line 4, column `Downtime`: found `perhaps`, expected one of: Machine_Failure, 1, No_Machine_Failure, 0");
    insta::assert_snapshot!(body("1,2,3,1\n1,2,3\n"), @"a.csv, line 3: the row has 3 fields, expected 4 as in the header");
    insta::assert_snapshot!(body(",2,3,1\n1,NaN,3,0\n"), @"no rows are left of 2: 2 with missing cells (`Hydraulic_Pressure` 1, `Spindle_Vibration` 1), 0 with cells that cannot be read, 0 with too few or too many fields, 0 duplicates");
    insta::assert_snapshot!(error(&[header.as_bytes(), b"1,\xff2,3,1\n"].concat()), @"a.csv, line 2, column `Spindle_Vibration`: found `ÿ2`, expected a number");
    insta::assert_snapshot!(error(&[header.as_bytes(), b"1,2,3,\xc3\x28\n"].concat()), @"a.csv, line 2, column `Downtime`: found `Ã(`, expected one of: Machine_Failure, 1, No_Machine_Failure, 0");
    let bad = format!("{header}1,x,3,1\n1,2\n");
    insta::assert_snapshot!(read(&[bad.as_bytes()], LENIENT).unwrap_err(), @"no rows are left of 2: 0 with missing cells, 1 with cells that cannot be read, 1 with too few or too many fields, 0 duplicates; the first: a.csv, line 2, column `Spindle_Vibration`: found `x`, expected a number");
    insta::assert_snapshot!(read(&[header.as_bytes(), header.as_bytes()], STRICT).unwrap_err(), @"there are no rows: a.csv and 1 more have a header and nothing else");
}

#[test]
fn an_endless_record_is_refused_after_a_megabyte() {
    use std::io::{BufReader, Read, repeat};
    let header: &[u8] = b"Hydraulic_Pressure,Spindle_Vibration,Cutting,Downtime\n";
    let schema = schema();
    let mut reader = TableReader::new(&schema, STRICT);
    let endless = BufReader::new(header.chain(repeat(b'7').take(1 << 30)));
    insta::assert_snapshot!(reader.read("a.csv", endless).unwrap_err(), @"a.csv, line 2: the record is longer than 1048576 bytes; is a quote not closed?");
}

/// Returns more than a megabyte of rows, some with quotes, CRLF or blank lines.
fn long_table() -> String {
    let mut text = "Note,Hydraulic_Pressure(Pa),Spindle_Vibration,Cutting,Downtime\n".to_owned();
    for row in 0..40_000 {
        let note = if row % 1_000 == 0 { "\"two\r\nlines, and \"\"quotes\"\"\"" } else { "none" };
        let end = ["\n", "\r\n", "\n\n"][row % 3];
        let (pressure, vibration) = (f64::from(row as u32 % 39_000) * 1.1, row as u32 % 39_000);
        text += &format!("{note},{pressure},{vibration},0.1234567890123456789,{}{end}", row % 2);
    }
    text
}

#[test]
fn any_number_of_threads_gives_the_same_table() {
    let text = long_table();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| read(&[text.as_bytes()], STRICT).unwrap())
    };
    let (table, counts) = with(1);
    assert_eq!((counts.read.rows, counts.dropped_duplicates.rows), (40_000, 1_000));
    assert_eq!(table.row(10), [0.000_11, 10.0, 0.123_456_789_012_345_68]);
    for threads in [2, 7] {
        assert!(with(threads) == (table.clone(), counts.clone()), "{threads}");
    }
    assert!(read(&[text.as_bytes()], STRICT).unwrap() == (table, counts));
}

#[test]
fn the_first_error_in_a_long_file_is_reported_with_its_line() {
    let text = long_table();
    let at = |row: usize| text.match_indices("none,").nth(row).unwrap().0;
    let (first, second) = (at(20_000), at(39_000));
    let wrong = [&text[..first], "none,broken,1,1,1\n", &text[first..second], "1\n"].concat();
    let line = text[..first].matches('\n').count() + 1;
    assert_eq!(
        read(&[wrong.as_bytes()], STRICT).unwrap_err(),
        format!(
            "a.csv, line {line}, column `Hydraulic_Pressure`: found `broken`, expected a number"
        )
    );
    let open = format!("{}\"{}", &text[..first], text[first..].replace('"', ""));
    assert_eq!(
        read(&[open.as_bytes()], STRICT).unwrap_err(),
        format!("a.csv, line {line}: a quote is not closed")
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let schema = schema();
        let rules = CleaningRules { bad_cells: BadCells::Drop, ..STRICT };
        let mut reader = TableReader::new(&schema, rules);
        let header = b"Hydraulic_Pressure,Spindle_Vibration,Cutting,Downtime\n";
        let _ = reader.read("a.csv", [header, bytes.as_slice()].concat().as_slice());
        let _ = reader.read("b.csv", bytes.as_slice());
        let _ = reader.finish();
    }
}

/// Reads files of which all columns but some are sensor columns. Returns the columns and the table.
fn read_all(
    files: &[&str],
    except: &[&str],
) -> Result<(Vec<Column>, SensorTable, CleaningCounts), String> {
    let label = schema().label().clone();
    let except = except.iter().map(|&name| name.to_owned()).collect();
    let mut reader = TableReader::of_all_columns(label, except, LENIENT).unwrap();
    for (file, text) in ["a.csv", "b.csv"].into_iter().zip(files) {
        reader.read(file, text.as_bytes()).map_err(|error| error.to_string())?;
    }
    let columns = reader.schema().columns().to_vec();
    let (table, counts) = reader.finish().map_err(|error| error.to_string())?;
    Ok((columns, table, counts))
}

#[test]
fn all_columns_are_those_of_the_first_file() {
    let first = "Unnamed: 0,Date,Druck [bar],Speed [rpm],Speed [rad/s],Temp (in),1st,Downtime,\n\
                 0,1.5.,1.5,10,1,20,7,1,\n1,2.5.,2.5,20,2,21,8,0,\n";
    // In another order, in another unit, and with another column that is left out.
    let second = "Downtime;Note;1st;Temp (in);Speed [rad/s];Speed [rpm];Druck [kPa]\n\
                  1;x;9;22;3;30;350\n0;y;9;23;4;40;450\n";
    let (columns, table, counts) = read_all(&[first, second], &["date", "Note"]).unwrap();
    let named: Vec<_> = columns
        .iter()
        .map(|c| (c.name.as_str(), c.unit.as_deref(), c.spellings.join("|")))
        .collect();
    assert_eq!(
        named,
        [
            ("Druck", Some("bar"), String::new()),
            ("Speed_rpm", Some("rpm"), "Speed [rpm]".to_owned()),
            ("Speed_rad_s", Some("rad/s"), "Speed [rad/s]".to_owned()),
            ("Temp_in", None, "Temp (in)".to_owned()),
            ("_1st", None, String::new()),
        ]
    );
    assert_eq!(
        rows(&table),
        [
            (vec![1.5, 10.0, 1.0, 20.0, 7.0], 1),
            (vec![2.5, 20.0, 2.0, 21.0, 8.0], 0),
            (vec![3.5, 30.0, 3.0, 22.0, 9.0], 1),
            (vec![4.5, 40.0, 4.0, 23.0, 9.0], 0),
        ]
    );
    assert_eq!(
        counts.notes[0],
        "a.csv: its 5 sensor columns are all columns but `Unnamed: 0`, `Date`, `Downtime`, the one \
         without a name in place 9"
    );
    assert!(counts.warnings.is_empty(), "{:?}", counts.warnings);
}

#[test]
fn all_columns_with_headers_like_one_another_are_told_apart() {
    let text = "Speed [rpm],Speed [rad/s],Speed_rpm,a b,Downtime\n1,2,3,4,1\n5,6,7,8,0\n";
    let (columns, table, _) = read_all(&[text], &[]).unwrap();
    let named: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(named, ["Speed_2", "Speed_rad_s", "Speed_rpm", "a_b"]);
    assert_eq!(rows(&table)[0], (vec![1.0, 2.0, 3.0, 4.0], 1));
}

#[test]
fn all_columns_may_be_separated_by_blanks() {
    let (columns, table, _) = read_all(&["A   B  Downtime\n1,5  2 1\n2,5  3 0\n"], &[]).unwrap();
    assert_eq!(columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["A", "B"]);
    assert_eq!(rows(&table), [(vec![1.5, 2.0], 1), (vec![2.5, 3.0], 0)]);
}

#[test]
fn files_whose_columns_differ_are_refused_where_all_are_read() {
    let refused = |files: &[&str], except: &[&str]| read_all(files, except).unwrap_err();
    assert_eq!(
        refused(&["A,Downtime\n1,1\n2,0\n", "A,B,Downtime\n1,2,1\n"], &[]),
        "b.csv has `B`, which a.csv lacks; with `preprocessing.columns: all` every file has the same \
         columns but for those in `preprocessing.except`"
    );
    let lacks = refused(&["A,B,Downtime\n1,2,1\n2,3,0\n", "A,Downtime\n1,1\n"], &[]);
    assert!(lacks.starts_with("b.csv lacks column `B`"), "{lacks}");
    assert_eq!(
        refused(&["A,Downtime\n1,1\n"], &["A"]),
        "a.csv has no column but `A`, `Downtime`, expected sensor columns"
    );
    let text = refused(&["A,Downtime\nM,1\n"], &[]);
    assert!(text.contains("no rows are left"), "{text}");
    let (_, _, counts) = read_all(&["A,Downtime\n1,1\n2,0\n"], &["Dat"]).unwrap();
    assert_eq!(counts.warnings, ["`preprocessing.except` names `Dat`, which no file has"]);
}

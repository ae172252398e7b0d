//! Reading CSV files into one clean table.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use dataset::{
    BadCells, CleaningCounts, CleaningRules, Column, Label, MissingValues, Schema, SensorTable,
    TableReader,
};
use proptest::prelude::*;

fn schema() -> Schema {
    let column = |name: &str, unit: &str, spellings: &[&str]| Column {
        name: name.to_owned(),
        unit: Some(unit.to_owned()),
        spellings: spellings.iter().map(|&text| text.to_owned()).collect(),
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
    };
    Schema::new(columns, label).unwrap()
}

const STRICT: CleaningRules =
    CleaningRules { missing_values: MissingValues::Drop, bad_cells: BadCells::Error };
const LENIENT: CleaningRules =
    CleaningRules { missing_values: MissingValues::Median, bad_cells: BadCells::Drop };

fn read(files: &[&[u8]], rules: CleaningRules) -> Result<(SensorTable, CleaningCounts), String> {
    let schema = schema();
    let mut reader = TableReader::new(&schema, rules);
    for (file, bytes) in ["a.csv", "b.csv"].into_iter().zip(files) {
        reader.read(file, *bytes).map_err(|error| error.to_string())?;
    }
    reader.finish().map_err(|error| error.to_string())
}

fn rows(table: &SensorTable) -> Vec<(Vec<f32>, u8)> {
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
        1.0,2,3.00,Machine_Failure\n\
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
      "missing_cells": {
        "Hydraulic_Pressure": 2,
        "Spindle_Vibration": 1
      },
      "first_bad": "a.csv, line 8, column `Spindle_Vibration`: found `x`, expected a number"
    }
    "#);
    let (table, counts) = read(&[file.as_bytes()], LENIENT).unwrap();
    assert_eq!((table.len(), counts.dropped_missing, counts.dropped_duplicates), (4, 1, 1));
    assert!(table.row(1)[0].is_nan() && table.row(2)[1].is_nan());
}

#[test]
fn several_files_give_one_table() {
    let first = b"Hydraulic_Pressure,Spindle_Vibration,Cutting,Downtime,Note\n1,2,3,1,x\n";
    let second = b"Note,Downtime,Cutting_Force(N),Spindle_Vibration,Hydraulic_Pressure\ny,0,4000,5,6\nz,1,3000,2,1\n";
    let (table, counts) = read(&[first, second], STRICT).unwrap();
    assert_eq!(rows(&table), [(vec![1.0, 2.0, 3.0], 1), (vec![6.0, 5.0, 4.0], 0)]);
    assert_eq!(counts.dropped_duplicates, 1);
}

#[test]
fn errors_name_the_file_and_the_place() {
    let header = "Hydraulic_Pressure,Spindle_Vibration,Cutting,Downtime\n";
    let error = |text: &[u8]| read(&[text], STRICT).unwrap_err();
    let body = |text: &str| error(format!("{header}{text}").as_bytes());
    insta::assert_snapshot!(error(b""), @"a.csv is empty, expected a header line");
    insta::assert_snapshot!(error(b"\n\n"), @"a.csv is empty, expected a header line");
    insta::assert_snapshot!(error(header.as_bytes()), @"there are no rows: a.csv has a header and nothing else");
    insta::assert_snapshot!(error(b"Hydraulic_Pressure;Cutting;Downtime\n1;2;1\n"), @"a.csv lacks column `Downtime`, column `Hydraulic_Pressure`, column `Spindle_Vibration`, column `Cutting`; columns found: Hydraulic_Pressure;Cutting;Downtime; the columns look separated by semicolons, expected commas");
    insta::assert_snapshot!(error(b"Hydraulic_Pressure\tCutting\tDowntime\n1\t2\t1\n"), @"a.csv lacks column `Downtime`, column `Hydraulic_Pressure`, column `Spindle_Vibration`, column `Cutting`; columns found: Hydraulic_PressureCuttingDowntime; the columns look separated by tabs, expected commas");
    let utf16: Vec<u8> =
        "\u{FEFF}Cutting,Downtime\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    insta::assert_snapshot!(error(&utf16), @"a.csv lacks column `Downtime`, column `Hydraulic_Pressure`, column `Spindle_Vibration`, column `Cutting`; columns found: ÿþCutting, Downtime; the file looks like UTF-16, expected UTF-8 or Latin-1");
    insta::assert_snapshot!(error(b"Hydraulic_Presure(bar),Spindle_Vibration,Force,Downtim\n1,2,3,1\n"), @"a.csv lacks column `Downtime` (did you mean `Downtim`?), column `Hydraulic_Pressure` (did you mean `Hydraulic_Presure`?), column `Cutting`; columns found: Hydraulic_Presure(bar), Spindle_Vibration, Force, Downtim");
    insta::assert_snapshot!(error(b"Hydraulic_Pressure(psi),Spindle_Vibration,Cutting,Downtime\n"), @"a.csv has `Hydraulic_Pressure(psi)`, expected `Hydraulic_Pressure` in one of: bar, mbar, Pa, hPa, kPa, MPa");
    insta::assert_snapshot!(error(b"Hydraulic_Pressure,Spindle_Vibration,Cutting,Cutting_Force(N),Downtime\n"), @"a.csv has two columns for `Cutting`: `Cutting` and `Cutting_Force(N)`");
    insta::assert_snapshot!(body("1,2,3,1\n1,broken,3,1\n"), @"a.csv, line 3, column `Spindle_Vibration`: found `broken`, expected a number");
    insta::assert_snapshot!(body("1,2,3,1\n\n1,2,3,perhaps\n"), @"a.csv, line 4, column `Downtime`: found `perhaps`, expected one of: Machine_Failure, 1, No_Machine_Failure, 0");
    insta::assert_snapshot!(body("1,2,3,1\n1,2,3\n"), @"a.csv, line 3: the row has 3 fields, expected 4 as in the header");
    insta::assert_snapshot!(body(",2,3,1\n1,NaN,3,0\n"), @"no rows are left of 2: 2 with missing cells, 0 with cells that cannot be read, 0 with too few or too many fields, 0 duplicates");
    insta::assert_snapshot!(error(&[header.as_bytes(), b"1,\xff2,3,1\n"].concat()), @"a.csv, line 2, column `Spindle_Vibration`: found `�2`, expected a number");
    insta::assert_snapshot!(error(&[header.as_bytes(), b"1,2,3,\xc3\x28\n"].concat()), @"a.csv, line 2, column `Downtime`: found `�(`, expected one of: Machine_Failure, 1, No_Machine_Failure, 0");
    let bad = format!("{header}1,x,3,1\n1,2\n");
    insta::assert_snapshot!(read(&[bad.as_bytes()], LENIENT).unwrap_err(), @"no rows are left of 2: 0 with missing cells, 1 with cells that cannot be read, 1 with too few or too many fields, 0 duplicates; the first: a.csv, line 2, column `Spindle_Vibration`: found `x`, expected a number");
    let other = b"Hydraulic_Pressure,Spindle_Vibration,Cutting,Downtime,Shift\n1,2,3,1,4\n";
    insta::assert_snapshot!(read(&[header.as_bytes(), other], STRICT).unwrap_err(), @"b.csv and a.csv have different columns: `shift` only in b.csv");
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
    assert_eq!((counts.rows_read, counts.dropped_duplicates), (40_000, 1_000));
    assert_eq!(table.row(10), [0.000_11, 10.0, 0.123_456_79]);
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

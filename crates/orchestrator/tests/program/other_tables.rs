//! Tables of other plants, with settings of their own, as a user writes both.

use std::fmt::Write;

use serde_json::Value;
use testkit::Outcome;

use crate::Place;

/// The settings of a pipeline whose `preprocessing` has these lines.
fn settings(preprocessing: &str) -> String {
    let lines: String = preprocessing.lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "s3_paths: {{ bucket: plant }}\n\
         aws: {{ account_id: '123456789012', role_arn: 'arn:aws:iam::123456789012:role/R' }}\n\
         quality_gates: {{ accuracy: 0.1 }}\n\
         hyperparameters: {{ n_estimators: 5 }}\n\
         preprocessing:\n{lines}"
    )
}

const ONE_COLUMN: &str = "label: { column: fail, positive: ['1'], negative: ['0'] }\n\
                          columns: { temp: {} }\n\
                          engineered_features: {}\n";

/// Returns rows of a plant that fails above 50 degrees: `row` formats the number of the row, its
/// temperature and whether the plant fails.
fn rows(count: usize, row: impl Fn(usize, f64, bool) -> String) -> String {
    let temperature = |row: usize| (row * 37 % 100) as f64 + 0.5;
    (0..count).fold(String::new(), |mut text, number| {
        let temperature = temperature(number);
        let _ = writeln!(text, "{}", row(number, temperature, temperature > 50.0));
        text
    })
}

fn plain(number: usize, temperature: f64, fails: bool) -> String {
    format!("{temperature},{},{}", u8::from(fails), number)
}

/// Runs the pipeline on a table that must succeed. Returns the report and the printed tables.
#[track_caller]
fn run(place: &Place, preprocessing: &str, input: &str) -> (Value, String) {
    let config = place.file("config.yaml", settings(preprocessing));
    let arguments = ["run", "--no-cache", "--config", config.as_str(), "--input", input];
    let json = place.orchestrator(&[&arguments[..], &["--json"]].concat()).expect(0).stdout;
    let printed = place.orchestrator(&arguments).expect(0).stdout;
    (serde_json::from_str(&json).unwrap(), printed)
}

#[track_caller]
fn refused(place: &Place, preprocessing: &str, input: &str) -> String {
    let config = place.file("config.yaml", settings(preprocessing));
    let outcome: Outcome =
        place.orchestrator(&["run", "--config", config.as_str(), "--input", input]).expect(3);
    let error = outcome.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
    place.neutral(error)
}

/// Returns the lines of the printed tables between the steps and the metrics.
fn about_rows(printed: &str) -> String {
    let (_, rest) = printed.split_once("\nRows").unwrap();
    let (rows, _) = rest.split_once("\n\n").unwrap();
    format!("Rows{rows}")
}

#[test]
fn rows_that_differ_in_a_column_that_the_model_does_not_use_are_kept() {
    let place = Place::new();
    // 400 rows, ten temperatures, and a number that makes each row another.
    let table =
        rows(400, |number, _, _| plain(number, (number % 10) as f64 * 10.0, number % 10 > 5));
    place.file("table.csv", format!("temp,fail,id\n{table}"));
    let (result, _) = run(&place, ONE_COLUMN, "table.csv");
    assert_eq!(result["rows"]["rows_kept"], 400);
    let by = format!("{ONE_COLUMN}duplicates: {{ by: [temp, fail] }}\n");
    let (result, printed) = run(&place, &by, "table.csv");
    assert_eq!(result["rows"]["rows_kept"], 10);
    insta::assert_snapshot!(about_rows(&printed), @"
    Rows               400 read, 10 kept, 390 duplicates (97.5 %)
    Failures           40.0 % of those read, 40.0 % of those kept
    Warning            390 of 400 rows (97.5 %) were dropped: duplicates
    ");
    let (result, _) = run(&place, &format!("{ONE_COLUMN}duplicates: keep\n"), "table.csv");
    assert_eq!(result["rows"]["dropped_duplicates"], 0);
}

#[test]
fn every_table_of_a_directory_is_read_and_the_rest_is_named() {
    let place = Place::new();
    let third = |part: usize| rows(90, |number, t, f| plain(3 * number + part, t, f));
    place.file("input/1.csv", format!("temp,fail,id\n{}", third(0)));
    place.file(
        "input/2.txt",
        format!(
            "id;temp;fail;Date\n{}",
            third(1)
                .lines()
                .map(|line| {
                    let [temp, fail, id] = line.split(',').collect::<Vec<_>>()[..] else {
                        panic!()
                    };
                    format!("{id};{temp};{fail};today\n").replace('.', ",")
                })
                .collect::<String>()
        ),
    );
    let utf16 = format!("\u{feff}temp\tfail\tid\n{}", third(2).replace(',', "\t"));
    place.file("input/3.csv", utf16.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    place.file("input/README.txt", "These are the readings of plant 7.\n");
    place.file("input/chart.pdf", "%PDF-1.7\n");
    let (result, printed) = run(&place, ONE_COLUMN, "input");
    assert_eq!(result["rows"]["rows_read"], 270);
    insta::assert_snapshot!(about_rows(&printed), @"
    Rows               270 read, 270 kept
    Failures           50.0 % of those read, 50.0 % of those kept
    Read as            2.txt: fields are separated by `;`; the decimal mark is a comma
    Read as            3.csv: in UTF-16; fields are separated by tabs
    Left out           README.txt has none of the columns
    Left out           chart.pdf: it is a PDF document, expected a table as text
    ");
    fs_err::remove_file(place.path("input/1.csv")).unwrap();
    place.file("input/4.csv", "temp,failure\n1,1\n");
    insta::assert_snapshot!(refused(&place, ONE_COLUMN, "input"), @"error: Preprocess: input/4.csv lacks column `fail` (did you mean `failure`?); columns found: temp, failure");
}

#[test]
fn a_spreadsheet_of_europe() {
    let place = Place::new();
    let table = rows(60, |number, temperature, fails| {
        let fails = if fails { "St\u{f6}rung" } else { "" };
        let temperature = format!("{temperature}").replace('.', ",");
        let temperature = if number == 7 { "n.a.".to_owned() } else { temperature };
        let temperature = if number == 8 { "-999".to_owned() } else { temperature };
        format!("{number};{temperature};{fails}")
    });
    let text =
        format!("Bericht Werk 7;;\n\nNr;Temp. [\u{b0}F];Art der St\u{f6}rung\n{table}Summe;;\n");
    place.file("table.csv", text.chars().map(|letter| letter as u8).collect::<Vec<u8>>());
    let preprocessing = "label: { column: Art der St\u{f6}rung, positive: [St\u{f6}rung], negative: [''] }\n\
                         columns: { temp: { unit: \u{b0}C, spellings: [Temp.] } }\n\
                         missing_markers: [n.a., -999]\n\
                         engineered_features: {}\n";
    let (result, printed) = run(&place, preprocessing, "table.csv");
    assert_eq!(result["rows"]["dropped_missing"], 2);
    insta::assert_snapshot!(about_rows(&printed), @"
    Rows               60 read, 58 kept, 2 with missing cells or labels (3.3 %)
    Failures           50.0 % of those read, 48.3 % of those kept
    Left out           rows of totals: 1
    Read as            table.csv: in Windows-1252; the header is on line 3; fields are separated by `;`; the decimal mark is a comma
    ");
}

#[test]
fn a_difference_of_two_counters_of_nine_digits_is_exact() {
    let place = Place::new();
    let table = rows(200, |number, temperature, fails| {
        let start = 987_654_321.0 + number as f64 * 1000.0;
        format!("{start},{},{}", start + temperature, u8::from(fails))
    });
    place.file("table.csv", format!("start,end,fail\n{table}"));
    let preprocessing = "label: { column: fail, positive: ['1'], negative: ['0'] }\n\
                         columns: { start: {}, end: {} }\n\
                         engineered_features: { duration: end - start }\n";
    let (result, _) = run(&place, preprocessing, "table.csv");
    assert!(result["metrics"]["roc_auc"].as_f64().unwrap() > 0.99, "{}", result["metrics"]);
}

#[test]
fn a_column_that_empties_the_table_and_a_feature_without_values_are_named() {
    let place = Place::new();
    let table = rows(120, |_, t, fails| format!("{t},,{}", u8::from(fails)));
    place.file("table.csv", format!("temp,empty,fail\n{table}"));
    let with_empty = ONE_COLUMN.replace("temp: {}", "temp: {}, empty: {}");
    insta::assert_snapshot!(refused(&place, &with_empty, "table.csv"), @"error: Preprocess: no rows are left of 120: 120 with missing cells (`empty` 120), 0 with cells that cannot be read, 0 with too few or too many fields, 0 duplicates");
    let feature = ONE_COLUMN
        .replace("engineered_features: {}", "engineered_features: { log: ln(temp - 50) }");
    let (_, printed) = run(&place, &feature, "table.csv");
    insta::assert_snapshot!(about_rows(&printed), @"
    Rows               120 read, 100 kept, 20 duplicates (16.7 %)
    Failures           49.2 % of those read, 50.0 % of those kept
    Warning            20 of 120 rows (16.7 %) were dropped: duplicates
    Warning            50 of 100 values of feature `log` are not finite and became their training median
    ");
}

#[test]
fn categories_a_split_by_time_and_cells_that_became_missing() {
    let place = Place::new();
    let table = rows(100, |number, temperature, fails| {
        let (fails, kind) = (u8::from(fails), ["L", "M", "H"][number % 3]);
        let door = if number == 7 { "ajar" } else { ["TRUE", "FALSE"][number % 2] };
        format!(
            "2024-03-01 {:02}:{:02},{kind},{door},{temperature},{fails}",
            number / 60,
            number % 60
        )
    });
    place.file("table.csv", format!("time,type,door,temp,fail\n{table}"));
    let preprocessing = "label: { column: fail, positive: ['1'], negative: ['0'] }\n\
                         columns:\n  type: { kind: category }\n  door: { kind: yes_no }\n  temp: {}\n\
                         split: { time: time }\nbad_cells: missing\nmissing_values: median\n\
                         engineered_features: {}\n";
    let (_, printed) = run(&place, preprocessing, "table.csv");
    insta::assert_snapshot!(about_rows(&printed), @"
    Rows               100 read, 100 kept
    Failures           50.0 % of those read, 50.0 % of those kept
    Missing            cells of rows that are kept: 1; numbers became their training median, categories 0
    Read as missing    `ajar` (1), the first in table.csv, line 9, column `door`
    Split              the 20 test rows are the last by `time`, from 2024-03-01 01:20:00 on
    ");
}

#[test]
fn all_columns_but_some_make_a_model_that_knows_its_columns() {
    const ALL: &str = "label: { column: fail, positive: ['1'], negative: ['0'] }\n\
                       columns: all\n\
                       except: [id]\n\
                       engineered_features: { Twice: 2 * Temp_in }\n";
    let place = Place::new();
    let row = |number, temperature, fails| {
        format!("{temperature},{}", plain(number, temperature + 1.0, fails))
    };
    place.file("table.csv", format!("Temp (in),Druck [bar],fail,id\n{}", rows(100, row)));
    let (result, printed) = run(&place, ALL, "table.csv");
    assert_eq!(result["rows"]["rows_kept"], 100);
    assert!(printed.contains("its 2 sensor columns are all columns but `fail`, `id`"), "{printed}");
    // The words are faults of the settings, found before anything runs.
    for (wrong, expected) in [
        (
            ALL.replace("columns: all", "columns: every"),
            "preprocessing.columns: found `every`, expected columns by name, or all",
        ),
        (ALL.replace("columns: all", "columns: { a: {} }"), "unless columns: all is beside it"),
    ] {
        let config = place.file("wrong.yaml", settings(&wrong));
        let outcome = place.orchestrator(&["validate", "--config", config.as_str()]).expect(2);
        assert!(outcome.stderr.contains(expected), "{}", outcome.stderr);
    }
    // Preprocess knows the columns, and so whether a feature can be.
    let wrong = settings(&ALL.replace("Temp_in", "Temp_out"));
    let config = place.file("config.yaml", wrong);
    let arguments = ["run", "--config", config.as_str(), "--input", "table.csv"];
    let error = place.orchestrator(&arguments).expect(2).stderr;
    assert!(error.contains("Temp_out") && error.contains("Temp_in"), "{error}");
}

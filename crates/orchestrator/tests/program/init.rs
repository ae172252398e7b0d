//! `init` on tables that nobody has declared, and `run` on what it writes.

use std::fmt::Write;

use serde_json::Value;
use testkit::Outcome;

use crate::Place;

/// Returns rows of a plant that fails more often the hotter it is: `row` formats the number of the
/// row, its temperature, its vibration and whether it fails.
fn rows(count: usize, row: impl Fn(usize, f64, f64, bool) -> String) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        let temperature = (number * 37 % 101) as f64 + 0.5;
        let vibration = (number * 7919 % 1009) as f64 / 100.0;
        let fails = temperature + 5.0 * vibration + (number * 31 % 17) as f64 > 90.0;
        let _ = writeln!(text, "{}", row(number, temperature, vibration, fails));
        text
    })
}

fn plain(_: usize, temperature: f64, vibration: f64, fails: bool) -> String {
    format!("{temperature},{vibration},{}", u8::from(fails))
}

/// Calls `init` on a table, then `run` on the settings that it wrote, and returns what `init` and
/// `run` printed as JSON.
#[track_caller]
fn init_and_run(place: &Place, input: &str, more: &[&str]) -> (Value, Value) {
    let init = ["init", "--input", input, "--output", "plant.yaml", "--force", "--json"];
    let init = place.orchestrator(&[&init[..], more].concat()).expect(0).stdout;
    place.orchestrator(&["validate", "--config", "plant.yaml"]).expect(0);
    let run = ["run", "--config", "plant.yaml", "--input", input, "--json"];
    let run = place.orchestrator(&run).expect(0).stdout;
    (serde_json::from_str(&init).unwrap(), serde_json::from_str(&run).unwrap())
}

/// Returns the error of an `init` that fails with this code.
#[track_caller]
fn refused(place: &Place, code: i32, arguments: &[&str]) -> String {
    let outcome: Outcome = place.orchestrator(&[&["init"], arguments].concat()).expect(code);
    place.neutral(outcome.stderr.trim_end())
}

/// Returns the names of the columns that the model uses.
fn used(init: &Value) -> Vec<&str> {
    let columns = init["table"]["columns"].as_array().unwrap().iter();
    let used = columns.filter(|column| column["left_out"].is_null() && column["is_label"] == false);
    used.map(|column| column["name"].as_str().unwrap()).collect()
}

#[test]
fn what_is_found_is_printed_and_written_with_comments() {
    let place = Place::new();
    let table = rows(300, |number, temperature, vibration, fails| {
        let vibration = match number % 50 {
            0 => "n.a.".to_owned(),
            1 => "-999".to_owned(),
            _ => format!("{vibration}"),
        };
        let fails = if fails { "ja" } else { "nein" };
        format!("{number};2026-01-{:02};{temperature};{vibration};7;;{fails}", number % 28 + 1)
            .replace('.', ",")
            .replace("n,a,", "n.a.")
    });
    let header = "Nr;Datum;Temp. [°C];Vibration (innen);Linie;Reserve;Störung";
    place.file("plant.csv", format!("Bericht Werk 7\n\n{header}\n{table}Summe;;;;;;\n"));
    let outcome = place.orchestrator(&["init", "--input", "plant.csv", "--output", "plant.yaml"]);
    insta::assert_snapshot!(place.neutral(&outcome.expect(0).stdout), @"
    Table       300 rows, 7 columns
    Read as     plant.csv: the header is on line 3; fields are separated by `;`; the decimal mark is a comma
    Left out    rows of totals: 1
    Label       Störung: its name says so
    Failures    134 of 300 rows (44.7 %): `ja` (`ja` is yes and `nein` is no); not: `nein`

    Column             Kind        Missing  Found
    Nr                 identifier        -  0 to 299; left out: it numbers the rows
    Datum              date              -  2026-01-01; left out: it is a date or time
    Temp. [°C]         number            -  0.5 to 100.5
    Vibration (innen)  number        4.0 %  0.01 to 10.06; missing is `n.a.`, `-999`
    Linie              constant          -  always 7; left out: it has one value
    Reserve            empty       100.0 %  no cell has a value; left out: it has no value

    Warning     the rows have times in `Datum`; a random split of readings that follow one another flatters: `split: {time: Datum}` tests on what came after the training

    Proposal           Out of bag Gate
    accuracy           0.9367     >= 0.80
    f1_score           0.9283     >= 0.75
    recall             0.9179     >= 0.75
    on 300 rows, 134 of them failures

    Wrote       plant.yaml
    Next        orchestrator run --config plant.yaml --input plant.csv
    ");
    let written = fs_err::read_to_string(place.path("plant.yaml")).unwrap();
    insta::assert_snapshot!("initial-settings", written);
    // Nothing else is left.
    let entries = fs_err::read_dir(place.path("")).unwrap();
    let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    init_and_run(&place, "plant.csv", &[]);
}

#[test]
fn run_works_at_once_on_tables_as_programs_write_them() {
    let text = format!("temp,vib,failure\n{}", rows(200, plain));
    let semicolons = text.replace(',', ";").replace('.', ",");
    let utf16 = format!("\u{feff}{}", text.replace(',', "\t"));
    let nameless = text.split_once('\n').unwrap().1;
    let quoted = rows(200, |number, t, v, fails| {
        format!(
            "\"{t}\",\"seen by \"\"{number}\"\"\non its {number}th shift\",\"{v}\",\"{}\"",
            if fails { "FAIL" } else { "OK" }
        )
    });
    let empty = rows(200, |_, t, v, fails| format!("{t},{v},{}", if fails { "comp1" } else { "" }));
    let wide = rows(60, |number, t, _, fails| {
        let cells: Vec<_> =
            (0..590).map(|cell| format!("{}.5", number * (cell % 200 + 7) * 31 % 211)).collect();
        format!("{t},{},{}", cells.join(","), if fails { "1" } else { "-1" })
    });
    let names: Vec<_> = (0..591).map(|column| column.to_string()).collect();
    let cases: [(&str, Vec<u8>, &[&str], usize); 12] = [
        ("semicolons.csv", semicolons.into_bytes(), &[], 2),
        ("utf16.csv", utf16.encode_utf16().flat_map(u16::to_le_bytes).collect(), &[], 2),
        (
            "latin.csv",
            format!("Temp [\u{b0}C];Vib;St\u{f6}rung\n{}", rows(200, plain).replace(',', ";"))
                .chars()
                .map(|letter| letter as u8)
                .collect(),
            &[],
            2,
        ),
        ("nameless.csv", nameless.as_bytes().to_vec(), &["--label", "column_3"], 2),
        (
            "units.csv",
            format!("Report\n\ntemp,vib,failure\n[K],mm/s,-\n{nameless}Total,,\n").into_bytes(),
            &[],
            2,
        ),
        (
            "comma.csv",
            text.replace('\n', ",\n").replacen("failure,", "failure", 1).into_bytes(),
            &[],
            2,
        ),
        ("blanks.txt", text.replace(',', "   ").into_bytes(), &[], 2),
        ("quoted.csv", format!("temp,remark,vib,result\n{quoted}").into_bytes(), &[], 2),
        ("empty.csv", format!("temp,vib,failure_type\n{empty}").into_bytes(), &[], 2),
        ("wide.csv", format!("{},Pass/Fail\n{wide}", names.join(",")).into_bytes(), &[], 591),
        (
            "tiny.csv",
            text.lines().take(21).fold(String::new(), |all, line| all + line + "\n").into_bytes(),
            &[],
            2,
        ),
        ("ragged.csv", format!("{text}1,2\n3,4,0,5,6\n").into_bytes(), &[], 2),
    ];
    for (name, bytes, more, columns) in cases {
        let place = Place::new();
        place.file(name, bytes);
        let (init, run) = init_and_run(&place, name, more);
        assert_eq!(used(&init).len(), columns, "{name}: {init:#}");
        assert_eq!(run["status"], "Succeeded", "{name}");
    }
}

#[test]
fn categories_yes_and_no_and_marks_of_missing_values_are_declared() {
    let place = Place::new();
    let table = rows(300, |number, t, v, fails| {
        let kind = ["L", "M", "H", "-"][number * 7 % 11 % 4];
        let door = ["TRUE", "FALSE", ""][number * 5 % 7 % 3];
        let vibration = if number % 20 == 0 { "No Data".to_owned() } else { format!("{v}") };
        let temperature = if number % 30 == 0 { "-".to_owned() } else { format!("{t}") };
        format!(
            "M{number},{kind},{door},{temperature},{vibration},{}",
            if fails { "NOK" } else { "OK" }
        )
    });
    place.file("plant.csv", format!("Product ID,Type,Door open,temp,vib,Result\n{table}"));
    let (init, run) = init_and_run(&place, "plant.csv", &[]);
    assert_eq!(used(&init), ["Type", "Door_open", "temp", "vib"]);
    assert_eq!(run["rows"]["rows_kept"], 300);
    // 18.7, 28.3, 3.3 and 5.0 % of 300 rows.
    assert_eq!(run["rows"]["imputed_readings"], 56 + 85 + 10 + 15);
    let again = ["run", "--config", "plant.yaml", "--input", "plant.csv"];
    let shown = place.orchestrator(&again).expect(0).stdout;
    let line = "Missing            cells of rows that are kept: 166; numbers became their training median, categories 0\n";
    assert!(shown.contains(line), "{shown}");
    let written = fs_err::read_to_string(place.path("plant.yaml")).unwrap();
    let (_, rest) = written.split_once("  columns:\n").unwrap();
    let (columns, rest) = rest.split_once("\n\n").unwrap();
    insta::assert_snapshot!(columns, @r#"
    Type: { kind: category }                     # 3 values: L, H, M; 18.7 % missing
    Door_open: { kind: yes_no }                  # TRUE, FALSE; 28.3 % missing
    temp: {}                                     # 0.5 to 100.5; 3.3 % missing
    vib: { missing_markers: ["No Data"] }        # 0.01 to 10.06; 5.0 % missing
    # Left out:
    #   Product ID: it is an identifier, by its name (300 values: M0, M1, M10, M100, M101, ...)
    "#);
    assert!(rest.contains("missing_values: median") && rest.contains("missing_markers: [\"-\"]"));
}

#[test]
fn a_directory_is_read_as_run_reads_it() {
    let place = Place::new();
    let text = format!("temp [°C],vib,failure\n{}", rows(150, plain));
    place.file("input/1.csv", &text);
    place.file("input/b/2.csv", text.replace("[°C]", "[K]").replace(',', ";"));
    place.file("input/README.txt", "These are the readings of plant 7.\n");
    place.file("input/_SUCCESS", "");
    place.file("input/.hidden.csv", "a,b\n1,2\n");
    let (init, run) = init_and_run(&place, "input", &[]);
    assert_eq!(init["table"]["rows"], 300);
    assert_eq!(init["table"]["left_out"].as_array().unwrap().len(), 1);
    assert_eq!(run["rows"]["rows_read"], 300);
    // What is below a directory of local runs is no table of the plant.
    let inner = place.path("input").join("runs");
    let command = ["run", "--config", "plant.yaml", "--input", "input", "--runs", inner.as_str()];
    for _ in 0..2 {
        let again = place.orchestrator(&[&command[..], &["--json"]].concat()).expect(0);
        let run: Value = serde_json::from_str(&again.stdout).unwrap();
        assert_eq!(run["rows"]["rows_read"], 300);
    }
    let outcome = place.orchestrator(&command).expect(0);
    insta::assert_snapshot!(place.neutral(outcome.stderr.lines().next().unwrap()), @"input/runs is left out: it is a directory of local runs, whose tables are copies.");
    let (init, _) = init_and_run(&place, "input", &[]);
    assert_eq!(init["table"]["rows"], 300);
    // A directory that is a prefix of the bucket.
    let written = fs_err::read_to_string(place.path("plant.yaml")).unwrap();
    assert!(written.contains("input_dataset: raw/input/ "), "{written}");
}

#[test]
fn settings_are_replaced_only_if_that_is_wanted() {
    let place = Place::new();
    place.file("plant.csv", format!("temp,vib,failure\n{}", rows(100, plain)));
    place.file("plant.yaml", "mine");
    let arguments = ["--input", "plant.csv", "--output", "plant.yaml"];
    insta::assert_snapshot!(refused(&place, 2, &arguments), @"error: plant.yaml is there already; --force replaces it, --output names another file");
    assert_eq!(fs_err::read_to_string(place.path("plant.yaml")).unwrap(), "mine");
    // An error leaves the file as it is.
    let wrong = [&arguments[..], &["--force", "--label", "vib"]].concat();
    insta::assert_snapshot!(refused(&place, 2, &wrong), @"error: label `vib`: it has too many values, expected two, or some of which --positive names the failures");
    assert_eq!(fs_err::read_to_string(place.path("plant.yaml")).unwrap(), "mine");
    place.orchestrator(&[&["init"], &arguments[..], &["--force"]].concat()).expect(0);
    assert!(
        fs_err::read_to_string(place.path("plant.yaml")).unwrap().contains("column: \"failure\"")
    );
    // Nobody wants to replace the table itself.
    let itself = ["--input", "plant.csv", "--output", "./plant.csv", "--force"];
    insta::assert_snapshot!(refused(&place, 2, &itself), @"error: --output ./plant.csv is the table plant.csv itself, expected another file");
    // The default is the settings that other commands read.
    place.orchestrator(&["init", "--input", "plant.csv"]).expect(0);
    place.orchestrator(&["run", "--input", "plant.csv"]).expect(0);
}

#[test]
fn the_user_says_what_is_not_plain() {
    let place = Place::new();
    let states = ["BROKEN", "RECOVERING", "NORMAL"];
    let table = rows(200, |number, t, v, fails| {
        let state = if fails { states[number % 2] } else { states[2] };
        format!("{t},{v},{},{state}", number % 2)
    });
    place.file("plant.csv", format!("temp,vib,door,machine_status\n{table}"));
    place.file(
        "two.csv",
        format!(
            "temp,failure,fault\n{}",
            rows(90, |_, t, _, fails| format!("{t},{},{}", u8::from(fails), u8::from(t > 50.0)))
        ),
    );
    let input = ["--input", "plant.csv", "--output", "plant.yaml"];
    let with = |more: &[&str]| refused(&place, 2, &[&input[..], more].concat());
    insta::assert_snapshot!(with(&[]), @"error: label `machine_status`: --positive says which of its values mean a failure, once for each; found `NORMAL` 110, `RECOVERING` 46, `BROKEN` 44");
    insta::assert_snapshot!(with(&["--label", "machine status", "--positive", "cracked"]), @"error: label `machine_status`: no cell is `cracked`, as --positive says; found `NORMAL` 110, `RECOVERING` 46, `BROKEN` 44");
    insta::assert_snapshot!(with(&["--label", "maschine_status"]), @"error: --label maschine_status: no file has this column; did you mean machine_status?; columns found: temp, vib, door, machine_status");
    insta::assert_snapshot!(refused(&place, 2, &["--input", "two.csv"]), @"
    error: several columns may be the label, --label names it
      failure: by its name: `0` 48, `1` 42
      fault: by its name: `0` 45, `1` 45
    ");
    assert!(!place.path("plant.yaml").exists());
    let wanted = ["--positive", "broken", "--positive", "recovering"];
    let (init, _) = init_and_run(&place, "plant.csv", &wanted);
    assert_eq!(init["table"]["label"]["positive"], serde_json::json!(["RECOVERING", "BROKEN"]));
    assert_eq!(init["table"]["label"]["negative"], serde_json::json!(["NORMAL"]));
    assert_eq!(used(&init), ["temp", "vib", "door"]);
}

#[test]
fn what_is_no_table_is_refused_as_run_refuses_it() {
    let place = Place::new();
    place.file("letter.txt", "Dear reader,\nthis is no table.\n");
    place.file("broken.csv", "temp,failure\n1,0\n\"2,1\n3,0\n");
    place.file("empty/.keep", "");
    for (input, error) in [
        ("missing.csv", "error: --input missing.csv: there is no such file or directory"),
        ("empty", "error: --input empty: the directory has no file that is not hidden"),
        ("broken.csv", "error: broken.csv, line 3: a quote is not closed"),
    ] {
        assert_eq!(refused(&place, 3, &["--input", input]), error);
    }
    insta::assert_snapshot!(refused(&place, 3, &["--input", "letter.txt"]), @"error: letter.txt is no table: none of comma, semicolon, tab, | and blanks divides its lines into the same number of fields, two at least");
    assert!(!place.path("config").exists());
}

#[test]
fn a_workbook_with_several_sheets_and_times() {
    let place = Place::new();
    let mut book = rust_xlsxwriter::Workbook::new();
    for (index, sheet) in ["January", "February"].into_iter().enumerate() {
        let sheet = book.add_worksheet().set_name(sheet).unwrap();
        sheet.write(0, 0, "Plant 7").unwrap();
        for (column, name) in ["Day", "Grade", "temp (°C)", "Failed"].into_iter().enumerate() {
            sheet.write(2, column as u16, name).unwrap();
        }
        for row in 0..200 {
            let (heat, noise) = (row * 37 % 101, row * 31 % 17 * 3);
            let (temperature, fails) = (f64::from(heat), heat + noise > 75);
            let cells = row + 3;
            sheet.write(cells, 0, format!("2026-01-{:02}", row % 28 + 1)).unwrap();
            sheet.write(cells, 1, ["L", "M"][row as usize % 2]).unwrap();
            sheet.write(cells, 2, temperature + index as f64).unwrap();
            sheet.write(cells, 3, if fails { "yes" } else { "no" }).unwrap();
        }
    }
    place.file("plant.xlsx", book.save_to_buffer().unwrap());
    let (init, run) = init_and_run(&place, "plant.xlsx", &[]);
    assert_eq!(used(&init), ["Grade", "temp"]);
    assert_eq!(init["table"]["format"]["sheet"], "January");
    let notes = init["table"]["files"][0]["notes"].to_string();
    assert!(notes.contains("although `February` has the same columns"), "{notes}");
    assert_eq!(init["table"]["time_column"], "Day");
    assert_eq!(run["rows"]["rows_read"], 200);
    let settings = fs_err::read_to_string(place.path("plant.yaml")).unwrap();
    assert!(settings.contains("format: { sheet: \"January\" }"), "{settings}");
    assert!(settings.contains("split: random              # or {time: Day}:"), "{settings}");
}

/// Whoever has the account that a placeholder names would get the table.
#[test]
fn settings_without_an_account_run_here_and_leave_this_machine_nowhere() {
    let place = Place::new();
    place.file("plant.csv", format!("temperature,vibration,failure\n{}", rows(200, plain)));
    init_and_run(&place, "plant.csv", &[]);
    let said = place.orchestrator(&["validate", "--config", "plant.yaml"]).expect(0).stderr;
    insta::assert_snapshot!(said, @"plant.yaml: AWS_ACCOUNT_ID or AWS_REGION is not set: shown with account 000000000000 and us-east-1; commands on SageMaker take those of the credentials");
    for command in [&["infrastructure"][..], &["iam-policy", "execution"]] {
        let arguments = [command, &["--config", "plant.yaml"]].concat();
        let error = place.orchestrator(&arguments).expect(2).stderr;
        let unset = "aws.account_id: environment variable AWS_ACCOUNT_ID is not set";
        assert!(error.contains(unset), "{error}");
        let mut named = place.command(&arguments);
        named.env("AWS_ACCOUNT_ID", "111122223333").env("AWS_REGION", "us-east-1");
        let named = named.output();
        let printed = Outcome::from(named.unwrap()).expect(0).stdout;
        assert!(printed.contains("plant-111122223333-us-east-1"), "{printed}");
        assert!(!printed.contains("000000000000"), "{printed}");
    }
}

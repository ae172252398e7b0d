//! Tests of whole profiles, on tables of a few rows.

use std::io::Cursor;
use std::ops::ControlFlow;

use dataset::{OtherRow, RawHeader, RawReader, RowSink};

use crate::reading::FoundTables;
use crate::{Kind, ProfileError, Profiler, TableProfile, Wishes};

/// Keeps the header alone.
struct Headers(Option<RawHeader>);

impl RowSink for Headers {
    type File = ();
    type Part = ();
    fn open(&mut self, header: RawHeader) -> Option<()> {
        self.0 = Some(header);
        Some(())
    }
    fn part((): &()) {}
    fn row((): &(), (): &mut (), _: u64, _: &[&[u8]]) {}
    fn ragged((): &(), (): &mut (), _: u64, _: usize, _: usize) {}
    fn other((): &mut (), _: OtherRow) {}
    fn take(&mut self, (): &(), (): ()) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Returns the header of a table.
pub(crate) fn header(text: &str) -> RawHeader {
    let mut reader = RawReader::new(Headers(None));
    reader.read("a.csv", text.as_bytes()).unwrap();
    reader.finish().unwrap().0.0.unwrap()
}

/// Returns what was read of a table.
pub(crate) fn tables(text: &str) -> FoundTables {
    let mut reader = RawReader::new(FoundTables::new());
    reader.read("a.csv", text.as_bytes()).unwrap();
    reader.finish().unwrap().0
}

fn profile_with(text: &str, wishes: &Wishes) -> Result<TableProfile, ProfileError> {
    let mut profiler = Profiler::new();
    profiler.read_file("a.csv", Cursor::new(text.as_bytes().to_vec()))?;
    profiler.finish(wishes)
}

fn profile(text: &str) -> TableProfile {
    profile_with(text, &Wishes::default()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn error(text: &str) -> String {
    profile_with(text, &Wishes::default()).unwrap_err().to_string()
}

/// Returns a table with a temperature and further columns; every third row fails.
fn table(header: &str, rows: usize, row: impl Fn(usize) -> String) -> String {
    let rows = (0..rows).map(|number| {
        let temperature = (number * 37 % 101) as f64 + 0.5;
        format!("{temperature},{},{}\n", row(number), u8::from(number % 3 == 0))
    });
    format!("temp,{header},failure\n{}", rows.collect::<String>())
}

/// Returns the kind of the second column of a table with these cells, and why it is left out.
#[track_caller]
fn kind(name: &str, rows: usize, cell: impl Fn(usize) -> String) -> (Kind, Option<String>) {
    let profile = profile(&table(name, rows, cell));
    (profile.columns[1].kind, profile.columns[1].left_out.clone())
}

#[test]
fn kinds_are_found_by_cells_and_names() {
    let used = |kind| (kind, None);
    let out = |kind, reason: &str| (kind, Some(reason.to_owned()));
    let random = |row: usize| row * 7919 % 1009;
    assert_eq!(kind("v", 60, |row| format!("{}.25", random(row))), used(Kind::Number));
    assert_eq!(kind("v", 60, |row| format!("{}", random(row) % 2)), used(Kind::YesNo));
    assert_eq!(
        kind("door", 60, |row| ["TRUE", "False"][random(row) % 2].to_owned()),
        used(Kind::YesNo)
    );
    assert_eq!(
        kind("door", 60, |row| ["ja", "nein"][random(row) % 2].to_owned()),
        used(Kind::YesNo)
    );
    assert_eq!(
        kind("Type", 60, |row| ["L", "M", "H"][random(row) % 3].to_owned()),
        used(Kind::Category)
    );
    assert_eq!(
        kind("grade", 60, |row| ["1", "2", "B", "A"][random(row) % 4].to_owned()),
        used(Kind::Category)
    );
    let date = "it is a date or time";
    assert_eq!(
        kind("when", 60, |row| format!("2026-01-{:02}", row % 28 + 1)),
        out(Kind::Date, date)
    );
    assert_eq!(kind("when", 60, |row| format!("{}:{:02}", row % 24, row)), out(Kind::Date, date));
    let by_name = "it is a date or time, by its name";
    assert_eq!(
        kind("Timestamp", 60, |row| format!("{}", 1_700_000_000 + row)),
        out(Kind::Date, by_name)
    );
    assert_eq!(
        kind("time", 60, |row| format!("{}.5", row * 3)),
        out(Kind::Date, "it is a running time")
    );
    let id = "it is an identifier, by its name";
    assert_eq!(kind("UDI", 60, |row| format!("{}", random(row))), out(Kind::Identifier, id));
    assert_eq!(kind("Product ID", 60, |row| format!("M{}", row % 9)), out(Kind::Identifier, id));
    assert_eq!(kind("n", 60, |row| format!("{row}")), out(Kind::Identifier, "it numbers the rows"));
    let own = "nearly every row has its own value";
    assert_eq!(kind("key", 60, |row| format!("k{row}")), out(Kind::Identifier, own));
    // A counter may rise in every row, and a current may be called Id.
    assert_eq!(kind("Energy", 60, |row| format!("{}", 331_470_238 + 7 * row)), used(Kind::Number));
    assert_eq!(kind("Id [A]", 60, |row| format!("{}.5", random(row))), used(Kind::Number));
    assert_eq!(kind("temp2", 60, |row| format!("{}", 20 + row)), used(Kind::Number));
    let one = "it has one value";
    assert_eq!(kind("c", 60, |_| "2026".to_owned()), out(Kind::Constant, one));
    assert_eq!(kind("c", 60, |_| "Line 3".to_owned()), out(Kind::Constant, one));
    assert_eq!(kind("c", 60, |_| String::new()), out(Kind::Empty, "it has no value"));
    let mostly = |row: usize| {
        if row.is_multiple_of(5) { format!("{}.5", random(row)) } else { String::new() }
    };
    assert_eq!(kind("m", 60, mostly), out(Kind::Number, "80 % of its cells are missing"));
    let remark =
        |row: usize| format!("the bearing of machine {} was greased in the night shift", row % 7);
    assert_eq!(kind("remark", 60, remark), out(Kind::Text, "it is free text"));
    let words = |row: usize| format!("w{}", row % 1201);
    assert_eq!(kind("words", 4_000, words), out(Kind::Text, "it has too many values"));
}

#[test]
fn a_column_of_times_is_named_if_rows_can_be_split_by_it() {
    let time_column = |cell: fn(usize) -> String| profile(&table("time", 60, cell)).time_column;
    let time = Some("time".to_owned());
    assert_eq!(time_column(|row| format!("{}.1.2026 07:00", row % 28 + 1)), time);
    assert_eq!(time_column(|row| format!("{}", 1_700_000_000 + row)), time);
    // A time of day does not say which row is later.
    assert_eq!(time_column(|row| format!("{}:{row:02}", row % 24)), None);
}

#[test]
fn markers_of_missing_values_are_found_by_column_and_for_all() {
    let cell = |row: usize, other: &str| match row % 9 {
        0 => "-".to_owned(),
        1 => other.to_owned(),
        _ => format!("{}.5", row * 31 % 97),
    };
    let text = table("a,b,c", 90, |row| {
        let third = if row % 9 == 2 { "-999".to_owned() } else { format!("{}", row * 53 % 89) };
        format!("{},{},{third}", cell(row, "Bad"), cell(row, "#DIV/0!"))
    });
    let found = profile(&text);
    assert_eq!(found.missing_markers, ["-"]);
    let markers: Vec<_> =
        found.columns.iter().map(|column| column.missing_markers.join(" ")).collect();
    assert_eq!(markers, ["", "Bad", "#DIV/0!", "-999", ""]);
    assert!(found.has_missing_cells && !found.has_bad_cells);
    assert_eq!(found.columns[1].missing_share, 20.0 / 90.0);
    // Too many words to be marks of anything.
    let found = profile(&table("a", 900, |row| {
        if row % 11 == 0 { format!("{row} bar") } else { format!("{}.5", row * 31 % 97) }
    }));
    assert!(found.has_bad_cells);
    assert!(
        found.warnings[0].starts_with("column `a`: some cells are neither"),
        "{:?}",
        found.warnings
    );
}

#[test]
fn the_label_is_found_by_name_and_values() {
    let with = |name: &str, yes: &str, no: &str| {
        let rows = (0..60).map(|row| {
            format!(
                "{}.5,{},{}\n",
                row * 37 % 101,
                row * 7 % 2,
                if row % 3 == 0 { yes } else { no }
            )
        });
        profile(&format!("temp,door,{name}\n{}", rows.collect::<String>())).label
    };
    for (name, yes, no, positive) in [
        ("Machine failure", "1", "0", "1"),
        ("Downtime", "Machine_Failure", "No_Machine_Failure", "Machine_Failure"),
        ("class", "pos", "neg", "pos"),
        ("Pass/Fail", "1", "-1", "1"),
        ("Störung", "ja", "nein", "ja"),
        ("Zustand", "NOK", "OK", "NOK"),
        ("panne", "VRAI", "FAUX", "VRAI"),
        ("x", "broken", "running", "broken"),
        ("fail", "1.0", "0.0", "1.0"),
        // A column of soundness says no where something failed.
        ("is_ok", "0", "1", "0"),
        ("No_Failure", "0", "1", "0"),
        ("kein Ausfall", "nein", "ja", "nein"),
        ("fault-free", "0", "1", "0"),
        // No word says which: the rarer one.
        ("label", "A", "B", "A"),
        ("fault", "comp1", "", "comp1"),
    ] {
        let label = with(name, yes, no);
        assert_eq!(
            (label.column.as_str(), &label.positive[..]),
            (name, &[positive.to_owned()][..])
        );
        assert_eq!(
            (&label.negative[..], label.failures, label.sound),
            (&[no.to_owned()][..], 20, 40)
        );
    }
    assert_eq!(with("fault", "comp1", "").why_positive, "an empty cell is no failure");
    assert_eq!(with("label", "A", "B").why_positive, "no word says which, and `A` is rarer");
}

#[test]
fn what_programs_write_around_a_table_is_no_part_of_it() {
    let plain = table("v", 60, |row| format!("{}", row * 7919 % 1009));
    let expected = profile(&plain);
    let same = |text: &str| {
        let found = profile(text);
        let used = |profile: &TableProfile| -> Vec<String> {
            profile.used().map(|column| format!("{} {}", column.name, column.why)).collect()
        };
        assert_eq!(used(&found), used(&expected), "{text}");
        assert_eq!((found.rows, found.ragged_rows, found.has_bad_cells), (60, 0, false), "{text}");
        found
    };
    let (header, rows) = plain.split_once('\n').unwrap();
    assert_eq!(same(&format!("{plain}{header}\n")).header_rows, 1);
    let found = profile(&format!("{header}\n°C,-,-\n{rows}").repeat(2));
    assert_eq!((found.rows, found.header_rows, found.has_bad_cells), (120, 2, false));
    same(&format!("{plain}  \n\u{1a}"));
    let ended = |text: &str, end: &str| text.replace('\n', &format!("{end}\n"));
    same(&ended(&plain, ",,"));
    same(&format!("{header},,\n{rows}"));
    same(&format!("{header}\n{}", ended(rows, ",,")));
    let spaced = header.replace(',', "\", \"");
    let quoted = plain.replacen(header, &format!("\"{spaced}\""), 1);
    assert_eq!(same(&quoted).files[0].notes, ["blanks before quotes are left out"]);
    let named = |quote: &str| -> String {
        let rows = rows.lines().enumerate();
        rows.map(|(row, line)| format!("{quote}{}{quote},{line}\n", row + 1)).collect()
    };
    let found = profile(&format!("\"{}\"\n{}", header.replace(',', "\",\""), named("\"")));
    assert_eq!(found.columns[0].left_out.as_deref(), Some("it has no name"));
    assert_eq!(found.used().count(), 2);
    // Without quotes, a decimal comma may divide the first number of each row.
    assert_eq!(
        error(&format!("{header}\n{}", named(""))),
        "a.csv, line 2: the row has 4 fields, expected 3 as in the header; does a decimal comma divide \
         a number?"
    );
    assert_eq!(same(&format!("{plain},,\n,,\n")).blank_rows, 2);
    // The label may be empty in the first rows.
    let late: String =
        rows.lines().map(|line| line.trim_end_matches('0').to_owned() + ",\n").collect();
    let found = profile(&format!("{header}\n{}{}", "1,2,,\n".repeat(700), late));
    assert_eq!((found.label.column.as_str(), found.label.failures), ("failure", 20));
    // A title above the header is no header of rows with names.
    let found = profile(&format!("Plant A,line 3\n{plain}"));
    assert_eq!(found.files[0].notes, ["the header is on line 2"]);
}

#[test]
fn numbers_with_a_unit_behind_them_are_numbers() {
    let found = profile(&table("v", 60, |row| format!("{}.5 °C", row * 7919 % 1009)));
    assert_eq!(
        (found.columns[1].kind, found.columns[1].unit.as_deref()),
        (Kind::Number, Some("°C"))
    );
    assert_eq!(found.files[0].notes, ["numbers of `v` have their unit behind them: °C"]);
    let found = profile(&table("v", 60, |row| {
        let unit = if row % 2 == 0 { "°C" } else { "°F" };
        format!("{}.5 {unit}", row * 7919 % 1009)
    }));
    assert_eq!(found.columns[1].unit.as_deref(), Some("°C"));
    assert!(found.columns[1].why == "-1.3889 to 976.5", "{}", found.columns[1].why);
    // These are names, multipliers and dates.
    for cell in [
        (|row| format!("{} {}", row % 3, ["A", "B"][row % 2])) as fn(usize) -> String,
        |row| format!("{}{}", row % 3, ["C", "F"][row % 2]),
        |row| format!("{}K", row % 5),
        |row| format!("{} dB", row % 5),
        |row| format!("{} Jan 2024", row % 28 + 1),
        |row| format!("{row:03}A"),
        // Without a unit it is not plain what the others have.
        |row| if row % 9 == 0 { format!("{row}") } else { format!("{row}.5 °C") },
    ] {
        let found = profile(&table("v", 60, cell));
        assert_eq!(found.columns[1].unit, None, "{}", cell(1));
        assert_ne!(found.columns[1].kind, Kind::Number, "{}", cell(1));
    }
}

#[test]
fn values_that_differ_in_letter_case_alone_are_said() {
    let found =
        profile(&table("Type", 60, |row| ["L", "l", "M"][row * 7919 % 1009 % 3].to_owned()));
    let why = "3 values, some of which differ in letter case alone: L, M";
    assert_eq!(found.columns[1].why, why);
}

#[test]
fn a_label_that_not_all_files_have_is_named_with_the_file() {
    let mut profiler = Profiler::new();
    let machines: String = (0..9).map(|machine| format!("M{machine},20{machine:02}\n")).collect();
    let machines = format!("machine,installed\n{machines}");
    let readings = table("machine", 60, |row| format!("M{}", row % 9));
    for (file, text) in [("a.csv", machines), ("b.csv", readings)] {
        profiler.read_file(file, Cursor::new(text)).unwrap();
    }
    let error = profiler.finish(&Wishes::default()).unwrap_err().to_string();
    assert_eq!(error, "label `failure`: a.csv has no such column, expected it in every file");
}

#[test]
fn a_marker_of_a_missing_label_is_no_class() {
    let text = table("door", 90, |row| (row % 2).to_string());
    let text = text.replacen(",0\n", ",?\n", 4).replacen(",1\n", ",n.a.\n", 2);
    for positive in [vec![], vec!["1".to_owned()]] {
        let found = profile_with(&text, &Wishes { positive, ..Wishes::default() }).unwrap();
        assert_eq!((found.label.unlabelled, &found.label.negative[..]), (6, &["0".to_owned()][..]));
        // What is missing in the label is missing everywhere, so that `run` reads it so.
        assert_eq!(found.missing_markers, ["?", "n.a."]);
    }
}

#[test]
fn more_failures_than_not_are_a_warning() {
    let text = table("door", 60, |row| (row % 2).to_string());
    let warned = |positive: &str| {
        let positive = vec![positive.to_owned()];
        let found = profile_with(&text, &Wishes { positive, ..Wishes::default() }).unwrap();
        found.warnings.iter().any(|warning| warning.starts_with("66.7 % of the rows are failures"))
    };
    assert!(warned("0") && !warned("1"));
}

#[test]
fn files_with_and_without_a_unit_are_a_warning() {
    let mut profiler = Profiler::new();
    for (file, header) in [("a.csv", "temp,door,failure"), ("b.csv", "temp [K],door,failure")] {
        let rows = table("door", 60, |row| (row % 2).to_string());
        let rows = rows.split_once('\n').unwrap().1;
        profiler.read_file(file, Cursor::new(format!("{header}\n{rows}").into_bytes())).unwrap();
    }
    let warnings = profiler.finish(&Wishes::default()).unwrap().warnings;
    let expected = "column `temp` is in K in b.csv and has no unit in a.csv: is it the same there?";
    assert!(warnings.iter().any(|warning| warning == expected), "{warnings:?}");
}

#[test]
fn a_label_that_is_not_plain_is_asked_for() {
    let rows: String = (0..60)
        .map(|row| format!("{}.5,{},{}\n", row * 37 % 101, row % 2, (row / 2) % 2))
        .collect();
    assert_eq!(
        error(&format!("temp,door,x\n{rows}")),
        "no column is plainly the label, --label names it\n  door: by having two values: `0` 30, `1` \
         30\n  x: by having two values: `0` 30, `1` 30; columns found: temp, door, x"
    );
    assert_eq!(
        error(&format!("temp,failure,fault\n{rows}")),
        "several columns may be the label, --label names it\n  failure: by its name: `0` 30, `1` 30\n  \
         fault: by its name: `0` 30, `1` 30"
    );
    let with = |label: &str, positive: &[&str], text: &str| {
        let wishes = Wishes {
            label: (!label.is_empty()).then(|| label.to_owned()),
            positive: positive.iter().map(|&word| word.to_owned()).collect(),
        };
        profile_with(text, &wishes)
    };
    let text = format!("temp,door,x\n{rows}");
    let label = with("X", &[], &text).unwrap().label;
    assert_eq!(
        (label.column.as_str(), label.why_positive.as_str()),
        ("x", "`1` is yes and `0` is no")
    );
    let refused = with("dor", &[], &text).unwrap_err();
    assert!(refused.is_usage());
    assert_eq!(
        refused.to_string(),
        "--label dor: no file has this column; did you mean door?; columns found: temp, door, x"
    );
    assert_eq!(
        with("temp", &[], &text).unwrap_err().to_string(),
        "label `temp`: it has too many values, expected two, or some of which --positive names the \
         failures"
    );
}

#[test]
fn of_several_values_the_user_names_the_failures() {
    let states = ["NORMAL", "BROKEN", "NORMAL", "RECOVERING", "NORMAL"];
    let rows: String =
        (0..60).map(|row| format!("{}.5,{}\n", row * 37 % 101, states[row % 5])).collect();
    let text = format!("temp,machine_status\n{rows}");
    assert_eq!(
        error(&text),
        "label `machine_status`: --positive says which of its values mean a failure, once for each; \
         found `NORMAL` 36, `BROKEN` 12, `RECOVERING` 12"
    );
    let with = |positive: &str| {
        profile_with(&text, &Wishes { label: None, positive: vec![positive.to_owned()] })
    };
    let label = with("broken").unwrap().label;
    assert_eq!(
        (label.positive, label.negative),
        (vec!["BROKEN".to_owned()], vec!["NORMAL".to_owned(), "RECOVERING".to_owned()])
    );
    assert!(
        with("cracked").unwrap_err().to_string().starts_with("no column with the values cracked")
    );
}

#[test]
fn columns_that_give_the_label_away_are_left_out_with_a_warning() {
    let text = table("failure_type,after,TWF,HDF,v", 300, |row| {
        let fails = row % 3 == 0;
        let kind = if fails { ["heat", "power"][row % 2] } else { "none at all" };
        let after = if fails { format!("{}", row % 50) } else { String::new() };
        let flag = |which: usize| u8::from(fails && row % 2 == which);
        format!("{kind},{after},{},{},{}.5", flag(0), flag(1), row * 53 % 89)
    });
    let found = profile(&text);
    let used: Vec<_> = found.used().map(|column| column.name.as_str()).collect();
    assert_eq!(used, ["temp", "v"]);
    let left: Vec<_> =
        found.columns.iter().filter_map(|column| column.left_out.as_deref()).collect();
    assert_eq!(
        left,
        [
            "it alone tells the label (balanced accuracy 1.000)",
            "67 % of its cells are missing",
            "set only in rows of failures, 2 such columns together tell the label (balanced accuracy \
             1.000)",
            "set only in rows of failures, 2 such columns together tell the label (balanced accuracy \
             1.000)"
        ]
    );
    assert!(
        found.warnings[0].contains("column `failure_type` is left out"),
        "{:?}",
        found.warnings
    );
    // The only column is used even if it tells the label.
    let rows: String = (0..60)
        .map(|row| format!("{}.5,{}\n", row * 37 % 101, u8::from(row * 37 % 101 > 50)))
        .collect();
    let found = profile(&format!("temp,failure\n{rows}"));
    assert_eq!(found.used().count(), 1);
    assert!(found.warnings[0].contains("since no other column is left"), "{:?}", found.warnings);
}

#[test]
fn rows_and_files_that_do_not_fit_are_named() {
    let text = table("v", 60, |row| format!("{}.5", row * 53 % 89));
    let found = profile(&format!("{text}1,2\n1,2,0,4\nTotal,,\n,5,0\n"));
    assert_eq!((found.rows, found.ragged_rows, found.totals_rows), (61, 2, 1));
    assert!(found.has_bad_cells && found.has_missing_cells);
    assert!(
        found.warnings[0].starts_with("2 rows have another number of fields"),
        "{:?}",
        found.warnings
    );

    let mut profiler = Profiler::new();
    let other =
        text.replacen("v", "v [mm]", 1).replacen("temp", "Date,temp", 1).replace('\n', "\nx,");
    for (name, text) in [
        ("1.csv", text.as_str()),
        ("2.csv", other.strip_prefix("x,").unwrap_or(&other).trim_end_matches("x,")),
        ("README.txt", "Nothing here\n"),
        ("3.csv", "a,b\n1,2\n3,4\n"),
    ] {
        profiler.read_file(name, Cursor::new(text.as_bytes().to_vec())).unwrap();
    }
    let found = profiler.finish(&Wishes::default()).unwrap();
    assert_eq!((found.rows, found.files.len(), found.left_out.len()), (120, 2, 2));
    let date = found.columns.iter().find(|column| column.header == "Date").unwrap();
    assert_eq!(date.left_out.as_deref(), Some("not every file has it"));

    assert_eq!(
        error("temp,failure\n"),
        "there are no rows in a.csv, expected some below the header"
    );
    let small =
        profile_with("temp,failure\n1.5,0\n2.5,0\n3.5,1\n", &Wishes::default()).unwrap_err();
    assert!(!small.is_usage());
    assert_eq!(
        common::chain(&small),
        "the table is too small: 1 rows of class 1 cannot be divided into training and test rows with \
         test_size 0.2, expected enough for one in each part"
    );
    assert_eq!(
        error("id,failure\n7,0\n9,1\n8,0\n3,1\n"),
        "no column is left for a model: `id`: it is an identifier, by its name; `failure`: it is the label"
    );
}

#[test]
fn duplicates_are_kept_where_a_class_has_too_few_other_rows() {
    let rows: String =
        (0..80).map(|row| format!("{},{}\n", row % 4 * 10, u8::from(row % 4 == 3))).collect();
    let found = profile(&format!("temp,failure\n{rows}"));
    assert!(found.keeps_duplicates);
    assert_eq!(
        found.warnings.last().unwrap(),
        "95 % of the rows are equal to another one and are kept, since a class has too few others"
    );
    assert!(!profile(&table("v", 60, |row| format!("{}.5", row * 53 % 89))).keeps_duplicates);
}

#[test]
fn a_table_of_chance_is_called_one() {
    let text = table("v", 400, |row| format!("{}.5", row * row % 397));
    let found = profile(&text);
    let gates = found.gates.unwrap();
    assert!(gates.is_chance, "{gates:?}");
    assert!(found.warnings.iter().any(|text| text.contains("may be no better than chance")));
}

#[test]
fn the_profile_does_not_depend_on_the_blocks_and_is_bounded() {
    // 45,000 rows, of which 20,000 are the sample; three files give the same as one.
    let text = table("a,b", 45_000, |row| {
        format!("{}.5,{}", row * 53 % 8_009, ["x", "y", "z"][row * 31 % 7 % 3])
    });
    let found = profile(&text);
    assert_eq!(found.rows, 45_000);
    let mut tables = tables(&text);
    assert_eq!(tables.sample().len(), 20_000);
    assert_eq!(found.columns[2].kind, Kind::Category);
}

/// Reads a table as Preprocess does with the settings that a profile comes to.
fn read_with(found: &TableProfile, bytes: &[u8]) -> Result<(), String> {
    use dataset::{
        BadCells, CleaningRules, Column, ColumnKind, Duplicates, Label, MissingValues, Schema,
        TableReader, TextFormat,
    };
    let text = |error: &dyn std::error::Error| common::chain(error);
    let columns = found.used().map(|column| Column {
        name: column.name.clone(),
        kind: match column.kind {
            Kind::Category => ColumnKind::Category,
            Kind::YesNo if column.is_words => ColumnKind::YesNo,
            _ => ColumnKind::Number,
        },
        unit: column.unit.clone().filter(|_| !column.is_words),
        spellings: column.spellings.clone(),
        missing_markers: [&found.missing_markers[..], &column.missing_markers].concat(),
        ..Column::default()
    });
    let label = Label {
        column: found.label.column.clone(),
        positive: found.label.positive.clone(),
        negative: found.label.negative.clone(),
        missing_markers: found.missing_markers.clone(),
    };
    let schema = Schema::new(columns.collect(), label).map_err(|error| text(&error))?;
    let rules = CleaningRules {
        missing_values: if found.has_missing_cells {
            MissingValues::Median
        } else {
            MissingValues::Drop
        },
        bad_cells: if found.has_bad_cells { BadCells::Missing } else { BadCells::Error },
        duplicates: if found.keeps_duplicates { Duplicates::Keep } else { Duplicates::Drop },
    };
    let format = TextFormat {
        decimal: found.format.decimal.map(|mark| mark as u8),
        header_line: found.format.has_no_header.then_some(0),
        sheet: found.format.sheet.clone(),
        ..TextFormat::default()
    };
    let mut reader = TableReader::new(&schema, rules).with_format(format);
    for (index, file) in bytes.split(|&byte| byte == b'\x0c').enumerate() {
        let file = Cursor::new(file.to_vec());
        reader.read_file(&format!("{index}.csv"), file).map_err(|error| text(&error))?;
    }
    let (table, _) = reader.finish().map_err(|error| text(&error))?;
    dataset::split(table.labels(), 0.2, true, 42).map_err(|error| text(&error))?;
    Ok(())
}

#[test]
fn preprocess_reads_whatever_has_a_profile() {
    let good = [
        table("a b,\"c\"\"d\",e (in)", 30, |row| format!("{}.5,x{},-", row * 7 % 31, row % 3)),
        "sep=;\nTemp [K];Temp [°C];\"x\ny\";Störung\n1,5;2;n;ja\n2,5;-999;m;nein\n3,5;4;n;ja\n1,5;7;;nein\n9,5;7;m;ja\n8,5;3;n;nein\n"
            .to_owned(),
        "Report\n\nt  v fail\n1.5 2 0\n2.5 3 1\n3.5 4 0\n4.5 9 1\n5.5 7 1\n2.5 8 0\n\x0ca,b\n1,2\n".to_owned(),
    ];
    let pieces: [&[u8]; 16] = [
        b"\n",
        b"\r",
        b",",
        b";",
        b"\t",
        b"\"",
        b"\0",
        b"\xff",
        b"-999",
        b"NaN",
        b"Total",
        b"1e999",
        b"",
        b"\x0c",
        b" ",
        b"\xc3\xa9,",
    ];
    let mut state = 7_u64;
    let mut next = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut profiles = 0;
    for _ in 0..400 {
        let mut bytes = good[next(good.len())].clone().into_bytes();
        for _ in 0..=next(4) {
            let begin = next(bytes.len() + 1);
            let end = (begin + next(6)).min(bytes.len());
            bytes.splice(begin..end, pieces[next(pieces.len())].iter().copied());
        }
        let mut profiler = Profiler::new();
        for (index, file) in bytes.split(|&byte| byte == b'\x0c').enumerate() {
            // What cannot be read is an error.
            let _ = profiler.read_file(&format!("{index}.csv"), Cursor::new(file.to_vec()));
        }
        let Ok(found) = profiler.finish(&Wishes::default()) else { continue };
        profiles += 1;
        let names: std::collections::BTreeSet<_> =
            found.used().map(|column| dataset::fold_name(&column.name)).collect();
        assert_eq!(names.len(), found.used().count());
        assert!(found.label.failures > 1 && found.label.sound > 1);
        if let Err(error) = read_with(&found, &bytes) {
            panic!("{error}\n{:?}", String::from_utf8_lossy(&bytes));
        }
    }
    assert!(profiles > 100, "{profiles}");
}

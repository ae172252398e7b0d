//! Tables with categories, and splits by time and by machine.

use config::steps::{Categories, Column, ColumnKind, Format, Label, Split, TableSettings};
use testkit::Sandbox;

use crate::job::{SETTINGS, job, outputs, refused, set};

/// Returns a table of 40 rows: the row of each day from the 1st of January, the days not in order.
fn plant() -> String {
    let mut text = "Day,Machine,Grade,Load,Failed\n".to_owned();
    for row in 0..40 {
        let day = (row * 7) % 40;
        let (month, day_of_month) = if day < 31 { (1, day + 1) } else { (2, day - 30) };
        let grade = ["L", "M", "H"][day % 3];
        let machine = day % 4;
        let failed = u8::from(day % 5 == 0);
        text += &format!("{day_of_month}/{month}/2024,m{machine},{grade},{day},{failed}\n");
    }
    text
}

fn plant_job(table: &str, split: Split) -> Sandbox {
    let sandbox = job(table);
    set(&sandbox, |settings| {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind, ..Column::default() };
        settings.columns =
            vec![column("Grade", ColumnKind::Category), column("Load", ColumnKind::Number)];
        let words = |word: &str| vec![word.to_owned()];
        let label = "Failed".to_owned();
        settings.label = Label { column: label, positive: words("1"), negative: words("0") };
        settings.features.clear();
        settings.split = split;
    });
    sandbox
}

/// Changes the settings of a job.
fn change(sandbox: &Sandbox, change: impl FnOnce(&mut TableSettings)) {
    let mut settings = TableSettings::from_json(sandbox.read(SETTINGS).as_bytes()).unwrap();
    change(&mut settings);
    sandbox.file(SETTINGS, settings.to_json());
}

/// Returns the values of one column of a feature file.
fn column(text: &str, index: usize) -> Vec<&str> {
    text.lines().skip(1).map(|line| line.split(',').nth(index).unwrap()).collect()
}

#[test]
fn categories_are_one_hot_in_the_feature_files() {
    let [_, summary, test, train] = outputs(&plant_job(&plant(), Split::Random), &[]);
    for text in [&test, &train] {
        assert!(text.starts_with("Grade=H,Grade=L,Grade=M,Load,label\n"), "{text}");
        for row in text.lines().skip(1) {
            let cells: Vec<f32> = row.split(',').map(|cell| cell.parse().unwrap()).collect();
            // Of the days 0, 3, 6, ... the grade is L, of those after them M.
            let expected = match cells[3] as u32 % 3 {
                0 => [0.0, 1.0, 0.0],
                1 => [0.0, 0.0, 1.0],
                _ => [1.0, 0.0, 0.0],
            };
            assert_eq!(cells[..3], expected, "{row}");
        }
    }
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let values = serde_json::json!({ "H": 13, "L": 14, "M": 13 });
    assert_eq!(summary["columns"]["Grade"]["values"], values);
}

#[test]
fn a_value_that_is_only_in_the_test_rows_is_counted() {
    // The last day is a test row.
    let table = plant().replace("9/2/2024,m3,L", "9/2/2024,m3,\"X, new\"");
    let [recipe, summary, test, _] =
        outputs(&plant_job(&table, Split::Time("Day".to_owned())), &[]);
    assert!(!recipe.contains("new"), "{recipe}");
    assert!(summary.contains("1 of 40 values of category `Grade` are in no training row"));
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["unseen"], serde_json::json!({ "Grade": 1 }));
    assert!(test.contains("\n0,0,0,39,0\n"), "{test}");
}

#[test]
fn a_column_of_many_values_is_one_feature() {
    let sandbox = plant_job(&plant(), Split::Time("Day".to_owned()));
    change(&sandbox, |settings| {
        settings.categories = Categories { max_one_hot: 2, ..Categories::default() };
    });
    let [_, _, test, train] = outputs(&sandbox, &[]);
    // Of the first 32 days the grades L and M have 11, H has 10.
    for text in [&test, &train] {
        for (grade, load) in column(text, 0).into_iter().zip(column(text, 1)) {
            let expected = if load.parse::<u32>().unwrap() % 3 == 2 { "0.3125" } else { "0.34375" };
            assert_eq!(grade, expected);
        }
    }
}

#[test]
fn the_last_days_are_tested() {
    let [_, summary, test, train] =
        outputs(&plant_job(&plant(), Split::Time("Day".to_owned())), &[]);
    let days = |text: &str| {
        let mut days: Vec<u32> =
            column(text, 3).into_iter().map(|load| load.parse().unwrap()).collect();
        days.sort_unstable();
        days
    };
    assert_eq!(days(&train), (0..32).collect::<Vec<_>>());
    assert_eq!(days(&test), (32..40).collect::<Vec<_>>());
    let note = "the 8 test rows are the last by `Day`, from 2024-02-02 00:00:00 on";
    assert!(summary.contains(note), "{summary}");
}

#[test]
fn a_machine_is_in_one_part() {
    let [_, summary, test, _] =
        outputs(&plant_job(&plant(), Split::ByMachine("machine".to_owned())), &[]);
    let machines = column(&test, 3).into_iter().map(|load| load.parse::<u32>().unwrap() % 4);
    let machines: std::collections::BTreeSet<u32> = machines.collect();
    assert_eq!((machines.len(), test.lines().count()), (1, 11));
    let note = "3 of its values in the training rows, 1 in the 10 test rows, none in both";
    assert!(summary.contains(note), "{summary}");
}

#[test]
fn dates_with_two_meanings_and_texts_that_are_no_dates() {
    let by_day = || Split::Time("Day".to_owned());
    let rows = "2/1/2024,m,L,1,0\n3/4/2024,m,L,2,1\n5/6/2024,m,L,3,0\n6/7/2024,m,L,4,1\n";
    let table = format!("Day,Machine,Grade,Load,Failed\n{rows}");
    let sandbox = plant_job(&table, by_day());
    insta::assert_snapshot!(refused(&sandbox), @"/opt/ml/processing/input/raw.csv, line 2, column `Day`: `2/1/2024` may have the day or the month first; the setting `preprocessing.format.day_first` says which");
    let sandbox = plant_job(&table, by_day());
    change(&sandbox, |settings| {
        settings.format = Format { day_first: Some(false), ..Format::default() };
    });
    let [_, summary, ..] = outputs(&sandbox, &["--test-size=0.5"]);
    assert!(summary.contains("from 2024-05-06 00:00:00 on"), "{summary}");

    let later = table.replace("2/1/2024", "20/1/2024").replace("3/4/2024", "later");
    insta::assert_snapshot!(refused(&plant_job(&later, by_day())), @"/opt/ml/processing/input/raw.csv, line 3, column `Day`: found `later`, expected a date or time");
    insta::assert_snapshot!(refused(&plant_job(&table, Split::Time("Date".to_owned()))), @"/opt/ml/processing/input/raw.csv lacks column `Date`; columns found: Day, Machine, Grade, Load, Failed");
}

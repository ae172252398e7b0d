//! A Preprocess job: its files, and what is checked of every run.

use config::steps::TableSettings;
use testkit::{Outcome, Sandbox};

pub const RAW: &str = "processing/input/raw.csv";
pub const SETTINGS: &str = "processing/settings/table.json";
pub const TRAIN: &str = "processing/output/train/train.csv";
pub const TEST: &str = "processing/output/test/test.csv";
pub const RECIPE: &str = "processing/output/recipe/recipe.json";
pub const SUMMARY: &str = "processing/output/summary/summary.json";
/// All that a job leaves, in the order of their paths.
pub const OUTPUTS: [&str; 4] = [RECIPE, SUMMARY, TEST, TRAIN];

/// Returns a synthetic raw table of `rows` rows, seed 7.
pub fn sample(rows: u64) -> String {
    seeded_sample(rows, 7)
}

/// Returns the synthetic table that `orchestrator run` uses where it is given no other.
pub fn shipped_sample() -> String {
    seeded_sample(2_500, 42)
}

fn seeded_sample(rows: u64, seed: u64) -> String {
    let mut text = Vec::new();
    dataset::sample::write(&mut text, rows, seed).unwrap();
    String::from_utf8(text).unwrap()
}

/// Creates a job whose input is one file, with the default settings.
pub fn job(table: impl AsRef<[u8]>) -> Sandbox {
    let sandbox = without_table();
    sandbox.file(RAW, table);
    sandbox
}

/// Creates a job without an input, with the default settings.
pub fn without_table() -> Sandbox {
    let sandbox = Sandbox::new();
    set(&sandbox, |_| ());
    sandbox
}

/// Writes the default settings of the table with a change.
pub fn set(sandbox: &Sandbox, change: impl FnOnce(&mut TableSettings)) {
    let mut settings = TableSettings::default();
    change(&mut settings);
    sandbox.file(SETTINGS, settings.to_json());
}

/// Runs a job that must fail with `code` and leave no output, and returns its message.
pub fn refused_with(sandbox: &Sandbox, code: i32, arguments: &[&str]) -> String {
    let outcome = sandbox.run("preprocess", arguments).expect(code);
    assert_eq!(sandbox.files("processing/output"), Vec::<String>::new());
    explained(sandbox, &outcome)
}

/// Runs a job that must fail because of its data and leave no output, and returns its message.
pub fn refused(sandbox: &Sandbox) -> String {
    refused_with(sandbox, 3, &[])
}

/// Returns the message of a job that failed, after checking that the log has it too.
pub fn explained(sandbox: &Sandbox, outcome: &Outcome) -> String {
    let message = sandbox.message();
    let log = sandbox.normalized(&outcome.stderr);
    assert!(
        log.contains(&format!("ERROR container::run: preprocess failed: {message}\n")),
        "{log}"
    );
    assert_eq!(outcome.stdout, "");
    message
}

/// Runs a job that must succeed, and returns all that it leaves.
pub fn outputs(sandbox: &Sandbox, arguments: &[&str]) -> [String; 4] {
    sandbox.run("preprocess", arguments).expect(0);
    assert_eq!(sandbox.files("processing/output"), OUTPUTS);
    assert_eq!(sandbox.files("output"), Vec::<String>::new());
    OUTPUTS.map(|output| sandbox.read(output))
}

/// Returns a table of 50 rows with one line, counted from 1, changed.
pub fn with_line(line: usize, change: impl FnOnce(&str) -> String) -> String {
    let text = sample(50);
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines[line - 1] = change(&lines[line - 1]);
    lines.join("\n") + "\n"
}

/// Returns a line with one field, counted from 0, changed.
pub fn with_field(line: &str, field: usize, value: &str) -> String {
    let mut fields: Vec<_> = line.split(',').collect();
    fields[field] = value;
    fields.join(",")
}

//! A Training job: its channels, which hold what Preprocess makes of a table, and what is checked of
//! every run.

use std::sync::LazyLock;

use config::steps::TableSettings;
use testkit::{Outcome, Sandbox};

pub const TRAIN: &str = "input/data/train/train.csv";
pub const RECIPE: &str = "input/data/recipe/recipe.json";
/// Test rows, which the job does not read.
pub const TEST: &str = "test.csv";

/// All that the only host of a job leaves, in the order of the paths.
pub const OUTPUTS: [&str; 6] = [
    "model/background.bin",
    "model/forest.bin",
    "model/metadata.json",
    "model/model.onnx",
    "model/recipe.json",
    "output/data/training_metrics.json",
];

/// The channels of a synthetic table of 600 rows.
static CHANNELS: LazyLock<[String; 3]> = LazyLock::new(|| channels(&sample(600, 7)));

/// Returns a synthetic raw table.
pub fn sample(rows: u64, seed: u64) -> Vec<u8> {
    let mut table = Vec::new();
    dataset::sample::write(&mut table, rows, seed).unwrap();
    table
}

/// Returns training rows, recipe and test rows of a raw table.
fn channels(table: &[u8]) -> [String; 3] {
    let sandbox = Sandbox::new();
    sandbox.file("processing/input/raw.csv", table);
    sandbox.file("processing/settings/table.json", TableSettings::default().to_json());
    sandbox.run("preprocess", &[]).expect(0);
    ["train/train.csv", "recipe/recipe.json", "test/test.csv"]
        .map(|file| sandbox.read(&format!("processing/output/{file}")))
}

fn job_of([train, recipe, test]: &[String; 3]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file(TRAIN, train).file(RECIPE, recipe).file(TEST, test);
    sandbox
}

/// Creates a job over the synthetic table of 600 rows, with nothing in it but the channels.
pub fn job() -> Sandbox {
    job_of(&CHANNELS)
}

/// Creates a job over a raw table.
pub fn job_over(table: &[u8]) -> Sandbox {
    job_of(&channels(table))
}

/// Returns the paths of everything that a job left.
pub fn left(sandbox: &Sandbox) -> Vec<String> {
    [sandbox.files("model"), sandbox.files("output")].concat()
}

/// Returns the contents of [`OUTPUTS`], after checking that the job left nothing else.
pub fn outputs(sandbox: &Sandbox) -> [Vec<u8>; 6] {
    assert_eq!(left(sandbox), OUTPUTS);
    OUTPUTS.map(|output| fs_err::read(sandbox.path(output)).unwrap())
}

/// Runs a job that must fail with `code` and leave nothing but the failure file, and returns its
/// text.
pub fn refused(sandbox: &Sandbox, code: i32) -> String {
    let outcome = sandbox.run("train", &[]).expect(code);
    assert_eq!(left(sandbox), ["output/failure"]);
    explained(sandbox, &outcome)
}

/// Returns the failure file of a job, after checking that the log has its text too.
pub fn explained(sandbox: &Sandbox, outcome: &Outcome) -> String {
    let reason = sandbox.failure();
    let log = sandbox.normalized(&outcome.stderr);
    assert!(log.contains(&format!("ERROR container::run: train failed: {reason}\n")), "{log}");
    assert_eq!(outcome.stdout, "");
    reason
}

/// Changes the lines of the training rows, runs a job over them that must fail, and returns the
/// reason.
pub fn refused_rows(change: impl FnOnce(&mut Vec<String>)) -> String {
    let sandbox = job();
    let text = sandbox.read(TRAIN);
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    sandbox.file(TRAIN, lines.join("\n"));
    refused(&sandbox, 3)
}

/// Returns a line with one field, counted from 0, changed.
pub fn with_field(line: &str, field: usize, value: &str) -> String {
    let mut fields: Vec<_> = line.split(',').collect();
    fields[field] = value;
    fields.join(",")
}

/// Returns what Train logged at a level, without times and modules.
pub fn logged(outcome: &Outcome, level: &str) -> String {
    let lines = outcome.stderr.lines().filter_map(|line| {
        let (_, event) = line.split_once(&format!(" {level} "))?;
        event.strip_prefix("train: ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

//! A Training job whose channels hold what Preprocess makes of a table.

use std::sync::LazyLock;

use testkit::Sandbox;

pub const TRAIN: &str = "input/data/train/train.csv";
pub const RECIPE: &str = "input/data/recipe/recipe.json";
/// Rows that the job does not see.
pub const TEST: &str = "test.csv";

/// What Preprocess makes of a synthetic table.
static CHANNELS: LazyLock<[String; 3]> = LazyLock::new(|| {
    let mut table = Vec::new();
    dataset::sample::write(&mut table, 600, 7).unwrap();
    channels(&table)
});

fn channels(table: &[u8]) -> [String; 3] {
    let sandbox = Sandbox::new();
    sandbox.file("processing/input/raw.csv", table);
    sandbox.run("preprocess", &[]).expect(0);
    ["train/train.csv", "recipe/recipe.json", "test/test.csv"]
        .map(|file| sandbox.read(&format!("processing/output/{file}")))
}

fn job_of([train, recipe, test]: &[String; 3]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file(TRAIN, train).file(RECIPE, recipe).file(TEST, test);
    sandbox
}

/// A job over a synthetic table, with nothing in it but the channels.
pub fn job() -> Sandbox {
    job_of(&CHANNELS)
}

/// A job over a table.
pub fn job_over(table: &[u8]) -> Sandbox {
    job_of(&channels(table))
}

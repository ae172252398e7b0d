//! An evaluation job over what Preprocess and Train make of a table, and what is checked of every run.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::LazyLock;

use config::steps::TableSettings;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tar::{Builder, EntryType, Header};
use testkit::{Outcome, Sandbox};

pub const MODEL: &str = "processing/model/model.tar.gz";
pub const TEST: &str = "processing/test/test.csv";
pub const EVALUATION: &str = "processing/evaluation/evaluation.json";
pub const METRICS: &str = "processing/evaluation/metrics.json";

/// The files that Preprocess and Train make of a table.
#[derive(Clone)]
pub struct ModelFiles {
    pub forest: Vec<u8>,
    pub recipe: Vec<u8>,
    pub metadata: Vec<u8>,
    pub test: Vec<u8>,
}

/// The files of a synthetic table of 1,000 rows.
pub static SAMPLE: LazyLock<ModelFiles> = LazyLock::new(|| ModelFiles::of(&sample(1_000, 7)));

/// Creates a Training job over a raw table.
fn training(table: &[u8]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("processing/input/raw.csv", table);
    sandbox.file("processing/settings/table.json", TableSettings::default().to_json());
    sandbox.run("preprocess", &[]).expect(0);
    for file in ["train/train.csv", "recipe/recipe.json"] {
        let output = fs_err::read(sandbox.path(&format!("processing/output/{file}"))).unwrap();
        sandbox.file(&format!("input/data/{file}"), output);
    }
    sandbox
}

/// Returns the model that `count` hosts make of the synthetic table: the contents of its files by
/// name. As in the official SDK's local mode, the hosts share one directory.
pub fn model_of_hosts(count: usize, seed: &str) -> BTreeMap<String, Vec<u8>> {
    let sandbox = training(&sample(1_000, 7));
    sandbox.hyperparameters(&[("random_state", seed)]);
    let hosts: Vec<_> = (1..=count).map(|number| format!("algo-{number}")).collect();
    for host in &hosts {
        let resources = serde_json::json!({ "current_host": host, "hosts": hosts });
        sandbox.file("input/config/resourceconfig.json", resources.to_string());
        sandbox.run("train", &[]).expect(0);
    }
    let read = |name: &String| fs_err::read(sandbox.path("model").join(name)).unwrap();
    sandbox.list("model").into_iter().map(|name| (name.clone(), read(&name))).collect()
}

/// Returns a synthetic raw table.
pub fn sample(rows: u64, seed: u64) -> Vec<u8> {
    let mut table = Vec::new();
    dataset::sample::write(&mut table, rows, seed).unwrap();
    table
}

impl ModelFiles {
    /// Runs Preprocess and Train over a raw table.
    pub fn of(table: &[u8]) -> Self {
        let sandbox = training(table);
        let read = |path: &str| fs_err::read(sandbox.path(path)).unwrap();
        sandbox.run("train", &[]).expect(0);
        Self {
            forest: read("model/forest.bin"),
            recipe: read("model/recipe.json"),
            metadata: read("model/metadata.json"),
            test: read("processing/output/test/test.csv"),
        }
    }

    /// Creates a job that evaluates the model.
    pub fn job(&self) -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.file(MODEL, self.archive()).file(TEST, &self.test);
        sandbox
    }

    /// Returns the archive that SageMaker makes of the model directory.
    pub fn archive(&self) -> Vec<u8> {
        let mut model = Builder::new(Vec::new());
        model.append(&header("./", EntryType::Directory, 0), &[][..]).unwrap();
        add(&mut model, "./metadata.json", &self.metadata);
        add(&mut model, "./forest.bin", &self.forest);
        add(&mut model, "./recipe.json", &self.recipe);
        gzip(&model.into_inner().unwrap())
    }

    /// Returns an archive with one more entry, which may be hostile.
    pub fn archive_with(&self, path: &str, kind: EntryType, link: &str) -> Vec<u8> {
        let mut model = Builder::new(Vec::new());
        add(&mut model, "forest.bin", &self.forest);
        add(&mut model, "recipe.json", &self.recipe);
        add(&mut model, "metadata.json", &self.metadata);
        let mut entry = header(path, kind, 0);
        entry.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        entry.set_cksum();
        model.append(&entry, &[][..]).unwrap();
        gzip(&model.into_inner().unwrap())
    }
}

/// Returns the header of an entry. It is filled in by hand because the tar crate refuses to write
/// hostile paths.
fn header(path: &str, kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header
}

/// Adds a file to an archive.
pub fn add(model: &mut Builder<Vec<u8>>, path: &str, content: &[u8]) {
    let header = header(path, EntryType::Regular, content.len() as u64);
    model.append(&header, content).unwrap();
}

/// Returns an archive of files, given by name.
pub fn archive(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut model = Builder::new(Vec::new());
    for (name, content) in files {
        add(&mut model, name, content);
    }
    gzip(&model.into_inner().unwrap())
}

/// Compresses bytes with gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Returns an archive whose only file holds `size` zeros.
pub fn bomb(path: &str, size: u64) -> Vec<u8> {
    let mut model = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    model.append(&header(path, EntryType::Regular, size), io::repeat(0).take(size)).unwrap();
    model.into_inner().unwrap().finish().unwrap()
}

/// Runs a job that must succeed, and returns its log, evaluation.json and metrics.json.
pub fn evaluated(sandbox: &Sandbox, arguments: &[&str]) -> (Outcome, Value, Value) {
    let outcome = sandbox.run("evaluate", arguments).expect(0);
    assert_eq!(sandbox.files("processing/evaluation"), [EVALUATION, METRICS]);
    assert_eq!(sandbox.files("output"), Vec::<String>::new());
    assert_eq!(outcome.stdout, "");
    let json = |file: &str| serde_json::from_str(&sandbox.read(file)).unwrap();
    (outcome, json(EVALUATION), json(METRICS))
}

/// Runs a job that must fail with `code` and leave no report, and returns its message.
pub fn refused(sandbox: &Sandbox, code: i32, arguments: &[&str]) -> String {
    let outcome = sandbox.run("evaluate", arguments).expect(code);
    assert_eq!(sandbox.files("processing/evaluation"), Vec::<String>::new());
    explained(sandbox, &outcome)
}

/// Returns the message of a job that failed, after checking that the log has it too.
pub fn explained(sandbox: &Sandbox, outcome: &Outcome) -> String {
    let message = sandbox.message();
    let log = sandbox.normalized(&outcome.stderr);
    assert!(log.contains(&format!("ERROR container::run: evaluate failed: {message}\n")), "{log}");
    assert_eq!(outcome.stdout, "");
    message
}

/// Runs a job whose model is `archive`, which must make it fail, and returns its message.
pub fn refused_model(archive: impl AsRef<[u8]>) -> String {
    let sandbox = SAMPLE.job();
    sandbox.file(MODEL, archive);
    let message = refused(&sandbox, 3, &[]);
    assert_eq!(sandbox.files("processing/model"), [MODEL], "something was unpacked");
    message
}

/// Runs a job with one of its files changed, which must make it fail, and returns its message.
pub fn refused_files(change: impl FnOnce(&mut ModelFiles)) -> String {
    let mut files = SAMPLE.clone();
    change(&mut files);
    refused(&files.job(), 3, &[])
}

/// Returns the test rows after a change of their lines.
pub fn rows(change: impl FnOnce(&mut Vec<String>)) -> String {
    let text = String::from_utf8(SAMPLE.test.clone()).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    lines.join("\n")
}

/// Returns what Evaluate logged, without times and modules.
pub fn logged(outcome: &Outcome) -> String {
    let lines = outcome.stderr.lines().filter_map(|line| {
        let (before, event) = line.split_once(" evaluate: ")?;
        Some(format!("{} {event}", before.rsplit(' ').next()?))
    });
    lines.collect::<Vec<_>>().join("\n")
}

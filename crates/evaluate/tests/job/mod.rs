//! An evaluation job over what Preprocess and Train make of a table.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use testkit::Sandbox;

pub const MODEL: &str = "processing/model/model.tar.gz";
pub const TEST: &str = "processing/test/test.csv";

/// What the steps before made.
pub struct Made {
    pub forest: Vec<u8>,
    pub recipe: Vec<u8>,
    pub metadata: Vec<u8>,
    pub test: Vec<u8>,
}

/// What they made of a synthetic table.
pub static MADE: LazyLock<Made> = LazyLock::new(|| Made::of(&table()));

/// A job that trains on a table.
fn training(table: &[u8]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.file("processing/input/raw.csv", table);
    sandbox.run("preprocess", &[]).expect(0);
    for file in ["train/train.csv", "recipe/recipe.json"] {
        let output = fs_err::read(sandbox.path(&format!("processing/output/{file}"))).unwrap();
        sandbox.file(&format!("input/data/{file}"), output);
    }
    sandbox
}

/// The model that so many hosts make of the synthetic table: their files by name. As in the official
/// SDK's local mode, they share one directory.
pub fn model_of_hosts(count: usize, seed: &str) -> BTreeMap<String, Vec<u8>> {
    let sandbox = training(&table());
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

fn table() -> Vec<u8> {
    let mut table = Vec::new();
    dataset::sample::write(&mut table, 1_000, 7).unwrap();
    table
}

impl Made {
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

    /// A job that evaluates it.
    pub fn job(&self) -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.file(MODEL, self.archive()).file(TEST, &self.test);
        sandbox
    }

    /// As SageMaker archives the model directory.
    pub fn archive(&self) -> Vec<u8> {
        let mut model = Builder::new(Vec::new());
        model.append(&header("./", EntryType::Directory, 0), &[][..]).unwrap();
        add(&mut model, "./metadata.json", &self.metadata);
        add(&mut model, "./forest.bin", &self.forest);
        add(&mut model, "./recipe.json", &self.recipe);
        gzip(&model.into_inner().unwrap())
    }

    /// An archive with one more entry, which may be hostile.
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

/// A header that says what it is told: the tar crate itself writes no hostile ones.
fn header(path: &str, kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header
}

/// Adds a file.
pub fn add(model: &mut Builder<Vec<u8>>, path: &str, content: &[u8]) {
    let header = header(path, EntryType::Regular, content.len() as u64);
    model.append(&header, content).unwrap();
}

/// An archive of files by name.
pub fn archive(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut model = Builder::new(Vec::new());
    for (name, content) in files {
        add(&mut model, name, content);
    }
    gzip(&model.into_inner().unwrap())
}

/// Compresses an archive.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An archive whose one file is so many zeros.
pub fn bomb(path: &str, size: u64) -> Vec<u8> {
    let mut model = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    model.append(&header(path, EntryType::Regular, size), io::repeat(0).take(size)).unwrap();
    model.into_inner().unwrap().finish().unwrap()
}

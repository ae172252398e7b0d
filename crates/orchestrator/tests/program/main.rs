//! Tests of the whole program: output, files and exit codes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bad_input;
mod change;
mod clean;
#[cfg(feature = "aws")]
mod cloud;
mod containers;
mod definition;
mod docker;
mod foreign;
mod help;
mod infrastructure;
mod init;
mod models;
mod other_tables;
mod parameters;
mod predict;
mod processes;
mod reproduce;
mod resume;
mod run;
mod serve;
mod stored;
mod table_settings;
mod tables;
mod validate;

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use testkit::Outcome;

/// The steps of our pipeline when the model passes the quality gate.
const ALL: [&str; 5] = ["Preprocess", "Train", "Evaluate", "QualityGate", "Register"];

/// The copy of the shipped settings that the tests use.
const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testkit/pipeline_config.yaml");

/// A temporary working directory of the orchestrator.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, relative: &str) -> Utf8PathBuf {
        Utf8Path::from_path(self.0.path()).unwrap().join(relative)
    }

    fn file(&self, relative: &str, contents: impl AsRef<[u8]>) -> Utf8PathBuf {
        let path = self.path(relative);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, contents).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(testkit::executable("orchestrator"));
        command.args(arguments).current_dir(self.path(""));
        let unset =
            ["RUST_LOG", "AWS_ACCOUNT_ID", "AWS_REGION", "SAGEMAKER_ROLE_ARN", "GITHUB_SHA"];
        for name in unset {
            command.env_remove(name);
        }
        command.env("USER", "ada");
        command
    }

    fn orchestrator(&self, arguments: &[&str]) -> Outcome {
        self.command(arguments).output().unwrap().into()
    }

    /// Calls `orchestrator run` with [`CONFIG`].
    fn run(&self, arguments: &[&str]) -> Outcome {
        self.orchestrator(&[&["run", "--config", CONFIG], arguments].concat())
    }

    /// Calls `orchestrator run --json` and returns the printed object.
    fn json(&self, code: i32, arguments: &[&str]) -> Value {
        let outcome = self.run(&[&["--json"], arguments].concat()).expect(code);
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// Returns the file of an S3 URI in the local object store.
    fn stored(&self, uri: &Value) -> Utf8PathBuf {
        self.path("runs/s3").join(uri.as_str().unwrap().strip_prefix("s3://").unwrap())
    }

    /// Returns the record of the latest execution.
    fn record(&self) -> Value {
        let entries = fs_err::read_dir(self.path("runs/executions")).unwrap();
        let last = entries.map(|entry| entry.unwrap().path()).max().unwrap();
        serde_json::from_slice(&fs_err::read(last.join("execution.json")).unwrap()).unwrap()
    }

    /// Replaces paths, ids and times, which differ from run to run, by placeholders.
    fn neutral(&self, text: &str) -> String {
        let text = text.replace(self.path("").as_str().trim_end_matches('/'), "<here>");
        let text = text.replace(CONFIG, "<config>");
        let id = regex::Regex::new(r"\d{8}-\d{6}-[0-9a-f]{3}").unwrap();
        let time = r" +(\d+\.\d\d s|\d+ min \d+ s|\d+ h \d+ min|\d+ d \d+ h)\b";
        let time = regex::Regex::new(time).unwrap();
        let stamp = regex::Regex::new(r"\d{4}-\d\d-\d\dT[0-9:.]+Z").unwrap();
        let text = id.replace_all(&text, "<id>");
        let text = time.replace_all(&text, " <time>");
        stamp.replace_all(&text, "<when>").into_owned()
    }
}

/// Returns a step of a result or a record by its name.
fn step<'a>(result: &'a Value, name: &str) -> &'a Value {
    let steps = result["steps"].as_array().unwrap();
    steps.iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("{name}: {result:#}"))
}

/// Returns the text with placeholders for digests.
fn without_digests(text: &str) -> String {
    regex::Regex::new("[0-9a-f]{64}").unwrap().replace_all(text, "<sha256>").into_owned()
}

/// Returns a record or a version without the digest of itself, as somebody who changes it writes it.
fn without_seal(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("  \"sha256\"")).collect()
}

/// Returns the names of the steps of a result or a record.
fn names(result: &Value) -> Vec<&str> {
    result["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect()
}

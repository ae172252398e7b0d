//! The step cache: steps whose inputs have not changed are not run again.
//!
//! The cache key covers what SageMaker's covers (step, program, arguments, environment,
//! hyperparameters, inputs, the outputs' names), but contents instead of addresses: it includes the
//! digests of the executable or image and of every input. The addresses of the outputs are not part
//! of it.

use std::io;
use std::io::ErrorKind::{NotADirectory, NotFound};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use common::Directory;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::job::LocalJob;
use crate::record::{StepRecord, readable};
use crate::store::{Store, StoreError};

/// The name of the cache's directory in that of the runs.
const CACHE: &str = "cache";

/// A cache of step results, `<runs>/cache/<key>.json`.
#[derive(Debug)]
pub struct Cache {
    runs: Utf8PathBuf,
}

/// A cached result.
#[derive(Serialize, Deserialize)]
struct Entry {
    format_version: u32,
    /// The key, by which the entry of another result in its place is noticed.
    key: String,
    /// The time at which the result was stored, in seconds since 1970.
    finished_at: i64,
    /// The step's record, with what its outputs held. An output of which something is gone or changed
    /// invalidates the entry.
    step: StepRecord,
}

/// Version 1 had no metrics in the description of a Training job, version 2 no digests of the objects, version 3 none of
/// itself. Their entries have other keys, so that they are not found.
const FORMAT_VERSION: u32 = 4;

/// What is cached for a key.
pub enum Cached {
    /// A result that can be used.
    Result(Box<StepRecord>),
    /// No result, or one that is too old.
    Nothing,
    /// A result that cannot be used, and why: its entry or one of its outputs is damaged.
    Damaged(String),
}

impl Entry {
    /// Reads an entry, or returns `None` if there is none.
    ///
    /// # Errors
    ///
    /// Fails where the file does not hold what was written into it.
    fn read(file: &Utf8Path) -> io::Result<Option<Self>> {
        let text = match common::json::read(file) {
            Err(error) if [NotFound, NotADirectory].contains(&error.kind()) => return Ok(None),
            text => text?,
        };
        let wrong =
            |why: &dyn std::fmt::Display| io::Error::other(format!("{file} is no entry: {why}"));
        let is_sealed = common::json::require_unchanged(&text)
            .map_err(|_| wrong(&"it has changed since it was written"))?;
        let entry: Self = common::json::from_slice(&text).map_err(|error| wrong(&error))?;
        let is_own = file.file_name() == Some(&file_name(&entry.key));
        if is_sealed && is_own && entry.format_version == FORMAT_VERSION {
            return Ok(Some(entry));
        }
        Err(wrong(&"it is another result's, or was not written by this program"))
    }
}

impl Cache {
    /// Returns the cache of a directory of runs, which need not exist yet.
    pub fn new(runs: impl Into<Utf8PathBuf>) -> Self {
        Self { runs: runs.into() }
    }

    /// Returns the cache key of a job.
    ///
    /// # Errors
    ///
    /// Fails where an input cannot be read.
    pub fn key(
        step: &str,
        job: &LocalJob,
        program: &str,
        store: &Store,
    ) -> Result<String, StoreError> {
        let mut inputs = Vec::new();
        for input in &job.inputs {
            inputs.push(json!([
                input.name,
                input.directory,
                input.sharded,
                store.digest(&input.uri)?
            ]));
        }
        // the job's name is unique to each execution, so it must not be part of the key
        let environment: Value = job
            .environment
            .iter()
            .filter(|(_, value)| !value.contains(&job.name))
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let outputs: Vec<_> =
            job.outputs.iter().map(|output| json!([output.name, output.directory])).collect();
        let key = json!([
            FORMAT_VERSION,
            step,
            job.kind.reason_file(),
            program,
            job.entrypoint,
            job.arguments,
            environment,
            job.hyperparameters,
            job.hosts,
            inputs,
            outputs,
            job.metrics,
        ]);
        Ok(common::sha256_hex(key.to_string()))
    }

    /// Returns the result cached for a key, if it is at most `max_age` old and its outputs have not
    /// changed.
    pub fn find(&self, key: &str, max_age: Option<Duration>, store: &Store) -> Cached {
        let entry = match Entry::read(&self.path(key)) {
            Ok(Some(entry)) => entry,
            Ok(None) => return Cached::Nothing,
            Err(error) => return Cached::Damaged(error.to_string()),
        };
        let age = jiff::Timestamp::now().as_second().saturating_sub(entry.finished_at);
        let is_fresh =
            max_age.is_none_or(|max| u64::try_from(age).is_ok_and(|age| age <= max.as_secs()));
        if !is_fresh || !entry.step.is_recorded() {
            return Cached::Nothing;
        }
        match store.verify(&entry.step.contents) {
            Ok(()) => Cached::Result(Box::new(entry.step)),
            Err(error) => Cached::Damaged(common::chain(&error)),
        }
    }

    /// Stores the result of a step that succeeded, whose outputs are durable. The entry itself need not be: half an
    /// entry is none.
    ///
    /// # Errors
    ///
    /// Fails where the entry cannot be written, which is not a failure of the step.
    pub fn remember(&self, key: &str, step: &StepRecord) -> io::Result<()> {
        let entry = Entry {
            format_version: FORMAT_VERSION,
            key: key.to_owned(),
            finished_at: jiff::Timestamp::now().as_second(),
            step: step.clone(),
        };
        let text = readable("its entry", common::json::seal(&entry)?)?;
        let directory = Directory::make(&self.runs, CACHE)?;
        let written = directory.write(&file_name(key), |out| out.write_all(&text));
        written
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.path(key))))
    }

    /// Returns the addresses of what the result in a file consists of, or none if it is no result that can be used.
    pub fn addresses(file: &Utf8Path) -> Option<Vec<String>> {
        let StepRecord { outputs, contents, .. } = Entry::read(file).ok()??.step;
        Some(outputs.into_values().chain(contents.into_keys()).collect())
    }

    /// Returns whether a file in the cache's directory has the name of an entry.
    pub fn is_entry(name: &str) -> bool {
        name.strip_suffix(".json").is_some_and(common::is_sha256_hex)
    }

    /// Returns the path of the entry of a key.
    pub fn path(&self, key: &str) -> Utf8PathBuf {
        self.runs.join(CACHE).join(file_name(key))
    }
}

/// Returns the name of the file of a key's entry.
fn file_name(key: &str) -> String {
    format!("{key}.json")
}

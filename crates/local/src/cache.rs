//! Steps whose inputs have not changed are not run again.
//!
//! The key is what SageMaker's is made of (step, program, arguments, environment,
//! hyperparameters, inputs, the outputs' names), but of contents where the service has addresses: the digest of the executable or image
//! and of every input. Where outputs go is not part of it.

use std::time::Duration;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::job::Job;
use crate::record::StepRecord;
use crate::store::{Store, StoreError};

/// Remembered results, `<runs>/cache/<key>.json`.
#[derive(Debug)]
pub struct Cache {
    directory: Utf8PathBuf,
}

/// One remembered result.
#[derive(Serialize, Deserialize)]
struct Entry {
    format_version: u32,
    /// Seconds since 1970.
    finished_at: i64,
    /// The digest of each output, by name: what is gone or changed is no hit.
    digests: std::collections::BTreeMap<String, String>,
    step: StepRecord,
}

const FORMAT_VERSION: u32 = 1;

impl Cache {
    /// The cache in `directory`, which need not exist yet.
    pub fn new(directory: Utf8PathBuf) -> Self {
        Self { directory }
    }

    /// What makes two jobs the same.
    pub fn key(step: &str, job: &Job, program: &str, store: &Store) -> Result<String, StoreError> {
        let mut inputs = Vec::new();
        for input in &job.inputs {
            inputs.push(json!([
                input.name,
                input.directory,
                input.sharded,
                store.digest(&input.uri)?
            ]));
        }
        // the job's own name is not what makes it different from another
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

    /// The result remembered for a key, if it is young enough and its outputs are still there.
    pub fn find(&self, key: &str, most_age: Option<Duration>, store: &Store) -> Option<StepRecord> {
        let text = fs_err::read(self.path(key)).ok()?;
        let entry: Entry = serde_json::from_slice(&text).ok()?;
        let age = jiff::Timestamp::now().as_second().checked_sub(entry.finished_at)?;
        let young =
            most_age.is_none_or(|most| u64::try_from(age).is_ok_and(|age| age <= most.as_secs()));
        let intact = entry.step.outputs.iter().all(|(name, uri)| {
            matches!((store.digest(uri), entry.digests.get(name)), (Ok(found), Some(known)) if found == *known)
        });
        (entry.format_version == FORMAT_VERSION && young && intact).then_some(entry.step)
    }

    /// Remembers a step that succeeded. That it cannot be remembered is no failure of the step.
    pub fn remember(&self, key: &str, step: &StepRecord, store: &Store) -> Result<(), StoreError> {
        let mut digests = std::collections::BTreeMap::new();
        for (name, uri) in &step.outputs {
            digests.insert(name.clone(), store.digest(uri)?);
        }
        let entry = Entry {
            format_version: FORMAT_VERSION,
            finished_at: jiff::Timestamp::now().as_second(),
            digests,
            step: step.clone(),
        };
        let text = serde_json::to_vec_pretty(&entry).unwrap_or_default();
        common::write_file(&self.path(key), &text)?;
        Ok(())
    }

    fn path(&self, key: &str) -> Utf8PathBuf {
        self.directory.join(format!("{key}.json"))
    }
}

//! Where the raw table comes from.

use camino::Utf8Path;
use config::Settings;

use crate::error::CommandError;
use crate::output::say;
use local::{Staged, Store};

/// How many rows a run reads that is given none, and from which seed.
const SAMPLE_ROWS: u64 = 2500;
const SAMPLE_SEED: u64 = 42;

/// Brings raw tables into the store.
pub struct Input<'a> {
    pub settings: &'a Settings,
    pub store: &'a Store,
}

impl Input<'_> {
    /// Copies the user's table into the store.
    pub fn stage(&self, path: &Utf8Path) -> Result<Staged, CommandError> {
        let raw = self.settings.s3_paths.raw_data.trim_end_matches('/');
        Ok(local::stage(self.store, path, &self.settings.s3_paths.url(raw))?)
    }

    /// Stores a synthetic table, which the same rows and seed always make the same.
    pub fn synthetic(&self) -> Result<String, CommandError> {
        let key = format!(
            "{}/synthetic/{SAMPLE_ROWS}-rows-seed-{SAMPLE_SEED}.csv",
            self.settings.s3_paths.raw_data
        );
        let uri = self.settings.s3_paths.url(&key);
        common::write_with(&self.store.path(&uri)?, |out| {
            dataset::sample::write(out, SAMPLE_ROWS, SAMPLE_SEED)
        })?;
        say(&format!(
            "No --input: running on {SAMPLE_ROWS} synthetic rows, made by `orchestrator sample`."
        ));
        Ok(uri)
    }
}

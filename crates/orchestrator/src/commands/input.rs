//! The raw table of a local run, and the settings of the table.

use camino::Utf8Path;
use local::{Staged, Store};
use pipeline::Definition;

use crate::definition::TableDocument;
use crate::error::CommandError;
use crate::output::say;

/// The number of synthetic rows that a run without --input reads.
const SAMPLE_ROWS: u64 = 2500;
/// The seed of those rows.
const SAMPLE_SEED: u64 = 42;

/// Stores the settings of the table where the definition reads them. A definition that reads others,
/// or none, is left alone.
pub fn store_table_settings(
    table: &TableDocument,
    definition: &Definition,
    store: &Store,
) -> Result<(), CommandError> {
    if table.is_read_by(definition) {
        common::write_file(&store.path(&table.uri)?, table.json.as_bytes())?;
    }
    Ok(())
}

/// Says that the tables of earlier runs are no input.
pub fn say_left_out(runs: &Utf8Path) {
    say(&format!("{runs} is left out: it is a directory of local runs, whose tables are copies."));
}

/// Copies raw tables into the object store.
pub struct RawTable<'a> {
    /// The S3 prefix of raw tables, without a slash at its end.
    pub prefix: &'a str,
    /// The object store.
    pub store: &'a Store,
}

impl RawTable<'_> {
    /// Copies the user's table into the store.
    pub fn stage(&self, path: &Utf8Path) -> Result<Staged, CommandError> {
        let staged = local::stage(self.store, path, self.prefix)?;
        staged.runs.iter().for_each(|runs| say_left_out(runs));
        Ok(staged)
    }

    /// Stores a synthetic table and returns its address. The table is always the same.
    pub fn synthetic(&self) -> Result<String, CommandError> {
        let uri = format!("{}/synthetic/{SAMPLE_ROWS}-rows-seed-{SAMPLE_SEED}.csv", self.prefix);
        common::write_with(&self.store.path(&uri)?, |out| {
            dataset::sample::write(out, SAMPLE_ROWS, SAMPLE_SEED)
        })?;
        say(&format!(
            "No --input: running on {SAMPLE_ROWS} synthetic rows, made by `orchestrator sample`."
        ));
        Ok(uri)
    }
}

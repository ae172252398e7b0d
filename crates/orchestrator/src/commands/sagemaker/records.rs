//! The records of a table, as a batch transform answers them.

use std::io::{self, Write};
use std::ops::ControlFlow;

use camino::{Utf8Path, Utf8PathBuf};
use common::Sha256Reader;
use inference::{AnswerOptions, ScoredRows, answer_names};
use tempfile::TempDir;

use super::answered_rows::AnsweredRows;
use super::hosted_table::HostedTable;
use crate::error::CommandError;

/// The records of a table, in a file of this machine.
pub struct Records {
    /// The file.
    pub path: Utf8PathBuf,
    /// The SHA-256 digest of its bytes.
    pub digest: String,
    /// The rows that the records are of.
    rows: Vec<Vec<u8>>,
    /// What is known of the rows.
    read: ScoredRows,
    _directory: TempDir,
}

impl Records {
    /// Writes the records of a table.
    pub fn of(table: &HostedTable) -> Result<Self, CommandError> {
        let directory = tempfile::tempdir().map_err(CommandError::Begin)?;
        let path = Utf8Path::from_path(directory.path()).map(|path| path.join("records.csv"));
        let path =
            path.ok_or_else(|| CommandError::Begin(io::ErrorKind::InvalidFilename.into()))?;
        let mut rows = Vec::new();
        let mut read = Ok(ScoredRows::default());
        let mut failed = None;
        let written = common::write_with(&path, |file| {
            read = table.read(|block| {
                rows.extend(block.rows);
                match file.write_all(&block.records) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failed = Some(error);
                        ControlFlow::Break(())
                    }
                }
            });
            failed.take().map_or(Ok(()), Err)
        });
        written?;
        let read = read?;
        let file = fs_err::File::open(&path).map_err(CommandError::Read)?;
        let digest = Sha256Reader::new(file).digest_to_end().map_err(CommandError::Read)?;
        Ok(Self { path, digest, rows, read, _directory: directory })
    }

    /// Returns the number of records.
    pub fn count(&self) -> usize {
        self.rows.len()
    }

    /// Writes the rows with the answers of a version to the records.
    pub fn write(
        &self,
        table: &HostedTable,
        answers: &[u8],
        version: u32,
        options: AnswerOptions,
        output: &mut dyn Write,
    ) -> Result<ScoredRows, CommandError> {
        let names = answer_names(&table.model, options);
        let mut answered = AnsweredRows::with_names(table, output, version.to_string(), names)?;
        answered.add(&self.rows, answers)?;
        answered.finish(self.read.clone())
    }
}

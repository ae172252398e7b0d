//! A table whose rows a hosted version of the model answers.

use std::io::Cursor;
use std::ops::ControlFlow;

use camino::{Utf8Path, Utf8PathBuf};
use cloud::Cloud;
use config::Settings;
use dataset::{BadCells, TextFormat};
use inference::{ColumnFinder, Columns, Model, RecordBlock, ScoredRows, TableRecords};

use super::connect::group_of;
use crate::commands::input::{files, is_same_file};
use crate::error::CommandError;

/// A table, and the version that answers its rows. The version's model tells which columns are sent, and
/// in which units.
pub struct HostedTable {
    pub model: Model,
    /// The columns of the table.
    pub columns: Columns,
    files: Vec<(String, Utf8PathBuf)>,
    format: TextFormat,
    bad_cells: BadCells,
}

impl HostedTable {
    /// Reads the model of a version, and the beginnings of the table's files.
    pub fn of(
        settings: &Settings,
        cloud: &Cloud,
        package_arn: &str,
        input: &Utf8Path,
        output: &Utf8Path,
    ) -> Result<Self, CommandError> {
        let files = files(input)?;
        if let Some((_, table)) = files.iter().find(|(_, path)| is_same_file(path, output)) {
            let message =
                format!("--output {output} is the table {table} itself, expected another file");
            return Err(CommandError::Usage(message));
        }
        let group = group_of(settings, cloud);
        let package = group.registry.describe(package_arn)?;
        let address = &package.serving.model_data_url;
        let name = format!("version {} of group {}", package.version, package.group);
        let archive = (group.read)(address).ok_or_else(|| {
            CommandError::Usage(format!("{name} is at {address}, which cannot be read"))
        })?;
        let length = archive.len() as u64;
        let model = Model::from_archive(Cursor::new(archive), length)
            .map_err(|source| CommandError::Model { path: name, source })?;
        let table = settings.table();
        let format = table_settings::format(&table.format);
        let mut columns = ColumnFinder::new(&model, format.clone());
        for (name, path) in &files {
            let file = fs_err::File::open(path).map_err(CommandError::Read)?;
            columns.read_file(name, file).map_err(CommandError::Inference)?;
        }
        let columns = columns.finish().map_err(CommandError::Inference)?;
        let bad_cells = table_settings::rules(&table).bad_cells;
        Ok(Self { model, columns, files, format, bad_cells })
    }

    /// Passes the rows on as records, until `pass` breaks off.
    pub fn read(
        &self,
        pass: impl FnMut(RecordBlock) -> ControlFlow<()>,
    ) -> Result<ScoredRows, CommandError> {
        let records =
            TableRecords::new(&self.model, self.format.clone(), self.columns.clone(), pass);
        let mut records = records.with_bad_cells(self.bad_cells);
        for (name, path) in &self.files {
            let file = fs_err::File::open(path).map_err(CommandError::Read)?;
            records.read_file(name, file).map_err(CommandError::Inference)?;
        }
        records.finish().map_err(CommandError::Inference)
    }
}

//! A table whose rows a hosted version of the model answers.

use std::io::Cursor;
use std::ops::ControlFlow;

use camino::{Utf8Path, Utf8PathBuf};
use cloud::Cloud;
use config::Settings;
use dataset::{BadCells, ColumnKind, TextFormat};
use inference::{Columns, Model, RecordBlock, ScoredRows, TableRecords};
use registry::ModelPackage;

use crate::arguments::settings::SettingsArgs;
use crate::commands::input::{check_output, columns, files, open};
use crate::commands::models::digests::check_model_or_say;
use crate::error::CommandError;
use crate::sagemaker_error::SageMakerError;

/// The content type of records of numbers, which can be read in one way only. It is one of those that are
/// captured as text.
const NUMBERS: &str = config::serving::CSV;
/// The content type of records with words, which could be names or contain other separators.
const WORDS: &str = "text/csv; header=absent; separator=comma; decimal=point";

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
    /// Reads the model of a version, and the beginnings of the table's files. Refuses an output that is one
    /// of the files.
    pub fn of(
        (settings, config): (&Settings, &SettingsArgs),
        cloud: &Cloud,
        package: &ModelPackage,
        input: &Utf8Path,
        output: Option<&Utf8Path>,
    ) -> Result<Self, CommandError> {
        let files = files(input)?;
        if let Some(output) = output {
            check_output(output, &files, &config.files())?;
        }
        let archive = cloud.require_object(&package.serving.model_data_url)?;
        check_model_or_say(package, &archive)?;
        let length = archive.len() as u64;
        let path = format!("version {} of group {}", package.version, package.group);
        let model = Model::from_archive(Cursor::new(archive), length)
            .map_err(|source| CommandError::Model { path, source })?;
        let table = settings.table();
        let format = table_settings::format(&table.format);
        let columns = columns(&model, &files, &format)?;
        let bad_cells = table_settings::rules(&table).bad_cells;
        Ok(Self { model, columns, files, format, bad_cells })
    }

    /// Returns the content type of the records.
    pub fn content_type(&self) -> &'static str {
        let columns = self.model.schema().columns();
        if columns.iter().all(|column| column.kind == ColumnKind::Number) { NUMBERS } else { WORDS }
    }

    /// Passes the rows on as records, until `pass` breaks off. Refuses a table of which no row can be read.
    pub fn read(
        &self,
        pass: impl FnMut(RecordBlock) -> ControlFlow<()>,
    ) -> Result<ScoredRows, CommandError> {
        let records =
            TableRecords::new(&self.model, self.format.clone(), self.columns.clone(), pass);
        let mut records = records.with_bad_cells(self.bad_cells);
        for (name, path) in &self.files {
            records.read_file(name, open(path)?).map_err(CommandError::Inference)?;
        }
        let read = records.finish().map_err(CommandError::Inference)?;
        match &read.first_unreadable {
            Some(first) if read.rows == 0 => Err(SageMakerError::NoRows(first.clone()).into()),
            _ => Ok(read),
        }
    }
}

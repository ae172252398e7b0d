//! The tables that commands read: that of a local run, and those whose rows are scored.

use camino::{Utf8Path, Utf8PathBuf};
use dataset::TextFormat;
use inference::{ColumnFinder, Columns, Model};
use local::{Contents, StageError, Staged, Store};
use pipeline::Definition;

use crate::definition::TableDocument;
use crate::error::CommandError;
use crate::output::say;

/// The number of synthetic rows that a run without --input reads.
const SAMPLE_ROWS: u64 = 2500;
/// The seed of those rows.
const SAMPLE_SEED: u64 = 42;

/// Stores the settings of the table where the definition reads them, and returns what was stored. A definition that
/// reads others, or none, is left alone.
pub fn store_table_settings(
    table: &TableDocument,
    definition: &Definition,
    store: &Store,
) -> Result<Contents, CommandError> {
    if !table.is_read_by(definition) {
        return Ok(Contents::new());
    }
    let digest = store.write(&table.uri, |out| out.write_all(table.json.as_bytes()))?;
    Ok(Contents::from([(table.uri.clone(), [(String::new(), digest)].into())]))
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

    /// Stores a synthetic table and returns its address and what was stored. The table is always the same.
    pub fn synthetic(&self) -> Result<(String, Contents), CommandError> {
        let uri = format!("{}/synthetic/{SAMPLE_ROWS}-rows-seed-{SAMPLE_SEED}.csv", self.prefix);
        let digest =
            self.store.write(&uri, |out| dataset::sample::write(out, SAMPLE_ROWS, SAMPLE_SEED))?;
        say(&format!(
            "No --input: running on {SAMPLE_ROWS} synthetic rows, made by `orchestrator sample`."
        ));
        let contents = Contents::from([(uri.clone(), [(String::new(), digest)].into())]);
        Ok((uri, contents))
    }
}

/// Returns the files that Preprocess reads of an input, each with a name for messages: those below a
/// directory that are not hidden, in order.
pub fn files(input: &Utf8Path) -> Result<Vec<(String, Utf8PathBuf)>, CommandError> {
    let refuse = |reason: &str| {
        let (path, reason) = (input.to_owned(), reason.to_owned());
        CommandError::Stage(StageError::Input { path, reason })
    };
    match input.metadata() {
        Ok(about) if about.is_file() => return Ok(vec![(input.to_string(), input.to_owned())]),
        Ok(about) if about.is_dir() => {}
        Ok(_) => {
            return Err(refuse(
                "expected a file or a directory; a pipe's text must be written to a file first",
            ));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(refuse("there is no such file or directory"));
        }
        Err(error) => return Err(refuse(&error.to_string())),
    }
    let mut files = Vec::new();
    let mut open = vec![input.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in directory.read_dir_utf8().map_err(|error| refuse(&error.to_string()))? {
            let entry = entry.map_err(|error| refuse(&error.to_string()))?;
            let about = fs_err::metadata(entry.path()).map_err(CommandError::Read)?;
            if local::is_runs_directory(entry.path()) {
                say_left_out(entry.path());
            } else if about.is_dir() && !entry.path().is_symlink() {
                open.push(entry.path().to_owned());
            } else if about.is_file() && !entry.file_name().starts_with(['.', '_']) {
                files.push(entry.path().to_owned());
            }
        }
    }
    if files.is_empty() {
        return Err(refuse("the directory has no file that is not hidden"));
    }
    files.sort();
    let name = |path: &Utf8PathBuf| path.strip_prefix(input).unwrap_or(path).to_string();
    Ok(files.into_iter().map(|path| (name(&path), path)).collect())
}

/// Opens a file of an input.
pub fn open(path: &Utf8PathBuf) -> Result<fs_err::File, CommandError> {
    fs_err::File::open(path).map_err(CommandError::Read)
}

/// Finds the columns of the tables of an input, which have those of the model.
pub fn columns(
    model: &Model,
    files: &[(String, Utf8PathBuf)],
    format: &TextFormat,
) -> Result<Columns, CommandError> {
    let mut columns = ColumnFinder::new(model, format.clone());
    for (name, path) in files {
        columns.read_file(name, open(path)?).map_err(CommandError::Inference)?;
    }
    columns.finish().map_err(CommandError::Inference)
}

/// Refuses an output that is a directory, one of the tables, or another file that is read.
pub fn check_output(
    output: &Utf8Path,
    tables: &[(String, Utf8PathBuf)],
    read: &[&Utf8Path],
) -> Result<(), CommandError> {
    if output.is_dir() {
        let message = format!("--output {output} is a directory, expected a file");
        return Err(CommandError::Usage(message));
    }
    if let Some(read) = read.iter().find(|path| is_same_file(path, output)) {
        let message = format!("--output {output} is {read}, which is read; expected another file");
        return Err(CommandError::Usage(message));
    }
    if let Some((_, table)) = tables.iter().find(|(_, path)| is_same_file(path, output)) {
        let message =
            format!("--output {output} is the table {table} itself, expected another file");
        return Err(CommandError::Usage(message));
    }
    Ok(())
}

/// Returns whether two paths lead to the same file.
pub fn is_same_file(one: &Utf8Path, other: &Utf8Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

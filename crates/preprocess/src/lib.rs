//! The Preprocess step: raw CSV files become training and test features, and the recipe that made
//! them.
//!
//! Knows the order of that work. Must never know what becomes of the features, nor how a column is
//! found, cleaned or split.
//!
//! ```
//! use config::steps::{MissingValues, TableSettings};
//! use container::Container;
//! use testkit::Sandbox;
//!
//! let mut table = Vec::new();
//! dataset::sample::write(&mut table, 100, 42)?;
//! let opt_ml = Sandbox::new();
//! opt_ml.file("processing/input/raw.csv", table);
//! let settings =
//!     TableSettings { missing_values: MissingValues::Median, ..TableSettings::default() };
//! opt_ml.file("processing/settings/table.json", settings.to_json());
//!
//! let arguments = vec!["--test-size=0.25".to_owned()];
//! preprocess::run(&Container::new(opt_ml.base(), arguments, [].into()))?;
//! let train = opt_ml.read("processing/output/train/train.csv");
//! assert!(train.starts_with("Hydraulic_Pressure,"));
//! assert_eq!(train.lines().count(), 1 + 75);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod settings;
mod summary;

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use common::{write_all_or_none, write_file, write_with};
use config::steps::{self, TableSettings, paths};
use container::Container;
use dataset::{CleaningCounts, Recipe, RecordError, Schema, SensorTable, Split, TableError};

pub use error::PreprocessError;
use summary::Summary;

/// Runs the step in a container: reads the settings of the table in `settings` and every table below
/// `input`, and writes training rows, test rows, recipe and summary.
///
/// # Errors
/// Returns an error if arguments or settings are invalid, the table cannot be read or split, a
/// feature has no value, or an output cannot be written. No output is left then.
pub fn run(container: &Container) -> Result<(), PreprocessError> {
    let arguments = settings::arguments(container)?;
    let settings = settings::table(container)?;
    let hosts = container.hosts()?.all.len();
    if hosts > 1 {
        return Err(PreprocessError::Hosts(hosts));
    }
    let (schema, table, counts) = read(&container.processing(paths::PREPROCESS_INPUT), &settings)?;
    log_counts(&counts);
    let (rows, how) = split(&table, &settings, &arguments)?;
    if let Some(how) = &how {
        tracing::info!("{how}");
    }
    let features = table_settings::features(&settings);
    let rules = table_settings::categories(&settings);
    let recipe = Recipe::fit(&schema, &features, &table, &rows.train, rules)?;
    write(container, &recipe, &table, &rows, (counts, how))?;
    tracing::info!(
        train_rows = rows.train.len(),
        test_rows = rows.test.len(),
        features = recipe.feature_names().count(),
        "the table is split"
    );
    Ok(())
}

/// Divides the rows into training and test rows. Also returns how, if it is not at random.
fn split(
    table: &SensorTable,
    settings: &TableSettings,
    arguments: &steps::Preprocess,
) -> Result<(Split, Option<String>), PreprocessError> {
    let &steps::Preprocess { test_size, seed, .. } = arguments;
    let (labels, keys) = (table.labels(), table.split_keys());
    Ok(match &settings.split {
        steps::Split::Random => (dataset::split(labels, test_size, settings.stratify, seed)?, None),
        steps::Split::Time(column) => {
            let (rows, first) = dataset::split_by_time(labels, keys, test_size)?;
            let (test, first) = (rows.test.len(), dataset::show_time(first));
            let how = format!("the {test} test rows are the last by `{column}`, from {first} on");
            (rows, Some(how))
        }
        steps::Split::ByMachine(column) => {
            let rows = dataset::split_by_machine(labels, keys, test_size, seed)?;
            let count = |part: &[usize]| {
                part.iter().map(|&row| keys[row].to_bits()).collect::<BTreeSet<_>>().len()
            };
            let (train, test) = (count(&rows.train), count(&rows.test));
            let how = format!(
                "split by `{column}`: {train} of its values in the training rows, {test} in the {} test \
                 rows, none in both",
                rows.test.len()
            );
            (rows, Some(how))
        }
    })
}

/// Writes all outputs, or none. `about` tells how the rows were cleaned and divided.
fn write(
    container: &Container,
    recipe: &Recipe,
    table: &SensorTable,
    rows: &Split,
    about: (CleaningCounts, Option<String>),
) -> Result<(), PreprocessError> {
    let outputs = Outputs::of(container);
    let paths = [&outputs.train, &outputs.test, &outputs.recipe, &outputs.summary];
    write_all_or_none(paths, || outputs.write(recipe, table, rows, about))
}

/// The paths of the outputs.
struct Outputs {
    train: Utf8PathBuf,
    test: Utf8PathBuf,
    recipe: Utf8PathBuf,
    summary: Utf8PathBuf,
}

impl Outputs {
    fn of(container: &Container) -> Self {
        let path = |directory: &str, file: &str| container.processing(directory).join(file);
        Self {
            train: path(paths::PREPROCESS_TRAIN, paths::TRAIN_CSV),
            test: path(paths::PREPROCESS_TEST, paths::TEST_CSV),
            recipe: path(paths::PREPROCESS_RECIPE, artifacts::RECIPE_JSON),
            summary: path(paths::PREPROCESS_SUMMARY, paths::SUMMARY_JSON),
        }
    }

    fn write(
        &self,
        recipe: &Recipe,
        table: &SensorTable,
        rows: &Split,
        (mut counts, split): (CleaningCounts, Option<String>),
    ) -> Result<(), PreprocessError> {
        let mut imputed = recipe.no_counts();
        for (path, rows) in [(&self.train, &rows.train), (&self.test, &rows.test)] {
            write_with(path, |out| {
                imputed.add(&recipe.write(table, rows, out)?);
                Ok(())
            })?;
        }
        for (name, &replaced) in recipe.engineered_names().zip(&imputed.replaced) {
            if replaced > 0 {
                counts.warnings.push(format!(
                    "{replaced} of {} values of feature `{name}` are not finite and became their \
                     training median",
                    table.len()
                ));
            }
        }
        for (name, &unseen) in recipe.schema().names().zip(&imputed.unseen) {
            if unseen > 0 {
                counts.warnings.push(format!(
                    "{unseen} of {} values of category `{name}` are in no training row and became 0",
                    table.len()
                ));
            }
        }
        for warning in &counts.warnings {
            tracing::warn!("{warning}");
        }
        write_file(&self.recipe, &artifacts::write_recipe(recipe)?)?;
        let summary = Summary::new(recipe, table, rows, counts, split, &imputed);
        write_file(&self.summary, &summary.to_json()?)?;
        Ok(())
    }
}

/// Reads all files below `input` as one table. The schema is that of the settings, or of the files.
fn read(
    input: &Utf8Path,
    table: &TableSettings,
) -> Result<(Schema, SensorTable, CleaningCounts), PreprocessError> {
    let mut reader = table_settings::reader(table)?;
    let files = files(input)?;
    for path in &files.visible {
        let file = fs_err::File::open(path).map_err(PreprocessError::Input)?;
        reader.read_file(path.as_str(), file).map_err(|error| match &error {
            TableError::Record { problem: RecordError::NotANumber { .. }, .. }
                if table.all_columns_except.is_some() =>
            {
                PreprocessError::NotANumber(error)
            }
            _ => error.into(),
        })?;
    }
    let schema = reader.schema().clone();
    let (table, mut counts) = reader.finish()?;
    let hidden = files.hidden.iter().map(|path| format!("{path} is a hidden file"));
    counts.left_out.extend(hidden);
    // The summary must not depend on where the job ran.
    let directory = format!("{input}/");
    let texts = counts.notes.iter_mut().chain(&mut counts.left_out).chain(&mut counts.warnings);
    let cells = counts.bad_cells.values_mut().map(|cell| &mut cell.first);
    let texts = texts.chain(cells).chain(&mut counts.first_bad);
    texts.for_each(|text| *text = text.replace(&directory, ""));
    Ok((schema, table, counts))
}

/// The files below the input directory, sorted.
struct InputFiles {
    visible: Vec<Utf8PathBuf>,
    /// Files whose name begins with a dot or, as with the marks of Spark, an underscore.
    hidden: Vec<Utf8PathBuf>,
}

/// Returns the paths of all files below a directory.
fn files(input: &Utf8Path) -> Result<InputFiles, PreprocessError> {
    let mut directories = vec![input.to_owned()];
    let mut files = InputFiles { visible: Vec::new(), hidden: Vec::new() };
    while let Some(directory) = directories.pop() {
        for entry in fs_err::read_dir(&directory).map_err(PreprocessError::Input)? {
            let path = entry.map_err(PreprocessError::Input)?.path();
            let path = Utf8PathBuf::from_path_buf(path).map_err(PreprocessError::Name)?;
            if path.is_dir() {
                directories.push(path);
            } else if path.file_name().is_none_or(|name| name.starts_with(['.', '_'])) {
                files.hidden.push(path);
            } else {
                files.visible.push(path);
            }
        }
    }
    files.visible.sort();
    files.hidden.sort();
    if files.visible.is_empty() {
        let found = files.hidden.iter().map(|path| {
            path.strip_prefix(input).map_or_else(|_| path.to_string(), ToString::to_string)
        });
        let found = found.collect();
        return Err(PreprocessError::NoTable { directory: input.to_owned(), found });
    }
    Ok(files)
}

fn log_counts(counts: &CleaningCounts) {
    tracing::info!(rows = counts.read.rows, kept = counts.kept.rows, "read the table");
    for (reason, dropped) in counts.dropped() {
        if dropped.rows > 0 {
            tracing::info!("dropped {} rows: {reason}", dropped.rows);
        }
    }
    for (what, count) in [
        ("rows of totals", counts.totals_rows),
        ("rows that repeat the header", counts.header_rows),
        ("rows without any value", counts.blank_rows),
    ] {
        if count > 0 {
            tracing::info!("left out {count} {what}");
        }
    }
    for note in &counts.notes {
        tracing::info!("{note}");
    }
    for file in &counts.left_out {
        tracing::warn!("left out: {file}");
    }
    if let Some(first) = &counts.first_bad {
        tracing::warn!("the first row that cannot be read: {first}");
    }
}

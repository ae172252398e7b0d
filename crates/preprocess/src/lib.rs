//! The Preprocess step: raw CSV files become training and test features, and the recipe that made
//! them.
//!
//! Knows the order of that work. Must never know what becomes of the features, nor how a column is
//! found, cleaned or split.

mod error;
mod summary;

use camino::{Utf8Path, Utf8PathBuf};
use config::steps::{self, paths};
use container::{Container, write_file, write_with};
use dataset::{
    BadCells, CleaningCounts, CleaningRules, Column, Feature, ImputationCounts, Label,
    MissingValues, Recipe, Schema, SensorTable, Split, TableReader,
};

pub use error::PreprocessError;
use summary::Summary;

/// Runs the step in its container.
///
/// # Errors
/// Settings of no use, a table that cannot be read or learned from, outputs that cannot be written.
pub fn run(container: &Container) -> Result<(), PreprocessError> {
    let settings = settings(container)?;
    let hosts = container.hosts()?.all.len();
    if hosts > 1 {
        return Err(PreprocessError::Hosts(hosts));
    }
    let schema = schema(&settings)?;
    let (table, counts) = read(&container.processing(paths::PREPROCESS_INPUT), &schema, &settings)?;
    log(&counts);
    let rows =
        dataset::split(table.labels(), settings.test_size, settings.stratify, settings.seed)?;
    let recipe = Recipe::fit(&schema, &features(&settings), &table, &rows.train)?;
    write(container, &recipe, &table, &rows, counts)?;
    tracing::info!(
        train_rows = rows.train.len(),
        test_rows = rows.test.len(),
        features = recipe.feature_names().count(),
        "the table is split"
    );
    Ok(())
}

/// Leaves all outputs or none: some of them would look like all of them to whoever finds them.
fn write(
    container: &Container,
    recipe: &Recipe,
    table: &SensorTable,
    rows: &Split,
    counts: CleaningCounts,
) -> Result<(), PreprocessError> {
    let outputs = [
        (paths::PREPROCESS_TRAIN, paths::TRAIN_CSV),
        (paths::PREPROCESS_TEST, paths::TEST_CSV),
        (paths::PREPROCESS_RECIPE, paths::RECIPE_JSON),
        (paths::PREPROCESS_SUMMARY, paths::SUMMARY_JSON),
    ]
    .map(|(directory, file)| container.processing(directory).join(file));
    let [train_csv, test_csv, recipe_json, summary_json] = &outputs;
    let written = || {
        let mut made_up = ImputationCounts::default();
        for (path, rows) in [(train_csv, &rows.train), (test_csv, &rows.test)] {
            write_with(path, |out| {
                made_up = made_up + recipe.write(table, rows, out)?;
                Ok(())
            })?;
        }
        if made_up.replaced > 0 {
            let features = recipe.feature_names().count() - recipe.schema().columns().len();
            let all = table.len() * features;
            tracing::warn!(
                "{} of {all} engineered features were not finite and became their training median",
                made_up.replaced
            );
        }
        write_file(recipe_json, &artifacts::write_recipe(recipe)?)?;
        let summary = Summary::new(recipe, table, rows, counts, made_up);
        write_file(summary_json, &summary.to_json()?)?;
        Ok(())
    };
    written().inspect_err(|_| {
        for output in &outputs {
            let _ = fs_err::remove_file(output);
        }
    })
}

fn settings(container: &Container) -> Result<steps::Preprocess, PreprocessError> {
    let parsed = steps::Preprocess::parse(container.arguments())?;
    for argument in parsed.unknown {
        tracing::warn!("argument `{argument}` is not known here, it is ignored");
    }
    Ok(parsed.settings)
}

fn schema(settings: &steps::Preprocess) -> Result<Schema, PreprocessError> {
    let columns = settings.columns.iter().map(|column| Column {
        name: column.name.clone(),
        unit: column.unit.clone(),
        spellings: column.spellings.clone(),
    });
    let label = Label {
        column: settings.label.column.clone(),
        positive: settings.label.positive.clone(),
        negative: settings.label.negative.clone(),
    };
    Ok(Schema::new(columns.collect(), label)?)
}

fn features(settings: &steps::Preprocess) -> Vec<Feature> {
    let feature = |feature: &steps::Feature| Feature {
        name: feature.name.clone(),
        expression: feature.expression.clone(),
    };
    settings.features.iter().map(feature).collect()
}

fn read(
    input: &Utf8Path,
    schema: &Schema,
    settings: &steps::Preprocess,
) -> Result<(SensorTable, CleaningCounts), PreprocessError> {
    let rules = CleaningRules {
        missing_values: match settings.missing_values {
            steps::MissingValues::Drop => MissingValues::Drop,
            steps::MissingValues::Median => MissingValues::Median,
        },
        bad_cells: match settings.bad_cells {
            steps::BadCells::Error => BadCells::Error,
            steps::BadCells::Drop => BadCells::Drop,
        },
    };
    let mut reader = TableReader::new(schema, rules);
    for path in csv_files(input)? {
        let file = fs_err::File::open(&path).map_err(PreprocessError::Input)?;
        reader.read(path.as_str(), file)?;
    }
    Ok(reader.finish()?)
}

/// Every CSV below a directory, in the order of their paths.
fn csv_files(input: &Utf8Path) -> Result<Vec<Utf8PathBuf>, PreprocessError> {
    let mut directories = vec![input.to_owned()];
    let (mut files, mut others) = (Vec::new(), Vec::new());
    while let Some(directory) = directories.pop() {
        for entry in fs_err::read_dir(&directory).map_err(PreprocessError::Input)? {
            let path = entry.map_err(PreprocessError::Input)?.path();
            let path = Utf8PathBuf::from_path_buf(path).map_err(PreprocessError::Name)?;
            let hidden = path.file_name().is_none_or(|name| name.starts_with('.'));
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) && !hidden {
                files.push(path);
            } else {
                others.push(path.strip_prefix(input).unwrap_or(&path).to_string());
            }
        }
    }
    files.sort();
    others.sort();
    if files.is_empty() {
        return Err(PreprocessError::NoCsv { directory: input.to_owned(), found: others });
    }
    Ok(files)
}

fn log(counts: &CleaningCounts) {
    tracing::info!(rows = counts.rows_read, kept = counts.rows_kept, "read the table");
    for (count, reason) in [
        (counts.dropped_missing, "with an empty or non-finite cell"),
        (counts.dropped_bad_cells, "with a cell that cannot be read"),
        (counts.dropped_ragged, "with too few or too many fields"),
        (counts.dropped_duplicates, "that were there before"),
    ] {
        if count > 0 {
            tracing::info!("dropped {count} rows {reason}");
        }
    }
    if let Some(first) = &counts.first_bad {
        tracing::warn!("the first row that cannot be read: {first}");
    }
}

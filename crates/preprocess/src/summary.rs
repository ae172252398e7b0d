//! `summary.json`: counts of the rows read and dropped, and statistics of the columns.

use std::collections::BTreeMap;

use dataset::{
    CleaningCounts, ColumnKind, ColumnSummary, ImputationCounts, Recipe, SensorTable, Split,
};
use serde::Serialize;

/// The contents of `summary.json`, which is for people: no step reads it.
#[derive(Serialize)]
pub(crate) struct Summary {
    format_version: u32,
    rows: CleaningCounts,
    /// How the rows were divided, if not at random.
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<String>,
    train: PartSummary,
    test: PartSummary,
    /// The number of missing readings that were replaced by the training median of their column. In a
    /// column of categories they are 0 in all features.
    imputed_readings: usize,
    /// The number of cells in each column of categories whose value is in no training row.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    unseen: BTreeMap<String, usize>,
    /// The number of engineered features that were not finite and were replaced by their training
    /// median.
    replaced_features: usize,
    /// That number for each feature that has any.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    replaced: BTreeMap<String, usize>,
    /// Statistics of each column over the rows kept.
    columns: BTreeMap<String, ColumnReport>,
    features: Vec<String>,
}

/// The statistics of one column.
#[derive(Serialize)]
#[serde(untagged)]
enum ColumnReport {
    Numbers(ColumnSummary),
    /// The number of rows with each value.
    Categories {
        values: BTreeMap<String, usize>,
    },
}

impl ColumnReport {
    fn of_categories(table: &SensorTable, column: usize) -> Self {
        let rows: Vec<usize> = (0..table.len()).collect();
        let counts = table.value_counts(column, &rows).into_iter();
        Self::Categories { values: counts.map(|(value, n)| (value.to_owned(), n)).collect() }
    }
}

/// The class balance of the training or the test part.
#[derive(Serialize)]
struct PartSummary {
    rows: usize,
    failures: usize,
    failure_share: f64,
}

impl PartSummary {
    fn new(table: &SensorTable, part: &[usize]) -> Self {
        let rows = part.len();
        let failures = part.iter().filter(|&&row| table.labels()[row] == 1).count();
        Self { rows, failures, failure_share: failures as f64 / rows as f64 }
    }
}

impl Summary {
    pub(crate) fn new(
        recipe: &Recipe,
        table: &SensorTable,
        parts: &Split,
        rows: CleaningCounts,
        split: Option<String>,
        imputed: &ImputationCounts,
    ) -> Self {
        let replaced = recipe.engineered_names().zip(imputed.replaced.iter().copied());
        let replaced = replaced.filter(|(_, count)| *count > 0);
        let unseen = recipe.schema().names().zip(imputed.unseen.iter().copied());
        let unseen = unseen.filter(|(_, count)| *count > 0);
        let columns = recipe.schema().columns().iter().zip(table.summaries()).enumerate();
        let columns = columns.map(|(index, (column, summary))| {
            let report = match column.kind {
                ColumnKind::Number | ColumnKind::YesNo => ColumnReport::Numbers(summary),
                ColumnKind::Category => ColumnReport::of_categories(table, index),
            };
            (column.name.clone(), report)
        });
        Self {
            format_version: 1,
            rows,
            split,
            train: PartSummary::new(table, &parts.train),
            test: PartSummary::new(table, &parts.test),
            imputed_readings: imputed.imputed.iter().sum(),
            unseen: unseen.map(|(name, count)| (name.to_owned(), count)).collect(),
            replaced_features: imputed.replaced.iter().sum(),
            replaced: replaced.map(|(name, count)| (name.to_owned(), count)).collect(),
            columns: columns.collect(),
            features: recipe.feature_names().map(str::to_owned).collect(),
        }
    }

    pub(crate) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

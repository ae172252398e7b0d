//! `summary.json`: what was read, what became of it and what it is like.

use dataset::{CleaningCounts, ImputationCounts, Recipe, SensorTable, Split};
use serde::Serialize;
use std::collections::BTreeMap;

/// What was read, what became of it and what it is like. For people: no step reads it.
#[derive(Serialize)]
pub(crate) struct Summary {
    format_version: u32,
    rows: CleaningCounts,
    train: Part,
    test: Part,
    /// Missing readings for which the training median stood in.
    imputed_readings: usize,
    /// Engineered features that were not finite and became their training median.
    replaced_features: usize,
    /// Of each column, over the rows kept.
    columns: BTreeMap<String, dataset::ColumnSummary>,
    features: Vec<String>,
}

/// The labels of one part.
#[derive(Serialize)]
struct Part {
    rows: usize,
    failures: usize,
    failure_share: f64,
}

impl Part {
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
        made_up: ImputationCounts,
    ) -> Self {
        let columns = recipe.schema().names().map(str::to_owned);
        Self {
            format_version: 1,
            rows,
            train: Part::new(table, &parts.train),
            test: Part::new(table, &parts.test),
            imputed_readings: made_up.imputed,
            replaced_features: made_up.replaced,
            columns: columns.zip(table.summaries()).collect(),
            features: recipe.feature_names().map(str::to_owned).collect(),
        }
    }

    pub(crate) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

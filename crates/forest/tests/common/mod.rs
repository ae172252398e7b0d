//! Tables and parameters shared by the tests.

use forest::{RandomForest, RandomForestParams};
use linfa::Dataset;
use linfa::prelude::Predict;
use ndarray::{Array1, Array2};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// A table of 6 features, two of which determine the label; one label in twenty is wrong.
pub fn table(rows: usize, seed: u64) -> Dataset<f32, usize, ndarray::Ix1> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut uniform = || (random.next_u32() >> 8) as f32 / (1 << 24) as f32;
    let records = Array2::from_shape_simple_fn((rows, 6), &mut uniform);
    let labels: Array1<usize> = records
        .rows()
        .into_iter()
        .map(|row| usize::from((row[1] * row[4] > 0.25) != (uniform() < 0.05)))
        .collect();
    Dataset::new(records, labels)
}

pub fn params() -> RandomForestParams {
    RandomForest::params().n_estimators(30).max_depth(Some(8)).random_state(42)
}

pub fn accuracy(forest: &RandomForest, table: &Dataset<f32, usize, ndarray::Ix1>) -> f64 {
    let predicted = forest.predict(table.records());
    let right = predicted.iter().zip(table.targets()).filter(|(a, b)| a == b).count();
    right as f64 / predicted.len() as f64
}

/// A table whose labels depend on three features jointly; 3 features have few distinct values, 3
/// have many.
pub fn mixed(rows: usize, classes: usize) -> Dataset<f32, usize, ndarray::Ix1> {
    let table = table(rows, 11);
    let mut records = table.records().clone();
    for mut column in records.columns_mut().into_iter().step_by(2) {
        column.mapv_inplace(|value| (value * 7.0).floor());
    }
    let label = |row: ndarray::ArrayView1<'_, f32>| {
        (row[0] + 3.0 * row[1] + row[3] * row[3] * 5.0) as usize % classes
    };
    let labels = records.rows().into_iter().map(label).collect();
    Dataset::new(records, labels)
}

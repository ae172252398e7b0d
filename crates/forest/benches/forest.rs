//! Compares the forest with linfa-trees: `cargo bench -p forest`.
//!
//! linfa-trees has no forest with probabilities, class weights and features drawn per split. Its
//! single tree is compared with a forest of one tree that considers every feature at each split.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use forest::{ClassWeight, MaxFeatures, RandomForest};
use linfa::Dataset;
use linfa::prelude::{Fit, Predict};
use ndarray::{Array1, Array2, s};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// A table of 15 features, four of which determine the label; one label in twenty is wrong.
fn table(rows: usize) -> Dataset<f32, usize, ndarray::Ix1> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut uniform = || (random.next_u32() >> 8) as f32 / (1 << 24) as f32;
    let records = Array2::from_shape_simple_fn((rows, 15), &mut uniform);
    let label = |row: ndarray::ArrayView1<'_, f32>| {
        usize::from((row[0] * row[1] > 0.3 || row[2] + row[3] > 1.4) != (uniform() < 0.05))
    };
    let labels: Array1<usize> = records.rows().into_iter().map(label).collect();
    Dataset::new(records, labels)
}

fn fit(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("fit");
    group.sample_size(10);
    for rows in [2_000, 8_000] {
        let table = table(rows);
        let forest = RandomForest::params()
            .n_estimators(200)
            .max_depth(Some(10))
            .class_weight(ClassWeight::Balanced)
            .random_state(42);
        group.bench_function(BenchmarkId::new("forest of 200 trees", rows), |b| {
            b.iter(|| forest.fit(&table).unwrap());
        });
        let tree = RandomForest::params()
            .n_estimators(1)
            .max_depth(Some(10))
            .max_features(MaxFeatures::All);
        group.bench_function(BenchmarkId::new("forest of one tree", rows), |b| {
            b.iter(|| tree.fit(&table).unwrap());
        });
        let linfa_tree = linfa_trees::DecisionTree::<f32, usize>::params().max_depth(Some(10));
        group.bench_function(BenchmarkId::new("linfa-trees, one tree", rows), |b| {
            b.iter(|| linfa_tree.fit(&table).unwrap());
        });
    }
    group.finish();
}

fn predict(bench: &mut Criterion) {
    let table = table(2_000);
    let forest = RandomForest::params().n_estimators(200).max_depth(Some(10)).fit(&table).unwrap();
    let mut group = bench.benchmark_group("predict");
    let one = table.records().slice(s![..1, ..]).to_owned();
    group.bench_function("200 trees, one row", |b| b.iter(|| forest.predict(&one)));
    group.bench_function("200 trees, 2000 rows", |b| b.iter(|| forest.predict(table.records())));
    group.finish();
}

criterion_group!(benches, fit, predict);
criterion_main!(benches);

//! Measures one fit and its predictions for `scripts/bench/forest`.
//!
//! Usage: `measure TABLE FEATURES TREES MAX_BINS SEED PROBABILITIES`. TABLE holds rows of
//! little-endian f32 with the label last; the first four fifths are fitted and the others scored.
//! MAX_BINS 0 stands for the default. Prints one JSON object, and writes the probabilities of the
//! scored rows to PROBABILITIES as f64.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench fails by panicking")]
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring program, not a part of the pipeline"
)]

use std::fs;
use std::time::Instant;

use forest::{ClassWeight, RandomForest, TrainingSet};
use linfa::ParamGuard;
use ndarray::{Array1, Array2, Axis, concatenate, s};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [table, features, trees, max_bins, seed, probabilities] = &arguments[..] else {
        panic!("expected TABLE FEATURES TREES MAX_BINS SEED PROBABILITIES");
    };
    let number = |text: &String| text.parse::<usize>().unwrap();
    let features = number(features);
    let (records, labels) = read(table, features);
    let part = records.nrows() * 4 / 5;
    let params = RandomForest::params()
        .n_estimators(number(trees))
        .max_depth(Some(10))
        .class_weight(ClassWeight::Balanced)
        .max_bins(Some(number(max_bins)).filter(|&bins| bins > 0))
        .random_state(number(seed) as u64)
        .check()
        .unwrap();

    // The peak memory of the fit is measured relative to what the process holds before.
    let held = memory("VmRSS");
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let started = Instant::now();
    let set = TrainingSet {
        records: records.slice(s![..part, ..]),
        labels: labels.slice(s![..part]),
        weights: None,
    };
    let forest = params.fit_with(&set, &()).unwrap().forest;
    let fit = started.elapsed().as_secs_f64();
    let peak = memory("VmHWM").saturating_sub(held);

    let nodes: usize = forest.trees().iter().map(|tree| tree.nodes.len()).sum();
    let rest = records.slice(s![part.., ..]);
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (scored, batch, one) = one_thread.install(|| {
        let scored = forest.predict_proba(rest).unwrap();
        // The rows are repeated until the time can be measured; the best of three.
        let times = 10_000_usize.div_ceil(rest.nrows());
        let many = concatenate(Axis(0), &vec![rest; times]).unwrap();
        let seconds = (0..3).map(|_| {
            let started = Instant::now();
            std::hint::black_box(forest.predict_proba(many.view()).unwrap());
            started.elapsed().as_secs_f64()
        });
        let batch = seconds.fold(f64::MAX, f64::min) / times as f64;
        let rows = rest.nrows().min(2_000);
        let started = Instant::now();
        for row in 0..rows {
            std::hint::black_box(forest.predict_proba(rest.slice(s![row..=row, ..])).unwrap());
        }
        (scored, batch, started.elapsed().as_secs_f64() / rows as f64)
    });
    let bytes: Vec<u8> = scored.column(1).iter().flat_map(|share| share.to_le_bytes()).collect();
    fs::write(probabilities, bytes).unwrap();
    println!(
        "{{\"fit_seconds\": {fit}, \"peak_bytes\": {peak}, \"nodes\": {}, \"batch_rows_per_second\": \
         {}, \"one_row_seconds\": {one}}}",
        nodes as f64 / forest.trees().len() as f64,
        rest.nrows() as f64 / batch
    );
}

fn read(path: &str, features: usize) -> (Array2<f32>, Array1<usize>) {
    let bytes = fs::read(path).unwrap();
    let values = bytes.as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
    let table =
        Array2::from_shape_vec((bytes.len() / 4 / (features + 1), features + 1), values).unwrap();
    let labels = table.column(features).mapv(|label| label as usize);
    (table.slice(s![.., ..features]).to_owned(), labels)
}

/// Returns an entry of this process's memory status, in bytes.
fn memory(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

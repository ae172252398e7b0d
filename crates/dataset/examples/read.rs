//! Times the reading of one table for `scripts/bench/csv`.
//!
//! `read TABLE LABEL POSITIVE NEGATIVE COLUMN...` reads these columns of a file, CSV or another
//! format, as Preprocess does: incomplete rows and duplicates are dropped. It prints one JSON object.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark fails by panicking")]
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "not a program that is shipped"
)]

use std::fs::{self, File};
use std::time::Instant;

use dataset::{CleaningRules, Column, Label, Schema, TableReader};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [table, label, positive, negative, columns @ ..] = &arguments[..] else {
        panic!("expected TABLE LABEL POSITIVE NEGATIVE COLUMN...");
    };
    let column = |name: &String| Column { name: name.clone(), ..Column::default() };
    let label = Label {
        column: label.clone(),
        positive: vec![positive.clone()],
        negative: vec![negative.clone()],
        ..Label::default()
    };
    let schema = Schema::new(columns.iter().map(column).collect(), label).unwrap();

    let started = Instant::now();
    let mut reader = TableReader::new(&schema, CleaningRules::default());
    reader.read_file(table, File::open(table).unwrap()).unwrap();
    let (table, counts) = reader.finish().unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak = peak.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024;
    println!(
        "{{\"seconds\": {seconds}, \"peak_bytes\": {peak}, \"rows\": {}, \"kept\": {}}}",
        counts.read.rows,
        table.len()
    );
}

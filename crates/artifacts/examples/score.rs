//! Scores a table of features with a trained model: `score MODEL.tar.gz FEATURES.csv` prints a line
//! `label,probability` for each row, the probability being that of class 1. `FEATURES.csv` is like
//! Preprocess's `test.csv`.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};

use artifacts::Bundle;
use dataset::FeatureTable;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, features] = &arguments[..] else {
        return Err("usage: score MODEL.tar.gz FEATURES.csv".into());
    };
    let archive = File::open(model)?;
    let length = archive.metadata()?.len();
    let bundle = Bundle::from_archive(archive, length)?;
    let names = bundle.recipe.feature_names();
    let table = FeatureTable::read(features, File::open(features)?, names)?;
    let probabilities = bundle.forest.predict_proba(table.records.view())?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    for failure in probabilities.column(1) {
        writeln!(out, "{},{failure}", u8::from(*failure > 0.5))?;
    }
    Ok(out.flush()?)
}

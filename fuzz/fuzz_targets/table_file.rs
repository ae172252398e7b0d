//! Reads a file in any format: text, Parquet, a workbook, an archive of them. After a line `parts` the
//! input is the parts of a ZIP archive, each a name on a line and its content up to a form feed:
//! nothing would get past the checksums of an archive otherwise.

#![no_main]

use std::io::{Cursor, Write};
use std::sync::LazyLock;

use dataset::{
    BadCells, CleaningCounts, CleaningRules, Column, Duplicates, Label, MissingValues, Schema,
    SensorTable, TableError, TableReader,
};
use libfuzzer_sys::fuzz_target;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The schema of the seeds.
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    // A panic that is returned as an error is none; any other ends the search.
    let end = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if common::containing().is_none() {
            end(panic);
        }
    }));
    let column = |name: &str, unit: Option<&str>| Column {
        name: name.to_owned(),
        unit: unit.map(str::to_owned),
        ..Column::default()
    };
    let label = Label {
        column: "Störung".to_owned(),
        positive: vec!["ja".to_owned(), "1".to_owned()],
        negative: vec!["nein".to_owned(), "0".to_owned()],
        ..Label::default()
    };
    let columns = vec![column("Druck", Some("bar")), column("Drehzahl", None)];
    Schema::new(columns, label).expect("the schema")
});

/// Packs parts into an archive without compressing them.
fn archive(parts: &[u8]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for part in parts.split(|byte| *byte == b'\x0c') {
        let end = part.iter().position(|byte| *byte == b'\n').unwrap_or(part.len());
        let (name, content) = part.split_at(end);
        // A name that is there already is refused.
        if archive.start_file(String::from_utf8_lossy(name), options).is_ok() {
            archive.write_all(content.get(1..).unwrap_or_default()).expect("memory");
        }
    }
    archive.finish().expect("memory").into_inner()
}

fn read(file: &[u8], rules: CleaningRules) -> Result<(SensorTable, CleaningCounts), TableError> {
    let mut reader = TableReader::new(&SCHEMA, rules);
    reader.read_file("file", Cursor::new(file))?;
    reader.finish()
}

fuzz_target!(|data: &[u8]| {
    let packed = data.strip_prefix(b"parts\n").map(archive);
    let file = packed.as_deref().unwrap_or(data);
    let rules = |bad_cells| CleaningRules {
        bad_cells,
        missing_values: MissingValues::Median,
        duplicates: Duplicates::Drop,
    };
    let Ok((table, counts)) = read(file, rules(BadCells::Drop)) else { return };
    let dropped: usize = counts.dropped().iter().map(|(_, dropped)| dropped.rows).sum();
    assert_eq!(counts.read.rows, table.len() + dropped, "{counts:?}");
    let is_good = |reading: &f64| reading.is_nan() || (*reading as f32).is_finite();
    assert!((0..table.len()).all(|row| table.row(row).iter().all(is_good)));
    // The readable rows are the same, whatever the setting for unreadable ones.
    if let Ok((same, _)) = read(file, rules(BadCells::Error)) {
        assert_eq!((same.len(), same.labels()), (table.len(), table.labels()));
    }
});

//! One table, written in every combination of separator, decimal mark, lines before the header,
//! encoding, compression and container. Each is read as the same numbers, of which Train makes the
//! same bytes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::io::{Cursor, Write};
use std::sync::Arc;

use dataset::{CleaningRules, Column, Label, Schema, TableReader};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// The cells of the synthetic sample: a header without units, and rows of twelve numbers and a label.
fn sample() -> Vec<Vec<String>> {
    let mut text = Vec::new();
    dataset::sample::write(&mut text, 40, 42).unwrap();
    let text = String::from_utf8(text).unwrap();
    // Three columns are in front of the readings.
    let cells = |line: &str| {
        let cells = line.split(',').skip(3);
        cells.map(|cell| cell.split('(').next().unwrap().to_owned()).collect()
    };
    text.lines().map(cells).collect()
}

/// Returns the schema of the sample: all columns are numbers but the last, which is the label.
fn schema(cells: &[Vec<String>]) -> Schema {
    let (label, names) = cells[0].split_last().unwrap();
    let column = |name: &String| Column { name: name.clone(), ..Column::default() };
    let label = Label {
        column: label.clone(),
        positive: vec!["Machine_Failure".to_owned()],
        negative: vec!["No_Machine_Failure".to_owned()],
        missing_markers: Vec::new(),
    };
    Schema::new(names.iter().map(column).collect(), label).unwrap()
}

/// Reads a file. Returns the bits of the readings, and the labels.
#[track_caller]
fn read(schema: &Schema, file: &[u8], how: &str) -> (Vec<u64>, Vec<u8>) {
    let mut reader = TableReader::new(schema, CleaningRules::default());
    reader.read_file("a", Cursor::new(file)).unwrap_or_else(|error| panic!("{how}: {error}"));
    let (table, counts) = reader.finish().unwrap();
    assert_eq!(counts.read.rows, 40, "{how}");
    let bits = (0..table.len()).flat_map(|row| table.row(row)).map(|cell| cell.to_bits());
    (bits.collect(), table.labels().to_vec())
}

/// Writes the cells as text.
fn text(cells: &[Vec<String>], separator: &str, decimal: &str) -> String {
    cells.iter().fold(String::new(), |mut text, row| {
        // Between blanks there is no empty cell.
        let empty = if separator.trim().is_empty() { "NaN" } else { "" };
        let cell = |cell: &String| match cell.as_str() {
            "" => empty.to_owned(),
            cell => cell.replace('.', decimal),
        };
        let row: Vec<String> = row.iter().map(cell).collect();
        writeln!(text, "{}", row.join(separator)).unwrap();
        text
    })
}

fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    let utf_16 = |to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes).collect();
    match encoding {
        "UTF-8" => text.as_bytes().to_vec(),
        "UTF-16" => utf_16(u16::to_le_bytes),
        "UTF-16BE" => utf_16(u16::to_be_bytes),
        // The sample has no letter in which Windows-1252 and Latin-1 differ.
        "Windows-1252" => text.chars().map(|letter| u8::try_from(letter).unwrap()).collect(),
        other => unreachable!("{other}"),
    }
}

fn compressed(bytes: &[u8], compression: &str) -> Vec<u8> {
    match compression {
        "none" => bytes.to_vec(),
        "gzip" => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        }
        "zstd" => zstd::encode_all(bytes, 1).unwrap(),
        "ZIP" => {
            let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
            zip.start_file("a.csv", zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
            zip.finish().unwrap().into_inner()
        }
        other => unreachable!("{other}"),
    }
}

#[test]
fn every_way_to_write_a_text_is_read_as_the_same_numbers() {
    let cells = sample();
    let schema = schema(&cells);
    let plain = read(&schema, text(&cells, ",", ".").as_bytes(), "plain");
    let mut combinations = 0;
    for (separator, decimal) in [
        (",", "."),
        (";", "."),
        (";", ","),
        ("\t", "."),
        ("\t", ","),
        ("|", "."),
        ("|", ","),
        ("  ", "."),
    ] {
        let body = text(&cells, separator, decimal);
        // The signs of the first line need another encoding than ASCII.
        for begin in ["", "\u{feff}", "Störungen der Anlage, µm und °C\n\n"] {
            for encoding in ["UTF-8", "UTF-16", "UTF-16BE", "Windows-1252"] {
                if begin == "\u{feff}" && encoding == "Windows-1252" {
                    continue;
                }
                for (ends, compression) in [
                    ("\n", "none"),
                    ("\r\n", "none"),
                    ("\n", "gzip"),
                    ("\n", "zstd"),
                    ("\n", "ZIP"),
                ] {
                    let written = format!("{begin}{body}").replace('\n', ends);
                    let file = compressed(&encoded(&written, encoding), compression);
                    let how = format!(
                        "{separator:?}, {decimal}, {begin:?}, {encoding}, {ends:?}, {compression}"
                    );
                    let found = read(&schema, &file, &how);
                    assert!(found == plain, "{how}: other numbers");
                    combinations += 1;
                }
            }
        }
    }
    assert_eq!(combinations, 8 * 11 * 5);
}

#[test]
fn a_parquet_file_and_a_workbook_are_read_as_the_same_numbers() {
    let cells = sample();
    let schema = schema(&cells);
    let plain = read(&schema, text(&cells, ",", ".").as_bytes(), "plain");
    for (how, file) in [("Parquet", parquet(&cells)), ("Excel", workbook(&cells))] {
        for compression in ["none", "ZIP"] {
            let how = format!("{how}, {compression}");
            assert!(read(&schema, &compressed(&file, compression), &how) == plain, "{how}");
        }
    }
}

/// Writes the cells as a Parquet file. An empty one is null.
fn parquet(cells: &[Vec<String>]) -> Vec<u8> {
    let width = cells[0].len();
    let fields = cells[0].iter().enumerate().map(|(index, name)| {
        let kind = if index + 1 < width { "double" } else { "binary" };
        let string = if kind == "binary" { " (STRING)" } else { "" };
        format!("optional {kind} {name}{string};")
    });
    let message = format!("message table {{ {} }}", fields.collect::<String>());
    let message = Arc::new(parse_message_type(&message).unwrap());
    let mut file = SerializedFileWriter::new(Vec::new(), message, Arc::default()).unwrap();
    let mut group = file.next_row_group().unwrap();
    for column_index in 0..width {
        let column = cells[1..].iter().map(|row| row[column_index].as_str());
        let levels: Vec<i16> = column.clone().map(|cell| i16::from(!cell.is_empty())).collect();
        let present = column.filter(|cell| !cell.is_empty());
        let mut writer = group.next_column().unwrap().unwrap();
        if column_index + 1 < width {
            let numbers: Vec<f64> = present.map(|cell| cell.parse().unwrap()).collect();
            writer.typed::<DoubleType>().write_batch(&numbers, Some(&levels), None).unwrap();
        } else {
            let texts: Vec<ByteArray> = present.map(ByteArray::from).collect();
            writer.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None).unwrap();
        }
        writer.close().unwrap();
    }
    group.close().unwrap();
    file.into_inner().unwrap()
}

/// Writes the cells as a workbook.
fn workbook(cells: &[Vec<String>]) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in (0..).zip(cells) {
        for (column, cell) in (0..).zip(cells) {
            match cell.parse::<f64>() {
                Ok(number) => sheet.write_number(row, column, number).unwrap(),
                Err(_) => sheet.write_string(row, column, cell).unwrap(),
            };
        }
    }
    book.save_to_buffer().unwrap()
}

//! Tables that are not text: Parquet files and Excel workbooks, alone and in archives.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{Cursor, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use dataset::{
    BadCells, CleaningCounts, CleaningRules, Column, Duplicates, Label, MissingValues, OtherRow,
    RawHeader, RawReader, RowSink, Schema, TableReader, TextFormat,
};
use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
    FloatType, Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::Type;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, Worksheet};

/// The readings and the class of each row.
type Rows = Vec<(Vec<f64>, u8)>;

const MEDIAN: CleaningRules = CleaningRules {
    missing_values: MissingValues::Median,
    bad_cells: BadCells::Error,
    duplicates: Duplicates::Drop,
};

fn schema() -> Schema {
    let column = |name: &str, unit: Option<&str>| Column {
        name: name.to_owned(),
        unit: unit.map(str::to_owned),
        missing_markers: vec!["-999.9".to_owned(), "#DIV/0!".to_owned()],
        ..Column::default()
    };
    let label = Label {
        column: "St\u{f6}rung".to_owned(),
        positive: ["ja", "true", "1"].map(str::to_owned).to_vec(),
        negative: ["nein", "false", "0"].map(str::to_owned).to_vec(),
        ..Label::default()
    };
    Schema::new(vec![column("Druck", Some("bar")), column("Drehzahl", None)], label).unwrap()
}

fn read_as(
    rules: CleaningRules,
    format: TextFormat,
    files: &[(&str, &[u8])],
) -> Result<(Rows, CleaningCounts), String> {
    let schema = schema();
    let mut reader = TableReader::new(&schema, rules).with_format(format);
    let text = |error: dataset::TableError| common::chain(&error);
    for (name, bytes) in files {
        reader.read_file(name, Cursor::new(bytes)).map_err(text)?;
    }
    let (table, counts) = reader.finish().map_err(text)?;
    let rows = (0..table.len()).map(|row| (table.row(row).to_vec(), table.labels()[row]));
    Ok((rows.collect(), counts))
}

fn read(name: &str, bytes: &[u8]) -> Result<(Rows, CleaningCounts), String> {
    read_as(CleaningRules::default(), TextFormat::default(), &[(name, bytes)])
}

fn error(name: &str, bytes: &[u8]) -> String {
    read(name, bytes).map(|(rows, _)| rows).unwrap_err()
}

/// Returns the rows as text, because a missing reading does not equal itself.
fn shown(rows: &Rows) -> String {
    format!("{rows:?}")
}

/// The values of a column of a Parquet file; a missing one is `None`.
enum Values {
    Bool(Vec<Option<bool>>),
    Int32(Vec<Option<i32>>),
    Int64(Vec<Option<i64>>),
    Int96(Vec<Option<Int96>>),
    Float(Vec<Option<f32>>),
    Double(Vec<Option<f64>>),
    Text(Vec<Option<&'static str>>),
    Fixed(Vec<Option<Vec<u8>>>),
}

fn all<T: Clone>(values: &[T]) -> Vec<Option<T>> {
    values.iter().cloned().map(Some).collect()
}

/// Makes a schema. The parser knows no parentheses in names: `Druck__Pa` stands for `Druck(Pa)`.
fn table_of(fields: &str) -> Arc<Type> {
    let table = parse_message_type(&format!("message table {{ {fields} }}")).unwrap();
    let rename = |field: &Arc<Type>| {
        let Some((name, unit)) = field.name().split_once("__").filter(|(name, _)| !name.is_empty())
        else {
            return field.clone();
        };
        let info = field.get_basic_info();
        let kind = field.get_physical_type();
        let name = format!("{name}({unit})");
        let named = Type::primitive_type_builder(&name, kind).with_repetition(info.repetition());
        Arc::new(named.build().unwrap())
    };
    let fields = table.get_fields().iter().map(rename).collect();
    Arc::new(Type::group_type_builder("table").with_fields(fields).build().unwrap())
}

/// Writes a Parquet file of columns in groups of rows.
fn parquet_groups(schema: &str, compression: Compression, groups: &[&[Values]]) -> Vec<u8> {
    let schema = table_of(schema);
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    for columns in groups {
        let mut group = writer.next_row_group().unwrap();
        for values in *columns {
            let mut column = group.next_column().unwrap().unwrap();
            macro_rules! write {
                ($kind:ty, $values:expr, $value:expr) => {{
                    let levels: Vec<i16> = $values.iter().map(|v| i16::from(v.is_some())).collect();
                    let present: Vec<_> = $values.iter().flatten().map($value).collect();
                    let typed = column.typed::<$kind>();
                    let is_optional = typed.get_descriptor().max_def_level() > 0;
                    typed.write_batch(&present, is_optional.then_some(&levels[..]), None).unwrap();
                }};
            }
            match values {
                Values::Bool(values) => write!(BoolType, values, |v| *v),
                Values::Int32(values) => write!(Int32Type, values, |v| *v),
                Values::Int64(values) => write!(Int64Type, values, |v| *v),
                Values::Int96(values) => write!(Int96Type, values, |v| *v),
                Values::Float(values) => write!(FloatType, values, |v| *v),
                Values::Double(values) => write!(DoubleType, values, |v| *v),
                Values::Text(values) => write!(ByteArrayType, values, |v| ByteArray::from(*v)),
                Values::Fixed(values) => write!(FixedLenByteArrayType, values, |v| {
                    FixedLenByteArray::from(v.clone())
                }),
            }
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn parquet(schema: &str, columns: &[Values]) -> Vec<u8> {
    parquet_groups(schema, Compression::SNAPPY, &[columns])
}

const DOUBLES: &str =
    "required double Druck; required double Drehzahl; required binary Störung (STRING);";

/// Writes a workbook, whose sheets `fill` makes.
fn workbook(fill: impl FnOnce(&mut Workbook)) -> Vec<u8> {
    let mut workbook = Workbook::new();
    fill(&mut workbook);
    workbook.save_to_buffer().unwrap()
}

/// Writes texts and numbers to a sheet from this row on.
fn fill(sheet: &mut Worksheet, first: u32, rows: &[&[&str]]) {
    for (row, cells) in (first..).zip(rows) {
        for (column, cell) in (0..).zip(*cells) {
            match cell.parse::<f64>() {
                Ok(number) => sheet.write_number(row, column, number).unwrap(),
                Err(_) => sheet.write_string(row, column, *cell).unwrap(),
            };
        }
    }
}

const HEADER: &[&str] = &["Druck", "Drehzahl", "Störung"];

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_table_is_the_same_in_every_format() {
    let csv = "Druck(mbar),Zeit,Drehzahl,Störung\n12500,t0,1500,ja\n-250,t1,25892,nein\n0.1,t2,7.5,nein\n\
        ,t3,8,ja\n5,t4,9,\n0.1,t2,7.5,nein\n";
    let druck = [Some(12_500.0), Some(-250.0), Some(0.1), None, Some(5.0), Some(0.1)];
    let zeit = ["t0", "t1", "t2", "t3", "t4", "t2"];
    let drehzahl = [1500.0, 25_892.0, 7.5, 8.0, 9.0, 7.5];
    let label = [Some("ja"), Some("nein"), Some("nein"), Some("ja"), None, Some("nein")];
    let columns = [
        Values::Double(druck.to_vec()),
        Values::Text(all(&zeit)),
        Values::Double(all(&drehzahl)),
        Values::Text(label.to_vec()),
    ];
    let types = "optional double Druck__mbar; required binary Zeit (STRING);
        required double Drehzahl; optional binary Störung (STRING);";
    let xlsx = workbook(|workbook| {
        let sheet = workbook.add_worksheet();
        fill(sheet, 0, &[&["Druck(mbar)", "Zeit", "Drehzahl", "Störung"]]);
        for row in 0..6_usize {
            let line = row as u32 + 1;
            druck[row].map(|number| sheet.write_number(line, 0, number).unwrap());
            sheet.write_string(line, 1, zeit[row]).unwrap();
            sheet.write_number(line, 2, drehzahl[row]).unwrap();
            label[row].map(|word| sheet.write_string(line, 3, word).unwrap());
        }
    });
    let (rows, expected) = read("a", csv.as_bytes()).unwrap();
    // 12500 mbar are 12.5 bar. A row lacks its pressure, one its label, and one is there twice.
    let kept = [([12.5, 1500.0], 1), ([-0.25, 25_892.0], 0), ([0.0001, 7.5], 0)];
    assert_eq!(rows, kept.map(|(readings, label)| (readings.to_vec(), label)));
    assert_eq!((expected.dropped_missing.rows, expected.dropped_duplicates.rows), (2, 1));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(csv.as_bytes()).unwrap();
    let mut files = vec![gzip.finish().unwrap(), xlsx];
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(Default::default()),
        Compression::GZIP(Default::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
    ] {
        files.push(parquet_groups(types, compression, &[&columns]));
    }
    for file in &files {
        for file in [file.clone(), zip(&[("data/table", file)])] {
            let (found, mut counts) = read("a", &file).unwrap();
            assert_eq!(found, rows);
            counts.notes.clear();
            assert_eq!(counts, expected);
        }
    }
    // Rows of one format are duplicates of those of another.
    let both = [("a", csv.as_bytes()), ("b", &files[1]), ("c", &files[2])];
    let rules = CleaningRules::default();
    let (found, counts) = read_as(rules, TextFormat::default(), &both).unwrap();
    assert_eq!((found, counts.dropped_duplicates.rows), (rows, 3 + 2 * 3));
}

#[test]
fn files_of_pandas_are_read() {
    let csv = include_bytes!("fixtures/pandas.csv");
    let (rows, counts) = read("a", csv).unwrap();
    // The fifth row lacks its pressure and the sixth its speed. No f64 is 9007199254740993.
    let kept = [
        ([12.5, 1500.0], 1),
        ([-0.25, 25_892.0], 0),
        ([3.0, 7.0], 0),
        ([0.1, 9_007_199_254_740_992.0], 1),
    ];
    assert_eq!(rows, kept.map(|(readings, label)| (readings.to_vec(), label)));
    let files: [&[u8]; 3] = [
        include_bytes!("fixtures/pandas.parquet"),
        include_bytes!("fixtures/pandas_zstd.parquet"),
        include_bytes!("fixtures/pandas.xlsx"),
    ];
    for file in files {
        let (found, other) = read("a", file).unwrap();
        assert_eq!((found, &other), (rows.clone(), &counts));
    }
}

#[test]
fn every_type_of_number_is_read() {
    let int96 = || {
        let mut value = Int96::new();
        value.set_data(0, 0, 2_440_588);
        value
    };
    let druck = |kind: &str, values: Values, readings: [f64; 2]| {
        let schema = format!("optional {kind}; required int32 Drehzahl; required boolean Störung;");
        let file = parquet(
            &schema,
            &[values, Values::Int32(all(&[1, 2])), Values::Bool(all(&[true, false]))],
        );
        let (rows, _) = read_as(MEDIAN, TextFormat::default(), &[("a", &file)]).unwrap();
        let expected = vec![(vec![readings[0], 1.0], 1), (vec![readings[1], 2.0], 0)];
        assert_eq!(shown(&rows), shown(&expected), "{kind}");
    };
    let missing = f64::NAN;
    druck("double Druck", Values::Double(vec![Some(0.1 + 0.2), None]), [0.1 + 0.2, missing]);
    druck("double Druck", Values::Double(vec![Some(f64::NAN), Some(f64::INFINITY)]), [missing; 2]);
    // The number 0.1 of 32 bits is 0.10000000149011612; the marker is -999.9000244140625.
    druck("float Druck", Values::Float(vec![Some(0.1), Some(-999.9)]), [0.1, missing]);
    druck("float Druck__Pa", Values::Float(vec![Some(693_372.5), Some(1e-3)]), [6.933_725, 1e-8]);
    // 693372.4915 Pa are 6.933724915 bar, and not 6.9337249150000005.
    let pascal = vec![Some(693_372.491_5), Some(7_104_000.0)];
    druck("double Druck__Pa", Values::Double(pascal), [6.933_724_915, 71.04]);
    druck("int64 Druck", Values::Int64(all(&[-5, 1 << 40])), [-5.0, 1_099_511_627_776.0]);
    druck("int32 Druck (UINT_32)", Values::Int32(all(&[-1, 7])), [4_294_967_295.0, 7.0]);
    druck(
        "int64 Druck (UINT_64)",
        Values::Int64(all(&[-1, 7])),
        [18_446_744_073_709_551_615.0, 7.0],
    );
    druck("int32 Druck (DECIMAL(9, 2))", Values::Int32(all(&[-12_345, 5])), [-123.45, 0.05]);
    let bytes = |number: i32| number.to_be_bytes().to_vec();
    druck(
        "fixed_len_byte_array(4) Druck (DECIMAL(9, 3))",
        Values::Fixed(all(&[bytes(-1500), bytes(99_999)])),
        [-1.5, 99.999],
    );
    // 0x3555 is 0.333251953125, which 0.3333 is the shortest text for among 16 bits; the text of its
    // 32 bits is read.
    druck(
        "fixed_len_byte_array(2) Druck (FLOAT16)",
        Values::Fixed(all(&[vec![0x55, 0x35], vec![0x00, 0xc0]])),
        [0.33325195, -2.0],
    );
    druck(
        "binary Druck (STRING)",
        Values::Text(vec![Some(" 1e3 "), Some("n/a")]),
        [1000.0, missing],
    );

    let bad = |kind: &str, value: Values| {
        let schema = format!("optional {kind}; required int32 Drehzahl; required int32 Störung;");
        error(
            "a.parquet",
            &parquet(&schema, &[value, Values::Int32(all(&[1])), Values::Int32(all(&[0]))]),
        )
    };
    let found =
        |text: &str| format!("a.parquet, row 1, column `Druck`: found `{text}`, expected a number");
    assert_eq!(bad("boolean Druck", Values::Bool(all(&[true]))), found("true"));
    assert_eq!(
        bad("double Druck", Values::Double(all(&[1e308]))),
        "a.parquet, row 1, column `Druck`: found `1e+308`, expected at most 3.4e38, the greatest number of 32 bits"
    );
    assert_eq!(bad("int32 Druck (DATE)", Values::Int32(all(&[19_723]))), found("2024-01-01"));
    assert_eq!(
        bad("int64 Druck (TIMESTAMP_MILLIS)", Values::Int64(all(&[1500]))),
        found("1970-01-01T00:00:01.500")
    );
    assert_eq!(bad("int32 Druck (TIME_MILLIS)", Values::Int32(all(&[61_000]))), found("00:01:01"));
    assert_eq!(bad("int96 Druck", Values::Int96(all(&[int96()]))), found("1970-01-01T00:00:00"));
    let bytes = Values::Fixed(all(&[vec![0x0f, 0xa0]]));
    assert_eq!(bad("fixed_len_byte_array(2) Druck", bytes), found("0x0fa0"));
}

#[test]
fn bad_cells_of_parquet_follow_the_rules_and_have_the_number_of_their_row() {
    let schema = "required binary Druck (STRING); optional int64 Drehzahl; required binary Störung (STRING);";
    let group = |druck: &[&'static str], label: &[&'static str]| {
        let count = druck.len() as i64;
        let drehzahl = (1..=count).map(Some).collect();
        [Values::Text(all(druck)), Values::Int64(drehzahl), Values::Text(all(label))]
    };
    let first = group(&["1", "2"], &["ja", "nein"]);
    let second = group(&["3", "x\n", "5", "Summe"], &["ja", "nein", "?", ""]);
    let file = parquet_groups(schema, Compression::SNAPPY, &[&first, &second]);
    insta::assert_snapshot!(error("a.parquet", &file), @r"a.parquet, row 4, column `Druck`: found `x\n`, expected a number");
    let read = |bad_cells| {
        let rules = CleaningRules { bad_cells, ..MEDIAN };
        read_as(rules, TextFormat::default(), &[("a.parquet", &file)])
    };
    let (rows, counts) = read(BadCells::Drop).unwrap();
    let kept = vec![(vec![1.0, 1.0], 1), (vec![2.0, 2.0], 0), (vec![3.0, 1.0], 1)];
    assert_eq!(rows, kept);
    // The last row is one of totals, and no bad one.
    assert_eq!((counts.read.rows, counts.dropped_bad_cells.rows, counts.totals_rows), (5, 2, 1));
    insta::assert_snapshot!(counts.first_bad.unwrap(), @r"a.parquet, row 4, column `Druck`: found `x\n`, expected a number");
    // A label that cannot be read is a bad cell in any case.
    let (rows, counts) = read(BadCells::Missing).unwrap();
    assert!(rows.len() == 4 && rows[3].0[0].is_nan(), "{rows:?}");
    insta::assert_snapshot!(counts.first_bad.unwrap(), @"a.parquet, row 5, column `Störung`: found `?`, expected one of: ja, true, 1, nein, false, 0");
}

#[test]
fn cells_that_cannot_be_read_may_be_missing() {
    let schema = "required binary Druck (STRING); required int32 Drehzahl; required int32 Störung;";
    let druck = Values::Text(all(&["1", "x", "x"]));
    let file =
        parquet(schema, &[druck, Values::Int32(all(&[1, 2, 3])), Values::Int32(all(&[0, 1, 0]))]);
    let rules = CleaningRules { bad_cells: BadCells::Missing, ..MEDIAN };
    let (rows, counts) = read_as(rules, TextFormat::default(), &[("a.parquet", &file)]).unwrap();
    assert_eq!(rows[0], (vec![1.0, 1.0], 0));
    assert!(rows[1].0[0].is_nan() && rows.len() == 3);
    let (text, bad) = counts.bad_cells.first_key_value().unwrap();
    assert_eq!((text.as_str(), bad.count), ("x", 2));
    assert_eq!(bad.first, "a.parquet, row 2, column `Druck`");
    assert_eq!(counts.missing_cells["Druck"], 2);
}

#[test]
fn rows_of_parquet_are_equal_in_every_column_that_is_read() {
    // Of four rows the second differs in its date, the third in its note; the fourth equals the first
    // but for the index of the pandas table and the list.
    let schema = "required double Druck; required double Drehzahl; required boolean Störung;
        required int32 Tag (DATE); optional binary Notiz (STRING); required int64 __index_level_0__;
        repeated int32 Liste;";
    let columns = [
        Values::Double(all(&[1.0; 4])),
        Values::Double(all(&[2.0; 4])),
        Values::Bool(all(&[true; 4])),
        Values::Int32(all(&[1, 2, 1, 1])),
        Values::Text(vec![None, None, Some("n"), None]),
        Values::Int64(all(&[0, 1, 2, 3])),
    ];
    let schema_without_list = schema.replace("repeated int32 Liste;", "");
    let file = parquet(&schema_without_list, &columns);
    let kept = |duplicates, file: &[u8]| {
        let rules = CleaningRules { duplicates, ..MEDIAN };
        let read = read_as(rules, TextFormat::default(), &[("a.parquet", file)]);
        read.map(|(rows, counts)| (rows.len(), counts.notes.concat()))
    };
    assert_eq!(kept(Duplicates::Drop, &file), Ok((3, String::new())));
    assert_eq!(kept(Duplicates::Keep, &file), Ok((4, String::new())));
    assert_eq!(kept(Duplicates::By(vec!["Tag".to_owned()]), &file), Ok((2, String::new())));
    assert_eq!(kept(Duplicates::By(vec!["Druck".to_owned()]), &file), Ok((1, String::new())));
}

/// Writes two equal rows and a list of numbers for each.
fn with_list(list: &str) -> Vec<u8> {
    let schema = format!("{DOUBLES} required group {list} {{ repeated int32 item; }}");
    let schema = table_of(&schema);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for number in [1.0, 2.0] {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&[number; 2], None, None).unwrap();
        column.close().unwrap();
    }
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&["ja".into(), "ja".into()], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let lists = column.typed::<Int32Type>();
    lists.write_batch(&[1, 2, 3], Some(&[1, 1, 1]), Some(&[0, 1, 0])).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn lists_and_structures_are_left_out_and_noted_unless_they_are_needed() {
    let (rows, counts) = read("a.parquet", &with_list("Liste")).unwrap();
    assert_eq!((rows, counts.dropped_duplicates.rows), (vec![(vec![1.0, 2.0], 1)], 1));
    assert_eq!(
        counts.notes,
        ["a.parquet: lists and structures are not read, nor compared to find duplicates: `Liste`"]
    );
    let found = raw(&with_list("Liste"));
    assert_eq!(found.notes, ["lists and structures are not read: `Liste`"]);
    let rules = CleaningRules { duplicates: Duplicates::By(vec!["Liste".to_owned()]), ..MEDIAN };
    let error = read_as(rules, TextFormat::default(), &[("a.parquet", &with_list("Liste"))]);
    insta::assert_snapshot!(error.unwrap_err(), @"a.parquet has `Liste` as a list or a structure, expected one value in each row");
    let needed = "required group Druck { repeated int32 item; } required double Drehzahl;
        required binary Störung (STRING);";
    let writer =
        SerializedFileWriter::new(Vec::new(), table_of(needed), Default::default()).unwrap();
    let file = writer.into_inner().unwrap();
    insta::assert_snapshot!(self::error("a.parquet", &file), @"a.parquet has `Druck` as a list or a structure, expected one value in each row");
}

#[test]
fn columns_of_many_batches_and_groups_stay_together() {
    let count = 20_000;
    let numbers = |begin: usize| -> Vec<f64> { (begin..begin + count).map(|n| n as f64).collect() };
    let some = |begin: usize| -> Vec<Option<f64>> {
        numbers(begin).into_iter().map(|n| (n % 3.0 != 0.0).then_some(n)).collect()
    };
    let group = |begin: usize| {
        [
            Values::Double(some(begin)),
            Values::Double(all(&numbers(begin))),
            Values::Text((begin..begin + count).map(|n| Some(["ja", "nein"][n % 2])).collect()),
        ]
    };
    let schema = DOUBLES.replace("required double Druck", "optional double Druck");
    let groups = [group(0), group(count), group(2 * count)];
    let groups: Vec<&[Values]> = groups.iter().map(|group| &group[..]).collect();
    let file = parquet_groups(&schema, Compression::SNAPPY, &groups);
    let (rows, counts) = read("a.parquet", &file).unwrap();
    // A third of the rows lacks its pressure: those divisible by 3, which begin with 0.
    assert_eq!((counts.read.rows, rows.len()), (60_000, 40_000));
    for (row, (readings, label)) in rows.iter().enumerate() {
        let number = row / 2 * 3 + row % 2 + 1;
        assert_eq!(readings[..], [number as f64; 2]);
        assert_eq!(*label, [1, 0][number % 2]);
    }
}

#[test]
fn damaged_parquet_is_an_error() {
    let columns =
        [Values::Double(all(&[1.0])), Values::Double(all(&[2.0])), Values::Text(all(&["ja"]))];
    let file = parquet(DOUBLES, &columns);
    insta::assert_snapshot!(error("a", b"PAR1"), @"a cannot be read as a Parquet file: it is cut");
    insta::assert_snapshot!(error("a", &file[..file.len() - 1]), @"a cannot be read as a Parquet file: it is cut: it does not end with `PAR1`");
    insta::assert_snapshot!(error("a", b"PAR1\xff\xff\0\0PAR1"), @"a cannot be read as a Parquet file: it claims 65535 bytes of metadata and has 12 bytes");
    insta::assert_snapshot!(error("a", b"PAR1\0\0\0\0PARE"), @"a cannot be read as a Parquet file: it is encrypted");
    // Any byte may be wrong, and nothing panics or takes long.
    for at in 4..file.len() - 8 {
        for wrong in [0, 0x7f, 0xff] {
            let mut file = file.clone();
            file[at] = wrong;
            let _ = read("a", &file);
        }
    }
    let empty = parquet_groups(DOUBLES, Compression::SNAPPY, &[]);
    insta::assert_snapshot!(error("a", &empty), @"there are no rows: a has a header and nothing else");
    let other = parquet("required double x;", &[Values::Double(all(&[1.0]))]);
    insta::assert_snapshot!(error("a", &other), @"a lacks column `Störung`, column `Druck`, column `Drehzahl`; columns found: x");
}

#[test]
fn texts_of_a_sheet_may_have_a_decimal_comma() {
    let sheet = |texts: [&str; 2]| {
        workbook(|workbook| {
            let sheet = workbook.add_worksheet();
            fill(sheet, 0, &[&["Druck", "Drehzahl", "Störung"]]);
            for (row, text) in texts.into_iter().enumerate() {
                let row = row as u32 + 1;
                sheet.write_string(row, 0, text).unwrap();
                sheet.write_number(row, 1, 1.5).unwrap();
                sheet.write_string(row, 2, ["ja", "nein"][row as usize - 1]).unwrap();
            }
        })
    };
    // 0,627 has no group of thousands in front, so that 4,256 is not 4256 either.
    let (rows, counts) = read("a.xlsx", &sheet(["4,256", "0,627"])).unwrap();
    assert_eq!(rows, [(vec![4.256, 1.5], 1), (vec![0.627, 1.5], 0)]);
    let note = "a.xlsx, sheet `Sheet1`: the decimal mark is a comma in cells that are texts";
    assert_eq!(counts.notes, [note]);
    let (rows, _) = read("a.xlsx", &sheet(["1,234.5", "4,256"])).unwrap();
    assert_eq!(rows, [(vec![1234.5, 1.5], 1), (vec![4256.0, 1.5], 0)]);
    insta::assert_snapshot!(error("a.xlsx", &sheet(["4,256", "1,5 x"])), @"a.xlsx, sheet `Sheet1`, line 2, column `Druck`: `4,256` is a text that is 4.256 with a decimal comma and 4256 with a decimal point; the setting `preprocessing.format.decimal` says which");
    let doubtful = sheet(["4,256", "7,125"]);
    insta::assert_snapshot!(error("a.xlsx", &doubtful), @"a.xlsx, sheet `Sheet1`, line 2, column `Druck`: `4,256` is a text that is 4.256 with a decimal comma and 4256 with a decimal point; the setting `preprocessing.format.decimal` says which");
    let format = TextFormat { decimal: Some(b','), ..TextFormat::default() };
    let (rows, _) = read_as(CleaningRules::default(), format, &[("a.xlsx", &doubtful)]).unwrap();
    assert_eq!(rows, [(vec![4.256, 1.5], 1), (vec![7.125, 1.5], 0)]);
    // Without a schema they are read alike, or as words.
    assert_eq!(
        raw(&sheet(["4,256", "0,627"])).notes,
        ["the decimal mark is a comma in cells that are texts"]
    );
    insta::assert_snapshot!(raw(&doubtful).notes.join("; "), @"cells that are texts may have a decimal comma or groups of digits by commas, nothing tells which: they are no numbers");
}

#[test]
fn a_sheet_may_have_a_title_units_blank_rows_and_totals() {
    let file = workbook(|workbook| {
        let sheet = workbook.add_worksheet();
        sheet.merge_range(0, 0, 0, 3, "Bericht, \"Linie\" 1", &Format::new()).unwrap();
        fill(sheet, 2, &[&["Druck", "Dreh\nzahl", "Notiz", "Störung"], &["Pa", "-", "", ""]]);
        fill(sheet, 4, &[&["1250000", "1500", "zwei\nZeilen, \"kurz\"", "ja"]]);
        fill(sheet, 7, &[&["-25000", "25892", "", "nein"]]);
        // A remark beside the table.
        sheet.write_string(7, 9, "pr\u{fc}fen").unwrap();
        sheet.merge_range(8, 0, 8, 1, "Summe", &Format::new()).unwrap();
    });
    let schema_column = "Dreh zahl";
    assert!(error("a.xlsx", &file).contains(schema_column), "{}", error("a.xlsx", &file));
    let file = workbook(|workbook| {
        let sheet = workbook.add_worksheet();
        sheet.merge_range(0, 0, 0, 3, "Bericht, \"Linie\" 1", &Format::new()).unwrap();
        fill(sheet, 2, &[&["Druck", "Drehzahl\n", "Notiz", "Störung"], &["Pa", "-", "", ""]]);
        fill(sheet, 4, &[&["1250000", "1500", "zwei\nZeilen, \"kurz\"", "ja"]]);
        fill(sheet, 7, &[&["-25000", "25892", "", "nein"]]);
        sheet.write_string(7, 9, "pr\u{fc}fen").unwrap();
        sheet.merge_range(8, 0, 8, 1, "Summe", &Format::new()).unwrap();
    });
    let (rows, counts) = read("a.xlsx", &file).unwrap();
    assert_eq!(rows, [(vec![12.5, 1500.0], 1), (vec![-0.25, 25_892.0], 0)]);
    assert_eq!(counts.totals_rows, 1);
    assert_eq!(
        counts.notes,
        ["a.xlsx, sheet `Sheet1`: the header is on line 3; units are on the line after the header"]
    );
}

#[test]
fn cells_have_the_text_that_excel_exports() {
    let date = Format::new().set_num_format("yyyy-mm-dd");
    let file = |fill_row: &dyn Fn(&mut Worksheet)| {
        workbook(|workbook| {
            let sheet = workbook.add_worksheet();
            fill(sheet, 0, &[HEADER, &["1", "2", "ja"]]);
            fill_row(sheet);
        })
    };
    // A formula has its last result; booleans are words of the label.
    let good = file(&|sheet| {
        sheet.write_formula(2, 0, Formula::new("=A2/4").set_result("0.25")).unwrap();
        sheet.write_number(2, 1, 0.1 + 0.2).unwrap();
        sheet.write_boolean(2, 2, false).unwrap();
        // A marker of the settings, and a number as text.
        sheet.write_formula(3, 0, Formula::new("=1/0").set_result("#DIV/0!")).unwrap();
        sheet.write_string(3, 1, " 7 ").unwrap();
        sheet.write_boolean(3, 2, true).unwrap();
    });
    let (rows, _) = read_as(MEDIAN, TextFormat::default(), &[("a.xlsx", &good)]).unwrap();
    let expected = vec![(vec![1.0, 2.0], 1), (vec![0.25, 0.1 + 0.2], 0), (vec![f64::NAN, 7.0], 1)];
    assert_eq!(shown(&rows), shown(&expected));
    let bad = |fill_row: &dyn Fn(&mut Worksheet)| error("a.xlsx", &file(fill_row));
    let found = |text: &str| {
        format!(
            "a.xlsx, sheet `Sheet1`, line 6, column `Drehzahl`: found `{text}`, expected a number"
        )
    };
    let datetime = |text: &str| ExcelDateTime::parse_from_str(text).unwrap();
    for (time, text) in [
        ("2024-02-29", "2024-02-29"),
        ("2024-03-01T12:34:56.789", "2024-03-01T12:34:56.789"),
        ("08:15", "08:15:00"),
    ] {
        let error = bad(&|sheet| {
            fill(sheet, 5, &[&["3", "", "ja"]]);
            sheet.write_datetime_with_format(5, 1, datetime(time), &date).unwrap();
        });
        assert_eq!(error, found(text));
    }
    let duration = Format::new().set_num_format("[h]:mm");
    let error = bad(&|sheet| {
        fill(sheet, 5, &[&["3", "", "ja"]]);
        sheet.write_number_with_format(5, 1, 1.5, &duration).unwrap();
    });
    assert_eq!(error, found("36:00:00"));
    let error = bad(&|sheet| {
        fill(sheet, 5, &[&["3", "", "ja"]]);
        sheet.write_formula(5, 1, Formula::new("=A").set_result("#NAME?")).unwrap();
    });
    assert_eq!(error, found("#NAME?"));
    let error = bad(&|sheet| fill(sheet, 5, &[&["3", "1;5", "ja"]]));
    assert_eq!(error, found("1;5"));
    // Excel writes the number 25892 without a decimal mark and 1e21 with an exponent.
    let error = bad(&|sheet| fill(sheet, 5, &[&["3", "4", "25892"]]));
    assert!(error.contains("found `25892`, expected one of"), "{error}");
}

#[test]
fn the_sheet_with_the_table_is_found_or_named() {
    let table: &[&[&str]] = &[HEADER, &["1", "2", "ja"]];
    let build = |second_is_hidden: bool, second_has_table: bool| {
        workbook(|workbook| {
            let sheet = workbook.add_worksheet().set_name("Deckblatt").unwrap();
            fill(sheet, 0, &[&["Linie", "1"]]);
            fill(workbook.add_worksheet().set_name("Daten").unwrap(), 0, table);
            let sheet = workbook.add_worksheet().set_name("Alt & neu").unwrap();
            sheet.set_hidden(second_is_hidden);
            fill(
                sheet,
                0,
                if second_has_table { &[HEADER, &["5", "6", "nein"]] } else { &[&["x"]] },
            );
        })
    };
    let named = |sheet: &str| TextFormat { sheet: Some(sheet.to_owned()), ..TextFormat::default() };
    let read_sheet = |format, file: &[u8]| {
        let read = read_as(CleaningRules::default(), format, &[("a.xlsx", file)]);
        read.map(|(rows, counts)| (rows[0].0[0], counts.notes.join("; ")))
    };
    let note = "a.xlsx: sheet `Daten` is read, others are not: `Deckblatt`, `Alt & neu`".to_owned();
    for file in [build(false, false), build(true, true)] {
        assert_eq!(read_sheet(TextFormat::default(), &file), Ok((1.0, note.clone())));
    }
    let two = build(false, true);
    insta::assert_snapshot!(read_sheet(TextFormat::default(), &two).unwrap_err(), @"a.xlsx has these columns on the sheets `Daten` and `Alt & neu`; the setting `preprocessing.format.sheet` says which one is read");
    assert_eq!(read_sheet(named("Daten"), &two), Ok((1.0, note)));
    // A hidden sheet is read if it is named.
    assert_eq!(read_sheet(named("Alt & neu"), &build(true, true)).unwrap().0, 5.0);
    insta::assert_snapshot!(read_sheet(named("daten2"), &two).unwrap_err(), @"a.xlsx has no sheet `daten2`; sheets found: Deckblatt, Daten, Alt & neu");
    insta::assert_snapshot!(read_sheet(named("Deckblatt"), &two).unwrap_err(), @"a.xlsx, sheet `Deckblatt` lacks column `Störung`, column `Druck`, column `Drehzahl`; columns found: Linie, 1");
    // Half a table is a better reason than none.
    let half = workbook(|workbook| {
        fill(workbook.add_worksheet(), 0, &[&["Linie", "1"]]);
        fill(workbook.add_worksheet(), 4, &[&["Druck", "Drehzal", "Störung"]]);
    });
    insta::assert_snapshot!(error("a.xlsx", &half), @"a.xlsx, sheet `Sheet2`, line 5, lacks column `Drehzahl` (did you mean `Drehzal`?); columns found: Druck, Drehzal, Störung");
    insta::assert_snapshot!(error("a.xlsx", &workbook(|workbook| { workbook.add_worksheet(); })), @"a.xlsx, sheet `Sheet1` is empty, expected a header line");
    // A workbook without the table is left out beside one that has it.
    let other = workbook(|workbook| fill(workbook.add_worksheet(), 0, &[&["x"]]));
    let files = [("a.xlsx", &two[..]), ("b.xlsx", &other[..])];
    let format = TextFormat { sheet: Some("Daten".to_owned()), ..TextFormat::default() };
    assert!(read_as(CleaningRules::default(), format, &files).is_err());
    let files = [("a.xlsx", &build(false, false)[..]), ("b.xlsx", &other[..])];
    let (_, counts) = read_as(CleaningRules::default(), TextFormat::default(), &files).unwrap();
    assert_eq!(counts.left_out, ["b.xlsx has none of the columns"]);
}

#[test]
fn a_header_line_may_be_declared_for_a_sheet() {
    let file = workbook(|workbook| {
        fill(workbook.add_worksheet(), 0, &[HEADER, &["9", "9", "ja"], HEADER, &["1", "2", "ja"]]);
    });
    let format = TextFormat { header_line: Some(3), ..TextFormat::default() };
    let (rows, _) = read_as(MEDIAN, format, &[("a.xlsx", &file)]).unwrap();
    assert_eq!(rows, [(vec![1.0, 2.0], 1)]);
}

#[test]
fn documents_that_cannot_be_read_are_refused_by_name() {
    let compound =
        |rest: &[u8]| [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", &[0; 600][..], rest].concat();
    insta::assert_snapshot!(error("a.xls", &compound(b"")), @"a.xls cannot be read: it is a document of before 2007, such as an Excel workbook (.xls), expected .xlsx or text");
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    insta::assert_snapshot!(error("a.xlsx", &compound(&name)), @"a.xlsx cannot be read: it is an encrypted Excel workbook, expected one without a password");
    let mimetype = b"application/vnd.oasis.opendocument.spreadsheet";
    insta::assert_snapshot!(error("a.ods", &zip(&[("mimetype", mimetype), ("content.xml", b"<x/>")])), @"a.ods cannot be read: it is an OpenDocument spreadsheet (.ods), expected .xlsx or text");
    let inner = zip(&[("a.csv", b"x")]);
    insta::assert_snapshot!(error("a.zip", &zip(&[("b.zip", &inner)])), @"a.zip/b.zip cannot be read: it is a ZIP archive inside of another one, expected a table");
}

/// Replaces a part of a workbook.
fn with_part(file: &[u8], part: &str, content: &[u8]) -> Vec<u8> {
    let mut old = zip::ZipArchive::new(Cursor::new(file)).unwrap();
    let mut new = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..old.len() {
        let mut entry = old.by_index(index).unwrap();
        let name = entry.name().unwrap().into_owned();
        new.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        if name == part {
            new.write_all(content).unwrap();
        } else {
            std::io::copy(&mut entry, &mut new).unwrap();
        }
    }
    new.finish().unwrap().into_inner()
}

#[test]
fn hostile_workbooks_are_errors() {
    let file = workbook(|workbook| fill(workbook.add_worksheet(), 0, &[HEADER, &["1", "2", "ja"]]));
    let claim = b"<sst uniqueCount = '99999999999999'><si><t>Druck</t></si></sst>";
    let claims = with_part(&file, "xl/sharedStrings.xml", claim);
    insta::assert_snapshot!(error("a.xlsx", &claims), @"a.xlsx cannot be read as an Excel workbook: it claims 99999999999999 texts in 63 bytes");
    let text = [&b"<sst><si><t>"[..], &vec![b'x'; 17 << 20]].concat();
    let long = with_part(&file, "xl/sharedStrings.xml", &text);
    insta::assert_snapshot!(error("a.xlsx", &long), @"a.xlsx cannot be read as an Excel workbook: `xl/sharedstrings.xml` has a text of more than 16777216 bytes");
    let bomb = with_part(&file, "xl/styles.xml", &b"<x/>".repeat(70 << 20));
    // More than 200 times the length of the file, which its compression decides.
    assert!(error("a.xlsx", &bomb).ends_with(" bytes of content"), "{}", error("a.xlsx", &bomb));
    let sheet = |cells: &str| {
        let text = format!("<worksheet><sheetData>{cells}</sheetData></worksheet>");
        with_part(&file, "xl/worksheets/sheet1.xml", text.as_bytes())
    };
    let backwards =
        "<row r='2'><c r='A2'><v>1</v></c></row><row r='1'><c r='A1'><v>2</v></c></row>";
    insta::assert_snapshot!(error("a.xlsx", &sheet(backwards)), @"a.xlsx cannot be read as an Excel workbook: sheet `Sheet1`: row 1 follows row 2");
    insta::assert_snapshot!(error("a.xlsx", &sheet("<row><c r='A9999999'><v>1</v></c></row>")), @"a.xlsx cannot be read as an Excel workbook: sheet `Sheet1`: it has a cell in row 9999999, column 1, expected at most 1048576 rows and 16384 columns");
    // Any byte may be wrong, and nothing panics or takes long.
    for at in (0..file.len()).step_by(7) {
        let mut file = file.clone();
        file[at] ^= 0x55;
        let _ = read("a", &file);
    }
}

/// Collects the header and the rows of files that nobody has declared.
#[derive(Default)]
struct RawTable {
    header: Vec<String>,
    sheet: Option<String>,
    notes: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl RowSink for RawTable {
    type File = ();
    type Part = Vec<Vec<String>>;

    fn open(&mut self, header: RawHeader) -> Option<()> {
        self.header = header.columns.into_iter().map(|column| column.header).collect();
        self.sheet = header.sheet;
        self.notes = header.notes;
        Some(())
    }

    fn part((): &()) -> Self::Part {
        Vec::new()
    }

    fn row((): &(), part: &mut Self::Part, _: u64, fields: &[&[u8]]) {
        let text = |field: &&[u8]| String::from_utf8_lossy(field).into_owned();
        part.push(fields.iter().map(text).collect());
    }

    fn ragged((): &(), _: &mut Self::Part, _: u64, _: usize, _: usize) {}

    fn other(_: &mut Self::Part, _: OtherRow) {}

    fn take(&mut self, (): &(), part: Self::Part) -> ControlFlow<()> {
        self.rows.extend(part);
        ControlFlow::Continue(())
    }
}

fn raw(file: &[u8]) -> RawTable {
    let mut reader = RawReader::new(RawTable::default());
    reader.read_file("a", Cursor::new(file)).unwrap();
    reader.finish().unwrap().0
}

/// Returns the cells by column: numbers by their value, times in one form, and no numbers of rows.
fn plain(rows: &RawTable) -> Vec<(String, Vec<String>)> {
    let cell = |text: &String| match text.parse::<f64>() {
        Ok(number) => number.to_string(),
        Err(_) => text.replace('T', " ").trim_end_matches(" 00:00:00").to_owned(),
    };
    let columns = rows.header.iter().enumerate().filter(|(_, name)| *name != "Unnamed: 0");
    let cells = |column: usize| rows.rows.iter().map(|row| cell(&row[column])).collect();
    columns.map(|(index, name)| (name.clone(), cells(index))).collect()
}

#[test]
fn tables_that_nobody_has_declared_are_the_same_rows_in_every_format() {
    let csv = raw(include_bytes!("fixtures/pandas.csv"));
    assert!(csv.rows.len() > 2 && csv.header.len() > 2);
    for file in [
        &include_bytes!("fixtures/pandas.xlsx")[..],
        include_bytes!("fixtures/pandas.parquet"),
        include_bytes!("fixtures/pandas_zstd.parquet"),
    ] {
        for file in [file.to_vec(), zip(&[("inner", file)])] {
            let found = raw(&file);
            assert_eq!((plain(&found), found.rows.len()), (plain(&csv), csv.rows.len()));
        }
    }
}

#[test]
fn of_several_sheets_the_one_with_the_most_columns_is_read() {
    let mut book = Workbook::new();
    let notes = book.add_worksheet().set_name("Notes").unwrap();
    notes.write(0, 0, "made by hand").unwrap();
    let table = book.add_worksheet().set_name("Plant 7").unwrap();
    for (column, name) in ["Druck", "Drehzahl", "Störung"].into_iter().enumerate() {
        table.write(2, column as u16, name).unwrap();
        for row in 3..9 {
            table.write(row, column as u16, f64::from(row) * 1.5 + column as f64).unwrap();
        }
    }
    let found = raw(&book.save_to_buffer().unwrap());
    assert_eq!(found.sheet.as_deref(), Some("Plant 7"));
    assert_eq!(found.header, ["Druck", "Drehzahl", "Störung"]);
    assert_eq!(
        (found.rows.len(), &found.rows[0][..]),
        (6, &["4.5", "5.5", "6.5"].map(str::to_owned)[..])
    );
}

#[test]
fn all_columns_of_every_format_are_the_same() {
    let rows: [&[&str]; 3] =
        [&["Zeit", "Druck", "St\u{f6}rung"], &["a", "1.5", "1"], &["b", "2.5", "0"]];
    let sheet = workbook(|book| fill(book.add_worksheet(), 0, &rows));
    let text = |words: &[&'static str]| Values::Text(all(words));
    let schema_text = "optional binary Zeit (STRING); optional double Druck; \
                       optional binary St\u{f6}rung (STRING);";
    let file = parquet(
        schema_text,
        &[text(&["a", "b"]), Values::Double(all(&[1.5, 2.5])), text(&["1", "0"])],
    );
    let csv = rows.map(|row| row.join(",") + "\n").concat();
    for bytes in [csv.as_bytes(), &sheet, &file, &zip(&[("a.csv", csv.as_bytes())])] {
        let label = schema().label().clone();
        let except = vec!["Zeit".to_owned()];
        let mut reader = TableReader::of_all_columns(label, except, MEDIAN).unwrap();
        reader.read_file("a", Cursor::new(bytes)).unwrap();
        assert_eq!(reader.schema().names().collect::<Vec<_>>(), ["Druck"]);
        let (table, _) = reader.finish().unwrap();
        assert_eq!(
            (table.row(0), table.row(1), table.labels()),
            (&[1.5][..], &[2.5][..], &[1, 0][..])
        );
    }
}

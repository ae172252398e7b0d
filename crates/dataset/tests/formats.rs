//! Tables as other programs write them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Cursor, Write};

use dataset::{
    CleaningCounts, CleaningRules, Column, Encoding, Label, Schema, TableReader, TextFormat,
};

fn schema() -> Schema {
    let column = |name: &str, unit: Option<&str>| Column {
        name: name.to_owned(),
        unit: unit.map(str::to_owned),
        ..Column::default()
    };
    let label = Label {
        column: "St\u{f6}rung".to_owned(),
        positive: vec!["ja".to_owned()],
        negative: vec!["nein".to_owned()],
        ..Label::default()
    };
    Schema::new(vec![column("Druck", Some("bar")), column("Drehzahl", None)], label).unwrap()
}

/// The rows of every spelling of the table.
const ROWS: [([f64; 2], u8); 3] = [([12.5, 1500.0], 1), ([-0.25, 25_892.0], 0), ([3.0, 7.5], 0)];

/// The readings and the class of each row.
type Rows = Vec<(Vec<f64>, u8)>;

fn read_as(format: TextFormat, name: &str, bytes: &[u8]) -> Result<(Rows, CleaningCounts), String> {
    let schema = schema();
    let mut reader = TableReader::new(&schema, CleaningRules::default()).with_format(format);
    reader.read_file(name, Cursor::new(bytes)).map_err(|error| {
        let cause = std::error::Error::source(&error);
        cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
    })?;
    let (table, counts) = reader.finish().map_err(|error| error.to_string())?;
    let rows = (0..table.len()).map(|row| (table.row(row).to_vec(), table.labels()[row]));
    Ok((rows.collect(), counts))
}

/// Reads a table that must have [`ROWS`], and returns what was noted.
fn notes(bytes: &[u8]) -> String {
    notes_as(TextFormat::default(), bytes)
}

fn notes_as(format: TextFormat, bytes: &[u8]) -> String {
    let shown = String::from_utf8_lossy(bytes).into_owned();
    let (rows, counts) =
        read_as(format, "a.csv", bytes).map_err(|e| format!("{e}: {shown}")).unwrap();
    let expected = ROWS.map(|(readings, label)| (readings.to_vec(), label));
    assert_eq!(rows, expected, "{shown}");
    assert_eq!(counts.warnings, Vec::<String>::new());
    counts.notes.join("\n")
}

const PLAIN: &str = "Druck,Drehzahl,St\u{f6}rung\n12.5,1500,ja\n-0.25,25892,nein\n3,7.5,nein\n";

#[test]
fn a_plain_table_is_not_noted() {
    assert_eq!(notes(PLAIN.as_bytes()), "");
    assert_eq!(notes(PLAIN.replace('\n', "\r\n").as_bytes()), "");
    assert_eq!(notes(PLAIN.replace('\n', "\r").as_bytes()), "");
    // Cells of several lines, and quoted separators, are a part of columns that nobody needs.
    let with_note = PLAIN.replace("rung\n", "rung,Note\n").replace("ja\n", "ja,\"a;\n,b\"\n");
    assert_eq!(notes(with_note.replace("nein\n", "nein,\n").as_bytes()), "");
}

#[test]
fn every_separator_is_found() {
    for (separator, name) in [(";", "`;`"), ("\t", "tabs"), ("|", "`|`"), ("  ", "blanks")] {
        let text = PLAIN.replace(',', separator);
        let note = format!("a.csv: fields are separated by {name}");
        assert_eq!(notes(text.as_bytes()), note);
        // Columns of a fixed width begin with blanks, too.
        if separator == "  " {
            let padded = text.replace('\n', "  \n   ");
            assert_eq!(notes(padded.as_bytes()), note);
        }
    }
    assert_eq!(
        notes(format!("sep=;\n{}", PLAIN.replace(',', ";")).as_bytes()),
        "a.csv: fields are separated by `;`"
    );
    assert_eq!(notes(format!("\"SEP=,\"\r\n{PLAIN}").as_bytes()), "");
}

#[test]
fn declared_blanks_may_be_many_where_the_header_has_one() {
    let header = "Druck Drehzahl St\u{f6}rung\n";
    let text = format!("{header}12.5  1500   ja\n-0.25 25892 nein\n  3 7.5 nein\n");
    let format = TextFormat { separator: Some(b' '), ..TextFormat::default() };
    assert_eq!(notes_as(format.clone(), text.as_bytes()), "");
    let error = read_as(format, "a.csv", PLAIN.as_bytes()).unwrap_err();
    assert!(error.starts_with("a.csv lacks column `St\u{f6}rung`"), "{error}");
}

#[test]
fn decimal_commas_and_groups_of_digits_are_found() {
    let rows = |rows: [&str; 3]| {
        let [one, two, three] = rows;
        let header = "Druck;Drehzahl;St\u{f6}rung";
        notes(format!("{header}\n{one};ja\n{two};nein\n{three};nein\n").as_bytes())
    };
    let with =
        |mark: &str| format!("a.csv: fields are separated by `;`; the decimal mark is {mark}");
    assert_eq!(rows(["12,5;1500", "-0,25;25892", "3;7,5"]), with("a comma"));
    // 1.500 alone has two meanings; with 12,5 beside it the point separates groups.
    assert_eq!(
        rows(["12,5;1.500", "-0,25;25.892", "3;7,5"]),
        with("a comma, groups of digits by `.`")
    );
    assert_eq!(
        rows(["12,5;1 500", "-0,25;25\u{a0}892", "3;7,5"]),
        with("a comma, groups of digits by blanks")
    );
    assert_eq!(
        rows(["12.5;1'500", "-0.25;25\u{2019}892", "3;7.5"]),
        with("a point, groups of digits by `'`")
    );
    let quoted =
        "Druck,Drehzahl,St\u{f6}rung\n\"12,5\",1500,ja\n\"-0,25\",25892,nein\n3,\"7,5\",nein\n";
    assert_eq!(notes(quoted.as_bytes()), "a.csv: the decimal mark is a comma");
    let groups =
        "Druck,Drehzahl,St\u{f6}rung\n12.5,\"1,500\",ja\n-0.25,\"25,892\",nein\n3,7.5,nein\n";
    assert_eq!(
        notes(groups.as_bytes()),
        "a.csv: the decimal mark is a point, groups of digits by `,`"
    );
}

#[test]
fn a_number_with_two_meanings_is_an_error_unless_the_decimal_mark_is_declared() {
    let text = "Druck;Drehzahl;St\u{f6}rung\n25.892;1;ja\n3;2;nein\n";
    let read = |decimal| {
        let format = TextFormat { decimal, ..TextFormat::default() };
        read_as(format, "a.csv", text.as_bytes()).map(|(rows, _)| rows[0].0[0])
    };
    insta::assert_snapshot!(read(None).unwrap_err(), @"a.csv, line 2, column `Druck`: `25.892` is 25.892 with a decimal point and 25892 with a decimal comma; the setting `preprocessing.format.decimal` says which");
    assert_eq!(read(Some(b'.')), Ok(25.892));
    assert_eq!(read(Some(b',')), Ok(25_892.0));
    // Groups do not begin with 0, have three digits each, and are not of four.
    for number in ["0.892", "25.8921", "2589.200"] {
        let text = text.replace("25.892", number);
        let (rows, _) = read_as(TextFormat::default(), "a.csv", text.as_bytes()).unwrap();
        assert_eq!(rows[0].0[0], number.parse::<f64>().unwrap());
    }
}

#[test]
fn every_encoding_is_read() {
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{PLAIN}").encode_utf16().flat_map(to_bytes).collect()
    };
    assert_eq!(notes(&utf16(u16::to_le_bytes)), "a.csv: in UTF-16");
    assert_eq!(notes(&utf16(u16::to_be_bytes)), "a.csv: in UTF-16");
    assert_eq!(notes(&utf16(u16::to_le_bytes)[2..]), "a.csv: in UTF-16");
    assert_eq!(notes(format!("\u{feff}{PLAIN}").as_bytes()), "");
    let latin: Vec<u8> = PLAIN.chars().map(|letter| letter as u8).collect();
    assert_eq!(notes(&latin), "a.csv: in Windows-1252");
    let encoding = Some(Encoding::Windows1252);
    assert_eq!(notes_as(TextFormat { encoding, ..TextFormat::default() }, &latin), "");
}

#[test]
fn lines_before_the_header_are_skipped() {
    for preamble in [
        "Report of plant 7\n\n",
        "# comment\n# Druck: hydraulic\n",
        "Titel,,\nvom,1.1.2026,\n",
        "Licence\nof \"19 lines\n\n",
    ] {
        let line = preamble.matches('\n').count() + 1;
        let text = format!("{preamble}{PLAIN}");
        assert_eq!(notes(text.as_bytes()), format!("a.csv: the header is on line {line}"));
        let declared = TextFormat { header_line: Some(line as u64), ..TextFormat::default() };
        assert_eq!(notes_as(declared, text.as_bytes()), "");
    }
    // Errors below have the line of the file.
    let bad = format!("Title\n\n{}", PLAIN.replace("3,7.5", "3,x"));
    insta::assert_snapshot!(read_as(TextFormat::default(), "a.csv", bad.as_bytes()).unwrap_err(), @"a.csv, line 6, column `Drehzahl`: found `x`, expected a number");
    let other = "Title\nDruck,Drehzahl,Stoerung\n1,2,ja\n";
    insta::assert_snapshot!(read_as(TextFormat::default(), "a.csv", other.as_bytes()).unwrap_err(), @"a.csv, line 2, lacks column `Störung` (did you mean `Stoerung`?); columns found: Druck, Drehzahl, Stoerung");
}

#[test]
fn units_may_be_on_the_line_after_the_header() {
    let text = PLAIN.replace("rung\n", "rung\nPa,1/min,\n");
    let (rows, counts) = read_as(TextFormat::default(), "a.csv", text.as_bytes()).unwrap();
    assert_eq!(rows[0], (vec![12.5e-5, 1500.0], 1));
    assert_eq!(counts.notes, ["a.csv: units are on the line after the header"]);
    let text = PLAIN.replace("rung\n", "rung\n[bar],[rpm],[-]\n");
    assert_eq!(notes(text.as_bytes()), "a.csv: units are on the line after the header");
}

#[test]
fn a_table_without_a_header_has_columns_by_position() {
    let column = |name: &str| Column { name: name.to_owned(), ..Column::default() };
    let label = Label { column: "column_3".to_owned(), ..schema().label().clone() };
    let schema = Schema::new(vec![column("column_2"), column("column_1")], label).unwrap();
    let format = TextFormat { header_line: Some(0), ..TextFormat::default() };
    for text in ["1,2,ja\n3,4,nein\n", "1;2;ja\n3;4;nein\n"] {
        let rules = CleaningRules::default();
        let mut reader = TableReader::new(&schema, rules).with_format(format.clone());
        reader.read("a.csv", text.as_bytes()).unwrap();
        let (table, counts) = reader.finish().unwrap();
        assert_eq!(
            (table.row(0), table.row(1), counts.read.rows),
            (&[2.0, 1.0][..], &[4.0, 3.0][..], 2)
        );
    }
}

#[test]
fn rows_may_end_with_a_separator_where_the_header_does_not() {
    let rows_end = PLAIN.replace("ja\n", "ja,\n").replace("nein\n", "nein, \n");
    assert_eq!(notes(rows_end.as_bytes()), "");
    assert_eq!(notes(PLAIN.replace("rung\n", "rung,\n").as_bytes()), "");
    assert_eq!(notes(PLAIN.replace('\n', ",\n").as_bytes()), "");
    let one_more = PLAIN.replace("ja\n", "ja,1\n");
    insta::assert_snapshot!(read_as(TextFormat::default(), "a.csv", one_more.as_bytes()).unwrap_err(), @"a.csv, line 2: the row has 4 fields, expected 3 as in the header");
}

#[test]
fn a_row_of_totals_is_not_a_row() {
    for totals in ["Total,27392,", "Summe:,,", "\"Grand total\"", ",Average,"] {
        let (rows, counts) =
            read_as(TextFormat::default(), "a.csv", format!("{PLAIN}{totals}\n").as_bytes())
                .unwrap();
        assert_eq!((rows.len(), counts.totals_rows, counts.read.rows), (3, 1, 3), "{totals}");
    }
    let bad = format!("{PLAIN}Totally,1,ja\n");
    assert!(read_as(TextFormat::default(), "a.csv", bad.as_bytes()).is_err());
}

#[test]
fn the_header_again_is_not_a_row() {
    // Files that were joined one after another.
    for separator in [",", ";"] {
        let text = PLAIN.replace(',', separator);
        let (header, first) = text.split_once('\n').unwrap();
        let twice = format!("{header}\n{first}{header}\n\"Druck\"{}\n", &header["Druck".len()..]);
        let (rows, counts) = read_as(TextFormat::default(), "a.csv", twice.as_bytes()).unwrap();
        assert_eq!((rows.len(), counts.header_rows, counts.read.rows), (3, 2, 3), "{separator}");
    }
    // Either may end with separators, and the second file may begin with a byte order mark.
    for (first, again) in [(",", ""), ("", ",,"), (",,", ","), ("", "\u{feff}")] {
        let (header, rows) = PLAIN.split_once('\n').unwrap();
        let text = match again.trim_matches(',') {
            "" => format!("{header}{first}\n{rows}{header}{again}\n{rows}"),
            mark => format!("{header}{first}\n{rows}{mark}{header}\n{rows}"),
        };
        let (rows, counts) = read_as(TextFormat::default(), "a.csv", text.as_bytes()).unwrap();
        assert_eq!((rows.len(), counts.header_rows, counts.read.rows), (3, 1, 6), "{text}");
    }
    // So may the line of units.
    let (header, rows) = PLAIN.split_once('\n').unwrap();
    let part = format!("{header}\nbar,1/min,-\n{rows}");
    let (rows, counts) =
        read_as(TextFormat::default(), "a.csv", part.repeat(2).as_bytes()).unwrap();
    assert_eq!((rows.len(), counts.header_rows, counts.read.rows), (3, 2, 6));
    let other = format!("{PLAIN}Druck,Drehzahl,Name\n");
    assert!(read_as(TextFormat::default(), "a.csv", other.as_bytes()).is_err());
}

#[test]
fn lines_may_end_with_any_number_of_separators() {
    let ended = |header: &str, row: &str| {
        let (first, rest) = PLAIN.split_once('\n').unwrap();
        format!("{first}{header}\n{}", rest.replace('\n', &format!("{row}\n")))
    };
    for (header, row) in [(",,", ",,"), (",,", ""), ("", ",, "), (",", ",,,"), (",,,", ",")] {
        assert_eq!(notes(ended(header, row).as_bytes()), "", "{header:?} {row:?}");
    }
    let (_, counts) =
        read_as(TextFormat::default(), "a.csv", format!("{PLAIN},,\n\"\",,\" \"\n").as_bytes())
            .unwrap();
    assert_eq!((counts.blank_rows, counts.read.rows, counts.dropped_missing.rows), (2, 3, 0));
    for end in ["   \n", "\u{1a}", "\0\0\0", "\n\n \t\n"] {
        assert_eq!(notes(format!("{PLAIN}{end}").as_bytes()), "", "{end:?}");
    }
}

#[test]
fn rows_may_begin_with_a_name_that_the_header_does_not_have() {
    let named = |name: fn(usize) -> String| {
        let (header, rows) = PLAIN.split_once('\n').unwrap();
        let rows = rows.lines().enumerate().map(|(row, line)| format!("{},{line}\n", name(row)));
        format!("{header}\n{}", rows.collect::<String>())
    };
    let note = "a.csv: the first column has no name: rows have one field more than the header";
    let quoted = |text: String| {
        let names = ["Druck", "Drehzahl", "St\u{f6}rung"];
        names.iter().fold(text, |text, name| text.replacen(name, &format!("\"{name}\""), 1))
    };
    assert_eq!(notes(quoted(named(|row| format!("\"{}\"", row + 1))).as_bytes()), note);
    assert_eq!(notes(quoted(named(|row| format!("\"Mill {row}\""))).as_bytes()), note);
    // A decimal comma may have divided a number.
    let error = "a.csv, line 2: the row has 4 fields, expected 3 as in the header";
    for text in [
        named(|row| format!("{row}")),
        named(|row| format!("Mill {row}")),
        quoted(named(|row| format!("{row}"))),
        quoted(named(|row| format!("\"{}\"", 7 * row))),
        quoted(named(|_| "\"A\"".to_owned())),
    ] {
        let found = read_as(TextFormat::default(), "a.csv", text.as_bytes()).unwrap_err();
        assert_eq!(found, error, "{text}");
    }
}

#[test]
fn numbers_may_have_their_unit_behind_them() {
    // `Druck` is declared in bar, `Drehzahl` without a unit.
    for (cells, separator) in
        [(["12.5 bar", "-25000Pa", "0.3 MPa"], ","), (["12,5 bar", "-0,25 bar", "3000 mbar"], ";")]
    {
        let text = PLAIN.replace(',', separator);
        let text = ["12.5", "-0.25", "3"].iter().zip(cells).fold(text, |text, (number, cell)| {
            text.replacen(&format!("\n{number}{separator}"), &format!("\n{cell}{separator}"), 1)
        });
        let text = if separator == ";" { text.replace("7.5", "7,5") } else { text };
        notes(text.as_bytes());
    }
    let unknown = PLAIN.replace("1500", "1500 rpm");
    let error = read_as(TextFormat::default(), "a.csv", unknown.as_bytes()).unwrap_err();
    assert_eq!(error, "a.csv, line 2, column `Drehzahl`: found `1500 rpm`, expected a number");
    let quoted = PLAIN.replace("1500", "=\"1500\"").replace("12.5", "\"=\"\"12.5\"\"\"");
    assert_eq!(notes(quoted.as_bytes()), "");
}

#[test]
fn compressed_tables_are_known_by_their_first_bytes() {
    let gzip = |text: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text).unwrap();
        gzip.finish().unwrap()
    };
    assert_eq!(notes(&gzip(PLAIN.as_bytes())), "a.csv: compressed with gzip");
    let utf16: Vec<u8> = PLAIN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(notes(&gzip(&utf16)), "a.csv: compressed with gzip; in UTF-16");
    let zstd = zstd::stream::encode_all(PLAIN.as_bytes(), 1).unwrap();
    assert_eq!(notes(&zstd), "a.csv: compressed with zstd");
    let cut = &gzip(PLAIN.as_bytes())[..30];
    insta::assert_snapshot!(read_as(TextFormat::default(), "a.csv", cut).unwrap_err(), @"a.csv cannot be read: incomplete deflate stream");
    insta::assert_snapshot!(read_as(TextFormat::default(), "a.csv", &gzip(b"PAR1\0\0PAR1")).unwrap_err(), @"a.csv cannot be read");
}

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn every_table_of_an_archive_is_read() {
    assert_eq!(notes(&zip(&[("__MACOSX/._a.csv", "x"), ("data/a.csv", PLAIN)])), "");
    let (header, rows) = PLAIN.split_once('\n').unwrap();
    let (first, others) = rows.split_once('\n').unwrap();
    let parts =
        [("1.csv", format!("{header}\n{first}\n")), ("2.csv", format!("{header}\n{others}"))];
    let parts: Vec<(&str, &str)> =
        parts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    assert_eq!(notes(&zip(&parts)), "");
    let bad = zip(&[("1.csv", PLAIN), ("2.csv", "Druck,Drehzahl\n")]);
    insta::assert_snapshot!(read_as(TextFormat::default(), "a.zip", &bad).unwrap_err(), @"a.zip/2.csv lacks column `St\u{f6}rung`; columns found: Druck, Drehzahl");
    insta::assert_snapshot!(read_as(TextFormat::default(), "a.zip", &zip(&[])).unwrap_err(), @"a.zip is a ZIP archive without a file, expected a table in it");
    insta::assert_snapshot!(read_as(TextFormat::default(), "a.zip", b"PK\x03\x04 and no more").unwrap_err(), @"a.zip cannot be read as a ZIP archive: invalid Zip archive: Could not find EOCD");
}

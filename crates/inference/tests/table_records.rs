//! Rows of tables as records: a server that reads them gives the answers that the rows have themselves.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod made;

use std::io::Cursor;
use std::ops::ControlFlow;

use dataset::{BadCells, TextFormat};
use inference::{
    AnswerLimits, AnswerNames, AnswerOptions, ColumnFinder, Columns, CsvFormat, CsvHeader, Format,
    Model, RecordBlock, RecordsReader, ScoredRows, TableRecords, TableScorer, answer_text,
};
use made::model;

type Files<'a> = &'a [(&'a str, &'a str)];

fn columns(model: &Model, files: Files<'_>) -> Columns {
    let mut finder = ColumnFinder::new(model, TextFormat::default());
    for (name, text) in files {
        finder.read_file(name, Cursor::new(text)).unwrap();
    }
    finder.finish().unwrap()
}

/// Returns the lines that `predict` writes, without their names, and what became of the rows.
fn scored(model: &Model, files: Files<'_>, rule: BadCells) -> (Vec<String>, ScoredRows) {
    let mut output = Vec::new();
    let columns = columns(model, files);
    let scorer = TableScorer::new(model, TextFormat::default(), columns, &mut output);
    let mut scorer = scorer.with_bad_cells(rule);
    for (name, text) in files {
        scorer.read_file(name, Cursor::new(text)).unwrap();
    }
    let rows = scorer.finish().unwrap();
    let text = String::from_utf8(output).unwrap();
    // A quoted field may have a line end, which no end of a line has behind it.
    (text.split_inclusive('\n').skip(1).map(str::to_owned).collect(), rows)
}

/// Returns the blocks of records, and what became of the rows.
fn passed(model: &Model, files: Files<'_>, rule: BadCells) -> (RecordBlock, ScoredRows) {
    let mut all = RecordBlock::default();
    let pass = |block: RecordBlock| {
        let begin = all.records.len();
        all.ends.extend(block.ends.iter().map(|end| begin + end));
        all.records.extend(block.records);
        all.rows.extend(block.rows);
        ControlFlow::Continue(())
    };
    let columns = columns(model, files);
    let records = TableRecords::new(model, TextFormat::default(), columns, pass);
    let mut records = records.with_bad_cells(rule);
    for (name, text) in files {
        records.read_file(name, Cursor::new(text)).unwrap();
    }
    let rows = records.finish().unwrap();
    (all, rows)
}

/// Returns the answer of a server to each record.
fn answers(model: &Model, block: &RecordBlock) -> Vec<String> {
    let reader = RecordsReader::new(model, None).unwrap();
    let format = CsvFormat { header: CsvHeader::Absent, ..CsvFormat::default() };
    let mut records = reader.read(Format::Csv, format, &block.records).unwrap();
    let limits = AnswerLimits { length: usize::MAX, is_cancelled: &|| false };
    let (names, options) = (AnswerNames::new(model, "7"), AnswerOptions::default());
    let answers = answer_text(model, &names, options, (Format::Csv, false), &mut records, &limits);
    String::from_utf8(answers.unwrap().0).unwrap().lines().map(str::to_owned).collect()
}

/// Checks that each row has the answer of its record, to the last digit.
fn check(model: &Model, files: Files<'_>, rule: BadCells) {
    let (lines, scored) = scored(model, files, rule);
    let (block, read) = passed(model, files, rule);
    assert_eq!(block.rows.len() as u64, scored.rows, "{files:?}");
    assert_eq!(
        (block.ends.len(), *block.ends.last().unwrap()),
        (block.rows.len(), block.records.len())
    );
    let answers = answers(model, &block);
    assert_eq!(answers.len(), block.rows.len(), "{files:?}");
    let joined = block.rows.iter().zip(&answers).map(|(row, answer)| {
        let answer = answer.strip_suffix(",7").unwrap();
        format!("{},{answer}\n", String::from_utf8_lossy(row))
    });
    assert_eq!(joined.collect::<String>(), lines.concat(), "{files:?}");
    let counts = |rows: &ScoredRows| {
        (rows.totals_rows, rows.header_rows, rows.blank_rows, rows.unreadable_rows)
    };
    assert_eq!(counts(&read), counts(&scored), "{files:?}");
    assert_eq!((read.notes, read.first_unreadable), (scored.notes, scored.first_unreadable));
}

#[test]
fn a_record_has_the_answer_of_its_row() {
    let model = model();
    for text in [
        made::TABLE,
        "Line;Torque (kNm);Druck (Pa);Door;Note\nL2;0,0148;7050000;1;\"a;b\"\nL9;;6,5e6;0;\"two\nlines\"\n",
        "Door,Line,Oil Pressure,Torque,Torque (kNm)x\nyes,\"L,\"\"1\"\"\",71.0,3e38,\nNO,,NaN,-0.0,z\n",
        "Torque,Oil_Pressure,Door,Line\n14.80000000000000071,123456789.987654321,true,L1\n0.1,1e-5,false,l2\n",
        "Torque,Oil_Pressure,Door,Line\n1,2,yes,L1\nTorque,Oil_Pressure,Door,Line\n\n3,4,no,L2\nTotal,6,,\n",
    ] {
        check(&model, &[("table.csv", text)], BadCells::Error);
    }
}

#[test]
fn several_tables_and_rows_that_cannot_be_read() {
    let model = model();
    let first =
        "Torque,Oil_Pressure,Door,Line,A\n1,2,yes,L1,x\nmany,2,yes,L1,y\n1,2,perhaps,L1,z\n";
    let second = "Line,Door,B,Oil_Pressure,Torque\nL2,no,w,4,3\nL2,no,4\n";
    let files = [("a.csv", first), ("b.csv", second)];
    for rule in [BadCells::Missing, BadCells::Drop] {
        check(&model, &files, rule);
    }
    let (block, _) = passed(&model, &files, BadCells::Drop);
    let rows: Vec<_> = block.rows.iter().map(|row| String::from_utf8_lossy(row)).collect();
    assert_eq!(rows, ["a.csv,1,2,yes,L1,x,", "b.csv,3,4,no,L2,,w"]);
}

/// A batch is cut at line ends, so that no record may have one.
#[test]
fn a_record_is_one_line_and_never_blank() {
    let model = made::words();
    let text = "Line,Door\n\"L\n1\",open\n,shut\n\"L\r\n2\",\"a,b\"\n";
    let (block, _) = passed(&model, &[("words.csv", text)], BadCells::Error);
    assert_eq!(String::from_utf8(block.records).unwrap(), "L 1,open\n,shut\nL  2,\"a,b\"\n");
    assert_eq!(block.rows.len(), 3);
}

/// How the numbers of a text are written is found alike whether it is a table or a request: both read the same
/// readings, or none.
#[test]
fn the_numbers_of_a_table_are_read_alike_in_a_request() {
    let model = model();
    let reader = RecordsReader::new(&model, None).unwrap();
    let of_request = |text: &str| -> Result<Vec<f64>, String> {
        let records = reader.read(Format::Csv, CsvFormat::default(), text.as_bytes());
        records.map(|records| records.readings).map_err(|error| error.to_string())
    };
    let of_table = |text: &str| -> Result<Vec<f64>, String> {
        let words = |error: inference::InferenceError| error.to_string();
        let mut finder = ColumnFinder::new(&model, TextFormat::default());
        finder.read_file("a.csv", Cursor::new(text)).map_err(words)?;
        let columns = finder.finish().map_err(words)?;
        let mut passed = Vec::new();
        let mut table = TableRecords::new(&model, TextFormat::default(), columns, |block| {
            passed.extend(block.records);
            ControlFlow::Continue(())
        });
        table.read_file("a.csv", Cursor::new(text)).map_err(words)?;
        table.finish().map_err(words)?;
        of_request(&String::from_utf8(passed).unwrap())
    };
    // With point and with comma, a unit, a sign or blanks: these are 19.4 or 19400.
    let doubtful = [
        "19.400",
        "19.400 bar",
        "19.400bar",
        "19.400%",
        "(19.400)",
        "19.400-",
        "\u{2212}19.400",
        "=\"19.400\"",
        "19.400\u{a0}",
        "\u{2009}19.400",
        "-19.400",
        "+19.400",
        "19,400",
        "19,400 bar",
        "(19,400)",
    ];
    let others = [
        "19400",
        "19.4",
        "19,4",
        "19 400",
        "19\u{a0}400",
        "19'400",
        "19.400,5",
        "19,400.5",
        "0.400",
        "0,400",
        ".400",
        "19.",
        "19.400.000",
        "19.400e0",
        "1,94e4",
        "1e400",
        "inf",
        "-",
        "n.a.",
        "abc",
        "1.2.2026",
        "\u{feff}19.5",
    ];
    for separator in [';', '\t', '|'] {
        for beside in ["4", "4,5", "4.5"] {
            for cell in doubtful.iter().chain(&others) {
                let join = |fields: [&str; 4]| {
                    let quoted = fields.map(|field| field.replace('"', "\"\""));
                    let quoted = quoted.map(|field| {
                        if field.contains('"') { format!("\"{field}\"") } else { field }
                    });
                    quoted.join(&separator.to_string())
                };
                let names = join(["Torque", "Oil_Pressure", "Door", "Line"]);
                let text = format!("{names}\n{}\n", join([beside, cell, "no", "L1"]));
                let (request, table) = (of_request(&text), of_table(&text));
                let bits = |read: &Result<Vec<f64>, String>| -> Option<Vec<u64>> {
                    let bits = |x: &f64| if x.is_nan() { 0 } else { x.to_bits() };
                    read.as_ref().ok().map(|read| read.iter().map(bits).collect())
                };
                assert_eq!(bits(&request), bits(&table), "{text:?}: {request:?} {table:?}");
                if beside == "4" && doubtful.contains(cell) {
                    let error = request.unwrap_err();
                    assert!(error.contains("with a decimal comma"), "{text:?}: {error}");
                }
            }
        }
    }
    let reading = |text: &str| of_request(text).unwrap()[1];
    assert_eq!(reading("4,5;19.400 bar;no;L1"), 19_400.0);
    assert_eq!(reading("4.5;19.400 bar;no;L1"), 19.4);
    assert_eq!(reading("4,5;19 400;no;L1"), 19_400.0);
}

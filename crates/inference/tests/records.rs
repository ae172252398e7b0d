//! Records of requests: every spelling of a record gives the same readings, and what is malformed is an error
//! that names its place.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod made;

use artifacts::Bundle;
use inference::{
    AnswerError, AnswerLimits, AnswerNames, AnswerOptions, CsvFormat, CsvHeader, Explanation,
    Format, Model, Records, RecordsReader, answer_text,
};
use made::model;

/// Reads a text, whose errors are words.
fn read_as(csv: CsvFormat, format: Format, text: &[u8]) -> Result<Records, String> {
    let reader = RecordsReader::new(&model(), None).unwrap();
    reader.read(format, csv, text).map_err(|error| error.to_string())
}

fn read(format: Format, text: &str) -> Result<Records, String> {
    read_as(CsvFormat::default(), format, text.as_bytes())
}

fn with_header(header: CsvHeader) -> CsvFormat {
    CsvFormat { header, ..CsvFormat::default() }
}

const WITHOUT_LIMITS: AnswerLimits<'_> =
    AnswerLimits { length: usize::MAX, is_cancelled: &|| false };

/// Returns the answers to a text, as another text.
fn answered(model: &Model, options: AnswerOptions, format: Format, text: &str) -> String {
    let reader = RecordsReader::new(model, None).unwrap();
    let mut records = reader.read(format, CsvFormat::default(), text.as_bytes()).unwrap();
    let names = AnswerNames::new(model, "7");
    let limits = WITHOUT_LIMITS;
    let answers = answer_text(model, &names, options, (format, false), &mut records, &limits);
    let (text, counts) = answers.unwrap();
    assert_eq!(counts.rows as usize, records.count);
    String::from_utf8(text).unwrap()
}

#[test]
fn every_spelling_of_two_records_gives_the_same_readings() {
    let expected = read(Format::Csv, "14.8,70.5,yes,L2\n24.9,,no,L1\n").unwrap();
    assert_eq!((expected.count, expected.is_single), (2, false));
    assert_eq!(expected.readings.len(), 8);
    assert!(expected.readings[5].is_nan());
    let csv = [
        "14.8,70.5,yes,L2\r\n24.9,,no,L1",
        "\u{feff}Torque,Oil_Pressure,Door,Line\n14.8,70.5,yes,L2\n24.9,,no,L1\n",
        "line,TORQUE (kNm),druck [Pa],door,Comment\nL2,0.0148,7050000,1,x\nL1,0.0249,n/a,0,\"y,z\"\n",
        "Torque;Druck;Door;Line\n14,8;70,5;yes;L2\n24,9;;no;L1\n",
        "14,8;70,5;yes;L2\n24,9;;no;L1\n",
        "14.8;70.5;yes;L2\n24.9;;no;L1\n",
        "Torque\tDruck\tDoor\tLine\n14.8\t70.5\tyes\tL2\n24.9\t\tno\tL1\n",
        "14.8 Nm,70.5 bar,TRUE,L2\n24.9,NaN,false,L1\n",
    ];
    let json = [
        r#"[{"Torque": 14.8, "Oil_Pressure": 70.5, "Door": "yes", "Line": "L2"}, {"Line": "L1", "Door": false, "Torque": 24.9}]"#,
        r#"{"instances": [[14.8, 70.5, true, "L2"], [24.9, null, false, "L1"]]}"#,
        r#"{"inputs": [{"torque (kNm)": "0.0148", "Druck": 70.5, "Door": "yes", "Line": "L2"}, [2.49e1, "", 0, "L1"]]}"#,
        r#"{"data": [["L2", 14.8, 70.5, "yes"], ["L1", 24.9, null, "no"]], "columns": ["Line", "Torque", "Druck", "Door"], "index": [0, 1]}"#,
        r#"{"dataframe_split": {"columns": ["Line", "Torque", "Druck", "Door"], "data": [["L2", 14.8, 70.5, "yes"], ["L1", 24.9, null, "no"]]}}"#,
        r#"{"dataframe_records": [{"Torque": 14.8, "Druck": 70.5, "Door": "yes", "Line": "L2"}, {"Torque": 24.9, "Druck": null, "Door": "no", "Line": "L1", "other": {"a": [1]}}]}"#,
    ];
    let lines = [
        "{\"Torque\": 14.8, \"Druck\": 70.5, \"Door\": \"yes\", \"Line\": \"L2\"}\n{\"Torque\": 24.9, \"Door\": \"no\", \"Line\": \"\\u004c1\"}\n",
        "[14.8, 70.5, \"yes\", \"L2\"]\r\n[24.9, null, \"no\", \"L1\"]",
    ];
    let all = csv.map(|text| (Format::Csv, text)).into_iter();
    let all = all.chain(json.map(|text| (Format::Json, text)));
    for (format, text) in all.chain(lines.map(|text| (Format::JsonLines, text))) {
        let found = read(format, text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((found.count, found.is_single), (2, false), "{text}");
        let bits = |records: &Records| -> Vec<u64> {
            // A missing reading may be any NaN.
            records.readings.iter().map(|x| if x.is_nan() { 0 } else { x.to_bits() }).collect()
        };
        assert_eq!(bits(&found), bits(&expected), "{text}");
    }
}

#[test]
fn an_object_and_an_array_of_readings_are_single() {
    for text in [r#"{"Torque": 14.8, "Line": "L2"}"#, r#"[14.8, null, null, "L2"]"#] {
        let found = read(Format::Json, text).unwrap();
        assert_eq!((found.count, found.is_single), (1, true), "{text}");
        assert_eq!(found.readings[0], 14.8);
    }
    // A column may have the name of a list of records.
    let found = read(Format::Json, r#"{"instances": 3, "data": "x", "Torque": 14.8}"#).unwrap();
    assert!(found.is_single);
}

#[test]
fn a_number_has_the_same_bits_in_every_format() {
    for number in ["0.1", "14.80000000000000071", "1e-5", "123456789.987654321", "3.4e38", "-0.0"] {
        let csv = read(Format::Csv, &format!("{number},1,no,L1")).unwrap().readings;
        let json = read(Format::Json, &format!("[{number},1,false,\"L1\"]")).unwrap().readings;
        let text = read(Format::Json, &format!(r#"["{number}",1,0,"L1"]"#)).unwrap().readings;
        let bits = |readings: Vec<f64>| readings[0].to_bits();
        let csv = bits(csv);
        assert_eq!((bits(json), bits(text)), (csv, csv), "{number}");
    }
}

#[test]
fn a_number_that_32_bits_do_not_hold_is_refused_in_every_format() {
    for number in ["1e308", "-1e39", "1e400"] {
        for (format, text) in [
            (Format::Csv, format!("{number},1,no,L1")),
            (Format::Json, format!("[{number},1,false,\"L1\"]")),
            (Format::Json, format!(r#"["{number}",1,0,"L1"]"#)),
        ] {
            let error = read(format, &text).unwrap_err();
            let expected = format!(
                "column `Torque`: found `{number}`, expected at most 3.4e38, the greatest number of 32 bits"
            );
            assert!(error.contains(&expected), "{text}: {error}");
        }
    }
}

#[test]
fn the_end_of_remarks_is_said_once() {
    let reader = RecordsReader::new(&model(), None).unwrap();
    let remarks = |index: usize| {
        let text = format!(
            "{{\"Torque\": 1, \"Druck\": 2, \"Door\": 0, \"Line\": \"L1\", \"x{index}\": 1}}"
        );
        reader.read(Format::Json, CsvFormat::default(), text.as_bytes()).unwrap().remarks
    };
    let of_all: Vec<Vec<String>> = (0..230).map(remarks).collect();
    assert!(of_all[..200].iter().all(|remarks| remarks.len() == 1));
    assert!(of_all[199][0].ends_with("x199"), "{:?}", of_all[199]);
    let end = "200 remarks were made about the names of records, which is the maximum; no more are";
    assert_eq!(of_all[200], [end]);
    assert!(of_all[201..].iter().all(Vec::is_empty));
}

/// A number stands for the word that a binary file has of it; a text is the word itself.
#[test]
fn a_whole_number_is_a_word_without_decimal_places() {
    let category = |format, text: &str| read(format, text).unwrap().readings[3];
    let code = |word: &str| category(Format::Csv, &format!("1,2,no,{word}"));
    for (value, word) in [
        ("10", "10"),
        ("10.0", "10"),
        ("1e1", "10"),
        ("-3.00", "-3"),
        ("10.50", "10.50"),
        ("12345678901234567890", "12345678901234567890"),
        ("\"10.0\"", "10.0"),
    ] {
        let found = category(Format::Json, &format!("[1, 2, 0, {value}]"));
        assert_eq!(found.to_bits(), code(word).to_bits(), "{value}");
    }
    // The same of yes and no.
    assert_eq!(read(Format::Json, "[1, 2, 1.0, \"L1\"]").unwrap().readings[2], 1.0);
}

#[test]
fn what_is_new_about_names_is_said_once() {
    let reader = RecordsReader::new(&model(), None).unwrap();
    let remarks = |text: &str| {
        reader.read(Format::Json, CsvFormat::default(), text.as_bytes()).unwrap().remarks
    };
    let text = r#"{"Torque": 1, "Druck": 2, "Door": 0, "Operator": "x"}"#;
    assert_eq!(
        remarks(text),
        [
            "not used, because the model has no such column: Operator",
            "records have no Line: these readings count as missing"
        ]
    );
    assert!(remarks(text).is_empty());
    assert!(!remarks(r#"{"Torque": 1, "Druck": 2, "Door": 0, "Operators": "x"}"#).is_empty());
}

#[test]
fn errors_name_place_value_and_what_was_expected() {
    let long = format!("[{}]", "[".repeat(10_000) + &"]".repeat(10_000));
    let deep = format!(r#"{{"Torque": {}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let wide = ",".repeat(20_000);
    let cases = [
        (Format::Csv, ""),
        (Format::Csv, "\n\n"),
        (Format::Json, " "),
        (Format::Json, "[]"),
        (Format::JsonLines, "\n"),
        (Format::Csv, "Torque,Druck,Door,Line\n"),
        (Format::Csv, "1,2\n"),
        (Format::Csv, "1,2,no,L1\n1,2,no\n"),
        (Format::Csv, "Torque,Druck,Door,Line\n1,2,no,L1\n1,2,no\n"),
        (Format::Csv, "1,2,no,L1\n1,abc,no,L1\n"),
        (Format::Csv, "1,2,maybe,L1\n"),
        (Format::Csv, "1,2,no,L1\n\n1,2,no,L1\n"),
        (Format::Csv, "Torque,Druck,Door,Line\n\r\n1,2,no,L1\n\n\n"),
        (Format::Csv, "Torque,Druck,Door,Line\n\n1,2,no,L1\n"),
        (Format::Csv, "Torque,Druck,Door,Line\r\n1,2,no,L1\r\n1,x,no,L1\r\n"),
        (Format::Csv, "Torque,Druk,Door,Line\n1,2,no,L1\n"),
        (Format::Csv, "TORQUE,torque,Druck,Door,Line\n1,1,2,no,L1\n"),
        (Format::Csv, "Torque (bar),Druck,Door,Line\n1,2,no,L1\n"),
        (Format::Csv, "1,2,no,\"L1\n"),
        (Format::Csv, &wide),
        (Format::Csv, "14,8;70.5;no;L1\n"),
        (Format::Csv, "25;1.234;no;L1\n"),
        (Format::Csv, "1,2,no, \"L1\"\n"),
        (Format::Csv, "1,5;2,5;no;L1;\n1,5;2,5;x;L1"),
        (Format::Json, "{\"Torqe\": 1, \"Druck\": 2}"),
        (Format::Json, "{\"Torque\": 1, \"Torque (kNm)\": 2}"),
        (Format::Json, "{\"instances\": [[1, 2, 0, \"L1\"]], \"inputs\": []}"),
        (Format::Json, "{\"Torque\": NaN}"),
        (Format::Json, "{\"Torque\": 1"),
        (Format::Json, "{\"Torque\": 1} x"),
        (Format::Json, "\"Torque\""),
        (Format::Json, "{\"Speed\": 1}"),
        (Format::Json, "{}"),
        (Format::Json, "{\"Torque\": 1, \"Torque\": 2}"),
        (Format::Json, "{\"TORQUE\": 1, \"torque\": 2}"),
        (Format::Json, "{\"instances\": [[1, 2, 0, \"L1\"]], \"instances\": []}"),
        (Format::Json, "{\"instances\": [[1, 2, 0, \"L1\"], {\"Torque\": [1]}]}"),
        (Format::Json, "{\"instances\": [[1, 2, 0, \"L1\"], 5]}"),
        (Format::Json, "{\"columns\": [\"Torque\", 3], \"data\": [[1, 2]]}"),
        (Format::Json, "{\"columns\": [\"Torque\"], \"data\": [[1]]}"),
        (
            Format::Json,
            "{\"columns\": [\"Torque\", \"Druck\", \"Door\", \"Line\"], \"data\": [[1, 2, 0, \"L1\"], [1]]}",
        ),
        (Format::Json, "[1, 2, 0]"),
        (Format::Json, "{\"Torque\": \"1,5\"}"),
        (Format::Json, &deep),
        (Format::Json, &long),
        (Format::JsonLines, "[1, 2, 0, \"L1\"]\n{\"Torque\": 1}}\n"),
        (Format::JsonLines, "[1, 2, 0, \"L1\"]\n3\n"),
        (Format::JsonLines, "[1, 2, 0, \"L1\"]\n\n[1, 2, 0, \"L1\"]\n"),
    ];
    let said: Vec<String> = cases
        .iter()
        .map(|(format, text)| {
            let error = read(*format, text).expect_err(text);
            let shown: String = text.chars().take(70).collect();
            format!("{format:?} {shown:?}\n    {error}")
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"));
    let error = read_as(CsvFormat::default(), Format::Json, b"{\"Torque\": \"\xff\"}").unwrap_err();
    assert!(error.contains("is not JSON"), "{error}");
}

/// A column may be left out beside others with similar names; a name that the model does not use is a slip.
#[test]
fn a_column_may_be_left_out_beside_similar_ones() {
    let similar = made::similar();
    let reader = RecordsReader::new(&similar, None).unwrap();
    let read = |text: &str| {
        let read = reader.read(Format::Json, CsvFormat::default(), text.as_bytes());
        read.map(|records| records.readings).map_err(|error| error.to_string())
    };
    let partial = read(r#"{"Sensor_1": 1, "Sensor_3": 3}"#).unwrap();
    assert_eq!((partial[0], partial[1].is_nan(), partial[2]), (1.0, true, 3.0));
    for (text, name, column) in [
        (r#"{"Sensor_1": 1, "Sensr_2": 2}"#, "Sensr_2", "Sensor_2"),
        (r#"{"Sensor_1": 1, "Sensor_2_new": 2, "other": 3}"#, "Sensor_2_new", "Sensor_2"),
        (r#"{"Sensr_1 (V)": 1}"#, "Sensr_1 (V)", "Sensor_1"),
    ] {
        let expected =
            format!("the request has `{name}`, which is no column here; did you mean `{column}`?");
        assert_eq!(read(text).unwrap_err(), expected);
    }
    assert!(read(r#"{"Sensor_1": 1, "Temperature": 2}"#).is_ok());
    // Where columns may not be left out, only names that are not used are proposed.
    let csv = reader.read(Format::Csv, CsvFormat::default(), b"Sensor_1,Sensor_2,x\n1,2,3\n");
    let error = csv.unwrap_err().to_string();
    assert_eq!(error, "the request lacks column `Sensor_3`; columns found: Sensor_1, Sensor_2, x");
}

/// What one member of a document says of the records is not left out beside another one.
#[test]
fn a_document_with_several_kinds_of_records_is_refused() {
    let columns = r#""columns": ["Line", "Torque", "Druck", "Door"]"#;
    let data = r#""data": [["L1", 1, 2, 0]]"#;
    let split = format!("\"dataframe_split\": {{{columns}, {data}}}");
    let instances = r#""instances": [[1, 2, 0, "L1"]]"#;
    let inputs = r#""inputs": [[1, 2, 0, "L1"]]"#;
    let record = r#""Torque": 1, "Druck": 2, "Door": 0, "Line": "L1""#;
    for (members, both) in [
        ([instances, inputs], "`instances` and `inputs`"),
        ([r#""inputs": {"Torque": 1}"#, instances], "`instances` and `inputs`"),
        ([columns, instances], "`instances` and `columns`"),
        ([inputs, columns], "`inputs` and `columns`"),
        ([instances, data], "`instances` and `data`"),
        ([instances, &split], "`instances` and `dataframe_split`"),
        ([&split, columns], "`dataframe_split` and `columns`"),
        ([&split, data], "`dataframe_split` and `data`"),
        ([record, instances], "`instances` and `Torque`"),
        ([&split, record], "`dataframe_split` and `Torque`"),
        ([&format!("{columns}, {data}"), record], "`columns` and `Torque`"),
        ([&format!("{columns}, {data}"), instances], "`instances` and `columns`"),
    ] {
        let text = format!("{{{}}}", members.join(", "));
        let error = read(Format::Json, &text).expect_err(&text);
        let expected = format!("the request has {both}, expected all records in one of them");
        assert_eq!(error, expected, "{text}");
    }
    // Members that hold no records are those of other servers.
    let others = format!("{{{instances}, \"parameters\": {{\"a\": [1]}}, \"columns\": null}}");
    assert_eq!(read(Format::Json, &others).unwrap().count, 1);
    let index = format!("{{\"index\": [0], {columns}, {data}}}");
    assert_eq!(read(Format::Json, &index).unwrap().count, 1);
}

/// A long text is read in blocks, by several threads.
#[test]
fn every_line_of_a_long_text_is_read_as_it_would_be_alone() {
    for end in ["\n", "\r\n"] {
        let line = |index: usize| format!("{index},{}.5,no,L1{end}", index % 90);
        let lines: Vec<String> = (0..20_000).map(line).collect();
        let text = lines.concat();
        for text in [text.clone(), format!("{text}{end}{end}"), text.trim_end().to_owned()] {
            let found = read(Format::Csv, &text).unwrap();
            assert_eq!(found.count, lines.len());
            let torque: Vec<f64> = found.readings.iter().step_by(4).copied().collect();
            assert!(torque.iter().enumerate().all(|(index, torque)| *torque == index as f64));
        }
        for place in [0, 1, 4_000, 9_999, 19_999] {
            let with = |line: String| {
                let mut lines = lines.clone();
                lines[place] = line;
                read(Format::Csv, &lines.concat()).unwrap_err()
            };
            let number = place + 1;
            let bad = with(format!("1,x,no,L1{end}"));
            let expected = "column `Oil_Pressure`: found `x`, expected a number";
            assert_eq!(bad, format!("the request, line {number}: {expected}"));
            if place < 19_999 {
                let blank = with(end.to_owned());
                let expected = "is blank, expected a record";
                assert_eq!(blank, format!("the request, line {number} {expected}"));
            }
        }
        // A blank line at every place where a block may end.
        for place in (3_000..3_400).step_by(13) {
            let mut lines = lines[..8_000].to_vec();
            lines.insert(place, end.to_owned());
            let error = read(Format::Csv, &lines.concat()).unwrap_err();
            let number = place + 1;
            assert_eq!(error, format!("the request, line {number} is blank, expected a record"));
        }
        let quoted = text.replace(",no,", ",\"no\",");
        assert_eq!(read(Format::Csv, &quoted).unwrap().count, lines.len());
    }
}

#[test]
fn content_type_may_say_whether_there_is_a_line_of_names() {
    let present =
        |text: &str| read_as(with_header(CsvHeader::Present), Format::Csv, text.as_bytes());
    let absent = |text: &str| read_as(with_header(CsvHeader::Absent), Format::Csv, text.as_bytes());
    assert_eq!(present("Torque,Druck,Door,Line\n1,2,no,L1").unwrap().count, 1);
    assert!(present("1,2,no,L1\n1,2,no,L1").unwrap_err().contains("lacks column `Torque`"));
    assert_eq!(absent("1,2,no,L1").unwrap().count, 1);
    assert!(absent("Torque,Druck,Door,Line\n1,2,no,L1").unwrap_err().contains("line 1"));
}

/// A line that may be names or a record is neither, and so is one that several separators divide into a record.
#[test]
fn what_may_be_read_in_two_ways_is_an_error() {
    let words = made::words();
    let reader = RecordsReader::new(&words, None).unwrap();
    let read = |csv: CsvFormat, text: &str| {
        let read = reader.read(Format::Csv, csv, text.as_bytes());
        read.map(|records| records.count).map_err(|error| error.to_string())
    };
    let found = CsvFormat::default();
    let either = "the request, line 1 may be names or a record";
    assert!(read(found, "Line,Door\nL1,open").unwrap_err().starts_with(either));
    assert_eq!(read(with_header(CsvHeader::Present), "Line,Door\nL1,open"), Ok(1));
    assert_eq!(read(with_header(CsvHeader::Absent), "Line,Door\nL1,open"), Ok(2));
    // Names that the model does not know are no values that it knows.
    for text in ["Line,Dor\nL1,open", "line,Tür\nL1,open", "Linie,Tür\nL1,open\nL2,shut"] {
        assert!(read(found, text).unwrap_err().starts_with(either), "{text}");
        let lines = text.lines().count();
        assert_eq!(read(with_header(CsvHeader::Absent), text), Ok(lines), "{text}");
    }
    assert_eq!(read(found, "L9,ajar"), Ok(1));
    assert_eq!(read(found, "L1,open\nL9,ajar"), Ok(2));
    // One name of two may be a value.
    assert_eq!(read(found, "Line,open\nL1,open"), Ok(2));
    let divided = "the request, line 1 may be divided by comma or semicolon";
    assert!(read(found, "L;1,open").unwrap_err().starts_with(divided));
    let comma = CsvFormat { separator: Some(b','), ..found };
    assert_eq!(read(comma, "L;1,open"), Ok(1));
    // Numbers decide where they can.
    let german = read_as(found, Format::Csv, b"14,8;70,5;x;L1").unwrap_err();
    assert!(german.contains("found `x`, expected yes or no"), "{german}");
    let readings = read_as(found, Format::Csv, b"14,8;70,5;0;L1").unwrap().readings;
    assert_eq!(readings[..2], [14.8, 70.5]);
    // Decimal commas anywhere say what points are.
    let grouped = read_as(found, Format::Csv, b"14,8;1.234;0;L1\n1.234,5;7;0;L1").unwrap();
    assert_eq!(grouped.readings[1], 1234.0);
    assert_eq!(grouped.readings[4], 1234.5);
    let declared = |mark| CsvFormat { decimal: Some(mark), ..found };
    for (mark, reading) in [(b'.', 1.234), (b',', 1234.0)] {
        let found = read_as(declared(mark), Format::Csv, b"5;1.234;0;L1").unwrap();
        assert_eq!(found.readings[1], reading);
    }
    let error = read_as(found, Format::Csv, b"1,2,no,L1\n1,2,no,gr\xfc\xdfe\n").unwrap_err();
    assert_eq!(error, "the request, line 2 is not UTF-8");
    assert!(RecordsReader::new(&words, Some("Line,Door\nx,y")).is_err());
}

#[test]
fn answers_have_limits() {
    let model = model();
    let reader = RecordsReader::new(&model, None).unwrap();
    let names = AnswerNames::new(&model, "7");
    let answer = |(rows, format, explain), limits: &AnswerLimits<'_>| {
        let text = "14.8,70.5,yes,L2\n".repeat(rows);
        let mut records = reader.read(Format::Csv, CsvFormat::default(), text.as_bytes()).unwrap();
        let options = AnswerOptions { explain, ..AnswerOptions::default() };
        let answered = answer_text(&model, &names, options, format, &mut records, limits);
        answered.map(|(text, _)| text.len())
    };
    let formats = [
        (Format::Csv, false),
        (Format::Csv, true),
        (Format::Json, false),
        (Format::JsonLines, false),
    ];
    // One piece and several ones, also of explained answers.
    let path_dependent = Some(Explanation::PathDependent);
    let sizes = [(1, None), (5_000, None), (7, path_dependent), (100, path_dependent)];
    let cases = formats.map(|format| sizes.map(|(rows, explain)| (rows, format, explain)));
    for rows in cases.into_iter().flatten() {
        let length = answer(rows, &WITHOUT_LIMITS).unwrap();
        let limits = |length| AnswerLimits { length, is_cancelled: &|| false };
        assert_eq!(answer(rows, &limits(length)), Ok(length), "{rows:?}");
        let less = length - 1;
        assert_eq!(answer(rows, &limits(less)), Err(AnswerError::TooLong(less)), "{rows:?}");
        let cancelled = AnswerLimits { length, is_cancelled: &|| true };
        assert_eq!(answer(rows, &cancelled), Err(AnswerError::Cancelled));
    }
}

/// Only the first piece of a file has its line of names, and the others would be read in another order.
#[test]
fn a_piece_may_not_begin_with_names_that_other_pieces_lack() {
    let piece =
        |text: &str| read_as(with_header(CsvHeader::IfNamedInPiece), Format::Csv, text.as_bytes());
    assert_eq!(piece("Torque,Oil_Pressure,Door,Line\n1,2,no,L1").unwrap().count, 1);
    for text in [
        "Oil_Pressure,Torque,Door,Line\n1,2,no,L1",
        "Torque,Oil_Pressure,Door,Line,Operator\n1,2,no,L1,x",
        "Torque (kNm),Oil_Pressure,Door,Line\n1,2,no,L1",
    ] {
        let error = piece(text).unwrap_err();
        assert!(error.contains("lines without it are read as: Torque, Oil_Pressure"), "{error}");
    }
    // Where the fields of lines without names are given, they are those.
    let columns = "Operator,Oil_Pressure,Torque [kNm],Door,Line";
    let reader = RecordsReader::new(&model(), Some(columns)).unwrap();
    let read = |text: &str| {
        reader.read(Format::Csv, with_header(CsvHeader::IfNamedInPiece), text.as_bytes())
    };
    let whole = read("Operator,Oil_Pressure,Torque [kNm],Door,Line\nx,2,0.001,no,L1").unwrap();
    assert_eq!(whole.readings[..2], [1.0, 2.0]);
    assert_eq!(read("x,2,0.001,no,L1").unwrap().readings, whole.readings);
}

#[test]
fn a_text_of_many_sets_of_names_ends() {
    let record = |index: usize| format!("{{\"Torque\": 1, \"x{index}\": 0}}\n");
    let text: String = (0..2_000).map(record).collect();
    let error = read(Format::JsonLines, &text).unwrap_err();
    assert!(error.starts_with("the request, line 1001: its names are the 1000th set"), "{error}");
    // Sets that were met before may alternate.
    let text: String = (0..4_000).map(|index| record(index % 3)).collect();
    assert_eq!(read(Format::JsonLines, &text).unwrap().count, 4_000);
    let members: Vec<String> = (0..20_000).map(|index| format!("\"x{index}\": 0")).collect();
    let text = format!("{{\"Torque\": 1, {}}}", members.join(", "));
    let error = read(Format::Json, &text).unwrap_err();
    assert_eq!(error, "the request has more than 16384 members");
}

#[test]
fn answers_are_lines_that_can_be_joined() {
    let model = model();
    let usual = AnswerOptions::default();
    let whole = "14.8,70.5,yes,L2\n24.9,,no,L9\n99,63,no,L1";
    let csv = answered(&model, usual, Format::Csv, whole);
    // However the lines are split, the answers joined are the same.
    let lines: Vec<&str> = whole.lines().collect();
    for split in 1..lines.len() {
        let pieces = [lines[..split].join("\n"), lines[split..].join("\n")];
        let joined = pieces.map(|piece| answered(&model, usual, Format::Csv, &piece)).join("\n");
        assert_eq!(joined, csv);
    }
    let json = r#"{"instances": [[14.8, 70.5, "yes", "L2"], [24.9, null, "no", "L9"]]}"#;
    let single = r#"{"Torque": 14.8, "Druck": 70.5, "Door": "yes", "Line": "L2"}"#;
    let strict = AnswerOptions { threshold: 0.95, explain: Some(Explanation::PathDependent) };
    let texts = [
        csv,
        answered(&model, usual, Format::Json, json),
        answered(&model, usual, Format::Json, single),
        answered(&model, strict, Format::JsonLines, single),
    ];
    insta::assert_snapshot!(texts.join("\n\n"));
    let line = answered(&model, strict, Format::Csv, lines[0]);
    let numbers: Vec<f64> = line.split(',').skip(6).map(|number| number.parse().unwrap()).collect();
    let probability: f64 = line.split(',').nth(1).unwrap().parse().unwrap();
    assert!((numbers.iter().sum::<f64>() - probability).abs() < 1e-9, "{line}");
}

#[test]
fn interventional_answers_say_so_and_add_up() {
    let model = model();
    let kind = Explanation::Interventional;
    let options = AnswerOptions { explain: Some(kind), ..AnswerOptions::default() };
    let record = "14.8,70.5,yes,L2";
    let array = r#"[14.8, 70.5, "yes", "L2"]"#;
    let json = answered(&model, options, Format::Json, array);
    assert!(json.contains(r#", "explanation": "interventional", "base_value": "#), "{json}");
    assert_eq!(answered(&model, options, Format::JsonLines, array), json);
    let line = answered(&model, options, Format::Csv, record);
    let numbers: Vec<&str> = line.split(',').skip(6).collect();
    let names = model.contributors().iter().zip(&numbers[1..]);
    let named = names.map(|(name, number)| format!("\"{name}\": {number}"));
    let expected = format!(
        "\"base_value\": {}, \"contributions\": {{{}}}}}",
        numbers[0],
        named.collect::<Vec<_>>().join(", ")
    );
    assert!(json.ends_with(&expected), "{json} {expected}");
    let sum: f64 = numbers.iter().map(|number| number.parse::<f64>().unwrap()).sum();
    let probability = |line: &str| line.split(',').nth(1).unwrap().parse::<f64>().unwrap();
    assert!((sum - probability(&line)).abs() < 1e-12, "{line}");
    // The base value is the mean over the rows that the model was trained with.
    let rows = made::TABLE.lines().skip(1).filter_map(|line| Some(line.rsplit_once(',')?.0));
    let rows = rows.collect::<Vec<_>>().join("\n");
    let answers = answered(&model, AnswerOptions::default(), Format::Csv, &rows);
    let mean = answers.lines().map(probability).sum::<f64>() / 6.0;
    assert!((model.base(kind).unwrap() - mean).abs() < 1e-12, "{mean}");
    assert_ne!(model.base(Explanation::PathDependent).unwrap(), model.base(kind).unwrap());
    // A model may explain in one way by itself.
    let explaining = model.with_explanations_of(kind).unwrap();
    assert_eq!(answered(&explaining, explaining.options(), Format::Csv, record), line);
}

#[test]
fn a_model_without_training_rows_does_not_explain_in_another_way() {
    let model = Model::new(Bundle { background: None, ..made::bundle() });
    let options =
        AnswerOptions { explain: Some(Explanation::Interventional), ..AnswerOptions::default() };
    let reader = RecordsReader::new(&model, None).unwrap();
    let mut records = reader.read(Format::Csv, CsvFormat::default(), b"14.8,70.5,yes,L2").unwrap();
    let names = AnswerNames::new(&model, "7");
    let limits = WITHOUT_LIMITS;
    let refused = answer_text(&model, &names, options, (Format::Csv, false), &mut records, &limits);
    insta::assert_snapshot!(refused.unwrap_err(), @"interventional explanations need training rows, of which the model has none: train it again");
    // It explains by its covers, as before, and counts with less memory.
    assert!(model.base(Explanation::PathDependent).is_ok());
    assert!(model.memory() < made::model().memory());
    assert!(model.with_explanations_of(Explanation::Interventional).is_err());
}

//! Reads the records of requests. The first byte names the format of the others: `c` CSV, `n` CSV without a line
//! of names, `p` CSV that may be a piece of a file, `j` JSON, `l` JSON lines.

#![no_main]

use std::sync::LazyLock;

use inference::{
    AnswerLimits, AnswerNames, AnswerOptions, CsvFormat, CsvHeader, Explanation, Format, Model,
    RecordsReader, answer_text,
};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/inference/tests/made/mod.rs"]
mod made;

static MODEL: LazyLock<(Model, AnswerNames)> = LazyLock::new(|| {
    let model = made::model();
    let names = AnswerNames::new(&model, "7");
    (model, names)
});

const LIMITS: AnswerLimits<'_> = AnswerLimits { length: usize::MAX, is_cancelled: &|| false };

/// Returns the answers to a text in the same format.
fn answer(
    reader: &RecordsReader,
    format: Format,
    csv: CsvFormat,
    explain: Option<Explanation>,
    text: &[u8],
) -> Option<String> {
    let (model, names) = &*MODEL;
    let mut records = reader.read(format, csv, text).ok()?;
    let width = model.schema().columns().len();
    assert!(records.count > 0 && records.readings.len() == records.count * width);
    assert!(!records.is_single || records.count == 1);
    let options = AnswerOptions { explain, ..AnswerOptions::default() };
    let (answers, counts) =
        answer_text(model, names, options, (format, false), &mut records, &LIMITS)
            .expect("answers");
    assert_eq!(counts.rows as usize, records.count);
    let answers = String::from_utf8(answers).expect("UTF-8");
    match format {
        Format::Json => {
            let document: serde_json::Value = serde_json::from_str(&answers).expect("JSON");
            let list = document["predictions"].as_array().map_or(1, Vec::len);
            assert_eq!(list, records.count);
        }
        Format::JsonLines | Format::Csv => assert_eq!(answers.lines().count(), records.count),
    }
    Some(answers)
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, text)) = data.split_first() else { return };
    let (format, header) = match kind {
        b'n' => (Format::Csv, CsvHeader::Absent),
        b'p' => (Format::Csv, CsvHeader::IfNamedInPiece),
        b'j' => (Format::Json, CsvHeader::IfNamed),
        b'l' => (Format::JsonLines, CsvHeader::IfNamed),
        _ => (Format::Csv, CsvHeader::IfNamed),
    };
    let (model, _) = &*MODEL;
    let reader = RecordsReader::new(model, None).expect("the model's own columns");
    let csv = CsvFormat { header, ..CsvFormat::default() };
    let answer = |text: &[u8]| answer(&reader, format, csv, None, text);
    let whole = answer(text);
    // Names that were met before are read in the same way.
    assert_eq!(answer(text), whole);
    for kind in [Explanation::PathDependent, Explanation::Interventional] {
        let _ = self::answer(&reader, format, csv, Some(kind), text);
    }
    // Each line alone has the same answer, where a line is a record and is divided by commas alone.
    let divides = |byte: &u8| matches!(byte, b'"' | b'\r' | b';' | b'\t' | b'|');
    if let (Some(whole), b'n') = (whole, kind)
        && !text.iter().any(divides)
    {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let alone: Option<Vec<String>> = lines.map(answer).collect();
        assert_eq!(alone.map(|alone| alone.join("\n")), Some(whole));
    }
});

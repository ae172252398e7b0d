//! Reads the records of requests. The first byte names the format of the others: `c` CSV, `n` CSV without a line
//! of names, `p` CSV that may be a piece of a file, `j` JSON, `l` JSON lines.

#![no_main]

use std::sync::LazyLock;

use inference::{
    AnswerLimits, AnswerNames, AnswerOptions, CsvFormat, CsvHeader, Format, Model, RecordsReader,
    answer_text,
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
    text: &[u8],
) -> Option<String> {
    let (model, names) = &*MODEL;
    let mut records = reader.read(format, csv, text).ok()?;
    let width = model.schema().columns().len();
    assert!(records.count > 0 && records.readings.len() == records.count * width);
    assert!(!records.is_single || records.count == 1);
    let options = AnswerOptions { explain: text.len() % 2 == 0, ..AnswerOptions::default() };
    let (answers, counts) =
        answer_text(model, names, options, (format, false), &mut records, &LIMITS).expect("answers");
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
    let first = answer(&reader, format, csv, text);
    // Names that were met before are read in the same way.
    assert_eq!(answer(&reader, format, csv, text), first);
    // Each line alone has the same answer. A line end in quotes ends no record.
    if let (Some(whole), true, b'n' | b'l') = (first, !text.contains(&b'"') || *kind == b'l', kind)
    {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let lines: Vec<&[u8]> = lines.collect();
        // A carriage return alone ends a line of CSV, too; the separator of the first line is that of all.
        let alone: Option<Vec<String>> =
            lines.iter().map(|line| answer_plain(&reader, format, csv, line)).collect();
        if let Some(alone) = alone
            && !text.contains(&b'\r')
            && lines.len() == whole.lines().count()
            && answer_plain(&reader, format, csv, text).is_some()
        {
            let whole = answer_plain(&reader, format, csv, text).unwrap_or_default();
            // Another separator may divide a line that is alone.
            if !text.iter().any(|byte| matches!(byte, b';' | b'\t' | b'|')) {
                assert_eq!(alone.join("\n"), whole);
            }
        }
    }
});

/// Returns the answers without explanations.
fn answer_plain(
    reader: &RecordsReader,
    format: Format,
    csv: CsvFormat,
    text: &[u8],
) -> Option<String> {
    let (model, names) = &*MODEL;
    let mut records = reader.read(format, csv, text).ok()?;
    let options = AnswerOptions::default();
    let (answers, _) = answer_text(model, names, options, (format, false), &mut records, &LIMITS).ok()?;
    String::from_utf8(answers).ok()
}

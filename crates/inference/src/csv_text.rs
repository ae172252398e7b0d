//! Reads a CSV in memory: its separator, its line of names, its decimal marks, and its records.

use std::sync::Arc;

use dataset::{CsvRecord, CsvRecords, NumberFormat, NumberOfTwoMeanings, RecordError};
use memchr::{memchr, memchr_iter};
use rayon::prelude::*;

use crate::record_names::{Named, RecordNames, Style};
use crate::record_text::{CsvFormat, CsvHeader, Place, Records, SUBJECT, shown, shown_names};
use crate::records_error::RecordsError;

/// The separators, the likeliest first, with their names.
const SEPARATORS: [(u8, &str); 4] =
    [(b',', "comma"), (b';', "semicolon"), (b'\t', "tab"), (b'|', "pipe")];
/// The length of the blocks into which a long text is divided.
const BLOCK_BYTES: usize = 64 << 10;

/// Reads the records of a text.
pub(crate) fn read(
    reader: &RecordNames,
    format: CsvFormat,
    text: &[u8],
) -> Result<Records, RecordsError> {
    let mut records = Records::default();
    if let Err(error) = std::str::from_utf8(text) {
        let before = &text[..error.valid_up_to()];
        return Err(RecordsError::NotUtf8(1 + memchr_iter(b'\n', before).count() as u64));
    }
    let Some(first) = FirstLine::find(text, reader, format)? else { return Ok(records) };
    let mut lines = CsvRecords::new(SUBJECT, text, 1, first.separator);
    let begin = match &first.names {
        Some(_) => lines.next()?.map_or(1, |names| names.next_line()),
        None => 1,
    };
    let rest = lines.rest();
    // The parser leaves the second half of CR LF.
    let (before, _) = text.split_at(text.len() - rest.len());
    let rest = rest.strip_prefix(b"\n").filter(|_| before.ends_with(b"\r")).unwrap_or(rest);

    let mut named = |style: Style| -> Result<Arc<Named>, RecordsError> {
        let Some(names) = &first.names else {
            if let Some(prepared) = reader.lines.iter().find(|line| line.style == style) {
                return Ok(Arc::clone(prepared));
            }
            let names = reader.lines[0].names.iter().map(String::as_str);
            let found = reader.named(names, style, &mut Vec::new());
            let (named, _) = found
                .map_err(|problem| RecordsError::Names { place: SUBJECT.to_owned(), problem })?;
            return Ok(named);
        };
        let names = names.iter().map(String::as_str);
        let found = reader.named(names, style, &mut records.remarks);
        let (named, _) =
            found.map_err(|problem| RecordsError::Names { place: SUBJECT.to_owned(), problem })?;
        Ok(named)
    };
    let points = named(Style::DECIMAL_POINTS)?;
    if first.names.is_some()
        && format.header == CsvHeader::IfNamedInPiece
        && !points.records.reads_as(&reader.lines[0].records)
    {
        let expected = shown_names(&reader.lines[0].names);
        return Err(RecordsError::PieceHeader { expected });
    }
    // Between commas, a comma is a decimal mark only where that is said.
    let style = if first.separator == b',' && format.decimal != Some(b',') {
        Style::DECIMAL_POINTS
    } else {
        Style::Line(find_numbers(&points, rest, begin, first.separator, format.decimal)?)
    };
    let named = if style == Style::DECIMAL_POINTS { points } else { named(style)? };
    let has_names = first.names.is_some();
    let lines = Lines { named: &named, has_names, separator: first.separator };
    for (readings, count) in lines.read_blocks(rest, begin, reader.most_records())? {
        records.count += count;
        if records.readings.is_empty() {
            records.readings = readings;
        } else {
            records.readings.extend(readings);
        }
    }
    if records.count > reader.most_records() {
        return Err(RecordsError::TooMany(reader.most_records()));
    }
    if has_names && records.count == 0 {
        return Err(RecordsError::HeaderAlone);
    }
    // Names that the model does not know are words as others are.
    if !has_names
        && records.count > 1
        && !matches!(format.header, CsvHeader::Present | CsvHeader::Absent)
        && reader.may_be_names(&records.readings[..reader.width()])
    {
        return Err(RecordsError::NamesOrRecord);
    }
    Ok(records)
}

/// The first line.
struct FirstLine {
    separator: u8,
    /// Its fields, if they are names.
    names: Option<Vec<String>>,
}

impl FirstLine {
    /// Finds the separator, and whether the first line has names; `None` if there is no line.
    fn find(
        text: &[u8],
        reader: &RecordNames,
        format: CsvFormat,
    ) -> Result<Option<Self>, RecordsError> {
        // Most lines have one of the separators.
        let begin = text.iter().position(|byte| !matches!(byte, b'\n' | b'\r')).unwrap_or_default();
        let line = &text[begin..];
        let line = &line[..memchr(b'\n', line).unwrap_or(line.len())];
        let is_wanted = |separator: u8| format.separator.is_none_or(|wanted| wanted == separator);
        let mut possible = Vec::new();
        let mut best: Option<(usize, Self)> = None;
        for (separator, name) in
            SEPARATORS.into_iter().filter(|(separator, _)| is_wanted(*separator))
        {
            let is_first = format.separator.is_some() || separator == SEPARATORS[0].0;
            if !is_first && memchr(separator, line).is_none() {
                continue;
            }
            let mut lines = CsvRecords::new(SUBJECT, text, 1, separator);
            let first = match lines.next() {
                Ok(Some(first)) => first,
                Ok(None) => return Ok(None),
                Err(error) if is_first => return Err(error.into()),
                // The line has too many fields with this separator.
                Err(_) => continue,
            };
            let named = if format.header == CsvHeader::Absent {
                0
            } else {
                first.fields().filter(|field| reader.known.contains(field)).count()
            };
            let is_header = format.header == CsvHeader::Present || 2 * named > reader.width();
            if is_header && best.as_ref().is_none_or(|(most, _)| named > *most) {
                let is_record = || can_be_record(reader, &first, format.decimal);
                if format.header != CsvHeader::Present && is_record() {
                    return Err(RecordsError::NamesOrRecord);
                }
                best = Some((named, Self { separator, names: Some(names(first)) }));
            }
            if is_record_wide(reader, &first) {
                possible.push((separator, name));
            }
        }
        if let Some((_, first)) = best {
            return Ok(Some(first));
        }
        let is_readable = |(separator, _): &&(u8, &str)| {
            let mut lines = CsvRecords::new(SUBJECT, text, 1, *separator);
            matches!(lines.next(), Ok(Some(line)) if can_be_record(reader, &line, format.decimal))
        };
        let separator = match possible[..] {
            [] => format.separator.unwrap_or(SEPARATORS[0].0),
            [(separator, _)] => separator,
            [(likeliest, _), ..] => {
                let readable: Vec<_> = possible.iter().filter(is_readable).collect();
                match readable[..] {
                    [] => likeliest,
                    [(separator, _)] => *separator,
                    _ => {
                        let names: Vec<&str> = readable.iter().map(|(_, name)| *name).collect();
                        return Err(RecordsError::Separators(names.join(" or ")));
                    }
                }
            }
        };
        Ok(Some(Self { separator, names: None }))
    }
}

/// Returns whether a line has as many fields as lines without names; rows may end with a separator.
fn is_record_wide(reader: &RecordNames, line: &CsvRecord<'_>) -> bool {
    let width = reader.lines[0].given;
    line.len() == width || (line.len() == width + 1 && line.field(width).trim_ascii().is_empty())
}

/// Returns whether a line can be read as a record without names.
fn can_be_record(reader: &RecordNames, line: &CsvRecord<'_>, decimal: Option<u8>) -> bool {
    if !is_record_wide(reader, line) {
        return false;
    }
    let fields: Vec<&[u8]> = line.fields().collect();
    let [points, commas] = &reader.lines;
    let reads = |named: &Named| named.records.read(&fields, &mut Vec::new()).is_ok();
    (decimal != Some(b',') && reads(points)) || (decimal != Some(b'.') && reads(commas))
}

/// Returns the fields of a line of names.
pub(crate) fn names(line: CsvRecord<'_>) -> Vec<String> {
    line.fields().map(|field| String::from_utf8_lossy(field).into_owned()).collect()
}

/// Finds how the numbers in a text are written, as it is found of a table.
fn find_numbers(
    named: &Named,
    text: &[u8],
    begin: u64,
    separator: u8,
    decimal: Option<u8>,
) -> Result<NumberFormat, RecordsError> {
    let mut sample = named.records.number_sample();
    let mut lines = CsvRecords::new(SUBJECT, text, begin, separator);
    while let Some(record) = lines.next()?
        && sample.add(record.line, |field| record.field(field))
    {}
    let found = sample.find(decimal, None, separator).map_err(|doubtful| {
        let NumberOfTwoMeanings { number, meanings } = doubtful;
        let meanings = meanings.join(" or ");
        RecordsError::TwoMeanings { line: number.line, found: shown(&number.text), meanings }
    })?;
    if decimal.is_none()
        && let Some([other, number]) = sample.mixed_marks(found)
    {
        let (found, other) = (shown(&number.text), shown(&other.text));
        return Err(RecordsError::DecimalMarks { line: number.line, found, other });
    }
    Ok(found)
}

/// How lines are read.
struct Lines<'a> {
    named: &'a Named,
    /// Whether the names are in the text.
    has_names: bool,
    separator: u8,
}

impl Lines<'_> {
    /// Reads lines, the first of which is line `begin`. Those of a long text are read by all threads of rayon:
    /// readings and number of records of each block.
    fn read_blocks(
        &self,
        text: &[u8],
        begin: u64,
        most: usize,
    ) -> Result<Vec<(Vec<f64>, usize)>, RecordsError> {
        // A line end in quotes ends no record. Blank lines behind the last record are none.
        let end = text.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r'));
        let text = &text[..end.map_or(0, |last| last + 1)];
        if text.len() <= 2 * BLOCK_BYTES || memchr(b'"', text).is_some() {
            return Ok(vec![self.read(text, begin, most)?]);
        }
        let (mut rest, mut line, mut blocks) = (text, begin, Vec::new());
        while !rest.is_empty() {
            let from = BLOCK_BYTES.min(rest.len());
            let end = memchr(b'\n', &rest[from..]).map_or(rest.len(), |end| from + end + 1);
            let (block, behind) = rest.split_at(end);
            // A block that ends in a blank line is followed by records.
            let ends_blank = block.ends_with(b"\n\n") || block.ends_with(b"\n\r\n");
            let lines = memchr_iter(b'\n', block).count() as u64;
            if ends_blank && !behind.is_empty() {
                let blank = RecordsError::Blank(line + lines - 1);
                return Err(self.read(text, begin, most).err().unwrap_or(blank));
            }
            blocks.push((block, line));
            line += lines;
            rest = behind;
        }
        if line - begin >= most as u64 {
            return Err(RecordsError::TooMany(most));
        }
        // The first error of the text is returned.
        let read: Vec<_> =
            blocks.into_par_iter().map(|(block, line)| self.read(block, line, most)).collect();
        read.into_iter().collect()
    }

    fn read(
        &self,
        text: &[u8],
        begin: u64,
        most: usize,
    ) -> Result<(Vec<f64>, usize), RecordsError> {
        let (mut readings, mut count, mut expected) = (Vec::new(), 0, begin);
        let has_quotes = memchr(b'"', text).is_some();
        let mut lines = CsvRecords::new(SUBJECT, text, begin, self.separator);
        while let Some(record) = lines.next()? {
            if record.line > expected {
                return Err(RecordsError::Blank(expected));
            }
            if count == most {
                return Err(RecordsError::TooMany(most));
            }
            expected = record.next_line();
            let place = Place::Line(record.line);
            let fields: Vec<&[u8]> = record.fields().collect();
            if has_quotes && let Some(field) = fields.iter().find(|field| has_late_quote(field)) {
                let found = shown(&String::from_utf8_lossy(field));
                return Err(RecordsError::BlankBeforeQuote { line: record.line, found });
            }
            match self.named.records.read(&fields, &mut readings) {
                Ok(_) => count += 1,
                Err(RecordError::FieldCount { found, expected }) if !self.has_names => {
                    let (place, columns) = (place.shown(), shown_names(&self.named.names));
                    return Err(RecordsError::Width { place, found, expected, columns });
                }
                Err(problem) => return Err(RecordsError::Record { place: place.shown(), problem }),
            }
        }
        Ok((readings, count))
    }
}

/// Returns whether a field begins with blanks and a quote, which other programs read as a quoted field.
fn has_late_quote(field: &[u8]) -> bool {
    let trimmed = field.trim_ascii_start();
    trimmed.len() < field.len() && trimmed.first() == Some(&b'"')
}

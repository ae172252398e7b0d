//! Reads the records of a CSV in bounded memory and reports the line on which each begins; writes fields.

use std::cell::RefCell;
use std::io;

use csv_core::ReadRecordResult;
use memchr::memchr_iter;

/// The maximum length of a record in bytes. The table's rows are a few hundred bytes; a line of a
/// gigabyte is a mistake and must not take a gigabyte of memory.
pub(crate) const MAX_RECORD_BYTES: usize = 1 << 20;
/// The maximum number of fields in a record.
pub(crate) const MAX_FIELDS: usize = 1 << 14;

thread_local! {
    /// Parsers that are not in use, with their separators: making one takes longer than reading a record.
    static PARSERS: RefCell<Vec<(u8, Box<csv_core::Reader>)>> = const { RefCell::new(Vec::new()) };
}
/// The number of parsers that each thread keeps.
const MAX_PARSERS: usize = 4;

/// The ways in which reading a file as CSV fails.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// An I/O error.
    #[error("{file} cannot be read")]
    Unreadable {
        /// The file.
        file: String,
        /// The cause.
        source: io::Error,
    },
    /// A record longer than the limit.
    #[error(
        "{file}, line {line}: the record is longer than {MAX_RECORD_BYTES} bytes; is a quote not \
         closed?"
    )]
    TooLong {
        /// The file.
        file: String,
        /// The line on which the record begins.
        line: u64,
    },
    /// A quote that is still open at the end of the file.
    #[error("{file}, line {line}: a quote is not closed")]
    Unclosed {
        /// The file.
        file: String,
        /// The line on which the record begins.
        line: u64,
    },
    /// A record with more fields than the limit.
    #[error("{file}, line {line}: the record has more than {MAX_FIELDS} fields")]
    TooManyFields {
        /// The file.
        file: String,
        /// The line on which the record begins.
        line: u64,
    },
}

/// Parses a text, or a block of a CSV file, into records.
///
/// ```
/// use dataset::CsvRecords;
///
/// let mut records = CsvRecords::new("the request", b"71.04,\"a, b\"\n", 1, b',');
/// let record = records.next()?.unwrap();
/// assert_eq!((record.len(), record.field(1)), (2, b"a, b".as_slice()));
/// assert!(records.next()?.is_none());
/// # Ok::<(), dataset::CsvError>(())
/// ```
pub struct CsvRecords<'a> {
    file: &'a str,
    rest: &'a [u8],
    parser: Parser,
    text: Vec<u8>,
    ends: Vec<usize>,
    /// Whether the parser has been given the line end that is appended to the block.
    line_end_appended: bool,
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct CsvRecord<'a> {
    /// The line on which the record begins, from 1.
    pub line: u64,
    text: &'a [u8],
    ends: &'a [usize],
}

impl<'a> CsvRecord<'a> {
    /// Returns the number of fields, which is 1 at least.
    #[expect(clippy::len_without_is_empty, reason = "no record is empty")]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns a field without its quotes; an empty one if `index` is out of bounds.
    pub fn field(&self, index: usize) -> &'a [u8] {
        let begin = match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(self.text.len()),
            None => 0,
        };
        let end = self.ends.get(index).copied().unwrap_or(self.text.len());
        self.text.get(begin..end).unwrap_or_default()
    }

    /// Returns the line behind the record. A field in quotes may have line ends.
    pub fn next_line(&self) -> u64 {
        self.line + 1 + count_lines(self.text)
    }

    /// Iterates over the fields.
    pub fn fields(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).map(move |index| self.field(index))
    }
}

/// A parser of records with this separator.
struct Parser {
    separator: u8,
    /// It is there until this is dropped.
    reader: Option<Box<csv_core::Reader>>,
}

impl Parser {
    /// Returns a parser that is ready for the first record, which begins on line `line`.
    fn new(separator: u8, line: u64) -> Self {
        let kept = PARSERS.try_with(|parsers| {
            let mut parsers = parsers.borrow_mut();
            let index = parsers.iter().position(|(other, _)| *other == separator)?;
            Some(parsers.swap_remove(index).1)
        });
        let mut reader = kept.ok().flatten().unwrap_or_else(|| {
            Box::new(csv_core::ReaderBuilder::new().delimiter(separator).build())
        });
        reader.reset();
        // The parser drops a byte order mark in front of the first byte it reads.
        let _ = reader.read_record(b"\n", &mut [], &mut []);
        reader.set_line(line);
        Self { separator, reader: Some(reader) }
    }
}

/// Keeps the parser for the next text.
impl Drop for Parser {
    fn drop(&mut self) {
        let Some(reader) = self.reader.take() else { return };
        // While a thread ends, nothing is kept.
        let _ = PARSERS.try_with(|parsers| {
            let mut parsers = parsers.borrow_mut();
            if parsers.len() < MAX_PARSERS {
                parsers.push((self.separator, reader));
            }
        });
    }
}

impl<'a> CsvRecords<'a> {
    /// Creates a parser of `text`, which begins on line `line` of `file` and has fields between
    /// `separator`s.
    pub fn new(file: &'a str, text: &'a [u8], line: u64, separator: u8) -> Self {
        Self {
            file,
            rest: text,
            parser: Parser::new(separator, line),
            text: vec![0; 1 << 10],
            ends: vec![0; 64],
            line_end_appended: false,
        }
    }

    /// Returns the text that has not been parsed yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns the line on which the rest begins.
    pub(crate) fn line(&self) -> u64 {
        self.parser.reader.as_ref().map_or(0, |reader| reader.line())
    }

    /// Skips `bytes` bytes of the rest, which must be whole records.
    pub(crate) fn skip(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at(bytes);
        let line = self.line() + count_lines(skipped);
        if let Some(reader) = &mut self.parser.reader {
            reader.set_line(line);
        }
        self.rest = rest;
    }

    /// Parses the next record. Blank lines are skipped.
    ///
    /// # Errors
    /// Returns an error if a quote is not closed, or if the record is too long or has too many fields.
    #[expect(clippy::should_implement_trait, reason = "a record borrows from the parser")]
    pub fn next(&mut self) -> Result<Option<CsvRecord<'_>>, CsvError> {
        let (mut written, mut fields) = (0, 0);
        let mut last = None;
        while let Some(reader) = &mut self.parser.reader {
            // A line end is appended to the block, whether its last line has one or not. A record
            // that it does not complete is in an open quote, which the parser would close at the
            // end of the input.
            let at_end = self.rest.is_empty();
            let append = at_end && !self.line_end_appended;
            let input = if append { b"\n" } else { self.rest };
            let (result, read, out, ended) =
                reader.read_record(input, &mut self.text[written..], &mut self.ends[fields..]);
            last = read.checked_sub(1).map(|index| input[index]).or(last);
            if append {
                self.line_end_appended = read > 0;
            } else {
                self.rest = &self.rest[read..];
            }
            written += out;
            fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.text.len() < MAX_RECORD_BYTES => {
                    self.text.resize((self.text.len() * 2).min(MAX_RECORD_BYTES), 0);
                }
                ReadRecordResult::OutputFull => {
                    let (file, line) = (self.file.to_owned(), self.begin_line(written, None));
                    return Err(CsvError::TooLong { file, line });
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < MAX_FIELDS => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    let (file, line) = (self.file.to_owned(), self.begin_line(written, None));
                    return Err(CsvError::TooManyFields { file, line });
                }
                ReadRecordResult::Record => {
                    if at_end && !append {
                        let (file, line) = (self.file.to_owned(), self.begin_line(written, None));
                        return Err(CsvError::Unclosed { file, line });
                    }
                    let line = self.begin_line(written, last);
                    let (text, ends) = (&self.text[..written], &self.ends[..fields]);
                    return Ok(Some(CsvRecord { line, text, ends }));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Returns the line on which the current record begins. `written` is its length and `last` the
    /// last byte taken from the input. The parser has counted the line ends inside the record and
    /// the one after it, which are subtracted here.
    fn begin_line(&self, written: usize, last: Option<u8>) -> u64 {
        let inside = self.text[..written].iter().filter(|&&byte| byte == b'\n').count();
        let after = usize::from(last == Some(b'\n'));
        self.line().saturating_sub((inside + after) as u64)
    }
}

/// Appends a field to a line with commas between its fields, in quotes where it needs them.
pub fn push_field(field: &[u8], text: &mut Vec<u8>) {
    if !field.iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        text.extend_from_slice(field);
        return;
    }
    text.push(b'"');
    for byte in field {
        text.extend_from_slice(if *byte == b'"' { b"\"\"" } else { std::slice::from_ref(byte) });
    }
    text.push(b'"');
}

/// Counts the line ends in `text`.
pub(crate) fn count_lines(text: &[u8]) -> u64 {
    memchr_iter(b'\n', text).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> CsvRecords<'_> {
        CsvRecords::new("a.csv", text.as_bytes(), 1, b',')
    }

    fn read(text: &str) -> Vec<(u64, Vec<String>)> {
        let mut records = records(text);
        let mut found = Vec::new();
        while let Some(record) = records.next().unwrap() {
            let fields = record.fields().map(|f| String::from_utf8_lossy(f).into_owned());
            found.push((record.line, fields.collect()));
        }
        found
    }

    #[test]
    fn skipped_lines_are_counted() {
        let mut records = CsvRecords::new("a.csv", b"1\n2\n\n3\r\n4\n", 7, b',');
        assert_eq!(records.next().unwrap().unwrap().line, 7);
        records.skip("2\n\n".len());
        let record = records.next().unwrap().unwrap();
        assert_eq!((record.line, record.field(0)), (10, b"3".as_slice()));
        records.skip("\n4\n".len());
        assert!(records.next().unwrap().is_none());
    }

    #[test]
    fn records_report_the_line_on_which_they_begin() {
        let lines = |text| read(text).into_iter().map(|(line, _)| line).collect::<Vec<_>>();
        assert_eq!(lines("a,b\n1,2\n3,4"), [1, 2, 3]);
        assert_eq!(lines("a,b\r\n1,2\r\n3,4\r\n"), [1, 2, 3]);
        assert_eq!(lines("a,b\n\n\n1,2\n"), [1, 4]);
        assert_eq!(lines("a,b\n\"x\ny\",2\n3,4\n"), [1, 2, 4]);
    }

    #[test]
    fn quoted_and_empty_fields_are_parsed() {
        let (_, fields) = read("\"a,\"\"b\",,c,\n").remove(0);
        assert_eq!(fields, ["a,\"b", "", "c", ""]);
    }

    #[test]
    fn a_record_over_a_limit_is_an_error_with_its_line() {
        let text = format!("a,b\n1,\"{}", "x\n".repeat(MAX_RECORD_BYTES));
        let mut records = records(&text);
        records.next().unwrap();
        let error = records.next().err().unwrap().to_string();
        assert_eq!(
            error,
            "a.csv, line 2: the record is longer than 1048576 bytes; is a quote not closed?"
        );
        let wide = ",".repeat(MAX_FIELDS + 1);
        let error =
            CsvRecords::new("a.csv", wide.as_bytes(), 1, b',').next().err().unwrap().to_string();
        assert_eq!(error, "a.csv, line 1: the record has more than 16384 fields");
    }

    #[test]
    fn an_unclosed_quote_is_an_error_with_its_line() {
        for text in [
            "a,b\n1,2\n3,\"4\n5,6\n7,8\n",
            "a,b\n1,2\n3,\"4\n5,6\n7,8",
            "a,b\n1,2\n3,\"4",
            "a,b\n1,2\n3,\"4\n5,6\"\"",
        ] {
            let mut records = records(text);
            records.next().unwrap();
            records.next().unwrap();
            let error = records.next().err().unwrap().to_string();
            assert_eq!(error, "a.csv, line 3: a quote is not closed");
        }
        for text in ["a,b\n1,\"x\ny\"", "a,b,c\n1,\"x\ny\",3", "a,b\n1,\"x\ny\"\n", "a\n1\r\n"] {
            assert_eq!(read(text).len(), 2, "{text}");
        }
    }
}

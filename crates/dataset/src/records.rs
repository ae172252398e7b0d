//! Records of a CSV in bounded memory, with the line that each begins on.

use std::io;

use csv_core::ReadRecordResult;

use crate::blocks::{Block, lines};

/// The longest record. The table's rows are a few hundred bytes; a line of a gigabyte is a mistake
/// and must not become a gigabyte of memory.
pub(crate) const LONGEST: usize = 1 << 20;
/// The most fields of a record.
pub(crate) const MOST_FIELDS: usize = 1 << 14;

/// Why a file cannot be read as CSV.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It cannot be read at all.
    #[error("{file} cannot be read")]
    Unreadable {
        /// Which one.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A record without an end.
    #[error(
        "{file}, line {line}: the record is longer than {LONGEST} bytes; is a quote not closed?"
    )]
    TooLong {
        /// The file.
        file: String,
        /// Where the record begins.
        line: u64,
    },
    /// A quote that takes the rest of the file with it.
    #[error("{file}, line {line}: a quote is not closed")]
    Unclosed {
        /// The file.
        file: String,
        /// Where the record begins.
        line: u64,
    },
    /// A record of nothing but commas.
    #[error("{file}, line {line}: the record has more than {MOST_FIELDS} fields")]
    TooManyFields {
        /// The file.
        file: String,
        /// Where the record begins.
        line: u64,
    },
}

/// The records of a block, one after another.
pub(crate) struct Records<'a> {
    file: &'a str,
    rest: &'a [u8],
    parser: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    /// Whether the line end behind the block has been read.
    ended: bool,
}

/// One record.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    /// Where it begins, from 1.
    pub(crate) line: u64,
    text: &'a [u8],
    ends: &'a [usize],
}

impl<'a> Record<'a> {
    /// How many fields there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field, without its quotes; empty beyond the last one.
    pub(crate) fn field(&self, index: usize) -> &'a [u8] {
        let begin = match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(self.text.len()),
            None => 0,
        };
        let end = self.ends.get(index).copied().unwrap_or(self.text.len());
        self.text.get(begin..end).unwrap_or_default()
    }

    /// All fields.
    pub(crate) fn fields(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).map(move |index| self.field(index))
    }
}

impl<'a> Records<'a> {
    pub(crate) fn new(file: &'a str, block: &'a Block) -> Self {
        let mut parser = csv_core::Reader::new();
        // The parser would leave out a byte order mark, had it not read anything before.
        let _ = parser.read_record(b"\n", &mut [], &mut []);
        parser.set_line(block.line);
        let (text, ends) = (vec![0; 1 << 10], vec![0; 64]);
        Self { file, rest: &block.text, parser, text, ends, ended: false }
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Leaves out so many bytes of the rest, which are whole records.
    pub(crate) fn skip(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at(bytes);
        self.parser.set_line(self.parser.line() + lines(skipped));
        self.rest = rest;
    }

    /// The next record; blank lines are none.
    pub(crate) fn next(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        let (mut written, mut fields) = (0, 0);
        let mut last = None;
        loop {
            // A line end behind the last line, whether it has one or not: a record that it does not
            // end is in an open quote, which the parser would take the end of the file to close.
            let at_end = self.rest.is_empty();
            let behind = at_end && !self.ended;
            let input = if behind { b"\n" } else { self.rest };
            let (result, read, out, ended) =
                self.parser.read_record(input, &mut self.text[written..], &mut self.ends[fields..]);
            last = read.checked_sub(1).map(|index| input[index]).or(last);
            if behind {
                self.ended = read > 0;
            } else {
                self.rest = &self.rest[read..];
            }
            written += out;
            fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.text.len() < LONGEST => {
                    self.text.resize((self.text.len() * 2).min(LONGEST), 0);
                }
                ReadRecordResult::OutputFull => {
                    let (file, line) = (self.file.to_owned(), self.begin(written, None));
                    return Err(RecordError::TooLong { file, line });
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < MOST_FIELDS => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    let (file, line) = (self.file.to_owned(), self.begin(written, None));
                    return Err(RecordError::TooManyFields { file, line });
                }
                ReadRecordResult::Record => {
                    if at_end && !behind {
                        let (file, line) = (self.file.to_owned(), self.begin(written, None));
                        return Err(RecordError::Unclosed { file, line });
                    }
                    let line = self.begin(written, last);
                    let (text, ends) = (&self.text[..written], &self.ends[..fields]);
                    return Ok(Some(Record { line, text, ends }));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    /// The line on which the record of the first `written` bytes began, `last` being the last byte
    /// taken from the input. The parser counts line ends: those inside the record and the one after
    /// it are not before it.
    fn begin(&self, written: usize, last: Option<u8>) -> u64 {
        let inside = self.text[..written].iter().filter(|&&byte| byte == b'\n').count();
        let after = usize::from(last == Some(b'\n'));
        self.parser.line().saturating_sub((inside + after) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Block {
        Block { text: text.as_bytes().to_vec(), line: 1, is_short: true }
    }

    fn read(text: &str) -> Vec<(u64, Vec<String>)> {
        let block = block(text);
        let mut records = Records::new("a.csv", &block);
        let mut found = Vec::new();
        while let Some(record) = records.next().unwrap() {
            let fields = record.fields().map(|f| String::from_utf8_lossy(f).into_owned());
            found.push((record.line, fields.collect()));
        }
        found
    }

    #[test]
    fn lines_count_on_over_what_is_left_out() {
        let block = Block { line: 7, ..block("1\n2\n\n3\r\n4\n") };
        let mut records = Records::new("a.csv", &block);
        assert_eq!(records.next().unwrap().unwrap().line, 7);
        records.skip("2\n\n".len());
        let record = records.next().unwrap().unwrap();
        assert_eq!((record.line, record.field(0)), (10, b"3".as_slice()));
        records.skip("\n4\n".len());
        assert!(records.next().unwrap().is_none());
    }

    #[test]
    fn records_know_their_line() {
        let lines = |text| read(text).into_iter().map(|(line, _)| line).collect::<Vec<_>>();
        assert_eq!(lines("a,b\n1,2\n3,4"), [1, 2, 3]);
        assert_eq!(lines("a,b\r\n1,2\r\n3,4\r\n"), [1, 2, 3]);
        assert_eq!(lines("a,b\n\n\n1,2\n"), [1, 4]);
        assert_eq!(lines("a,b\n\"x\ny\",2\n3,4\n"), [1, 2, 4]);
    }

    #[test]
    fn quotes_and_empty_fields() {
        let (_, fields) = read("\"a,\"\"b\",,c,\n").remove(0);
        assert_eq!(fields, ["a,\"b", "", "c", ""]);
    }

    #[test]
    fn a_record_without_end_is_an_error_with_its_line() {
        let text = format!("a,b\n1,\"{}", "x\n".repeat(LONGEST));
        let long = block(&text);
        let mut records = Records::new("a.csv", &long);
        records.next().unwrap();
        let error = records.next().err().unwrap().to_string();
        assert_eq!(
            error,
            "a.csv, line 2: the record is longer than 1048576 bytes; is a quote not closed?"
        );
        let wide = block(&",".repeat(MOST_FIELDS + 1));
        let error = Records::new("a.csv", &wide).next().err().unwrap().to_string();
        assert_eq!(error, "a.csv, line 1: the record has more than 16384 fields");
    }

    #[test]
    fn a_quote_that_is_not_closed_is_an_error_with_its_line() {
        for text in [
            "a,b\n1,2\n3,\"4\n5,6\n7,8\n",
            "a,b\n1,2\n3,\"4\n5,6\n7,8",
            "a,b\n1,2\n3,\"4",
            "a,b\n1,2\n3,\"4\n5,6\"\"",
        ] {
            let block = block(text);
            let mut records = Records::new("a.csv", &block);
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

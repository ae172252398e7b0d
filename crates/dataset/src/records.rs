//! Records of a CSV in bounded memory, with the line that each begins on.

use std::io::{self, BufRead};

use csv_core::ReadRecordResult;

/// The longest record. The table's rows are a few hundred bytes; a line of a gigabyte is a mistake
/// and must not become a gigabyte of memory.
const LONGEST: usize = 1 << 20;
/// The most fields of a record.
const MOST_FIELDS: usize = 1 << 14;
/// UTF-8's byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

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

/// The records of one file.
pub(crate) struct Records<'a, R> {
    file: &'a str,
    input: R,
    parser: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    begun: bool,
    /// Whether the line end behind the file has been read.
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

impl<'a, R: BufRead> Records<'a, R> {
    pub(crate) fn new(file: &'a str, input: R) -> Self {
        let parser = csv_core::Reader::new();
        Self {
            file,
            input,
            parser,
            text: vec![0; 1 << 10],
            ends: vec![0; 64],
            begun: false,
            ended: false,
        }
    }

    /// Takes the byte order mark, if there is one, and gives how many of its bytes came without the
    /// rest. The parser would take a buffer of nothing else for the end of the file.
    fn mark(&mut self) -> Result<usize, RecordError> {
        for (index, byte) in MARK.iter().enumerate() {
            let next = loop {
                match self.input.fill_buf() {
                    Ok(input) => break input.first().copied(),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(source) => {
                        return Err(RecordError::Unreadable { file: self.file.to_owned(), source });
                    }
                }
            };
            if next != Some(*byte) {
                return Ok(index);
            }
            self.input.consume(1);
        }
        Ok(0)
    }

    /// The next record; blank lines are none.
    pub(crate) fn next(&mut self) -> Result<Option<Record<'_>>, RecordError> {
        let (mut written, mut fields) = (0, 0);
        let mut last = None;
        if !self.begun {
            self.begun = true;
            let part = &MARK[..self.mark()?];
            if !part.is_empty() {
                let (_, _, out, ended) =
                    self.parser.read_record(part, &mut self.text, &mut self.ends);
                (written, fields) = (out, ended);
            }
        }
        loop {
            let input = match self.input.fill_buf() {
                Ok(input) => input,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => {
                    return Err(RecordError::Unreadable { file: self.file.to_owned(), source });
                }
            };
            // A line end behind the last line, whether it has one or not: a record that it does not
            // end is in an open quote, which the parser would take the end of the file to close.
            let at_end = input.is_empty();
            let behind = at_end && !self.ended;
            let input = if behind { b"\n" } else { input };
            let (result, read, out, ended) =
                self.parser.read_record(input, &mut self.text[written..], &mut self.ends[fields..]);
            last = read.checked_sub(1).map(|index| input[index]).or(last);
            if behind {
                self.ended = read > 0;
            } else {
                self.input.consume(read);
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

    fn read(text: &str) -> Vec<(u64, Vec<String>)> {
        // Three bytes at a time, so that every state of the parser meets the end of a buffer.
        let input = io::BufReader::with_capacity(3, text.as_bytes());
        let mut records = Records::new("a.csv", input);
        let mut found = Vec::new();
        while let Some(record) = records.next().unwrap() {
            let fields = record.fields().map(|f| String::from_utf8_lossy(f).into_owned());
            found.push((record.line, fields.collect()));
        }
        found
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
        let mut records = Records::new("a.csv", text.as_bytes());
        records.next().unwrap();
        let error = records.next().err().unwrap().to_string();
        assert_eq!(
            error,
            "a.csv, line 2: the record is longer than 1048576 bytes; is a quote not closed?"
        );
        let text = ",".repeat(MOST_FIELDS + 1);
        let error = Records::new("a.csv", text.as_bytes()).next().err().unwrap().to_string();
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
            let input = io::BufReader::with_capacity(3, text.as_bytes());
            let mut records = Records::new("a.csv", input);
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

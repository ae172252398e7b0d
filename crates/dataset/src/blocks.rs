//! Cuts a file into blocks of whole records that can be parsed independently.

use std::io::Read;

use memchr::{memchr, memrchr2};

use crate::csv_records::{CsvError, CsvRecords, MAX_FIELDS, MAX_RECORD_BYTES, count_lines};

/// The length of a block in bytes: long enough to be worth handing to another thread, short enough
/// to stay in the processor's cache meanwhile.
pub(crate) const BLOCK_BYTES: usize = 1 << 18;
/// The maximum length of a block in bytes. A record that does not end within it is over a limit of
/// [`CsvRecords`]: at most half of the bytes in a field are doubled quotes, and at most three bytes
/// are around a field.
const MAX_BLOCK_BYTES: usize = 2 * MAX_RECORD_BYTES + 4 * MAX_FIELDS;
/// The byte order mark of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whole records, except at the end of a file and where a record exceeds the limits.
pub(crate) struct Block {
    pub(crate) text: Vec<u8>,
    /// The line of its first byte, from 1.
    pub(crate) line: u64,
    /// Whether the block is so short that none of its records can be too long.
    pub(crate) is_short: bool,
}

/// Reads one file block by block.
pub(crate) struct BlockReader<'a, R> {
    file: &'a str,
    input: R,
    /// The length of a block in bytes. A longer record makes the block longer.
    size: usize,
    /// The byte between two fields.
    separator: u8,
    /// Bytes that have been read and not been returned yet. They begin with a record.
    rest: Vec<u8>,
    /// The line of the first byte of `rest`.
    line: u64,
    /// The result of the last read: the end of the file or an error. `None` before that.
    end: Option<Result<(), CsvError>>,
}

impl<'a, R: Read> BlockReader<'a, R> {
    /// Creates a reader of `input`, which errors name `file`, with fields between `separator`s.
    pub(crate) fn new(file: &'a str, input: R, size: usize, separator: u8) -> Self {
        Self { file, input, size, separator, rest: Vec::new(), line: 1, end: None }
    }

    /// Makes the input begin on this line of the file.
    pub(crate) fn on_line(self, line: u64) -> Self {
        Self { line, ..self }
    }

    /// Reads the first record and returns its fields, or `None` if the file has no record. Must be
    /// called before [`Self::next`].
    pub(crate) fn header(&mut self) -> Result<Option<Vec<Vec<u8>>>, CsvError> {
        self.fill(self.size.max(2 * BYTE_ORDER_MARK.len()));
        while self.rest.starts_with(BYTE_ORDER_MARK) {
            self.rest.drain(..BYTE_ORDER_MARK.len());
        }
        while let Some(mut block) = self.next()? {
            let mut records = CsvRecords::new(self.file, &block.text, block.line, self.separator);
            let Some(record) = records.next()? else { continue };
            let fields = record.fields().map(<[u8]>::to_vec).collect();
            let header = block.text.len() - records.rest().len();
            self.line = block.line + count_lines(&block.text[..header]);
            block.text.drain(..header);
            block.text.append(&mut self.rest);
            self.rest = block.text;
            return Ok(Some(fields));
        }
        Ok(None)
    }

    /// Returns the next block, or `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Block>, CsvError> {
        let mut size = self.size;
        let length = loop {
            self.fill(size);
            match (whole_records(&self.rest, self.separator), &self.end) {
                (0, None) if size < MAX_BLOCK_BYTES => size = (2 * size).min(MAX_BLOCK_BYTES),
                (0, None) | (_, Some(Ok(()))) => break self.rest.len(),
                (length, _) => break length,
            }
        };
        if length == 0 {
            self.rest.clear();
            return self.end.take().unwrap_or(Ok(())).map(|()| None);
        }
        let rest = self.rest.split_off(length);
        let text = std::mem::replace(&mut self.rest, rest);
        let block = Block { line: self.line, is_short: length <= MAX_RECORD_BYTES, text };
        self.line += count_lines(&block.text);
        Ok(Some(block))
    }

    /// Reads until `rest` has `size` bytes or the input ends.
    fn fill(&mut self, size: usize) {
        let missing = size.saturating_sub(self.rest.len());
        if missing == 0 || self.end.is_some() {
            return;
        }
        self.rest.reserve_exact(missing);
        self.end = match (&mut self.input).take(missing as u64).read_to_end(&mut self.rest) {
            Ok(read) if read == missing => None,
            Ok(_) => Some(Ok(())),
            Err(source) => Some(Err(CsvError::Unreadable { file: self.file.to_owned(), source })),
        };
    }
}

/// Returns the length in bytes of the whole records at the start of `text`. A quote opens a quoted
/// field only as the first byte of the field; a doubled quote does not close the field.
fn whole_records(text: &[u8], separator: u8) -> usize {
    let mut length = 0;
    // The start of the unquoted text, and the position from which to look for the next quote.
    let (mut outside, mut from) = (0, 0);
    loop {
        let quote = memchr(b'"', &text[from..]).map(|at| from + at);
        let begins_field = |byte: u8| byte == separator || matches!(byte, b'\n' | b'\r');
        let opens = |quote: usize| quote == 0 || begins_field(text[quote - 1]);
        if let Some(quote) = quote.filter(|&quote| !opens(quote)) {
            from = quote + 1;
            continue;
        }
        let unquoted = &text[outside..quote.unwrap_or(text.len())];
        length = memrchr2(b'\n', b'\r', unquoted).map_or(length, |at| outside + at + 1);
        let closed = quote.and_then(|quote| end_of_quotes(text, quote + 1));
        let Some(closed) = closed else { return length };
        (outside, from) = (closed, closed);
    }
}

/// Returns the position after the quote that closes the quoted field which contains `from`.
fn end_of_quotes(text: &[u8], mut from: usize) -> Option<usize> {
    loop {
        from += memchr(b'"', &text[from..])? + 1;
        if text.get(from) != Some(&b'"') {
            return Some(from);
        }
        from += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// Returns the header, each block with its line, and the error at the end, if any.
    fn blocks(input: impl Read, size: usize) -> (Vec<String>, Vec<(u64, String)>, Option<String>) {
        let mut blocks = BlockReader::new("a.csv", input, size, b',');
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let header = match blocks.header() {
            Ok(header) => header.into_iter().flatten().map(|field| text(&field)).collect(),
            Err(error) => return (Vec::new(), Vec::new(), Some(error.to_string())),
        };
        let mut found = Vec::new();
        loop {
            match blocks.next() {
                Ok(Some(block)) => found.push((block.line, text(&block.text))),
                Ok(None) => return (header, found, None),
                Err(error) => return (header, found, Some(error.to_string())),
            }
        }
    }

    #[test]
    fn blocks_hold_whole_records_and_report_their_line() {
        let text = "a,b\r\n1,\"2\n\"\"\"\r\n3,4\r\n5,6";
        let (header, found, error) = blocks(text.as_bytes(), 9);
        assert_eq!((header, error), (vec!["a".to_owned(), "b".to_owned()], None));
        let expected = [(1, "\n"), (2, "1,\"2\n\"\"\"\r"), (3, "\n3,4\r\n"), (5, "5,6")];
        assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
        // The blocks of any size add up to the file.
        for size in 1..40 {
            let (_, found, _) = blocks(text.as_bytes(), size);
            let mut line = 1;
            for (begin, block) in &found {
                assert_eq!(*begin, line, "{size}");
                line += count_lines(block.as_bytes());
            }
            let together: String = found.into_iter().map(|(_, block)| block).collect();
            assert!(text.ends_with(&together) && together.contains("3,4"), "{size}");
        }
    }

    #[test]
    fn byte_order_marks_and_blank_lines_before_the_header_are_skipped() {
        for size in [1, 5, 100] {
            for text in ["\u{FEFF}\u{FEFF}\"a,\n\"\n1\n", "\n\r\n\n\n\"a,\n\"\n1\n"] {
                let (header, found, error) = blocks(text.as_bytes(), size);
                assert_eq!((header, error), (vec!["a,\n".to_owned()], None), "{size}");
                let line = count_lines(text.as_bytes());
                assert_eq!(found, [(line, "1\n".to_owned())], "{size}");
            }
            assert_eq!(blocks(&b"\xef\xbb\xbf\n"[..], size), (Vec::new(), Vec::new(), None));
            // A partial mark and a mark after the start of the file are text.
            assert_eq!(blocks(&b"\xef\xbb"[..], size).0, ["\u{FFFD}"]);
            let (_, found, _) = blocks("a\n\u{FEFF}1\n".as_bytes(), size);
            assert_eq!(found, [(2, "\u{FEFF}1\n".to_owned())]);
        }
    }

    #[test]
    fn whole_records_before_a_read_error_are_returned_first() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk is gone"))
            }
        }
        for size in [2, 5, 100] {
            let (header, found, error) = blocks(b"a\n1\n2\n3".chain(Broken), size);
            let together: String = found.into_iter().map(|(_, block)| block).collect();
            assert_eq!((header, together.as_str()), (vec!["a".to_owned()], "1\n2\n"), "{size}");
            assert_eq!(error.as_deref(), Some("a.csv cannot be read"), "{size}");
        }
    }

    #[test]
    fn line_ends_in_quotes_do_not_end_a_record() {
        for (text, rest) in [
            ("", ""),
            ("1,2\n3", "3"),
            ("1,2\r3", "3"),
            ("1,2\r\n", ""),
            ("\"1\n2", "\"1\n2"),
            ("1\n2,\"3\n4\"", "2,\"3\n4\""),
            ("1\n\"2\n\"\"\n\"\n3\"\n", ""),
            ("1\n\"2\n\"\"\n", "\"2\n\"\"\n"),
            ("1\n\"2\"x\",\"\n", "\"2\"x\",\"\n"),
            ("1\n2\"\n3", "3"),
            ("1\n 2 ,\t\"\n3", "3"),
        ] {
            let whole = text.len() - rest.len();
            assert_eq!(whole_records(text.as_bytes(), b','), whole, "{text:?}");
        }
    }
}

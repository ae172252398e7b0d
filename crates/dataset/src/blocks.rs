//! A file in blocks of whole records, each of which can be read without the others.

use std::io::Read;

use memchr::{memchr, memchr_iter, memrchr2};

use crate::records::{LONGEST, MOST_FIELDS, RecordError, Records};

/// How long a block is: long enough to be worth handing to another thread, short enough to stay in
/// the processor's cache meanwhile.
pub(crate) const SIZE: usize = 1 << 18;
/// A record that has no end in so many bytes is too long or has too many fields: at most half of
/// what is in a field is quotes that stand before quotes, and at most three bytes are around it.
const HOPELESS: usize = 2 * LONGEST + 4 * MOST_FIELDS;
/// UTF-8's byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Whole records, but for the end of a file and for a record without end.
pub(crate) struct Block {
    pub(crate) text: Vec<u8>,
    /// The line of its first byte, from 1.
    pub(crate) line: u64,
    /// Whether no record in it can be too long.
    pub(crate) is_short: bool,
}

/// The blocks of one file.
pub(crate) struct Blocks<'a, R> {
    file: &'a str,
    input: R,
    /// How long they are, where records are not longer.
    size: usize,
    /// What has been read and is in no block yet. It begins with a record.
    rest: Vec<u8>,
    /// The line of its first byte.
    line: u64,
    /// What there is behind it, once that is known: the end of the file, or why it cannot be read.
    end: Option<Result<(), RecordError>>,
}

impl<'a, R: Read> Blocks<'a, R> {
    pub(crate) fn new(file: &'a str, input: R, size: usize) -> Self {
        Self { file, input, size, rest: Vec::new(), line: 1, end: None }
    }

    /// The fields of the first record, where there is one; the blocks are those behind it.
    pub(crate) fn header(&mut self) -> Result<Option<Vec<Vec<u8>>>, RecordError> {
        self.fill(self.size.max(2 * MARK.len()));
        while self.rest.starts_with(MARK) {
            self.rest.drain(..MARK.len());
        }
        while let Some(mut block) = self.next()? {
            let mut records = Records::new(self.file, &block);
            let Some(record) = records.next()? else { continue };
            let fields = record.fields().map(<[u8]>::to_vec).collect();
            let behind = records.rest().len();
            let header = block.text.len() - behind;
            self.line = block.line + lines(&block.text[..header]);
            block.text.drain(..header);
            block.text.append(&mut self.rest);
            self.rest = block.text;
            return Ok(Some(fields));
        }
        Ok(None)
    }

    /// The next block.
    pub(crate) fn next(&mut self) -> Result<Option<Block>, RecordError> {
        let mut size = self.size;
        let length = loop {
            self.fill(size);
            match (whole_records(&self.rest), &self.end) {
                (0, None) if size < HOPELESS => size = (2 * size).min(HOPELESS),
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
        let block = Block { line: self.line, is_short: length <= LONGEST, text };
        self.line += lines(&block.text);
        Ok(Some(block))
    }

    /// Reads until there are so many bytes, or no more.
    fn fill(&mut self, size: usize) {
        let missing = size.saturating_sub(self.rest.len());
        if missing == 0 || self.end.is_some() {
            return;
        }
        self.rest.reserve_exact(missing);
        self.end = match (&mut self.input).take(missing as u64).read_to_end(&mut self.rest) {
            Ok(read) if read == missing => None,
            Ok(_) => Some(Ok(())),
            Err(source) => {
                Some(Err(RecordError::Unreadable { file: self.file.to_owned(), source }))
            }
        };
    }
}

/// How many lines end in this text.
pub(crate) fn lines(text: &[u8]) -> u64 {
    memchr_iter(b'\n', text).count() as u64
}

/// How many bytes the whole records take that a text begins with. A quote opens a field that it is
/// the first byte of, and nothing elsewhere; two of them in such a field do not close it.
fn whole_records(text: &[u8]) -> usize {
    let mut length = 0;
    // Where the text outside of quotes begins, and from where to look for the next quote.
    let (mut outside, mut from) = (0, 0);
    loop {
        let quote = memchr(b'"', &text[from..]).map(|at| from + at);
        let opens = |quote: usize| quote == 0 || matches!(text[quote - 1], b',' | b'\n' | b'\r');
        if let Some(quote) = quote.filter(|&quote| !opens(quote)) {
            from = quote + 1;
            continue;
        }
        let unquoted = &text[outside..quote.unwrap_or(text.len())];
        length = memrchr2(b'\n', b'\r', unquoted).map_or(length, |at| outside + at + 1);
        let closed = quote.and_then(|quote| behind_quotes(text, quote + 1));
        let Some(closed) = closed else { return length };
        (outside, from) = (closed, closed);
    }
}

/// Where the quotes end that are open at `from`.
fn behind_quotes(text: &[u8], mut from: usize) -> Option<usize> {
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

    /// The header, and each block with its line; the error at the end, if any.
    fn blocks(input: impl Read, size: usize) -> (Vec<String>, Vec<(u64, String)>, Option<String>) {
        let mut blocks = Blocks::new("a.csv", input, size);
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
    fn blocks_are_of_whole_records_and_know_their_line() {
        let text = "a,b\r\n1,\"2\n\"\"\"\r\n3,4\r\n5,6";
        let (header, found, error) = blocks(text.as_bytes(), 9);
        assert_eq!((header, error), (vec!["a".to_owned(), "b".to_owned()], None));
        let expected = [(1, "\n"), (2, "1,\"2\n\"\"\"\r"), (3, "\n3,4\r\n"), (5, "5,6")];
        assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
        // Whatever their size, together they are the file.
        for size in 1..40 {
            let (_, found, _) = blocks(text.as_bytes(), size);
            let mut line = 1;
            for (begin, block) in &found {
                assert_eq!(*begin, line, "{size}");
                line += lines(block.as_bytes());
            }
            let together: String = found.into_iter().map(|(_, block)| block).collect();
            assert!(text.ends_with(&together) && together.contains("3,4"), "{size}");
        }
    }

    #[test]
    fn a_header_behind_marks_and_blank_lines() {
        for size in [1, 5, 100] {
            for text in ["\u{FEFF}\u{FEFF}\"a,\n\"\n1\n", "\n\r\n\n\n\"a,\n\"\n1\n"] {
                let (header, found, error) = blocks(text.as_bytes(), size);
                assert_eq!((header, error), (vec!["a,\n".to_owned()], None), "{size}");
                let line = lines(text.as_bytes());
                assert_eq!(found, [(line, "1\n".to_owned())], "{size}");
            }
            assert_eq!(blocks(&b"\xef\xbb\xbf\n"[..], size), (Vec::new(), Vec::new(), None));
            // A part of a mark is none, and a mark elsewhere is text.
            assert_eq!(blocks(&b"\xef\xbb"[..], size).0, ["\u{FFFD}"]);
            let (_, found, _) = blocks("a\n\u{FEFF}1\n".as_bytes(), size);
            assert_eq!(found, [(2, "\u{FEFF}1\n".to_owned())]);
        }
    }

    #[test]
    fn what_can_be_read_comes_before_what_cannot() {
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
    fn records_end_outside_of_quotes() {
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
            assert_eq!(whole_records(text.as_bytes()), whole, "{text:?}");
        }
    }
}

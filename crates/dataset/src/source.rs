//! Turns the bytes of a file into UTF-8 text: decompresses and decodes them.

use std::io::{self, Cursor, Read};

use encoding_rs_io::DecodeReaderBytesBuilder;

/// The number of bytes by which the encoding and the layout of a file are found.
pub(crate) const PEEK_BYTES: usize = 1 << 20;

/// The byte order mark of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
/// The first bytes of a ZIP archive, which an Excel workbook is too.
const ZIP: &[u8] = b"PK\x03\x04";
/// The first bytes of a ZIP archive without a file.
const EMPTY_ZIP: &[u8] = b"PK\x05\x06";
/// Formats that are recognised in order to be refused by name.
const OTHER_FORMATS: [(&[u8], &str); 6] = [
    (ZIP, "a ZIP archive or an Excel workbook inside of another file"),
    (b"PAR1", "a Parquet file"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of before 2007 (.xls)"),
    (b"%PDF", "a PDF document"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
];

/// Returns whether a file that begins so is a ZIP archive. Four bytes are enough to tell.
pub(crate) fn is_zip(begin: &[u8]) -> bool {
    begin.starts_with(ZIP) || begin.starts_with(EMPTY_ZIP)
}

/// The encoding of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-16, the lower byte first, as Excel writes it.
    Utf16Le,
    /// UTF-16, the higher byte first.
    Utf16Be,
    /// Windows-1252, of which Latin-1 is a part.
    Windows1252,
}

impl Encoding {
    /// Returns the name, for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
            Self::Windows1252 => "Windows-1252",
        }
    }
}

/// A text and its beginning.
pub(crate) struct Text<'a> {
    /// The first bytes, at most [`PEEK_BYTES`], which `rest` follows.
    pub(crate) begin: Vec<u8>,
    /// What follows.
    pub(crate) rest: Box<dyn Read + 'a>,
    /// Whether `begin` is the whole text.
    pub(crate) is_whole: bool,
    /// Whether blanks separated its fields, which are tabs now.
    pub(crate) is_blank_separated: bool,
    /// What was found: compression and encoding, if they are not the usual ones.
    pub(crate) notes: Vec<String>,
}

impl<'a> Text<'a> {
    /// Decompresses and decodes `input`.
    ///
    /// # Errors
    /// Returns an I/O error, of kind `Unsupported` if the input is in a known format that is
    /// not text.
    pub(crate) fn open(input: impl Read + 'a, declared: Option<Encoding>) -> io::Result<Self> {
        let mut notes = Vec::new();
        let (mut begin, mut input, mut is_whole) = peek(input)?;
        for (magic, name) in [(GZIP, "gzip"), (ZSTD, "zstd")] {
            if !begin.starts_with(magic) {
                continue;
            }
            let whole = Cursor::new(std::mem::take(&mut begin)).chain(input);
            let plain: Box<dyn Read + 'a> = if name == "gzip" {
                Box::new(flate2::read::MultiGzDecoder::new(whole))
            } else {
                Box::new(zstd::stream::read::Decoder::new(whole)?)
            };
            notes.push(format!("compressed with {name}"));
            (begin, input, is_whole) = peek(plain)?;
            break;
        }
        if let Some(name) = other_format(&begin) {
            return Err(unsupported(format!("it is {name}, expected a table as text")));
        }
        let encoding = declared.unwrap_or_else(|| encoding_of(&begin));
        if declared.is_none() && encoding == Encoding::Windows1252 {
            require_windows_1252(&begin)?;
        }
        let marked = begin.starts_with(b"\xff\xfe") || begin.starts_with(b"\xfe\xff");
        if encoding == Encoding::Utf8 && !marked {
            // Some programs write the mark twice.
            while begin.starts_with(BYTE_ORDER_MARK) {
                begin.drain(..BYTE_ORDER_MARK.len());
            }
            // Letters beyond ASCII may come later, and in another encoding.
            let rest: Box<dyn Read + 'a> = if declared.is_some() || is_whole {
                input
            } else {
                let cut = begin.len() - valid_length(&begin);
                let tail = begin.split_off(begin.len() - cut);
                Box::new(Converted::new(
                    Cursor::new(tail).chain(input),
                    Utf8OrWindows1252::default(),
                ))
            };
            let text = Self { begin, rest, is_whole, is_blank_separated: false, notes };
            return text.finish();
        }
        if declared.is_none() {
            notes.push(format!("in {}", encoding.name()));
        }
        let label = match encoding {
            Encoding::Utf8 => encoding_rs::UTF_8,
            Encoding::Utf16Le => encoding_rs::UTF_16LE,
            Encoding::Utf16Be => encoding_rs::UTF_16BE,
            Encoding::Windows1252 => encoding_rs::WINDOWS_1252,
        };
        // A byte order mark wins over this encoding.
        let decoder = DecodeReaderBytesBuilder::new()
            .encoding(Some(label))
            .bom_override(true)
            .build(Cursor::new(begin).chain(input));
        let (begin, rest, is_whole) = peek(decoder)?;
        Self { begin, rest, is_whole, is_blank_separated: false, notes }.finish()
    }

    /// Refuses documents of text that are no tables, and leaves out blanks before quotes, where some
    /// programs write `, "`.
    fn finish(mut self) -> io::Result<Self> {
        if let Some(name) = document(&self.begin) {
            return Err(unsupported(format!("it is {name}, expected a table as text")));
        }
        if !has_blanks_before_quotes(&self.begin) {
            return Ok(self);
        }
        self.notes.push("blanks before quotes are left out".to_owned());
        let blanks = BlanksBeforeQuotes::of(&self.begin);
        let whole = Cursor::new(self.begin).chain(self.rest);
        let (begin, rest, is_whole) = peek(Converted::new(whole, blanks))?;
        Ok(Self { begin, rest, is_whole, ..self })
    }

    /// Turns runs of blanks between fields into tabs.
    ///
    /// # Errors
    /// Returns an I/O error.
    pub(crate) fn blank_separated(self) -> io::Result<Self> {
        let whole = Cursor::new(self.begin).chain(self.rest);
        let (begin, rest, is_whole) = peek(Converted::new(whole, BlankSeparated::default()))?;
        Ok(Self { begin, rest, is_whole, is_blank_separated: true, notes: self.notes })
    }

    /// Returns the whole lines of the beginning. A line that is longer than it is returned cut.
    pub(crate) fn whole_lines(&self) -> &[u8] {
        let end = memchr::memrchr2(b'\n', b'\r', &self.begin).filter(|_| !self.is_whole);
        &self.begin[..end.map_or(self.begin.len(), |end| end + 1)]
    }
}

/// The first bytes, all that follows, and whether nothing does.
type Peeked<'a> = (Vec<u8>, Box<dyn Read + 'a>, bool);

/// Reads the first [`PEEK_BYTES`].
fn peek<'a>(mut input: impl Read + 'a) -> io::Result<Peeked<'a>> {
    let mut begin = Vec::new();
    let read = (&mut input).take(PEEK_BYTES as u64).read_to_end(&mut begin)?;
    Ok((begin, Box::new(input), read < PEEK_BYTES))
}

/// Guesses the encoding of a text by its first bytes. Text without a byte order mark is UTF-16 if
/// every other byte of its first line is 0, as with Latin letters; it is Windows-1252 if it is not
/// valid UTF-8.
fn encoding_of(begin: &[u8]) -> Encoding {
    match begin {
        [0xff, 0xfe, ..] => return Encoding::Utf16Le,
        [0xfe, 0xff, ..] => return Encoding::Utf16Be,
        _ => {}
    }
    let pairs = begin[..begin.len().min(64)].chunks_exact(2);
    let count = pairs.len();
    let zeros = |place: usize| pairs.clone().filter(|pair| pair[place] == 0).count();
    if count >= 2 && zeros(1) > count / 2 && zeros(0) == 0 {
        return Encoding::Utf16Le;
    }
    if count >= 2 && zeros(0) > count / 2 && zeros(1) == 0 {
        return Encoding::Utf16Be;
    }
    match std::str::from_utf8(begin) {
        Ok(_) => Encoding::Utf8,
        // The last letter may be cut.
        Err(error) if error.error_len().is_none() => Encoding::Utf8,
        Err(_) => Encoding::Windows1252,
    }
}

/// Returns the name of a format that is recognised in order to be refused.
fn other_format(begin: &[u8]) -> Option<&'static str> {
    if begin.get(257..262) == Some(b"ustar") {
        return Some("a tar archive");
    }
    if begin.starts_with(b"\xff\xfe\0\0") || begin.starts_with(b"\0\0\xfe\xff") {
        return Some("a text in UTF-32");
    }
    let found = OTHER_FORMATS.iter().find(|(magic, _)| begin.starts_with(magic));
    found.map(|(_, name)| *name)
}

/// Returns the name of a document of text that is no table.
fn document(begin: &[u8]) -> Option<&'static str> {
    let text = begin.trim_ascii_start();
    let starts = |words: &[&str]| {
        let start = &text[..text.len().min(16)].to_ascii_lowercase();
        words.iter().any(|word| start.starts_with(word.as_bytes()))
    };
    let after = text.get(1..).unwrap_or_default().trim_ascii_start().first();
    match (text.first(), after) {
        (Some(b'{'), Some(b'"' | b'}')) | (Some(b'['), Some(b'{' | b'[' | b']')) => Some("JSON"),
        _ if starts(&["<?xml", "<html", "<!doctype", "<table", "<workbook"]) => Some("XML or HTML"),
        _ => None,
    }
}

/// Refuses a text in an encoding that is not guessed: it is not valid UTF-8, and has bytes that
/// Windows-1252 does not define.
fn require_windows_1252(begin: &[u8]) -> io::Result<()> {
    let undefined = |byte: &u8| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d);
    match begin.iter().position(undefined) {
        Some(place) => Err(unsupported(format!(
            "it is in none of UTF-8, UTF-16 and Windows-1252 (byte {place} is {:#04x}); convert it to \
             UTF-8",
            begin[place]
        ))),
        None => Ok(()),
    }
}

fn unsupported(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, message)
}

/// Changes a text while it is read.
trait Convert {
    /// Appends what a piece of the text becomes.
    fn convert(&mut self, text: &[u8], out: &mut Vec<u8>);

    /// Appends what is left at the end of the text.
    fn end(&mut self, _out: &mut Vec<u8>) {}
}

/// A text that is changed while it is read.
struct Converted<R, C> {
    input: R,
    convert: C,
    raw: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
}

/// Returns the length of a text without a letter that is cut at its end.
fn valid_length(text: &[u8]) -> usize {
    match std::str::from_utf8(text) {
        Ok(_) => text.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => text.len(),
    }
}

/// Decodes bytes that are not UTF-8 as Windows-1252.
#[derive(Default)]
struct Utf8OrWindows1252 {
    /// The first bytes of a letter that continues in the next piece.
    cut: Vec<u8>,
}

impl Convert for Utf8OrWindows1252 {
    fn convert(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let mut joined = std::mem::take(&mut self.cut);
        let mut rest = if joined.is_empty() {
            text
        } else {
            joined.extend_from_slice(text);
            &joined
        };
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, after) = rest.split_at(error.valid_up_to());
            out.extend_from_slice(valid);
            let Some(length) = error.error_len() else {
                self.cut = after.to_vec();
                return;
            };
            let (invalid, later) = after.split_at(length);
            let (letters, ..) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(invalid);
            out.extend_from_slice(letters.as_bytes());
            rest = later;
        }
        out.extend_from_slice(rest);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let (letters, ..) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&self.cut);
        out.extend_from_slice(letters.as_bytes());
        self.cut.clear();
    }
}

/// Leaves out blanks between a separator, or the start of a line, and a quote.
struct BlanksBeforeQuotes {
    separator: u8,
    place: QuotePlace,
    /// The number of blanks at the start of the field that were not written yet.
    blanks: usize,
    /// Whether blanks were left out.
    has_left_out: bool,
}

/// The place in a field.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum QuotePlace {
    #[default]
    Start,
    Inside,
    Quoted,
    /// Behind a quote within quotes: the field is at its end, or the quote is doubled.
    Closed,
}

impl QuotePlace {
    /// Returns the place behind a byte. A quote within an unquoted field is a letter.
    fn after(self, byte: u8, is_end: bool) -> Self {
        match (self, byte) {
            (Self::Start | Self::Closed, b'"') => Self::Quoted,
            (Self::Quoted, b'"') => Self::Closed,
            (Self::Quoted, _) => Self::Quoted,
            _ if is_end => Self::Start,
            _ => Self::Inside,
        }
    }
}

impl BlanksBeforeQuotes {
    /// Creates a converter of a text that begins so: its separator is the commonest one.
    fn of(begin: &[u8]) -> Self {
        let count = |separator: u8| memchr::memchr_iter(separator, begin).count();
        let separator = *b",;\t|".iter().max_by_key(|byte| count(**byte)).unwrap_or(&b',');
        Self { separator, place: QuotePlace::Start, blanks: 0, has_left_out: false }
    }
}

impl Convert for BlanksBeforeQuotes {
    fn convert(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for &byte in text {
            if self.place == QuotePlace::Start {
                if byte == b' ' {
                    self.blanks += 1;
                    continue;
                }
                if byte == b'"' {
                    self.has_left_out |= self.blanks > 0;
                } else {
                    out.resize(out.len() + self.blanks, b' ');
                }
                self.blanks = 0;
            }
            let is_end = byte == self.separator || matches!(byte, b'\n' | b'\r');
            self.place = self.place.after(byte, is_end);
            out.push(byte);
        }
    }
}

/// Returns whether a text has blanks between a separator and a quote.
fn has_blanks_before_quotes(begin: &[u8]) -> bool {
    if memchr::memmem::find(begin, b" \"").is_none() {
        return false;
    }
    let mut blanks = BlanksBeforeQuotes::of(begin);
    blanks.convert(begin, &mut Vec::with_capacity(begin.len()));
    blanks.has_left_out
}

/// Turns runs of blanks between fields into tabs, and drops those at the ends of a line.
#[derive(Default)]
struct BlankSeparated {
    place: QuotePlace,
    /// Whether blanks were read that belong between two fields if another field follows.
    pending: bool,
    /// Whether the line has a field already.
    has_field: bool,
}

impl Convert for BlankSeparated {
    fn convert(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for &byte in text {
            match byte {
                b' ' | b'\t' if self.place != QuotePlace::Quoted => {
                    self.pending = self.has_field;
                    self.place = QuotePlace::Start;
                }
                b'\n' | b'\r' if self.place != QuotePlace::Quoted => {
                    *self = Self::default();
                    out.push(byte);
                }
                _ => {
                    if self.pending {
                        out.push(b'\t');
                    }
                    (self.pending, self.has_field) = (false, true);
                    self.place = self.place.after(byte, false);
                    out.push(byte);
                }
            }
        }
    }
}

impl<R: Read, C: Convert> Converted<R, C> {
    fn new(input: R, convert: C) -> Self {
        Self { input, convert, raw: vec![0; 1 << 16], ready: Vec::new(), at: 0 }
    }
}

impl<R: Read, C: Convert> Read for Converted<R, C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            let read = self.input.read(&mut self.raw)?;
            self.ready.clear();
            self.at = 0;
            if read == 0 {
                self.convert.end(&mut self.ready);
                if self.ready.is_empty() {
                    return Ok(0);
                }
                continue;
            }
            self.convert.convert(&self.raw[..read], &mut self.ready);
        }
        let count = buffer.len().min(self.ready.len() - self.at);
        buffer[..count].copy_from_slice(&self.ready[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: &[u8]) -> (String, Vec<String>) {
        let text = Text::open(bytes, None).unwrap();
        let mut all = text.begin;
        let mut rest = text.rest;
        rest.read_to_end(&mut all).unwrap();
        (String::from_utf8(all).unwrap(), text.notes)
    }

    #[test]
    fn text_is_decoded() {
        let utf16 = |text: &str, to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            text.encode_utf16().flat_map(to_bytes).collect()
        };
        let text = "T [\u{b0}C];\u{d6}l\n1;2\n";
        let long = text.repeat(40_000);
        for text in [text, &long] {
            let note = |name: &str| vec![format!("in {name}")];
            assert_eq!(read(text.as_bytes()), (text.to_owned(), vec![]));
            let marked = format!("\u{feff}{text}");
            for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
                assert_eq!(read(&utf16(text, to_bytes)), (text.to_owned(), note("UTF-16")));
                assert_eq!(read(&utf16(&marked, to_bytes)).0, text);
            }
            let latin: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
            assert_eq!(read(&latin), (text.to_owned(), note("Windows-1252")));
        }
        // A euro sign is in Windows-1252 and not in Latin-1.
        assert_eq!(read(b"a,\x80\n").0, "a,\u{20ac}\n");
    }

    #[test]
    fn text_is_decompressed() {
        let text = "a,b\n1,2\n".repeat(100_000);
        let gzip = |text: &str| {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text.as_bytes()).unwrap();
            gzip.finish().unwrap()
        };
        let note = |name: &str| vec![format!("compressed with {name}")];
        assert_eq!(read(&gzip(&text)), (text.clone(), note("gzip")));
        // Two members, as parallel compressors write them.
        let halves = [gzip(&text[..400]), gzip(&text[400..])].concat();
        assert_eq!(read(&halves).0, text);
        let zstd = zstd::stream::encode_all(text.as_bytes(), 1).unwrap();
        assert_eq!(read(&zstd), (text.clone(), note("zstd")));
        let cut = &gzip(&text)[..200];
        assert!(Text::open(cut, None).is_err());
    }

    #[test]
    fn other_formats_are_named() {
        for (bytes, name) in [(&b"PAR1...."[..], "a Parquet file"), (b"%PDF-1.7", "a PDF document")]
        {
            let error = Text::open(bytes, None).err().unwrap().to_string();
            assert_eq!(error, format!("it is {name}, expected a table as text"));
        }
    }

    #[test]
    fn documents_and_encodings_that_are_not_read_are_named() {
        let mut tar = b"table.csv".to_vec();
        tar.resize(257, 0);
        tar.extend(b"ustar");
        for (bytes, name) in [
            (&b" [\n {\"a\": 1}]"[..], "JSON"),
            (b"{\"a\": 1}\n{\"a\": 2}\n", "JSON"),
            (b"<?xml version=\"1.0\"?>", "XML or HTML"),
            (b"<HTML><table>", "XML or HTML"),
            (b"\xff\xfe\0\0a\0\0\0", "a text in UTF-32"),
            (&tar, "a tar archive"),
        ] {
            let error = Text::open(bytes, None).err().unwrap().to_string();
            assert_eq!(error, format!("it is {name}, expected a table as text"));
        }
        assert_eq!(read(b"[Nm] Torque,{x}\n").0, "[Nm] Torque,{x}\n");
        // Shift JIS.
        let error = Text::open(&b"a,\x8c\xcc\x8f\xe1\n1,2\n"[..], None).err().unwrap().to_string();
        insta::assert_snapshot!(error, @"it is in none of UTF-8, UTF-16 and Windows-1252 (byte 4 is 0x8f); convert it to UTF-8");
    }

    #[test]
    fn letters_that_come_late_may_be_in_another_encoding() {
        let ascii = "a,b\n1,2\n".repeat(PEEK_BYTES / 8 + 10);
        for (late, expected) in [
            (&b"Qu\xe4lle,\x80"[..], "Qu\u{e4}lle,\u{20ac}"),
            ("Qu\u{e4}lle,\u{20ac}\u{1f600}".as_bytes(), "Qu\u{e4}lle,\u{20ac}\u{1f600}"),
            (b"cut \xc3", "cut \u{c3}"),
        ] {
            let text = [ascii.as_bytes(), late].concat();
            assert!(read(&text).0 == format!("{ascii}{expected}"), "{expected}");
        }
        // A letter on the border of the first bytes, and of any piece.
        for shift in 0..4 {
            let text = format!("{}{}", "x".repeat(PEEK_BYTES - shift), "\u{20ac}".repeat(100_000));
            assert!(read(text.as_bytes()).0 == text, "{shift}");
        }
    }

    #[test]
    fn blanks_before_quotes_are_left_out() {
        let note = || vec!["blanks before quotes are left out".to_owned()];
        let text = "\"a\", \"b, \"\"x\"\" \",  c\n  \"1\",  \"2\n, \"\"\" , 3 \"\n";
        let plain = "\"a\",\"b, \"\"x\"\" \",  c\n\"1\",\"2\n, \"\"\" , 3 \"\n";
        assert_eq!(read(text.as_bytes()), (plain.to_owned(), note()));
        for plain in ["\"a, \",b\n", "a, b\n1, 5 \"\n", "\"a; \"\"\", 1\n", "a;b;c\n1, \"x;2;3\n"] {
            assert_eq!(read(plain.as_bytes()), (plain.to_owned(), vec![]), "{plain}");
        }
        // A quote within an unquoted field is a letter, and the text may be cut anywhere.
        let text = "5\"\" pipe, \"x \"\", \"\"y\", 3\n".repeat(3);
        let plain = text.replace(", \"x", ",\"x");
        for cut in 0..text.len() {
            let mut blanks = BlanksBeforeQuotes::of(text.as_bytes());
            let mut out = Vec::new();
            blanks.convert(&text.as_bytes()[..cut], &mut out);
            blanks.convert(&text.as_bytes()[cut..], &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), plain, "{cut}");
        }
    }

    #[test]
    fn runs_of_blanks_become_one_separator() {
        let mut text = String::new();
        let blanks = "  a   b\tc \n \"x  y\"  1 2\n\n";
        Converted::new(blanks.as_bytes(), BlankSeparated::default())
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "a\tb\tc\n\"x  y\"\t1\t2\n\n");
        let mut text = String::new();
        let inches = "1  5\"\n2  \"6  \"\" x\" 3\n";
        Converted::new(inches.as_bytes(), BlankSeparated::default())
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "1\t5\"\n2\t\"6  \"\" x\"\t3\n");
    }
}

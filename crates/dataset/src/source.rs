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
        if let Some((_, name)) = OTHER_FORMATS.iter().find(|(magic, _)| begin.starts_with(magic)) {
            let message = format!("it is {name}, expected a table as text");
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        let encoding = declared.unwrap_or_else(|| encoding_of(&begin));
        let marked = begin.starts_with(b"\xff\xfe") || begin.starts_with(b"\xfe\xff");
        if encoding == Encoding::Utf8 && !marked {
            // Some programs write the mark twice.
            while begin.starts_with(BYTE_ORDER_MARK) {
                begin.drain(..BYTE_ORDER_MARK.len());
            }
            return Ok(Self { begin, rest: input, is_whole, is_blank_separated: false, notes });
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
        Ok(Self { begin, rest, is_whole, is_blank_separated: false, notes })
    }

    /// Turns runs of blanks between fields into tabs.
    ///
    /// # Errors
    /// Returns an I/O error.
    pub(crate) fn blank_separated(self) -> io::Result<Self> {
        let whole = Cursor::new(self.begin).chain(self.rest);
        let (begin, rest, is_whole) = peek(BlankSeparated::new(whole))?;
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

/// Turns runs of blanks between fields into tabs, and drops those at the ends of a line.
struct BlankSeparated<R> {
    input: R,
    state: BlankState,
    ready: Vec<u8>,
    at: usize,
}

#[derive(Default)]
struct BlankState {
    in_quotes: bool,
    /// Whether blanks were read that belong between two fields if another field follows.
    pending: bool,
    /// Whether the line has a field already.
    has_field: bool,
}

impl BlankState {
    fn convert(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for &byte in text {
            match byte {
                b' ' | b'\t' if !self.in_quotes => self.pending = self.has_field,
                b'\n' | b'\r' if !self.in_quotes => {
                    *self = Self::default();
                    out.push(byte);
                }
                _ => {
                    if self.pending {
                        out.push(b'\t');
                    }
                    (self.pending, self.has_field) = (false, true);
                    self.in_quotes ^= byte == b'"';
                    out.push(byte);
                }
            }
        }
    }
}

impl<R: Read> BlankSeparated<R> {
    fn new(input: R) -> Self {
        Self { input, state: BlankState::default(), ready: Vec::new(), at: 0 }
    }
}

impl<R: Read> Read for BlankSeparated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            let mut raw = vec![0; 1 << 16];
            let read = self.input.read(&mut raw)?;
            if read == 0 {
                return Ok(0);
            }
            self.ready.clear();
            self.at = 0;
            self.state.convert(&raw[..read], &mut self.ready);
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
    fn runs_of_blanks_become_one_separator() {
        let mut text = String::new();
        let blanks = "  a   b\tc \n \"x  y\"  1 2\n\n";
        BlankSeparated::new(blanks.as_bytes()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "a\tb\tc\n\"x  y\"\t1\t2\n\n");
    }
}

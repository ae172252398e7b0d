//! Reads a sheet of an Excel workbook as the text that Excel would export: a line for each row, fields
//! between commas, a decimal point.

use std::io::{self, Read, Seek};

use calamine::{
    Cell, DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsb, XlsbError, Xlsx, XlsxError,
};
use memchr::{memchr, memmem, memrchr};
use zip::ZipArchive;

use crate::csv_records::push_field;
use crate::table_error::TableError;
use crate::value_text::{push_integer, push_number, push_time};

/// The content that a workbook of any length may have in bytes, and how many times its own length a
/// longer one. The text of sheets is read twice and kept nowhere.
const MIN_CONTENT: u64 = 256 << 20;
const MAX_RATIO: u64 = 200;
/// The maximum length of the table of texts, which is kept in memory.
const MAX_STRINGS: u64 = 512 << 20;
/// The maximum length of a text or a tag between two tags. A cell has at most 32 767 letters.
const MAX_MARKUP: u64 = 16 << 20;
/// The numbers of rows and columns of a sheet.
const MAX_ROWS: u32 = 1 << 20;
const MAX_COLUMNS: u32 = 1 << 14;
/// The number of bytes of text that are made at a time.
const TEXT_BYTES: usize = 1 << 16;

/// An open workbook.
pub(crate) struct Workbook<'a, R: Read + Seek> {
    file: &'a str,
    book: Book<R>,
}

enum Book<R: Read + Seek> {
    Xml(Box<Xlsx<R>>),
    Binary(Box<Xlsb<R>>),
}

/// A sheet of cells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sheet {
    pub(crate) name: String,
    pub(crate) is_hidden: bool,
}

/// A row of a sheet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// The number of the row, from 1.
    pub(crate) line: u64,
    /// The texts of the cells, one after another.
    text: Vec<u8>,
    /// The column of each cell, in their order, and where its text begins and ends.
    cells: Vec<(u32, usize, usize)>,
}

impl Row {
    /// Returns the number of columns up to the last that is not blank.
    pub(crate) fn width(&self) -> usize {
        let last = self.cells.iter().rev().find(|cell| !self.cell(cell).trim_ascii().is_empty());
        last.map_or(0, |(column, ..)| *column as usize + 1)
    }

    fn cell(&self, (_, begin, end): &(u32, usize, usize)) -> &[u8] {
        &self.text[*begin..*end]
    }

    /// Returns the texts of the first `width` columns.
    pub(crate) fn fields(&self, width: usize) -> Vec<Vec<u8>> {
        let mut fields = vec![Vec::new(); width];
        for cell in &self.cells {
            if let Some(field) = fields.get_mut(cell.0 as usize) {
                self.cell(cell).clone_into(field);
            }
        }
        fields
    }

    /// Appends the first `width` columns as a line of text, which is empty if all of them are.
    pub(crate) fn push_line(&self, width: usize, text: &mut Vec<u8>) {
        let width = width.min(MAX_COLUMNS as usize);
        if self.width() > 0 {
            let mut next = 0;
            for cell in self.cells.iter().filter(|(column, ..)| (*column as usize) < width) {
                text.resize(text.len() + cell.0 as usize - next, b',');
                next = cell.0 as usize;
                push_field(self.cell(cell), text);
            }
            text.resize(text.len() + (width - 1).saturating_sub(next), b',');
        }
        text.push(b'\n');
    }
}

/// The next cell of a sheet: appends its text and returns its row and column, from 0.
type NextCell<'b> = Box<dyn FnMut(&mut Vec<u8>) -> Result<Option<(u32, u32)>, String> + 'b>;

/// The rows of a sheet that have cells.
pub(crate) struct Rows<'b> {
    file: &'b str,
    next_cell: NextCell<'b>,
    /// The first cell of the next row.
    pending: Option<(u32, u32)>,
    pending_text: Vec<u8>,
    is_done: bool,
}

impl Rows<'_> {
    /// Reads the next row into `row`, and returns whether there is one.
    pub(crate) fn next(&mut self, row: &mut Row) -> Result<bool, String> {
        let file = self.file;
        contained(file, || self.read(row))
    }

    fn read(&mut self, row: &mut Row) -> Result<bool, String> {
        row.text.clear();
        row.cells.clear();
        let mut open: Option<u32> = None;
        while !self.is_done {
            let begin = row.text.len();
            let next = match self.pending.take() {
                Some(cell) => {
                    row.text.append(&mut self.pending_text);
                    Some(cell)
                }
                None => (self.next_cell)(&mut row.text)?,
            };
            let Some((number, column)) = next else {
                // Nothing may be read after the end.
                self.is_done = true;
                break;
            };
            if number >= MAX_ROWS || column >= MAX_COLUMNS {
                return Err(format!(
                    "it has a cell in row {}, column {}, expected at most {MAX_ROWS} rows and \
                     {MAX_COLUMNS} columns",
                    u64::from(number) + 1,
                    u64::from(column) + 1
                ));
            }
            match open {
                Some(open) if number < open => {
                    return Err(format!("row {} follows row {}", number + 1, open + 1));
                }
                Some(open) if number > open => {
                    self.pending = Some((number, column));
                    self.pending_text = row.text.split_off(begin);
                    break;
                }
                _ => {}
            }
            open = Some(number);
            // Lines are rows.
            for byte in &mut row.text[begin..] {
                if matches!(byte, b'\n' | b'\r') {
                    *byte = b' ';
                }
            }
            row.cells.push((column, begin, row.text.len()));
        }
        row.cells.sort_by_key(|(column, ..)| *column);
        row.cells.dedup_by_key(|(column, ..)| *column);
        row.line = open.map_or(0, |number| u64::from(number) + 1);
        Ok(open.is_some())
    }
}

/// The rows of a sheet as text.
pub(crate) struct SheetText<'b> {
    rows: Rows<'b>,
    /// The number of columns of the table. What is right of them is no part of it.
    width: usize,
    row: Row,
    /// The number of the last line in `ready`.
    line: u64,
    ready: Vec<u8>,
    at: usize,
}

impl Read for SheetText<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() {
            self.ready.clear();
            self.at = 0;
            while self.ready.len() < TEXT_BYTES
                && self.rows.next(&mut self.row).map_err(io::Error::other)?
            {
                // A line is the row of its number.
                let missing = self.row.line.saturating_sub(self.line + 1);
                self.ready.resize(self.ready.len() + missing as usize, b'\n');
                self.line = self.row.line;
                self.row.push_line(self.width, &mut self.ready);
            }
        }
        let count = buffer.len().min(self.ready.len() - self.at);
        buffer[..count].copy_from_slice(&self.ready[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl<'a, R: Read + Seek> Workbook<'a, R> {
    /// Opens a workbook, which errors name `file`.
    pub(crate) fn open(file: &'a str, mut input: R, is_binary: bool) -> Result<Self, TableError> {
        check_content(&mut input)
            .and_then(|()| input.rewind().map_err(|error| error.to_string()))
            .map_err(|reason| unusable(file, reason))?;
        let book = contained(file, || {
            Ok(if is_binary {
                Book::Binary(Box::new(Xlsb::new(input).map_err(|error| error.to_string())?))
            } else {
                Book::Xml(Box::new(Xlsx::new(input).map_err(|error| error.to_string())?))
            })
        });
        Ok(Self { file, book: book.map_err(|reason| unusable(file, reason))? })
    }

    /// Returns the sheets that have cells, in their order.
    pub(crate) fn sheets(&self) -> Vec<Sheet> {
        let sheets = match &self.book {
            Book::Xml(book) => book.sheets_metadata(),
            Book::Binary(book) => book.sheets_metadata(),
        };
        let sheets = sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
        let is_hidden = |sheet: &calamine::Sheet| sheet.visible != SheetVisible::Visible;
        sheets
            .map(|sheet| Sheet { name: sheet.name.clone(), is_hidden: is_hidden(sheet) })
            .collect()
    }

    /// Returns the rows of a sheet.
    pub(crate) fn rows(&mut self, sheet: &str) -> Result<Rows<'_>, TableError> {
        let file = self.file;
        let opened = contained(file, || -> Result<NextCell<'_>, String> {
            Ok(match &mut self.book {
                Book::Xml(book) => {
                    let cells = book.worksheet_cells_reader(sheet);
                    let mut cells = cells.map_err(|error: XlsxError| error.to_string())?;
                    Box::new(move |text| {
                        let cell = cells.next_cell().map_err(|error| error.to_string())?;
                        Ok(cell.map(|cell| push_cell(&cell, text)))
                    })
                }
                Book::Binary(book) => {
                    let cells = book.worksheet_cells_reader(sheet);
                    let mut cells = cells.map_err(|error: XlsbError| error.to_string())?;
                    Box::new(move |text| {
                        let cell = cells.next_cell().map_err(|error| error.to_string())?;
                        Ok(cell.map(|cell| push_cell(&cell, text)))
                    })
                }
            })
        });
        let next_cell =
            opened.map_err(|reason| unusable(file, format!("sheet `{sheet}`: {reason}")))?;
        Ok(Rows { file, next_cell, pending: None, pending_text: Vec::new(), is_done: false })
    }

    /// Returns the first rows of a sheet that are not blank.
    pub(crate) fn head(&mut self, sheet: &str, count: usize) -> Result<Vec<Row>, TableError> {
        let file = self.file;
        let mut rows = self.rows(sheet)?;
        let mut head = Vec::new();
        let mut row = Row::default();
        while head.len() < count {
            let has_row = rows.next(&mut row);
            if !has_row.map_err(|reason| unusable(file, format!("sheet `{sheet}`: {reason}")))? {
                break;
            }
            if row.width() > 0 {
                head.push(row.clone());
            }
        }
        Ok(head)
    }

    /// Returns the first `width` columns of a sheet as text.
    pub(crate) fn text(&mut self, sheet: &str, width: usize) -> Result<SheetText<'_>, TableError> {
        let rows = self.rows(sheet)?;
        let (row, ready) = (Row::default(), Vec::new());
        Ok(SheetText { rows, width, row, line: 0, ready, at: 0 })
    }
}

/// Appends the text of a cell and returns its place.
fn push_cell(cell: &Cell<DataRef<'_>>, text: &mut Vec<u8>) -> (u32, u32) {
    match cell.get_value() {
        DataRef::Int(number) => push_integer(number, text),
        DataRef::Float(number) => push_number(*number, text),
        DataRef::String(string) => text.extend_from_slice(string.as_bytes()),
        DataRef::SharedString(string) => text.extend_from_slice(string.as_bytes()),
        DataRef::Bool(is_true) => text.extend_from_slice(if *is_true { b"TRUE" } else { b"FALSE" }),
        DataRef::DateTime(time) => push_datetime(time, text),
        DataRef::DateTimeIso(string) | DataRef::DurationIso(string) => {
            text.extend_from_slice(string.as_bytes());
        }
        DataRef::Error(error) => text.extend_from_slice(error.to_string().as_bytes()),
        DataRef::Empty => {}
    }
    cell.get_position()
}

/// Appends a date, a time, or both in the form of ISO 8601. A number below 1 is a time of the day, and
/// a duration is hours, minutes and seconds.
fn push_datetime(time: &ExcelDateTime, text: &mut Vec<u8>) {
    const DAY_MILLIS: f64 = 86_400_000.0;
    let value = time.as_f64();
    // The numbers of dates up to the year 9999.
    if !(0.0..2_958_466.0).contains(&value) {
        return push_number(value, text);
    }
    if time.is_duration() || value < 1.0 {
        return push_time((value * DAY_MILLIS).round() as i64 * 1_000_000, text);
    }
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    text.extend_from_slice(format!("{year:04}-{month:02}-{day:02}").as_bytes());
    let seconds = (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    let millis = seconds * 1000 + i64::from(milli);
    if millis > 0 {
        text.push(b'T');
        push_time(millis * 1_000_000, text);
    }
}

/// Checks the length of what is in a workbook by reading it once: a few bytes may decompress to a
/// million times as many, and a header may claim more than there is.
fn check_content(input: &mut (impl Read + Seek)) -> Result<(), String> {
    let error = |error: io::Error| error.to_string();
    let length = input.seek(io::SeekFrom::End(0)).map_err(error)?;
    let limit = MIN_CONTENT.max(MAX_RATIO.saturating_mul(length));
    let mut archive = ZipArchive::new(input).map_err(|error| error.to_string())?;
    let mut content = 0;
    let mut buffer = vec![0; 1 << 16];
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(|error| error.to_string())?;
        let name = part.name().map_err(|error| error.to_string())?.to_lowercase();
        let (is_markup, is_strings) = (name.ends_with(".xml"), name.contains("sharedstrings"));
        let mut size = 0;
        let mut markup = 0;
        // The end of what was read before, so that nothing is cut.
        let mut window = Vec::new();
        let mut claimed = 0;
        loop {
            let read = part.read(&mut buffer).map_err(error)?;
            if read == 0 {
                break;
            }
            let bytes = &buffer[..read];
            (size, content) = (size + read as u64, content + read as u64);
            if content > limit {
                return Err(format!("it has more than {limit} bytes of content"));
            }
            if is_strings && size > MAX_STRINGS {
                return Err(format!("its texts have more than {MAX_STRINGS} bytes"));
            }
            if is_markup {
                markup += memchr(b'>', bytes).unwrap_or(read) as u64;
                if markup > MAX_MARKUP {
                    return Err(format!("`{name}` has a text of more than {MAX_MARKUP} bytes"));
                }
                markup = memrchr(b'>', bytes).map_or(markup, |at| (read - at) as u64);
            }
            if is_strings {
                window.extend_from_slice(bytes);
                claimed = claimed.max(claim(&window));
                window.drain(..window.len().saturating_sub(CLAIM.len() + 40));
            }
        }
        // Each has at least the five letters of `<si/>`.
        if claimed.saturating_mul(5) > size {
            return Err(format!("it claims {claimed} texts in {size} bytes"));
        }
    }
    Ok(())
}

/// The attribute with the number of texts, for which memory is reserved.
const CLAIM: &[u8] = b"uniqueCount";

/// Returns the greatest number of texts that a part of the table of texts claims.
fn claim(bytes: &[u8]) -> u64 {
    let numbers = memmem::find_iter(bytes, CLAIM).map(|at| {
        let value = bytes[at + CLAIM.len()..].iter();
        let digits = value.skip_while(|byte| matches!(byte, b'=' | b'"' | b'\'' | b' ' | b'\t'));
        let digits = digits.take_while(|byte| byte.is_ascii_digit());
        digits.fold(0_u64, |number, digit| {
            number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
        })
    });
    numbers.max().unwrap_or(0)
}

/// Calls the library. Its panics are reasons.
fn contained<T>(file: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let what = || unusable(file, "the library failed".to_owned()).to_string();
    common::contained(what, work).and_then(|result| result)
}

fn unusable(file: &str, reason: String) -> TableError {
    TableError::Container { file: file.to_owned(), format: "an Excel workbook", reason }
}

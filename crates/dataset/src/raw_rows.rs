//! Reads every row of tables as text, block by block: of tables whose columns nobody has declared, or of
//! those with the columns of a schema.

use std::cell::Cell;
use std::io::{self, Cursor, Read, Seek};
use std::ops::ControlFlow;

use memchr::memchr3_iter;

use crate::archive::{self, Entry};
use crate::blocks::{self, Block, BlockReader};
use crate::cell::{CellParser, NumberFormat};
use crate::container::{self, Container};
use crate::csv_records::{CsvError, CsvRecords, push_field};
use crate::header::{Header, HeaderCell, HeaderError};
use crate::in_order::in_order;
use crate::layout::{LayoutFinder, MAX_HEADER_LINES, Origin, TextFormat};
use crate::left_out::LeftOut;
use crate::other_row::{OtherRow, is_blank_line, is_header, is_totals_row};
use crate::parquet_file::ParquetFile;
use crate::raw_layout::{self, RawColumn, RawLayout};
use crate::record::RecordReader;
use crate::schema::Schema;
use crate::source::{Encoding, Text};
use crate::table::width_of_table;
use crate::table_error::{Place, TableError};
use crate::units::{self, Conversion};
use crate::workbook::{Row, Sheet, Workbook};

/// What was found of a file before its first row.
#[derive(Clone, Debug)]
pub struct RawHeader {
    /// The name of the file.
    pub file: String,
    /// The columns, in the order of the file.
    pub columns: Vec<RawColumn>,
    /// Whether the file has a line of names. Without one, the columns are `column_1`, `column_2`, ...
    pub has_names: bool,
    /// A number that has two meanings by what the first rows show, as a sentence.
    pub two_meanings: Option<String>,
    /// The decimal mark, `.` or `,`.
    pub decimal: u8,
    /// What separates groups of three digits.
    pub thousands: Option<char>,
    /// The sheet of a workbook with several.
    pub sheet: Option<String>,
    /// What was found, if it is not the usual: the encoding, the separator, ...
    pub notes: Vec<String>,
    /// Whether rows have lines. Those of a Parquet file have numbers.
    has_lines: bool,
    /// The cells of the line of units below the names; empty if there is none.
    units_line: Vec<String>,
    /// Whether texts of a workbook may be numbers with a decimal comma.
    comma_in_text: bool,
}

impl RawHeader {
    /// Returns how the cells of a column are read, with numbers in `unit` if the column has another
    /// unit of the same quantity.
    pub fn cells(&self, column: usize, unit: Option<&str>) -> RawCells {
        let from = self.columns[column].unit.as_deref();
        let conversion = from.zip(unit).map(|(from, to)| units::between(from, to));
        let conversion = conversion.and_then(Result::ok).unwrap_or(Conversion::NONE);
        let numbers = self.numbers();
        let unit = unit.or(from).map(str::to_owned);
        RawCells(CellParser::new(&[], conversion, numbers).with_unit(unit))
    }

    fn numbers(&self) -> NumberFormat {
        let (point, thousands) = (self.decimal, self.thousands);
        NumberFormat { point, thousands, comma_in_text: self.comma_in_text }
    }

    /// Returns the place of the row that a sink gets with this line.
    pub fn place(&self, line: u64) -> Place {
        // Rows without lines are written as text below a line of names.
        if self.has_lines { Place::Line(line) } else { Place::Row(line - 1) }
    }

    /// Returns a reader of the file's rows as records without a label: with the units of this header, and
    /// numbers as the file writes them.
    ///
    /// # Errors
    /// Returns an error if a column is missing, there twice, or in a unit that cannot be converted.
    pub fn records<'a>(&self, schema: &'a Schema) -> Result<RecordReader<'a>, HeaderError> {
        let names: Vec<&str> = self.columns.iter().map(|column| column.header.as_str()).collect();
        let units: Vec<Option<String>> =
            self.columns.iter().map(|column| column.unit.clone()).collect();
        let numbers = self.numbers();
        let header = Header::find(schema, &names, &units, false)?;
        Ok(RecordReader::from_header(schema, header, numbers))
    }
}

/// Reads the cells of a column whose meaning is unknown.
pub struct RawCells(CellParser);

/// The meaning of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RawCell {
    /// A number.
    Number(f64),
    /// An empty cell, a word such as `NaN` that is missing in every table, or a number that is not
    /// finite.
    Missing,
    /// Any other text.
    Text,
}

impl RawCells {
    /// Reads a cell.
    #[inline]
    pub fn read(&self, cell: &[u8]) -> RawCell {
        match self.0.parse(cell) {
            Some(number) if number.is_nan() => RawCell::Missing,
            Some(number) => RawCell::Number(number),
            None => RawCell::Text,
        }
    }
}

/// What receives the rows of raw tables. Rows are read block by block in rayon's threads, and the
/// parts that the blocks come to are taken in the order of the file.
pub trait RowSink {
    /// What reading the rows of one file takes.
    type File: Sync;
    /// What the rows of a block come to.
    type Part: Send;

    /// Begins a file. Returns `None` if its columns have nothing to do with those of earlier files:
    /// it is then left out.
    fn open(&mut self, header: RawHeader) -> Option<Self::File>;

    /// Begins a block.
    fn part(file: &Self::File) -> Self::Part;

    /// Reads a row, which begins on `line` and has as many fields as the header.
    fn row(file: &Self::File, part: &mut Self::Part, line: u64, fields: &[&[u8]]);

    /// Ends a block, after its last row.
    fn end(_file: &Self::File, _part: &mut Self::Part) {}

    /// Counts a row with more or fewer fields than the `expected` ones of the header.
    fn ragged(file: &Self::File, part: &mut Self::Part, line: u64, fields: usize, expected: usize);

    /// Counts a row that is no part of the table.
    fn other(part: &mut Self::Part, row: OtherRow);

    /// Takes the rows of a block. Nothing more is read of the file after a break.
    fn take(&mut self, file: &Self::File, part: Self::Part) -> ControlFlow<()>;
}

/// Reads raw tables, one file after another, into a [`RowSink`].
pub struct RawReader<S> {
    sink: S,
    /// The columns that the tables have, and what is known of their format; `None` if nothing is.
    known: Option<(Schema, TextFormat)>,
    /// The first file that is a table.
    first: Option<String>,
    left_out: LeftOut,
    block_size: usize,
}

impl<S: RowSink> RawReader<S> {
    /// Creates a reader of tables whose columns are not known.
    pub fn new(sink: S) -> Self {
        Self {
            sink,
            known: None,
            first: None,
            left_out: LeftOut::default(),
            block_size: blocks::BLOCK_BYTES,
        }
    }

    /// Creates a reader of tables that have the sensor columns of a schema, and perhaps others. What is
    /// not declared of their format is found as [`TableReader`](crate::TableReader) finds it.
    pub fn of_schema(sink: S, schema: Schema, format: TextFormat) -> Self {
        Self { known: Some((schema, format)), ..Self::new(sink) }
    }

    /// Returns the sink.
    pub fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }

    /// Reads a file of any format that [`TableReader`](crate::TableReader) reads, or every file of a ZIP
    /// archive. What is no table is left out if another file is one.
    ///
    /// # Errors
    /// Returns an error if the file or archive cannot be read, or has a record over the limits.
    pub fn read_file(&mut self, file: &str, mut input: impl Read + Seek) -> Result<(), TableError> {
        let container = Container::of(&mut input);
        let container = container.map_err(|source| TableError::unreadable(file, source))?;
        let read = match container {
            Container::Archive => archive::read(file, input, |name, entry| {
                let read = match entry {
                    Entry::Text(text) => self.read(name, text),
                    Entry::Container(container, bytes) => {
                        self.read_container(name, container, Cursor::new(bytes))
                    }
                };
                self.left_out.or(name, read)
            }),
            container => self.read_container(file, container, input),
        };
        self.left_out.or(file, read)
    }

    /// Reads a file that is no archive, or one in an archive.
    fn read_container(
        &mut self,
        file: &str,
        container: Container,
        input: impl Read + Seek,
    ) -> Result<(), TableError> {
        match container {
            Container::Text => self.read(file, input),
            Container::Parquet => {
                let parquet = ParquetFile::open(file, input)?;
                let nested = parquet.fields.iter().filter(|field| field.is_nested());
                let nested: Vec<String> = nested.map(|field| format!("`{}`", field.name)).collect();
                let note = (!nested.is_empty())
                    .then(|| format!("lists and structures are not read: {}", nested.join(", ")));
                let text = ParquetText::new(parquet);
                self.read_rows(file, text, Source::Rows { sheet: None, note, has_lines: false })
            }
            Container::Workbook { is_binary } => {
                let mut workbook = Workbook::open(file, input, is_binary)?;
                let best = match &self.known {
                    Some((schema, format)) => known_sheet(file, &mut workbook, schema, format)?,
                    None => most_like_a_table(file, &mut workbook)?,
                };
                let BestSheet { sheet, width, alike, .. } = best;
                let is_only = workbook.sheets().len() == 1;
                let text = workbook.text(&sheet, width)?;
                let name = format!("{file}, sheet `{sheet}`");
                let note = (!is_only).then(|| match alike.join("`, `") {
                    alike if alike.is_empty() => "the other sheets are not read".to_owned(),
                    alike => format!(
                        "the other sheets are not read, although `{alike}` has the same columns; to \
                         read all of them, put each into a file of its own in one directory"
                    ),
                });
                let sheet = (!is_only).then_some(sheet);
                self.read_rows(&name, text, Source::Rows { sheet, note, has_lines: true })
            }
            Container::Archive => Err(container::refused(
                file,
                "a ZIP archive inside of another one, expected a table",
            )),
            Container::Refused(name) => Err(container::refused(file, name)),
        }
    }

    /// Reads one file of text, which errors name `file`.
    ///
    /// # Errors
    /// Returns an error if the file is no table, cannot be read, or has a record over the limits.
    pub fn read(&mut self, file: &str, input: impl Read) -> Result<(), TableError> {
        self.read_rows(file, input, Source::Text)
    }

    fn read_rows(
        &mut self,
        file: &str,
        input: impl Read,
        source: Source,
    ) -> Result<(), TableError> {
        let has_lines = !matches!(source, Source::Rows { has_lines: false, .. });
        if let Some((schema, format)) = &self.known {
            let decimal = format.decimal;
            let (format, sheet, note, origin) = match source {
                Source::Text => (format.clone(), None, None, Origin::File),
                Source::Rows { sheet, note, has_lines } => {
                    let origin =
                        if has_lines { Origin::Sheet { decimal } } else { Origin::Parquet };
                    (format.of_cells(), sheet, note, origin)
                }
            };
            let text = Text::open(input, format.encoding);
            let text = text.map_err(|source| TableError::unreadable(file, source))?;
            let finder =
                LayoutFinder { file, schema, with_label: false, declared: &format, origin };
            let (mut text, layout) = finder.find_or_separate(text)?;
            let mut notes = std::mem::take(&mut text.notes);
            notes.extend(layout.notes);
            notes.extend(note);
            let Header { cells, units_line, .. } = layout.header;
            let column = |cell: HeaderCell| RawColumn {
                name: if cell.unit.is_some() { cell.bare } else { cell.text.clone() },
                header: cell.text,
                unit: cell.unit,
            };
            let header = RawHeader {
                file: file.to_owned(),
                columns: cells.into_iter().map(column).collect(),
                has_names: format.header_line != Some(0),
                two_meanings: None,
                decimal: layout.numbers.point,
                thousands: layout.numbers.thousands,
                sheet,
                notes,
                has_lines,
                units_line,
                comma_in_text: layout.numbers.comma_in_text,
            };
            return self.read_blocks(text, header, layout.separator, layout.skip, layout.line);
        }
        let unreadable = |source| CsvError::Unreadable { file: file.to_owned(), source };
        let is_typed = matches!(source, Source::Rows { .. });
        let (encoding, separators, sheet, note): (_, Option<&[u8]>, _, _) = match source {
            Source::Text => (None, None, None, None),
            Source::Rows { sheet, note, .. } => (Some(Encoding::Utf8), Some(b","), sheet, note),
        };
        let mut text = Text::open(input, encoding).map_err(unreadable)?;
        let mut found = raw_layout::find(file, &text, separators);
        if separators.is_none()
            && !matches!(&found, Ok(layout) if layout.is_certain())
            && !matches!(found, Err(TableError::Empty { .. }))
        {
            // The columns may be separated by blanks. Only the beginning is tried, since the text
            // can be read once.
            let begin = Cursor::new(text.whole_lines().to_vec());
            let tried = Text::open(begin, None).and_then(Text::blank_separated);
            let blank = raw_layout::find(file, &tried.map_err(unreadable)?, Some(b"\t"));
            // The words of a text are no columns.
            let is_better = |blank: &RawLayout| match &found {
                Ok(layout) => blank.is_better_than(layout),
                Err(_) => blank.has_numbers,
            };
            if let Ok(mut blank) = blank
                && is_better(&blank)
            {
                blank.say_blanks();
                found = Ok(blank);
                text = text.blank_separated().map_err(unreadable)?;
            }
        }
        let mut layout = found?;
        if is_typed {
            layout.set_typed_numbers(has_lines);
        }
        let mut notes = std::mem::take(&mut text.notes);
        notes.extend(layout.notes);
        notes.extend(note);
        let header = RawHeader {
            file: file.to_owned(),
            columns: layout.columns,
            has_names: layout.header_line > 0,
            two_meanings: layout.two_meanings,
            decimal: layout.numbers.point,
            thousands: layout.numbers.thousands,
            sheet,
            notes,
            has_lines,
            units_line: layout.units_line,
            comma_in_text: layout.numbers.comma_in_text,
        };
        self.read_blocks(text, header, layout.separator, layout.skip, layout.line)
    }

    /// Passes the rows after the first `skip` bytes of a text to the sink; the first is on `line`.
    fn read_blocks(
        &mut self,
        mut text: Text<'_>,
        header: RawHeader,
        separator: u8,
        skip: usize,
        line: u64,
    ) -> Result<(), TableError> {
        let file = header.file.clone();
        let names = header.has_names.then_some(&header.columns).into_iter().flatten();
        let rows = RawRows {
            file: &file,
            header: names.map(|column| column.header.clone()).collect(),
            units_line: header.units_line.clone(),
            has_lines: header.has_lines,
            is_known: self.known.is_some(),
            separator,
            width: header.columns.len(),
            named_width: 1 + header.columns.iter().rposition(|c| !c.header.is_empty()).unwrap_or(0),
        };
        let Some(open) = self.sink.open(header) else {
            let first = self.first.clone().unwrap_or_default();
            return Err(TableError::OtherTable { file, first });
        };
        self.first.get_or_insert_with(|| file.clone());
        text.begin.drain(..skip);
        let input = Cursor::new(text.begin).chain(text.rest);
        let mut blocks = BlockReader::new(&file, input, self.block_size, separator).on_line(line);
        let sink = &mut self.sink;
        let is_over = Cell::new(false);
        in_order(
            || if is_over.get() { Ok(None) } else { Ok(blocks.next()?) },
            |block| rows.read::<S>(&open, &block),
            |part| {
                let part = part?;
                if !is_over.get() {
                    is_over.set(sink.take(&open, part).is_break());
                }
                Ok(())
            },
        )
    }

    /// Returns the sink, and why each file that is no table was left out.
    ///
    /// # Errors
    /// Returns an error if no file is a table.
    pub fn finish(self) -> Result<(S, Vec<String>), TableError> {
        Ok((self.sink, self.left_out.finish(self.first.is_some())?))
    }
}

/// Where the text of a table is from.
enum Source {
    /// A file of text, whose layout must be found.
    Text,
    /// Rows of a file of another format, written with commas.
    Rows {
        /// The sheet of a workbook with several.
        sheet: Option<String>,
        /// What is not read.
        note: Option<String>,
        has_lines: bool,
    },
}

/// The sheet of a workbook that is most like a table.
struct BestSheet {
    sheet: String,
    width: usize,
    headers: Vec<String>,
    /// Later sheets with the same columns.
    alike: Vec<String>,
}

/// Returns the sheet that is not hidden and has the most columns of a table in its first rows; of
/// several the first.
fn most_like_a_table<R: Read + Seek>(
    file: &str,
    workbook: &mut Workbook<'_, R>,
) -> Result<BestSheet, TableError> {
    let mut best: Option<BestSheet> = None;
    for Sheet { name: sheet, .. } in workbook.sheets().into_iter().filter(|sheet| !sheet.is_hidden)
    {
        let head = workbook.head(&sheet, HEAD_ROWS)?;
        let Some(width) = head.iter().map(Row::width).max() else { continue };
        let mut text = Vec::new();
        head.iter().for_each(|row| row.push_line(width, &mut text));
        let text = Text::open(text.as_slice(), Some(Encoding::Utf8));
        let text = text.map_err(|source| TableError::unreadable(file, source))?;
        let Ok(layout) = raw_layout::find(file, &text, Some(b",")) else { continue };
        let headers: Vec<String> = layout.columns.into_iter().map(|column| column.header).collect();
        match &mut best {
            Some(best) if headers == best.headers => best.alike.push(sheet),
            Some(best) if headers.len() <= best.headers.len() => {}
            _ => best = Some(BestSheet { sheet, width, headers, alike: Vec::new() }),
        }
    }
    best.ok_or_else(|| TableError::Empty { file: file.to_owned() })
}

/// Returns the sheet that has the columns of a schema: the declared one, or the only one that is not hidden
/// and has them. If none has, it is the sheet that is most like a table, whose header says what is missing.
fn known_sheet<R: Read + Seek>(
    file: &str,
    workbook: &mut Workbook<'_, R>,
    schema: &Schema,
    format: &TextFormat,
) -> Result<BestSheet, TableError> {
    let sheets = workbook.sheets();
    let is_candidate = |sheet: &&Sheet| match &format.sheet {
        Some(wanted) => sheet.name.trim() == wanted.trim(),
        None => !sheet.is_hidden,
    };
    let names: Vec<String> = sheets.iter().filter(is_candidate).map(|s| s.name.clone()).collect();
    if let (true, Some(wanted)) = (names.is_empty(), &format.sheet) {
        let found = sheets.into_iter().map(|sheet| sheet.name).collect();
        return Err(TableError::NoSheet { file: file.to_owned(), sheet: wanted.clone(), found });
    }
    let mut best: Option<BestSheet> = None;
    for sheet in names {
        let head = workbook.head(&sheet, MAX_HEADER_LINES)?;
        let Some(width) = width_of_table(schema, false, format, &head) else { continue };
        if let Some(BestSheet { sheet: first, .. }) = best {
            return Err(TableError::TwoSheets { file: file.to_owned(), first, second: sheet });
        }
        best = Some(BestSheet { sheet, width, headers: Vec::new(), alike: Vec::new() });
    }
    best.map_or_else(|| most_like_a_table(file, workbook), Ok)
}

/// The number of rows of a sheet that are looked at.
const HEAD_ROWS: usize = 200;

/// The rows of a Parquet file as text: a line of names, then a line for each row.
struct ParquetText<'a, R: Read + Seek> {
    file: ParquetFile<'a, R>,
    is_begun: bool,
    ready: Vec<u8>,
    at: usize,
}

impl<'a, R: Read + Seek> ParquetText<'a, R> {
    fn new(mut file: ParquetFile<'a, R>) -> Self {
        let is_read = file.fields.iter().map(|field| !field.is_nested()).collect();
        file.read_fields(is_read);
        Self { file, is_begun: false, ready: Vec::new(), at: 0 }
    }

    fn refill(&mut self) -> Result<(), TableError> {
        self.ready.clear();
        self.at = 0;
        if !self.is_begun {
            self.is_begun = true;
            for (index, field) in self.file.fields.iter().enumerate() {
                self.ready.extend((index > 0).then_some(b','));
                push_field(field.name.as_bytes(), &mut self.ready);
            }
            self.ready.push(b'\n');
            return Ok(());
        }
        let Some(batch) = self.file.next_batch()? else { return Ok(()) };
        let mut text = Vec::new();
        for row in 0..batch.rows {
            for (index, column) in batch.columns.iter().enumerate() {
                self.ready.extend((index > 0).then_some(b','));
                text.clear();
                if let Some(column) = column {
                    column.push_text(row, &mut text);
                }
                push_field(&text, &mut self.ready);
            }
            self.ready.push(b'\n');
        }
        Ok(())
    }
}

impl<R: Read + Seek> Read for ParquetText<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() {
            self.refill().map_err(io::Error::other)?;
        }
        let count = buffer.len().min(self.ready.len() - self.at);
        buffer[..count].copy_from_slice(&self.ready[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// Reads the rows of one file.
struct RawRows<'a> {
    file: &'a str,
    separator: u8,
    width: usize,
    /// The header; empty if there is none.
    header: Vec<String>,
    /// The cells of the line of units below it; empty if there is none.
    units_line: Vec<String>,
    /// Whether rows have lines. A row of nothing is a row of a Parquet file.
    has_lines: bool,
    /// Whether the sink knows the columns, and thus which rows are of totals.
    is_known: bool,
    /// The number of fields up to the last one that has a name.
    named_width: usize,
}

impl RawRows<'_> {
    /// Reads the rows of a block. Rows without quotes take a fast path.
    fn read<S: RowSink>(&self, file: &S::File, block: &Block) -> Result<S::Part, TableError> {
        let mut part = S::part(file);
        let mut csv = CsvRecords::new(self.file, &block.text, block.line, self.separator);
        let mut fields: Vec<&[u8]> = Vec::with_capacity(self.width + 1);
        loop {
            if block.is_short {
                let line = csv.line();
                csv.skip(self.read_plain::<S>(file, csv.rest(), line, &mut part, &mut fields));
            }
            let Some(record) = csv.next()? else {
                S::end(file, &mut part);
                return Ok(part);
            };
            let mut fields: Vec<&[u8]> = record.fields().collect();
            self.row::<S>(file, &mut part, record.line, &mut fields);
        }
    }

    /// Reads rows until one has a quote, and returns their length in bytes.
    fn read_plain<'b, S: RowSink>(
        &self,
        file: &S::File,
        text: &'b [u8],
        mut line: u64,
        part: &mut S::Part,
        fields: &mut Vec<&'b [u8]>,
    ) -> usize {
        let (mut read, mut begin) = (0, 0);
        fields.clear();
        for at in memchr3_iter(self.separator, b'\n', b'\r', text) {
            let field = &text[begin..at];
            if field.first() == Some(&b'"') {
                return read;
            }
            begin = at + 1;
            if text[at] == self.separator {
                fields.push(field);
                continue;
            }
            let is_blank = fields.is_empty() && field.is_empty();
            if !is_blank {
                fields.push(field);
                self.row::<S>(file, part, line, fields);
                fields.clear();
            }
            line += u64::from(text[at] == b'\n');
            read = begin;
        }
        read
    }

    /// Passes a row on, with as many fields as the header.
    fn row<S: RowSink>(
        &self,
        file: &S::File,
        part: &mut S::Part,
        line: u64,
        fields: &mut Vec<&[u8]>,
    ) {
        if is_blank_line(fields.len(), fields[0]) {
            return;
        }
        let is_blank = |field: &&[u8]| field.trim_ascii().is_empty();
        let found = fields.len();
        if self.has_lines && is_blank(&fields[0]) && fields.iter().all(is_blank) {
            return S::other(part, OtherRow::Blank);
        }
        // Rows may end with separators where the header does not, or the other way around.
        if found > self.width && fields[self.width..].iter().all(is_blank) {
            fields.truncate(self.width);
        } else if found >= self.named_width && found < self.width {
            fields.resize(self.width, b"");
        }
        let may_be_totals = !self.is_known
            && !fields[0].first().is_some_and(u8::is_ascii_digit)
            && (fields.len() != self.width || fields.iter().any(is_blank));
        if may_be_totals && is_totals_row(fields.iter().copied()) {
            S::other(part, OtherRow::Totals);
        } else if is_header(&self.header, fields.len(), |index| fields[index])
            || is_header(&self.units_line, fields.len(), |index| fields[index])
        {
            S::other(part, OtherRow::Header);
        } else if fields.len() == self.width {
            S::row(file, part, line, fields);
        } else {
            S::ragged(file, part, line, found, self.width);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Keeps every row as text.
    #[derive(Default)]
    struct Rows {
        headers: Vec<RawHeader>,
        rows: Vec<String>,
    }

    impl RowSink for Rows {
        type File = ();
        type Part = Vec<String>;

        fn open(&mut self, header: RawHeader) -> Option<()> {
            self.headers.push(header);
            Some(())
        }

        fn part((): &()) -> Vec<String> {
            Vec::new()
        }

        fn row((): &(), part: &mut Vec<String>, line: u64, fields: &[&[u8]]) {
            let fields: Vec<_> = fields.iter().map(|f| String::from_utf8_lossy(f)).collect();
            part.push(format!("{line}: {}", fields.join("|")));
        }

        fn ragged((): &(), part: &mut Vec<String>, line: u64, fields: usize, _: usize) {
            part.push(format!("{line}: {fields} fields"));
        }

        fn other(part: &mut Vec<String>, row: OtherRow) {
            part.push(format!("{row:?}"));
        }

        fn take(&mut self, (): &(), mut part: Vec<String>) -> ControlFlow<()> {
            self.rows.append(&mut part);
            ControlFlow::Continue(())
        }
    }

    fn read(bytes: &[u8], block_size: usize) -> Rows {
        let mut reader = RawReader::new(Rows::default());
        reader.block_size = block_size;
        reader.read_file("a.csv", Cursor::new(bytes.to_vec())).unwrap();
        reader.finish().unwrap().0
    }

    #[test]
    fn rows_of_any_block_size_are_the_same() {
        let text = "Report\n\na;b;c\n1;2;3\r\n\n\"x\n;\"\"y\";2;3;\n4;5\n;6;7\nSumme;;9\na; b;\"c\"\n7;8;9";
        let expected = [
            "4: 1|2|3",
            "6: x\n;\"y|2|3",
            "8: 2 fields",
            "9: |6|7",
            "Totals",
            "Header",
            "12: 7|8|9",
        ];
        for size in [1, 3, 8, 20, 1 << 18] {
            assert_eq!(read(text.as_bytes(), size).rows, expected, "{size}");
        }
    }

    #[test]
    fn encodings_compressions_and_archives_are_opened() {
        let text = "Temp [\u{b0}C];St\u{f6}rung\n1,5;ja\n2,5;nein\n";
        let expected = ["2: 1,5|ja", "3: 2,5|nein"];
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let latin: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, contents) in [("__MACOSX/x", "?"), ("part.csv", text)] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(contents.as_bytes()).unwrap();
        }
        let zip = zip.finish().unwrap().into_inner();
        for bytes in [text.as_bytes().to_vec(), utf16, latin, gzip.finish().unwrap(), zip] {
            let found = read(&bytes, 1 << 18);
            assert_eq!(found.rows, expected);
            let header = &found.headers[0];
            assert_eq!(header.columns[0].unit.as_deref(), Some("\u{b0}C"));
            assert_eq!(header.columns[1].name, "St\u{f6}rung");
            assert_eq!(header.cells(0, None).read(b"1,5"), RawCell::Number(1.5));
            assert_eq!(header.cells(0, Some("K")).read(b"1,5"), RawCell::Number(274.65));
            assert_eq!(header.cells(0, None).read(b"Bad"), RawCell::Text);
            assert_eq!(header.cells(0, None).read(b" NaN "), RawCell::Missing);
        }
    }

    #[test]
    fn blanks_may_separate_columns() {
        let found = read(b"temp  vib fail\n 20.0  0.1   0\n 20.5  0.2   1\n", 1 << 18);
        assert_eq!(found.rows, ["2: 20.0|0.1|0", "3: 20.5|0.2|1"]);
        assert_eq!(found.headers[0].notes, ["fields are separated by blanks"]);
        let found = read(b"temp vib\n20,0 0,1\n20,5 0,2\n", 1 << 18);
        assert_eq!(found.rows, ["2: 20,0|0,1", "3: 20,5|0,2"]);
    }

    #[test]
    fn what_is_no_table_is_named() {
        let mut reader = RawReader::new(Rows::default());
        for (name, bytes) in
            [("README.txt", &b"Read this.\n"[..]), ("b.csv", b""), ("c.pdf", b"%PDF-1")]
        {
            reader.read_file(name, Cursor::new(bytes)).unwrap();
        }
        let error = reader.finish().err().unwrap().to_string();
        assert_eq!(
            error,
            "no file is a table with these columns: README.txt is no table: none of comma, \
             semicolon, tab, | and blanks divides its lines into the same number of fields, two at \
             least; b.csv is empty, expected a header line; c.pdf: it is a PDF document, expected a \
             table as text"
        );
        let broken = RawReader::new(Rows::default()).read_file("a.zip", Cursor::new(b"PK\x03\x04"));
        assert!(matches!(broken, Err(TableError::Zip { .. })));
    }
}

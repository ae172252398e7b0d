//! Finds how the numbers of a text are written, by some of its cells.

use std::ops::Range;

use crate::cell::{CellParser, NumberFormat, number_and_unit};
use crate::header::Header;
use crate::schema::{ColumnKind, Schema};
use crate::units::Conversion;

/// The maximum number of rows that are read to find the number format.
pub(crate) const SAMPLE_ROWS: usize = 500;
/// The maximum number of cells of these rows, up to the end of a row.
pub(crate) const SAMPLE_CELLS: usize = 20_000;
/// The number formats that are tried. The first of those that read the most cells is used.
pub(crate) const NUMBER_FORMATS: [NumberFormat; 8] = [
    NumberFormat::new(b'.', None),
    NumberFormat::new(b',', None),
    NumberFormat::new(b',', Some('.')),
    NumberFormat::new(b'.', Some(',')),
    NumberFormat::new(b'.', Some(' ')),
    NumberFormat::new(b',', Some(' ')),
    NumberFormat::new(b'.', Some('\'')),
    NumberFormat::new(b',', Some('\'')),
];

/// A cell that formats read differently.
pub(crate) struct CellOfTwoMeanings {
    /// Its index.
    pub(crate) index: usize,
    /// The first of the formats.
    pub(crate) first: NumberFormat,
    /// What the first format and the other one make of it.
    pub(crate) meanings: [String; 2],
}

/// Returns the first of some formats, of which there is one, that reads the most cells of numbers, in a text
/// with this separator.
///
/// # Errors
/// Returns the first cell of which another format that reads as many makes another number.
pub(crate) fn find_format<'c>(
    cells: impl Iterator<Item = &'c str> + Clone,
    candidates: &[NumberFormat],
    separator: u8,
) -> Result<NumberFormat, CellOfTwoMeanings> {
    let parsers: Vec<(NumberFormat, CellParser)> = candidates
        .iter()
        .map(|format| (*format, CellParser::new(&[], Conversion::NONE, *format)))
        .collect();
    let is_read = |parser: &CellParser, cell: &str| parser.parse(cell.as_bytes()).is_some();
    // Mostly some formats read everything, and each of the others shows soon that it does not. Those with the
    // decimal mark of the first one make the same of what both read.
    let reads_all = |parser: &CellParser| cells.clone().all(|cell| is_read(parser, cell));
    let mut best: Vec<&(NumberFormat, CellParser)> = Vec::new();
    for candidate @ (format, parser) in &parsers {
        let is_first_with_mark = best.iter().all(|(other, _)| other.point != format.point);
        if is_first_with_mark && reads_all(parser) {
            best.push(candidate);
        }
    }
    let is_everything_read = !best.is_empty();
    if !is_everything_read {
        let unread = |(_, parser): &(_, CellParser)| {
            cells.clone().filter(|cell| !is_read(parser, cell)).count()
        };
        let counts: Vec<usize> = parsers.iter().map(unread).collect();
        let least = counts.iter().min().copied();
        let counted = parsers.iter().zip(counts);
        best = counted.filter(|(_, count)| Some(*count) == least).map(|(best, _)| best).collect();
    }
    let Some(((format, parser), others)) = best.split_first() else {
        return Ok(NumberFormat::default());
    };
    // A comma that separates fields can be a decimal mark only within quotes.
    if *format == NumberFormat::default() && separator == b',' && is_everything_read {
        return Ok(*format);
    }
    for (other, other_parser) in others.iter().filter(|(other, _)| other.point != format.point) {
        for (index, cell) in cells.clone().enumerate() {
            let parsed = [parser, other_parser].map(|parser| parser.parse(cell.as_bytes()));
            // Numbers that are not finite are NaN, which differs from itself.
            if let [Some(one), Some(another)] = parsed
                && one != another
                && !one.is_nan()
            {
                let meaning = |format: &NumberFormat, number: f64| {
                    let mark = if format.point == b',' { "comma" } else { "point" };
                    format!("{number} with a decimal {mark}")
                };
                let meanings = [meaning(format, one), meaning(other, another)];
                return Err(CellOfTwoMeanings { index, first: *format, meanings });
            }
        }
    }
    Ok(*format)
}

/// Cells of the columns of numbers in the first rows of a text. Where a column has no decimal mark there, because
/// a machine stands still for example, later cells with a mark are among them.
pub struct NumberSample<'s> {
    columns: Vec<SampledColumn<'s>>,
    marks: MarkCounts,
    rows: usize,
    /// The texts of the cells, one behind another.
    text: String,
    cells: Vec<SampledCell>,
}

/// A column of numbers.
struct SampledColumn<'s> {
    /// Its index in the schema.
    index: usize,
    /// Its field in a row.
    field: usize,
    missing_markers: &'s [String],
}

struct SampledCell {
    line: u64,
    column: usize,
    text: Range<usize>,
}

/// A number of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampledNumber {
    /// The line on which its row begins.
    pub line: u64,
    /// The index of its column in the schema.
    pub column: usize,
    /// Its text without its unit.
    pub text: String,
}

/// A number that has two meanings by what a text shows of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberOfTwoMeanings {
    /// The number.
    pub number: SampledNumber,
    /// What it is with one decimal mark and with the other one.
    pub meanings: [String; 2],
}

impl<'s> NumberSample<'s> {
    pub(crate) fn new(schema: &'s Schema, header: &Header) -> Self {
        let columns = schema.columns().iter().zip(&header.columns).enumerate();
        let columns = columns.filter(|(_, (column, _))| column.kind == ColumnKind::Number);
        let columns: Vec<_> = columns
            .map(|(index, (column, found))| SampledColumn {
                index,
                field: found.field,
                missing_markers: &column.missing_markers,
            })
            .collect();
        let marks = MarkCounts::new(columns.len());
        Self { columns, marks, rows: 0, text: String::new(), cells: Vec::new() }
    }

    /// Adds cells of the row that begins on a line and whose fields `field` returns. Returns whether later rows
    /// are wanted.
    pub fn add<'c>(&mut self, line: u64, field: impl Fn(usize) -> &'c [u8]) -> bool {
        let is_later = self.rows >= SAMPLE_ROWS || self.cells.len() >= SAMPLE_CELLS;
        self.rows += 1;
        for (index, column) in self.columns.iter().enumerate() {
            if is_later && !self.marks.wants(index) {
                continue;
            }
            let Ok(text) = std::str::from_utf8(field(column.field)) else { continue };
            let text = text.trim();
            let text = number_and_unit(text).map_or(text, |(number, _)| number);
            let is_marker = |marker: &String| marker == text;
            if text.contains(|letter: char| letter.is_ascii_digit())
                && !column.missing_markers.iter().any(is_marker)
                && (self.marks.count(index, text, is_later) || !is_later)
            {
                let begin = self.text.len();
                self.text.push_str(text);
                let text = begin..self.text.len();
                self.cells.push(SampledCell { line, column: column.index, text });
            }
        }
        let is_next_later = self.rows >= SAMPLE_ROWS || self.cells.len() >= SAMPLE_CELLS;
        !is_next_later || !self.marks.are_enough()
    }

    /// Returns how the numbers are written, in a text with this separator, by the decimal mark and the separator
    /// of groups of digits if they are declared.
    ///
    /// # Errors
    /// Returns a number that is one or another as numbers may be written.
    pub fn find(
        &self,
        decimal: Option<u8>,
        thousands: Option<char>,
        separator: u8,
    ) -> Result<NumberFormat, NumberOfTwoMeanings> {
        let is_declared = |format: &&NumberFormat| {
            decimal.is_none_or(|point| point == format.point)
                && thousands.is_none_or(|mark| Some(mark) == format.thousands)
        };
        let candidates: Vec<NumberFormat> =
            NUMBER_FORMATS.iter().filter(is_declared).copied().collect();
        if candidates.is_empty() {
            // A combination that is none of the usual ones was declared.
            return Ok(NumberFormat::new(decimal.unwrap_or(b'.'), thousands));
        }
        find_format(self.texts(), &candidates, separator).map_err(|cell| NumberOfTwoMeanings {
            number: self.number(&self.cells[cell.index]),
            meanings: cell.meanings,
        })
    }

    /// Returns two numbers with different decimal marks, the first of each and the earlier one first, if numbers
    /// that are written in this format are not all.
    pub fn mixed_marks(&self, format: NumberFormat) -> Option<[SampledNumber; 2]> {
        let parser = |format| CellParser::new(&[], Conversion::NONE, format);
        let own = parser(format);
        if self.texts().all(|text| own.parse(text.as_bytes()).is_some()) {
            return None;
        }
        let others = NUMBER_FORMATS.iter().filter(|other| other.point != format.point);
        let others: Vec<CellParser> = others.map(|other| parser(*other)).collect();
        let is_read = |parser: &CellParser, cell: &SampledCell| {
            parser.parse(&self.text.as_bytes()[cell.text.clone()]).is_some()
        };
        let by_others = |cell: &SampledCell| others.iter().any(|other| is_read(other, cell));
        let foreign = |cell: &SampledCell| !is_read(&own, cell) && by_others(cell);
        let foreign = self.cells.iter().position(foreign)?;
        let plain = |cell: &SampledCell| is_read(&own, cell) && !by_others(cell);
        let plain = self.cells.iter().position(plain)?;
        let places = [foreign.min(plain), foreign.max(plain)];
        Some(places.map(|place| self.number(&self.cells[place])))
    }

    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        self.cells.iter().map(|cell| &self.text[cell.text.clone()])
    }

    /// Returns the first number with a text.
    pub(crate) fn find_text(&self, text: &str) -> Option<SampledNumber> {
        let cell = self.cells.iter().find(|cell| &self.text[cell.text.clone()] == text)?;
        Some(self.number(cell))
    }

    fn number(&self, cell: &SampledCell) -> SampledNumber {
        let text = self.text[cell.text.clone()].to_owned();
        SampledNumber { line: cell.line, column: cell.column, text }
    }
}

/// The numbers of cells with a mark that tells how numbers are written, by column.
pub(crate) struct MarkCounts {
    /// Whether a column has such a cell in the first rows.
    first: Vec<bool>,
    /// The number of such cells in later rows.
    later: Vec<usize>,
}

impl MarkCounts {
    /// The number of later cells that tell enough of a column.
    const ENOUGH: usize = 20;

    pub(crate) fn new(columns: usize) -> Self {
        Self { first: vec![false; columns], later: vec![0; columns] }
    }

    /// Counts a cell, and returns whether it has a mark.
    pub(crate) fn count(&mut self, column: usize, text: &str, is_later: bool) -> bool {
        let has_mark = text.bytes().any(|b| matches!(b, b'.' | b',' | b'\'' | b' ' | 0x80..));
        if is_later {
            self.later[column] += usize::from(has_mark);
        } else {
            self.first[column] |= has_mark;
        }
        has_mark
    }

    /// Returns whether later cells of a column tell something new.
    pub(crate) fn wants(&self, column: usize) -> bool {
        !self.first[column] && self.later[column] < Self::ENOUGH
    }

    /// Returns whether no column wants later cells.
    pub(crate) fn are_enough(&self) -> bool {
        !(0..self.first.len()).any(|column| self.wants(column))
    }
}

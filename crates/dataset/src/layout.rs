//! Finds the layout of a table that is text: its separator, its header, its units and how its
//! numbers are written.

use std::slice::from_ref;

use crate::cell::{CellParser, NumberFormat};
use crate::csv_records::{CsvError, CsvRecords, count_lines};
use crate::header::{Header, HeaderError};
use crate::number_sample::{NumberOfTwoMeanings, NumberSample, SampledNumber};
use crate::schema::Schema;
use crate::source::{Encoding, Text};
use crate::table_error::TableError;
use crate::units::{self, Conversion};

/// The separators that are tried, the usual one first.
pub(crate) const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// The number of lines in which a header is looked for.
pub(crate) const MAX_HEADER_LINES: usize = 100;
/// The number of rows that are looked at for names of rows, which the header does not have.
pub(crate) const ROWS_WITH_NAMES: usize = 50;
/// What is said of such a file.
pub(crate) const ROW_NAMES: &str =
    "the first column has no name: rows have one field more than the header";
/// What is known of the format of files. What is not given is found by looking at them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextFormat {
    /// The encoding.
    pub encoding: Option<Encoding>,
    /// The separator of fields; a blank stands for any number of blanks.
    pub separator: Option<u8>,
    /// The decimal mark, `.` or `,`.
    pub decimal: Option<u8>,
    /// The separator of groups of three digits.
    pub thousands: Option<char>,
    /// The line of the header, from 1; with 0 there is none, and the columns are named `column_1`,
    /// `column_2`, ...
    pub header_line: Option<u64>,
    /// Whether the day comes before the month in a date such as 1/2/2024.
    pub day_first: Option<bool>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
}

impl TextFormat {
    /// Returns the format of the cells of a workbook or a Parquet file, written as text: the encoding, the
    /// separator and the marks in numbers are those of text.
    pub(crate) fn of_cells(&self) -> Self {
        Self {
            encoding: Some(Encoding::Utf8),
            separator: Some(b','),
            decimal: Some(b'.'),
            thousands: None,
            header_line: self.header_line,
            day_first: self.day_first,
            sheet: None,
        }
    }
}

/// The layout of a text.
pub(crate) struct Layout {
    pub(crate) separator: u8,
    /// The number of bytes before the first row.
    pub(crate) skip: usize,
    /// The line of the first row.
    pub(crate) line: u64,
    pub(crate) header: Header,
    pub(crate) numbers: NumberFormat,
    /// What was found, if it is not the usual.
    pub(crate) notes: Vec<String>,
}

/// A header that was found.
struct FoundHeader {
    separator: u8,
    /// The position of the header, and of the text after it.
    begin: usize,
    end: usize,
    header: Header,
    /// The fields of the header, which are read again with units from the next line.
    fields: Vec<Vec<u8>>,
}

/// The best header of those that do not have all columns.
struct Nearest {
    line: u64,
    missing: usize,
    problem: HeaderError,
}

/// Finds layouts of texts with the columns of a schema.
pub(crate) struct LayoutFinder<'a> {
    pub(crate) file: &'a str,
    pub(crate) schema: &'a Schema,
    /// Whether the header must have the label.
    pub(crate) with_label: bool,
    pub(crate) declared: &'a TextFormat,
    pub(crate) origin: Origin,
}

/// Where a text is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file of text.
    File,
    /// The cells of a sheet, whose numbers have a decimal point.
    Sheet {
        /// The declared decimal mark of numbers in cells that are texts.
        decimal: Option<u8>,
    },
    /// The values of a Parquet file, whose numbers have a decimal point.
    Parquet,
}

/// Returns how numbers are written in the cells of a sheet that are texts, by some that may be numbers;
/// `Err` with the first of them if each has two meanings.
pub(crate) fn numbers_in_texts<'c>(
    cells: impl Iterator<Item = &'c str>,
) -> Result<NumberFormat, &'c str> {
    let parser = |format| CellParser::new(&[], Conversion::NONE, format);
    let [plain, comma, groups] = [
        NumberFormat::default(),
        NumberFormat::new(b',', None),
        NumberFormat::new(b'.', Some(',')),
    ];
    let [of_plain, of_comma, of_groups] = [plain, comma, groups].map(parser);
    let reads = |parser: &CellParser, cell: &str| {
        parser.parse(cell.as_bytes()).is_some_and(|number| !number.is_nan())
    };
    let mut doubtful = None;
    let (mut commas, mut grouped) = (0, 0);
    for cell in cells.filter(|cell| !reads(&of_plain, cell)) {
        match (reads(&of_comma, cell), reads(&of_groups, cell)) {
            (true, true) => {
                doubtful.get_or_insert(cell);
            }
            (true, false) => commas += 1,
            (false, true) => grouped += 1,
            (false, false) => {}
        }
    }
    match (doubtful, commas > 0, grouped > 0) {
        (_, true, false) => Ok(NumberFormat { comma_in_text: true, ..plain }),
        (_, false, true) => Ok(groups),
        (Some(cell), ..) => Err(cell),
        (None, ..) => Ok(plain),
    }
}

impl LayoutFinder<'_> {
    /// Finds the layout of a text by its beginning.
    ///
    /// # Errors
    /// Returns an error if no line has the schema's columns, or if numbers have two meanings.
    pub(crate) fn find(&self, text: &Text<'_>) -> Result<Layout, TableError> {
        if !text.is_blank_separated {
            let declared = self.declared.separator.as_ref();
            return self.find_with(text, declared.map_or(&SEPARATORS, from_ref));
        }
        let mut layout = self.find_with(text, b"\t")?;
        let tabs = separator_note(b'\t');
        for note in layout.notes.iter_mut().filter(|note| **note == tabs) {
            *note = separator_note(b' ');
        }
        Ok(layout)
    }

    /// Finds the layout of a text, whose blanks may separate its columns: they become tabs then.
    ///
    /// # Errors
    /// Returns the errors of [`Self::find`], and an error if the text cannot be read.
    pub(crate) fn find_or_separate<'t>(
        &self,
        mut text: Text<'t>,
    ) -> Result<(Text<'t>, Layout), TableError> {
        let separate = |text: Text<'t>| {
            text.blank_separated().map_err(|source| TableError::unreadable(self.file, source))
        };
        if self.declared.separator == Some(b' ') {
            text = separate(text)?;
        }
        let layout = match self.find(&text) {
            Err(error) if self.may_be_blank_separated(&error) => {
                text = separate(text)?;
                self.find(&text).map_err(|_| error)?
            }
            found => found?,
        };
        Ok((text, layout))
    }

    /// Returns whether blanks may separate the columns of a text whose layout was not found.
    fn may_be_blank_separated(&self, error: &TableError) -> bool {
        matches!(error, TableError::Header { .. }) && self.declared.separator.is_none()
    }

    fn find_with(&self, text: &Text<'_>, separators: &[u8]) -> Result<Layout, TableError> {
        let text = text.whole_lines();
        let mut notes = Vec::new();
        let (begin, line_separator) = separator_line(text);
        let separators = match (self.declared.separator, &line_separator) {
            (None, Some(separator)) => from_ref(separator),
            _ => separators,
        };
        let mut found = self.header(text, begin, separators)?;
        let header_line = 1 + count_lines(&text[..found.begin]);
        if self.declared.header_line.is_none() && !text[begin..found.begin].trim_ascii().is_empty()
        {
            notes.push(format!("the header is on line {header_line}"));
        }
        if self.declared.separator.is_none() && found.separator != b',' {
            notes.push(separator_note(found.separator));
        }
        if self.has_row_names(text, &found) {
            found.fields.insert(0, Vec::new());
            found.header = self.header_of(&found.fields, &[])?;
            notes.push(ROW_NAMES.to_owned());
        }
        if let Some(end) = self.units_line(text, &mut found)? {
            found.end = end;
            notes.push("units are on the line after the header".to_owned());
        }
        let numbers = self.numbers(text, &found)?;
        notes.extend(number_note(numbers));
        let FoundHeader { separator, end, header, .. } = found;
        let line = 1 + count_lines(&text[..end]);
        Ok(Layout { separator, skip: end, line, header, numbers, notes })
    }

    fn records<'t>(&'t self, text: &'t [u8], at: usize, separator: u8) -> CsvRecords<'t> {
        let line = 1 + count_lines(&text[..at]);
        CsvRecords::new(self.file, &text[at..], line, separator)
    }

    /// Finds the first line that has the schema's columns with one of these separators.
    fn header(
        &self,
        text: &[u8],
        begin: usize,
        separators: &[u8],
    ) -> Result<FoundHeader, TableError> {
        if self.declared.header_line == Some(0) {
            return self.without_header(text, begin, separators);
        }
        let mut nearest: Option<Nearest> = None;
        let mut unreadable: Option<CsvError> = None;
        for (line, at) in lines(text, begin).take(MAX_HEADER_LINES) {
            if self.declared.header_line.is_some_and(|declared| declared != line) {
                continue;
            }
            for &separator in separators {
                let mut records = self.records(text, at, separator);
                let fields: Vec<Vec<u8>> = match records.next() {
                    Ok(Some(record)) => record.fields().map(<[u8]>::to_vec).collect(),
                    Ok(None) => continue,
                    // A line before the header may have an open quote.
                    Err(error) => {
                        unreadable.get_or_insert(error);
                        continue;
                    }
                };
                let end = text.len() - records.rest().len();
                let problem = match Header::find(self.schema, &fields, &[], self.with_label) {
                    Ok(header) => {
                        return Ok(FoundHeader { separator, begin: at, end, header, fields });
                    }
                    Err(problem) => problem,
                };
                let missing = match &problem {
                    HeaderError::Missing { missing, .. } => missing.len(),
                    HeaderError::Slip { .. }
                    | HeaderError::Twice { .. }
                    | HeaderError::Unit { .. } => 0,
                };
                if nearest.as_ref().is_none_or(|nearest| missing < nearest.missing) {
                    nearest = Some(Nearest { line, missing, problem });
                }
            }
        }
        let file = self.file.to_owned();
        match nearest {
            Some(Nearest { line: 1, problem, .. }) => Err(TableError::Header { file, problem }),
            Some(Nearest { line, problem, .. }) => {
                Err(TableError::Header { file: format!("{file}, line {line},"), problem })
            }
            None => Err(unreadable.map_or(TableError::Empty { file }, TableError::Csv)),
        }
    }

    /// Names the columns by position.
    fn without_header(
        &self,
        text: &[u8],
        begin: usize,
        separators: &[u8],
    ) -> Result<FoundHeader, TableError> {
        let mut problem = TableError::Empty { file: self.file.to_owned() };
        for &separator in separators {
            let Some(record) = self.records(text, begin, separator).next()?.map(|r| r.len()) else {
                continue;
            };
            let name = |index: usize| format!("column_{}", index + 1).into_bytes();
            let fields: Vec<Vec<u8>> = (0..record).map(name).collect();
            match Header::find(self.schema, &fields, &[], self.with_label) {
                Ok(header) => {
                    return Ok(FoundHeader { separator, begin, end: begin, header, fields });
                }
                Err(found) => {
                    problem = TableError::Header { file: self.file.to_owned(), problem: found };
                }
            }
        }
        Err(problem)
    }

    /// Reads units on the line after the header. Returns the end of that line, or `None` if the line
    /// is a row.
    fn units_line(
        &self,
        text: &[u8],
        found: &mut FoundHeader,
    ) -> Result<Option<usize>, TableError> {
        if self.declared.header_line == Some(0) {
            return Ok(None);
        }
        let mut records = self.records(text, found.end, found.separator);
        let Ok(Some(record)) = records.next() else { return Ok(None) };
        let trimmed = |field: &[u8]| String::from_utf8_lossy(field).trim().to_owned();
        let units_line: Vec<String> = record.fields().map(trimmed).collect();
        let unit = |text: &String| {
            let text = text.trim_start_matches(['(', '[']).trim_end_matches([')', ']']);
            text.trim().to_owned()
        };
        let fields: Vec<String> = units_line.iter().map(unit).collect();
        let is_unit = |text: &String| units::is_known(text);
        let is_none = |text: &String| text.is_empty() || text == "-";
        let are_units = fields.iter().all(|text| is_unit(text) || is_none(text))
            && fields.iter().any(is_unit)
            && fields.len() == found.fields.len();
        if !are_units {
            return Ok(None);
        }
        let end = text.len() - records.rest().len();
        let units: Vec<Option<String>> =
            fields.into_iter().map(|text| is_unit(&text).then_some(text)).collect();
        found.header = self.header_of(&found.fields, &units)?;
        found.header.units_line = units_line;
        Ok(Some(end))
    }

    fn header_of(
        &self,
        fields: &[Vec<u8>],
        units: &[Option<String>],
    ) -> Result<Header, TableError> {
        Header::find(self.schema, fields, units, self.with_label)
            .map_err(|problem| TableError::Header { file: self.file.to_owned(), problem })
    }

    /// Returns whether the first rows have one field more than the header, and begin with a quote like
    /// it: R writes the names of rows so. Without quotes a decimal comma may divide a number.
    fn has_row_names(&self, text: &[u8], found: &FoundHeader) -> bool {
        if self.declared.header_line == Some(0) {
            return false;
        }
        let mut records = self.records(text, found.end, found.separator);
        let mut names = Vec::new();
        let has_quotes = |text: &[u8]| text.trim_ascii_start().starts_with(b"\"");
        if !has_quotes(&text[found.begin..]) {
            return false;
        }
        while names.len() < ROWS_WITH_NAMES
            && has_quotes(records.rest())
            && let Ok(Some(record)) = records.next()
        {
            if record.len() != found.fields.len() + 1 {
                return false;
            }
            names.push(String::from_utf8_lossy(record.field(0)).trim().to_owned());
        }
        let is_all = names.len() == ROWS_WITH_NAMES || records.rest().trim_ascii().is_empty();
        is_all && are_row_names(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Finds how the numbers of the first rows are written.
    fn numbers(&self, text: &[u8], found: &FoundHeader) -> Result<NumberFormat, TableError> {
        let sample = self.sample(text, found);
        let two_meanings = |number: SampledNumber, meanings: String| {
            let SampledNumber { line, column, text } = number;
            let column = &self.schema.columns()[column].name;
            let place = format!("{}, line {line}, column `{column}`", self.file);
            TableError::TwoMeanings { place, text, meanings }
        };
        match self.origin {
            Origin::File => {}
            Origin::Parquet => return Ok(NumberFormat::default()),
            Origin::Sheet { decimal: Some(decimal) } => {
                return Ok(NumberFormat {
                    comma_in_text: decimal == b',',
                    ..NumberFormat::default()
                });
            }
            Origin::Sheet { decimal: None } => {
                return numbers_in_texts(sample.texts()).map_err(|text| {
                    let (comma, groups) = (text.replacen(',', ".", 1), text.replace(',', ""));
                    let number = sample.find_text(text).unwrap_or_else(|| SampledNumber {
                        line: 0,
                        column: 0,
                        text: text.to_owned(),
                    });
                    two_meanings(
                        number,
                        format!(
                            "a text that is {comma} with a decimal comma and {groups} with a decimal point"
                        ),
                    )
                });
            }
        }
        let TextFormat { decimal, thousands, .. } = *self.declared;
        sample.find(decimal, thousands, found.separator).map_err(|doubtful| {
            let NumberOfTwoMeanings { number, meanings: [one, other] } = doubtful;
            two_meanings(number, format!("{one} and {other}"))
        })
    }

    /// Returns cells of the schema's columns of numbers.
    fn sample(&self, text: &[u8], found: &FoundHeader) -> NumberSample<'_> {
        let mut records = self.records(text, found.end, found.separator);
        let mut sample = NumberSample::new(self.schema, &found.header);
        // What is wrong with a row is said when it is read.
        while let Ok(Some(record)) = records.next()
            && sample.add(record.line, |field| record.field(field))
        {}
        sample
    }
}

/// Reads a first line such as `sep=;`, which Excel writes and reads. Returns the position after it
/// and the separator.
pub(crate) fn separator_line(text: &[u8]) -> (usize, Option<u8>) {
    let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let unquoted = line.trim_ascii().strip_prefix(b"\"").unwrap_or(line);
    match unquoted {
        [s, e, p, b'=', separator, ..]
            if [s, e, p].map(u8::to_ascii_lowercase) == *b"sep" && unquoted.len() <= 6 =>
        {
            (line.len(), Some(*separator))
        }
        _ => (0, None),
    }
}

/// Iterates over the lines from `begin` on that are not blank: the number and the position of each.
fn lines(text: &[u8], begin: usize) -> impl Iterator<Item = (u64, usize)> {
    let mut at = begin;
    let mut number = 1 + count_lines(&text[..begin]);
    std::iter::from_fn(move || {
        while at < text.len() {
            let (line, begin) = (number, at);
            let end = memchr::memchr2(b'\n', b'\r', &text[at..]);
            at = end.map_or(text.len(), |end| at + end + 1);
            number += u64::from(text[..at].ends_with(b"\n"));
            if !text[begin..at].trim_ascii().is_empty() {
                return Some((line, begin));
            }
        }
        None
    })
}

/// Returns whether the first fields of rows that have one field more than the header are the names of the
/// rows: no two are the same, and they are words, or numbers that count up. Other numbers may have been
/// divided by a decimal comma.
pub(crate) fn are_row_names(names: &[&str]) -> bool {
    let numbers: Vec<Option<i64>> = names.iter().map(|name| name.parse().ok()).collect();
    let counts_up = || {
        let pairs = numbers.windows(2);
        numbers[0].is_some()
            && pairs.into_iter().all(|p| p[0].and_then(|n| n.checked_add(1)) == p[1])
    };
    let are_words = || names.iter().all(|name| name.starts_with(char::is_alphabetic));
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    names.len() > 1
        && sorted.windows(2).all(|pair| pair[0] != pair[1])
        && (counts_up() || are_words())
}

/// Returns what is unusual about a number format.
pub(crate) fn number_note(numbers: NumberFormat) -> Option<String> {
    if numbers == NumberFormat::default() {
        return None;
    }
    let name = match numbers {
        NumberFormat { comma_in_text: true, .. } => "a comma in cells that are texts",
        NumberFormat { point: b',', .. } => "a comma",
        _ => "a point",
    };
    let groups = match numbers.thousands {
        Some(' ') => ", groups of digits by blanks".to_owned(),
        Some(mark) => format!(", groups of digits by `{mark}`"),
        None => String::new(),
    };
    Some(format!("the decimal mark is {name}{groups}"))
}

/// Returns the note about a separator.
pub(crate) fn separator_note(separator: u8) -> String {
    match separator {
        b'\t' => "fields are separated by tabs".to_owned(),
        b' ' => "fields are separated by blanks".to_owned(),
        other => format!("fields are separated by `{}`", char::from(other)),
    }
}

//! Finds the layout of a text whose columns nobody has declared, by its structure: the separator
//! that divides most lines into the same number of fields, the first such line as the header, and
//! how the numbers below it are written.

use crate::cell::{CellParser, NumberFormat, number_and_unit};
use crate::csv_records::{CsvRecords, count_lines};
use crate::header::name_and_unit;
use crate::layout::{
    MAX_HEADER_LINES, ROW_NAMES, ROWS_WITH_NAMES, SEPARATORS, are_row_names, number_note,
    numbers_in_texts, separator_line, separator_note,
};
use crate::number_sample::{
    CellOfTwoMeanings, MarkCounts, NUMBER_FORMATS, SAMPLE_CELLS, SAMPLE_ROWS, find_format,
};
use crate::source::Text;
use crate::table_error::TableError;
use crate::units::{self, Conversion};
use crate::words::is_missing;

/// The least share of lines with the same number of fields in a table.
const LEAST_FIT: f64 = 0.5;
/// The share of lines from which on a separator is not doubted.
const GOOD_FIT: f64 = 0.9;
/// The least share of a column's cells that are numbers in a column of numbers.
const NUMERIC_SHARE: f64 = 0.8;
/// The number of rows that a header is compared with.
const COMPARED_ROWS: usize = 50;

/// A column as the header has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawColumn {
    /// The text of the header, or `column_1` and so on without one.
    pub header: String,
    /// The known unit that the header has in parentheses, or the line below it.
    pub unit: Option<String>,
    /// The header without its unit. What is in parentheses and is no known unit belongs to the name.
    pub name: String,
}

/// The layout of a text.
pub(crate) struct RawLayout {
    pub(crate) separator: u8,
    /// The number of bytes before the first row, and the line of that row.
    pub(crate) skip: usize,
    pub(crate) line: u64,
    /// The line of the header, or 0 if there is none.
    pub(crate) header_line: u64,
    pub(crate) columns: Vec<RawColumn>,
    /// The cells of the line of units below the header; empty if there is none.
    pub(crate) units_line: Vec<String>,
    pub(crate) numbers: NumberFormat,
    /// How numbers are written in texts, if this is a sheet and they do not have two meanings.
    numbers_in_texts: Option<NumberFormat>,
    /// A number that has two meanings by what the first rows show: its place, its text, and both
    /// meanings, the one that is taken first.
    pub(crate) two_meanings: Option<String>,
    /// What was found, if it is not the usual.
    pub(crate) notes: Vec<String>,
    /// Whether a row has a number.
    pub(crate) has_numbers: bool,
    /// How well the separator fits: whether there is a header, and the share of lines that fit.
    quality: (bool, u32),
    /// The line of the first row and its number of fields, if all rows have one field more than what
    /// looks like a header: a decimal comma may divide a number.
    wider: Option<(u64, usize)>,
}

impl RawLayout {
    /// Takes the numbers as they are written for cells that are numbers: with a decimal point. Words
    /// beside them, such as `57,31`, say nothing of how those are to be read; in a sheet they may be numbers
    /// with a decimal comma.
    pub(crate) fn set_typed_numbers(&mut self, is_sheet: bool) {
        let note = number_note(self.numbers);
        self.notes.retain(|other| Some(other) != note.as_ref());
        (self.numbers, self.two_meanings) = (NumberFormat::default(), None);
        match self.numbers_in_texts {
            _ if !is_sheet => {}
            Some(numbers) => {
                self.numbers = numbers;
                self.notes.extend(number_note(numbers));
            }
            None => self.notes.push(
                "cells that are texts may have a decimal comma or groups of digits by commas, nothing \
                 tells which: they are no numbers"
                    .to_owned(),
            ),
        }
    }

    /// Returns whether another separator need not be tried.
    pub(crate) fn is_certain(&self) -> bool {
        self.quality.0 && f64::from(self.quality.1) >= GOOD_FIT * FIT_STEPS
    }

    /// Returns whether this layout fits better than another.
    pub(crate) fn is_better_than(&self, other: &Self) -> bool {
        self.quality > other.quality
    }

    /// Says that the fields, which were blank-separated, are not separated by tabs.
    pub(crate) fn say_blanks(&mut self) {
        let tabs = separator_note(b'\t');
        for note in self.notes.iter_mut().filter(|note| **note == tabs) {
            *note = separator_note(b' ');
        }
    }
}

/// The number of steps in which the share of lines that fit is compared.
const FIT_STEPS: f64 = 50.0;

/// Finds the layout of a text by its beginning; `separators` are tried.
///
/// # Errors
/// Returns an error if the text is empty, or no separator divides its lines into columns.
pub(crate) fn find(
    file: &str,
    text: &Text<'_>,
    separators: Option<&[u8]>,
) -> Result<RawLayout, TableError> {
    let text = text.whole_lines();
    let (begin, declared) = separator_line(text);
    if text[begin..].trim_ascii().is_empty() {
        return Err(TableError::Empty { file: file.to_owned() });
    }
    let declared = declared.as_ref().map(std::slice::from_ref);
    let separators = separators.or(declared).unwrap_or(&SEPARATORS);
    let finders = separators.iter().map(|&separator| Finder { file, text, begin, separator });
    let layouts = finders.filter_map(|finder| finder.layout());
    // Of two that fit alike, the one that comes first is the usual one.
    let best = layouts.reduce(|best, other| if other.is_better_than(&best) { other } else { best });
    let best = best.ok_or_else(|| TableError::NoColumns { file: file.to_owned() })?;
    if let Some((line, fields)) = best.wider {
        return Err(TableError::Wider { file: file.to_owned(), line, fields });
    }
    Ok(best)
}

/// The number of fields of most lines.
struct Width {
    /// Those up to the last that is not empty in all of these lines.
    named: usize,
    /// All of them.
    whole: usize,
    /// How well the separator fits: the share of lines that have so many, times the share of their
    /// cells without another separator.
    fit: f64,
}

/// One of the first lines.
struct Line {
    /// The position of the line, and of what follows it.
    begin: usize,
    end: usize,
    fields: Vec<String>,
}

/// A cell that may be a number.
struct SampledNumber {
    /// The position of its line.
    begin: usize,
    column: usize,
    text: String,
}

impl Line {
    /// Returns whether the line has `width` fields, with nothing but separators behind them.
    fn fits(&self, width: usize) -> bool {
        self.fields.get(width..).is_some_and(|rest| rest.iter().all(String::is_empty))
    }

    fn filled(&self) -> usize {
        self.fields.iter().filter(|field| !field.is_empty()).count()
    }
}

/// Finds the layout with one separator.
struct Finder<'a> {
    file: &'a str,
    text: &'a [u8],
    begin: usize,
    separator: u8,
}

impl Finder<'_> {
    fn layout(&self) -> Option<RawLayout> {
        let mut lines = self.lines();
        let Width { named: width, whole, fit } = self.width(&lines)?;
        let mut notes = Vec::new();
        let mut wider = None;
        let mut header = self.header(&lines, width, whole);
        if header.is_none()
            && let Some(named) = self.with_row_names(&lines, whole)
        {
            let below = lines[named + 1..].iter().take(ROWS_WITH_NAMES);
            let has_quotes = |line: &Line| self.text[line.begin..].starts_with(b"\"");
            let names: Vec<&str> =
                below.clone().filter_map(|line| Some(line.fields.first()?.as_str())).collect();
            if has_quotes(&lines[named]) && below.clone().all(has_quotes) && are_row_names(&names) {
                // R writes no name for the first column.
                lines[named].fields.insert(0, String::new());
                header = Some(named);
                notes.push(ROW_NAMES.to_owned());
            } else {
                let begin = lines.get(named + 1).map_or(0, |line| line.begin);
                wider = Some((1 + count_lines(&self.text[..begin]), whole));
            }
        }
        let named = |at: usize| lines[at].fields.iter().rposition(|text| !text.is_empty());
        let width = width.max(header.and_then(named).map_or(0, |last| last + 1));
        let fits = |line: &&Line| line.fits(width);
        let header_line = header.map_or(0, |at| 1 + count_lines(&self.text[..lines[at].begin]));
        let mut begin = self.begin;
        let mut columns: Vec<RawColumn> = match header {
            Some(at) => {
                begin = lines[at].end;
                if !self.text[self.begin..lines[at].begin].trim_ascii().is_empty() {
                    notes.push(format!("the header is on line {header_line}"));
                }
                lines[at].fields.iter().map(|text| RawColumn::of(text)).collect()
            }
            None => {
                notes.push("there is no header line".to_owned());
                let name = |index: usize| format!("column_{}", index + 1);
                (0..width).map(|index| RawColumn::of(&name(index))).collect()
            }
        };
        if self.separator != b',' {
            notes.push(separator_note(self.separator));
        }
        let mut rows = lines.iter().skip(header.map_or(0, |at| at + 1)).peekable();
        let mut units_line = Vec::new();
        if header.is_some()
            && let Some(units) = rows.peek().and_then(|line| units_of(line, columns.len()))
        {
            if let Some(line) = rows.next() {
                (begin, units_line) = (line.end, line.fields.clone());
            }
            notes.push("units are on the line after the header".to_owned());
            for (column, unit) in columns.iter_mut().zip(units) {
                column.unit = column.unit.take().or(unit);
            }
        }
        let rows: Vec<&Line> = rows.filter(fits).collect();
        for (index, column) in columns.iter_mut().enumerate().filter(|(_, c)| c.unit.is_none()) {
            let cells = rows.iter().filter_map(|row| row.fields.get(index));
            column.unit = unit_of_cells(cells.map(String::as_str));
            if let Some(unit) = &column.unit {
                notes.push(format!(
                    "numbers of `{}` have their unit behind them: {unit}",
                    column.name
                ));
            }
        }
        let has_numbers = rows.iter().any(|row| row.fields.iter().any(|text| is_number(text)));
        let end = lines.last().map_or(begin, |line| line.end);
        let (numbers, numbers_in_texts, two_meanings) = self.numbers(&rows, end, &columns);
        notes.extend(number_note(numbers));
        Some(RawLayout {
            separator: self.separator,
            skip: begin,
            line: 1 + count_lines(&self.text[..begin]),
            header_line,
            columns,
            units_line,
            numbers,
            numbers_in_texts,
            two_meanings,
            notes,
            has_numbers,
            quality: (header.is_some() || wider.is_some(), (fit * FIT_STEPS).round() as u32),
            wider,
        })
    }

    /// Reads the first lines as records.
    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut at = self.begin;
        let mut cells = 0;
        let limit = MAX_HEADER_LINES + SAMPLE_ROWS;
        let records = |at: usize| CsvRecords::new(self.file, &self.text[at..], 1, self.separator);
        let mut parser = records(at);
        while lines.len() < limit && (cells < SAMPLE_CELLS || lines.len() < COMPARED_ROWS) {
            let fields: Vec<String> = match parser.next() {
                Ok(Some(record)) => record.fields().map(decoded).collect(),
                Ok(None) => break,
                // A line before the header may have an open quote.
                Err(_) => {
                    let end = memchr::memchr(b'\n', &self.text[at..]);
                    let Some(end) = end else { break };
                    at += end + 1;
                    parser = records(at);
                    continue;
                }
            };
            let end = self.text.len() - parser.rest().len();
            cells += fields.len();
            // Line breaks before the record are no part of it.
            let blank = self.text[at..end].iter().take_while(|b| matches!(b, b'\n' | b'\r'));
            lines.push(Line { begin: at + blank.count(), end, fields });
            at = end;
        }
        lines
    }

    /// Returns the number of fields that most lines have, without an empty one at the end of all of
    /// them, and how well the separator fits: the share of lines that have it, times the share of
    /// their cells without another separator. Returns `None` if that is no table.
    fn width(&self, lines: &[Line]) -> Option<Width> {
        let mut counts = std::collections::BTreeMap::new();
        lines.iter().for_each(|line| *counts.entry(line.fields.len()).or_insert(0_usize) += 1);
        let (&width, &most) = counts.iter().max_by_key(|(width, count)| (**count, **width))?;
        let fit: Vec<&Line> = lines.iter().filter(|line| line.fields.len() == width).collect();
        // Lines may end with separators.
        let named = fit.iter().filter_map(|line| line.fields.iter().rposition(|f| !f.is_empty()));
        let (whole, width) = (width, named.max().map_or(width, |last| last + 1));
        let is_cut = width < whole;
        let cells = || fit.iter().flat_map(|line| &line.fields);
        let others = |text: &&String| {
            text.bytes().any(|b| b != self.separator && b",;\t|"[1..].contains(&b))
        };
        let clean = 1.0 - cells().filter(others).count() as f64 / cells().count().max(1) as f64;
        // The header of rows that end with a separator may not end with one.
        let cut_header = usize::from(lines.iter().any(|l| is_cut && l.fields.len() == width));
        let share = (most + cut_header) as f64 / lines.len() as f64 * clean;
        let found = Width { named: width, whole, fit: share.min(1.0) };
        (width >= 2 && share >= LEAST_FIT).then_some(found)
    }

    /// Finds the header: the first line that has about as many fields as the others and does not
    /// look like the rows below it.
    fn header(&self, lines: &[Line], width: usize, whole: usize) -> Option<usize> {
        // A column at the end may be empty in the first rows.
        let is_candidate = |line: &Line| {
            line.fields.len() >= width
                && line.fits(whole.min(line.fields.len()))
                && line.filled() >= 2.max(width.div_ceil(2))
        };
        let at = lines.iter().take(MAX_HEADER_LINES).position(is_candidate)?;
        let is_row = |line: &&Line| line.fields.len() >= width && line.fields != lines[at].fields;
        let below = lines[at + 1..].iter().filter(is_row);
        let below: Vec<&Line> = below.take(COMPARED_ROWS).collect();
        self.is_header(&lines[at].fields, &below).then_some(at)
    }

    /// Finds a header without a name for the first column: every line below it has one field more.
    fn with_row_names(&self, lines: &[Line], width: usize) -> Option<usize> {
        let is_candidate =
            |line: &Line| line.fields.len() + 1 == width && line.filled() + 1 == width && width > 2;
        let at = lines.iter().take(MAX_HEADER_LINES).position(is_candidate)?;
        let below: Vec<&Line> = lines[at + 1..].iter().take(COMPARED_ROWS).collect();
        let header: Vec<String> =
            std::iter::once(String::new()).chain(lines[at].fields.iter().cloned()).collect();
        let is_wider = |line: &&Line| line.fields.len() == width;
        let is_header =
            !below.is_empty() && below.iter().all(is_wider) && self.is_header(&header, &below);
        is_header.then_some(at)
    }

    /// Returns whether these names do not look like the rows below them.
    fn is_header(&self, header: &[String], below: &[&Line]) -> bool {
        let (mut words, mut numbers, mut texts, mut again) = (0, 0, 0, 0);
        for (column, field) in header.iter().enumerate() {
            let cells = below.iter().filter_map(|line| line.fields.get(column));
            let cells = cells.map(String::as_str);
            let cells: Vec<&str> = cells.filter(|cell| !is_missing(cell)).collect();
            let count = cells.iter().filter(|cell| is_number(cell)).count();
            if cells.is_empty() || field.is_empty() {
                continue;
            }
            if (count as f64) < NUMERIC_SHARE * cells.len() as f64 {
                texts += 1;
                again += usize::from(cells.contains(&field.as_str()));
            } else if is_number(field) {
                numbers += 1;
            } else if !is_missing(field) {
                words += 1;
            }
        }
        let mut sorted: Vec<&String> = header.iter().filter(|text| !text.is_empty()).collect();
        let filled = sorted.len();
        sorted.sort();
        sorted.dedup();
        if words + numbers == 0 {
            // Without a column of numbers: no name is a value of its column.
            below.is_empty() || (texts > 0 && again == 0 && sorted.len() == filled)
        } else {
            words > numbers || counts_up(header)
        }
    }

    /// Returns the numbers of the first rows, and then those with a mark from `end` on in columns whose
    /// first numbers have none.
    fn sample(&self, rows: &[&Line], end: usize, columns: &[RawColumn]) -> Vec<SampledNumber> {
        let mut cells = Vec::new();
        let mut marks = MarkCounts::new(columns.len());
        for line in rows.iter().take(SAMPLE_ROWS) {
            let fields = line.fields.iter().enumerate().take(columns.len());
            for (column, text) in fields.map(|(column, text)| (column, without_unit(text))) {
                if !may_be_number(text) {
                    continue;
                }
                marks.count(column, text, false);
                cells.push(SampledNumber { begin: line.begin, column, text: text.to_owned() });
            }
        }
        let mut records = CsvRecords::new(self.file, &self.text[end..], 1, self.separator);
        let mut at = end;
        while !marks.are_enough()
            && let Ok(Some(record)) = records.next()
        {
            let wanted = (0..columns.len().min(record.len())).filter(|column| marks.wants(*column));
            for column in wanted.collect::<Vec<_>>() {
                let text = without_unit(&decoded(record.field(column))).to_owned();
                if may_be_number(&text) && marks.count(column, &text, true) {
                    // Line breaks before the record are no part of it.
                    let blank = self.text[at..].iter().take_while(|b| matches!(b, b'\n' | b'\r'));
                    cells.push(SampledNumber { begin: at + blank.count(), column, text });
                }
            }
            at = self.text.len() - records.rest().len();
        }
        cells
    }

    /// Finds how numbers are written, and a number that has two meanings.
    fn numbers(
        &self,
        rows: &[&Line],
        end: usize,
        columns: &[RawColumn],
    ) -> (NumberFormat, Option<NumberFormat>, Option<String>) {
        let cells = self.sample(rows, end, columns);
        let in_texts = numbers_in_texts(cells.iter().map(|cell| cell.text.as_str())).ok();
        let texts = cells.iter().map(|cell| cell.text.as_str());
        match find_format(texts, &NUMBER_FORMATS, self.separator) {
            Ok(format) => (format, in_texts, None),
            Err(CellOfTwoMeanings { index, first, meanings: [one, other] }) => {
                let SampledNumber { begin, column, text } = &cells[index];
                let line = 1 + count_lines(&self.text[..*begin]);
                let column = &columns[*column].header;
                let place = format!("{}, line {line}, column `{column}`", self.file);
                let two_meanings = format!("{place}: `{text}` is {one} or {other}");
                (first, in_texts, Some(two_meanings))
            }
        }
    }
}

impl RawColumn {
    fn of(header: &str) -> Self {
        let header = header.trim_start_matches('\u{feff}').trim();
        let (name, unit) = name_and_unit(header);
        match unit.filter(|unit| units::is_known(unit) && !name.is_empty()) {
            Some(unit) => Self { header: header.to_owned(), unit: Some(unit), name },
            None => Self { header: header.to_owned(), unit: None, name: header.to_owned() },
        }
    }
}

/// Returns the units on a line, or `None` if the line is a row.
fn units_of(line: &Line, width: usize) -> Option<Vec<Option<String>>> {
    let plain = |text: &String| {
        text.trim_start_matches(['(', '[']).trim_end_matches([')', ']']).trim().to_owned()
    };
    let fields: Vec<String> = line.fields.iter().map(plain).collect();
    let is_unit = |text: &String| units::is_known(text);
    let are_units = fields.len() == width
        && fields.iter().all(|text| is_unit(text) || text.is_empty() || text == "-")
        && fields.iter().any(is_unit);
    are_units.then(|| fields.into_iter().map(|text| is_unit(&text).then_some(text)).collect())
}

/// Returns the unit behind the first number of a column, all of whose cells have one of its kind.
fn unit_of_cells<'c>(cells: impl Iterator<Item = &'c str>) -> Option<String> {
    let cells: Vec<&str> = cells.filter(|cell| !is_missing(cell)).collect();
    let units: Option<Vec<&str>> =
        cells.iter().map(|cell| number_and_unit(cell).map(|(_, unit)| unit)).collect();
    let units = units?;
    let first = *units.first()?;
    let is_convertible = |unit: &&str| units::between(unit, first).is_ok();
    (units.len() > 1 && units.iter().all(is_convertible)).then(|| first.to_owned())
}

/// Returns whether these are the names of columns without a name: 0, 1, 2 and so on.
fn counts_up(header: &[String]) -> bool {
    let numbers: Vec<Option<i64>> = header.iter().map(|text| text.parse().ok()).collect();
    let rises = numbers.windows(2).filter(
        |pair| matches!(pair, [Some(one), Some(next)] if one.checked_add(1) == Some(*next)),
    );
    rises.count() >= 3.max(header.len() * 4 / 5)
}

/// Returns a cell without the unit behind its number.
fn without_unit(text: &str) -> &str {
    number_and_unit(text).map_or(text, |(number, _)| number)
}

/// Returns whether a text is a number in one of the usual formats.
fn is_number(text: &str) -> bool {
    may_be_number(text)
        && NUMBER_FORMATS.iter().any(|&format| {
            CellParser::new(&[], Conversion::NONE, format).parse(text.as_bytes()).is_some()
        })
}

/// Returns whether a text has the letters of a number.
fn may_be_number(text: &str) -> bool {
    let is_part = |letter: char| {
        letter.is_ascii_digit()
            || matches!(letter, '+' | '-' | '.' | ',' | '\'' | '\u{2019}' | 'e' | 'E' | ' ')
            || matches!(letter, '\u{a0}' | '\u{2009}' | '\u{202f}')
    };
    text.chars().all(is_part) && text.contains(|letter: char| letter.is_ascii_digit())
}

/// Returns a trimmed field as text.
fn decoded(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(text: &str) -> RawLayout {
        find("a.csv", &Text::open(text.as_bytes(), None).unwrap(), None).unwrap()
    }

    fn names(layout: &RawLayout) -> Vec<&str> {
        layout.columns.iter().map(|column| column.name.as_str()).collect()
    }

    #[test]
    fn the_separator_divides_most_lines_alike() {
        for (text, separator) in [
            ("a,b,c\n1,2,3\n4,5,6\n", b','),
            // With commas, each row has three fields as well, and the header one.
            ("a;b;c\n1,5;2;3,5\n4,5;5;6,5\n", b';'),
            ("a\tb\n1,5\tx,y\n2,5\tz\n", b'\t'),
            ("a|b\n1|x;y\n2|z;w\n", b'|'),
            ("sep=;\na;b\n1;2\n", b';'),
        ] {
            assert_eq!(layout(text).separator, separator, "{text}");
        }
        for prose in
            ["This is the table of plant 7.\nIt has rows, columns.\nAnd more\n", "x\n1\n2\n"]
        {
            let error = find("a.csv", &Text::open(prose.as_bytes(), None).unwrap(), None);
            assert!(matches!(error, Err(TableError::NoColumns { .. })), "{prose}");
        }
    }

    #[test]
    fn the_header_is_the_first_line_that_does_not_look_like_a_row() {
        for (text, line, columns) in [
            ("a,b\n1,2\n", 1, vec!["a", "b"]),
            ("Report of plant 7\n\n# 2026\na,b\n1,2\n3,4\n5,6\n7,8\n", 4, vec!["a", "b"]),
            ("Report;;\na;b;c\n1;2;3\n4;5;6\n", 2, vec!["a", "b", "c"]),
            ("1,2,x\n3,4,y\n5,6,x\n", 0, vec!["column_1", "column_2", "column_3"]),
            // Without numbers, a name is no value of its column.
            ("x,y\nx,z\ny,y\n", 0, vec!["column_1", "column_2"]),
            ("state,door\nup,open\ndown,open\n", 1, vec!["state", "door"]),
            ("0,1,2,3\n5,6,7,8\n1,2,3,4\n", 1, vec!["0", "1", "2", "3"]),
            ("?,2,3\n1,2,3\n4,5,6\n", 0, vec!["column_1", "column_2", "column_3"]),
            // The rows end with a comma, the header does not.
            ("a,b\n1,2,\n3,4,\n", 1, vec!["a", "b"]),
        ] {
            let layout = layout(text);
            assert_eq!((layout.header_line, names(&layout)), (line, columns), "{text}");
        }
    }

    #[test]
    fn parentheses_that_are_no_unit_belong_to_the_name() {
        let found = layout("T [K],Temp (in),Failure (0/1),v\n1,2,0,3\n3,4,1,5\n");
        let units: Vec<_> = found.columns.iter().map(|column| column.unit.as_deref()).collect();
        assert_eq!(units, [Some("K"), None, None, None]);
        assert_eq!(names(&found), ["T", "Temp (in)", "Failure (0/1)", "v"]);
        let found = layout("T,v,n\n[K],mm/s,-\n1,2,3\n4,5,6\n");
        let units: Vec<_> = found.columns.iter().map(|column| column.unit.as_deref()).collect();
        assert_eq!((units, found.line), (vec![Some("K"), Some("mm/s"), None], 3));
    }

    #[test]
    fn marks_far_below_the_header_count() {
        let idle = "1;0\n;0\n".repeat(400);
        assert_eq!(layout(&format!("a;b\n{idle}0,9;1\n")).numbers.point, b',');
        assert_eq!(layout(&format!("a;b\n{idle}0.9;1\n")).numbers.point, b'.');
        let found = layout(&format!("a;b\n{idle}\n3,997;1\n"));
        let expected = "line 803, column `a`: `3,997` is";
        let meanings = found.two_meanings.unwrap();
        assert!(meanings.contains(expected), "{meanings}");
    }

    #[test]
    fn numbers_with_two_meanings_are_told() {
        let found = layout("a;b\n1,234;x\n5,678;y\n");
        assert_eq!(found.numbers.point, b',');
        assert_eq!(
            found.two_meanings.as_deref(),
            Some(
                "a.csv, line 2, column `a`: `1,234` is 1.234 with a decimal comma or 1234 with a decimal point"
            )
        );
        assert_eq!(layout("a;b\n1,2345;x\n5,678;y\n").two_meanings, None);
        let thousands = layout("a;b\n1.234,5;x\n12.345,5;y\n").numbers;
        assert_eq!(thousands, NumberFormat::new(b',', Some('.')));
    }
}

//! Reads the rows of a raw table, block by block.

use memchr::memchr;

use crate::blocks::Block;
use crate::categories::{Values, ValuesError};
use crate::cell::CellParser;
use crate::cleaning::{BadCellCount, BadCells, CleaningCounts, CleaningRules, MissingValues};
use crate::csv_records::{CsvRecord, CsvRecords};
use crate::duplicates::RowDigester;
use crate::header::{Identity, IdentityPart};
use crate::other_row::{OtherRow, is_blank_line, is_totals_row};
use crate::record::{
    BadCell, FieldRole, LabelParser, ParsedLabel, RecordError, RecordReader, shown,
};
use crate::split_key::SplitKey;
use crate::table_error::{Place, TableError};

/// Reads the rows of one file.
pub(crate) struct RowReader<'a> {
    file: &'a str,
    rules: &'a CleaningRules,
    records: &'a RecordReader<'a>,
    separator: u8,
    /// The role of each field.
    roles: Vec<FieldRole>,
    /// The column by which rows are split, with its name.
    key: Option<(SplitKey, &'a str)>,
    /// What makes a row a duplicate, or `None` if no row is one.
    identity: Option<Identity>,
    /// Whether the text of a field is a part of that or the key.
    is_identity_text: Vec<bool>,
}

/// The rows of a block that are kept, before duplicates are dropped, and the counts of the others.
#[derive(Default)]
pub(crate) struct BlockRows {
    pub(crate) readings: Vec<f64>,
    /// The class of each row.
    pub(crate) labels: Vec<u8>,
    /// The key of each row by which it is split; empty if it has none.
    pub(crate) keys: Vec<f64>,
    /// The digest of each row by which duplicates are found; empty if none are.
    pub(crate) digests: Vec<u128>,
    /// The number of missing cells in each column.
    pub(crate) missing: Vec<usize>,
    /// The values of each column of categories; those of other columns are empty.
    pub(crate) values: Vec<Values>,
    /// The magnitude of each column over the rows that are kept.
    pub(crate) magnitudes: Vec<Magnitude>,
    pub(crate) counts: CleaningCounts,
}

impl BlockRows {
    /// Creates a block of no rows with this number of columns.
    pub(crate) fn new(columns: usize) -> Self {
        let magnitudes = vec![Magnitude::default(); columns];
        let values = vec![Values::default(); columns];
        Self { missing: vec![0; columns], values, magnitudes, ..Self::default() }
    }
}

/// The mean of the absolute values of a column.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Magnitude {
    sum: f64,
    count: usize,
}

impl Magnitude {
    fn add(&mut self, reading: f64) {
        if !reading.is_nan() {
            self.sum += reading.abs();
            self.count += 1;
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }

    /// Returns the mean, or `None` if it is 0 or there is no reading.
    pub(crate) fn mean(self) -> Option<f64> {
        (self.count > 0 && self.sum > 0.0).then(|| self.sum / self.count as f64)
    }
}

/// Buffers that are used again for each row.
struct Buffers<'b, 'a> {
    labels: LabelParser<'a>,
    digester: RowDigester,
    /// The fields of a plain row.
    fields: Vec<&'b [u8]>,
    bad_cells: Vec<BadCell>,
}

impl<'a> RowReader<'a> {
    pub(crate) fn new(
        file: &'a str,
        rules: &'a CleaningRules,
        records: &'a RecordReader<'a>,
        separator: u8,
        key: Option<(SplitKey, &'a str)>,
    ) -> Result<Self, TableError> {
        let identity = records.header().identity(&rules.duplicates);
        let identity =
            identity.map_err(|problem| TableError::Header { file: file.to_owned(), problem })?;
        let mut is_identity_text = vec![false; records.header().width()];
        for part in identity.iter().flat_map(|identity| &identity.parts) {
            if let IdentityPart::Text(field) = part {
                is_identity_text[*field] = true;
            }
        }
        let mut roles = records.roles().to_vec();
        if let Some((SplitKey { field, .. }, _)) = &key {
            is_identity_text[*field] = true;
            // The text of a number is not kept, that of a word is.
            if let FieldRole::Number(column) = roles[*field] {
                roles[*field] = FieldRole::Word(column);
            }
        }
        Ok(Self { file, rules, records, separator, roles, key, identity, is_identity_text })
    }

    /// Returns the fields whose text is a part of a row's identity.
    pub(crate) fn identity_texts(&self) -> impl Iterator<Item = usize> {
        let fields = self.is_identity_text.iter().enumerate();
        fields.filter_map(|(field, is_text)| is_text.then_some(field))
    }

    /// Makes the texts of some fields no part of a row's identity.
    pub(crate) fn without_texts(mut self, is_left_out: impl Fn(usize) -> bool) -> Self {
        if let Some(identity) = &mut self.identity {
            identity.parts.retain(|part| match part {
                IdentityPart::Text(field) => !is_left_out(*field),
                IdentityPart::Reading(_) | IdentityPart::Label => true,
            });
        }
        for (field, is_text) in self.is_identity_text.iter_mut().enumerate() {
            *is_text &= !is_left_out(field);
        }
        self
    }

    /// Reads the rows of a block. Plain rows take a fast path; any other row, in particular a bad
    /// one, is parsed as a CSV record.
    pub(crate) fn read(&self, block: &Block) -> Result<BlockRows, TableError> {
        let mut rows = BlockRows::new(self.records.header().columns.len());
        let mut csv = CsvRecords::new(self.file, &block.text, block.line, self.separator);
        let mut buffers = Buffers {
            labels: self.records.label_parser(),
            digester: RowDigester::default(),
            fields: vec![&[]; self.records.header().width()],
            bad_cells: Vec::new(),
        };
        loop {
            if block.is_short {
                csv.skip(self.read_plain_rows(csv.rest(), &mut rows, &mut buffers)?);
            }
            let Some(record) = csv.next()? else { return Ok(rows) };
            self.read_record(&record, &mut rows, &mut buffers)?;
        }
    }

    /// Keeps the row whose readings were appended last, or drops and counts it. `field` returns the
    /// text of a field that is a part of the row's identity.
    pub(crate) fn finish_row<'f>(
        &self,
        rows: &mut BlockRows,
        label: ParsedLabel,
        key: f64,
        digester: &mut RowDigester,
        field: impl Fn(usize) -> &'f [u8],
    ) {
        let begin = rows.readings.len() - rows.missing.len();
        let row = &rows.readings[begin..];
        let mut missing = label.class.is_none() || (self.key.is_some() && key.is_nan());
        for (count, reading) in rows.missing.iter_mut().zip(row) {
            *count += usize::from(reading.is_nan());
            missing |= reading.is_nan() && self.rules.missing_values == MissingValues::Drop;
        }
        rows.counts.read.count(label.class);
        let Some(class) = label.class.filter(|_| !missing) else {
            rows.counts.dropped_missing.count(label.class);
            rows.readings.truncate(begin);
            return;
        };
        if let Some(identity) = &self.identity {
            digester.start(identity.names);
            for part in &identity.parts {
                match *part {
                    IdentityPart::Reading(column) => digester.reading(row[column]),
                    IdentityPart::Label => digester.word(label.word),
                    IdentityPart::Text(index) => digester.text(field(index)),
                }
            }
            rows.digests.push(digester.digest());
        }
        rows.magnitudes.iter_mut().zip(row).for_each(|(sum, &reading)| sum.add(reading));
        rows.labels.push(class);
        if self.key.is_some() {
            rows.keys.push(key);
        }
    }

    /// Returns the key by which a row is split, NaN where it is missing or rows have none, and `None`
    /// where it cannot be read.
    pub(crate) fn key<'f>(&self, field: impl Fn(usize) -> &'f [u8]) -> Option<f64> {
        self.key.as_ref().map_or(Some(f64::NAN), |(key, _)| key.parse(field(key.field)))
    }

    fn not_a_time<'f>(&self, field: impl Fn(usize) -> &'f [u8]) -> RecordError {
        let (column, text) = match &self.key {
            Some((key, name)) => ((*name).to_owned(), shown(field(key.field))),
            None => (String::new(), String::new()),
        };
        RecordError::NotATime { column, text }
    }

    /// Adds the values of the categories in a row whose readings are the last.
    pub(crate) fn add_values<'f>(
        &self,
        rows: &mut BlockRows,
        field: impl Fn(usize) -> &'f [u8],
    ) -> Result<(), TableError> {
        let begin = rows.readings.len() - rows.missing.len();
        for &(column, place) in self.records.categories() {
            if !rows.readings[begin + column].is_nan() {
                rows.values[column]
                    .add(field(place))
                    .map_err(|problem| self.values_error(column, problem))?;
            }
        }
        Ok(())
    }

    fn values_error(&self, column: usize, problem: ValuesError) -> TableError {
        let (file, column) = (self.file.to_owned(), self.records.column_name(column).to_owned());
        TableError::values(file, column, problem)
    }

    /// Reads rows until one is not plain, and returns their length in bytes.
    fn read_plain_rows<'b>(
        &self,
        text: &'b [u8],
        rows: &mut BlockRows,
        buffers: &mut Buffers<'b, '_>,
    ) -> Result<usize, TableError> {
        let mut read = 0;
        loop {
            let blank = text[read..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
            read += blank.count();
            let begin = rows.readings.len();
            let row = self.read_plain_row(&text[read..], &mut rows.readings, &mut buffers.fields);
            let row = row.and_then(|(label, length)| Some((buffers.labels.parse(label)?, length)));
            let Some((label, length)) = row else {
                rows.readings.truncate(begin);
                return Ok(read);
            };
            // Whether a row with a missing cell is a row of totals takes all of its fields.
            if lacks_something(&rows.readings[begin..], label)
                && text[read..].first().is_some_and(|byte| !byte.is_ascii_digit())
                && self.begins_with_other_row(&text[read..])
            {
                rows.readings.truncate(begin);
                return Ok(read);
            }
            let fields = &buffers.fields;
            let Some(key) = self.key(|field| fields[field]) else {
                rows.readings.truncate(begin);
                return Ok(read);
            };
            self.add_values(rows, |field| fields[field])?;
            self.finish_row(rows, label, key, &mut buffers.digester, |field| fields[field]);
            read += length;
        }
    }

    /// Returns whether the plain row at the start of `text` is a row of totals, or has no value.
    fn begins_with_other_row(&self, text: &[u8]) -> bool {
        let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        let fields = line.split(|&byte| byte == self.separator);
        let mut fields = fields
            .map(|field| plain_field(field, self.separator).map_or(field, |(field, _)| field));
        fields.clone().all(|field| field.trim_ascii().is_empty()) || is_totals_row(&mut fields)
    }

    /// Appends the readings of the row at the start of `text`, and returns its label and its length
    /// in bytes. Words, the label, and fields that are a part of the row's identity or its key, are put
    /// into `fields`. Returns `None` where the text is not plain: it may not be a row.
    fn read_plain_row<'b>(
        &self,
        text: &'b [u8],
        readings: &mut Vec<f64>,
        fields: &mut [&'b [u8]],
    ) -> Option<(&'b [u8], usize)> {
        let begin = readings.len();
        readings.resize(begin + self.records.header().columns.len(), f64::NAN);
        let readings = &mut readings[begin..];
        let (roles, cells) = (&self.roles, self.records.cells());
        let mut label: &[u8] = &[];
        let mut at = 0;
        for (index, role) in roles.iter().enumerate() {
            let rest = &text[at..];
            at += match *role {
                FieldRole::Number(column) => {
                    let (number, length) = plain_reading(rest, &cells[column], self.separator)?;
                    readings[column] = number;
                    length
                }
                FieldRole::Word(column) => {
                    let (field, length) = plain_field(rest, self.separator)?;
                    readings[column] = cells[column].parse(field)?;
                    fields[index] = field;
                    length
                }
                FieldRole::Label => {
                    let (field, length) = plain_field(rest, self.separator)?;
                    label = field;
                    fields[index] = field;
                    length
                }
                FieldRole::Ignored => {
                    let (field, length) = plain_field(rest, self.separator)?;
                    if self.is_identity_text[index] {
                        fields[index] = field;
                    }
                    length
                }
            };
            let is_last = index + 1 == roles.len();
            match *text.get(at)? {
                byte if byte == self.separator && !is_last => at += 1,
                b'\n' | b'\r' if is_last => return Some((label, at + 1)),
                // The row ends with a separator, where the header does not.
                byte if byte == self.separator && is_last => {
                    let ends = matches!(text.get(at + 1)?, b'\n' | b'\r');
                    return ends.then_some((label, at + 2));
                }
                _ => return None,
            }
        }
        None
    }

    /// Reads a row that may have quotes, odd numbers or errors.
    fn read_record(
        &self,
        record: &CsvRecord<'_>,
        rows: &mut BlockRows,
        buffers: &mut Buffers<'_, '_>,
    ) -> Result<(), TableError> {
        let Buffers { labels, digester, bad_cells, .. } = buffers;
        let fields = Fields { count: record.len(), field: |index| record.field(index) };
        self.read_fields(&fields, Place::Line(record.line), rows, labels, digester, bad_cells)
    }

    /// Reads a row by its fields as text: keeps it, drops and counts it, or returns its error.
    pub(crate) fn read_fields<'f>(
        &self,
        fields: &Fields<impl Fn(usize) -> &'f [u8]>,
        place: Place,
        rows: &mut BlockRows,
        labels: &mut LabelParser<'_>,
        digester: &mut RowDigester,
        bad_cells: &mut Vec<BadCell>,
    ) -> Result<(), TableError> {
        let Fields { count, field } = fields;
        let header = self.records.header();
        let other_row = || OtherRow::of(&header.cells, &header.units_line, *count, field);
        if is_blank_line(*count, field(0)) {
            return Ok(());
        }
        bad_cells.clear();
        let lenient = (self.rules.bad_cells == BadCells::Missing).then_some(&mut *bad_cells);
        let read = self.records.read_fields(*count, field, labels, &mut rows.readings, lenient);
        let key = self.key(field);
        let problem = match (read, key) {
            (Ok(label), Some(key)) => {
                let begin = rows.readings.len() - rows.missing.len();
                if lacks_something(&rows.readings[begin..], label)
                    && let Some(other) = other_row()
                {
                    rows.readings.truncate(begin);
                    rows.counts.count_other(other);
                    return Ok(());
                }
                self.add_values(rows, field)?;
                let bad = self.digest_of_bad_cells(bad_cells, digester);
                for (column, text) in bad_cells.drain(..) {
                    self.count_bad_cell(rows, place, column, text);
                }
                let digests = rows.digests.len();
                self.finish_row(rows, label, key, digester, field);
                rows.digests[digests..].iter_mut().for_each(|digest| *digest ^= bad);
                return Ok(());
            }
            (Ok(_), None) => {
                rows.readings.truncate(rows.readings.len() - rows.missing.len());
                self.not_a_time(field)
            }
            (Err(problem), _) => problem,
        };
        if let Some(other) = other_row() {
            rows.counts.count_other(other);
            return Ok(());
        }
        let is_ragged = matches!(problem, RecordError::FieldCount { .. });
        let error = TableError::Record { file: self.file.to_owned(), place, problem };
        if self.rules.bad_cells == BadCells::Error {
            return Err(error);
        }
        if is_ragged {
            rows.counts.read.count(None);
            rows.counts.dropped_ragged.count(None);
        } else {
            let label = self.records.header().label.and_then(|label| labels.parse(field(label)));
            let class = label.and_then(|label| label.class);
            rows.counts.read.count(class);
            rows.counts.dropped_bad_cells.count(class);
        }
        rows.counts.first_bad.get_or_insert_with(|| error.to_string());
        Ok(())
    }

    /// Returns what the cells that are not numbers add to a row's digest. They are missing, but rows in
    /// which they differ are not equal.
    fn digest_of_bad_cells(&self, bad_cells: &[BadCell], digester: &mut RowDigester) -> u128 {
        let parts = || self.identity.iter().flat_map(|identity| &identity.parts);
        let is_part = |column: usize| {
            parts().any(|part| matches!(part, IdentityPart::Reading(other) if *other == column))
        };
        let mut digest = 0;
        for (column, text) in bad_cells.iter().filter(|(column, _)| is_part(*column)) {
            digester.start(*column as u128);
            digester.text(text.as_bytes());
            digest ^= digester.digest();
        }
        digest
    }

    /// Counts a cell that is not a number and became missing.
    fn count_bad_cell(&self, rows: &mut BlockRows, place: Place, column: usize, text: String) {
        let column = self.records.column_name(column);
        let first = format!("{}, {place}, column `{column}`", self.file);
        rows.counts.count_bad_cell(text, BadCellCount { count: 1, first });
    }
}

/// The fields of a row as text.
pub(crate) struct Fields<F> {
    pub(crate) count: usize,
    /// Returns the text of a field.
    pub(crate) field: F,
}

/// Returns whether a row has a missing reading or no label.
pub(crate) fn lacks_something(readings: &[f64], label: ParsedLabel) -> bool {
    label.class.is_none() || readings.iter().any(|reading| reading.is_nan())
}

/// Parses the reading at the start of `text`, and returns it with the length of its field in bytes.
/// Returns `None` where it is not a reading.
fn plain_reading(text: &[u8], parser: &CellParser, separator: u8) -> Option<(f64, usize)> {
    // Most numbers are unquoted and end where their field does; the caller checks for that.
    if let Some((number, length)) = parser.leading(text)
        && text.get(length).is_some_and(|&byte| byte == separator || matches!(byte, b'\n' | b'\r'))
    {
        return Some((number, length));
    }
    let (field, length) = plain_field(text, separator)?;
    if field.is_empty() {
        return Some((f64::NAN, length));
    }
    Some((parser.parse(field)?, length))
}

/// Returns the field at the start of `text` without its quotes, and its length in bytes. A
/// separator or a line end follows, unless the field has quotes inside.
fn plain_field(text: &[u8], separator: u8) -> Option<(&[u8], usize)> {
    if let Some((b'"', quoted)) = text.split_first() {
        let length = memchr(b'"', quoted)?;
        return Some((&quoted[..length], length + 2));
    }
    let is_end = |byte: &u8| *byte == separator || matches!(byte, b'\n' | b'\r');
    let length = text.iter().take_while(|byte| !is_end(byte)).count();
    Some((&text[..length], length))
}

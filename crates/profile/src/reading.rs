//! Reads the rows of raw tables: counts every column and keeps a sample of the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dataset::{OtherRow, RawCells, RawHeader, RowSink, fold_name};

use crate::counts::{ColumnCounts, GivenUp};

/// The maximum number of rows of the sample.
const SAMPLE_ROWS: usize = 20_000;
/// The maximum number of cells of the sample.
const SAMPLE_CELLS: usize = 2_000_000;
/// The least number of rows of the sample, however many columns there are.
const LEAST_SAMPLE_ROWS: usize = 120;
/// The length in bytes to which a cell of the sample is cut.
const MAX_CELL: usize = 256;
/// The number of texts that are counted in all columns together, and in each.
const TEXTS: usize = 2_000_000;
const LEAST_TEXTS: usize = 64;
/// The number of texts of a column above which they are no categories.
pub(crate) const MAX_TEXTS: usize = 1_000;

/// A column of the tables.
pub(crate) struct FoundColumn {
    /// The headers of the column in the files, the first one first.
    pub(crate) headers: Vec<String>,
    /// The name without a unit.
    pub(crate) name: String,
    pub(crate) unit: Option<String>,
    pub(crate) counts: ColumnCounts,
    given_up: Arc<GivenUp>,
    /// The number of files that have it.
    files: usize,
    /// Whether a file has two columns of this name.
    pub(crate) is_twice: bool,
}

/// A row of the sample.
struct SampledRow {
    /// The rows with the least hashes are the sample. A hash depends on the row's place alone.
    hash: u64,
    file: usize,
    line: u64,
    text: Vec<u8>,
    ends: Vec<u32>,
}

/// A file that was read.
pub(crate) struct FoundFile {
    pub(crate) header: RawHeader,
    /// The field of each column.
    fields: BTreeMap<usize, usize>,
}

/// What reading the rows of a file takes.
pub(crate) struct OpenFile {
    number: usize,
    /// The column of each field.
    columns: Vec<OpenColumn>,
    texts: usize,
    /// The greatest hash of the sample, if it is full.
    threshold: Arc<AtomicU64>,
}

/// What reading the cells of a field takes.
struct OpenColumn {
    column: usize,
    cells: RawCells,
    given_up: Arc<GivenUp>,
}

/// What the rows of a block come to.
pub(crate) struct Part {
    columns: Vec<ColumnCounts>,
    counts: RowCounts,
    sample: Vec<SampledRow>,
}

/// The numbers of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowCounts {
    pub(crate) rows: u64,
    /// Rows with more or fewer fields than the header, and the line and the fields of the first.
    pub(crate) ragged: u64,
    pub(crate) first_ragged: Option<(u64, usize)>,
    /// Rows of totals.
    pub(crate) totals: u64,
    /// Rows that are the header again.
    pub(crate) headers: u64,
    /// Rows without any value.
    pub(crate) blank: u64,
}

/// The tables that were read.
#[derive(Default)]
pub(crate) struct FoundTables {
    pub(crate) columns: Vec<FoundColumn>,
    keys: BTreeMap<String, usize>,
    pub(crate) files: Vec<FoundFile>,
    pub(crate) counts: RowCounts,
    /// Rows of which the sample is chosen, up to twice as many.
    sample: Vec<SampledRow>,
    threshold: Arc<AtomicU64>,
}

impl FoundTables {
    pub(crate) fn new() -> Self {
        Self { threshold: Arc::new(AtomicU64::new(u64::MAX)), ..Self::default() }
    }

    fn sample_size(&self) -> usize {
        SAMPLE_ROWS.min(SAMPLE_CELLS / self.columns.len().max(1)).max(LEAST_SAMPLE_ROWS)
    }

    /// Drops the rows that are not among those with the least hashes.
    fn choose(&mut self) {
        let size = self.sample_size();
        if self.sample.len() > size {
            let (_, last, _) = self.sample.select_nth_unstable_by_key(size - 1, |row| row.hash);
            self.threshold.store(last.hash, Ordering::Relaxed);
            self.sample.truncate(size);
        }
    }

    /// Returns whether every file has a column.
    pub(crate) fn is_in_all_files(&self, column: usize) -> bool {
        self.columns[column].files == self.files.len()
    }

    /// Returns a file that lacks a column.
    pub(crate) fn file_without(&self, column: usize) -> Option<&str> {
        let file = self.files.iter().find(|file| !file.fields.contains_key(&column))?;
        Some(&file.header.file)
    }

    /// Returns a file in which a column has a unit, that unit, and a file in which it has none.
    pub(crate) fn unit_of_some_files(&self, column: usize) -> Option<(&str, &str, &str)> {
        let unit = |file: &FoundFile| {
            file.fields.get(&column).map(|field| file.header.columns[*field].unit.is_some())
        };
        let with = self.files.iter().find(|file| unit(file) == Some(true))?;
        let without = self.files.iter().find(|file| unit(file) == Some(false))?;
        let header = &with.header.columns[with.fields[&column]];
        Some((&with.header.file, header.unit.as_deref()?, &without.header.file))
    }

    /// Ends reading and returns the sample in the order of the files.
    pub(crate) fn sample(&mut self) -> Sample {
        self.choose();
        let mut rows = std::mem::take(&mut self.sample);
        rows.sort_by_key(|row| (row.file, row.line));
        Sample { rows }
    }
}

impl RowSink for FoundTables {
    type File = OpenFile;
    type Part = Part;

    fn open(&mut self, header: RawHeader) -> Option<OpenFile> {
        // Two columns with one name and different units are told apart by the whole header.
        let folded: Vec<String> = header.columns.iter().map(|c| fold_name(&c.name)).collect();
        let keys: Vec<String> = (folded.iter().enumerate())
            .map(|(index, name)| match folded.iter().filter(|other| *other == name).count() {
                1 => name.clone(),
                _ => fold_name(&header.columns[index].header),
            })
            .collect();
        let known = |key: &&String| !key.is_empty() && self.keys.contains_key(*key);
        if !self.files.is_empty() && !keys.iter().any(|key| known(&key)) {
            return None;
        }
        let mut seen = BTreeSet::new();
        let mut fields = BTreeMap::new();
        let mut columns = Vec::new();
        for (field, (column, key)) in header.columns.iter().zip(keys).enumerate() {
            let is_again = !key.is_empty() && !seen.insert(key.clone());
            let known = self.keys.get(&key).copied().filter(|_| !key.is_empty() && !is_again);
            let index = known.unwrap_or(self.columns.len());
            if known.is_none() {
                self.columns.push(FoundColumn {
                    headers: Vec::new(),
                    name: column.name.clone(),
                    unit: column.unit.clone(),
                    counts: ColumnCounts::default(),
                    given_up: Arc::default(),
                    files: 0,
                    is_twice: is_again,
                });
                if is_again {
                    let first = self.keys.get(&key).copied();
                    first.into_iter().for_each(|first| self.columns[first].is_twice = true);
                } else if !key.is_empty() {
                    self.keys.insert(key, index);
                }
            }
            let found = &mut self.columns[index];
            found.files += 1;
            found.unit = found.unit.take().or_else(|| column.unit.clone());
            if !found.headers.contains(&column.header) {
                found.headers.push(column.header.clone());
            }
            fields.insert(index, field);
            let (cells, given_up) =
                (header.cells(field, found.unit.as_deref()), Arc::clone(&found.given_up));
            columns.push(OpenColumn { column: index, cells, given_up });
        }
        let number = self.files.len();
        self.files.push(FoundFile { header, fields });
        let texts = (TEXTS / self.columns.len().max(1)).clamp(LEAST_TEXTS, MAX_TEXTS + 1);
        Some(OpenFile { number, columns, texts, threshold: Arc::clone(&self.threshold) })
    }

    fn part(file: &OpenFile) -> Part {
        Part {
            columns: file.columns.iter().map(|open| ColumnCounts::new(&open.given_up)).collect(),
            counts: RowCounts::default(),
            sample: Vec::new(),
        }
    }

    fn row(file: &OpenFile, part: &mut Part, line: u64, fields: &[&[u8]]) {
        part.counts.rows += 1;
        let columns = part.columns.iter_mut().zip(&file.columns);
        for ((counts, open), field) in columns.zip(fields) {
            counts.add(&open.cells, field, file.texts);
        }
        let hash = mixed(line ^ ((file.number as u64) << 40));
        // The threshold falls while blocks are taken. A row too many is dropped then.
        if hash <= file.threshold.load(Ordering::Relaxed) {
            let cut = |field: &&[u8]| field.len().min(MAX_CELL);
            let text = Vec::with_capacity(fields.iter().map(cut).sum());
            let ends = Vec::with_capacity(fields.len());
            let mut row = SampledRow { hash, file: file.number, line, text, ends };
            for field in fields {
                row.text.extend_from_slice(&field[..cut(field)]);
                row.ends.push(row.text.len() as u32);
            }
            part.sample.push(row);
        }
    }

    fn ragged(_: &OpenFile, part: &mut Part, line: u64, fields: usize, _: usize) {
        part.counts.ragged += 1;
        part.counts.first_ragged.get_or_insert((line, fields));
    }

    fn other(part: &mut Part, row: OtherRow) {
        match row {
            OtherRow::Totals => part.counts.totals += 1,
            OtherRow::Header => part.counts.headers += 1,
            OtherRow::Blank => part.counts.blank += 1,
        }
    }

    fn take(&mut self, file: &OpenFile, part: Part) -> ControlFlow<()> {
        for (counts, open) in part.columns.into_iter().zip(&file.columns) {
            let known = &mut self.columns[open.column].counts;
            known.merge(counts, file.texts);
            open.given_up.note(known);
        }
        self.counts.rows += part.counts.rows;
        self.counts.ragged += part.counts.ragged;
        self.counts.totals += part.counts.totals;
        self.counts.headers += part.counts.headers;
        self.counts.blank += part.counts.blank;
        self.counts.first_ragged = self.counts.first_ragged.or(part.counts.first_ragged);
        self.sample.extend(part.sample);
        if self.sample.len() >= 2 * self.sample_size() {
            self.choose();
        }
        ControlFlow::Continue(())
    }
}

/// Mixes the bits of a number, as the generator SplitMix64 does.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// A sample of the rows: each row has the same chance to be in it, and the same files give the same
/// sample.
pub(crate) struct Sample {
    rows: Vec<SampledRow>,
}

impl Sample {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the cells of a column, with the number of their file; an empty cell where the file
    /// does not have the column.
    pub(crate) fn column<'a>(
        &'a self,
        tables: &'a FoundTables,
        column: usize,
    ) -> impl Iterator<Item = (usize, &'a [u8])> {
        let fields: Vec<Option<usize>> =
            tables.files.iter().map(|file| file.fields.get(&column).copied()).collect();
        self.rows
            .iter()
            .map(move |row| (row.file, fields[row.file].map_or(&[][..], |f| row.cell(f))))
    }

    /// Returns the places of the rows in an order that does not depend on their contents.
    pub(crate) fn in_random_order(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.rows.len()).collect();
        places.sort_by_key(|&place| self.rows[place].hash);
        places
    }

    /// Returns whether each row is equal to an earlier one in every cell.
    pub(crate) fn duplicates(&self) -> Vec<bool> {
        let mut seen = BTreeSet::new();
        self.rows.iter().map(|row| !seen.insert((&row.text, &row.ends))).collect()
    }
}

impl SampledRow {
    fn cell(&self, field: usize) -> &[u8] {
        let begin = field.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.text[begin..self.ends[field] as usize].trim_ascii()
    }
}

impl FoundFile {
    /// Returns how the cells of a column are read, or `None` if the file does not have it.
    pub(crate) fn cells(&self, column: usize, unit: Option<&str>) -> Option<RawCells> {
        self.fields.get(&column).map(|&field| self.header.cells(field, unit))
    }
}

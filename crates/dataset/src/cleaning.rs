//! How rows are cleaned, and the counts of the rows that cleaning drops.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::other_row::OtherRow;

/// How a row with an empty or non-finite sensor cell is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingValues {
    /// The row is dropped and counted.
    Drop,
    /// The cell stays NaN; the recipe replaces it with the training median.
    Median,
}

/// How a cell is handled that should be a number or a class and is not, and a row with too few or
/// too many fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCells {
    /// Reading fails with an error that names the cell.
    Error,
    /// The row is dropped and counted.
    Drop,
    /// The cell is missing and counted. A row with too few or too many fields is dropped.
    Missing,
}

/// Which rows are duplicates of an earlier row, and dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// Rows that are equal in every column of the file, whether the schema has it or not. Readings
    /// are compared as numbers in the schema's units, other cells as text.
    Drop,
    /// None.
    Keep,
    /// Rows that are equal in these columns of the file.
    By(Vec<String>),
}

/// How a table is cleaned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CleaningRules {
    /// The handling of missing cells.
    pub missing_values: MissingValues,
    /// The handling of cells that cannot be parsed.
    pub bad_cells: BadCells,
    /// The handling of rows that are equal to an earlier one.
    pub duplicates: Duplicates,
}

impl Default for CleaningRules {
    /// Returns the strictest rules: rows with a missing cell and duplicates are dropped, and a cell
    /// that cannot be read is an error.
    fn default() -> Self {
        Self {
            missing_values: MissingValues::Drop,
            bad_cells: BadCells::Error,
            duplicates: Duplicates::Drop,
        }
    }
}

/// A number of rows, and the classes of those whose label can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCount {
    /// The rows.
    pub rows: usize,
    /// The rows of class 1.
    pub failures: usize,
    /// The rows without a label that can be read.
    pub unlabelled: usize,
}

impl RowCount {
    /// Counts a row with this class.
    pub(crate) fn count(&mut self, class: Option<u8>) {
        self.rows += 1;
        self.failures += usize::from(class == Some(1));
        self.unlabelled += usize::from(class.is_none());
    }

    /// Returns the share of failures among the rows with a label, or `None` if there is none.
    pub fn failure_share(self) -> Option<f64> {
        let labelled = self.rows - self.unlabelled;
        (labelled > 0).then(|| self.failures as f64 / labelled as f64)
    }

    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.failures += other.failures;
        self.unlabelled += other.unlabelled;
    }

    fn without(self, other: Self) -> Self {
        Self {
            rows: self.rows - other.rows,
            failures: self.failures - other.failures,
            unlabelled: self.unlabelled - other.unlabelled,
        }
    }
}

/// The cells of a column that could not be read and became missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadCellCount {
    /// The number of cells.
    pub count: usize,
    /// The first such cell: its file, line, column and text.
    pub first: String,
}

/// The numbers of rows read, kept and dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(into = "StoredCounts")]
pub struct CleaningCounts {
    /// Rows in all files.
    pub read: RowCount,
    /// Rows kept.
    pub kept: RowCount,
    /// Rows dropped because of an empty or non-finite cell, the label included.
    pub dropped_missing: RowCount,
    /// Rows dropped because of a cell that is not a number, or a label that is not a class.
    pub dropped_bad_cells: RowCount,
    /// Rows dropped because of too few or too many fields.
    pub dropped_ragged: RowCount,
    /// Rows dropped because they are equal to an earlier row.
    pub dropped_duplicates: RowCount,
    /// Rows of totals, which are no part of the table: they begin with a word such as `Total`.
    pub totals_rows: usize,
    /// Rows that are the header again, where files were joined one after another.
    pub header_rows: usize,
    /// Rows without any value, such as the separators below a table.
    pub blank_rows: usize,
    /// Missing cells of each column, over all rows that could be parsed.
    pub missing_cells: BTreeMap<String, usize>,
    /// With [`BadCells::Missing`] the cells that could not be read, by their text.
    pub bad_cells: BTreeMap<String, BadCellCount>,
    /// The first row that could not be parsed, as the message of the error that
    /// [`BadCells::Error`] would have returned.
    pub first_bad: Option<String>,
    /// What a person should look at: a rule that drops many rows or changes the share of failures,
    /// units that seem to differ between files.
    pub warnings: Vec<String>,
    /// The files that were not read, with the reason.
    pub left_out: Vec<String>,
    /// What was found in each file that is not the usual: its separator, its encoding, ...
    pub notes: Vec<String>,
}

/// The share of the rows above which a rule that drops them is doubted.
const DOUBTFUL_SHARE: f64 = 0.05;
/// The relative change of the share of failures above which a rule that causes it is doubted.
const DOUBTFUL_CHANGE: f64 = 0.1;

impl CleaningCounts {
    /// Adds the counts of later rows, except kept rows, duplicates and missing cells, which are not
    /// counted by block.
    pub(crate) fn add_dropped(&mut self, later: Self) {
        self.read.add(later.read);
        self.dropped_missing.add(later.dropped_missing);
        self.dropped_bad_cells.add(later.dropped_bad_cells);
        self.dropped_ragged.add(later.dropped_ragged);
        self.totals_rows += later.totals_rows;
        self.header_rows += later.header_rows;
        self.blank_rows += later.blank_rows;
        self.first_bad = self.first_bad.take().or(later.first_bad);
        for (text, more) in later.bad_cells {
            self.count_bad_cell(text, more);
        }
    }

    /// Returns each rule that drops rows, with the rows that it dropped.
    pub fn dropped(&self) -> [(&'static str, RowCount); 4] {
        [
            ("with missing cells", self.dropped_missing),
            ("with cells that cannot be read", self.dropped_bad_cells),
            ("with too few or too many fields", self.dropped_ragged),
            ("duplicates", self.dropped_duplicates),
        ]
    }

    /// Warns of rules that drop many rows or change the share of failures.
    pub(crate) fn warn_of_dropped_rows(&mut self) {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        for (reason, dropped) in self.dropped() {
            if dropped.rows == 0 {
                continue;
            }
            let share = dropped.rows as f64 / self.read.rows as f64;
            let before = self.read.failure_share();
            let after = self.read.without(dropped).failure_share();
            let changed = before
                .zip(after)
                .filter(|(before, after)| (after - before).abs() > DOUBTFUL_CHANGE * before);
            if share <= DOUBTFUL_SHARE && changed.is_none() {
                continue;
            }
            let mut warning = format!(
                "{} of {} rows ({}) were dropped: {reason}",
                dropped.rows,
                self.read.rows,
                percent(share)
            );
            if let Some((before, after)) = changed {
                let (before, after) = (percent(before), percent(after));
                warning.push_str(&format!("; the share of failures was {before} and is {after}"));
            }
            self.warnings.push(warning);
        }
    }

    /// Counts a row that is no part of the table.
    pub(crate) fn count_other(&mut self, row: OtherRow) {
        match row {
            OtherRow::Totals => self.totals_rows += 1,
            OtherRow::Header => self.header_rows += 1,
            OtherRow::Blank => self.blank_rows += 1,
        }
    }

    /// Counts cells with a text that cannot be read. Texts beyond a number are counted together.
    pub(crate) fn count_bad_cell(&mut self, text: String, more: BadCellCount) {
        const MAX_TEXTS: usize = 50;
        let is_known = self.bad_cells.contains_key(&text) || self.bad_cells.len() < MAX_TEXTS;
        let text = if is_known { text } else { "(others)".to_owned() };
        self.bad_cells.entry(text).and_modify(|known| known.count += more.count).or_insert(more);
    }
}

/// The stored form of the counts.
#[derive(Serialize)]
struct StoredCounts {
    rows_read: usize,
    rows_kept: usize,
    dropped_missing: usize,
    dropped_bad_cells: usize,
    dropped_ragged: usize,
    dropped_duplicates: usize,
    failures: StoredFailures,
    missing_cells: BTreeMap<String, usize>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    bad_cells: BTreeMap<String, BadCellCount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_bad: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    #[serde(skip_serializing_if = "is_zero")]
    totals_rows: usize,
    #[serde(skip_serializing_if = "is_zero")]
    header_rows: usize,
    #[serde(skip_serializing_if = "is_zero")]
    blank_rows: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The failures among the rows read, kept and dropped.
#[derive(Serialize)]
struct StoredFailures {
    read: usize,
    kept: usize,
    dropped_missing: usize,
    dropped_bad_cells: usize,
    dropped_duplicates: usize,
    /// The share of failures among the rows with a label.
    share_read: Option<f64>,
    share_kept: Option<f64>,
}

impl From<CleaningCounts> for StoredCounts {
    fn from(counts: CleaningCounts) -> Self {
        Self {
            rows_read: counts.read.rows,
            rows_kept: counts.kept.rows,
            dropped_missing: counts.dropped_missing.rows,
            dropped_bad_cells: counts.dropped_bad_cells.rows,
            dropped_ragged: counts.dropped_ragged.rows,
            dropped_duplicates: counts.dropped_duplicates.rows,
            failures: StoredFailures {
                read: counts.read.failures,
                kept: counts.kept.failures,
                dropped_missing: counts.dropped_missing.failures,
                dropped_bad_cells: counts.dropped_bad_cells.failures,
                dropped_duplicates: counts.dropped_duplicates.failures,
                share_read: counts.read.failure_share(),
                share_kept: counts.kept.failure_share(),
            },
            missing_cells: counts.missing_cells,
            bad_cells: counts.bad_cells,
            first_bad: counts.first_bad,
            warnings: counts.warnings,
            left_out: counts.left_out,
            notes: counts.notes,
            totals_rows: counts.totals_rows,
            header_rows: counts.header_rows,
            blank_rows: counts.blank_rows,
        }
    }
}

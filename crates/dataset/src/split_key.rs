//! Reads the column by which rows are divided into training and test rows.

use crate::categories;
use crate::csv_records::CsvRecords;
use crate::header::{Header, HeaderError};
use crate::time::{self, DateOrder};
use crate::words::is_missing;

/// The maximum number of rows that are read to find the order of day and month.
const SAMPLE_ROWS: usize = 10_000;

/// The column of the file by which rows are divided into training and test rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SplitColumn {
    /// A column of times, or of numbers that grow with time.
    Time(String),
    /// A column that names machines.
    Machine(String),
}

impl SplitColumn {
    /// Returns the column's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Time(name) | Self::Machine(name) => name,
        }
    }
}

/// How the column is read in one file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SplitKey {
    /// The field.
    pub(crate) field: usize,
    /// The order of day and month, or `None` for machines.
    dates: Option<DateOrder>,
    /// Whether the order is known. A date that depends on it is otherwise no date.
    is_known: bool,
}

/// A date that can be read with the day first and with the month first.
pub(crate) struct TwoOrders {
    pub(crate) line: u64,
    pub(crate) text: String,
}

impl SplitKey {
    /// Finds the column in a header. `records` are the first rows; they show the order of day and
    /// month where it is not `declared`.
    pub(crate) fn find(
        column: &SplitColumn,
        header: &Header,
        records: CsvRecords<'_>,
        day_first: Option<bool>,
    ) -> Result<Result<Self, TwoOrders>, HeaderError> {
        let field = header.field(column.name())?;
        let shown = match (column, day_first) {
            (SplitColumn::Time(_), None) => match find_order(records, field) {
                Ok(shown) => shown,
                Err(problem) => return Ok(Err(problem)),
            },
            (SplitColumn::Machine(_), _) | (SplitColumn::Time(_), Some(_)) => None,
        };
        Ok(Ok(Self::of(column, field, day_first.map(order).or(shown))))
    }

    /// Finds the column in the header of a file whose dates are seldom texts.
    pub(crate) fn without_sample(
        column: &SplitColumn,
        header: &Header,
        day_first: Option<bool>,
    ) -> Result<Self, HeaderError> {
        Ok(Self::of(column, header.field(column.name())?, day_first.map(order)))
    }

    fn of(column: &SplitColumn, field: usize, known: Option<DateOrder>) -> Self {
        let dates = match column {
            SplitColumn::Machine(_) => None,
            SplitColumn::Time(_) => Some(known.unwrap_or(DateOrder::DayFirst)),
        };
        Self { field, dates, is_known: known.is_some() }
    }

    /// Returns the key of a cell: the seconds since 1970 of a time, or the code of a machine. It is
    /// NaN where the cell is missing, and `None` where it is not a time.
    pub(crate) fn parse(&self, cell: &[u8]) -> Option<f64> {
        let text = String::from_utf8_lossy(cell);
        let text = categories::value(&text);
        if is_missing(text) {
            return Some(f64::NAN);
        }
        match self.dates {
            Some(_) if !self.is_known && time::has_two_orders(text) => None,
            Some(order) => time::parse(text, order),
            None => Some(categories::code(text) as f64),
        }
    }
}

fn order(day_first: bool) -> DateOrder {
    if day_first { DateOrder::DayFirst } else { DateOrder::MonthFirst }
}

/// Returns the order of day and month that the first rows show, or `None` if none of them depends on it.
fn find_order(mut records: CsvRecords<'_>, field: usize) -> Result<Option<DateOrder>, TwoOrders> {
    let mut doubtful = None;
    for _ in 0..SAMPLE_ROWS {
        // What is wrong with a row is said when it is read.
        let Ok(Some(record)) = records.next() else { break };
        if field >= record.len() {
            continue;
        }
        let text = String::from_utf8_lossy(record.field(field));
        if let Some(order) = time::shown_order(&text) {
            return Ok(Some(order));
        }
        if doubtful.is_none() && time::has_two_orders(&text) {
            doubtful = Some(TwoOrders { line: record.line, text: text.trim().to_owned() });
        }
    }
    doubtful.map_or(Ok(None), Err)
}

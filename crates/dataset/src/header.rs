//! Finds the schema's columns in a header.

use std::collections::BTreeSet;

use crate::schema::{Column, Schema, fold_name};
use crate::units;

/// The ways in which a header fails to match a schema.
///
/// The messages are predicates. The caller, who knows where the header is from, puts a subject in
/// front: `a.csv` or `the request`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Columns that are missing.
    #[error("lacks {}; columns found: {}{hint}", missing.join(", "), found.join(", "))]
    Missing {
        /// Each missing column, with the nearest name in the header.
        missing: Vec<String>,
        /// The columns in the header.
        found: Vec<String>,
        /// A different format that the header may be in, or an empty string.
        hint: &'static str,
    },
    /// Two fields that match one column.
    #[error("has two columns for `{name}`: `{first}` and `{second}`")]
    Twice {
        /// The column.
        name: String,
        /// The first field.
        first: String,
        /// The second field.
        second: String,
    },
    /// A unit that cannot be converted to the column's unit.
    #[error("has `{header}`, expected `{name}` in one of: {expected}")]
    Unit {
        /// The field.
        header: String,
        /// The column.
        name: String,
        /// The accepted units.
        expected: String,
    },
}

/// The positions of the schema's columns among the fields of a record.
pub(crate) struct Header {
    /// The number of fields in a record.
    pub(crate) width: usize,
    /// For each sensor column its field and the power of ten that converts to the column's unit.
    pub(crate) columns: Vec<(usize, i32)>,
    /// The field of the label, if the header was searched for one.
    pub(crate) label: Option<usize>,
    /// The folded names of all columns; for the schema's columns the folded canonical names.
    pub(crate) names: BTreeSet<String>,
}

impl Header {
    /// Finds the sensor columns, and the label if `with_label`, in a header.
    pub(crate) fn find(
        schema: &Schema,
        fields: &[impl AsRef<[u8]>],
        with_label: bool,
    ) -> Result<Self, HeaderError> {
        let cells: Vec<_> = fields.iter().map(|field| HeaderCell::parse(field.as_ref())).collect();
        let mut search = Search::new(&cells);
        let label = if with_label {
            let name = schema.label().column.as_str();
            search.field(name, std::iter::once(name))?
        } else {
            None
        };
        let mut found = Vec::new();
        for column in schema.columns() {
            found.push(search.field(&column.name, column.names())?);
        }
        let names = search.names()?;
        let mut columns = Vec::new();
        for (column, field) in schema.columns().iter().zip(found.into_iter().flatten()) {
            columns.push((field, power(column, &cells[field])?));
        }
        Ok(Self { width: cells.len(), columns, label, names })
    }
}

/// The search for columns among the cells of a header.
struct Search<'a> {
    cells: &'a [HeaderCell],
    names: BTreeSet<String>,
    /// Each column that was not found, with the nearest name in the header.
    missing: Vec<String>,
}

impl<'a> Search<'a> {
    fn new(cells: &'a [HeaderCell]) -> Self {
        // The index column that pandas writes in front has an empty name, or the name `Unnamed: 0`
        // after it was read and written again.
        let named = cells.iter().filter(|c| !c.name.is_empty() && !c.name.starts_with("unnamed:"));
        Self { cells, names: named.map(|cell| cell.name.clone()).collect(), missing: Vec::new() }
    }

    /// Finds the field of column `name`; notes the column as missing if there is none.
    fn field<'b>(
        &mut self,
        name: &str,
        spellings: impl Iterator<Item = &'b str>,
    ) -> Result<Option<usize>, HeaderError> {
        let cells = self.cells;
        let spellings: Vec<_> = spellings.map(fold_name).collect();
        let mut found = (0..cells.len()).filter(|&i| spellings.contains(&cells[i].name));
        let Some(first) = found.next() else {
            let here = cells.iter().map(|cell| cell.bare.as_str());
            let hint = common::nearest(name, here)
                .map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
            self.missing.push(format!("column `{name}`{hint}"));
            return Ok(None);
        };
        if let Some(second) = found.next() {
            return Err(HeaderError::Twice {
                name: name.to_owned(),
                first: cells[first].text.clone(),
                second: cells[second].text.clone(),
            });
        }
        self.names.remove(&cells[first].name);
        self.names.insert(fold_name(name));
        Ok(Some(first))
    }

    /// Returns the folded names of all columns, or an error if a column is missing.
    fn names(self) -> Result<BTreeSet<String>, HeaderError> {
        if self.missing.is_empty() {
            return Ok(self.names);
        }
        // The first line may be data, or not from a table at all: only the start of it is shown.
        let mut found: Vec<String> =
            self.cells.iter().take(MAX_SHOWN_COLUMNS).map(HeaderCell::shown).collect();
        if self.cells.len() > MAX_SHOWN_COLUMNS {
            found.push(format!("and {} more", self.cells.len() - MAX_SHOWN_COLUMNS));
        }
        Err(HeaderError::Missing { missing: self.missing, found, hint: hint(self.cells) })
    }
}

/// Returns the power of ten that converts a field to its column's unit. A field without a unit is
/// in the column's.
fn power(column: &Column, cell: &HeaderCell) -> Result<i32, HeaderError> {
    let (Some(from), Some(to)) = (&cell.unit, &column.unit) else { return Ok(0) };
    units::power_between(from, to).map_err(|expected| HeaderError::Unit {
        header: cell.text.clone(),
        name: column.name.clone(),
        expected,
    })
}

/// The maximum number of a header's columns in a message, and the maximum length of each in
/// characters.
const MAX_SHOWN_COLUMNS: usize = 40;
const MAX_SHOWN_CHARS: usize = 60;

/// One field of a header.
struct HeaderCell {
    /// The whole text.
    text: String,
    /// The text without the unit.
    bare: String,
    /// The text without the unit, folded.
    name: String,
    unit: Option<String>,
}

impl HeaderCell {
    fn parse(bytes: &[u8]) -> Self {
        let text = decode(bytes).trim().trim_start_matches('\u{FEFF}').to_owned();
        let unit_begins = text.rfind(['(', '[']).filter(|_| text.ends_with([')', ']']));
        let (name, unit) = match unit_begins {
            Some(at) => (&text[..at], text.get(at + 1..text.len() - 1)),
            None => (text.as_str(), None),
        };
        let unit = unit.map(str::trim).filter(|unit| !unit.is_empty()).map(str::to_owned);
        Self { name: fold_name(name), bare: name.trim().to_owned(), unit, text }
    }

    /// Returns the cell as a message shows it: without control characters, and cut if it is long.
    fn shown(&self) -> String {
        let mut letters = self.text.chars().filter(|letter| !letter.is_control());
        let mut shown: String = letters.by_ref().take(MAX_SHOWN_CHARS).collect();
        if letters.next().is_some() {
            shown.push('…');
        }
        shown
    }
}

/// Decodes UTF-8, or Latin-1 where the bytes are not valid UTF-8.
fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// Returns a hint if a header that lacks columns seems to be in a different format.
fn hint(cells: &[HeaderCell]) -> &'static str {
    let any = |letter: char| cells.iter().any(|cell| cell.text.contains(letter));
    if any('\0') {
        "; the file looks like UTF-16, expected UTF-8 or Latin-1"
    } else if any(';') {
        "; the columns look separated by semicolons, expected commas"
    } else if any('\t') {
        "; the columns look separated by tabs, expected commas"
    } else {
        ""
    }
}

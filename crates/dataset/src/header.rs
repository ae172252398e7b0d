//! Finding the columns in a header.

use std::collections::BTreeSet;

use crate::schema::{Schema, fold_name};
use crate::units;

/// Why a header is not the table's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Columns that are not there.
    #[error("{file} lacks {}; columns found: {}{hint}", missing.join(", "), found.join(", "))]
    Missing {
        /// The file.
        file: String,
        /// Each one's name, and the nearest name found.
        missing: Vec<String>,
        /// What there is.
        found: Vec<String>,
        /// What kind of file it may be instead.
        hint: &'static str,
    },
    /// A column that is there twice.
    #[error("{file} has two columns for `{name}`: `{first}` and `{second}`")]
    Twice {
        /// The file.
        file: String,
        /// The column.
        name: String,
        /// One header.
        first: String,
        /// Another.
        second: String,
    },
    /// A unit that cannot be converted.
    #[error("{file} has `{header}`, expected `{name}` in one of: {expected}")]
    Unit {
        /// The file.
        file: String,
        /// What it has.
        header: String,
        /// The column.
        name: String,
        /// The units that would do.
        expected: String,
    },
    /// Columns that are in one file only.
    #[error("{file} and {other} have different columns: {}", differences.join(", "))]
    Differ {
        /// The file.
        file: String,
        /// The first file.
        other: String,
        /// The columns, and which file has them.
        differences: Vec<String>,
    },
}

/// Where the columns are in one file's records.
pub(crate) struct Header {
    /// How many fields a record has.
    pub(crate) width: usize,
    /// For each sensor column its field and the power of ten to its unit.
    pub(crate) columns: Vec<(usize, i32)>,
    /// The label's field.
    pub(crate) label: usize,
    /// Every column's name, folded; of the sensors and the label the canonical ones.
    pub(crate) names: BTreeSet<String>,
}

/// A header cell: as it is, without its unit, that folded, and the unit.
struct Cell {
    text: String,
    bare: String,
    name: String,
    unit: Option<String>,
}

impl Cell {
    /// The cell as a message shows it.
    fn shown(&self) -> String {
        let mut letters = self.text.chars().filter(|letter| !letter.is_control());
        let mut shown: String = letters.by_ref().take(LONGEST_SHOWN).collect();
        if letters.next().is_some() {
            shown.push('…');
        }
        shown
    }

    fn new(bytes: &[u8]) -> Self {
        let text = decode(bytes).trim().trim_start_matches('\u{FEFF}').to_owned();
        let unit_begins = text.rfind(['(', '[']).filter(|_| text.ends_with([')', ']']));
        let (name, unit) = match unit_begins {
            Some(at) => (&text[..at], text.get(at + 1..text.len() - 1)),
            None => (text.as_str(), None),
        };
        let unit = unit.map(str::trim).filter(|unit| !unit.is_empty()).map(str::to_owned);
        Self { name: fold_name(name), bare: name.trim().to_owned(), unit, text }
    }
}

/// How many of a header's columns a message lists, and how much of each.
const MOST_SHOWN: usize = 40;
const LONGEST_SHOWN: usize = 60;

/// What a header that lacks columns looks like, where it is that of another kind of table.
fn hint(cells: &[Cell]) -> &'static str {
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

/// UTF-8, or else Latin-1, which every byte is.
fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

impl Header {
    pub(crate) fn new(
        file: &str,
        schema: &Schema,
        fields: &[Vec<u8>],
    ) -> Result<Self, HeaderError> {
        let cells: Vec<_> = fields.iter().map(|field| Cell::new(field)).collect();
        // The name of the index that pandas writes in front is empty, or `Unnamed: 0` once read
        // and written again.
        let named = cells.iter().filter(|c| !c.name.is_empty() && !c.name.starts_with("unnamed:"));
        let mut names: BTreeSet<_> = named.map(|cell| cell.name.clone()).collect();
        let mut missing = Vec::new();
        let mut find = |name: &str, spellings: &mut dyn Iterator<Item = &str>| {
            let spellings: Vec<_> = spellings.map(fold_name).collect();
            let mut found = (0..cells.len()).filter(|&i| spellings.contains(&cells[i].name));
            let Some(first) = found.next() else {
                let here = cells.iter().map(|cell| cell.bare.as_str());
                let hint = common::nearest(name, here)
                    .map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
                missing.push(format!("column `{name}`{hint}"));
                return Ok(0);
            };
            if let Some(second) = found.next() {
                return Err(HeaderError::Twice {
                    file: file.to_owned(),
                    name: name.to_owned(),
                    first: cells[first].text.clone(),
                    second: cells[second].text.clone(),
                });
            }
            names.remove(&cells[first].name);
            names.insert(fold_name(name));
            Ok(first)
        };
        let label = &schema.label().column;
        let label = find(label, &mut std::iter::once(label.as_str()))?;
        let mut columns = Vec::new();
        for column in schema.columns() {
            let field = find(&column.name, &mut column.names())?;
            let power = match (&cells.get(field).and_then(|cell| cell.unit.as_ref()), &column.unit)
            {
                (Some(from), Some(to)) => units::power_between(from, to),
                _ => Ok(0),
            };
            columns.push((field, power));
        }
        if !missing.is_empty() {
            // A line of data or of something else altogether may stand where a header should.
            let mut found: Vec<String> = cells.iter().take(MOST_SHOWN).map(Cell::shown).collect();
            if cells.len() > MOST_SHOWN {
                found.push(format!("and {} more", cells.len() - MOST_SHOWN));
            }
            let hint = hint(&cells);
            return Err(HeaderError::Missing { file: file.to_owned(), missing, found, hint });
        }
        let columns = columns.into_iter().zip(schema.columns()).map(|((field, power), column)| {
            let power = power.map_err(|expected| HeaderError::Unit {
                file: file.to_owned(),
                header: cells[field].text.clone(),
                name: column.name.clone(),
                expected,
            });
            Ok((field, power?))
        });
        let columns = columns.collect::<Result<_, _>>()?;
        Ok(Self { width: cells.len(), columns, label, names })
    }

    /// Refuses a file whose columns are not those of the first one, in whatever order.
    pub(crate) fn check_same(
        &self,
        file: &str,
        first: &BTreeSet<String>,
        other: &str,
    ) -> Result<(), HeaderError> {
        let only = |here: &BTreeSet<String>, there: &BTreeSet<String>, file: &str| {
            let names = here.difference(there).map(|name| format!("`{name}` only in {file}"));
            names.collect::<Vec<_>>()
        };
        let mut differences = only(&self.names, first, file);
        differences.extend(only(first, &self.names, other));
        if differences.is_empty() {
            return Ok(());
        }
        Err(HeaderError::Differ { file: file.to_owned(), other: other.to_owned(), differences })
    }
}

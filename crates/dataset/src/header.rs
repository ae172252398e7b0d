//! Finds the schema's columns in a header.

use std::collections::{BTreeMap, BTreeSet};

use crate::cleaning::Duplicates;
use crate::duplicates::digest_of_names;
use crate::schema::{Column, Schema, fold_name};
use crate::units::{self, Conversion};

/// The ways in which a header fails to match a schema.
///
/// The messages are predicates. The caller, who knows where the header is from, puts a subject in
/// front: `a.csv` or `the request`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Columns that are missing.
    #[error("lacks {}; columns found: {}", with_hints(missing, unused), shown(found))]
    Missing {
        /// The missing columns.
        missing: Vec<String>,
        /// The columns in the header.
        found: Vec<String>,
        /// Those of them that are none of the schema's.
        unused: Vec<String>,
        /// Whether none of the columns is there: the header may be of another table.
        all: bool,
    },
    /// A name that is nearly that of a missing column, where columns may be missing.
    #[error("has `{name}`, which is no column here; did you mean `{column}`?")]
    Slip {
        /// The name.
        name: String,
        /// The column.
        column: String,
    },
    /// Two fields that match one column.
    #[error("has two columns for `{name}`: `{first}` and `{second}`{hint}")]
    Twice {
        /// The column.
        name: String,
        /// The first field.
        first: String,
        /// The second field.
        second: String,
        /// What would tell them apart, or an empty string.
        hint: &'static str,
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

impl HeaderError {
    /// Returns the first name that is nearly that of a missing column: it differs from it in at most a third of
    /// its letters, or contains it.
    pub fn slip(&self) -> Option<Self> {
        let Self::Missing { missing, unused, .. } = self else { return None };
        let names: Vec<String> = unused.iter().map(|header| name_and_unit(header).0).collect();
        missing.iter().take(MAX_SHOWN_COLUMNS).find_map(|column| {
            let near = common::nearest(column, names.iter().map(String::as_str))?;
            let (header, _) = unused.iter().zip(&names).find(|(_, name)| *name == near)?;
            Some(Self::Slip { name: header.clone(), column: column.clone() })
        })
    }
}

/// The position of a column among the fields of a record.
#[derive(Clone, Debug)]
pub(crate) struct FoundColumn {
    /// The field.
    pub(crate) field: usize,
    /// How the field's numbers become those of the column's unit.
    pub(crate) conversion: Conversion,
    /// The unit in the header.
    pub(crate) unit: Option<String>,
}

/// A part of what makes a row a duplicate of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdentityPart {
    /// The reading of the column at this index.
    Reading(usize),
    /// The word of the label.
    Label,
    /// The text of this field.
    Text(usize),
}

/// What makes a row of a file a duplicate of another.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The parts, in an order that does not depend on that of the columns in the file.
    pub(crate) parts: Vec<IdentityPart>,
    /// The digest of the names of the columns that are compared as text.
    pub(crate) names: u128,
}

/// The positions of the schema's columns among the fields of a record.
pub(crate) struct Header {
    /// The cells of the header.
    pub(crate) cells: Vec<HeaderCell>,
    /// The sensor columns, in the order of the schema.
    pub(crate) columns: Vec<FoundColumn>,
    /// The field of the label, if the header was searched for one.
    pub(crate) label: Option<usize>,
    /// The cells of the line of units below it; empty if there is none.
    pub(crate) units_line: Vec<String>,
}

impl Header {
    /// Finds the sensor columns, and the label if `with_label`, in a header. `units` may have units
    /// of fields that do not name theirs.
    pub(crate) fn find(
        schema: &Schema,
        fields: &[impl AsRef<[u8]>],
        units: &[Option<String>],
        with_label: bool,
    ) -> Result<Self, HeaderError> {
        let mut cells: Vec<_> =
            fields.iter().map(|field| HeaderCell::parse(field.as_ref())).collect();
        for (cell, unit) in cells.iter_mut().zip(units) {
            cell.unit = cell.unit.take().or_else(|| unit.clone());
        }
        let mut search = Search::new(&cells);
        let label = if with_label {
            let name = schema.label().column.as_str();
            search.field(name, &[name], None)?
        } else {
            None
        };
        let mut found = Vec::new();
        for column in schema.columns() {
            let names: Vec<&str> = column.names().collect();
            found.push(search.field(&column.name, &names, column.unit.as_deref())?);
        }
        search.finish(&found, found.iter().all(Option::is_none))?;
        let mut columns = Vec::new();
        for (column, field) in schema.columns().iter().zip(found.into_iter().flatten()) {
            columns.push(cells[field].to_column(field, column)?);
        }
        Ok(Self { cells, columns, label, units_line: Vec::new() })
    }

    /// Finds the field of a column that need not be one of the schema.
    pub(crate) fn field(&self, name: &str) -> Result<usize, HeaderError> {
        let mut search = Search::new(&self.cells);
        let found = search.field(name, &[name], None)?;
        search.finish(&[], false)?;
        // `finish` has returned an error if nothing was found.
        Ok(found.unwrap_or_default())
    }

    /// Returns the number of fields in a record.
    pub(crate) fn width(&self) -> usize {
        self.cells.len()
    }

    /// Returns the number of fields up to the last one that has a name. Those after it may be none: some
    /// programs end lines with separators.
    pub(crate) fn named_width(&self) -> usize {
        self.cells.iter().rposition(|cell| !cell.text.is_empty()).map_or(0, |last| last + 1)
    }

    /// Returns what makes a row a duplicate of an earlier one, or `None` if none is.
    pub(crate) fn identity(
        &self,
        duplicates: &Duplicates,
    ) -> Result<Option<Identity>, HeaderError> {
        let by = match duplicates {
            Duplicates::Keep => return Ok(None),
            Duplicates::Drop => None,
            Duplicates::By(names) => Some(names),
        };
        let column_of = |field| self.columns.iter().position(|column| column.field == field);
        let mut texts: Vec<usize> = Vec::new();
        let mut parts: Vec<IdentityPart> = Vec::new();
        match by {
            None => {
                parts.extend((0..self.columns.len()).map(IdentityPart::Reading));
                parts.extend(self.label.map(|_| IdentityPart::Label));
                // The number of the row, which pandas writes in front, is no part of the data.
                let is_data = |&field: &usize| !self.cells[field].is_row_number(field);
                texts.extend((0..self.width()).filter(is_data));
                texts.retain(|&field| column_of(field).is_none() && self.label != Some(field));
            }
            Some(names) => {
                let mut search = Search::new(&self.cells);
                let mut fields = Vec::new();
                for name in names {
                    fields.extend(search.field(name, &[name], None)?);
                }
                search.finish(&[], false)?;
                for field in fields {
                    match column_of(field) {
                        Some(column) => parts.push(IdentityPart::Reading(column)),
                        None if self.label == Some(field) => parts.push(IdentityPart::Label),
                        None => texts.push(field),
                    }
                }
            }
        }
        texts.sort_by(|&a, &b| self.cells[a].whole.cmp(&self.cells[b].whole));
        let names = digest_of_names(texts.iter().map(|&field| self.cells[field].whole.as_str()));
        parts.extend(texts.into_iter().map(IdentityPart::Text));
        Ok(Some(Identity { parts, names }))
    }
}

/// The names by which a header may call the columns of a schema.
///
/// ```
/// # let label = dataset::Label {
/// #     column: "Failed".into(),
/// #     positive: vec!["yes".into()],
/// #     negative: vec!["no".into()],
/// #     missing_markers: vec![],
/// # };
/// use dataset::{Column, ColumnNames, Schema};
///
/// let column = Column { name: "Oil_Pressure".into(), spellings: vec!["Druck".into()], ..Column::default() };
/// let names = ColumnNames::of(&Schema::new(vec![column], label)?);
/// assert!(names.contains(b"oil pressure [bar]") && names.contains(b"DRUCK"));
/// assert!(!names.contains(b"71.04") && !names.contains(b"Pressure"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ColumnNames {
    folded: BTreeSet<String>,
    /// Whether a name may begin like a number.
    like_numbers: bool,
}

impl ColumnNames {
    /// Returns the names of the sensor columns.
    pub fn of(schema: &Schema) -> Self {
        let names = schema.columns().iter().flat_map(Column::names).map(HeaderCell::of);
        let folded: BTreeSet<String> = names.flat_map(|cell| [cell.whole, cell.name]).collect();
        let like_numbers = folded.iter().any(|name| begins_like_a_number(name.as_bytes()));
        Self { folded, like_numbers }
    }

    /// Returns whether a field of a header names a column.
    pub fn contains(&self, field: &[u8]) -> bool {
        if field.is_empty() || (begins_like_a_number(field) && !self.like_numbers) {
            return false;
        }
        let cell = HeaderCell::parse(field);
        [cell.whole, cell.name].iter().any(|name| !name.is_empty() && self.folded.contains(name))
    }
}

fn begins_like_a_number(text: &[u8]) -> bool {
    text.first().is_some_and(|first| first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.'))
}

/// The search for columns among the cells of a header.
struct Search<'a> {
    cells: &'a [HeaderCell],
    /// The fields by their text, by their folded text, and by that without a unit.
    by_text: BTreeMap<&'a str, Vec<usize>>,
    by_whole: BTreeMap<&'a str, Vec<usize>>,
    by_name: BTreeMap<&'a str, Vec<usize>>,
    /// The columns that were not found.
    missing: Vec<String>,
}

impl<'a> Search<'a> {
    fn new(cells: &'a [HeaderCell]) -> Self {
        let index = |key: fn(&HeaderCell) -> &str| {
            let mut index: BTreeMap<&'a str, Vec<usize>> = BTreeMap::new();
            for (field, cell) in cells.iter().enumerate() {
                index.entry(key(cell)).or_default().push(field);
            }
            index
        };
        Self {
            cells,
            by_text: index(|cell| &cell.text),
            by_whole: index(|cell| &cell.whole),
            by_name: index(|cell| &cell.name),
            missing: Vec::new(),
        }
    }

    /// Finds the field of column `name`; notes the column as missing if there is none.
    fn field(
        &mut self,
        name: &str,
        spellings: &[&str],
        unit: Option<&str>,
    ) -> Result<Option<usize>, HeaderError> {
        let whole: Vec<usize> =
            spellings.iter().flat_map(|spelling| self.whole_matches(spelling)).collect();
        let names_of_whole: Vec<&str> =
            whole.iter().map(|&field| self.cells[field].name.as_str()).collect();
        let bare = spellings.iter().flat_map(|spelling| self.bare_matches(spelling, unit));
        // A header that is a spelling wins over those that have the same name and a unit besides.
        let bare = bare.filter(|&field| !names_of_whole.contains(&self.cells[field].name.as_str()));
        let mut found: Vec<usize> = whole.iter().copied().chain(bare).collect();
        found.sort_unstable();
        found.dedup();
        match found[..] {
            [field] => Ok(Some(field)),
            [first, second, ..] => {
                let shown = [first, second].map(|field| self.cells[field].shown());
                let has_unit = |field: usize| self.cells[field].unit.is_some();
                let hint = if unit.is_none() && (has_unit(first) || has_unit(second)) {
                    "; the column's `unit`, or the whole header as a spelling, tells them apart"
                } else {
                    ""
                };
                let [first, second] = shown;
                Err(HeaderError::Twice { name: name.to_owned(), first, second, hint })
            }
            [] => {
                self.missing.push(name.to_owned());
                Ok(None)
            }
        }
    }

    /// Returns the fields whose whole header is this spelling; if there is none, those whose header
    /// is it but for letter case and blanks.
    fn whole_matches(&self, spelling: &str) -> Vec<usize> {
        let exact = self.by_text.get(spelling.trim());
        exact
            .or_else(|| self.by_whole.get(fold_name(spelling).as_str()))
            .cloned()
            .unwrap_or_default()
    }

    /// Returns the fields whose header without a unit is this spelling. Among several the column's
    /// unit decides.
    fn bare_matches(&self, spelling: &str, unit: Option<&str>) -> Vec<usize> {
        let wanted = HeaderCell::of(spelling);
        // Parentheses alone are the whole name, not a column without one.
        if wanted.name.is_empty() {
            return Vec::new();
        }
        let unit = wanted.unit.as_deref().or(unit);
        let bare = self.by_name.get(wanted.name.as_str()).cloned().unwrap_or_default();
        if let (Some(unit), true) = (unit, bare.len() > 1) {
            let among = |matches: &dyn Fn(&str) -> bool| -> Vec<usize> {
                let has = |field: &usize| self.cells[*field].unit.as_deref().is_some_and(matches);
                bare.iter().copied().filter(has).collect()
            };
            let same = among(&|other| units::is_same(other, unit));
            if !same.is_empty() {
                return same;
            }
            let convertible = among(&|other| units::between(other, unit).is_ok());
            if !convertible.is_empty() {
                return convertible;
            }
        }
        bare
    }

    /// Returns an error if a column is missing; `all` tells whether all are.
    fn finish(self, fields: &[Option<usize>], all: bool) -> Result<(), HeaderError> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let used: BTreeSet<usize> = fields.iter().flatten().copied().collect();
        let cells = self.cells.iter().enumerate();
        let unused = cells.filter(|(field, _)| !used.contains(field));
        Err(HeaderError::Missing {
            missing: self.missing,
            found: self.cells.iter().map(HeaderCell::shown).collect(),
            unused: unused.map(|(_, cell)| cell.shown()).collect(),
            all,
        })
    }
}

/// Joins missing columns for a message, each with the nearest name in the header. This takes time, and
/// most headers that do not match are only lines that are none.
fn with_hints(missing: &[String], unused: &[String]) -> String {
    let here: Vec<String> = unused.iter().map(|header| name_and_unit(header).0).collect();
    // Looking for the nearest of thousands of names takes seconds.
    let hinted = missing.iter().take(MAX_SHOWN_COLUMNS).map(|name| {
        let near = common::nearest(name, here.iter().map(String::as_str));
        let hint = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        format!("column `{name}`{hint}")
    });
    let rest = missing.iter().skip(MAX_SHOWN_COLUMNS).map(|name| format!("column `{name}`"));
    shown(&hinted.chain(rest).collect::<Vec<_>>())
}

/// Joins names for a message. The first line of a file may be data, or not from a table at all: only
/// the start of it is shown.
fn shown(names: &[String]) -> String {
    let mut text = names.iter().take(MAX_SHOWN_COLUMNS).map(String::as_str).collect::<Vec<_>>();
    let more = format!("and {} more", names.len().saturating_sub(MAX_SHOWN_COLUMNS));
    if names.len() > MAX_SHOWN_COLUMNS {
        text.push(&more);
    }
    text.join(", ")
}

/// The maximum number of a header's columns in a message, and the maximum length of each in
/// characters.
const MAX_SHOWN_COLUMNS: usize = 40;
const MAX_SHOWN_CHARS: usize = 60;

impl AsRef<str> for HeaderCell {
    /// Returns the whole text.
    fn as_ref(&self) -> &str {
        &self.text
    }
}

/// One field of a header.
pub(crate) struct HeaderCell {
    /// The whole text.
    pub(crate) text: String,
    /// The whole text, folded.
    pub(crate) whole: String,
    /// The text without what is in parentheses at its end.
    pub(crate) bare: String,
    /// That text, folded.
    pub(crate) name: String,
    /// What is in parentheses at the end.
    pub(crate) unit: Option<String>,
}

impl HeaderCell {
    fn parse(bytes: &[u8]) -> Self {
        Self::of(&decode(bytes))
    }

    fn of(text: &str) -> Self {
        let text = text.trim().trim_start_matches('\u{FEFF}').to_owned();
        let unit_begins = text.rfind(['(', '[']).filter(|_| text.ends_with([')', ']']));
        let (name, unit) = match unit_begins {
            Some(at) => (&text[..at], text.get(at + 1..text.len() - 1)),
            None => (text.as_str(), None),
        };
        let unit = unit.map(str::trim).filter(|unit| !unit.is_empty()).map(str::to_owned);
        let (name, bare) = (fold_name(name), name.trim().to_owned());
        Self { whole: fold_name(&text), name, bare, unit, text }
    }

    /// Returns whether this field is the number of the row, which pandas writes in front: it has no
    /// name, or the name `Unnamed: 0` after it was read and written again.
    pub(crate) fn is_row_number(&self, field: usize) -> bool {
        (field == 0 && self.whole.is_empty()) || self.whole == "unnamed:_0"
    }

    /// Returns this field as the place of a column. A field without a unit is in the column's.
    fn to_column(&self, field: usize, column: &Column) -> Result<FoundColumn, HeaderError> {
        // What is in parentheses may be no unit but belong to a name that the settings spell out.
        let is_name = column.names().any(|name| fold_name(name) == self.whole);
        let known = self.unit.as_deref().filter(|unit| !is_name || units::is_known(unit));
        let conversion = match (known, &column.unit) {
            (Some(from), Some(to)) => match units::between(from, to) {
                Ok(conversion) => conversion,
                Err(_) if is_name => Conversion::NONE,
                Err(expected) => {
                    let (header, name) = (self.shown(), column.name.clone());
                    return Err(HeaderError::Unit { header, name, expected });
                }
            },
            _ => Conversion::NONE,
        };
        Ok(FoundColumn { field, conversion, unit: known.map(str::to_owned) })
    }

    /// Returns the cell as a message shows it: without control characters, and cut if it is long.
    pub(crate) fn shown(&self) -> String {
        let mut letters = self.text.chars().filter(|letter| !letter.is_control());
        let mut shown: String = letters.by_ref().take(MAX_SHOWN_CHARS).collect();
        if letters.next().is_some() {
            shown.push('…');
        }
        shown
    }
}

/// Returns a header without what is in parentheses at its end, and what is in them.
pub(crate) fn name_and_unit(text: &str) -> (String, Option<String>) {
    let HeaderCell { bare, unit, .. } = HeaderCell::of(text);
    (bare, unit)
}

/// Decodes UTF-8, or Latin-1 where the bytes are not valid UTF-8.
fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

//! Takes the sensor columns from the header of the first file, where nobody has named them.

use std::collections::BTreeSet;

use crate::header::Header;
use crate::schema::{Column, LABEL, Schema, fold_name, settings_name};
use crate::table_error::TableError;
use crate::units;

/// The rule that all columns of the files are sensor columns but for some.
#[derive(Clone, Debug)]
pub(crate) struct AllColumns {
    /// The names of columns that are none.
    except: Vec<String>,
    /// Those of them that no file has.
    unfound: BTreeSet<String>,
    /// The file that the columns are from.
    first: Option<String>,
}

impl AllColumns {
    pub(crate) fn but(except: Vec<String>) -> Self {
        let unfound = except.iter().cloned().collect();
        Self { except, unfound, first: None }
    }

    /// Returns whether the columns are known, because a file was read.
    pub(crate) fn are_known(&self) -> bool {
        self.first.is_some()
    }

    /// Returns the sensor columns of the first file, and what to say of them. `split` is the column by
    /// which the rows are split.
    pub(crate) fn take(
        &mut self,
        file: &str,
        header: &Header,
        schema: &Schema,
        split: Option<&str>,
    ) -> Result<(Vec<Column>, String), TableError> {
        let (fields, but) = self.sensor_fields(header, split);
        if fields.is_empty() {
            return Err(TableError::OnlyLabel { file: file.to_owned(), label: but.join(", ") });
        }
        let label = &schema.label().column;
        // The table of features ends in a column of this name.
        let mut taken = BTreeSet::from([fold_name(label), LABEL.to_owned()]);
        let mut columns = Vec::new();
        for field in fields {
            let cell = &header.cells[field];
            let unit = cell.unit.clone().filter(|unit| units::is_known(unit));
            let is_alone = header.cells.iter().filter(|other| other.name == cell.name).count() == 1;
            let bare = if unit.is_some() && is_alone { &cell.bare } else { &cell.text };
            let base = match settings_name(bare) {
                name if name.is_empty() => format!("column_{}", field + 1),
                name => name,
            };
            let numbered = (2..).map(|number| format!("{base}_{number}"));
            let mut names = std::iter::once(base.clone()).chain(numbered);
            let name = names.find(|name| taken.insert(fold_name(name))).unwrap_or_default();
            let is_found = is_alone && fold_name(&name) == cell.name;
            let spellings = if is_found { Vec::new() } else { vec![cell.text.clone()] };
            let missing_markers = schema.label().missing_markers.clone();
            columns.push(Column { name, unit, spellings, missing_markers, ..Column::default() });
        }
        self.first = Some(file.to_owned());
        let note = format!(
            "{file}: its {} sensor columns are all columns but {}",
            columns.len(),
            but.join(", ")
        );
        Ok((columns, note))
    }

    /// Checks that a later file has no other columns than the first.
    pub(crate) fn check(
        &mut self,
        file: &str,
        header: &Header,
        split: Option<&str>,
    ) -> Result<(), TableError> {
        let known: BTreeSet<usize> = header.columns.iter().map(|column| column.field).collect();
        let (fields, _) = self.sensor_fields(header, split);
        match (fields.iter().find(|field| !known.contains(field)), &self.first) {
            (Some(&field), Some(first)) => Err(TableError::MoreColumns {
                file: file.to_owned(),
                column: header.cells[field].shown(),
                first: first.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Returns the names that no file has.
    pub(crate) fn unfound(&self) -> impl Iterator<Item = &String> {
        self.unfound.iter()
    }

    /// Returns the fields of the sensor columns, and the names of the other columns.
    fn sensor_fields(&mut self, header: &Header, split: Option<&str>) -> (Vec<usize>, Vec<String>) {
        let (mut fields, mut others) = (Vec::new(), Vec::new());
        for (field, cell) in header.cells.iter().enumerate() {
            let is_named = |name: &str| [&cell.whole, &cell.name].contains(&&fold_name(name));
            let excepted = self.except.iter().filter(|name| is_named(name)).collect::<Vec<_>>();
            for name in &excepted {
                self.unfound.remove(*name);
            }
            let is_other = header.label == Some(field)
                || !excepted.is_empty()
                || split.is_some_and(is_named)
                || cell.whole.is_empty()
                || cell.is_row_number(field);
            if !is_other {
                fields.push(field);
            } else if cell.whole.is_empty() {
                others.push(format!("the one without a name in place {}", field + 1));
            } else {
                others.push(format!("`{}`", cell.shown()));
            }
        }
        (fields, others)
    }
}

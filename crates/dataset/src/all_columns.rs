//! Takes the sensor columns from the header of the first file, if the settings do not name them.

use std::collections::BTreeSet;

use crate::header::{Header, HeaderCell};
use crate::names::{ColumnHeaders, SettingsName, settings_names};
use crate::schema::{Column, Schema, fold_name};
use crate::table_error::TableError;
use crate::units;

/// The rule that every column is a sensor column except for some.
#[derive(Clone, Debug)]
pub(crate) struct AllColumns {
    /// The names of columns that are left out.
    except: Vec<String>,
    /// The names in `except` that no file has so far.
    unfound: BTreeSet<String>,
    /// The file that the columns are from.
    first: Option<String>,
}

impl AllColumns {
    pub(crate) fn except(except: Vec<String>) -> Self {
        let unfound = except.iter().cloned().collect();
        Self { except, unfound, first: None }
    }

    /// Returns whether the columns are known, because a file was read.
    pub(crate) fn are_known(&self) -> bool {
        self.first.is_some()
    }

    /// Returns the sensor columns of the first file, and a note about them. `split` is the column by
    /// which the rows are split.
    pub(crate) fn take(
        &mut self,
        file: &str,
        header: &Header,
        schema: &Schema,
        split: Option<&str>,
    ) -> Result<(Vec<Column>, String), TableError> {
        let (fields, others) = self.sensor_fields(header, split);
        if fields.is_empty() {
            return Err(TableError::NoSensorColumns {
                file: file.to_owned(),
                others: others.join(", "),
            });
        }
        let known = |cell: &HeaderCell| cell.unit.clone().filter(|unit| units::is_known(unit));
        let headers: Vec<[String; 1]> =
            header.cells.iter().map(|cell| [cell.text.clone()]).collect();
        let all = header.cells.iter().zip(&headers).map(|(cell, headers)| {
            let name = if known(cell).is_some() { &cell.bare } else { &cell.text };
            ColumnHeaders { name, headers }
        });
        let names = settings_names(&all.collect::<Vec<_>>());
        let column = |&field: &usize| {
            let SettingsName { name, spellings } = names[field].clone();
            let unit = known(&header.cells[field]);
            let missing_markers = schema.label().missing_markers.clone();
            Column { name, unit, spellings, missing_markers, ..Column::default() }
        };
        let columns: Vec<Column> = fields.iter().map(column).collect();
        self.first = Some(file.to_owned());
        let note = format!(
            "{file}: its {} sensor columns are all columns but {}",
            columns.len(),
            others.join(", ")
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

    /// Returns the names in `except` that no file has.
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

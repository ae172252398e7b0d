//! Reads records in a text in memory. How a CSV is read is in `csv_text`, and how JSON is in `json_text`.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use dataset::CsvRecords;

use crate::model::Model;
use crate::record_names::RecordNames;
use crate::record_text::{CsvFormat, Format, Records};
use crate::records_error::RecordsError;
use crate::{csv_text, json_text};

/// The maximum number of remarks about names in all texts.
const MAX_SAID: usize = 200;

/// Reads records in the columns of a model. It remembers the names that records have, so that they are looked
/// up once.
///
/// A CSV has a line of names, in any of the spellings and units that the model's columns have, or none. JSON is
/// an object; an array of objects or of arrays; one of these as `instances`, `inputs` or `dataframe_records`;
/// or `columns` with `data`, also as `dataframe_split`. JSON lines are an object or an array each. Arrays, and
/// lines without names, have the model's columns in their order. An object may leave out columns: their
/// readings are missing.
#[derive(Debug)]
pub struct RecordsReader {
    names: RecordNames,
    /// The hashes of what was said about names, which may be long.
    said: Mutex<BTreeSet<u64>>,
}

impl RecordsReader {
    /// Creates a reader. `columns` is the line of names that CSV without one would have; without it, such CSV
    /// has the model's columns in their order.
    ///
    /// # Errors
    /// Returns an error if `columns` is no line of CSV, or lacks a column of the model.
    pub fn new(model: &Model, columns: Option<&str>) -> Result<Self, RecordsError> {
        const COLUMNS: &str = "the line of columns";
        let mut line = None;
        if let Some(columns) = columns {
            let mut lines = CsvRecords::new(COLUMNS, columns.as_bytes(), 1, b',');
            line = lines.next()?.map(csv_text::names);
            if lines.next()?.is_some() {
                return Err(RecordsError::ColumnsLines);
            }
        }
        let names = RecordNames::new(model.recipe(), line);
        let place = COLUMNS.to_owned();
        let names = names.map_err(|problem| RecordsError::Names { place, problem })?;
        Ok(Self { names, said: Mutex::default() })
    }

    /// Reads the records of a text. `csv` says what is known of a CSV.
    ///
    /// # Errors
    /// Returns an error if the text is malformed, if it has no records, or if one of them cannot be read.
    pub fn read(
        &self,
        format: Format,
        csv: CsvFormat,
        text: &[u8],
    ) -> Result<Records, RecordsError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut records = match format {
            Format::Csv => csv_text::read(&self.names, csv, text)?,
            Format::Json => json_text::read(&self.names, text)?,
            Format::JsonLines => json_text::read_lines(&self.names, text)?,
        };
        if records.count == 0 {
            return Err(RecordsError::Empty);
        }
        if !records.remarks.is_empty() {
            self.keep_unsaid(&mut records.remarks);
        }
        Ok(records)
    }

    /// Keeps the remarks that were not made before. Each thing is said once, and not everything that anybody makes
    /// up.
    fn keep_unsaid(&self, remarks: &mut Vec<String>) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_last = false;
        remarks.retain(|remark| {
            let hash = hash(remark);
            let is_new = said.insert(hash);
            let has_room = said.len() <= MAX_SAID;
            if is_new && !has_room {
                // The first one too many stays, as a sign that the end was said.
                is_last |= said.len() == MAX_SAID + 1;
                if said.len() > MAX_SAID + 1 {
                    said.remove(&hash);
                }
            }
            is_new && has_room
        });
        if is_last {
            remarks.push(format!(
                "{MAX_SAID} remarks were made about the names of records, which is the maximum; no more are"
            ));
        }
    }
}

/// Returns the same number for the same text.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

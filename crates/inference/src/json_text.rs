//! Reads JSON documents and JSON lines in memory.

use std::borrow::Cow;
use std::sync::Arc;

use memchr::memchr;

use crate::json::{self, Json, Member};
use crate::record_names::{IsNew, Named, RecordNames, Style};
use crate::record_text::{Place, Records, SUBJECT, shown, shown_names};
use crate::records_error::RecordsError;

/// The maximum number of members of an object, which is that of fields of CSV.
const MAX_MEMBERS: usize = 1 << 14;
/// The members that may have a list of records.
const LISTS: [&str; 3] = ["instances", "inputs", "dataframe_records"];
/// The member that has columns and data, and these, which may be members of the document themselves.
const SPLIT: &str = "dataframe_split";
const COLUMNS: &str = "columns";
const DATA: &str = "data";
/// The maximum number of names, times the model's columns, that are looked up in a text: finding the columns
/// among names takes longer than reading a record.
const MAX_LOOKUPS: usize = 200_000;

/// Reads the records of a document.
pub(crate) fn read(reader: &RecordNames, text: &[u8]) -> Result<Records, RecordsError> {
    let mut reading = Reading::new(reader);
    reading.document(text)?;
    Ok(reading.records)
}

/// Reads the records of lines.
pub(crate) fn read_lines(reader: &RecordNames, text: &[u8]) -> Result<Records, RecordsError> {
    let mut reading = Reading::new(reader);
    reading.lines(text)?;
    Ok(reading.records)
}

/// The reading of one text.
struct Reading<'r> {
    reader: &'r RecordNames,
    records: Records,
    /// The names of the last object.
    named: Option<Arc<Named>>,
    /// The number of sets of names that were not met before.
    new_names: usize,
    most_records: usize,
}

impl<'r> Reading<'r> {
    fn new(reader: &'r RecordNames) -> Self {
        let most_records = reader.most_records();
        Self { reader, records: Records::default(), named: None, new_names: 0, most_records }
    }

    /// Returns the reader of objects with the names of these members.
    fn find_names(
        &mut self,
        members: &[Member<'_>],
        place: Place,
    ) -> Result<Arc<Named>, RecordsError> {
        let names = members.iter().map(|member| member.name.as_ref());
        let found = self.reader.named(names, Style::Object, &mut self.records.remarks);
        let (named, IsNew(is_new)) =
            found.map_err(|problem| RecordsError::Names { place: place.shown(), problem })?;
        if !is_new {
            return Ok(named);
        }
        self.new_names += 1;
        let most = (MAX_LOOKUPS / self.reader.width().max(1)).clamp(16, 1_000);
        if self.new_names > most {
            return Err(RecordsError::TooManyNames { place: place.shown(), most });
        }
        // A table may have such columns; the members of an object are the choice of whoever asks.
        let given = named.names[..named.given].iter().enumerate();
        let mut others = given.filter(|(field, _)| !named.records.is_used(*field));
        if let Some((_, name)) =
            others.find(|(_, name)| self.reader.known.contains(name.as_bytes()))
        {
            let (place, name) = (place.shown(), shown(name));
            return Err(RecordsError::OtherSpelling { place, name });
        }
        Ok(named)
    }

    fn lines(&mut self, text: &[u8]) -> Result<(), RecordsError> {
        let (mut rest, mut number) = (text, 0);
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            number += 1;
            if line.trim_ascii().is_empty() {
                if rest.trim_ascii().is_empty() {
                    break;
                }
                return Err(RecordsError::Blank(number));
            }
            let place = Place::Line(number);
            let document = json::parse(line).map_err(|source| syntax(place, source, line))?;
            match document {
                Json::Object(members) => self.object(&members, place)?,
                Json::Array(values) => self.array(&values, place)?,
                Json::Scalar(text) => return Err(no_record(place, text)),
            }
        }
        Ok(())
    }

    fn document(&mut self, text: &[u8]) -> Result<(), RecordsError> {
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        match json::parse(text).map_err(|source| syntax(Place::Whole, source, text))? {
            Json::Object(members) => self.object_document(&members),
            Json::Array(values) => {
                let is_record = |value: &&str| !value.starts_with(['{', '[']);
                if values.first().is_some_and(is_record) {
                    self.records.is_single = true;
                    return self.array(&values, Place::Whole);
                }
                self.list(&values)
            }
            Json::Scalar(text) => Err(no_record(Place::Whole, text)),
        }
    }

    /// Reads an object: lists of records under one of the usual names, or a record.
    fn object_document(&mut self, members: &[Member<'_>]) -> Result<(), RecordsError> {
        let mut lists = Vec::new();
        for name in LISTS {
            lists.extend(array_member(members, name)?.map(|values| (name, values)));
        }
        let split = member(members, SPLIT)?.filter(|raw| raw.starts_with('{'));
        let (columns, data) = (array_member(members, COLUMNS)?, array_member(members, DATA)?);
        // What is not read would be left out without a word, or other columns be meant.
        let mut found: Vec<&str> = lists.iter().map(|(name, _)| *name).collect();
        found.extend(split.map(|_| SPLIT));
        let has_both = columns.is_some() && data.is_some();
        let is_list = has_both || !found.is_empty();
        // Beside a list, an object under such a name is none of a column.
        if is_list {
            for name in LISTS {
                let object = member(members, name)?.filter(|raw| raw.starts_with('{'));
                found.extend(object.map(|_| name));
            }
        }
        found.extend(columns.as_ref().map(|_| COLUMNS));
        found.extend(data.as_ref().filter(|_| columns.is_none()).map(|_| DATA));
        if is_list {
            let is_reading = |member: &&Member<'_>| {
                let name = member.name.as_ref();
                // The other one of both members is `data`.
                let is_read = found.contains(&name) || (has_both && name == DATA);
                !is_read && self.reader.known.contains(name.as_bytes())
            };
            let reading = members.iter().find(is_reading).map(|member| member.name.as_ref());
            found.extend(reading);
            if let [one, other, ..] = found[..] {
                return Err(RecordsError::Lists(one.to_owned(), shown(other)));
            }
        }
        if let Some((_, values)) = lists.first() {
            return self.list(values);
        }
        if let Some(split) = split {
            let document = json::parse(split.as_bytes());
            if let Json::Object(members) =
                document.map_err(|source| syntax(Place::Whole, source, split.as_bytes()))?
            {
                let (columns, data) =
                    (array_member(&members, COLUMNS)?, array_member(&members, DATA)?);
                let (Some(columns), Some(data)) = (columns, data) else {
                    return Err(shape(SPLIT, split, "an object with columns and data"));
                };
                return self.split(&columns, &data);
            }
        }
        if let (Some(columns), Some(data)) = (columns, data) {
            return self.split(&columns, &data);
        }
        self.records.is_single = true;
        self.object(members, Place::Whole)
    }

    /// Reads records in the order of some columns.
    fn split(&mut self, columns: &[&str], rows: &[&str]) -> Result<(), RecordsError> {
        if columns.len() > MAX_MEMBERS {
            let place = format!("the list of columns in {SUBJECT}");
            return Err(RecordsError::TooManyMembers { place, most: MAX_MEMBERS });
        }
        let name = |raw: &&str| match json::text(raw) {
            Some(name) if raw.starts_with('"') => Ok(name.into_owned()),
            _ => Err(shape(&format!("the list of columns in {SUBJECT}"), raw, "a name")),
        };
        let names = columns.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        let names = names.iter().map(String::as_str);
        let found = self.reader.named(names, Style::DECIMAL_POINTS, &mut self.records.remarks);
        let place = format!("the list of columns in {SUBJECT}");
        let (named, _) = found.map_err(|problem| RecordsError::Names { place, problem })?;
        for (index, raw) in rows.iter().enumerate() {
            let place = Place::Index(index);
            match parse_nested(raw) {
                Some(Json::Array(values)) => self.values(&named, &values, place)?,
                _ => return Err(shape(&place.shown(), raw, "an array of values")),
            }
        }
        Ok(())
    }

    fn list(&mut self, values: &[&str]) -> Result<(), RecordsError> {
        for (index, raw) in values.iter().enumerate() {
            let place = Place::Index(index);
            match parse_nested(raw) {
                Some(Json::Object(members)) => self.object(&members, place)?,
                Some(Json::Array(values)) => self.array(&values, place)?,
                _ => return Err(no_record(place, raw)),
            }
        }
        Ok(())
    }

    /// Reads a record without names.
    fn array(&mut self, values: &[&str], place: Place) -> Result<(), RecordsError> {
        let unnamed = &self.reader.unnamed;
        self.values(unnamed, values, place)
    }

    fn object(&mut self, members: &[Member<'_>], place: Place) -> Result<(), RecordsError> {
        if members.len() > MAX_MEMBERS {
            let place = place.shown();
            return Err(RecordsError::TooManyMembers { place, most: MAX_MEMBERS });
        }
        let names = members.iter().map(|member| member.name.as_ref());
        let named = match self.named.take() {
            Some(named) if named.is(names, Style::Object) => named,
            _ => self.find_names(members, place)?,
        };
        let values: Vec<&str> = members.iter().map(|member| member.value).collect();
        let read = self.values(&named, &values, place);
        self.named = Some(named);
        read
    }

    /// Reads the values of a record.
    fn values(&mut self, named: &Named, values: &[&str], place: Place) -> Result<(), RecordsError> {
        if values.len() != named.given {
            let (place, columns) = (place.shown(), shown_names(&named.names));
            let (found, expected) = (values.len(), named.given);
            return Err(RecordsError::Width { place, found, expected, columns });
        }
        let mut cells: Vec<Cow<'_, str>> = Vec::with_capacity(named.names.len());
        for (field, raw) in values.iter().enumerate() {
            match json::text(raw) {
                Some(cell) if named.records.is_word(field) => cells.push(json::word(raw, cell)),
                Some(cell) => cells.push(cell),
                None if named.records.is_used(field) => {
                    let place = format!("{}: column `{}`", place.shown(), named.names[field]);
                    return Err(shape(&place, raw, "a number, a text, true, false or null"));
                }
                None => cells.push(Cow::Borrowed("")),
            }
        }
        cells.resize(named.names.len(), Cow::Borrowed(""));
        let cells: Vec<&[u8]> = cells.iter().map(|cell| cell.as_bytes()).collect();
        match named.records.read(&cells, &mut self.records.readings) {
            Ok(_) if self.records.count == self.most_records => {
                return Err(RecordsError::TooMany(self.most_records));
            }
            Ok(_) => self.records.count += 1,
            Err(problem) => return Err(RecordsError::Record { place: place.shown(), problem }),
        }
        Ok(())
    }
}

/// Returns a member of an object.
fn member<'a>(members: &[Member<'a>], name: &str) -> Result<Option<&'a str>, RecordsError> {
    let mut found = members.iter().filter(|member| member.name == name);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(RecordsError::Twice(name.to_owned())),
        (found, _) => Ok(found.map(|member| member.value)),
    }
}

/// Returns the values of a member that is an array.
fn array_member<'a>(
    members: &[Member<'a>],
    name: &str,
) -> Result<Option<Vec<&'a str>>, RecordsError> {
    // A column may have this name, and its values are no arrays.
    match member(members, name)?.map(parse_nested) {
        Some(Some(Json::Array(values))) => Ok(Some(values)),
        _ => Ok(None),
    }
}

/// Parses a value of a document, which is an object or an array; `None` if it is another value.
fn parse_nested(raw: &str) -> Option<Json<'_>> {
    match json::parse(raw.as_bytes()) {
        Ok(Json::Scalar(_)) | Err(_) => None,
        Ok(found) => Some(found),
    }
}

fn no_record(place: Place, raw: &str) -> RecordsError {
    shape(&place.shown(), raw, "an object, or an array of values")
}

fn shape(place: &str, raw: &str, expected: &'static str) -> RecordsError {
    RecordsError::Shape { place: place.to_owned(), found: format!("`{}`", shown(raw)), expected }
}

fn syntax(place: Place, problem: serde_json::Error, text: &[u8]) -> RecordsError {
    let line = text.split(|byte| *byte == b'\n').nth(problem.line().saturating_sub(1));
    let at =
        line.and_then(|line| line.get(problem.column().saturating_sub(1)..)).unwrap_or_default();
    let names_no_number =
        ["NaN", "Infinity", "-Infinity"].iter().any(|word| at.starts_with(word.as_bytes()));
    let hint = if names_no_number { "; a missing reading is null in JSON" } else { "" };
    let (place, problem) = match place {
        Place::Line(line) => {
            // The parser counts the lines of what it is given, which is one line.
            let (column, problem) = (problem.column(), problem.to_string());
            let reason =
                problem.rsplit_once(" at line ").map_or(problem.as_str(), |(reason, _)| reason);
            (format!("{}, column {column}", Place::Line(line).shown()), reason.to_owned())
        }
        Place::Whole | Place::Index(_) => (place.shown(), problem.to_string()),
    };
    RecordsError::Syntax { place, problem, hint }
}

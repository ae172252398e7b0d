//! The names that records have, and the model's columns among them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use dataset::{ColumnKind, ColumnNames, HeaderError, NumberFormat, Recipe, RecordReader, Schema};

use crate::record_text::shown_names;

/// The maximum number of readings that are in memory at a time: 256 MB.
const MAX_READINGS: usize = 32 << 20;
/// The number of sets of names that are remembered, and the bytes that they may take together. Of a model with
/// more names they may take a few times as much as its own ones.
const MAX_MET: usize = 8;
const MET_BYTES: usize = 64 << 10;
const OWN_TIMES: usize = 10;
/// What a name takes besides its text, which is there three times: as it is, without its unit, and folded.
const NAME_BYTES: usize = 256;
const NAME_TIMES: usize = 3;
/// The maximum number of remarks about the names in one text.
const MAX_REMARKS: usize = 10;

/// The names that records may have. Those of the last ones are remembered, so that they are looked up once.
#[derive(Debug)]
pub(crate) struct RecordNames {
    schema: Schema,
    pub(crate) known: ColumnNames,
    /// Records without names.
    pub(crate) unnamed: Arc<Named>,
    /// Lines of CSV without names, with decimal points and with decimal commas.
    pub(crate) lines: [Arc<Named>; 2],
    /// The names of the last records.
    met: Mutex<VecDeque<Arc<Named>>>,
    /// The bytes that the model's own names take.
    own_bytes: usize,
    /// The recipe, if all columns are of words: any line is a record of them.
    words: Option<Recipe>,
}

/// Returns about how many bytes a reader of records with these names takes.
fn bytes_of<'n>(names: impl Iterator<Item = &'n str>) -> usize {
    names.map(|name| NAME_BYTES + NAME_TIMES * name.len()).sum()
}

impl RecordNames {
    /// Prepares records in the columns of a recipe. `line` is the line of names that CSV without one would have.
    pub(crate) fn new(recipe: &Recipe, line: Option<Vec<String>>) -> Result<Self, HeaderError> {
        let schema = recipe.schema();
        let own: Vec<String> = schema.names().map(str::to_owned).collect();
        let line = line.unwrap_or_else(|| own.clone());
        let find =
            |names: &[String], style| Named::find(schema, names.to_vec(), style).map(Arc::new);
        Ok(Self {
            known: ColumnNames::of(schema),
            unnamed: find(&own, Style::DECIMAL_POINTS)?,
            lines: [find(&line, Style::DECIMAL_POINTS)?, find(&line, Style::DECIMAL_COMMAS)?],
            met: Mutex::default(),
            own_bytes: bytes_of(schema.names()),
            words: schema
                .columns()
                .iter()
                .all(|column| column.kind == ColumnKind::Category)
                .then(|| recipe.clone()),
            schema: schema.clone(),
        })
    }

    /// Returns the number of columns.
    pub(crate) fn width(&self) -> usize {
        self.schema.columns().len()
    }

    /// Returns whether these readings of a record may be names of columns by what is known of their values: all
    /// are words, and no training row has any of them in its column.
    pub(crate) fn may_be_names(&self, readings: &[f64]) -> bool {
        let Some(recipe) = &self.words else { return false };
        let mut counts = recipe.no_counts();
        recipe.apply(&mut readings.to_vec(), &mut Vec::new(), &mut counts);
        counts.unseen.iter().all(|unseen| *unseen > 0)
    }

    /// Returns the number of records that are read at once.
    pub(crate) fn most_records(&self) -> usize {
        MAX_READINGS / self.width().max(1)
    }

    /// Returns the reader of records with these names, and adds what is new about them to the remarks.
    pub(crate) fn named<'n>(
        &self,
        names: impl ExactSizeIterator<Item = &'n str> + Clone,
        style: Style,
        remarks: &mut Vec<String>,
    ) -> Result<(Arc<Named>, IsNew), HeaderError> {
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(named) = met.iter().find(|named| named.is(names.clone(), style)) {
            return Ok((Arc::clone(named), IsNew(false)));
        }
        drop(met);
        let names = names.map(str::to_owned).collect();
        let named = Arc::new(Named::find(&self.schema, names, style)?);
        if remarks.len() < MAX_REMARKS {
            remarks.extend(named.remarks());
        }
        met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        met.push_front(Arc::clone(&named));
        self.forget_the_last(&mut met);
        Ok((named, IsNew(true)))
    }

    /// Forgets what was met before the others, so that what anybody makes up takes little memory.
    fn forget_the_last(&self, met: &mut VecDeque<Arc<Named>>) {
        // A reader has the model's columns besides its names.
        let bytes =
            |named: &Arc<Named>| self.own_bytes + bytes_of(named.names.iter().map(String::as_str));
        let most = MET_BYTES.max(OWN_TIMES * self.own_bytes);
        let mut taken = 0;
        let fits = |named: &Arc<Named>| {
            taken += bytes(named);
            taken <= most
        };
        let kept = met.iter().take(MAX_MET).map(fits).take_while(|fits| *fits).count();
        met.truncate(kept);
    }
}

/// Whether names were not met before.
pub(crate) struct IsNew(pub(crate) bool);

/// How records are written, apart from their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// With all columns, and numbers in this format.
    Line(NumberFormat),
    /// With decimal points, and columns may be left out.
    Object,
}

impl Style {
    /// With decimal points.
    pub(crate) const DECIMAL_POINTS: Self = Self::Line(NumberFormat::new(b'.', None));
    /// With decimal commas, and points between groups of digits.
    pub(crate) const DECIMAL_COMMAS: Self = Self::Line(NumberFormat::new(b',', Some('.')));
}

/// A reader of records that have these names.
pub(crate) struct Named {
    pub(crate) names: Vec<String>,
    /// The number of names that records have; the columns behind them are missing in each record.
    pub(crate) given: usize,
    pub(crate) style: Style,
    pub(crate) records: RecordReader<'static>,
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Named {
    fn find(schema: &Schema, mut names: Vec<String>, style: Style) -> Result<Self, HeaderError> {
        let given = names.len();
        let find = |names: &[String]| match style {
            Style::Line(numbers) => RecordReader::with_numbers(schema, names, numbers),
            Style::Object => RecordReader::new(schema, names),
        };
        let records = match find(&names) {
            Err(error) if style == Style::Object => {
                // A name that is nearly the missing one is a slip and no other column.
                match (error.slip(), error) {
                    (Some(slip), _) => return Err(slip),
                    (None, HeaderError::Missing { missing, all: false, .. }) => {
                        names.extend(missing);
                        find(&names)
                    }
                    (None, error) => return Err(error),
                }
            }
            records => records,
        };
        let records = records?.into_owned();
        Ok(Self { names, given, style, records })
    }

    pub(crate) fn is<'n>(
        &self,
        names: impl ExactSizeIterator<Item = &'n str>,
        style: Style,
    ) -> bool {
        self.style == style
            && self.given == names.len()
            && self.names.iter().zip(names).all(|(own, other)| own == other)
    }

    /// Returns what should be said of the names.
    fn remarks(&self) -> Vec<String> {
        let is_ignored =
            |(field, name): (usize, &String)| (!self.records.is_used(field)).then(|| name.clone());
        let given = self.names[..self.given].iter().enumerate();
        let ignored: Vec<String> = given.filter_map(is_ignored).collect();
        let mut remarks = Vec::new();
        if !ignored.is_empty() {
            remarks.push(format!(
                "not used, because the model has no such column: {}",
                shown_names(&ignored)
            ));
        }
        if self.given < self.names.len() {
            let missing = shown_names(&self.names[self.given..]);
            remarks.push(format!("records have no {missing}: these readings count as missing"));
        }
        for (column, unit) in self.records.assumed_units() {
            remarks.push(format!(
                "column `{column}` is in {unit}; the model knows no unit of it, and takes its numbers as they are"
            ));
        }
        remarks
    }
}

#[cfg(test)]
mod tests {
    use dataset::{CategoryRules, CleaningRules, Column, Label, TableReader};

    use super::*;

    fn names_of(columns: usize) -> RecordNames {
        let column = |index| Column { name: format!("Sensor {index}"), ..Column::default() };
        let label = Label {
            column: "Failed".into(),
            positive: vec!["yes".into()],
            negative: vec!["no".into()],
            ..Label::default()
        };
        let schema = Schema::new((0..columns).map(column).collect(), label).unwrap();
        let line = |cell: &dyn Fn(usize) -> String, label: &str| {
            let cells: Vec<String> = (0..columns).map(cell).collect();
            format!("{},{label}\n", cells.join(","))
        };
        let names = line(&|index| format!("Sensor {index}"), "Failed");
        let row = line(&|index| index.to_string(), "yes");
        let mut table = TableReader::new(&schema, CleaningRules::default());
        table.read("a.csv", format!("{names}{row}").as_bytes()).unwrap();
        let (table, _) = table.finish().unwrap();
        let recipe = Recipe::fit(&schema, &[], &table, &[0], CategoryRules::default()).unwrap();
        RecordNames::new(&recipe, None).unwrap()
    }

    /// Looks up objects with the model's names and these, and returns the numbers of names that are remembered.
    fn met(reader: &RecordNames, sets: &[Vec<String>]) -> Vec<usize> {
        for others in sets {
            let own = reader.schema.names().chain(others.iter().map(String::as_str));
            let all: Vec<&str> = own.collect();
            reader.named(all.into_iter(), Style::Object, &mut Vec::new()).unwrap();
        }
        reader.met.lock().unwrap().iter().map(|named| named.given).collect()
    }

    #[test]
    fn names_that_anybody_makes_up_take_little_memory() {
        let few = |index: usize| vec![format!("extra {index}")];
        let many = |index: usize| (0..1_000).map(|name| format!("{name} of {index}")).collect();
        let long = |index: usize| vec!["x".repeat(100_000 + index)];
        let reader = names_of(3);
        assert_eq!(met(&reader, &(0..20).map(few).collect::<Vec<_>>()), [4; MAX_MET]);
        // They do not take the room of others either, once those are asked for again.
        assert_eq!(met(&reader, &[many(0), long(0), few(19)]), [4]);
        assert_eq!(met(&reader, &(0..4).map(many).collect::<Vec<_>>()), [0; 0]);
        // A model of many columns remembers its own names.
        let wide = names_of(2_000);
        assert_eq!(met(&wide, &[few(0), few(1), few(2)]), [2_001; 3]);
    }
}

//! What the columns of a table may be that nobody has seen before: numbers, yes/no, categories,
//! dates, identifiers; which of them is the label; which give the label away; and which quality a
//! model of them can be asked for.
//!
//! Knows columns of unknown tables, by their names, their cells and a sample of their rows.
//! Must never know YAML, the command line or the network.
//!
//! Rows are read once, in parallel and in bounded memory: every cell is counted (`counts`), and
//! some rows, chosen by a hash of their place, are kept as a sample (`reading`). What cannot be
//! counted while rows stream by is measured on the sample: whether a column gives the label away
//! (`leakage`), and what a forest reaches (`gates`). The same files give the same profile on any
//! number of threads.
//!
//! ```
//! use std::io::Cursor;
//!
//! use profile::{Kind, Profiler, Wishes};
//!
//! let rows = (0..200).map(|row| {
//!     let torque = row * 37 % 100;
//!     let fails = torque * (1 + row % 7) > 250;
//!     format!("{row},{torque},{},{}\n", row % 7, if fails { "yes" } else { "no" })
//! });
//! let file = format!("UDI,Torque [Nm],Wear,Failure\n{}", rows.collect::<String>());
//! let mut profiler = Profiler::new();
//! profiler.read_file("plant.csv", Cursor::new(file))?;
//! let profile = profiler.finish(&Wishes::default())?;
//!
//! assert_eq!(profile.label.column, "Failure");
//! assert_eq!(profile.label.positive, ["yes"]);
//! let used: Vec<&str> = profile.used().map(|column| column.name.as_str()).collect();
//! assert_eq!(used, ["Torque", "Wear"]);
//! assert_eq!(profile.columns[0].kind, Kind::Identifier);
//! # Ok::<(), profile::ProfileError>(())
//! ```

mod column;
mod counts;
mod dates;
mod error;
mod features;
mod gates;
mod label;
mod leakage;
mod reading;
mod sentinel;
mod words;

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use dataset::{ColumnHeaders, RawCell, RawReader};
use serde::Serialize;

pub use column::{Kind, Value};
pub use error::{LabelCandidate, ProfileError};
pub use gates::{Gate, Gates};
pub use label::{LabelProfile, Wishes};

use column::Analysis;
use features::Encoded;
use reading::{FoundTables, Sample};

/// The maximum number of features of the forest that proposes gates, counted in cells of its table.
const MAX_FOREST_CELLS: usize = 4_000_000;
/// The share of equal rows above which they are doubted.
const MANY_DUPLICATES: f64 = 0.5;

/// The share of test rows, and the seed of the split, in the settings that are written.
const TEST_SIZE: f64 = 0.2;
const SPLIT_SEED: u64 = 42;

/// A table's profile.
#[derive(Clone, Debug, Serialize)]
pub struct TableProfile {
    /// The files, with what was found of each that is not the usual.
    pub files: Vec<FileProfile>,
    /// The files that are no tables, with the reason.
    pub left_out: Vec<String>,
    /// The rows, without those of totals, repeated headers, and those with too few or too many fields.
    pub rows: u64,
    /// Rows with too few or too many fields.
    pub ragged_rows: u64,
    /// Rows of totals.
    pub totals_rows: u64,
    /// Rows that are the header again, where files were joined one after another.
    pub header_rows: u64,
    /// Rows without any value, such as the separators below a table.
    pub blank_rows: u64,
    /// The columns, in the order of the files.
    pub columns: Vec<ColumnProfile>,
    /// The label.
    pub label: LabelProfile,
    /// What must be declared of the files' format, since a run would not find it.
    pub format: FormatProfile,
    /// The first column of times by which the rows can be split.
    pub time_column: Option<String>,
    /// Words that stand for a missing value in several columns.
    pub missing_markers: Vec<String>,
    /// Whether a column that is used has missing cells.
    pub has_missing_cells: bool,
    /// Whether rows that are equal to another one are kept, since a class has too few others.
    pub keeps_duplicates: bool,
    /// Whether a cell or row that a run would refuse was found.
    pub has_bad_cells: bool,
    /// The greatest number of features of a category: its values that are not rare, and one for those
    /// that are.
    pub widest_category: usize,
    /// The proposed gates, or `None` if there are too few rows.
    pub gates: Option<Gates>,
    /// What a person should look at.
    pub warnings: Vec<String>,
}

/// A file.
#[derive(Clone, Debug, Serialize)]
pub struct FileProfile {
    /// The name.
    pub file: String,
    /// What was found, if it is not the usual.
    pub notes: Vec<String>,
}

/// What must be declared of the files' format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FormatProfile {
    /// Whether the files have no header line.
    pub has_no_header: bool,
    /// The decimal mark, if numbers have two meanings.
    pub decimal: Option<char>,
    /// The sheet of workbooks with several.
    pub sheet: Option<String>,
}

/// A column.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnProfile {
    /// The header.
    pub header: String,
    /// The name that it gets in the settings.
    pub name: String,
    /// The headers that the name alone does not find.
    pub spellings: Vec<String>,
    /// The known unit.
    pub unit: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// What made it so.
    pub why: String,
    /// The share of cells without a value.
    pub missing_share: f64,
    /// Words and numbers that stand for a missing value in this column alone.
    pub missing_markers: Vec<String>,
    /// Why the model does not use it, if it does not.
    pub left_out: Option<String>,
    /// Whether its values are words.
    pub is_words: bool,
    /// Whether it is the label.
    pub is_label: bool,
}

impl ColumnProfile {
    /// Returns whether this is no column but what separators at the end of lines leave: it has neither a
    /// name nor a value.
    pub fn is_nothing(&self) -> bool {
        self.header.is_empty() && self.kind == Kind::Empty
    }
}

impl TableProfile {
    /// Iterates over the columns that have a name or a value.
    pub fn shown(&self) -> impl Iterator<Item = &ColumnProfile> {
        self.columns.iter().filter(|column| !column.is_nothing())
    }

    /// Iterates over the columns that the model uses.
    pub fn used(&self) -> impl Iterator<Item = &ColumnProfile> {
        self.columns.iter().filter(|column| column.left_out.is_none() && !column.is_label)
    }
}

/// Profiles tables that belong together.
pub struct Profiler {
    reader: RawReader<FoundTables>,
}

impl Default for Profiler {
    fn default() -> Self {
        Self::new()
    }
}

impl Profiler {
    /// Creates a profiler that has read nothing.
    pub fn new() -> Self {
        Self { reader: RawReader::new(FoundTables::new()) }
    }

    /// Reads a file, or every file of a ZIP archive.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read. A file that is no table is left out if another
    /// one is a table.
    pub fn read_file(&mut self, file: &str, input: impl Read + Seek) -> Result<(), ProfileError> {
        Ok(self.reader.read_file(file, input)?)
    }

    /// Returns the profile of all files.
    ///
    /// # Errors
    /// Returns an error if no file is a table or has rows, if the label or its failures are not
    /// plain, or if no column is left.
    pub fn finish(self, wishes: &Wishes) -> Result<TableProfile, ProfileError> {
        let (mut tables, left_out) = self.reader.finish()?;
        if tables.counts.rows == 0 {
            let files = tables.files.iter().map(|file| file.header.file.as_str());
            let files = files.collect::<Vec<_>>().join(", ");
            return Err(ProfileError::NoRows { files });
        }
        require_alike(&tables)?;
        let sample = tables.sample();
        let label = label::find(&tables, wishes)?;
        let classes: Vec<Option<u8>> =
            sample.column(&tables, label.index).map(|(_, cell)| label.class(cell)).collect();
        let survey = Survey { tables: &tables, sample: &sample, label: &label, classes };
        survey.profile(left_out)
    }
}

/// Refuses files of which some have a header and others do not.
fn require_alike(tables: &FoundTables) -> Result<(), ProfileError> {
    let find = |named: bool| tables.files.iter().find(|file| file.header.has_names == named);
    if let (Some(named), Some(nameless)) = (find(true), find(false)) {
        return Err(ProfileError::Mixed {
            named: named.header.file.clone(),
            nameless: nameless.header.file.clone(),
        });
    }
    Ok(())
}

/// The tables whose label is known.
struct Survey<'a> {
    tables: &'a FoundTables,
    sample: &'a Sample,
    label: &'a LabelProfile,
    /// The class of each row of the sample.
    classes: Vec<Option<u8>>,
}

impl Survey<'_> {
    fn profile(&self, left_out: Vec<String>) -> Result<TableProfile, ProfileError> {
        let tables = self.tables;
        let mut warnings = Vec::new();
        let mut analyses: Vec<Analysis> = (0..tables.columns.len())
            .map(|index| {
                let mut analysis = column::analyse(tables, self.sample, index);
                self.leave_out_by_name(index, &mut analysis);
                analysis
            })
            .collect();
        let encoded = self.leave_out_leaks(&mut analyses, &mut warnings)?;
        let columns = self.columns(&analyses);
        let used =
            || columns.iter().zip(&analyses).filter(|(c, _)| c.left_out.is_none() && !c.is_label);
        let has_missing_cells = used().any(|(_, analysis)| analysis.missing > 0);
        let has_bad_cells =
            tables.counts.ragged > 0 || used().any(|(_, analysis)| analysis.has_bad_cells);
        for (column, _) in used().filter(|(_, analysis)| analysis.has_bad_cells) {
            warnings.push(format!(
                "column `{}`: some cells are neither numbers nor a known mark of a missing value; \
                 they count as missing",
                column.header
            ));
        }
        let duplicates = self.sample.duplicates();
        let keeps_duplicates = self.needs_duplicates(&duplicates)?;
        warnings.extend(self.row_warnings(&duplicates, keeps_duplicates));
        let is_kept = |place: usize| keeps_duplicates || !duplicates[place];
        let gates = self.gates(&encoded, is_kept);
        if let Some(gates) = gates.as_ref().filter(|gates| gates.is_chance) {
            warnings.push(format!(
                "a forest on {} of the rows, {} of them failures, may be no better than chance (area \
                 under the ROC curve {:.2}): these columns do not tell this label, or the failures are \
                 too few to say",
                gates.rows, gates.failures, gates.roc_auc
            ));
        }
        let mut dates = columns.iter().enumerate().filter(|(_, found)| found.kind == Kind::Date);
        let time_column = dates.find(|(index, _)| self.can_split_by(*index));
        let time_column = time_column.map(|(_, found)| found.header.clone());
        if let Some(column) = &time_column {
            warnings.push(format!(
                "the rows have times in `{column}`; a random split of readings that follow one \
                 another flatters: `split: {{time: {column}}}` tests on what came after the training"
            ));
        }
        let (missing_markers, columns) = self.shared_markers(columns);
        let file = |file: &reading::FoundFile| FileProfile {
            file: file.header.file.clone(),
            notes: file.header.notes.clone(),
        };
        let doubtful = tables.files.iter().find(|file| file.header.two_meanings.is_some());
        Ok(TableProfile {
            files: tables.files.iter().map(file).collect(),
            left_out,
            rows: tables.counts.rows,
            ragged_rows: tables.counts.ragged,
            totals_rows: tables.counts.totals,
            header_rows: tables.counts.headers,
            blank_rows: tables.counts.blank,
            columns,
            label: self.label.clone(),
            format: FormatProfile {
                has_no_header: tables.files.iter().any(|file| !file.header.has_names),
                decimal: doubtful.map(|file| char::from(file.header.decimal)),
                sheet: tables.files.iter().find_map(|file| file.header.sheet.clone()),
            },
            missing_markers,
            has_missing_cells,
            keeps_duplicates,
            has_bad_cells,
            time_column,
            widest_category: encoded.iter().map(Encoded::width).max().unwrap_or_default(),
            gates,
            warnings,
        })
    }

    /// Returns whether every cell of a column in the sample is a time by which rows can be split. A time
    /// of day is none.
    fn can_split_by(&self, index: usize) -> bool {
        column::sampled(self.tables, self.sample, index).all(|(cell, text)| {
            cell == RawCell::Missing || dataset::is_time(&String::from_utf8_lossy(text))
        })
    }

    /// Leaves out a column that settings cannot name.
    fn leave_out_by_name(&self, index: usize, analysis: &mut Analysis) {
        let column = &self.tables.columns[index];
        let reason = if column.name.is_empty() {
            "it has no name"
        } else if column.is_twice {
            "two columns have this name"
        } else if !self.tables.is_in_all_files(index) {
            "not every file has it"
        } else {
            return;
        };
        analysis.left_out = Some(reason.to_owned());
    }

    /// Leaves out columns that give the label away, with a warning, and returns the others as
    /// numbers.
    fn leave_out_leaks(
        &self,
        analyses: &mut [Analysis],
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Encoded>, ProfileError> {
        let used = |(index, analysis): &(usize, &mut Analysis)| {
            analysis.left_out.is_none() && *index != self.label.index
        };
        let mut columns: Vec<(usize, Encoded, Option<String>)> = Vec::new();
        for (index, analysis) in analyses.iter_mut().enumerate().filter(used) {
            let encoded = Encoded::of(self.tables, self.sample, index, analysis);
            let speaks = words::label_evidence(&self.tables.columns[index].name)
                != words::NameEvidence::None;
            let limit = if speaks { leakage::GIVES_AWAY_BY_NAME } else { leakage::GIVES_AWAY };
            let accuracy = leakage::balanced_accuracy(&encoded, &self.classes);
            let reason = accuracy.filter(|accuracy| *accuracy > limit).map(|accuracy| {
                format!("it alone tells the label (balanced accuracy {accuracy:.3})")
            });
            columns.push((index, encoded, reason));
        }
        if columns.is_empty() {
            let reasons = self.tables.columns.iter().zip(&*analyses).map(|(column, analysis)| {
                let reason = analysis.left_out.as_deref().unwrap_or("it is the label");
                format!("`{}`: {reason}", column.headers[0])
            });
            return Err(ProfileError::NoColumns { reasons: reasons.collect() });
        }
        self.find_flags(&mut columns, warnings);
        let leaks_all = columns.iter().all(|(.., reason)| reason.is_some());
        // Columns with the same reason share a warning.
        let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
        for (index, _, reason) in &columns {
            let Some(reason) = reason else { continue };
            let name = format!("`{}`", self.tables.columns[*index].headers[0]);
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, names)) => names.push(name),
                None => reasons.push((reason, vec![name])),
            }
            if !leaks_all {
                analyses[*index].left_out = Some(reason.clone());
            }
        }
        for (reason, names) in reasons {
            let (names, verb) = match &names[..] {
                [name] => (format!("column {name}"), "is"),
                names => (format!("columns {}", names.join(", ")), "are"),
            };
            warnings.push(if leaks_all {
                format!(
                    "{names} {verb} used although {reason}, since no other column is left: known \
                     before the failure?"
                )
            } else {
                format!("{names} {verb} left out: {reason}; a consequence of the failure?")
            });
        }
        let kept = columns.into_iter().filter(|(.., reason)| leaks_all || reason.is_none());
        Ok(kept.map(|(_, encoded, _)| encoded).collect())
    }

    /// Finds columns of yes and no, or of numbers that are mostly 0, that are set only where something failed. Together they may give the
    /// label away; one alone is worth a warning.
    fn find_flags(
        &self,
        columns: &mut [(usize, Encoded, Option<String>)],
        warnings: &mut Vec<String>,
    ) {
        let mut flags: Vec<(usize, Vec<bool>)> = Vec::new();
        for (place, (_, encoded, reason)) in columns.iter().enumerate() {
            let has = leakage::only_in_failures(encoded, &self.classes);
            flags.extend(has.filter(|_| reason.is_none()).map(|has| (place, has)));
        }
        let any: Vec<f64> = (0..self.classes.len())
            .map(|row| f64::from(u8::from(flags.iter().any(|(_, has)| has[row]))))
            .collect();
        let together = leakage::balanced_accuracy(&Encoded::Numbers(any), &self.classes);
        let gives_away =
            flags.len() > 1 && together.is_some_and(|share| share > leakage::GIVES_AWAY_TOGETHER);
        for (place, _) in &flags {
            let (index, encoded, reason) = &mut columns[*place];
            if gives_away {
                *reason = Some(format!(
                    "set only in rows of failures, {} such columns together tell the label \
                     (balanced accuracy {:.3})",
                    flags.len(),
                    together.unwrap_or_default()
                ));
            } else {
                warnings.push(format!(
                    "column `{}` {} only in rows of failures; is it a consequence of the failure?",
                    self.tables.columns[*index].headers[0],
                    if encoded.is_yes_no() { "has one of its values" } else { "is other than 0" }
                ));
            }
        }
    }

    fn columns(&self, analyses: &[Analysis]) -> Vec<ColumnProfile> {
        let headers = self.tables.columns.iter();
        let headers = headers.map(|c| ColumnHeaders { name: &c.name, headers: &c.headers });
        let names = dataset::settings_names(&headers.collect::<Vec<_>>());
        let columns = self.tables.columns.iter().zip(names).zip(analyses).enumerate();
        columns
            .map(|(index, ((column, name), analysis))| {
                let is_label = index == self.label.index;
                ColumnProfile {
                    header: column.headers.first().cloned().unwrap_or_default(),
                    name: name.name,
                    spellings: name.spellings,
                    unit: column.unit.clone(),
                    kind: analysis.kind,
                    why: analysis.why.clone(),
                    missing_share: analysis.missing as f64 / analysis.cells.max(1) as f64,
                    missing_markers: analysis.markers.clone(),
                    left_out: analysis.left_out.clone().filter(|_| !is_label),
                    is_words: analysis.is_words,
                    is_label,
                }
            })
            .collect()
    }

    /// Takes words that stand for a missing value in several columns out of them, unless the label
    /// has such a class.
    fn shared_markers(&self, mut columns: Vec<ColumnProfile>) -> (Vec<String>, Vec<ColumnProfile>) {
        let is_used = |column: &&ColumnProfile| column.left_out.is_none() && !column.is_label;
        let mut counts: BTreeMap<String, (String, usize)> = BTreeMap::new();
        // A label's markers are those of all columns.
        for marker in &self.label.missing_markers {
            counts.insert(column::folded(marker), (marker.clone(), 2));
        }
        for marker in columns.iter().filter(is_used).flat_map(|column| &column.missing_markers) {
            let is_number = marker.parse::<f64>().is_ok();
            if !is_number && self.label.class(marker.as_bytes()).is_none() {
                counts.entry(column::folded(marker)).or_insert_with(|| (marker.clone(), 0)).1 += 1;
            }
        }
        counts.retain(|_, (_, count)| *count > 1);
        for column in &mut columns {
            column.missing_markers.retain(|marker| !counts.contains_key(&column::folded(marker)));
        }
        (counts.into_values().map(|(marker, _)| marker).collect(), columns)
    }

    fn row_warnings(&self, duplicates: &[bool], keeps_duplicates: bool) -> Vec<String> {
        let mut warnings = Vec::new();
        let counts = &self.tables.counts;
        if let Some((line, fields)) = counts.first_ragged {
            warnings.push(format!(
                "{} rows have another number of fields than the header and are dropped; the first \
                 has {fields}, on line {line}",
                counts.ragged
            ));
        }
        let share = self.label.failure_share();
        if share > 0.5 {
            let percent = 100.0 * share;
            warnings.push(format!(
                "{percent:.1} % of the rows are failures: is it the other way around? --positive says \
                 which values are failures"
            ));
        }
        if self.label.unlabelled > 0 {
            let unlabelled = self.label.unlabelled;
            warnings.push(format!("{unlabelled} rows have no label and are dropped"));
        }
        for (index, column) in self.tables.columns.iter().enumerate() {
            if let Some((with, unit, without)) = self.tables.unit_of_some_files(index) {
                let column = &column.name;
                warnings.push(format!(
                    "column `{column}` is in {unit} in {with} and has no unit in {without}: is it the \
                     same there?"
                ));
            }
        }
        let doubtful =
            self.tables.files.iter().filter_map(|file| file.header.two_meanings.as_ref());
        warnings.extend(doubtful.map(|text| format!("{text}; the first is assumed")));
        let count = duplicates.iter().filter(|is| **is).count();
        let share = count as f64 / self.sample.len().max(1) as f64;
        if share > MANY_DUPLICATES || keeps_duplicates {
            let what = if keeps_duplicates {
                "are kept, since a class has too few others"
            } else {
                "are dropped; `duplicates: keep` keeps them"
            };
            let percent = 100.0 * share;
            warnings
                .push(format!("{percent:.0} % of the rows are equal to another one and {what}"));
        }
        warnings
    }

    /// Returns whether duplicates must be kept, since without them a class has too few rows for
    /// training and test.
    ///
    /// # Errors
    /// Returns an error if it has too few with them.
    fn needs_duplicates(&self, duplicates: &[bool]) -> Result<bool, ProfileError> {
        let is_whole = self.sample.len() as u64 == self.tables.counts.rows;
        let split = |all: bool| {
            let rows = self.classes.iter().zip(duplicates).filter(|(_, is)| all || !**is);
            let labels: Vec<u8> = rows.filter_map(|(class, _)| *class).collect();
            dataset::split(&labels, TEST_SIZE, true, SPLIT_SEED)
        };
        if split(false).is_ok() {
            return Ok(false);
        }
        match split(true) {
            Err(source) if is_whole => Err(ProfileError::TooFewRows { source }),
            _ => Ok(true),
        }
    }

    /// Proposes gates from those rows of the sample that have a label and are kept.
    fn gates(&self, columns: &[Encoded], is_kept: impl Fn(usize) -> bool) -> Option<Gates> {
        let places: Vec<usize> = self.sample.in_random_order();
        let has_class = |place: &&usize| self.classes[**place].is_some() && is_kept(**place);
        let places: Vec<usize> = places.iter().filter(has_class).copied().collect();
        let class = |place: &usize| self.classes[*place].unwrap_or_default();
        let few = &places[..places.len().min(gates::ROWS)];
        let failures = few.iter().filter(|place| class(place) == 1).count();
        let rarer = failures.min(few.len() - failures);
        let mut places = if rarer < gates::LEAST_FAILURES { places.clone() } else { few.to_vec() };
        places.truncate((MAX_FOREST_CELLS / columns.len().max(1)).max(gates::ROWS / 10));
        places.sort_unstable();
        let classes: Vec<u8> = places.iter().map(class).collect();
        if !(classes.contains(&0) && classes.contains(&1)) {
            return None;
        }
        let kept = places.len() as f64 / self.sample.len().max(1) as f64;
        let is_whole = self.sample.len() as u64 == self.tables.counts.rows;
        let rows = if is_whole && rarer < gates::LEAST_FAILURES {
            (kept * self.tables.counts.rows as f64) as u64
        } else {
            self.label.failures + self.label.sound
        };
        gates::propose(columns, &places, &classes, rows)
    }
}

#[cfg(test)]
mod tests;

//! Reads files of raw sensor readings into one clean table.

use std::borrow::Cow;
use std::io::{Cursor, Read, Seek};
use std::mem;

use crate::all_columns::AllColumns;
use crate::archive::{self, Entry};
use crate::blocks::{self, BlockReader};
use crate::categories::Values;
use crate::cell::NumberFormat;
use crate::cleaning::{CleaningCounts, CleaningRules, Duplicates};
use crate::container::{self, Container};
use crate::csv_records::CsvRecords;
use crate::duplicates::RowDigests;
use crate::header::Header;
use crate::in_order::in_order;
use crate::layout::{Layout, LayoutFinder, MAX_HEADER_LINES, Origin, TextFormat};
use crate::left_out::LeftOut;
use crate::parquet_file::{Field, ParquetFile};
use crate::parquet_rows::BatchReader;
use crate::record::{FieldRole, RecordReader};
use crate::rows::{BlockRows, Magnitude, RowReader};
use crate::schema::{ColumnKind, Label, Schema, SchemaError};
use crate::sensor_table::SensorTable;
use crate::source::Text;
use crate::split_key::{SplitColumn, SplitKey, TwoOrders};
use crate::table_error::TableError;
use crate::units;
use crate::workbook::{Row, Workbook};

/// Reads one file after another into one [`SensorTable`].
pub struct TableReader<'a> {
    schema: Cow<'a, Schema>,
    /// The rule for the columns, if the schema does not name them.
    all_columns: Option<AllColumns>,
    rules: CleaningRules,
    format: TextFormat,
    split_column: Option<SplitColumn>,
    table: SensorTable,
    counts: CleaningCounts,
    /// The number of missing cells in each column.
    missing: Vec<usize>,
    files: Vec<ReadFile>,
    left_out: LeftOut,
    digests: RowDigests,
    block_size: usize,
}

/// A file that was read.
struct ReadFile {
    name: String,
    /// The unit of each column in the header.
    units: Vec<Option<String>>,
    /// The magnitude of each column.
    magnitudes: Vec<Magnitude>,
}

/// The factor between the means of two files above which their units are doubted.
const DOUBTFUL_FACTOR: f64 = 1_000.0;

impl<'a> TableReader<'a> {
    /// Creates a reader of tables with this schema.
    pub fn new(schema: &'a Schema, rules: CleaningRules) -> Self {
        Self::with_schema(Cow::Borrowed(schema), rules)
    }

    /// Creates a reader of tables whose sensor columns are all columns of the first file, as numbers,
    /// but for the label, the column of the split, those that `except` names, and those without a
    /// name. [`Self::schema`] has them once a file was read.
    ///
    /// # Errors
    /// Returns an error if a word of the label stands for both classes or a class has none.
    pub fn of_all_columns(
        label: Label,
        except: Vec<String>,
        rules: CleaningRules,
    ) -> Result<Self, SchemaError> {
        let schema = Cow::Owned(Schema::of_label(label)?);
        let reader = Self::with_schema(schema, rules);
        Ok(Self { all_columns: Some(AllColumns::except(except)), ..reader })
    }

    /// Creates a reader of tables with the columns of a schema, which it keeps.
    pub fn of_schema(schema: Schema, rules: CleaningRules) -> Self {
        Self::with_schema(Cow::Owned(schema), rules)
    }

    fn with_schema(schema: Cow<'a, Schema>, rules: CleaningRules) -> Self {
        let width = schema.columns().len();
        Self {
            schema,
            all_columns: None,
            rules,
            format: TextFormat::default(),
            split_column: None,
            table: SensorTable {
                width,
                cells: Vec::new(),
                labels: Vec::new(),
                values: vec![Values::default(); width],
                keys: Vec::new(),
            },
            counts: CleaningCounts::default(),
            missing: vec![0; width],
            files: Vec::new(),
            left_out: LeftOut::default(),
            digests: RowDigests::default(),
            block_size: blocks::BLOCK_BYTES,
        }
    }

    /// Returns the schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Takes the schema's columns from this header, if the settings do not name them and no file was
    /// read before. Returns whether it did: the header must then be searched for them.
    fn take_columns(&mut self, file: &str, header: &Header) -> Result<bool, TableError> {
        let Some(all) = self.all_columns.as_mut().filter(|all| !all.are_known()) else {
            return Ok(false);
        };
        let split = self.split_column.as_ref().map(SplitColumn::name);
        let (columns, note) = all.take(file, header, &self.schema, split)?;
        self.table.width = columns.len();
        self.table.values.resize(columns.len(), Values::default());
        self.missing.resize(columns.len(), 0);
        self.counts.notes.push(note);
        let schema = Schema::new(columns, self.schema.label().clone())
            .map_err(|source| TableError::AllColumns { file: file.to_owned(), source })?;
        self.schema = Cow::Owned(schema);
        Ok(true)
    }

    /// Sets what is known of the files' format.
    #[must_use]
    pub fn with_format(mut self, format: TextFormat) -> Self {
        self.format = format;
        self
    }

    /// Sets the column by which the rows will be split. Rows without a value in it are dropped like
    /// rows without a label.
    #[must_use]
    pub fn with_split_column(mut self, column: SplitColumn) -> Self {
        self.split_column = Some(column);
        self
    }

    /// Reads one file in any format: text as [`Self::read`] does, Parquet, an Excel workbook, or every
    /// file of a ZIP archive. The format is found by the first bytes. A file that is no table of this
    /// schema, because it is empty, in another format or has none of the columns, is left out if
    /// another one is read; [`Self::finish`] tells.
    ///
    /// # Errors
    /// Returns the other errors of [`Self::read`], and an error if an archive, a Parquet file or a
    /// workbook cannot be read, or if two sheets of a workbook have the table.
    pub fn read_file(&mut self, file: &str, mut input: impl Read + Seek) -> Result<(), TableError> {
        let container = Container::of(&mut input);
        let container = container.map_err(|source| TableError::unreadable(file, source))?;
        let read = match container {
            Container::Archive => archive::read(file, input, |name, entry| {
                let read = match entry {
                    Entry::Text(text) => self.read(name, text),
                    Entry::Container(container, bytes) => {
                        self.read_container(name, container, Cursor::new(bytes))
                    }
                };
                self.left_out.or(name, read)
            }),
            container => self.read_container(file, container, input),
        };
        self.left_out.or(file, read)
    }

    /// Reads a file that is no archive, or one in an archive.
    fn read_container(
        &mut self,
        file: &str,
        container: Container,
        input: impl Read + Seek,
    ) -> Result<(), TableError> {
        match container {
            Container::Text => self.read(file, input),
            Container::Parquet => self.read_parquet(file, input),
            Container::Workbook { is_binary } => {
                let mut workbook = Workbook::open(file, input, is_binary)?;
                self.read_workbook(file, &mut workbook)
            }
            Container::Archive => Err(container::refused(
                file,
                "a ZIP archive inside of another one, expected a table",
            )),
            Container::Refused(name) => Err(container::refused(file, name)),
        }
    }

    /// Reads a Parquet file.
    fn read_parquet(&mut self, file: &str, input: impl Read + Seek) -> Result<(), TableError> {
        let mut parquet = ParquetFile::open(file, input)?;
        let names: Vec<&str> = parquet.fields.iter().map(|field| field.name.as_str()).collect();
        let find = |schema: &Schema| {
            Header::find(schema, &names, &[], true)
                .map_err(|problem| TableError::Header { file: file.to_owned(), problem })
        };
        let mut header = find(&self.schema)?;
        if self.take_columns(file, &header)? {
            header = find(&self.schema)?;
        }
        let schema = self.schema.clone();
        let is_nested: Vec<bool> = parquet.fields.iter().map(Field::is_nested).collect();
        let nested_error = |field: usize| TableError::Nested {
            file: file.to_owned(),
            column: parquet.fields[field].name.clone(),
        };
        let mut used = header.columns.iter().map(|column| column.field).chain(header.label);
        if let Some(field) = used.find(|field| is_nested[*field]) {
            return Err(nested_error(field));
        }
        let records = RecordReader::from_header(&schema, header, NumberFormat::default());
        let rules = self.rules.clone();
        let split_column = self.split_column.clone();
        let key = match &split_column {
            Some(column) => {
                let key = SplitKey::without_sample(column, records.header(), self.format.day_first);
                let key =
                    key.map_err(|problem| TableError::Header { file: file.to_owned(), problem })?;
                if is_nested[key.field] {
                    return Err(nested_error(key.field));
                }
                Some((key, column.name()))
            }
            None => None,
        };
        let rows = RowReader::new(file, &rules, &records, b',', key)?;
        let nested: Vec<usize> = (0..is_nested.len()).filter(|field| is_nested[*field]).collect();
        if let (Duplicates::By(_), Some(field)) =
            (&rules.duplicates, rows.identity_texts().find(|field| is_nested[*field]))
        {
            return Err(nested_error(field));
        }
        if !nested.is_empty() {
            let names = nested.iter().map(|field| format!("`{}`", parquet.fields[*field].name));
            let names = names.collect::<Vec<_>>().join(", ");
            self.counts.notes.push(format!(
                "{file}: lists and structures are not read, nor compared to find duplicates: {names}"
            ));
        }
        let rows = rows.without_texts(|field| is_nested[field]);
        let mut is_read: Vec<bool> =
            records.roles().iter().map(|role| !matches!(role, FieldRole::Ignored)).collect();
        rows.identity_texts().for_each(|field| is_read[field] = true);
        // A row of totals says so in its first text.
        let texts = (0..is_nested.len()).find(|field| parquet.is_text(*field));
        texts.into_iter().for_each(|field| is_read[field] = true);
        parquet.read_fields(is_read);
        self.start_file(file, records.header())?;
        let batches = BatchReader::new(rows, &records);
        in_order(
            || parquet.next_batch(),
            |batch| batches.read(&batch),
            |rows| self.append(file, rows?),
        )
    }

    /// Reads the sheet of a workbook that the format declares, or else the only one that is not
    /// hidden and has the schema's columns.
    fn read_workbook<R: Read + Seek>(
        &mut self,
        file: &str,
        workbook: &mut Workbook<'_, R>,
    ) -> Result<(), TableError> {
        let sheets = workbook.sheets();
        let visible = sheets.iter().filter(|sheet| !sheet.is_hidden);
        let mut candidates: Vec<&str> = visible.map(|sheet| sheet.name.as_str()).collect();
        if let Some(wanted) = &self.format.sheet {
            let Some(sheet) = sheets.iter().find(|sheet| sheet.name.trim() == wanted.trim()) else {
                let found = sheets.iter().map(|sheet| sheet.name.clone()).collect();
                let (file, sheet) = (file.to_owned(), wanted.clone());
                return Err(TableError::NoSheet { file, sheet, found });
            };
            candidates = vec![&sheet.name];
        }
        let format = self.format.of_cells();
        let origin = Origin::Sheet { decimal: self.format.decimal };
        let mut found: Option<(&str, usize)> = None;
        let mut problem = TableError::Empty { file: file.to_owned() };
        for sheet in candidates {
            let head = workbook.head(sheet, MAX_HEADER_LINES)?;
            let Some(width) = width_of_table(&self.schema, true, &self.format, &head) else {
                // The same lines as text say what is missing.
                let mut text = Vec::new();
                for row in &head {
                    text.resize(text.len() + (row.line as usize - 1 - lines_of(&text)), b'\n');
                    row.push_line(row.width(), &mut text);
                }
                let read = self.read_text(&sheet_of(file, sheet), text.as_slice(), &format, origin);
                if let Err(error) = read
                    && problem.is_no_table()
                {
                    problem = error;
                }
                continue;
            };
            if let Some((first, _)) = found {
                return Err(TableError::TwoSheets {
                    file: file.to_owned(),
                    first: first.to_owned(),
                    second: sheet.to_owned(),
                });
            }
            found = Some((sheet, width));
        }
        let Some((sheet, width)) = found else { return Err(problem) };
        if sheets.len() > 1 {
            let others = sheets.iter().filter(|other| other.name != sheet);
            let others = others.map(|other| format!("`{}`", other.name)).collect::<Vec<_>>();
            let others = others.join(", ");
            self.counts
                .notes
                .push(format!("{file}: sheet `{sheet}` is read, others are not: {others}"));
        }
        let text = workbook.text(sheet, width)?;
        self.read_text(&sheet_of(file, sheet), text, &format, origin)
    }

    /// Reads one file, which errors name `file`. Blocks of rows are parsed in rayon's threads.
    ///
    /// The file may be compressed with gzip or zstd, in UTF-8, UTF-16 or Windows-1252, with any of
    /// the usual separators and decimal marks, and with lines before its header: what is not
    /// declared by [`Self::with_format`] is found by looking at its beginning. Files may have
    /// different other columns than the schema's.
    ///
    /// # Errors
    /// Returns an error if the file is not a table, lacks a column of the schema, has one in another
    /// unit than an earlier file and the schema does not say which, has numbers with two meanings,
    /// or a row cannot be parsed and the rules forbid that.
    pub fn read(&mut self, file: &str, input: impl Read) -> Result<(), TableError> {
        let format = self.format.clone();
        self.read_text(file, input, &format, Origin::File)
    }

    fn read_text(
        &mut self,
        file: &str,
        input: impl Read,
        format: &TextFormat,
        origin: Origin,
    ) -> Result<(), TableError> {
        let unreadable = |source| TableError::unreadable(file, source);
        let text = Text::open(input, format.encoding).map_err(unreadable)?;
        let finder =
            LayoutFinder { file, schema: &self.schema, with_label: true, declared: format, origin };
        let (mut text, mut layout) = finder.find_or_separate(text)?;
        if self.take_columns(file, &layout.header)? {
            let finder = LayoutFinder {
                file,
                schema: &self.schema,
                with_label: true,
                declared: format,
                origin,
            };
            layout = finder.find(&text)?;
        }
        let schema = self.schema.clone();
        let Layout { separator, skip, line, header, numbers, notes } = layout;
        text.notes.extend(notes);
        if !text.notes.is_empty() {
            self.counts.notes.push(format!("{file}: {}", text.notes.join("; ")));
        }
        self.start_file(file, &header)?;
        let split_column = self.split_column.clone();
        let records = || CsvRecords::new(file, &text.begin[skip..], line, separator);
        let key = match &split_column {
            Some(column) => {
                let key = SplitKey::find(column, &header, records(), format.day_first);
                let key = key
                    .map_err(|problem| TableError::Header { file: file.to_owned(), problem })?
                    .map_err(|TwoOrders { line, text }| {
                        let place = format!("{file}, line {line}, column `{}`", column.name());
                        TableError::TwoDates { place, text }
                    })?;
                Some((key, column.name()))
            }
            None => None,
        };
        let records = RecordReader::from_header(&schema, header, numbers);
        let rules = self.rules.clone();
        let rows = RowReader::new(file, &rules, &records, separator, key)?;
        text.begin.drain(..skip);
        let input = Cursor::new(text.begin).chain(text.rest);
        let mut blocks = BlockReader::new(file, input, self.block_size, separator).on_line(line);
        in_order(|| Ok(blocks.next()?), |block| rows.read(&block), |rows| self.append(file, rows?))
    }

    /// Notes a file and compares its units with those of the files before.
    fn start_file(&mut self, file: &str, header: &Header) -> Result<(), TableError> {
        if let Some(all) = &mut self.all_columns {
            let split = self.split_column.as_ref().map(SplitColumn::name);
            all.check(file, header, split)?;
        }
        let units = header.columns.iter().map(|column| column.unit.clone()).collect();
        for (index, column) in self.schema.columns().iter().enumerate() {
            let unit = &header.columns[index].unit;
            if let Some(declared) = &column.unit {
                let has_unit = |other: &&ReadFile| other.units[index].is_some();
                let pair = match unit {
                    Some(unit) => self
                        .files
                        .iter()
                        .find(|other| !has_unit(other))
                        .map(|other| (unit, file, other.name.as_str())),
                    None => self.files.iter().find(has_unit).and_then(|other| {
                        Some((other.units[index].as_ref()?, other.name.as_str(), file))
                    }),
                };
                if let Some((unit, with, without)) = pair {
                    self.counts.warnings.push(format!(
                        "column `{}` is in {unit} in {with} and has no unit in {without}, which is \
                         taken to be in {declared}, the unit of the settings",
                        column.name
                    ));
                }
                continue;
            }
            // The files before agree with one another.
            let with_unit = self.files.iter().find(|other| other.units[index].is_some());
            match (unit, with_unit.and_then(|other| Some((other, other.units[index].as_ref()?)))) {
                (Some(unit), Some((other, other_unit))) if !units::is_same(unit, other_unit) => {
                    return Err(TableError::DifferentUnits {
                        column: column.name.clone(),
                        file: file.to_owned(),
                        unit: unit.clone(),
                        other: other.name.clone(),
                        other_unit: other_unit.clone(),
                    });
                }
                (Some(unit), None) if !self.files.is_empty() => {
                    let before = &self.files[0].name;
                    self.counts.warnings.push(unit_assumed(&column.name, unit, file, before));
                }
                (None, Some((other, unit))) => {
                    self.counts.warnings.push(unit_assumed(&column.name, unit, &other.name, file));
                }
                _ => {}
            }
        }
        let magnitudes = vec![Magnitude::default(); self.table.width];
        self.files.push(ReadFile { name: file.to_owned(), units, magnitudes });
        Ok(())
    }

    /// Appends rows to the table, except duplicates.
    fn append(&mut self, file: &str, rows: BlockRows) -> Result<(), TableError> {
        let Self { table, digests, counts, .. } = self;
        for (column, (values, more)) in table.values.iter_mut().zip(&rows.values).enumerate() {
            values.merge(more).map_err(|problem| {
                let column = self.schema.columns()[column].name.clone();
                TableError::values(file.to_owned(), column, problem)
            })?;
        }
        // The start of the rows that are not in the table yet.
        let mut begin = 0;
        let mut take = |begin: usize, end: usize| {
            table.cells.extend_from_slice(&rows.readings[begin * table.width..end * table.width]);
            table.labels.extend_from_slice(&rows.labels[begin..end]);
            if !rows.keys.is_empty() {
                table.keys.extend_from_slice(&rows.keys[begin..end]);
            }
        };
        for (place, &digest) in rows.digests.iter().enumerate() {
            if !digests.insert(digest) {
                take(begin, place);
                begin = place + 1;
                counts.dropped_duplicates.count(Some(rows.labels[place]));
            }
        }
        take(begin, rows.labels.len());
        if let Some(file) = self.files.last_mut() {
            let magnitudes = file.magnitudes.iter_mut().zip(&rows.magnitudes);
            magnitudes.for_each(|(magnitude, more)| magnitude.merge(*more));
        }
        for (count, more) in self.missing.iter_mut().zip(&rows.missing) {
            *count += more;
        }
        self.counts.add_dropped(rows.counts);
        Ok(())
    }

    /// Warns of columns whose values in one file are far larger than in another.
    fn warn_of_magnitudes(&mut self) {
        let columns = self.schema.columns().iter().enumerate();
        for (index, column) in columns.filter(|(_, column)| column.kind == ColumnKind::Number) {
            let means = self.files.iter().filter_map(|file| {
                file.magnitudes[index].mean().map(|mean| (mean, file.name.as_str()))
            });
            let means: Vec<(f64, &str)> = means.collect();
            let by_mean = |a: &&(f64, &str), b: &&(f64, &str)| a.0.total_cmp(&b.0);
            let (Some(least), Some(most)) =
                (means.iter().min_by(by_mean), means.iter().max_by(by_mean))
            else {
                continue;
            };
            if most.0 > DOUBTFUL_FACTOR * least.0 {
                self.counts.warnings.push(format!(
                    "column `{}`: the mean of absolute values is {} in {} and {} in {}; are the \
                     units the same?",
                    column.name, least.0 as f32, least.1, most.0 as f32, most.1
                ));
            }
        }
    }

    /// Returns the table and the counts of the rows that were read and dropped.
    ///
    /// # Errors
    /// Returns an error if no file is a table, no rows were read or none are left.
    pub fn finish(mut self) -> Result<(SensorTable, CleaningCounts), TableError> {
        self.counts.left_out = mem::take(&mut self.left_out).finish(!self.files.is_empty())?;
        self.warn_of_magnitudes();
        for name in self.all_columns.iter().flat_map(AllColumns::unfound) {
            self.counts
                .warnings
                .push(format!("`preprocessing.except` names `{name}`, which no file has"));
        }
        self.counts.kept.rows = self.table.len();
        self.counts.kept.failures = self.table.labels.iter().filter(|&&label| label == 1).count();
        self.counts.warn_of_dropped_rows();
        let names = self.schema.names().map(str::to_owned);
        self.counts.missing_cells =
            names.zip(self.missing).filter(|(_, count)| *count > 0).collect();
        if self.counts.read.rows == 0 {
            let files = self.files.into_iter().map(|file| file.name).collect();
            return Err(TableError::NoRows { files });
        }
        if self.table.is_empty() {
            return Err(TableError::AllDropped(Box::new(self.counts)));
        }
        Ok((self.table, self.counts))
    }
}

/// Returns the number of columns of the table whose header is among the first rows of a sheet.
pub(crate) fn width_of_table(
    schema: &Schema,
    with_label: bool,
    format: &TextFormat,
    head: &[Row],
) -> Option<usize> {
    let width = head.iter().map(Row::width).max()?;
    if format.header_line == Some(0) {
        let names = (1..=width).map(|column| format!("column_{column}"));
        let names: Vec<String> = names.collect();
        return Header::find(schema, &names, &[], with_label).is_ok().then_some(width);
    }
    let is_declared = |row: &&Row| format.header_line.is_none_or(|declared| declared == row.line);
    let is_header =
        |row: &&Row| Header::find(schema, &row.fields(row.width()), &[], with_label).is_ok();
    head.iter().filter(is_declared).find(is_header).map(Row::width)
}

/// Returns the name of a sheet in messages.
fn sheet_of(file: &str, sheet: &str) -> String {
    format!("{file}, sheet `{sheet}`")
}

/// Returns the number of lines of a text that ends with one.
fn lines_of(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

/// Returns the warning of a column that has a unit in one file only.
fn unit_assumed(column: &str, unit: &str, with: &str, without: &str) -> String {
    format!(
        "column `{column}` is in {unit} in {with} and has no unit in {without}: the same is assumed"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::cleaning::{BadCells, MissingValues, RowCount};
    use crate::schema::{Column, Label};

    const HEADER: &str = "A,Note,B(Pa),Label\n";

    fn schema() -> Schema {
        let column = |name: &str| {
            let unit = Some("bar".to_owned());
            Column { name: name.to_owned(), unit, ..Column::default() }
        };
        let words = |word: &str| vec![word.to_owned()];
        let label = Label {
            column: "Label".to_owned(),
            positive: words("1"),
            negative: words("0"),
            missing_markers: Vec::new(),
        };
        Schema::new(vec![column("A"), column("B")], label).unwrap()
    }

    /// The bits of the kept rows, and either the counts or an error.
    type Outcome = (Vec<(Vec<u64>, u8)>, Result<CleaningCounts, String>);

    fn read(text: &str, rules: CleaningRules, block_size: usize) -> Outcome {
        let schema = schema();
        let format = TextFormat { decimal: Some(b'.'), ..TextFormat::default() };
        let reader = TableReader::new(&schema, rules).with_format(format);
        let mut reader = TableReader { block_size, ..reader };
        let read = reader.read("a.csv", text.as_bytes()).map_err(|error| error.to_string());
        let (table, mut counts) = (reader.table, reader.counts);
        counts.kept.rows = table.len();
        counts.kept.failures = table.labels().iter().filter(|&&label| label == 1).count();
        let names = schema.names().map(str::to_owned);
        counts.missing_cells = names.zip(reader.missing).collect();
        let rows = (0..table.len())
            .map(|row| (table.row(row).iter().map(|x| x.to_bits()).collect(), table.labels()[row]));
        let rows = if read.is_ok() { rows.collect() } else { Vec::new() };
        (rows, read.map(|()| counts))
    }

    /// Does the same with the csv crate and the standard library, one row after another. It does
    /// not notice an unclosed quote and knows no missing cell but an empty one.
    fn read_simply(text: &str, rules: CleaningRules) -> Outcome {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let mut counts = CleaningCounts::default();
        let mut rows: Vec<(Vec<u64>, u8)> = Vec::new();
        // What duplicates are found by: the readings, the note and the label.
        let mut seen: Vec<(Vec<u64>, String, u8)> = Vec::new();
        let mut missing = [0; 2];
        for record in reader.records() {
            let mut record = record.unwrap();
            // A line of blanks is no row.
            if record.len() == 1 && record[0].trim().is_empty() {
                continue;
            }
            if record.iter().all(|cell| cell.trim().is_empty()) {
                counts.blank_rows += 1;
                continue;
            }
            // A separator at the end of a row is no field.
            if record.len() == 5 && record[4].trim().is_empty() {
                record.truncate(4);
            }
            let label = record.get(3).filter(|_| record.len() == 4).unwrap_or_default();
            let class = match label.trim() {
                "0" => Some(0),
                "1" | "1." | "1.0" => Some(1),
                _ => None,
            };
            counts.read.count(class);
            let (a, b, class) = match parse_simply(&record) {
                Ok(row) => row,
                Err((problem, count)) => {
                    let line = line_of(text, record.position().unwrap().byte() as usize);
                    let error = format!("a.csv, line {line}{problem}");
                    if rules.bad_cells == BadCells::Error {
                        return (Vec::new(), Err(error));
                    }
                    count(&mut counts).count(class);
                    counts.first_bad.get_or_insert(error);
                    continue;
                }
            };
            for (count, reading) in missing.iter_mut().zip([a, b]) {
                *count += usize::from(reading.is_nan());
            }
            let drop = rules.missing_values == MissingValues::Drop && (a.is_nan() || b.is_nan());
            let Some(kept) = class.filter(|_| !drop) else {
                counts.dropped_missing.count(class);
                continue;
            };
            let numbers = [a, b].map(|number| (number + 0.0).to_bits()).to_vec();
            let identity = (numbers, record[1].trim().to_owned(), kept);
            if seen.contains(&identity) {
                counts.dropped_duplicates.count(class);
            } else {
                seen.push(identity);
                rows.push((vec![a.to_bits(), b.to_bits()], kept));
                counts.kept.count(class);
            }
        }
        counts.missing_cells = ["A", "B"].map(str::to_owned).into_iter().zip(missing).collect();
        (rows, Ok(counts))
    }

    /// The message of a bad row and the count that it belongs to.
    type BadRow = (String, fn(&mut CleaningCounts) -> &mut RowCount);

    /// Parses the two readings and the class of a record.
    fn parse_simply(record: &csv::StringRecord) -> Result<(f64, f64, Option<u8>), BadRow> {
        let [a, _, b, label] = record.iter().collect::<Vec<_>>()[..] else {
            let found = record.len();
            let problem = format!(": the row has {found} fields, expected 4 as in the header");
            return Err((problem, |counts| &mut counts.dropped_ragged));
        };
        let bad = |column: &str, cell: &str, expected: &str| -> BadRow {
            let problem = format!(", column `{column}`: found `{cell}`, expected {expected}");
            (problem.replace('\n', "\\n"), |counts| &mut counts.dropped_bad_cells)
        };
        let number = |column: &str, cell: &str, scale: &str| match cell.trim() {
            "" => Ok(f64::NAN),
            trimmed => match format!("{trimmed}{scale}").parse::<f64>() {
                Ok(number) => Ok(number),
                Err(_) => Err(bad(column, cell, "a number")),
            },
        };
        let (a, b) = (number("A", a, "")?, number("B", b, "e-5")?);
        let class = match label.trim() {
            "" => None,
            "0" => Some(0),
            "1" | "1." | "1.0" => Some(1),
            _ => return Err(bad("Label", label, "one of: 1, 0")),
        };
        Ok((a, b, class))
    }

    /// Returns the line of the first record at or after byte `begin`.
    fn line_of(text: &str, mut begin: usize) -> usize {
        begin += text[begin..].find(|letter| !matches!(letter, '\n' | '\r')).unwrap();
        1 + text[..begin].matches('\n').count()
    }

    /// Generates rows, most of them plain, in many spellings.
    fn text() -> impl Strategy<Value = String> {
        let plain = ["0", "-0", "1", "2.5", "-3.25", "0.1", "693372.4915", "12345678.9"];
        let odd = [
            "",
            " ",
            " 4 ",
            "+1",
            "\"1\"",
            "\"1\n\"",
            "\"1,5\"",
            "\"\"\"1\"",
            "1\"2",
            "x",
            "16777217",
            "0.12345678901234567890123",
            "12345678901234567890",
        ];
        let cell = || {
            let odd = select(odd.to_vec());
            prop_oneof![6 => select(plain.to_vec()), 1 => odd]
        };
        let note = select(vec!["", "n", "two words", "\"a,\r\nb\"", "\"\"", "\"x\"y", "a\"b\""]);
        let label =
            select(vec!["0", "1", "0", "1", "0", "1", " 1 ", "1.0", "\"1\"", "", "2", "1,1"]);
        let end = select(vec!["\n", "\n", "\n", "\r\n", "\r", "\n\n", "\r\n \n"]);
        let row = (cell(), note, cell(), label, end)
            .prop_map(|(a, note, b, label, end)| format!("{a},{note},{b},{label}{end}"));
        prop::collection::vec(row, 0..40).prop_map(|rows| format!("{HEADER}{}", rows.concat()))
    }

    proptest! {
        #[test]
        fn blocks_of_any_size_give_the_table_that_reading_row_by_row_gives(
            text in text(),
            block_size in 1_usize..200,
            cut in 0_usize..4,
            is_strict: bool,
            keeps_missing: bool,
        ) {
            let text = &text[..text.len().saturating_sub(cut).max(HEADER.len())];
            let rules = CleaningRules {
                missing_values:
                    if keeps_missing { MissingValues::Median } else { MissingValues::Drop },
                bad_cells: if is_strict { BadCells::Error } else { BadCells::Drop },
                ..CleaningRules::default()
            };
            let found = read(text, rules.clone(), block_size);
            prop_assert_eq!(&read(text, rules.clone(), blocks::BLOCK_BYTES), &found);
            let unclosed = |error: &String| error.ends_with("a quote is not closed");
            if !found.1.as_ref().is_err_and(unclosed) {
                prop_assert_eq!(read_simply(text, rules), found);
            }
        }
    }
}

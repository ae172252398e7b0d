//! Reads a Parquet file in batches of rows, column by column.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::{ColumnDescriptor, Type};
use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};

use crate::cell::CellParser;
use crate::number::ShortDecimals;
use crate::parquet_footer::{check_footer, check_pages};
use crate::table_error::TableError;
use crate::value_text::{
    DAY_NANOS, push_date, push_decimal, push_integer, push_number, push_short_number, push_time,
    push_timestamp,
};

/// The first and the last bytes of a file.
const MAGIC: &[u8] = b"PAR1";
/// The last bytes of a file whose metadata is encrypted.
const ENCRYPTED: &[u8] = b"PARE";
/// The maximum length of the metadata in bytes.
const MAX_FOOTER: u64 = 256 << 20;
/// The numbers of rows that a file of any length may have, and that each of its bytes may add: a
/// few bytes may repeat a value billions of times.
const MIN_ROWS: u64 = 1 << 16;
const ROWS_PER_BYTE: u64 = 100;
/// The number of cells of a batch, and the maximum number of its rows: a batch of a usual table stays
/// in the processor's cache.
const BATCH_CELLS: usize = 1 << 19;
const BATCH_ROWS: usize = 1 << 15;

/// A column at the top of the schema.
pub(crate) struct Field {
    pub(crate) name: String,
    /// The index among the columns that have values, or `None` for a list or a structure.
    leaf: Option<usize>,
}

impl Field {
    /// Returns whether a cell of the column is a list or a structure.
    pub(crate) fn is_nested(&self) -> bool {
        self.leaf.is_none()
    }
}

/// An open file.
pub(crate) struct ParquetFile<'a, R> {
    file: &'a str,
    input: R,
    length: u64,
    metadata: ParquetMetaData,
    pub(crate) fields: Vec<Field>,
    /// How the values of each leaf are read.
    kinds: Vec<Kind>,
    /// Whether the values of a field are read.
    is_read: Vec<bool>,
    /// The next group of rows.
    next_group: usize,
    /// The columns of the open group, and the number of its rows that have not been read.
    columns: Vec<OpenColumn>,
    rows_left: usize,
    /// The number of rows that were read.
    rows_read: u64,
}

/// Some rows of a file.
pub(crate) struct Batch {
    /// The number of the first row in the file, from 1.
    pub(crate) first_row: u64,
    pub(crate) rows: usize,
    /// The values of each field that is read.
    pub(crate) columns: Vec<Option<Values>>,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Numbers, booleans and texts, by their physical type.
    Plain,
    Unsigned,
    Float16,
    Decimal(u32),
    Date,
    /// The units of a second.
    Time(i64),
    Timestamp(i64),
    /// Bytes that are no text.
    Opaque,
}

/// The values of a column in a batch of rows.
pub(crate) struct Values {
    kind: Kind,
    present: Present,
    /// For each row its place among the present values; `None` where all are present.
    places: Option<Vec<u32>>,
}

/// The place of a missing value.
const MISSING: u32 = u32::MAX;

/// The values that are not missing.
enum Present {
    Bool(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Int96(Vec<Int96>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

/// A column of an open group of rows.
struct OpenColumn {
    field: usize,
    kind: Kind,
    reader: ColumnReader,
    max_level: i16,
    levels: Vec<i16>,
    /// The values of the next batch.
    values: Option<Result<Values, String>>,
}

/// The part of a file that holds a column of a group of rows.
struct Chunk {
    begin: u64,
    bytes: Bytes,
}

impl Chunk {
    fn at(&self, start: u64) -> Result<Bytes, ParquetError> {
        let offset = start.checked_sub(self.begin).filter(|at| *at <= self.bytes.len() as u64);
        let offset = offset.ok_or_else(|| ParquetError::EOF("outside of the column".to_owned()))?;
        Ok(self.bytes.slice(offset as usize..))
    }
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.begin + self.bytes.len() as u64
    }
}

impl ChunkReader for Chunk {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.at(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.at(start)?;
        if length > bytes.len() {
            return Err(ParquetError::EOF(format!("{length} bytes of {}", bytes.len())));
        }
        Ok(bytes.slice(..length))
    }
}

impl<'a, R: Read + Seek> ParquetFile<'a, R> {
    /// Opens a file, which errors name `file`, by its metadata.
    pub(crate) fn open(file: &'a str, mut input: R) -> Result<Self, TableError> {
        let metadata = read_footer(&mut input).map_err(|reason| unusable(file, reason))?;
        let (length, footer) = metadata;
        check_footer(&footer).map_err(|reason| unusable(file, reason.to_owned()))?;
        let metadata = contained(file, || ParquetMetaDataReader::decode_metadata(&footer))
            .map_err(|reason| unusable(file, reason))?;
        let rows: Option<u64> = metadata
            .row_groups()
            .iter()
            .try_fold(0_u64, |sum, group| sum.checked_add(u64::try_from(group.num_rows()).ok()?));
        let limit = MIN_ROWS + ROWS_PER_BYTE * length;
        if rows.is_none_or(|rows| rows > limit) {
            let rows = rows.map_or("an impossible number of".to_owned(), |rows| rows.to_string());
            let reason =
                format!("it claims {rows} rows in {length} bytes, expected at most {limit}");
            return Err(unusable(file, reason));
        }
        let schema = metadata.file_metadata().schema_descr();
        let kinds = schema.columns().iter().map(|column| Kind::of(column)).collect();
        let roots = (0..schema.num_columns()).map(|leaf| (schema.get_column_root_idx(leaf), leaf));
        let mut leaves = vec![None; schema.root_schema().get_fields().len()];
        for (root, leaf) in roots {
            leaves[root] = Some(leaf);
        }
        let fields: Vec<Field> = schema
            .root_schema()
            .get_fields()
            .iter()
            .zip(leaves)
            .map(|(field, leaf)| Field {
                name: name_of(field),
                leaf: leaf.filter(|_| is_flat(field)),
            })
            .collect();
        let is_read = vec![false; fields.len()];
        Ok(Self {
            file,
            input,
            length,
            metadata,
            fields,
            kinds,
            is_read,
            next_group: 0,
            columns: Vec::new(),
            rows_left: 0,
            rows_read: 0,
        })
    }

    /// Sets which fields are read. None of them may be nested.
    pub(crate) fn read_fields(&mut self, is_read: Vec<bool>) {
        self.is_read = is_read;
    }

    /// Returns whether the values of a field are texts.
    pub(crate) fn is_text(&self, field: usize) -> bool {
        let schema = self.metadata.file_metadata().schema_descr();
        self.fields[field].leaf.is_some_and(|leaf| {
            self.kinds[leaf] == Kind::Plain
                && schema.column(leaf).physical_type() == Physical::BYTE_ARRAY
        })
    }

    /// Reads the next batch of rows, or returns `None` at the end of the file.
    pub(crate) fn next_batch(&mut self) -> Result<Option<Batch>, TableError> {
        while self.rows_left == 0 {
            if self.next_group == self.metadata.num_row_groups() {
                return Ok(None);
            }
            self.open_group()?;
        }
        let count = self.columns.len().max(1);
        let rows = (BATCH_CELLS / count).clamp(1, BATCH_ROWS).min(self.rows_left);
        let file = self.file;
        self.columns.par_iter_mut().for_each(|column| {
            column.values = Some(contained(file, || column.read(rows)));
        });
        let mut columns: Vec<Option<Values>> = self.fields.iter().map(|_| None).collect();
        for column in &mut self.columns {
            let name = &self.fields[column.field].name;
            match column.values.take() {
                Some(Ok(values)) => columns[column.field] = Some(values),
                Some(Err(reason)) => {
                    let begin = self.rows_read + 1;
                    let end = self.rows_read + rows as u64;
                    let reason = format!("column `{name}`, rows {begin} to {end}: {reason}");
                    return Err(unusable(file, reason));
                }
                None => {}
            }
        }
        let first_row = self.rows_read + 1;
        self.rows_read += rows as u64;
        self.rows_left -= rows;
        Ok(Some(Batch { first_row, rows, columns }))
    }

    fn open_group(&mut self) -> Result<(), TableError> {
        self.columns.clear();
        let group = self.metadata.row_group(self.next_group);
        // It was checked to be no more than the file can have.
        let rows = group.num_rows() as u64;
        for (field, Field { name, leaf }) in self.fields.iter().enumerate() {
            let Some(leaf) = leaf.filter(|_| self.is_read[field]) else { continue };
            let opened = group
                .columns()
                .get(leaf)
                .ok_or_else(|| "it is not in every group of rows".to_owned())
                .and_then(|column| {
                    open_column(&mut self.input, self.file, self.length, rows, column)
                });
            let reader = opened.map_err(|reason| {
                let group = self.next_group + 1;
                unusable(self.file, format!("column `{name}`, group of rows {group}: {reason}"))
            })?;
            self.columns.push(OpenColumn {
                field,
                kind: self.kinds[leaf],
                reader,
                max_level: group.column(leaf).column_descr().max_def_level(),
                levels: Vec::new(),
                values: None,
            });
        }
        self.next_group += 1;
        self.rows_left = rows as usize;
        Ok(())
    }
}

/// Reads the length of a file and its metadata.
fn read_footer(input: &mut (impl Read + Seek)) -> Result<(u64, Vec<u8>), String> {
    let io = |error: io::Error| error.to_string();
    let length = input.seek(SeekFrom::End(0)).map_err(io)?;
    let tail_length = 2 * MAGIC.len() as u64;
    if length < tail_length + MAGIC.len() as u64 {
        return Err("it is cut".to_owned());
    }
    let mut tail = [0; 8];
    input.seek(SeekFrom::Start(length - tail_length)).map_err(io)?;
    input.read_exact(&mut tail).map_err(io)?;
    let [a, b, c, d, magic @ ..] = tail;
    if magic == ENCRYPTED {
        return Err("it is encrypted".to_owned());
    }
    if magic != MAGIC {
        return Err("it is cut: it does not end with `PAR1`".to_owned());
    }
    let footer = u64::from(u32::from_le_bytes([a, b, c, d]));
    if footer > (length - tail_length - MAGIC.len() as u64).min(MAX_FOOTER) {
        return Err(format!("it claims {footer} bytes of metadata and has {length} bytes"));
    }
    input.seek(SeekFrom::Start(length - tail_length - footer)).map_err(io)?;
    let mut bytes = vec![0; footer as usize];
    input.read_exact(&mut bytes).map_err(io)?;
    Ok((length, bytes))
}

/// Reads the part of a file with a column of a group of rows, and opens it.
fn open_column(
    input: &mut (impl Read + Seek),
    file: &str,
    length: u64,
    rows: u64,
    column: &ColumnChunkMetaData,
) -> Result<ColumnReader, String> {
    let io = |error: io::Error| error.to_string();
    let begin = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    let (Ok(begin), Ok(size)) = (u64::try_from(begin), u64::try_from(column.compressed_size()))
    else {
        return Err("its place is negative".to_owned());
    };
    if begin.checked_add(size).is_none_or(|end| end > length) {
        return Err(format!("it ends after the file's {length} bytes"));
    }
    input.seek(SeekFrom::Start(begin)).map_err(io)?;
    let mut bytes = vec![0; size as usize];
    input.read_exact(&mut bytes).map_err(io)?;
    let width = match column.column_type() {
        Physical::BOOLEAN => Some(1),
        Physical::INT32 | Physical::FLOAT => Some(4),
        Physical::INT64 | Physical::DOUBLE => Some(8),
        Physical::INT96 => Some(12),
        Physical::FIXED_LEN_BYTE_ARRAY => {
            let length = u64::try_from(column.column_descr().type_length()).unwrap_or(0);
            if length == 0 || length > 1 << 20 {
                return Err(format!("its values have {length} bytes each"));
            }
            Some(length)
        }
        Physical::BYTE_ARRAY => None,
    };
    check_pages(&bytes, rows, width)?;
    let chunk = Arc::new(Chunk { begin, bytes: bytes.into() });
    contained(file, || {
        let pages = SerializedPageReader::new(chunk, column, rows as usize, None)?;
        Ok::<_, ParquetError>(get_column_reader(column.column_descr_ptr(), Box::new(pages)))
    })
}

/// Returns the name of a column. The index of a pandas table, which numbers its rows, has the name
/// that it has in a CSV.
fn name_of(field: &Type) -> String {
    let name = field.name();
    if name.starts_with("__index_level_") { "Unnamed: 0".to_owned() } else { name.to_owned() }
}

/// Returns whether each row has at most one value of this field.
fn is_flat(field: &Type) -> bool {
    let info = field.get_basic_info();
    field.is_primitive()
        && (!info.has_repetition() || info.repetition() != parquet::basic::Repetition::REPEATED)
}

/// Calls the library. Its errors and its panics are reasons.
fn contained<T, E: ToString>(file: &str, work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    let what = || unusable(file, "the library failed".to_owned()).to_string();
    match common::contained(what, work) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(panic),
    }
}

fn unusable(file: &str, reason: String) -> TableError {
    TableError::Container { file: file.to_owned(), format: "a Parquet file", reason }
}

impl OpenColumn {
    /// Reads the values of the next rows.
    fn read(&mut self, rows: usize) -> Result<Values, String> {
        self.levels.clear();
        let levels = (self.max_level > 0).then_some(&mut self.levels);
        macro_rules! read {
            ($reader:expr, $variant:ident) => {{
                let mut values = Vec::with_capacity(rows);
                let (read, ..) = $reader
                    .read_records(rows, levels, None, &mut values)
                    .map_err(|error| error.to_string())?;
                (read, values.len(), Present::$variant(values))
            }};
        }
        let (read, count, present) = match &mut self.reader {
            ColumnReader::BoolColumnReader(reader) => read!(reader, Bool),
            ColumnReader::Int32ColumnReader(reader) => read!(reader, Int32),
            ColumnReader::Int64ColumnReader(reader) => read!(reader, Int64),
            ColumnReader::Int96ColumnReader(reader) => read!(reader, Int96),
            ColumnReader::FloatColumnReader(reader) => read!(reader, Float),
            ColumnReader::DoubleColumnReader(reader) => read!(reader, Double),
            ColumnReader::ByteArrayColumnReader(reader) => read!(reader, Bytes),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => read!(reader, Fixed),
        };
        if read != rows {
            return Err(format!("it has {read} of {rows} rows"));
        }
        if count == rows {
            return Ok(Values { kind: self.kind, present, places: None });
        }
        let mut next = 0;
        let place = |level: &i16| {
            if *level < self.max_level {
                return MISSING;
            }
            next += 1;
            next - 1
        };
        let places: Vec<u32> = self.levels.iter().map(place).collect();
        if places.len() != rows || next as usize != count {
            return Err(format!("it has {count} values and {} levels", places.len()));
        }
        Ok(Values { kind: self.kind, present, places: Some(places) })
    }
}

impl Kind {
    /// Returns the kind of a column by its logical type, or by the older converted one.
    fn of(column: &ColumnDescriptor) -> Self {
        let scale = || u32::try_from(column.type_scale()).unwrap_or(0).min(1000);
        let per_second = |unit: &TimeUnit| match unit {
            TimeUnit::MILLIS => 1000,
            TimeUnit::MICROS => 1_000_000,
            TimeUnit::NANOS => 1_000_000_000,
        };
        match column.logical_type_ref() {
            Some(LogicalType::Decimal(_)) => return Self::Decimal(scale()),
            Some(LogicalType::Date) => return Self::Date,
            Some(LogicalType::Time(time)) => return Self::Time(per_second(&time.unit)),
            Some(LogicalType::Timestamp(time)) => return Self::Timestamp(per_second(&time.unit)),
            Some(LogicalType::Integer(int)) if !int.is_signed => return Self::Unsigned,
            Some(LogicalType::Float16) => return Self::Float16,
            _ => {}
        }
        match column.converted_type() {
            ConvertedType::DECIMAL => Self::Decimal(scale()),
            ConvertedType::DATE => Self::Date,
            ConvertedType::TIME_MILLIS => Self::Time(1000),
            ConvertedType::TIME_MICROS => Self::Time(1_000_000),
            ConvertedType::TIMESTAMP_MILLIS => Self::Timestamp(1000),
            ConvertedType::TIMESTAMP_MICROS => Self::Timestamp(1_000_000),
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Self::Unsigned,
            _ if column.physical_type() == Physical::FIXED_LEN_BYTE_ARRAY => Self::Opaque,
            _ => Self::Plain,
        }
    }
}

impl Values {
    /// Returns the place of a row's value among those that are present.
    fn place(&self, row: usize) -> Option<usize> {
        let Some(places) = &self.places else { return Some(row) };
        Some(places[row]).filter(|place| *place != MISSING).map(|place| place as usize)
    }

    /// Returns whether the values are texts.
    pub(crate) fn is_text(&self) -> bool {
        matches!((&self.present, self.kind), (Present::Bytes(_), Kind::Plain))
    }

    /// Returns whether a row has no value.
    pub(crate) fn is_missing(&self, row: usize) -> bool {
        self.place(row).is_none()
    }

    /// Appends the text of a row's value, which is empty where there is none.
    pub(crate) fn push_text(&self, row: usize, text: &mut Vec<u8>) {
        if let Some(place) = self.place(row) {
            self.push_value(place, text);
        }
    }

    /// Returns the bytes of a row's value if it is a text.
    pub(crate) fn text(&self, row: usize) -> Option<&[u8]> {
        match (&self.present, self.kind) {
            (Present::Bytes(values), Kind::Plain) => Some(values[self.place(row)?].data()),
            _ => None,
        }
    }

    fn push_value(&self, place: usize, text: &mut Vec<u8>) {
        match (&self.present, self.kind) {
            (Present::Bool(values), _) => {
                text.extend_from_slice(if values[place] { b"true" } else { b"false" });
            }
            (Present::Int32(values), Kind::Unsigned) => push_integer(values[place] as u32, text),
            (Present::Int64(values), Kind::Unsigned) => push_integer(values[place] as u64, text),
            (Present::Int32(values), kind) => push_typed(values[place].into(), kind, text),
            (Present::Int64(values), kind) => push_typed(values[place], kind, text),
            (Present::Int96(values), _) => push_int96(&values[place], text),
            (Present::Float(values), _) => push_short_number(values[place], text),
            (Present::Double(values), _) => push_number(values[place], text),
            (Present::Bytes(values), Kind::Plain) => text.extend_from_slice(values[place].data()),
            (Present::Bytes(values), kind) => push_bytes(values[place].data(), kind, text),
            (Present::Fixed(values), kind) => push_bytes(values[place].data(), kind, text),
        }
    }

    /// Appends the readings of all rows, and marks the rows whose value is none.
    pub(crate) fn readings(
        &self,
        cells: &CellParser,
        readings: &mut Vec<f64>,
        is_odd: &mut [bool],
    ) {
        let mut decimals = ShortDecimals::default();
        match (&self.present, self.kind) {
            _ if !cells.is_of_numbers() => self.parsed(cells, readings, is_odd),
            (Present::Double(values), Kind::Plain) => {
                self.numbers(values, readings, is_odd, |number| {
                    cells.of_f64(number, &mut decimals)
                });
            }
            (Present::Float(values), Kind::Plain) => {
                self.numbers(values, readings, is_odd, |number| {
                    cells.of_f32(number, &mut decimals)
                });
            }
            (Present::Int32(values), Kind::Plain) => {
                let number = |number: i32| cells.of_f64(number.into(), &mut decimals);
                self.numbers(values, readings, is_odd, number);
            }
            (Present::Int32(values), Kind::Unsigned) => {
                let number = |number: i32| cells.of_f64((number as u32).into(), &mut decimals);
                self.numbers(values, readings, is_odd, number);
            }
            (Present::Int64(values), Kind::Plain) => {
                let number = |number: i64| cells.of_f64(number as f64, &mut decimals);
                self.numbers(values, readings, is_odd, number);
            }
            (Present::Int64(values), Kind::Unsigned) => {
                let number = |number: i64| cells.of_f64(number as u64 as f64, &mut decimals);
                self.numbers(values, readings, is_odd, number);
            }
            _ => self.parsed(cells, readings, is_odd),
        }
    }

    /// Appends the readings of all rows by their texts, and marks the rows whose text is none.
    fn parsed(&self, cells: &CellParser, readings: &mut Vec<f64>, is_odd: &mut [bool]) {
        let mut text = Vec::new();
        for (row, is_odd) in is_odd.iter_mut().enumerate() {
            let cell = match self.text(row) {
                Some(text) => text,
                None => {
                    text.clear();
                    self.push_text(row, &mut text);
                    &text
                }
            };
            let reading = cells.parse(cell);
            *is_odd |= reading.is_none();
            readings.push(reading.unwrap_or(f64::NAN));
        }
    }

    fn numbers<T: Copy>(
        &self,
        values: &[T],
        readings: &mut Vec<f64>,
        is_odd: &mut [bool],
        mut reading: impl FnMut(T) -> f64,
    ) {
        let begin = readings.len();
        match &self.places {
            None => readings.extend(values.iter().map(|value| reading(*value))),
            Some(places) => readings.extend(places.iter().map(|place| {
                values.get(*place as usize).map_or(f64::NAN, |value| reading(*value))
            })),
        }
        for (is_odd, reading) in is_odd.iter_mut().zip(&mut readings[begin..]) {
            if reading.is_infinite() {
                *is_odd = true;
                *reading = f64::NAN;
            }
        }
    }
}

/// Appends the text of an integer that may stand for something else.
fn push_typed(number: i64, kind: Kind, text: &mut Vec<u8>) {
    match kind {
        Kind::Decimal(scale) => push_decimal(number.into(), scale, text),
        Kind::Date => push_date(number, text),
        Kind::Time(per_second) => {
            push_time(
                (number.wrapping_mul(1_000_000_000 / per_second)).rem_euclid(DAY_NANOS),
                text,
            );
        }
        Kind::Timestamp(per_second) => push_timestamp(number, per_second, text),
        Kind::Plain | Kind::Unsigned | Kind::Float16 | Kind::Opaque => push_integer(number, text),
    }
}

/// Appends a time in the form of older programs: nanoseconds of a day and its Julian number.
fn push_int96(value: &Int96, text: &mut Vec<u8>) {
    const JULIAN_DAY_OF_1970: i64 = 2_440_588;
    let [low, high, day] = value.data() else { return };
    let nanos = (u64::from(*high) << 32 | u64::from(*low)) as i64;
    push_date(i64::from(*day) - JULIAN_DAY_OF_1970 + nanos.div_euclid(DAY_NANOS), text);
    text.push(b'T');
    push_time(nanos.rem_euclid(DAY_NANOS), text);
}

/// Appends a value that is stored as bytes: a decimal number, a number of 16 bits, or what has no
/// other form than hexadecimal digits.
fn push_bytes(bytes: &[u8], kind: Kind, text: &mut Vec<u8>) {
    match (kind, bytes) {
        (Kind::Float16, [low, high]) => {
            push_short_number(half(u16::from_le_bytes([*low, *high])), text);
        }
        (Kind::Decimal(scale), _) if is_short(bytes) => {
            let sign = if bytes.first().is_some_and(|byte| *byte >= 0x80) { -1 } else { 0 };
            let number =
                bytes.iter().fold(sign, |number: i128, byte| number << 8 | i128::from(*byte));
            push_decimal(number, scale, text);
        }
        _ => {
            text.extend_from_slice(b"0x");
            text.extend(bytes.iter().flat_map(|byte| {
                [byte >> 4, byte & 0xf].map(|digit| b"0123456789abcdef"[usize::from(digit)])
            }));
        }
    }
}

/// Returns whether a number in two's complement, the highest byte first, fits into 16 bytes.
fn is_short(bytes: &[u8]) -> bool {
    let Some((high, low)) = bytes.len().checked_sub(16).and_then(|at| bytes.split_at_checked(at))
    else {
        return true;
    };
    let sign = if low[0] >= 0x80 { 0xff } else { 0 };
    high.iter().all(|byte| *byte == sign)
}

/// Returns a number of 16 bits: a sign, 5 bits of exponent and 10 of fraction.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let number = match exponent {
        0 => fraction * power_of_two(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * power_of_two(exponent - 25),
    };
    if bits >> 15 == 1 { -number } else { number }
}

/// Returns a power of two from -126 to 127.
fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits(((exponent + 127) as u32) << 23)
}

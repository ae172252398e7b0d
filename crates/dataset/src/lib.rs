//! The sensor table: its columns and their spellings, labels, cleaning, engineered features, the
//! split, and a synthetic sample.
//!
//! ```text
//! CSV files -> TableReader -> SensorTable -> split -> Recipe::fit on the training rows
//! training and test rows -> Recipe::write -> feature file -> FeatureTable
//! files of unknown columns -> RawReader -> a RowSink of the caller: rows as text
//! one raw record -> RecordReader -> readings -> Recipe::apply -> features
//! ```
//!
//! Knows columns and rows. Must never know directories, the network, or what becomes of the
//! features; every file comes in as a name and something to read.
//!
//! # Example
//!
//! A recipe is fitted on a table, and a single record in another spelling and unit then goes
//! through the same rules:
//!
//! ```
//! use dataset::{
//!     CategoryRules, CleaningRules, Column, Feature, Label, Recipe, RecordReader, Schema, TableReader,
//! };
//!
//! let column = |name: &str, unit: &str, spelling: &str| Column {
//!     name: name.into(),
//!     unit: Some(unit.into()),
//!     spellings: vec![spelling.into()],
//!     ..Column::default()
//! };
//! let columns = vec![column("Pressure", "bar", "Druck"), column("Force", "kN", "Kraft")];
//! let (positive, negative) = (vec!["yes".into()], vec!["no".into()]);
//! let missing_markers = vec!["unknown".into()];
//! let label = Label { column: "Failed".into(), positive, negative, missing_markers };
//! let schema = Schema::new(columns, label)?;
//!
//! let file = "Pressure(bar),Force(kN),Failed\n10,1,no\n20,2,no\n30,4,yes\n";
//! let mut table = TableReader::new(&schema, CleaningRules::default());
//! table.read("plant.csv", file.as_bytes())?;
//! let (table, counts) = table.finish()?;
//! assert_eq!((counts.kept.rows, table.labels()), (3, &[0, 0, 1][..]));
//!
//! let expression = "Pressure - median(Pressure)".into();
//! let feature = Feature { name: "Excess_Pressure".into(), expression };
//! let recipe = Recipe::fit(&schema, &[feature], &table, &[0, 1, 2], CategoryRules::default())?;
//!
//! // A missing force becomes the training median of 2 kN.
//! let records = RecordReader::new(recipe.schema(), &["KRAFT (N)", "Druck (Pa)"])?;
//! let (mut readings, mut features) = (Vec::new(), Vec::new());
//! records.read(&["n/a", "2500000"], &mut readings)?;
//! let mut counts = recipe.no_counts();
//! recipe.apply(&mut readings, &mut features, &mut counts);
//! assert_eq!(features, [25.0, 2.0, 5.0]);
//! assert_eq!(counts.imputed, [0, 1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod all_columns;
mod archive;
mod blocks;
mod categories;
mod cell;
mod cleaning;
mod container;
mod csv_records;
mod duplicates;
mod encoding;
mod expression;
mod feature_table;
mod header;
mod in_order;
mod layout;
mod left_out;
mod names;
mod number;
mod number_sample;
mod other_row;
mod parquet_file;
mod parquet_footer;
mod parquet_rows;
mod raw_layout;
mod raw_rows;
mod recipe;
mod record;
mod rows;
pub mod sample;
mod schema;
mod sensor_table;
mod source;
mod split;
mod split_key;
mod statistics;
mod table;
mod table_error;
mod time;
mod units;
mod value_text;
mod words;
mod workbook;

pub use cell::NumberFormat;
pub use cleaning::{
    BadCellCount, BadCells, CleaningCounts, CleaningRules, Duplicates, MissingValues, RowCount,
};
pub use csv_records::{CsvError, CsvRecord, CsvRecords, push_field};
pub use encoding::CategoryRules;
pub use expression::{Expression, ExpressionError};
pub use feature_table::{FeatureError, FeatureTable};
pub use header::{ColumnNames, HeaderError};
pub use layout::TextFormat;
pub use names::{ColumnHeaders, SettingsName, settings_names};
pub use number_sample::{NumberOfTwoMeanings, NumberSample, SampledNumber};
pub use other_row::{OtherRow, is_totals_row};
pub use raw_layout::RawColumn;
pub use raw_rows::{RawCell, RawCells, RawHeader, RawReader, RowSink};
pub use recipe::{Feature, ImputationCounts, Recipe, RecipeError};
pub use record::{RecordError, RecordReader};
pub use schema::{Column, ColumnKind, LABEL, Label, Schema, SchemaError, fold_name, fold_word};
pub use sensor_table::SensorTable;
pub use source::Encoding;
pub use split::{Split, SplitError, split, split_by_machine, split_by_time};
pub use split_key::SplitColumn;
pub use statistics::ColumnSummary;
pub use table::TableReader;
pub use table_error::{Place, TableError};
pub use time::{is_time, show_time};
pub use words::{is_missing, yes_or_no};

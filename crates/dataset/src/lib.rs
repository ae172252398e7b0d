//! The sensor table: its columns and the ways people spell them, labels, cleaning, engineered
//! features, the split, and a synthetic sample.
//!
//! ```text
//! CSV files -> TableReader -> Table -> split -> Recipe::fit on the training rows -> Recipe::write
//! feature file -> FeatureTable
//! ```
//!
//! Knows columns and rows. Must never know directories, the network, or what becomes of the
//! features; every file comes in as a name and something to read.

mod blocks;
mod expression;
mod features;
mod header;
mod in_order;
mod number;
mod recipe;
mod records;
mod rows;
pub mod sample;
mod schema;
mod seen;
mod split;
mod statistics;
mod table;
mod units;

pub use expression::{Expression, ExpressionError};
pub use features::{FeatureError, FeatureTable, LABEL};
pub use header::HeaderError;
pub use recipe::{Applied, Feature, Recipe, RecipeError};
pub use records::RecordError;
pub use schema::{Column, Label, Schema, SchemaError};
pub use split::{Split, SplitError, split};
pub use statistics::Summary;
pub use table::{BadCells, Counts, MissingValues, Rules, Table, TableError, TableReader};

//! The documents that one step writes and another reads: the fitted recipe, the model bundle, the
//! evaluation report and the flat metrics. Each has a format version.
//!
//! Knows the table's recipe and the forest. Must never know who makes a document, or where it is
//! kept. Whatever bytes come in, reading them ends in a value or an error: never in a panic, and
//! never in more memory than a small multiple of their size.

mod archive;
mod bundle;
mod document;
mod evaluation;
mod forest_file;
mod measure;
mod onnx;
mod recipe_file;
mod scores;
mod shard;

pub use archive::ArchiveError;
pub use bundle::{Bundle, BundleError, FOREST_BIN, METADATA_JSON, Metadata};
pub use document::DocumentError;
pub use evaluation::{Evaluation, Origin, Verdict};
pub use forest_file::ForestFileError;
pub use measure::Measure;
pub use onnx::{MODEL_ONNX, OnnxError};
pub use recipe_file::{RECIPE_JSON, read_recipe, write_recipe};
pub use scores::{Confusion, Scores};
pub use shard::Shard;

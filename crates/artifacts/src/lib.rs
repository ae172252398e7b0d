//! The documents that one step writes and another reads: the fitted recipe, the model bundle, the
//! evaluation report and the flat metrics. Each has a format version.
//!
//! Knows the table's recipe and the forest. Must never know which step writes a document, or where
//! it is stored. Readers accept untrusted bytes: they return a value or an error, never panic, and
//! never use more memory than a small multiple of the input's size.
//!
//! # Example
//!
//! ```
//! use artifacts::{Evaluation, GateVerdict, ModelOrigin, Scores};
//!
//! // Four rows: their classes, and the predicted probabilities of class 1.
//! let scores = Scores::of(&[1, 1, 0, 0], &[0.9, 0.4, 0.6, 0.1]);
//! let evaluation = Evaluation {
//!     model: ModelOrigin {
//!         algorithm: "random_forest".to_owned(),
//!         program_version: "0.1.0".to_owned(),
//!         model_digest: "cd".repeat(32),
//!         data_digest: "ab".repeat(32),
//!         training_rows: 12,
//!         hyperparameters: [("max_depth".to_owned(), "10".to_owned())].into(),
//!     },
//!     gates: vec![GateVerdict::new("accuracy", 0.8, &scores)],
//!     scores,
//! };
//! assert!(!evaluation.gates[0].met, "two of four rows are right");
//!
//! let report = String::from_utf8(evaluation.to_json()?)?;
//! assert!(report.starts_with("{\n  \"format_version\": 2,\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod archive_files;
mod background_file;
mod bundle;
mod bundle_file;
mod document;
mod evaluation;
mod forest_file;
mod measure;
mod metadata;
mod names;
mod onnx;
mod recipe_file;
mod scores;
mod shard;

pub use archive::{ArchiveError, MAX_UNPACKED};
pub use archive_files::{ArchiveFiles, FileDifference};
pub use background_file::BackgroundFileError;
pub use bundle::{Bundle, BundleError};
pub use bundle_file::BundleFile;
pub use document::DocumentError;
pub use evaluation::{Evaluation, GateVerdict, ModelOrigin};
pub use forest_file::ForestFileError;
pub use measure::Measure;
pub use metadata::Metadata;
pub use names::{BACKGROUND_BIN, FOREST_BIN, METADATA_JSON, MODEL_ONNX, RECIPE_JSON};
pub use onnx::OnnxError;
pub use recipe_file::{read_recipe, write_recipe};
pub use scores::{ConfusionMatrix, Scores};
pub use shard::Shard;

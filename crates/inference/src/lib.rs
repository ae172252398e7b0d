//! A model's answers to rows of raw readings: what it predicts, and what a reader of the answer should
//! know of the row.
//!
//! Knows a bundle, and rows as plants write them. Must never know HTTP, SageMaker, the command line or
//! where a model is kept.
//!
//! A [`Model`] answers rows of readings. A [`TableScorer`] reads the rows of tables, whose columns may
//! have other names, units and formats than the training table's, and writes each with its answer;
//! [`TableRecords`] passes them on for a model that answers elsewhere. A [`RecordsReader`] reads the records of a request, and [`answer_text`] writes the answers to them.
//!
//! ```
//! use std::io::Cursor;
//!
//! use dataset::TextFormat;
//! use inference::{ColumnFinder, Model, TableScorer};
//! # use artifacts::{Bundle, Metadata};
//! # use linfa::prelude::Fit;
//! #
//! # let recipe = r#"{"format_version": 1, "recipe": {
//! #     "columns": [{"column": {"name": "Torque", "unit": "Nm"}, "median": 20.0, "range": [14.5, 26.3]}],
//! #     "label": {"column": "Downtime", "positive": ["yes"], "negative": ["no"]},
//! #     "features": []
//! # }}"#;
//! # let rows = linfa::Dataset::new(
//! #     ndarray::array![[14.5_f32], [15.2], [24.1], [26.3]],
//! #     ndarray::array![1_usize, 1, 0, 0],
//! # );
//! # let bundle = Bundle {
//! #     forest: forest::RandomForest::params().n_estimators(4).bootstrap(false).fit(&rows)?,
//! #     recipe: artifacts::read_recipe(recipe.as_bytes())?,
//! #     metadata: Metadata {
//! #         algorithm: "random_forest".to_owned(),
//! #         program_version: "0.1.0".to_owned(),
//! #         data_digest: String::new(),
//! #         training_rows: 4,
//! #         hyperparameters: Default::default(),
//! #         training_metrics: Default::default(),
//! #         feature_importances: Default::default(),
//! #         permutation_importances: Default::default(),
//! #     },
//! #     background: None,
//! # };
//! // A model that knows one column, the torque, which is low where a machine fails.
//! let model = Model::new(bundle);
//! let table = "Machine;Torque [kNm]\nM1;0,0148\nM2;\nM3;0,15\n";
//! let mut finder = ColumnFinder::new(&model, TextFormat::default());
//! finder.read_file("shift.csv", Cursor::new(table))?;
//! let mut scored = Vec::new();
//! let mut scorer = TableScorer::new(&model, TextFormat::default(), finder.finish()?, &mut scored);
//! scorer.read_file("shift.csv", Cursor::new(table))?;
//! let summary = scorer.finish()?;
//!
//! assert_eq!((summary.rows, summary.failures), (3, 1));
//! assert_eq!(
//!     String::from_utf8(scored)?,
//!     "Machine,Torque [kNm],predicted,probability,imputed,unseen,out_of_range\n\
//!      M1,\"0,0148\",yes,1.0,,,\n\
//!      M2,,no,0.0,Torque,,\n\
//!      M3,\"0,15\",no,0.0,,,Torque\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer_text;
mod columns;
mod counts;
mod csv_text;
mod error;
mod explanations;
mod json;
mod json_text;
mod model;
mod record_names;
mod record_text;
mod records;
mod records_error;
mod scored_rows;
mod table;
mod table_records;
mod table_rows;

pub use answer_text::{AnswerError, AnswerLimits, AnswerNames, answer_names, answer_text};
pub use artifacts::{ArchiveFiles, BundleError, BundleFile, FileDifference};
pub use columns::{ColumnFinder, Columns};
pub use counts::AnswerCounts;
pub use error::InferenceError;
pub use explanations::Explanation;
pub use forest::ExplainError;
pub use model::{Answer, AnswerOptions, Model};
pub use record_text::{CsvFormat, CsvHeader, Format, Records};
pub use records::RecordsReader;
pub use records_error::RecordsError;
pub use scored_rows::ScoredRows;
pub use table::TableScorer;
pub use table_records::{RecordBlock, TableRecords};

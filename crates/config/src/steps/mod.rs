//! The settings of each step, and where the step reads and writes its files.
//!
//! Processing steps receive their settings as container arguments of the form `--name=value`; a
//! list is the same argument repeated. What does not fit into arguments is a file: the settings of
//! the table are an input of Preprocess, [`TableSettings`]. Train receives `hyperparameters.json`, in which every value
//! is a string. Register also reads environment variables, for values that are known only while the
//! pipeline runs. SageMaker and its SDKs add arguments of their own, so a step returns whatever it
//! does not know as [`Parsed::unknown`] and logs a warning about it.

mod arguments;
mod evaluate;
mod hyperparameter_types;
mod hyperparameters;
pub mod paths;
mod preprocess;
mod register;
mod serve;
mod table;
mod training_metrics;

pub use crate::words::pascal_case;
pub use arguments::{Argument, Parsed, StepError};
pub use evaluate::{Evaluate, Gate};
pub use hyperparameter_types::{
    ClassWeight, Criterion, HyperparameterValue, MaxFeatures, Samples, Weights,
};
pub use hyperparameters::Hyperparameters;
pub use preprocess::{Preprocess, UNCHECKED};
pub use register::{Register, RegisterVariables, UNKNOWN};
pub use serve::{Explain, Serve};
pub use table::{
    BadCells, Categories, Column, ColumnKind, Decimal, Duplicates, Encoding, Feature, Format,
    Label, MissingValues, Separator, Split, TableFormat, TableSettings, TableSettingsError,
    Thousands,
};
pub use training_metrics::{OOB_SCORE, TRAINING_METRICS, training_metric_key};

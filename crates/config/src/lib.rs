//! Every setting of the pipeline, typed and checked: the one place that reads YAML.
//!
//! [`Settings`] is `config/pipeline_config.yaml`. [`steps`] has one type per step, which the
//! orchestrator writes as container arguments, environment or hyperparameters and the step reads
//! back, so the two sides cannot drift.
//!
//! Knows names, ranges and defaults. Must never know the network, `/opt/ml`, or what a step does
//! with its settings.

mod checks;
mod digests;
mod load;
mod location;
mod message;
mod metric;
mod schema;
mod settings;
pub mod steps;
mod tree;

pub use checks::{ONE_INSTANCE, training_instances};
pub use load::{ConfigError, Violation};
pub use metric::Metric;
pub use settings::{
    ApprovalStatus, Aws, Cache, ColumnSettings, Evaluation, Images, Kms, ModelRegistry,
    Notifications, PerStep, Pipeline, Preprocessing, Prices, Retries, S3Paths, Settings, Vpc,
};

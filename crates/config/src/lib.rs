//! Every setting of the pipeline, typed and checked: the one place that reads YAML.
//!
//! [`Settings`] is the content of `config/pipeline_config.yaml`. [`steps`] has one type for each
//! step. The orchestrator writes it as container arguments, environment variables, hyperparameters
//! or a file, and the step parses them with the same type, so the two sides cannot drift apart.
//!
//! Knows names, ranges and defaults. Must never know the network, `/opt/ml`, or what a step does
//! with its settings.
//!
//! # Example
//!
//! ```
//! use config::{Image, Settings};
//!
//! let yaml = "
//! s3_paths: { bucket: plant-7 }
//! aws: { account_id: '123456789012', role_arn: 'arn:aws:iam::123456789012:role/jobs' }
//! hyperparameters:
//!   n_estimators: ${TREES:-100}
//! ";
//! let settings = Settings::from_yaml("plant.yaml", yaml, |_| None)?;
//! assert_eq!(settings.hyperparameters.n_estimators, 100);
//! assert_eq!(
//!     settings.aws.image_uri(Image::Train),
//!     "123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/train:latest",
//! );
//!
//! // Every violation is reported, with its place and what was expected.
//! let wrong = yaml.replace("n_estimators", "n_trees").replace("plant-7", "Plant 7");
//! let error = Settings::from_yaml("plant.yaml", &wrong, |_| None).unwrap_err();
//! assert_eq!(error.violations.len(), 2);
//! assert_eq!(error.violations[1].path, "hyperparameters.n_trees");
//! # Ok::<(), config::ConfigError>(())
//! ```

mod checks;
mod digests;
mod endpoint;
mod endpoint_checks;
mod error;
mod explain;
mod fault;
mod images;
mod instance_types;
mod job_kind;
mod layers;
mod limits;
mod load;
mod location;
mod message;
mod metric;
mod partition;
mod prefixes;
mod rules;
mod schedule;
mod schema;
pub mod serving;
mod settings;
pub mod steps;
mod tree;
mod variables;
mod words;

pub use endpoint::{
    Asynchronous, Autoscaling, Capture, Captured, Endpoint, EndpointKind, EndpointUpdate,
    Serverless, Shift,
};
pub use error::{ConfigError, Violation};
pub use explain::ExplainedValue;
pub use images::{Image, Images};
pub use instance_types::unknown_instance_type;
pub use job_kind::{JobKind, PerJobKind};
pub use layers::Layer;
pub use metric::Metric;
pub use partition::partition;
pub use prefixes::DEFINITIONS;
pub use rules::{ONE_INSTANCE, training_instances};
pub use settings::{
    AllColumns, ApprovalStatus, Aws, Cache, ColumnSettings, Columns, Evaluation, Kms,
    LOCAL_ACCOUNT, ModelRegistry, Notifications, Pipeline, Preprocessing, Prices, Retries, S3Paths,
    Schedule, Settings, Vpc,
};
pub use variables::Variables;

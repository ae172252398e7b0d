//! The command line of the project. It builds the pipeline's definition from the settings, checks it
//! offline, runs it on this machine, and deploys and watches it on SageMaker.
//!
//! Knows the settings, the definition of this pipeline, and the operations of `local` and `cloud`.
//! Must never know how a step does its work: it starts steps as processes or containers and never
//! links them.
//!
//! The modules depend on each other from top to bottom: `cli`, `commands`, `output`, `arguments`,
//! `definition`, `initial_settings`, `error`, `default_config`.
//!
//! # Example
//!
//! The settings decide the definition, which a local run and a deployment share:
//!
//! ```
//! use config::Settings;
//!
//! let yaml = "
//! s3_paths: { bucket: plant-7 }
//! aws: { account_id: '123456789012', role_arn: 'arn:aws:iam::123456789012:role/jobs' }
//! hyperparameters: { max_depth: 12 }
//! ";
//! let settings = Settings::from_yaml("plant.yaml", yaml, |_| None)?;
//! let definition = orchestrator::build(&settings);
//!
//! let steps = definition.steps_recursive();
//! let names: Vec<&str> = steps.iter().map(|placed| placed.step.name.as_str()).collect();
//! assert_eq!(
//!     names,
//!     ["Preprocess", "Train", "Evaluate", "QualityGate", "Register", "QualityGateFailed"],
//! );
//!
//! // A setting is the default of a parameter, which each execution can override.
//! let values = definition.parameter_values([("MinRecall", "0.9")])?;
//! assert_eq!(values["MaxDepth"], 12);
//! assert_eq!(values["MinRecall"], 0.9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arguments;
mod cli;
mod commands;
mod default_config;
mod definition;
mod error;
mod initial_settings;
mod output;
#[cfg(feature = "aws")]
mod sagemaker_error;

pub use cli::main;
pub use definition::{TableDocument, build};

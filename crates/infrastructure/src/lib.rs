//! The permissions and resources that the pipeline needs in an AWS account: IAM policies and a
//! CloudFormation template. Both depend on the settings and the definition alone, so the same
//! settings give the same text.
//!
//! Knows the names of AWS actions, resources and properties. Must never know AWS clients, files or
//! the network: whoever has an account applies what is printed.
//!
//! ```
//! use infrastructure::{PolicyKind, policy, template};
//! use pipeline::{
//!     AppSpecification, ClusterConfig, Definition, ProcessingArguments, ProcessingInput, Step,
//! };
//!
//! let yaml = "
//! s3_paths: { bucket: plant-7 }
//! aws: { account_id: '123456789012', role_arn: 'arn:aws:iam::123456789012:role/jobs' }
//! ";
//! let settings = config::Settings::from_yaml("plant.yaml", yaml, |_| None)?;
//!
//! let cluster = ClusterConfig::new("ml.m5.large", 1_i64, 30_i64);
//! let app = AppSpecification::new("123456789012.dkr.ecr.eu-central-1.amazonaws.com/clean:1");
//! let mut arguments = ProcessingArguments::new(cluster, app, settings.aws.role_arn.as_str());
//! arguments.processing_inputs =
//!     vec![ProcessingInput::new("table", "s3://plant/tables/", "/opt/ml/processing/table")];
//! let definition = Definition::new(Vec::new(), vec![Step::new("Clean", arguments)]);
//!
//! let policy = policy(PolicyKind::Execution, &settings, &definition);
//! assert!(policy.actions().any(|action| action == "sagemaker:CreateProcessingJob"));
//! assert!(!policy.actions().any(|action| action == "sagemaker:CreateTrainingJob"));
//! assert!(policy.to_json().contains("arn:aws:s3:::plant/tables/*"));
//!
//! assert!(template(&settings, &definition).contains("AWS::IAM::Role"));
//! # Ok::<(), config::ConfigError>(())
//! ```

mod account;
mod document;
mod hosting;
mod images;
mod inventory;
mod log_groups;
mod policy;
mod stages;
mod statements;
mod storage;
mod template;

pub use config::{DEFINITIONS, partition};
pub use document::{Policy, Statement};
pub use hosting::{MADE_FOR, endpoint_log_group, hosted_prefix};
pub use images::{Repository, repositories};
pub use log_groups::{LogGroups, log_groups};
pub use policy::{NEEDS_NO_PERMISSION, PolicyKind, jobs_may_read, policy};
pub use template::template;

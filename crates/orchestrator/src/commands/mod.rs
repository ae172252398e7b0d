//! The commands, each in a file of its own: its arguments, the call that does the work, and the
//! output.

pub mod clean;
mod confirm;
pub mod definition;
pub mod iam_policy;
pub mod infrastructure;
pub mod init;
mod input;
mod model_choice;
pub mod models;
mod origin;
mod past_execution;
pub mod predict;
mod registration;
pub mod reproduce;
pub mod run;
#[cfg(feature = "aws")]
pub mod sagemaker;
#[cfg(not(feature = "aws"))]
#[path = "without_aws.rs"]
pub mod sagemaker;
pub mod sample;
pub mod schema;
pub mod serve;
pub mod validate;

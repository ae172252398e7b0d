//! What the pipeline needs of an AWS account: who may do what, as IAM policies, and where it all
//! lives, as a CloudFormation template. Both come from the settings and the definition alone, so
//! the same settings give the same text.
//!
//! Knows the names of AWS actions, resources and properties. Must never know AWS clients, files or
//! the network: whoever has an account applies what is printed.

mod account;
mod document;
mod images;
mod needs;
mod policy;
mod storage;
mod template;

pub use document::{Policy, Statement};
pub use images::Repository;
pub use policy::{DEFINITIONS, NEEDS_NO_PERMISSION, PolicyKind, policy};
pub use template::template;

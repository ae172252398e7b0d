//! What Processing and Training jobs share.
//!
//! The structs follow the API's members one by one. What the API requires is required here; every
//! other member is optional, and `other` keeps the members without a name here.

pub(crate) mod processing;
pub(crate) mod training;

use serde::{Deserialize, Serialize};

use crate::expression::Expression;

/// `Tags[]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    /// At most 128 characters.
    pub key: Expression,
    /// At most 256 characters.
    pub value: Expression,
}

impl Tag {
    /// A tag.
    pub fn new(key: impl Into<Expression>, value: impl Into<Expression>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// `VpcConfig`: where a job's network interfaces are put.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcConfig {
    /// 1 to 5.
    pub security_group_ids: Vec<Expression>,
    /// 1 to 16.
    pub subnets: Vec<Expression>,
}

/// `StoppingCondition`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct StoppingCondition {
    /// After which the service stops the job.
    pub max_runtime_in_seconds: Expression,
    /// Training on spot instances only: waiting included, so at least the maximal run time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wait_time_in_seconds: Option<Expression>,
    /// Training only: how long a job may wait for its instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_pending_time_in_seconds: Option<Expression>,
}

impl StoppingCondition {
    /// Only a maximal run time.
    pub fn seconds(seconds: impl Into<Expression>) -> Self {
        Self {
            max_runtime_in_seconds: seconds.into(),
            max_wait_time_in_seconds: None,
            max_pending_time_in_seconds: None,
        }
    }
}

/// `ExperimentConfig` of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ExperimentConfig {
    /// An experiment that exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment_name: Option<Expression>,
    /// A trial that exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_name: Option<Expression>,
    /// What Studio shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_component_display_name: Option<Expression>,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_name: Option<Expression>,
}

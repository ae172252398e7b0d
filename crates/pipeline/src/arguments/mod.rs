//! The arguments of Processing and Training steps, and the types that both use.
//!
//! The structs have the members of the API's requests. What the API requires is required here; every
//! other member is optional, and `other` keeps members that have no field of their own.

pub(crate) mod processing;
pub(crate) mod training;

use serde::{Deserialize, Serialize};

use crate::expression::Expression;

/// An entry of `Tags`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    /// The key, at most 128 characters.
    pub key: Expression,
    /// The value, at most 256 characters.
    pub value: Expression,
}

impl Tag {
    /// Creates a tag.
    pub fn new(key: impl Into<Expression>, value: impl Into<Expression>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// `VpcConfig`: the network that a job's instances are attached to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcConfig {
    /// The security groups, 1 to 5.
    pub security_group_ids: Vec<Expression>,
    /// The subnets, 1 to 16.
    pub subnets: Vec<Expression>,
}

/// `StoppingCondition`: the time limits of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct StoppingCondition {
    /// The maximum run time in seconds, after which the service stops the job.
    pub max_runtime_in_seconds: Expression,
    /// The maximum run time and waiting time together in seconds, at least the maximum run time. Only
    /// for Training on spot instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wait_time_in_seconds: Option<Expression>,
    /// The maximum time in seconds that a job may wait for its instances. Only for Training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_pending_time_in_seconds: Option<Expression>,
}

impl StoppingCondition {
    /// Creates a condition with only a maximum run time.
    pub fn seconds(seconds: impl Into<Expression>) -> Self {
        Self {
            max_runtime_in_seconds: seconds.into(),
            max_wait_time_in_seconds: None,
            max_pending_time_in_seconds: None,
        }
    }
}

/// `ExperimentConfig`: the experiment that a job belongs to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ExperimentConfig {
    /// The name of an existing experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment_name: Option<Expression>,
    /// The name of an existing trial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_name: Option<Expression>,
    /// The name of the trial component shown in Studio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial_component_display_name: Option<Expression>,
    /// The name of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_name: Option<Expression>,
}

//! The log groups of jobs and of what hosts a model.

use config::Settings;
use pipeline::Definition;

use crate::hosting::{TRANSFORMS, endpoint_log_group};
use crate::inventory::Inventory;

/// The log groups of what SageMaker runs, which the template creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroups {
    /// Those of the jobs.
    pub jobs: Vec<String>,
    /// Those of the endpoint and of batch transforms.
    pub hosts: Vec<String>,
}

/// Returns the log groups of what the settings and the definition run.
pub fn log_groups(settings: &Settings, definition: &Definition) -> LogGroups {
    let inventory = Inventory::of(settings, definition);
    LogGroups {
        jobs: inventory.jobs.iter().map(|job| job.log_group().to_owned()).collect(),
        hosts: vec![endpoint_log_group(settings.endpoint_name()), TRANSFORMS.to_owned()],
    }
}

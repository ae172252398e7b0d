//! The check of the quotas that limit jobs.

use aws::CallError;

use super::check::{Doctor, Remedy, Verdict};
use crate::Cloud;

/// The service quota that limits a kind of job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobQuota {
    /// The quota `<instance type> for processing job usage`.
    Processing,
    /// The quota `<instance type> for training job usage`.
    Training,
}

/// The instances of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobMachine {
    /// The instance type, such as `ml.m5.large`.
    pub instance_type: String,
    /// The number of instances.
    pub count: u32,
    /// The quota that limits them.
    pub quota: JobQuota,
}

impl Doctor<'_> {
    pub(super) fn quotas(&mut self, machines: &[JobMachine]) {
        const ACTION: &str = "servicequotas:ListServiceQuotas";
        let mut needed: Vec<(String, u32)> = Vec::new();
        for JobMachine { instance_type, count, quota } in machines {
            let kind = match quota {
                JobQuota::Processing => "processing",
                JobQuota::Training => "training",
            };
            let name = format!("{instance_type} for {kind} job usage");
            match needed.iter_mut().find(|(known, _)| *known == name) {
                Some((_, most)) => *most = (*most).max(*count),
                None => needed.push((name, *count)),
            }
        }
        let call = self.cloud.aws.quotas().list_service_quotas().service_code("sagemaker");
        let mut pages = call.into_paginator().items().send();
        let mut is_empty = true;
        while let Some(quota) = self.cloud.aws.wait(pages.next()) {
            let quota = match quota {
                Ok(quota) => quota,
                Err(error) => {
                    let error = CallError::of(ACTION, error);
                    return self.unchecked("quotas", &error);
                }
            };
            is_empty = false;
            let (Some(name), Some(value)) = (quota.quota_name(), quota.value()) else { continue };
            let Some(place) = needed.iter().position(|(needed, _)| needed == name) else {
                continue;
            };
            let (name, count) = needed.swap_remove(place);
            if value >= f64::from(count) {
                self.ok("quota", &format!("{name}: {value}"));
            } else {
                let found = format!("{name}: {value}, and a job takes {count}");
                let code = quota.quota_code().unwrap_or_default().to_owned();
                self.error("quota", &found, Remedy::RaiseQuota { code, count });
            }
        }
        if is_empty {
            // An account has hundreds of them.
            return self.unchecked("quotas", &Cloud::missing(ACTION, "Quotas"));
        }
        for (name, _) in needed {
            self.add(Verdict::Warning, "quota", &format!("{name}: the account lists none"), None);
        }
    }
}

//! The results of checks, and the list of them.

use aws::CallError;
use common::chain;
use serde::Serialize;

use crate::Cloud;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The check passed.
    Ok,
    /// The subject is not needed yet, or AWS has refused to tell.
    Warning,
    /// A deployment or an execution will fail.
    Error,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is checked, such as `bucket`.
    pub subject: String,
    /// The result.
    pub verdict: Verdict,
    /// A description of the result.
    pub found: String,
    /// The remedy, if there is one.
    pub remedy: Option<Remedy>,
}

/// A remedy for a failed check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The credentials must be renewed or replaced.
    RenewCredentials,
    /// Another profile or account id must be configured.
    UseOtherProfile,
    /// The credentials need more permissions.
    GrantPermissions,
    /// AWS must be asked again later.
    AskAgain,
    /// The execution role must be created or changed.
    CreateRole,
    /// Another execution role must be configured.
    UseRole {
        /// The ARN of the role that is there, if one is.
        arn: Option<String>,
    },
    /// The execution role needs other policies.
    GrantToRole,
    /// The policy that denies must be changed.
    ChangeDenial,
    /// Another KMS key must be configured, or this one enabled.
    UseKey,
    /// Other subnets or security groups must be configured.
    UseNetwork,
    /// The bucket must be created.
    CreateBucket,
    /// A bucket of the target's region must be configured, or the region of the bucket.
    UseBucketOfRegion {
        /// The bucket's region.
        bucket: String,
        /// The target's region.
        target: String,
    },
    /// A bucket of the target's account must be configured, or the credentials need more permissions.
    UseOwnBucket {
        /// The target's account.
        account: String,
    },
    /// The input table must be uploaded.
    UploadInput,
    /// The images must be built and pushed to the registry.
    BuildImages {
        /// The registry's host name.
        registry: String,
    },
    /// The repository must be created.
    CreateRepository,
    /// The log group must be created.
    CreateLogGroup,
    /// The log group must forget after some time.
    SetRetention {
        /// The log group.
        group: String,
    },
    /// The bucket must send events to EventBridge.
    SendEvents {
        /// The bucket.
        bucket: String,
    },
    /// Another tag must be configured, or the image pushed.
    UseTag {
        /// The tag of the repository's newest image.
        newest: String,
        /// The registry's host name.
        registry: String,
    },
    /// The images must be built for another architecture and pushed to the registry.
    BuildImagesFor {
        /// The architecture, `amd64` or `arm64`.
        architecture: &'static str,
        /// The registry's host name.
        registry: String,
    },
    /// A service quota must be raised.
    RaiseQuota {
        /// The quota's code.
        code: String,
        /// The value that is needed.
        count: u32,
    },
    /// The pipeline must be deployed.
    Deploy,
}

/// The checks so far, and the account that they are of.
pub(super) struct Doctor<'a> {
    pub(super) cloud: &'a Cloud,
    pub(super) checks: Vec<Check>,
}

impl<'a> Doctor<'a> {
    pub(super) fn new(cloud: &'a Cloud) -> Self {
        Self { cloud, checks: Vec::new() }
    }

    pub(super) fn add(
        &mut self,
        verdict: Verdict,
        subject: &str,
        found: &str,
        remedy: Option<Remedy>,
    ) {
        self.checks.push(Check {
            subject: subject.to_owned(),
            verdict,
            found: found.to_owned(),
            remedy,
        });
    }

    pub(super) fn ok(&mut self, subject: &str, found: &str) {
        self.add(Verdict::Ok, subject, found, None);
    }

    pub(super) fn error(&mut self, subject: &str, found: &str, remedy: Remedy) {
        self.add(Verdict::Error, subject, found, Some(remedy));
    }

    /// Reports something that could not be checked and may still be right, unless the answer itself is wrong. More
    /// permissions help only where they were refused.
    pub(super) fn unchecked(&mut self, subject: &str, error: &CallError) {
        if error.is_garbled() {
            return self.error(subject, &chain(error), Remedy::AskAgain);
        }
        let remedy = if error.is_denied() {
            Some(Remedy::GrantPermissions)
        } else {
            error.is_transient().then_some(Remedy::AskAgain)
        };
        self.add(Verdict::Warning, subject, &chain(error), remedy);
    }
}

//! An AWS account, and the ARNs of its resources.

use config::{Aws, partition};

/// The account and region of the settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account<'a> {
    pub(crate) region: &'a str,
    pub(crate) id: &'a str,
}

impl<'a> Account<'a> {
    pub(crate) fn of(aws: &'a Aws) -> Self {
        Self { region: &aws.region, id: &aws.account_id }
    }

    /// Returns the partition: `aws`, `aws-cn` or `aws-us-gov`.
    pub(crate) fn partition(self) -> &'static str {
        partition(self.region)
    }

    /// Returns `arn:<partition>:<service>:<region>:<account>:<resource>`.
    pub(crate) fn arn(self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition(), self.region, self.id)
    }

    /// Returns the ARN of a bucket or of objects in it. Bucket names are unique in a partition, so
    /// these ARNs have no region and no account.
    pub(crate) fn s3(self, resource: &str) -> String {
        format!("arn:{}:s3:::{resource}", self.partition())
    }
}

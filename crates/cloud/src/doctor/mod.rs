//! Checks of everything that a deployment needs.

mod account;
mod check;
mod images;
mod keys;
mod network;
mod quotas;
mod role;
mod trust;

use common::chain;

use self::check::Doctor;
use crate::{Cloud, CloudError, EcrImage, identity_of};

pub use account::AccountNeeds;
pub use check::{Check, Remedy, Verdict};
pub use images::architecture_of;
pub use keys::KmsKey;
pub use quotas::{JobMachine, JobQuota};

/// The action that allows looking for a bucket, and for what is in it.
const LIST: &str = "s3:ListBucket";

/// What a deployment needs.
#[derive(Debug)]
pub struct Needs {
    /// What it needs of the account.
    pub account: AccountNeeds,
    /// The images.
    pub images: Vec<EcrImage>,
    /// The instances of each job.
    pub machines: Vec<JobMachine>,
    /// The key or prefix of the input table.
    pub input_key: String,
}

impl Cloud {
    /// Checks region, credentials, role and its permissions, bucket, input, keys, network, images, quotas
    /// and the pipeline. A failed check does not end the others.
    pub fn check_everything(&self, needs: Needs) -> Vec<Check> {
        let mut doctor = Doctor::new(self);
        doctor.ok("region", self.aws.region());
        doctor.credentials();
        if doctor.role() {
            doctor.permissions(&needs.account.permissions);
        }
        doctor.bucket();
        doctor.input(&needs.input_key);
        doctor.keys(&needs.account.keys);
        if let Some(network) = &needs.account.network {
            doctor.network(network);
        }
        doctor.images(needs.images, true);
        doctor.quotas(&needs.machines);
        doctor.pipeline();
        doctor.checks
    }

    /// Checks what an endpoint needs besides its model: the role, and the image that it runs.
    pub fn check_hosting(&self, image: EcrImage) -> Vec<Check> {
        let mut doctor = Doctor::new(self);
        doctor.role();
        doctor.images(vec![image], false);
        doctor.checks
    }
}

impl Doctor<'_> {
    fn credentials(&mut self) {
        let wanted = &self.cloud.target.account_id;
        match identity_of(&self.cloud.aws) {
            Ok(identity) if identity.account() == Some(wanted) => {
                self.ok("credentials", identity.arn().unwrap_or(wanted));
            }
            Ok(identity) => {
                let found = identity.account().unwrap_or_default();
                self.error(
                    "credentials",
                    &format!("they are of account {found}, and aws.account_id is {wanted}"),
                    Remedy::UseOtherProfile,
                );
            }
            Err(error) => self.error("credentials", &chain(&error), Remedy::RenewCredentials),
        }
    }

    fn bucket(&mut self) {
        let bucket = &self.cloud.target.bucket;
        let account = &self.cloud.target.account_id;
        let call = self.cloud.aws.s3().head_bucket().bucket(bucket).expected_bucket_owner(account);
        match self.cloud.s3_call(LIST, bucket, "", call.send()) {
            Ok(answer) => match answer.bucket_region() {
                Some(region) if region != self.cloud.aws.region() => {
                    let found = format!("{bucket} is in {region}");
                    let target = self.cloud.aws.region().to_owned();
                    let remedy = Remedy::UseBucketOfRegion { bucket: region.to_owned(), target };
                    self.error("bucket", &found, remedy);
                }
                _ => self.ok("bucket", bucket),
            },
            Err(error) if error.is_absent() => {
                self.error("bucket", &format!("{bucket} is not there"), Remedy::CreateBucket);
            }
            // S3 does not say which of them it is.
            Err(error) if error.is_denied() => {
                let found = format!(
                    "{bucket} is of another account than {account}, or these credentials may not look at it: {}",
                    chain(&error)
                );
                let remedy = Remedy::UseOwnBucket { account: account.clone() };
                self.error("bucket", &found, remedy);
            }
            Err(error) => self.unchecked("bucket", &error),
        }
    }

    fn input(&mut self, key: &str) {
        let bucket = &self.cloud.target.bucket;
        let call = self.cloud.aws.s3().list_objects_v2().bucket(bucket).prefix(key).max_keys(1);
        let call = call.expected_bucket_owner(&self.cloud.target.account_id);
        let place = format!("s3://{bucket}/{key}");
        match self.cloud.s3_call(LIST, bucket, "", call.send()) {
            // A key that only begins with the same letters is another table.
            Ok(answer)
                if answer
                    .contents()
                    .iter()
                    .filter_map(|object| object.key())
                    .any(|found| found == key || key.ends_with('/')) =>
            {
                self.ok("input", &place);
            }
            Ok(_) => {
                let found = format!("{place} is not there");
                self.add(Verdict::Warning, "input", &found, Some(Remedy::UploadInput));
            }
            // The bucket has been reported already.
            Err(error) if error.is_absent() => {}
            Err(error) => self.unchecked("input", &error),
        }
    }

    fn pipeline(&mut self) {
        match self.cloud.deployed() {
            Ok(Some(deployed)) => self.ok("pipeline", &deployed.arn),
            Ok(None) => {
                let found = format!("{} is not deployed", self.cloud.target.pipeline_name);
                self.add(Verdict::Warning, "pipeline", &found, Some(Remedy::Deploy));
            }
            Err(CloudError::Call(error)) => self.unchecked("pipeline", &error),
            Err(error) => self.error("pipeline", &chain(&error), Remedy::Deploy),
        }
    }
}

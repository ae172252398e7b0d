//! Checks of everything that a deployment needs.

use aws::CallError;
use common::chain;
use serde::Serialize;
use serde_json::Value;

use crate::images::MANIFEST;
use crate::{Cloud, CloudError, EcrImage};

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The check passed.
    Ok,
    /// The subject is not needed yet, or could not be checked.
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
    /// The execution role must be created or changed.
    CreateRole,
    /// The bucket must be created.
    CreateBucket,
    /// A bucket of the target's region must be configured.
    UseBucketOfRegion,
    /// The input table must be uploaded.
    UploadInput,
    /// The images must be built and pushed to the registry.
    BuildImages {
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

impl Cloud {
    /// Checks region, credentials, role, bucket, the input at `input_key`, images, quotas and the
    /// pipeline. A failed check does not end the others.
    pub fn check_everything(
        &self,
        images: Vec<EcrImage>,
        machines: &[JobMachine],
        input_key: &str,
    ) -> Vec<Check> {
        let mut doctor = Doctor { cloud: self, checks: Vec::new() };
        doctor.ok("region", self.aws.region());
        doctor.credentials();
        doctor.role();
        doctor.bucket();
        doctor.input(input_key);
        doctor.images(images);
        doctor.quotas(machines);
        doctor.pipeline();
        doctor.checks
    }

    /// Checks what an endpoint needs besides its model: the role, and the image that it runs.
    pub fn check_hosting(&self, image: EcrImage) -> Vec<Check> {
        let mut doctor = Doctor { cloud: self, checks: Vec::new() };
        doctor.role();
        doctor.images(vec![image]);
        doctor.checks
    }
}

struct Doctor<'a> {
    cloud: &'a Cloud,
    checks: Vec<Check>,
}

impl Doctor<'_> {
    fn add(&mut self, verdict: Verdict, subject: &str, found: &str, remedy: Option<Remedy>) {
        self.checks.push(Check {
            subject: subject.to_owned(),
            verdict,
            found: found.to_owned(),
            remedy,
        });
    }

    fn ok(&mut self, subject: &str, found: &str) {
        self.add(Verdict::Ok, subject, found, None);
    }

    fn error(&mut self, subject: &str, found: &str, remedy: Remedy) {
        self.add(Verdict::Error, subject, found, Some(remedy));
    }

    /// Reports something that could not be checked and may still be right.
    fn unchecked(&mut self, subject: &str, error: &CallError) {
        self.add(Verdict::Warning, subject, &chain(error), Some(Remedy::GrantPermissions));
    }

    fn credentials(&mut self) {
        let sts = self.cloud.aws.sts();
        let wanted = &self.cloud.target.account_id;
        match self.cloud.aws.call("sts:GetCallerIdentity", sts.get_caller_identity().send()) {
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

    fn role(&mut self) {
        let arn = &self.cloud.target.role_arn;
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let call = self.cloud.aws.iam().get_role().role_name(name);
        let remedy = Remedy::CreateRole;
        let role = match self.cloud.aws.call("iam:GetRole", call.send()) {
            Ok(answer) => answer.role,
            Err(error) if error.is_absent() => {
                return self.error("role", &format!("{arn} is not there"), remedy);
            }
            Err(error) => return self.unchecked("role", &error),
        };
        let trust = role.and_then(|role| role.assume_role_policy_document).unwrap_or_default();
        if trusts_sagemaker(&percent_decoded(&trust)) {
            self.ok("role", arn);
        } else {
            let found = format!("{arn} does not trust sagemaker.amazonaws.com");
            self.error("role", &found, remedy);
        }
    }

    fn bucket(&mut self) {
        let bucket = &self.cloud.target.bucket;
        let call = self.cloud.aws.s3().head_bucket().bucket(bucket);
        match self.cloud.aws.call("s3:HeadBucket", call.send()) {
            Ok(answer) => match answer.bucket_region() {
                Some(region) if region != self.cloud.aws.region() => {
                    let found = format!("{bucket} is in {region}");
                    self.error("bucket", &found, Remedy::UseBucketOfRegion);
                }
                _ => self.ok("bucket", bucket),
            },
            Err(error) if error.is_absent() => {
                self.error("bucket", &format!("{bucket} is not there"), Remedy::CreateBucket);
            }
            Err(error) => self.unchecked("bucket", &error),
        }
    }

    fn input(&mut self, key: &str) {
        let bucket = &self.cloud.target.bucket;
        let call = self.cloud.aws.s3().list_objects_v2().bucket(bucket).prefix(key).max_keys(1);
        let place = format!("s3://{bucket}/{key}");
        match self.cloud.aws.call("s3:ListObjectsV2", call.send()) {
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

    fn images(&mut self, mut images: Vec<EcrImage>) {
        if let Err(error) = self.cloud.look_up(&mut images) {
            return self.unchecked("images", &error);
        }
        for image in &images {
            self.image(image);
        }
    }

    fn image(&mut self, image: &EcrImage) {
        let EcrImage { name, uri, .. } = image;
        let registry = image.registry().to_owned();
        let Some((digest, kind)) = image.manifest() else {
            let remedy = Remedy::BuildImages { registry };
            return self.error(name, &format!("{uri} is not there"), remedy);
        };
        if let Some(kind) = kind.filter(|kind| *kind != MANIFEST) {
            let found = format!("{uri} is of type {kind}, expected {MANIFEST}");
            return self.error(name, &found, Remedy::BuildImages { registry });
        }
        let digest = if image.is_by_digest() { String::new() } else { format!(" {digest}") };
        let built = match self.cloud.architecture(image) {
            Ok(built) => built,
            Err(error) => return self.unchecked(name, &error),
        };
        match &image.instance_type {
            Some(instance_type) if built != architecture_of(instance_type) => {
                let architecture = architecture_of(instance_type);
                let found =
                    format!("{uri} is built for {built}, and {instance_type} takes {architecture}");
                self.error(name, &found, Remedy::BuildImagesFor { architecture, registry });
            }
            _ => self.ok(name, &format!("{uri}{digest} {built}")),
        }
    }

    fn quotas(&mut self, machines: &[JobMachine]) {
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
        while let Some(quota) = self.cloud.aws.wait(pages.next()) {
            let quota = match quota {
                Ok(quota) => quota,
                Err(error) => {
                    let error = CallError::of("servicequotas:ListServiceQuotas", error);
                    return self.unchecked("quotas", &error);
                }
            };
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
        for (name, _) in needed {
            self.add(Verdict::Warning, "quota", &format!("{name}: the account lists none"), None);
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

/// Returns the processor architecture of an instance type as images call it: `arm64` for AWS's own
/// processors, whose types have a g after the generation, such as `ml.c7g.large`, else `amd64`.
pub fn architecture_of(instance_type: &str) -> &'static str {
    let family = instance_type.split('.').nth(1).unwrap_or_default();
    let behind = family.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let behind = behind.trim_start_matches(|c: char| c.is_ascii_digit());
    if behind.starts_with('g') { "arm64" } else { "amd64" }
}

/// Returns whether a trust policy lets SageMaker assume the role.
fn trusts_sagemaker(policy: &str) -> bool {
    const SAGEMAKER: &str = "sagemaker.amazonaws.com";
    let list = |value: &Value| match value {
        Value::Array(list) => list.clone(),
        other => vec![other.clone()],
    };
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    list(&policy["Statement"]).iter().any(|statement| {
        statement["Effect"] == "Allow"
            && list(&statement["Action"]).iter().any(|action| action == "sts:AssumeRole")
            && list(&statement["Principal"]["Service"]).iter().any(|service| service == SAGEMAKER)
    })
}

/// Decodes the percent encoding in which IAM returns policies: `%7B%22Version%22...`.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], code) {
            (b'%', Some(code)) => {
                plain.push(code);
                at += 3;
            }
            (byte, _) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_architecture_follows_from_the_instance_type() {
        for intel in ["ml.m5.large", "ml.g5.xlarge", "ml.g4dn.xlarge", "ml.p4d.24xlarge", "local"] {
            assert_eq!(architecture_of(intel), "amd64", "{intel}");
        }
        for graviton in ["ml.c7g.large", "ml.m6gd.large", "ml.t4g.medium", "ml.r8g.large"] {
            assert_eq!(architecture_of(graviton), "arm64", "{graviton}");
        }
    }

    #[test]
    fn percent_encoding_is_decoded_and_anything_else_stays() {
        assert_eq!(percent_decoded("%7B%22a%22%3a+1%7D"), r#"{"a":+1}"#);
        assert_eq!(percent_decoded("%C3%A4%2525"), "\u{e4}%25");
        for text in ["100%", "%2", "%zz", "%\u{e4}", ""] {
            assert_eq!(percent_decoded(text), text);
        }
        // A byte that is not UTF-8 is replaced.
        assert_eq!(percent_decoded("%FF"), "\u{fffd}");
    }

    #[test]
    fn a_percent_encoded_trust_policy_is_understood() {
        let policy = "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B\
                      %22Service%22%3A%22sagemaker.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D";
        assert!(trusts_sagemaker(&percent_decoded(policy)));
        assert!(!trusts_sagemaker(&percent_decoded(policy).replace("sagemaker.", "ec2.")));
        assert!(!trusts_sagemaker(&percent_decoded(policy).replace("Allow", "Deny")));
        assert!(!trusts_sagemaker("no JSON"));
    }
}

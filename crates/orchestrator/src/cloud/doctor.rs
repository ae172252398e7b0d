//! `orchestrator doctor`: what a deployment needs, looked at one by one.

use aws::CallError;
use clap::Args;
use container::{Exit, chain};
use serde::Serialize;
use serde_json::{Value, json};

use super::Cloud;
use super::images::MANIFEST;
use crate::command::{CommandError, Config, print_json, print_text};
use crate::definition::{Machine, machines};

/// What `doctor` is told.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: Config,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    /// It will do, or could not be told.
    Warning,
    /// A deployment or an execution will fail.
    Error,
}

/// Something that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    subject: String,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// Looks at everything, whatever it finds on the way.
pub fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let cloud = Cloud::connect(&arguments.config)?;
    let mut doctor = Doctor { cloud: &cloud, checks: Vec::new() };
    doctor.ok("region", cloud.aws.region());
    doctor.credentials();
    doctor.role();
    doctor.bucket();
    doctor.input();
    doctor.images();
    doctor.quotas();
    doctor.pipeline();
    let checks = doctor.checks;
    let ill = checks.iter().any(|check| check.verdict == Verdict::Error);
    if arguments.json {
        print_json(&json!({ "healthy": !ill, "checks": checks }))?;
    } else {
        let line = |check: &Check| {
            let verdict = match check.verdict {
                Verdict::Ok => "ok",
                Verdict::Warning => "warning",
                Verdict::Error => "error",
            };
            let mut line = format!("{verdict:<8} {:<12} {}\n", check.subject, check.found);
            if let Some(remedy) = &check.remedy {
                line.push_str(&format!("{:<21} {remedy}\n", ""));
            }
            line
        };
        print_text(&checks.iter().map(line).collect::<String>())?;
    }
    Ok(if ill { Exit::Aws } else { Exit::Done })
}

struct Doctor<'a> {
    cloud: &'a Cloud,
    checks: Vec<Check>,
}

impl Doctor<'_> {
    fn tell(&mut self, verdict: Verdict, subject: &str, found: &str, remedy: Option<&str>) {
        self.checks.push(Check {
            subject: subject.to_owned(),
            verdict,
            found: found.to_owned(),
            remedy: remedy.map(str::to_owned),
        });
    }

    fn ok(&mut self, subject: &str, found: &str) {
        self.tell(Verdict::Ok, subject, found, None);
    }

    fn error(&mut self, subject: &str, found: &str, remedy: &str) {
        self.tell(Verdict::Error, subject, found, Some(remedy));
    }

    /// What could not be looked at; that need not be wrong.
    fn untold(&mut self, subject: &str, error: &CallError) {
        let remedy = "what these credentials may do: `orchestrator iam-policy deploy`";
        self.tell(Verdict::Warning, subject, &chain(error), Some(remedy));
    }

    fn credentials(&mut self) {
        let sts = self.cloud.aws.sts();
        let wanted = &self.cloud.settings.aws.account_id;
        match self.cloud.aws.call("sts:GetCallerIdentity", sts.get_caller_identity().send()) {
            Ok(identity) if identity.account() == Some(wanted) => {
                self.ok("credentials", identity.arn().unwrap_or(wanted));
            }
            Ok(identity) => {
                let found = identity.account().unwrap_or_default();
                self.error(
                    "credentials",
                    &format!("they are of account {found}, and aws.account_id is {wanted}"),
                    "choose another AWS_PROFILE, or set AWS_ACCOUNT_ID",
                );
            }
            Err(error) => self.error("credentials", &chain(&error), "renew or replace them"),
        }
    }

    fn role(&mut self) {
        let arn = &self.cloud.settings.aws.role_arn;
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let call = self.cloud.aws.iam().get_role().role_name(name);
        let remedy = "`orchestrator infrastructure` prints a template that makes it, `orchestrator \
                      iam-policy execution` what it may do";
        let role = match self.cloud.aws.call("iam:GetRole", call.send()) {
            Ok(answer) => answer.role,
            Err(error) if error.is_absent() => {
                return self.error("role", &format!("{arn} is not there"), remedy);
            }
            Err(error) => return self.untold("role", &error),
        };
        let trust = role.and_then(|role| role.assume_role_policy_document).unwrap_or_default();
        if trusts_sagemaker(&decoded(&trust)) {
            self.ok("role", arn);
        } else {
            let found = format!("{arn} does not trust sagemaker.amazonaws.com");
            self.error("role", &found, remedy);
        }
    }

    fn bucket(&mut self) {
        let bucket = &self.cloud.settings.s3_paths.bucket;
        let call = self.cloud.aws.s3().head_bucket().bucket(bucket);
        let remedy = "`orchestrator infrastructure` prints a template that makes it";
        match self.cloud.aws.call("s3:HeadBucket", call.send()) {
            Ok(answer) => match answer.bucket_region() {
                Some(region) if region != self.cloud.aws.region() => {
                    let found = format!("{bucket} is in {region}");
                    self.error("bucket", &found, "s3_paths.bucket names one of the same region");
                }
                _ => self.ok("bucket", bucket),
            },
            Err(error) if error.is_absent() => {
                self.error("bucket", &format!("{bucket} is not there"), remedy);
            }
            Err(error) => self.untold("bucket", &error),
        }
    }

    fn input(&mut self) {
        let paths = &self.cloud.settings.s3_paths;
        let call = self.cloud.aws.s3().list_objects_v2().bucket(&paths.bucket);
        let call = call.prefix(&paths.input_dataset).max_keys(1);
        let place = format!("s3://{}/{}", paths.bucket, paths.input_dataset);
        match self.cloud.aws.call("s3:ListObjectsV2", call.send()) {
            // what only begins with the same letters is another table
            Ok(answer)
                if !answer.contents().iter().filter_map(|object| object.key()).any(|key| {
                    key == paths.input_dataset || paths.input_dataset.ends_with('/')
                }) =>
            {
                self.tell(
                    Verdict::Warning,
                    "input",
                    &format!("{place} is not there"),
                    Some("`orchestrator deploy --upload FILE` puts a table there"),
                );
            }
            Ok(_) => self.ok("input", &place),
            // the bucket has been spoken of
            Err(error) if error.is_absent() => {}
            Err(error) => self.untold("input", &error),
        }
    }

    fn images(&mut self) {
        let mut images = self.cloud.images();
        if let Err(error) = self.cloud.look_up(&mut images) {
            return self.untold("images", &error);
        }
        let machines = machines(&self.cloud.settings);
        for image in &images {
            // no job runs the image that serves
            let machine = machines.iter().find(|machine| machine.image.name() == image.step);
            let registry = image.uri.split('/').next().unwrap_or_default();
            let remedy = format!("scripts/build-images, then scripts/push-images {registry}");
            let Some((digest, kind)) = &image.found else {
                let found = format!("{} is not there", image.uri);
                let verdict = match image.step {
                    "serve" => Verdict::Warning,
                    _ => Verdict::Error,
                };
                self.tell(verdict, image.step, &found, Some(&remedy));
                continue;
            };
            if let Some(kind) = kind.as_ref().filter(|kind| *kind != MANIFEST) {
                let found = format!("{} is of type {kind}, expected {MANIFEST}", image.uri);
                self.error(image.step, &found, &remedy);
                continue;
            }
            let digest = match image.is_by_digest() {
                true => String::new(),
                false => format!(" {digest}"),
            };
            match (self.cloud.architecture(image), machine) {
                (Err(error), _) => self.untold(image.step, &error),
                (Ok(built), Some(Machine { instance_type, .. }))
                    if built != processor(instance_type) =>
                {
                    let wanted = processor(instance_type);
                    let found = format!(
                        "{} is built for {built}, and {instance_type} takes {wanted}",
                        image.uri
                    );
                    let remedy = format!(
                        "scripts/build-images --platform linux/{wanted}, then scripts/push-images \
                         {registry}"
                    );
                    self.error(image.step, &found, &remedy);
                }
                (Ok(built), _) => {
                    self.ok(image.step, &format!("{}{digest} {built}", image.uri));
                }
            }
        }
    }

    fn quotas(&mut self) {
        let settings = &self.cloud.settings;
        let mut wanted: Vec<(String, u32)> = Vec::new();
        for machine in machines(settings) {
            let is_training = machine.image == config::Image::Train;
            let kind = if is_training { "training" } else { "processing" };
            let name = format!("{} for {kind} job usage", machine.instance_type);
            match wanted.iter_mut().find(|(known, _)| *known == name) {
                Some((_, count)) => *count = (*count).max(machine.count),
                None => wanted.push((name, machine.count)),
            }
        }
        let call = self.cloud.aws.quotas().list_service_quotas().service_code("sagemaker");
        let mut pages = call.into_paginator().items().send();
        while let Some(quota) = self.cloud.aws.wait(pages.next()) {
            let quota = match quota {
                Ok(quota) => quota,
                Err(error) => {
                    let error = CallError::of("servicequotas:ListServiceQuotas", error);
                    return self.untold("quotas", &error);
                }
            };
            let (Some(name), Some(value)) = (quota.quota_name(), quota.value()) else { continue };
            let Some(place) = wanted.iter().position(|(wanted, _)| wanted == name) else {
                continue;
            };
            let (name, count) = wanted.swap_remove(place);
            if value >= f64::from(count) {
                self.ok("quota", &format!("{name}: {value}"));
            } else {
                let found = format!("{name}: {value}, and a job takes {count}");
                let code = quota.quota_code().unwrap_or_default();
                let remedy = format!(
                    "aws service-quotas request-service-quota-increase --service-code sagemaker \
                     --quota-code {code} --desired-value {count}"
                );
                self.error("quota", &found, &remedy);
            }
        }
        for (name, _) in wanted {
            self.tell(Verdict::Warning, "quota", &format!("{name}: the account lists none"), None);
        }
    }

    fn pipeline(&mut self) {
        match self.cloud.deployed() {
            Ok(Some(deployed)) => self.ok("pipeline", &deployed.arn),
            Ok(None) => self.tell(
                Verdict::Warning,
                "pipeline",
                &format!("{} is not deployed", self.cloud.name()),
                Some("`orchestrator deploy` makes it"),
            ),
            Err(CommandError::Call(error)) => self.untold("pipeline", &error),
            Err(error) => self.error("pipeline", &chain(&error), "`orchestrator deploy` makes it"),
        }
    }
}

/// The processor of an instance type, in the words of images. AWS's own has a g after the
/// generation: `ml.c7g.large`.
fn processor(instance_type: &str) -> &'static str {
    let family = instance_type.split('.').nth(1).unwrap_or_default();
    let behind = family.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let behind = behind.trim_start_matches(|c: char| c.is_ascii_digit());
    if behind.starts_with('g') { "arm64" } else { "amd64" }
}

/// Whether a trust policy lets SageMaker take the role.
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

/// IAM writes policies as parts of an address: `%7B%22Version%22...`.
fn decoded(text: &str) -> String {
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
    fn whose_processor_a_machine_has() {
        for intel in ["ml.m5.large", "ml.g5.xlarge", "ml.g4dn.xlarge", "ml.p4d.24xlarge", "local"] {
            assert_eq!(processor(intel), "amd64", "{intel}");
        }
        for graviton in ["ml.c7g.large", "ml.m6gd.large", "ml.t4g.medium", "ml.r8g.large"] {
            assert_eq!(processor(graviton), "arm64", "{graviton}");
        }
    }

    #[test]
    fn a_trust_policy_as_iam_writes_it() {
        let policy = "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B\
                      %22Service%22%3A%22sagemaker.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D";
        assert!(trusts_sagemaker(&decoded(policy)));
        assert!(!trusts_sagemaker(&decoded(policy).replace("sagemaker.", "ec2.")));
        assert!(!trusts_sagemaker(&decoded(policy).replace("Allow", "Deny")));
        assert!(!trusts_sagemaker("no JSON"));
        assert_eq!(decoded("100%"), "100%");
    }
}

//! The comparison of the account with what the template makes.

use aws::CallError;
use infrastructure::{LogGroups, Policy, Repository};

use super::check::{Check, Doctor, Remedy, Verdict};
use super::keys::KmsKey;
use crate::{Cloud, Network};

/// The issuer of the tokens of GitHub Actions, whose identity provider an account has once.
const ISSUER: &str = "token.actions.githubusercontent.com";

/// What a pipeline needs of an account before it is deployed.
#[derive(Debug)]
pub struct AccountNeeds {
    /// What the execution role must be allowed.
    pub permissions: Policy,
    /// The KMS keys.
    pub keys: Vec<KmsKey>,
    /// The network that the jobs run in, unless it is SageMaker's own.
    pub network: Option<Network>,
    /// The repositories of the images.
    pub repositories: Vec<Repository>,
    /// The log groups of what runs.
    pub log_groups: LogGroups,
    /// Whether the bucket must send events to EventBridge.
    pub bucket_sends_events: bool,
}

impl Cloud {
    /// Compares the account with what is needed of it. A failed check does not end the others.
    pub fn check_account(&self, needs: &AccountNeeds) -> Vec<Check> {
        let mut doctor = Doctor::new(self);
        doctor.credentials();
        if doctor.role() {
            doctor.permissions(&needs.permissions);
        }
        doctor.bucket();
        if needs.bucket_sends_events {
            doctor.bucket_events();
        }
        doctor.repositories(&needs.repositories);
        doctor.log_groups("job logs", &needs.log_groups.jobs);
        doctor.log_groups("host logs", &needs.log_groups.hosts);
        doctor.keys(&needs.keys);
        if let Some(network) = &needs.network {
            doctor.network(network);
        }
        doctor.provider();
        doctor.checks
    }
}

impl Doctor<'_> {
    fn bucket_events(&mut self) {
        const ACTION: &str = "s3:GetBucketNotification";
        let bucket = &self.cloud.target.bucket;
        let call = self.cloud.aws.s3().get_bucket_notification_configuration().bucket(bucket);
        let call = call.expected_bucket_owner(&self.cloud.target.account_id);
        match self.cloud.s3_call(ACTION, bucket, "", call.send()) {
            Ok(answer) if answer.event_bridge_configuration().is_some() => {
                self.ok("events", &format!("{bucket} sends them to EventBridge"));
            }
            Ok(_) => {
                let found = format!("{bucket} sends none to EventBridge");
                self.error("events", &found, Remedy::SendEvents { bucket: bucket.clone() });
            }
            // The bucket has been reported already.
            Err(error) if error.is_absent() => {}
            Err(error) => self.unchecked("events", &error),
        }
    }

    fn repositories(&mut self, repositories: &[Repository]) {
        const ACTION: &str = "ecr:DescribeRepositories";
        let ecr = self.cloud.aws.ecr();
        for Repository { account, region, name } in repositories {
            let shown = format!("{account}/{region}/{name}");
            if *region != self.cloud.target.region {
                let found = format!("{shown} is in another region, where nobody has looked");
                self.add(Verdict::Warning, "repository", &found, None);
                continue;
            }
            let call = ecr.describe_repositories().registry_id(account).repository_names(name);
            match self.cloud.aws.call(ACTION, call.send()) {
                Ok(answer) if answer.repositories().is_empty() => {
                    self.unchecked("repository", &Cloud::missing(ACTION, "repositories"));
                }
                Ok(_) => self.ok("repository", &shown),
                Err(error) if error.is_absent() => {
                    let found = format!("{shown} is not there");
                    self.error("repository", &found, Remedy::CreateRepository);
                }
                Err(error) => self.unchecked("repository", &error),
            }
        }
    }

    /// SageMaker creates a log group that is not there, but one that keeps logs for ever.
    fn log_groups(&mut self, subject: &str, names: &[String]) {
        const ACTION: &str = "logs:DescribeLogGroups";
        for name in names {
            let call = self.cloud.aws.logs().describe_log_groups().log_group_name_prefix(name);
            let mut pages = call.into_paginator().items().send();
            let found = loop {
                match self.cloud.aws.wait(pages.next()) {
                    Some(Ok(group)) if group.log_group_name() == Some(name) => break Some(group),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => {
                        return self.unchecked(subject, &CallError::of(ACTION, error));
                    }
                    None => break None,
                }
            };
            match found.map(|group| group.retention_in_days()) {
                Some(Some(days)) => self.ok(subject, &format!("{name}, kept for {days} days")),
                Some(None) => {
                    let found = format!("{name} keeps logs for ever");
                    let remedy = Remedy::SetRetention { group: name.clone() };
                    self.add(Verdict::Warning, subject, &found, Some(remedy));
                }
                None => {
                    let found = format!("{name} is not there");
                    self.add(Verdict::Warning, subject, &found, Some(Remedy::CreateLogGroup));
                }
            }
        }
    }

    /// Looks for the identity provider of GitHub. Only whoever uses GitHub Actions needs it.
    fn provider(&mut self) {
        let call = self.cloud.aws.iam().list_open_id_connect_providers();
        match self.cloud.aws.call("iam:ListOpenIDConnectProviders", call.send()) {
            Ok(answer) => {
                let arns = answer.open_id_connect_provider_list().iter().filter_map(|it| it.arn());
                for arn in arns.filter(|arn| arn.ends_with(ISSUER)) {
                    self.ok("provider", arn);
                }
            }
            Err(error) => self.unchecked("provider", &error),
        }
    }
}

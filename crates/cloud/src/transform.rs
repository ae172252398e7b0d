//! Batch transforms: a model's answers to the records of objects in S3.

use std::collections::BTreeMap;

use aws::CallError;
use aws::sagemaker::types as api;
use serde::Serialize;

use crate::endpoint::{HostedModel, Properties, named, number};
use crate::object::bucket_and_key;
use crate::watch::{Watch, WatchEvent, until_over};
use crate::{Cloud, CloudError, Owner, Upload};

/// The name of the object with the records that are sent.
const RECORDS: &str = "records.csv";

/// A batch transform that is wanted.
#[derive(Clone, Debug)]
pub struct Transform {
    /// The endpoint that shares the model.
    pub endpoint: String,
    /// The model.
    pub model: HostedModel,
    /// Additional environment variables of the container.
    pub environment: BTreeMap<String, String>,
    /// The records.
    pub records: TransformRecords,
    /// The content type of the records, of which each is a line.
    pub content_type: String,
    /// The content type of the answers.
    pub accept: String,
    /// The S3 address below which each job has a prefix of its own.
    pub place: String,
    /// The KMS key of the answers.
    pub output_key: Option<String>,
    /// The type of the instances.
    pub instance_type: String,
    /// The number of instances. Each takes some of the objects.
    pub count: u32,
    /// The KMS key of the instances' disks.
    pub volume_key: Option<String>,
}

/// The records of a batch transform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransformRecords {
    /// Records that are sent to the job's own prefix, by their SHA-256 digest.
    Sent(String),
    /// Records that are in S3, by the address of an object or a prefix.
    Stored(String),
}

/// A batch transform as SageMaker describes it.
#[derive(Clone, Debug, Serialize)]
pub struct TransformJob {
    /// The job's name.
    pub name: String,
    /// The status, such as `InProgress`.
    pub status: String,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// When the instances began, in seconds since 1970.
    pub started: Option<f64>,
    /// When they ended, in seconds since 1970.
    pub ended: Option<f64>,
}

impl TransformJob {
    /// Returns whether it has ended.
    pub fn is_over(&self) -> bool {
        matches!(self.status.as_str(), "Completed" | "Failed" | "Stopped")
    }
}

impl Transform {
    /// Returns the S3 address of a job's records: an object or a prefix.
    pub fn input(&self, job: &str) -> String {
        match &self.records {
            TransformRecords::Sent(_) => format!("{}/{job}/input/{RECORDS}", self.place),
            TransformRecords::Stored(address) => address.clone(),
        }
    }

    /// Returns the S3 prefix of a job's answers: `<input>.out` for each input.
    pub fn output(&self, job: &str) -> String {
        format!("{}/{job}/output", self.place)
    }

    /// Returns the S3 address of a job's answers to records that were sent.
    pub fn answers(&self, job: &str) -> String {
        format!("{}/{RECORDS}.out", self.output(job))
    }

    /// Returns what the names of its jobs begin with: a digest of all that makes it what it is.
    fn family(&self, role_arn: &str) -> String {
        let records = match &self.records {
            TransformRecords::Sent(digest) => ("records", digest),
            TransformRecords::Stored(address) => ("input", address),
        };
        let model = self.model.name(&self.endpoint, role_arn);
        let count = self.count.to_string();
        let mut properties: Properties = [
            ("model", &model),
            records,
            ("content_type", &self.content_type),
            ("accept", &self.accept),
            ("place", &self.place),
            ("instance_type", &self.instance_type),
            ("instance_count", &count),
        ]
        .into_iter()
        .chain(self.output_key.as_ref().map(|key| ("output_key", key)))
        .chain(self.volume_key.as_ref().map(|key| ("volume_key", key)))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
        let environment = self.environment.iter();
        properties.extend(environment.map(|(k, v)| (format!("environment.{k}"), v.clone())));
        named(&self.endpoint, self.model.version, &[], &properties)
    }
}

impl Cloud {
    /// Returns the name of a new job of a batch transform that starts at a time, in seconds since 1970. No
    /// other job may have had it, and it has at most 63 characters.
    pub fn transform_name(&self, transform: &Transform, now: i64) -> String {
        format!("{}-{now}", transform.family(&self.target.role_arn))
    }

    /// Returns the name of the latest job of a batch transform that is in progress, if there is one.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn running_transform(&self, transform: &Transform) -> Result<Option<String>, CloudError> {
        let start = format!("{}-", transform.family(&self.target.role_arn));
        let call = self
            .sagemaker
            .list_transform_jobs()
            .name_contains(&start)
            .status_equals(api::TransformJobStatus::InProgress)
            .sort_by(api::SortBy::CreationTime)
            .sort_order(api::SortOrder::Descending);
        let mut pages = call.into_paginator().items().send();
        while let Some(summary) = self.aws.wait(pages.next()) {
            let error = |error| CallError::of("sagemaker:ListTransformJobs", error);
            let name = summary.map_err(error)?.transform_job_name;
            // The service finds names that contain the text anywhere.
            if let Some(name) = name.filter(|name| name.starts_with(&start)) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Uploads the records of a batch transform to where its job reads them.
    ///
    /// # Errors
    ///
    /// Fails as [`Cloud::upload`] does.
    pub fn send_records(
        &self,
        transform: &Transform,
        job: &str,
        records: Upload,
    ) -> Result<(), CloudError> {
        let input = transform.input(job);
        let (_, key) = bucket_and_key(&input)?;
        self.upload(records, key, &|_| {})?;
        Ok(())
    }

    /// Starts a batch transform as a job of this name. Its model is made unless it is there.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn start_transform(
        &self,
        transform: &Transform,
        job: &str,
        owner: Owner,
    ) -> Result<(), CloudError> {
        let model_name = self.create_model(&transform.model, &transform.endpoint, owner)?;
        let source = api::TransformS3DataSource::builder()
            .s3_data_type(api::S3DataType::S3Prefix)
            .s3_uri(transform.input(job));
        let source = api::TransformDataSource::builder().s3_data_source(source.build());
        let input = api::TransformInput::builder()
            .data_source(source.build())
            .content_type(&transform.content_type)
            .split_type(api::SplitType::Line);
        let output = api::TransformOutput::builder()
            .s3_output_path(transform.output(job))
            .accept(&transform.accept)
            .assemble_with(api::AssemblyType::Line)
            .set_kms_key_id(transform.output_key.clone());
        let resources = api::TransformResources::builder()
            .instance_type(transform.instance_type.as_str().into())
            .instance_count(number(transform.count))
            .set_volume_kms_key_id(transform.volume_key.clone());
        let call = self
            .sagemaker
            .create_transform_job()
            .transform_job_name(job)
            .model_name(model_name)
            .set_environment(Some(transform.environment.clone().into_iter().collect()))
            .batch_strategy(api::BatchStrategy::MultiRecord)
            .transform_input(input.build())
            .transform_output(output.build())
            .transform_resources(resources.build())
            .set_tags(Some(self.tags(owner)));
        self.aws.call("sagemaker:CreateTransformJob", call.send())?;
        Ok(())
    }

    /// Waits until a batch transform has ended, and passes each event to `on_event`.
    ///
    /// # Errors
    ///
    /// Fails if the job fails or is stopped, if the timeout passes, or if SageMaker refuses.
    pub fn watch_transform(
        &self,
        name: &str,
        watch: Watch,
        on_event: &mut dyn FnMut(WatchEvent<'_, TransformJob>),
    ) -> Result<TransformJob, CloudError> {
        const ACTION: &str = "sagemaker:DescribeTransformJob";
        let describe = || {
            let call = self.sagemaker.describe_transform_job().transform_job_name(name);
            let job = self.aws.call(ACTION, call.send())?;
            let status = job.transform_job_status;
            let status = status.ok_or_else(|| Self::missing(ACTION, "TransformJobStatus"))?;
            Ok(TransformJob {
                name: name.to_owned(),
                status: status.as_str().to_owned(),
                failure_reason: job.failure_reason.filter(|reason| !reason.is_empty()),
                started: job.transform_start_time.map(|time| time.as_secs_f64()),
                ended: job.transform_end_time.map(|time| time.as_secs_f64()),
            })
        };
        let id = format!("transform job {name}");
        let job = until_over(&id, watch, describe, TransformJob::is_over, on_event)?;
        if job.status != "Completed" {
            return Err(CloudError::TransformFailed {
                name: job.name,
                status: job.status,
                reason: job.failure_reason.unwrap_or_else(|| "no reason given".to_owned()),
            });
        }
        Ok(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/R";

    fn transform() -> Transform {
        Transform {
            endpoint: "a-".repeat(31) + "b",
            model: HostedModel {
                package_arn: "arn:aws:sagemaker:us-east-1:111122223333:model-package/g/3"
                    .to_owned(),
                version: 12_345,
                content: [String::new(), String::new()],
                environment: BTreeMap::new(),
                network_isolation: false,
                network: None,
            },
            environment: BTreeMap::new(),
            records: TransformRecords::Sent("d1".to_owned()),
            content_type: "text/csv".to_owned(),
            accept: "text/csv".to_owned(),
            place: "s3://b/predictions".to_owned(),
            output_key: None,
            instance_type: "ml.m5.large".to_owned(),
            count: 1,
            volume_key: None,
        }
    }

    /// A job that answers other records, or answers them in another way, is another one.
    #[test]
    fn the_name_differs_with_everything_that_makes_the_job() {
        let family = |change: fn(&mut Transform)| {
            let mut changed = transform();
            change(&mut changed);
            changed.family(ROLE)
        };
        let changes: [fn(&mut Transform); 11] = [
            |_| {},
            |it| it.records = TransformRecords::Sent("d2".to_owned()),
            |it| it.records = TransformRecords::Stored("d1".to_owned()),
            |it| it.model.content[0] = "other".to_owned(),
            |it| it.environment.extend([("SERVE_THRESHOLD".to_owned(), "0.4".to_owned())]),
            |it| it.accept = "application/jsonlines".to_owned(),
            |it| it.place = "s3://c/predictions".to_owned(),
            |it| it.instance_type = "ml.m5.xlarge".to_owned(),
            |it| it.count = 2,
            |it| it.output_key = Some("k".to_owned()),
            |it| it.volume_key = Some("k".to_owned()),
        ];
        let names: std::collections::BTreeSet<String> = changes.into_iter().map(family).collect();
        assert_eq!(names.len(), changes.len(), "{names:?}");
        assert_eq!(family(|_| {}), family(|_| {}));
        // Ten digits of a time are enough until the year 2286, and a name has at most 63 characters.
        let name = format!("{}-1790000000", family(|_| {}));
        assert!(name.len() <= 63 && !name.contains("--"), "{name}");
    }

    #[test]
    fn records_that_are_sent_are_below_the_job() {
        let sent = transform();
        assert_eq!(sent.input("j"), "s3://b/predictions/j/input/records.csv");
        assert_eq!(sent.output("j"), "s3://b/predictions/j/output");
        assert_eq!(sent.answers("j"), "s3://b/predictions/j/output/records.csv.out");
        let records = TransformRecords::Stored("s3://c/records/".to_owned());
        assert_eq!(Transform { records, ..sent }.input("j"), "s3://c/records/");
    }
}

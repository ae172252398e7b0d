//! SageMaker's Model Registry.

use std::fmt;

use aws::sagemaker::operation::describe_model_package::DescribeModelPackageOutput;
use aws::sagemaker::primitives::{DateTime, DateTimeFormat};
use aws::sagemaker::types as api;
use aws::{Aws, CallError};

use crate::Registry;
use crate::error::RegistryError;
use crate::limits::{approval_description, group_name};
use crate::other_members::other_members;
use crate::package::{ApprovalStatus, Group, ModelPackage, NewVersion, Serving, Source, Status};

/// A client of SageMaker's Model Registry.
pub struct SageMakerRegistry {
    aws: Aws,
    client: aws::sagemaker::Client,
}

impl fmt::Debug for SageMakerRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SageMakerRegistry").finish_non_exhaustive()
    }
}

impl SageMakerRegistry {
    /// Connects to the account and region of the standard AWS configuration.
    ///
    /// # Errors
    ///
    /// Fails if the configuration has no region or yields no credentials.
    pub fn connect() -> Result<Self, RegistryError> {
        Ok(Self::new(Aws::connect()?))
    }

    /// Makes a client of the account and region that `aws` is connected to.
    pub fn new(aws: Aws) -> Self {
        let client = aws.sagemaker();
        Self { aws, client }
    }

    fn group_exists(&self, name: &str) -> Result<bool, CallError> {
        let call = self.client.describe_model_package_group().model_package_group_name(name);
        match self.aws.wait(call.send()) {
            Ok(_) => Ok(true),
            Err(error) => {
                let error = CallError::of("sagemaker:DescribeModelPackageGroup", error);
                if error.is_absent() { Ok(false) } else { Err(error) }
            }
        }
    }

    /// Lists the versions of a group, or those with an approval status, latest first.
    fn listed(
        &self,
        group: &str,
        status: Option<api::ModelApprovalStatus>,
    ) -> Result<Vec<(u32, String)>, RegistryError> {
        group_name(group)?;
        let call = self.client.list_model_packages().model_package_group_name(group);
        // Without a number SageMaker returns ten.
        let call = call.set_model_approval_status(status).max_results(100);
        let mut pages = call.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(summary) = self.aws.wait(pages.next()) {
            let summary = summary.map_err(|error| {
                let error = CallError::of("sagemaker:ListModelPackages", error);
                if error.is_absent() {
                    RegistryError::NoGroup { group: group.to_owned() }
                } else {
                    error.into()
                }
            })?;
            let version = summary.model_package_version.and_then(|number| number.try_into().ok());
            found.extend(version.zip(summary.model_package_arn));
        }
        // Some servers answer that a group that does not exist is empty.
        if found.is_empty() && !self.group_exists(group)? {
            return Err(RegistryError::NoGroup { group: group.to_owned() });
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        Ok(found)
    }
}

impl Registry for SageMakerRegistry {
    fn ensure_group(&self, group: &Group) -> Result<(), RegistryError> {
        group.check()?;
        if self.group_exists(&group.name)? {
            return Ok(());
        }
        let description = Some(&group.description).filter(|text| !text.is_empty()).cloned();
        let call = self
            .client
            .create_model_package_group()
            .model_package_group_name(&group.name)
            .set_model_package_group_description(description);
        match self.aws.wait(call.send()) {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = CallError::of("sagemaker:CreateModelPackageGroup", error);
                // Another pipeline may have created the group since.
                if error.already_exists() { Ok(()) } else { Err(error.into()) }
            }
        }
    }

    fn create_version(&self, new: &NewVersion) -> Result<ModelPackage, RegistryError> {
        new.check()?;
        let mut call = self
            .client
            .create_model_package()
            .model_package_group_name(&new.group)
            .inference_specification(inference_specification(&new.serving))
            .model_metrics(model_quality(&new.metrics_url))
            .model_approval_status(new.approval_status.name().into())
            .set_metadata_properties(metadata_properties(&new.source))
            .client_token(&new.client_token);
        for (key, value) in &new.metadata {
            call = call.customer_metadata_properties(key, value);
        }
        let answer = self.aws.wait(call.send()).map_err(|error| {
            let error = CallError::of("sagemaker:CreateModelPackage", error);
            if error.is_absent() {
                RegistryError::NoGroup { group: new.group.clone() }
            } else {
                error.into()
            }
        })?;
        let arn = answer.model_package_arn().unwrap_or_default();
        if arn.is_empty() {
            return Err(incomplete(&new.group, "ModelPackageArn"));
        }
        self.describe(arn)
    }

    fn describe(&self, arn: &str) -> Result<ModelPackage, RegistryError> {
        let call = self.client.describe_model_package().model_package_name(arn);
        let answer = self.aws.wait(call.send()).map_err(|error| {
            let error = CallError::of("sagemaker:DescribeModelPackage", error);
            if error.is_absent() {
                RegistryError::NoVersion { arn: arn.to_owned() }
            } else {
                error.into()
            }
        })?;
        described(arn, answer)
    }

    fn versions(&self, group: &str) -> Result<Vec<(u32, String)>, RegistryError> {
        self.listed(group, None)
    }

    fn approved_versions(&self, group: &str) -> Result<Vec<(u32, String)>, RegistryError> {
        self.listed(group, Some(api::ModelApprovalStatus::Approved))
    }

    fn set_approval(
        &self,
        arn: &str,
        status: ApprovalStatus,
        reason: Option<&str>,
    ) -> Result<ModelPackage, RegistryError> {
        let reason = reason.unwrap_or_default();
        approval_description(reason)?;
        // The description comes first: a failure after the update would report the decision as
        // refused.
        let mut package = self.describe(arn)?;
        let call = self
            .client
            .update_model_package()
            .model_package_arn(arn)
            .model_approval_status(status.name().into())
            // An empty reason, too, is sent: it removes the reason of an earlier decision.
            .approval_description(reason);
        self.aws.wait(call.send()).map_err(|error| {
            let error = CallError::of("sagemaker:UpdateModelPackage", error);
            if error.is_absent() {
                RegistryError::NoVersion { arn: arn.to_owned() }
            } else {
                error.into()
            }
        })?;
        package.approval_status = status;
        package.approval_description = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
        Ok(package)
    }
}

fn inference_specification(serving: &Serving) -> api::InferenceSpecification {
    let realtime = serving.realtime_instance_types.iter().map(|name| name.as_str().into());
    let transform = serving.transform_instance_types.iter().map(|name| name.as_str().into());
    api::InferenceSpecification::builder()
        .containers(
            api::ModelPackageContainerDefinition::builder()
                .image(&serving.inference_image)
                .model_data_url(&serving.model_data_url)
                .build(),
        )
        .set_supported_content_types(non_empty(serving.content_types.clone()))
        .set_supported_response_mime_types(non_empty(serving.response_types.clone()))
        .set_supported_realtime_inference_instance_types(non_empty(realtime.collect()))
        .set_supported_transform_instance_types(non_empty(transform.collect()))
        .build()
}

/// Returns `None` for an empty list: the API refuses an empty list and accepts an absent one.
fn non_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

fn model_quality(url: &str) -> api::ModelMetrics {
    let statistics =
        api::MetricsSource::builder().content_type("application/json").s3_uri(url).build();
    let quality = api::ModelQuality::builder().statistics(statistics).build();
    api::ModelMetrics::builder().model_quality(quality).build()
}

/// Returns `None` where nothing is known of the source.
fn metadata_properties(source: &Source) -> Option<api::MetadataProperties> {
    let Source { commit_id, repository, generated_by } = source.clone();
    let properties = api::MetadataProperties::builder()
        .set_commit_id(commit_id)
        .set_repository(repository)
        .set_generated_by(generated_by)
        .build();
    Some(properties).filter(|_| *source != Source::default())
}

fn described(arn: &str, answer: DescribeModelPackageOutput) -> Result<ModelPackage, RegistryError> {
    let missing = |field| incomplete(arn, field);
    let version = answer.model_package_version().and_then(|version| version.try_into().ok());
    let status = answer.model_package_status().ok_or_else(|| missing("ModelPackageStatus"))?;
    let approval_status = match answer.model_approval_status() {
        Some(status) => status.as_str().parse()?,
        None => ApprovalStatus::PendingManualApproval,
    };
    let metrics = answer.model_metrics().and_then(api::ModelMetrics::model_quality);
    let metrics_url = metrics.and_then(|quality| quality.statistics()?.s3_uri());
    Ok(ModelPackage {
        arn: arn.to_owned(),
        group: answer.model_package_group_name().unwrap_or_default().to_owned(),
        version: version.ok_or_else(|| missing("ModelPackageVersion"))?,
        status: match status {
            api::ModelPackageStatus::Pending => Status::Pending,
            api::ModelPackageStatus::Completed => Status::Completed,
            api::ModelPackageStatus::Failed => Status::Failed,
            api::ModelPackageStatus::Deleting => Status::Deleting,
            // A status that the service adds later is waited for, too.
            _ => Status::InProgress,
        },
        failure_reason: failure_reason(&answer),
        approval_status,
        approval_description: answer
            .approval_description()
            .filter(|reason| !reason.is_empty())
            .map(str::to_owned),
        // A version that another tool registered may have no inference specification.
        serving: answer.inference_specification().map(serving).unwrap_or_default(),
        metrics_url: metrics_url.unwrap_or_default().to_owned(),
        source: answer.metadata_properties().map(source).unwrap_or_default(),
        registered_at: answer.creation_time().and_then(second),
        registered_by: answer.created_by().and_then(creator).map(str::to_owned),
        metadata: answer.customer_metadata_properties().cloned().into_iter().flatten().collect(),
        other_members: other_members(&answer),
    })
}

/// Formats a time without the fraction of its second.
fn second(time: &DateTime) -> Option<String> {
    DateTime::from_secs(time.secs()).fmt(DateTimeFormat::DateTime).ok()
}

/// Returns the ARN of a role or user, or the name of a user of Studio.
fn creator(context: &api::UserContext) -> Option<&str> {
    context.iam_identity().and_then(|identity| identity.arn()).or(context.user_profile_name())
}

fn source(properties: &api::MetadataProperties) -> Source {
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Source {
        commit_id: text(properties.commit_id()),
        repository: text(properties.repository()),
        generated_by: text(properties.generated_by()),
    }
}

fn serving(specification: &api::InferenceSpecification) -> Serving {
    let container = specification.containers().first();
    let image = container.and_then(|container| container.image());
    let model_data_url = container.and_then(|container| {
        // Newer SDKs name the model by its source, which may also be a prefix.
        let source = || container.model_data_source()?.s3_data_source()?.s3_uri();
        container.model_data_url().or_else(source)
    });
    let realtime = specification.supported_realtime_inference_instance_types();
    let transform = specification.supported_transform_instance_types();
    Serving {
        inference_image: image.unwrap_or_default().to_owned(),
        model_data_url: model_data_url.unwrap_or_default().to_owned(),
        content_types: specification.supported_content_types().to_vec(),
        response_types: specification.supported_response_mime_types().to_vec(),
        realtime_instance_types: realtime.iter().map(|name| name.as_str().to_owned()).collect(),
        transform_instance_types: transform.iter().map(|name| name.as_str().to_owned()).collect(),
    }
}

/// Returns the reasons of the checks that failed.
fn failure_reason(answer: &DescribeModelPackageOutput) -> Option<String> {
    let details = answer.model_package_status_details()?;
    let checks = details.validation_statuses().iter().chain(details.image_scan_statuses());
    let reasons = checks
        .filter(|check| check.status() == Some(&api::DetailedModelPackageStatus::Failed))
        .map(|check| {
            let name = check.name().unwrap_or("a check");
            format!("{name}: {}", check.failure_reason().unwrap_or("no reason given"))
        });
    non_empty(reasons.collect::<Vec<_>>()).map(|reasons| reasons.join("; "))
}

fn incomplete(arn: &str, field: &'static str) -> RegistryError {
    RegistryError::Incomplete { arn: arn.to_owned(), field }
}

//! An endpoint as it is deployed.

use std::collections::BTreeMap;

use aws::CallError;
use aws::sagemaker::types as api;
use infrastructure::hosted_prefix;
use serde::Serialize;

use super::configuration::{Parts, Properties, model_properties, version_of};
use crate::{Cloud, CloudError};

/// An endpoint as SageMaker describes it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DeployedEndpoint {
    /// The name.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// The status, such as `InService` or `Updating`.
    pub status: String,
    /// Why it failed, if the service says so.
    pub failure_reason: Option<String>,
    /// The name of the configuration that answers.
    pub config_name: String,
    /// The name of the configuration that an update in progress is bringing.
    pub pending_config_name: Option<String>,
    /// When it was created, in seconds since 1970.
    pub created: Option<f64>,
    /// When it last changed, in seconds since 1970.
    pub modified: Option<f64>,
    /// Its variants.
    pub variants: Vec<DeployedVariant>,
    /// The alarms that roll the last update back.
    pub rollback_alarms: Vec<String>,
}

/// A variant of an endpoint.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DeployedVariant {
    /// The name.
    pub name: String,
    /// The number of instances.
    pub instances: Option<i32>,
    /// The number of instances that is wanted.
    pub desired_instances: Option<i32>,
    /// What is happening to it, such as `ActivatingTraffic`.
    pub activity: Vec<String>,
}

/// An endpoint's configuration, with the model that it names.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EndpointConfiguration {
    /// The name.
    pub name: String,
    /// The names of its variants.
    pub variants: Vec<String>,
    /// The names of the models of its variants, those without traffic of their own among them.
    pub models: Vec<String>,
    /// The ARN of the model package, if the model is one.
    pub package_arn: Option<String>,
    /// The version of the model package.
    pub version: Option<u32>,
    /// The type of the instances. A serverless endpoint has none.
    pub instance_type: Option<String>,
    /// The S3 address of an asynchronous endpoint's answers.
    pub queue_output: Option<String>,
    /// What it and its model say, by setting.
    pub settings: BTreeMap<String, String>,
}

impl EndpointConfiguration {
    /// Returns whether its model was deleted.
    pub fn lacks_model(&self) -> bool {
        self.package_arn.is_none()
    }

    /// Returns whether the endpoint is serverless.
    pub fn is_serverless(&self) -> bool {
        self.settings.contains_key("memory_mb")
    }
}

impl DeployedEndpoint {
    /// Returns whether no change of it is in progress.
    pub fn is_over(&self) -> bool {
        // A status that the service adds later is waited for, too.
        matches!(
            self.status.as_str(),
            "InService" | "OutOfService" | "Failed" | "UpdateRollbackFailed"
        )
    }

    /// Returns the error of an endpoint that has failed.
    pub(super) fn failure(&self) -> CloudError {
        CloudError::EndpointFailed {
            name: self.name.clone(),
            status: self.status.clone(),
            reason: self.failure_reason.clone().unwrap_or_else(|| "no reason given".to_owned()),
        }
    }

    /// Returns whether it answers requests and can be updated.
    pub fn is_in_service(&self) -> bool {
        self.status == "InService"
    }

    /// Returns the version that answers, as the name of a configuration of this program tells it.
    pub fn version(&self) -> Option<u32> {
        let rest = self.config_name.strip_prefix(&hosted_prefix(&self.name))?;
        let (version, _) = rest.split_once('-')?;
        version.parse().ok()
    }
}

impl Cloud {
    /// Describes an endpoint, or returns `None` if there is none.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn endpoint(&self, name: &str) -> Result<Option<DeployedEndpoint>, CallError> {
        const ACTION: &str = "sagemaker:DescribeEndpoint";
        let call = self.sagemaker.describe_endpoint().endpoint_name(name);
        let Some(answer) = CallError::if_there(self.aws.call(ACTION, call.send()))? else {
            return Ok(None);
        };
        let variants = answer.production_variants.unwrap_or_default().into_iter();
        let variant = |variant: api::ProductionVariantSummary| DeployedVariant {
            name: variant.variant_name.unwrap_or_default(),
            instances: variant.current_instance_count,
            desired_instances: variant.desired_instance_count,
            activity: variant
                .variant_status
                .unwrap_or_default()
                .into_iter()
                .filter_map(|status| Some(status.status?.as_str().to_owned()))
                .collect(),
        };
        let policy = answer.last_deployment_config.and_then(|it| it.auto_rollback_configuration);
        let alarms = policy.and_then(|policy| policy.alarms).unwrap_or_default().into_iter();
        let status =
            answer.endpoint_status.ok_or_else(|| Self::missing(ACTION, "EndpointStatus"))?;
        Ok(Some(DeployedEndpoint {
            name: name.to_owned(),
            arn: answer.endpoint_arn.ok_or_else(|| Self::missing(ACTION, "EndpointArn"))?,
            status: status.as_str().to_owned(),
            failure_reason: answer.failure_reason.filter(|reason| !reason.is_empty()),
            config_name: answer.endpoint_config_name.unwrap_or_default(),
            pending_config_name: answer
                .pending_deployment_summary
                .and_then(|pending| pending.endpoint_config_name),
            created: answer.creation_time.map(|time| time.as_secs_f64()),
            modified: answer.last_modified_time.map(|time| time.as_secs_f64()),
            variants: variants.map(variant).collect(),
            rollback_alarms: alarms.filter_map(|alarm| alarm.alarm_name).collect(),
        }))
    }

    /// Describes an endpoint.
    ///
    /// # Errors
    ///
    /// Fails as [`Cloud::endpoint`] does, and if there is no such endpoint.
    pub fn require_endpoint(&self, name: &str) -> Result<DeployedEndpoint, CloudError> {
        self.endpoint(name)?.ok_or_else(|| self.no_endpoint(name))
    }

    pub(super) fn no_endpoint(&self, name: &str) -> CloudError {
        let (name, region) = (name.to_owned(), self.target.region.clone());
        CloudError::NoEndpoint { name, region }
    }

    /// Describes a configuration of an endpoint and its model, or returns `None` if it was deleted.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn endpoint_configuration(
        &self,
        name: &str,
    ) -> Result<Option<EndpointConfiguration>, CallError> {
        let call = self.sagemaker.describe_endpoint_config().endpoint_config_name(name);
        let answer = self.aws.call("sagemaker:DescribeEndpointConfig", call.send());
        let Some(answer) = CallError::if_there(answer)? else { return Ok(None) };
        let variants = answer.production_variants.unwrap_or_default();
        let shadows = answer.shadow_production_variants.unwrap_or_default();
        let all = || variants.iter().chain(&shadows);
        let mut configuration = EndpointConfiguration {
            name: name.to_owned(),
            variants: all().filter_map(|variant| variant.variant_name.clone()).collect(),
            models: all().filter_map(|variant| variant.model_name.clone()).collect(),
            queue_output: answer
                .async_inference_config
                .as_ref()
                .and_then(|queue| Some(queue.output_config()?.s3_output_path()?.to_owned())),
            ..EndpointConfiguration::default()
        };
        let mut properties = match configuration.models.first() {
            Some(model) => self.model_properties(model)?.unwrap_or_default(),
            None => Properties::new(),
        };
        configuration.package_arn = properties.get("model").cloned();
        configuration.version = configuration.package_arn.as_deref().and_then(version_of);
        if let Some(variant) = variants.into_iter().next() {
            let instance_type = variant.instance_type.as_ref();
            configuration.instance_type = instance_type.map(|name| name.as_str().to_owned());
            let parts = Parts {
                variant,
                capture: answer.data_capture_config,
                queue: answer.async_inference_config,
                volume_key: answer.kms_key_id,
            };
            properties.extend(parts.properties());
        }
        configuration.settings = properties.into_iter().collect();
        Ok(Some(configuration))
    }

    /// Returns what a model says, or `None` if it was deleted.
    fn model_properties(&self, name: &str) -> Result<Option<Properties>, CallError> {
        let call = self.sagemaker.describe_model().model_name(name);
        let answer = self.aws.call("sagemaker:DescribeModel", call.send());
        let Some(answer) = CallError::if_there(answer)? else { return Ok(None) };
        let first = answer.containers.as_ref().and_then(|containers| containers.first());
        let container = answer.primary_container.as_ref().or(first);
        let role = answer.execution_role_arn.as_deref().unwrap_or_default();
        let isolated = answer.enable_network_isolation == Some(true);
        Ok(Some(model_properties(container, role, isolated, answer.vpc_config.as_ref())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_configuration_tells_the_version() {
        let version = |config_name: &str| {
            let config_name = config_name.to_owned();
            let name = "machine-downtime".to_owned();
            DeployedEndpoint { name, config_name, ..DeployedEndpoint::default() }.version()
        };
        assert_eq!(version("machine-downtime-v12-0123456789ab"), Some(12));
        for other in
            ["machine-downtime-v12", "machine-downtime-vx-1", "somebody-v3-0123456789ab", ""]
        {
            assert_eq!(version(other), None, "{other}");
        }
    }
}

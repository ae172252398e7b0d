//! Making an endpoint what is wanted: what would change, the calls, and how it ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use aws::sagemaker::types as api;
use pipeline::Change;
use serde_json::Value;

use super::configuration::number;
use super::{
    DeployedEndpoint, DesiredEndpoint, EndpointConfiguration, HostedModel, TrafficShift,
    UpdatePolicy,
};
use crate::watch::{Watch, WatchEvent, Watched, until_over};
use crate::{Cloud, CloudError, Owner};

/// The tag of an endpoint that names the configuration before the last update.
const PREVIOUS: &str = "previous-config";
/// The tag of a configuration and of a model that names the endpoint that they were made for.
pub(super) const MADE_FOR: &str = "deployed-to";
/// The name of the autoscaling among what an endpoint's configuration says.
const AUTOSCALING: &str = "autoscaling";
/// The time within which SageMaker shows that an update has begun.
const BEGINS_WITHIN: Duration = Duration::from_secs(120);

/// The difference between an endpoint that is wanted and the deployed one.
#[derive(Debug)]
pub struct EndpointPlan {
    /// The endpoint.
    pub deployed: Option<DeployedEndpoint>,
    /// The configuration that answers now.
    pub current: Option<EndpointConfiguration>,
    /// The name of the configuration that is wanted.
    pub config_name: String,
    /// What an update changes, by setting. A new endpoint has no changes.
    pub changes: Vec<Change>,
    /// Whether the number of instances follows the traffic now.
    pub(super) is_autoscaled: bool,
}

/// The way back to the configuration before an endpoint's last update.
#[derive(Debug)]
pub struct Rollback {
    /// The endpoint.
    pub deployed: DeployedEndpoint,
    /// The configuration that answers now.
    pub current: Option<EndpointConfiguration>,
    /// The configuration before.
    pub previous: EndpointConfiguration,
    /// What the way back changes, by setting.
    pub changes: Vec<Change>,
    /// Whether the number of instances follows the traffic now.
    is_autoscaled: bool,
}

impl Rollback {
    /// Returns whether the number of instances follows the traffic no more afterwards: SageMaker changes
    /// no type of instances whose number does.
    pub fn removes_autoscaling(&self) -> bool {
        let current = self.current.as_ref().and_then(|current| current.instance_type.as_ref());
        self.is_autoscaled && current != self.previous.instance_type.as_ref()
    }
}

/// An update of an endpoint that was started.
#[derive(Debug)]
pub struct StartedUpdate {
    /// The name of the configuration that it brings.
    pub config_name: String,
    /// When the endpoint had changed last before, in seconds since 1970.
    modified: Option<f64>,
}

impl EndpointPlan {
    /// Returns whether the endpoint is as it should be.
    pub fn is_empty(&self) -> bool {
        self.deployed.is_some() && self.changes.is_empty() && !self.brings_configuration()
    }

    /// Returns whether the endpoint gets another configuration, and not another autoscaling alone.
    pub fn brings_configuration(&self) -> bool {
        self.deployed.as_ref().is_none_or(|deployed| deployed.config_name != self.config_name)
    }
}

impl Cloud {
    /// Compares an endpoint that is wanted with the deployed one.
    ///
    /// # Errors
    ///
    /// Fails if the endpoint is busy or has failed, if it cannot become what is wanted, or if AWS refuses.
    pub fn plan_endpoint(&self, desired: &DesiredEndpoint) -> Result<EndpointPlan, CloudError> {
        let role_arn = &self.target.role_arn;
        let mut plan = EndpointPlan {
            deployed: self.endpoint(&desired.name)?,
            current: None,
            config_name: desired.config_name(role_arn),
            changes: Vec::new(),
            is_autoscaled: false,
        };
        let Some(deployed) = &plan.deployed else { return Ok(plan) };
        require_in_service(deployed)?;
        plan.current = self.endpoint_configuration(&deployed.config_name)?;
        let mut before = plan.current.as_ref().map(|it| it.settings.clone()).unwrap_or_default();
        let mut after: BTreeMap<_, _> = desired.facts(role_arn).into_iter().collect();
        let kind = |settings: &BTreeMap<String, String>| settings.get("kind").cloned();
        if let (Some(from), Some(to)) = (kind(&before), kind(&after))
            && from != to
            && to == "serverless"
        {
            return Err(CloudError::EndpointKind { name: desired.name.clone(), from });
        }
        if !before.contains_key("memory_mb") {
            let scaling = self.autoscaling(&desired.name)?;
            plan.is_autoscaled = scaling.is_some();
            before.extend(scaling.map(|text| (AUTOSCALING.to_owned(), text)));
        }
        let scaling = desired.autoscaling.as_ref().map(|scaling| scaling.to_text());
        after.extend(scaling.map(|text| (AUTOSCALING.to_owned(), text)));
        if desired.autoscaling.is_some() && plan.is_autoscaled {
            // Autoscaling has the say about the number; the configuration's is the one to begin with.
            before.remove("instance_count");
            after.remove("instance_count");
        }
        plan.changes = differences(&before, &after);
        if !plan.brings_configuration() {
            // What has the same name has the same content, however the service describes it.
            plan.changes.retain(|change| change.place == AUTOSCALING);
        }
        Ok(plan)
    }

    /// Refuses an endpoint that does not carry the owner's tag.
    ///
    /// # Errors
    ///
    /// Fails with a description of the tags, or if SageMaker refuses to list them.
    pub fn check_endpoint_owner(
        &self,
        endpoint: &DeployedEndpoint,
        owner: Owner,
    ) -> Result<(), CloudError> {
        match self.owner_problem(&endpoint.arn, owner)? {
            None => Ok(()),
            Some(owner) => Err(CloudError::ForeignEndpoint { name: endpoint.name.clone(), owner }),
        }
    }

    /// Creates the endpoint, or starts its update. What is needed for that and there already is used
    /// again: its name is a digest of its content.
    ///
    /// # Errors
    ///
    /// Fails if AWS refuses. What was made by then is used by the next attempt.
    pub fn start_update(
        &self,
        desired: &DesiredEndpoint,
        plan: &EndpointPlan,
        owner: Owner,
    ) -> Result<StartedUpdate, CloudError> {
        let config_name = plan.config_name.clone();
        self.create_model(&desired.model, &desired.name, owner)?;
        self.create_configuration(desired, &config_name, owner)?;
        let Some(deployed) = &plan.deployed else {
            let call = self
                .sagemaker
                .create_endpoint()
                .endpoint_name(&desired.name)
                .endpoint_config_name(&config_name)
                .set_tags(Some(self.tags(owner)));
            self.aws.call("sagemaker:CreateEndpoint", call.send())?;
            return Ok(StartedUpdate { config_name, modified: None });
        };
        let settings = plan.current.as_ref().map(|current| &current.settings);
        let own = desired.facts(&self.target.role_arn);
        let same_type = settings.and_then(|it| it.get("instance_type")) == own.get("instance_type");
        let keeps_scaling = plan.is_autoscaled && same_type && desired.autoscaling.is_some();
        if plan.is_autoscaled && !keeps_scaling {
            // SageMaker refuses other instances while autoscaling changes their number.
            self.remove_autoscaling(&desired.name)?;
        }
        self.tag(&deployed.arn, owner)?;
        self.start_update_to(deployed, &config_name, &desired.update, keeps_scaling)
    }

    /// Starts the update of an endpoint to a configuration that is there.
    fn start_update_to(
        &self,
        deployed: &DeployedEndpoint,
        config_name: &str,
        policy: &UpdatePolicy,
        keeps_instances: bool,
    ) -> Result<StartedUpdate, CloudError> {
        // The tag comes first: after a failure in between, the configuration before is the one that
        // answers, and not an older one.
        let previous = api::Tag::builder().key(PREVIOUS).value(&deployed.config_name).build();
        let call = self.sagemaker.add_tags().resource_arn(&deployed.arn).tags(previous);
        self.aws.call("sagemaker:AddTags", call.send())?;
        let call = self
            .sagemaker
            .update_endpoint()
            .endpoint_name(&deployed.name)
            .endpoint_config_name(config_name)
            .set_retain_all_variant_properties(keeps_instances.then_some(true))
            .deployment_config(policy.config());
        self.aws.call("sagemaker:UpdateEndpoint", call.send())?;
        Ok(StartedUpdate { config_name: config_name.to_owned(), modified: deployed.modified })
    }

    /// Waits until an update has ended, and passes each event to `on_event`.
    ///
    /// # Errors
    ///
    /// Fails if the endpoint has failed, if SageMaker has rolled the update back, of which it says nothing
    /// by the status, if the timeout passes, or if AWS refuses.
    pub fn watch_update(
        &self,
        name: &str,
        update: &StartedUpdate,
        watch: Watch,
        on_event: &mut dyn FnMut(WatchEvent<'_, DeployedEndpoint>),
    ) -> Result<DeployedEndpoint, CloudError> {
        let begun = Instant::now();
        let describe = || {
            let found = self.endpoint(name)?;
            found.ok_or_else(|| Self::missing("sagemaker:DescribeEndpoint", "endpoint any more"))
        };
        let is_over = |endpoint: &DeployedEndpoint| {
            // Right after the call, the endpoint may still be described as it was before.
            let has_begun = endpoint.config_name == update.config_name
                || endpoint.modified != update.modified
                || begun.elapsed() > BEGINS_WITHIN;
            endpoint.is_over() && has_begun
        };
        let ended = until_over(&format!("endpoint {name}"), watch, describe, is_over, on_event)?;
        if !ended.is_in_service() {
            return Err(failed(&ended));
        }
        if ended.config_name != update.config_name {
            return Err(CloudError::RolledBack {
                name: name.to_owned(),
                wanted: update.config_name.clone(),
                found: ended.config_name.clone(),
                reason: ended.failure_reason.clone(),
                alarms: self.alarm_states(&ended.rollback_alarms)?,
            });
        }
        Ok(ended)
    }

    /// Finds the way back to the configuration that an endpoint had before its last update.
    ///
    /// # Errors
    ///
    /// Fails if there is no endpoint, if it is busy, if it has had no other configuration or that was
    /// deleted, or if AWS refuses.
    pub fn plan_rollback(&self, name: &str) -> Result<Rollback, CloudError> {
        let deployed = self.require_endpoint(name)?;
        require_in_service(&deployed)?;
        let none = |reason: String| CloudError::NoPrevious { name: name.to_owned(), reason };
        let tags = self.tags_of(&deployed.arn)?;
        let previous = tags.get(PREVIOUS).filter(|previous| **previous != deployed.config_name);
        let Some(previous) = previous else {
            return Err(none("it has had no other configuration".to_owned()));
        };
        let found = self.endpoint_configuration(previous)?;
        let previous =
            found.ok_or_else(|| none(format!("its configuration {previous} was deleted")))?;
        let current = self.endpoint_configuration(&deployed.config_name)?;
        let before = current.as_ref().map(|it| it.settings.clone()).unwrap_or_default();
        Ok(Rollback {
            changes: differences(&before, &previous.settings),
            is_autoscaled: !previous.is_serverless() && self.autoscaling(name)?.is_some(),
            deployed,
            current,
            previous,
        })
    }

    /// Starts the way back.
    ///
    /// # Errors
    ///
    /// Fails if AWS refuses.
    pub fn start_rollback(
        &self,
        rollback: &Rollback,
        policy: &UpdatePolicy,
    ) -> Result<StartedUpdate, CloudError> {
        let removes = rollback.removes_autoscaling();
        if removes {
            self.remove_autoscaling(&rollback.deployed.name)?;
        }
        let keeps_instances = rollback.is_autoscaled && !removes;
        let config_name = &rollback.previous.name;
        self.start_update_to(&rollback.deployed, config_name, policy, keeps_instances)
    }

    /// Creates the model of a version for an endpoint, unless it is there, and returns its name.
    pub(crate) fn create_model(
        &self,
        model: &HostedModel,
        endpoint: &str,
        owner: Owner,
    ) -> Result<String, CloudError> {
        let role_arn = &self.target.role_arn;
        let name = model.name(endpoint, role_arn);
        let call = self
            .sagemaker
            .create_model()
            .model_name(&name)
            .primary_container(model.container())
            .execution_role_arn(role_arn)
            .enable_network_isolation(model.network_isolation)
            .set_vpc_config(model.vpc_config())
            .set_tags(Some(self.tags_for(endpoint, owner)));
        match self.aws.call("sagemaker:CreateModel", call.send()) {
            Err(error) if !error.already_exists() => Err(error.into()),
            _ => Ok(name),
        }
    }

    fn create_configuration(
        &self,
        desired: &DesiredEndpoint,
        name: &str,
        owner: Owner,
    ) -> Result<(), CloudError> {
        let parts = desired.parts(&self.target.role_arn);
        let call = self
            .sagemaker
            .create_endpoint_config()
            .endpoint_config_name(name)
            .production_variants(parts.variant)
            .set_data_capture_config(parts.capture)
            .set_async_inference_config(parts.queue)
            .set_kms_key_id(parts.volume_key)
            .set_tags(Some(self.tags_for(&desired.name, owner)));
        match self.aws.call("sagemaker:CreateEndpointConfig", call.send()) {
            Err(error) if !error.already_exists() => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn tags_for(&self, endpoint: &str, owner: Owner) -> Vec<api::Tag> {
        let mut tags = self.tags(owner);
        tags.push(api::Tag::builder().key(MADE_FOR).value(endpoint).build());
        tags
    }

    /// Returns a line about each alarm: whether it is in alarm, and why.
    fn alarm_states(&self, names: &[String]) -> Result<Vec<String>, CloudError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let call = self.aws.cloudwatch().describe_alarms().set_alarm_names(Some(names.to_vec()));
        let answer = self.aws.call("cloudwatch:DescribeAlarms", call.send())?;
        let (metric, composite) = (answer.metric_alarms, answer.composite_alarms);
        let metric = metric
            .into_iter()
            .flatten()
            .map(|alarm| (alarm.alarm_name, alarm.state_value, alarm.state_reason));
        let composite = composite
            .into_iter()
            .flatten()
            .map(|alarm| (alarm.alarm_name, alarm.state_value, alarm.state_reason));
        let line = |(name, state, reason): (Option<String>, Option<_>, Option<String>)| {
            let state = state.map_or(
                "in an unknown state".to_owned(),
                |state: aws::cloudwatch::types::StateValue| format!("now {}", state.as_str()),
            );
            let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
            Some(format!("alarm {} is {state}{reason}", name?))
        };
        Ok(metric.chain(composite).filter_map(line).collect())
    }
}

impl UpdatePolicy {
    fn config(&self) -> api::DeploymentConfig {
        let share = |percent: u32| {
            api::CapacitySize::builder()
                .r#type(api::CapacitySizeType::CapacityPercent)
                .value(number(percent))
                .build()
        };
        let routing =
            api::TrafficRoutingConfig::builder().wait_interval_in_seconds(number(self.wait));
        let routing = match self.shift {
            TrafficShift::AllAtOnce => routing.r#type(api::TrafficRoutingConfigType::AllAtOnce),
            TrafficShift::Canary(percent) => {
                routing.r#type(api::TrafficRoutingConfigType::Canary).canary_size(share(percent))
            }
            TrafficShift::Linear(percent) => routing
                .r#type(api::TrafficRoutingConfigType::Linear)
                .linear_step_size(share(percent)),
        };
        let blue_green = api::BlueGreenUpdatePolicy::builder()
            .traffic_routing_configuration(routing.build())
            .termination_wait_in_seconds(number(self.terminate_after))
            .set_maximum_execution_timeout_in_seconds(self.timeout.map(number));
        let alarms: Vec<_> =
            self.alarms.iter().map(|name| api::Alarm::builder().alarm_name(name).build()).collect();
        let rollback = (!alarms.is_empty())
            .then(|| api::AutoRollbackConfig::builder().set_alarms(Some(alarms)).build());
        api::DeploymentConfig::builder()
            .blue_green_update_policy(blue_green.build())
            .set_auto_rollback_configuration(rollback)
            .build()
    }
}

/// Lists the settings that differ.
fn differences(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<Change> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |text: Option<&String>| text.map(|text| Value::String(text.clone()));
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| Change {
            place: name.clone(),
            before: value(before.get(name)),
            after: value(after.get(name)),
        })
        .collect()
}

/// Refuses an endpoint that cannot be updated now.
fn require_in_service(endpoint: &DeployedEndpoint) -> Result<(), CloudError> {
    if endpoint.is_in_service() {
        return Ok(());
    }
    if endpoint.is_over() {
        return Err(failed(endpoint));
    }
    let (name, status) = (endpoint.name.clone(), endpoint.status.clone());
    Err(CloudError::EndpointBusy { name, status })
}

fn failed(endpoint: &DeployedEndpoint) -> CloudError {
    CloudError::EndpointFailed {
        name: endpoint.name.clone(),
        status: endpoint.status.clone(),
        reason: endpoint.failure_reason.clone().unwrap_or_else(|| "no reason given".to_owned()),
    }
}

//! Making an endpoint what is wanted, or what it was: the calls, and how the update ended.

use std::time::{Duration, Instant};

use aws::sagemaker::types as api;

use super::configuration::number;
use super::plan::{HISTORY, earlier};
use super::{
    DeployedEndpoint, DesiredEndpoint, EndpointPlan, HostedModel, Rollback, TrafficShift,
    UpdatePolicy,
};
use crate::watch::{Watch, WatchEvent, until_over};
use crate::{Cloud, CloudError, Owner};

/// The number of configurations that an endpoint's tag names. A tag has at most 256 characters.
const REMEMBERED: usize = 3;
/// The time within which SageMaker shows that an update has begun.
const BEGINS_WITHIN: Duration = Duration::from_secs(120);

/// An update of an endpoint that was started.
#[derive(Debug)]
pub struct StartedUpdate {
    /// The name of the configuration that it brings.
    pub config_name: String,
    /// Whether the number of instances followed the traffic before and does no more.
    pub has_removed_autoscaling: bool,
    /// When the endpoint had changed last before, in seconds since 1970.
    modified: Option<f64>,
}

impl Cloud {
    /// Makes the configuration and the model of an endpoint again that were deleted.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn replace_deleted(
        &self,
        desired: &DesiredEndpoint,
        plan: &EndpointPlan,
        owner: Owner,
    ) -> Result<(), CloudError> {
        self.create_model(&desired.model, &desired.name, owner)?;
        self.create_configuration(desired, &plan.config_name, owner)
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
            return Ok(StartedUpdate {
                config_name,
                has_removed_autoscaling: false,
                modified: None,
            });
        };
        let settings = plan.current.as_ref().map(|current| &current.settings);
        let own = desired.properties(&self.target.role_arn);
        let same_type = settings.and_then(|it| it.get("instance_type")) == own.get("instance_type");
        let is_autoscaled = plan.scaling.is_some();
        let keeps_scaling = is_autoscaled && same_type && desired.autoscaling.is_some();
        let removes_scaling = is_autoscaled && !keeps_scaling;
        if removes_scaling {
            // SageMaker refuses other instances while autoscaling changes their number.
            self.remove_autoscaling(&desired.name)?;
        }
        self.tag(&deployed.arn, owner)?;
        self.remember(deployed, &config_name)?;
        let policy = Some(&desired.update).filter(|_| !desired.is_serverless());
        let modified = self.start_update_to(deployed, &config_name, policy, keeps_scaling)?;
        Ok(StartedUpdate { config_name, has_removed_autoscaling: removes_scaling, modified })
    }

    /// Writes down that the configuration that answers is the one before another. It is written before the
    /// update, and with those before it: if this program ends in between, or SageMaker undoes the update, an
    /// earlier one is still known.
    fn remember(&self, deployed: &DeployedEndpoint, next: &str) -> Result<(), CloudError> {
        let history = self.configuration_history(deployed)?;
        let current = &deployed.config_name;
        let mut names = vec![current.clone()];
        names.extend(earlier(&history, current).iter().filter(|name| *name != next).cloned());
        names.truncate(REMEMBERED);
        let tag = api::Tag::builder().key(HISTORY).value(names.join(" ")).build();
        self.add_tags(&deployed.arn, vec![tag])
    }

    /// Starts the update of an endpoint to a configuration that is there. Returns when the endpoint had
    /// changed last before.
    fn start_update_to(
        &self,
        deployed: &DeployedEndpoint,
        config_name: &str,
        policy: Option<&UpdatePolicy>,
        keeps_instances: bool,
    ) -> Result<Option<f64>, CloudError> {
        // It may have changed while somebody was asked, such as by autoscaling.
        let now = self.require_endpoint(&deployed.name)?;
        if now.config_name != deployed.config_name {
            return Err(CloudError::EndpointChanged { name: now.name, found: now.config_name });
        }
        let call = self
            .sagemaker
            .update_endpoint()
            .endpoint_name(&deployed.name)
            .endpoint_config_name(config_name)
            .set_retain_all_variant_properties(keeps_instances.then_some(true))
            .set_deployment_config(policy.map(UpdatePolicy::config));
        self.aws.call("sagemaker:UpdateEndpoint", call.send())?;
        Ok(now.modified)
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
        on_event: &mut dyn FnMut(WatchEvent<'_, Option<DeployedEndpoint>>),
    ) -> Result<DeployedEndpoint, CloudError> {
        let begun = Instant::now();
        let describe = || self.endpoint(name);
        let is_over = |endpoint: &Option<DeployedEndpoint>| {
            // Right after the call, the endpoint may still be described as it was before.
            let is_late = begun.elapsed() > BEGINS_WITHIN;
            match endpoint {
                Some(endpoint) => {
                    let has_begun = endpoint.config_name == update.config_name
                        || endpoint.modified != update.modified;
                    endpoint.is_over() && (has_begun || is_late)
                }
                // Somebody has deleted it.
                None => update.modified.is_some() || is_late,
            }
        };
        let ended = until_over(&format!("endpoint {name}"), watch, describe, is_over, on_event)?;
        let ended = ended.ok_or_else(|| self.no_endpoint(name))?;
        if !ended.is_in_service() {
            return Err(ended.failure());
        }
        if ended.config_name != update.config_name {
            return Err(CloudError::RolledBack {
                name: name.to_owned(),
                wanted: update.config_name.clone(),
                found: ended.config_name.clone(),
                reason: ended.failure_reason.clone(),
                alarms: self.alarm_states(&ended.rollback_alarms),
            });
        }
        Ok(ended)
    }

    /// Starts the way back.
    ///
    /// # Errors
    ///
    /// Fails if AWS refuses.
    pub fn start_rollback(&self, rollback: &Rollback) -> Result<StartedUpdate, CloudError> {
        let removes = rollback.removes_autoscaling();
        if removes {
            self.remove_autoscaling(&rollback.deployed.name)?;
        }
        let keeps_instances = rollback.scaling.is_some() && !removes;
        let config_name = &rollback.previous.name;
        // All at once, and whatever alarms: those of the settings have gone off for what is left behind.
        let modified =
            self.start_update_to(&rollback.deployed, config_name, None, keeps_instances)?;
        let config_name = config_name.clone();
        Ok(StartedUpdate { config_name, has_removed_autoscaling: removes, modified })
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

    /// Returns a line about each alarm: whether it is in alarm, and why.
    fn alarm_states(&self, names: &[String]) -> Vec<String> {
        if names.is_empty() {
            return Vec::new();
        }
        let call = self.aws.cloudwatch().describe_alarms().set_alarm_names(Some(names.to_vec()));
        let answer = match self.aws.call("cloudwatch:DescribeAlarms", call.send()) {
            Ok(answer) => answer,
            Err(error) => {
                return vec![format!("its alarms are {}, and {error}", names.join(", "))];
            }
        };
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
        metric.chain(composite).filter_map(line).collect()
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

//! What an update of an endpoint would change, and what the way back would.

use std::collections::{BTreeMap, BTreeSet};

use pipeline::Change;
use serde_json::Value;

use super::{DeployedEndpoint, DeployedScaling, DesiredEndpoint, EndpointConfiguration, VARIANT};
use crate::{Cloud, CloudError};

/// The tag of an endpoint that names the configurations that it had before, the last one first.
pub(super) const HISTORY: &str = "previous-config";
/// The name of the autoscaling among what an endpoint's configuration says.
const AUTOSCALING: &str = "autoscaling";
/// The kind of an endpoint that no other becomes.
const SERVERLESS: &str = "serverless";

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
    /// How the number of instances follows the traffic now.
    pub scaling: Option<DeployedScaling>,
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
    /// How the number of instances follows the traffic now.
    pub scaling: Option<DeployedScaling>,
}

impl Rollback {
    /// Returns whether the number of instances follows the traffic no more afterwards: SageMaker changes
    /// no type of instances whose number does, and what is followed depends on the kind.
    pub fn removes_autoscaling(&self) -> bool {
        let current = self.current.as_ref();
        let property = |name: &str| current.and_then(|current| current.settings.get(name));
        let differs = |name: &str| property(name) != self.previous.settings.get(name);
        self.scaling.is_some() && (differs("instance_type") || differs("kind"))
    }
}

impl EndpointPlan {
    /// Returns whether the endpoint is as it should be.
    pub fn is_empty(&self) -> bool {
        self.deployed.is_some()
            && self.changes.is_empty()
            && !self.brings_configuration()
            && !self.lacks_something()
    }

    /// Returns whether the endpoint's configuration or model was deleted, so that it is not patched.
    pub fn lacks_something(&self) -> bool {
        self.deployed.is_some() && self.current.as_ref().is_none_or(|it| it.lacks_model())
    }

    /// Returns whether the endpoint gets another configuration, and not another autoscaling alone.
    pub fn brings_configuration(&self) -> bool {
        self.deployed.as_ref().is_none_or(|deployed| deployed.config_name != self.config_name)
    }
}

impl Cloud {
    /// Returns the names of an endpoint's latest configurations, the last one first.
    pub(super) fn configuration_history(
        &self,
        deployed: &DeployedEndpoint,
    ) -> Result<Vec<String>, CloudError> {
        let tags = self.tags_of(&deployed.arn)?;
        let names = tags.get(HISTORY).into_iter().flat_map(|names| names.split(' '));
        Ok(names.filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    /// Returns the name of the configuration that an endpoint had before the one that answers, or `None` if it
    /// has had no other.
    ///
    /// # Errors
    ///
    /// Fails if there is no endpoint of this name, or if SageMaker refuses.
    pub fn earlier_configuration(&self, name: &str) -> Result<Option<String>, CloudError> {
        let deployed = self.require_endpoint(name)?;
        let history = self.configuration_history(&deployed)?;
        Ok(earlier(&history, &deployed.config_name).first().cloned())
    }

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
            scaling: None,
        };
        let Some(deployed) = &plan.deployed else { return Ok(plan) };
        require_in_service(deployed)?;
        plan.current = self.endpoint_configuration(&deployed.config_name)?;
        let mut before = plan.current.as_ref().map(|it| it.settings.clone()).unwrap_or_default();
        let mut after: BTreeMap<_, _> = desired.properties(role_arn).into_iter().collect();
        require_kind(&desired.name, &before, &after)?;
        require_one_variant(&desired.name, plan.current.as_ref())?;
        if !before.contains_key("memory_mb") {
            plan.scaling = self.autoscaling(&desired.name)?;
        }
        let own = plan.scaling.as_ref().map(|scaling| scaling.to_string());
        before.extend(own.map(|text| (AUTOSCALING.to_owned(), text)));
        let wanted = desired.autoscaling.as_ref().map(|scaling| scaling.to_string());
        after.extend(wanted.map(|text| (AUTOSCALING.to_owned(), text)));
        if desired.autoscaling.is_some() && plan.scaling.is_some() {
            // Autoscaling has the say about the number; the configuration's is the one to begin with.
            before.remove("instance_count");
            after.remove("instance_count");
        }
        plan.changes = differences(&before, &after);
        if !plan.brings_configuration() {
            // What has the same name has the same content, however the service describes it.
            plan.changes.retain(|change| change.place == AUTOSCALING);
        } else if plan.changes.is_empty() {
            plan.changes.push(Change {
                place: "configuration".to_owned(),
                before: Some(deployed.config_name.clone().into()),
                after: Some(plan.config_name.clone().into()),
            });
        }
        plan.changes.extend(self.tag_changes(&deployed.arn, "")?);
        Ok(plan)
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
        let current = self.endpoint_configuration(&deployed.config_name)?;
        require_one_variant(name, current.as_ref())?;
        let history = self.configuration_history(&deployed)?;
        let Some(previous) = earlier(&history, &deployed.config_name).first() else {
            return Err(none("it has had no earlier configuration".to_owned()));
        };
        let found = self.endpoint_configuration(previous)?;
        let previous = found.filter(|found| !found.lacks_model()).ok_or_else(|| {
            none(format!("its configuration {previous} or the model of that was deleted"))
        })?;
        let before = current.as_ref().map(|it| it.settings.clone()).unwrap_or_default();
        require_kind(name, &before, &previous.settings)?;
        let is_serverless = current.as_ref().is_some_and(EndpointConfiguration::is_serverless);
        Ok(Rollback {
            changes: differences(&before, &previous.settings),
            scaling: if is_serverless { None } else { self.autoscaling(name)? },
            deployed,
            current,
            previous,
        })
    }
}

/// Refuses to make an endpoint serverless that is not.
fn require_kind(
    name: &str,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Result<(), CloudError> {
    match (before.get("kind"), after.get("kind")) {
        (Some(from), Some(to)) if from != to && to == SERVERLESS => {
            Err(CloudError::EndpointKind { name: name.to_owned(), from: from.clone() })
        }
        _ => Ok(()),
    }
}

/// Refuses an endpoint that has not the one variant that this program knows.
fn require_one_variant(
    name: &str,
    current: Option<&EndpointConfiguration>,
) -> Result<(), CloudError> {
    match current {
        Some(current) if current.variants != [VARIANT] => Err(CloudError::EndpointVariants {
            name: name.to_owned(),
            variants: current.variants.clone(),
        }),
        _ => Ok(()),
    }
}

/// Returns the configurations that an endpoint had before the one that answers. That is in the history after
/// a way back.
pub(super) fn earlier<'a>(history: &'a [String], current: &str) -> &'a [String] {
    let place = history.iter().position(|name| name == current);
    place.map_or(history, |place| &history[place + 1..])
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
        return Err(endpoint.failure());
    }
    let (name, status) = (endpoint.name.clone(), endpoint.status.clone());
    let until = if status == "Deleting" { "gone" } else { "InService" };
    Err(CloudError::EndpointBusy { name, status, until })
}

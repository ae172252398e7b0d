//! Deleting an endpoint with what was made for it, and nothing that is in use.

use std::collections::{BTreeMap, BTreeSet};

use aws::CallError;
use infrastructure::{MADE_FOR, hosted_prefix};
use serde::Serialize;

use super::{DeployedEndpoint, EndpointConfiguration};
use crate::watch::{Watch, WatchEvent, until_over};
use crate::{Cloud, CloudError};

/// The status of an endpoint that is being deleted.
const DELETING: &str = "Deleting";

/// What the deletion of an endpoint deletes, and what it keeps.
#[derive(Debug, Serialize)]
pub struct Removal {
    /// The endpoint's name.
    pub name: String,
    /// The endpoint, if it is there.
    pub endpoint: Option<DeployedEndpoint>,
    /// Its configuration.
    pub current: Option<EndpointConfiguration>,
    /// Whether the number of its instances follows the traffic, which ends with it.
    pub is_autoscaled: bool,
    /// The configurations that were made for it.
    pub configurations: Vec<String>,
    /// The models that were made for it.
    pub models: Vec<String>,
    /// What was made for it and is kept, because it is in use.
    pub kept: Vec<Kept>,
}

impl Removal {
    /// Returns whether there is nothing of the endpoint.
    pub fn is_empty(&self) -> bool {
        let Self { endpoint, configurations, models, kept, .. } = self;
        endpoint.is_none() && configurations.is_empty() && models.is_empty() && kept.is_empty()
    }
}

/// What is kept, because it is in use.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// What it is: `configuration` or `model`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What uses it.
    pub used_by: String,
}

impl Cloud {
    /// Finds what was made for an endpoint, and what of that something else uses.
    ///
    /// # Errors
    ///
    /// Fails if the endpoint has inference components, or if SageMaker refuses.
    pub fn plan_removal(&self, name: &str) -> Result<Removal, CloudError> {
        let mut removal = Removal {
            name: name.to_owned(),
            endpoint: self.endpoint(name)?,
            current: None,
            is_autoscaled: false,
            configurations: Vec::new(),
            models: Vec::new(),
            kept: Vec::new(),
        };
        if let Some(endpoint) = &removal.endpoint {
            self.require_no_components(endpoint)?;
            removal.current = self.endpoint_configuration(&endpoint.config_name)?;
            removal.is_autoscaled = self.autoscaling(name)?.is_some();
        }
        // Other endpoints' names may begin alike. The tag tells.
        let prefix = hosted_prefix(name);
        let configurations = self.configurations_made_for(name, &prefix)?;
        let models = self.models_made_for(name, &prefix)?;
        if configurations.is_empty() && models.is_empty() {
            return Ok(removal);
        }
        let users = self.users_of_configurations(name)?;
        let mut users_of_models = self.transforms_in_progress()?;
        for (configuration, endpoint) in &users {
            let Some(described) = self.endpoint_configuration(configuration)? else { continue };
            let user = format!("endpoint {endpoint}");
            users_of_models.extend(described.models.into_iter().map(|model| (model, user.clone())));
        }
        for configuration in configurations {
            match users.get(&configuration) {
                None => removal.configurations.push(configuration),
                Some(endpoint) => {
                    let used_by = format!("endpoint {endpoint}");
                    removal.kept.push(Kept { kind: "configuration", name: configuration, used_by });
                }
            }
        }
        for model in models {
            match users_of_models.get(&model) {
                None => removal.models.push(model),
                Some(user) => {
                    let used_by = user.clone();
                    removal.kept.push(Kept { kind: "model", name: model, used_by });
                }
            }
        }
        Ok(removal)
    }

    /// Starts the deletion of a removal's endpoint, if it is there.
    ///
    /// # Errors
    ///
    /// Fails if the endpoint has got inference components meanwhile, or if AWS refuses.
    pub fn start_removal(&self, removal: &Removal) -> Result<(), CloudError> {
        let Some(endpoint) = &removal.endpoint else { return Ok(()) };
        self.require_no_components(endpoint)?;
        if endpoint.status != DELETING {
            let call = self.sagemaker.delete_endpoint().endpoint_name(&endpoint.name);
            CallError::if_there(self.aws.call("sagemaker:DeleteEndpoint", call.send()))?;
        }
        // Not before SageMaker has agreed.
        if removal.is_autoscaled {
            self.remove_autoscaling(&endpoint.name)?;
        }
        Ok(())
    }

    /// Waits until a removal's endpoint is gone, passes each event to `on_event`, and deletes what the
    /// endpoint used, unless something else has taken it into use meanwhile. Returns what was deleted and
    /// what was kept.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses, or if the timeout passes. The same command goes on.
    pub fn finish_removal(
        &self,
        removal: &Removal,
        watch: Watch,
        on_event: &mut dyn FnMut(WatchEvent<'_, Option<DeployedEndpoint>>),
    ) -> Result<Removal, CloudError> {
        let name = &removal.name;
        let id = format!("the deletion of endpoint {name}");
        until_over(&id, watch, || self.endpoint(name), Option::is_none, on_event)?;
        let removal = self.plan_removal(name)?;
        for name in &removal.configurations {
            let call = self.sagemaker.delete_endpoint_config().endpoint_config_name(name);
            CallError::if_there(self.aws.call("sagemaker:DeleteEndpointConfig", call.send()))?;
        }
        for name in &removal.models {
            let call = self.sagemaker.delete_model().model_name(name);
            CallError::if_there(self.aws.call("sagemaker:DeleteModel", call.send()))?;
        }
        Ok(removal)
    }

    /// Refuses an endpoint that hosts inference components: models that somebody has put on its instances
    /// beside its own.
    fn require_no_components(&self, endpoint: &DeployedEndpoint) -> Result<(), CloudError> {
        if endpoint.status == DELETING {
            return Ok(());
        }
        let call = self.sagemaker.list_inference_components().endpoint_name_equals(&endpoint.name);
        let mut pages = call.into_paginator().items().send();
        let mut components = Vec::new();
        while let Some(summary) = self.aws.wait(pages.next()) {
            let error = |error| CallError::of("sagemaker:ListInferenceComponents", error);
            components.extend(summary.map_err(error)?.inference_component_name);
        }
        if components.is_empty() {
            return Ok(());
        }
        Err(CloudError::EndpointComponents { name: endpoint.name.clone(), components })
    }

    fn configurations_made_for(&self, name: &str, prefix: &str) -> Result<Vec<String>, CallError> {
        let call = self.sagemaker.list_endpoint_configs().name_contains(prefix);
        let mut pages = call.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(summary) = self.aws.wait(pages.next()) {
            let error = |error| CallError::of("sagemaker:ListEndpointConfigs", error);
            let summary = summary.map_err(error)?;
            let (own, arn) = (summary.endpoint_config_name, summary.endpoint_config_arn);
            found.extend(own.zip(arn));
        }
        self.made_for(name, prefix, found)
    }

    fn models_made_for(&self, name: &str, prefix: &str) -> Result<Vec<String>, CallError> {
        let call = self.sagemaker.list_models().name_contains(prefix);
        let mut pages = call.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(summary) = self.aws.wait(pages.next()) {
            let summary = summary.map_err(|error| CallError::of("sagemaker:ListModels", error))?;
            found.extend(summary.model_name.zip(summary.model_arn));
        }
        self.made_for(name, prefix, found)
    }

    /// Returns the names that begin with the prefix, of those that carry the endpoint's name as a tag.
    fn made_for(
        &self,
        endpoint: &str,
        prefix: &str,
        found: Vec<(String, String)>,
    ) -> Result<Vec<String>, CallError> {
        let mut own = Vec::new();
        // The service finds names that contain the prefix anywhere.
        for (name, arn) in found.into_iter().filter(|(name, _)| name.starts_with(prefix)) {
            if self.tags_of(&arn)?.get(MADE_FOR).is_some_and(|made_for| made_for == endpoint) {
                own.push(name);
            }
        }
        Ok(own)
    }

    /// Returns the configurations of all other endpoints, with an endpoint that uses each.
    fn users_of_configurations(&self, name: &str) -> Result<BTreeMap<String, String>, CallError> {
        let mut pages = self.sagemaker.list_endpoints().into_paginator().items().send();
        let mut names = BTreeSet::new();
        while let Some(summary) = self.aws.wait(pages.next()) {
            let summary =
                summary.map_err(|error| CallError::of("sagemaker:ListEndpoints", error))?;
            names.extend(summary.endpoint_name.filter(|other| other != name));
        }
        let mut users = BTreeMap::new();
        for other in names {
            if let Some(endpoint) = self.endpoint(&other)? {
                users.extend(endpoint.pending_config_name.map(|name| (name, other.clone())));
                users.insert(endpoint.config_name, other);
            }
        }
        Ok(users)
    }

    /// Returns the models of the batch transforms that are in progress.
    fn transforms_in_progress(&self) -> Result<BTreeMap<String, String>, CallError> {
        let in_progress = aws::sagemaker::types::TransformJobStatus::InProgress;
        let call = self.sagemaker.list_transform_jobs().status_equals(in_progress);
        let mut pages = call.into_paginator().items().send();
        let mut models = BTreeMap::new();
        while let Some(summary) = self.aws.wait(pages.next()) {
            let error = |error| CallError::of("sagemaker:ListTransformJobs", error);
            let Some(name) = summary.map_err(error)?.transform_job_name else { continue };
            let call = self.sagemaker.describe_transform_job().transform_job_name(&name);
            let job = self.aws.call("sagemaker:DescribeTransformJob", call.send())?;
            models.extend(job.model_name.map(|model| (model, format!("transform job {name}"))));
        }
        Ok(models)
    }
}

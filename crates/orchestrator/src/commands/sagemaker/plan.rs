//! `orchestrator plan`: prints what `deploy` would change.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use cloud::{Cloud, CloudError, DeployedPipeline, EcrImage, GROUP};
use common::Exit;
use config::steps::Register;
use config::{Image, Settings};
use infrastructure::Repository;
use pipeline::{Change, Definition, Parameter};
use serde::Serialize;
use serde_json::{Value, json};

use super::approval::{registers_approved, require_unapproved};
use super::connect::connect;
use super::input_table::use_newest;
use crate::arguments::parameters;
use crate::arguments::settings::{SettingsArgs, read_definition};
use crate::commands::validate;
use crate::definition::TableDocument;
use crate::definition::machines::job_instances;
use crate::definition::names::GROUP_PARAMETER;
use crate::error::CommandError;
use crate::output::cost::ExecutionCost;
use crate::output::{print_json, print_text, say};

/// Arguments of the plan command.
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    config: SettingsArgs,
    /// Compare with this definition instead of the settings' own
    #[arg(long, value_name = "FILE")]
    definition: Option<Utf8PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// The action of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeployAction {
    /// The pipeline is created.
    Create,
    /// The pipeline is updated.
    Update,
    /// The deployed pipeline already has this definition.
    Nothing,
}

/// The difference between the settings' pipeline and the deployed one.
pub struct Plan {
    /// The definition, which is valid and names images by their digests.
    pub definition: Definition,
    /// The definition's JSON, as it is deployed.
    pub json: String,
    /// The deployed pipeline.
    pub deployed: Option<DeployedPipeline>,
    /// The changes that an update makes.
    pub changes: Vec<Change>,
    /// The model package group, unless the definition registers in another one or not at all.
    pub group: Option<String>,
    /// The settings of the table, unless the definition reads others or none.
    table: Option<TableDocument>,
}

/// Compares the pipelines and prints the changes.
pub fn run(arguments: &PlanArgs) -> Result<Exit, CommandError> {
    let (mut settings, cloud) = connect(&arguments.config)?;
    if arguments.definition.is_none() {
        use_newest(&mut settings, &cloud)?;
    }
    let plan = Plan::of(&mut settings, &cloud, arguments.definition.as_deref())?;
    // The settings know the instances of their own definition only.
    let cost = arguments.definition.is_none().then(|| ExecutionCost::of(&settings));
    if arguments.json {
        print_json(&json!({
            "pipeline": cloud.target().pipeline_name,
            "region": cloud.target().region,
            "action": plan.action(),
            "changes": plan.changes,
            "table_settings": plan.table_to_upload().map(|table| &table.uri),
            "cost": cost,
        }))?;
    } else {
        let cost = cost.map(|cost| format!("\n{cost}\n")).unwrap_or_default();
        print_text(&format!("{}{}{cost}", plan.to_text(&cloud), plan.upload_to_text()))?;
    }
    Ok(if plan.action() == DeployAction::Nothing { Exit::Done } else { Exit::Different })
}

impl Plan {
    /// Checks the definition offline, replaces the image tags of the settings by digests, and compares
    /// the result with the deployed pipeline.
    pub fn of(
        settings: &mut Settings,
        cloud: &Cloud,
        file: Option<&Utf8Path>,
    ) -> Result<Self, CommandError> {
        // Faults that can be found offline are reported before the first call.
        let mut definition = match file {
            Some(file) => read_definition(file)?,
            None => validate::settings_definition(settings)?,
        };
        validate::require_valid(&definition)?;
        let defaults = parameters::values(&definition, &[])?;
        require_unapproved(settings, &definition, &defaults)?;
        if registers_approved(&definition, &defaults) {
            say("Executions register approved versions: model_registry.approval_status says so");
        }
        // A definition from a file names its images itself.
        if file.is_some() {
            say_tags(&definition);
        } else {
            use_digests(settings, cloud)?;
            definition = validate::settings_definition(settings)?;
        }
        let json = definition.to_json();
        let deployed = cloud.deployed()?;
        let changes = deployed.as_ref().map(|deployed| cloud.changes(&json, deployed));
        let mut changes = changes.transpose()?.unwrap_or_default();
        // The digest of the definition changes with whatever else does.
        if changes.len() > 1 {
            changes.retain(|change| !change.place.ends_with(Register::DEFINITION_DIGEST));
        }
        let group = &settings.model_registry.model_package_group_name;
        let group = Some(group).filter(|group| registers_in(&definition, group)).cloned();
        if let Some(group) = &group {
            let of_group = cloud.group_changes(group)?;
            // A new pipeline comes with a new group.
            let is_new = deployed.is_none() && of_group.iter().all(|one| one.place == GROUP);
            changes.extend(of_group.into_iter().filter(|_| !is_new));
        }
        let table = Some(TableDocument::of(settings)).filter(|table| table.is_read_by(&definition));
        Ok(Self { definition, json, deployed, changes, group, table })
    }

    /// Returns the action of a deployment.
    pub fn action(&self) -> DeployAction {
        match &self.deployed {
            None => DeployAction::Create,
            Some(_) if self.changes.is_empty() => DeployAction::Nothing,
            Some(_) => DeployAction::Update,
        }
    }

    /// Formats the action and a line for each change.
    pub fn to_text(&self, cloud: &Cloud) -> String {
        let (name, region) = (&cloud.target().pipeline_name, &cloud.target().region);
        let mut text = match self.action() {
            DeployAction::Create => format!(
                "{name} is not in {region} yet: {} steps, {} parameters.\n",
                self.definition.steps_recursive().len(),
                self.definition.parameters.len()
            ),
            DeployAction::Nothing => format!("{name} in {region} is as it should be.\n"),
            DeployAction::Update => {
                let count = self.changes.len();
                let s = if count == 1 { "" } else { "s" };
                format!("{name} in {region}: {count} change{s}.\n")
            }
        };
        for change in &self.changes {
            text.push_str(&format!("  {change}\n"));
        }
        text
    }

    /// Returns the settings of the table if a deployment uploads them: before it creates or updates
    /// the pipeline that reads them, and not for a pipeline that stays as it is.
    pub fn table_to_upload(&self) -> Option<&TableDocument> {
        self.table.as_ref().filter(|_| self.action() != DeployAction::Nothing)
    }

    /// Formats a line about the file that a deployment uploads.
    pub fn upload_to_text(&self) -> String {
        self.table_to_upload().map_or_else(String::new, |table| {
            format!("The settings of the table would be uploaded to {}\n", table.uri)
        })
    }
}

/// Returns the settings' images with the instance types of the jobs that run them.
pub fn ecr_images(settings: &Settings) -> Vec<EcrImage> {
    let jobs = job_instances(settings);
    let image = |&image: &Image| {
        let ecr_image = EcrImage::new(image.name(), settings.aws.image_uri(image));
        match jobs.iter().find(|job| job.image == image) {
            Some(job) => ecr_image.run_by_job(job.instance_type),
            // Every version that is registered names it.
            None => ecr_image.run_by_endpoint(None),
        }
    };
    Image::ALL.iter().map(image).collect()
}

/// Returns whether the executions of a definition register versions in a group, unless they are started with another.
fn registers_in(definition: &Definition, group: &str) -> bool {
    let is_group = |parameter: &Parameter| {
        parameter.name == GROUP_PARAMETER && parameter.default == Some(group.into())
    };
    definition.parameters.iter().any(is_group)
}

/// Returns the images of ECR that a definition names.
pub fn images_of(definition: &Definition) -> BTreeSet<String> {
    let mut images = BTreeSet::new();
    let mut open = vec![json!(definition)];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) if Repository::of(&text).is_some() => drop(images.insert(text)),
            Value::Array(entries) => open.extend(entries),
            Value::Object(members) => open.extend(members.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    images
}

/// Says which images a definition names by tags, so that what runs, and what serves the models that it registers, may
/// become something else.
fn say_tags(definition: &Definition) {
    let images = images_of(definition).into_iter().filter(|image| !image.contains('@'));
    let images: Vec<String> = images.collect();
    if !images.is_empty() {
        say(&format!(
            "The definition names images by tags, which a push can give to other images: {}. Without --definition they \
             are named by digests.",
            images.join(", ")
        ));
    }
}

/// Replaces the tags of the settings' images by digests.
fn use_digests(settings: &mut Settings, cloud: &Cloud) -> Result<(), CommandError> {
    let digests = match cloud.resolve_images(ecr_images(settings)) {
        Ok(digests) => digests,
        Err(error) => {
            // Credentials of another account find none of its images.
            let account = cloud.check_credentials().err();
            let account = account.filter(|error| matches!(error, CloudError::Account { .. }));
            return Err(account.unwrap_or(error).into());
        }
    };
    if digests.is_empty() {
        return Ok(());
    }
    let lines = digests.iter().map(|(name, uri)| format!("  {name}: {uri}\n"));
    let yaml = format!("images:\n{}", lines.collect::<String>());
    Ok(settings.use_images("ECR's answer", &yaml)?)
}

//! `orchestrator plan`: prints what `deploy` would change.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use cloud::{Cloud, DeployedPipeline, EcrImage};
use common::Exit;
use config::{Image, Settings};
use pipeline::{Change, Definition};
use serde::Serialize;
use serde_json::{Value, json};

use super::connect::connect;
use super::cost::Cost;
use crate::arguments::settings::{SettingsArgs, read_definition};
use crate::commands::validate;
use crate::definition::machines;
use crate::error::CommandError;
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

/// What a deployment does to the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The pipeline is created.
    Create,
    /// The pipeline is updated.
    Update,
    /// The pipeline already is what the definition says.
    Nothing,
}

/// The difference between the settings' pipeline and the deployed one.
pub struct Plan {
    /// The definition, which is valid and names images by their digests.
    pub definition: Definition,
    /// The definition as it is sent.
    pub json: String,
    /// The deployed pipeline.
    pub deployed: Option<DeployedPipeline>,
    /// The changes that an update makes.
    pub changes: Vec<Change>,
}

/// Compares the pipelines and prints the changes.
pub fn run(arguments: &PlanArgs) -> Result<Exit, CommandError> {
    let (mut settings, cloud) = connect(&arguments.config)?;
    let plan = Plan::of(&mut settings, &cloud, arguments.definition.as_deref())?;
    // The instances of another definition's jobs are not known here.
    let cost = arguments.definition.is_none().then(|| Cost::of(&settings));
    if arguments.json {
        print_json(&json!({
            "pipeline": cloud.target().pipeline_name,
            "region": cloud.target().region,
            "action": plan.action(),
            "changes": plan.changes_as_json(),
            "cost": cost,
        }))?;
    } else {
        let cost = cost.map(|cost| format!("\n{cost}\n")).unwrap_or_default();
        print_text(&format!("{}{cost}", plan.to_text(&cloud)))?;
    }
    Ok(if plan.action() == Action::Nothing { Exit::Done } else { Exit::Different })
}

impl Plan {
    /// Checks the definition offline, puts digests in the place of the settings' image tags, and
    /// compares the result with the deployed pipeline.
    pub fn of(
        settings: &mut Settings,
        cloud: &Cloud,
        file: Option<&Utf8Path>,
    ) -> Result<Self, CommandError> {
        // Everything that can be wrong offline is reported before the first call.
        let mut definition = match file {
            Some(file) => read_definition(file)?,
            None => validate::own_definition(settings)?,
        };
        validate::require(&definition)?;
        // Another definition names its images itself.
        if file.is_none() {
            use_digests(settings, cloud)?;
            definition = validate::own_definition(settings)?;
        }
        let json = definition.to_json();
        let deployed = cloud.deployed()?;
        let changes = deployed.as_ref().map(|deployed| cloud.changes(&json, deployed));
        Ok(Self { definition, json, deployed, changes: changes.unwrap_or_default() })
    }

    /// Returns what a deployment does.
    pub fn action(&self) -> Action {
        match &self.deployed {
            None => Action::Create,
            Some(_) if self.changes.is_empty() => Action::Nothing,
            Some(_) => Action::Update,
        }
    }

    /// Formats the action and a line for each change.
    pub fn to_text(&self, cloud: &Cloud) -> String {
        let (name, region) = (&cloud.target().pipeline_name, &cloud.target().region);
        let mut text = match self.action() {
            Action::Create => format!(
                "{name} is not in {region} yet: {} steps, {} parameters.\n",
                self.definition.steps_recursive().len(),
                self.definition.parameters.len()
            ),
            Action::Nothing => format!("{name} in {region} is as it should be.\n"),
            Action::Update => {
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

    /// Returns the changes as JSON.
    pub fn changes_as_json(&self) -> Vec<Value> {
        let change = |change: &Change| json!({ "place": change.place, "before": change.before, "after": change.after });
        self.changes.iter().map(change).collect()
    }
}

/// Returns the settings' images with the instance types of the jobs that run them.
pub fn ecr_images(settings: &Settings) -> Vec<EcrImage> {
    let machines = machines(settings);
    let image = |&image: &Image| {
        let ecr_image = EcrImage::new(image.name(), settings.aws.image_uri(image));
        match machines.iter().find(|machine| machine.image == image) {
            Some(machine) => ecr_image.run_by_job(machine.instance_type),
            None => ecr_image,
        }
    };
    Image::ALL.iter().map(image).collect()
}

/// Puts digests in the place of the tags of the settings' images.
fn use_digests(settings: &mut Settings, cloud: &Cloud) -> Result<(), CommandError> {
    let resolved = cloud.resolve_images(ecr_images(settings))?;
    for uri in resolved.absent {
        say(&format!(
            "There is no image {uri} yet. Models are registered with that name and can be deployed \
             once it is there."
        ));
    }
    if resolved.digests.is_empty() {
        return Ok(());
    }
    let lines = resolved.digests.iter().map(|(name, uri)| format!("  {name}: {uri}\n"));
    let yaml = format!("images:\n{}", lines.collect::<String>());
    Ok(settings.use_images("ECR's answer", &yaml)?)
}

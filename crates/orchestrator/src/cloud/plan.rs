//! `orchestrator plan`: what `deploy` would change.

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use common::Exit;
use pipeline::{Change, Definition, difference};
use serde::Serialize;
use serde_json::{Value, json};

use super::Cloud;
use super::cost::Cost;
use super::deployed::Deployed;
use crate::command::{CommandError, Config, print_json, print_text, read_definition};
use crate::validate;

/// What `plan` is told.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: Config,
    /// Compare with this definition instead of the settings' own
    #[arg(long, value_name = "FILE")]
    definition: Option<Utf8PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// There is no such pipeline.
    Create,
    /// It is another.
    Update,
    /// It is as it should be.
    Nothing,
}

/// The pipeline as it should be beside the pipeline as it is.
pub struct Plan {
    /// Valid, and with digests for images.
    pub definition: Definition,
    /// The same as it is sent.
    pub json: String,
    /// What is there.
    pub deployed: Option<Deployed>,
    /// From there to here.
    pub changes: Vec<Change>,
}

/// Compares and prints.
pub fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let mut cloud = Cloud::connect(&arguments.config)?;
    let plan = Plan::of(&mut cloud, arguments.definition.as_deref())?;
    // what another definition costs is not known here
    let cost = arguments.definition.is_none().then(|| Cost::of(&cloud.settings));
    if arguments.json {
        print_json(&json!({
            "pipeline": cloud.name(),
            "region": cloud.settings.aws.region,
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
    /// Looks up images and pipeline, and checks offline all that can be.
    pub fn of(cloud: &mut Cloud, file: Option<&Utf8Path>) -> Result<Self, CommandError> {
        // before any question to AWS
        let mut definition = match file {
            Some(file) => read_definition(file)?,
            None => validate::own_definition(&cloud.settings)?,
        };
        validate::require(&definition)?;
        // another definition names its images itself
        if file.is_none() {
            cloud.resolve_images()?;
            definition = validate::own_definition(&cloud.settings)?;
        }
        let json = definition.to_json();
        let deployed = cloud.deployed()?;
        let changes = deployed.as_ref().map(|deployed| changes(cloud, &json, deployed));
        Ok(Self { definition, json, deployed, changes: changes.unwrap_or_default() })
    }

    /// What is to be done.
    pub fn action(&self) -> Action {
        match &self.deployed {
            None => Action::Create,
            Some(_) if self.changes.is_empty() => Action::Nothing,
            Some(_) => Action::Update,
        }
    }

    /// A line for each change, under one that says what the pipeline is to become.
    pub fn to_text(&self, cloud: &Cloud) -> String {
        let (name, region) = (cloud.name(), &cloud.settings.aws.region);
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

    /// For programs.
    pub fn changes_as_json(&self) -> Vec<Value> {
        let change = |change: &Change| json!({ "place": change.place, "before": change.before, "after": change.after });
        self.changes.iter().map(change).collect()
    }
}

fn changes(cloud: &Cloud, json: &str, deployed: &Deployed) -> Vec<Change> {
    let settings = &cloud.settings;
    let wanted: Value = serde_json::from_str(json).unwrap_or_default();
    let own = [
        ("RoleArn", &deployed.role_arn, &settings.aws.role_arn),
        ("PipelineDescription", &deployed.description, &settings.pipeline.description),
    ];
    let own = own.into_iter().filter(|(_, before, after)| before != after);
    let own = own.map(|(place, before, after)| Change {
        place: place.to_owned(),
        before: Some(before.as_str().into()),
        after: Some(after.as_str().into()),
    });
    own.chain(difference(&deployed.definition, &wanted)).collect()
}

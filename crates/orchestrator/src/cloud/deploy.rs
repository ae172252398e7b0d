//! `orchestrator deploy`: the pipeline on SageMaker becomes what the settings say.

use aws::CallError;
use aws::sagemaker::types::{PipelineDefinitionS3Location, Tag};
use camino::Utf8PathBuf;
use clap::Args;
use common::Exit;
use infrastructure::DEFINITIONS;
use pipeline::LARGEST_DEFINITION;
use serde_json::{Value, json};

use super::Cloud;
use super::deployed::Deployed;
use super::plan::{Action, Plan};
use super::start::{Starting, told};
use super::watch::{self, Watching};
use crate::command::{CommandError, Config, print_json, print_text};
use crate::parameters::Parameters;
use crate::progress::say;

/// What `deploy` is told.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    config: Config,
    /// Deploy this definition instead of the settings' own, with the settings' name and role
    #[arg(long, value_name = "FILE")]
    definition: Option<Utf8PathBuf>,
    /// Say what would be done, and do nothing of it
    #[arg(long)]
    dry_run: bool,
    /// First put this table where the pipeline reads its input
    #[arg(long, value_name = "CSV")]
    upload: Option<Utf8PathBuf>,
    /// Take over a pipeline of this name that something else has made
    #[arg(long)]
    adopt: bool,
    /// Start an execution afterwards
    #[arg(long)]
    start: bool,
    #[command(flatten)]
    parameters: Parameters,
    /// Start an execution and watch it to its end
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    watching: Watching,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Whose a pipeline is.
const MANAGED_BY: &str = "managed-by";
/// Ours.
const US: &str = "machine-downtime-orchestrator";

/// Deploys, and starts and watches if asked to.
pub fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let starts = arguments.start || arguments.watch;
    let given = arguments.parameters.given()?;
    if !starts && !given.is_empty() {
        let message = "-p sets a parameter of an execution; --start starts one".to_owned();
        return Err(CommandError::Usage(message));
    }
    let table = arguments.upload.as_deref().map(super::upload::Table::open).transpose()?;
    let mut cloud = Cloud::connect(&arguments.config)?;
    // all that can be wrong comes before the first change
    let plan = Plan::of(&mut cloud, arguments.definition.as_deref())?;
    let starting = match starts {
        true => Some(Starting::of(&cloud.settings, Some(&plan.definition), &given)?),
        false => None,
    };
    match &plan.deployed {
        Some(deployed) => {
            cloud.check_arn(&deployed.arn)?;
            cloud.check_owner(deployed, arguments.adopt, plan.action())?;
        }
        None => cloud.check_account()?,
    }
    let action = plan.action();
    if !arguments.json {
        print_text(&plan.to_text(&cloud))?;
    }
    if arguments.dry_run {
        if arguments.json {
            print_json(&json!({
                "pipeline": cloud.name(), "action": action, "dry_run": true,
                "changes": plan.changes_as_json(),
            }))?;
        } else {
            let table = arguments.upload.as_ref();
            let table = table.map(|path| format!("{path} would be uploaded.\n"));
            print_text(&format!("{}Nothing was done: --dry-run.\n", table.unwrap_or_default()))?;
        }
        return Ok(Exit::Done);
    }
    let table = table.map(|table| cloud.upload(table)).transpose()?;
    let arn = match &plan.deployed {
        None => cloud.create(&plan)?,
        Some(deployed) if action == Action::Update => cloud.update(&plan, deployed)?,
        Some(deployed) => {
            if arguments.adopt {
                cloud.tag(&deployed.arn)?;
            }
            deployed.arn.clone()
        }
    };
    let done = match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Nothing => "unchanged",
    };
    if !arguments.json {
        told(&format!("{arn}: {done}"))?;
    }
    let mut result = json!({
        "pipeline": cloud.name(), "pipeline_arn": arn, "action": done,
        "changes": plan.changes_as_json(),
    });
    if let Some(table) = table {
        result["uploaded"] = table.into();
    }
    // what was done has to be known, whatever becomes of the rest
    let refused = |result: &Value, error: CommandError| -> Result<Exit, CommandError> {
        if arguments.json {
            print_json(result)?;
        }
        Err(error)
    };
    let execution = match starting.map(|starting| cloud.start(&starting)).transpose() {
        Ok(execution) => execution,
        Err(error) => return refused(&result, error),
    };
    if let Some(execution) = &execution {
        result["execution_arn"] = execution.as_str().into();
        if !arguments.json {
            told(&format!("{execution}: started"))?;
        }
    }
    let mut exit = Exit::Done;
    if let (Some(execution), true) = (&execution, arguments.watch) {
        let ending = match watch::to_the_end(&cloud, execution, &arguments.watching) {
            Ok(ending) => ending,
            Err(error) => return refused(&result, error),
        };
        exit = ending.exit;
        if arguments.json {
            result["execution"] = json!(ending.report);
        } else {
            ending.print(&cloud)?;
        }
    }
    if arguments.json {
        print_json(&result)?;
    }
    Ok(exit)
}

impl Cloud {
    /// A pipeline of this name may be somebody else's.
    fn check_owner(
        &self,
        deployed: &Deployed,
        adopt: bool,
        action: Action,
    ) -> Result<(), CommandError> {
        if adopt || action == Action::Nothing {
            return Ok(());
        }
        let mut pages =
            self.sagemaker.list_tags().resource_arn(&deployed.arn).into_paginator().items().send();
        let mut owner = None;
        while let Some(tag) = self.aws.wait(pages.next()) {
            let tag = tag.map_err(|error| CallError::of("sagemaker:ListTags", error))?;
            if tag.key.as_deref() == Some(MANAGED_BY) {
                owner = tag.value;
            }
        }
        let us = self.tags().find(|(key, _)| *key == MANAGED_BY).map_or(US, |(_, value)| value);
        if owner.as_deref() == Some(us) {
            return Ok(());
        }
        let owner = owner.map_or_else(
            || format!("has no tag {MANAGED_BY}={us}"),
            |owner| format!("has the tag {MANAGED_BY}={owner}, not {us}"),
        );
        Err(CommandError::Aws(format!(
            "the pipeline {} is there and {owner}: it may be another one. pipeline.name of the \
             settings names yours; --adopt takes this one over",
            self.name()
        )))
    }

    /// The settings' tags and whose the pipeline is.
    fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self.settings.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let marked = self.settings.tags.contains_key(MANAGED_BY);
        own.chain((!marked).then_some((MANAGED_BY, US)))
    }

    fn sdk_tags(&self) -> Vec<Tag> {
        let tag = |(key, value)| Tag::builder().key(key).value(value).build();
        self.tags().map(tag).collect()
    }

    fn create(&self, plan: &Plan) -> Result<String, CommandError> {
        const ACTION: &str = "sagemaker:CreatePipeline";
        let settings = &self.settings;
        let (body, place) = self.definition_of(plan)?;
        let call = self
            .sagemaker
            .create_pipeline()
            .pipeline_name(self.name())
            .pipeline_description(&settings.pipeline.description)
            .set_pipeline_definition(body)
            .set_pipeline_definition_s3_location(place)
            .role_arn(&settings.aws.role_arn)
            .set_tags(Some(self.sdk_tags()));
        let answer = self.aws.call(ACTION, call.send())?;
        Ok(answer.pipeline_arn.ok_or_else(|| CallError::without(ACTION, "PipelineArn"))?)
    }

    fn update(&self, plan: &Plan, deployed: &Deployed) -> Result<String, CommandError> {
        let settings = &self.settings;
        let (body, place) = self.definition_of(plan)?;
        let call = self
            .sagemaker
            .update_pipeline()
            .pipeline_name(self.name())
            .set_pipeline_display_name(deployed.display_name.clone())
            .pipeline_description(&settings.pipeline.description)
            .set_pipeline_definition(body)
            .set_pipeline_definition_s3_location(place)
            .role_arn(&settings.aws.role_arn)
            .set_parallelism_configuration(deployed.parallelism.clone());
        // first, so that a pipeline that is ours is marked so
        self.tag(&deployed.arn)?;
        self.aws.call("sagemaker:UpdatePipeline", call.send())?;
        Ok(deployed.arn.clone())
    }

    /// Adds and changes tags; those that others gave the pipeline stay.
    fn tag(&self, arn: &str) -> Result<(), CommandError> {
        let tags = self.sagemaker.add_tags().resource_arn(arn).set_tags(Some(self.sdk_tags()));
        self.aws.call("sagemaker:AddTags", tags.send())?;
        Ok(())
    }

    /// The definition as a request takes it: itself, or where it was put.
    fn definition_of(
        &self,
        plan: &Plan,
    ) -> Result<(Option<String>, Option<PipelineDefinitionS3Location>), CommandError> {
        if plan.json.len() <= LARGEST_DEFINITION {
            return Ok((Some(plan.json.clone()), None));
        }
        let digest = common::sha256_hex(&plan.json);
        let bucket = &self.settings.s3_paths.bucket;
        let key = format!("{DEFINITIONS}{}-{digest:.32}.json", self.name());
        let put = self.aws.s3().put_object().bucket(bucket).key(&key);
        let put = put.content_type("application/json").body(plan.json.clone().into_bytes().into());
        self.aws.call("s3:PutObject", put.send())?;
        say(&format!("The definition has {} bytes: s3://{bucket}/{key}", plan.json.len()));
        let place = PipelineDefinitionS3Location::builder().bucket(bucket).object_key(key).build();
        Ok((None, Some(place)))
    }
}

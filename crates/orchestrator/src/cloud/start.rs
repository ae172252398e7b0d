//! `orchestrator start`, `stop` and `retry`.

use std::thread;
use std::time::Duration;

use aws::CallError;
use aws::sagemaker::types::Parameter;
use clap::Args;
use common::Exit;
use config::Settings;
use pipeline::Definition;
use serde_json::{Value, json};

use super::Cloud;
use super::execution::Execution;
use super::watch::{self, Watching};
use crate::command::{CommandError, Config, print_json, print_text};
use crate::definition;
use crate::parameters::{self, Parameters};
use crate::progress::say;

/// How many seconds a retry may take to be told of.
const NOTICED: u32 = 30;

/// What `start` is told.
#[derive(Debug, Args)]
pub struct Start {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    parameters: Parameters,
    /// Watch it to its end
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    watching: Watching,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// What `stop` is told.
#[derive(Debug, Args)]
pub struct Stop {
    #[command(flatten)]
    config: Config,
    /// The execution's id or ARN [default: the latest]
    execution: Option<String>,
}

/// What `retry` is told.
#[derive(Debug, Args)]
pub struct Retry {
    #[command(flatten)]
    config: Config,
    /// The execution's id or ARN [default: the latest]
    execution: Option<String>,
    /// Watch it to its end
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    watching: Watching,
    /// Print the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// What an execution is started with, checked.
pub struct Starting(Vec<Parameter>);

impl Starting {
    /// Holds what was typed to the definition; one that is not ours to read is left to SageMaker.
    pub fn of(
        settings: &Settings,
        definition: Option<&Definition>,
        given: &[(&str, &str)],
    ) -> Result<Self, CommandError> {
        const LONGEST: usize = 1024;
        if let Some((name, value)) = given.iter().find(|(_, value)| value.chars().count() > LONGEST)
        {
            return Err(CommandError::Usage(format!(
                "parameter {name} has {} characters, expected at most {LONGEST}",
                value.chars().count()
            )));
        }
        let parameter =
            |name: &str, value: &str| Parameter::builder().name(name).value(value).build();
        let Some(definition) = definition else {
            return Ok(Self(given.iter().map(|(name, value)| parameter(name, value)).collect()));
        };
        let values = parameters::values(definition, given)?;
        // what the steps of another pipeline take is not known here
        if definition::is_ours(definition) {
            parameters::check_ranges(settings, &values)?;
        }
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let given = given.iter().filter_map(|(name, _)| Some((*name, values.get(*name)?)));
        Ok(Self(given.map(|(name, value)| parameter(name, &text(value))).collect()))
    }
}

/// Starts an execution.
pub fn run(arguments: &Start) -> Result<Exit, CommandError> {
    let given = arguments.parameters.given()?;
    let cloud = Cloud::connect(&arguments.config)?;
    let deployed = cloud.deployed()?.ok_or_else(|| cloud.no_pipeline())?;
    cloud.check_arn(&deployed.arn)?;
    let definition = Definition::from_json(&deployed.text).ok();
    let starting = Starting::of(&cloud.settings, definition.as_ref(), &given)?;
    let execution = cloud.start(&starting)?;
    after(&cloud, &execution, "started", arguments.watch, &arguments.watching, arguments.json)
}

/// Stops an execution.
pub fn stop(arguments: &Stop) -> Result<Exit, CommandError> {
    let cloud = Cloud::connect(&arguments.config)?;
    let arn = cloud.find(arguments.execution.as_deref())?;
    let found = cloud.describe(&arn)?;
    if found.is_over() {
        return Err(CommandError::Aws(format!(
            "execution {} is over ({}), so there is nothing to stop",
            found.id(),
            found.status
        )));
    }
    let call = cloud.sagemaker.stop_pipeline_execution().pipeline_execution_arn(&arn);
    cloud.aws.call("sagemaker:StopPipelineExecution", call.send())?;
    told(&format!("{arn}: stopping; its jobs are given two minutes"))
}

/// Runs the failed steps of an execution again.
pub fn retry(arguments: &Retry) -> Result<Exit, CommandError> {
    let cloud = Cloud::connect(&arguments.config)?;
    let arn = cloud.find(arguments.execution.as_deref())?;
    let found = cloud.describe(&arn)?;
    if !["Failed", "Stopped"].contains(&found.status.as_str()) {
        return Err(CommandError::Aws(format!(
            "execution {} is {}; only one that is Failed or Stopped is tried again",
            found.id(),
            found.status
        )));
    }
    let call = cloud.sagemaker.retry_pipeline_execution().pipeline_execution_arn(&arn);
    cloud.aws.call("sagemaker:RetryPipelineExecution", call.send())?;
    // until it is told of, a watcher would take it for over
    for _ in 0..NOTICED {
        if !cloud.describe(&arn)?.is_over() {
            break;
        }
        thread::sleep(Duration::from_secs(1));
    }
    after(&cloud, &arn, "tried again", arguments.watch, &arguments.watching, arguments.json)
}

/// Prints what was done; where standard output takes nothing, standard error has to.
pub fn told(text: &str) -> Result<Exit, CommandError> {
    print_text(&format!("{text}\n")).inspect_err(|_| say(text))
}

/// What is printed of an execution that was set going, at once or at its end.
fn after(
    cloud: &Cloud,
    arn: &str,
    what: &str,
    watches: bool,
    watching: &Watching,
    json: bool,
) -> Result<Exit, CommandError> {
    let mut result = json!({ "execution_arn": arn, "execution_id": Execution::id_of(arn) });
    if !json {
        told(&format!("{arn}: {what}"))?;
    }
    let mut exit = Exit::Done;
    if watches {
        let ending = watch::to_the_end(cloud, arn, watching);
        // what was started has to be known, whatever becomes of the watching
        if json && ending.is_err() {
            print_json(&result)?;
        }
        let ending = ending?;
        exit = ending.exit;
        if !json {
            ending.print(cloud)?;
        }
        result["execution"] = json!(ending.report);
    } else if !json {
        print_text(&format!("orchestrator watch {} follows it.\n", Execution::id_of(arn)))?;
    }
    if json {
        print_json(&result).inspect_err(|_| say(&format!("{arn}: {what}")))?;
    }
    Ok(exit)
}

impl Cloud {
    /// Starts an execution and returns its ARN. The SDK gives the request a token of its own, so
    /// that one that is sent again starts no second one.
    pub fn start(&self, starting: &Starting) -> Result<String, CommandError> {
        const ACTION: &str = "sagemaker:StartPipelineExecution";
        let call = self
            .sagemaker
            .start_pipeline_execution()
            .pipeline_name(self.name())
            .set_pipeline_parameters(Some(starting.0.clone()));
        let answer = self.aws.call(ACTION, call.send())?;
        let arn = answer.pipeline_execution_arn;
        Ok(arn.ok_or_else(|| CallError::without(ACTION, "PipelineExecutionArn"))?)
    }
}

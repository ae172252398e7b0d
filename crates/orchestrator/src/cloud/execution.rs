//! An execution and its steps, as SageMaker tells of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws::CallError;
use aws::sagemaker::primitives::DateTime;
use aws::sagemaker::types::{self as api, SortOrder};

use config::Settings;

use super::Cloud;
use super::job::Job;
use crate::command::CommandError;

/// An execution as it stands.
#[derive(Clone, Debug, Default)]
pub struct Execution {
    /// Its name to every AWS call.
    pub arn: String,
    /// In SageMaker's words, of which there may be new ones.
    pub status: String,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// When it began.
    pub started: Option<SystemTime>,
    /// When it last changed.
    pub changed: Option<SystemTime>,
    /// What was reached, in the order in which it began.
    pub steps: Vec<Step>,
}

/// A step as it stands.
#[derive(Clone, Debug)]
pub struct Step {
    /// As the definition has it.
    pub name: String,
    /// Processing, Training and so on.
    pub kind: &'static str,
    /// In SageMaker's words.
    pub status: String,
    /// When it began.
    pub started: Option<SystemTime>,
    /// When it ended.
    pub ended: Option<SystemTime>,
    /// How often it was begun.
    pub attempts: u32,
    /// Whether its outputs are an earlier execution's.
    pub cached: bool,
    /// Why it failed.
    pub failure_reason: Option<String>,
    /// What ran for it.
    pub job: Option<Job>,
}

impl Execution {
    /// The end of an execution's ARN.
    pub fn id_of(arn: &str) -> &str {
        arn.rsplit('/').next().unwrap_or(arn)
    }

    /// The end of its ARN.
    pub fn id(&self) -> &str {
        Self::id_of(&self.arn)
    }

    /// A status that is not known here is one of an execution that goes on.
    pub fn is_over(&self) -> bool {
        let ends = ["Succeeded", "Failed", "Stopped", "CompletedWithFailures"];
        ends.contains(&self.status.as_str())
    }

    /// How long it has taken.
    pub fn duration(&self) -> Duration {
        let end = if self.is_over() { self.changed } else { None };
        between(self.started, end)
    }
}

impl Step {
    /// Whether it is done with, well or not.
    pub fn is_over(&self) -> bool {
        ["Succeeded", "Failed", "Stopped"].contains(&self.status.as_str())
    }

    /// How long it has taken.
    pub fn duration(&self) -> Duration {
        between(self.started, self.ended)
    }

    fn of(step: api::PipelineExecutionStep) -> Self {
        let metadata =
            step.metadata.unwrap_or_else(|| api::PipelineExecutionStepMetadata::builder().build());
        let processing = metadata.processing_job.and_then(|job| job.arn).map(Job::Processing);
        let training = metadata.training_job.and_then(|job| job.arn).map(Job::Training);
        let kind = if processing.is_some() {
            "Processing"
        } else if training.is_some() {
            "Training"
        } else if metadata.condition.is_some() {
            "Condition"
        } else if metadata.fail.is_some() {
            "Fail"
        } else {
            "Other"
        };
        let told = metadata.fail.and_then(|fail| fail.error_message);
        Self {
            name: step.step_name.unwrap_or_default(),
            kind,
            status: step.step_status.map_or_else(String::new, |s| s.as_str().to_owned()),
            started: time(step.start_time),
            ended: time(step.end_time),
            attempts: step.attempt_count.and_then(|count| count.try_into().ok()).unwrap_or(1),
            cached: step.cache_hit_result.is_some(),
            failure_reason: step.failure_reason.filter(|reason| !reason.is_empty()).or(told),
            job: processing.or(training),
        }
    }
}

fn between(start: Option<SystemTime>, end: Option<SystemTime>) -> Duration {
    let Some(start) = start else { return Duration::ZERO };
    end.unwrap_or_else(SystemTime::now).duration_since(start).unwrap_or_default()
}

fn time(at: Option<DateTime>) -> Option<SystemTime> {
    let seconds = at?.as_secs_f64();
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

/// How many executions are looked through for one that was named; one page of the listing.
const RECENT: usize = 100;

impl Cloud {
    /// The executions of the pipeline, latest first; no more of them than asked for.
    pub fn executions(&self, most: usize) -> Result<Vec<Execution>, CommandError> {
        let call = self
            .sagemaker
            .list_pipeline_executions()
            .pipeline_name(self.name())
            .sort_order(SortOrder::Descending);
        let mut pages = call.into_paginator().items().send();
        let mut found = Vec::new();
        while found.len() < most
            && let Some(summary) = self.aws.wait(pages.next())
        {
            let summary = match summary {
                Ok(summary) => summary,
                Err(error) => {
                    let error = CallError::of("sagemaker:ListPipelineExecutions", error);
                    return Err(if error.is_absent() { self.no_pipeline() } else { error.into() });
                }
            };
            found.push(Execution {
                arn: summary.pipeline_execution_arn.unwrap_or_default(),
                status: summary
                    .pipeline_execution_status
                    .map_or_else(String::new, |status| status.as_str().to_owned()),
                failure_reason: summary.pipeline_execution_failure_reason,
                started: time(summary.start_time),
                ..Execution::default()
            });
        }
        // where the order was not heeded
        found.sort_by_key(|execution| std::cmp::Reverse(execution.started));
        Ok(found)
    }

    /// The ARN of the execution that was named by its id or ARN; of the latest, if none was.
    pub fn find(&self, named: Option<&str>) -> Result<String, CommandError> {
        if let Some(named) = named.filter(|named| named.starts_with("arn:")) {
            let Settings { aws, pipeline, .. } = &self.settings;
            let place = format!(":{}:{}:pipeline/{}/", aws.region, aws.account_id, pipeline.name);
            // the service writes the pipeline's name in small letters here
            if named.to_lowercase().contains(&place.to_lowercase()) {
                return Ok(named.to_owned());
            }
            return Err(CommandError::Aws(format!(
                "{named} is no execution of the pipeline {} of account {} in {}",
                pipeline.name, aws.account_id, aws.region
            )));
        }
        let recent = self.executions(RECENT)?;
        let Some(latest) = recent.first() else {
            return Err(CommandError::Aws(format!(
                "the pipeline {} has no execution yet; `orchestrator start` starts one",
                self.name()
            )));
        };
        let Some(named) = named else { return Ok(latest.arn.clone()) };
        if let Some(found) = recent.iter().find(|execution| execution.id() == named) {
            return Ok(found.arn.clone());
        }
        // an older one, which differs from the latest in its id alone
        let (pipeline, _) = latest.arn.rsplit_once('/').unwrap_or_default();
        let arn = format!("{pipeline}/{named}");
        match self.describe(&arn) {
            Ok(_) => Ok(arn),
            Err(error) if error.is_absent() || error.is_invalid() => {
                let recent: Vec<_> = recent.iter().take(5).map(Execution::id).collect();
                Err(CommandError::Aws(format!(
                    "the pipeline {} has no execution {named}; the latest: {}",
                    self.name(),
                    recent.join(", ")
                )))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// An execution without its steps.
    pub fn describe(&self, arn: &str) -> Result<Execution, CallError> {
        let call = self.sagemaker.describe_pipeline_execution().pipeline_execution_arn(arn);
        let answer = self.aws.call("sagemaker:DescribePipelineExecution", call.send())?;
        Ok(Execution {
            arn: arn.to_owned(),
            status: answer
                .pipeline_execution_status
                .map_or_else(String::new, |status| status.as_str().to_owned()),
            failure_reason: answer.failure_reason,
            started: time(answer.creation_time),
            changed: time(answer.last_modified_time),
            steps: Vec::new(),
        })
    }

    /// An execution with its steps.
    pub fn execution(&self, arn: &str) -> Result<Execution, CallError> {
        // in this order: an execution that is over has steps that are over
        let mut execution = self.describe(arn)?;
        let call = self.sagemaker.list_pipeline_execution_steps().pipeline_execution_arn(arn);
        let mut pages = call.sort_order(SortOrder::Ascending).into_paginator().items().send();
        while let Some(step) = self.aws.wait(pages.next()) {
            let step =
                step.map_err(|error| CallError::of("sagemaker:ListPipelineExecutionSteps", error))?;
            execution.steps.push(Step::of(step));
        }
        execution.steps.sort_by_key(|step| (step.started.is_none(), step.started));
        Ok(execution)
    }
}

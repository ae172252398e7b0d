//! Executions of the pipeline: listed, found, described, started, stopped, retried.

use std::ops::Range;
use std::thread;
use std::time::{Duration, SystemTime};

use aws::CallError;
use aws::sagemaker::primitives::DateTime;
use aws::sagemaker::types::{self as api, Parameter, SortOrder};

use crate::time::{between, time};
use crate::{Cloud, CloudError, SageMakerJob, Target};

/// An execution as SageMaker describes it.
#[derive(Clone, Debug, Default)]
pub struct SageMakerExecution {
    /// The ARN.
    pub arn: String,
    /// The status in SageMaker's words. New words are possible.
    pub status: String,
    /// The reason of a failure.
    pub failure_reason: Option<String>,
    /// The time of its start.
    pub started: Option<SystemTime>,
    /// The time of its last change.
    pub changed: Option<SystemTime>,
    /// Who started it: a user of Studio, or the end of an IAM identity's ARN, such as
    /// `assumed-role/Admin/alice`.
    pub started_by: Option<String>,
    /// The steps that were started, in the order of their start.
    pub steps: Vec<SageMakerStep>,
}

/// A step of an execution as SageMaker describes it.
#[derive(Clone, Debug)]
pub struct SageMakerStep {
    /// The step's name in the definition.
    pub name: String,
    /// The step's type: Processing, Training, Condition, Fail or Other.
    pub kind: &'static str,
    /// The status in SageMaker's words.
    pub status: String,
    /// The time of its start.
    pub started: Option<SystemTime>,
    /// The time of its end.
    pub ended: Option<SystemTime>,
    /// The number of attempts.
    pub attempts: u32,
    /// Whether its outputs were taken from an earlier execution.
    pub cached: bool,
    /// The reason of a failure.
    pub failure_reason: Option<String>,
    /// The job that runs the step.
    pub job: Option<SageMakerJob>,
}

/// What an execution starts with.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The names and values of its parameters.
    pub parameters: Vec<(String, String)>,
    /// The name by which people know it.
    pub display_name: Option<String>,
    /// The steps that it runs, unless these are all.
    pub selection: Option<Selection>,
}

/// The steps that an execution runs, where it takes the results of the others from an earlier one.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The names of the steps.
    pub steps: Vec<String>,
    /// The ARN of the earlier execution.
    pub source: String,
}

impl Selection {
    fn to_api(&self) -> api::SelectiveExecutionConfig {
        let step = |name: &String| api::SelectedStep::builder().step_name(name).build();
        let steps = self.steps.iter().map(step).collect();
        let config = api::SelectiveExecutionConfig::builder().set_selected_steps(Some(steps));
        config.source_pipeline_execution_arn(&self.source).build()
    }
}

impl SageMakerExecution {
    /// Returns the id of the execution with this ARN: the last part of the ARN.
    pub fn id_of(arn: &str) -> &str {
        arn.rsplit('/').next().unwrap_or(arn)
    }

    /// Returns the execution's id.
    pub fn id(&self) -> &str {
        Self::id_of(&self.arn)
    }

    /// Returns whether the execution has ended. An unknown status counts as still running.
    pub fn is_over(&self) -> bool {
        let ends = ["Succeeded", "Failed", "Stopped", "CompletedWithFailures"];
        ends.contains(&self.status.as_str())
    }

    /// Returns the time from its start to its end, or until now.
    pub fn duration(&self) -> Duration {
        let end = if self.is_over() { self.changed } else { None };
        between(self.started, end)
    }
}

impl SageMakerStep {
    /// Returns whether the step has ended, successfully or not.
    pub fn is_over(&self) -> bool {
        ["Succeeded", "Failed", "Stopped"].contains(&self.status.as_str())
    }

    /// Returns the time from its start to its end, or until now.
    pub fn duration(&self) -> Duration {
        between(self.started, self.ended)
    }

    fn from_api(step: api::PipelineExecutionStep) -> Self {
        let metadata =
            step.metadata.unwrap_or_else(|| api::PipelineExecutionStepMetadata::builder().build());
        let processing =
            metadata.processing_job.and_then(|job| job.arn).map(SageMakerJob::Processing);
        let training = metadata.training_job.and_then(|job| job.arn).map(SageMakerJob::Training);
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
        let fail_message = metadata.fail.and_then(|fail| fail.error_message);
        Self {
            name: step.step_name.unwrap_or_default(),
            kind,
            status: step.step_status.map_or_else(String::new, |s| s.as_str().to_owned()),
            started: time(step.start_time),
            ended: time(step.end_time),
            attempts: step.attempt_count.and_then(|count| count.try_into().ok()).unwrap_or(1),
            // A selective execution takes results from another one, as the cache does.
            cached: step.cache_hit_result.is_some() || step.selective_execution_result.is_some(),
            failure_reason: step
                .failure_reason
                .filter(|reason| !reason.is_empty())
                .or(fail_message),
            job: processing.or(training),
        }
    }
}

/// Refuses an ARN that is not one of an execution of the target's pipeline.
fn check_execution_arn(target: &Target, arn: &str) -> Result<(), CloudError> {
    let Target { pipeline_name, region, account_id, .. } = target;
    let infix = format!(":{region}:{account_id}:pipeline/{pipeline_name}/");
    // The service writes the pipeline's name in lower case in the ARN of an execution.
    if arn.to_lowercase().contains(&infix.to_lowercase()) {
        return Ok(());
    }
    Err(CloudError::OtherPipeline {
        arn: arn.to_owned(),
        name: pipeline_name.clone(),
        account: account_id.clone(),
        region: region.clone(),
    })
}

/// Returns the name of a user of Studio, or the end of the ARN of an IAM identity.
fn name_of(user: api::UserContext) -> Option<String> {
    let of_arn = |arn: String| arn.splitn(6, ':').last().map(str::to_owned);
    user.user_profile_name.or_else(|| user.iam_identity.and_then(|iam| of_arn(iam.arn?)))
}

/// The number of executions that are searched for an id: one page of the listing.
const RECENT: usize = 100;

/// The maximum number of entries of a page. Without it SageMaker returns ten.
pub(crate) const LARGEST_PAGE: i32 = 100;

impl Cloud {
    /// Lists executions, latest first, and at least `limit` of them if there are that many.
    ///
    /// # Errors
    ///
    /// Fails if the pipeline is not deployed, or if SageMaker refuses.
    pub fn executions(&self, limit: usize) -> Result<Vec<SageMakerExecution>, CloudError> {
        self.list_executions(limit, None)
    }

    /// Lists the executions that were started in a time, latest first.
    ///
    /// # Errors
    ///
    /// Fails as [`Cloud::executions`] does.
    pub fn executions_in(
        &self,
        time: Range<SystemTime>,
    ) -> Result<Vec<SageMakerExecution>, CloudError> {
        let mut executions = self.list_executions(usize::MAX, Some(&time))?;
        // The service does not always honour the times that were asked for.
        executions.retain(|one| one.started.is_some_and(|started| time.contains(&started)));
        Ok(executions)
    }

    fn list_executions(
        &self,
        limit: usize,
        started: Option<&Range<SystemTime>>,
    ) -> Result<Vec<SageMakerExecution>, CloudError> {
        let call = self
            .sagemaker
            .list_pipeline_executions()
            .pipeline_name(&self.target.pipeline_name)
            .set_created_after(started.map(|time| DateTime::from(time.start)))
            .set_created_before(started.map(|time| DateTime::from(time.end)))
            .sort_order(SortOrder::Descending)
            .max_results(LARGEST_PAGE);
        let mut pages = call.into_paginator().items().send();
        let mut executions = Vec::new();
        while executions.len() < limit
            && let Some(summary) = self.aws.wait(pages.next())
        {
            let summary = match summary {
                Ok(summary) => summary,
                Err(error) => {
                    let error = CallError::of("sagemaker:ListPipelineExecutions", error);
                    return Err(if error.is_absent() { self.no_pipeline() } else { error.into() });
                }
            };
            executions.push(SageMakerExecution {
                arn: summary.pipeline_execution_arn.unwrap_or_default(),
                status: summary
                    .pipeline_execution_status
                    .map_or_else(String::new, |status| status.as_str().to_owned()),
                failure_reason: summary.pipeline_execution_failure_reason,
                started: time(summary.start_time),
                ..SageMakerExecution::default()
            });
        }
        // The service does not always honour the order that was asked for.
        executions.sort_by_key(|execution| std::cmp::Reverse(execution.started));
        Ok(executions)
    }

    /// Returns the ARN of the execution with an id or ARN, or of the latest execution.
    ///
    /// # Errors
    ///
    /// Fails if there is no such execution, if the ARN is of another pipeline, or if SageMaker
    /// refuses.
    pub fn find(&self, id_or_arn: Option<&str>) -> Result<String, CloudError> {
        if let Some(arn) = id_or_arn.filter(|text| text.starts_with("arn:")) {
            return check_execution_arn(&self.target, arn).map(|()| arn.to_owned());
        }
        let name = &self.target.pipeline_name;
        let recent = self.executions(RECENT)?;
        let Some(latest) = recent.first() else {
            return Err(CloudError::NoExecutions(name.clone()));
        };
        let Some(id) = id_or_arn else { return Ok(latest.arn.clone()) };
        if let Some(execution) = recent.iter().find(|execution| execution.id() == id) {
            return Ok(execution.arn.clone());
        }
        // An older execution's ARN differs from the latest one's in the id alone.
        let (pipeline, _) = latest.arn.rsplit_once('/').unwrap_or_default();
        let arn = format!("{pipeline}/{id}");
        match self.describe(&arn) {
            Ok(_) => Ok(arn),
            Err(error) if error.is_absent() || error.is_invalid() => Err(CloudError::NoExecution {
                name: name.clone(),
                id: id.to_owned(),
                latest: recent.iter().take(5).map(|recent| recent.id().to_owned()).collect(),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Describes an execution without its steps.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn describe(&self, arn: &str) -> Result<SageMakerExecution, CallError> {
        let call = self.sagemaker.describe_pipeline_execution().pipeline_execution_arn(arn);
        let answer = self.aws.call("sagemaker:DescribePipelineExecution", call.send())?;
        Ok(SageMakerExecution {
            arn: arn.to_owned(),
            status: answer
                .pipeline_execution_status
                .map_or_else(String::new, |status| status.as_str().to_owned()),
            failure_reason: answer.failure_reason,
            started: time(answer.creation_time),
            changed: time(answer.last_modified_time),
            started_by: answer.created_by.and_then(name_of),
            steps: Vec::new(),
        })
    }

    /// Describes an execution with its steps.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn execution(&self, arn: &str) -> Result<SageMakerExecution, CallError> {
        // This order guarantees that the steps of an execution that has ended have ended, too.
        let mut execution = self.describe(arn)?;
        let call = self.sagemaker.list_pipeline_execution_steps().pipeline_execution_arn(arn);
        let mut pages = call.sort_order(SortOrder::Ascending).into_paginator().items().send();
        while let Some(step) = self.aws.wait(pages.next()) {
            let step =
                step.map_err(|error| CallError::of("sagemaker:ListPipelineExecutionSteps", error))?;
            execution.steps.push(SageMakerStep::from_api(step));
        }
        execution.steps.sort_by_key(|step| (step.started.is_none(), step.started));
        Ok(execution)
    }

    /// Returns the JSON of the definition that an execution runs, whatever the pipeline's is now.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn execution_definition(&self, arn: &str) -> Result<String, CallError> {
        const ACTION: &str = "sagemaker:DescribePipelineDefinitionForExecution";
        let call = self.sagemaker.describe_pipeline_definition_for_execution();
        let answer = self.aws.call(ACTION, call.pipeline_execution_arn(arn).send())?;
        answer.pipeline_definition.ok_or_else(|| Self::missing(ACTION, "PipelineDefinition"))
    }

    /// Returns the names and values of the parameters of an execution. Those that have their default need not be
    /// among them.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn execution_parameters(&self, arn: &str) -> Result<Vec<(String, String)>, CallError> {
        const ACTION: &str = "sagemaker:ListPipelineParametersForExecution";
        let call = self.sagemaker.list_pipeline_parameters_for_execution();
        let mut pages = call.pipeline_execution_arn(arn).into_paginator().send();
        let mut parameters = Vec::new();
        while let Some(page) = self.aws.wait(pages.next()) {
            let page = page.map_err(|error| CallError::of(ACTION, error))?;
            let page = page.pipeline_parameters.unwrap_or_default().into_iter();
            parameters.extend(page.filter_map(|parameter| parameter.name.zip(parameter.value)));
        }
        Ok(parameters)
    }

    /// Starts an execution and returns its ARN. The SDK gives the request a token, so that a request that is
    /// sent again starts no second execution.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses.
    pub fn start(&self, start: &Start) -> Result<String, CloudError> {
        const ACTION: &str = "sagemaker:StartPipelineExecution";
        let parameters = start.parameters.iter();
        let parameters = parameters
            .map(|(name, value)| Parameter::builder().name(name).value(value).build())
            .collect();
        let selection = start.selection.as_ref().map(Selection::to_api);
        let call = self
            .sagemaker
            .start_pipeline_execution()
            .pipeline_name(&self.target.pipeline_name)
            .set_pipeline_execution_display_name(start.display_name.clone())
            .set_selective_execution_config(selection)
            .set_pipeline_parameters(Some(parameters));
        let answer = self.aws.call(ACTION, call.send())?;
        let arn = answer.pipeline_execution_arn;
        Ok(arn.ok_or_else(|| Self::missing(ACTION, "PipelineExecutionArn"))?)
    }

    /// Stops an execution.
    ///
    /// # Errors
    ///
    /// Fails if the execution has ended, or if SageMaker refuses.
    pub fn stop(&self, arn: &str) -> Result<(), CloudError> {
        let execution = self.describe(arn)?;
        if execution.is_over() {
            let id = execution.id().to_owned();
            return Err(CloudError::Over { id, status: execution.status });
        }
        let call = self.sagemaker.stop_pipeline_execution().pipeline_execution_arn(arn);
        self.aws.call("sagemaker:StopPipelineExecution", call.send())?;
        Ok(())
    }

    /// Runs the failed steps of an execution again, and waits until its status says so.
    ///
    /// # Errors
    ///
    /// Fails if the execution has neither failed nor been stopped, or if SageMaker refuses.
    pub fn retry(&self, arn: &str) -> Result<(), CloudError> {
        /// The number of times, a second apart, that the status is asked for.
        const MAX_POLLS: u32 = 30;
        let execution = self.describe(arn)?;
        if !["Failed", "Stopped"].contains(&execution.status.as_str()) {
            let id = execution.id().to_owned();
            return Err(CloudError::NotRetriable { id, status: execution.status });
        }
        let call = self.sagemaker.retry_pipeline_execution().pipeline_execution_arn(arn);
        self.aws.call("sagemaker:RetryPipelineExecution", call.send())?;
        // Until the status changes, a watcher would find that the execution has ended.
        for _ in 0..MAX_POLLS {
            if !self.describe(arn)?.is_over() {
                break;
            }
            thread::sleep(Duration::from_secs(1));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const ARN: &str =
        "arn:aws:sagemaker:eu-central-1:111122223333:pipeline/machine-downtime/execution/x1y2z3";

    #[test]
    fn the_id_is_the_last_part_of_the_arn() {
        assert_eq!(SageMakerExecution::id_of(ARN), "x1y2z3");
        assert_eq!(SageMakerExecution::id_of("x1y2z3"), "x1y2z3");
        let execution = SageMakerExecution { arn: ARN.to_owned(), ..SageMakerExecution::default() };
        assert_eq!(execution.id(), "x1y2z3");
    }

    #[test]
    fn an_execution_of_another_pipeline_account_or_region_is_refused() {
        let target = Target {
            pipeline_name: "Machine-Downtime".to_owned(),
            region: "eu-central-1".to_owned(),
            account_id: "111122223333".to_owned(),
            ..Target::default()
        };
        assert!(check_execution_arn(&target, ARN).is_ok());
        for (part, other) in [
            ("machine-downtime", "another"),
            ("machine-downtime", "machine-downtime-2"),
            ("111122223333", "444455556666"),
            ("eu-central-1", "us-east-1"),
        ] {
            let arn = ARN.replace(part, other);
            let error = check_execution_arn(&target, &arn).unwrap_err();
            assert!(matches!(error, CloudError::OtherPipeline { .. }), "{arn}: {error:?}");
        }
        insta::assert_snapshot!(
            check_execution_arn(&target, "arn:aws:iam::1:role/x").unwrap_err(),
            @"arn:aws:iam::1:role/x is no execution of the pipeline Machine-Downtime of account 111122223333 in eu-central-1"
        );
    }

    #[test]
    fn a_step_has_the_kind_and_job_of_its_metadata() {
        let step = |metadata: api::PipelineExecutionStepMetadata| {
            let step = api::PipelineExecutionStep::builder().metadata(metadata);
            SageMakerStep::from_api(step.build())
        };
        let metadata = api::PipelineExecutionStepMetadata::builder;
        let job = api::TrainingJobStepMetadata::builder().arn("arn:job/1").build();
        let training = step(metadata().training_job(job).build());
        assert_eq!(training.kind, "Training");
        assert_eq!(training.job, Some(SageMakerJob::Training("arn:job/1".to_owned())));
        assert_eq!(training.attempts, 1);
        let fail = api::FailStepMetadata::builder().error_message("recall is too low").build();
        let fail = step(metadata().fail(fail).build());
        assert_eq!((fail.kind, fail.job), ("Fail", None));
        assert_eq!(fail.failure_reason.as_deref(), Some("recall is too low"));
        assert_eq!(step(metadata().build()).kind, "Other");
    }

    #[test]
    fn a_duration_ends_with_the_execution() {
        let start = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let end = start + Duration::from_secs(90);
        let execution = |status: &str| SageMakerExecution {
            status: status.to_owned(),
            started: Some(start),
            changed: Some(end),
            ..SageMakerExecution::default()
        };
        assert_eq!(execution("Succeeded").duration(), Duration::from_secs(90));
        // It still runs: until now, which is years later.
        assert!(execution("Executing").duration() > Duration::from_secs(1_000_000));
        assert_eq!(SageMakerExecution::default().duration(), Duration::ZERO);
        // A clock that was set back gives no negative time.
        assert_eq!(between(Some(end), Some(start)), Duration::ZERO);
    }
}

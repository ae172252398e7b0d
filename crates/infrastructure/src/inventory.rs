//! The resources that the settings and the definition name, with their ARNs.

use config::Settings;
use pipeline::{Definition, StepKind};

use crate::account::Account;
use crate::images::{Repository, repositories};
use crate::storage::{S3Prefix, inputs, outputs};

/// The type of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobType {
    Processing,
    Training,
}

impl JobType {
    /// Returns the name in the API's operations: `Create<name>Job`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Processing => "Processing",
            Self::Training => "Training",
        }
    }

    /// Returns the CloudWatch log group of all jobs of this type in an account, which is also the
    /// namespace of their metrics.
    pub(crate) fn log_group(self) -> &'static str {
        match self {
            Self::Processing => "/aws/sagemaker/ProcessingJobs",
            Self::Training => "/aws/sagemaker/TrainingJobs",
        }
    }
}

/// The resources that the policies and the template name.
pub(crate) struct Inventory<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) definition: &'a Definition,
    pub(crate) account: Account<'a>,
    /// The types of job that the definition's steps run.
    pub(crate) jobs: Vec<JobType>,
    pub(crate) inputs: Vec<S3Prefix>,
    pub(crate) outputs: Vec<S3Prefix>,
    pub(crate) repositories: Vec<Repository>,
}

impl<'a> Inventory<'a> {
    pub(crate) fn of(settings: &'a Settings, definition: &'a Definition) -> Self {
        let steps = definition.steps_recursive();
        let has = |job: &JobType| {
            steps.iter().any(|placed| match &placed.step.kind {
                StepKind::Processing(_) => *job == JobType::Processing,
                StepKind::Training(_) => *job == JobType::Training,
                _ => false,
            })
        };
        Self {
            settings,
            definition,
            account: Account::of(&settings.aws),
            jobs: [JobType::Processing, JobType::Training].into_iter().filter(has).collect(),
            inputs: inputs(settings, definition),
            outputs: outputs(definition),
            repositories: repositories(settings, definition),
        }
    }

    /// Returns the ARNs of the pipeline's jobs. A pipeline names its jobs
    /// `pipelines-<execution>-<step>-<random>`.
    pub(crate) fn job_arns(&self) -> Vec<String> {
        let arn = |job: &JobType| {
            let kind = job.name().to_lowercase();
            self.account.arn("sagemaker", &format!("{kind}-job/pipelines-*"))
        };
        self.jobs.iter().map(arn).collect()
    }

    /// Returns the ARNs of the pipeline, or of `below` under it.
    pub(crate) fn pipeline_arns(&self, below: &str) -> Vec<String> {
        self.named("pipeline", &self.settings.pipeline.name, below)
    }

    pub(crate) fn group_arns(&self) -> Vec<String> {
        let group = &self.settings.model_registry.model_package_group_name;
        self.named("model-package-group", group, "")
    }

    /// Returns the ARNs of the model group's versions.
    pub(crate) fn package_arns(&self) -> Vec<String> {
        let group = &self.settings.model_registry.model_package_group_name;
        self.named("model-package", group, "/*")
    }

    /// Returns the ARNs of the jobs' log groups and their streams. The wildcard covers both, and no other log
    /// group has such a prefix.
    pub(crate) fn log_arns(&self) -> Vec<String> {
        let arn =
            |job: &JobType| self.account.arn("logs", &format!("log-group:{}*", job.log_group()));
        self.jobs.iter().map(arn).collect()
    }

    pub(crate) fn repository_arns(&self) -> Vec<String> {
        self.repositories.iter().map(Repository::arn).collect()
    }

    /// Returns the ARNs of the objects under these prefixes.
    pub(crate) fn object_arns<'l>(
        &self,
        prefixes: impl IntoIterator<Item = &'l S3Prefix>,
    ) -> Vec<String> {
        let arn = |p: &S3Prefix| self.account.s3(&format!("{}/{}*", p.bucket, p.key_prefix));
        prefixes.into_iter().map(arn).collect()
    }

    /// Returns the ARNs of a resource of the service. SageMaker writes some names into ARNs as they
    /// are and some in lower case, and has changed this over the years; IAM compares them
    /// case-sensitively.
    pub(crate) fn named(&self, kind: &str, name: &str, below: &str) -> Vec<String> {
        let lower = name.to_lowercase();
        let mut names = vec![name];
        if lower != name {
            names.push(&lower);
        }
        let arn = |name| self.account.arn("sagemaker", &format!("{kind}/{name}{below}"));
        names.into_iter().map(arn).collect()
    }
}

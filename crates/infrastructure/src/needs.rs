//! What the settings and the definition name, as ARNs.

use config::Settings;
use pipeline::{Definition, StepKind};

use crate::account::Account;
use crate::images::{Repository, repositories};
use crate::storage::{Location, inputs, outputs};

/// A kind of job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    Processing,
    Training,
}

impl Job {
    /// As the API names its calls: `Create<this>Job`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Processing => "Processing",
            Self::Training => "Training",
        }
    }

    /// Where the service keeps the logs of all such jobs of an account, and in which namespace
    /// their metrics.
    pub(crate) fn log_group(self) -> &'static str {
        match self {
            Self::Processing => "/aws/sagemaker/ProcessingJobs",
            Self::Training => "/aws/sagemaker/TrainingJobs",
        }
    }
}

/// Everything that a policy or the template names.
pub(crate) struct Needs<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) definition: &'a Definition,
    pub(crate) account: Account<'a>,
    /// The kinds of job that there are steps of.
    pub(crate) jobs: Vec<Job>,
    pub(crate) inputs: Vec<Location>,
    pub(crate) outputs: Vec<Location>,
    pub(crate) repositories: Vec<Repository>,
}

impl<'a> Needs<'a> {
    pub(crate) fn of(settings: &'a Settings, definition: &'a Definition) -> Self {
        let steps = definition.steps_recursive();
        let has = |job: &Job| {
            steps.iter().any(|placed| match &placed.step.kind {
                StepKind::Processing(_) => *job == Job::Processing,
                StepKind::Training(_) => *job == Job::Training,
                _ => false,
            })
        };
        Self {
            settings,
            definition,
            account: Account::of(&settings.aws),
            jobs: [Job::Processing, Job::Training].into_iter().filter(has).collect(),
            inputs: inputs(&settings.s3_paths, definition),
            outputs: outputs(definition),
            repositories: repositories(settings, definition),
        }
    }

    /// A pipeline names its jobs `pipelines-<execution>-<step>-<random>`.
    pub(crate) fn job_arns(&self) -> Vec<String> {
        let arn = |job: &Job| {
            let kind = job.name().to_lowercase();
            self.account.arn("sagemaker", &format!("{kind}-job/pipelines-*"))
        };
        self.jobs.iter().map(arn).collect()
    }

    /// `below` is empty for the pipeline itself.
    pub(crate) fn pipeline_arns(&self, below: &str) -> Vec<String> {
        self.named("pipeline", &self.settings.pipeline.name, below)
    }

    pub(crate) fn group_arns(&self) -> Vec<String> {
        let group = &self.settings.model_registry.model_package_group_name;
        self.named("model-package-group", group, "")
    }

    /// The versions of the group.
    pub(crate) fn package_arns(&self) -> Vec<String> {
        let group = &self.settings.model_registry.model_package_group_name;
        self.named("model-package", group, "/*")
    }

    pub(crate) fn log_group_arns(&self) -> Vec<String> {
        let arn = |job: &Job| self.account.arn("logs", &format!("log-group:{}", job.log_group()));
        self.jobs.iter().map(arn).collect()
    }

    pub(crate) fn repository_arns(&self) -> Vec<String> {
        self.repositories.iter().map(Repository::arn).collect()
    }

    /// The objects at these places.
    pub(crate) fn object_arns<'l>(
        &self,
        locations: impl IntoIterator<Item = &'l Location>,
    ) -> Vec<String> {
        let arn = |l: &Location| self.account.s3(&format!("{}/{}*", l.bucket, l.prefix));
        locations.into_iter().map(arn).collect()
    }

    /// SageMaker writes some names into ARNs as they are and some in lower case, differently over
    /// the years; IAM tells the letters apart.
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

//! The error of a command on SageMaker: the operation's error, with the command that helps.

use aws::ConnectError;
use cloud::CloudError;
use common::Exit;

/// The reason why a command on SageMaker failed.
#[derive(Debug, thiserror::Error)]
pub enum SageMakerError {
    /// AWS cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The environment and the settings name different regions.
    #[error(
        "the AWS environment names the region {environment}, and aws.region of {file} is {wanted}; \
         AWS_REGION={wanted} takes that of the settings, `region: {environment}` in them that of the environment"
    )]
    Region {
        /// The environment's region.
        environment: String,
        /// The settings' region.
        wanted: String,
        /// The files of the settings.
        file: String,
    },
    /// A call to AWS failed. Its message names the remedy.
    #[error(transparent)]
    Call(#[from] aws::CallError),
    /// An operation failed.
    #[error("{argument}{error}{hint}", argument = argument(.error), error = .error, hint = hint(.error))]
    Operation {
        /// The operation's error.
        error: Box<CloudError>,
    },
    /// The answers of a model are not those of the rows that were sent.
    #[error("{0}")]
    Answers(String),
    /// A table has no row that can be sent.
    #[error("no row can be read, so nothing was sent; the first: {0}")]
    NoRows(String),
    /// SageMaker could not run a version.
    #[error("version {version} cannot run: {}", .faults.join(". "))]
    NotHostable {
        /// The version.
        version: u32,
        /// What is missing, each with its remedy.
        faults: Vec<String>,
    },
    /// A table that is to be uploaded is not what the settings say.
    #[error(transparent)]
    Table(Box<dataset::TableError>),
    /// An execution would read nothing.
    #[error(
        "there is no table at {0}, which the execution would read; `orchestrator deploy --upload TABLE` uploads one"
    )]
    NoInput(String),
    /// A step has no log.
    #[error("{0}")]
    NoLog(String),
    /// A version cannot be judged by its report, or promoted with all that it has.
    #[error("{0}")]
    Version(String),
    /// A version misses quality gates.
    #[error("{0}")]
    Gates(String),
    /// The execution, or something else that was watched, did not end within `--timeout`.
    #[error("{0} is not over within --timeout")]
    Timeout(String),
}

impl From<CloudError> for SageMakerError {
    fn from(error: CloudError) -> Self {
        match error {
            CloudError::Call(error) => Self::Call(error),
            CloudError::Timeout(execution) => Self::Timeout(execution),
            error => Self::Operation { error: Box::new(error) },
        }
    }
}

impl SageMakerError {
    /// Returns the exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Timeout(_) => Exit::Failed,
            Self::Gates(_) => Exit::Gate,
            Self::NoRows(_) | Self::NoInput(_) | Self::Table(_) | Self::Version(_) => Exit::Data,
            Self::Operation { error } => match **error {
                CloudError::Address(_)
                | CloudError::EndpointVariants { .. }
                | CloudError::NoExecution { .. }
                | CloudError::NoPipelineVersion { .. }
                | CloudError::Running { .. }
                | CloudError::MalformedPointer { .. }
                | CloudError::OtherPipeline { .. } => Exit::Usage,
                CloudError::Open(_) | CloudError::NotAFile(_) | CloudError::EndpointKind { .. } => {
                    Exit::Usage
                }
                CloudError::Empty(_)
                | CloudError::NoRecords(_)
                | CloudError::Unreadable { .. }
                | CloudError::Changed { .. } => Exit::Data,
                // Nobody refused: there is nothing that could be done.
                CloudError::Over { .. }
                | CloudError::NotRetriable { .. }
                | CloudError::NoPrevious { .. } => Exit::Failed,
                CloudError::EndpointFailed { .. }
                | CloudError::RolledBack { .. }
                | CloudError::Unanswerable { .. }
                | CloudError::TransformFailed { .. } => Exit::Failed,
                _ => Exit::Aws,
            },
            _ => Exit::Aws,
        }
    }
}

/// Returns the argument whose value is wrong, as the start of the message.
fn argument(error: &CloudError) -> &'static str {
    if matches!(error, CloudError::NotAFile(_)) { "--upload " } else { "" }
}

/// Returns the command or setting that helps, as the end of the message.
fn hint(error: &CloudError) -> String {
    match error {
        CloudError::NoPipeline { .. } => "; `orchestrator deploy` makes it".to_owned(),
        CloudError::NoEndpoint { .. } => "; `orchestrator endpoint deploy` makes it".to_owned(),
        CloudError::ForeignGroup { .. } => {
            "; `destroy --keep-models` leaves it, and `deploy --adopt` takes it over".to_owned()
        }
        CloudError::ForeignEndpoint { .. } => {
            ". endpoint.name of the settings names yours; `endpoint deploy --adopt` takes this one over".to_owned()
        }
        CloudError::EndpointFailed { .. } => {
            "; `orchestrator endpoint logs` shows what the container said, and `endpoint delete` makes room \
             for another attempt"
                .to_owned()
        }
        CloudError::EndpointComponents { .. } => {
            "; `aws sagemaker delete-inference-component --inference-component-name NAME` deletes one".to_owned()
        }
        CloudError::Replaced { version, .. } => format!(
            "; `orchestrator pipeline rollback --to {version}` brings theirs back"
        ),
        CloudError::ChangedBefore(_) | CloudError::ChangedAfter(_) => {
            "; `orchestrator plan` shows what another `deploy` would change of theirs".to_owned()
        }
        CloudError::Running { .. } => "; `orchestrator stop` stops an execution".to_owned(),
        CloudError::NoPipelineVersion { .. } => {
            "; `orchestrator pipeline versions` lists those that there are".to_owned()
        }
        CloudError::NoExecutions(_) => "; `orchestrator start` starts one".to_owned(),
        CloudError::Foreign { .. } => {
            ". pipeline.name of the settings names yours; --adopt takes this one over".to_owned()
        }
        CloudError::ImageType { .. } => "; scripts/push-images pushes such".to_owned(),
        CloudError::NoImages { uris } => {
            let registry = uris.first().and_then(|uri| uri.split('/').next()).unwrap_or_default();
            format!(
                "; scripts/build-images makes the images, `scripts/push-images {registry}` pushes them by \
                 commit, and aws.images.tag of the settings, which may read IMAGE_TAG, must name that tag"
            )
        }
        _ => String::new(),
    }
}

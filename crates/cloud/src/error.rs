//! Why an operation failed.

use std::io;

use aws::CallError;
use camino::Utf8PathBuf;

/// An operation failed.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// AWS refused a call or cannot be reached.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The credentials or an ARN belong to another account.
    #[error("the credentials are of account {found}, and aws.account_id is {wanted}")]
    Account {
        /// The account that was found.
        found: String,
        /// The target's account.
        wanted: String,
    },
    /// The pipeline is not deployed.
    #[error("there is no pipeline {name} in {region} yet")]
    NoPipeline {
        /// The pipeline's name.
        name: String,
        /// The region.
        region: String,
    },
    /// Executions of the pipeline have not ended.
    #[error("{name} is running {}", .ids.join(", "))]
    Running {
        /// The pipeline's name.
        name: String,
        /// The ids of the executions.
        ids: Vec<String>,
    },
    /// The pipeline has no version of this id.
    #[error("the pipeline {name} has no version {id}")]
    NoPipelineVersion {
        /// The pipeline's name.
        name: String,
        /// The id.
        id: i64,
    },
    /// The object that tells which table was uploaded last is malformed.
    #[error("{uri} does not tell which table was uploaded last: {reason}")]
    MalformedPointer {
        /// The object's address.
        uri: String,
        /// What is wrong with it.
        reason: String,
    },
    /// S3 did not delete an object.
    #[error("{uri} was not deleted: {why}")]
    ObjectKept {
        /// The object's address.
        uri: String,
        /// The reason that S3 gave.
        why: String,
    },
    /// ECR did not delete an image.
    #[error("an image of the repository {repository} was not deleted: {why}")]
    ImageKept {
        /// The repository's name.
        repository: String,
        /// The reason that ECR gave.
        why: String,
    },
    /// The pipeline is being deleted.
    #[error("the pipeline {0} is being deleted; try again once it is gone")]
    Deleting(String),
    /// A pipeline of this name was created by something else.
    #[error("the pipeline {name} is there and {owner}: it may be another one")]
    Foreign {
        /// The pipeline's name.
        name: String,
        /// A description of its tags, such as `has no tag managed-by=...`.
        owner: String,
    },
    /// The pipeline has no execution.
    #[error("the pipeline {0} has no execution yet")]
    NoExecutions(String),
    /// The pipeline has no execution of this id.
    #[error("the pipeline {name} has no execution {id}; the latest: {}", .latest.join(", "))]
    NoExecution {
        /// The pipeline's name.
        name: String,
        /// The id.
        id: String,
        /// The ids of the latest executions.
        latest: Vec<String>,
    },
    /// An ARN that is not one of the pipeline's executions.
    #[error("{arn} is no execution of the pipeline {name} of account {account} in {region}")]
    OtherPipeline {
        /// The ARN.
        arn: String,
        /// The pipeline's name.
        name: String,
        /// The target's account.
        account: String,
        /// The target's region.
        region: String,
    },
    /// An execution that has ended cannot be stopped.
    #[error("execution {id} is over ({status}), so there is nothing to stop")]
    Over {
        /// The execution's id.
        id: String,
        /// Its status.
        status: String,
    },
    /// An execution that has not failed cannot be retried.
    #[error("execution {id} is {status}; only one that is Failed or Stopped is tried again")]
    NotRetriable {
        /// The execution's id.
        id: String,
        /// Its status.
        status: String,
    },
    /// An execution, or something else that was watched, had not ended when the timeout passed.
    #[error("{0} has not ended within the timeout")]
    Timeout(String),
    /// There is no endpoint of this name.
    #[error("there is no endpoint {name} in {region}")]
    NoEndpoint {
        /// The endpoint's name.
        name: String,
        /// The region.
        region: String,
    },
    /// An endpoint of this name was created by something else.
    #[error("the endpoint {name} is there and {owner}: it may be another one")]
    ForeignEndpoint {
        /// The endpoint's name.
        name: String,
        /// A description of its tags, such as `has no tag managed-by=...`.
        owner: String,
    },
    /// A model package group of this name was created by something else.
    #[error("the model package group {name} is there and {owner}: its versions may be another's")]
    ForeignGroup {
        /// The group's name.
        name: String,
        /// A description of its tags, such as `has no tag managed-by=...`.
        owner: String,
    },
    /// An endpoint is changing.
    #[error("the endpoint {name} is {status}; try again once it is {until}")]
    EndpointBusy {
        /// The endpoint's name.
        name: String,
        /// Its status.
        status: String,
        /// What it has to be first.
        until: &'static str,
    },
    /// Somebody else has updated an endpoint meanwhile.
    #[error(
        "the endpoint {name} has got the configuration {found} meanwhile; the same command compares again"
    )]
    EndpointChanged {
        /// The endpoint's name.
        name: String,
        /// The configuration that answers now.
        found: String,
    },
    /// An endpoint has failed.
    #[error("the endpoint {name} is {status}: {reason}")]
    EndpointFailed {
        /// The endpoint's name.
        name: String,
        /// Its status.
        status: String,
        /// The service's reason.
        reason: String,
    },
    /// An endpoint cannot become serverless.
    #[error(
        "the endpoint {name} is {from}, and SageMaker makes no such endpoint serverless; expected another name, \
         or that it is deleted first"
    )]
    EndpointKind {
        /// The endpoint's name.
        name: String,
        /// Its kind.
        from: String,
    },
    /// SageMaker undid an update of an endpoint.
    #[error(
        "SageMaker has rolled the update of endpoint {name} back: it answers with configuration {found}, not \
         with {wanted}{}{}",
        .reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default(),
        .alarms.iter().map(|alarm| format!("; {alarm}")).collect::<String>()
    )]
    RolledBack {
        /// The endpoint's name.
        name: String,
        /// The configuration that the update was to bring.
        wanted: String,
        /// The configuration that answers.
        found: String,
        /// The service's reason.
        reason: Option<String>,
        /// A line about each alarm that rolls updates back.
        alarms: Vec<String>,
    },
    /// An endpoint has other variants than this program makes.
    #[error(
        "the endpoint {name} has the variants {}; expected the one of {}, since an update keeps no other",
        .variants.join(", "), crate::endpoint::VARIANT
    )]
    EndpointVariants {
        /// The endpoint's name.
        name: String,
        /// The names of its variants.
        variants: Vec<String>,
    },
    /// An endpoint hosts inference components.
    #[error(
        "the endpoint {name} hosts the inference components {}; expected none, since they would be gone with it",
        .components.join(", ")
    )]
    EndpointComponents {
        /// The endpoint's name.
        name: String,
        /// The names of the components.
        components: Vec<String>,
    },
    /// The pipeline is another than the one that was compared.
    #[error(
        "somebody else has changed the pipeline {0} since this command looked at it, so it was left as it is"
    )]
    ChangedBefore(String),
    /// The pipeline is another than the one that it was updated to.
    #[error(
        "somebody else has changed the pipeline {0} at the same time as this command, and theirs is deployed"
    )]
    ChangedAfter(String),
    /// Another update came between the last look at the pipeline and this command's own.
    #[error(
        "the pipeline {name} is updated, but somebody else has deployed version {version} at the same time, which is \
         replaced by it"
    )]
    Replaced {
        /// The pipeline's name.
        name: String,
        /// The version of somebody else.
        version: i64,
    },
    /// There is no such object in S3.
    #[error("there is no object {0}")]
    NoObject(String),
    /// There is nothing in S3 that a batch transform could answer.
    #[error("there is no object with content at {0}, expected records")]
    NoRecords(String),
    /// An address is none of an object in S3.
    #[error("`{0}` is no object in S3, expected s3://bucket/key")]
    Address(String),
    /// An endpoint has no configuration to go back to.
    #[error("the endpoint {name} cannot go back: {reason}")]
    NoPrevious {
        /// The endpoint's name.
        name: String,
        /// The reason.
        reason: String,
    },
    /// A model could not answer a request of an asynchronous endpoint.
    #[error("the request was not answered: {reason} ({address})")]
    Unanswerable {
        /// The address of the failure.
        address: String,
        /// The model's own words.
        reason: String,
    },
    /// A batch transform has failed or was stopped.
    #[error("the transform job {name} is {status}: {reason}")]
    TransformFailed {
        /// The job's name.
        name: String,
        /// Its status.
        status: String,
        /// The service's reason.
        reason: String,
    },
    /// ECR holds an image in a format that SageMaker refuses.
    #[error(
        "the image {uri} is of type {kind}, expected {expected}, which is all that SageMaker takes"
    )]
    ImageType {
        /// The image.
        uri: String,
        /// The media type of its manifest.
        kind: String,
        /// The only media type that SageMaker accepts.
        expected: &'static str,
    },
    /// ECR answered with something that is not a digest.
    #[error("ECR says that {uri} has the digest `{digest}`, expected sha256: and 64 digits")]
    ImageDigest {
        /// The image.
        uri: String,
        /// ECR's answer.
        digest: String,
    },
    /// Images are not in ECR.
    #[error("not in ECR: {}", .uris.join(", "))]
    NoImages {
        /// The images.
        uris: Vec<String>,
    },
    /// A file cannot be opened.
    #[error(transparent)]
    Open(io::Error),
    /// A path is not a regular file.
    #[error("{0} is not a file")]
    NotAFile(Utf8PathBuf),
    /// A file is empty.
    #[error("{0} is empty, expected a CSV table")]
    Empty(Utf8PathBuf),
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: Utf8PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file changed while it was uploaded.
    #[error("{path} had {length} bytes and changed while it was read, expected a table that stays")]
    Changed {
        /// The file.
        path: Utf8PathBuf,
        /// Its length when it was opened.
        length: u64,
    },
}

impl CloudError {
    /// Returns whether the credentials may not make a call.
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_denied())
    }
}

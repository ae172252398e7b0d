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
    /// An execution had not ended when the timeout passed.
    #[error("execution {0} has not ended within the timeout")]
    Timeout(String),
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

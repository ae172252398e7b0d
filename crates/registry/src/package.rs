//! Groups, versions and their JSON form.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{DocumentError, RegistryError};

/// A named series of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name: letters and digits with hyphens between them, at most 63 characters.
    pub name: String,
    /// The description, at most 1024 characters. It may be empty.
    pub description: String,
}

/// Whether a version may be deployed, in SageMaker's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApprovalStatus {
    /// The version may be deployed.
    Approved,
    /// The version may not be deployed.
    Rejected,
    /// Nobody has decided yet.
    PendingManualApproval,
}

impl ApprovalStatus {
    /// Returns SageMaker's spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
            Self::PendingManualApproval => "PendingManualApproval",
        }
    }
}

impl fmt::Display for ApprovalStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ApprovalStatus {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, RegistryError> {
        [Self::Approved, Self::Rejected, Self::PendingManualApproval]
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| RegistryError::Limit {
                field: "approval status".to_owned(),
                found: text.to_owned(),
                expected: "Approved, Rejected or PendingManualApproval",
            })
    }
}

/// The state of a version's registration, in SageMaker's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Registration has not begun.
    Pending,
    /// Registration is in progress.
    InProgress,
    /// The version is registered.
    Completed,
    /// Registration failed; [`ModelPackage::failure_reason`] holds the reason.
    Failed,
    /// The version is being deleted.
    Deleting,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Deleting => "Deleting",
        })
    }
}

/// The container image and model archive that serve a version, and their interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// The container image that serves the model.
    pub inference_image: String,
    /// The URL of the model archive, `s3://...` or `https://...`.
    pub model_data_url: String,
    /// The content types of requests that the image accepts.
    pub content_types: Vec<String>,
    /// The content types of its responses.
    pub response_types: Vec<String>,
    /// The instance types of real-time endpoints.
    pub realtime_instance_types: Vec<String>,
    /// The instance types of batch transform jobs.
    pub transform_instance_types: Vec<String>,
}

/// Where a version comes from, in the terms of the API's `MetadataProperties`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The commit of what was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_id: Option<String>,
    /// The repository of that commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// What made the version, such as the ARN of a pipeline's execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated_by: Option<String>,
}

/// The entry of a version's metadata that holds the SHA-256 digest of its model archive.
pub const MODEL_DIGEST: &str = "model_digest";
/// The entry of a version's metadata that holds the SHA-256 digest of its evaluation report.
pub const REPORT_DIGEST: &str = "report_digest";

/// A version to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVersion {
    /// The group's name.
    pub group: String,
    /// The initial approval status.
    pub approval_status: ApprovalStatus,
    /// The image and archive that serve it.
    pub serving: Serving,
    /// The URL of a report in SageMaker's model-quality shape; empty if there is none, which only a
    /// directory registry takes.
    pub metrics_url: String,
    /// Where it comes from.
    pub source: Source,
    /// Arbitrary properties, 1 to 50 entries; a directory registry also takes none.
    pub metadata: BTreeMap<String, String>,
    /// An idempotency token, so that a repeated request creates no second version: 1 to 36 letters,
    /// digits and hyphens.
    pub client_token: String,
}

/// A registered version.
///
/// Its JSON form ([`ModelPackage::to_json`]) is the output of the Register step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPackage {
    /// The ARN.
    pub arn: String,
    /// The name of its group.
    pub group: String,
    /// The version's number, counted from 1 in each group.
    pub version: u32,
    /// The state of its registration.
    pub status: Status,
    /// The reason of a failed registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// The approval status.
    pub approval_status: ApprovalStatus,
    /// The reason of the approval or rejection, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_description: Option<String>,
    /// The image and archive that serve it.
    #[serde(flatten)]
    pub serving: Serving,
    /// The URL of its model-quality report; empty if there is none.
    pub metrics_url: String,
    /// Where it comes from.
    #[serde(flatten)]
    pub source: Source,
    /// The time of its registration as RFC 3339, if the registry tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<String>,
    /// The role or user that registered it, if the registry tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_by: Option<String>,
    /// Its properties.
    pub metadata: BTreeMap<String, String>,
    /// The members of SageMaker's description that have no place above, such as a container's environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_members: Vec<String>,
}

/// The version of the JSON form. Raise it when a field changes its meaning or goes away.
const FORMAT_VERSION: u32 = 1;

/// A [`ModelPackage`] as a JSON document.
#[derive(Serialize, Deserialize)]
pub(crate) struct Document {
    format_version: u32,
    /// The idempotency token, stored only by a directory registry, which must recognise a repeated
    /// request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_token: Option<String>,
    #[serde(flatten)]
    pub(crate) package: ModelPackage,
}

impl Document {
    pub(crate) fn new(package: ModelPackage, client_token: Option<String>) -> Self {
        Self { format_version: FORMAT_VERSION, client_token, package }
    }

    pub(crate) fn to_json(&self) -> Result<Vec<u8>, DocumentError> {
        let mut json = serde_json::to_vec_pretty(self).map_err(DocumentError::Json)?;
        json.push(b'\n');
        Ok(json)
    }

    pub(crate) fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        #[derive(Deserialize)]
        struct Envelope {
            format_version: u32,
        }
        let Envelope { format_version } =
            common::json::from_slice(json).map_err(DocumentError::Json)?;
        if format_version != FORMAT_VERSION {
            return Err(DocumentError::Version { found: format_version, expected: FORMAT_VERSION });
        }
        common::json::from_slice(json).map_err(DocumentError::Json)
    }
}

impl ModelPackage {
    /// Returns the SHA-256 digest of the model archive, if the version records it.
    pub fn model_digest(&self) -> Option<&str> {
        self.digest(MODEL_DIGEST)
    }

    /// Returns the SHA-256 digest of the evaluation report, if the version records it.
    pub fn report_digest(&self) -> Option<&str> {
        self.digest(REPORT_DIGEST)
    }

    fn digest(&self, entry: &str) -> Option<&str> {
        self.metadata.get(entry).map(String::as_str).filter(|text| common::is_sha256_hex(text))
    }

    /// Returns the JSON form, with a format version. Equal packages give equal bytes.
    ///
    /// # Errors
    ///
    /// Fails only if serialization fails, which no package causes.
    pub fn to_json(&self) -> Result<Vec<u8>, DocumentError> {
        Document::new(self.clone(), None).to_json()
    }

    /// Parses the JSON form.
    ///
    /// # Errors
    ///
    /// Fails if the text is not JSON, if a field is missing or has another type, or if the format
    /// version is unknown.
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        Document::from_json(json).map(|document| document.package)
    }
}

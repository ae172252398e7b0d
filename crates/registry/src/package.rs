//! What a registry holds.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::RegistryError;

/// A named series of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Letters and digits with hyphens between them, at most 63 characters.
    pub name: String,
    /// May be empty, at most 1024 characters.
    pub description: String,
}

/// Whether a version may be deployed, in SageMaker's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApprovalStatus {
    /// It may.
    Approved,
    /// It may not.
    Rejected,
    /// Nobody has decided yet.
    PendingManualApproval,
}

impl ApprovalStatus {
    /// As SageMaker spells it.
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

/// How far the registry is with a version, in SageMaker's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Not begun.
    Pending,
    /// Under way.
    InProgress,
    /// Registered.
    Completed,
    /// Of no use; [`ModelPackage::failure_reason`] says why.
    Failed,
    /// Going away.
    Deleting,
}

/// How a version is served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// The image that answers for the model.
    pub inference_image: String,
    /// The model archive, `s3://...` or `https://...`.
    pub model_data_url: String,
    /// Content types it reads.
    pub content_types: Vec<String>,
    /// Content types it answers with.
    pub response_types: Vec<String>,
    /// Instance types for endpoints.
    pub realtime_instance_types: Vec<String>,
    /// Instance types for batch transform.
    pub transform_instance_types: Vec<String>,
}

/// A version to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVersion {
    /// The group's name.
    pub group: String,
    /// Whether it may be deployed at once.
    pub approval_status: ApprovalStatus,
    /// How it is served.
    pub serving: Serving,
    /// A report in SageMaker's model-quality shape.
    pub metrics_url: String,
    /// Anything to remember it by: at most 50 entries.
    pub metadata: BTreeMap<String, String>,
    /// Names this very registration, so that a repeated request makes no second version: letters,
    /// digits and hyphens, at most 36.
    pub client_token: String,
}

/// A registered version.
///
/// As JSON ([`ModelPackage::to_json`]) it is what Register leaves as its output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPackage {
    /// Its name to every AWS call.
    pub arn: String,
    /// The group it belongs to.
    pub group: String,
    /// Counts from 1 in each group.
    pub version: u32,
    /// How far the registry is with it.
    pub status: Status,
    /// Why it failed, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// Whether it may be deployed.
    pub approval_status: ApprovalStatus,
    /// Why, if somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_description: Option<String>,
    /// How it is served.
    #[serde(flatten)]
    pub serving: Serving,
    /// Where its model-quality report is.
    pub metrics_url: String,
    /// What it is remembered by.
    pub metadata: BTreeMap<String, String>,
}

/// The version of the JSON form. Raise it when a field changes its meaning or goes away.
const FORMAT_VERSION: u32 = 1;

/// [`ModelPackage`] on disk.
#[derive(Serialize, Deserialize)]
pub(crate) struct Document {
    format_version: u32,
    /// Only in a registry of our own, which must know a repeated request.
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
            serde_json::from_slice(json).map_err(DocumentError::Json)?;
        if format_version != FORMAT_VERSION {
            return Err(DocumentError::Version { found: format_version });
        }
        serde_json::from_slice(json).map_err(DocumentError::Json)
    }
}

impl ModelPackage {
    /// The JSON form, with a format version. Same package, same bytes.
    ///
    /// # Errors
    /// None that a package can cause.
    pub fn to_json(&self) -> Result<Vec<u8>, DocumentError> {
        Document::new(self.clone(), None).to_json()
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// Not JSON, a field missing or of another kind, another format version.
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        Document::from_json(json).map(|document| document.package)
    }
}

/// A document that is no model package.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON, or not of this shape.
    #[error("is not a model package")]
    Json(#[source] serde_json::Error),
    /// Written by another version of this program.
    #[error("has format version {found}, expected {FORMAT_VERSION}")]
    Version {
        /// What it says.
        found: u32,
    },
    /// A copy of another version's.
    #[error("describes {found}, expected {expected}")]
    Misplaced {
        /// Version, group and ARN in it.
        found: String,
        /// The ARN of the place where it is.
        expected: String,
    },
}

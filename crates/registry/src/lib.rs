//! Model groups, versions and approval: one trait with two implementations, in a directory and in
//! SageMaker.
//!
//! [`DirectoryRegistry`] stores packages as JSON files and enforces the limits of SageMaker's API, so
//! that a package it accepts is accepted there, too. `SageMakerRegistry`, behind the feature `aws`,
//! calls SageMaker's Model Registry.
//!
//! Knows groups, versions, their status and approval. Must never know how a model is made, served
//! or measured: a metric is one more entry of a version's metadata.
//!
//! ```
//! use registry::{
//!     ApprovalStatus, DirectoryRegistry, Group, NewVersion, Registry, Serving, Source,
//! };
//!
//! let directory = tempfile::tempdir()?;
//! let path = camino::Utf8Path::from_path(directory.path()).unwrap();
//! let registry = DirectoryRegistry::new(path);
//! let group = Group { name: "machine-downtime".to_owned(), description: String::new() };
//! registry.ensure_group(&group)?;
//! let version = registry.create_version(&NewVersion {
//!     group: group.name,
//!     approval_status: ApprovalStatus::PendingManualApproval,
//!     serving: Serving {
//!         inference_image: "serve:1".to_owned(),
//!         model_data_url: "s3://bucket/model.tar.gz".to_owned(),
//!         ..Serving::default()
//!     },
//!     metrics_url: "s3://bucket/evaluation.json".to_owned(),
//!     source: Source { commit_id: Some("1f0c3a".to_owned()), ..Source::default() },
//!     metadata: [("recall".to_owned(), "0.91".to_owned())].into(),
//!     client_token: "job-1".to_owned(),
//! })?;
//! assert_eq!(version.version, 1);
//! let approved = registry.set_approval(&version.arn, ApprovalStatus::Approved, Some("tested"))?;
//! assert_eq!(approved.approval_status, ApprovalStatus::Approved);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod directory;
mod error;
mod limits;
#[cfg(feature = "aws")]
mod other_members;
mod package;
#[cfg(feature = "aws")]
mod sagemaker;

pub use directory::DirectoryRegistry;
pub use error::{DocumentError, RegistryError};
pub use limits::{group_name as check_group_name, metadata_value};
pub use package::{
    ApprovalStatus, Group, MODEL_DIGEST, ModelPackage, NewVersion, REPORT_DIGEST, Serving, Source,
    Status,
};
#[cfg(feature = "aws")]
pub use sagemaker::SageMakerRegistry;

/// A store of model packages.
pub trait Registry {
    /// Creates the group unless it exists. An existing group keeps its description.
    ///
    /// # Errors
    ///
    /// Fails if the name or description exceeds the API's limits, or if the registry cannot be
    /// reached or written.
    fn ensure_group(&self, group: &Group) -> Result<(), RegistryError>;

    /// Registers the next version of a group. A client token that was used before returns the
    /// version that was registered with it.
    ///
    /// # Errors
    ///
    /// Fails if a field exceeds the API's limits, if the group does not exist, or if the registry
    /// cannot be reached or written.
    fn create_version(&self, version: &NewVersion) -> Result<ModelPackage, RegistryError>;

    /// Returns the current description of a version.
    ///
    /// # Errors
    ///
    /// Fails if the version does not exist, or if the registry cannot be reached or read.
    fn describe(&self, arn: &str) -> Result<ModelPackage, RegistryError>;

    /// Lists the numbers of a group's versions and their ARNs, latest first.
    ///
    /// # Errors
    ///
    /// Fails if the group does not exist, or if the registry cannot be reached or read.
    fn versions(&self, group: &str) -> Result<Vec<(u32, String)>, RegistryError>;

    /// Lists the approved versions of a group as [`Self::versions`] does.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::versions`] does.
    fn approved_versions(&self, group: &str) -> Result<Vec<(u32, String)>, RegistryError>;

    /// Sets a version's approval status and its reason, and returns the version.
    ///
    /// # Errors
    ///
    /// Fails if the version does not exist, if the reason exceeds the API's limits, or if the
    /// registry cannot be reached or written.
    fn set_approval(
        &self,
        arn: &str,
        status: ApprovalStatus,
        reason: Option<&str>,
    ) -> Result<ModelPackage, RegistryError>;
}

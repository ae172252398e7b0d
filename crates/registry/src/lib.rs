//! Model groups, versions and approval: one trait, kept in a directory or in SageMaker.
//!
//! [`DirectoryRegistry`] keeps packages as JSON files and holds them to the limits of SageMaker's
//! API, so that what registers here registers there. `SageMakerRegistry`, behind the feature
//! `aws`, is SageMaker's Model Registry.
//!
//! Knows groups, versions, their status and approval. Must never know how a model is made, served
//! or measured: a metric is one more entry of a version's metadata.

mod directory;
mod error;
mod limits;
mod package;
#[cfg(feature = "aws")]
mod sagemaker;

pub use directory::DirectoryRegistry;
pub use error::RegistryError;
pub use limits::group_name as check_group_name;
pub use package::{
    ApprovalStatus, DocumentError, Group, ModelPackage, NewVersion, Serving, Status,
};
#[cfg(feature = "aws")]
pub use sagemaker::SageMakerRegistry;

/// Where model packages are kept.
pub trait Registry {
    /// Makes the group unless it exists. An existing group keeps its description.
    ///
    /// # Errors
    /// A name or description outside the API's limits; a registry that cannot be reached or
    /// written.
    fn ensure_group(&self, group: &Group) -> Result<(), RegistryError>;

    /// Registers the next version of a group. The same client token again yields the version
    /// already registered with it.
    ///
    /// # Errors
    /// A field outside the API's limits, no such group; a registry that cannot be reached or
    /// written.
    fn create_version(&self, version: &NewVersion) -> Result<ModelPackage, RegistryError>;

    /// A version as it stands now.
    ///
    /// # Errors
    /// No such version; a registry that cannot be reached or read.
    fn describe(&self, arn: &str) -> Result<ModelPackage, RegistryError>;

    /// The numbers of a group's versions and their ARNs, latest first.
    ///
    /// # Errors
    /// No such group; a registry that cannot be reached or read.
    fn versions(&self, group: &str) -> Result<Vec<(u32, String)>, RegistryError>;

    /// Says whether a version may be deployed, and why.
    ///
    /// # Errors
    /// No such version, a reason outside the API's limits; a registry that cannot be reached or
    /// written.
    fn set_approval(
        &self,
        arn: &str,
        status: ApprovalStatus,
        reason: Option<&str>,
    ) -> Result<ModelPackage, RegistryError>;
}

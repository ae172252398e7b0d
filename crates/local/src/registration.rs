//! RegisterModel steps: a request of the definition becomes a version in a registry, which whoever
//! runs the definition supplies.

use common::Exit;
use serde_json::Value;

/// The type of the steps that register a model.
pub const REGISTER_MODEL: &str = "RegisterModel";

/// A registry that takes the requests of RegisterModel steps.
pub trait ModelRegistry: Sync {
    /// Registers the model of a request, whose members are those of `CreateModelPackage`. A token
    /// that was used before returns the version that was registered with it.
    ///
    /// # Errors
    ///
    /// Fails where the request lacks a member or breaks a limit, and where the registry cannot be
    /// used.
    fn register(&self, request: &Value, token: &str) -> Result<Registration, RegistrationError>;
}

/// A registered version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The ARN.
    pub arn: String,
    /// The number in its group.
    pub version: u32,
    /// The approval status.
    pub approval_status: String,
}

/// A model that was not registered, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// The request cannot be registered.
    #[error("{0}")]
    Request(String),
    /// The registry cannot be used.
    #[error("{0}")]
    Registry(String),
}

impl RegistrationError {
    /// Returns the exit code of an execution that fails with this error.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Request(_) => Exit::Usage,
            Self::Registry(_) => Exit::Failed,
        }
    }
}

/// Returns the response of SageMaker's `DescribeModelPackage` for a request that was registered, as
/// far as expressions can read it.
pub(crate) fn describe(mut request: Value, registered: &Registration) -> Value {
    let Registration { arn, version, approval_status } = registered;
    request["ModelPackageArn"] = arn.as_str().into();
    request["ModelPackageVersion"] = (*version).into();
    request["ModelPackageStatus"] = "Completed".into();
    request["ModelApprovalStatus"] = approval_status.as_str().into();
    request
}

//! Helpers of the tests of SageMaker's Model Registry.

use aws::Aws;
use aws::sagemaker::config::{Credentials, Region};
use registry::SageMakerRegistry;

/// Returns a client of the server at `endpoint`.
pub(crate) fn registry(endpoint: &str) -> SageMakerRegistry {
    let loader = aws::config::from_env()
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .endpoint_url(endpoint);
    SageMakerRegistry::new(Aws::with(loader).unwrap())
}

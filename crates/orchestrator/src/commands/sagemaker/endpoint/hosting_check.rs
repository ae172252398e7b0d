//! Whether SageMaker can run the endpoint or the batch transform that is wanted.

use cloud::{Cloud, EcrImage, Verdict};
use registry::ModelPackage;

use crate::commands::sagemaker::doctor::advice;
use crate::error::CommandError;
use crate::output::say;
use crate::sagemaker_error::SageMakerError;

/// Refuses a version whose image is not in ECR or not built for this type of instances, unless there are none,
/// and a missing role: SageMaker would say so once the model is made, or by an endpoint or a job that fails after
/// minutes. What these credentials cannot look at is said, and no reason to refuse.
pub fn require_hostable(
    cloud: &Cloud,
    package: &ModelPackage,
    instance_type: Option<&str>,
) -> Result<(), CommandError> {
    let image = EcrImage::new("image", package.serving.inference_image.clone());
    let mut faults = Vec::new();
    for check in cloud.check_hosting(image.run_by_endpoint(instance_type)) {
        match check.verdict {
            Verdict::Ok => {}
            Verdict::Warning => say(&format!("Not checked: {}: {}", check.subject, check.found)),
            Verdict::Error => {
                let remedy = check.remedy.as_ref().map(advice);
                let remedy = remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default();
                faults.push(format!("{} {}{remedy}", check.subject, check.found));
            }
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(SageMakerError::NotHostable { version: package.version, faults }.into())
}

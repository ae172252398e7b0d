//! The connection that the commands on SageMaker share.

use aws::Aws;
use cloud::{Cloud, Target};
use config::Settings;
use registry::SageMakerRegistry;

use crate::arguments::settings::SettingsArgs;
use crate::commands::models::group::ModelGroup;
use crate::error::CommandError;
use crate::sagemaker_error::SageMakerError;

/// Reads the settings and connects to AWS. Region and credentials come from the environment and the
/// AWS configuration files, as with AWS's own tools.
pub fn connect(arguments: &SettingsArgs) -> Result<(Settings, Cloud), CommandError> {
    let settings = arguments.settings()?;
    let aws = Aws::connect().map_err(SageMakerError::Connect)?;
    let (environment, wanted) = (aws.region(), &settings.aws.region);
    if environment != wanted {
        return Err(CommandError::SageMaker(SageMakerError::Region {
            environment: environment.to_owned(),
            wanted: wanted.clone(),
            file: arguments.config.clone(),
        }));
    }
    let cloud = Cloud::new(aws, target(&settings));
    Ok((settings, cloud))
}

/// Returns the pipeline and the account that the settings name.
fn target(settings: &Settings) -> Target {
    let Settings { aws, pipeline, s3_paths, tags, .. } = settings;
    Target {
        pipeline_name: pipeline.name.clone(),
        description: pipeline.description.clone(),
        region: aws.region.clone(),
        account_id: aws.account_id.clone(),
        role_arn: aws.role_arn.clone(),
        bucket: s3_paths.bucket.clone(),
        tags: tags.clone(),
    }
}

/// Returns the settings' group of SageMaker's registry.
pub fn group_of(settings: &Settings, cloud: &Cloud) -> ModelGroup {
    let registry = Box::new(SageMakerRegistry::new(cloud.aws().clone()));
    let cloud = cloud.clone();
    let name = settings.model_registry.model_package_group_name.clone();
    ModelGroup { registry, name, read: Box::new(move |uri| cloud.object(uri)) }
}

//! The connection that the commands on SageMaker share.

use std::cell::OnceCell;

use aws::Aws;
use cloud::{Cloud, Target};
use config::Settings;
use registry::SageMakerRegistry;

use crate::arguments::settings::SettingsArgs;
use crate::commands::models::group::{ModelGroup, ServedVersion};
use crate::error::CommandError;
use crate::sagemaker_error::SageMakerError;

/// Reads the settings and connects to AWS. Region and credentials come from the environment and the
/// AWS configuration files, as with AWS's own tools; an account or a region that the settings take from
/// the environment, and that it does not name, is that of the credentials.
pub fn connect(arguments: &SettingsArgs) -> Result<(Settings, Cloud), CommandError> {
    // Settings with faults are refused without a connection.
    arguments.settings()?;
    let aws = Aws::connect().map_err(SageMakerError::Connect)?;
    let settings = settings_of_caller(arguments, &aws, false)?;
    let (environment, wanted) = (aws.region(), &settings.aws.region);
    if environment != wanted {
        return Err(CommandError::SageMaker(SageMakerError::Region {
            environment: environment.to_owned(),
            wanted: wanted.clone(),
            file: arguments.name(),
        }));
    }
    let cloud = Cloud::new(aws, target(&settings));
    Ok((settings, cloud))
}

/// Connects as [`connect`] does, with the credentials of a profile, and to the region that the settings name: that
/// of another stage need not be the environment's.
pub fn connect_as(
    arguments: &SettingsArgs,
    profile: Option<&str>,
) -> Result<(Settings, Cloud), CommandError> {
    arguments.settings()?;
    // Keys and region of the environment would go before those of a profile that is only named.
    let loader = || match profile {
        Some(profile) => aws::profile_loader(profile),
        None => aws::config::from_env(),
    };
    let mut aws = Aws::with(loader()).map_err(SageMakerError::Connect)?;
    let settings = settings_of_caller(arguments, &aws, profile.is_some())?;
    let region = settings.aws.region.clone();
    if aws.region() != region {
        let loader = loader().region(aws::config::Region::new(region));
        aws = Aws::with(loader).map_err(SageMakerError::Connect)?;
    }
    let cloud = Cloud::new(aws, target(&settings));
    Ok((settings, cloud))
}

/// Reads the settings, where they name no account or region with those of the credentials. Those of the
/// environment are another caller's if the credentials are a profile's of its own.
fn settings_of_caller(
    arguments: &SettingsArgs,
    aws: &Aws,
    is_profile: bool,
) -> Result<Settings, CommandError> {
    let account = OnceCell::new();
    let hidden: &[&str] = if is_profile { &["AWS_ACCOUNT_ID", "AWS_REGION"] } else { &[] };
    let settings = arguments.settings_without(hidden, |variable| match variable {
        "AWS_REGION" => Some(aws.region().to_owned()),
        "AWS_ACCOUNT_ID" => account.get_or_init(|| cloud::account_of(aws)).as_ref().ok().cloned(),
        _ => None,
    });
    if let Some(Err(error)) = account.into_inner() {
        return Err(CommandError::SageMaker(SageMakerError::Call(error)));
    }
    let settings = settings?;
    arguments.require_own(&settings)?;
    Ok(settings)
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
        max_parallel_steps: pipeline.max_parallel_steps,
    }
}

/// Returns the settings' group of SageMaker's registry.
pub fn group_of(settings: &Settings, cloud: &Cloud) -> ModelGroup {
    let registry = Box::new(SageMakerRegistry::new(cloud.aws().clone()));
    let name = settings.model_registry.model_package_group_name.clone();
    let endpoint = settings.endpoint_name().to_owned();
    let follows_approvals = settings.endpoint.on_approval;
    let (reader, finder) = (cloud.clone(), cloud.clone());
    let find_endpoint = move || {
        // Who approves need not be allowed to look at endpoints.
        let version = finder.endpoint(&endpoint).ok()??.version()?;
        Some(ServedVersion { endpoint: endpoint.clone(), version, follows_approvals })
    };
    ModelGroup {
        registry,
        name,
        read: Box::new(move |uri, _| Ok(reader.require_object(uri)?)),
        find_endpoint: Box::new(find_endpoint),
    }
}

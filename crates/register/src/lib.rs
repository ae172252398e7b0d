//! The Register step: a model that passed its gates becomes a version of its model package group.
//!
//! Reads the evaluation's report and metrics, registers the model with them in SageMaker's Model
//! Registry or in a directory, waits until the version is complete and leaves it as
//! `registration.json`. A job that is started again after it registered finds its version and makes
//! no second one.
//!
//! Knows the order of that work. Must never know how the model was made or how the numbers came
//! about.

mod error;
mod evaluation;
mod wait;

use common::write_file;
use config::steps::{self, paths};
use container::Container;
use registry::{DirectoryRegistry, Group, NewVersion, Registry, Serving};

pub use error::RegisterError;
use evaluation::Evaluation;
use wait::Patience;

/// Where a registry that is not SageMaker's is kept.
const REGISTRY_DIRECTORY: &str = "MODEL_REGISTRY_DIRECTORY";

/// Runs the step in its container.
///
/// # Errors
/// Settings or metrics that are missing or of no use, a registry that refuses, a version that does
/// not become complete.
pub fn run(container: &Container) -> Result<(), RegisterError> {
    let settings = settings(container)?;
    let evaluation = Evaluation::read(&container.processing(paths::REGISTER_EVALUATION))?;
    let version = version(&settings, &evaluation)?;
    version.check()?;
    let registry = registry(container)?;
    registry.ensure_group(&group(&settings))?;
    let package = registry.create_version(&version)?;
    tracing::info!(arn = package.arn, status = ?package.status, "registered");
    let package = wait::until_completed(registry.as_ref(), package, Patience::default(), || {
        container.stopping()
    })?;
    let output = container.processing(paths::REGISTER_OUTPUT).join(paths::REGISTRATION_JSON);
    write_file(&output, &package.to_json()?)?;
    tracing::info!(
        arn = package.arn,
        version = package.version,
        approval_status = %package.approval_status,
        "the model package is complete"
    );
    Ok(())
}

fn settings(container: &Container) -> Result<steps::Register, RegisterError> {
    let parsed = steps::Register::parse(container.arguments(), |name| container.variable(name))?;
    for argument in parsed.unknown {
        tracing::warn!("argument `{argument}` is not known here, it is ignored");
    }
    Ok(parsed.settings)
}

fn registry(container: &Container) -> Result<Box<dyn Registry>, RegisterError> {
    match container.variable(REGISTRY_DIRECTORY) {
        Some(directory) => Ok(Box::new(DirectoryRegistry::new(directory))),
        None => sagemaker(),
    }
}

#[cfg(feature = "aws")]
fn sagemaker() -> Result<Box<dyn Registry>, RegisterError> {
    Ok(Box::new(registry::SageMakerRegistry::connect()?))
}

#[cfg(not(feature = "aws"))]
fn sagemaker() -> Result<Box<dyn Registry>, RegisterError> {
    Err(RegisterError::NoRegistry)
}

fn group(settings: &steps::Register) -> Group {
    Group { name: settings.group.clone(), description: settings.group_description.clone() }
}

fn version(
    settings: &steps::Register,
    evaluation: &Evaluation,
) -> Result<NewVersion, RegisterError> {
    let mut metadata = evaluation.metadata();
    metadata.insert("project".to_owned(), settings.pipeline_name.clone());
    metadata.insert("pipeline_execution".to_owned(), settings.pipeline_execution_id.clone());
    Ok(NewVersion {
        group: settings.group.clone(),
        approval_status: settings.approval_status.parse()?,
        serving: Serving {
            inference_image: settings.inference_image.clone(),
            model_data_url: settings.model_data_url.clone(),
            content_types: settings.content_types.clone(),
            response_types: settings.response_types.clone(),
            realtime_instance_types: settings.realtime_instance_types.clone(),
            transform_instance_types: settings.transform_instance_types.clone(),
        },
        metrics_url: settings.metrics_url.clone(),
        metadata,
        client_token: client_token(settings),
    })
}

/// The same for every try of one job, another for every other: one model of one execution goes into
/// a group once. 32 of the 36 characters that the API takes.
fn client_token(settings: &steps::Register) -> String {
    let parts = [&settings.pipeline_execution_id, &settings.group, &settings.model_data_url];
    let lines: String = parts.into_iter().map(|part| format!("{part}\n")).collect();
    let mut token = common::sha256_hex(lines);
    token.truncate(32);
    token
}

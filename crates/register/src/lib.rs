//! The Register step: a model that passed its gates becomes a version of its model package group.
//!
//! It reads the report and the metrics of the evaluation, registers the model with them in SageMaker's
//! Model Registry or in a directory, waits until the version is complete, and writes it to
//! `registration.json`. A job that is retried after it registered finds its version and creates no
//! second one.
//!
//! Knows the order of that work. Must never know how the model was made or how the numbers came
//! about.
//!
//! ```
//! use container::Container;
//! use testkit::Sandbox;
//!
//! let opt_ml = Sandbox::new();
//! opt_ml
//!     .file(
//!         "processing/evaluation/metrics.json",
//!         r#"{"accuracy": 0.984, "f1_score": 0.98425, "recall": 1.0}"#,
//!     )
//!     .file(
//!         "processing/evaluation/evaluation.json",
//!         r#"{"format_version": 1, "model": {
//!             "algorithm": "random_forest",
//!             "data_digest": "9f86d081",
//!             "program_version": "0.1.0"
//!         }}"#,
//!     );
//! let environment = [
//!     ("MODEL_REGISTRY_DIRECTORY", opt_ml.path("registry").as_str()),
//!     ("MODEL_PACKAGE_GROUP_NAME", "machine-downtime"),
//!     ("MODEL_APPROVAL_STATUS", "PendingManualApproval"),
//!     ("MODEL_DATA_URL", "s3://bucket/job/output/model.tar.gz"),
//!     ("MODEL_METRICS_URL", "s3://bucket/evaluation/evaluation.json"),
//!     ("INFERENCE_IMAGE", "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"),
//!     ("PIPELINE_NAME", "MachineDowntimePipeline"),
//!     ("PIPELINE_EXECUTION_ID", "abc"),
//! ]
//! .map(|(name, value)| (name.to_owned(), value.to_owned()));
//! let arguments = [
//!     "--content-type=text/csv",
//!     "--response-type=application/json",
//!     "--realtime-instance-type=ml.m5.large",
//!     "--transform-instance-type=ml.m5.large",
//! ]
//! .map(str::to_owned);
//!
//! register::run(&Container::new(opt_ml.base(), arguments.into(), environment.into()))?;
//! let registration = opt_ml.read("processing/registration/registration.json");
//! assert!(registration.contains(":model-package/machine-downtime/1"));
//! # Ok::<(), register::RegisterError>(())
//! ```

mod error;
mod evaluation;
mod wait;

use common::write_file;
use config::steps::{self, paths};
use container::Container;
use registry::{DirectoryRegistry, Group, NewVersion, Registry, Serving, Source};

pub use error::RegisterError;
use evaluation::EvaluationFields;
use wait::PollingPolicy;

/// The environment variable that names the directory of a registry, used instead of SageMaker's.
const REGISTRY_DIRECTORY: &str = "MODEL_REGISTRY_DIRECTORY";

/// Runs the step in a container.
///
/// # Errors
/// Returns an error if a setting or a field of the evaluation is missing or invalid, the registry
/// refuses the version or does not complete it, the job is stopped, or the output cannot be written.
pub fn run(container: &Container) -> Result<(), RegisterError> {
    let settings = settings(container)?;
    let evaluation = EvaluationFields::read(&container.processing(paths::REGISTER_EVALUATION))?;
    let version = version(&settings, evaluation)?;
    version.check()?;
    let registry = registry(container)?;
    registry.ensure_group(&group(&settings))?;
    let package = registry.create_version(&version)?;
    tracing::info!(arn = package.arn, status = ?package.status, "registered");
    let package =
        wait::until_completed(registry.as_ref(), package, PollingPolicy::default(), || {
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

/// Returns the settings of the job, after a warning for each unknown argument.
fn settings(container: &Container) -> Result<steps::Register, RegisterError> {
    let parsed = steps::Register::parse(container.arguments(), |name| container.variable(name))?;
    for argument in parsed.unknown {
        tracing::warn!("argument `{argument}` is not known here, it is ignored");
    }
    Ok(parsed.settings)
}

fn registry(container: &Container) -> Result<Box<dyn Registry>, RegisterError> {
    match container.variable(REGISTRY_DIRECTORY) {
        // an engine says so of a job that must not register
        Some("") => Err(RegisterError::NotGiven),
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
    evaluation: EvaluationFields,
) -> Result<NewVersion, RegisterError> {
    let s = settings;
    let known = |value: &String| {
        Some(value.clone()).filter(|value| !value.is_empty() && value != steps::UNKNOWN)
    };
    let mut metadata = evaluation.metadata();
    for (name, value) in [
        ("project", &s.pipeline_name),
        ("pipeline_execution", &s.pipeline_execution_id),
        ("started_at", &s.started_at),
        ("started_by", &s.started_by),
        ("definition_digest", &s.definition_digest),
        ("table_settings_digest", &s.table_settings_digest),
        ("input_data_url", &s.input_data_url),
        ("input_data_version", &s.input_data_version),
        ("preprocess_image", &s.preprocess_image),
        ("train_image", &s.train_image),
        ("evaluate_image", &s.evaluate_image),
    ] {
        metadata.extend(known(value).map(|value| (name.to_owned(), value)));
    }
    metadata.values_mut().for_each(|value| *value = registry::metadata_value(value));
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
        source: Source {
            commit_id: known(&settings.source_commit),
            repository: None,
            generated_by: known(&settings.pipeline_execution_arn),
        },
        metadata,
        client_token: client_token(settings),
    })
}

/// Returns the idempotency token of the registration. It is the same for all retries of a job and
/// differs between jobs, so one execution registers a model in a group once. It has 32 characters; the
/// API accepts up to 36.
fn client_token(settings: &steps::Register) -> String {
    let parts = [&settings.pipeline_execution_id, &settings.group, &settings.model_data_url];
    let lines: String = parts.into_iter().map(|part| format!("{part}\n")).collect();
    let mut token = common::sha256_hex(lines);
    token.truncate(32);
    token
}

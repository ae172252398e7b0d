//! The one place that builds AWS clients: region, credentials, endpoint, retries, timeouts.
//!
//! The configuration comes from the standard AWS environment variables and files alone
//! (`AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_SAGEMAKER` and so on).
//! [`CallError`] is the message that users read when a call fails.
//!
//! Knows how to reach AWS. Must never know the meaning of a call: no groups, models or pipelines.
//!
//! ```
//! let error = aws::CallError::Refused {
//!     action: "sagemaker:CreatePipeline",
//!     code: "ExpiredToken".to_owned(),
//!     message: "The security token included in the request is expired".to_owned(),
//!     resource: None,
//!     request_id: None,
//! };
//! assert!(error.to_string().contains("; renew the credentials"));
//! // The same call fails again, so a retry is of no use.
//! assert!(!error.is_transient());
//! ```

#[cfg(feature = "account")]
mod download;
mod error;
mod http;

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, SdkConfig};
use aws_sdk_sagemaker::config::ProvideCredentials;
use aws_sdk_sagemaker::error::{ProvideErrorMetadata, SdkError};
use tokio::runtime::{Builder, Runtime};

pub use aws_config as config;
pub use aws_sdk_sagemaker as sagemaker;
pub use aws_smithy_types::base64::encode as base64;
pub use error::{CallError, ConnectError, raise as raise_quota};
#[cfg(feature = "account")]
pub use {
    aws_sdk_applicationautoscaling as autoscaling, aws_sdk_cloudcontrol as cloudcontrol,
    aws_sdk_cloudwatch as cloudwatch, aws_sdk_cloudwatchlogs as logs, aws_sdk_ecr as ecr,
    aws_sdk_iam as iam, aws_sdk_kms as kms, aws_sdk_s3 as s3, aws_sdk_sagemakerruntime as runtime,
    aws_sdk_servicequotas as quotas, aws_sdk_sts as sts,
};

/// The maximum number of attempts of a call; the SDK's default is 3. The waits between them are at
/// most 1, 2, 4 and 8 s: long enough for a throttled account, short compared with the start of a job.
const ATTEMPTS: u32 = 5;
/// The timeout of a connection. Connecting takes milliseconds or fails.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The timeout of one attempt of a call. SageMaker's control plane answers within a few seconds; a
/// silent connection must not block a job until its maximum run time.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
/// The timeout of all attempts of a call, waits included.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// The timeout of one attempt of a call with a body of some megabytes.
#[cfg(feature = "account")]
const BODY_TIMEOUT: Duration = Duration::from_secs(600);
/// The timeout of one invocation of an endpoint: SageMaker itself waits up to 60 s for the model, and the
/// bodies have up to 25 MB each way.
#[cfg(feature = "account")]
const INVOKE_TIMEOUT: Duration = Duration::from_secs(120);
/// The application's name in the user agent, which CloudTrail records.
const APP_NAME: &str = "machine-downtime-pipeline";

/// A region, credentials, and an event loop to wait for answers.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
    runtime: Arc<Runtime>,
}

impl Aws {
    /// Reads the standard AWS configuration and checks that it has a region and yields credentials.
    ///
    /// # Errors
    ///
    /// Fails without a region or credentials. The error names the remedy.
    pub fn connect() -> Result<Self, ConnectError> {
        Self::with(aws_config::from_env())
    }

    /// Connects as [`Aws::connect`] does, with a loader that sets parts of the configuration, such as
    /// an endpoint.
    ///
    /// # Errors
    ///
    /// Fails as [`Aws::connect`] does.
    pub fn with(loader: aws_config::ConfigLoader) -> Result<Self, ConnectError> {
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(ConnectError::Runtime)?;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let mut loader = loader
            .http_client(http::client())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(timeouts);
        if let Ok(name) = AppName::new(APP_NAME) {
            loader = loader.app_name(name);
        }
        let config = runtime.block_on(loader.load());
        if config.region().is_none() {
            return Err(ConnectError::Region);
        }
        let credentials = config.credentials_provider().ok_or(ConnectError::Anonymous)?;
        runtime
            .block_on(credentials.provide_credentials())
            .map_err(|error| ConnectError::of_credentials(&error))?;
        Ok(Self { config, runtime: Arc::new(runtime) })
    }

    /// Returns a client for SageMaker. [`Aws::wait`] waits for the answers to its calls.
    pub fn sagemaker(&self) -> sagemaker::Client {
        sagemaker::Client::new(&self.config)
    }

    /// Returns the region.
    pub fn region(&self) -> &str {
        self.config.region().map_or("", |region| region.as_ref())
    }

    /// Blocks the current thread until the answer has arrived.
    pub fn wait<F: Future>(&self, answer: F) -> F::Output {
        self.runtime.block_on(answer)
    }

    /// Waits for the answer to a call and converts the SDK's error. `action` is the call as an IAM
    /// policy names it.
    ///
    /// # Errors
    ///
    /// Fails if AWS refuses, cannot be reached, or gives an answer that cannot be parsed.
    pub fn call<T, E>(
        &self,
        action: &'static str,
        answer: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, CallError>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        self.wait(answer).map_err(|error| CallError::of(action, error))
    }
}

/// Returns a loader with the credentials and the region of a profile. The default chain would take those of the
/// environment first, also where a profile is named.
#[cfg(feature = "account")]
pub fn profile_loader(name: &str) -> aws_config::ConfigLoader {
    use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
    let credentials = ProfileFileCredentialsProvider::builder().profile_name(name).build();
    let region = ProfileFileRegionProvider::builder().profile_name(name).build();
    aws_config::from_env().profile_name(name).credentials_provider(credentials).region(region)
}

/// Clients for the services that the pipeline uses beside SageMaker.
#[cfg(feature = "account")]
impl Aws {
    /// Returns a client for S3.
    pub fn s3(&self) -> s3::Client {
        // A substitute for S3 has no host name for each bucket.
        let substitutes = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].map(std::env::var_os);
        // The duration depends on the bandwidth; the SDK itself detects a stalled connection.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(BODY_TIMEOUT)
            .build();
        let config = s3::config::Builder::from(&self.config)
            .timeout_config(timeouts)
            .force_path_style(substitutes.iter().any(Option::is_some));
        s3::Client::from_conf(config.build())
    }

    /// Returns a client for ECR, the container registry.
    pub fn ecr(&self) -> ecr::Client {
        ecr::Client::new(&self.config)
    }

    /// Returns a client for Application Auto Scaling, which changes the number of an endpoint's instances.
    pub fn autoscaling(&self) -> autoscaling::Client {
        autoscaling::Client::new(&self.config)
    }

    /// Returns a client for Cloud Control, which describes resources of every service in the terms of
    /// CloudFormation.
    pub fn cloudcontrol(&self) -> cloudcontrol::Client {
        cloudcontrol::Client::new(&self.config)
    }

    /// Returns a client for CloudWatch, which keeps metrics and alarms.
    pub fn cloudwatch(&self) -> cloudwatch::Client {
        cloudwatch::Client::new(&self.config)
    }

    /// Returns a client for SageMaker Runtime, which invokes endpoints.
    pub fn runtime(&self) -> runtime::Client {
        // SageMaker waits up to 60 s for the answer of a model. A request that was not answered is not
        // sent again: the model may still be at work on it.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(INVOKE_TIMEOUT)
            .build();
        runtime::Client::from_conf(
            runtime::config::Builder::from(&self.config).timeout_config(timeouts).build(),
        )
    }

    /// Returns a client for CloudWatch Logs.
    pub fn logs(&self) -> logs::Client {
        logs::Client::new(&self.config)
    }

    /// Returns a client for IAM.
    pub fn iam(&self) -> iam::Client {
        iam::Client::new(&self.config)
    }

    /// Returns a client for KMS, which keeps keys.
    pub fn kms(&self) -> kms::Client {
        kms::Client::new(&self.config)
    }

    /// Returns a client for STS, which names the owner of the credentials.
    pub fn sts(&self) -> sts::Client {
        sts::Client::new(&self.config)
    }

    /// Returns a client for Service Quotas.
    pub fn quotas(&self) -> quotas::Client {
        quotas::Client::new(&self.config)
    }
}

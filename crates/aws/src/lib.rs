//! The one place that builds AWS clients: region, credentials, endpoint, retries, timeouts.
//!
//! Everything comes from the standard AWS environment and configuration files (`AWS_REGION`,
//! `AWS_PROFILE`, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_SAGEMAKER` and so on), nothing from
//! settings of our own. [`CallError`] tells people what AWS answered.
//!
//! Knows how to reach AWS. Must never know what is asked of it: no groups, models or pipelines.

#[cfg(feature = "account")]
mod download;
mod error;

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
pub use error::{CallError, ConnectError, raise as raise_quota};
#[cfg(feature = "account")]
pub use {
    aws_sdk_cloudwatchlogs as logs, aws_sdk_ecr as ecr, aws_sdk_iam as iam, aws_sdk_s3 as s3,
    aws_sdk_servicequotas as quotas, aws_sdk_sts as sts,
};

/// With the first try; the SDK's own default is 3. Waits of at most 1, 2, 4 and 8 s lie between
/// them: long enough for a throttled account, short beside the start of any job.
const ATTEMPTS: u32 = 5;
/// A connection takes milliseconds, or does not come about at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One try of one call. SageMaker's control plane answers within a few seconds; a connection that
/// stays open and says nothing must not hold a job until its run time is over.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
/// All tries of one call, waits included.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// One try of a call with a body of some megabytes.
#[cfg(feature = "account")]
const BODY_TIMEOUT: Duration = Duration::from_secs(600);
/// As the user agent names us in CloudTrail.
const APP_NAME: &str = "machine-downtime-pipeline";

/// A region, credentials, and a way to wait for answers.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
    runtime: Arc<Runtime>,
}

impl Aws {
    /// Reads the standard AWS environment and checks that it names a region and yields credentials.
    ///
    /// # Errors
    /// Neither a region nor credentials can be found; each error names the remedy.
    pub fn connect() -> Result<Self, ConnectError> {
        Self::with(aws_config::from_env())
    }

    /// The same for a loader that already fixes some of it, such as an endpoint.
    ///
    /// # Errors
    /// As [`Aws::connect`].
    pub fn with(loader: aws_config::ConfigLoader) -> Result<Self, ConnectError> {
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(ConnectError::Runtime)?;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let mut loader = loader
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
        runtime.block_on(credentials.provide_credentials()).map_err(|error| {
            ConnectError::Credentials { source: error::one_line(&error).into() }
        })?;
        Ok(Self { config, runtime: Arc::new(runtime) })
    }

    /// A client for SageMaker. Wait for what it returns with [`Aws::wait`].
    pub fn sagemaker(&self) -> sagemaker::Client {
        sagemaker::Client::new(&self.config)
    }

    /// The region that is asked.
    pub fn region(&self) -> &str {
        self.config.region().map_or("", |region| region.as_ref())
    }

    /// Blocks this thread until the answer is there.
    pub fn wait<F: Future>(&self, answer: F) -> F::Output {
        self.runtime.block_on(answer)
    }

    /// The same for a call, with a refusal in words; `action` is the call as an IAM policy names it.
    ///
    /// # Errors
    /// AWS refused, or nothing came back that can be understood.
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

/// What lies around SageMaker.
#[cfg(feature = "account")]
impl Aws {
    /// A client for S3.
    pub fn s3(&self) -> s3::Client {
        // A server that stands for S3 has no name for every bucket.
        let stands_in = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].map(std::env::var_os);
        // A body takes as long as the line is slow; a line that stands still is noticed by itself.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(BODY_TIMEOUT)
            .build();
        let config = s3::config::Builder::from(&self.config)
            .timeout_config(timeouts)
            .force_path_style(stands_in.iter().any(Option::is_some));
        s3::Client::from_conf(config.build())
    }

    /// A client for the container registry.
    pub fn ecr(&self) -> ecr::Client {
        ecr::Client::new(&self.config)
    }

    /// A client for CloudWatch Logs.
    pub fn logs(&self) -> logs::Client {
        logs::Client::new(&self.config)
    }

    /// A client for roles.
    pub fn iam(&self) -> iam::Client {
        iam::Client::new(&self.config)
    }

    /// A client that tells whose credentials these are.
    pub fn sts(&self) -> sts::Client {
        sts::Client::new(&self.config)
    }

    /// A client for the account's quotas.
    pub fn quotas(&self) -> quotas::Client {
        quotas::Client::new(&self.config)
    }
}

//! The one place that builds AWS clients: region, credentials, endpoint, retries, timeouts.
//!
//! Everything comes from the standard AWS environment and configuration files (`AWS_REGION`,
//! `AWS_PROFILE`, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_SAGEMAKER` and so on), nothing from
//! settings of our own. [`CallError`] tells people what AWS answered.
//!
//! Knows how to reach AWS. Must never know what is asked of it: no groups, models or pipelines.

mod error;

use std::future::Future;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, SdkConfig};
use aws_sdk_sagemaker::config::ProvideCredentials;
use tokio::runtime::{Builder, Runtime};

pub use aws_config as config;
pub use aws_sdk_sagemaker as sagemaker;
pub use error::{CallError, ConnectError};

/// With the first try; the SDK's own default is 3. Waits of at most 1, 2, 4 and 8 s lie between
/// them: long enough for a throttled account, short beside the start of any job.
const ATTEMPTS: u32 = 5;
/// A connection takes milliseconds, or does not come about at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One try of one call. SageMaker's control plane answers within a few seconds; a connection that
/// stays open and says nothing must not hold a job until its run time is over.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// As the user agent names us in CloudTrail.
const APP_NAME: &str = "machine-downtime-pipeline";

/// A region, credentials, and a way to wait for answers.
#[derive(Debug)]
pub struct Aws {
    config: SdkConfig,
    runtime: Runtime,
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
        Ok(Self { config, runtime })
    }

    /// A client for SageMaker. Wait for what it returns with [`Aws::wait`].
    pub fn sagemaker(&self) -> sagemaker::Client {
        sagemaker::Client::new(&self.config)
    }

    /// Blocks this thread until the answer is there.
    pub fn wait<F: Future>(&self, answer: F) -> F::Output {
        self.runtime.block_on(answer)
    }
}

//! Requests to an endpoint.

use std::thread;
use std::time::{Duration, Instant};

use crate::{Cloud, CloudError};

/// The time between two looks for the answer of an asynchronous endpoint.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The most characters of a failure that are shown; the whole is in S3.
const LONGEST_REASON: usize = 2000;
/// The content type of the answers, with the line of names that tells what the model answers with.
const ACCEPT: &str = "text/csv; header=present";

/// Where the answer of an asynchronous endpoint will be.
#[derive(Debug)]
pub struct AsynchronousAnswer {
    /// The S3 address of the answer.
    pub output: String,
    /// The S3 address of the failure, if there is one in place of an answer.
    pub failure: Option<String>,
}

impl Cloud {
    /// Sends records as CSV and returns the answers as CSV with a line of names.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker or the model refuses the request.
    pub fn invoke(
        &self,
        endpoint: &str,
        (content_type, records): (&str, Vec<u8>),
        attributes: Option<&str>,
    ) -> Result<Vec<u8>, CloudError> {
        const ACTION: &str = "sagemaker:InvokeEndpoint";
        let call = self
            .aws
            .runtime()
            .invoke_endpoint()
            .endpoint_name(endpoint)
            .content_type(content_type)
            .accept(ACCEPT)
            .set_custom_attributes(attributes.map(str::to_owned))
            .body(records.into());
        let answer = self.aws.call(ACTION, call.send())?;
        let body = answer.body.ok_or_else(|| Self::missing(ACTION, "Body"))?;
        Ok(body.into_inner())
    }

    /// Queues a request whose records are an object in S3.
    ///
    /// # Errors
    ///
    /// Fails if SageMaker refuses the request.
    pub fn invoke_asynchronously(
        &self,
        endpoint: &str,
        (content_type, input): (&str, &str),
        attributes: Option<&str>,
    ) -> Result<AsynchronousAnswer, CloudError> {
        const ACTION: &str = "sagemaker:InvokeEndpointAsync";
        let call = self
            .aws
            .runtime()
            .invoke_endpoint_async()
            .endpoint_name(endpoint)
            .content_type(content_type)
            .accept(ACCEPT)
            .set_custom_attributes(attributes.map(str::to_owned))
            .input_location(input);
        let answer = self.aws.call(ACTION, call.send())?;
        let output =
            answer.output_location.ok_or_else(|| Self::missing(ACTION, "OutputLocation"))?;
        Ok(AsynchronousAnswer { output, failure: answer.failure_location })
    }

    /// Waits for the answer of an asynchronous endpoint and returns it.
    ///
    /// # Errors
    ///
    /// Fails with the model's own words if it has failed, if there is no answer within the timeout, or if
    /// S3 refuses.
    pub fn await_answer(
        &self,
        answer: &AsynchronousAnswer,
        timeout: Duration,
    ) -> Result<Vec<u8>, CloudError> {
        let begun = Instant::now();
        loop {
            if let Some(body) = self.object_if_any(&answer.output)? {
                return Ok(body);
            }
            if let Some(address) = &answer.failure
                && let Some(reason) = self.object_if_any(address)?
            {
                let reason = String::from_utf8_lossy(&reason);
                let reason = reason.trim().chars().take(LONGEST_REASON).collect();
                return Err(CloudError::Unanswerable { address: address.clone(), reason });
            }
            if begun.elapsed() >= timeout {
                return Err(CloudError::Timeout(format!(
                    "the request whose answer is to be {}",
                    answer.output
                )));
            }
            thread::sleep(LOOK_AGAIN.min(timeout));
        }
    }
}

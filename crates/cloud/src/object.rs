//! Objects in S3.

use std::error::Error;

use aws::CallError;
use aws::sagemaker::error::{ProvideErrorMetadata, SdkError};
use infrastructure::partition;

use crate::{Cloud, CloudError};

/// The header in which S3 tells where a bucket is, also when it refuses.
const BUCKET_REGION: &str = "x-amz-bucket-region";

impl Cloud {
    /// Returns the region of the target's bucket, if S3 tells it.
    ///
    /// # Errors
    ///
    /// Fails if S3 refuses without telling it, as it does for a bucket that is not there.
    pub fn bucket_region(&self) -> Result<Option<String>, CloudError> {
        let call = self.aws.s3().head_bucket().bucket(&self.target.bucket);
        let error = match self.aws.wait(call.send()) {
            Ok(answer) => return Ok(answer.bucket_region),
            Err(error) => error,
        };
        // Only a bucket of another region is redirected.
        let answer = error.raw_response().filter(|answer| answer.status().as_u16() == 301);
        let region = answer.and_then(|answer| answer.headers().get(BUCKET_REGION));
        match region.map(str::to_owned) {
            None => Err(CallError::of("s3:ListBucket", error).into()),
            region => Ok(region),
        }
    }

    /// Reads an object whole, or returns `None` where it cannot be read.
    pub fn object(&self, uri: &str) -> Option<Vec<u8>> {
        self.object_if_any(uri).ok().flatten()
    }

    /// Reads an object whole, or returns `None` if there is none.
    ///
    /// # Errors
    ///
    /// Fails if the address is none of an object, or if S3 refuses.
    pub fn object_if_any(&self, uri: &str) -> Result<Option<Vec<u8>>, CloudError> {
        const ACTION: &str = "s3:GetObject";
        let (bucket, key) = bucket_and_key(uri)?;
        let call = self.aws.s3().get_object().bucket(bucket).key(key);
        let call = call.set_expected_bucket_owner(self.owner_of(bucket));
        let answer = self.s3_call(ACTION, bucket, key, call.send());
        let Some(answer) = CallError::if_there(answer)? else {
            return Ok(None);
        };
        let body = self.aws.wait(answer.body.collect());
        let body = body.map_err(|_| Self::missing(ACTION, "whole body"))?;
        Ok(Some(body.into_bytes().to_vec()))
    }

    /// Reads an object whole.
    ///
    /// # Errors
    ///
    /// Fails as [`Cloud::object_if_any`] does, and if there is no such object.
    pub fn require_object(&self, uri: &str) -> Result<Vec<u8>, CloudError> {
        self.object_if_any(uri)?.ok_or_else(|| CloudError::NoObject(uri.to_owned()))
    }

    /// Stores an object at an address.
    ///
    /// # Errors
    ///
    /// Fails if the address is none of an object, or if S3 refuses.
    pub fn store(&self, uri: &str, content_type: &str, body: Vec<u8>) -> Result<(), CloudError> {
        let (bucket, key) = bucket_and_key(uri)?;
        let put = self.aws.s3().put_object().bucket(bucket).key(key).content_type(content_type);
        let put = put.set_expected_bucket_owner(self.owner_of(bucket)).body(body.into());
        self.s3_call("s3:PutObject", bucket, key, put.send())?;
        Ok(())
    }

    /// Stores a small JSON document at `key` in the target's bucket and returns its address.
    ///
    /// # Errors
    ///
    /// Fails if S3 refuses.
    pub fn store_json(&self, key: &str, json: &str) -> Result<String, CloudError> {
        let uri = format!("s3://{}/{key}", self.target.bucket);
        self.store(&uri, "application/json", json.as_bytes().to_vec())?;
        Ok(uri)
    }

    /// Returns the account that must own a bucket for a call not to be refused: the target's, if it is the target's
    /// bucket. A bucket's name may be that of a stranger, who waits for what is sent there.
    pub(crate) fn owner_of(&self, bucket: &str) -> Option<String> {
        (bucket == self.target.bucket).then(|| self.target.account_id.clone())
    }

    /// Waits for the answer to a call of S3 about a bucket, or about an object if `key` is not empty. The message of
    /// a refusal names it.
    pub(crate) fn s3_call<T, E>(
        &self,
        action: &'static str,
        bucket: &str,
        key: &str,
        answer: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, CallError>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let slash = if key.is_empty() { "" } else { "/" };
        let arn = format!("arn:{}:s3:::{bucket}{slash}{key}", partition(&self.target.region));
        self.aws.call(action, answer).map_err(|error| error.on(&arn))
    }
}

/// Splits the address of an object.
pub(crate) fn bucket_and_key(uri: &str) -> Result<(&str, &str), CloudError> {
    let address = uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    let address = address.filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty());
    address.ok_or_else(|| CloudError::Address(uri.to_owned()))
}

//! Objects in S3.

use crate::{Cloud, CloudError};

impl Cloud {
    /// Reads a small object, or returns `None` where it cannot be read.
    pub fn object(&self, uri: &str) -> Option<Vec<u8>> {
        let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
        let call = self.aws.s3().get_object().bucket(bucket).key(key);
        let answer = self.aws.call("s3:GetObject", call.send()).ok()?;
        let body = self.aws.wait(answer.body.collect()).ok()?;
        Some(body.into_bytes().to_vec())
    }

    /// Stores a small object at an address.
    ///
    /// # Errors
    ///
    /// Fails if S3 refuses.
    pub fn store(&self, uri: &str, content_type: &str, body: Vec<u8>) -> Result<(), CloudError> {
        const ACTION: &str = "s3:PutObject";
        let address = uri.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
        let (bucket, key) = address.ok_or_else(|| Self::missing(ACTION, "address of an object"))?;
        let put = self.aws.s3().put_object().bucket(bucket).key(key).content_type(content_type);
        self.aws.call(ACTION, put.body(body.into()).send())?;
        Ok(())
    }

    /// Stores a small JSON document at `key` in the target's bucket and returns its address.
    ///
    /// # Errors
    ///
    /// Fails if S3 refuses.
    pub fn store_json(&self, key: &str, json: &str) -> Result<String, CloudError> {
        let bucket = &self.target.bucket;
        let put = self.aws.s3().put_object().bucket(bucket).key(key);
        let put = put.content_type("application/json").body(json.as_bytes().to_vec().into());
        self.aws.call("s3:PutObject", put.send())?;
        Ok(format!("s3://{bucket}/{key}"))
    }
}

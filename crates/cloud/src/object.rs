//! Objects in S3.

use crate::Cloud;

impl Cloud {
    /// Reads a small object, or returns `None` where it cannot be read.
    pub fn object(&self, uri: &str) -> Option<Vec<u8>> {
        let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
        let call = self.aws.s3().get_object().bucket(bucket).key(key);
        let answer = self.aws.call("s3:GetObject", call.send()).ok()?;
        let body = self.aws.wait(answer.body.collect()).ok()?;
        Some(body.into_bytes().to_vec())
    }
}

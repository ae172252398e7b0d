//! What is stored below an address in S3.

use std::ops::ControlFlow;

use aws::CallError;
use aws::s3::types::Object;

use crate::{Cloud, CloudError};

/// An object in S3, as a listing tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredObject {
    /// The key.
    pub key: String,
    /// What tells its contents from others: S3 makes it from them.
    pub e_tag: String,
    /// The number of bytes.
    pub bytes: i64,
    /// The time of its last change, in seconds since 1970.
    pub modified: f64,
}

impl StoredObject {
    fn of(object: Object) -> Self {
        Self {
            key: object.key.unwrap_or_default(),
            e_tag: object.e_tag.unwrap_or_default(),
            bytes: object.size.unwrap_or_default(),
            modified: object.last_modified.map_or(0.0, |time| time.as_secs_f64()),
        }
    }
}

/// Returns a text of 32 characters for the keys and tags of objects, which differs where one of these differs.
pub fn version_of(objects: &[StoredObject]) -> String {
    let lines = objects.iter().map(|object| format!("{}\n{}\n", object.key, object.e_tag));
    let mut digest = common::sha256_hex(lines.collect::<String>());
    digest.truncate(32);
    digest
}

impl Cloud {
    /// Lists the objects that a job reads from an address: all whose keys begin with it, in their order.
    ///
    /// # Errors
    ///
    /// Fails if the address is none of S3, or if S3 refuses. A bucket that does not exist has no objects.
    pub fn objects(&self, uri: &str) -> Result<Vec<StoredObject>, CloudError> {
        let mut objects = Vec::new();
        self.visit_objects(uri, |object| {
            objects.push(object);
            ControlFlow::Continue(())
        })?;
        Ok(objects)
    }

    /// Returns whether an object with content is at an address, or below it. Consoles mark directories by objects
    /// without content.
    ///
    /// # Errors
    ///
    /// Fails as [`Cloud::objects`] does.
    pub fn has_records(&self, uri: &str) -> Result<bool, CloudError> {
        let mut found = false;
        self.visit_objects(uri, |object| {
            found = object.bytes > 0;
            if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(found)
    }

    /// Passes the objects whose keys begin with an address to `visit`, until it breaks off.
    fn visit_objects(
        &self,
        uri: &str,
        mut visit: impl FnMut(StoredObject) -> ControlFlow<()>,
    ) -> Result<(), CloudError> {
        let address =
            uri.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, "")));
        let Some((bucket, prefix)) = address.filter(|(bucket, _)| !bucket.is_empty()) else {
            return Err(CloudError::Address(uri.to_owned()));
        };
        let call = self.aws.s3().list_objects_v2().bucket(bucket).prefix(prefix);
        let call = call.set_expected_bucket_owner(self.owner_of(bucket));
        let mut pages = call.into_paginator().send();
        while let Some(page) = self.aws.wait(pages.next()) {
            let page = self.s3_call("s3:ListBucket", bucket, "", async { page });
            let Some(page) = CallError::if_there(page)? else { break };
            let mut objects = page.contents.unwrap_or_default().into_iter().map(StoredObject::of);
            if objects.try_for_each(&mut visit).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Returns the object of exactly this address, if it is there.
    ///
    /// # Errors
    ///
    /// Fails as [`Cloud::objects`] does.
    pub fn stored(&self, uri: &str) -> Result<Option<StoredObject>, CloudError> {
        let objects = self.objects(uri)?;
        Ok(objects.into_iter().find(|object| uri.ends_with(&format!("/{}", object.key))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_of_keys_and_contents() {
        let object = |key: &str, e_tag: &str, modified| StoredObject {
            key: key.to_owned(),
            e_tag: e_tag.to_owned(),
            bytes: 1,
            modified,
        };
        let version = version_of(&[object("raw/a.csv", "1", 1.0)]);
        assert_eq!(version.len(), 32);
        assert_eq!(version, version_of(&[object("raw/a.csv", "1", 2.0)]));
        for other in [
            vec![],
            vec![object("raw/a.csv", "2", 1.0)],
            vec![object("raw/b.csv", "1", 1.0)],
            vec![object("raw/a.csv", "1", 1.0), object("raw/b.csv", "1", 1.0)],
        ] {
            assert_ne!(version, version_of(&other), "{other:?}");
        }
    }
}

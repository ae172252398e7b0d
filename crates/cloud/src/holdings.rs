//! What the pipeline has left in the account beside registered models: images and objects; and deleting it.

use std::collections::{BTreeMap, BTreeSet};

use aws::CallError;
use aws::ecr::types::ImageIdentifier;
use aws::s3::types::{Delete, ObjectIdentifier};
use infrastructure::{DEFINITIONS, Repository};

use crate::{Cloud, CloudError};

/// The maximum number of objects, or images, of one request that deletes them.
const OBJECTS_AT_ONCE: usize = 1000;
const IMAGES_AT_ONCE: usize = 100;

/// The versions of objects below a prefix of the bucket.
#[derive(Debug)]
pub struct StoredVersions {
    /// The prefix.
    pub prefix: String,
    /// The number of bytes of all versions.
    pub bytes: i64,
    /// Each version, deleted ones too: a bucket that keeps versions keeps these.
    versions: Vec<ObjectIdentifier>,
}

impl StoredVersions {
    /// Returns the number of versions.
    pub fn count(&self) -> usize {
        self.versions.len()
    }
}

/// The images of a repository.
#[derive(Debug)]
pub struct StoredImages {
    /// The repository's name.
    pub repository: String,
    /// The account of the registry.
    account: String,
    /// Each image.
    images: Vec<ImageIdentifier>,
}

impl StoredImages {
    /// Returns the number of images.
    pub fn count(&self) -> usize {
        let digests = self.images.iter().filter_map(|image| image.image_digest());
        digests.collect::<BTreeSet<_>>().len()
    }
}

impl Cloud {
    /// Lists the versions of the objects below a prefix of the bucket. A bucket that does not exist has none.
    ///
    /// # Errors
    ///
    /// Fails if S3 refuses.
    pub fn stored_versions(&self, prefix: &str) -> Result<StoredVersions, CloudError> {
        const ACTION: &str = "s3:ListBucketVersions";
        let mut found =
            StoredVersions { prefix: prefix.to_owned(), bytes: 0, versions: Vec::new() };
        let mut next: (Option<String>, Option<String>) = (None, None);
        loop {
            let call = self.aws.s3().list_object_versions().bucket(&self.target.bucket);
            let call = call.prefix(prefix).set_key_marker(next.0).set_version_id_marker(next.1);
            let Some(page) = CallError::if_there(self.aws.call(ACTION, call.send()))? else {
                return Ok(found);
            };
            for version in page.versions() {
                found.bytes += version.size().unwrap_or_default();
                found.add(version.key(), version.version_id());
            }
            for marker in page.delete_markers() {
                found.add(marker.key(), marker.version_id());
            }
            if page.is_truncated() != Some(true) || page.next_key_marker().is_none() {
                return Ok(found);
            }
            next = (page.next_key_marker, page.next_version_id_marker);
        }
    }

    /// Deletes versions of objects.
    ///
    /// # Errors
    ///
    /// Fails if S3 refuses, also a single one of them.
    pub fn delete_versions(&self, stored: &StoredVersions) -> Result<(), CloudError> {
        const ACTION: &str = "s3:DeleteObjectVersion";
        for part in stored.versions.chunks(OBJECTS_AT_ONCE) {
            let delete = Delete::builder().set_objects(Some(part.to_vec())).quiet(true).build();
            let delete = delete.map_err(|_| Self::missing(ACTION, "Objects"))?;
            let call = self.aws.s3().delete_objects().bucket(&self.target.bucket).delete(delete);
            let answer = self.aws.call(ACTION, call.send())?;
            if let Some(refused) = answer.errors().first() {
                let (key, why) = (refused.key(), refused.message().or(refused.code()));
                return Err(CloudError::ObjectKept {
                    uri: format!("s3://{}/{}", self.target.bucket, key.unwrap_or_default()),
                    why: why.unwrap_or_default().to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Returns the names of other pipelines that have deployed with the bucket.
    ///
    /// # Errors
    ///
    /// Fails if S3 refuses.
    pub fn other_pipelines(&self) -> Result<Vec<String>, CloudError> {
        let uri = format!("s3://{}/{DEFINITIONS}", self.target.bucket);
        let mut names = BTreeSet::new();
        for object in self.objects(&uri)? {
            // A definition that was too long for a request is no directory.
            let name = object.key.strip_prefix(DEFINITIONS).and_then(|rest| rest.split_once('/'));
            names.extend(name.map(|(name, _)| name.to_owned()));
        }
        names.remove(&self.target.pipeline_name);
        Ok(names.into_iter().collect())
    }

    /// Lists the images of the repository of an address, if it is one of the account. A repository that does not
    /// exist has none.
    ///
    /// # Errors
    ///
    /// Fails if ECR refuses.
    pub fn stored_images(&self, uri: &str) -> Result<Option<StoredImages>, CloudError> {
        let host = format!("{}.dkr.ecr.{}.", self.target.account_id, self.target.region);
        let repository = Repository::of(uri).filter(|_| uri.starts_with(&host));
        let Some(Repository { account, name, .. }) = repository else { return Ok(None) };
        let mut found =
            StoredImages { repository: name.clone(), account: account.clone(), images: Vec::new() };
        let call = self.aws.ecr().list_images().registry_id(account).repository_name(name);
        let mut pages = call.into_paginator().send();
        while let Some(page) = self.aws.wait(pages.next()) {
            let page = page.map_err(|error| CallError::of("ecr:ListImages", error));
            let Some(page) = CallError::if_there(page)? else { break };
            found.images.extend(page.image_ids.unwrap_or_default());
        }
        Ok(Some(found))
    }

    /// Deletes images.
    ///
    /// # Errors
    ///
    /// Fails if ECR refuses, also a single one of them.
    pub fn delete_images(&self, stored: &StoredImages) -> Result<(), CloudError> {
        // By its digest an image goes with all of its tags.
        let mut digests = BTreeMap::new();
        for image in &stored.images {
            let digest = image.image_digest().unwrap_or_default().to_owned();
            digests.insert(digest.clone(), ImageIdentifier::builder().image_digest(digest).build());
        }
        let images: Vec<_> = digests.into_values().collect();
        for part in images.chunks(IMAGES_AT_ONCE) {
            let call = self.aws.ecr().batch_delete_image().registry_id(&stored.account);
            let call = call.repository_name(&stored.repository).set_image_ids(Some(part.to_vec()));
            let answer = self.aws.call("ecr:BatchDeleteImage", call.send())?;
            if let Some(refused) = answer.failures().first() {
                return Err(CloudError::ImageKept {
                    repository: stored.repository.clone(),
                    why: refused.failure_reason().unwrap_or_default().to_owned(),
                });
            }
        }
        Ok(())
    }
}

impl StoredVersions {
    fn add(&mut self, key: Option<&str>, version: Option<&str>) {
        let Some(key) = key else { return };
        let id = ObjectIdentifier::builder().key(key).set_version_id(version.map(str::to_owned));
        self.versions.extend(id.build().ok());
    }
}

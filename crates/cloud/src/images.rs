//! Images in ECR.
//!
//! A tag may be moved to another image. A definition that names digests changes only when an image
//! does, so that an unchanged pipeline keeps its step cache.

use aws::CallError;
use aws::ecr::types::ImageIdentifier;
use futures_util::future::join_all;
use infrastructure::Repository;
use serde_json::Value;

use crate::{Cloud, CloudError};

/// The only type of manifest that SageMaker accepts.
pub(crate) const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// An image that a pipeline needs, and what ECR knows of it.
#[derive(Debug)]
pub struct EcrImage {
    /// The name by which the caller knows the image.
    pub name: &'static str,
    /// The address with its tag or digest.
    pub uri: String,
    /// The instance type of the job or endpoint that runs the image, if one does.
    pub instance_type: Option<String>,
    /// The digest and type of its manifest, if ECR has the image.
    found: Option<(String, Option<String>)>,
}

impl EcrImage {
    /// Makes an image that has not been looked up yet.
    pub fn new(name: &'static str, uri: String) -> Self {
        Self { name, uri, instance_type: None, found: None }
    }

    /// Makes the image one that a job of the pipeline runs on this type of instance.
    #[must_use]
    pub fn run_by_job(mut self, instance_type: &str) -> Self {
        self.instance_type = Some(instance_type.to_owned());
        self
    }

    /// Makes the image one that an endpoint runs, on this type of instance unless it is serverless.
    #[must_use]
    pub fn run_by_endpoint(mut self, instance_type: Option<&str>) -> Self {
        self.instance_type = instance_type.map(str::to_owned);
        self
    }

    /// Returns whether the address is a digest, which a push cannot give to another image.
    pub fn is_by_digest(&self) -> bool {
        self.uri.contains('@')
    }

    /// Returns whether ECR had the image when it was looked up.
    pub fn is_found(&self) -> bool {
        self.found.is_some()
    }

    /// Returns the registry's host name.
    pub fn registry(&self) -> &str {
        self.uri.split('/').next().unwrap_or_default()
    }

    /// Returns the digest and type of the manifest, if ECR had the image when it was looked up.
    pub(crate) fn manifest(&self) -> Option<(&str, Option<&str>)> {
        self.found.as_ref().map(|(digest, kind)| (digest.as_str(), kind.as_deref()))
    }

    /// Returns the repository and the image's identifier in it, or `None` if the address is not
    /// one of ECR.
    fn location(&self) -> Option<(Repository, ImageIdentifier)> {
        let id = ImageIdentifier::builder();
        let id = match self.uri.split_once('@') {
            Some((_, digest)) => id.image_digest(digest),
            None => id.image_tag(self.uri.rsplit(':').next().unwrap_or_default()),
        };
        Some((Repository::of(&self.uri)?, id.build()))
    }
}

impl Cloud {
    /// Looks up the digest and type of every image, all at once.
    ///
    /// # Errors
    ///
    /// Fails if ECR refuses.
    pub fn look_up(&self, images: &mut [EcrImage]) -> Result<(), CallError> {
        const ACTION: &str = "ecr:DescribeImages";
        let ecr = self.aws.ecr();
        let calls = images.iter().map(|image| async {
            let Some((repository, id)) = image.location() else { return Ok(None) };
            let call = ecr.describe_images().registry_id(repository.account);
            let call = call.repository_name(repository.name).image_ids(id);
            match call.send().await.map_err(|error| CallError::of(ACTION, error)) {
                Ok(answer) => {
                    let image = answer.image_details().first();
                    let digest = image.and_then(|image| image.image_digest.clone());
                    let digest = digest.ok_or_else(|| Self::missing(ACTION, "imageDigest"))?;
                    Ok(Some((digest, image.and_then(|it| it.image_manifest_media_type.clone()))))
                }
                Err(error) if error.is_absent() => Ok(None),
                Err(error) => Err(error),
            }
        });
        let answers = self.aws.wait(join_all(calls));
        for (image, found) in images.iter_mut().zip(answers) {
            image.found = found?;
        }
        Ok(())
    }

    /// Returns the tags in the repository of an image, those of the image that was pushed last first;
    /// none if there is no such repository.
    ///
    /// # Errors
    ///
    /// Fails if ECR refuses, or if the image is not in ECR.
    pub(crate) fn tags_beside(&self, image: &EcrImage) -> Result<Option<Vec<String>>, CallError> {
        const ACTION: &str = "ecr:DescribeImages";
        let repository = Repository::of(&image.uri);
        let repository = repository.ok_or_else(|| Self::missing(ACTION, "repository"))?;
        let call = self.aws.ecr().describe_images().registry_id(repository.account);
        let call = call.repository_name(repository.name);
        let mut pages = call.into_paginator().items().send();
        let mut images = Vec::new();
        while let Some(found) = self.aws.wait(pages.next()) {
            match found.map_err(|error| CallError::of(ACTION, error)) {
                Ok(image) => images.push(image),
                Err(error) if error.is_absent() => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        images.sort_by_key(|image| std::cmp::Reverse(image.image_pushed_at));
        Ok(Some(images.into_iter().filter_map(|image| image.image_tags).flatten().collect()))
    }

    /// Returns the processor architecture that an image was built for, `amd64` or `arm64`. It is in
    /// the image's configuration, which is stored beside its layers.
    ///
    /// # Errors
    ///
    /// Fails if ECR refuses, or if the image is not in ECR.
    pub fn architecture(&self, image: &EcrImage) -> Result<String, CallError> {
        const GET_IMAGE: &str = "ecr:BatchGetImage";
        const GET_LAYER: &str = "ecr:GetDownloadUrlForLayer";
        let location = image.location();
        let (repository, id) = location.ok_or_else(|| Self::missing(GET_IMAGE, "repository"))?;
        let ecr = self.aws.ecr();
        let call = ecr.batch_get_image().registry_id(&repository.account);
        let call = call.repository_name(&repository.name).image_ids(id);
        let answer = self.aws.call(GET_IMAGE, call.accepted_media_types(MANIFEST).send())?;
        let manifest = answer.images().first().and_then(|image| image.image_manifest());
        let manifest: Value =
            manifest.and_then(|m| common::json::from_slice(m.as_bytes()).ok()).unwrap_or_default();
        let digest = manifest["config"]["digest"].as_str();
        let digest = digest.ok_or_else(|| Self::missing(GET_IMAGE, "config digest"))?;
        let call = ecr.get_download_url_for_layer().registry_id(&repository.account);
        let call = call.repository_name(&repository.name).layer_digest(digest);
        let address = self.aws.call(GET_LAYER, call.send())?.download_url;
        let address = address.ok_or_else(|| Self::missing(GET_LAYER, "downloadUrl"))?;
        let config = self.aws.download(GET_LAYER, &address)?;
        let config: Value = common::json::from_slice(&config).unwrap_or_default();
        let architecture = config["architecture"].as_str().map(str::to_owned);
        architecture.ok_or_else(|| Self::missing(GET_LAYER, "architecture"))
    }

    /// Looks up every image, and returns the digests of those that are named by a tag.
    ///
    /// # Errors
    ///
    /// Fails if an image is absent, if one is of a type that SageMaker refuses, or if ECR refuses.
    pub fn resolve_images(
        &self,
        mut images: Vec<EcrImage>,
    ) -> Result<Vec<(&'static str, String)>, CloudError> {
        self.look_up(&mut images)?;
        resolved(images)
    }
}

/// Returns the names of images by tag that were looked up, each with its `REPOSITORY@sha256:...`.
fn resolved(images: Vec<EcrImage>) -> Result<Vec<(&'static str, String)>, CloudError> {
    let (mut digests, mut missing) = (Vec::new(), Vec::new());
    for EcrImage { name, uri, found, .. } in images {
        match found {
            Some((_, Some(kind))) if kind != MANIFEST => {
                return Err(CloudError::ImageType { uri, kind, expected: MANIFEST });
            }
            Some((digest, _)) if !is_digest(&digest) => {
                return Err(CloudError::ImageDigest { uri, digest });
            }
            // A definition names it as it is.
            Some(_) if uri.contains('@') => {}
            Some((digest, _)) => {
                let repository = uri.rsplit_once(':').map_or(uri.as_str(), |(name, _)| name);
                digests.push((name, format!("{repository}@{digest}")));
            }
            None => missing.push(uri),
        }
    }
    if missing.is_empty() { Ok(digests) } else { Err(CloudError::NoImages { uris: missing }) }
}

/// Returns whether `text` is a SHA-256 digest as ECR writes it.
fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(common::is_sha256_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: &str = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/plant/train";

    fn digest() -> String {
        format!("sha256:{}", "0123456789abcdef".repeat(4))
    }

    fn image(tag: &str, found: Option<(&str, Option<&str>)>) -> EcrImage {
        let found = found.map(|(digest, kind)| (digest.to_owned(), kind.map(str::to_owned)));
        EcrImage { found, ..EcrImage::new("train", format!("{REPOSITORY}:{tag}")) }
    }

    #[test]
    fn an_address_is_taken_apart() {
        let tagged = image("v1", None);
        assert_eq!(tagged.registry(), "111122223333.dkr.ecr.eu-central-1.amazonaws.com");
        assert!(!tagged.is_by_digest());
        let (repository, id) = tagged.location().unwrap();
        assert_eq!(repository.account, "111122223333");
        assert_eq!(repository.name, "plant/train");
        assert_eq!((id.image_tag(), id.image_digest()), (Some("v1"), None));

        let fixed = EcrImage::new("train", format!("{REPOSITORY}@{}", digest()));
        assert!(fixed.is_by_digest());
        let (repository, id) = fixed.location().unwrap();
        assert_eq!(repository.name, "plant/train");
        assert_eq!((id.image_tag(), id.image_digest()), (None, Some(digest().as_str())));

        let elsewhere = EcrImage::new("train", "registry.example.com/train:v1".to_owned());
        assert_eq!(elsewhere.registry(), "registry.example.com");
        assert!(elsewhere.location().is_none());
    }

    #[test]
    fn a_tag_becomes_a_digest() {
        let digest = digest();
        let images = vec![
            image("v1", Some((&digest, Some(MANIFEST)))),
            // ECR does not know the type of every manifest.
            image("v2", Some((&digest, None))),
        ];
        let uri = format!("{REPOSITORY}@{digest}");
        assert_eq!(resolved(images).unwrap(), [("train", uri.clone()), ("train", uri)]);
    }

    #[test]
    fn every_image_must_be_there() {
        let there = image("v2", Some((&digest(), None)));
        let error = resolved(vec![image("v1", None), there, image("v3", None)]).unwrap_err();
        assert_eq!(error.to_string(), format!("not in ECR: {REPOSITORY}:v1, {REPOSITORY}:v3"));
    }

    #[test]
    fn an_index_and_a_broken_digest_are_refused() {
        let refusal = |digest: &str, kind| {
            let error = resolved(vec![image("v1", Some((digest, kind)))]).unwrap_err();
            error.to_string().replace(REPOSITORY, "<train>")
        };
        let index = Some("application/vnd.oci.image.index.v1+json");
        insta::assert_snapshot!(refusal(&digest(), index), @"the image <train>:v1 is of type application/vnd.oci.image.index.v1+json, expected application/vnd.docker.distribution.manifest.v2+json, which is all that SageMaker takes");
        insta::assert_snapshot!(refusal("sha256:12", None), @"ECR says that <train>:v1 has the digest `sha256:12`, expected sha256: and 64 digits");
        assert!(!is_digest(&digest().replace('f', "g")));
        assert!(!is_digest(&digest().replace("sha256", "sha512")));
    }
}

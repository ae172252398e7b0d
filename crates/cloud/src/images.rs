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
    /// Whether an execution fails without the image.
    pub is_required: bool,
    /// The instance type of the job that runs the image, if a job of the pipeline does.
    pub instance_type: Option<String>,
    /// The digest and type of its manifest, if ECR has the image.
    found: Option<(String, Option<String>)>,
}

/// The digests that stand for tags.
#[derive(Debug, Default)]
pub struct ResolvedImages {
    /// Name and `REPOSITORY@sha256:...` of each image that was named by a tag.
    pub digests: Vec<(&'static str, String)>,
    /// The addresses of images that are not there and not required.
    pub absent: Vec<String>,
}

impl EcrImage {
    /// Makes an image that has not been looked up yet.
    pub fn new(name: &'static str, uri: String) -> Self {
        Self { name, uri, is_required: false, instance_type: None, found: None }
    }

    /// Makes the image one that a job of the pipeline runs on this type of instance.
    #[must_use]
    pub fn run_by_job(mut self, instance_type: &str) -> Self {
        self.is_required = true;
        self.instance_type = Some(instance_type.to_owned());
        self
    }

    /// Returns whether the address is a digest, which a push cannot give to another image.
    pub fn is_by_digest(&self) -> bool {
        self.uri.contains('@')
    }

    /// Returns the registry's host name.
    pub fn registry(&self) -> &str {
        self.uri.split('/').next().unwrap_or_default()
    }

    /// Returns the digest and type of the manifest, if ECR had the image when it was looked up.
    pub(crate) fn manifest(&self) -> Option<(&str, Option<&str>)> {
        self.found.as_ref().map(|(digest, kind)| (digest.as_str(), kind.as_deref()))
    }

    /// Returns the repository and the image's identifier there, if the address is one of ECR.
    fn place(&self) -> Option<(Repository, ImageIdentifier)> {
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
            let Some((repository, id)) = image.place() else { return Ok(None) };
            let call = ecr.describe_images().registry_id(repository.account);
            let call = call.repository_name(repository.name).image_ids(id);
            match call.send().await.map_err(|error| CallError::of(ACTION, error)) {
                Ok(answer) => Ok(answer.image_details().first().and_then(|image| {
                    Some((image.image_digest.clone()?, image.image_manifest_media_type.clone()))
                })),
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

    /// Returns the processor architecture that an image was built for, `amd64` or `arm64`. It is in
    /// the image's configuration, which is stored beside its layers.
    ///
    /// # Errors
    ///
    /// Fails if ECR refuses, or if the image is not in ECR.
    pub fn architecture(&self, image: &EcrImage) -> Result<String, CallError> {
        const MANIFEST_OF: &str = "ecr:BatchGetImage";
        const LAYER_OF: &str = "ecr:GetDownloadUrlForLayer";
        let place = image.place().ok_or_else(|| Self::missing(MANIFEST_OF, "repository"))?;
        let (repository, id) = place;
        let ecr = self.aws.ecr();
        let call = ecr.batch_get_image().registry_id(&repository.account);
        let call = call.repository_name(&repository.name).image_ids(id);
        let answer = self.aws.call(MANIFEST_OF, call.accepted_media_types(MANIFEST).send())?;
        let manifest = answer.images().first().and_then(|image| image.image_manifest());
        let manifest: Value =
            manifest.and_then(|m| serde_json::from_str(m).ok()).unwrap_or_default();
        let digest = manifest["config"]["digest"].as_str();
        let digest = digest.ok_or_else(|| Self::missing(MANIFEST_OF, "config digest"))?;
        let call = ecr.get_download_url_for_layer().registry_id(&repository.account);
        let call = call.repository_name(&repository.name).layer_digest(digest);
        let address = self.aws.call(LAYER_OF, call.send())?.download_url;
        let address = address.ok_or_else(|| Self::missing(LAYER_OF, "downloadUrl"))?;
        let config = self.aws.download(LAYER_OF, &address)?;
        let config: Value = serde_json::from_slice(&config).unwrap_or_default();
        let architecture = config["architecture"].as_str().map(str::to_owned);
        architecture.ok_or_else(|| Self::missing(LAYER_OF, "architecture"))
    }

    /// Looks up the digest of every image that is named by a tag.
    ///
    /// # Errors
    ///
    /// Fails if a required image is absent, if an image is of a type that SageMaker refuses, or if
    /// ECR refuses.
    pub fn resolve_images(&self, mut images: Vec<EcrImage>) -> Result<ResolvedImages, CloudError> {
        images.retain(|image| !image.is_by_digest());
        self.look_up(&mut images)?;
        let mut resolved = ResolvedImages::default();
        let mut missing = Vec::new();
        for EcrImage { name, uri, is_required, found, .. } in images {
            match found {
                Some((_, Some(kind))) if kind != MANIFEST => {
                    return Err(CloudError::ImageType { uri, kind });
                }
                Some((digest, _)) if !is_digest(&digest) => {
                    return Err(CloudError::ImageDigest { uri, digest });
                }
                Some((digest, _)) => {
                    let repository = uri.rsplit_once(':').map_or(uri.as_str(), |(name, _)| name);
                    resolved.digests.push((name, format!("{repository}@{digest}")));
                }
                None if is_required => missing.push(uri),
                None => resolved.absent.push(uri),
            }
        }
        if missing.is_empty() { Ok(resolved) } else { Err(CloudError::NoImages { uris: missing }) }
    }
}

fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:");
    digits.is_some_and(|d| d.len() == 64 && d.bytes().all(|b| b.is_ascii_hexdigit()))
}

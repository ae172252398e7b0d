//! The settings' images, as ECR has them.
//!
//! A tag may be moved; a definition that names digests changes only when an image does, so that an
//! unchanged pipeline keeps its step cache.

use aws::CallError;
use aws::ecr::types::ImageIdentifier;
use futures_util::future::join_all;
use infrastructure::Repository;
use serde_json::Value;

use super::Cloud;
use crate::command::CommandError;
use crate::progress;

/// What SageMaker takes.
pub const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// An image that the settings name.
pub struct Image {
    /// The step that it is of.
    pub step: &'static str,
    /// With its tag or digest.
    pub uri: String,
    /// Digest and type of its manifest; none where there is no such image.
    pub found: Option<(String, Option<String>)>,
}

impl Image {
    /// Whether the name is a digest, which no push can give to another image.
    pub fn is_by_digest(&self) -> bool {
        self.uri.contains('@')
    }

    /// Where it is and what it is called there; none for an image that is not in ECR.
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
    /// The settings' images, not looked up yet.
    pub fn images(&self) -> Vec<Image> {
        let aws = &self.settings.aws;
        let images = config::Image::ALL.iter();
        images
            .map(|&image| Image { step: image.name(), uri: aws.image_uri(image), found: None })
            .collect()
    }

    /// Asks ECR for all of them at once.
    pub fn look_up(&self, images: &mut [Image]) -> Result<(), CallError> {
        const ACTION: &str = "ecr:DescribeImages";
        let ecr = self.aws.ecr();
        let questions = images.iter().map(|image| async {
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
        let answers = self.aws.wait(join_all(questions));
        for (image, found) in images.iter_mut().zip(answers) {
            image.found = found?;
        }
        Ok(())
    }

    /// The processor that an image was built for, `amd64` or `arm64`. Only the image's own
    /// configuration tells, which lies beside its layers.
    pub fn architecture(&self, image: &Image) -> Result<String, CallError> {
        const MANIFEST_OF: &str = "ecr:BatchGetImage";
        const LAYER_OF: &str = "ecr:GetDownloadUrlForLayer";
        let place = image.place().ok_or_else(|| CallError::without(MANIFEST_OF, "repository"))?;
        let (repository, id) = place;
        let ecr = self.aws.ecr();
        let call = ecr.batch_get_image().registry_id(&repository.account);
        let call = call.repository_name(&repository.name).image_ids(id);
        let answer = self.aws.call(MANIFEST_OF, call.accepted_media_types(MANIFEST).send())?;
        let manifest = answer.images().first().and_then(|image| image.image_manifest());
        let manifest: Value =
            manifest.and_then(|m| serde_json::from_str(m).ok()).unwrap_or_default();
        let digest = manifest["config"]["digest"].as_str();
        let digest = digest.ok_or_else(|| CallError::without(MANIFEST_OF, "config digest"))?;
        let call = ecr.get_download_url_for_layer().registry_id(&repository.account);
        let call = call.repository_name(&repository.name).layer_digest(digest);
        let address = self.aws.call(LAYER_OF, call.send())?.download_url;
        let address = address.ok_or_else(|| CallError::without(LAYER_OF, "downloadUrl"))?;
        let config = self.aws.download(LAYER_OF, &address)?;
        let config: Value = serde_json::from_slice(&config).unwrap_or_default();
        let architecture = config["architecture"].as_str().map(str::to_owned);
        architecture.ok_or_else(|| CallError::without(LAYER_OF, "architecture"))
    }

    /// Puts digests in the place of tags.
    pub fn resolve_images(&mut self) -> Result<(), CommandError> {
        let (mut digests, mut missing) = (String::from("images:\n"), Vec::new());
        let mut images = self.images();
        images.retain(|image| !image.is_by_digest());
        self.look_up(&mut images)?;
        for Image { step, uri, found } in images {
            match found {
                Some((_, Some(kind))) if kind != MANIFEST => {
                    return Err(CommandError::Aws(format!(
                        "the image {uri} is of type {kind}, expected {MANIFEST}, which is all that \
                         SageMaker takes; scripts/push-images pushes such"
                    )));
                }
                Some((digest, _)) if !is_digest(&digest) => {
                    return Err(CommandError::Aws(format!(
                        "ECR says that {uri} has the digest `{digest}`, expected sha256: and 64 digits"
                    )));
                }
                Some((digest, _)) => {
                    let name = uri.rsplit_once(':').map_or(uri.as_str(), |(name, _)| name);
                    digests.push_str(&format!("  {step}: {name}@{digest}\n"));
                }
                // no job runs it: a model is registered with its name
                None if step == config::Image::Serve.name() => progress::say(&format!(
                    "There is no image {uri} yet. Models are registered with that name and can be \
                     deployed once it is there."
                )),
                None => missing.push(uri),
            }
        }
        if !missing.is_empty() {
            let registry = missing[0].split('/').next().unwrap_or_default();
            return Err(CommandError::Aws(format!(
                "not in ECR: {}; scripts/build-images makes the images and `scripts/push-images \
                 {registry}` pushes them",
                missing.join(", ")
            )));
        }
        if digests.lines().count() > 1 {
            self.settings.use_images("ECR's answer", &digests)?;
        }
        Ok(())
    }
}

fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:");
    digits.is_some_and(|d| d.len() == 64 && d.bytes().all(|b| b.is_ascii_hexdigit()))
}

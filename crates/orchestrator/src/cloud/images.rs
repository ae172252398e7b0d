//! The images behind the settings' tags.
//!
//! A tag may be moved; a definition that names digests changes only when an image does, so that an
//! unchanged pipeline keeps its step cache.

use aws::CallError;
use aws::ecr::types::ImageIdentifier;
use futures_util::future::join_all;

use super::Cloud;
use crate::command::CommandError;
use crate::progress;

/// What SageMaker takes.
pub const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// What ECR says of a repository's tag.
pub struct Image {
    /// The step that it is of.
    pub step: &'static str,
    /// With its tag.
    pub uri: String,
    /// Digest and type of its manifest; none where there is no such image.
    pub found: Option<(String, Option<String>)>,
}

impl Cloud {
    /// Looks up every image that the settings name by its tag.
    pub fn images(&self) -> Result<Vec<Image>, CommandError> {
        let (ecr, images) = (self.aws.ecr(), &self.settings.aws.images);
        let by_tag = [
            ("preprocess", &images.preprocess),
            ("train", &images.train),
            ("evaluate", &images.evaluate),
            ("register", &images.register),
            ("serve", &images.serve),
        ];
        let by_tag = by_tag.into_iter().filter(|(_, repository)| !repository.contains('@'));
        let by_tag: Vec<_> = by_tag.collect();
        let questions = by_tag.iter().map(|(_, repository)| {
            ecr.describe_images()
                .registry_id(&self.settings.aws.account_id)
                .repository_name(*repository)
                .image_ids(ImageIdentifier::builder().image_tag(&images.tag).build())
                .send()
        });
        let answers = self.aws.wait(join_all(questions));
        by_tag
            .into_iter()
            .zip(answers)
            .map(|((step, repository), answer)| {
                let uri = self.settings.aws.image_uri(repository);
                let found = match answer {
                    Ok(answer) => answer.image_details().first().and_then(|i| {
                        Some((i.image_digest.clone()?, i.image_manifest_media_type.clone()))
                    }),
                    Err(error) => match CallError::of("ecr:DescribeImages", error) {
                        error if error.is_absent() => None,
                        error => return Err(error.into()),
                    },
                };
                Ok(Image { step, uri, found })
            })
            .collect()
    }

    /// Puts digests in the place of tags.
    pub fn resolve_images(&mut self) -> Result<(), CommandError> {
        let (mut digests, mut missing) = (String::from("images:\n"), Vec::new());
        for Image { step, uri, found } in self.images()? {
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
                None if step == "serve" => progress::say(&format!(
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

//! The checks of the images.

use super::check::{Doctor, Remedy};
use crate::EcrImage;
use crate::images::MANIFEST;

/// The number of tags that are listed where one is missing.
const LISTED_TAGS: usize = 5;

impl Doctor<'_> {
    /// Checks that ECR has the images, and that they run where they are to. `lists_tags` says whether those
    /// that are there are told where one is missing, which is of use where a setting names the tag.
    pub(super) fn images(&mut self, mut images: Vec<EcrImage>, lists_tags: bool) {
        if let Err(error) = self.cloud.look_up(&mut images) {
            return self.unchecked("images", &error);
        }
        for image in &images {
            self.image(image, lists_tags);
        }
    }

    fn image(&mut self, image: &EcrImage, lists_tags: bool) {
        let EcrImage { name, uri, .. } = image;
        let registry = image.registry().to_owned();
        let Some((digest, kind)) = image.manifest() else {
            return self.missing_image(image, lists_tags && !image.is_by_digest());
        };
        if let Some(kind) = kind.filter(|kind| *kind != MANIFEST) {
            let found = format!("{uri} is of type {kind}, expected {MANIFEST}");
            return self.error(name, &found, Remedy::BuildImages { registry });
        }
        let digest = if image.is_by_digest() { String::new() } else { format!(" {digest}") };
        let built = match self.cloud.architecture(image) {
            Ok(built) => built,
            Err(error) => return self.unchecked(name, &error),
        };
        match &image.instance_type {
            Some(instance_type) if built != architecture_of(instance_type) => {
                let architecture = architecture_of(instance_type);
                let found =
                    format!("{uri} is built for {built}, and {instance_type} takes {architecture}");
                self.error(name, &found, Remedy::BuildImagesFor { architecture, registry });
            }
            _ => self.ok(name, &format!("{uri}{digest} {built}")),
        }
    }

    /// Reports an image that ECR does not have, with the tags that it has if they are of use.
    fn missing_image(&mut self, image: &EcrImage, lists_tags: bool) {
        let EcrImage { name, uri, .. } = image;
        let registry = image.registry().to_owned();
        if !lists_tags {
            let remedy = Remedy::BuildImages { registry };
            return self.error(name, &format!("{uri} is not there"), remedy);
        }
        let tags = match self.cloud.tags_beside(image) {
            Ok(Some(tags)) => tags,
            Ok(None) => {
                let found = format!("{uri} is not there, nor is its repository");
                return self.error(name, &found, Remedy::CreateRepository);
            }
            Err(error) => {
                self.error(name, &format!("{uri} is not there"), Remedy::BuildImages { registry });
                return self.unchecked(name, &error);
            }
        };
        let Some(newest) = tags.first().cloned() else {
            let found = format!("{uri} is not there, and its repository has no tag");
            return self.error(name, &found, Remedy::BuildImages { registry });
        };
        let more = tags.len().saturating_sub(LISTED_TAGS);
        let mut found = tags.into_iter().take(LISTED_TAGS).collect::<Vec<_>>().join(", ");
        if more > 0 {
            found.push_str(&format!(" and {more} more"));
        }
        let found = format!("{uri} is not there; the repository has, newest first, {found}");
        self.error(name, &found, Remedy::UseTag { newest, registry });
    }
}

/// Returns the processor architecture of an instance type as images call it: `arm64` for AWS's own
/// processors, whose types have a g after the generation, such as `ml.c7g.large`, else `amd64`.
pub fn architecture_of(instance_type: &str) -> &'static str {
    let family = instance_type.split('.').nth(1).unwrap_or_default();
    let behind = family.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let behind = behind.trim_start_matches(|c: char| c.is_ascii_digit());
    if behind.starts_with('g') { "arm64" } else { "amd64" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_architecture_follows_from_the_instance_type() {
        for intel in ["ml.m5.large", "ml.g5.xlarge", "ml.g4dn.xlarge", "ml.p4d.24xlarge", "local"] {
            assert_eq!(architecture_of(intel), "amd64", "{intel}");
        }
        for graviton in ["ml.c7g.large", "ml.m6gd.large", "ml.t4g.medium", "ml.r8g.large"] {
            assert_eq!(architecture_of(graviton), "arm64", "{graviton}");
        }
    }
}

//! The file of image digests that `scripts/push-images` writes.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{ConfigError, Violation};
use crate::images::Image;
use crate::limits;
use crate::location::Locations;
use crate::message::one_of;
use crate::settings::Settings;

/// The content of the file:
///
/// ```yaml
/// images:
///   train: 123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/train@sha256:0f3c...
/// ```
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DigestsFile {
    images: BTreeMap<String, String>,
}

/// The maximum length of an image name that SageMaker accepts.
const MAX_LENGTH: usize = 255;

impl Settings {
    /// Replaces repositories and tags by the digests that the text of `file` names. A tag can be
    /// moved to another image, whereas a definition that names digests changes only if an image
    /// does. Images that are not in the text keep their repository and tag.
    ///
    /// # Errors
    /// A text that is not YAML, an unknown image, or a name that is not by digest.
    pub fn use_images(&mut self, file: &str, text: &str) -> Result<(), ConfigError> {
        let document: DigestsFile = limits::parse(file, text)?;
        let places = Locations::of(text);
        let mut violations = Vec::new();
        for (name, uri) in document.images {
            let path = format!("images.{name}");
            let message = match Image::ALL.iter().find(|image| image.name() == name) {
                Some(&image) if is_by_digest(&uri) => {
                    self.aws.images.set_repository(image, uri);
                    continue;
                }
                Some(_) => format!(
                    "found `{uri}`, expected REGISTRY/NAME@sha256: and 64 hexadecimal digits, at most {MAX_LENGTH} characters"
                ),
                None => format!("unknown image, expected {}", one_of(&name, Image::NAMES)),
            };
            let (line, column) = places.find(&path);
            violations.push(Violation { file: file.to_owned(), line, column, path, message });
        }
        if violations.is_empty() {
            return Ok(());
        }
        violations.sort();
        Err(ConfigError { violations })
    }
}

fn is_by_digest(image: &str) -> bool {
    image.len() <= MAX_LENGTH
        && image.split_once("@sha256:").is_some_and(|(name, digest)| {
            name.contains('/')
                && !name.contains(char::is_whitespace)
                && common::is_sha256_hex(digest)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = include_str!("../../testkit/pipeline_config.yaml");

    #[test]
    fn digests_replace_repositories() {
        let mut settings = Settings::from_yaml("c.yaml", YAML, |_| None).unwrap();
        let digest = "0123456789abcdef".repeat(4);
        let image = format!("127.0.0.1:5000/machine-downtime/train@sha256:{digest}");
        let text = format!("# The images of revision 41da4e.\nimages:\n  train: {image}\n");
        settings.use_images("digests.yaml", &text).unwrap();
        assert_eq!(settings.aws.image_uri(Image::Train), image);
        let evaluate = settings.aws.image_uri(Image::Evaluate);
        assert!(evaluate.ends_with("/machine-downtime/evaluate:latest"), "{evaluate}");

        let mut refused =
            |text: &str| settings.use_images("digests.yaml", text).unwrap_err().to_string();
        insta::assert_snapshot!(refused("images:\n  trian: x\n  serve: a/b:latest\n"), @"
        digests.yaml:2:3: images.trian: unknown image, expected one of preprocess, train, evaluate, register, serve; did you mean `train`?
        digests.yaml:3:3: images.serve: found `a/b:latest`, expected REGISTRY/NAME@sha256: and 64 hexadecimal digits, at most 255 characters
        ");
        insta::assert_snapshot!(refused("image: {}\n"), @"digests.yaml:1:1: unknown field `image`, expected `images`");
        insta::assert_snapshot!(refused(""), @"digests.yaml:1:1: missing field `images`");
    }
}

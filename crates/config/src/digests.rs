//! The images of one commit by digest, as `scripts/push-images` writes them down.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::load::not_yaml;
use crate::location::Locations;
use crate::message::one_of;
use crate::{ConfigError, Settings, Violation};

/// ```yaml
/// images:
///   train: 123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/train@sha256:0f3c...
/// ```
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    images: BTreeMap<String, String>,
}

/// The longest name of an image that the service takes.
const LONGEST: usize = 255;

impl Settings {
    /// Names the images of `text` by their digests: a tag may be moved to another image, and a
    /// definition that names digests changes only when an image does. Images that are not in it
    /// keep the settings' repository and tag.
    pub fn use_images(&mut self, file: &str, text: &str) -> Result<(), ConfigError> {
        let document: Document =
            serde_yaml::from_str(text).map_err(|error| not_yaml(file, text, &error))?;
        let places = Locations::of(text);
        let mut violations = Vec::new();
        let images = &mut self.aws.images;
        for (step, image) in document.images {
            let path = format!("images.{step}");
            let known = [
                ("preprocess", &mut images.preprocess),
                ("train", &mut images.train),
                ("evaluate", &mut images.evaluate),
                ("register", &mut images.register),
                ("serve", &mut images.serve),
            ];
            let names = known.each_ref().map(|(name, _)| *name);
            let message = match known.into_iter().find(|(name, _)| *name == step) {
                Some((_, place)) if is_by_digest(&image) => {
                    *place = image;
                    continue;
                }
                Some(_) => format!(
                    "found `{image}`, expected REGISTRY/NAME@sha256: and 64 hexadecimal digits, at most {LONGEST} characters"
                ),
                None => format!("unknown image, expected {}", one_of(&step, &names)),
            };
            let (line, column) = places.find(&path);
            violations.push(Violation { line, column, path, message });
        }
        if violations.is_empty() {
            return Ok(());
        }
        violations.sort();
        Err(ConfigError { file: file.to_owned(), violations })
    }
}

fn is_by_digest(image: &str) -> bool {
    let digits = |text: &str| {
        text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    image.len() <= LONGEST
        && image.split_once("@sha256:").is_some_and(|(name, digest)| {
            name.contains('/') && !name.contains(char::is_whitespace) && digits(digest)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = include_str!("../../testkit/pipeline_config.yaml");

    #[test]
    fn images_by_digest_stand_in_the_place_of_repositories() {
        let mut settings = Settings::from_yaml("c.yaml", YAML, |_| None).unwrap();
        let digest = "0123456789abcdef".repeat(4);
        let image = format!("127.0.0.1:5000/machine-downtime/train@sha256:{digest}");
        let text = format!("# The images of revision 41da4e.\nimages:\n  train: {image}\n");
        settings.use_images("digests.yaml", &text).unwrap();
        assert_eq!(settings.aws.image_uri(&settings.aws.images.train), image);
        let evaluate = settings.aws.image_uri(&settings.aws.images.evaluate);
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

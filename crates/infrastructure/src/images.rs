//! The ECR repositories of the images.

use config::{Image, Settings, partition};
use pipeline::{Definition, StepKind};

use crate::storage::known;

/// An ECR repository in any account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The id of the account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The name in the account.
    pub name: String,
}

impl Repository {
    /// Returns the repository of an image by tag or digest; none if the image is not in ECR.
    pub fn of(image: &str) -> Option<Self> {
        let (registry, name) = image.split_once('/')?;
        let name = name.split(['@', ':']).next()?;
        let mut parts = registry.split('.');
        let (account, dkr, ecr, region) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        (dkr == "dkr" && ecr == "ecr").then(|| Self {
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
        })
    }

    pub(crate) fn arn(&self) -> String {
        let Self { account, region, name } = self;
        format!("arn:{}:ecr:{region}:{account}:repository/{name}", partition(region))
    }
}

/// Returns the repositories of the definition's images and of the settings' images, each once.
pub fn repositories(settings: &Settings, definition: &Definition) -> Vec<Repository> {
    let steps = definition.steps_recursive();
    let images = steps.iter().filter_map(|placed| match &placed.step.kind {
        StepKind::Processing(job) => Some(&job.app_specification.image_uri),
        StepKind::Training(job) => job.algorithm_specification.training_image.as_ref(),
        _ => None,
    });
    let images = images.map(|image| known(image, definition).0);
    let own = Image::ALL.iter().map(|&image| settings.aws.image_uri(image));
    let mut repositories: Vec<Repository> = Vec::new();
    for repository in images.chain(own).filter_map(|image| Repository::of(&image)) {
        if !repositories.contains(&repository) {
            repositories.push(repository);
        }
    }
    repositories
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_read_from_an_image_by_tag_or_digest() {
        let name = |image: &str| Repository::of(image).map(|repository| repository.arn());
        let arn = "arn:aws:ecr:eu-central-1:123456789012:repository/machine-downtime/train";
        let registry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
        for end in ["", ":latest", "@sha256:00", ":a1@sha256:00"] {
            assert_eq!(
                name(&format!("{registry}/machine-downtime/train{end}")).as_deref(),
                Some(arn)
            );
        }
        let china = "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/train:1";
        assert_eq!(
            name(china).as_deref(),
            Some("arn:aws-cn:ecr:cn-north-1:123456789012:repository/train")
        );
        for other in ["127.0.0.1:5000/train:1", "train", "ghcr.io/a/train@sha256:00", ""] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}

//! The repositories of the images.

use super::Parts;
use super::value::list;
use crate::images::Repository;
use crate::needs::Needs;

/// How long an image without a tag is kept, in days.
const UNTAGGED_DAYS: u64 = 7;
/// How many images are kept of each step; the oldest go first, so this is how far back an image
/// may be that a pipeline names.
const IMAGES: u64 = 100;

pub(super) fn add(needs: &Needs<'_>, parts: &mut Parts) {
    let account = needs.account;
    // an image in another account or region is somebody else's
    let ours = |r: &&Repository| r.account == account.id && r.region == account.region;
    for repository in needs.repositories.iter().filter(ours) {
        let name = format!("{}Repository", resource_name(&repository.name));
        parts.resource(
            &name,
            object! {
                "Type": "AWS::ECR::Repository",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": object! {
                    "RepositoryName": repository.name.as_str(),
                    "ImageTagMutability": "IMMUTABLE",
                    "ImageScanningConfiguration": object! { "ScanOnPush": true },
                    "LifecyclePolicy": object! { "LifecyclePolicyText": lifecycle() },
                },
            },
        );
        parts.output(
            &name,
            object! {
                "Description": format!("The repository {}", repository.name),
                "Value": object! { "Fn::GetAtt": list([name.as_str(), "RepositoryUri"]) },
            },
        );
    }
}

/// `machine-downtime/train` becomes `MachineDowntimeTrain`.
fn resource_name(repository: &str) -> String {
    let words = repository.split(|c: char| !c.is_ascii_alphanumeric());
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    words.map(capital).collect()
}

/// ECR takes these rules as JSON.
fn lifecycle() -> String {
    format!(
        r#"{{
  "rules": [
    {{
      "rulePriority": 1,
      "description": "Images without a tag",
      "selection": {{
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": {UNTAGGED_DAYS}
      }},
      "action": {{ "type": "expire" }}
    }},
    {{
      "rulePriority": 2,
      "description": "All but the newest",
      "selection": {{
        "tagStatus": "any",
        "countType": "imageCountMoreThan",
        "countNumber": {IMAGES}
      }},
      "action": {{ "type": "expire" }}
    }}
  ]
}}
"#
    )
}

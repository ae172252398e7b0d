//! The ECR repositories of the images.

use super::keys;
use super::sections::Sections;
use super::value::{list, put};
use crate::images::Repository;
use crate::inventory::Inventory;

/// The parameter and condition that decide whether the template creates the repositories.
const CREATE: &str = "CreateRepositories";
/// The retention of images without a tag, in days.
const UNTAGGED_DAYS: u64 = 7;

pub(super) fn add(inventory: &Inventory<'_>, sections: &mut Sections) {
    let account = inventory.account;
    sections.choice(CREATE, "Whether to make the repositories: false where they are there");
    // Repositories in other accounts or regions belong to other stacks.
    let ours = |r: &&Repository| r.account == account.id && r.region == account.region;
    for repository in inventory.repositories.iter().filter(ours) {
        let name = format!("{}Repository", resource_name(&repository.name));
        let mut properties = object! {
            "RepositoryName": repository.name.as_str(),
            "ImageTagMutability": "IMMUTABLE",
            "ImageScanningConfiguration": object! { "ScanOnPush": true },
            "LifecyclePolicy": object! { "LifecyclePolicyText": lifecycle() },
        };
        let key = keys::of_outputs(inventory);
        let encryption = key.map(|key| object! { "EncryptionType": "KMS", "KmsKey": key });
        put(&mut properties, "EncryptionConfiguration", encryption);
        sections.resource(
            &name,
            object! {
                "Type": "AWS::ECR::Repository",
                "Condition": CREATE,
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": properties,
            },
        );
        sections.output(
            &name,
            object! {
                "Condition": CREATE,
                "Description": format!("The repository {}", repository.name),
                "Value": object! { "Fn::GetAtt": list([name.as_str(), "RepositoryUri"]) },
            },
        );
    }
}

/// Returns the logical name of a repository: `MachineDowntimeTrain` for `machine-downtime/train`.
fn resource_name(repository: &str) -> String {
    let words = repository.split(|c: char| !c.is_ascii_alphanumeric());
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    words.map(capital).collect()
}

/// Returns the lifecycle rules of a repository, which ECR takes as JSON. Images with a tag stay, however many
/// there are: registered models name them, and an endpoint whose image is gone does not start again.
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
    }}
  ]
}}
"#
    )
}

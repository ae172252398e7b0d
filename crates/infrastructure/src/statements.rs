//! The statements that several policies have.

use crate::document::Statement;
use crate::inventory::Inventory;

/// The service that assumes the execution role.
pub(crate) const SAGEMAKER: &str = "sagemaker.amazonaws.com";

/// Allows the service to run jobs and hosts as the execution role.
pub(crate) fn pass_role(inventory: &Inventory<'_>) -> Statement {
    Statement::allow("PassExecutionRole", ["iam:PassRole"], [&inventory.settings.aws.role_arn])
        .when("StringEquals", "iam:PassedToService", [SAGEMAKER])
}

/// Allows looking for the role before anything needs it.
pub(crate) fn find_role(inventory: &Inventory<'_>) -> Statement {
    Statement::allow("FindExecutionRole", ["iam:GetRole"], [&inventory.settings.aws.role_arn])
}

/// Allows asking IAM what the role is allowed, before a job is refused.
pub(crate) fn simulate_role(inventory: &Inventory<'_>) -> Statement {
    let role = &inventory.settings.aws.role_arn;
    Statement::allow("SimulateExecutionRole", ["iam:SimulatePrincipalPolicy"], [role])
}

/// Allows looking for what the template makes, before it does.
pub(crate) fn find_account(inventory: &Inventory<'_>) -> [Statement; 4] {
    let account = inventory.account;
    let bucket = account.s3(&inventory.settings.s3_paths.bucket);
    [
        Statement::allow("FindBucketEvents", ["s3:GetBucketNotification"], [bucket]),
        Statement::allow(
            "FindRepositories",
            ["ecr:DescribeRepositories"],
            inventory.repository_arns(),
        ),
        Statement::allow(
            "FindLogGroups",
            ["logs:DescribeLogGroups"],
            [account.arn("logs", "log-group:*")],
        ),
        // The listing has no resource.
        Statement::allow("FindProviders", ["iam:ListOpenIDConnectProviders"], ["*"]),
    ]
}

/// Allows looking for images, and for what processors they are built for.
pub(crate) fn find_images(inventory: &Inventory<'_>) -> Statement {
    Statement::allow(
        "FindImages",
        ["ecr:DescribeImages", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        inventory.repository_arns(),
    )
}

/// Allows looking at the group's versions.
pub(crate) fn find_versions(inventory: &Inventory<'_>) -> [Statement; 2] {
    let describe = ["sagemaker:DescribeModelPackage", "sagemaker:DescribeModelPackageGroup"];
    let described = [inventory.package_arns(), inventory.group_arns()].concat();
    [
        // The service does not document the resource of a listing.
        Statement::allow("ListVersions", ["sagemaker:ListModelPackages"], ["*"]),
        Statement::allow("DescribeVersions", describe, described),
    ]
}

/// Allows creating the group with its tags. What registers a version later needs no right to tag.
pub(crate) fn write_group(inventory: &Inventory<'_>) -> Statement {
    let actions = ["sagemaker:CreateModelPackageGroup", "sagemaker:ListTags", "sagemaker:AddTags"];
    Statement::allow("TagModelGroup", actions, inventory.group_arns())
}

/// Allows approving and rejecting the group's versions.
pub(crate) fn approve(inventory: &Inventory<'_>) -> Statement {
    Statement::allow("ApproveModels", ["sagemaker:UpdateModelPackage"], inventory.package_arns())
}

/// Allows the use of the customer's key for the volumes of the instances.
pub(crate) fn volume_key(inventory: &Inventory<'_>) -> Vec<Statement> {
    let Some(key) = &inventory.settings.aws.kms.volume_key else { return Vec::new() };
    vec![
        with_key(inventory, "UseVolumeKey", &["kms:DescribeKey"], key),
        // The grant is for the service that manages the volumes, not for the role.
        with_key(inventory, "GrantVolumeKey", &["kms:CreateGrant"], key).when(
            "Bool",
            "kms:GrantIsForAWSResource",
            ["true"],
        ),
    ]
}

/// Allows looking whether the key of the volumes can be used.
pub(crate) fn find_volume_key(inventory: &Inventory<'_>) -> Option<Statement> {
    let key = inventory.settings.aws.kms.volume_key.as_ref()?;
    Some(with_key(inventory, "FindVolumeKey", &["kms:DescribeKey"], key))
}

/// Allows the use of the customer's key for objects, for reading as well as for writing.
pub(crate) fn object_key(inventory: &Inventory<'_>) -> Option<Statement> {
    let key = inventory.settings.aws.kms.output_key.as_ref()?;
    let actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"];
    Some(with_key(inventory, "UseObjectKey", &actions, key))
}

/// Allows the use of the customer's key for reading objects.
pub(crate) fn read_key(inventory: &Inventory<'_>) -> Option<Statement> {
    let key = inventory.settings.aws.kms.output_key.as_ref()?;
    Some(with_key(inventory, "UseObjectKey", &["kms:Decrypt"], key))
}

/// Returns the ARN of a KMS key. `key` is an id, an alias, or the ARN of either.
pub(crate) fn key_arn(inventory: &Inventory<'_>, key: &str) -> String {
    if key.starts_with("arn:") {
        key.to_owned()
    } else if key.starts_with("alias/") {
        inventory.account.arn("kms", key)
    } else {
        inventory.account.arn("kms", &format!("key/{key}"))
    }
}

/// Allows actions on a KMS key. `key` is an id, an alias, or the ARN of either. The resource of a
/// statement must be a key's id, so a key given by its alias is selected by a condition.
fn with_key(
    inventory: &Inventory<'_>,
    sid: &'static str,
    actions: &[&str],
    key: &str,
) -> Statement {
    match key_arn(inventory, key).split_once(":alias/") {
        Some((account, alias)) => {
            Statement::allow(sid, actions.iter().copied(), [format!("{account}:key/*")]).when(
                "ForAnyValue:StringEquals",
                "kms:ResourceAliases",
                [format!("alias/{alias}")],
            )
        }
        None => Statement::allow(sid, actions.iter().copied(), [key_arn(inventory, key)]),
    }
}

//! The statements of whoever takes versions to another stage, or takes a stage down.

use crate::document::Statement;
use crate::inventory::Inventory;
use crate::statements::{find_images, find_versions, object_key, write_group};
use crate::storage::{all_prefixes, own_prefix};

/// Returns the statements of whoever promotes versions, from this stage as well as to it.
pub(crate) fn promote(inventory: &Inventory<'_>) -> Vec<Statement> {
    let paths = &inventory.settings.s3_paths;
    let bucket = &paths.bucket;
    let prefixes = [&paths.model_artifacts, &paths.evaluation];
    let read = prefixes.map(|prefix| own_prefix(inventory.settings, prefix));
    let written = prefixes.map(|prefix| {
        inventory.account.s3(&format!("{bucket}/{}/promoted/*", prefix.trim_end_matches('/')))
    });
    let mut statements = find_versions(inventory).to_vec();
    statements.extend([
        Statement::allow("ListObjects", ["s3:ListBucket"], [inventory.account.s3(bucket)]),
        Statement::allow("ReadObjects", ["s3:GetObject"], inventory.object_arns(&read)),
        Statement::allow("StoreModels", ["s3:PutObject", "s3:AbortMultipartUpload"], written),
        write_group(inventory),
        // The other stage approves for itself. The service asks for the right on the group as well as on the version.
        Statement::allow(
            "RegisterModels",
            ["sagemaker:CreateModelPackage"],
            [inventory.group_arns(), inventory.package_arns()].concat(),
        )
        .when(
            "StringEqualsIfExists",
            "sagemaker:ModelApprovalStatus",
            ["PendingManualApproval"],
        ),
        find_images(inventory),
    ]);
    statements.extend(object_key(inventory));
    statements
}

/// Returns the statements of whoever deletes all that the pipeline has left, which they need beside those of
/// deploying the pipeline and its endpoint.
pub(crate) fn destroy(inventory: &Inventory<'_>) -> Vec<Statement> {
    let bucket = inventory.account.s3(&inventory.settings.s3_paths.bucket);
    vec![
        Statement::allow(
            "DeletePipeline",
            ["sagemaker:DeletePipeline"],
            inventory.pipeline_arns(""),
        ),
        Statement::allow(
            "DeleteModels",
            ["sagemaker:DeleteModelPackage", "sagemaker:DeleteModelPackageGroup"],
            [inventory.group_arns(), inventory.package_arns()].concat(),
        ),
        // What others in the account use is not deleted.
        Statement::allow(
            "ListOthers",
            ["sagemaker:ListModelPackageGroups", "sagemaker:ListPipelines"],
            ["*"],
        ),
        Statement::allow(
            "DescribeOthers",
            [
                "sagemaker:DescribeModelPackage",
                "sagemaker:DescribeModelPackageGroup",
                "sagemaker:DescribePipeline",
            ],
            ["model-package/*", "model-package-group/*", "pipeline/*"]
                .map(|kind| inventory.account.arn("sagemaker", kind)),
        ),
        Statement::allow("ListObjectVersions", ["s3:ListBucketVersions"], [bucket]),
        Statement::allow(
            "DeleteObjects",
            ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            inventory.object_arns(&all_prefixes(inventory.settings)),
        ),
        Statement::allow(
            "DeleteImages",
            ["ecr:ListImages", "ecr:BatchDeleteImage"],
            inventory.repository_arns(),
        ),
    ]
}

//! The permissions to host approved versions: as an endpoint, and in batch transforms.

use config::EndpointKind;

use crate::document::Statement;
use crate::inventory::Inventory;
use crate::statements::{
    approve, find_images, find_role, find_versions, object_key, pass_role, volume_key,
};
use crate::storage::{S3Prefix, own_prefix};

/// The tag of a configuration and of a model that names the endpoint that they were made for.
pub const MADE_FOR: &str = "deployed-to";
/// The most characters of an endpoint's name in the names of what is made for it.
const MAX_PREFIX: usize = 32;
/// The log group of all batch transforms, and the namespace of their metrics.
pub(crate) const TRANSFORMS: &str = "/aws/sagemaker/TransformJobs";
/// What the log group of an endpoint begins with, and the namespace of its metrics.
const ENDPOINTS: &str = "/aws/sagemaker/Endpoints";

/// Returns what the names of the configurations, models and batch transforms of an endpoint begin with. The
/// names have at most 63 characters, and end in a version and a digest or time.
pub fn hosted_prefix(endpoint: &str) -> String {
    let prefix = endpoint.get(..MAX_PREFIX).unwrap_or(endpoint).trim_end_matches('-');
    format!("{prefix}-v")
}

/// The namespaces of the metrics that hosts of a model write.
pub(crate) const NAMESPACES: [&str; 2] = [ENDPOINTS, TRANSFORMS];

/// Returns the prefixes that hosts of a model write: answers, captured invocations, and what is sent to them.
pub(crate) fn written_by_hosts(inventory: &Inventory<'_>) -> Vec<S3Prefix> {
    let settings = inventory.settings;
    let mut prefixes = vec![&settings.s3_paths.predictions];
    prefixes.extend(settings.endpoint.capture.as_ref().map(|capture| &capture.prefix));
    let queue = settings.endpoint.asynchronous.clone().unwrap_or_default();
    if settings.endpoint.kind == EndpointKind::Asynchronous {
        prefixes.push(&queue.prefix);
    }
    prefixes.into_iter().map(|prefix| own_prefix(settings, prefix)).collect()
}

/// Returns the name of an endpoint's log group.
pub fn endpoint_log_group(endpoint: &str) -> String {
    format!("{ENDPOINTS}/{endpoint}")
}

/// Returns the ARNs of the endpoint's log group, and of all log streams in it.
fn endpoint_log_arns(inventory: &Inventory<'_>) -> Vec<String> {
    let group = format!("log-group:{}", endpoint_log_group(inventory.settings.endpoint_name()));
    ["", ":*"].map(|streams| inventory.account.arn("logs", &format!("{group}{streams}"))).to_vec()
}

/// Returns the ARNs of the log groups that hosts of a model write, and of all log streams in them.
pub(crate) fn log_arns(inventory: &Inventory<'_>) -> Vec<String> {
    let mut arns = endpoint_log_arns(inventory);
    arns.push(inventory.account.arn("logs", &format!("log-group:{TRANSFORMS}*")));
    arns
}

/// Returns the statements of whoever operates the endpoint and runs batch transforms.
pub(crate) fn endpoint(inventory: &Inventory<'_>) -> Vec<Statement> {
    let mut statements = find_versions(inventory).to_vec();
    statements.push(host(inventory));
    statements.push(delete(inventory));
    statements.extend(find_users(inventory));
    statements.push(Statement::allow(
        "ReadMetrics",
        ["cloudwatch:GetMetricData", "cloudwatch:DescribeAlarms"],
        ["*"],
    ));
    statements.push(Statement::allow(
        "ReadLogs",
        ["logs:DescribeLogStreams", "logs:GetLogEvents"],
        endpoint_log_arns(inventory),
    ));
    statements.extend(objects(inventory));
    statements.extend(scale(inventory));
    statements.push(find_images(inventory));
    statements.push(find_role(inventory));
    statements.push(pass_role(inventory));
    statements.extend(volume_key(inventory));
    statements.extend(object_key(inventory));
    statements
}

/// Allows looking at the endpoint, to say what a decision about a version does not change of it.
pub(crate) fn describe_endpoint(inventory: &Inventory<'_>) -> Statement {
    let endpoint = inventory.named("endpoint", inventory.settings.endpoint_name(), "");
    let actions = ["sagemaker:DescribeEndpoint", "sagemaker:ListTags"];
    Statement::allow("DescribeEndpoint", actions, endpoint)
}

/// Allows making, changing, asking and deleting what belongs to the endpoint.
fn host(inventory: &Inventory<'_>) -> Statement {
    let name = inventory.settings.endpoint_name();
    let hosted = |kind: &str| inventory.named(kind, &hosted_prefix(name), "*");
    let mut resources = inventory.named("endpoint", name, "");
    for kind in ["endpoint-config", "model", "transform-job"] {
        resources.extend(hosted(kind));
    }
    Statement::allow(
        "Host",
        [
            "sagemaker:CreateModel",
            "sagemaker:CreateEndpointConfig",
            "sagemaker:CreateEndpoint",
            "sagemaker:UpdateEndpoint",
            "sagemaker:DeleteEndpoint",
            "sagemaker:InvokeEndpoint",
            "sagemaker:InvokeEndpointAsync",
            "sagemaker:CreateTransformJob",
            "sagemaker:AddTags",
            "sagemaker:ListTags",
        ],
        resources,
    )
}

/// Allows deleting what was made for the endpoint. Other endpoints' names may begin alike.
fn delete(inventory: &Inventory<'_>) -> Statement {
    let name = inventory.settings.endpoint_name();
    let hosted = |kind: &str| inventory.named(kind, &hosted_prefix(name), "*");
    Statement::allow(
        "DeleteOwn",
        ["sagemaker:DeleteModel", "sagemaker:DeleteEndpointConfig"],
        [hosted("endpoint-config"), hosted("model")].concat(),
    )
    .when("StringEquals", &format!("aws:ResourceTag/{MADE_FOR}"), [name])
}

/// Allows finding what uses an endpoint, a configuration or a model, which is then not deleted, whoever made
/// it.
fn find_users(inventory: &Inventory<'_>) -> [Statement; 2] {
    let all = ["endpoint", "endpoint-config", "model", "transform-job"];
    let all = all.map(|kind| inventory.account.arn("sagemaker", &format!("{kind}/*")));
    [
        Statement::allow(
            "FindUsers",
            [
                "sagemaker:ListEndpoints",
                "sagemaker:ListEndpointConfigs",
                "sagemaker:ListModels",
                "sagemaker:ListTransformJobs",
                "sagemaker:ListInferenceComponents",
            ],
            ["*"],
        ),
        Statement::allow(
            "DescribeHosts",
            [
                "sagemaker:DescribeEndpoint",
                "sagemaker:DescribeEndpointConfig",
                "sagemaker:DescribeModel",
                "sagemaker:DescribeTransformJob",
            ],
            all,
        ),
    ]
}

/// Allows sending records, and reading models and answers.
fn objects(inventory: &Inventory<'_>) -> [Statement; 3] {
    let settings = inventory.settings;
    let models = own_prefix(settings, &settings.s3_paths.model_artifacts);
    let sent = written_by_hosts(inventory);
    [
        // Without it, S3 refuses to say that an answer is not there yet.
        Statement::allow(
            "ListObjects",
            ["s3:ListBucket"],
            [inventory.account.s3(&settings.s3_paths.bucket)],
        ),
        Statement::allow(
            "ReadObjects",
            ["s3:GetObject"],
            inventory.object_arns(sent.iter().chain([&models])),
        ),
        Statement::allow(
            "SendRecords",
            ["s3:PutObject", "s3:AbortMultipartUpload"],
            inventory.object_arns(&sent),
        ),
    ]
}

/// Allows making the number of instances follow the traffic. What the settings have forgotten is looked for
/// and removed, so that most of it is always needed.
fn scale(inventory: &Inventory<'_>) -> Vec<Statement> {
    let mut statements = vec![
        // IAM has neither a resource nor a condition for looking.
        Statement::allow(
            "FindScaling",
            [
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:DescribeScalingPolicies",
            ],
            ["*"],
        ),
        // The ARN of a target has an id that the service makes up.
        Statement::allow(
            "FollowTraffic",
            [
                "application-autoscaling:DeregisterScalableTarget",
                "application-autoscaling:RegisterScalableTarget",
                "application-autoscaling:PutScalingPolicy",
            ],
            ["*"],
        )
        .when("StringEquals", "application-autoscaling:service-namespace", ["sagemaker"]),
    ];
    if inventory.settings.endpoint.autoscaling.is_none() {
        return statements;
    }
    let (account, name) = (inventory.account, inventory.settings.endpoint_name());
    let role = format!(
        "arn:{}:iam::{}:role/aws-service-role/{SCALING}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        account.partition(),
        account.id
    );
    statements.push(
        Statement::allow("MakeScalingRole", ["iam:CreateServiceLinkedRole"], [role]).when(
            "StringEquals",
            "iam:AWSServiceName",
            [SCALING],
        ),
    );
    // Application Auto Scaling asks these of whoever sets a policy.
    let alarms = format!("alarm:TargetTracking-endpoint/{name}/*");
    statements.push(Statement::allow(
        "SetScalingAlarms",
        ["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"],
        [account.arn("cloudwatch", &alarms)],
    ));
    statements.push(Statement::allow(
        "ChangeCapacity",
        ["sagemaker:UpdateEndpointWeightsAndCapacities"],
        inventory.named("endpoint", name, ""),
    ));
    statements
}

/// Allows the role of the containers to look at the alarms that undo an update, for which SageMaker uses it.
pub(crate) fn watch_alarms(inventory: &Inventory<'_>) -> Option<Statement> {
    let alarms = &inventory.settings.endpoint.update.rollback_alarms;
    let arns =
        alarms.iter().map(|name| inventory.account.arn("cloudwatch", &format!("alarm:{name}")));
    let statement = Statement::allow("WatchAlarms", ["cloudwatch:DescribeAlarms"], arns);
    Some(statement).filter(|statement| !statement.resource.is_empty())
}

/// The service that changes the number of instances.
const SCALING: &str = "sagemaker.application-autoscaling.amazonaws.com";

/// Returns the statements of a workflow that approves a version and deploys it.
pub(crate) fn release(inventory: &Inventory<'_>) -> Vec<Statement> {
    let mut statements = endpoint(inventory);
    statements.push(approve(inventory));
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_leaves_room_for_version_and_digest() {
        assert_eq!(hosted_prefix("machine-downtime"), "machine-downtime-v");
        let long = "a-".repeat(31) + "b";
        assert_eq!(hosted_prefix(&long), format!("{}a-v", "a-".repeat(15)));
    }
}

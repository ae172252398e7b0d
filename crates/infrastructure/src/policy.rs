//! The IAM policies of the jobs, of people and of GitHub Actions.

use std::collections::BTreeMap;

use config::Settings;
use pipeline::Definition;

use crate::document::{Policy, Statement};
use crate::hosting;
use crate::inventory::{Inventory, JobType};
use crate::stages;
use crate::statements::{
    approve, find_account, find_images, find_role, find_versions, find_volume_key, object_key,
    pass_role, read_key, simulate_role, volume_key, write_group,
};
use crate::storage::{S3Prefix, of_definitions, own_prefix, without_covered};

/// The actions that need no permission: IAM allows them to everybody with credentials.
pub const NEEDS_NO_PERMISSION: [&str; 1] = ["sts:GetCallerIdentity"];

/// The principal that a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// The role that the pipeline and its jobs run as.
    Execution,
    /// A person who creates, starts and watches the pipeline.
    Deploy,
    /// GitHub Actions behind reviewers: creates and starts the pipeline.
    Github,
    /// GitHub Actions on the branch and on release tags: pushes images.
    Push,
    /// Whoever looks at versions, and approves or rejects them.
    Approver,
    /// Whoever deploys approved versions as the endpoint, and runs batch transforms.
    Endpoint,
    /// GitHub Actions behind reviewers: approves a version and deploys it.
    Release,
    /// Whoever registers approved versions in another stage, for both stages.
    Promote,
    /// Whoever deletes all that the pipeline has left: what they need beside `Deploy` and `Endpoint`.
    Destroy,
}

impl PolicyKind {
    /// All policies.
    pub const ALL: [Self; 9] = [
        Self::Execution,
        Self::Deploy,
        Self::Github,
        Self::Push,
        Self::Approver,
        Self::Endpoint,
        Self::Release,
        Self::Promote,
        Self::Destroy,
    ];
}

/// Returns the policy with the least permissions that `kind` needs.
pub fn policy(kind: PolicyKind, settings: &Settings, definition: &Definition) -> Policy {
    let inventory = Inventory::of(settings, definition);
    Policy::new(match kind {
        PolicyKind::Execution => execution(&inventory),
        PolicyKind::Deploy => {
            let deploy = deploy(&inventory, inventory.object_arns(&inventory.inputs));
            [deploy, look_around(&inventory)].concat()
        }
        PolicyKind::Github => github(&inventory),
        PolicyKind::Push => push(&inventory),
        PolicyKind::Approver => approver(&inventory),
        PolicyKind::Endpoint => hosting::endpoint(&inventory),
        PolicyKind::Release => hosting::release(&inventory),
        PolicyKind::Promote => stages::promote(&inventory),
        PolicyKind::Destroy => stages::destroy(&inventory),
    })
}

/// Returns whether the policy for the role of the jobs allows reading what is stored at an address.
pub fn jobs_may_read(settings: &Settings, definition: &Definition, uri: &str) -> bool {
    let inventory = Inventory::of(settings, definition);
    let mut allowed = inventory.inputs.iter().chain(&inventory.outputs);
    S3Prefix::of(uri).is_some_and(|wanted| allowed.any(|prefix| prefix.covers(&wanted)))
}

fn execution(inventory: &Inventory<'_>) -> Vec<Statement> {
    let mut statements = Vec::new();
    statements.push(run_jobs(inventory));
    statements.extend(experiment(inventory));
    statements.push(pass_role(inventory));
    statements.push(register(inventory));
    statements.push(registry_token());
    statements.push(Statement::allow("PullImages", PULL, inventory.repository_arns()));
    statements.extend(list_objects(inventory));
    statements.push(read_objects(inventory, hosting::written_by_hosts(inventory)));
    statements.push(Statement::allow(
        "WriteObjects",
        ["s3:PutObject", "s3:AbortMultipartUpload"],
        inventory
            .object_arns(inventory.outputs.iter().chain(&hosting::written_by_hosts(inventory))),
    ));
    statements.push(write_logs(inventory));
    statements.push(put_metrics(inventory));
    statements.extend(hosting::watch_alarms(inventory));
    statements.extend(volume_key(inventory));
    statements.extend(object_key(inventory));
    statements.extend(network(inventory));
    statements
}

/// Allows registering versions that somebody has yet to approve, and approved ones only if the settings say so:
/// approving is a right of its own.
fn register(inventory: &Inventory<'_>) -> Statement {
    let status = inventory.settings.model_registry.approval_status;
    Statement::allow(
        "RegisterModels",
        [
            "sagemaker:DescribeModelPackageGroup",
            "sagemaker:CreateModelPackageGroup",
            "sagemaker:CreateModelPackage",
            "sagemaker:DescribeModelPackage",
        ],
        [inventory.group_arns(), inventory.package_arns()].concat(),
    )
    // Only a new version has a status.
    .when("StringEqualsIfExists", "sagemaker:ModelApprovalStatus", status.at_registration())
}

/// The actions of an image pull.
const PULL: [&str; 3] =
    ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

/// Allows creating, describing and stopping jobs of the types that the definition runs.
fn run_jobs(inventory: &Inventory<'_>) -> Statement {
    let mut actions = Vec::new();
    for job in inventory.jobs.iter().copied().map(JobType::name) {
        actions
            .extend(["Create", "Describe", "Stop"].map(|verb| format!("sagemaker:{verb}{job}Job")));
    }
    actions.push("sagemaker:AddTags".to_owned());
    Statement::allow("RunJobs", actions, inventory.job_arns())
}

/// Allows creating what a definition with an experiment needs: the experiment, a trial for each
/// execution and a trial component for each job.
fn experiment(inventory: &Inventory<'_>) -> Option<Statement> {
    inventory.definition.experiment.as_ref()?;
    let pipeline = &inventory.settings.pipeline.name;
    let actions = [
        "sagemaker:CreateExperiment",
        "sagemaker:DescribeExperiment",
        "sagemaker:CreateTrial",
        "sagemaker:DescribeTrial",
        "sagemaker:CreateTrialComponent",
        "sagemaker:DescribeTrialComponent",
        "sagemaker:AssociateTrialComponent",
    ];
    let mut resources = inventory.named("experiment", pipeline, "");
    // A trial has the name of its execution, which is not known yet.
    resources.push(inventory.account.arn("sagemaker", "experiment-trial/*"));
    resources.push(inventory.account.arn("sagemaker", "experiment-trial-component/pipelines-*"));
    Some(Statement::allow("FileJobs", actions, resources))
}

fn write_logs(inventory: &Inventory<'_>) -> Statement {
    Statement::allow(
        "WriteLogs",
        [
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
        ],
        [inventory.log_arns(), hosting::log_arns(inventory)].concat(),
    )
}

fn put_metrics(inventory: &Inventory<'_>) -> Statement {
    let namespaces = inventory.jobs.iter().map(|job| job.log_group());
    let namespaces = namespaces.chain(hosting::NAMESPACES);
    Statement::allow("PutMetrics", ["cloudwatch:PutMetricData"], ["*"]).when(
        "StringEquals",
        "cloudwatch:namespace",
        namespaces,
    )
}

fn registry_token() -> Statement {
    Statement::allow("LogInToRegistry", ["ecr:GetAuthorizationToken"], ["*"])
}

/// Allows listing the jobs' prefixes only, since a listing shows keys. `GetBucketLocation` is
/// a statement of its own, since it has no `s3:prefix`.
fn list_objects(inventory: &Inventory<'_>) -> Vec<Statement> {
    let mut buckets: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let hosted = hosting::written_by_hosts(inventory);
    for prefix in inventory.inputs.iter().chain(&inventory.outputs).chain(&hosted) {
        buckets.entry(&prefix.bucket).or_default().push(format!("{}*", prefix.key_prefix));
    }
    let arns: Vec<String> = buckets.keys().map(|bucket| inventory.account.s3(bucket)).collect();
    let prefixes: Vec<String> = buckets.into_values().flatten().collect();
    vec![
        Statement::allow("ListObjects", ["s3:ListBucket"], arns.clone()).when(
            "StringLike",
            "s3:prefix",
            prefixes,
        ),
        Statement::allow("LocateBuckets", ["s3:GetBucketLocation"], arns),
    ]
}

/// Allows reading what the jobs read and write, and `more`.
fn read_objects(inventory: &Inventory<'_>, more: Vec<S3Prefix>) -> Statement {
    let prefixes = inventory.inputs.iter().chain(&inventory.outputs).cloned().chain(more);
    let prefixes = without_covered(prefixes.collect());
    Statement::allow("ReadObjects", ["s3:GetObject"], inventory.object_arns(&prefixes))
}

/// Returns the statements of whoever deploys and watches the pipeline, and uploads objects with the ARNs `uploads`.
fn deploy(inventory: &Inventory<'_>, uploads: Vec<String>) -> Vec<Statement> {
    let describe_jobs =
        inventory.jobs.iter().map(|job| format!("sagemaker:Describe{}Job", job.name()));
    let bucket = &inventory.settings.s3_paths.bucket;
    let mut statements = vec![
        Statement::allow(
            "DeployPipeline",
            [
                "sagemaker:CreatePipeline",
                "sagemaker:UpdatePipeline",
                "sagemaker:DescribePipeline",
                "sagemaker:StartPipelineExecution",
                "sagemaker:ListPipelineExecutions",
                "sagemaker:ListPipelineVersions",
                "sagemaker:ListTags",
                "sagemaker:AddTags",
            ],
            inventory.pipeline_arns(""),
        ),
        Statement::allow(
            "FollowExecutions",
            [
                "sagemaker:DescribePipelineExecution",
                "sagemaker:DescribePipelineDefinitionForExecution",
                "sagemaker:ListPipelineExecutionSteps",
                "sagemaker:ListPipelineParametersForExecution",
                "sagemaker:StopPipelineExecution",
                "sagemaker:RetryPipelineExecution",
            ],
            inventory.pipeline_arns("/execution/*"),
        ),
        write_group(inventory),
        Statement::allow("DescribeJobs", describe_jobs, inventory.job_arns()),
        find_images(inventory),
        Statement::allow("ListObjects", ["s3:ListBucket"], [inventory.account.s3(bucket)]),
        Statement::allow("Upload", ["s3:PutObject", "s3:AbortMultipartUpload"], uploads),
        read_objects(inventory, Vec::new()),
        Statement::allow(
            "ReadLogs",
            ["logs:DescribeLogStreams", "logs:GetLogEvents"],
            inventory.log_arns(),
        ),
        pass_role(inventory),
    ];
    statements.extend(find_versions(inventory));
    statements.extend(object_key(inventory));
    statements
}

/// Returns the statements of whoever looks at everything that a deployment needs, before it fails.
fn look_around(inventory: &Inventory<'_>) -> Vec<Statement> {
    let mut statements = vec![
        find_role(inventory),
        simulate_role(inventory),
        // The resource would be a single quota, and the listing is of all of a service's quotas.
        Statement::allow("ReadQuotas", ["servicequotas:ListServiceQuotas"], ["*"]),
    ];
    statements.extend(find_volume_key(inventory));
    statements.extend(find_network(inventory));
    statements.extend(find_account(inventory));
    statements
}

/// Allows looking at the subnets and security groups of the settings, through Cloud Control, which looks with the
/// permissions of whoever asks. IAM has no resource for looking at them.
fn find_network(inventory: &Inventory<'_>) -> Option<Statement> {
    inventory.settings.aws.vpc.as_ref()?;
    let actions = [
        "cloudformation:GetResource",
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
    ];
    Some(Statement::allow("FindNetwork", actions, ["*"]))
}

/// Returns the statements of whoever decides about versions. Nobody else may, except behind reviewers: starting
/// an execution, or deploying a version, is no right to approve.
fn approver(inventory: &Inventory<'_>) -> Vec<Statement> {
    let paths = &inventory.settings.s3_paths;
    // What a decision is made by: the reports, and the columns of the models.
    let read = [&paths.evaluation, &paths.model_artifacts];
    let read = read.map(|prefix| own_prefix(inventory.settings, prefix));
    let mut statements = find_versions(inventory).to_vec();
    statements.push(approve(inventory));
    statements.push(hosting::describe_endpoint(inventory));
    statements.push(Statement::allow(
        "ReadObjects",
        ["s3:GetObject"],
        inventory.object_arns(&read),
    ));
    statements.extend(read_key(inventory));
    statements
}

fn github(inventory: &Inventory<'_>) -> Vec<Statement> {
    // A workflow uploads no tables, only what a definition consists of.
    let uploads = inventory.object_arns([&of_definitions(inventory.settings)]);
    deploy(inventory, uploads)
}

fn push(inventory: &Inventory<'_>) -> Vec<Statement> {
    let push = [
        "ecr:InitiateLayerUpload",
        "ecr:UploadLayerPart",
        "ecr:CompleteLayerUpload",
        "ecr:PutImage",
    ];
    // A push checks first which layers exist.
    let push = PULL.into_iter().chain(push);
    vec![registry_token(), Statement::allow("PushImages", push, inventory.repository_arns())]
}

/// Allows creating the network interfaces of jobs in a VPC.
fn network(inventory: &Inventory<'_>) -> Vec<Statement> {
    let Some(vpc) = &inventory.settings.aws.vpc else { return Vec::new() };
    let arns = |kind: &str, ids: &[String]| -> Vec<String> {
        ids.iter().map(|id| inventory.account.arn("ec2", &format!("{kind}/{id}"))).collect()
    };
    let subnets = arns("subnet", &vpc.subnets);
    let groups = arns("security-group", &vpc.security_group_ids);
    let interface = vec![inventory.account.arn("ec2", "network-interface/*")];
    vec![
        Statement::allow(
            "CreateInterfaces",
            ["ec2:CreateNetworkInterface"],
            [interface.clone(), subnets.clone(), groups].concat(),
        ),
        Statement::allow(
            "UseInterfaces",
            [
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
            ],
            interface,
        )
        .when("ArnEquals", "ec2:Subnet", subnets),
        Statement::allow(
            "DescribeNetwork",
            [
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            ["*"],
        ),
    ]
}

//! The policies: what the jobs, the people and GitHub may do.

use std::collections::BTreeMap;

use config::Settings;
use pipeline::Definition;

use crate::document::{Policy, Statement};
use crate::needs::{Job, Needs};
use crate::storage::{Location, without_covered};

/// What is called without any policy that allows it: IAM grants it to whoever has credentials.
pub const NEEDS_NO_PERMISSION: [&str; 1] = ["sts:GetCallerIdentity"];

/// Where in the bucket a definition is put that is too long for a request.
pub const DEFINITIONS: &str = "pipeline-definitions/";

/// The service that the execution role is for.
pub(crate) const SAGEMAKER: &str = "sagemaker.amazonaws.com";
/// The one statement of `Deploy` that `Github` is without.
const APPROVE: &str = "ApproveModels";

/// Whom a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// The role that the pipeline and its jobs run as.
    Execution,
    /// A person who creates, starts and watches the pipeline, and approves models.
    Deploy,
    /// GitHub Actions: pushes images, creates and starts the pipeline, approves nothing.
    Github,
}

impl PolicyKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Execution, Self::Deploy, Self::Github];
}

/// The least that `kind` can do its work with.
pub fn policy(kind: PolicyKind, settings: &Settings, definition: &Definition) -> Policy {
    let needs = Needs::of(settings, definition);
    Policy::new(match kind {
        PolicyKind::Execution => execution(&needs),
        PolicyKind::Deploy => deploy(&needs),
        PolicyKind::Github => github(&needs),
    })
}

fn execution(needs: &Needs<'_>) -> Vec<Statement> {
    let mut statements = Vec::new();
    statements.push(run_jobs(needs));
    statements.extend(experiment(needs));
    statements.push(pass_role(needs));
    statements.push(Statement::allow(
        "RegisterModels",
        [
            "sagemaker:DescribeModelPackageGroup",
            "sagemaker:CreateModelPackageGroup",
            "sagemaker:CreateModelPackage",
            "sagemaker:DescribeModelPackage",
        ],
        [needs.group_arns(), needs.package_arns()].concat(),
    ));
    statements.push(registry_token());
    statements.push(Statement::allow("PullImages", PULL, needs.repository_arns()));
    statements.extend(list_objects(needs));
    statements.push(read_objects(needs, None));
    statements.push(Statement::allow(
        "WriteObjects",
        ["s3:PutObject", "s3:AbortMultipartUpload"],
        needs.object_arns(&needs.outputs),
    ));
    let groups = needs.log_group_arns();
    let streams = groups.iter().map(|group| format!("{group}:*"));
    statements.push(Statement::allow(
        "WriteLogs",
        [
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
        ],
        groups.iter().cloned().chain(streams),
    ));
    let namespaces = needs.jobs.iter().map(|job| job.log_group());
    statements.push(Statement::allow("PutMetrics", ["cloudwatch:PutMetricData"], ["*"]).when(
        "StringEquals",
        "cloudwatch:namespace",
        namespaces,
    ));
    let kms = &needs.settings.aws.kms;
    if let Some(key) = &kms.volume_key {
        statements.push(with_key(needs, "UseVolumeKey", &["kms:DescribeKey"], key));
        // the grant is for the volumes' service, not for the role
        statements.push(with_key(needs, "GrantVolumeKey", &["kms:CreateGrant"], key).when(
            "Bool",
            "kms:GrantIsForAWSResource",
            ["true"],
        ));
    }
    statements.extend(object_key(needs));
    statements.extend(network(needs));
    statements
}

const PULL: [&str; 3] =
    ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

fn run_jobs(needs: &Needs<'_>) -> Statement {
    let mut actions = Vec::new();
    for job in needs.jobs.iter().copied().map(Job::name) {
        actions
            .extend(["Create", "Describe", "Stop"].map(|verb| format!("sagemaker:{verb}{job}Job")));
    }
    actions.push("sagemaker:AddTags".to_owned());
    Statement::allow("RunJobs", actions, needs.job_arns())
}

/// A definition that files its jobs under an experiment has the pipeline make it, with a trial for
/// each execution and a component for each job.
fn experiment(needs: &Needs<'_>) -> Option<Statement> {
    needs.definition.experiment.as_ref()?;
    let pipeline = &needs.settings.pipeline.name;
    let actions = [
        "sagemaker:CreateExperiment",
        "sagemaker:DescribeExperiment",
        "sagemaker:CreateTrial",
        "sagemaker:DescribeTrial",
        "sagemaker:CreateTrialComponent",
        "sagemaker:DescribeTrialComponent",
        "sagemaker:AssociateTrialComponent",
    ];
    let mut resources = needs.named("experiment", pipeline, "");
    // a trial is named after its execution, which nobody knows yet
    resources.push(needs.account.arn("sagemaker", "experiment-trial/*"));
    resources.push(needs.account.arn("sagemaker", "experiment-trial-component/pipelines-*"));
    Some(Statement::allow("FileJobs", actions, resources))
}

fn pass_role(needs: &Needs<'_>) -> Statement {
    Statement::allow("PassExecutionRole", ["iam:PassRole"], [&needs.settings.aws.role_arn]).when(
        "StringEquals",
        "iam:PassedToService",
        [SAGEMAKER],
    )
}

fn registry_token() -> Statement {
    Statement::allow("LogInToRegistry", ["ecr:GetAuthorizationToken"], ["*"])
}

/// A listing shows keys, so a job gets those of its places alone. The region of a bucket is no
/// listing and knows no prefix.
fn list_objects(needs: &Needs<'_>) -> Vec<Statement> {
    let mut buckets: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for location in needs.inputs.iter().chain(&needs.outputs) {
        buckets.entry(&location.bucket).or_default().push(format!("{}*", location.prefix));
    }
    let arns: Vec<String> = buckets.keys().map(|bucket| needs.account.s3(bucket)).collect();
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

fn read_objects(needs: &Needs<'_>, more: Option<Location>) -> Statement {
    let places = needs.inputs.iter().chain(&needs.outputs).cloned().chain(more).collect();
    let places = without_covered(places);
    Statement::allow("ReadObjects", ["s3:GetObject"], needs.object_arns(&places))
}

fn deploy(needs: &Needs<'_>) -> Vec<Statement> {
    let groups = needs.log_group_arns();
    let streams = groups.iter().map(|group| format!("{group}:*"));
    let describe_jobs = needs.jobs.iter().map(|job| format!("sagemaker:Describe{}Job", job.name()));
    let bucket = &needs.settings.s3_paths.bucket;
    let definitions = Location { bucket: bucket.clone(), prefix: DEFINITIONS.to_owned() };
    let mut statements = vec![
        Statement::allow(
            "DeployPipeline",
            [
                "sagemaker:CreatePipeline",
                "sagemaker:UpdatePipeline",
                "sagemaker:DescribePipeline",
                "sagemaker:StartPipelineExecution",
                "sagemaker:ListPipelineExecutions",
                "sagemaker:ListTags",
                "sagemaker:AddTags",
            ],
            needs.pipeline_arns(""),
        ),
        Statement::allow(
            "FollowExecutions",
            [
                "sagemaker:DescribePipelineExecution",
                "sagemaker:ListPipelineExecutionSteps",
                "sagemaker:StopPipelineExecution",
                "sagemaker:RetryPipelineExecution",
            ],
            needs.pipeline_arns("/execution/*"),
        ),
        Statement::allow("DescribeJobs", describe_jobs, needs.job_arns()),
        // the service does not say which ARN it compares a listing with
        Statement::allow("ListModels", ["sagemaker:ListModelPackages"], ["*"]),
        Statement::allow(
            "DescribeModels",
            ["sagemaker:DescribeModelPackage"],
            needs.package_arns(),
        ),
        Statement::allow(APPROVE, ["sagemaker:UpdateModelPackage"], needs.package_arns()),
        Statement::allow(
            "FindImages",
            ["ecr:DescribeImages", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            needs.repository_arns(),
        ),
        Statement::allow("ListObjects", ["s3:ListBucket"], [needs.account.s3(bucket)]),
        Statement::allow(
            "Upload",
            ["s3:PutObject", "s3:AbortMultipartUpload"],
            needs.object_arns(needs.inputs.iter().chain([&definitions])),
        ),
        read_objects(needs, Some(definitions)),
        Statement::allow(
            "ReadLogs",
            ["logs:DescribeLogStreams", "logs:GetLogEvents"],
            groups.iter().cloned().chain(streams),
        ),
        Statement::allow("FindExecutionRole", ["iam:GetRole"], [&needs.settings.aws.role_arn]),
        pass_role(needs),
        // its resource would be a quota, and all of the service's are listed
        Statement::allow("ReadQuotas", ["servicequotas:ListServiceQuotas"], ["*"]),
    ];
    statements.extend(object_key(needs));
    statements
}

fn github(needs: &Needs<'_>) -> Vec<Statement> {
    let mut statements = deploy(needs);
    statements.retain(|statement| statement.sid != APPROVE);
    statements.push(registry_token());
    let push = [
        "ecr:InitiateLayerUpload",
        "ecr:UploadLayerPart",
        "ecr:CompleteLayerUpload",
        "ecr:PutImage",
    ];
    // a push looks first at what is there
    statements.push(Statement::allow(
        "PushImages",
        PULL.into_iter().chain(push),
        needs.repository_arns(),
    ));
    statements
}

/// Objects that are written with a key of one's own are read with it, too.
fn object_key(needs: &Needs<'_>) -> Option<Statement> {
    let key = needs.settings.aws.kms.output_key.as_ref()?;
    let actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"];
    Some(with_key(needs, "UseObjectKey", &actions, key))
}

/// `key` is an id, an alias, or the ARN of either. IAM knows keys by their ids only; a key that is
/// known by its alias is found by a condition.
fn with_key(needs: &Needs<'_>, sid: &'static str, actions: &[&str], key: &str) -> Statement {
    let arn = match key.starts_with("arn:") {
        true => key.to_owned(),
        false if key.starts_with("alias/") => needs.account.arn("kms", key),
        false => needs.account.arn("kms", &format!("key/{key}")),
    };
    match arn.split_once(":alias/") {
        Some((account, alias)) => {
            Statement::allow(sid, actions.iter().copied(), [format!("{account}:key/*")]).when(
                "ForAnyValue:StringEquals",
                "kms:ResourceAliases",
                [format!("alias/{alias}")],
            )
        }
        None => Statement::allow(sid, actions.iter().copied(), [arn]),
    }
}

/// Jobs in a network of one's own reach it through interfaces that the role makes there.
fn network(needs: &Needs<'_>) -> Vec<Statement> {
    let Some(vpc) = &needs.settings.aws.vpc else { return Vec::new() };
    let arns = |kind: &str, ids: &[String]| -> Vec<String> {
        ids.iter().map(|id| needs.account.arn("ec2", &format!("{kind}/{id}"))).collect()
    };
    let subnets = arns("subnet", &vpc.subnets);
    let groups = arns("security-group", &vpc.security_group_ids);
    let interface = vec![needs.account.arn("ec2", "network-interface/*")];
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

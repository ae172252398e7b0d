//! Judges the calls that commands make by the policies: those meant for whoever types the command must
//! allow every call, and no others may allow what changes or decides something for good.

use std::collections::BTreeMap;

use config::Settings;
use infrastructure::{Policy, PolicyKind, Statement};
use serde_json::Value;
use testkit::aws::Call;

use super::ACCOUNT;

/// What IAM decides about: an action, the ARN of a resource, and the values of condition keys.
#[derive(Clone, Debug)]
struct Request {
    action: String,
    resource: String,
    context: BTreeMap<String, String>,
}

impl Request {
    fn new(action: &str, resource: impl Into<String>) -> Self {
        Self { action: action.to_owned(), resource: resource.into(), context: BTreeMap::new() }
    }

    fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.context.insert(key.to_owned(), value.into());
        self
    }

    fn is_allowed_by(&self, policy: &Policy) -> bool {
        policy.statement.iter().any(|statement| self.matches(statement))
    }

    fn matches(&self, statement: &Statement) -> bool {
        assert_eq!(statement.effect, "Allow");
        // Actions are compared without regard to case, resources with.
        let action = self.action.to_lowercase();
        statement.action.iter().any(|pattern| is_like(&action, &pattern.to_lowercase()))
            && statement.resource.iter().any(|pattern| is_like(&self.resource, pattern))
            && statement.condition.iter().all(|(operator, keys)| {
                keys.iter().all(|(key, values)| self.meets(operator, key, values))
            })
    }

    fn meets(&self, operator: &str, key: &str, values: &[String]) -> bool {
        let value = self.context.get(key);
        match operator {
            "StringEquals" | "Bool" | "ForAnyValue:StringEquals" => {
                value.is_some_and(|value| values.contains(value))
            }
            "StringEqualsIfExists" => value.is_none_or(|value| values.contains(value)),
            "StringLike" | "ArnEquals" => {
                value.is_some_and(|value| values.iter().any(|pattern| is_like(value, pattern)))
            }
            other => panic!("the operator {other} is not known here"),
        }
    }
}

/// Returns whether a text matches a pattern, in which `*` stands for any characters and `?` for one.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    match first {
        '*' => (0..=text.len()).any(|at| text.is_char_boundary(at) && is_like(&text[at..], rest)),
        _ => text.chars().next().is_some_and(|character| {
            (first == '?' || first == character) && is_like(&text[character.len_utf8()..], rest)
        }),
    }
}

/// Returns the policies for whoever types a command, of which each must allow all of its calls; where several are
/// beside one another, they do so together.
fn meant_for(arguments: &[&str]) -> Vec<&'static [PolicyKind]> {
    use PolicyKind::{Approver, Deploy, Destroy, Endpoint, Github, Promote, Release};
    match arguments {
        // The policies are for the group of the settings that are read by default.
        _ if arguments.contains(&"--group") || arguments.contains(&"--config") => Vec::new(),
        ["endpoint" | "transform", ..] => vec![&[Endpoint], &[Release]],
        ["models", "approve" | "reject", ..] => vec![&[Approver]],
        ["models", ..] => vec![&[Approver], &[Deploy], &[Github]],
        // Those of both stages.
        ["promote", ..] => vec![&[Promote]],
        ["destroy", ..] | ["pipeline", "delete", ..] => vec![&[Deploy, Endpoint, Destroy]],
        // A workflow uploads no tables, and nobody asks a doctor there.
        ["doctor" | "infrastructure" | "predict", ..] => vec![&[Deploy]],
        _ if arguments.contains(&"--upload") => vec![&[Deploy]],
        _ => vec![&[Deploy], &[Github]],
    }
}

/// Returns all policies that may allow this, where only some may.
fn reserved(request: &Request, settings: &Settings) -> Option<Vec<PolicyKind>> {
    use PolicyKind::{Approver, Deploy, Destroy, Endpoint, Execution, Github, Promote, Release};
    let raw = format!("arn:aws:s3:::{}/raw/", settings.s3_paths.bucket);
    let action = request.action.split_once(':')?.1;
    match action {
        "UpdateModelPackage" => Some(vec![Approver, Release]),
        "CreateModelPackage" => Some(vec![Execution, Promote]),
        "PutObject" if request.resource.starts_with(&raw) => Some(vec![Deploy]),
        "CreateEndpoint" | "UpdateEndpoint" | "InvokeEndpoint" | "InvokeEndpointAsync" => {
            Some(vec![Endpoint, Release])
        }
        "DeleteEndpoint" | "DeleteEndpointConfig" | "DeleteModel" => Some(vec![Endpoint, Release]),
        _ if action.contains("Delete") => Some(vec![Destroy]),
        "StartPipelineExecution" | "UpdatePipeline" | "StopPipelineExecution" => {
            Some(vec![Deploy, Github])
        }
        _ => None,
    }
}

/// Fails the test unless each call of a command is allowed by the policies meant for it. A command on two stages
/// has those of both.
pub(super) fn judge_command(arguments: &[&str], stages: &[Settings], calls: &[Call]) {
    judge(&arguments.join(" "), &meant_for(arguments), stages, calls);
}

/// Fails the test unless `meant` allow each call, and no others those that are reserved for some.
pub(super) fn judge(by: &str, meant: &[&[PolicyKind]], stages: &[Settings], calls: &[Call]) {
    let of_stage = |settings: &Settings| {
        let definition = orchestrator::build(settings);
        PolicyKind::ALL.map(|kind| (kind, infrastructure::policy(kind, settings, &definition)))
    };
    let policies: Vec<_> = stages.iter().flat_map(of_stage).collect();
    let Some(settings) = stages.first() else { return };
    let allows = |kind: PolicyKind, request: &Request| {
        policies.iter().any(|(own, policy)| *own == kind && request.is_allowed_by(policy))
    };
    // Whoever names another bucket than the settings do must be allowed to read it besides.
    let is_of = |stage: &Settings, request: &Request| {
        let own = format!("arn:aws:s3:::{}", stage.s3_paths.bucket);
        request.resource.starts_with(&own)
    };
    let is_own = |request: &Request| {
        !request.action.starts_with("s3:") || stages.iter().any(|stage| is_of(stage, request))
    };
    for request in calls.iter().flat_map(|call| requests(call, settings)).filter(is_own) {
        for kinds in meant {
            let is_allowed = kinds.iter().any(|&kind| allows(kind, &request));
            assert!(is_allowed, "{by}: {kinds:?} do not allow {request:?}");
        }
        let Some(reserved) = reserved(&request, settings) else { continue };
        for kind in PolicyKind::ALL.into_iter().filter(|kind| !reserved.contains(kind)) {
            assert!(!allows(kind, &request), "{by}: {kind:?} allows {request:?}");
        }
    }
}

/// Returns what IAM decides about when a call is made.
fn requests((action, body): &Call, settings: &Settings) -> Vec<Request> {
    if let Some(operation) =
        action.strip_prefix("POST /service/GraniteServiceVersion20100801/operation/")
    {
        return vec![Request::new(&format!("cloudwatch:{operation}"), "*")];
    }
    if let Some(endpoint) = action.strip_prefix("POST /endpoints/") {
        let (name, way) = endpoint.split_once('/').unwrap();
        let action = match way {
            "invocations" => "sagemaker:InvokeEndpoint",
            _ => "sagemaker:InvokeEndpointAsync",
        };
        return vec![Request::new(action, arn("sagemaker", &format!("endpoint/{name}")))];
    }
    match action.split_once(" /") {
        Some(("POST", place)) if is_bucket(place) => deletions(place, body),
        Some((method, place)) => vec![of_s3(method, place)],
        None => of_operation(action, body, settings),
    }
}

fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:us-east-1:{ACCOUNT}:{resource}")
}

/// Returns whether a place in S3 is a bucket and not an object.
fn is_bucket(place: &str) -> bool {
    place.split_once('/').is_none_or(|(_, key)| key.is_empty())
}

/// Returns what IAM decides about when objects are deleted, which the body names.
fn deletions(bucket: &str, body: &Value) -> Vec<Request> {
    let keys = body.as_str().unwrap().split("<Key>").skip(1);
    let keys = keys.map(|rest| rest.split_once("</Key>").unwrap().0);
    let object = |key| format!("arn:aws:s3:::{}/{key}", bucket.trim_end_matches('/'));
    keys.map(|key| Request::new("s3:DeleteObjectVersion", object(key))).collect()
}

fn of_s3(method: &str, place: &str) -> Request {
    let (bucket, key) = place.split_once('/').unwrap_or((place, ""));
    let action = match method {
        "GET" | "HEAD" if key.is_empty() => "s3:ListBucket",
        "GET" | "HEAD" => "s3:GetObject",
        "PUT" | "POST" => "s3:PutObject",
        "DELETE" => "s3:AbortMultipartUpload",
        other => panic!("{other} {place} is not known here"),
    };
    let below = if key.is_empty() { String::new() } else { format!("/{key}") };
    Request::new(action, format!("arn:aws:s3:::{bucket}{below}"))
}

/// Returns what IAM decides about at an operation of a service that has names for its operations.
fn of_operation(action: &str, body: &Value, settings: &Settings) -> Vec<Request> {
    let text = |member: &str| {
        let value = body[member].as_str();
        value.unwrap_or_else(|| panic!("{action} without {member}: {body}")).to_owned()
    };
    let named = |kind: &str, member: &str| arn("sagemaker", &format!("{kind}/{}", text(member)));
    let repository = || {
        let repository = format!("repository/{}", text("repositoryName"));
        arn("ecr", &repository).replace(ACCOUNT, &text("registryId"))
    };
    let (service, resource) = match action {
        "GetCallerIdentity" => return Vec::new(),
        "CreatePipeline"
        | "UpdatePipeline"
        | "DescribePipeline"
        | "StartPipelineExecution"
        | "ListPipelineExecutions"
        | "ListPipelineVersions"
        | "DeletePipeline" => ("sagemaker", named("pipeline", "PipelineName")),
        "DescribePipelineExecution"
        | "DescribePipelineDefinitionForExecution"
        | "ListPipelineExecutionSteps"
        | "ListPipelineParametersForExecution"
        | "StopPipelineExecution"
        | "RetryPipelineExecution" => ("sagemaker", text("PipelineExecutionArn")),
        "ListTags" | "AddTags" => ("sagemaker", text("ResourceArn")),
        "DescribeProcessingJob" => ("sagemaker", named("processing-job", "ProcessingJobName")),
        "DescribeTrainingJob" => ("sagemaker", named("training-job", "TrainingJobName")),
        "CreateTransformJob" | "DescribeTransformJob" => {
            ("sagemaker", named("transform-job", "TransformJobName"))
        }
        "DescribeModelPackageGroup" | "CreateModelPackageGroup" | "DeleteModelPackageGroup" => {
            ("sagemaker", named("model-package-group", "ModelPackageGroupName"))
        }
        // The version gets its number only then.
        "CreateModelPackage" => {
            ("sagemaker", named("model-package", "ModelPackageGroupName") + "/1")
        }
        "DescribeModelPackage" | "DeleteModelPackage" => ("sagemaker", text("ModelPackageName")),
        "UpdateModelPackage" => ("sagemaker", text("ModelPackageArn")),
        "CreateModel" | "DescribeModel" | "DeleteModel" => {
            ("sagemaker", named("model", "ModelName"))
        }
        "CreateEndpointConfig" | "DescribeEndpointConfig" | "DeleteEndpointConfig" => {
            ("sagemaker", named("endpoint-config", "EndpointConfigName"))
        }
        "CreateEndpoint" | "UpdateEndpoint" | "DescribeEndpoint" | "DeleteEndpoint" => {
            ("sagemaker", named("endpoint", "EndpointName"))
        }
        "ListModelPackages"
        | "ListModelPackageGroups"
        | "ListPipelines"
        | "ListEndpoints"
        | "ListEndpointConfigs"
        | "ListModels"
        | "ListTransformJobs"
        | "ListInferenceComponents" => ("sagemaker", "*".to_owned()),
        "DescribeImages"
        | "BatchGetImage"
        | "GetDownloadUrlForLayer"
        | "ListImages"
        | "BatchDeleteImage" => ("ecr", repository()),
        "DescribeLogStreams" => {
            ("logs", arn("logs", &format!("log-group:{}", text("logGroupName"))))
        }
        "GetLogEvents" => {
            let (group, stream) = (text("logGroupName"), text("logStreamName"));
            ("logs", arn("logs", &format!("log-group:{group}:log-stream:{stream}")))
        }
        "GetRole" => ("iam", role(body, settings)),
        "SimulatePrincipalPolicy" => ("iam", settings.aws.role_arn.clone()),
        "DescribeRepositories" => {
            let name = body["repositoryNames"][0].as_str().unwrap();
            ("ecr", arn("ecr", &format!("repository/{name}")).replace(ACCOUNT, &text("registryId")))
        }
        "DescribeLogGroups" => ("logs", arn("logs", "log-group::log-stream:")),
        "ListOpenIDConnectProviders" => ("iam", "*".to_owned()),
        "DescribeKey" => ("kms", key(&text("KeyId"))),
        "GetResource" => ("cloudformation", "*".to_owned()),
        "ListServiceQuotas" => ("servicequotas", "*".to_owned()),
        "DescribeScalableTargets"
        | "DescribeScalingPolicies"
        | "RegisterScalableTarget"
        | "DeregisterScalableTarget"
        | "PutScalingPolicy" => ("application-autoscaling", "*".to_owned()),
        other => panic!("it is not known here what IAM decides about at {other}: {body}"),
    };
    let mut request = Request::new(&format!("{service}:{action}"), &resource);
    if let Some(status) = body["ModelApprovalStatus"].as_str() {
        request = request.with("sagemaker:ModelApprovalStatus", status);
    }
    if let Some(namespace) = body["ServiceNamespace"].as_str() {
        let key = "application-autoscaling:service-namespace";
        request = request.with(key, namespace);
    }
    if let Some(alias) = body["KeyId"].as_str() {
        request = request.with("kms:ResourceAliases", alias);
    }
    if action.starts_with("Delete") {
        request = request.with("aws:ResourceTag/deployed-to", settings.endpoint_name());
    }
    let mut requests = vec![request];
    if action.starts_with("Create") && body["Tags"].as_array().is_some_and(|tags| !tags.is_empty())
    {
        requests.push(Request::new("sagemaker:AddTags", &resource));
    }
    if ["CreateEndpoint", "UpdateEndpoint"].contains(&action) {
        let configuration = named("endpoint-config", "EndpointConfigName");
        requests.push(Request::new(&format!("sagemaker:{action}"), configuration));
    }
    for member in ["RoleArn", "ExecutionRoleArn"] {
        if let Some(role) = body[member].as_str() {
            let pass = Request::new("iam:PassRole", role);
            requests.push(pass.with("iam:PassedToService", "sagemaker.amazonaws.com"));
        }
    }
    requests
}

/// Returns the ARN of a key. Which key has an alias, IAM learns from KMS.
fn key(name: &str) -> String {
    match name.strip_prefix("alias/") {
        Some(_) => arn("kms", "key/0a1b2c3d"),
        None => name.to_owned(),
    }
}

/// Returns the ARN of the role that a query of IAM names, which alone knows the role's path.
fn role(form: &Value, settings: &Settings) -> String {
    let mut fields = form.as_str().unwrap().split('&');
    let name = fields.find_map(|field| field.strip_prefix("RoleName=")).unwrap();
    let own = &settings.aws.role_arn;
    if own.ends_with(&format!("/{name}")) {
        return own.clone();
    }
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

#[test]
fn a_pattern_matches_whole_texts() {
    for (text, pattern) in [
        ("arn:a/b/c", "arn:*/c"),
        ("arn:a/b/c", "*"),
        ("raw/", "raw/*"),
        ("raw/x", "r?w/x"),
        ("", "*"),
    ] {
        assert!(is_like(text, pattern), "{text} {pattern}");
    }
    for (text, pattern) in [("raw/x", "raw/"), ("raws/x", "raw/*"), ("", "?"), ("Raw", "raw")] {
        assert!(!is_like(text, pattern), "{text} {pattern}");
    }
}

#[test]
fn conditions_are_judged() {
    let text = fs_err::read_to_string(crate::CONFIG).unwrap();
    let settings = Settings::from_yaml("config.yaml", &text, |_| None).unwrap();
    let definition = orchestrator::build(&settings);
    let policy = |kind| infrastructure::policy(kind, &settings, &definition);
    let group = &settings.model_registry.model_package_group_name;

    let version = arn("sagemaker", &format!("model-package/{group}/1"));
    let register = Request::new("sagemaker:CreateModelPackage", version);
    let execution = policy(PolicyKind::Execution);
    for (status, is_allowed) in [("PendingManualApproval", true), ("Approved", false)] {
        let register = register.clone().with("sagemaker:ModelApprovalStatus", status);
        assert_eq!(register.is_allowed_by(&execution), is_allowed, "{status}");
    }
    // A group has no status.
    assert!(register.is_allowed_by(&execution));

    let model = arn("sagemaker", &format!("model/{}", infrastructure::hosted_prefix(group))) + "1";
    let delete = Request::new("sagemaker:DeleteModel", model);
    let endpoint = policy(PolicyKind::Endpoint);
    let owned = |name: &str| delete.clone().with("aws:ResourceTag/deployed-to", name);
    assert!(owned(group).is_allowed_by(&endpoint));
    assert!(!owned("another").is_allowed_by(&endpoint));
    assert!(!delete.is_allowed_by(&endpoint));

    let scale = Request::new("application-autoscaling:RegisterScalableTarget", "*");
    let of = |namespace| scale.clone().with("application-autoscaling:service-namespace", namespace);
    assert!(of("sagemaker").is_allowed_by(&endpoint));
    assert!(!of("ecs").is_allowed_by(&endpoint) && !scale.is_allowed_by(&endpoint));

    let pass = Request::new("iam:PassRole", settings.aws.role_arn.as_str());
    let pass_to = |service: &str| pass.clone().with("iam:PassedToService", service);
    for kind in [PolicyKind::Deploy, PolicyKind::Github, PolicyKind::Endpoint] {
        assert!(pass_to("sagemaker.amazonaws.com").is_allowed_by(&policy(kind)));
        assert!(!pass_to("lambda.amazonaws.com").is_allowed_by(&policy(kind)));
    }
    assert!(!pass_to("sagemaker.amazonaws.com").is_allowed_by(&policy(PolicyKind::Approver)));
}

/// A bucket may hold what other pipelines, or other people, store.
#[test]
fn what_is_stored_beside_the_pipeline_is_not_touched() {
    let text = fs_err::read_to_string(crate::CONFIG).unwrap();
    let settings = Settings::from_yaml("config.yaml", &text, |_| None).unwrap();
    let definition = orchestrator::build(&settings);
    let allows = |kind, action: &str, key: &str| {
        let object = format!("arn:aws:s3:::{}/{key}", settings.s3_paths.bucket);
        let policy = infrastructure::policy(kind, &settings, &definition);
        Request::new(action, object).is_allowed_by(&policy)
    };
    let own = format!("pipeline-definitions/{}/1/table.json", settings.pipeline.name);
    let theirs = "pipeline-definitions/Theirs/1/table.json";
    for kind in [PolicyKind::Deploy, PolicyKind::Github] {
        assert!(allows(kind, "s3:PutObject", &own));
        assert!(!allows(kind, "s3:PutObject", theirs), "{kind:?}");
    }
    assert!(allows(PolicyKind::Execution, "s3:GetObject", &own));
    assert!(!allows(PolicyKind::Execution, "s3:GetObject", theirs));
    for action in ["s3:DeleteObject", "s3:DeleteObjectVersion"] {
        for key in ["raw/1/a.csv", "model-artifacts/m", "predictions/p", "asynchronous/r", &own] {
            assert!(allows(PolicyKind::Destroy, action, key), "{key}");
        }
        for key in ["somebody-elses/file.txt", "rawest/a.csv", theirs] {
            assert!(!allows(PolicyKind::Destroy, action, key), "{key}");
        }
    }
}

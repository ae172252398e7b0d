//! `orchestrator doctor`, with a complete account and with faults.

use serde_json::{Value, json};
use testkit::aws::{Answer, Rule};

use super::{ACCOUNT, Cloud, built_for, images, trusted_by_sagemaker};

fn quotas(processing: f64) -> Rule {
    let quota = |kind: &str, value: f64| {
        json!({
            "ServiceCode": "sagemaker", "QuotaCode": format!("L-{kind}"), "Value": value,
            "QuotaName": format!("ml.m5.large for {kind} job usage"),
        })
    };
    let quotas = [quota("processing", processing), quota("training", 4.0)];
    Rule::answers("ListServiceQuotas", [Answer::json(json!({ "Quotas": quotas }))])
}

/// Returns a rule by which IAM decides about the role of the jobs: `decide` returns for an action and a
/// resource `allowed`, `implicitDeny`, or `explicitDeny` by the policy `guard`.
fn simulated(decide: fn(&str, &str) -> &'static str) -> Rule {
    Rule::with("SimulatePrincipalPolicy", move |form| {
        let form = form.as_str().unwrap().replace("%3A", ":").replace("%2F", "/");
        let form = form.replace("%2A", "*");
        let values = |list: &str| -> Vec<String> {
            let fields = form.split('&').filter_map(|field| field.split_once('='));
            let of_list = fields.filter(|(name, _)| name.starts_with(list));
            of_list.map(|(_, value)| value.to_owned()).collect()
        };
        let mut results = String::new();
        for action in values("ActionNames.member") {
            for resource in values("ResourceArns.member") {
                results.push_str(&format!(
                    "<member><EvalActionName>{action}</EvalActionName>\
                     <EvalResourceName>{resource}</EvalResourceName>\
                     <EvalDecision>{}</EvalDecision><MatchedStatements><member>\
                     <SourcePolicyId>guard</SourcePolicyId></member></MatchedStatements></member>",
                    decide(&action, &resource)
                ));
            }
        }
        Answer::body(
            200,
            "text/xml",
            format!(
                "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult>\
                 <EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>\
                 </SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
            ),
        )
    })
}

/// Returns the checks of this subject, each as `verdict: found | remedy`.
fn checks(cloud: &Cloud, subject: &str) -> Vec<String> {
    let outcome = cloud.orchestrator(&["doctor", "--json"]);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let of_subject = |check: &&Value| check["subject"] == subject;
    let checks = report["checks"].as_array().unwrap().iter().filter(of_subject);
    let text = |value: &Value| value.as_str().unwrap_or("nothing").to_owned();
    let shown_as = |check: &Value| {
        let parts = [&check["verdict"], &check["found"], &check["remedy"]].map(text);
        shown(cloud, &format!("{}: {} | {}", parts[0], parts[1], parts[2]))
    };
    checks.map(shown_as).collect()
}

/// Replaces digests, and all that [`Cloud::neutral`] replaces, by placeholders.
fn shown(cloud: &Cloud, text: &str) -> String {
    let digest = regex::Regex::new("sha256:[0-9a-f]{64}").unwrap();
    digest.replace_all(&cloud.neutral(text), "<digest>").into_owned()
}

#[test]
fn a_complete_account() {
    let rules = [images(), quotas(4.0), simulated(|_, _| "allowed")];
    let rules = built_for("amd64").into_iter().chain(rules);
    let Some(cloud) = Cloud::before_moto("well", rules.collect()) else { return };
    let role = format!("role-{}", cloud.name);
    let create = cloud.aws().iam().create_role().role_name(&role);
    cloud.aws().wait(create.assume_role_policy_document(trusted_by_sagemaker()).send()).unwrap();
    cloud.edit("role/MachineDowntimePipelineExecutionRole", &format!("role/{role}"));
    cloud.put("raw/machine_downtime.csv", "Date\n");
    cloud.orchestrator(&["deploy"]).expect(0);
    let outcome = cloud.orchestrator(&["doctor"]).expect(0);
    insta::assert_snapshot!(shown(&cloud, &outcome.stdout), @"
    ok       region       us-east-1
    ok       credentials  arn:aws:sts::123456789012:user/moto
    ok       role         arn:aws:iam::123456789012:role/role-<name>
    ok       permissions  the role's policies allow all 33 calls
    ok       bucket       <name>
    ok       input        s3://<name>/raw/machine_downtime.csv
    ok       preprocess   123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/preprocess:latest <digest> amd64
    ok       train        123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/train:latest <digest> amd64
    ok       evaluate     123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/evaluate:latest <digest> amd64
    ok       register     123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/register:latest <digest> amd64
    ok       serve        123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/serve:latest <digest> amd64
    ok       quota        ml.m5.large for processing job usage: 4
    ok       quota        ml.m5.large for training job usage: 4
    ok       pipeline     arn:aws:sagemaker:us-east-1:123456789012:pipeline/<name>
    ");
    assert_eq!(cloud.json(0, &["doctor"])["healthy"], true);
}

#[test]
fn images_for_another_processor() {
    let rules = built_for("amd64").into_iter().chain([images()]);
    let cloud = Cloud::alone(rules.collect());
    cloud.edit("training: ml.m5.large", "training: ml.c7g.large");
    let checks = cloud.json(5, &["doctor"])["checks"].clone();
    let check = |step: &str| {
        let of = |check: &&Value| check["subject"] == step;
        checks.as_array().unwrap().iter().find(of).unwrap().clone()
    };
    assert_eq!(check("preprocess")["verdict"], "ok");
    let train = check("train");
    assert_eq!(train["verdict"], "error");
    assert_eq!(
        train["found"],
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/train:latest is built for \
         amd64, and ml.c7g.large takes arm64"
    );
    assert!(train["remedy"].as_str().unwrap().contains("--platform linux/arm64"), "{train}");
}

/// Images that the settings name by digest are checked, too. An image that cannot be read is a warning.
#[test]
fn images_by_digest() {
    let cloud = Cloud::alone(vec![images()]);
    let digest = format!("sha256:{}", "ab".repeat(32));
    let image =
        format!("{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/train@{digest}");
    cloud.place.file("digests.yaml", format!("images:\n  train: {image}\n"));
    let file = cloud.place.path("digests.yaml");
    let outcome = cloud.orchestrator(&["doctor", "--images", file.as_str()]).expect(5);
    assert!(
        outcome.stdout.contains("warning  train        ecr:BatchGetImage"),
        "{}",
        outcome.stdout
    );
    let is_by_digest = |(action, body): &(String, Value)| {
        action == "DescribeImages" && body["imageIds"][0]["imageDigest"] == digest.as_str()
    };
    assert!(cloud.server.calls().iter().any(is_by_digest));
}

#[test]
fn an_account_with_faults() {
    let denied = Answer::refused(
        400,
        "AccessDeniedException",
        "not authorized to perform: ecr:DescribeImages",
    );
    let rules = vec![Rule::answers("DescribeImages", [denied]), quotas(0.0)];
    let Some(cloud) = Cloud::before_moto("ill", rules) else { return };
    cloud.edit("role/MachineDowntimePipelineExecutionRole", "role/Nobody");
    cloud.edit("bucket: ill", "bucket: none-ill");
    let outcome = cloud.orchestrator(&["doctor"]).expect(5);
    insta::assert_snapshot!(shown(&cloud, &outcome.stdout), @r#"
    ok       region       us-east-1
    ok       credentials  arn:aws:sts::123456789012:user/moto
    error    role         arn:aws:iam::123456789012:role/Nobody is not there
                          `orchestrator infrastructure` prints a template that makes it, `orchestrator iam-policy execution` what it may do
    error    bucket       none-<name> is not there
                          `orchestrator infrastructure` prints a template that makes it
    warning  images       ecr:DescribeImages was refused with AccessDeniedException: not authorized to perform: ecr:DescribeImages; allowed by a policy with {"Effect": "Allow", "Action": "ecr:DescribeImages", "Resource": "*"} (request 8a1c)
                          what these credentials may do: `orchestrator iam-policy deploy`
    error    quota        ml.m5.large for processing job usage: 0, and a job takes 1
                          aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code L-processing --desired-value 1
    ok       quota        ml.m5.large for training job usage: 4
    warning  pipeline     <name> is not deployed
                          `orchestrator deploy` makes it
    "#);
    let checks = cloud.json(5, &["doctor"])["checks"].clone();
    let quota = |check: &&Value| check["subject"] == "quota" && check["verdict"] == "error";
    let quota = checks.as_array().unwrap().iter().find(quota).unwrap().clone();
    assert!(quota["remedy"].as_str().unwrap().contains("--quota-code L-processing"), "{quota}");
}

#[test]
fn a_role_of_another_account_or_path() {
    let Some(cloud) = Cloud::before_moto("role", vec![quotas(4.0)]) else { return };
    let own = "arn:aws:iam::123456789012:role/MachineDowntimePipelineExecutionRole";
    for (other, expected) in [
        (
            own.replace("123456789012", "999999999999"),
            "error: arn:aws:iam::999999999999:role/MachineDowntimePipelineExecutionRole is of account \
             999999999999, and aws.account_id is 123456789012 | aws.role_arn, or SAGEMAKER_ROLE_ARN, \
             names a role of this account",
        ),
        (
            own.replace("role/", "role/service-role/"),
            "error: arn:aws:iam::123456789012:role/service-role/MachineDowntimePipelineExecutionRole \
             is not there, but arn:aws:iam::123456789012:role/MachineDowntimePipelineExecutionRole | \
             aws.role_arn, or SAGEMAKER_ROLE_ARN, is \
             arn:aws:iam::123456789012:role/MachineDowntimePipelineExecutionRole",
        ),
    ] {
        let text = fs_err::read_to_string(cloud.config()).unwrap();
        cloud.edit(own, &other);
        assert_eq!(checks(&cloud, "role"), [expected]);
        assert_eq!(cloud.server.count("SimulatePrincipalPolicy"), 0);
        fs_err::write(cloud.config(), text).unwrap();
    }
}

#[test]
fn what_the_role_may_not_do() {
    let rule = simulated(|action, resource| match action {
        "s3:PutObject" if resource.contains("model-artifacts") => "explicitDeny",
        "ecr:BatchGetImage" => "implicitDeny",
        // One that has all of them.
        "sagemaker:AddTags" if resource.contains("training-job") => "implicitDeny",
        // Of the types of job that the statement names, an action has one.
        "sagemaker:CreateTrainingJob" if resource.contains("processing-job") => "implicitDeny",
        _ => "allowed",
    });
    let Some(cloud) = Cloud::before_moto("may", vec![quotas(4.0), rule]) else { return };
    assert_eq!(
        checks(&cloud, "permissions"),
        [
            "error: no policy of the role allows sagemaker:AddTags on \
             arn:aws:sagemaker:us-east-1:123456789012:training-job/pipelines-* | what the role must be \
             allowed: `orchestrator iam-policy execution`",
            "error: no policy of the role allows ecr:BatchGetImage on \
             arn:aws:ecr:us-east-1:123456789012:repository/machine-downtime/preprocess | what the role \
             must be allowed: `orchestrator iam-policy execution`",
            "error: guard denies s3:PutObject on arn:aws:s3:::<name>/model-artifacts/*, whatever others \
             allow | change that policy, or detach it from the role",
        ]
    );
}

/// Whoever may not ask IAM is not told that all is well.
#[test]
fn permissions_that_cannot_be_asked_for() {
    let denied = Answer::refused(403, "AccessDenied", "not authorized");
    let rules = vec![quotas(4.0), Rule::answers("SimulatePrincipalPolicy", [denied])];
    let Some(cloud) = Cloud::before_moto("ask", rules) else { return };
    let found = checks(&cloud, "permissions");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("warning: iam:SimulatePrincipalPolicy was refused"), "{found:?}");
    assert!(found[0].ends_with("`orchestrator iam-policy deploy`"), "{found:?}");
}

#[test]
fn keys() {
    let rule = Rule::with("DescribeKey", |request| {
        let key = request["KeyId"].as_str().unwrap();
        let (state, spec) = match key {
            "alias/disabled" => ("Disabled", "SYMMETRIC_DEFAULT"),
            "alias/rsa" => ("Enabled", "RSA_2048"),
            "alias/gone" => return Answer::refused(400, "NotFoundException", "no alias/gone"),
            _ => ("Enabled", "SYMMETRIC_DEFAULT"),
        };
        let enabled = state == "Enabled";
        Answer::json(json!({ "KeyMetadata": {
            "KeyId": "k", "KeyState": state, "Enabled": enabled, "KeySpec": spec,
        }}))
    });
    let cloud = Cloud::alone(vec![rule]);
    let set = |volume: &str, output: &str| {
        let text = fs_err::read_to_string(cloud.config()).unwrap();
        let kms = format!("aws:\n  kms: {{ volume_key: '{volume}', output_key: '{output}' }}\n");
        let line = regex::Regex::new("(?m)^aws:\n(  kms: .*\n)?").unwrap();
        fs_err::write(cloud.config(), line.replace(&text, kms.as_str()).as_ref()).unwrap();
        checks(&cloud, "key")
    };
    let remedy = "enable that key, or name another symmetric one of the same region in aws.kms";
    assert_eq!(
        set("alias/well", "alias/disabled"),
        [
            "ok: aws.kms.volume_key: alias/well | nothing".to_owned(),
            format!(
                "error: aws.kms.output_key: alias/disabled is Disabled, expected Enabled | {remedy}"
            ),
        ]
    );
    assert_eq!(
        set("alias/rsa", "arn:aws:kms:us-east-1:123456789012:key/k"),
        [
            format!(
                "error: aws.kms.volume_key: alias/rsa is of type RSA_2048, expected \
                 SYMMETRIC_DEFAULT | {remedy}"
            ),
            "ok: aws.kms.output_key: arn:aws:kms:us-east-1:123456789012:key/k | nothing".to_owned(),
        ]
    );
    let [_, gone] = &set("alias/well", "alias/gone")[..] else { panic!("expected two keys") };
    assert!(gone.starts_with("error: aws.kms.output_key: kms:DescribeKey was refused"), "{gone}");
}

#[test]
fn a_network_of_two_vpcs_or_without_a_group() {
    let rule = Rule::with("GetResource", |request| {
        let id = request["Identifier"].as_str().unwrap();
        if id == "sg-gone" {
            return Answer::refused(400, "ResourceNotFoundException", "no such group");
        }
        let vpc = if id == "subnet-far" { "vpc-2" } else { "vpc-1" };
        let properties = json!({ "VpcId": vpc }).to_string();
        Answer::json(json!({
            "TypeName": request["TypeName"],
            "ResourceDescription": { "Identifier": id, "Properties": properties },
        }))
    });
    let cloud = Cloud::alone(vec![rule]);
    let set = |group: &str, subnet: &str| {
        let text = fs_err::read_to_string(cloud.config()).unwrap();
        let vpc = format!(
            "aws:\n  vpc: {{ security_group_ids: [{group}], subnets: [subnet-near, {subnet}] }}\n"
        );
        let line = regex::Regex::new("(?m)^aws:\n(  vpc: .*\n)?").unwrap();
        fs_err::write(cloud.config(), line.replace(&text, vpc.as_str()).as_ref()).unwrap();
        checks(&cloud, "vpc")
    };
    let remedy = "aws.vpc names subnets and security groups of one VPC in this region";
    let one = ["ok: vpc-1: subnet-near, subnet-close, sg-1 | nothing"];
    assert_eq!(set("sg-1", "subnet-close"), one);
    assert_eq!(
        set("sg-1", "subnet-far"),
        [format!(
            "error: vpc-1: subnet-near, sg-1; vpc-2: subnet-far; expected all of one VPC | {remedy}"
        )]
    );
    assert_eq!(set("sg-gone", "subnet-close"), [format!("error: sg-gone is not there | {remedy}")]);
}

#[test]
fn a_bucket_in_another_region() {
    let bucket = Answer::body(200, "text/xml", "").with_header("x-amz-bucket-region", "eu-west-1");
    let cloud = Cloud::alone(vec![Rule::answers("HEAD /alone/", [bucket])]);
    assert_eq!(
        checks(&cloud, "bucket"),
        ["error: <name> is in eu-west-1 | s3_paths.bucket names a bucket in us-east-1, or \
             AWS_REGION=eu-west-1 runs the pipeline where this one is"]
    );
}

/// The name of a bucket may be a stranger's, who would get the tables. S3 refuses whatever names an owner then.
#[test]
fn a_bucket_of_another_account() {
    let denied = || Answer::body(403, "text/xml", "");
    let head = Rule::answers("HEAD /alone/", [denied()]);
    let cloud = Cloud::alone([head].into_iter().chain(furnished(Some(90))).collect());
    for arguments in [&["doctor"][..], &CHECK] {
        let outcome = cloud.orchestrator(arguments).expect(5);
        let lines = outcome.stdout.lines().skip_while(|line| !line.starts_with("error    bucket"));
        let lines: Vec<_> = lines.take(2).collect();
        let found = "alone is of another account than 123456789012, or these credentials may not look at it: \
                     s3:ListBucket was refused with ";
        assert!(lines[0].contains(found), "{lines:?}");
        assert!(lines[0].contains(r#""Resource": "arn:aws:s3:::alone"}"#), "{lines:?}");
        assert!(
            lines[1].contains("s3_paths.bucket names a bucket of account 123456789012"),
            "{lines:?}"
        );
        assert!(!outcome.stdout.contains("CreateBucket=false"), "{}", outcome.stdout);
    }
}

/// An answer that lacks what it is asked for says nothing about the account, not that all is well.
#[test]
fn answers_without_what_was_asked_for() {
    let null = || Answer::json(json!({}));
    let rules = ["DescribeImages", "ListServiceQuotas", "DescribePipeline", "GetResource"];
    let mut rules: Vec<_> = rules.map(|action| Rule::answers(action, [null()])).into();
    rules.extend([
        Rule::answers("DescribeKey", [null()]),
        xml("GetRole", ""),
        Rule::answers("DescribeRepositories", [null()]),
    ]);
    rules.extend(furnished(Some(90)));
    let cloud = Cloud::alone(rules);
    cloud.edit(
        "aws:\n",
        "aws:\n  kms: { volume_key: alias/a }\n  vpc: { security_group_ids: [sg-1], subnets: [subnet-1] }\n",
    );
    for subject in ["role", "images", "quotas", "pipeline", "key", "vpc"] {
        let found = checks(&cloud, subject);
        assert!(!found.is_empty(), "{subject}");
        for check in found {
            assert!(
                check.starts_with("error: ") && check.ends_with("ask again"),
                "{subject}: {check}"
            );
        }
    }
    let outcome = cloud.orchestrator(&CHECK).expect(5);
    assert!(
        outcome.stdout.contains("error    repository   ecr:DescribeRepositories got an answer"),
        "{}",
        outcome.stdout
    );
    assert!(!outcome.stdout.contains("CreateRepositories=false"), "{}", outcome.stdout);

    let results = "<EvaluationResults/><IsTruncated>false</IsTruncated>";
    let mut rules = vec![xml("SimulatePrincipalPolicy", results)];
    rules.extend(furnished(Some(90)));
    let found = checks(&Cloud::alone(rules), "permissions");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("error: iam:SimulatePrincipalPolicy got an answer"), "{found:?}");
}

/// A missing tag is told with those that are there, a missing repository as such, and a fault of ECR is no
/// lack of permissions.
#[test]
fn tags_that_are_missing_and_faults_of_ecr() {
    let rule = Rule::with("DescribeImages", |request| {
        let wants_one = request["imageIds"].is_array();
        let repository = request["repositoryName"].as_str().unwrap();
        let image = |tag: &str, pushed: u32| json!({ "imageTags": [tag], "imagePushedAt": pushed, "imageDigest": "sha256:00" });
        match repository.rsplit('/').next().unwrap() {
            "preprocess" => Answer::refused(400, "RepositoryNotFoundException", "no repository"),
            _ if wants_one => Answer::refused(400, "ImageNotFoundException", "no image"),
            "train" => Answer::json(json!({ "imageDetails": [] })),
            _ => {
                let images: Vec<_> = (1..=7).map(|n| image(&format!("t{n}"), n)).collect();
                Answer::json(json!({ "imageDetails": images }))
            }
        }
    });
    let cloud = Cloud::alone(vec![rule]);
    let registry = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
    let image = |name: &str| format!("{registry}/machine-downtime/{name}:latest");
    assert_eq!(
        checks(&cloud, "preprocess"),
        [format!(
            "error: {} is not there, nor is its repository | `orchestrator infrastructure` prints a \
             template that makes the repositories",
            image("preprocess")
        )]
    );
    let train = checks(&cloud, "train");
    let expected = format!(
        "error: {} is not there, and its repository has no tag | scripts/build-images, then",
        image("train")
    );
    assert!(train[0].starts_with(&expected), "{train:?}");
    assert_eq!(
        checks(&cloud, "evaluate"),
        [format!(
            "error: {} is not there; the repository has, newest first, t7, t6, t5, t4, t3 and 2 more | \
             IMAGE_TAG=t7 names the newest one; scripts/build-images, then scripts/push-images \
             {registry}, makes another",
            image("evaluate")
        )]
    );

    // AWS answers a fault with status 500, which the SDK asks again about for half a minute.
    let fault = Answer::refused(400, "ServerException", "the service has a fault");
    let cloud = Cloud::alone(vec![Rule::answers("DescribeImages", [fault])]);
    assert_eq!(
        checks(&cloud, "images"),
        ["warning: ecr:DescribeImages was refused with ServerException: the service has a fault \
             (request 8a1c) | AWS itself has a fault or is not reached; ask again"]
    );
}

/// Returns an answer of the query protocol.
fn xml(action: &str, result: &str) -> Rule {
    let body =
        format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>");
    Rule::answers(action, [Answer::body(200, "text/xml", body)])
}

/// Returns the rule for a role with this trust policy.
fn role_trusting(policy: &str) -> Rule {
    let role = "arn:aws:iam::123456789012:role/MachineDowntimePipelineExecutionRole";
    let trust: String = policy.bytes().map(|byte| format!("%{byte:02X}")).collect();
    xml(
        "GetRole",
        &format!(
            "<Role><Path>/</Path><RoleName>r</RoleName><RoleId>AROA</RoleId><Arn>{role}</Arn>\
             <CreateDate>2026-01-01T00:00:00Z</CreateDate>\
             <AssumeRolePolicyDocument>{trust}</AssumeRolePolicyDocument></Role>"
        ),
    )
}

/// Returns the rules for an account that has everything, if `retention` is the one of its logs.
fn furnished(retention: Option<u32>) -> Vec<Rule> {
    let provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
    let groups = Rule::with("DescribeLogGroups", move |request| {
        let group = &request["logGroupNamePrefix"];
        Answer::json(json!({ "logGroups": [
            { "logGroupName": format!("{}X", group.as_str().unwrap()) },
            { "logGroupName": group, "retentionInDays": retention },
        ]}))
    });
    let events =
        "<NotificationConfiguration><EventBridgeConfiguration/></NotificationConfiguration>";
    vec![
        xml("GetCallerIdentity", "<Account>123456789012</Account><Arn>arn:aws:iam::1:user/a</Arn>"),
        role_trusting(&trusted_by_sagemaker()),
        simulated(|_, _| "allowed"),
        Rule::answers("HEAD /alone/", [Answer::body(200, "text/xml", "")]),
        Rule::answers("GET /alone/", [Answer::body(200, "text/xml", events)]),
        Rule::answers("DescribeRepositories", [Answer::json(json!({ "repositories": [{}] }))]),
        groups,
        xml(
            "ListOpenIDConnectProviders",
            &format!(
                "<OpenIDConnectProviderList><member><Arn>{provider}</Arn></member>\
                 </OpenIDConnectProviderList>"
            ),
        ),
    ]
}

#[test]
fn a_role_that_sagemaker_may_not_assume_for_this_account() {
    let trust = |more: &[(&str, Value)]| {
        let statements = more.iter().map(|(effect, condition)| {
            json!({
                "Effect": effect, "Action": "sts:AssumeRole", "Condition": condition,
                "Principal": { "Service": "sagemaker.amazonaws.com" },
            })
        });
        let policy = json!({ "Statement": statements.collect::<Vec<_>>() }).to_string();
        let rules = [role_trusting(&policy)].into_iter().chain(furnished(Some(90)));
        checks(&Cloud::alone(rules.collect()), "role").remove(0)
    };
    let of = |account: &str| json!({ "StringEquals": { "aws:SourceAccount": account } });
    assert!(trust(&[("Allow", of(ACCOUNT))]).starts_with("ok: "));
    insta::assert_snapshot!(trust(&[("Allow", of("999999999999"))]), @"error: arn:aws:iam::123456789012:role/MachineDowntimePipelineExecutionRole trusts sagemaker.amazonaws.com under conditions that account 123456789012 does not meet | `orchestrator infrastructure` prints a template that makes it, `orchestrator iam-policy execution` what it may do");
    insta::assert_snapshot!(trust(&[("Allow", json!({})), ("Deny", json!({}))]), @"error: arn:aws:iam::123456789012:role/MachineDowntimePipelineExecutionRole has a Deny for sagemaker.amazonaws.com in its trust policy | `orchestrator infrastructure` prints a template that makes it, `orchestrator iam-policy execution` what it may do");
    let organization = json!({ "StringNotEquals": { "aws:SourceOrgID": "o-1" } });
    insta::assert_snapshot!(trust(&[("Allow", json!({})), ("Deny", organization)]), @"warning: arn:aws:iam::123456789012:role/MachineDowntimePipelineExecutionRole has a Deny for sagemaker.amazonaws.com in its trust policy, under conditions that were not judged | nothing");
}

const CHECK: [&str; 2] = ["infrastructure", "--check"];

#[test]
fn the_template_leaves_alone_what_is_there() {
    let cloud = Cloud::alone(furnished(Some(90)));
    cloud.edit("aws:\n", "schedule: { on_new_objects: true }\naws:\n");
    let outcome = cloud.orchestrator(&CHECK).expect(0);
    insta::assert_snapshot!(outcome.stdout, @"
    Nothing is missing.
    Not looked at: the rules and topics of schedule, whose names are the stack's.
    A new stack leaves alone what is there: --parameter-overrides CreateExecutionRole=false CreateBucket=false CreateRepositories=false CreateLogGroups=false CreateHostingLogGroups=false CreateGitHubProvider=false
    A stack that has made it itself must not be given these: it would let go of it.
    ");

    // How what is there is encrypted, nobody has looked at.
    let cloud = Cloud::alone(furnished(Some(90)));
    cloud.edit("aws:\n", "aws:\n  kms: { output_key: alias/a }\n");
    let stdout = cloud.orchestrator(&CHECK).stdout;
    assert!(
        stdout.contains(
            "\nNot looked at: whether what is there is encrypted with aws.kms.output_key"
        ),
        "{stdout}"
    );

    // A log group that forgets nothing is there, and a remedy, too.
    let cloud = Cloud::alone(furnished(None));
    let stdout = cloud.orchestrator(&CHECK).expect(0).stdout;
    assert_eq!(stdout.matches("keeps logs for ever\n").count(), 4, "{stdout}");
    assert!(stdout.contains("CreateLogGroups=false CreateHostingLogGroups=false"), "{stdout}");
}

#[test]
fn an_account_that_lacks_something() {
    let mut rules = vec![
        Rule::with("DescribeRepositories", |request| {
            if request["repositoryNames"][0] == "machine-downtime/train" {
                return Answer::refused(400, "RepositoryNotFoundException", "no repository");
            }
            Answer::json(json!({ "repositories": [{}] }))
        }),
        Rule::answers("DescribeLogGroups", [Answer::json(json!({ "logGroups": [] }))]),
        Rule::answers(
            "GET /alone/",
            [Answer::body(200, "text/xml", "<NotificationConfiguration/>")],
        ),
        xml("ListOpenIDConnectProviders", "<OpenIDConnectProviderList/>"),
    ];
    rules.extend(furnished(None));
    let cloud = Cloud::alone(rules);
    cloud.edit("aws:\n", "schedule: { on_new_objects: true }\naws:\n");
    let outcome = cloud.orchestrator(&CHECK).expect(5);
    insta::assert_snapshot!(outcome.stdout, @"
    error    events       alone sends none to EventBridge
                          Amazon EventBridge in the properties of alone, for schedule.on_new_objects
    error    repository   123456789012/us-east-1/machine-downtime/train is not there
                          `orchestrator infrastructure` prints a template that makes the repositories
    warning  job logs     /aws/sagemaker/ProcessingJobs is not there
                          `orchestrator infrastructure` prints a template that makes it; SageMaker makes one that keeps logs for ever
    warning  job logs     /aws/sagemaker/TrainingJobs is not there
                          `orchestrator infrastructure` prints a template that makes it; SageMaker makes one that keeps logs for ever
    warning  host logs    /aws/sagemaker/Endpoints/alone is not there
                          `orchestrator infrastructure` prints a template that makes it; SageMaker makes one that keeps logs for ever
    warning  host logs    /aws/sagemaker/TransformJobs is not there
                          `orchestrator infrastructure` prints a template that makes it; SageMaker makes one that keeps logs for ever
    Not looked at: the rules and topics of schedule, whose names are the stack's.
    A new stack leaves alone what is there: --parameter-overrides CreateExecutionRole=false CreateBucket=false
    A stack that has made it itself must not be given these: it would let go of it.
    ");
}

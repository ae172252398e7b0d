//! The IAM policies and the CloudFormation template.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use config::Settings;
use infrastructure::{NEEDS_NO_PERMISSION, Policy, PolicyKind};
use regex::Regex;

use crate::{CONFIG, Place};

const KINDS: [&str; 9] = [
    "execution",
    "deploy",
    "github",
    "push",
    "approver",
    "endpoint",
    "release",
    "promote",
    "destroy",
];

fn text() -> String {
    fs_err::read_to_string(CONFIG).unwrap()
}

/// Returns the shipped settings with KMS keys and a VPC, in a region of another partition (China), and
/// with an address for notifications.
fn own() -> String {
    let text = text()
        .replace("${AWS_REGION:-us-east-1}", "cn-north-1")
        .replace("arn:aws:iam", "arn:aws-cn:iam")
        .replace("role/", "role/service-role/")
        .replace("expire_after: P30D", "expire_after: P4M");
    let own = "\
aws:
  kms:
    volume_key: arn:aws-cn:kms:cn-north-1:123456789012:key/0a1b2c3d-0000-0000-0000-000000000000
    output_key: alias/machine-downtime
  vpc:
    security_group_ids: [sg-0123456789abcdef0]
    subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
";
    text.replacen("aws:\n", own, 1) + "\nnotifications:\n  email: someone@example.com\n"
}

fn digests() -> String {
    let image = "210987654321.dkr.ecr.cn-northwest-1.amazonaws.com.cn/models/train";
    format!("images:\n  train: {image}@sha256:{}\n", "0".repeat(64))
}

#[test]
fn the_policies() {
    let place = Place::new();
    for kind in KINDS {
        let outcome = place.orchestrator(&["iam-policy", kind, "--config", CONFIG]);
        insta::assert_snapshot!(format!("iam-policy-{kind}"), outcome.expect(0).stdout);
    }
    place.orchestrator(&["iam-policy", "admin", "--config", CONFIG]).expect(2);
}

#[test]
fn the_policies_with_keys_and_a_network_in_another_partition() {
    let place = Place::new();
    let config = place.file("config.yaml", own());
    let images = place.file("digests.yaml", digests());
    for kind in KINDS {
        let settings = ["--config", config.as_str(), "--images", images.as_str()];
        let outcome = place.orchestrator(&[&["iam-policy", kind], &settings[..]].concat());
        insta::assert_snapshot!(format!("iam-policy-{kind}-own"), outcome.expect(0).stdout);
    }
}

#[test]
fn the_template() {
    let place = Place::new();
    let print =
        |config: &str| place.orchestrator(&["infrastructure", "--config", config]).expect(0).stdout;
    let shipped = print(CONFIG);
    insta::assert_snapshot!("infrastructure", shipped);
    assert_eq!(shipped, print(CONFIG));

    // The lines that the shipped settings' template does not have, without those of the policies.
    let own = print(place.file("config.yaml", own()).as_str());
    let known: BTreeSet<&str> = shipped.lines().collect();
    let new = own.lines().filter(|line| !known.contains(line) && !line.contains("- arn:aws-cn:"));
    insta::assert_snapshot!("infrastructure-own", new.collect::<Vec<_>>().join("\n"));

    // CreateStack accepts at most this many bytes of inline template.
    assert!(own.len() < 51_200, "{} bytes", own.len());
}

/// The lines of the template by which an approval starts the workflow that deploys.
#[test]
fn the_template_of_an_endpoint_that_follows_approvals() {
    let place = Place::new();
    let print =
        |config: &str| place.orchestrator(&["infrastructure", "--config", config]).expect(0).stdout;
    let shipped = print(CONFIG);
    let follows = text().replace("kind: real_time\n", "kind: real_time\n  on_approval: true\n");
    let template = print(place.file("config.yaml", follows).as_str());
    let known: BTreeSet<&str> = shipped.lines().collect();
    let new: Vec<&str> = template.lines().filter(|line| !known.contains(line)).collect();
    insta::assert_snapshot!("infrastructure-on-approval", new.join("\n"));
    assert!(template.len() < 51_200, "{} bytes", template.len());
}

/// The lines of the template by which executions start by themselves.
#[test]
fn the_template_of_a_schedule() {
    let place = Place::new();
    let print =
        |config: &str| place.orchestrator(&["infrastructure", "--config", config]).expect(0).stdout;
    let shipped = print(CONFIG);
    let known: BTreeSet<&str> = shipped.lines().collect();
    let added = |settings: &str| {
        let template = print(place.file("config.yaml", text() + settings).as_str());
        let new: Vec<&str> = template.lines().filter(|line| !known.contains(line)).collect();
        new.join("\n")
    };
    let both = "schedule: { at: cron(0 6 ? * MON *), on_new_objects: true }\n";
    insta::assert_snapshot!("infrastructure-schedule", added(both));
    // EventBridge may assume the role only for rules of this account.
    let template = print(place.file("config.yaml", text() + both).as_str());
    let role = template.split("StartExecutionRole:").nth(1).unwrap();
    let trust = role.split("Policies:").next().unwrap();
    assert!(
        trust.contains("events.amazonaws.com") && trust.contains("aws:SourceAccount"),
        "{trust}"
    );
    let times = added("schedule: { at: rate(7 days) }\n");
    assert!(times.contains("ScheduleExpression: rate(7 days)"), "{times}");
    assert!(!times.contains("EventPattern") && !times.contains("EventBridge"), "{times}");

    // The pipeline reads all that is below a prefix, and of a key that one object.
    let below = text().replace("input_dataset: raw/machine_downtime.csv", "input_dataset: raw/");
    assert_ne!(below, text());
    let objects = "schedule: { on_new_objects: true }\n";
    let template = print(place.file("config.yaml", below + objects).as_str());
    assert!(template.contains("- prefix: raw/\n"), "{template}");
    assert!(!template.contains("ScheduleExpression"), "{template}");
}

fn policies(settings: &Settings) -> [Policy; 9] {
    let definition = orchestrator::build(settings);
    PolicyKind::ALL.map(|kind| infrastructure::policy(kind, settings, &definition))
}

fn shipped() -> Settings {
    Settings::from_yaml("config.yaml", &text(), |_| None).unwrap()
}

/// IAM's limits: statement ids are unique and alphanumeric, and a managed policy has at most 6,144
/// characters, not counting white space.
#[test]
fn the_policies_are_within_the_limits_of_iam() {
    let own = Settings::from_yaml("config.yaml", &own(), |_| None).unwrap();
    for policy in policies(&shipped()).iter().chain(&policies(&own)) {
        let names: BTreeSet<&str> = policy.statement.iter().map(|s| s.sid).collect();
        assert_eq!(names.len(), policy.statement.len(), "{names:?}");
        assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_alphanumeric())));
        let length = policy.to_json().chars().filter(|c| !c.is_whitespace()).count();
        assert!(length <= 6_144, "{length}");
        let everything = |s: &&infrastructure::Statement| s.resource == ["*"];
        for statement in policy.statement.iter().filter(everything) {
            let without_resources = [
                "LogInToRegistry", // IAM has no resource for these calls, or it is not known beforehand.
                "PutMetrics",
                "ListVersions",
                "ListOthers",
                "FindUsers",
                "ReadMetrics",
                "FindScaling",
                "FollowTraffic",
                "ReadQuotas",
                "DescribeNetwork",
                "FindNetwork",
                "FindProviders",
            ];
            assert!(without_resources.contains(&statement.sid), "{statement:?}");
        }
    }
}

/// The definition names the digest of the table's settings, the policies only its prefix.
#[test]
fn other_columns_need_no_other_policies() {
    let own = text().replacen("spellings: [Cutting_Force]", "spellings: [Force]", 1);
    assert_ne!(own, text());
    let own = Settings::from_yaml("config.yaml", &own, |_| None).unwrap();
    let json = |settings| policies(settings).map(|policy| policy.to_json());
    assert_eq!(json(&own), json(&shipped()));
}

#[test]
fn approving_is_a_right_of_its_own() {
    let [execution, deploy, github, push, approver, endpoint, release, promote, destroy] =
        policies(&shipped());
    let may = |policy: &Policy, action: &str| policy.actions().any(|allowed| allowed == action);
    let approve = "sagemaker:UpdateModelPackage";
    for policy in [&execution, &deploy, &github, &push, &endpoint, &promote, &destroy] {
        assert!(!may(policy, approve));
    }
    // In a workflow, reviewers decide before.
    assert!(may(&approver, approve) && may(&release, approve));
    // Who approves can neither start an execution nor register a version.
    for action in ["sagemaker:StartPipelineExecution", "sagemaker:CreateModelPackage"] {
        assert!(!may(&approver, action) && !may(&release, action));
    }
    // GitHub deploys as people do, but uploads no tables.
    for statement in &github.statement {
        let same = deploy.statement.iter().find(|one| one.sid == statement.sid).unwrap();
        if statement.sid == "Upload" {
            let definitions =
                ["arn:aws:s3:::machine-downtime-2/pipeline-definitions/MachineDowntimePipeline/*"];
            assert_eq!(statement.resource, definitions);
        } else {
            assert_eq!(same, statement);
        }
    }
    assert!(push.actions().all(|action| action.starts_with("ecr:")));
    // Nor does a registration approve, unless the settings say so.
    let statuses = |policy: &Policy| {
        let register = policy.statement.iter().find(|one| one.sid == "RegisterModels").unwrap();
        serde_json::to_value(register).unwrap()["Condition"]["StringEqualsIfExists"]
            ["sagemaker:ModelApprovalStatus"]
            .clone()
    };
    assert_eq!(statuses(&execution), serde_json::json!(["PendingManualApproval", "Rejected"]));
    let approved = text().replacen("status: PendingManualApproval", "status: Approved", 1);
    let approved = Settings::from_yaml("config.yaml", &approved, |_| None).unwrap();
    let words = serde_json::json!(["PendingManualApproval", "Approved", "Rejected"]);
    assert_eq!(statuses(&policies(&approved)[0]), words);
}

/// Returns the permissions that the programs' calls need. They are found in the sources, where the message of a
/// failed call names them.
fn calls() -> BTreeSet<String> {
    let crates = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut directories: Vec<Utf8PathBuf> = crates
        .read_dir_utf8()
        .unwrap()
        .map(|entry| entry.unwrap().path().to_owned())
        .filter(|path| path.file_name() != Some("infrastructure"))
        .map(|path| path.join("src"))
        .collect();
    let call = Regex::new(
        r#""((?:sagemaker|s3|ecr|logs|iam|kms|cloudformation|servicequotas|sts|cloudwatch|application-autoscaling):[A-Z][A-Za-z0-9]+)""#,
    );
    let call = call.unwrap();
    let mut calls = BTreeSet::new();
    while let Some(directory) = directories.pop() {
        for entry in directory.read_dir_utf8().unwrap() {
            let path = entry.unwrap().path().to_owned();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension() == Some("rs") {
                let source = fs_err::read_to_string(&path).unwrap();
                let found = call.captures_iter(&source).map(|found| found[1].to_owned());
                calls.extend(found);
            }
        }
    }
    // This one is part of a role's trust policy and not a call of the programs.
    calls.remove("sts:AssumeRole");
    calls
}

#[test]
fn every_call_of_the_programs_is_allowed() {
    let calls = calls();
    assert!(calls.contains("sagemaker:CreateModelPackage"), "{calls:?}");
    // With a key and a network there are more.
    let own = Settings::from_yaml("config.yaml", &own(), |_| None).unwrap();
    let [execution, deploy, _, _, approver, endpoint, _, promote, destroy] = policies(&own);
    let people = [&deploy, &endpoint, &approver, &promote, &destroy];
    let people = people.into_iter().flat_map(|policy| policy.actions());
    let allowed: BTreeSet<&str> =
        execution.actions().chain(people).chain(NEEDS_NO_PERMISSION).collect();
    let denied: Vec<_> = calls.iter().filter(|call| !allowed.contains(call.as_str())).collect();
    assert!(denied.is_empty(), "no policy allows {denied:?}");
}

/// Whoever decides reads reports and models, and writes nothing.
#[test]
fn an_approver_only_decrypts() {
    let own = Settings::from_yaml("config.yaml", &own(), |_| None).unwrap();
    let [_, _, _, _, approver, ..] = policies(&own);
    let keys: Vec<_> = approver.actions().filter(|action| action.starts_with("kms:")).collect();
    assert_eq!(keys, ["kms:Decrypt"]);
}

#[test]
fn people_may_do_no_more_than_the_programs_call() {
    // Creating pipelines, models and jobs needs the first in addition, and deleting from a bucket that keeps no
    // versions the second.
    let unnamed = ["iam:PassRole", "s3:DeleteObject"];
    let calls = calls();
    let [_, deploy, _, _, approver, endpoint, _, promote, destroy] = policies(&shipped());
    for policy in [deploy, approver, endpoint, promote, destroy] {
        let never = policy.actions().filter(|a| !calls.contains(*a) && !unnamed.contains(a));
        let never: Vec<_> = never.collect();
        assert!(never.is_empty(), "nothing calls {never:?}");
    }
}

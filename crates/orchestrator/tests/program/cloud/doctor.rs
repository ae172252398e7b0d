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

/// Replaces digests, and all that [`Cloud::neutral`] replaces, by placeholders.
fn shown(cloud: &Cloud, text: &str) -> String {
    let digest = regex::Regex::new("sha256:[0-9a-f]{64}").unwrap();
    digest.replace_all(&cloud.neutral(text), "<digest>").into_owned()
}

#[test]
fn a_complete_account() {
    let rules = built_for("amd64").into_iter().chain([images(), quotas(4.0)]);
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

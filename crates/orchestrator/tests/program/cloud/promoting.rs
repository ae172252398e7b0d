//! What `promote` trusts: the digest and the report of a version, and nothing that lies in the other stage.

use aws::sagemaker::operation::create_model_package::builders::CreateModelPackageFluentBuilder;
use aws::sagemaker::types as api;
use serde_json::{Value, json};
use testkit::aws::{Answer, Rule};

use super::stages::{DIGEST, PROMOTE, REPOSITORY};
use super::{Cloud, images};

fn report() -> Value {
    let value = |value: f64| json!({ "value": value, "standard_deviation": "NaN" });
    let metrics = json!({ "accuracy": value(0.9874), "f1": value(0.9871), "recall": value(0.98) });
    json!({ "format_version": 2, "binary_classification_metrics": metrics })
}

impl Cloud {
    /// Returns a cloud of two stages whose first has an approved version with a report and the digest of its model.
    fn with_digest(name: &str, rules: Vec<Rule>) -> Option<Self> {
        Self::with_changed(name, rules, |version| version)
    }

    fn with_changed(
        name: &str,
        mut rules: Vec<Rule>,
        change: impl FnOnce(CreateModelPackageFluentBuilder) -> CreateModelPackageFluentBuilder,
    ) -> Option<Self> {
        rules.push(images());
        let cloud = Self::of_two_stages(name, rules)?;
        cloud.put("evaluation/x1/evaluation.json", report().to_string());
        let (aws, sagemaker) = (cloud.aws(), cloud.aws().sagemaker());
        let group = sagemaker.create_model_package_group().model_package_group_name(&cloud.name);
        aws.wait(group.send()).unwrap();
        let report = format!("s3://{}/evaluation/x1/evaluation.json", cloud.name);
        let report = api::MetricsSource::builder().content_type("application/json").s3_uri(report);
        let quality = api::ModelQuality::builder().statistics(report.build()).build();
        let version = sagemaker
            .create_model_package()
            .model_package_group_name(&cloud.name)
            .model_approval_status(api::ModelApprovalStatus::Approved)
            .model_metrics(api::ModelMetrics::builder().model_quality(quality).build())
            .inference_specification(
                api::InferenceSpecification::builder()
                    .containers(cloud.container().build())
                    .build(),
            )
            .customer_metadata_properties("model_digest", common::sha256_hex("the model"))
            // A report decides, whatever the metadata says.
            .customer_metadata_properties("recall", "0.99")
            .customer_metadata_properties("accuracy", "0.99");
        aws.wait(change(version).send()).unwrap();
        Some(cloud)
    }

    fn container(&self) -> api::builders::ModelPackageContainerDefinitionBuilder {
        api::ModelPackageContainerDefinition::builder()
            .image(format!("{REPOSITORY}@{DIGEST}"))
            .model_data_url(format!("s3://{}/model-artifacts/x1/model.tar.gz", self.name))
    }

    /// Promotes, which must fail with `code` and change nothing, and returns the message.
    fn not_promoted(&self, code: i32) -> String {
        let before = self.server.calls().len();
        let message = self.orchestrator(&[&PROMOTE[..], &["--yes"]].concat()).expect(code).stderr;
        let calls = self.server.actions().split_off(before);
        let changes = |action: &&String| action.starts_with("Create") || action.starts_with("PUT");
        assert_eq!(calls.iter().find(changes), None);
        self.neutral(&message)
    }
}

#[test]
fn a_model_that_was_replaced_is_not_promoted() {
    let Some(cloud) = Cloud::with_digest("replaced", vec![]) else { return };
    let proposed = cloud.orchestrator(&[&PROMOTE[..], &["--dry-run"]].concat()).expect(0).stdout;
    assert!(proposed.contains(" (9 bytes)\n  report "), "{proposed}");
    cloud.put("model-artifacts/x1/model.tar.gz", "TAMPERED");
    insta::assert_snapshot!(cloud.not_promoted(3), @"error: s3://<name>/model-artifacts/x1/model.tar.gz has the SHA-256 06c9c46ca6d42f6ee7994823417b7955695508131e8f21ec46ad2e3351af148a, and the model of version 1 of group <name> had 36cc7e3d6f6200756c81e18470827e9dac1c602fcd87761cbb0b8f015611c098 when it was evaluated");
    let refused = ["predict", "--sagemaker", "--config", "config/pipeline_config.yaml", "--model"];
    let table = cloud.table("table.csv", 20);
    let refused = [&refused[..], &["1", "--input", table.as_str()]].concat();
    let refused = cloud.orchestrator(&refused).expect(3).stderr;
    assert!(refused.contains(" when it was evaluated"), "{refused}");
}

#[test]
fn a_report_that_was_replaced_meets_no_gate() {
    let digest = common::sha256_hex(report().to_string());
    let recorded = |version: CreateModelPackageFluentBuilder| {
        version.customer_metadata_properties("report_digest", digest)
    };
    let Some(cloud) = Cloud::with_changed("other-report", vec![], recorded) else { return };
    cloud.orchestrator(&[&PROMOTE[..], &["--dry-run"]].concat()).expect(0);
    let mut other = report();
    other["binary_classification_metrics"]["recall"]["value"] = 1.into();
    cloud.put("evaluation/x1/evaluation.json", other.to_string());
    insta::assert_snapshot!(cloud.not_promoted(3), @"error: s3://<name>/evaluation/x1/evaluation.json has the SHA-256 cac1fd8bb8b0863b93546db9d2428f2588db8310da5d1afa136d180dc61def31, and the report of version 1 of group <name> had e841784d672ebb59baec73f291cd7ef0e364526446517a9c2282a0760cf61706 when it was registered");
}

#[test]
fn what_lies_at_the_address_already_is_replaced() {
    let Some(cloud) = Cloud::with_digest("planted", vec![]) else { return };
    let other = format!("{}-prod", cloud.name);
    let digest = common::sha256_hex("the model");
    let key = format!("model-artifacts/promoted/{digest}/model.tar.gz");
    let aws = cloud.aws();
    let planted = aws.s3().put_object().bucket(&other).key(&key).body(b"PLANTED".to_vec().into());
    aws.wait(planted.send()).unwrap();
    let promoted = cloud.json(0, &[&PROMOTE[..], &["--yes"]].concat());
    assert_eq!(promoted["model_data_url"], format!("s3://{other}/{key}"));
    let object = aws.wait(aws.s3().get_object().bucket(&other).key(&key).send()).unwrap();
    let bytes = aws.wait(object.body.collect()).unwrap().into_bytes();
    assert_eq!(&bytes[..], b"the model");
}

#[test]
fn only_the_report_meets_a_gate() {
    let Some(cloud) = Cloud::with_digest("report", vec![]) else { return };
    let with = |recall: Value| {
        let mut report = report();
        report["binary_classification_metrics"]["recall"]["value"] = recall;
        cloud.put("evaluation/x1/evaluation.json", report.to_string());
    };
    with(json!("NaN"));
    insta::assert_snapshot!(cloud.not_promoted(4), @"error: version 1 does not meet the quality gates of config/pipeline_config.yaml + prod.yaml: recall has no value, at least 0.85 wanted");
    let gates = cloud.json(4, &[&PROMOTE[..], &["--yes"]].concat())["gates"].clone();
    assert_eq!(
        gates[2],
        json!({ "metric": "recall", "minimum": 0.85, "value": null, "met": false })
    );
    with(Value::Null);
    assert!(cloud.not_promoted(4).contains("recall has no value"));
    with(json!(98));
    insta::assert_snapshot!(cloud.not_promoted(3), @"error: the report of version 1, s3://<name>/evaluation/x1/evaluation.json, has recall 98, expected a number from 0 to 1");
    cloud.put("evaluation/x1/evaluation.json", "{}");
    insta::assert_snapshot!(cloud.not_promoted(3), @"error: the report of version 1, s3://<name>/evaluation/x1/evaluation.json, has no accuracy, for which the other stage has a gate");
    cloud.put("evaluation/x1/evaluation.json", "not json");
    insta::assert_snapshot!(cloud.not_promoted(3), @"error: the report of version 1, s3://<name>/evaluation/x1/evaluation.json, is not JSON: expected ident at line 1 column 2");

    let none = |version: CreateModelPackageFluentBuilder| version.set_model_metrics(None);
    let Some(cloud) = Cloud::with_changed("no-report", vec![], none) else { return };
    insta::assert_snapshot!(cloud.not_promoted(3), @"error: version 1 of group <name> has no report, by which the other stage's gates are judged");
}

#[test]
fn a_version_is_promoted_whole_or_not_at_all() {
    let two = |version: CreateModelPackageFluentBuilder| {
        let container = |image: &str| {
            api::ModelPackageContainerDefinition::builder()
                .image(image)
                .model_data_url("s3://bucket/model.tar.gz")
                .environment("THRESHOLD", "0.3")
                .build()
        };
        let containers = vec![container("a@sha256:5e"), container("b@sha256:5e")];
        version.inference_specification(
            api::InferenceSpecification::builder().set_containers(Some(containers)).build(),
        )
    };
    let Some(cloud) = Cloud::with_changed("two-containers", vec![], two) else { return };
    insta::assert_snapshot!(cloud.not_promoted(3), @"error: version 1 of group <name> has InferenceSpecification.Containers[0].Environment, InferenceSpecification.Containers[1], which would be missing in the other stage; expected one container with no more than an image and a model");
    let shown = cloud.orchestrator(&["models", "show", "1"]).expect(0).stdout;
    assert!(
        shown.contains("\nhas also             InferenceSpecification.Containers[0].Env"),
        "{shown}"
    );

    // What decides nothing is left out, and said.
    let task = |version: CreateModelPackageFluentBuilder| version.task("CLASSIFICATION");
    let Some(cloud) = Cloud::with_changed("task", vec![], task) else { return };
    let proposed = cloud.orchestrator(&[&PROMOTE[..], &["--dry-run"]].concat()).expect(0).stdout;
    assert!(proposed.contains("\n  left out: Task\n"), "{proposed}");
}

#[test]
fn a_bucket_of_another_region_is_refused() {
    let bucket = format!("HEAD /elsewhere-{}-prod/", std::process::id());
    let moved = Answer::body(301, "text/xml", "").with_header("x-amz-bucket-region", "eu-west-1");
    let rules = vec![Rule::answers(&bucket, [moved])];
    let Some(cloud) = Cloud::with_digest("elsewhere", rules) else { return };
    insta::assert_snapshot!(cloud.not_promoted(2), @"error: --to config/pipeline_config.yaml + prod.yaml: s3_paths.bucket is <name>-prod, which is in eu-west-1; expected a bucket of us-east-1, which aws.region names");
}

#[test]
fn a_version_is_promoted_once() {
    let Some(cloud) = Cloud::with_digest("once", vec![]) else { return };
    let overlay = fs_err::read_to_string(cloud.place.path("prod.yaml")).unwrap();
    cloud.place.file("prod.yaml", format!("{overlay}tags:\n  stage: production\n"));
    let arn = cloud.json(0, &[&PROMOTE[..], &["--yes"]].concat())["model_package_arn"].clone();
    let again = cloud.orchestrator(&PROMOTE).expect(0).stdout;
    insta::assert_snapshot!(cloud.neutral(&again), @"Version 1 of group <name> is there already, with the same model: arn:aws:sagemaker:us-east-1:123456789012:model-package/<name>-prod/1 (PendingManualApproval)");
    assert_eq!(cloud.json(0, &PROMOTE)["model_package_arn"], arn);
    // The other is that of the first stage.
    assert_eq!(cloud.server.count("CreateModelPackage"), 2);

    let calls = cloud.server.calls();
    let group = calls.iter().rfind(|(action, _)| action == "CreateModelPackageGroup").unwrap();
    let tags = group.1["Tags"].as_array().unwrap();
    let has = |key: &str, value: &str| tags.contains(&json!({ "Key": key, "Value": value }));
    assert!(has("stage", "production"), "{tags:?}");
    assert!(has("managed-by", "machine-downtime-orchestrator"), "{tags:?}");
}

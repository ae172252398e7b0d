//! Settings of several files, and versions that are promoted to another stage.

use serde_json::json;
use testkit::aws::{Answer, Rule};

use super::{Cloud, images};

pub(super) const DIGEST: &str =
    "sha256:5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e";
pub(super) const REPOSITORY: &str =
    "123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/serve";

impl Cloud {
    /// Returns a cloud with a bucket and settings of a second stage.
    pub(super) fn of_two_stages(name: &str, rules: Vec<Rule>) -> Option<Self> {
        let cloud = Self::before_moto(name, rules)?;
        let other = format!("{}-prod", cloud.name);
        let s3 = cloud.aws().s3();
        cloud.aws().wait(s3.create_bucket().bucket(&other).send()).unwrap();
        let overlay = format!(
            "s3_paths:\n  bucket: {other}\nmodel_registry:\n  model_package_group_name: {other}\n\
             quality_gates:\n  accuracy: 0.95\n"
        );
        cloud.place.file("prod.yaml", overlay);
        cloud.put("model-artifacts/x1/model.tar.gz", "the model");
        Some(cloud)
    }
}

/// Returns a cloud of two stages with an approved version, whose metadata moto has forgotten when it was approved.
fn approved(name: &str, rules: Vec<Rule>, image: &str) -> Option<Cloud> {
    let cloud = Cloud::of_two_stages(name, rules)?;
    super::life::register_with_image(
        &cloud,
        "x1",
        &format!("s3://{}/model-artifacts/x1/model.tar.gz", cloud.name),
        image,
    );
    let value = |value: f64| json!({ "value": value, "standard_deviation": "NaN" });
    let metrics = json!({ "accuracy": value(0.9874), "f1": value(0.9871), "recall": value(0.98) });
    let report = json!({ "format_version": 1, "binary_classification_metrics": metrics });
    cloud.put("evaluation/x1/evaluation.json", report.to_string());
    Some(cloud)
}

pub(super) const PROMOTE: [&str; 6] =
    ["promote", "latest", "--to", "config/pipeline_config.yaml", "--to", "prod.yaml"];

#[test]
fn the_same_bytes_are_registered_in_the_other_stage() {
    let image = format!("{REPOSITORY}@{DIGEST}");
    let Some(cloud) = approved("promoted", vec![images()], &image) else { return };
    let refused = cloud.orchestrator(&PROMOTE).expect(2).stderr;
    assert!(refused.contains("is PendingManualApproval, expected Approved"), "{refused}");
    cloud.orchestrator(&["models", "approve", "1", "--reason", "tested"]).expect(0);

    let proposed = cloud.orchestrator(&[&PROMOTE[..], &["--dry-run"]].concat()).expect(0).stdout;
    insta::assert_snapshot!(cloud.neutral(&proposed), @"
    Version 1 of group <name> is registered in group <name>-prod of account 123456789012 in us-east-1.
      model  s3://<name>-prod/model-artifacts/promoted/36cc7e3d6f6200756c81e18470827e9dac1c602fcd87761cbb0b8f015611c098/model.tar.gz (9 bytes)
             its digest is not recorded, so that nobody can tell whether these bytes are those that were evaluated
      report s3://<name>-prod/evaluation/promoted/3e00713060aee2fabae2356424105418ee7506956574cbed6e546b4d786666c0/evaluation.json: its digest is not recorded, so that nobody can tell whether these bytes are those that were evaluated
      image  123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/serve@sha256:5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e
      gate   accuracy 0.9874 >= 0.95
      gate   f1_score 0.9871 >= 0.75
      gate   recall 0.9800 >= 0.85
    Nothing was done: --dry-run.
    ");
    let promoted = cloud.json(0, &[&PROMOTE[..], &["--yes"]].concat());
    let arn = promoted["model_package_arn"].as_str().unwrap();
    assert!(arn.ends_with(&format!("model-package/{}-prod/1", cloud.name)), "{arn}");
    let url = promoted["model_data_url"].as_str().unwrap();
    let key = url.strip_prefix(&format!("s3://{}-prod/", cloud.name)).unwrap();
    // The body is read by the connection that asked for it.
    let aws = cloud.aws();
    let object = aws.s3().get_object().bucket(format!("{}-prod", cloud.name)).key(key);
    let object = aws.wait(object.send()).unwrap();
    let bytes = aws.wait(object.body.collect()).unwrap().into_bytes();
    assert_eq!(&bytes[..], b"the model");
    let both = ["--config", "config/pipeline_config.yaml", "--config", "prod.yaml"];
    let shown = cloud.json(0, &[&["models", "show", "latest"][..], &both].concat());
    let package = &shown["model_package"];
    assert_eq!(package["approval_status"], "PendingManualApproval");
    assert_eq!(package["inference_image"], image);
    let origin = package["metadata"]["promoted_from"].as_str().unwrap();
    assert!(origin.ends_with(&format!("model-package/{}/1", cloud.name)), "{origin}");
    let digest = common::sha256_hex("the model");
    assert_eq!(package["metadata"]["model_digest"], digest, "{shown}");
    assert_eq!(
        (&promoted["digest_was_recorded"], &promoted["model_digest"]),
        (&false.into(), &digest.into())
    );

    // A stage is not promoted to itself.
    let itself = ["promote", "latest", "--to", "config/pipeline_config.yaml"];
    let refused = cloud.orchestrator(&itself).expect(2).stderr;
    assert!(refused.contains("expected another group, account or region"), "{refused}");
}

#[test]
fn the_other_stages_gates_are_judged() {
    let image = format!("{REPOSITORY}@{DIGEST}");
    let Some(cloud) = approved("missed-gate", vec![images()], &image) else { return };
    cloud.orchestrator(&["models", "approve", "1"]).expect(0);
    let overlay = fs_err::read_to_string(cloud.place.path("prod.yaml")).unwrap();
    cloud.place.file("prod.yaml", overlay.replace("accuracy: 0.95", "accuracy: 0.99"));
    let missed = cloud.orchestrator(&[&PROMOTE[..], &["--yes"]].concat()).expect(4).stderr;
    insta::assert_snapshot!(missed, @"error: version 1 does not meet the quality gates of config/pipeline_config.yaml + prod.yaml: accuracy 0.9874 < 0.99");
    assert_eq!(cloud.server.count("CreateModelPackage"), 1);
}

#[test]
fn an_image_that_the_other_stage_lacks_is_named() {
    let by_tag = format!("{REPOSITORY}:v1");
    let Some(cloud) = approved("tagged", vec![images()], &by_tag) else { return };
    cloud.orchestrator(&["models", "approve", "1"]).expect(0);
    let refused = cloud.orchestrator(&PROMOTE).expect(2).stderr;
    assert!(refused.contains("names its image by a tag"), "{refused}");

    let none = Answer::refused(400, "ImageNotFoundException", "no such image");
    let rules = vec![Rule::answers("DescribeImages", [none])];
    let image = format!("{REPOSITORY}@{DIGEST}");
    let Some(cloud) = approved("no-image", rules, &image) else { return };
    cloud.orchestrator(&["models", "approve", "1"]).expect(0);
    let refused = cloud.orchestrator(&PROMOTE).expect(2).stderr;
    assert!(refused.contains("is not in the other stage's registry; copy "), "{refused}");
    // The tags of its repositories cannot be overwritten.
    assert!(refused.ends_with("/machine-downtime/serve:promoted-5e5e5e5e5e5e`\n"), "{refused}");
    assert_eq!(cloud.server.count("CreateModelPackage"), 1);
}

#[test]
fn each_value_is_explained() {
    let cloud = Cloud::alone(Vec::new());
    cloud.place.file("prod.yaml", "hyperparameters:\n  max_depth: 14\n");
    let both = ["--config", "config/pipeline_config.yaml", "--config", "prod.yaml"];
    let explained = [&["validate", "--explain"][..], &both].concat();
    let explained = cloud.orchestrator(&explained).expect(0).stdout;
    let line = |path: &str| explained.lines().find(|line| line.starts_with(path)).unwrap();
    let depth = line("hyperparameters.max_depth ");
    assert!(depth.contains(" 14 ") && depth.ends_with(" prod.yaml:2"), "{depth}");
    let region = line("aws.region ");
    let from = "config/pipeline_config.yaml:113, from ${AWS_REGION:-us-east-1}";
    assert!(region.contains(" us-east-1 ") && region.ends_with(from), "{region}");
    assert!(line("hyperparameters.max_bins ").ends_with(" default"), "{explained}");

    let digests = format!("# pushed\nimages:\n  train: {REPOSITORY}@{DIGEST}\n");
    let file = cloud.place.file("digests.yaml", digests);
    let with_images = ["validate", "--explain", "--images", file.as_str()];
    let explained = cloud.orchestrator(&with_images).expect(0).stdout;
    let line = |path: &str| explained.lines().find(|line| line.starts_with(path)).unwrap();
    assert!(line("aws.images.train ").ends_with("digests.yaml:3"), "{explained}");
    assert!(line("aws.images.serve ").ends_with("pipeline_config.yaml:122"), "{explained}");
    cloud.place.file("prod.yaml", "hyperparameters:\n  max_deep: 14\n");
    let refused = [&["validate"][..], &both].concat();
    let refused = cloud.orchestrator(&refused).expect(2).stderr;
    assert!(
        refused.starts_with("error: prod.yaml:2:3: hyperparameters.max_deep: unknown key"),
        "{refused}"
    );
}

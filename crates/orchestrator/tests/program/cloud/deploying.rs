//! `orchestrator deploy`: updates, adoption, uploads and long definitions.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::aws::{Answer, Rule};

use super::{Cloud, images};

#[test]
fn an_unchanged_pipeline_costs_no_write() {
    let Some(cloud) = Cloud::before_moto("unchanged", vec![images()]) else { return };
    let digests = ["preprocess", "train", "evaluate", "register", "serve"].map(|step| {
        format!(
            "  {step}: 123456789012.dkr.ecr.us-east-1.amazonaws.com/m/{step}@sha256:{}\n",
            "0".repeat(64)
        )
    });
    let images = cloud.place.file("digests.yaml", format!("images:\n{}", digests.concat()));
    cloud.orchestrator(&["deploy", "--images", images.as_str()]).expect(0);
    let before = cloud.server.actions().len();
    cloud.orchestrator(&["deploy", "--images", images.as_str()]).expect(0);
    let newest = format!("GET /{0}/pipeline-definitions/{0}/newest-upload.json", cloud.name);
    let mut actions = cloud.server.actions().split_off(before);
    // Images by digest are looked up, too: nobody deploys one that is not there.
    actions.retain(|action| action != "DescribeImages");
    let group = ["DescribeModelPackageGroup", "ListTags"];
    assert_eq!(actions, [&[newest.as_str(), "DescribePipeline", "ListTags"], &group[..]].concat());
    assert_eq!(cloud.server.count("DescribeImages"), 10);
}

#[test]
fn tags_that_somebody_changed_are_seen_and_mended() {
    let Some(cloud) = Cloud::before_moto("retagged", vec![images()]) else { return };
    cloud.orchestrator(&["deploy"]).expect(0);
    cloud.orchestrator(&["plan"]).expect(0);
    let tag = aws::sagemaker::types::Tag::builder().key("project").value("theirs").build();
    let other = aws::sagemaker::types::Tag::builder().key("owner").value("ann").build();
    let tags = cloud.aws().sagemaker().add_tags().resource_arn(cloud.pipeline_arn());
    cloud.aws().wait(tags.tags(tag).tags(other).send()).unwrap();
    let plan = cloud.json(10, &["plan"]);
    let change =
        json!({ "place": "Tags.project", "before": "theirs", "after": "machine-downtime" });
    assert_eq!(plan["changes"], json!([change]));
    cloud.orchestrator(&["deploy"]).expect(0);
    cloud.orchestrator(&["plan"]).expect(0);
    let tags = cloud.aws().sagemaker().list_tags().resource_arn(cloud.pipeline_arn());
    let tags = cloud.aws().wait(tags.send()).unwrap();
    // A tag of somebody else stays.
    assert!(tags.tags().iter().any(|tag| tag.key() == Some("owner")), "{tags:?}");
}

/// The versions of a group have no tags of their own.
#[test]
fn the_group_has_the_tags() {
    let Some(cloud) = Cloud::before_moto("tagged-group", vec![images()]) else { return };
    cloud.orchestrator(&["deploy"]).expect(0);
    let sagemaker = cloud.aws().sagemaker();
    let group =
        format!("arn:aws:sagemaker:us-east-1:123456789012:model-package-group/{}", cloud.name);
    let tags = || {
        let tags = cloud.aws().wait(sagemaker.list_tags().resource_arn(&group).send()).unwrap();
        let tags = tags.tags.unwrap_or_default().into_iter();
        tags.filter_map(|tag| tag.key.zip(tag.value)).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(tags()["project"], "machine-downtime");
    assert_eq!(tags()["managed-by"], "machine-downtime-orchestrator");

    // One that something else has made gets the settings' tags, and no owner.
    let forget = sagemaker.delete_tags().resource_arn(&group);
    let forget = forget.tag_keys("project").tag_keys("managed-by");
    cloud.aws().wait(forget.send()).unwrap();
    let plan = cloud.json(10, &["plan"]);
    assert_eq!(plan["changes"][0]["place"], "ModelPackageGroup.Tags.project");
    cloud.orchestrator(&["deploy"]).expect(0);
    cloud.orchestrator(&["plan"]).expect(0);
    assert_eq!(tags().into_keys().collect::<Vec<_>>(), ["project"]);
    // It is not ours to delete until somebody says so.
    let refused = cloud.orchestrator(&["destroy", "--yes"]).expect(5).stderr;
    insta::assert_snapshot!(cloud.neutral(&refused), @"error: the model package group <name> is there and has no tag managed-by=machine-downtime-orchestrator: its versions may be another's; `destroy --keep-models` leaves it, and `deploy --adopt` takes it over");
    assert_eq!(cloud.server.count("DeletePipeline"), 0);
    cloud.orchestrator(&["destroy", "--dry-run", "--keep-models"]).expect(0);
    cloud.orchestrator(&["deploy", "--adopt"]).expect(0);
    cloud.orchestrator(&["destroy", "--dry-run"]).expect(0);
}

/// A digest is looked up before a job fails for want of its image, in whichever account it is.
#[test]
fn an_image_by_digest_that_is_not_there() {
    let gone = Answer::refused(400, "ImageNotFoundException", "The image does not exist");
    let cloud = Cloud::alone(vec![Rule::with("DescribeImages", move |request| {
        if request["registryId"] == "999999999999" {
            return gone.clone();
        }
        let digest = format!("sha256:{:064x}", 1);
        Answer::json(json!({ "imageDetails": [{ "imageDigest": digest }] }))
    })]);
    let image = format!("999999999999.dkr.ecr.us-east-1.amazonaws.com/m/train@sha256:{:064x}", 2);
    let images = cloud.place.file("digests.yaml", format!("images:\n  train: {image}\n"));
    let refused = cloud.orchestrator(&["plan", "--images", images.as_str()]).expect(5).stderr;
    assert!(refused.starts_with(&format!("error: not in ECR: {image};")), "{refused}");
}

/// Preprocess reads the settings of the table from the address in the definition, so they are there
/// before the pipeline is.
#[test]
fn the_settings_of_the_table_are_uploaded_before_the_pipeline_changes() {
    let Some(cloud) = Cloud::before_moto("settings", vec![images()]) else { return };
    let address = || {
        let plan = cloud.json(10, &["plan"]);
        plan["table_settings"].as_str().unwrap().to_owned()
    };
    let writes = |from: usize| -> Vec<String> {
        let actions = cloud.server.actions().into_iter().skip(from);
        let reads = ["Describe", "ListTags", "GET "];
        actions.filter(|action| !reads.iter().any(|read| action.starts_with(read))).collect()
    };
    let first = address();
    let table = cloud.orchestrator(&["definition", "--table-settings"]).expect(0).stdout;
    let digest = common::sha256_hex(&table);
    let name = &cloud.name;
    let key = format!("pipeline-definitions/{name}/{digest}/table.json");
    assert_eq!(first, format!("s3://{name}/{key}"));

    let before = cloud.server.actions().len();
    let deployed = cloud.json(0, &["deploy"]);
    assert_eq!(deployed["table_settings"], first);
    let put = |key: &str| format!("PUT /{name}/{key}");
    let created = ["CreatePipeline", "CreateModelPackageGroup"];
    assert_eq!(writes(before), [&["GetCallerIdentity", &put(&key)], &created[..]].concat());
    let stored = |key: &str| {
        let object = cloud.aws().s3().get_object().bucket(name).key(key);
        let body = cloud.aws().wait(async { object.send().await.unwrap().body.collect().await });
        String::from_utf8(body.unwrap().into_bytes().to_vec()).unwrap()
    };
    assert_eq!(stored(&key), table);

    // Nothing to change, nothing to upload.
    let before = cloud.server.actions().len();
    assert!(cloud.json(0, &["plan"])["table_settings"].is_null());
    assert!(cloud.json(0, &["deploy"]).get("table_settings").is_none());
    assert_eq!(writes(before), [""; 0]);

    // Other columns are another object, and the first one stays for executions that began before.
    cloud.edit("spellings: [Cutting_Force]", "spellings: [Cutting_Force, Feed_Force]");
    let second = address();
    assert_ne!(second, first);
    let before = cloud.server.actions().len();
    cloud.orchestrator(&["deploy", "--dry-run"]).expect(0);
    assert_eq!(writes(before), [""; 0]);
    cloud.orchestrator(&["deploy"]).expect(0);
    let key_of_second = second.split_once(&format!("s3://{name}/")).unwrap().1;
    assert_eq!(writes(before), [&put(key_of_second), "AddTags", "UpdatePipeline"]);
    assert!(stored(key_of_second).contains("Feed_Force"));
    assert_eq!(stored(&key), table);
}

/// A definition from a file that reads other settings is not given these.
#[test]
fn a_definition_that_reads_other_settings_gets_none() {
    let Some(cloud) = Cloud::before_moto("others", vec![images()]) else { return };
    let definition = cloud.orchestrator(&["definition"]).expect(0).stdout;
    let file = cloud.place.file("definition.json", definition);
    let deploy = ["deploy", "--dry-run", "--definition", file.as_str()];
    assert!(cloud.json(0, &deploy)["table_settings"].is_string());
    // Of such a definition nobody looks the images up, and they may become others.
    let tags = cloud.orchestrator(&deploy).expect(0).stderr;
    let tags: Vec<&str> = tags.lines().filter(|line| line.contains("by tags")).collect();
    assert_eq!(tags.len(), 1, "{tags:?}");
    for image in ["preprocess", "train", "evaluate", "register", "serve"] {
        assert!(tags[0].contains(&format!("{image}:latest")), "{tags:?}");
    }
    assert!(!cloud.orchestrator(&["plan"]).expect(10).stderr.contains("by tags"));
    cloud.edit("spellings: [Cutting_Force]", "spellings: [Cutting_Force, Feed_Force]");
    assert!(cloud.json(0, &deploy)["table_settings"].is_null());
}

#[test]
fn an_update_keeps_properties_and_tags_that_others_set() {
    let Some(cloud) = Cloud::before_moto("kept", vec![images()]) else { return };
    cloud.orchestrator(&["deploy"]).expect(0);
    let arn = cloud.pipeline_arn();
    let (aws, sagemaker) = (cloud.aws(), cloud.aws().sagemaker());
    let five = aws::sagemaker::types::ParallelismConfiguration::builder()
        .max_parallel_execution_steps(5)
        .build();
    let update =
        sagemaker.update_pipeline().pipeline_name(&cloud.name).pipeline_display_name("Downtime");
    aws.wait(update.parallelism_configuration(five).send()).unwrap();
    let tag = aws::sagemaker::types::Tag::builder().key("cost-center").value("42").build();
    aws.wait(sagemaker.add_tags().resource_arn(&arn).tags(tag).send()).unwrap();

    cloud.edit("min_samples_leaf: 1", "min_samples_leaf: 2");
    cloud.orchestrator(&["deploy"]).expect(0);
    let (_, update) =
        cloud.server.calls().into_iter().rfind(|(action, _)| action == "UpdatePipeline").unwrap();
    assert_eq!(update["ParallelismConfiguration"], json!({ "MaxParallelExecutionSteps": 5 }));
    assert_eq!(update["PipelineDisplayName"], "Downtime");
    cloud.edit("pipeline:\n", "pipeline:\n  max_parallel_steps: 3\n");
    let plan = cloud.json(10, &["plan"]).to_string();
    assert!(plan.contains("ParallelismConfiguration.MaxParallelExecutionSteps"), "{plan}");
    cloud.orchestrator(&["deploy"]).expect(0);
    let (_, update) =
        cloud.server.calls().into_iter().rfind(|(action, _)| action == "UpdatePipeline").unwrap();
    assert_eq!(update["ParallelismConfiguration"], json!({ "MaxParallelExecutionSteps": 3 }));
    let tags = aws.wait(sagemaker.list_tags().resource_arn(&arn).send()).unwrap();
    assert!(tags.tags().iter().any(|tag| tag.key() == Some("cost-center")), "{tags:?}");
}

#[test]
fn adopting_an_unchanged_pipeline_adds_the_tag() {
    let Some(cloud) = Cloud::before_moto("adopted", vec![images()]) else { return };
    cloud.orchestrator(&["deploy"]).expect(0);
    let arn = cloud.pipeline_arn();
    let sagemaker = cloud.aws().sagemaker();
    let delete = sagemaker.delete_tags().resource_arn(&arn).tag_keys("managed-by");
    cloud.aws().wait(delete.send()).unwrap();
    cloud.orchestrator(&["deploy", "--adopt"]).expect(0);
    cloud.edit("max_depth: 10", "max_depth: 11");
    cloud.orchestrator(&["deploy"]).expect(0);
}

#[test]
fn a_large_table_is_uploaded_in_parts() {
    let Some(cloud) = Cloud::before_moto("parts", vec![images()]) else { return };
    let table = cloud.table("table.csv", 300_000);
    let length = fs_err::metadata(&table).unwrap().len();
    let deployed = cloud.json(0, &["deploy", "--upload", table.as_str()]);
    let key = deployed["uploaded"].as_str().unwrap().split_once(&cloud.name).unwrap().1;
    let put = format!("PUT /{}{key}", cloud.name);
    let parts = cloud.server.actions().iter().filter(|action| action.starts_with(&put)).count();
    assert!(parts > 1);
    assert_eq!(parts as u64, length.div_ceil(8 << 20));
    let head = cloud.aws().s3().get_object().bucket(&cloud.name).key(key.trim_start_matches('/'));
    let body = cloud.aws().wait(async { head.send().await.unwrap().body.collect().await }).unwrap();
    assert!(body.into_bytes() == fs_err::read(&table).unwrap());
}

#[test]
fn a_definition_above_the_size_limit_is_uploaded_to_the_bucket() {
    let created = Rule::with("CreatePipeline", |request| {
        assert_eq!(request["PipelineDefinition"], Value::Null);
        Answer::json(
            json!({ "PipelineArn": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/long" }),
        )
    });
    let Some(cloud) = Cloud::before_moto("long", vec![images(), created]) else { return };
    let mut definition: Value =
        serde_json::from_str(&cloud.orchestrator(&["definition"]).expect(0).stdout).unwrap();
    definition["Metadata"] = json!({ "notes": "x".repeat(1 << 20) });
    let file = cloud.place.file("long.json", definition.to_string());
    let outcome = cloud.orchestrator(&["deploy", "--definition", file.as_str()]).expect(0);
    assert!(
        outcome.stderr.contains(&format!("pipeline-definitions/{}/", cloud.name)),
        "{}",
        outcome.stderr
    );
    let calls = cloud.server.calls();
    let (_, request) = calls.iter().find(|(action, _)| action == "CreatePipeline").unwrap();
    let location = &request["PipelineDefinitionS3Location"];
    assert_eq!(location["Bucket"], cloud.name);
    let key = location["ObjectKey"].as_str().unwrap();
    let stored = cloud.aws().s3().get_object().bucket(&cloud.name).key(key);
    let stored = cloud.aws().wait(async { stored.send().await.unwrap().body.collect().await });
    let stored: Value = serde_json::from_slice(&stored.unwrap().into_bytes()).unwrap();
    assert_eq!(stored, definition);
}

//! Earlier versions of the pipeline, and deleting it with all that it has left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use testkit::aws::{Answer, Rule};

use super::life::register;
use super::{ACCOUNT, Cloud, images};

const OWNED: &str = "machine-downtime-orchestrator";

fn definition(step: &str) -> String {
    let steps = json!([{ "Name": step, "Type": "Fail", "Arguments": { "ErrorMessage": "no" } }]);
    json!({ "Version": "2020-12-01", "Parameters": [], "Steps": steps }).to_string()
}

/// Returns a pipeline of two versions.
fn versions(executions: Value) -> Cloud {
    let described = |request: &Value| {
        let step = if request["PipelineVersionId"] == 1 { "First" } else { "Second" };
        Answer::json(json!({
            "PipelineArn": format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/alone"),
            "PipelineName": "alone", "PipelineDefinition": definition(step),
            "RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/MachineDowntimePipelineExecutionRole"),
            "PipelineDescription": "Predicts machine downtime from sensor readings with a random forest",
        }))
    };
    let execution = format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/alone/execution/x1");
    let listed = json!({ "PipelineVersionSummaries": [
        { "PipelineVersionId": 1, "CreationTime": 1_790_000_000.0,
          "LastExecutionPipelineExecutionArn": execution },
        { "PipelineVersionId": 2, "CreationTime": 1_790_086_400.0 },
    ]});
    let tags = json!({ "Tags": [
        { "Key": "managed-by", "Value": OWNED }, { "Key": "project", "Value": "machine-downtime" },
    ]});
    let arn = json!({ "PipelineArn": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/alone" });
    Cloud::alone(vec![
        Rule::with("DescribePipeline", described),
        Rule::answers("ListPipelineVersions", [Answer::json(listed)]),
        Rule::answers("ListTags", [Answer::json(tags)]),
        Rule::answers("AddTags", [Answer::json(json!({}))]),
        Rule::answers("UpdatePipeline", [Answer::json(arn.clone())]),
        Rule::answers("DeletePipeline", [Answer::json(arn)]),
        Rule::answers("ListPipelineExecutions", [Answer::json(executions)]),
    ])
}

#[test]
fn an_earlier_version_is_deployed_again() {
    let cloud = versions(json!({ "PipelineExecutionSummaries": [] }));
    insta::assert_snapshot!(cloud.orchestrator(&["pipeline", "versions"]).expect(0).stdout, @"
    Version   Deployed              Last execution
    2         2026-09-22T14:13:20Z
    1         2026-09-21T14:13:20Z  x1
    ");
    let proposed = cloud.orchestrator(&["pipeline", "rollback", "--dry-run"]).expect(0).stdout;
    insta::assert_snapshot!(proposed, @"
    alone goes back to version 1: 2 changes.
      Steps.Second: removed {Arguments: {ErrorMessage: no}, Name: Second, Type: Fail}
      Steps.First: added {Arguments: {ErrorMessage: no}, Name: First, Type: Fail}
    Nothing was done: --dry-run.
    ");
    assert_eq!(cloud.server.count("UpdatePipeline"), 0);
    // Nobody can be asked.
    cloud.orchestrator(&["pipeline", "rollback"]).expect(2);
    assert_eq!(cloud.server.count("UpdatePipeline"), 0);
    cloud.orchestrator(&["pipeline", "rollback", "--yes", "--to", "1"]).expect(0);
    let calls = cloud.server.calls();
    let update = calls.iter().find(|(action, _)| action == "UpdatePipeline").unwrap();
    assert_eq!(update.1["PipelineDefinition"], definition("First"));
    let same = cloud.orchestrator(&["pipeline", "rollback", "--to", "2"]).expect(0).stdout;
    assert_eq!(same, "alone is as it was in version 2.\n");
}

/// What could not run is not deployed again.
#[test]
fn a_version_that_cannot_run_is_not_brought_back() {
    let image = format!(
        "{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/train@sha256:{:064x}",
        7
    );
    let step = json!([{ "Name": "Train", "Type": "Fail", "Arguments": { "ErrorMessage": image } }]);
    let gone = json!({ "Version": "2020-12-01", "Parameters": [], "Steps": step }).to_string();
    for (definition, expected) in [
        (gone, "version 1 names images that are not there"),
        ("{".to_owned(), "version 1 cannot be read"),
    ] {
        let described = Rule::with("DescribePipeline", move |request| {
            let is_first = request["PipelineVersionId"] == 1;
            Answer::json(json!({
                "PipelineArn": format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/alone"),
                "PipelineDefinition": if is_first { definition.clone() } else { self::definition("Now") },
            }))
        });
        let tags = json!({ "Tags": [{ "Key": "managed-by", "Value": OWNED }] });
        let none = Answer::refused(400, "ImageNotFoundException", "no such image");
        let cloud = Cloud::alone(vec![
            described,
            Rule::answers("ListTags", [Answer::json(tags)]),
            Rule::answers("DescribeImages", [none]),
        ]);
        let refused = cloud.orchestrator(&["pipeline", "rollback", "--to", "1", "--yes"]);
        let refused = refused.expect(2).stderr;
        assert!(refused.contains(expected), "{refused}");
        assert_eq!(cloud.server.count("UpdatePipeline"), 0);
    }
}

#[test]
fn a_pipeline_that_runs_is_not_deleted() {
    let arn = format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/alone/execution/x1");
    let running = json!({ "PipelineExecutionSummaries": [
        { "PipelineExecutionArn": arn, "PipelineExecutionStatus": "Executing",
          "StartTime": 1_790_000_000.0 },
    ]});
    let cloud = versions(running);
    let refused = cloud.orchestrator(&["pipeline", "delete", "--yes"]).expect(2).stderr;
    insta::assert_snapshot!(refused, @"error: alone is running x1; `orchestrator stop` stops an execution");
    let cloud = versions(json!({ "PipelineExecutionSummaries": [] }));
    let deleted = cloud.orchestrator(&["pipeline", "delete", "--dry-run"]).expect(0).stdout;
    assert!(deleted.contains("Data, models and images stay."), "{deleted}");
    assert_eq!(cloud.server.count("DeletePipeline"), 0);
    assert_eq!(cloud.json(0, &["pipeline", "delete", "--yes"])["deleted"], true);
    assert_eq!(cloud.server.count("DeletePipeline"), 1);
}

/// Returns the rules for what moto does not have: deleting models, and images that ECR has.
fn deletions() -> Vec<Rule> {
    let gone = Arc::new(AtomicBool::new(false));
    let is_gone = {
        let gone = gone.clone();
        move || gone.load(Ordering::SeqCst)
    };
    let absent =
        || Answer::refused(400, "ValidationException", "ModelPackageGroup does not exist.");
    let (listed, described) = (is_gone.clone(), is_gone);
    let no_images = Arc::new(AtomicBool::new(false));
    let emptied = no_images.clone();
    vec![
        Rule::answers("DeleteModelPackage", [Answer::json(json!({}))]),
        Rule::with("DeleteModelPackageGroup", move |_| {
            gone.store(true, Ordering::SeqCst);
            Answer::json(json!({}))
        }),
        Rule::with(
            "ListModelPackages",
            move |_| if listed() { absent() } else { Answer::forwarded() },
        ),
        Rule::with("DescribeModelPackageGroup", move |_| {
            if described() { absent() } else { Answer::forwarded() }
        }),
        Rule::with("ListImages", move |request| {
            let is_serve = request["repositoryName"] == "machine-downtime/serve";
            let images = match is_serve && !no_images.load(Ordering::SeqCst) {
                true => json!([
                    { "imageDigest": "sha256:aa", "imageTag": "1" },
                    { "imageDigest": "sha256:aa", "imageTag": "2" },
                    { "imageDigest": "sha256:bb" },
                ]),
                false => json!([]),
            };
            Answer::json(json!({ "imageIds": images }))
        }),
        Rule::answers("ListPipelines", [Answer::json(json!({ "PipelineSummaries": [] }))]),
        Rule::answers(
            "ListModelPackageGroups",
            [Answer::json(json!({ "ModelPackageGroupSummaryList": [] }))],
        ),
        Rule::with("BatchDeleteImage", move |_| {
            emptied.store(true, Ordering::SeqCst);
            Answer::json(json!({ "imageIds": [], "failures": [] }))
        }),
    ]
}

#[test]
fn all_is_listed_and_then_deleted() {
    let rules = deletions().into_iter().chain([images()]).collect();
    let Some(cloud) = Cloud::before_moto("destroyed", rules) else { return };
    let table = cloud.table("table.csv", 200);
    cloud.orchestrator(&["deploy", "--upload", table.as_str()]).expect(0);
    register(&cloud, "x1", &format!("s3://{}/model-artifacts/x1/model.tar.gz", cloud.name));
    cloud.put("somebody-elses/file.txt", "theirs");

    let all = ["destroy", "--with-data", "--with-images"];
    let listed = cloud.orchestrator(&[&all[..], &["--dry-run"]].concat()).expect(0).stdout;
    insta::assert_snapshot!(cloud.neutral(&listed), @"
    This is deleted in account 123456789012, region us-east-1:
      pipeline arn:aws:sagemaker:us-east-1:123456789012:pipeline/<name>, with the record of its executions
      model package group <name> with version 1
      s3://<name>/evaluation/: 2 objects and versions, 0.0 MB
      s3://<name>/model-artifacts/: 1 objects and versions, 0.0 MB
      s3://<name>/pipeline-definitions/<name>/: 2 objects and versions, 0.0 MB
      s3://<name>/raw/: 1 objects and versions, 0.0 MB
      repository machine-downtime/serve: 2 images
    What other accounts name of these images cannot run any more.
    Nothing was done: --dry-run.
    ");
    let kept = cloud.json(0, &["destroy", "--dry-run", "--keep-models"]);
    let kept = (&kept["group"], &kept["stored"], &kept["images"]);
    assert_eq!(kept, (&Value::Null, &json!([]), &json!([])));
    for action in ["DeletePipeline", "DeleteModelPackage", "BatchDeleteImage"] {
        assert_eq!(cloud.server.count(action), 0);
    }

    let outcome = cloud.orchestrator(&[&all[..], &["--yes"]].concat()).expect(0).stdout;
    assert!(
        outcome.ends_with("Deleted. Bucket, roles and repositories are the stack's.\n"),
        "{outcome}"
    );
    assert_eq!(cloud.server.count("DeleteModelPackage"), 1);
    let images = cloud.server.calls();
    let images = images.iter().find(|(action, _)| action == "BatchDeleteImage").unwrap();
    assert_eq!(
        images.1["imageIds"],
        json!([{ "imageDigest": "sha256:aa" }, { "imageDigest": "sha256:bb" }])
    );
    let left = cloud.aws().s3().list_objects_v2().bucket(&cloud.name);
    let left = cloud.aws().wait(left.send()).unwrap();
    let left: Vec<_> = left.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!(left, ["somebody-elses/file.txt"]);
    // What is gone is gone.
    let again = cloud.orchestrator(&[&all[..], &["--yes"]].concat()).expect(0).stdout;
    assert_eq!(again, "There is nothing to delete.\n");

    // What another pipeline has stored in the same bucket is not taken for ours.
    cloud.put("pipeline-definitions/theirs/1/table.json", "{}");
    let refused = cloud.orchestrator(&[&all[..], &["--yes"]].concat()).expect(2).stderr;
    assert!(refused.contains("is also that of theirs"), "{refused}");
}

/// Data and images that others in the account use are theirs, too.
#[test]
fn what_others_use_is_not_destroyed() {
    let other = format!("used-{}-other", std::process::id());
    let groups = json!({ "ModelPackageGroupSummaryList": [
        { "ModelPackageGroupName": other, "ModelPackageGroupArn": "arn", "CreationTime": 1.0,
          "ModelPackageGroupStatus": "Completed" },
    ]});
    let pipelines = json!({ "PipelineSummaries": [{ "PipelineName": "theirs" }] });
    let definition = json!({ "image": format!(
        "{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/train@sha256:{:064x}", 1
    )});
    let described = Rule::with("DescribePipeline", move |request| {
        if request["PipelineName"] != "theirs" {
            return Answer::forwarded();
        }
        Answer::json(json!({ "PipelineArn": "arn", "PipelineDefinition": definition.to_string() }))
    });
    let rules = vec![
        images(),
        Rule::answers("ListModelPackageGroups", [Answer::json(groups)]),
        Rule::answers("ListPipelines", [Answer::json(pipelines)]),
        described,
    ];
    let Some(cloud) = Cloud::before_moto("used", rules) else { return };
    cloud.orchestrator(&["deploy"]).expect(0);
    // The other stage has a group of its own, and nothing else.
    let s3 = cloud.aws().s3();
    cloud.aws().wait(s3.create_bucket().bucket(&other).send()).unwrap();
    let own = fs_err::read_to_string(cloud.place.path("config/pipeline_config.yaml")).unwrap();
    cloud.edit(&format!("group_name: {}", cloud.name), &format!("group_name: {other}"));
    cloud.orchestrator(&["deploy"]).expect(0);
    let stage = Cloud { name: other.clone(), ..cloud };
    let model = format!("s3://{}/model-artifacts/promoted/1/model.tar.gz", stage.name);
    let model = model.replace("-other/", "/");
    register(&stage, "x1", &model);
    stage.orchestrator(&["models", "approve", "1"]).expect(0);
    stage.place.file("config/pipeline_config.yaml", own);

    let destroy = |option| stage.orchestrator(&["destroy", "--yes", option]).expect(2).stderr;
    let found = destroy("--with-data").replace(&other, "<other>");
    insta::assert_snapshot!(found, @"error: --with-data would delete what is used by version 1 of group <other>: it is in the bucket of these settings");
    let found = destroy("--with-images").replace(&other, "<other>");
    insta::assert_snapshot!(found, @"error: --with-images would delete what is used by version 1 of group <other>, pipeline theirs: it is in the repositories of these settings");
    assert_eq!(stage.server.count("DeletePipeline"), 0);
    stage.orchestrator(&["destroy", "--dry-run"]).expect(0);
}

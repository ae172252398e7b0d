//! From the first deployment to an approved model: the commands that docs/on-sagemaker.md shows.

use infrastructure::PolicyKind;
use serde_json::{Value, json};
use testkit::Sandbox;
use testkit::aws::{Answer, Rule};

use super::permissions::judge;
use super::{Cloud, images};

const METRICS: &str = r#"{"accuracy": 0.9874, "f1_score": 0.9871, "recall": 0.9802}"#;

fn evaluation(accuracy: f64) -> String {
    json!({
        "format_version": 1,
        "model": { "algorithm": "random_forest", "data_digest": "9f86d081", "program_version": "0.1.0" },
        "binary_classification_metrics": {
            "accuracy": { "value": accuracy, "standard_deviation": "NaN" },
            "f1": { "value": 0.9871, "standard_deviation": "NaN" },
        },
        "gates": [{ "metric": "accuracy", "minimum": 0.8, "value": accuracy, "met": true }],
    })
    .to_string()
}

/// Returns a step of the execution as ListPipelineExecutionSteps describes it.
fn step(name: &str, status: &str, metadata: Value) -> Value {
    json!({
        "StepName": name, "StepStatus": status, "AttemptCount": 1, "Metadata": metadata,
        "StartTime": 1_790_000_000.0,
        "EndTime": if status == "Executing" { Value::Null } else { 1_790_000_090.5.into() },
    })
}

/// Runs the job of Register as SageMaker does, and stores the reports that it and Evaluate write.
pub(super) fn register(cloud: &Cloud, execution: &str, model: &str) {
    let image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/serve:1";
    register_with_image(cloud, execution, model, image);
}

pub(super) fn register_with_image(cloud: &Cloud, execution: &str, model: &str, image: &str) {
    let mut job = Sandbox::new();
    job.file("processing/evaluation/metrics.json", METRICS)
        .file("processing/evaluation/evaluation.json", evaluation(0.9874));
    let report = format!("s3://{}/evaluation/{execution}/evaluation.json", cloud.name);
    for (name, value) in [
        ("MODEL_PACKAGE_GROUP_NAME", cloud.name.as_str()),
        ("MODEL_PACKAGE_GROUP_DESCRIPTION", "predicts downtime"),
        ("MODEL_APPROVAL_STATUS", "PendingManualApproval"),
        ("MODEL_DATA_URL", model),
        ("MODEL_METRICS_URL", &report),
        ("INFERENCE_IMAGE", image),
        ("PIPELINE_NAME", &cloud.name),
        ("PIPELINE_EXECUTION_ID", execution),
        ("AWS_ENDPOINT_URL", &cloud.server.url),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ] {
        job.variable(name, value);
    }
    let arguments = ["--content-type=text/csv", "--response-type=application/json"];
    let before = cloud.server.calls().len();
    job.run("register", &arguments).expect(0);
    let calls = &cloud.server.calls()[before..];
    judge("register", &[&[PolicyKind::Execution]], &[cloud.settings().unwrap()], calls);
    cloud.put(
        &format!("model-artifacts/{execution}/registration/registration.json"),
        job.read("processing/registration/registration.json"),
    );
    cloud.put(&format!("evaluation/{execution}/evaluation.json"), evaluation(0.9874));
    cloud.put(&format!("evaluation/{execution}/metrics.json"), METRICS);
}

/// Returns the rules for an execution whose steps end one after the other.
fn execution() -> [Rule; 2] {
    let job = |kind: &str, name: &str| {
        let arn = format!("arn:aws:sagemaker:us-east-1:123456789012:{kind}-job/pipelines-x-{name}");
        let member = if kind == "training" { "TrainingJob" } else { "ProcessingJob" };
        json!({ member: { "Arn": arn } })
    };
    let steps = |steps: &[(&str, &str, Value)]| {
        let steps: Vec<_> = steps.iter().map(|(n, s, m)| step(n, s, m.clone())).collect();
        Answer::json(json!({ "PipelineExecutionSteps": steps }))
    };
    let preprocess = |status| ("Preprocess", status, job("processing", "Preprocess"));
    let train = |status| ("Train", status, job("training", "Train"));
    let evaluate = |status| ("Evaluate", status, job("processing", "Evaluate"));
    let gate = ("QualityGate", "Succeeded", json!({ "Condition": { "Outcome": "True" } }));
    let register_step = |status| ("Register", status, job("processing", "Register"));
    let steps_in_turn = Rule::answers(
        "ListPipelineExecutionSteps",
        [
            steps(&[preprocess("Starting")]),
            Answer::throttled(),
            steps(&[preprocess("Succeeded"), train("Executing")]),
            Answer::unavailable(),
            steps(&[preprocess("Succeeded"), train("Succeeded"), evaluate("Executing")]),
            steps(&[
                preprocess("Succeeded"),
                train("Succeeded"),
                evaluate("Succeeded"),
                gate,
                register_step("Succeeded"),
            ]),
        ],
    );
    let status = |status: &str| {
        Answer::json(json!({
            "PipelineExecutionStatus": status, "CreationTime": 1_790_000_000.0,
            "LastModifiedTime": 1_790_000_400.0,
        }))
    };
    let states = [&["Executing"; 5][..], &["Succeeded"]].concat();
    let states = Rule::answers("DescribePipelineExecution", states.into_iter().map(status));
    [steps_in_turn, states]
}

/// Returns the rules for the jobs of the execution `x1`, whose outputs lie in this bucket.
fn jobs(bucket: String) -> [Rule; 2] {
    let outputs = Rule::with("DescribeProcessingJob", move |request| {
        let prefix = match request["ProcessingJobName"].as_str().unwrap() {
            "pipelines-x-Evaluate" => "evaluation/x1",
            "pipelines-x-Register" => "model-artifacts/x1/registration",
            _ => "processed/x1",
        };
        Answer::json(json!({ "ProcessingOutputConfig": { "Outputs": [{
            "OutputName": "o",
            "S3Output": { "S3Uri": format!("s3://{bucket}/{prefix}"), "LocalPath": "/opt/ml/processing/o", "S3UploadMode": "EndOfJob" },
        }]}}))
    });
    let training = Rule::with("DescribeTrainingJob", |_| {
        Answer::json(json!({
            "SecondaryStatus": "Downloading",
            "ModelArtifacts": { "S3ModelArtifacts": "s3://b/model.tar.gz" },
            "FinalMetricDataList": [{ "MetricName": "train:accuracy", "Value": 0.991, "Timestamp": 1_790_000_050.0 }],
        }))
    });
    [outputs, training]
}

#[test]
fn deploy_change_run_approve() {
    let bucket = format!("life-{}", std::process::id());
    let rules = std::iter::once(images()).chain(execution()).chain(jobs(bucket));
    let Some(cloud) = Cloud::before_moto("life", rules.collect()) else { return };
    deploy_for_the_first_time(&cloud);
    change_a_hyperparameter(&cloud);
    run(&cloud);
    approve_one_model_and_reject_the_other(&cloud);
    predict_with_a_registered_model(&cloud);
}

fn deploy_for_the_first_time(cloud: &Cloud) {
    let plan = cloud.orchestrator(&["plan"]).expect(10);
    insta::assert_snapshot!(cloud.neutral(&plan.stdout), @"
    <name> is not in us-east-1 yet: 6 steps, 23 parameters.
    The settings of the table would be uploaded to s3://<name>/pipeline-definitions/<name>/60380500b7e62f9c779eb09348f99f357bdc79d810fb973e54958b97146e63b0/table.json

    An execution costs about 0.03 USD if each job takes 4 minutes, and at most 0.46 USD, with each at its time limit (prices of 2025-01-01).
    ");
    let table = cloud.table("table.csv", 200);
    let dry = cloud.orchestrator(&["deploy", "--dry-run", "--upload", table.as_str()]).expect(0);
    insta::assert_snapshot!(cloud.neutral(&dry.stdout), @"
    <here>/table.csv (200 rows, 198 of them usable) goes to s3://<name>/raw/42a0819c49eae962/table.csv, which the pipeline reads in place of s3://<name>/raw/machine_downtime.csv. Nothing is overwritten.
    <name> is not in us-east-1 yet: 6 steps, 23 parameters.
    The settings of the table would be uploaded to s3://<name>/pipeline-definitions/<name>/60380500b7e62f9c779eb09348f99f357bdc79d810fb973e54958b97146e63b0/table.json
    Nothing was done: --dry-run.
    ");
    assert_eq!(cloud.server.count("CreatePipeline"), 0);

    // Without a command the program deploys.
    let deployed = cloud.orchestrator(&[]).expect(0);
    insta::assert_snapshot!(cloud.neutral(&deployed.stdout), @"
    <name> is not in us-east-1 yet: 6 steps, 23 parameters.
    arn:aws:sagemaker:us-east-1:123456789012:pipeline/<name>: created
    ");
    cloud.orchestrator(&["plan"]).expect(0);
    assert_eq!(cloud.server.count("UpdatePipeline"), 0);
    // What is uploaded becomes the input.
    let again = cloud.json(0, &["deploy", "--upload", table.as_str()]);
    let digest = common::sha256_hex(fs_err::read(&table).unwrap());
    let address = format!("s3://{}/raw/{}/table.csv", cloud.name, &digest[..16]);
    assert_eq!(again["action"], "updated");
    assert_eq!(again["uploaded"], address);
    assert_eq!(again["changes"][0]["after"], address);
    assert_eq!(cloud.server.count("CreatePipeline"), 1);
}

fn change_a_hyperparameter(cloud: &Cloud) {
    cloud.edit("max_depth: 10", "max_depth: 12");
    let plan = cloud.orchestrator(&["plan"]).expect(10);
    insta::assert_snapshot!(cloud.neutral(&plan.stdout), @"
    <name> in us-east-1: 1 change.
      Parameters.MaxDepth.DefaultValue: 10 -> 12
    The settings of the table would be uploaded to s3://<name>/pipeline-definitions/<name>/60380500b7e62f9c779eb09348f99f357bdc79d810fb973e54958b97146e63b0/table.json

    An execution costs about 0.03 USD if each job takes 4 minutes, and at most 0.46 USD, with each at its time limit (prices of 2025-01-01).
    ");
    let plan = cloud.json(10, &["plan"]);
    assert_eq!(plan["action"], "update");
    assert_eq!(
        plan["changes"],
        json!([{ "place": "Parameters.MaxDepth.DefaultValue", "before": 10, "after": 12 }])
    );
    cloud.edit("  project: machine-downtime", "  project: machine-downtime\n  line: two");
    let updated = cloud.json(0, &["deploy"]);
    assert_eq!(updated["action"], "updated");
    cloud.orchestrator(&["plan"]).expect(0);
    let tags = cloud.aws().sagemaker().list_tags().resource_arn(cloud.pipeline_arn());
    let tags = cloud.aws().wait(tags.send()).unwrap();
    let tags: Vec<_> =
        tags.tags().iter().filter_map(|tag| Some((tag.key()?, tag.value()?))).collect();
    assert!(tags.contains(&("line", "two")), "{tags:?}");
    assert!(tags.contains(&("managed-by", "machine-downtime-orchestrator")), "{tags:?}");
}

fn run(cloud: &Cloud) {
    register(cloud, "x1", &format!("s3://{}/model-artifacts/a/model.tar.gz", cloud.name));
    let ran = cloud
        .orchestrator(&["start", "--watch", "-p", "MinRecall=0.9", "--interval", "0.05"])
        .expect(0);
    let (_, started) = cloud
        .server
        .calls()
        .into_iter()
        .find(|(action, _)| action == "StartPipelineExecution")
        .unwrap();
    assert_eq!(started["PipelineParameters"][0], json!({ "Name": "MinRecall", "Value": "0.9" }));
    assert!(started["ClientRequestToken"].as_str().unwrap().len() >= 32, "{started}");
    insta::assert_snapshot!(cloud.neutral(&ran.stderr), @"
    Preprocess         Starting <time>
    Preprocess         Succeeded <time>
    Train              Downloading
    Train              train:accuracy 0.991
    Train              Executing <time>
    Train              Succeeded <time>
    Evaluate           Executing <time>
    Evaluate           Succeeded <time>
    QualityGate        Succeeded <time>
    Register           Succeeded <time>
    ");
    insta::assert_snapshot!(cloud.neutral(&ran.stdout), @"
    arn:aws:sagemaker:us-east-1:123456789012:pipeline/<name>/execution/<execution>: started

    Step               Status           Time
    Preprocess         Succeeded <time>
    Train              Succeeded <time>
    Evaluate           Succeeded <time>
    QualityGate        Succeeded <time>
    Register           Succeeded <time>

    Metric             Value      Gate
    accuracy           0.9874     >= 0.8  met
    f1_score           0.9871
    recall             0.9802

    Model package  arn:aws:sagemaker:us-east-1:123456789012:model-package/<name>/1 (PendingManualApproval)

    Execution <execution>, <time>: Succeeded
    Billed: 0.000 USD for <time> of instances (prices of 2025-01-01).
    An execution costs about 0.03 USD if each job takes 4 minutes, and at most 0.46 USD, with each at its time limit (prices of 2025-01-01).
    ");
    let status = cloud.json(0, &["status"]);
    assert_eq!(status["status"], "Succeeded");
    assert_eq!(status["model_package"]["version"], 1);
    assert_eq!(status["gates"][0]["passed"], true);
    assert_eq!(status["evaluation"], serde_json::from_str::<Value>(&evaluation(0.9874)).unwrap());
    let executions = cloud.json(0, &["executions"]);
    assert_eq!(executions["executions"].as_array().unwrap().len(), 1);
}

fn approve_one_model_and_reject_the_other(cloud: &Cloud) {
    register(cloud, "x2", &format!("s3://{}/model-artifacts/b/model.tar.gz", cloud.name));
    let listed = cloud.orchestrator(&["models", "list"]).expect(0);
    insta::assert_snapshot!(cloud.neutral(&listed.stdout), @"
    Version   Status      Approval                accuracy  f1_score    recall
    2         Completed   PendingManualApproval     0.9874    0.9871    0.9802
    1         Completed   PendingManualApproval     0.9874    0.9871    0.9802
    ");
    let approved =
        cloud.orchestrator(&["models", "approve", "1", "--reason", "recall 0.98"]).expect(0);
    insta::assert_snapshot!(cloud.neutral(&approved.stdout), @"arn:aws:sagemaker:us-east-1:123456789012:model-package/<name>/1: Approved");
    let rejected = cloud.json(0, &["models", "reject", "latest", "--reason", "a bad export"]);
    assert_eq!(rejected["model_package"]["version"], 2);
    assert_eq!(rejected["model_package"]["approval_status"], "Rejected");
    let compared = cloud.orchestrator(&["models", "compare", "approved", "latest"]).expect(0);
    // Both may have been registered in the same second.
    let lines = compared.stdout.lines().filter(|line| !line.starts_with("registered at"));
    let compared: String = lines.map(|line| format!("{line}\n")).collect();
    insta::assert_snapshot!(cloud.neutral(&compared), @"
    version              1                        2
    arn                  arn:aws:sagemaker:us-east-1:123456789012:model-package/<name>/1
                         arn:aws:sagemaker:us-east-1:123456789012:model-package/<name>/2
    status               Completed
    approval             Approved                 Rejected
    reason               recall 0.98 (by moto)    a bad export (by moto)
    accuracy             0.9874                   0.9874                   +0.0000
    f1_score             0.9871                   0.9871                   +0.0000
    model                s3://<name>/model-artifacts/a/model.tar.gz
                         s3://<name>/model-artifacts/b/model.tar.gz
    model digest         not recorded
    report               s3://<name>/evaluation/x1/evaluation.json
                         s3://<name>/evaluation/x2/evaluation.json
    report digest        not recorded
    image                123456789012.dkr.ecr.us-east-1.amazonaws.com/machine-downtime/serve:1
    registered by        fake-user-profile-name
    ");
    let shown = cloud.json(0, &["models", "show", "1"]);
    assert_eq!(shown["metrics"]["accuracy"], 0.9874);
    assert_eq!(shown["model_package"]["approval_description"], "recall 0.98 (by moto)");
}

fn predict_with_a_registered_model(cloud: &Cloud) {
    // A model of a local run stands for one of the pipeline.
    let result = cloud.place.json(0, &[]);
    let model = cloud.place.stored(&result["model_package"]["model_data_url"]);
    cloud.put("model-artifacts/c/model.tar.gz", fs_err::read(&model).unwrap());
    register(cloud, "x3", &format!("s3://{}/model-artifacts/c/model.tar.gz", cloud.name));
    cloud.orchestrator(&["sample", "--rows", "50", "--output", "rows.csv"]).expect(0);
    let predict = |model: &str, more: &[&str]| {
        cloud.orchestrator(&[&["predict", "--input", "rows.csv", "--model", model], more].concat())
    };
    let here = predict(model.as_str(), &[]).expect(0);
    let there = predict("latest", &["--sagemaker"]).expect(0);
    assert_eq!(there.stdout, here.stdout);
    assert!(there.stderr.contains("50 rows scored by version 3 of group"), "{}", there.stderr);
    // The object of the approved one is not there.
    let missing = predict("approved", &["--sagemaker"]).expect(5);
    insta::assert_snapshot!(cloud.neutral(&missing.stderr), @"error: the model of version 1 of group <name> is at s3://<name>/model-artifacts/a/model.tar.gz, which cannot be read: there is no object s3://<name>/model-artifacts/a/model.tar.gz");
}

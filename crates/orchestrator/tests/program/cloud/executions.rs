//! Executions listed with their details, summed by month and compared, and what they cost.

use serde_json::{Value, json};
use testkit::aws::{Answer, Rule};

use super::{ACCOUNT, Cloud};

fn arn(id: &str) -> String {
    format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/alone/execution/{id}")
}

/// Returns the id of the execution that a request is about.
fn id_of(request: &Value) -> &str {
    request["PipelineExecutionArn"].as_str().unwrap().rsplit_once('/').unwrap().1
}

/// Returns rules for executions with these ids and times of start: each ran Preprocess, Train on two
/// instances, and Evaluate on a type without a price. The first has another depth than the rest, and all
/// but the first took Preprocess from the cache.
fn executions(listed: &'static [(&'static str, f64)]) -> Vec<Rule> {
    let summaries: Vec<_> = listed
        .iter()
        .map(|(id, start)| {
            json!({
                "PipelineExecutionArn": arn(id), "PipelineExecutionStatus": "Succeeded",
                "StartTime": start,
            })
        })
        .collect();
    let list = json!({ "PipelineExecutionSummaries": summaries });
    let described = Rule::with("DescribePipelineExecution", |request| {
        let found = listed.iter().find(|(id, _)| *id == id_of(request));
        let Some((_, start)) = found else {
            return Answer::refused(400, "ResourceNotFound", "Pipeline execution does not exist");
        };
        Answer::json(json!({
            "PipelineExecutionStatus": "Succeeded", "CreationTime": start,
            "LastModifiedTime": start + 700.0,
            "CreatedBy": { "IamIdentity": {
                "Arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/Admin/alice"),
            }},
        }))
    });
    let steps = Rule::with("ListPipelineExecutionSteps", |request| {
        let id = id_of(request);
        let step = |name: &str, kind: &str, cached: bool| {
            let member = if kind == "training" { "TrainingJob" } else { "ProcessingJob" };
            let job =
                format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:{kind}-job/pipelines-{id}-{name}");
            let mut step = json!({
                "StepName": name, "StepStatus": "Succeeded", "AttemptCount": 1,
                "Metadata": { member: { "Arn": job } },
                "StartTime": 1_790_000_000.0, "EndTime": 1_790_000_220.0,
            });
            if cached {
                let member =
                    if id == "chosen" { "SelectiveExecutionResult" } else { "CacheHitResult" };
                step[member] = json!({ "SourcePipelineExecutionArn": arn("first") });
            }
            step
        };
        let train = step("Train", "training", false);
        let preprocess = step("Preprocess", "processing", id != listed[0].0);
        let mut evaluate = step("Evaluate", "processing", false);
        evaluate["AttemptCount"] = 2.into();
        Answer::json(json!({ "PipelineExecutionSteps": [preprocess, train, evaluate] }))
    });
    let parameters = Rule::with("ListPipelineParametersForExecution", |request| {
        let depth = if id_of(request) == listed[0].0 { "12" } else { "10" };
        Answer::json(json!({ "PipelineParameters": [
            { "Name": "MaxDepth", "Value": depth },
            { "Name": "InputDataUrl", "Value": "s3://alone/raw/table.csv" },
        ]}))
    });
    let processing = Rule::with("DescribeProcessingJob", |request| {
        let name = request["ProcessingJobName"].as_str().unwrap();
        let evaluates = name.ends_with("Evaluate");
        let instance_type = if evaluates { "ml.m7i.large" } else { "ml.m5.large" };
        Answer::json(json!({
            "ProcessingStartTime": 1_790_000_100.0, "ProcessingEndTime": 1_790_000_220.0,
            "ProcessingResources": { "ClusterConfig": {
                "InstanceType": instance_type, "InstanceCount": 1, "VolumeSizeInGB": 30,
            }},
            "AppSpecification": { "ImageUri": "registry/preprocess@sha256:1" },
            "ProcessingOutputConfig": { "Outputs": [{ "OutputName": "o", "S3Output": {
                "S3Uri": format!("s3://alone/evaluation/{name}"), "LocalPath": "/opt/ml/processing/o",
                "S3UploadMode": "EndOfJob",
            }}]},
            "ProcessingInputs": [{ "InputName": "raw", "S3Input": {
                "S3Uri": "s3://alone/raw/table.csv", "S3DataType": "S3Prefix",
            }}],
        }))
    });
    let training = Rule::answers(
        "DescribeTrainingJob",
        [Answer::json(json!({
            "BillableTimeInSeconds": 90,
            "ResourceConfig": { "InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 30 },
            "AlgorithmSpecification": { "TrainingImage": "registry/train@sha256:2", "TrainingInputMode": "File" },
        }))],
    );
    let definition = json!({ "Version": "2020-12-01", "Steps": [], "Parameters": [
        { "Name": "MaxDepth", "Type": "Integer", "DefaultValue": 10 },
        { "Name": "InputDataUrl", "Type": "String", "DefaultValue": "s3://alone/raw/table.csv" },
    ]});
    let deployed = Rule::answers(
        "DescribePipeline",
        [Answer::json(json!({
            "PipelineArn": format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/alone"),
            "PipelineDefinition": definition.to_string(),
        }))],
    );
    let list = Rule::answers("ListPipelineExecutions", [Answer::json(list)]);
    let mut rules = vec![list, described, steps, parameters, processing, training, deployed];
    for ((id, _), recall) in listed.iter().zip([0.98, 0.95]) {
        let metrics = Answer::json(json!({ "recall": recall, "accuracy": 0.9874 }));
        rules.push(Rule::answers(
            &format!("GET /alone/evaluation/pipelines-{id}-Evaluate/metrics.json"),
            [metrics],
        ));
    }
    rules
}

/// 2026-09-21 and 2026-08-31, the last minute of it.
const TWO: &[(&str, f64)] = &[("first", 1_790_000_000.0), ("second", 1_788_220_790.0)];

#[test]
fn what_an_execution_was_billed_beside_the_estimate() {
    let cloud = Cloud::alone(executions(TWO));
    let status = cloud.json(0, &["status", &arn("first")]);
    // 120 s of one and 90 s of two ml.m5.large at 0.115 an hour are 300 s; 120 s have no price.
    let amount = status["cost"]["amount"].as_f64().unwrap();
    assert!((amount - 0.115 * 300.0 / 3600.0).abs() < 1e-12, "{amount}");
    assert_eq!(status["cost"]["instance_seconds"], 420.0);
    assert_eq!(status["cost"]["without_price"], json!(["ml.m7i.large"]));
    assert_eq!(status["cost"]["without_earlier_attempts"], json!(["Evaluate"]));
    assert!(status["estimated_cost"]["usual"].as_f64().unwrap() > 0.0);
    let told = cloud.orchestrator(&["status", &arn("first")]).expect(0);
    insta::assert_snapshot!(told.stdout.trim_start(), @"
    Step               Status           Time
    Preprocess         Succeeded  3 min 40 s
    Train              Succeeded  3 min 40 s
    Evaluate           Succeeded  3 min 40 s

    Metric             Value      Gate
    accuracy           0.9874
    recall             0.9800


    Execution first, 11 min 40 s: Succeeded
    Billed: 0.010 USD for 7 min 0 s of instances (prices of 2025-01-01; without ml.m7i.large, which prices.per_hour does not list; without earlier attempts of Evaluate, which SageMaker does not tell).
    An execution costs about 0.03 USD if each job takes 4 minutes, and at most 0.46 USD, with each at its time limit (prices of 2025-01-01).
    ");
}

/// One that was started with `start --from`, and the one whose results it takes.
const CHOSEN: &[(&str, f64)] = &[("first", 1_790_000_000.0), ("chosen", 1_790_003_600.0)];

/// `start --from` takes the results of an earlier execution, with its job.
#[test]
fn results_of_an_earlier_execution_are_not_billed_again() {
    let cloud = Cloud::alone(executions(CHOSEN));
    let status = cloud.json(0, &["status", &arn("chosen")]);
    assert_eq!(status["cost"]["instance_seconds"], 300.0);
    assert_eq!(
        (&status["steps"][0]["name"], &status["steps"][0]["cached"]),
        (&json!("Preprocess"), &json!(true))
    );
}

#[test]
fn the_details_of_executions() {
    let cloud = Cloud::alone(executions(TWO));
    let told = cloud.orchestrator(&["executions", "--details"]).expect(0);
    insta::assert_snapshot!(told.stdout, @"
    first, 2026-09-21T14:13:20Z, by assumed-role/Admin/alice: Succeeded, 11 min 40 s, 0.010 USD
      metrics      accuracy 0.9874, recall 0.9800
      parameters   MaxDepth=12
    second, 2026-08-31T23:59:50Z, by assumed-role/Admin/alice: Succeeded, 11 min 40 s, 0.006 USD
      metrics      accuracy 0.9874, recall 0.9500
    2 executions: 0.015 USD for 12 min 0 s of instances (prices of 2025-01-01; without ml.m7i.large, which prices.per_hour does not list; without earlier attempts of Evaluate, which SageMaker does not tell).
    ");
    let listed = cloud.json(0, &["executions", "--details", "--most", "1"]);
    let first = &listed["executions"][0];
    assert_eq!(listed["executions"].as_array().unwrap().len(), 1);
    assert_eq!(first["started_by"], "assumed-role/Admin/alice");
    assert_eq!(first["parameters"]["MaxDepth"], "12");
    assert_eq!(first["cost"]["instance_seconds"], 420.0);
}

#[test]
fn what_the_executions_of_a_month_cost() {
    let cloud = Cloud::alone(executions(TWO));
    // The script lists both, whatever times are asked for.
    let month = cloud.json(0, &["executions", "--month", "2026-08"]);
    assert_eq!(month["executions"].as_array().unwrap().len(), 1);
    assert_eq!(month["executions"][0]["execution_id"], "second");
    // Preprocess was taken from the cache.
    assert_eq!(month["cost"]["instance_seconds"], 300.0);
    let calls = cloud.server.calls();
    let (_, asked) = calls.iter().find(|(action, _)| action == "ListPipelineExecutions").unwrap();
    assert_eq!(asked["CreatedAfter"], 1_785_542_400.0);
    assert_eq!(asked["CreatedBefore"], 1_788_220_800.0);
    let none = cloud.orchestrator(&["executions", "--month", "2026-07"]).expect(0);
    insta::assert_snapshot!(none.stdout, @"0 executions in 2026-07: 0.000 USD for 0.00 s of instances (prices of 2025-01-01).");
    cloud.orchestrator(&["executions", "--month", "July"]).expect(2);
    cloud.orchestrator(&["executions", "--month", "2026-07", "--most", "3"]).expect(2);
}

#[test]
fn two_executions_side_by_side() {
    let cloud = Cloud::alone(executions(TWO));
    let compared = cloud.orchestrator(&["executions", "compare", "first", "second"]).expect(0);
    insta::assert_snapshot!(compared.stdout, @"
    execution            first                    second
    status               Succeeded
    started              2026-09-21T14:13:20Z     2026-08-31T23:59:50Z
    by                   assumed-role/Admin/alice
    time                 11 min 40 s
    cost                 0.010 USD                0.006 USD
    accuracy             0.9874                   0.9874                   +0.0000
    recall               0.9800                   0.9500                   -0.0300
    Preprocess time      3 min 40 s               3 min 40 s, cached
    Train time           3 min 40 s
    Evaluate time        3 min 40 s
    input raw            s3://alone/raw/table.csv
    MaxDepth             12                       10
    Preprocess image     registry/preprocess@sha256:1
    Train image          registry/train@sha256:2
    Evaluate image       registry/preprocess@sha256:1
    ");
    let compared = cloud.json(0, &["executions", "compare", "first", "second"]);
    assert_eq!(compared["a"]["parameters"]["MaxDepth"], "12");
    assert_eq!(compared["b"]["parameters"]["MaxDepth"], "10");
    let difference = compared["differences"]["recall"].as_f64().unwrap();
    assert!((difference + 0.03).abs() < 1e-9, "{difference}");
    cloud.orchestrator(&["executions", "compare", "first", "third"]).expect(2);
    cloud.orchestrator(&["executions", "--most", "3", "compare", "first", "second"]).expect(2);
}

/// Returns a rule by which the pipeline has 1,000 executions, a hundred on a page.
fn thousand() -> Rule {
    Rule::with("ListPipelineExecutions", |request| {
        let page = request["NextToken"].as_str().map_or(0, |token| token.parse::<u32>().unwrap());
        let summaries: Vec<_> = (page * 100..(page + 1) * 100)
            .map(|number| {
                let id = format!("x{:03}", 999 - number);
                json!({
                    "PipelineExecutionArn": arn(&id), "PipelineExecutionStatus": "Succeeded",
                    "StartTime": 1_790_000_000.0 - f64::from(number),
                })
            })
            .collect();
        let mut answer = json!({ "PipelineExecutionSummaries": summaries });
        if page < 9 {
            answer["NextToken"] = (page + 1).to_string().into();
        }
        Answer::json(answer)
    })
}

#[test]
fn a_thousand_executions_are_listed_page_by_page() {
    // The SDK repeats a call that was throttled.
    let cloud = Cloud::alone(vec![thousand().throttled(1)]);
    let listed = cloud.json(0, &["executions", "--most", "2000"]);
    let ids: Vec<_> = listed["executions"].as_array().unwrap().iter().collect();
    assert_eq!(ids.len(), 1_000);
    assert_eq!(
        (&ids[0]["execution_id"], &ids[999]["execution_id"]),
        (&json!("x999"), &json!("x000"))
    );
    assert_eq!(cloud.server.count("ListPipelineExecutions"), 11);
    // No more pages are read than are asked for.
    cloud.orchestrator(&["executions", "--most", "150"]).expect(0);
    assert_eq!(cloud.server.count("ListPipelineExecutions"), 13);
}

/// Every call of these commands is refused once for its rate, and answered when it is repeated.
#[test]
fn each_call_is_repeated_when_it_is_throttled() {
    let rules = executions(TWO).into_iter().map(|rule| rule.throttled(1)).collect();
    let cloud = Cloud::alone(rules);
    let listed = cloud.json(0, &["executions", "--details"]);
    assert_eq!(listed["executions"].as_array().unwrap().len(), 2);
    for action in [
        "ListPipelineExecutions",
        "DescribePipelineExecution",
        "ListPipelineExecutionSteps",
        "ListPipelineParametersForExecution",
        "DescribeProcessingJob",
        "DescribeTrainingJob",
        "DescribePipeline",
    ] {
        assert!(cloud.server.count(action) >= 2, "{action}");
    }
    let cloud = Cloud::alone(vec![
        Rule::answers("DescribePipelineExecution", [running()]).throttled(1),
        Rule::answers("StopPipelineExecution", [Answer::json(json!({}))]).throttled(1),
    ]);
    let stopped = cloud.json(0, &["stop", &arn("first")]);
    assert_eq!(stopped["status"], "Stopping");
    assert_eq!(stopped["execution_id"], "first");
    assert_eq!(cloud.server.count("StopPipelineExecution"), 2);
}

fn running() -> Answer {
    Answer::json(json!({ "PipelineExecutionStatus": "Executing", "CreationTime": 1_790_000_000.0 }))
}

//! The log of a step's job, as `logs` prints it.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use testkit::aws::{Answer, Rule};

use super::{ACCOUNT, Cloud};

const EXECUTION: &str =
    "arn:aws:sagemaker:us-east-1:123456789012:pipeline/alone/execution/k3f9x2m1q8zt";

/// Returns a server with an execution whose step Train has ended, and with these streams of its log,
/// each of the lines 1 to 3. The requests for lines are kept.
fn logged(streams: &[&str]) -> (Cloud, Arc<Mutex<Vec<Value>>>) {
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    let streams: Vec<_> = streams.iter().map(|name| json!({ "logStreamName": name })).collect();
    let job = format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/pipelines-x-Train");
    let step = json!({
        "StepName": "Train", "StepStatus": "Succeeded", "AttemptCount": 1,
        "Metadata": { "TrainingJob": { "Arn": job } },
    });
    let described = json!({ "PipelineExecutionStatus": "Succeeded" });
    let cloud = Cloud::alone(vec![
        Rule::answers("DescribePipelineExecution", [Answer::json(described)]),
        Rule::answers(
            "ListPipelineExecutionSteps",
            [Answer::json(json!({ "PipelineExecutionSteps": [step] }))],
        ),
        Rule::answers("DescribeLogStreams", [Answer::json(json!({ "logStreams": streams }))]),
        Rule::with("GetLogEvents", move |request| {
            kept.lock().unwrap().push(request.clone());
            let most = request["limit"].as_u64().unwrap_or(3);
            let event = |n: u64| json!({ "message": format!("line {n}"), "timestamp": 1_790_000_000_000_u64 + n });
            let first = if request["nextToken"].is_null() { 4 - most } else { 4 };
            let events: Vec<_> = (first..4).map(event).collect();
            Answer::json(json!({ "events": events, "nextForwardToken": "f/end" }))
        }),
    ]);
    (cloud, requests)
}

fn logs(cloud: &Cloud, more: &[&str]) -> testkit::Outcome {
    cloud.orchestrator(&[&["logs", "Train", "--execution", EXECUTION], more].concat()).expect(0)
}

#[test]
fn lines_with_times_and_hosts() {
    let (cloud, _) = logged(&["pipelines-x-Train/algo-1-17"]);
    let plain = logs(&cloud, &[]);
    assert_eq!((plain.stdout.as_str(), plain.stderr.as_str()), ("line 1\nline 2\nline 3\n", ""));
    insta::assert_snapshot!(logs(&cloud, &["--times", "--tail", "1"]).stdout, @"2026-09-21T14:13:20.003Z line 3");
    let object: Value =
        serde_json::from_str(&logs(&cloud, &["--json", "--tail", "1"]).stdout).unwrap();
    assert_eq!(object, json!({ "time": "2026-09-21T14:13:20.003Z", "message": "line 3" }));
    let (cloud, _) = logged(&["pipelines-x-Train/algo-1-17", "pipelines-x-Train/algo-2-17"]);
    let both = logs(&cloud, &["--tail", "1"]).stdout;
    assert_eq!(both, "algo-1-17: line 3\nalgo-2-17: line 3\n");
    let host = logs(&cloud, &["--json"]).stdout;
    assert!(host.starts_with(r#"{"host":"algo-1-17","message":"line 1""#), "{host}");
}

#[test]
fn the_last_lines_and_those_since() {
    let (cloud, requests) = logged(&["pipelines-x-Train/algo-1-17"]);
    assert_eq!(logs(&cloud, &["--tail", "2"]).stdout, "line 2\nline 3\n");
    let asked = requests.lock().unwrap().clone();
    assert_eq!((&asked[0]["startFromHead"], &asked[0]["limit"]), (&json!(false), &json!(2)));
    // What follows is read forwards from there.
    assert_eq!((&asked[1]["startFromHead"], &asked[1]["limit"]), (&json!(true), &Value::Null));
    assert_eq!(asked[1]["nextToken"], "f/end");
    logs(&cloud, &["--since", "10"]);
    let since = requests.lock().unwrap().last().unwrap()["startTime"].as_i64().unwrap();
    let ago = jiff::Timestamp::now().as_millisecond() - since;
    assert!((600_000..700_000).contains(&ago), "{ago}");
    cloud.orchestrator(&["logs", "Train", "--tail", "0"]).expect(2);
    cloud.orchestrator(&["logs", "Train", "--times", "--json"]).expect(2);
}

#[test]
fn a_log_without_a_stream() {
    let (cloud, _) = logged(&[]);
    let nothing = logs(&cloud, &[]);
    assert_eq!(nothing.stdout, "");
    insta::assert_snapshot!(nothing.stderr, @"Train has no log stream in us-east-1: its container has said nothing yet, or never began.");
}

//! Executions that fail, stop or never end, as `watch`, `status` and `logs` report them.

use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::aws::{Answer, Rule};

use super::{ACCOUNT, Cloud};

const EXECUTION: &str =
    "arn:aws:sagemaker:us-east-1:123456789012:pipeline/alone/execution/k3f9x2m1q8zt";

fn status(status: &str) -> Answer {
    Answer::json(json!({
        "PipelineExecutionStatus": status, "CreationTime": 1_790_000_000.0,
        "LastModifiedTime": 1_790_000_400.0,
        "FailureReason": "Step failure: One or multiple steps failed.",
    }))
}

fn step(name: &str, status: &str, reason: &str, metadata: Value) -> Value {
    json!({
        "StepName": name, "StepStatus": status, "FailureReason": reason, "Metadata": metadata,
        "AttemptCount": 1, "StartTime": 1_790_000_000.0, "EndTime": 1_790_000_090.5,
    })
}

fn job(name: &str) -> Value {
    let arn = format!("arn:aws:sagemaker:us-east-1:{ACCOUNT}:processing-job/pipelines-x-{name}");
    json!({ "ProcessingJob": { "Arn": arn } })
}

/// Returns a server with an execution of these steps and this status.
fn ended(ending: &str, steps: Vec<Value>, mut rules: Vec<Rule>) -> Cloud {
    rules.push(Rule::answers("DescribePipelineExecution", [status(ending)]));
    let steps = Answer::json(json!({ "PipelineExecutionSteps": steps }));
    rules.push(Rule::answers("ListPipelineExecutionSteps", [steps]));
    Cloud::alone(rules)
}

fn described(reason: &str, message: &str) -> Rule {
    let answer = json!({ "FailureReason": reason, "ExitMessage": message });
    Rule::answers("DescribeProcessingJob", [Answer::json(answer)])
}

fn log(lines: &[&str]) -> Vec<Rule> {
    let events: Vec<_> =
        lines.iter().map(|line| json!({ "message": line, "timestamp": 1 })).collect();
    vec![
        Rule::answers(
            "DescribeLogStreams",
            [Answer::json(json!({ "logStreams": [
                { "logStreamName": "pipelines-x-Preprocess/algo-1-1790000000" },
            ]}))],
        ),
        Rule::with("GetLogEvents", move |request| {
            let events = if request["nextToken"].is_null() { events.clone() } else { Vec::new() };
            Answer::json(
                json!({ "events": events, "nextForwardToken": "f/end", "nextBackwardToken": "b/end" }),
            )
        }),
    ]
}

#[test]
fn a_failed_job_with_its_reason_and_the_end_of_its_log() {
    let mut rules = log(&["reading s3", "error: no column Torque"]);
    rules.push(described("AlgorithmError: , exit code: 3", "no column Torque in the table"));
    let failed = step("Preprocess", "Failed", "AlgorithmError: See job logs", job("Preprocess"));
    let cloud = ended("Failed", vec![failed], rules);
    // The exit code is that of the program, as in a local run.
    let outcome = cloud.orchestrator(&["watch", EXECUTION]).expect(3);
    insta::assert_snapshot!(cloud.neutral(&outcome.stderr), @"
    Preprocess         Failed <time>
      the end of its log:
      | reading s3
      | error: no column Torque
    error: Preprocess: no column Torque in the table (AlgorithmError: , exit code: 3)
    ");
    insta::assert_snapshot!(cloud.neutral(&outcome.stdout), @"
    Step               Status           Time
    Preprocess         Failed <time>


    Execution <execution>, <time>: Failed
    Billed: 0.000 USD for <time> of instances (prices of 2025-01-01).
    An execution costs about 0.03 USD if each job takes 4 minutes, and at most 0.46 USD, with each at its time limit (prices of 2025-01-01).
    ");
    let report = cloud.json(3, &["watch", EXECUTION]);
    assert_eq!(
        report["steps"][0]["failure_reason"],
        "no column Torque in the table (AlgorithmError: , exit code: 3)"
    );
    // The status of a failed execution is no failure of the command.
    cloud.orchestrator(&["status", EXECUTION]).expect(0);
    let log = cloud.orchestrator(&["logs", "Preprocess", "--execution", EXECUTION]).expect(0);
    assert_eq!(log.stdout, "reading s3\nerror: no column Torque\n");
    let log = cloud.orchestrator(&["logs", "Train", "--execution", EXECUTION]).expect(5);
    insta::assert_snapshot!(cloud.neutral(&log.stderr), @"error: execution <execution> has not reached a step Train; it has Preprocess");
}

#[test]
fn a_gate_that_was_not_met() {
    let fail = json!({ "Fail": { "ErrorMessage": "Quality gate not met: recall 0.7" } });
    let steps = vec![
        step("QualityGate", "Succeeded", "", json!({ "Condition": { "Outcome": "False" } })),
        step("QualityGateFailed", "Failed", "", fail),
    ];
    let outcome = ended("Failed", steps, Vec::new()).orchestrator(&["watch", EXECUTION]).expect(4);
    assert!(
        outcome.stderr.contains("error: QualityGateFailed: Quality gate not met: recall 0.7"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn the_message_of_a_program_does_not_decide_the_exit_code() {
    let description =
        described("AlgorithmError: , exit code: 3", "cell 7 says exit code: 4, ClientError");
    let steps = vec![step("Preprocess", "Failed", "", job("Preprocess"))];
    let mut rules = log(&[]);
    rules.push(description);
    ended("Failed", steps, rules).orchestrator(&["watch", EXECUTION]).expect(3);
    // The gate is recognized by its name, too.
    let steps = vec![step("QualityGateFailed", "Failed", "", json!({}))];
    ended("Failed", steps, Vec::new()).orchestrator(&["watch", EXECUTION]).expect(4);
}

#[test]
fn control_characters_in_answers_are_escaped() {
    let reason = "no \u{1b}[2J\u{7}column \u{9b}31m";
    let steps = vec![step("A\u{1b}]0;x", "Failed", reason, json!({}))];
    let cloud = ended("Failed", steps, Vec::new());
    let outcome = cloud.orchestrator(&["watch", EXECUTION]).expect(1);
    let raw = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
    assert!(!raw(&outcome.stdout) && !raw(&outcome.stderr), "{outcome:?}");
}

#[test]
fn timestamps_out_of_range() {
    let mut odd = step("Train", "Executing", "", json!({}));
    odd["StartTime"] = 1e19.into();
    let mut early = step("Evaluate", "Succeeded", "", json!({}));
    early["EndTime"] = 1.into();
    let cloud = ended("Executing", vec![odd, early], Vec::new());
    let status = cloud.json(0, &["status", EXECUTION]);
    assert_eq!(status["steps"][0]["name"], "Evaluate");
    assert_eq!(status["steps"][0]["seconds"], 0.0);
}

#[test]
fn executions_of_other_pipelines_are_not_stopped() {
    let cloud = ended("Executing", Vec::new(), Vec::new());
    for other in ["alone", "other"] {
        let account = if other == "alone" { "999999999999" } else { ACCOUNT };
        let arn = format!("arn:aws:sagemaker:us-east-1:{account}:pipeline/{other}/execution/x");
        let refused = cloud.orchestrator(&["stop", &arn]).expect(2);
        assert!(
            refused.stderr.contains("is no execution of the pipeline alone"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(cloud.server.count("StopPipelineExecution"), 0);
}

#[test]
fn a_job_that_aws_did_not_run() {
    let reason = "ClientError: ResourceLimitExceeded: The account-level service limit \
                  'ml.m5.large for processing job usage' is 0 Instances";
    let steps = vec![step("Preprocess", "Failed", reason, json!({}))];
    let cloud = ended("Failed", steps, Vec::new());
    let outcome = cloud.orchestrator(&["watch", EXECUTION]).expect(5);
    insta::assert_snapshot!(cloud.neutral(&outcome.stderr), @r#"
    Preprocess         Failed <time>
    error: Preprocess: ClientError: ResourceLimitExceeded: The account-level service limit 'ml.m5.large for processing job usage' is 0 Instances
    the quota "ml.m5.large for processing job usage" is raised in the Service Quotas console, or with `aws service-quotas request-service-quota-increase` and the code that `aws service-quotas list-service-quotas --service-code sagemaker` tells
    "#);
}

#[test]
fn a_role_that_sagemaker_cannot_assume() {
    let reason = "Unable to assume role arn:aws:iam::123456789012:role/Jobs (Service: SageMaker)";
    let steps = vec![step("Preprocess", "Failed", reason, json!({}))];
    ended("Failed", steps, Vec::new()).orchestrator(&["watch", EXECUTION]).expect(5);
}

#[test]
fn the_reason_of_a_step_whose_failure_did_not_end_the_execution() {
    let steps = vec![step("Preprocess", "Failed", "AlgorithmError: no disk left", json!({}))];
    let cloud = ended("CompletedWithFailures", steps, Vec::new());
    let report = cloud.json(1, &["watch", EXECUTION]);
    assert_eq!(report["failure_reason"], "Preprocess: AlgorithmError: no disk left");
}

#[test]
fn a_stopped_execution() {
    let cloud = ended("Stopped", Vec::new(), Vec::new());
    cloud.orchestrator(&["watch", EXECUTION]).expect(1);
    let refused = cloud.orchestrator(&["stop", EXECUTION]).expect(1);
    insta::assert_snapshot!(cloud.neutral(&refused.stderr), @"error: execution <execution> is over (Stopped), so there is nothing to stop");
    assert_eq!(cloud.server.count("StopPipelineExecution"), 0);
}

#[test]
fn the_arn_of_a_started_execution_is_printed_if_watching_fails() {
    let started = json!({ "PipelineExecutionArn": EXECUTION });
    let deployed = json!({ "PipelineArn": "arn:p", "PipelineDefinition": "{}" });
    let rules = vec![
        Rule::answers("DescribePipeline", [Answer::json(deployed)]),
        Rule::answers("StartPipelineExecution", [Answer::json(started)]),
    ];
    let denied = Answer::refused(400, "AccessDeniedException", "no");
    let mut steps = vec![Rule::answers("ListPipelineExecutionSteps", [denied])];
    steps.extend(rules);
    let cloud = ended("Executing", Vec::new(), steps);
    let result = cloud.json(5, &["start", "--watch"]);
    assert_eq!(result["execution_arn"], EXECUTION);
}

/// Returns a server with an execution that never ends.
fn endless() -> Cloud {
    ended("Executing", vec![step("Train", "Executing", "", json!({}))], Vec::new())
}

#[test]
fn an_interrupt_does_not_stop_the_execution() {
    let cloud = endless();
    let mut command = cloud.command(&["watch", EXECUTION, "--interval", "0.05"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    while cloud.server.count("ListPipelineExecutionSteps") < 2 {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it was interrupted");
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(2));
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    insta::assert_snapshot!(cloud.neutral(&stderr), @"
    Train              Executing <time>
    Execution <execution> goes on: `orchestrator watch <execution>` follows it, `orchestrator stop <execution>` stops it.
    ");
    assert_eq!(cloud.server.count("StopPipelineExecution"), 0);
}

#[test]
fn throttling_is_retried_silently() {
    let busy = Answer::body(429, "text/plain", "");
    let steps = Answer::json(json!({ "PipelineExecutionSteps": [] }));
    // The SDK itself makes three attempts for each call.
    let answers = [busy.clone(), busy.clone(), busy.clone(), busy, steps];
    let rules = vec![
        Rule::answers("ListPipelineExecutionSteps", answers),
        Rule::answers("DescribePipelineExecution", [status("Succeeded")]),
    ];
    let cloud = Cloud::alone(rules);
    cloud.orchestrator(&["watch", EXECUTION, "--interval", "0.05"]).expect(0);
}

#[test]
fn an_execution_that_is_no_longer_listed_is_found_by_its_id() {
    let listed = json!({ "PipelineExecutionSummaries": [{
        "PipelineExecutionArn": EXECUTION, "PipelineExecutionStatus": "Executing", "StartTime": 1.0,
    }]});
    let described = Rule::with("DescribePipelineExecution", |request| {
        match request["PipelineExecutionArn"].as_str().unwrap().rsplit_once('/').unwrap().1 {
            "0lder0lder00" => status("Succeeded"),
            _ => Answer::refused(400, "ResourceNotFound", "Pipeline execution does not exist"),
        }
    });
    let steps = Answer::json(json!({ "PipelineExecutionSteps": [] }));
    let cloud = Cloud::alone(vec![
        Rule::answers("ListPipelineExecutions", [Answer::json(listed)]),
        Rule::answers("ListPipelineExecutionSteps", [steps]),
        described,
    ]);
    let older = cloud.json(0, &["status", "0lder0lder00"]);
    assert_eq!(older["execution_arn"], EXECUTION.replace("k3f9x2m1q8zt", "0lder0lder00"));
    let nowhere = cloud.orchestrator(&["status", "nowhere"]).expect(2);
    insta::assert_snapshot!(cloud.neutral(&nowhere.stderr), @"error: the pipeline <name> has no execution nowhere; the latest: k3f9x2m1q8zt");
}

#[test]
fn watching_ends_at_the_timeout() {
    let cloud = endless();
    let arguments = ["watch", EXECUTION, "--interval", "0.05", "--timeout", "0.005"];
    let outcome = cloud.orchestrator(&arguments).expect(1);
    insta::assert_snapshot!(cloud.neutral(&outcome.stderr), @"
    Train              Executing <time>
    Execution <execution> goes on: `orchestrator watch <execution>` follows it, `orchestrator stop <execution>` stops it.
    error: execution <execution> is not over within --timeout
    ");
}

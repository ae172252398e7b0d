//! `start`: steps that are taken from an earlier execution, the cache, the name.

use serde_json::{Value, json};
use testkit::aws::{Answer, Rule};

use super::{Cloud, images};

/// Returns the rules by which every execution has ended with these steps.
fn ended(status: &str, steps: &[(&str, &str)]) -> [Rule; 2] {
    let steps = steps.iter().map(|(name, status)| {
        json!({
            "StepName": name, "StepStatus": status, "AttemptCount": 1, "Metadata": {},
            "StartTime": 1_790_000_000.0, "EndTime": 1_790_000_090.5,
        })
    });
    let steps = json!({ "PipelineExecutionSteps": steps.collect::<Vec<_>>() });
    let execution = json!({
        "PipelineExecutionStatus": status, "CreationTime": 1_790_000_000.0,
        "LastModifiedTime": 1_790_000_400.0,
    });
    [
        Rule::answers("ListPipelineExecutionSteps", [Answer::json(steps)]),
        Rule::answers("DescribePipelineExecution", [Answer::json(execution)]),
    ]
}

/// Deploys with a table and starts an execution with `MaxDepth=7`, whose steps end like this.
fn started(name: &str, status: &str, steps: &[(&str, &str)]) -> Option<Cloud> {
    let rules = ended(status, steps).into_iter().chain([images()]);
    let cloud = Cloud::before_moto(name, rules.collect())?;
    let table = cloud.table("table.csv", 200);
    cloud.orchestrator(&["deploy", "--upload", table.as_str()]).expect(0);
    cloud.orchestrator(&["start", "-p", "MaxDepth=7"]).expect(0);
    Some(cloud)
}

fn last_start(cloud: &Cloud) -> Value {
    let calls = cloud.server.calls();
    calls.iter().rfind(|(action, _)| action == "StartPipelineExecution").unwrap().1.clone()
}

const DONE: [(&str, &str); 4] = [
    ("Preprocess", "Succeeded"),
    ("Train", "Succeeded"),
    ("Evaluate", "Succeeded"),
    ("QualityGate", "Succeeded"),
];

#[test]
fn the_results_before_a_step_are_those_of_an_earlier_execution() {
    let Some(cloud) = started("selecting", "Succeeded", &DONE) else { return };
    let version = cloud.started()["InputDataVersion"].clone();
    let outcome = cloud.orchestrator(&["start", "--from", "Train"]).expect(0);
    insta::assert_snapshot!(cloud.neutral(&outcome.stderr), @"Train, Evaluate, QualityGate run, with the results of Preprocess and the parameters of execution <execution>");
    let config = last_start(&cloud)["SelectiveExecutionConfig"].clone();
    let steps = json!([
        { "StepName": "Train" }, { "StepName": "Evaluate" }, { "StepName": "QualityGate" },
    ]);
    assert_eq!(config["SelectedSteps"], steps);
    let source = config["SourcePipelineExecutionArn"].as_str().unwrap();
    assert!(source.contains(":pipeline/selecting-"), "{source}");
    let parameters = cloud.started();
    assert_eq!((&parameters["MaxDepth"][..], &parameters["InputDataVersion"]), ("7", &version));

    // What runs again may run with other values.
    let arguments = ["start", "--from", "Train", "-p", "MaxDepth=9", "--name", "deeper-trees"];
    cloud.orchestrator(&arguments).expect(0);
    assert_eq!(cloud.started()["MaxDepth"], "9");
    assert_eq!(last_start(&cloud)["PipelineExecutionDisplayName"], "deeper-trees");

    let id = source.rsplit('/').next().unwrap();
    for (arguments, said) in [
        (
            &["--from", "Evaluate", "--of", id, "-p", "MaxDepth=11"][..],
            "Train ran with MaxDepth=7 in execution",
        ),
        (&["--from", "Register"], "it is in a branch of QualityGate; begin at QualityGate"),
        (&["--from", "Preprocess"], "it needs no earlier result; start without --from"),
        (
            &["--from", "Nothing"],
            "there is no such step to begin at; there are Preprocess, Train, Evaluate, QualityGate",
        ),
        (&["--name", "a name"], "expected 1 to 82 letters, digits and hyphens between them"),
    ] {
        let starts = cloud.server.count("StartPipelineExecution");
        let refused = cloud.orchestrator(&[&["start"], arguments].concat()).expect(2).stderr;
        assert!(refused.contains(said), "{refused}");
        assert_eq!(cloud.server.count("StartPipelineExecution"), starts);
    }
}

#[test]
fn a_result_that_is_missing_is_named_before_anything_starts() {
    let steps = [("Preprocess", "Succeeded"), ("Train", "Failed")];
    let Some(cloud) = started("missing-results", "Failed", &steps) else { return };
    let refused = cloud.orchestrator(&["start", "--from", "Evaluate"]).expect(2).stderr;
    insta::assert_snapshot!(refused, @"error: --from Evaluate: it needs the results of Train, and none of the last 20 executions has ended with all of them");
    cloud.orchestrator(&["start", "--from", "Train"]).expect(0);
}

#[test]
fn a_step_that_was_changed_since_begins_again() {
    let Some(cloud) = started("changed-step", "Succeeded", &DONE) else { return };
    cloud.edit("missing_values: drop", "missing_values: median");
    cloud.orchestrator(&["deploy"]).expect(0);
    let refused = cloud.orchestrator(&["start", "--from", "Train"]).expect(2).stderr;
    assert!(refused.contains("Preprocess has changed since execution"), "{refused}");
}

#[test]
fn without_the_cache_every_step_runs_again() {
    let Some(cloud) = started("uncached", "Succeeded", &DONE) else { return };
    let version = cloud.started()["InputDataVersion"].clone();
    let outcome = cloud.orchestrator(&["start", "--no-cache"]).expect(0);
    let uncached = cloud.started()["InputDataVersion"].clone();
    assert!(uncached.starts_with(&format!("{version}-uncached-")), "{uncached}");
    assert!(outcome.stderr.contains("No step finds an earlier result"), "{}", outcome.stderr);
    cloud.orchestrator(&["start", "--no-cache"]).expect(0);
    assert_ne!(cloud.started()["InputDataVersion"], uncached);
}

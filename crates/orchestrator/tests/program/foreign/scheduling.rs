//! The order of steps, conditions, retries, the time limit and steps that cannot run here.

use serde_json::{Value, json};

use super::{definition, processing, property};
use crate::{Place, names, step};

#[test]
fn conditions_of_every_kind_choose_their_branch() {
    let place = Place::new();
    place.program("report", "echo '{\"score\": {\"value\": 0.75}, \"name\": \"b\"}' > $SAGEMAKER_BASE_DIR/processing/out/report.json");
    let mut report = processing("Report", "report", &[], &[]);
    report["PropertyFiles"] = json!([{
        "PropertyFileName": "Numbers", "OutputName": "out", "FilePath": "report.json",
    }]);
    let score = json!({ "Std:JsonGet": {
        "PropertyFile": { "Get": "Steps.Report.PropertyFiles.Numbers" }, "Path": "score.value",
    } });
    let name = json!({ "Std:JsonGet": {
        "PropertyFile": { "Get": "Steps.Report.PropertyFiles.Numbers" }, "Path": "name",
    } });
    let compare =
        |kind: &str, right: Value| json!({ "Type": kind, "LeftValue": score, "RightValue": right });
    let conditions = json!([
        compare("GreaterThanOrEqualTo", json!(0.75)),
        compare("LessThanOrEqualTo", json!({ "Get": "Parameters.Most" })),
        { "Type": "Not", "Condition": compare("GreaterThan", json!(0.75)) },
        { "Type": "Or", "Conditions": [
            compare("LessThan", json!(0.5)),
            { "Type": "And", "Conditions": [
                compare("Equals", json!(0.75)),
                { "Type": "In", "QueryValue": name, "Values": ["a", "b"] },
            ] },
        ] },
    ]);
    let choose = json!({
        "Name": "Choose",
        "Type": "Condition",
        "Arguments": {
            "Conditions": conditions,
            "IfSteps": [processing("Good", "report", &[], &[("in", property("Report"))])],
            "ElseSteps": [{
                "Name": "Bad",
                "Type": "Fail",
                "Arguments": { "ErrorMessage": { "Std:Join": {
                    "On": " ", "Values": ["score was", score],
                } } },
            }],
        },
    });
    let parameters = json!([{ "Name": "Most", "Type": "Float", "DefaultValue": 0.8 }]);
    let text = definition(&parameters, &[report, choose]);
    assert_eq!(names(&place.foreign(0, &text, &[])), ["Report", "Choose", "Good"]);
    let failed = place.foreign(4, &text, &["-p", "Most=0.7"]);
    assert_eq!(names(&failed), ["Report", "Choose", "Bad"]);
    assert_eq!(failed["failure_reason"], "Bad: score was 0.75");
}

/// Returns a Condition step that compares a value with 1.
fn is_one(name: &str, value: &Value, yes: &[Value], no: &[Value]) -> Value {
    json!({ "Name": name, "Type": "Condition", "Arguments": {
        "Conditions": [{ "Type": "Equals", "LeftValue": value, "RightValue": 1 }],
        "IfSteps": yes,
        "ElseSteps": no,
    } })
}

/// Each of the four ways through two nested conditions runs the steps of its own branches, and
/// expressions read the outcome of the inner one.
#[test]
fn conditions_are_nested() {
    let place = Place::new();
    place.program("note", "echo \"$1\" > $SAGEMAKER_BASE_DIR/processing/out/note");
    let outcome = json!({ "Get": "Steps.Inner.Outcome" });
    let fail = |name: &str, message: Value| json!({ "Name": name, "Type": "Fail", "Arguments": { "ErrorMessage": message } });
    let get = |name: &str| json!({ "Get": format!("Parameters.{name}") });
    let message = json!({ "Std:Join": { "On": " ", "Values": ["inner is", outcome] } });
    let inner = is_one(
        "Inner",
        &get("B"),
        &[processing("Both", "note", &[json!("both")], &[])],
        &[fail("First", message)],
    );
    let tell = processing("Tell", "note", &[outcome], &[]);
    let outer = is_one("Outer", &get("A"), &[inner, tell], &[fail("None", json!("no"))]);
    let parameters = json!([
        { "Name": "A", "Type": "Integer", "DefaultValue": 1 },
        { "Name": "B", "Type": "Integer", "DefaultValue": 1 },
    ]);
    let text = definition(&parameters, &[outer]);
    let file = place.file("nested.json", &text);
    let outcome = place.orchestrator(&["validate", "--definition", file.as_str()]).expect(0);
    insta::assert_snapshot!(place.neutral(&outcome.stdout), @"
    <here>/nested.json: Steps.Outer.IfSteps.Inner: warning: a Condition step inside a branch of Outer; the service's guide calls that unsupported, though the service takes it
    <here>/nested.json: valid: 6 steps, 2 parameters
    ");

    let result = place.foreign(0, &text, &[]);
    assert_eq!(names(&result), ["Outer", "Inner", "Both", "Tell"]);
    let told = place.stored(&step(&result, "Tell")["outputs"]["out"]).join("note");
    assert_eq!(fs_err::read_to_string(told).unwrap(), "True\n");

    let result = place.foreign(4, &text, &["-p", "B=2"]);
    assert_eq!(names(&result), ["Outer", "Inner", "First"]);
    assert_eq!(result["failure_reason"], "First: inner is False");
    for b in ["B=1", "B=2"] {
        let result = place.foreign(4, &text, &["-p", "A=2", "-p", b]);
        assert_eq!(names(&result), ["Outer", "None"]);
    }
}

/// 31 conditions, each in a branch of the one before it, of which every second one does not hold.
#[test]
fn conditions_are_nested_deeply() {
    let place = Place::new();
    place.program("nothing", "true");
    let mut inner = processing("Last", "nothing", &[], &[]);
    for level in (0..31).rev() {
        let name = format!("C{level}");
        let one = json!(1 + level % 2);
        inner = match level % 2 {
            0 => is_one(&name, &one, &[inner], &[]),
            _ => is_one(&name, &one, &[], &[inner]),
        };
    }
    let result = place.foreign(0, &definition(&json!([]), &[inner]), &[]);
    assert_eq!(names(&result).len(), 32);
    assert_eq!(names(&result)[31], "Last");
}

#[test]
fn independent_steps_run_side_by_side_and_depends_on_is_kept() {
    let place = Place::new();
    // Each waits until the other has started, so that they time out if they run in sequence.
    place.program(
        "meet",
        "touch $SAGEMAKER_BASE_DIR/../../../../$1\n\
         for i in $(seq 200); do test -e $SAGEMAKER_BASE_DIR/../../../../$2 && exit 0; sleep 0.05; done; exit 1",
    );
    place.program(
        "last",
        "cat $SAGEMAKER_BASE_DIR/../../../../left $SAGEMAKER_BASE_DIR/../../../../right",
    );
    let left = processing("Left", "meet", &[json!("left"), json!("right")], &[]);
    let right = processing("Right", "meet", &[json!("right"), json!("left")], &[]);
    let mut last = processing("Last", "last", &[], &[]);
    last["DependsOn"] = json!(["Left", "Right"]);
    let text = definition(&json!([]), &[last, left, right]);
    let result = place.foreign(0, &text, &["--parallel", "2"]);
    assert_eq!(names(&result)[2], "Last");
}

#[test]
fn no_more_steps_run_at_once_than_parallel_says() {
    let place = Place::new();
    // Each waits until three are there, and says so, or gives up.
    place.program(
        "crowd",
        "all=$SAGEMAKER_BASE_DIR/../../../..\n\
         echo $1 >> $all/order\n\
         touch $all/in-$1\n\
         for i in $(seq $2); do\n\
         if test $(ls $all | grep -c '^in-') -ge 3; then touch $all/crowd; break; fi\n\
         sleep 0.05\n\
         done\n\
         rm $all/in-$1",
    );
    let names = ["D", "A", "C", "B"];
    let run = |parallel: &str, tries: &str| {
        let step = |name| processing(name, "crowd", &[json!(name), json!(tries)], &[]);
        let text = definition(&json!([]), &names.map(step));
        place.foreign(0, &text, &["--no-cache", "--parallel", parallel]);
        let all = place.path("runs");
        let crowd = all.join("crowd");
        let was_crowded = crowd.exists();
        let order = fs_err::read_to_string(all.join("order")).unwrap();
        fs_err::remove_file(all.join("order")).unwrap();
        let _ = fs_err::remove_file(crowd);
        (was_crowded, order)
    };
    assert_eq!(run("1", "4"), (false, "D\nA\nC\nB\n".to_owned()));
    assert!(!run("2", "4").0);
    assert!(run("4", "400").0);
    // SageMaker takes it with the definition, and `--parallel` is of whoever runs it.
    let limited = |most: Value, more: &[&str]| {
        let step = |name| processing(name, "crowd", &[json!(name), json!("4")], &[]);
        let text = definition(&json!([]), &names.map(step));
        let mut document: Value = serde_json::from_str(&text).unwrap();
        document["ParallelismConfiguration"] = json!({ "MaxParallelExecutionSteps": most });
        let file = place.file("definition.json", document.to_string());
        let arguments = ["--no-cache", "--programs", "bin", "--definition", file.as_str()];
        place.run(&[&arguments, more].concat())
    };
    limited(json!(1), &[]).expect(0);
    let order = fs_err::read_to_string(place.path("runs/order")).unwrap();
    assert_eq!((place.path("runs/crowd").exists(), &*order), (false, "D\nA\nC\nB\n"));
    limited(json!(1), &["--parallel", "4"]).expect(0);
    assert!(place.path("runs/crowd").exists());
    insta::assert_snapshot!(limited(json!(0), &[]).expect(2).stderr, @"
    error: the definition is not valid
    ParallelismConfiguration.MaxParallelExecutionSteps: found 0, expected a whole number from 1
    ");
    let outcome = place.orchestrator(&["run", "--parallel", "0"]).expect(2);
    assert!(outcome.stderr.contains("--parallel <N>"), "{}", outcome.stderr);
}

#[test]
fn a_program_that_cannot_be_started_is_retried_by_its_policy() {
    let place = Place::new();
    place.program("busy", "true");
    let mut busy = processing("Busy", "busy", &[], &[]);
    busy["RetryPolicies"] = json!([{
        "ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"],
        "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 3,
    }]);
    let text = definition(&json!([]), &[busy]);
    // A program that is open for writing cannot be started: "text file busy".
    let open = fs_err::OpenOptions::new().append(true).open(place.path("bin/busy")).unwrap();
    let closer = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(600));
        drop(open);
    });
    place.foreign(0, &text, &[]);
    closer.join().unwrap();
    assert_eq!(step(&place.record(), "Busy")["attempts"], 2);
}

#[test]
fn a_program_that_fails_is_not_retried() {
    let place = Place::new();
    place.program("fails", "echo first >&2; echo why > $SAGEMAKER_BASE_DIR/output/message; exit 7");
    let mut fails = processing("Fails", "fails", &[], &[]);
    fails["RetryPolicies"] = json!([{
        "ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "MaxAttempts": 3,
    }]);
    let result = place.foreign(1, &definition(&json!([]), &[fails]), &[]);
    insta::assert_snapshot!(result["failure_reason"].as_str().unwrap(), @"Fails: why");
    assert_eq!(step(&place.record(), "Fails")["attempts"], 1);
    assert_eq!(step(&place.record(), "Fails")["exit_code"], 7);
}

#[test]
fn a_job_that_runs_too_long_is_stopped() {
    let place = Place::new();
    place.program("slow", "exec sleep 60");
    let mut slow = processing("Slow", "slow", &[], &[]);
    slow["Arguments"]["StoppingCondition"] = json!({ "MaxRuntimeInSeconds": 1 });
    let result = place.foreign(1, &definition(&json!([]), &[slow]), &[]);
    insta::assert_snapshot!(result["failure_reason"].as_str().unwrap(), @"Slow: slow ran longer than its limit of 1 s");
}

#[test]
fn a_step_that_cannot_run_here_is_refused_with_the_reason() {
    let place = Place::new();
    place.program("here", "true");
    let refused = |step: Value| {
        let result = place.foreign(2, &definition(&json!([]), &[step]), &[]);
        place.neutral(result["failure_reason"].as_str().unwrap())
    };
    insta::assert_snapshot!(refused(processing("A", "nowhere", &[], &[])), @"A: image 123456789012.dkr.ecr.us-east-1.amazonaws.com/any:1 runs `nowhere`, but <here>/bin/nowhere does not exist; `scripts/local` builds the programs, and --programs names their directory");
    insta::assert_snapshot!(refused(json!({ "Name": "B", "Type": "EMR", "Arguments": {} })), @"B: steps of type EMR are not run here; Processing, Training, Condition, Fail and RegisterModel are");
    let missing = processing("C", "here", &[], &[("in", json!("s3://bucket/nothing"))]);
    let result = place.foreign(3, &definition(&json!([]), &[missing]), &[]);
    insta::assert_snapshot!(place.neutral(result["failure_reason"].as_str().unwrap()), @"C: nothing is stored at s3://bucket/nothing (here: <here>/runs/s3/bucket/nothing)");
}

#[test]
fn a_step_whose_dependency_was_skipped_fails_the_execution() {
    let place = Place::new();
    place.program("here", "true");
    let choose = json!({
        "Name": "Choose",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [{ "Type": "Equals", "LeftValue": 1, "RightValue": 2 }],
            "IfSteps": [processing("A", "here", &[], &[])],
            "ElseSteps": [],
        },
    });
    let mut after = processing("After", "here", &[], &[]);
    after["DependsOn"] = json!(["A"]);
    let result = place.foreign(1, &definition(&json!([]), &[choose, after]), &[]);
    assert_eq!(result["failure_reason"], "After was not run: it needs a step that was not run");
}

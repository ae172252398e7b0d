//! Jobs with the files that SageMaker mounts: what they need, what is optional, how they fail.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;
use testkit::{Outcome, Sandbox, executable};

use crate::docker::Run;

fn orchestrator(arguments: &[&str]) -> String {
    let output = Command::new(executable("orchestrator")).args(arguments).output().unwrap();
    Outcome::from(output).expect(0).stdout
}

/// The shipped settings.
const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pipeline_config.yaml");

/// Returns the definition of the shipped settings.
fn definition() -> Value {
    serde_json::from_str(&orchestrator(&["definition", "--config", SETTINGS])).unwrap()
}

/// Returns the container arguments of a step for the default values of the parameters.
fn arguments(step: &str) -> Vec<String> {
    let definition = definition();
    let steps = definition["Steps"].as_array().unwrap();
    let step = steps.iter().find(|found| found["Name"] == step).unwrap();
    let parameters = definition["Parameters"].as_array().unwrap();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let resolve = |value: &Value| match value["Get"].as_str() {
        Some(get) => {
            let name = get.strip_prefix("Parameters.").unwrap();
            text(&parameters.iter().find(|found| found["Name"] == name).unwrap()["DefaultValue"])
        }
        None => text(value),
    };
    let given = step["Arguments"]["AppSpecification"]["ContainerArguments"].as_array().unwrap();
    let joined = |value: &Value| match value["Std:Join"]["Values"].as_array() {
        Some(values) => values.iter().map(resolve).collect(),
        None => resolve(value),
    };
    given.iter().map(joined).collect()
}

/// Creates a job of Preprocess without a raw table.
fn without_table() -> Sandbox {
    let settings = orchestrator(&["definition", "--table-settings", "--config", SETTINGS]);
    let sandbox = Sandbox::new();
    sandbox.file("processing/settings/table.json", settings);
    sandbox
}

/// Creates a job of Preprocess: the settings of the table, a raw table, and nothing else.
fn preprocess() -> Sandbox {
    let sandbox = without_table();
    let table = sandbox.path("processing/input/raw.csv");
    fs_err::create_dir_all(table.parent().unwrap()).unwrap();
    orchestrator(&["sample", "--rows", "1500", "--output", table.as_str()]);
    sandbox
}

/// Copies a file from one tree to another.
fn copy(from: &Sandbox, path: &str, to: &Sandbox, place: &str) {
    to.file(place, fs_err::read(from.path(path)).unwrap());
}

/// Creates a job of Train from the outputs of Preprocess.
pub fn train() -> Sandbox {
    let before = preprocess();
    Run::new("preprocess", &before).arguments(&arguments("Preprocess")).run().expect(0);
    let sandbox = Sandbox::new();
    copy(&before, "processing/output/train/train.csv", &sandbox, "input/data/train/train.csv");
    copy(
        &before,
        "processing/output/recipe/recipe.json",
        &sandbox,
        "input/data/recipe/recipe.json",
    );
    sandbox.file("test.csv", fs_err::read(before.path("processing/output/test/test.csv")).unwrap());
    sandbox
}

/// Creates a tree with the model of Train.
pub fn trained() -> Sandbox {
    let sandbox = train();
    Run::new("train", &sandbox).arguments(&["train"]).run().expect(0);
    sandbox
}

const OUTPUTS: [&str; 5] = [
    "model/background.bin",
    "model/forest.bin",
    "model/metadata.json",
    "model/model.onnx",
    "model/recipe.json",
];

fn model(sandbox: &Sandbox) -> Vec<Vec<u8>> {
    let files = sandbox.files("model");
    assert_eq!(files, OUTPUTS);
    files.iter().map(|file| fs_err::read(sandbox.path(file)).unwrap()).collect()
}

/// Creates a job of Evaluate from the model of Train.
fn evaluate() -> Sandbox {
    let before = train();
    Run::new("train", &before).arguments(&["train"]).run().expect(0);
    let sandbox = Sandbox::new();
    copy(&before, "test.csv", &sandbox, "processing/test/test.csv");
    fs_err::create_dir_all(sandbox.path("processing/model")).unwrap();
    let archive = sandbox.path("processing/model/model.tar.gz");
    let packed = Command::new("tar")
        .args(["-czf", archive.as_str(), "-C", before.path("model").as_str()])
        .args(["background.bin", "forest.bin", "metadata.json", "model.onnx", "recipe.json"])
        .status();
    assert!(packed.unwrap().success());
    sandbox
}

fn register_variables(sandbox: &mut Sandbox) {
    for (name, value) in [
        ("MODEL_REGISTRY_DIRECTORY", "/opt/ml/registry"),
        ("MODEL_PACKAGE_GROUP_NAME", "machine-downtime"),
        ("MODEL_PACKAGE_GROUP_DESCRIPTION", "predicts downtime"),
        ("MODEL_APPROVAL_STATUS", "PendingManualApproval"),
        ("MODEL_DATA_URL", "s3://bucket/job/output/model.tar.gz"),
        ("MODEL_METRICS_URL", "s3://bucket/evaluation/abc/evaluation.json"),
        ("INFERENCE_IMAGE", "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"),
        ("PIPELINE_NAME", "MachineDowntimePipeline"),
        ("PIPELINE_EXECUTION_ID", "abc"),
    ] {
        sandbox.variable(name, value);
    }
}

/// SageMaker runs containers as root; any other user works too.
#[test]
#[ignore = "needs the images: scripts/test --all"]
fn every_job_needs_only_what_is_mounted_whoever_runs_it() {
    let mut registered = Sandbox::new();
    for user in ["0:0", "12345:54321"] {
        let (evaluated, trained) = (evaluate(), train());
        let run = |step: &str, sandbox: &Sandbox, arguments: &[String]| {
            open_to_all(sandbox);
            let user = format!("--user={user}");
            Run::new(step, sandbox).options(&[&user]).arguments(arguments).run().expect(0);
        };
        run("preprocess", &preprocess(), &arguments("Preprocess"));
        run("train", &trained, &["train".to_owned()]);
        run("evaluate", &evaluated, &arguments("Evaluate"));
        registered = Sandbox::new();
        register_variables(&mut registered);
        for file in ["evaluation.json", "metrics.json"] {
            let path = format!("processing/evaluation/{file}");
            copy(&evaluated, &path, &registered, &path);
        }
        run("register", &registered, &[]);
    }
    let registration: Value =
        serde_json::from_str(&registered.read("processing/registration/registration.json"))
            .unwrap();
    assert_eq!(registration["approval_status"], "PendingManualApproval");
}

fn open_to_all(sandbox: &Sandbox) {
    let tree = Command::new("chmod").args(["-R", "a+rwX", sandbox.base().as_str()]).status();
    assert!(tree.unwrap().success());
    fs_err::set_permissions(sandbox.base(), std::fs::Permissions::from_mode(0o777)).unwrap();
}

/// The argument `train`, none, and arguments that an SDK may add; there are no files with
/// hyperparameters, hosts and channels.
#[test]
#[ignore = "needs the images: scripts/test --all"]
fn arguments_and_files_that_are_optional() {
    let sandbox = train();
    Run::new("train", &sandbox).arguments(&["train"]).run().expect(0);
    let expected = model(&sandbox);
    for arguments in [&[][..], &["train", "--verbose", "x"], &["serve-not"]] {
        fs_err::remove_dir_all(sandbox.path("model")).unwrap();
        Run::new("train", &sandbox).arguments(arguments).run().expect(0);
        assert!(model(&sandbox) == expected, "{arguments:?}");
    }
    let sandbox = preprocess();
    let more = [arguments("Preprocess"), vec!["--unknown=1".to_owned(), "x".to_owned()]].concat();
    let outcome = Run::new("preprocess", &sandbox).arguments(&more).run().expect(0);
    assert!(outcome.stderr.contains("--unknown=1"), "{}", outcome.stderr);
}

/// Returns the reason of a failure, after checking that its file is UTF-8 and not longer than
/// SageMaker keeps.
#[track_caller]
fn reason(sandbox: &Sandbox, file: &str, outcome: &Outcome) -> String {
    assert!(!matches!(outcome.code, Some(0) | None), "{outcome:?}");
    let bytes = fs_err::read(sandbox.path(file)).unwrap();
    assert!(!bytes.is_empty() && bytes.len() <= 1024, "{} bytes", bytes.len());
    String::from_utf8(bytes).unwrap()
}

#[test]
#[ignore = "needs the images: scripts/test --all"]
fn every_failure_leaves_its_reason_and_a_code() {
    // Empty trees.
    for (step, file, expected) in [
        ("preprocess", "output/message", 2),
        ("train", "output/failure", 2),
        ("evaluate", "output/message", 3),
        ("register", "output/message", 2),
    ] {
        let sandbox = Sandbox::new();
        let outcome = Run::new(step, &sandbox).run();
        reason(&sandbox, file, &outcome);
        outcome.expect(expected);
        assert_eq!(sandbox.list("output").len(), 1, "one file, and nothing half-written");
    }
    // A message far longer than SageMaker keeps, of two-byte characters.
    let sandbox = without_table();
    let header: Vec<_> = (0..400).map(|number| format!("µµµµµµµµµµ{number}")).collect();
    sandbox.file("processing/input/a.csv", header.join(","));
    let outcome = Run::new("preprocess", &sandbox).arguments(&arguments("Preprocess")).run();
    assert!(reason(&sandbox, "output/message", &outcome).len() > 1000);
    outcome.expect(3);
    // A file that is not an archive.
    let sandbox = evaluate();
    sandbox.file("processing/model/model.tar.gz", "no archive");
    let outcome = Run::new("evaluate", &sandbox).arguments(&arguments("Evaluate")).run();
    assert!(reason(&sandbox, "output/message", &outcome).contains("model.tar.gz"));
    outcome.expect(3);
}

/// The panic is provoked by a container that may not start a second thread.
#[test]
#[ignore = "needs the images: scripts/test --all"]
fn a_panic_is_a_failure_like_any_other() {
    let sandbox = train();
    let outcome =
        Run::new("train", &sandbox).options(&["--pids-limit=1"]).arguments(&["train"]).run();
    let reason = reason(&sandbox, "output/failure", &outcome);
    assert!(reason.starts_with("this is a defect in the program: panicked at"), "{reason}");
    outcome.expect(1);
    assert_eq!(sandbox.list("model"), [""; 0]);
}

#[test]
#[ignore = "needs the images: scripts/test --all"]
fn a_part_of_the_table_for_each_host_is_refused() {
    let hosts = r#"{"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]}"#;
    let sandbox = preprocess();
    sandbox.file("config/resourceconfig.json", hosts);
    let outcome = Run::new("preprocess", &sandbox).arguments(&arguments("Preprocess")).run();
    let reason = reason(&sandbox, "output/message", &outcome);
    assert!(reason.contains("2 hosts, expected 1"), "{reason}");
    outcome.expect(2);
}

/// Every expression of the definition's MetricDefinitions matches one line.
#[test]
#[ignore = "needs the images: scripts/test --all"]
fn metric_lines_match_their_expressions() {
    let sandbox = train();
    let log = Run::new("train", &sandbox).arguments(&["train"]).run().expect(0).stderr;
    let definition = definition();
    let steps = definition["Steps"].as_array().unwrap();
    let train = steps.iter().find(|step| step["Name"] == "Train").unwrap();
    let metrics = &train["Arguments"]["AlgorithmSpecification"]["MetricDefinitions"];
    for metric in metrics.as_array().unwrap() {
        let expression = regex::Regex::new(metric["Regex"].as_str().unwrap()).unwrap();
        let found: Vec<_> = expression.captures_iter(&log).collect();
        assert_eq!(found.len(), 1, "{metric}");
        assert!(found[0][1].parse::<f64>().is_ok(), "{metric}");
    }
}

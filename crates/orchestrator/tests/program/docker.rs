//! Jobs in containers. `scripts/test --all` runs the tests that need a Docker engine and the images.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{CONFIG, Place, step};

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    testkit::Outcome::from(output).expect(0).stdout.trim().to_owned()
}

/// Starts a run and waits until the first host trains. Returns the run's process and the id of that
/// host's container.
#[expect(clippy::zombie_processes, reason = "the test that fails here ends them all")]
fn training(place: &Place, more: &[&str]) -> (Child, String) {
    let arguments = ["run", "--config", CONFIG, "--engine", "docker", "-p", "NEstimators=100000"];
    let mut command = place.command(&[&arguments, more].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    loop {
        let log = place.path("runs/executions").read_dir_utf8().ok().and_then(|mut entries| {
            let id = entries.next()?.ok()?;
            let log = fs_err::read_to_string(id.path().join("Train/algo-1.log")).ok()?;
            log.contains("read the rows").then(|| id.file_name().to_owned())
        });
        if let Some(id) = log {
            let filter = format!("name=pipelines-{id}-Train-algo-1");
            return (child, docker(&["ps", "--quiet", "--no-trunc", "--filter", &filter]));
        }
        assert!(started.elapsed() < Duration::from_secs(60), "training does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn assert_gone(filter: &str) {
    let started = Instant::now();
    while !docker(&["ps", "--all", "--quiet", "--filter", filter]).is_empty() {
        assert!(started.elapsed() < Duration::from_secs(10), "{filter} is left behind");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
#[ignore = "needs the images: scripts/test --all"]
fn containers_and_processes_make_the_same_model_and_report() {
    let place = Place::new();
    place.orchestrator(&["sample", "--output", "table.csv"]).expect(0);
    assert_same_in_containers(&place, "table.csv");
}

#[test]
#[ignore = "needs the images: scripts/test --all"]
fn containers_and_processes_make_the_same_model_of_the_real_table() {
    let Some(table) = testkit::real_table() else { return };
    assert_same_in_containers(&Place::new(), table.as_str());
}

/// Runs the pipeline over a table in containers, in processes, and in containers again.
#[track_caller]
fn assert_same_in_containers(place: &Place, table: &str) {
    let bytes = |arguments: &[&str]| {
        let result = place.json(0, arguments);
        let file = |name: &str| fs_err::read(place.stored(&result["model_package"][name])).unwrap();
        assert!(result["steps"].as_array().unwrap().iter().all(|step| step["cached"] == false));
        (file("model_data_url"), file("metrics_url"))
    };
    let input = ["--input", table];
    let in_containers = bytes(&[&input[..], &["--engine", "docker"]].concat());
    assert!(in_containers == bytes(&input), "the files differ");
    // The images have not changed, so the cached results apply.
    let again = place.json(0, &[&input[..], &["--engine", "docker"]].concat());
    assert_eq!(step(&again, "Train")["cached"], true);
    let id = again["execution_id"].as_str().unwrap();
    assert_eq!(docker(&["ps", "--all", "--quiet", "--filter", &format!("name={id}")]), "");
}

#[test]
#[ignore = "needs the images: scripts/test --all"]
fn several_containers_make_the_model_of_several_processes_and_the_report_of_one() {
    let place = Place::new();
    let bytes = |arguments: &[&str]| {
        let result = place.json(0, arguments);
        let file = |name: &str| fs_err::read(place.stored(&result["model_package"][name])).unwrap();
        (file("model_data_url"), file("metrics_url"))
    };
    let hosts = ["-p", "TrainingInstanceCount=3"];
    let in_containers = bytes(&[&hosts[..], &["--engine", "docker"]].concat());
    assert!(in_containers == bytes(&hosts), "the files differ");
    let report = |bytes: &[u8]| {
        let mut report: Value = serde_json::from_slice(bytes).unwrap();
        // The archives are not the same bytes.
        report["model"].as_object_mut().unwrap().remove("model_digest").unwrap();
        report
    };
    assert!(report(&in_containers.1) == report(&bytes(&[]).1), "the reports differ");
}

#[test]
#[ignore = "needs the images: scripts/test --all"]
fn a_container_has_the_permissions_and_limits_of_its_job() {
    let place = Place::new();
    let (child, container) = training(&place, &["-p", "TrainingInstanceType=ml.c5.large"]);
    let inspected: Value = serde_json::from_str(&docker(&["inspect", &container])).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    testkit::Outcome::from(child.wait_with_output().unwrap()).expect(1);
    let host = &inspected[0]["HostConfig"];
    assert_eq!(host["ReadonlyRootfs"], true);
    assert_eq!(host["NetworkMode"], "none");
    assert_eq!(host["CapDrop"], serde_json::json!(["ALL"]));
    let all: u64 = docker(&["info", "--format", "{{.MemTotal}}"]).parse().unwrap();
    assert_eq!(host["Memory"], (all - all / 8).min(4 << 30));
    assert_eq!(host["PidsLimit"], 4096);
    assert_eq!(host["NanoCpus"], 2_000_000_000_u64);
    assert_eq!(inspected[0]["Args"], serde_json::json!(["train"]));
    let mut mounts: Vec<_> = inspected[0]["Mounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mount| mount["Destination"].as_str().unwrap().to_owned())
        .collect();
    mounts.sort();
    assert_eq!(mounts, ["/opt/ml"]);
    let variables = inspected[0]["Config"]["Env"].as_array().unwrap();
    assert!(
        variables.iter().any(|v| v.as_str().unwrap().starts_with("TRAINING_JOB_NAME=pipelines-"))
    );
}

#[test]
#[ignore = "needs the images: scripts/test --all"]
fn no_container_outlives_the_run() {
    for (signal, hosts) in [
        (Signal::INT, 1),
        (Signal::TERM, 1),
        (Signal::KILL, 1),
        (Signal::TERM, 3),
        (Signal::KILL, 3),
    ] {
        let place = Place::new();
        let count = format!("TrainingInstanceCount={hosts}");
        let (child, container) = training(&place, &["-p", &count]);
        let signalled = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let outcome = testkit::Outcome::from(child.wait_with_output().unwrap());
        assert!(signalled.elapsed() < Duration::from_secs(10));
        assert_gone(&format!("id={container}"));
        let id = place.record()["execution_id"].as_str().unwrap().to_owned();
        assert_gone(&format!("name=pipelines-{id}-Train"));
        if signal != Signal::KILL {
            outcome.expect(1);
            assert_eq!(step(&place.record(), "Train")["status"], "Stopped");
        }
    }
}

#[test]
#[ignore = "needs the images: scripts/test --all"]
fn a_failed_container_reports_its_reason() {
    let place = Place::new();
    let table = place.file("bad.csv", "Torque,Downtime\n1,yes\n");
    let outcome = place.run(&["--engine", "docker", "--input", table.as_str()]).expect(3);
    let last = place.neutral(outcome.stderr.lines().last().unwrap());
    assert!(last.starts_with("error: Preprocess: <here>/bad.csv lacks column"), "{last}");
}

#[test]
#[ignore = "needs a Docker engine: scripts/test --all"]
fn a_missing_image_says_how_to_build_it() {
    let place = Place::new();
    let outcome = place.run(&["--engine", "docker", "--image-tag", "none-such"]).expect(2);
    let error = outcome.stderr.lines().last().unwrap();
    insta::assert_snapshot!(error, @"error: there is no image machine-downtime/evaluate:none-such here; `scripts/build-images` builds the images of this checkout, --image-tag names another tag of them");
    assert!(!place.path("runs/executions").exists());
}

#[test]
fn a_missing_engine_is_reported() {
    let place = Place::new();
    let mut command = place.command(&["run", "--config", CONFIG, "--engine", "docker"]);
    let outcome = testkit::Outcome::from(command.env("PATH", "").output().unwrap()).expect(2);
    let error = outcome.stderr.lines().last().unwrap();
    insta::assert_snapshot!(error, @"error: no Docker engine: cannot start `docker`: No such file or directory (os error 2); --engine process needs none");
    let refused = |arguments: &[&str]| {
        place.run(arguments).expect(2).stderr.lines().last().unwrap().to_owned()
    };
    insta::assert_snapshot!(refused(&["--image-tag", "x"]), @"error: --image-tag, --network and --docker-timeout go with --engine docker");
    insta::assert_snapshot!(refused(&["--engine", "docker", "--programs", "x"]), @"error: --programs goes with --engine process: a container has its own");
}

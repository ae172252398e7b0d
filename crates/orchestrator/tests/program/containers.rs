//! Calls of Docker, with a shell script in its place: what a container gets, and an engine that does
//! not answer.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::processes::{end, wait_until};
use crate::{CONFIG, Place};

/// Answers of an engine with two processors, 8 GiB and every image.
const ANSWERS: [(&str, &str); 4] = [
    ("info", "echo 2 8589934592"),
    ("image", "echo sha256:1"),
    ("container", "echo 1"),
    ("rm", "true"),
];

impl Place {
    /// Writes a script that stands for `docker`: each of `cases` is a subcommand and what it does
    /// instead of answering.
    fn docker(&self, cases: &[(&str, &str)]) {
        let cases = cases.iter().chain(&ANSWERS).map(|(name, does)| format!("{name}) {does};;\n"));
        let cases: String = cases.collect();
        let script =
            format!("#!/bin/sh\necho \"$@\" >>{}\ncase $1 in\n{cases}esac\n", self.calls());
        let path = self.file("fake/docker", script);
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Returns the file to which that script writes its calls.
    fn calls(&self) -> camino::Utf8PathBuf {
        self.path("calls")
    }

    /// Returns a run of a definition of one step by that engine.
    fn in_containers(&self, step: Value, more: &[&str]) -> Command {
        let text = json!({
            "Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": [step],
        });
        let file = self.file("definition.json", text.to_string());
        let arguments = ["run", "--config", CONFIG, "--engine", "docker", "--definition"];
        let mut command = self.command(&[&arguments[..], &[file.as_str()], more].concat());
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.path("fake")));
        command
    }
}

/// Returns a Processing step without inputs and outputs.
fn job(environment: &Value) -> Value {
    json!({
        "Name": "Job", "Type": "Processing",
        "Arguments": {
            "ProcessingResources": { "ClusterConfig": {
                "InstanceCount": 1, "InstanceType": "ml.z9.large", "VolumeSizeInGB": 10,
            } },
            "AppSpecification": { "ImageUri": "any:1" },
            "RoleArn": "arn:aws:iam::123456789012:role/pipelines",
            "Environment": environment,
        },
    })
}

fn outcome(mut command: Command) -> testkit::Outcome {
    command.output().unwrap().into()
}

#[test]
fn a_container_has_limits_and_no_registry_unless_its_step_is_named() {
    let place = Place::new();
    place.docker(&[("run", "true")]);
    let group = json!({ "MODEL_PACKAGE_GROUP_NAME": "pumps", "LD_PRELOAD": "any.so" });
    let run = |more: &[&str]| {
        let outcome = outcome(place.in_containers(job(&group), more)).expect(0);
        let calls = fs_err::read_to_string(place.calls()).unwrap();
        let run = calls.lines().rfind(|call| call.starts_with("run ")).unwrap();
        (outcome.stderr, run.to_owned())
    };
    let (said, call) = run(&[]);
    let said: Vec<&str> = said.lines().filter(|line| !line.contains("Succeeded")).collect();
    insta::assert_snapshot!(said.join("\n"), @"
    Job does not get the model registry; --register-step Job would give it.
    The size of ml.z9.large is not known here: its containers get 2 processors and 7168 MiB of memory.
    ");
    for option in ["--pids-limit 4096", "--cpus 2", "--memory 7516192768", "LD_PRELOAD=any.so"] {
        assert!(call.contains(option), "{call}");
    }
    assert!(!call.contains("registry"), "{call}");
    let (_, call) = run(&["--register-step", "Job"]);
    assert!(call.contains("target=/opt/ml/registry"), "{call}");
    assert!(call.contains("MODEL_REGISTRY_DIRECTORY=/opt/ml/registry"), "{call}");

    let own = job(&json!({ "SAGEMAKER_BASE_DIR": "/" }));
    let refused = outcome(place.in_containers(own, &[])).expect(2).stderr;
    assert!(
        refused.contains("Environment.SAGEMAKER_BASE_DIR: the engine tells a job"),
        "{refused}"
    );
}

#[test]
fn an_engine_that_does_not_answer_fails_the_run() {
    let place = Place::new();
    let failed = |cases: &[(&str, &str)], code: i32| {
        place.docker(cases);
        let command = place.in_containers(job(&json!({})), &["--docker-timeout", "1"]);
        let outcome = outcome(command).expect(code);
        let error = place.neutral(outcome.stderr.lines().last().unwrap());
        regex::Regex::new(r"-algo-1-\d+").unwrap().replace_all(&error, "-algo-1-<pid>").into_owned()
    };
    let sleeps = "exec sleep 300";
    insta::assert_snapshot!(failed(&[("info", sleeps)], 2), @"error: no Docker engine: the engine has not answered `docker info --format {{.NCPU}} {{.MemTotal}}` for 1 s; --docker-timeout gives it more time; --engine process needs none");
    insta::assert_snapshot!(failed(&[("image", sleeps)], 1), @"error: cannot begin an execution: the engine has not answered `docker image inspect --format {{.Id}} any:1` for 1 s; --docker-timeout gives it more time");
    // The client waits, whatever becomes of the engine.
    let waits = ("run", "trap '' TERM; sleep 300");
    insta::assert_snapshot!(failed(&[waits, ("container", sleeps)], 1), @"error: Job: cannot run `docker`: the engine has not answered `docker container inspect --format {{.Id}} pipelines-<id>-Job-algo-1-<pid>` for 1 s; --docker-timeout gives it more time");
    insta::assert_snapshot!(failed(&[waits, ("container", "exit 1")], 1), @"error: Job: cannot run `docker`: the engine has had no container pipelines-<id>-Job-algo-1-<pid> for 1 s, and `docker run` waits for its end; --docker-timeout gives it more time");
}

/// The first signal lets the job end, unless its engine does not answer; the second does not wait.
#[test]
fn signals_end_a_run_whose_engine_does_not_answer() {
    for (timeout, signals) in [("1", &[Signal::TERM][..]), ("60", &[Signal::INT, Signal::TERM])] {
        let place = Place::new();
        place.docker(&[("run", "trap '' TERM; sleep 300"), ("container", "exec sleep 300")]);
        let mut command = place.in_containers(job(&json!({})), &["--docker-timeout", timeout]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_until(|| fs_err::read_to_string(place.calls()).is_ok_and(|it| it.contains("\nrun ")));
        for signal in signals {
            kill_process(Pid::from_child(&child), *signal).unwrap();
        }
        let outcome = end(child).expect(1);
        assert!(outcome.stdout.ends_with(": Stopped\n"), "{outcome:?}");
        if timeout == "1" {
            assert!(outcome.stderr.contains("has not answered `docker container"), "{outcome:?}");
        }
    }
}

//! Signals to a run and to its processes, and concurrent runs.

use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use rustix::process::{Pid, Signal, kill_process};

use crate::{CONFIG, Place, names, step};

/// Starts a run whose training takes minutes, waits until it trains, and returns the processes of the
/// run and of the training.
fn training(place: &Place) -> (Child, Pid) {
    let (child, processes) = training_on(place, 1);
    (child, processes[0])
}

/// Does the same as [`training`] with this number of hosts.
#[expect(clippy::zombie_processes, reason = "the test that fails here ends them all")]
fn training_on(place: &Place, hosts: usize) -> (Child, Vec<Pid>) {
    let count = format!("TrainingInstanceCount={hosts}");
    let arguments = ["run", "--config", CONFIG, "-p", "NEstimators=100000", "-p", &count];
    // Whoever runs the tests may have made them ignore some signals.
    let mut command = through_env("--default-signal=HUP,USR1,XCPU", &place.command(&arguments));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    loop {
        let processes = train_processes(place);
        if processes.len() == hosts {
            return (child, processes);
        }
        assert!(started.elapsed() < Duration::from_secs(30), "training does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the command as `env` runs it with an option: in its own place, in the same process.
fn through_env(option: &str, command: &Command) -> Command {
    let mut through = Command::new("env");
    through.arg(option).arg(command.get_program()).args(command.get_args());
    through.current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => through.env(name, value),
            None => through.env_remove(name),
        };
    }
    through
}

/// Returns the first process that [`train_processes`] finds.
fn train_process(place: &Place) -> Option<Pid> {
    train_processes(place).first().copied()
}

/// Returns the processes that run the program `train` in a job's directory below `place`.
fn train_processes(place: &Place) -> Vec<Pid> {
    let here = place.path("runs/executions");
    let processes = fs_err::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| {
            let path = Utf8PathBuf::from_path_buf(entry.ok()?.path()).ok()?;
            let pid = path.file_name()?.parse().ok().and_then(Pid::from_raw)?;
            let directory = path.join("cwd").read_link_utf8().ok()?;
            let program = path.join("exe").read_link_utf8().ok()?;
            (directory.starts_with(&here) && program.file_name() == Some("train")).then_some(pid)
        })
        .collect()
}

/// Starts a run and sends it `signal` once `ready`.
pub fn signalled(
    place: &Place,
    arguments: &[&str],
    signal: Signal,
    ready: impl Fn() -> bool,
) -> testkit::Outcome {
    let mut command = place.command(arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until(ready);
    kill_process(Pid::from_child(&child), signal).unwrap();
    end(child)
}

/// Waits, at most 60 seconds.
pub fn wait_until(ready: impl Fn() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < Duration::from_secs(60), "it does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until the process whose id is in a file has ended.
pub fn gone(place: &Place, file: &str) {
    let pid = fs_err::read_to_string(place.path(file)).unwrap();
    wait_until(|| {
        let stat = fs_err::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.is_err() || stat.is_ok_and(|stat| stat.contains(") Z"))
    });
}

/// Waits for the end of a run, which must come within 10 seconds.
pub fn end(child: Child) -> testkit::Outcome {
    let started = Instant::now();
    let outcome = child.wait_with_output().unwrap().into();
    assert!(started.elapsed() < Duration::from_secs(10), "{outcome:?}");
    outcome
}

#[test]
fn an_interrupt_stops_the_children_and_leaves_a_record() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::USR1, Signal::XCPU] {
        let place = Place::new();
        let (child, _) = training(&place);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let outcome = end(child).expect(1);
        assert!(outcome.stdout.ends_with(": Stopped\n"), "{}", outcome.stdout);
        assert_eq!(train_process(&place), None);
        let record = place.record();
        assert_eq!(record["status"], "Stopped");
        assert_eq!(names(&record), ["Preprocess", "Train"]);
        assert_eq!(step(&record, "Preprocess")["status"], "Succeeded");
        assert_eq!(step(&record, "Train")["status"], "Stopped");
        assert!(!place.path("runs/s3/machine-downtime-2/model-artifacts").exists());
    }
}

/// `nohup` starts a program so that it goes on when its terminal ends.
#[test]
fn a_signal_that_is_to_be_ignored_does_not_stop_a_run() {
    let place = Place::new();
    let arguments = ["run", "--config", CONFIG, "-p", "NEstimators=100000"];
    let mut command = through_env("--ignore-signal=HUP,TERM", &place.command(&arguments));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until(|| train_process(&place).is_some());
    kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(train_process(&place).is_some());
    // A termination is always meant.
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let outcome = end(child).expect(1);
    assert!(outcome.stdout.ends_with(": Stopped\n"), "{}", outcome.stdout);
}

/// Whoever stops a run wants to know whether a version is there now.
#[test]
fn a_stopped_run_says_what_it_has_registered() {
    let place = Place::new();
    fs_err::create_dir_all(place.path("bin")).unwrap();
    for program in ["preprocess", "train", "evaluate"] {
        let link = place.path("bin").join(program);
        std::os::unix::fs::symlink(testkit::executable(program), link).unwrap();
    }
    // The version is there, but the job goes on.
    let register = testkit::executable("register");
    let script =
        format!("#!/bin/sh\n{register} \"$@\" || exit\necho >../../../../done\nsleep 300\n");
    let path = place.file("bin/register", script);
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let arguments = ["run", "--config", CONFIG, "--programs", "bin"];
    let registered = || place.path("runs/done").is_file();
    let outcome = signalled(&place, &arguments, Signal::TERM, registered).expect(1);
    let version =
        "arn:aws:sagemaker:local:000000000000:model-package/machine-downtime-model-group/1";
    let said = format!("It was stopped after it had registered {version}.\n");
    assert!(outcome.stderr.contains(&said), "{outcome:?}");
    assert!(outcome.stdout.contains(&format!("Model package  {version} (")), "{outcome:?}");
    assert_eq!(step(&place.record(), "Register")["status"], "Stopped");

    let place = Place::new();
    let (child, _) = training(&place);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let outcome = end(child).expect(1);
    assert!(outcome.stderr.contains("It was stopped before it registered a model.\n"));
}

#[test]
fn no_host_outlives_the_run() {
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let place = Place::new();
        let (child, hosts) = training_on(&place, 3);
        assert_eq!(hosts.len(), 3);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let outcome = end(child);
        let started = Instant::now();
        while !train_processes(&place).is_empty() {
            assert!(started.elapsed() < Duration::from_secs(10), "a host lives on");
            std::thread::sleep(Duration::from_millis(5));
        }
        if signal != Signal::KILL {
            outcome.expect(1);
            assert_eq!(step(&place.record(), "Train")["status"], "Stopped");
        }
    }
}

#[test]
fn a_host_that_is_killed_ends_the_others_and_fails_the_execution() {
    let place = Place::new();
    let (child, hosts) = training_on(&place, 3);
    kill_process(hosts[1], Signal::KILL).unwrap();
    let outcome = end(child).expect(1);
    let last = place.neutral(outcome.stderr.lines().last().unwrap());
    let killed =
        regex::Regex::new("^error: Train: algo-[123]: train was killed by signal 9").unwrap();
    assert!(killed.is_match(&last), "{last}");
    assert_eq!(train_process(&place), None);
    assert!(!place.path("runs/s3/machine-downtime-2/model-artifacts").exists());
}

#[test]
fn a_step_that_is_killed_fails_the_execution() {
    let place = Place::new();
    let (child, train) = training(&place);
    kill_process(train, Signal::KILL).unwrap();
    let outcome = end(child).expect(1);
    insta::assert_snapshot!(place.neutral(outcome.stderr.lines().last().unwrap()), @"error: Train: train was killed by signal 9 (SIGKILL)");
    let record = place.record();
    assert_eq!(step(&record, "Train")["status"], "Failed");
    assert!(!place.path("runs/s3/machine-downtime-2/model-artifacts").exists());
}

#[test]
fn later_runs_ignore_the_record_of_a_killed_run() {
    let place = Place::new();
    let (mut child, train) = training(&place);
    child.kill().unwrap();
    child.wait().unwrap();
    let record = place.record();
    assert_eq!(record["status"], "Executing");
    let started = Instant::now();
    while train_process(&place) == Some(train) {
        assert!(started.elapsed() < Duration::from_secs(10), "its step lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
    place.run(&["--from", "Train"]).expect(0);
}

#[test]
fn what_a_killed_run_has_left_is_gone_after_the_next_start() {
    let place = Place::new();
    let (mut child, train) = training(&place);
    let id = place.record()["execution_id"].as_str().unwrap().to_owned();
    let job = place.path("runs/executions").join(&id).join("Train");
    let unfinished = place.file("runs/s3/machine-downtime-2/raw/.partial-Xy1", "1,2");
    // The run is at work, and so is what it uses.
    place.run(&["--input", place.path("none.csv").as_str()]).expect(3);
    assert!(job.join("algo-1").is_dir() && unfinished.exists());
    child.kill().unwrap();
    child.wait().unwrap();
    let started = Instant::now();
    while train_process(&place) == Some(train) {
        assert!(started.elapsed() < Duration::from_secs(10), "its step lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(job.join("algo-1").is_dir());
    let said = place.run(&[]).expect(0).stderr;
    assert!(said.contains("Removed what a killed run has left.\n"), "{said}");
    assert!(!job.join("algo-1").exists() && !unfinished.exists());
    assert!(job.join("algo-1.log").is_file());
    assert_eq!(fs_err::read_dir(place.path("runs/running")).unwrap().count(), 0);
    let said = place.run(&[]).expect(0).stderr;
    assert!(!said.contains("killed"), "{said}");
}

#[test]
fn output_that_cannot_be_written_does_not_stop_a_run() {
    let place = Place::new();
    for (arguments, out, err) in [
        (&["run", "--config", CONFIG][..], "/dev/full", "/dev/full"),
        (&["sample", "--output", "a.csv"], "/dev/full", "/dev/full"),
        (&["validate", "--config", "nowhere.yaml"], "/dev/full", "/dev/full"),
    ] {
        let open = |path: &str| fs_err::OpenOptions::new().write(true).open(path).unwrap();
        let mut command = place.command(arguments);
        command.stdout(open(out).into_parts().0).stderr(open(err).into_parts().0);
        let code = command.status().unwrap().code().unwrap();
        assert!(matches!(code, 1 | 2), "{arguments:?}: {code}");
    }
    assert_eq!(place.record()["status"], "Succeeded");
}

#[test]
fn concurrent_runs_register_different_versions_of_one_model() {
    let place = Place::new();
    let start = || {
        let mut command = place.command(&["run", "--config", CONFIG, "--json", "--no-cache"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(|_| start()).collect();
    let mut versions = Vec::new();
    let mut models = Vec::new();
    for child in children {
        let outcome = testkit::Outcome::from(child.wait_with_output().unwrap()).expect(0);
        let result: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        versions.push(result["model_package"]["version"].as_u64().unwrap());
        models
            .push(fs_err::read(place.stored(&result["model_package"]["model_data_url"])).unwrap());
    }
    versions.sort_unstable();
    assert_eq!(versions, [1, 2, 3, 4]);
    assert!(models.windows(2).all(|pair| pair[0] == pair[1]));
}

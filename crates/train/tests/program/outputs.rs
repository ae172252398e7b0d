//! Jobs that cannot write their outputs, are stopped or killed: no part of a model is left.

use std::io::{BufRead, BufReader, Read};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use regex::Regex;
use testkit::Outcome;

use crate::job::{OUTPUTS, explained, job, left, outputs, refused};

#[test]
fn a_model_directory_that_cannot_be_written() {
    let sandbox = job();
    sandbox.file("model", "in the way");
    let outcome = sandbox.run("train", &[]).expect(1);
    insta::assert_snapshot!(explained(&sandbox, &outcome), @"cannot write /opt/ml/model/forest.bin: failed to create directory `/opt/ml/model`: File exists (os error 17)");
    assert_eq!(sandbox.files("output"), ["output/failure"]);
}

#[test]
fn the_last_output_cannot_be_written_and_no_other_is_left() {
    let sandbox = job();
    sandbox.directory("output/data/training_metrics.json");
    insta::assert_snapshot!(refused(&sandbox, 1), @"cannot write /opt/ml/output/data/training_metrics.json: Is a directory (os error 21)");
}

#[test]
fn a_full_disk() {
    let sandbox = job();
    if let Some((outcome, left)) = sandbox.run_on_a_small_disk("model", 64 << 10, "train", &[]) {
        insta::assert_snapshot!(explained(&sandbox, &outcome.expect(1)), @"cannot write /opt/ml/model/forest.bin: No space left on device (os error 28)");
        assert_eq!(
            (left.as_str(), sandbox.files("output")),
            ("", vec!["output/failure".to_owned()])
        );
    }
}

#[test]
fn a_job_that_is_stopped_while_it_trains() {
    let sandbox = job();
    sandbox.hyperparameters(&[("n_estimators", "100000"), ("max_depth", "0")]);
    let mut child = sandbox.start("train", &[]);
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut stderr = String::new();
    while !stderr.contains("read the rows") {
        assert_ne!(log.read_line(&mut stderr).unwrap(), 0, "{stderr}");
    }
    // Long enough for some trees to grow.
    thread::sleep(Duration::from_millis(300));
    let begin = Instant::now();
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    log.read_to_string(&mut stderr).unwrap();
    let code = child.wait().unwrap().code();
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    let outcome = Outcome { code, stdout: String::new(), stderr }.expect(1);
    assert_eq!(left(&sandbox), ["output/failure"]);
    let reason = explained(&sandbox, &outcome);
    let neutral = Regex::new("[0-9]+ of").unwrap().replace(&reason, "N of");
    insta::assert_snapshot!(neutral, @"the forest was not trained: stopped after N of 100000 trees");
}

#[test]
fn a_job_that_is_killed_leaves_whole_files_or_none() {
    let many = [("n_estimators", "400"), ("max_depth", "0")];
    let whole = job();
    whole.hyperparameters(&many);
    let begin = Instant::now();
    whole.run("train", &[]).expect(0);
    let took = begin.elapsed();
    let expected = outputs(&whole);
    for step in 1..=12 {
        let sandbox = job();
        sandbox.hyperparameters(&many);
        let mut child = sandbox.start("train", &[]);
        thread::sleep(took * step / 12);
        child.kill().unwrap();
        child.wait().unwrap();
        for (output, expected) in OUTPUTS.iter().zip(&expected) {
            if let Ok(found) = fs_err::read(sandbox.path(output)) {
                assert!(found == *expected, "{output} is not whole");
            }
        }
    }
}

//! Jobs that cannot write their outputs or are stopped: no part of them is left.

use std::process::Command;
use std::time::{Duration, Instant};

use testkit::Outcome;

use crate::job::{RAW, SUMMARY, explained, job, refused_with, sample, without_table};

#[test]
fn an_output_that_cannot_be_written() {
    let sandbox = job(sample(50));
    sandbox.file("processing/output", "in the way");
    let outcome = sandbox.run("preprocess", &[]).expect(1);
    insta::assert_snapshot!(explained(&sandbox, &outcome), @"cannot write /opt/ml/processing/output/train/train.csv: failed to create directory `/opt/ml/processing/output/train`: Not a directory (os error 20)");
    assert_eq!(sandbox.read("processing/output"), "in the way");
}

#[test]
fn the_last_output_cannot_be_written_and_no_other_is_left() {
    let sandbox = job(sample(50));
    sandbox.directory(SUMMARY);
    insta::assert_snapshot!(refused_with(&sandbox, 1, &[]), @"cannot write /opt/ml/processing/output/summary/summary.json: Is a directory (os error 21)");
}

#[test]
fn a_full_disk() {
    let sandbox = job(sample(2_500));
    // The first disk is too small for the training rows, the second one for the summary.
    for bytes in [64 << 10, 220 << 10] {
        let Some((outcome, left)) =
            sandbox.run_on_a_small_disk("processing/output", bytes, "preprocess", &[])
        else {
            return;
        };
        let message = explained(&sandbox, &outcome.expect(1));
        assert_eq!(left, "");
        if bytes == 64 << 10 {
            insta::assert_snapshot!(message, @"cannot write /opt/ml/processing/output/train/train.csv: No space left on device (os error 28)");
        } else {
            insta::assert_snapshot!(message, @"cannot write /opt/ml/processing/output/summary/summary.json: No space left on device (os error 28)");
        }
    }
}

#[test]
fn a_job_that_is_stopped_while_it_reads() {
    let sandbox = without_table();
    sandbox.directory("processing/input");
    let pipe = sandbox.path(RAW);
    let run = |program: &str, arguments: &[&str]| {
        assert!(Command::new(program).args(arguments).status().unwrap().success());
    };
    run("mkfifo", &[pipe.as_str()]);
    let child = sandbox.start("preprocess", &[]);
    // Opening blocks until the program opens the pipe, which then never gives it a line.
    let _open = fs_err::OpenOptions::new().write(true).open(&pipe).unwrap();
    let begin = Instant::now();
    run("kill", &["-TERM", &child.id().to_string()]);
    let outcome = Outcome::from(child.wait_with_output().unwrap()).expect(1);
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert_eq!(sandbox.files("processing/output"), Vec::<String>::new());
    insta::assert_snapshot!(explained(&sandbox, &outcome), @"stopped by SIGTERM");
}

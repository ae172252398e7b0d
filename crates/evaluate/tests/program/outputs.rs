//! Jobs that cannot write their report: no part of it is left.

use crate::job::{METRICS, SAMPLE, explained, refused};

#[test]
fn an_output_that_cannot_be_written() {
    let sandbox = SAMPLE.job();
    sandbox.file("processing/evaluation", "in the way");
    let outcome = sandbox.run("evaluate", &[]).expect(1);
    insta::assert_snapshot!(explained(&sandbox, &outcome), @"cannot write /opt/ml/processing/evaluation/evaluation.json: failed to create directory `/opt/ml/processing/evaluation`: File exists (os error 17)");

    let sandbox = SAMPLE.job();
    sandbox.directory(METRICS);
    insta::assert_snapshot!(refused(&sandbox, 1, &[]), @"cannot write /opt/ml/processing/evaluation/metrics.json: Is a directory (os error 21)");
}

#[test]
fn a_full_disk() {
    let sandbox = SAMPLE.job();
    let disk = sandbox.run_on_a_small_disk("processing/evaluation", 4 << 10, "evaluate", &[]);
    if let Some((outcome, left)) = disk {
        insta::assert_snapshot!(explained(&sandbox, &outcome.expect(1)), @"cannot write /opt/ml/processing/evaluation/evaluation.json: No space left on device (os error 28)");
        assert_eq!(left, "");
    }
}

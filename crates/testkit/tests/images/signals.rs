//! Stopping a program that is process 1 of its container.

use std::time::{Duration, Instant};

use crate::docker::{Run, docker};
use crate::jobs::train;

/// SageMaker sends SIGTERM, and SIGKILL 120 s later, after which there is no reason to show.
#[test]
#[ignore = "needs the images: scripts/test --all"]
fn a_stop_ends_training_within_two_seconds_with_a_reason() {
    let sandbox = train();
    sandbox.hyperparameters(&[("n_estimators", "100000"), ("max_depth", "0")]);
    let name = format!("stopped-{}", std::process::id());
    let run = Run::new("train", &sandbox).arguments(&["train"]);
    // This also shows that the log is not buffered.
    let container = run.start(&name, "read the rows");
    let asked = Instant::now();
    docker(&["kill", "--signal=TERM", &name]);
    let outcome = container.wait();
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    outcome.expect(1);
    let reason = sandbox.read("output/failure");
    assert!(reason.contains("stopped"), "{reason}");
    assert_eq!(sandbox.list("model"), [""; 0], "no part of a model");
}

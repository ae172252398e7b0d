//! Arguments and resource configurations that cannot be used, and those that are ignored.

use testkit::Sandbox;

use crate::job::{OUTPUTS, job, outputs, refused_with, sample};

#[test]
fn a_test_size_that_leaves_a_part_empty() {
    let sandbox = job(sample(50));
    insta::assert_snapshot!(refused_with(&sandbox, 2, &["--test-size=0"]), @"argument --test-size is `0`, expected a number between 0 and 1, both excluded");
    insta::assert_snapshot!(refused_with(&sandbox, 2, &["--test-size=1"]), @"argument --test-size is `1`, expected a number between 0 and 1, both excluded");
    insta::assert_snapshot!(refused_with(&sandbox, 2, &["--test-size=NaN"]), @"argument --test-size is `NaN`, expected a number between 0 and 1, both excluded");
    insta::assert_snapshot!(refused_with(&sandbox, 2, &["--test-size"]), @"argument `--test-size` has no value, expected `--test-size=...`");
}

#[test]
fn all_invalid_arguments_are_named_at_once() {
    let arguments = ["--test-size=a", "--seed=-1"];
    insta::assert_snapshot!(refused_with(&job(sample(50)), 2, &arguments), @"argument --test-size is `a`, expected a number between 0 and 1, both excluded; argument --seed is `-1`, expected a whole number from 0");
}

/// A job that ignored them would read other columns than its definition names. This comes before
/// the missing file, which explains less.
#[test]
fn arguments_that_became_a_file_are_refused() {
    let sandbox = Sandbox::new();
    let old = ["--column=Torque(Nm)", "--label=Downtime", "--bad-cells=drop", "--seed=1"];
    insta::assert_snapshot!(refused_with(&sandbox, 2, &old), @"arguments of an earlier version: --bad-cells, --column, --label; the settings of the table are a file now, settings/table.json");
}

#[test]
fn two_hosts() {
    let sandbox = job(sample(50));
    sandbox.file(
        "config/resourceconfig.json",
        r#"{"current_host":"algo-1","hosts":["algo-1","algo-2"]}"#,
    );
    insta::assert_snapshot!(refused_with(&sandbox, 2, &[]), @"the job runs on 2 hosts, expected 1: medians, duplicates and the split are those of the whole table");
}

#[test]
fn hosts_that_cannot_be_read() {
    let sandbox = job(sample(50));
    sandbox.file("config/resourceconfig.json", "{");
    insta::assert_snapshot!(refused_with(&sandbox, 2, &[]), @"/opt/ml/config/resourceconfig.json is not a resource configuration with current_host and hosts: EOF while parsing an object at line 1 column 1");
}

#[test]
fn unknown_arguments_are_ignored_with_a_warning() {
    let plain = outputs(&job(sample(300)), &[]);
    let sandbox = job(sample(300));
    let outcome =
        sandbox.run("preprocess", &["--local-mode", "train", "--test_size=0.5"]).expect(0);
    assert_eq!(OUTPUTS.map(|output| sandbox.read(output)), plain);
    let warnings: Vec<_> =
        outcome.stderr.lines().filter_map(|line| line.split_once(" WARN ")).map(|w| w.1).collect();
    insta::assert_snapshot!(warnings.join("\n"), @"
    preprocess::settings: argument `--local-mode` is not known here, it is ignored
    preprocess::settings: argument `train` is not known here, it is ignored
    preprocess::settings: argument `--test_size=0.5` is not known here, it is ignored
    ");
}

//! Arguments and hosts that cannot be used, and arguments that are ignored.

use crate::job::{SAMPLE, evaluated, refused};

#[test]
fn all_invalid_gates_and_metrics_are_named() {
    let arguments = ["--gate=speed=0.5", "--gate=recall=85", "--metric=acuracy", "--gate"];
    insta::assert_snapshot!(refused(&SAMPLE.job(), 2, &arguments), @"argument `--gate` has no value, expected `--gate=...`; argument --metric is `acuracy`, expected one of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv; argument --gate is `speed=0.5`, expected `metric=minimum`, a minimum from 0 to 1 and a metric of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv; argument --gate is `recall=85`, expected `metric=minimum`, a minimum from 0 to 1 and a metric of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv");
}

#[test]
fn unknown_arguments_are_ignored_with_a_warning() {
    let (outcome, ..) = evaluated(&SAMPLE.job(), &["evaluate", "--gates=recall=1", "--metric="]);
    let warnings: Vec<_> =
        outcome.stderr.lines().filter_map(|line| line.split_once(" WARN ")).collect();
    let warnings: Vec<_> = warnings.into_iter().map(|(_, warning)| warning).collect();
    insta::assert_snapshot!(warnings.join("\n"), @"
    evaluate: argument `evaluate` is not known here, it is ignored
    evaluate: argument `--gates=recall=1` is not known here, it is ignored
    ");
}

#[test]
fn two_hosts() {
    let sandbox = SAMPLE.job();
    sandbox.file(
        "config/resourceconfig.json",
        r#"{"current_host":"algo-1","hosts":["algo-1","algo-2"]}"#,
    );
    insta::assert_snapshot!(refused(&sandbox, 2, &[]), @"the job runs on 2 hosts, expected 1: the metrics are those of all test rows");
}

//! The violations that are reported for invalid settings.

use config::Settings;
use config::steps::Duplicates;
use config::steps::{ClassWeight, Weights};
use proptest::prelude::*;

use crate::{SHIPPED, message, nothing, read, with};

#[test]
fn all_violations_are_reported_at_once_with_their_places() {
    let mut text = with("n_estimators: 200", "n_estimators: 0");
    for (old, new) in [
        ("test_size: 0.2", "test_size: 1.5"),
        ("max_depth: 10", "max_deep: 10"),
        ("min_samples_leaf: 1", "min_samples_leaf: many"),
        ("class_weight: balanced", "class_weight: balancd"),
        ("f1_score: 0.75", "f1_score: 7.5"),
        ("  bucket: machine-downtime-2", "  bucket: Machine_Downtime"),
        ("  training: ml.m5.large", "  training: m5.large"),
        ("missing_values: drop", "missing_values: mean"),
        ("  recall: 0.85", "  recal: 0.85\n  accuracy: 0.5"),
        ("  region: ${AWS_REGION:-us-east-1}", "  region: ${PLANT_REGION}"),
        ("  backoff_rate: 2.0", "  backoff_rate: .nan"),
        ("  project: machine-downtime", "  aws:project: machine-downtime"),
    ] {
        assert!(text.contains(old), "{old}");
        text = text.replacen(old, new, 1);
    }
    insta::assert_snapshot!(read(&text).unwrap_err(), @r#"
    config.yaml:13:3: s3_paths.bucket: found `Machine_Downtime`, expected 3 to 63 lower-case letters, digits, dots and hyphens, the first and the last a letter or digit, no dots side by side, no IP address, and none of what S3 reserves: xn--, sthree- or amzn-s3-demo- first, -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3 last
    config.yaml:29:3: instance_types.training: found `m5.large`, expected an instance type such as ml.m5.large
    config.yaml:46:3: hyperparameters.n_estimators: found `0`, expected at least 1
    config.yaml:47:3: hyperparameters.max_deep: unknown key, expected one of n_estimators, max_depth, min_samples_split, min_samples_leaf, max_features, class_weight, random_state, criterion, max_leaf_nodes, max_bins, bootstrap, max_samples, oob_score, permutation_importances; did you mean `max_depth`?
    config.yaml:49:3: hyperparameters.min_samples_leaf: found `many`, expected a whole number of rows from 1, or a share of the rows such as 0.01
    config.yaml:51:3: hyperparameters.class_weight: found `balancd`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}
    config.yaml:56:3: preprocessing.test_size: found `1.5`, expected a number between 0 and 1, both excluded
    config.yaml:90:3: preprocessing.missing_values: found `mean`, expected drop or median; did you mean `median`?
    config.yaml:109:3: quality_gates.f1_score: found `7.5`, expected a number from 0 to 1
    config.yaml:110:3: quality_gates.recal: unknown key, expected one of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv; did you mean `recall`?
    config.yaml:111:3: quality_gates.accuracy: the same key again, first in line 108
    config.yaml:114:3: aws.region: environment variable PLANT_REGION is not set; set it, or write `${PLANT_REGION:-default}`
    config.yaml:145:3: retries.backoff_rate: found `.nan`, expected a number
    config.yaml:154:3: tags.aws:project: found `aws:project`, expected a key of 1 to 128 characters that does not begin with aws: in any case
    "#);
}

#[test]
fn invalid_keys() {
    insta::assert_snapshot!(message("n_estimators: 200", "n_estimator: 200"), @"config.yaml:46:3: hyperparameters.n_estimator: unknown key, expected one of n_estimators, max_depth, min_samples_split, min_samples_leaf, max_features, class_weight, random_state, criterion, max_leaf_nodes, max_bins, bootstrap, max_samples, oob_score, permutation_importances; did you mean `n_estimators`?");
    insta::assert_snapshot!(message("hyperparameters:\n", "hyperparams:\n"), @"config.yaml:45:1: hyperparams: unknown key, expected one of pipeline, s3_paths, model_registry, instance_types, instance_counts, volume_sizes, hyperparameters, preprocessing, evaluation, quality_gates, aws, runtime_limits, retries, cache, tags, notifications, schedule, prices, endpoint; did you mean `hyperparameters`?");
    insta::assert_snapshot!(message("  stratify: true", "  colour: red"), @"config.yaml:57:3: preprocessing.colour: unknown key, expected one of test_size, split, stratify, label, columns, except, categories, engineered_features, missing_values, bad_cells, missing_markers, duplicates, format");
    insta::assert_snapshot!(message("Cutting: { unit: kN, spellings", "Cutting: { unit: kN, speling"), @"config.yaml:80:26: preprocessing.columns.Cutting.speling: unknown key, expected one of kind, order, missing_indicator, unit, spellings, missing_markers; did you mean `spellings`?");
    insta::assert_snapshot!(message("  max_depth: 10", "  max_depth: 10\n  n_estimators: 300"), @"config.yaml:48:3: hyperparameters.n_estimators: the same key again, first in line 46");
    insta::assert_snapshot!(message("tags:\n", "pipeline: {}\ntags:\n"), @"config.yaml:152:1: pipeline: the same key again, first in line 7");
    insta::assert_snapshot!(message("  project: machine-downtime", "  [a]: b"), @"config.yaml:153:3: tags: found a list as a key, expected text");
    insta::assert_snapshot!(message("  bucket: machine-downtime-2", "  # bucket:"), @"config.yaml:12:1: s3_paths.bucket: missing, and there is no default");
    insta::assert_snapshot!(message("  network_isolation: false", "  vpc: {}"), @"
    config.yaml:132:3: aws.vpc.security_group_ids: missing, and there is no default
    config.yaml:132:3: aws.vpc.subnets: missing, and there is no default
    ");
    insta::assert_snapshot!(message("# notifications:\n#   email:", "notifications:\n  mail:"), @"
    config.yaml:156:1: notifications.email: missing, and there is no default
    config.yaml:157:3: notifications.mail: unknown key, expected email; did you mean `email`?
    ");
}

#[test]
fn invalid_numbers() {
    insta::assert_snapshot!(message("n_estimators: 200", "n_estimators: 0"), @"config.yaml:46:3: hyperparameters.n_estimators: found `0`, expected at least 1");
    insta::assert_snapshot!(message("n_estimators: 200", "n_estimators: 100001"), @"config.yaml:46:3: hyperparameters.n_estimators: found `100001`, expected at most 100000");
    insta::assert_snapshot!(message("n_estimators: 200", "n_estimators: -1"), @"config.yaml:46:3: hyperparameters.n_estimators: found `-1`, expected a whole number from 0 to 4294967295");
    insta::assert_snapshot!(message("n_estimators: 200", "n_estimators: 2.5"), @"config.yaml:46:3: hyperparameters.n_estimators: found `2.5`, expected a whole number");
    insta::assert_snapshot!(message("n_estimators: 200", "n_estimators:"), @"config.yaml:46:3: hyperparameters.n_estimators: found nothing, expected a whole number");
    insta::assert_snapshot!(message("n_estimators: 200", "n_estimators: [200]"), @"config.yaml:46:3: hyperparameters.n_estimators: found a list, expected a whole number");
    insta::assert_snapshot!(message("random_state: 42", "random_state: 5000000000"), @"config.yaml:52:3: hyperparameters.random_state: found `5000000000`, expected a whole number from 0 to 4294967295");
    insta::assert_snapshot!(message("test_size: 0.2", "test_size: 0"), @"config.yaml:56:3: preprocessing.test_size: found `0`, expected a number between 0 and 1, both excluded");
    insta::assert_snapshot!(message("test_size: 0.2", "test_size: 1"), @"config.yaml:56:3: preprocessing.test_size: found `1`, expected a number between 0 and 1, both excluded");
    insta::assert_snapshot!(message("test_size: 0.2", "test_size: 20%"), @"config.yaml:56:3: preprocessing.test_size: found `20%`, expected a number");
    insta::assert_snapshot!(message("processing: 1\n", "processing: 2\n"), @"config.yaml:34:3: instance_counts.processing: found `2`, expected 1, because the step works on the whole table at once");
    let training = "  training: 1\n";
    for count in ["  training: 2\n", "  training: 100\n"] {
        read(&with(training, count)).unwrap();
    }
    insta::assert_snapshot!(message(training, "  training: 0\n"), @"config.yaml:35:3: instance_counts.training: found `0`, expected 1 to 100, and no more than the 200 trees of n_estimators");
    insta::assert_snapshot!(message(training, "  training: 101\n"), @"config.yaml:35:3: instance_counts.training: found `101`, expected 1 to 100, and no more than the 200 trees of n_estimators");
    let few = with("n_estimators: 200", "n_estimators: 2").replacen(training, "  training: 3\n", 1);
    insta::assert_snapshot!(read(&few).unwrap_err(), @"config.yaml:35:3: instance_counts.training: found `3`, expected 1 to 100, and no more than the 2 trees of n_estimators");
    insta::assert_snapshot!(message("  processing: 3600", "  processing: 9223372036854775807"), @"config.yaml:136:3: runtime_limits.processing: found `9223372036854775807`, expected a whole number from 0 to 4294967295");
    insta::assert_snapshot!(message("  processing: 3600", "  processing: 432001"), @"config.yaml:136:3: runtime_limits.processing: found `432001`, expected 1 to 432000 seconds, which are five days");
    insta::assert_snapshot!(message("backoff_rate: 2.0", "backoff_rate: .nan"), @"config.yaml:144:3: retries.backoff_rate: found `.nan`, expected a number");
    insta::assert_snapshot!(message("interval_seconds: 30", "interval_seconds: 43201"), @"config.yaml:143:3: retries.interval_seconds: found `43201`, expected at most 43200");
}

#[test]
fn invalid_words() {
    insta::assert_snapshot!(message("max_features: sqrt", "max_features: 1.5"), @"config.yaml:50:3: hyperparameters.max_features: found `1.5`, expected sqrt, log2, all, a whole number from 1, or a share between 0 and 1 such as 0.5");
    insta::assert_snapshot!(message("max_features: sqrt", "max_features: 0"), @"config.yaml:50:3: hyperparameters.max_features: found `0`, expected sqrt, log2, all, a whole number from 1, or a share between 0 and 1 such as 0.5");
    insta::assert_snapshot!(message("max_features: sqrt", "max_features: -3"), @"config.yaml:50:3: hyperparameters.max_features: found `-3`, expected sqrt, log2, all, a whole number from 1, or a share between 0 and 1 such as 0.5");
    insta::assert_snapshot!(message("max_features: sqrt", "max_features: auto"), @"config.yaml:50:3: hyperparameters.max_features: found `auto`, expected sqrt, log2, all, a whole number from 1, or a share between 0 and 1 such as 0.5");
    insta::assert_snapshot!(message("max_features: sqrt", "max_features: true"), @"config.yaml:50:3: hyperparameters.max_features: found `true`, expected sqrt, log2, all, a whole number from 1, or a share between 0 and 1 such as 0.5");
    insta::assert_snapshot!(message("max_features: sqrt", "max_features: [sqrt]"), @"config.yaml:50:3: hyperparameters.max_features: found a list, expected sqrt, log2, all, a whole number from 1, or a share between 0 and 1 such as 0.5");
    insta::assert_snapshot!(message("class_weight: balanced", "class_weight: 2"), @r#"config.yaml:51:3: hyperparameters.class_weight: found `2`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
    insta::assert_snapshot!(message("class_weight: balanced", "class_weight: null"), @r#"config.yaml:51:3: hyperparameters.class_weight: found nothing, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
    insta::assert_snapshot!(message("stratify: true", "stratify: yes"), @"config.yaml:57:3: preprocessing.stratify: found `yes`, expected true or false");
    insta::assert_snapshot!(message("[accuracy, precision, recall,", "[acuracy, precision, speed,"), @"
    config.yaml:102:13: evaluation.metrics[0]: found `acuracy`, expected one of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv; did you mean `accuracy`?
    config.yaml:102:33: evaluation.metrics[2]: found `speed`, expected one of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv
    ");
    insta::assert_snapshot!(message("approval_status: PendingManualApproval", "approval_status: approved"), @"config.yaml:24:3: model_registry.approval_status: found `approved`, expected one of PendingManualApproval, Approved, Rejected; did you mean `Approved`?");
}

/// The service's own examples of durations are accepted, and so are those of the Python SDK.
#[test]
fn durations_of_the_cache() {
    for text in ["30d", "5y", "T16m", "30dT5h", "p30d", "T12H", "P1Y2M3W4DT5H6M7S"] {
        let yaml = with("expire_after: P30D", &format!("expire_after: {text}"));
        let settings = Settings::from_yaml("config.yaml", &yaml, |_| None).unwrap();
        assert_eq!(settings.cache.expire_after, text);
    }
    for text in ["P", "T", "PT", "''", "T16", "5h", "30d T5h", "PP1D"] {
        let refused = message("expire_after: P30D", &format!("expire_after: {text}"));
        assert!(refused.contains("cache.expire_after: found "), "{text}: {refused}");
    }
}

/// As in scikit-learn, nothing is no limit.
#[test]
fn limits_that_are_switched_off() {
    for (key, shipped) in [("max_depth", "max_depth: 10"), ("max_leaf_nodes", "max_depth: 10")] {
        for (value, variable) in [
            ("null", ""),
            ("~", ""),
            ("", ""),
            ("None", ""),
            ("0", ""),
            ("${LIMIT}", "null"),
            ("${LIMIT}", "None"),
            ("${LIMIT}", "0"),
            ("${LIMIT:-null}", "null"),
        ] {
            let text = with(shipped, &format!("{key}: {value}"));
            let settings = Settings::from_yaml("config.yaml", &text, |name| {
                (name == "LIMIT").then(|| variable.to_owned())
            });
            let forest = settings.unwrap().hyperparameters;
            let limit = if key == "max_depth" { forest.max_depth } else { forest.max_leaf_nodes };
            assert_eq!(limit, 0, "{key}: {value}");
        }
    }
    let text = with("max_depth: 10", "max_depth: ${LIMIT}");
    let settings =
        Settings::from_yaml("config.yaml", &text, |name| (name == "LIMIT").then(|| "7".to_owned()));
    assert_eq!(settings.unwrap().hyperparameters.max_depth, 7);
    let refused = |value: &str| message("max_depth: 10", &format!("max_depth: {value}"));
    insta::assert_snapshot!(refused("deep"), @"config.yaml:47:3: hyperparameters.max_depth: found `deep`, expected a whole number from 0, or null for no limit");
    insta::assert_snapshot!(refused("-1"), @"config.yaml:47:3: hyperparameters.max_depth: found `-1`, expected a whole number from 0, or null for no limit");
    insta::assert_snapshot!(refused("2.5"), @"config.yaml:47:3: hyperparameters.max_depth: found `2.5`, expected a whole number from 0, or null for no limit");
    insta::assert_snapshot!(refused("1001"), @"config.yaml:47:3: hyperparameters.max_depth: found `1001`, expected at most 1000");
    insta::assert_snapshot!(refused("5000000000"), @"config.yaml:47:3: hyperparameters.max_depth: found `5000000000`, expected a whole number from 0, or null for no limit");
    insta::assert_snapshot!(refused("[3]"), @"config.yaml:47:3: hyperparameters.max_depth: found a list, expected a whole number from 0, or null for no limit");
}

/// A class weight can be a mapping in the file, a variable, or the text of a pipeline parameter.
#[test]
fn class_weights() {
    let shipped = "class_weight: balanced";
    for (value, weight) in [
        ("{negative: 1, positive: 5}", ""),
        (r#"{"negative":1,"positive":5}"#, ""),
        ("{negative: 1.0, positive: \"${POSITIVE:-5}\"}", ""),
        (r#"'{"negative":1,"positive":5}'"#, ""),
        ("${WEIGHT}", r#"{"negative":1,"positive":5}"#),
        ("${WEIGHT}", r#"{"negative": 1, "positive": 5}"#),
        ("\n    negative: 1\n    positive: 5", ""),
    ] {
        let text = with(shipped, &format!("class_weight: {value}"));
        let settings = Settings::from_yaml("config.yaml", &text, |name| {
            (name == "WEIGHT").then(|| weight.to_owned())
        });
        let expected = ClassWeight::Each(Weights { negative: 1.0, positive: 5.0 });
        assert_eq!(settings.unwrap().hyperparameters.class_weight, expected, "{value} {weight}");
    }
    let refused = |value: &str| message(shipped, &format!("class_weight: {value}"));
    let weights = ["0", "-1", ".nan", "-.inf", "x", "null", "'1'", "[1]", "\"${W:-0}\""];
    let messages = weights.map(|weight| refused(&format!("{{negative: 1, positive: {weight}}}")));
    insta::assert_snapshot!(messages.join("\n"), @"
    config.yaml:51:31: hyperparameters.class_weight.positive: found `0`, expected a number from 1e-9 to 1e9
    config.yaml:51:31: hyperparameters.class_weight.positive: found `-1`, expected a number from 1e-9 to 1e9
    config.yaml:51:31: hyperparameters.class_weight.positive: found `.nan`, expected a number from 1e-9 to 1e9
    config.yaml:51:31: hyperparameters.class_weight.positive: found `-.inf`, expected a number from 1e-9 to 1e9
    config.yaml:51:31: hyperparameters.class_weight.positive: found `x`, expected a number
    config.yaml:51:31: hyperparameters.class_weight.positive: found nothing, expected a number
    config.yaml:51:31: hyperparameters.class_weight.positive: found `1`, expected a number
    config.yaml:51:31: hyperparameters.class_weight.positive: found a list, expected a number
    config.yaml:51:31: hyperparameters.class_weight.positive: found `0` (from `${W:-0}`), expected a number from 1e-9 to 1e9
    ");
    insta::assert_snapshot!(refused("{negative: 0, positive: -1}"), @"
    config.yaml:51:18: hyperparameters.class_weight.negative: found `0`, expected a number from 1e-9 to 1e9
    config.yaml:51:31: hyperparameters.class_weight.positive: found `-1`, expected a number from 1e-9 to 1e9
    ");
    insta::assert_snapshot!(refused("{no: 1, yes: 2}"), @"
    config.yaml:51:3: hyperparameters.class_weight.negative: missing, and there is no default
    config.yaml:51:3: hyperparameters.class_weight.positive: missing, and there is no default
    config.yaml:51:18: hyperparameters.class_weight.no: unknown key, expected negative or positive
    config.yaml:51:25: hyperparameters.class_weight.yes: unknown key, expected negative or positive
    ");
    insta::assert_snapshot!(refused("{negative: 1, positve: 5}"), @"
    config.yaml:51:3: hyperparameters.class_weight.positive: missing, and there is no default
    config.yaml:51:31: hyperparameters.class_weight.positve: unknown key, expected negative or positive; did you mean `positive`?
    ");
    insta::assert_snapshot!(refused("{negative: 1}"), @"config.yaml:51:3: hyperparameters.class_weight.positive: missing, and there is no default");
    insta::assert_snapshot!(refused("{}"), @"
    config.yaml:51:3: hyperparameters.class_weight.negative: missing, and there is no default
    config.yaml:51:3: hyperparameters.class_weight.positive: missing, and there is no default
    ");
    insta::assert_snapshot!(refused("{negative: 1, positive: 5, negative: 2}"), @"config.yaml:51:44: hyperparameters.class_weight.negative: the same key again, first in line 51");
    insta::assert_snapshot!(refused("[1, 5]"), @r#"config.yaml:51:3: hyperparameters.class_weight: found a list, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
    insta::assert_snapshot!(refused("'{\"negative\":0,\"positive\":5}'"), @r#"config.yaml:51:3: hyperparameters.class_weight: found `{"negative":0,"positive":5}`, expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
    insta::assert_snapshot!(refused("${WEIGHT:-2}"), @r#"config.yaml:51:3: hyperparameters.class_weight: found `2` (from `${WEIGHT:-2}`), expected balanced, none, or a weight for each class such as {"negative": 1, "positive": 5}"#);
}

#[test]
fn invalid_texts() {
    insta::assert_snapshot!(message("name: MachineDowntimePipeline", "name: Machine Downtime"), @"config.yaml:8:3: pipeline.name: found `Machine Downtime`, expected 1 to 256 letters, digits and hyphens, the first and the last no hyphen");
    insta::assert_snapshot!(message("name: MachineDowntimePipeline", "name: [a]"), @"config.yaml:8:3: pipeline.name: found a list, expected text");
    insta::assert_snapshot!(message("description: Random forests that predict machine downtime", &format!("description: {}", "é".repeat(257))), @"config.yaml:23:3: model_registry.description: found 257 characters, expected at most 256");
    for bucket in ["a..b", "192.168.0.1", "010.010.010.010", "xn--plant", "plant-s3alias"] {
        let message =
            message("  bucket: machine-downtime-2", &format!("  bucket: {bucket}\n  # 2"));
        let expected = format!(
            "config.yaml:13:3: s3_paths.bucket: found `{bucket}`, expected 3 to 63 lower-case letters, digits, dots and \
             hyphens, the first and the last a letter or digit, no dots side by side, no IP address, and none of \
             what S3 reserves: xn--, sthree- or amzn-s3-demo- first, -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3 \
             last"
        );
        assert_eq!(message, expected);
    }
    for (found, instead, expected) in [
        (
            "  project: machine-downtime\n",
            "  project: \"two\\nlines\"\n",
            "config.yaml:153:3: tags.project: found `two\\nlines`, expected letters, digits, spaces and _ . : / = + - @",
        ),
        (
            "  project: machine-downtime\n",
            "  \"two\\nlines\": y\n",
            "config.yaml:153:3: tags.two\\nlines: found `two\\nlines`, expected letters, digits, spaces and _ . : / = + - @",
        ),
        (
            "  project: machine-downtime\n",
            "  AWS:project: x\n",
            "config.yaml:153:3: tags.AWS:project: found `AWS:project`, expected a key of 1 to 128 characters that does not \
             begin with aws: in any case",
        ),
        (
            "  metrics: [accuracy,",
            "  max_model_mb: 0\n  metrics: [accuracy,",
            "config.yaml:102:3: evaluation.max_model_mb: found `0`, expected",
        ),
        (
            "  name: MachineDowntimePipeline",
            "  max_parallel_steps: 0\n  name: MachineDowntimePipeline",
            "config.yaml:8:3: pipeline.max_parallel_steps: found `0`, expected",
        ),
        (
            "  max_depth: 10",
            "  max_depth: 10\n  max_depth: 9",
            "hyperparameters.max_depth: the same key again, first in line",
        ),
    ] {
        let message = message(found, instead);
        assert!(message.contains(expected), "{message}");
    }
    let deep = message("  format: {}", &format!("  format: {}", "{a: ".repeat(100_000)));
    assert!(deep.ends_with("more than 32 lists and mappings within one another"), "{deep}");
    insta::assert_snapshot!(message("  input_dataset: raw/", "  input_dataset: s3://b/raw/"), @"config.yaml:14:3: s3_paths.input_dataset: found `s3://b/raw/machine_downtime.csv`, expected a key or prefix such as raw/table.csv, without s3:// or the bucket");
    insta::assert_snapshot!(message("  train: machine-downtime/train", "  train: Train"), @"config.yaml:119:5: aws.images.train: found `Train`, expected an ECR repository such as machine-downtime/train");
    insta::assert_snapshot!(message("tag: ${IMAGE_TAG:-latest}", "tag: a/b"), @"config.yaml:123:5: aws.images.tag: found `a/b`, expected 1 to 128 letters, digits, underscores, dots and hyphens, the first no dot or hyphen");
    insta::assert_snapshot!(message("expire_after: P30D", "expire_after: P1DT"), @"config.yaml:149:3: cache.expire_after: found `P1DT`, expected a duration such as 30d, P30D, T12h or 30dT5h");
    insta::assert_snapshot!(message("expire_after: P30D", "expire_after: 30 days"), @"config.yaml:149:3: cache.expire_after: found `30 days`, expected a duration such as 30d, P30D, T12h or 30dT5h");
    insta::assert_snapshot!(message("  network_isolation: false", "  vpc: {security_group_ids: [default], subnets: []}"), @"
    config.yaml:132:30: aws.vpc.security_group_ids[0]: found `default`, expected a security group such as sg-0123456789abcdef0
    config.yaml:132:40: aws.vpc.subnets: found 0 entries, expected at least 1
    ");
    insta::assert_snapshot!(message("# notifications:\n#   email: plant-ml@", "notifications:\n  email: plant-ml at "), @"config.yaml:157:3: notifications.email: found `plant-ml at example.com`, expected an e-mail address such as name@example.com");
    for schedule in [
        "rate(1 days)",
        "rate(7 day)",
        "rate(0 days)",
        "rate(7  days)",
        "rate(7 weeks)",
        "7 days",
        "cron(0 6 * * MON *)",
        "cron(0 6 ? * MON)",
        "cron(0 ? ? * MON *)",
        "cron(0 6 ? * MON *",
        "cron(99 6 ? * MON *)",
    ] {
        let schedule = format!("schedule: {{ at: '{schedule}' }}\n# notifications:");
        let message = message("# notifications:", &schedule);
        assert!(
            message.contains("schedule.at: found") && message.contains("expected a schedule"),
            "{message}"
        );
    }
    insta::assert_snapshot!(message("# notifications:", "schedule: {}\n# notifications:"), @"config.yaml:156:1: schedule: found nothing, expected at, with times, or on_new_objects: true, or no such key");
    insta::assert_snapshot!(message("  region: ${AWS_REGION:-us-east-1}", "  region: ${AWS_REGION:-Frankfurt}"), @"config.yaml:113:3: aws.region: found `Frankfurt` (from `${AWS_REGION:-Frankfurt}`), expected a region such as us-east-1");
}

#[test]
fn invalid_columns_gates_and_tags() {
    insta::assert_snapshot!(message("Cutting: { unit: kN, spellings: [Cutting_Force] }", "\"Cutting(kN)\": {}"), @"config.yaml:80:5: preprocessing.columns.Cutting(kN): found `Cutting(kN)`, expected at most 100 letters, digits and _, no digit first");
    insta::assert_snapshot!(message("spellings: [Cutting_Force]", "spellings: [Force, ' ']"), @"config.yaml:80:45: preprocessing.columns.Cutting.spellings[1]: found ` `, expected a column's name");
    insta::assert_snapshot!(message("  duplicates: drop", "  duplicates: { by: [] }"), @"config.yaml:93:17: preprocessing.duplicates.by: found nothing, expected drop, keep, or by: with at least one column");
    insta::assert_snapshot!(message("  duplicates: drop", "  duplicates: dorp"), @"config.yaml:93:3: preprocessing.duplicates: found `dorp`, expected one of drop, keep, by; did you mean `drop`?");
    insta::assert_snapshot!(message("  format: {}", "  format: { separator: '/', header_line: -1 }"), @"
    config.yaml:98:13: preprocessing.format.separator: found `/`, expected one of ,, ;, tab, |, blank; did you mean `,`?
    config.yaml:98:29: preprocessing.format.header_line: found `-1`, expected u64
    ");
    assert_eq!(
        read(&SHIPPED.replace("missing_markers: []", "missing_markers: [-999, '?', 1.5]"))
            .unwrap()
            .preprocessing
            .missing_markers,
        ["-999", "?", "1.5"]
    );
    assert_eq!(
        read(&SHIPPED.replace("  duplicates: drop", "  duplicates: { by: [Date] }"))
            .unwrap()
            .preprocessing
            .duplicates,
        Duplicates::By(vec!["Date".to_owned()])
    );
    insta::assert_snapshot!(message("    Torque: { unit: Nm }", "    Torque: Nm"), @"config.yaml:79:5: preprocessing.columns.Torque: found `Nm`, expected keys with values");
    insta::assert_snapshot!(message("Vibration_Ratio: Tool_Vibration / (Spindle_Vibration + 1e-6)", "Vibration_Ratio: ''"), @"config.yaml:87:5: preprocessing.engineered_features.Vibration_Ratio: found an empty text, expected an expression such as A - median(A)");
    insta::assert_snapshot!(message("recall: 0.85", "recal: 0.85"), @"config.yaml:110:3: quality_gates.recal: unknown key, expected one of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv; did you mean `recall`?");
    insta::assert_snapshot!(message("recall: 0.85", "recall: 85"), @"config.yaml:110:3: quality_gates.recall: found `85`, expected a number from 0 to 1");
    insta::assert_snapshot!(message("recall: 0.85", "recall: ${LEAST:-high}"), @"config.yaml:110:3: quality_gates.recall: found `high` (from `${LEAST:-high}`), expected a number");
    insta::assert_snapshot!(message("recall: 0.85", "recall: ${LEAST:-85}"), @"config.yaml:110:3: quality_gates.recall: found `85` (from `${LEAST:-85}`), expected a number from 0 to 1");
    insta::assert_snapshot!(message("recall: 0.85", "7: 0.85"), @"config.yaml:110:3: quality_gates.7: unknown key, expected one of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv");
    insta::assert_snapshot!(message("recall: 0.85", "recall: high"), @"config.yaml:110:3: quality_gates.recall: found `high`, expected a number");
    insta::assert_snapshot!(read(&SHIPPED.replace("  recall: 0.85", "").replace("  f1_score: 0.75", "").replace("accuracy: 0.80", "acuracy: 0.80")).unwrap_err(), @"config.yaml:108:3: quality_gates.acuracy: unknown key, expected one of accuracy, precision, recall, f1_score, roc_auc, pr_auc, specificity, npv; did you mean `accuracy`?");
    insta::assert_snapshot!(read(&SHIPPED.replace("  recall: 0.85", "").replace("  f1_score: 0.75", "").replace("  accuracy: 0.80", "  {}")).unwrap_err(), @"config.yaml:107:1: quality_gates: found nothing, expected at least one gate");
    insta::assert_snapshot!(message("  metrics: [accuracy, precision, recall, f1_score, roc_auc, specificity, npv]", "  metrics: []"), @"config.yaml:102:3: evaluation.metrics: found 0 entries, expected at least 1");
    insta::assert_snapshot!(message("  project: machine-downtime", &format!("  project: {}\n  aws:x: y", "x".repeat(257))), @"
    config.yaml:153:3: tags.project: found `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...`, expected at most 256 characters
    config.yaml:154:3: tags.aws:x: found `aws:x`, expected a key of 1 to 128 characters that does not begin with aws: in any case
    ");
    insta::assert_snapshot!(message("positive: [Machine_Failure,", "positive: ['', [x], {y: z},"), @"
    config.yaml:62:20: preprocessing.label.positive[1]: found a list, expected text
    config.yaml:62:25: preprocessing.label.positive[2]: found keys with values, expected text
    ");
}

#[test]
fn unreadable_files() {
    insta::assert_snapshot!(message("pipeline:\n", "pipeline: [\n"), @"config.yaml:9:14: did not find expected ',' or ']', while parsing a flow sequence at line 7 column 11");
    insta::assert_snapshot!(message("  bucket: machine-downtime-2", "\tbucket: machine-downtime-2"), @"config.yaml:13:1: found character that cannot start any token, while scanning for the next token; YAML is indented by blanks, not by tabs");
    insta::assert_snapshot!(read("").unwrap_err(), @"
    config.yaml:1:1: aws: missing, and there is no default
    config.yaml:1:1: s3_paths: missing, and there is no default
    ");
    insta::assert_snapshot!(read("- a").unwrap_err(), @"config.yaml:1:1: found a list, expected keys with values");
    insta::assert_snapshot!(read("aws: 3").unwrap_err(), @"
    config.yaml:1:1: aws: found `3`, expected keys with values
    config.yaml:1:1: s3_paths: missing, and there is no default
    ");
    insta::assert_snapshot!(read("s3_paths: {}\naws: {account_id: 12}").unwrap_err(), @"
    config.yaml:1:1: s3_paths.bucket: missing, and there is no default
    config.yaml:2:1: aws.role_arn: missing, and there is no default
    config.yaml:2:7: aws.account_id: found `12`, expected 12 digits
    ");
}

#[test]
fn all_faults_of_a_list_are_reported() {
    let words: Vec<String> = (0..40).map(|index| format!("[{index}]")).collect();
    let text = with("positive: [Machine_Failure,", &format!("positive: [{},", words.join(", ")));
    let lines = read(&text).unwrap_err();
    assert_eq!(lines.lines().count(), 40, "{lines}");
    assert!(
        lines.ends_with("preprocessing.label.positive[39]: found a list, expected text"),
        "{lines}"
    );
}

#[test]
fn numbers_and_booleans_are_read_as_text_where_text_is_expected() {
    let text = with(
        "positive: [Machine_Failure, \"yes\", \"1\", \"true\"]",
        "positive: [1, true, yes, 0.5]",
    );
    let text = text.replacen(
        "negative: [No_Machine_Failure, \"no\", \"0\", \"false\"]",
        "negative: [0, false]",
        1,
    );
    let label = read(&text).unwrap().preprocessing.label;
    assert_eq!(label.positive, ["1", "true", "yes", "0.5"]);
    assert_eq!(label.negative, ["0", "false"]);

    // More values than the maximum number of faults.
    let numbers: Vec<String> = (2..300).map(|number| number.to_string()).collect();
    let text = with("positive: [Machine_Failure,", &format!("positive: [{},", numbers.join(", ")));
    assert_eq!(read(&text).unwrap().preprocessing.label.positive[..298], numbers);
    let text = with("  project: machine-downtime", "  2025: 1");
    assert_eq!(read(&text).unwrap().tags["2025"], "1");
}

proptest! {
    /// Whatever replaces some of the values, the result is settings or at least one violation. Each
    /// violation is in a line of the file and reported once.
    #[test]
    fn values_of_any_kind_are_accepted_or_reported(
        changes in prop::collection::vec((0_usize..160, prop::sample::select(vec![
            "", "[]", "{}", "x", "''", "-1", "0", "1", "2.5", "1e400", ".nan", "true", "null",
            "[x, 1]", "[[1], {a: b}]", "{a: 1}", "{1: [2]}", "!tag x", "&a [*a]", "${UNSET}",
            "${UNSET:-3}", "2001-01-01", "\"\\u0000\"", "placeholder",
        ])), 1..6),
    ) {
        let mut lines: Vec<String> = SHIPPED.lines().map(str::to_owned).collect();
        for (line, value) in changes {
            if let Some(line) = lines.get_mut(line)
                && let Some((key, _)) = line.clone().split_once(':')
            {
                *line = format!("{key}: {value}");
            }
        }
        let text = lines.join("\n");
        if let Err(error) = Settings::from_yaml("x", &text, nothing) {
            prop_assert!(!error.violations.is_empty());
            for violation in &error.violations {
                prop_assert!((1..=lines.len()).contains(&violation.line), "{violation:?}");
                let same = error.violations.iter().filter(|other| other.path == violation.path);
                prop_assert_eq!(same.count(), 1, "{}", error);
            }
        }
    }
}

/// Preprocess writes columns, features and label as a table, which has at most 16,384 fields.
#[test]
fn columns_and_features_fit_into_a_table() {
    let columns = |count: usize| {
        let names = (1..count).map(|number| format!("    C{number}: {{}}\n"));
        format!("  columns:\n{}", names.collect::<String>())
    };
    // The file has twelve columns and three features.
    let read_with = |count: usize| read(&with("  columns:\n", &columns(count - 11)));
    let columns = read_with(16_380).unwrap().preprocessing.columns;
    assert_eq!(columns.named().unwrap().len(), 16_380);
    insta::assert_snapshot!(read_with(16_381).unwrap_err(), @"config.yaml:68:3: preprocessing.columns: expected at most 16383 columns and engineered features together, there are 16381 and 3");
}

/// What SageMaker does not do is refused before anything is asked of it.
#[test]
fn invalid_endpoints() {
    let endpoint = |settings: &str| message("  kind: real_time\n", settings);
    insta::assert_snapshot!(endpoint("  kind: batch\n  name: a_b\n"), @"
    config.yaml:184:3: endpoint.kind: found `batch`, expected one of real_time, serverless, asynchronous
    config.yaml:185:3: endpoint.name: found `a_b`, expected 1 to 63 letters, digits and hyphens, the first and the last no hyphen
    ");
    // What a serverless endpoint does not have.
    let serverless = "  kind: serverless\n  capture: {}\n  instance_type: ml.m5.large\n  instance_count: 2\n  \
                      autoscaling: { min: 1, max: 2, target: 5 }\n  startup_timeout_seconds: 60\n  \
                      download_timeout_seconds: 60\n  network_isolation: true\n  asynchronous: {}\n";
    insta::assert_snapshot!(endpoint(serverless), @"
    config.yaml:185:3: endpoint.capture: expected no such key, because SageMaker captures nothing of a serverless endpoint
    config.yaml:186:3: endpoint.instance_type: expected no such key, because a serverless endpoint has no instances
    config.yaml:187:3: endpoint.instance_count: expected no such key, because a serverless endpoint has no instances
    config.yaml:188:3: endpoint.autoscaling: expected no such key, because a serverless endpoint follows the traffic by itself
    config.yaml:189:3: endpoint.startup_timeout_seconds: expected no such key, because a serverless endpoint has no instances
    config.yaml:190:3: endpoint.download_timeout_seconds: expected no such key, because a serverless endpoint has no instances
    config.yaml:191:3: endpoint.network_isolation: found `true`, expected false, because a serverless endpoint cannot be isolated (the jobs' is aws.network_isolation)
    config.yaml:192:3: endpoint.asynchronous: expected no such key, because the kind is not asynchronous
    ");
    // The settings of the jobs hold for it, too, unless it has its own.
    let vpc =
        "  network_isolation: true\n  vpc: { security_group_ids: [sg-1], subnets: [subnet-1] } ";
    let jobs = with("  network_isolation: false ", vpc);
    let both = jobs.replacen("  kind: real_time\n", "  kind: serverless\n", 1);
    insta::assert_snapshot!(read(&both).unwrap_err(), @"
    config.yaml:184:1: endpoint.network_isolation: found `true`, expected false, because a serverless endpoint cannot be isolated (the jobs' is aws.network_isolation)
    config.yaml:184:1: endpoint.vpc: found `true`, expected false, because a serverless endpoint cannot be in a VPC (the jobs' is aws.vpc)
    ");
    let own = "  kind: serverless\n  network_isolation: false\n  vpc: false\n";
    read(&jobs.replacen("  kind: real_time\n", own, 1)).unwrap();
    insta::assert_snapshot!(endpoint("  vpc: true\n"), @"config.yaml:184:3: endpoint.vpc: found `true`, expected a network in aws.vpc beside it");
    insta::assert_snapshot!(endpoint("  kind: serverless\n  serverless: { memory_mb: 1500, max_concurrency: 5, provisioned_concurrency: 6 }\n"), @"
    config.yaml:185:17: endpoint.serverless.memory_mb: found `1500`, expected 1024, 2048, 3072, 4096, 5120 or 6144
    config.yaml:185:54: endpoint.serverless.provisioned_concurrency: found `6`, expected at most the 5 of max_concurrency
    ");
    insta::assert_snapshot!(endpoint("  kind: serverless\n  serverless: { memory_mb: 7168, max_concurrency: 201 }\n"), @"
    config.yaml:185:17: endpoint.serverless.memory_mb: found `7168`, expected 1024, 2048, 3072, 4096, 5120 or 6144
    config.yaml:185:34: endpoint.serverless.max_concurrency: found `201`, expected at most 200
    ");
    insta::assert_snapshot!(endpoint("  serverless: {}\n  asynchronous: {}\n"), @"
    config.yaml:184:3: endpoint.serverless: expected no such key, because the kind is not serverless
    config.yaml:185:3: endpoint.asynchronous: expected no such key, because the kind is not asynchronous
    ");
    // Ranges.
    insta::assert_snapshot!(endpoint("  instance_type: m5.large\n  instance_count: 0\n  startup_timeout_seconds: 59\n  download_timeout_seconds: 3601\n  threshold: 1.5\n"), @"
    config.yaml:184:3: endpoint.instance_type: found `m5.large`, expected an instance type such as ml.m5.large
    config.yaml:185:3: endpoint.instance_count: found `0`, expected at least 1
    config.yaml:186:3: endpoint.startup_timeout_seconds: found `59`, expected at least 60
    config.yaml:187:3: endpoint.download_timeout_seconds: found `3601`, expected at most 3600
    config.yaml:188:3: endpoint.threshold: found `1.5`, expected at most 1
    ");
    insta::assert_snapshot!(endpoint("  autoscaling: { min: 0, max: 2, target: 0 }\n"), @"
    config.yaml:184:18: endpoint.autoscaling.min: found `0`, expected at least 1
    config.yaml:184:34: endpoint.autoscaling.target: found `0`, expected at least 0.1
    ");
    insta::assert_snapshot!(endpoint("  instance_type: ml.t2.medium\n  instance_count: 5\n  autoscaling: { min: 3, max: 2, target: 5 }\n"), @"
    config.yaml:184:3: endpoint.instance_type: found `ml.t2.medium`, expected a type that autoscaling takes, which are all but the burstable ml.t2 ones
    config.yaml:185:3: endpoint.instance_count: found `5`, expected 3 to 2, as autoscaling has it
    config.yaml:186:26: endpoint.autoscaling.max: found `2`, expected at least the 3 of min
    ");
    insta::assert_snapshot!(endpoint("  capture: { percent: 101, of: [], prefix: /x }\n"), @"
    config.yaml:184:14: endpoint.capture.percent: found `101`, expected at most 100
    config.yaml:184:28: endpoint.capture.of: found 0 entries, expected at least 1
    config.yaml:184:36: endpoint.capture.prefix: found `/x`, expected a key or prefix such as raw/table.csv, without s3:// or the bucket
    ");
    insta::assert_snapshot!(endpoint("  kind: asynchronous\n  asynchronous: { prefix: s3://b/c, max_concurrent_invocations: 1001 }\n"), @"
    config.yaml:185:19: endpoint.asynchronous.prefix: found `s3://b/c`, expected a key or prefix such as raw/table.csv, without s3:// or the bucket
    config.yaml:185:37: endpoint.asynchronous.max_concurrent_invocations: found `1001`, expected at most 1000
    ");
    // How traffic moves.
    insta::assert_snapshot!(endpoint("  instance_count: 10\n  update: { shift: canary }\n"), @"config.yaml:185:3: endpoint.update.percent: found nothing, expected a share such as 10, which canary and linear need");
    insta::assert_snapshot!(endpoint("  update: { percent: 10 }\n"), @"config.yaml:184:13: endpoint.update.percent: found `10`, expected no share, or shift: canary or linear beside it");
    insta::assert_snapshot!(endpoint("  instance_count: 10\n  update: { shift: canary, percent: 51, wait_seconds: 3601 }\n"), @"
    config.yaml:185:28: endpoint.update.percent: found `51`, expected 1 to 50 percent
    config.yaml:185:41: endpoint.update.wait_seconds: found `3601`, expected at most 3600
    ");
    insta::assert_snapshot!(endpoint("  instance_count: 10\n  update: { shift: linear, percent: 5, timeout_seconds: 599 }\n"), @"
    config.yaml:185:28: endpoint.update.percent: found `5`, expected 10 to 50 percent
    config.yaml:185:40: endpoint.update.timeout_seconds: found `599`, expected at least 600
    ");
    insta::assert_snapshot!(endpoint("  instance_count: 10\n  update: { shift: linear, percent: 25, wait_seconds: 600, terminate_after_seconds: 300, timeout_seconds: 2700 }\n"), @"config.yaml:185:90: endpoint.update.timeout_seconds: found `2700`, expected more than the 2700 seconds that 4 times wait_seconds and terminate_after_seconds come to");
    // One instance, or less than one, is no part. The instances are the fewest that autoscaling may have left.
    insta::assert_snapshot!(endpoint("  update: { shift: canary, percent: 50 }\n"), @"config.yaml:184:13: endpoint.update.shift: found `canary`, expected all_at_once, or an endpoint.instance_count of at least 2, since one instance does not move in parts");
    insta::assert_snapshot!(endpoint("  instance_count: 2\n  autoscaling: { min: 1, max: 4, target: 5 }\n  update: { shift: linear, percent: 50 }\n"), @"config.yaml:186:13: endpoint.update.shift: found `linear`, expected all_at_once, or an endpoint.autoscaling.min of at least 2, since one instance does not move in parts");
    insta::assert_snapshot!(endpoint("  instance_count: 9\n  update: { shift: canary, percent: 11 }\n"), @"config.yaml:185:28: endpoint.update.percent: found `11`, expected at least 12, which moves one of the 9 instances of endpoint.instance_count");
    insta::assert_snapshot!(endpoint("  autoscaling: { min: 3, max: 9, target: 5 }\n  update: { shift: linear, percent: 33 }\n"), @"config.yaml:185:28: endpoint.update.percent: found `33`, expected at least 34, which moves one of the 3 instances of endpoint.autoscaling.min");
    for whole in [
        "  instance_count: 9\n  update: { shift: canary, percent: 12 }\n",
        "  instance_count: 100\n  update: { shift: canary, percent: 1 }\n",
        "  instance_count: 2\n  update: { shift: linear, percent: 50 }\n",
        "  autoscaling: { min: 3, max: 9, target: 5 }\n  update: { shift: linear, percent: 34 }\n",
    ] {
        read(&with("  kind: real_time\n", whole)).unwrap();
    }
    insta::assert_snapshot!(endpoint("  kind: serverless\n  update: { shift: canary, percent: 10, rollback_alarms: [a] }\n"), @"
    config.yaml:185:13: endpoint.update.shift: expected no such key, because SageMaker updates a serverless endpoint all at once
    config.yaml:185:41: endpoint.update.rollback_alarms: expected no such key, because SageMaker updates a serverless endpoint all at once
    ");
    insta::assert_snapshot!(endpoint("  update: { wait_seconds: 4294967295, timeout_seconds: 28800 }\n"), @"
    config.yaml:184:13: endpoint.update.wait_seconds: found `4294967295`, expected at most 3600
    config.yaml:184:39: endpoint.update.timeout_seconds: found `28800`, expected more than the 4294967295 seconds that 1 times wait_seconds and terminate_after_seconds come to
    ");
    insta::assert_snapshot!(endpoint("  update: { rollback_alarms: [' ', a, b, a] }\n"), @"
    config.yaml:184:31: endpoint.update.rollback_alarms[0]: found ` `, expected an alarm's name
    config.yaml:184:42: endpoint.update.rollback_alarms[3]: found `a`, expected an alarm that is not listed before
    ");
    insta::assert_snapshot!(endpoint("  instance_count: 10\n  update: { shift: linear, percent: 10, wait_seconds: 3600 }\n"), @"config.yaml:185:41: endpoint.update.wait_seconds: found `3600`, expected waits of less than 28800 seconds together, they come to 36000");
    insta::assert_snapshot!(endpoint("  instance_type: ml.inf1.xlarge\n  update: { rollback_alarms: [a] }\n"), @"config.yaml:184:3: endpoint.instance_type: found `ml.inf1.xlarge`, expected another type, since SageMaker updates ml.inf1 all at once and without alarms");
    insta::assert_snapshot!(endpoint(&format!("  name: a{}b\n", "-".repeat(62))), @"config.yaml:184:3: endpoint.name: found 64 characters, expected at most 63");
    insta::assert_snapshot!(endpoint("  capture: { prefix: raw/captured }\n"), @"config.yaml:184:14: endpoint.capture.prefix: found `raw/captured`, expected a prefix apart from s3_paths.raw_data, which is raw");
    let key = with("aws:\n", "aws:\n  kms: { volume_key: alias/x }\n");
    for (name, has_disk) in [
        ("ml.m5d.large", true),
        ("ml.g4dn.xlarge", true),
        ("ml.m5.large", false),
        ("ml.c7i.large", false),
    ] {
        let own = format!("  kind: real_time\n  instance_type: {name}\n");
        assert_eq!(
            read(&key.replacen("  kind: real_time\n", &own, 1)).is_err(),
            has_disk,
            "{name}"
        );
    }
    insta::assert_snapshot!(message("  project: machine-downtime\n", "  Größe 2: 'R&D; 5 %'\n"), @"config.yaml:153:3: tags.Größe 2: found `R&D; 5 %`, expected letters, digits, spaces and _ . : / = + - @, which are all that SageMaker takes in a tag");
    insta::assert_snapshot!(message("  project: machine-downtime\n", "  deployed-to: x\n"), @"config.yaml:153:3: tags.deployed-to: found `deployed-to`, expected a key that the program does not use itself");
    let alarms = (0..11).map(|alarm| format!("a{alarm}")).collect::<Vec<_>>().join(", ");
    insta::assert_snapshot!(endpoint(&format!("  update: {{ rollback_alarms: [{alarms}] }}\n")), @"config.yaml:184:13: endpoint.update.rollback_alarms: found 11 entries, expected at most 10");
}

#[test]
fn prefixes_that_overlap() {
    let paths = |from: &str, to: &str| message(from, to);
    insta::assert_snapshot!(paths("processed_data: processed ", "processed_data: raw/data "), @"config.yaml:16:3: s3_paths.processed_data: found `raw/data`, expected a prefix apart from s3_paths.raw_data, which is raw");
    insta::assert_snapshot!(paths("raw_data: raw ", "raw_data: processed/raw "), @"config.yaml:16:3: s3_paths.processed_data: found `processed`, expected a prefix apart from s3_paths.raw_data, which is processed/raw");
    insta::assert_snapshot!(paths("evaluation: evaluation ", "evaluation: model-artifacts/ "), @"config.yaml:18:3: s3_paths.evaluation: found `model-artifacts/`, expected a prefix apart from s3_paths.model_artifacts, which is model-artifacts");
    insta::assert_snapshot!(paths("input_dataset: raw/machine_downtime.csv", "input_dataset: processed/"), @"config.yaml:16:3: s3_paths.processed_data: found `processed`, expected a prefix apart from s3_paths.input_dataset, which is processed/");
    insta::assert_snapshot!(paths("raw_data: raw ", "raw_data: pipeline-definitions "), @"config.yaml:15:3: s3_paths.raw_data: found `pipeline-definitions`, expected a prefix apart from pipeline-definitions/, which is that of the pipelines' definitions");
    insta::assert_snapshot!(paths("raw_data: raw ", "raw_data: pipeline-definitions/x/y "), @"config.yaml:15:3: s3_paths.raw_data: found `pipeline-definitions/x/y`, expected a prefix apart from pipeline-definitions/, which is that of the pipelines' definitions");
    let both = "  kind: asynchronous\n  asynchronous: { prefix: kept/queue }\n  capture: { prefix: kept }\n";
    insta::assert_snapshot!(message("  kind: real_time\n", both), @"config.yaml:185:19: endpoint.asynchronous.prefix: found `kept/queue`, expected a prefix apart from endpoint.capture.prefix, which is kept");
    // Names that only begin alike are apart, and the input may be any of the raw tables, or elsewhere.
    for (from, to) in [
        ("processed_data: processed ", "processed_data: raw-data "),
        ("input_dataset: raw/machine_downtime.csv", "input_dataset: raw/"),
        ("input_dataset: raw/machine_downtime.csv", "input_dataset: tables/all/"),
        ("raw_data: raw ", "raw_data: raw/uploaded "),
    ] {
        read(&with(from, to)).unwrap();
    }
}

#[test]
fn roles_and_keys_of_other_regions() {
    let china = with("${AWS_REGION:-us-east-1}", "cn-north-1");
    insta::assert_snapshot!(read(&china).unwrap_err(), @"config.yaml:115:3: aws.role_arn: found `arn:aws:iam::123456789012:role/MachineDowntimePipelineExecutionRole` (from `${SAGEMAKER_ROLE_ARN:-arn:aws:iam::123456789012:role/MachineDowntimePipelineExecutionRole}`), expected a role of the partition aws-cn, as the region cn-north-1 is");
    read(&china.replace("arn:aws:iam", "arn:aws-cn:iam")).unwrap();
    let key = |key: &str| with("aws:\n", &format!("aws:\n  kms: {{ output_key: '{key}' }}\n"));
    for own in ["alias/a", "0a1b2c3d", "arn:aws:kms:us-east-1:210987654321:key/k"] {
        read(&key(own)).unwrap();
    }
    insta::assert_snapshot!(read(&key("arn:aws:kms:eu-west-1:123456789012:key/k")).unwrap_err(), @"config.yaml:113:10: aws.kms.output_key: found `arn:aws:kms:eu-west-1:123456789012:key/k`, expected a key of the region: arn:aws:kms:us-east-1:ACCOUNT:key/ID, or its id or alias");
    insta::assert_snapshot!(read(&key("arn:aws-cn:kms:us-east-1:123456789012:alias/k")).unwrap_err(), @"config.yaml:113:10: aws.kms.output_key: found `arn:aws-cn:kms:us-east-1:123456789012:alias/k`, expected a key of the region: arn:aws:kms:us-east-1:ACCOUNT:key/ID, or its id or alias");
}

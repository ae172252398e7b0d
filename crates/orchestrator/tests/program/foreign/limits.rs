//! Values that the service refuses, and that the local run refuses too.

use serde_json::{Value, json};

use super::{definition, processing};
use crate::{Place, names};

/// Returns a definition of one step, whose only arguments are `--text` and the parameter `Text`.
fn one_argument(default: &Value) -> String {
    let arguments = [json!("--text"), json!({ "Get": "Parameters.Text" })];
    let mut parameter = json!({ "Name": "Text", "Type": "String" });
    if !default.is_null() {
        parameter["DefaultValue"] = default.clone();
    }
    definition(&json!([parameter]), &[processing("Tell", "tell", &arguments, &[])])
}

/// `StartPipelineExecution` takes no empty value, and `CreateProcessingJob` no empty argument and
/// none of more than 256 characters.
#[test]
fn a_value_that_the_service_refuses_is_refused_before_anything_starts() {
    let place = Place::new();
    let refused = |default: &Value, more: &[&str]| {
        let file = place.file("definition.json", one_argument(default));
        let arguments = ["--programs", "bin", "--definition", file.as_str()];
        let outcome = place.run(&[&arguments, more].concat()).expect(2);
        assert!(!place.path("runs").exists(), "nothing was begun");
        outcome.stderr
    };
    let long = format!("Text={}", "x".repeat(257));
    insta::assert_snapshot!(refused(&json!("a"), &["-p", "Text="]), @r#"error: parameter Text (String): found "", expected text of 1 to 1024 characters"#);
    insta::assert_snapshot!(refused(&json!("a"), &["-p", &long]), @r#"error: parameter Text: Steps.Tell.Arguments.AppSpecification.ContainerArguments[1]: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…": 257 characters; at most 256 are allowed"#);
    insta::assert_snapshot!(refused(&Value::Null, &["-p", &long]), @r#"error: parameter Text: Steps.Tell.Arguments.AppSpecification.ContainerArguments[1]: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…": 257 characters; at most 256 are allowed"#);
    insta::assert_snapshot!(refused(&json!(""), &[]), @"error: parameter Text: Steps.Tell.Arguments.AppSpecification.ContainerArguments[1]: empty; a value is needed");

    place.program("tell", "true");
    let most = format!("Text={}", "x".repeat(256));
    place.foreign(0, &one_argument(&json!("")), &["-p", &most]);
}

/// Each step has the text of the step before it twice, so that the last one would have 1.3 GB.
#[test]
fn a_text_that_doubles_from_step_to_step_ends_where_it_is_too_long() {
    let place = Place::new();
    place.program("nothing", "true");
    let text = |step: usize| json!({ "Get": format!("Steps.S{step}.ExperimentConfig.TrialName") });
    let steps: Vec<Value> = (0..27)
        .map(|index| {
            let mut step = processing(&format!("S{index}"), "nothing", &[], &[]);
            let name = match index {
                0 => json!("0123456789".repeat(2)),
                _ => json!({ "Std:Join": { "On": "", "Values": [text(index - 1), text(index - 1)] } }),
            };
            step["Arguments"]["ExperimentConfig"] = json!({ "TrialName": name });
            step
        })
        .collect();
    let result = place.foreign(1, &definition(&json!([]), &steps), &[]);
    // 20 * 2^12 are 81,920 characters, twice that are more than 100,000.
    assert_eq!(names(&result).len(), 14);
    insta::assert_snapshot!(result["failure_reason"].as_str().unwrap(), @r#"S13: ExperimentConfig.TrialName: join("", Steps.S12.ExperimentConfig.TrialName, Steps.S12.ExperimentConfig.TrialName) comes to more than 100000 bytes, the longest text that SageMaker takes"#);
}

/// A value that only a job knows is checked when the step that takes it starts.
#[test]
fn a_value_of_another_step_is_checked_when_it_is_known() {
    let place = Place::new();
    place.program(
        "tell",
        "printf '{\"text\": \"%0257d\"}' 0 > $SAGEMAKER_BASE_DIR/processing/out/a",
    );
    let mut first = processing("First", "tell", &[], &[]);
    first["PropertyFiles"] = json!([{
        "PropertyFileName": "Text", "OutputName": "out", "FilePath": "a",
    }]);
    let text = json!({ "Std:JsonGet": {
        "PropertyFile": { "Get": "Steps.First.PropertyFiles.Text" }, "Path": "text",
    } });
    let second = processing("Second", "tell", std::slice::from_ref(&text), &[]);
    let result = place.foreign(2, &definition(&json!([]), &[first.clone(), second]), &[]);
    assert_eq!(names(&result), ["First", "Second"]);
    insta::assert_snapshot!(result["failure_reason"].as_str().unwrap(), @"Second: AppSpecification.ContainerArguments[0] has 257 characters, expected at most 256, which SageMaker takes");

    let mut second = processing("Second", "tell", &[], &[]);
    second["Arguments"]["Environment"] = json!({ "TEXT": text });
    let result = place.foreign(2, &definition(&json!([]), &[first, second]), &[]);
    insta::assert_snapshot!(result["failure_reason"].as_str().unwrap(), @"Second: Environment.TEXT has 257 characters, expected at most 256, which SageMaker takes");
}

/// Returns a definition of a Training step with these metrics, whose program is `fit`.
fn training(metrics: &Value) -> String {
    let fit = json!({ "Name": "Fit", "Type": "Training", "Arguments": {
        "AlgorithmSpecification": {
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/fit:1",
            "TrainingInputMode": "File",
            "MetricDefinitions": metrics,
        },
        "OutputDataConfig": { "S3OutputPath": "s3://bucket/models" },
        "ResourceConfig": {
            "InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10,
        },
        "RoleArn": "arn:aws:iam::123456789012:role/pipelines",
        "StoppingCondition": { "MaxRuntimeInSeconds": 60 },
    } });
    definition(&json!([]), &[fit])
}

/// Behind each `a` the expression looks through the rest of the line for an `x`, which took minutes.
#[test]
fn an_expression_that_reads_a_long_line_again_and_again_ends_soon() {
    let place = Place::new();
    place.program("fit", "head -c 300000 /dev/zero | tr '\\0' a; echo; echo loss=0.5");
    let metrics = json!([
        { "Name": "slow", "Regex": ".*x|(a)" },
        { "Name": "loss", "Regex": "loss=([0-9.]+)" },
    ]);
    let begin = std::time::Instant::now();
    place.foreign(0, &training(&metrics), &[]);
    assert!(begin.elapsed() < std::time::Duration::from_secs(30), "{:?}", begin.elapsed());
    assert_eq!(crate::step(&place.record(), "Fit")["metrics"], json!({ "loss": 0.5 }));

    let large = json!([{ "Name": "loss", "Regex": "(\\w{400})" }]);
    let result = place.foreign(2, &training(&large), &[]);
    insta::assert_snapshot!(result["failure_reason"].as_str().unwrap(), @"Fit: metric loss: its expression takes more than 1048576 bytes when it is compiled, expected at most as many; fewer or smaller repetitions make it smaller");
}

/// A file of a hole takes no space, and memory as soon as it is read.
#[test]
fn a_property_file_that_is_too_large_is_not_read() {
    let place = Place::new();
    place.program("tell", "truncate -s 17000000 $SAGEMAKER_BASE_DIR/processing/out/a");
    let mut first = processing("First", "tell", &[], &[]);
    first["PropertyFiles"] = json!([{
        "PropertyFileName": "Text", "OutputName": "out", "FilePath": "a",
    }]);
    let text = json!({ "Std:JsonGet": {
        "PropertyFile": { "Get": "Steps.First.PropertyFiles.Text" }, "Path": "text",
    } });
    let second = processing("Second", "tell", &[text], &[]);
    let result = place.foreign(1, &definition(&json!([]), &[first, second]), &[]);
    insta::assert_snapshot!(place.neutral(result["failure_reason"].as_str().unwrap()), @"Second: AppSpecification.ContainerArguments[0]: Steps.First.PropertyFiles.Text cannot be read: <here>/runs/s3/bucket/First/a has 17000000 bytes, expected at most 16777216");
}

//! Checks of the values with which an execution starts.

use pipeline::{Definition, Expression, Parameter, StepKind, lint, lint_values};

use crate::{common, find};

/// Returns the findings for an execution of the example, after a change of it, with these values.
fn values(change: impl FnOnce(&mut Definition), given: &[(&str, &str)]) -> String {
    let mut definition = common::example();
    change(&mut definition);
    let values = definition.parameter_values(given.iter().copied()).unwrap();
    let lines = lint_values(&definition, &values);
    lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Makes `--text=` with a new parameter's value the only argument of a step.
fn argument(definition: &mut Definition, step: &str, parameter: Parameter) {
    let text = Expression::join("", ["--text=".into(), Expression::parameter(&parameter.name)]);
    definition.parameters.push(parameter);
    set_argument(definition, step, text);
}

fn set_argument(definition: &mut Definition, step: &str, text: Expression) {
    match &mut find(&mut definition.steps, step).unwrap().kind {
        StepKind::Processing(arguments) => {
            arguments.app_specification.container_arguments = vec![text];
        }
        _ => panic!("{step} is no Processing step"),
    }
}

#[test]
fn the_defaults_are_accepted() {
    assert_eq!(values(|_| {}, &[]), "");
}

#[test]
fn a_value_that_breaks_a_limit_is_named() {
    let text = |d: &mut Definition| argument(d, "Register", Parameter::string("Text", "a"));
    // 7 characters of "--text=" and 250 are 257
    insta::assert_snapshot!(values(text, &[("Text", &"x".repeat(250))]), @r#"parameter Text: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: "--text=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…": 257 characters; at most 256 are allowed"#);
    assert_eq!(values(text, &[("Text", &"x".repeat(249))]), "");
    insta::assert_snapshot!(values(|_| {}, &[("InstanceCount", "101")]), @"
    parameter InstanceCount: Steps.Preprocess.Arguments.ProcessingResources.ClusterConfig.InstanceCount: 101 (the value of Parameters.InstanceCount); 1 to 100 is allowed
    parameter InstanceCount: Steps.Evaluate.Arguments.ProcessingResources.ClusterConfig.InstanceCount: 101 (the value of Parameters.InstanceCount); 1 to 100 is allowed
    parameter InstanceCount: Steps.Gate.IfSteps.Register.Arguments.ProcessingResources.ClusterConfig.InstanceCount: 101 (the value of Parameters.InstanceCount); 1 to 100 is allowed
    ");
    insta::assert_snapshot!(values(|_| {}, &[("InputUrl", "raw/table.csv")]), @r#"parameter InputUrl: Steps.Preprocess.Arguments.ProcessingInputs[0].S3Input.S3Uri: "raw/table.csv" is no S3 URI; s3://bucket/key is"#);
}

/// A parameter without a default is not known before an execution starts.
#[test]
fn a_value_without_default_is_checked() {
    let text = |d: &mut Definition| {
        argument(d, "Register", Parameter { default: None, ..Parameter::string("Text", "") });
    };
    insta::assert_snapshot!(values(text, &[("Text", &"x".repeat(250))]), @r#"parameter Text: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: "--text=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…": 257 characters; at most 256 are allowed"#);
}

/// What a definition has with its defaults already is the business of `lint`.
#[test]
fn a_fault_of_the_defaults_is_not_repeated() {
    let long = Parameter::string("Text", "x".repeat(250));
    assert_eq!(values(|d| argument(d, "Register", long), &[("InstanceCount", "2")]), "");
}

/// `CreateProcessingJob` refuses an empty argument. An empty default is accepted, because an
/// execution may start with another value.
#[test]
fn an_empty_argument_is_refused() {
    let empty = |d: &mut Definition| {
        d.parameters.push(Parameter::string("Text", ""));
        set_argument(d, "Register", Expression::parameter("Text"));
    };
    insta::assert_snapshot!(values(empty, &[]), @"parameter Text: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: empty; a value is needed");
    assert_eq!(values(empty, &[("Text", "a")]), "");
    let mut definition = common::example();
    empty(&mut definition);
    let lines: Vec<_> = lint(&definition).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @"warning: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: empty by the parameters' defaults; no execution can start without other values");
    set_argument(&mut definition, "Register", "".into());
    let lines: Vec<_> = lint(&definition).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    error: Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: empty; a value is needed
    warning: Parameters.Text: no step uses it, so choosing a value changes nothing
    ");
}

/// A prefix that refers to another step's reads the parameter there.
#[test]
fn a_value_reaches_other_steps() {
    let refer = |d: &mut Definition| {
        d.parameters.push(Parameter::string("Bucket", "bucket"));
        let uri = Expression::join("", ["s3://".into(), Expression::parameter("Bucket")]);
        match &mut find(&mut d.steps, "Preprocess").unwrap().kind {
            StepKind::Processing(arguments) => {
                let outputs = &mut arguments.processing_output_config.as_mut().unwrap().outputs;
                outputs[0].s3_output.as_mut().unwrap().s3_uri = uri;
            }
            _ => panic!("Preprocess is no Processing step"),
        }
    };
    insta::assert_snapshot!(values(refer, &[("Bucket", "No")]), @r#"
    parameter Bucket: Steps.Preprocess.Arguments.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri: "No" is no bucket name; 3 to 63 of lower-case letters, digits, - and . are allowed, a letter or digit first and last, no .. and no IP address
    parameter Bucket: Steps.Train.Arguments.InputDataConfig[0].DataSource.S3DataSource.S3Uri: "No" is no bucket name; 3 to 63 of lower-case letters, digits, - and . are allowed, a letter or digit first and last, no .. and no IP address
    "#);
}

//! Checks of references between steps.

use pipeline::{
    Condition, ConditionArguments, Expression, Operator, Parameter, Reference, Step, StepKind,
};
use serde_json::json;

use crate::{findings, gate, in_step, processing, training};

/// Returns the findings in an argument of Register, without the place.
fn argument(expression: Expression) -> String {
    processing("Register", |p| p.app_specification.container_arguments = vec![expression]).replace(
        "Steps.Gate.IfSteps.Register.Arguments.AppSpecification.ContainerArguments[0]: ",
        "",
    )
}

#[test]
fn properties_are_checked_against_the_response() {
    let property = |step: &str, path: &str| argument(Expression::property(step, path));
    // Below the first name: members of the request.
    insta::assert_snapshot!(property("Preprocess", "ProcessingOutputConfig.Outputs['train'].S3Output.S3Url"), @r#"error: Steps.Preprocess.ProcessingOutputConfig.Outputs['train'].S3Output has no "S3Url"; did you mean S3Uri?"#);
    insta::assert_snapshot!(property("Preprocess", "ProcessingOutputConfig.Output['train'].S3Output.S3Uri"), @r#"error: Steps.Preprocess.ProcessingOutputConfig has no "Output"; did you mean Outputs?"#);
    insta::assert_snapshot!(property("Preprocess", "ProcessingOutputConfig.Outputs[2].S3Output.S3Uri"), @"error: Steps.Preprocess.ProcessingOutputConfig.Outputs has no entry [2]; it has 2, the first is [0]");
    insta::assert_snapshot!(property("Preprocess", "ProcessingOutputConfig[0]"), @"error: Steps.Preprocess.ProcessingOutputConfig is not a list and has no [0]");
    insta::assert_snapshot!(property("Preprocess", "RoleArn.Name"), @"error: Steps.Preprocess.RoleArn is a value and has no members");
    insta::assert_snapshot!(property("Preprocess", "Environment['RUST_LO']"), @r#"error: Steps.Preprocess.Environment has no "RUST_LO"; did you mean RUST_LOG?"#);
    insta::assert_snapshot!(property("Train", "HyperParameters.estimators"), @r#"error: Steps.Train.HyperParameters has no "estimators"; did you mean n_estimators?"#);
    insta::assert_snapshot!(property("Train", "InputDataConfig['train'].DataSource.S3DataSource.Uri"), @r#"error: Steps.Train.InputDataConfig['train'].DataSource.S3DataSource has no "Uri"; did you mean S3Uri?"#);
    insta::assert_snapshot!(property("Train", "AlgorithmSpecification.MetricDefinitions['train:acc'].Regex"), @r#"error: Steps.Train.AlgorithmSpecification.MetricDefinitions has no entry "train:acc"; did you mean train:accuracy?"#);
    // Members that the service adds.
    insta::assert_snapshot!(property("Train", "ModelArtifacts.S3Model"), @r#"error: Steps.Train.ModelArtifacts has no "S3Model"; did you mean S3ModelArtifacts?"#);
    insta::assert_snapshot!(property("Train", "ModelArtifacts.S3ModelArtifacts.Uri"), @"error: Steps.Train.ModelArtifacts.S3ModelArtifacts is a value and has no members");
    // The first name.
    insta::assert_snapshot!(property("Train", "ModelArtifact.S3ModelArtifacts"), @r#"error: Train has no property "ModelArtifact"; did you mean ModelArtifacts?"#);
    insta::assert_snapshot!(property("Train", "Carbon.Kilograms"), @r#"warning: Train has no property "Carbon""#);
    insta::assert_snapshot!(property("Train", "Tags[0].Value"), @r#"warning: Train has no property "Tags""#);
    insta::assert_snapshot!(property("Train", "[0]"), @"error: Steps.Train is not a list and has no [0]");
    // Known members that the request does not have.
    insta::assert_snapshot!(property("Train", "OutputDataConfig.KmsKeyId"), @"warning: Train is not given OutputDataConfig.KmsKeyId; the service may have no value for it");
    insta::assert_snapshot!(property("Train", "CheckpointConfig.S3Uri"), @"warning: Train is not given CheckpointConfig.S3Uri; the service may have no value for it");
    for (step, path) in [
        ("Preprocess", "ProcessingJobName"),
        ("Preprocess", "ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"),
        ("Preprocess", "ProcessingOutputConfig.Outputs[1].S3Output.LocalPath"),
        ("Preprocess", "Environment.RUST_LOG"),
        ("Preprocess", "ExitMessage"),
        ("Evaluate", "StoppingCondition.MaxRuntimeInSeconds"),
        ("Evaluate", "AppSpecification.ContainerEntrypoint[0]"),
        ("Train", "ModelArtifacts.S3ModelArtifacts"),
        ("Train", "HyperParameters['n_estimators']"),
        ("Train", "ExperimentConfig.TrialName"),
        ("Train", "FinalMetricDataList['train:accuracy'].Value"),
        ("Train", "AlgorithmSpecification.MetricDefinitions['train:accuracy'].Regex"),
        ("Train", "InputDataConfig['train'].ContentType"),
    ] {
        assert_eq!(property(step, path), "", "{step} {path}");
    }
    // An unknown member is in the response if the request has it.
    let mut kept = Step::new(
        "After",
        StepKind::Other {
            kind: "Lambda".to_owned(),
            arguments: json!({
                "Level": {"Get": "Steps.Preprocess.AppSpecification.Level.Of.Care"},
            }),
        },
    );
    kept.depends_on = vec!["Preprocess".to_owned()];
    insta::assert_snapshot!(findings(|d| {
        let StepKind::Processing(arguments) = &mut d.steps[0].kind else { panic!("{:?}", d.steps[0]) };
        arguments.app_specification.other.insert("Level".to_owned(), json!({"Of": {"Care": 1}}));
        d.steps.push(kept);
    }), @"warning: Steps.Preprocess.Arguments.AppSpecification.Level: unknown member, kept as it stands");
}

#[test]
fn objects_are_refused_where_values_are_needed() {
    let train = || Expression::property("Preprocess", "ProcessingOutputConfig.Outputs['train']");
    insta::assert_snapshot!(argument(train()), @"error: Steps.Preprocess.ProcessingOutputConfig.Outputs['train'] is an object of OutputName, AppManaged, S3Output, FeatureStoreOutput; a value is needed here");
    insta::assert_snapshot!(argument(train().into_text()), @"error: Steps.Preprocess.ProcessingOutputConfig.Outputs['train'] is an object of OutputName, AppManaged, S3Output, FeatureStoreOutput; a value is needed here");
    insta::assert_snapshot!(argument(Expression::property("Train", "ModelArtifacts")), @"error: Steps.Train.ModelArtifacts is an object of S3ModelArtifacts; a value is needed here");
    insta::assert_snapshot!(argument(Expression::property("Train", "InputDataConfig")), @"error: Steps.Train.InputDataConfig is a list; a value is needed here");
    insta::assert_snapshot!(argument(Expression::property("Train", "HyperParameters")), @"error: Steps.Train.HyperParameters is an object; a value is needed here");
    insta::assert_snapshot!(training(|t| { t.hyper_parameters.insert("a".to_owned(), train()); }), @"error: Steps.Train.Arguments.HyperParameters.a: Steps.Preprocess.ProcessingOutputConfig.Outputs['train'] is an object of OutputName, AppManaged, S3Output, FeatureStoreOutput; a value is needed here");
    insta::assert_snapshot!(gate(|g| g.conditions = vec![Condition::compare(train(), Operator::Equals, "x")]), @"
    error: Steps.Gate.Arguments.Conditions[0].LeftValue: Steps.Preprocess.ProcessingOutputConfig.Outputs['train'] is an object of OutputName, AppManaged, S3Output, FeatureStoreOutput; a value is needed here
    warning: Parameters.MinF1: no step uses it, so choosing a value changes nothing
    warning: Parameters.Strict: no step uses it, so choosing a value changes nothing
    ");
    insta::assert_snapshot!(in_step("Stop", |s| s.kind = StepKind::Fail { error_message: train() }), @"error: Steps.Gate.ElseSteps.Stop.Arguments.ErrorMessage: Steps.Preprocess.ProcessingOutputConfig.Outputs['train'] is an object of OutputName, AppManaged, S3Output, FeatureStoreOutput; a value is needed here");
    // Elsewhere an object may be needed.
    let groups = json!({"Get": "Steps.Preprocess.ProcessingOutputConfig.Outputs"});
    assert_eq!(
        training(|t| {
            t.resource_config.other.insert("InstanceGroups".to_owned(), groups);
        }),
        ""
    );
}

#[test]
fn references() {
    insta::assert_snapshot!(argument(Expression::parameter("MinF")), @r#"error: there is no parameter "MinF"; did you mean MinF1?"#);
    insta::assert_snapshot!(argument(Expression::output("Preproces", "train")), @r#"error: there is no step "Preproces"; did you mean Preprocess?"#);
    insta::assert_snapshot!(argument(Expression::output("Preprocess", "trian")), @r#"error: Preprocess has no output "trian"; did you mean train?"#);
    insta::assert_snapshot!(argument(Expression::property("Evaluate", "ProcessingInputs['modle'].S3Input.S3Uri")), @r#"error: Evaluate has no input "modle"; did you mean model?"#);
    insta::assert_snapshot!(argument(Expression::property("Train", "InputDataConfig['test'].ContentType")), @r#"error: Train has no channel "test""#);
    insta::assert_snapshot!(argument(Expression::property("Gate", "Result")), @r#"error: Gate is a Condition step and has no "Result"; it has Outcome"#);
    insta::assert_snapshot!(findings(|d| {
        d.steps.push(Step::fail("After", Expression::property("Gate", "Outcome")));
    }), @"");
    insta::assert_snapshot!(argument(Expression::json_get("Evaluate", "Rapport", "a")), @r#"error: Evaluate has no property file "Rapport"; did you mean Report?"#);
    insta::assert_snapshot!(argument(Expression::Get(Reference::PropertyFile { step: "Train".to_owned(), name: "Report".to_owned() })), @r#"error: Train has no property file "Report""#);
    insta::assert_snapshot!(processing("Register", |p| {
        p.other.insert("Unheard".to_owned(), json!({"Of": [{"Get": "Parameters"}]}));
    }), @r#"
    warning: Steps.Gate.IfSteps.Register.Arguments.Unheard: unknown member, kept as it stands
    error: Steps.Gate.IfSteps.Register.Arguments.Unheard.Of[0]: "Parameters" is no reference; expected Parameters.<name>, Execution.<variable>, Steps.<step>.<property> or Steps.<step>.PropertyFiles.<name>
    "#);
    insta::assert_snapshot!(findings(|d| d.parameters.push(Parameter::string("Unused", ""))), @"warning: Parameters.Unused: no step uses it, so choosing a value changes nothing");
}

/// Without that, a check of 20,000 references to 20,000 outputs takes a minute.
#[test]
fn a_list_that_is_far_too_long_is_not_searched() {
    let found = |inputs: usize| {
        findings(|d| {
            let evaluate = d.steps.iter_mut().find(|step| step.name == "Evaluate").unwrap();
            let StepKind::Processing(job) = &mut evaluate.kind else { panic!("it is a job") };
            let input = job.processing_inputs[0].clone();
            job.processing_inputs = vec![input; inputs];
            let path = "ProcessingInputs['unheard'].S3Input.S3Uri";
            d.steps.push(Step::fail("After", Expression::property("Evaluate", path)));
        })
    };
    let unknown = r#"Evaluate has no input "unheard""#;
    assert!(found(200).contains(unknown));
    let text = found(201);
    assert!(
        text.contains("201 inputs; at most 10 are allowed") && !text.contains(unknown),
        "{text}"
    );
}

#[test]
fn order_and_branches() {
    insta::assert_snapshot!(in_step("Train", |s| s.depends_on = vec!["Preproces".to_owned()]), @r#"error: Steps.Train.DependsOn[0]: there is no step "Preproces"; did you mean Preprocess?"#);
    insta::assert_snapshot!(in_step("Preprocess", |s| s.depends_on = vec!["Evaluate".to_owned()]), @"error: Steps: steps wait for one another: Preprocess -> Evaluate -> Preprocess");
    insta::assert_snapshot!(in_step("Train", |s| s.depends_on = vec!["Train".to_owned()]), @"error: Steps: steps wait for one another: Train -> Train");
    insta::assert_snapshot!(in_step("Register", |s| s.depends_on = vec!["Stop".to_owned()]), @"error: Steps.Gate.IfSteps.Register.DependsOn[0]: Stop is a Fail step, nothing runs after it");
    insta::assert_snapshot!(in_step("Stop", |s| s.depends_on = vec!["Register".to_owned()]), @"error: Steps.Gate.ElseSteps.Stop.DependsOn[0]: Register is in the other branch of Gate, so only one of the two ever runs");
    insta::assert_snapshot!(findings(|d| {
        let mut after = Step::fail("After", "no");
        after.depends_on = vec!["Register".to_owned()];
        d.steps.push(after);
    }), @"warning: Steps.After.DependsOn[0]: Register runs only when Gate takes its IfSteps; without it this step cannot run");
    insta::assert_snapshot!(gate(|g| {
        let inner = ConditionArguments { conditions: g.conditions.clone(), if_steps: vec![], else_steps: vec![] };
        g.if_steps.push(Step::new("Inner", inner));
    }), @"warning: Steps.Gate.IfSteps.Inner: a Condition step inside a branch of Gate; the service's guide calls that unsupported, though the service takes it");
}

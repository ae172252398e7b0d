//! Checks of the definition as a whole.

use pipeline::{
    Condition, Definition, Expression, Parameter, ParameterType, ProcessingOutput, Severity, Step,
    StepKind, lint,
};
use serde_json::json;

use crate::{common, find, findings, gate, in_step, processing, training};

#[test]
fn version_steps_size_and_experiment() {
    insta::assert_snapshot!(findings(|d| d.version = "2021-01-01".to_owned()), @r#"error: Version: "2021-01-01"; the only version is "2020-12-01""#);
    insta::assert_snapshot!(findings(|d| { d.steps.clear(); d.parameters.clear(); }), @"error: Steps: no steps; a pipeline has at least one");
    insta::assert_snapshot!(findings(|d| { d.metadata.insert("x".to_owned(), "x".repeat(1 << 20).into()); }), @"warning: definition: 1060069 bytes; the service takes at most 1048576 in a request, larger ones from S3");
    insta::assert_snapshot!(
        findings(|d| d.experiment.as_mut().unwrap().trial_name =
            Some(Expression::property("Train", "TrainingJobName"))),
        @"error: PipelineExperimentConfig.TrialName: Steps.Train.TrainingJobName is not known before the first step; use parameters and execution variables");
}

#[test]
fn parameters() {
    insta::assert_snapshot!(
        findings(|d| {
            d.parameters.clear();
            d.steps.truncate(0);
            d.steps.push(Step::fail("Stop", "no"));
            d.parameters.extend((0..201).map(|i| Parameter::integer(format!("P{i}"), 1)));
        }).lines().next().unwrap(),
        @"error: Parameters: 201 parameters; at most 200 are allowed");
    insta::assert_snapshot!(findings(|d| d.parameters.push(Parameter::integer("Trees", 1))), @r#"error: Parameters: two parameters are called "Trees""#);
    insta::assert_snapshot!(findings(|d| d.parameters.push(Parameter::integer("Number of trees", 1))), @r#"
    error: Parameters.Number of trees: "Number of trees" is no name; 1 to 64 of letters, digits, - and _ are allowed
    warning: Parameters.Number of trees: no step uses it, so choosing a value changes nothing
    "#);
    insta::assert_snapshot!(findings(|d| d.parameters[3].default = Some(json!("many"))), @r#"error: Parameters.Trees.DefaultValue: parameter Trees (Integer): found "many", expected a whole number of 64 bits"#);
    insta::assert_snapshot!(findings(|d| d.parameters[6].default = Some(json!("Maybe"))), @r#"error: Parameters.Approval.DefaultValue: parameter Approval (String): found "Maybe", expected one of Approved, PendingManualApproval, Rejected"#);
    insta::assert_snapshot!(findings(|d| d.parameters[3].enum_values = vec!["1".to_owned()]), @"error: Parameters.Trees.EnumValues: only String parameters have them, this is Integer");
    insta::assert_snapshot!(findings(|d| d.parameters[1].default = Some(json!(format!("ml.{}", "x".repeat(1022))))).split(" found ").next().unwrap(), @"error: Parameters.InstanceType.DefaultValue: parameter InstanceType (String):");
}

#[test]
fn names_of_steps() {
    insta::assert_snapshot!(in_step("Register", |s| s.name = "Register model".to_owned()), @r#"error: Steps.Gate.IfSteps.Register model: "Register model" is no name; 1 to 64 of letters, digits, - and _ are allowed"#);
    insta::assert_snapshot!(in_step("Register", |s| s.name = "x".repeat(65)), @r#"error: Steps.Gate.IfSteps.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" is no name; 1 to 64 of letters, digits, - and _ are allowed"#);
    insta::assert_snapshot!(in_step("Register", |s| s.name = String::new()), @r#"error: Steps.Gate.IfSteps[0]: "" is no name; 1 to 64 of letters, digits, - and _ are allowed"#);
    insta::assert_snapshot!(in_step("Register", |s| s.name = "Preprocess".to_owned()), @"error: Steps.Gate.IfSteps.Preprocess: a second step of this name; the first is Steps.Preprocess");
    insta::assert_snapshot!(gate(|g| g.else_steps.push(g.if_steps[0].clone())), @"error: Steps.Gate.ElseSteps.Register: a second step of this name; the first is Steps.Gate.IfSteps.Register");
}

#[test]
fn unknown_members() {
    insta::assert_snapshot!(findings(|d| { d.other.insert("Paramaters".to_owned(), json!([])); }), @"warning: Paramaters: unknown member, kept as it stands; did you mean Parameters?");
    insta::assert_snapshot!(in_step("Train", |s| { s.other.insert("CacheConfg".to_owned(), json!({})); }), @"warning: Steps.Train.CacheConfg: unknown member, kept as it stands; did you mean CacheConfig?");
    insta::assert_snapshot!(in_step("Gate", |s| { s.other.insert("Dependson".to_owned(), json!([])); }), @"warning: Steps.Gate.Dependson: unknown member, kept as it stands; did you mean DependsOn?");
    insta::assert_snapshot!(processing("Register", |p| { p.other.insert("ProcessingInput".to_owned(), json!([])); }), @"warning: Steps.Gate.IfSteps.Register.Arguments.ProcessingInput: unknown member, kept as it stands; did you mean ProcessingInputs?");
    insta::assert_snapshot!(processing("Register", |p| { p.other.insert("Quantum".to_owned(), json!([])); }), @"warning: Steps.Gate.IfSteps.Register.Arguments.Quantum: unknown member, kept as it stands");
    insta::assert_snapshot!(processing("Evaluate", |p| {
        let input = &mut p.processing_inputs[1];
        input.other.insert("AppManage".to_owned(), json!(true));
        let s3 = input.s3_input.as_mut().unwrap();
        s3.other.insert("S3DataDistribution".to_owned(), json!("FullyReplicated"));
    }), @"
    warning: Steps.Evaluate.Arguments.ProcessingInputs[1].AppManage: unknown member, kept as it stands; did you mean AppManaged?
    warning: Steps.Evaluate.Arguments.ProcessingInputs[1].S3Input.S3DataDistribution: unknown member, kept as it stands; did you mean S3DataDistributionType?
    ");
    insta::assert_snapshot!(training(|t| {
        let groups = json!([{"InstanceTyp": "ml.m5.large"}]);
        t.resource_config.other.insert("InstanceGroups".to_owned(), groups);
    }), @"warning: Steps.Train.Arguments.ResourceConfig.InstanceGroups[0].InstanceTyp: unknown member, kept as it stands; did you mean InstanceType?");
    // Steps of other types have members of their own.
    let lambda = |member: &str| {
        let kind = StepKind::Other { kind: "Lambda".to_owned(), arguments: json!({"a": 1}) };
        findings(|d| {
            let mut step = Step::new("Notify", kind);
            step.other.insert(member.to_owned(), json!("x"));
            d.steps.push(step);
        })
    };
    for own in [
        "FunctionArn",
        "OutputParameters",
        "SqsQueueUrl",
        "FailOnViolation",
        "RegisterNewBaseline",
        "SuppliedBaselineStatistics",
        "ModelPackageGroupName",
    ] {
        assert_eq!(lambda(own), "", "{own}");
    }
    insta::assert_snapshot!(lambda("DependOn"), @"warning: Steps.Notify.DependOn: unknown member, kept as it stands; did you mean DependsOn?");
    assert_eq!(
        findings(|d| {
            d.other.insert("MlflowConfig".to_owned(), json!(null));
        }),
        ""
    );
    assert_eq!(
        training(|t| {
            t.other.insert("RetryStrategy".to_owned(), json!({"MaximumRetryAttempts": 3}));
        }),
        ""
    );
}

#[test]
fn long_places_are_cut() {
    let deep = (0..100).fold(Condition::Or(Vec::new()), |inner, _| Condition::Not(Box::new(inner)));
    insta::assert_snapshot!(gate(|g| g.conditions = vec![deep]), @"
    error: Steps.Gate.Arguments.Conditions[0].Condition.Condition.Condition.Condition.Condition.Condition.Condition.Condition.Condition.Condition.Condi…Condition.Condition.Condition.Condition.Condition.Condition.Condition.Condition.Condition.Conditions: empty; at least one condition is needed
    warning: Parameters.MinF1: no step uses it, so choosing a value changes nothing
    warning: Parameters.Strict: no step uses it, so choosing a value changes nothing
    ");
    let deep = (0..60).fold(json!({"Get": "Nothing"}), |inner, _| json!({"Größe": inner}));
    insta::assert_snapshot!(in_step("Train", |s| { s.other.insert("Unheard".to_owned(), deep); }), @r#"
    warning: Steps.Train.Unheard: unknown member, kept as it stands
    error: Steps.Train.Unheard.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.…ße.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe.Größe: "Nothing" is no reference; expected Parameters.<name>, Execution.<variable>, Steps.<step>.<property> or Steps.<step>.PropertyFiles.<name>
    "#);
}

#[test]
fn all_findings_are_reported_at_once() {
    let mut definition = common::example();
    for index in 0..50 {
        let mut step = find(&mut definition.steps, "Evaluate").unwrap().clone();
        step.name = format!("Evaluate again {index}");
        step.depends_on = vec!["Trian".to_owned()];
        definition.steps.push(step);
    }
    definition
        .parameters
        .push(Parameter { kind: ParameterType::Boolean, ..Parameter::string("Odd", "x") });
    let findings = lint(&definition);
    // 50 names, 50 dependencies, one default and one unused parameter.
    assert_eq!(findings.len(), 102);
    assert_eq!(findings.iter().filter(|f| f.severity == Severity::Warning).count(), 1);
}

#[test]
fn circular_output_prefixes_come_to_an_end() {
    let mut definition = common::example();
    for level in 0..12 {
        let mut step = find(&mut definition.steps, "Preprocess").unwrap().clone();
        step.name = format!("Level{level}");
        let StepKind::Processing(arguments) = &mut step.kind else { panic!("{step:?}") };
        let next = || Expression::output(format!("Level{}", (level + 1) % 12), "train");
        let uri = Expression::join("", (0..30).map(|_| next()));
        arguments.processing_output_config.as_mut().unwrap().outputs[0] =
            ProcessingOutput::new("train", uri, "/opt/ml/processing/output/train");
        definition.steps.push(step);
    }
    let findings = lint(&definition);
    assert!(findings.iter().any(|f| f.message.contains("wait for one another")), "{findings:?}");
}

#[test]
fn thousands_of_steps_take_seconds() {
    const STEPS: usize = 20_000;
    let name = |index: usize| format!("Step{index}");
    // Each step depends on the one after it, so the last one is the first in order.
    let steps = (0..STEPS).map(|index| Step {
        depends_on: (index + 1 < STEPS).then(|| name(index + 1)).into_iter().collect(),
        ..Step::new(
            name(index),
            StepKind::Other { kind: "Lambda".to_owned(), arguments: json!({}) },
        )
    });
    let mut definition = Definition::new(Vec::new(), steps.collect());
    let begun = std::time::Instant::now();
    insta::assert_snapshot!(lint(&definition)[0], @"warning: definition: 2697995 bytes; the service takes at most 1048576 in a request, larger ones from S3");
    let graph = definition.graph();
    let order = graph.order().unwrap();
    assert_eq!((order.len(), order[0]), (STEPS, "Step19999"));
    definition.steps[STEPS - 1].depends_on.push(name(0));
    assert_eq!(definition.graph().order().unwrap_err().steps.len(), STEPS + 1);
    for step in &mut definition.steps[..4000] {
        step.depends_on[0].push('x');
    }
    // The size, and 4,000 names of steps that do not exist.
    assert_eq!(lint(&definition).len(), 4001);
    // It takes a few seconds, and would take half an hour with a linear search for each step.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

/// SageMaker takes it beside the definition, and the local run as a part of it.
#[test]
fn the_most_steps_at_once_are_checked() {
    let found = |most: serde_json::Value| {
        findings(|d| {
            let most = json!({ "MaxParallelExecutionSteps": most });
            d.other.insert("ParallelismConfiguration".to_owned(), most);
        })
    };
    insta::assert_snapshot!(found(json!(2)), @"warning: ParallelismConfiguration: a member of CreatePipeline's request, not of its definition; the local run takes it");
    insta::assert_snapshot!(found(json!(-1)), @"error: ParallelismConfiguration.MaxParallelExecutionSteps: found -1, expected a whole number from 1");
}

/// Each suggestion takes hundreds of comparisons.
#[test]
fn among_many_findings_nothing_is_suggested() {
    let found = findings(|d| {
        d.other.extend((0..300).map(|index| (format!("Parameters{index}"), json!([]))));
    });
    assert_eq!(found.lines().count(), 300);
    assert_eq!(found.matches("did you mean Parameters?").count(), 200);
}

/// A finding is a line, whatever a definition calls its parts.
#[test]
fn names_with_line_ends_stay_on_a_line() {
    let found = findings(|d| {
        d.other.insert("A\nerror: fine".to_owned(), json!([]));
    });
    insta::assert_snapshot!(found, @r"warning: A\nerror: fine: unknown member, kept as it stands");
}

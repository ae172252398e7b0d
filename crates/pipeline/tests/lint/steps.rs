//! Checks of the members common to all steps, and of conditions.

use pipeline::{CacheConfig, Condition, Expression, Operator, RetryPolicy, StepKind};
use serde_json::json;

use crate::{find, findings, gate, in_step, processing, retry};

#[test]
fn types_descriptions_and_cache() {
    insta::assert_snapshot!(
        in_step("Register", |s| s.kind = StepKind::Other { kind: "RegisterModle".to_owned(), arguments: json!({}) })
        , @r#"error: Steps.Gate.IfSteps.Register.Type: "RegisterModle" is no type of step; did you mean RegisterModel?"#);
    insta::assert_snapshot!(in_step("Train", |s| s.display_name = Some("x".repeat(257))), @"error: Steps.Train.DisplayName: 257 characters; at most 256 are allowed");
    let cache =
        |text: Option<&str>| CacheConfig { enabled: true, expire_after: text.map(str::to_owned) };
    insta::assert_snapshot!(in_step("Train", |s| s.cache = Some(cache(Some("30 days")))), @r#"error: Steps.Train.CacheConfig.ExpireAfter: "30 days" is no duration; 30d, P30D, T12h and 30dT5h are"#);
    for text in ["30d", "5y", "T16m", "30dT5h", "p30d", "T12H"] {
        assert_eq!(in_step("Train", |s| s.cache = Some(cache(Some(text)))), "", "{text}");
    }
    insta::assert_snapshot!(in_step("Train", |s| s.cache = Some(cache(None))), @"warning: Steps.Train.CacheConfig: no ExpireAfter; the service then decides how long it lasts");
    insta::assert_snapshot!(in_step("Gate", |s| s.cache = Some(cache(Some("P1D")))), @"error: Steps.Gate.CacheConfig: Condition steps are not cached; only Processing, Training, Tuning, AutoML, Transform, ClarifyCheck, QualityCheck, EMR are");
    insta::assert_snapshot!(in_step("Train", |s| s.description = Some("x".repeat(3073))), @"error: Steps.Train.Description: 3073 characters; at most 3072 are allowed");
    insta::assert_snapshot!(in_step("Stop", |s| s.kind = StepKind::Fail { error_message: "x".repeat(3073).into() }), @"error: Steps.Gate.ElseSteps.Stop.Arguments.ErrorMessage: 3073 characters; at most 3072 are allowed");
    insta::assert_snapshot!(in_step("Stop", |s| s.kind = StepKind::Fail { error_message: Expression::parameter("MinF1") }), @"error: Steps.Gate.ElseSteps.Stop.Arguments.ErrorMessage: Parameters.MinF1 is a float where the service wants a string; put it in a Std:Join");
}

#[test]
fn retries() {
    insta::assert_snapshot!(retry(|r| r.max_attempts = None), @"error: Steps.Preprocess.RetryPolicies[0]: neither MaxAttempts nor ExpireAfterMin; exactly one is needed");
    insta::assert_snapshot!(retry(|r| r.expire_after_min = Some(1)), @"error: Steps.Preprocess.RetryPolicies[0]: both MaxAttempts and ExpireAfterMin; exactly one is allowed");
    insta::assert_snapshot!(retry(|r| r.max_attempts = Some(21)), @"error: Steps.Preprocess.RetryPolicies[0].MaxAttempts: 21; 1 to 20 is allowed");
    insta::assert_snapshot!(retry(|r| { r.max_attempts = None; r.expire_after_min = Some(14401); }), @"error: Steps.Preprocess.RetryPolicies[0].ExpireAfterMin: 14401; 1 to 14400 is allowed");
    insta::assert_snapshot!(retry(|r| r.interval_seconds = Some(43201)), @"error: Steps.Preprocess.RetryPolicies[0].IntervalSeconds: 43201; 1 to 43200 is allowed");
    insta::assert_snapshot!(retry(|r| r.backoff_rate = Some(0.0)), @"error: Steps.Preprocess.RetryPolicies[0].BackoffRate: 0; more than 0 is needed");
    insta::assert_snapshot!(retry(|r| r.exception_type.clear()), @"error: Steps.Preprocess.RetryPolicies[0].ExceptionType: empty; at least one is needed");
    insta::assert_snapshot!(retry(|r| r.exception_type[0] = "Step.THROTTLED".to_owned()), @r#"error: Steps.Preprocess.RetryPolicies[0].ExceptionType[0]: "Step.THROTTLED" is none the service knows; did you mean Step.THROTTLING?"#);
    insta::assert_snapshot!(in_step("Stop", |s| s.retry_policies = vec![RetryPolicy {
        max_attempts: Some(1), exception_type: vec!["Step.THROTTLING".to_owned()], ..RetryPolicy::default()
    }]), @"error: Steps.Gate.ElseSteps.Stop.RetryPolicies: Fail steps are not retried; only Processing, Training, Tuning, AutoML, Model, RegisterModel, Transform are");
}

#[test]
fn property_files() {
    insta::assert_snapshot!(in_step("Evaluate", |s| s.property_files[0].output_name = "evaluations".to_owned()), @r#"error: Steps.Evaluate.PropertyFiles[0].OutputName: the step has no output "evaluations"; did you mean evaluation?"#);
    insta::assert_snapshot!(in_step("Evaluate", |s| s.property_files[0].file_path = "/evaluation.json".to_owned()), @r#"error: Steps.Evaluate.PropertyFiles[0].FilePath: "/evaluation.json"; a path inside the output is needed"#);
    insta::assert_snapshot!(in_step("Evaluate", |s| s.property_files.push(s.property_files[0].clone())), @r#"error: Steps.Evaluate.PropertyFiles: two property files are called "Report""#);
    insta::assert_snapshot!(in_step("Evaluate", |s| {
        s.property_files.push(s.property_files[0].clone());
        s.property_files[1].property_file_name = "a.b".to_owned();
    }), @r#"warning: Steps.Evaluate.PropertyFiles[1].PropertyFileName: "a.b" is hard to refer to; keep to 1 to 64 of letters, digits, - and _"#);
    insta::assert_snapshot!(in_step("Evaluate", |s| s.property_files[0].property_file_name = "Reports".to_owned()), @r#"
    error: Steps.Gate.Arguments.Conditions[0].LeftValue: Evaluate has no property file "Report"; did you mean Reports?
    error: Steps.Gate.ElseSteps.Stop.Arguments.ErrorMessage: Evaluate has no property file "Report"; did you mean Reports?
    "#);
    insta::assert_snapshot!(processing("Evaluate", |p| {
        let outputs = &mut p.processing_output_config.as_mut().unwrap().outputs;
        outputs[0].s3_output.as_mut().unwrap().s3_upload_mode = "Continuous".into();
    }), @r#"error: Steps.Evaluate.PropertyFiles[0].OutputName: the output "evaluation" is uploaded Continuous; only EndOfJob outputs can be read"#);
    insta::assert_snapshot!(findings(|d| {
        let file = find(&mut d.steps, "Evaluate").unwrap().property_files[0].clone();
        find(&mut d.steps, "Train").unwrap().property_files.push(file);
    }), @"error: Steps.Train.PropertyFiles: Training steps have none; only Processing steps do");
    insta::assert_snapshot!(in_step("Evaluate", |s| s.property_files[0].file_path = "../evaluation.json".to_owned()), @r#"error: Steps.Evaluate.PropertyFiles[0].FilePath: "../evaluation.json"; a path inside the output is needed"#);
    insta::assert_snapshot!(processing("Evaluate", |p| {
        let output = &mut p.processing_output_config.as_mut().unwrap().outputs[0];
        output.s3_output = None;
        output.other.insert("FeatureStoreOutput".to_owned(), json!({"FeatureGroupName": "g"}));
    }), @r#"error: Steps.Evaluate.PropertyFiles[0].OutputName: the output "evaluation" does not go to S3, where the file is read"#);
}

#[test]
fn conditions() {
    let condition = |condition: Condition| gate(|g| g.conditions.push(condition));
    let parameter = Expression::parameter;
    insta::assert_snapshot!(condition(Condition::compare(parameter("Approval"), Operator::Equals, 1_i64)), @"error: Steps.Gate.Arguments.Conditions[2]: compares Parameters.Approval, a string, with 1, an integer");
    insta::assert_snapshot!(condition(Condition::compare(parameter("Trees"), Operator::LessThan, "200")), @r#"error: Steps.Gate.Arguments.Conditions[2]: compares Parameters.Trees, an integer, with "200", a string"#);
    insta::assert_snapshot!(condition(Condition::compare(parameter("Strict"), Operator::LessThan, true)), @r#"
    error: Steps.Gate.Arguments.Conditions[2]: Parameters.Strict is a boolean and has no order; use Equals
    error: Steps.Gate.Arguments.Conditions[2]: true is a boolean and has no order; use Equals
    "#);
    insta::assert_snapshot!(condition(Condition::In { query: parameter("Trees"), values: vec![1.5.into(), "1".into()] }), @r#"error: Steps.Gate.Arguments.Conditions[2].Values[1]: compares Parameters.Trees, an integer, with "1", a string"#);
    insta::assert_snapshot!(condition(Condition::Not(Box::new(Condition::Or(Vec::new())))), @"error: Steps.Gate.Arguments.Conditions[2].Condition.Conditions: empty; at least one condition is needed");
    insta::assert_snapshot!(condition(Condition::In { query: parameter("Trees"), values: Vec::new() }), @"error: Steps.Gate.Arguments.Conditions[2].Values: empty; nothing can be in it");
    assert_eq!(
        condition(Condition::compare(parameter("Trees"), Operator::LessThan, parameter("MinF1"))),
        ""
    );
}

//! Evaluation of expressions and conditions, with values worked out by hand.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use pipeline::{
    AppSpecification, ClusterConfig, Condition, EvaluationError, ExecutionVariable, Expression,
    Operator, Path, ProcessingArguments, Room, Scope, evaluate_all, resolve_all,
};
use serde_json::{Value, json};

/// A finished execution in memory.
struct Execution {
    parameters: BTreeMap<&'static str, Value>,
    describe: Value,
    report: Value,
}

impl Execution {
    fn new() -> Self {
        Self {
            parameters: BTreeMap::from([
                ("Bucket", json!("my-bucket")),
                ("Trees", json!(200)),
                ("MinF1", json!(0.75)),
                ("Strict", json!(true)),
                ("Tiny", json!(1e-7)),
                ("Whole", json!(1.0)),
            ]),
            describe: json!({"ProcessingOutputConfig": {"Outputs": [
                {"OutputName": "test", "S3Output": {"S3Uri": "s3://my-bucket/x1/test"}},
                {"OutputName": "train", "S3Output": {"S3Uri": "s3://my-bucket/x1/train"}},
            ]}}),
            report: json!({"metrics": {
                "f1": {"value": 0.8}, "auc": {"value": "NaN"}, "rows": {"value": 1},
            }}),
        }
    }
}

impl Scope for Execution {
    fn parameter(&self, name: &str) -> Option<Value> {
        self.parameters.get(name).cloned()
    }

    fn execution(&self, variable: ExecutionVariable) -> String {
        match variable {
            ExecutionVariable::PipelineExecutionId => "x1".to_owned(),
            other => other.name().to_owned(),
        }
    }

    fn property(&self, step: &str, path: &Path) -> Option<Value> {
        (step == "Preprocess").then(|| path.find(&self.describe).cloned()).flatten()
    }

    fn property_file(
        &self,
        step: &str,
        name: &str,
    ) -> Result<Arc<Value>, Box<dyn Error + Send + Sync>> {
        match (step, name) {
            ("Evaluate", "Report") => Ok(Arc::new(self.report.clone())),
            _ => Err("no such file".into()),
        }
    }
}

fn metric(name: &str) -> Expression {
    Expression::json_get("Evaluate", "Report", format!("metrics.{name}.value"))
}

fn resolve(expression: impl Into<Expression>) -> Result<Value, EvaluationError> {
    expression.into().resolve(&Execution::new())
}

/// Returns an error with its causes, as a program prints it.
fn chain(error: EvaluationError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

#[test]
fn every_expression_has_its_value() {
    assert_eq!(resolve("text").unwrap(), json!("text"));
    assert_eq!(resolve(3_i64).unwrap(), json!(3));
    assert_eq!(resolve(Expression::parameter("Trees")).unwrap(), json!(200));
    assert_eq!(
        resolve(Expression::execution(ExecutionVariable::PipelineExecutionId)).unwrap(),
        json!("x1")
    );
    assert_eq!(
        resolve(Expression::output("Preprocess", "train")).unwrap(),
        json!("s3://my-bucket/x1/train")
    );
    assert_eq!(resolve(metric("f1")).unwrap(), json!(0.8));
}

#[test]
fn a_join_writes_numbers_and_booleans_as_json_does() {
    let parts = ["Bucket", "Trees", "MinF1", "Strict", "Tiny", "Whole"].map(Expression::parameter);
    assert_eq!(
        resolve(Expression::join("|", parts)).unwrap(),
        json!("my-bucket|200|0.75|true|1e-7|1.0")
    );
    assert_eq!(resolve(Expression::parameter("Trees").into_text()).unwrap(), json!("200"));
    let nested = Expression::join("-", [Expression::join("+", ["a", "b"]), "c".into()]);
    assert_eq!(resolve(nested).unwrap(), json!("a+b-c"));
    assert_eq!(resolve(Expression::join("/", Vec::<Expression>::new())).unwrap(), json!(""));
}

#[test]
fn an_expression_without_a_value_names_the_reason() {
    let message = |expression: Expression| chain(resolve(expression).unwrap_err());
    insta::assert_snapshot!(message(Expression::parameter("MinF2")), @"Parameters.MinF2 has no value");
    insta::assert_snapshot!(message(Expression::output("Preprocess", "valid")), @"Steps.Preprocess.ProcessingOutputConfig.Outputs['valid'].S3Output.S3Uri has no value");
    insta::assert_snapshot!(message(Expression::property("Preprocess", "Outputs[")), @r#"Steps.Preprocess.Outputs[: path "Outputs[": the bracket at character 8 is not closed"#);
    insta::assert_snapshot!(message(metric("f2")), @"Steps.Evaluate.PropertyFiles.Report holds nothing at metrics.f2.value");
    insta::assert_snapshot!(message(Expression::json_get("Evaluate", "Other", "a")), @"Steps.Evaluate.PropertyFiles.Other cannot be read: no such file");
    insta::assert_snapshot!(message(Expression::json_get("Evaluate", "Report", "metrics.f1").into_text()), @r#"json_get(Steps.Evaluate.PropertyFiles.Report, "metrics.f1") is {"value":0.8}; only strings, numbers and booleans can be joined"#);
}

/// An execution in which each step's text is that of the step before it, twice.
struct Doubling(Vec<String>);

impl Scope for Doubling {
    fn parameter(&self, _: &str) -> Option<Value> {
        None
    }

    fn execution(&self, _: ExecutionVariable) -> String {
        String::new()
    }

    fn property(&self, step: &str, _: &Path) -> Option<Value> {
        self.0.get(step.parse::<usize>().ok()?).map(|text| text.as_str().into())
    }

    fn property_file(&self, _: &str, _: &str) -> Result<Arc<Value>, Box<dyn Error + Send + Sync>> {
        Ok(Arc::new(json!({ "all": "x".repeat(200_000), "some": [1, 2] })))
    }
}

#[test]
fn a_value_is_as_long_as_the_service_takes_and_no_longer() {
    let mut steps = Doubling(vec!["0123456789".to_owned()]);
    // 10 * 2^13 are 81,920 characters, twice that are more than 100,000.
    let error = loop {
        let last = Expression::property((steps.0.len() - 1).to_string(), "Text");
        match Expression::join("", [last.clone(), last]).resolve(&steps) {
            Ok(Value::String(text)) => steps.0.push(text),
            Ok(other) => panic!("{other}"),
            Err(error) => break error,
        }
    };
    assert_eq!(steps.0.len(), 14);
    insta::assert_snapshot!(chain(error), @r#"join("", Steps.13.Text, Steps.13.Text) comes to more than 100000 bytes, the longest text that SageMaker takes"#);
    let report = |path: &str| Expression::json_get("S", "F", path).resolve(&steps);
    insta::assert_snapshot!(chain(report("all").unwrap_err()), @r#"json_get(Steps.S.PropertyFiles.F, "all") comes to more than 100000 bytes, the longest text that SageMaker takes"#);
    assert_eq!(report("some").unwrap(), json!([1, 2]));
}

#[test]
fn the_values_of_an_execution_share_one_room() {
    let steps = Doubling(vec!["x".repeat(99_000)]);
    let text = json!({ "Get": "Steps.0.Text" });
    let room = Room::default();
    // 42 texts of 99,002 bytes are less than the 4,194,304 of the room, and 43 are more.
    let arguments: Vec<Value> = vec![text.clone(); 21];
    assert!(resolve_all(&arguments, &steps, &room).is_ok());
    let is_it = Condition::compare(
        Expression::property("0", "Text"),
        Operator::Equals,
        Expression::from("x"),
    );
    assert!(!evaluate_all(&vec![is_it; 21], &steps, &room).unwrap().met);
    insta::assert_snapshot!(chain(resolve_all(&[text], &steps, &room).unwrap_err()), @"[0]: the values of the execution's expressions come to more than 4194304 bytes together");
}

#[test]
fn arguments_are_resolved_as_a_whole() {
    let cluster = ClusterConfig::new("ml.m5.large", Expression::parameter("Trees"), 30_i64);
    let mut app = AppSpecification::new("image");
    app.container_arguments = vec!["--min".into(), Expression::parameter("MinF1").into_text()];
    let mut arguments = ProcessingArguments::new(cluster, app, "role");
    arguments.other.insert("Extra".to_owned(), json!([{"Get": "Parameters.Bucket"}]));

    let resolved = resolve_all(&arguments, &Execution::new(), &Room::default()).unwrap();
    assert_eq!(resolved.processing_resources.cluster_config.instance_count, 200_i64.into());
    assert_eq!(resolved.app_specification.container_arguments[1].as_str(), Some("0.75"));
    assert_eq!(resolved.other["Extra"], json!(["my-bucket"]));

    let value = json!({"A": {"Get": "Parameters.Bucket"}, "B": [1, "x"]});
    assert_eq!(
        resolve_all(&value, &Execution::new(), &Room::default()).unwrap(),
        json!({"A": "my-bucket", "B": [1, "x"]})
    );

    let mut broken = arguments.clone();
    broken.app_specification.container_arguments.push(Expression::parameter("MinF2"));
    insta::assert_snapshot!(chain(resolve_all(&broken, &Execution::new(), &Room::default()).unwrap_err()), @"AppSpecification.ContainerArguments[2]: Parameters.MinF2 has no value");
    arguments.other.insert("Extra".to_owned(), json!([{"Get": "Bucket"}]));
    insta::assert_snapshot!(chain(resolve_all(&arguments, &Execution::new(), &Room::default()).unwrap_err()), @r#"Extra[0]: "Bucket" is no reference; expected Parameters.<name>, Execution.<variable>, Steps.<step>.<property> or Steps.<step>.PropertyFiles.<name>"#);
    let mut listed = broken;
    listed.app_specification.container_arguments =
        vec![Expression::property("Preprocess", "ProcessingOutputConfig.Outputs")];
    insta::assert_snapshot!(chain(resolve_all(&listed, &Execution::new(), &Room::default()).unwrap_err()), @"the resolved arguments do not fit: AppSpecification.ContainerArguments[0]: invalid type: sequence, expected a string, a number, a boolean, or an object with Get, Std:Join or Std:JsonGet");
}

/// Evaluates one comparison through `evaluate_all`.
fn holds(left: impl Into<Expression>, operator: Operator, right: impl Into<Expression>) -> bool {
    let conditions = [Condition::compare(left, operator, right)];
    let verdict = evaluate_all(&conditions, &Execution::new(), &Room::default()).unwrap();
    assert_eq!(verdict.comparisons[0].holds, verdict.met);
    verdict.met
}

#[test]
fn comparisons_by_hand() {
    use Operator::{Equals, GreaterThan, GreaterThanOrEqualTo, LessThan, LessThanOrEqualTo};
    // The result for less, equal and greater.
    for (operator, expected) in [
        (Equals, [false, true, false]),
        (GreaterThan, [false, false, true]),
        (GreaterThanOrEqualTo, [false, true, true]),
        (LessThan, [true, false, false]),
        (LessThanOrEqualTo, [true, true, false]),
    ] {
        assert_eq!([1_i64, 2, 3].map(|left| holds(left, operator, 2_i64)), expected);
        assert_eq!([1.5, 2.0, 2.5].map(|left| holds(left, operator, 2_i64)), expected);
        assert_eq!(["a", "b", "c"].map(|left| holds(left, operator, "b")), expected);
    }
    assert!(holds(true, Equals, true));
    assert!(!holds(true, Equals, false));
    // 2^53 + 1 is not an f64, so integers are compared as integers.
    assert!(holds(9_007_199_254_740_993_i64, GreaterThan, 9_007_199_254_740_992_i64));
}

#[test]
fn all_conditions_of_a_list_must_hold_and_every_comparison_is_reported() {
    let conditions = [
        Condition::compare(metric("f1"), Operator::LessThan, 0.5),
        Condition::Or(vec![
            Condition::Not(Box::new(Condition::compare(
                Expression::parameter("Strict"),
                Operator::Equals,
                true,
            ))),
            Condition::In {
                query: Expression::parameter("Trees"),
                values: vec![100_i64.into(), 200_i64.into()],
            },
        ]),
    ];
    let verdict = evaluate_all(&conditions, &Execution::new(), &Room::default()).unwrap();
    assert_eq!(
        json!(verdict),
        json!({"met": false, "comparisons": [
            {
                "left": "json_get(Steps.Evaluate.PropertyFiles.Report, \"metrics.f1.value\")",
                "left_value": 0.8, "operator": "<", "right": "0.5", "right_value": 0.5,
                "holds": false,
            },
            {
                "left": "Parameters.Strict", "left_value": true, "operator": "=",
                "right": "true", "right_value": true, "holds": true,
            },
            {
                "left": "Parameters.Trees", "left_value": 200, "operator": "in",
                "right": "[100, 200]", "right_value": [100, 200], "holds": true,
            },
        ]})
    );
    // not(true = true) or 200 in [100, 200]
    assert!(evaluate_all(&conditions[1..], &Execution::new(), &Room::default()).unwrap().met);
    assert!(
        !evaluate_all(&[Condition::Or(Vec::new())], &Execution::new(), &Room::default())
            .unwrap()
            .met
    );
    assert!(evaluate_all(&[], &Execution::new(), &Room::default()).unwrap().met);
}

#[test]
fn values_of_different_types_are_not_compared() {
    let message = |left: Expression, operator, right: Expression| {
        let conditions = [Condition::compare(left, operator, right)];
        chain(evaluate_all(&conditions, &Execution::new(), &Room::default()).unwrap_err())
    };
    insta::assert_snapshot!(message("1".into(), Operator::Equals, 1_i64.into()), @r#"cannot compare "1" = 1: "1" is a string and 1 is a number"#);
    insta::assert_snapshot!(message(true.into(), Operator::LessThan, false.into()), @"cannot compare true < false: true is a boolean and false is a boolean");
    insta::assert_snapshot!(message("NaN".into(), Operator::Equals, true.into()), @r#"cannot compare "NaN" = true: "NaN" is a string and true is a boolean"#);
}

#[test]
fn a_metric_without_a_value_meets_no_gate() {
    use Operator::{Equals, GreaterThan, GreaterThanOrEqualTo, LessThan, LessThanOrEqualTo};
    let all = [Equals, GreaterThan, GreaterThanOrEqualTo, LessThan, LessThanOrEqualTo];
    for operator in all {
        assert!(!holds(metric("auc"), operator, Expression::parameter("MinF1")), "{operator:?}");
        assert!(!holds(Expression::parameter("MinF1"), operator, metric("auc")), "{operator:?}");
        // As strings "NaN" < "a", but order comparisons of "NaN" are false, with itself too.
        for other in ["NaN", "a", "A"] {
            let equal = operator == Equals && other == "NaN";
            assert_eq!(holds(metric("auc"), operator, other), equal, "{operator:?} {other}");
        }
    }
    // A condition may test for it.
    assert!(!holds(metric("f1"), Equals, "NaN"));
    // No other string stands for a missing value.
    assert!(holds("nan", GreaterThan, "NA"));

    let gate = Condition::compare(metric("auc"), GreaterThanOrEqualTo, 0.5);
    let verdict =
        evaluate_all(std::slice::from_ref(&gate), &Execution::new(), &Room::default()).unwrap();
    assert_eq!(
        json!(verdict),
        json!({"met": false, "comparisons": [{
            "left": "json_get(Steps.Evaluate.PropertyFiles.Report, \"metrics.auc.value\")",
            "left_value": "NaN", "operator": ">=", "right": "0.5", "right_value": 0.5,
            "holds": false,
        }]})
    );
    assert!(
        evaluate_all(&[Condition::Not(Box::new(gate))], &Execution::new(), &Room::default())
            .unwrap()
            .met
    );
    let numbers = vec![0.5.into(), 1_i64.into()];
    let within = Condition::In { query: metric("auc"), values: numbers };
    assert!(!evaluate_all(&[within], &Execution::new(), &Room::default()).unwrap().met);
}

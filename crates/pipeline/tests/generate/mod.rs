//! Generators of definitions for property tests.

use pipeline::{
    AlgorithmSpecification, AppSpecification, CacheConfig, Channel, ClusterConfig, Condition,
    ConditionArguments, Definition, ExecutionVariable, Expression, MetricDefinition, Operator,
    Parameter, ProcessingArguments, ProcessingInput, ProcessingOutput, ProcessingOutputConfig,
    PropertyFile, ResourceConfig, RetryPolicy, Step, StepKind, StoppingCondition, Tag,
    TrainingArguments,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9_-]{0,8}"
}

fn literal() -> impl Strategy<Value = Expression> {
    prop_oneof![
        ".{0,12}".prop_map(Expression::from),
        any::<i64>().prop_map(Expression::from),
        any::<f64>().prop_map(Expression::from),
        any::<bool>().prop_map(Expression::from),
    ]
}

fn expression() -> impl Strategy<Value = Expression> {
    let leaf = prop_oneof![
        literal(),
        name().prop_map(Expression::parameter),
        (0..ExecutionVariable::ALL.len())
            .prop_map(|index| Expression::execution(ExecutionVariable::ALL[index])),
        (name(), name()).prop_map(|(step, output)| Expression::output(step, &output)),
        (name(), name(), name()).prop_map(|(step, file, path)| Expression::json_get(
            step,
            file,
            format!("{path}['a.b'][3]")
        )),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        (".{0,3}", prop::collection::vec(inner, 0..3))
            .prop_map(|(on, values)| Expression::join(on, values))
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    let operator = prop_oneof![
        Just(Operator::Equals),
        Just(Operator::GreaterThan),
        Just(Operator::GreaterThanOrEqualTo),
        Just(Operator::LessThan),
        Just(Operator::LessThanOrEqualTo),
    ];
    let leaf = prop_oneof![
        (expression(), operator, expression()).prop_map(|(l, o, r)| Condition::compare(l, o, r)),
        (expression(), prop::collection::vec(expression(), 0..3))
            .prop_map(|(query, values)| Condition::In { query, values }),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|condition| Condition::Not(Box::new(condition))),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Condition::And),
            prop::collection::vec(inner, 0..3).prop_map(Condition::Or),
        ]
    })
}

fn processing() -> impl Strategy<Value = StepKind> {
    (
        prop::array::uniform4(expression()),
        prop::collection::vec(expression(), 0..3),
        prop::collection::vec((name(), expression()), 0..3),
        prop::collection::vec((name(), expression()), 0..3),
        prop::option::of(expression()),
    )
        .prop_map(|([one, two, three, role], arguments, places, environment, key)| {
            let mut app = AppSpecification::new(one.clone());
            app.container_arguments = arguments;
            let mut request =
                ProcessingArguments::new(ClusterConfig::new(one, two, three.clone()), app, role);
            let path = "/opt/ml/processing/x";
            request.processing_inputs = places
                .iter()
                .map(|(name, uri)| ProcessingInput::new(name, uri.clone(), path))
                .collect();
            let outputs = places
                .iter()
                .map(|(name, uri)| ProcessingOutput::new(name, uri.clone(), path))
                .collect();
            request.processing_output_config = Some(ProcessingOutputConfig {
                outputs,
                kms_key_id: key,
                ..ProcessingOutputConfig::default()
            });
            request.environment = environment.into_iter().collect();
            request.tags = vec![Tag::new("a", three)];
            request.into()
        })
}

fn training() -> impl Strategy<Value = StepKind> {
    (
        prop::array::uniform4(expression()),
        prop::collection::vec((name(), expression()), 0..3),
        prop::collection::vec((name(), expression()), 0..3),
    )
        .prop_map(|([one, two, three, role], channels, hyper_parameters)| {
            let mut algorithm = AlgorithmSpecification::new(one.clone());
            algorithm.metric_definitions = vec![MetricDefinition::new(two.clone(), "(1)")];
            let mut request = TrainingArguments::new(
                algorithm,
                two.clone(),
                ResourceConfig::new(one, two, three.clone()),
                StoppingCondition::seconds(three),
                role,
            );
            request.input_data_config =
                channels.into_iter().map(|(name, uri)| Channel::new(name, uri)).collect();
            request.hyper_parameters = hyper_parameters.into_iter().collect();
            request.into()
        })
}

fn other() -> impl Strategy<Value = StepKind> {
    prop_oneof![
        expression().prop_map(|error_message| StepKind::Fail { error_message }),
        Just(StepKind::Other { kind: "Lambda".to_owned(), arguments: Value::Null }),
        expression().prop_map(|e| StepKind::Other {
            kind: "Model".to_owned(),
            arguments: json!({"PrimaryContainer": {"Image": e}}),
        }),
    ]
}

/// A step of this kind with some of the members that every step may have.
fn with_common_members(kind: impl Strategy<Value = StepKind>) -> impl Strategy<Value = Step> {
    (
        kind,
        name(),
        prop::collection::vec(name(), 0..2),
        prop::option::of((any::<bool>(), prop::option::of("P[0-9]D"))),
        prop::option::of((any::<i64>(), any::<bool>())),
        any::<bool>(),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(kind, name, depends_on, cache, retry, all_members, unknown_member)| {
            let mut step = Step::new(name.clone(), kind);
            step.depends_on = depends_on;
            step.cache = cache.map(|(enabled, expire_after)| CacheConfig { enabled, expire_after });
            step.retry_policies = retry
                .map(|(number, attempts)| RetryPolicy {
                    backoff_rate: Some(1.5),
                    interval_seconds: Some(number),
                    max_attempts: attempts.then_some(number),
                    expire_after_min: (!attempts).then_some(number),
                    exception_type: vec![name.clone()],
                })
                .into_iter()
                .collect();
            if all_members {
                step.display_name = Some(name.clone());
                step.property_files = vec![PropertyFile {
                    property_file_name: name.clone(),
                    output_name: name.clone(),
                    file_path: name,
                }];
            }
            if unknown_member {
                step.other.insert("FunctionArn".to_owned(), json!({"Get": "Parameters.X"}));
            }
            step
        })
}

/// Definitions of every kind of parameter, step, expression and condition. One step in ten has a
/// member that only Lambda steps have.
pub(crate) fn definition() -> impl Strategy<Value = Definition> {
    let plain = || with_common_members(prop_oneof![processing(), training(), other()]);
    let gate = (
        prop::collection::vec(condition(), 0..3),
        prop::collection::vec(plain(), 0..2),
        prop::collection::vec(plain(), 0..2),
    )
        .prop_map(|(conditions, if_steps, else_steps)| {
            StepKind::Condition(ConditionArguments { conditions, if_steps, else_steps })
        });
    let parameters = prop::collection::vec(
        prop_oneof![
            (name(), ".{0,8}").prop_map(|(name, text)| Parameter::string(name, text)),
            (name(), any::<i64>()).prop_map(|(name, number)| Parameter::integer(name, number)),
            (name(), any::<f64>()).prop_map(|(name, number)| Parameter::float(name, number)),
            (name(), any::<bool>()).prop_map(|(name, truth)| Parameter::boolean(name, truth)),
        ],
        0..4,
    );
    let steps = prop::collection::vec(
        prop_oneof![3 => plain().boxed(), 1 => with_common_members(gate).boxed()],
        0..4,
    );
    (parameters, steps).prop_map(|(parameters, steps)| Definition::new(parameters, steps))
}

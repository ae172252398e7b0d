//! A small pipeline that uses every part of the language once.

use pipeline::{
    AlgorithmSpecification, AppSpecification, CacheConfig, Channel, ClusterConfig, Condition,
    ConditionArguments, Definition, ExecutionVariable, Expression, MetricDefinition, NetworkConfig,
    Operator, Parameter, ProcessingArguments, ProcessingInput, ProcessingOutput,
    ProcessingOutputConfig, PropertyFile, ResourceConfig, RetryPolicy, Step, StoppingCondition,
    Tag, TrainingArguments,
};

const ROLE: &str = "arn:aws:iam::123456789012:role/pipeline";

fn prefix(name: &str) -> Expression {
    let id = Expression::execution(ExecutionVariable::PipelineExecutionId);
    Expression::join("/", ["s3://my-bucket/runs".into(), id, name.into()])
}

fn processing(image: &str) -> ProcessingArguments {
    let cluster = ClusterConfig::new(
        Expression::parameter("InstanceType"),
        Expression::parameter("InstanceCount"),
        30_i64,
    );
    let mut app = AppSpecification::new(image);
    app.container_entrypoint = vec!["/usr/local/bin/run".into()];
    ProcessingArguments::new(cluster, app, ROLE)
}

fn outputs(outputs: Vec<ProcessingOutput>) -> Option<ProcessingOutputConfig> {
    Some(ProcessingOutputConfig { outputs, ..ProcessingOutputConfig::default() })
}

fn metric(name: &str) -> Expression {
    Expression::json_get("Evaluate", "Report", format!("metrics.{name}.value"))
}

/// Returns a definition without findings; `example.json` beside this directory is its JSON.
pub(crate) fn example() -> Definition {
    let mut preprocess = processing("preprocess:1");
    preprocess.app_specification.container_arguments =
        vec!["--test-size".into(), Expression::parameter("TestSize").into_text()];
    preprocess.processing_inputs = vec![ProcessingInput::new(
        "raw",
        Expression::parameter("InputUrl"),
        "/opt/ml/processing/input",
    )];
    preprocess.processing_output_config = outputs(vec![
        ProcessingOutput::new("train", prefix("train"), "/opt/ml/processing/output/train"),
        ProcessingOutput::new("test", prefix("test"), "/opt/ml/processing/output/test"),
    ]);
    preprocess.environment.insert("RUST_LOG".to_owned(), "info".into());
    preprocess.stopping_condition = Some(StoppingCondition::seconds(3600_i64));
    preprocess.tags = vec![Tag::new("project", "example")];
    let mut preprocess = Step::new("Preprocess", preprocess);
    preprocess.display_name = Some("Preprocess raw data".to_owned());
    preprocess.description = Some("Clean and split".to_owned());
    preprocess.cache = Some(CacheConfig { enabled: true, expire_after: Some("P30D".to_owned()) });
    preprocess.retry_policies = vec![RetryPolicy {
        backoff_rate: Some(2.0),
        interval_seconds: Some(10),
        max_attempts: Some(5),
        expire_after_min: None,
        exception_type: vec!["Step.THROTTLING".to_owned()],
    }];

    let mut algorithm = AlgorithmSpecification::new("train:1");
    algorithm.metric_definitions =
        vec![MetricDefinition::new("train:accuracy", "train_accuracy=([0-9.]+)")];
    let mut train = TrainingArguments::new(
        algorithm,
        prefix("models"),
        ResourceConfig::new("ml.m5.large", 1_i64, 30_i64),
        StoppingCondition::seconds(3600_i64),
        ROLE,
    );
    let mut channel = Channel::new("train", Expression::output("Preprocess", "train"));
    channel.content_type = Some("text/csv".into());
    train.input_data_config = vec![channel];
    train
        .hyper_parameters
        .insert("n_estimators".to_owned(), Expression::parameter("Trees").into_text());

    let mut evaluate = processing("evaluate:1");
    evaluate.processing_inputs = vec![
        ProcessingInput::new(
            "model",
            Expression::property("Train", "ModelArtifacts.S3ModelArtifacts"),
            "/opt/ml/processing/model",
        ),
        ProcessingInput::new(
            "test",
            Expression::output("Preprocess", "test"),
            "/opt/ml/processing/test",
        ),
    ];
    evaluate.processing_output_config = outputs(vec![ProcessingOutput::new(
        "evaluation",
        prefix("evaluation"),
        "/opt/ml/processing/evaluation",
    )]);
    let mut evaluate = Step::new("Evaluate", evaluate);
    evaluate.property_files = vec![PropertyFile {
        property_file_name: "Report".to_owned(),
        output_name: "evaluation".to_owned(),
        file_path: "evaluation.json".to_owned(),
    }];

    let mut register = processing("register:1");
    register.environment.insert("APPROVAL".to_owned(), Expression::parameter("Approval"));
    register.network_config = Some(NetworkConfig {
        enable_network_isolation: Some(false.into()),
        ..NetworkConfig::default()
    });
    let gate = ConditionArguments {
        conditions: vec![
            Condition::compare(
                metric("f1"),
                Operator::GreaterThanOrEqualTo,
                Expression::parameter("MinF1"),
            ),
            Condition::Or(vec![
                Condition::In {
                    query: Expression::parameter("Approval"),
                    values: vec!["Approved".into(), "PendingManualApproval".into()],
                },
                Condition::Not(Box::new(Condition::compare(
                    Expression::parameter("Strict"),
                    Operator::Equals,
                    true,
                ))),
            ]),
        ],
        if_steps: vec![Step::new("Register", register)],
        else_steps: vec![Step::fail(
            "Stop",
            Expression::join(" ", ["f1".into(), metric("f1"), "is too low".into()]),
        )],
    };

    Definition::new(
        vec![
            Parameter::string("InputUrl", "s3://my-bucket/raw/"),
            Parameter::string("InstanceType", "ml.m5.large"),
            Parameter::integer("InstanceCount", 1),
            Parameter::integer("Trees", 200),
            Parameter::float("TestSize", 0.2),
            Parameter::float("MinF1", 0.75),
            Parameter::string("Approval", "PendingManualApproval").one_of([
                "Approved",
                "PendingManualApproval",
                "Rejected",
            ]),
            Parameter::boolean("Strict", false),
        ],
        vec![preprocess, Step::new("Train", train), evaluate, Step::new("Gate", gate)],
    )
}

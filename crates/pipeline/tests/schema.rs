//! The JSON schema of definitions and the code that reads them agree.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod generate;

use std::sync::LazyLock;

use indexmap::IndexMap;
use jsonschema::Validator;
use pipeline::{
    AlgorithmSpecification, AppSpecification, CacheConfig, Channel, CheckpointConfig,
    ClusterConfig, DataSource, DebugHookConfig, Definition, ExecutionVariable, ExperimentConfig,
    Expression, MetricDefinition, NetworkConfig, OutputDataConfig, Parameter, ParameterType,
    PipelineExperimentConfig, ProcessingArguments, ProcessingInput, ProcessingOutput,
    ProcessingOutputConfig, ProcessingResources, ProfilerConfig, PropertyFile, ResourceConfig,
    RetryPolicy, S3DataSource, S3Input, S3Output, Step, StepKind, StoppingCondition, Tag,
    TrainingArguments, VERSION, VpcConfig, lint,
};
use proptest::prelude::*;
use serde_json::{Value, json};

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    jsonschema::validator_for(&value(include_str!("../definition.schema.json"))).unwrap()
});

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Returns the violations of the schema, one a line.
fn violations(document: &Value) -> String {
    let errors = VALIDATOR.iter_errors(document);
    errors.map(|error| format!("{}: {error}\n", error.instance_path())).collect()
}

#[test]
fn the_schema_is_a_schema() {
    let schema = value(include_str!("../definition.schema.json"));
    assert!(jsonschema::meta::is_valid(&schema));
}

#[test]
fn the_example_validates() {
    assert_eq!(violations(&value(&common::example().to_json())), "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A definition validates unless lint finds an unknown member in it.
    #[test]
    fn a_definition_validates_unless_a_member_is_unknown(definition in generate::definition()) {
        let unknown = |finding: &pipeline::Finding| finding.message.contains("unknown member");
        let known = !lint(&definition).iter().any(unknown);
        let violations = violations(&value(&definition.to_json()));
        prop_assert_eq!(violations.is_empty(), known, "{}", violations);
    }
}

/// The schema has every member that a type of this crate has a field for.
#[test]
fn every_member_that_has_a_field_validates() {
    let definition = complete();
    let text = definition.to_json();
    assert_eq!(violations(&value(&text)), "");
    assert_eq!(Definition::from_json(&text).unwrap(), definition);
}

/// One change of the example that makes it invalid.
struct Mutation {
    what: &'static str,
    pointer: &'static str,
    /// The value put there; none removes the member.
    value: Option<Value>,
}

impl Mutation {
    fn set(what: &'static str, pointer: &'static str, value: Value) -> Self {
        Self { what, pointer, value: Some(value) }
    }

    fn remove(what: &'static str, pointer: &'static str) -> Self {
        Self { what, pointer, value: None }
    }

    fn apply(&self) -> Value {
        let mut document = value(&common::example().to_json());
        let (parent, last) = self.pointer.rsplit_once('/').unwrap();
        let parent = document.pointer_mut(parent).unwrap();
        match (parent, self.value.clone()) {
            (Value::Object(members), Some(value)) => {
                members.insert(last.to_owned(), value);
            }
            (Value::Object(members), None) => {
                members.remove(last).unwrap();
            }
            (Value::Array(entries), Some(value)) => entries[last.parse::<usize>().unwrap()] = value,
            (parent, _) => panic!("{} in {parent}", self.pointer),
        }
        document
    }
}

fn mutations() -> Vec<Mutation> {
    let (set, remove) = (Mutation::set, Mutation::remove);
    vec![
        set("another version", "/Version", json!("2021-01-01")),
        set("a misspelled member of the definition", "/Paramaters", json!([])),
        remove("no steps", "/Steps"),
        set("steps that are no list", "/Steps", json!({})),
        set("an unknown member of a parameter", "/Parameters/0/Default", json!("x")),
        set("an unknown type of parameter", "/Parameters/3/Type", json!("Number")),
        set("a default of another type", "/Parameters/3/DefaultValue", json!("200")),
        set("an enumeration of integers", "/Parameters/3/EnumValues", json!(["200"])),
        set("a parameter's name with a blank", "/Parameters/3/Name", json!("Number of trees")),
        set("an unknown member of the experiment", "/PipelineExperimentConfig/Run", json!("x")),
        set("an unknown type of step", "/Steps/1/Type", json!("Trainig")),
        set("an unknown member of a step", "/Steps/1/CacheConfg", json!({})),
        remove("a step without a name", "/Steps/1/Name"),
        remove("a step without a type", "/Steps/3/Type"),
        remove("a step without arguments", "/Steps/3/Arguments"),
        remove("no image", "/Steps/0/Arguments/AppSpecification/ImageUri"),
        remove("no role", "/Steps/1/Arguments/RoleArn"),
        set("an unknown member of a request", "/Steps/0/Arguments/ProcessingInput", json!([])),
        set(
            "an unknown member of an input",
            "/Steps/0/Arguments/ProcessingInputs/0/S3Input/S3Url",
            json!("s3://my-bucket/raw/"),
        ),
        set(
            "a list in the place of an image",
            "/Steps/1/Arguments/AlgorithmSpecification/TrainingImage",
            json!([]),
        ),
        set("a tag without a value", "/Steps/0/Arguments/Tags/0", json!({"Key": "project"})),
        set(
            "an unknown member of a time limit",
            "/Steps/0/Arguments/StoppingCondition/Hours",
            json!(1),
        ),
        set(
            "a retry policy without an end",
            "/Steps/0/RetryPolicies/0",
            json!({"ExceptionType": ["Step.THROTTLING"]}),
        ),
        set("a cache without Enabled", "/Steps/0/CacheConfig", json!({"ExpireAfter": "P30D"})),
        remove("a property file without a path", "/Steps/2/PropertyFiles/0/FilePath"),
        set(
            "an unknown type of condition",
            "/Steps/3/Arguments/Conditions/0/Type",
            json!("AtLeast"),
        ),
        remove("a comparison with one side", "/Steps/3/Arguments/Conditions/0/RightValue"),
        set(
            "an unknown member of a condition",
            "/Steps/3/Arguments/Conditions/1/Values",
            json!([]),
        ),
        set("an unknown member of a Condition step", "/Steps/3/Arguments/ThenSteps", json!([])),
        set(
            "an expression with two members",
            "/Steps/2/Arguments/RoleArn",
            json!({"Get": "Parameters.InputUrl", "Default": "x"}),
        ),
        set("an unknown function", "/Steps/2/Arguments/RoleArn", json!({"Std:Jion": {}})),
        set(
            "a reference to nothing",
            "/Steps/2/Arguments/RoleArn",
            json!({"Get": "Parameter.Role"}),
        ),
        set(
            "an unknown execution variable",
            "/Steps/2/Arguments/RoleArn",
            json!({"Get": "Execution.Id"}),
        ),
        set(
            "a Join without values",
            "/Steps/2/Arguments/RoleArn",
            json!({"Std:Join": {"On": "/"}}),
        ),
        set(
            "a JsonGet of a parameter",
            "/Steps/3/Arguments/Conditions/0/LeftValue",
            json!({"Std:JsonGet": {"PropertyFile": {"Get": "Parameters.MinF1"}, "Path": "a"}}),
        ),
    ]
}

/// Each of these documents violates the schema, and `from_json` refuses it or `lint` reports it.
#[test]
fn invalid_definitions_are_refused_by_schema_and_code() {
    let mut report = String::new();
    for mutation in mutations() {
        let document = mutation.apply();
        assert_ne!(violations(&document), "", "{} validates", mutation.what);
        let findings = match Definition::from_json(&document.to_string()) {
            Err(error) => vec![format!("refused: {}: {}", error.path, error.problem)],
            Ok(definition) => lint(&definition).iter().map(ToString::to_string).collect(),
        };
        let first = findings.first().unwrap_or_else(|| panic!("{} is not found", mutation.what));
        report.push_str(&format!("{}\n  {first}\n", mutation.what));
    }
    insta::assert_snapshot!(report);
}

fn parameter() -> Option<Expression> {
    Some(Expression::parameter("Text"))
}

fn none() -> IndexMap<String, Value> {
    IndexMap::new()
}

/// A definition with every member that a type of this crate has a field for. The struct literals
/// name all fields, so that the compiler asks for a new one here.
fn complete() -> Definition {
    Definition {
        version: VERSION.to_owned(),
        metadata: [("Owner".to_owned(), json!({"Team": [1, null]}))].into_iter().collect(),
        parameters: vec![Parameter {
            name: "Text".to_owned(),
            kind: ParameterType::String,
            description: Some("Any text".to_owned()),
            default: Some(json!("a")),
            enum_values: vec!["a".to_owned(), "b".to_owned()],
        }],
        experiment: Some(PipelineExperimentConfig {
            experiment_name: Some(Expression::execution(ExecutionVariable::PipelineArn)),
            trial_name: parameter(),
        }),
        other: none(),
        steps: vec![
            Step {
                name: "Process".to_owned(),
                kind: StepKind::Processing(Box::new(complete_processing())),
                depends_on: vec!["Before".to_owned()],
                display_name: Some("Process".to_owned()),
                description: Some("Processes".to_owned()),
                retry_policies: vec![RetryPolicy {
                    backoff_rate: Some(2.0),
                    interval_seconds: Some(1),
                    max_attempts: None,
                    expire_after_min: Some(5),
                    exception_type: vec!["Step.THROTTLING".to_owned()],
                }],
                cache: Some(CacheConfig { enabled: true, expire_after: Some("P1D".to_owned()) }),
                property_files: vec![PropertyFile {
                    property_file_name: "Report".to_owned(),
                    output_name: "out".to_owned(),
                    file_path: "report.json".to_owned(),
                }],
                other: none(),
            },
            Step::new("Train", complete_training()),
        ],
    }
}

fn complete_processing() -> ProcessingArguments {
    ProcessingArguments {
        processing_job_name: parameter(),
        processing_resources: ProcessingResources {
            cluster_config: ClusterConfig {
                instance_type: "ml.m5.large".into(),
                instance_count: 1_i64.into(),
                volume_size_in_gb: 1.5.into(),
                volume_kms_key_id: parameter(),
                other: none(),
            },
            other: none(),
        },
        app_specification: AppSpecification {
            image_uri: "image:1".into(),
            container_arguments: vec!["a".into()],
            container_entrypoint: vec!["b".into()],
            other: none(),
        },
        role_arn: "role".into(),
        processing_inputs: vec![ProcessingInput {
            input_name: "in".to_owned(),
            app_managed: Some(false.into()),
            s3_input: Some(S3Input {
                s3_uri: "s3://bucket/in".into(),
                local_path: parameter(),
                s3_data_type: "S3Prefix".into(),
                s3_input_mode: parameter(),
                s3_data_distribution_type: parameter(),
                s3_compression_type: parameter(),
                other: none(),
            }),
            other: none(),
        }],
        processing_output_config: Some(ProcessingOutputConfig {
            outputs: vec![ProcessingOutput {
                output_name: "out".to_owned(),
                app_managed: Some(false.into()),
                s3_output: Some(S3Output {
                    s3_uri: "s3://bucket/out".into(),
                    local_path: parameter(),
                    s3_upload_mode: "EndOfJob".into(),
                    other: none(),
                }),
                other: none(),
            }],
            kms_key_id: parameter(),
            other: none(),
        }),
        environment: values(),
        network_config: Some(NetworkConfig {
            enable_network_isolation: Some(true.into()),
            enable_inter_container_traffic_encryption: Some(true.into()),
            vpc_config: Some(vpc_config()),
            other: none(),
        }),
        stopping_condition: Some(stopping_condition()),
        tags: vec![Tag { key: "a".into(), value: "b".into() }],
        experiment_config: Some(experiment_config()),
        other: none(),
    }
}

fn complete_training() -> TrainingArguments {
    TrainingArguments {
        algorithm_specification: AlgorithmSpecification {
            training_input_mode: "File".into(),
            training_image: parameter(),
            container_entrypoint: vec!["a".into()],
            container_arguments: vec!["b".into()],
            metric_definitions: vec![MetricDefinition { name: "a".into(), regex: "(1)".into() }],
            other: none(),
        },
        output_data_config: OutputDataConfig {
            s3_output_path: "s3://bucket/models".into(),
            kms_key_id: parameter(),
            compression_type: parameter(),
            other: none(),
        },
        training_job_name: parameter(),
        stopping_condition: stopping_condition(),
        resource_config: ResourceConfig {
            volume_size_in_gb: 1_i64.into(),
            instance_count: Some(1_i64.into()),
            instance_type: parameter(),
            volume_kms_key_id: parameter(),
            other: none(),
        },
        role_arn: "role".into(),
        input_data_config: vec![Channel {
            data_source: DataSource {
                s3_data_source: Some(S3DataSource {
                    s3_data_type: "S3Prefix".into(),
                    s3_uri: Expression::output("Process", "out"),
                    s3_data_distribution_type: parameter(),
                    other: none(),
                }),
                other: none(),
            },
            content_type: parameter(),
            channel_name: "train".to_owned(),
            input_mode: parameter(),
            compression_type: parameter(),
            record_wrapper_type: parameter(),
            other: none(),
        }],
        hyper_parameters: values(),
        environment: values(),
        tags: vec![Tag::new("a", "b")],
        vpc_config: Some(vpc_config()),
        enable_network_isolation: Some(true.into()),
        enable_inter_container_traffic_encryption: Some(true.into()),
        enable_managed_spot_training: Some(true.into()),
        checkpoint_config: Some(CheckpointConfig {
            s3_uri: "s3://bucket/checkpoints".into(),
            local_path: parameter(),
        }),
        experiment_config: Some(experiment_config()),
        debug_hook_config: Some(DebugHookConfig {
            s3_output_path: "s3://bucket/debug".into(),
            other: none(),
        }),
        profiler_config: Some(ProfilerConfig {
            s3_output_path: parameter(),
            disable_profiler: Some(true.into()),
            other: none(),
        }),
        other: none(),
    }
}

fn vpc_config() -> VpcConfig {
    VpcConfig {
        security_group_ids: vec!["sg-1".into()],
        subnets: vec![Expression::parameter("Text")],
    }
}

fn stopping_condition() -> StoppingCondition {
    StoppingCondition {
        max_runtime_in_seconds: 60_i64.into(),
        max_wait_time_in_seconds: Some(90_i64.into()),
        max_pending_time_in_seconds: Some(90_i64.into()),
    }
}

fn experiment_config() -> ExperimentConfig {
    ExperimentConfig {
        experiment_name: parameter(),
        trial_name: parameter(),
        trial_component_display_name: parameter(),
        run_name: parameter(),
    }
}

fn values() -> IndexMap<String, Expression> {
    [("A".to_owned(), true.into())].into_iter().collect()
}

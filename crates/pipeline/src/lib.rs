//! The SageMaker pipeline definition language: reading and writing definitions as JSON, evaluating
//! their expressions, ordering their steps, checking them against the service's limits, and
//! comparing one with another.
//!
//! Knows the language and nothing else. Must never know AWS clients, files or
//! directories, or the steps of any one pipeline: whoever runs a definition supplies the values
//! ([`Scope`]), whoever stores one supplies the text ([`Definition::from_json`],
//! [`Definition::to_json`]).
//!
//! The shapes follow `CreateProcessingJob` and `CreateTrainingJob` of the SageMaker API and the
//! definitions that the official Python SDK writes, including the order of members. Members that
//! have no field are kept in `other` maps, so that a foreign definition survives a round trip.
//! `definition.schema.json` beside this crate's manifest is the JSON schema of the definitions that
//! it writes.
//!
//! A definition is built, checked, and ordered:
//!
//! ```
//! use pipeline::{
//!     AppSpecification, ClusterConfig, Definition, Expression, Parameter, ProcessingArguments, Step,
//!     lint,
//! };
//!
//! let cluster = ClusterConfig::new(Expression::parameter("InstanceType"), 1_i64, 30_i64);
//! let app = AppSpecification::new("clean:1");
//! let role = "arn:aws:iam::123456789012:role/pipeline";
//! let mut definition = Definition::new(
//!     vec![Parameter::string("InstanceType", "ml.m5.large")],
//!     vec![Step::new("Clean", ProcessingArguments::new(cluster, app, role))],
//! );
//! assert_eq!(lint(&definition), []);
//! assert_eq!(Definition::from_json(&definition.to_json()), Ok(definition.clone()));
//!
//! let mut publish = Step::fail("Publish", "not written yet");
//! publish.depends_on = vec!["Claen".to_owned()];
//! definition.steps.insert(0, publish);
//! let findings = lint(&definition);
//! assert_eq!(
//!     findings[0].to_string(),
//!     r#"error: Steps.Publish.DependsOn[0]: there is no step "Claen"; did you mean Clean?"#
//! );
//!
//! definition.steps[0].depends_on = vec!["Clean".to_owned()];
//! assert_eq!(definition.graph().order(), Ok(vec!["Clean", "Publish"]));
//! ```

mod arguments;
mod brief;
mod condition;
mod definition;
mod difference;
mod evaluate;
mod expression;
mod graph;
mod lint;
mod parameter;
mod path;
mod place;
mod reference;
mod selection;
mod step;
mod walk;

pub use arguments::processing::{
    AppSpecification, ClusterConfig, NetworkConfig, ProcessingArguments, ProcessingInput,
    ProcessingOutput, ProcessingOutputConfig, ProcessingResources, S3Input, S3Output,
};
pub use arguments::training::{
    AlgorithmSpecification, Channel, CheckpointConfig, DataSource, DebugHookConfig,
    MetricDefinition, OutputDataConfig, ProfilerConfig, ResourceConfig, S3DataSource,
    TrainingArguments,
};
pub use arguments::{ExperimentConfig, StoppingCondition, Tag, VpcConfig};
pub use brief::brief;
pub use condition::{Condition, Operator};
pub use definition::{Definition, DefinitionError, PipelineExperimentConfig, VERSION};
pub use difference::{Change, difference};
pub use evaluate::{Comparison, EvaluationError, Room, Scope, Verdict, evaluate_all, resolve_all};
pub use expression::Expression;
pub use graph::{Branch, Cycle, Graph, PlacedStep};
pub use lint::{
    Finding, LARGEST_DEFINITION, LARGEST_EXPRESSION, LONGEST_ARGUMENT, Severity, ValueFinding,
    lint, lint_values,
};
pub use parameter::{Parameter, ParameterError, ParameterType};
pub use path::{Path, PathError};
pub use reference::{ExecutionVariable, Reference, ReferenceError};
pub use selection::SelectedSteps;
pub use step::{
    CacheConfig, ConditionArguments, PropertyFile, RetryPolicy, Step, StepKind, duration,
};

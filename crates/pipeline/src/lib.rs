//! The SageMaker pipeline definition language: what a definition says, how it is written as
//! JSON, what its expressions come to, in which order its steps run, which of the service's limits
//! it breaks, and how it differs from another.
//!
//! Knows the language and nothing else. Must never know AWS clients, files or
//! directories, or the steps of any one pipeline: whoever runs a definition brings the values
//! ([`Scope`]), whoever stores one brings the text ([`Definition::from_json`],
//! [`Definition::to_json`]).
//!
//! The shapes follow `CreateProcessingJob` and `CreateTrainingJob` of the SageMaker API and the
//! definitions that the official Python SDK emits, member order included. Members this crate has
//! no name for are kept in `other` maps, so that a foreign definition survives a round trip.

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
pub use evaluate::{Comparison, EvaluationError, Scope, Verdict, evaluate_all, resolve_all};
pub use expression::Expression;
pub use graph::{Branch, Cycle, Graph, PlacedStep};
pub use lint::{Finding, LARGEST_DEFINITION, Severity, lint};
pub use parameter::{Parameter, ParameterError, ParameterType};
pub use path::{Path, PathError};
pub use reference::{ExecutionVariable, Reference, ReferenceError};
pub use step::{
    CacheConfig, ConditionArguments, PropertyFile, RetryPolicy, Step, StepKind, duration,
};

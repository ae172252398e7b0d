//! `CreateTrainingJob`, as the arguments of a Training step.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arguments::{ExperimentConfig, StoppingCondition, Tag, VpcConfig};
use crate::expression::Expression;

/// Everything a Training job is made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrainingArguments {
    /// Image, command line, metrics.
    pub algorithm_specification: AlgorithmSpecification,
    /// Where the model goes.
    pub output_data_config: OutputDataConfig,
    /// Left out, the service makes one up from pipeline, execution and step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_job_name: Option<Expression>,
    /// When the service stops the job.
    pub stopping_condition: StoppingCondition,
    /// Machines.
    pub resource_config: ResourceConfig,
    /// Who the job is allowed to be.
    pub role_arn: Expression,
    /// At most 20 channels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_data_config: Vec<Channel>,
    /// At most 100 pairs, keys of at most 256 and values of at most 2500 characters; the
    /// container sees strings only.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub hyper_parameters: IndexMap<String, Expression>,
    /// At most 100 entries, values of at most 512 characters.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub environment: IndexMap<String, Expression>,
    /// At most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// A network of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_config: Option<VpcConfig>,
    /// No network at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_network_isolation: Option<Expression>,
    /// Between the instances of one job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_inter_container_traffic_encryption: Option<Expression>,
    /// Cheaper machines that may be taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_managed_spot_training: Option<Expression>,
    /// What is kept in step with S3 while the job runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_config: Option<CheckpointConfig>,
    /// Left out, the pipeline's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment_config: Option<ExperimentConfig>,
    /// SageMaker Debugger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debug_hook_config: Option<DebugHookConfig>,
    /// SageMaker Profiler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profiler_config: Option<ProfilerConfig>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl TrainingArguments {
    /// A job with nothing but what every job needs.
    pub fn new(
        algorithm: AlgorithmSpecification,
        s3_output_path: impl Into<Expression>,
        resources: ResourceConfig,
        stopping_condition: StoppingCondition,
        role_arn: impl Into<Expression>,
    ) -> Self {
        Self {
            algorithm_specification: algorithm,
            output_data_config: OutputDataConfig::new(s3_output_path),
            training_job_name: None,
            stopping_condition,
            resource_config: resources,
            role_arn: role_arn.into(),
            input_data_config: Vec::new(),
            hyper_parameters: IndexMap::new(),
            environment: IndexMap::new(),
            tags: Vec::new(),
            vpc_config: None,
            enable_network_isolation: None,
            enable_inter_container_traffic_encryption: None,
            enable_managed_spot_training: None,
            checkpoint_config: None,
            experiment_config: None,
            debug_hook_config: None,
            profiler_config: None,
            other: IndexMap::new(),
        }
    }
}

/// `AlgorithmSpecification`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AlgorithmSpecification {
    /// `File`, `FastFile` or `Pipe`
    pub training_input_mode: Expression,
    /// The image; the API also has `AlgorithmName`, kept in `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_image: Option<Expression>,
    /// In place of the image's `ENTRYPOINT`: at most 100 of at most 256 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container_entrypoint: Vec<Expression>,
    /// In place of `train`: at most 100 of at most 256 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container_arguments: Vec<Expression>,
    /// At most 40.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metric_definitions: Vec<MetricDefinition>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl AlgorithmSpecification {
    /// An image started with `train`, its channels as files.
    pub fn new(training_image: impl Into<Expression>) -> Self {
        Self {
            training_input_mode: "File".into(),
            training_image: Some(training_image.into()),
            container_entrypoint: Vec::new(),
            container_arguments: Vec::new(),
            metric_definitions: Vec::new(),
            other: IndexMap::new(),
        }
    }
}

/// `MetricDefinitions[]`: a number the service reads out of the job's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MetricDefinition {
    /// At most 255 characters.
    pub name: Expression,
    /// At most 500 characters; its first group is the number.
    pub regex: Expression,
}

impl MetricDefinition {
    /// A metric and the expression that finds it.
    pub fn new(name: impl Into<Expression>, regex: impl Into<Expression>) -> Self {
        Self { name: name.into(), regex: regex.into() }
    }
}

/// `OutputDataConfig`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OutputDataConfig {
    /// The model becomes `<here>/<job>/output/model.tar.gz`.
    pub s3_output_path: Expression,
    /// Encrypts what is uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<Expression>,
    /// `GZIP`, or `NONE` for loose objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression_type: Option<Expression>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl OutputDataConfig {
    /// One archive under a prefix.
    pub fn new(s3_output_path: impl Into<Expression>) -> Self {
        Self {
            s3_output_path: s3_output_path.into(),
            kms_key_id: None,
            compression_type: None,
            other: IndexMap::new(),
        }
    }
}

/// `ResourceConfig`; instance groups and warm pools are kept in `other`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceConfig {
    /// At least 1.
    #[serde(rename = "VolumeSizeInGB")]
    pub volume_size_in_gb: Expression,
    /// At least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_count: Option<Expression>,
    /// `ml.*`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<Expression>,
    /// Encrypts the volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_kms_key_id: Option<Expression>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl ResourceConfig {
    /// Machines of one type, each with a volume of so many gigabytes.
    pub fn new(
        instance_type: impl Into<Expression>,
        instance_count: impl Into<Expression>,
        volume_size_in_gb: impl Into<Expression>,
    ) -> Self {
        Self {
            volume_size_in_gb: volume_size_in_gb.into(),
            instance_count: Some(instance_count.into()),
            instance_type: Some(instance_type.into()),
            volume_kms_key_id: None,
            other: IndexMap::new(),
        }
    }
}

/// `InputDataConfig[]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Channel {
    /// Where the data is.
    pub data_source: DataSource,
    /// Such as `text/csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<Expression>,
    /// `[A-Za-z0-9.\-_]{1,64}`; the data lands in `/opt/ml/input/data/<name>`.
    pub channel_name: String,
    /// In place of the algorithm's mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_mode: Option<Expression>,
    /// `None` or `Gzip`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression_type: Option<Expression>,
    /// `None` or `RecordIO`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_wrapper_type: Option<Expression>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl Channel {
    /// All objects under a prefix, a full copy on every instance.
    pub fn new(name: impl Into<String>, s3_uri: impl Into<Expression>) -> Self {
        Self {
            data_source: DataSource {
                s3_data_source: Some(S3DataSource {
                    s3_data_type: "S3Prefix".into(),
                    s3_uri: s3_uri.into(),
                    s3_data_distribution_type: Some("FullyReplicated".into()),
                    other: IndexMap::new(),
                }),
                other: IndexMap::new(),
            },
            content_type: None,
            channel_name: name.into(),
            input_mode: None,
            compression_type: None,
            record_wrapper_type: None,
            other: IndexMap::new(),
        }
    }
}

/// `InputDataConfig[].DataSource`; file systems are kept in `other`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataSource {
    /// Objects in S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_data_source: Option<S3DataSource>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// `InputDataConfig[].DataSource.S3DataSource`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct S3DataSource {
    /// `S3Prefix`, `ManifestFile` or `AugmentedManifestFile`
    pub s3_data_type: Expression,
    /// A prefix, an object or a manifest.
    pub s3_uri: Expression,
    /// `FullyReplicated` or `ShardedByS3Key`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_data_distribution_type: Option<Expression>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// `CheckpointConfig`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Where checkpoints are kept.
    pub s3_uri: Expression,
    /// Left out, `/opt/ml/checkpoints`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_path: Option<Expression>,
}

/// `DebugHookConfig`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DebugHookConfig {
    /// Where tensors go.
    pub s3_output_path: Expression,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// `ProfilerConfig`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProfilerConfig {
    /// Where profiles go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_output_path: Option<Expression>,
    /// Off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_profiler: Option<Expression>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

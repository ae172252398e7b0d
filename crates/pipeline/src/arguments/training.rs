//! The arguments of a Training step: the request of `CreateTrainingJob`.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arguments::{ExperimentConfig, StoppingCondition, Tag, VpcConfig};
use crate::expression::Expression;

/// The arguments of a Training step: the request of `CreateTrainingJob`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrainingArguments {
    /// The image, its command line and its metrics.
    pub algorithm_specification: AlgorithmSpecification,
    /// The place of the model.
    pub output_data_config: OutputDataConfig,
    /// The job's name. By default the service derives it from pipeline, execution and step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_job_name: Option<Expression>,
    /// The time limits.
    pub stopping_condition: StoppingCondition,
    /// The instances.
    pub resource_config: ResourceConfig,
    /// The IAM role of the job.
    pub role_arn: Expression,
    /// The input channels, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_data_config: Vec<Channel>,
    /// The hyperparameters: at most 100, with names of at most 256 and values of at most 2500
    /// characters. The container receives strings.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub hyper_parameters: IndexMap<String, Expression>,
    /// The environment variables, at most 100 with values of at most 512 characters.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub environment: IndexMap<String, Expression>,
    /// The tags, at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// The VPC that the instances are attached to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_config: Option<VpcConfig>,
    /// Whether the container has no network access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_network_isolation: Option<Expression>,
    /// Whether traffic between the instances of the job is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_inter_container_traffic_encryption: Option<Expression>,
    /// Whether the job runs on spot instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_managed_spot_training: Option<Expression>,
    /// The checkpoints, a directory that is synchronized with S3 while the job runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_config: Option<CheckpointConfig>,
    /// The experiment. By default the pipeline's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment_config: Option<ExperimentConfig>,
    /// The settings of SageMaker Debugger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debug_hook_config: Option<DebugHookConfig>,
    /// The settings of SageMaker Profiler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profiler_config: Option<ProfilerConfig>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl TrainingArguments {
    /// Creates a request with only the members that every request needs.
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

/// `AlgorithmSpecification`: the image of a Training job, its command line and its metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AlgorithmSpecification {
    /// `File`, `FastFile` or `Pipe`.
    pub training_input_mode: Expression,
    /// The image. The API's alternative, `AlgorithmName`, is kept in `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_image: Option<Expression>,
    /// Replaces the image's `ENTRYPOINT`: at most 100 words of at most 256 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container_entrypoint: Vec<Expression>,
    /// Replaces the argument `train`: at most 100 arguments of at most 256 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container_arguments: Vec<Expression>,
    /// The metrics, at most 40.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metric_definitions: Vec<MetricDefinition>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl AlgorithmSpecification {
    /// Creates a specification of an image that is started with `train`, with channels as files.
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

/// An entry of `MetricDefinitions`: a metric that the service reads from the job's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MetricDefinition {
    /// The metric's name, at most 255 characters.
    pub name: Expression,
    /// The regular expression, at most 500 characters. Its first capture group is the value.
    pub regex: Expression,
}

impl MetricDefinition {
    /// Creates a metric from its name and regular expression.
    pub fn new(name: impl Into<Expression>, regex: impl Into<Expression>) -> Self {
        Self { name: name.into(), regex: regex.into() }
    }
}

/// `OutputDataConfig`: the place of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OutputDataConfig {
    /// The prefix in S3. The model is `<prefix>/<job>/output/model.tar.gz`.
    pub s3_output_path: Expression,
    /// The KMS key that encrypts the uploaded objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<Expression>,
    /// `GZIP` for an archive, or `NONE` for single objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression_type: Option<Expression>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl OutputDataConfig {
    /// Creates a configuration for one archive under a prefix.
    pub fn new(s3_output_path: impl Into<Expression>) -> Self {
        Self {
            s3_output_path: s3_output_path.into(),
            kms_key_id: None,
            compression_type: None,
            other: IndexMap::new(),
        }
    }
}

/// `ResourceConfig`: the instances of a Training job. Instance groups and warm pools are kept in
/// `other`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceConfig {
    /// The size of each instance's volume in GB, at least 1.
    #[serde(rename = "VolumeSizeInGB")]
    pub volume_size_in_gb: Expression,
    /// The number of instances, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_count: Option<Expression>,
    /// The instance type, `ml.*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<Expression>,
    /// The KMS key that encrypts the volumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_kms_key_id: Option<Expression>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl ResourceConfig {
    /// Creates a configuration for instances of one type, each with a volume of this size in GB.
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

/// An entry of `InputDataConfig`: an input channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Channel {
    /// The source of the data.
    pub data_source: DataSource,
    /// The content type, such as `text/csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<Expression>,
    /// The name, of the pattern `[A-Za-z0-9.\-_]{1,64}`. The data is in
    /// `/opt/ml/input/data/<name>`.
    pub channel_name: String,
    /// Overrides the algorithm's `TrainingInputMode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_mode: Option<Expression>,
    /// `None` or `Gzip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression_type: Option<Expression>,
    /// `None` or `RecordIO`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_wrapper_type: Option<Expression>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl Channel {
    /// Creates a channel of all objects under a prefix, copied to every instance.
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

/// `InputDataConfig[].DataSource`: the source of a channel. File systems are kept in `other`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataSource {
    /// The objects in S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_data_source: Option<S3DataSource>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// `InputDataConfig[].DataSource.S3DataSource`: a source in S3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct S3DataSource {
    /// `S3Prefix`, `ManifestFile` or `AugmentedManifestFile`.
    pub s3_data_type: Expression,
    /// The URI of a prefix, an object or a manifest.
    pub s3_uri: Expression,
    /// `FullyReplicated` or `ShardedByS3Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_data_distribution_type: Option<Expression>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// `CheckpointConfig`: the checkpoints of a Training job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CheckpointConfig {
    /// The prefix in S3.
    pub s3_uri: Expression,
    /// The directory in the container. By default `/opt/ml/checkpoints`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_path: Option<Expression>,
}

/// `DebugHookConfig`: the settings of SageMaker Debugger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DebugHookConfig {
    /// The prefix in S3 for tensors.
    pub s3_output_path: Expression,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// `ProfilerConfig`: the settings of SageMaker Profiler.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProfilerConfig {
    /// The prefix in S3 for profiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_output_path: Option<Expression>,
    /// Whether the profiler is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_profiler: Option<Expression>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

//! The arguments of a Processing step: the request of `CreateProcessingJob`.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arguments::{ExperimentConfig, StoppingCondition, Tag, VpcConfig};
use crate::expression::Expression;

/// The arguments of a Processing step: the request of `CreateProcessingJob`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessingArguments {
    /// The job's name. By default the service derives it from pipeline, execution and step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_job_name: Option<Expression>,
    /// The instances.
    pub processing_resources: ProcessingResources,
    /// The image and its command line.
    pub app_specification: AppSpecification,
    /// The IAM role of the job.
    pub role_arn: Expression,
    /// The inputs, at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processing_inputs: Vec<ProcessingInput>,
    /// The outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_output_config: Option<ProcessingOutputConfig>,
    /// The environment variables, at most 100 with values of at most 256 characters.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub environment: IndexMap<String, Expression>,
    /// The network. By default the job has access to the internet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_config: Option<NetworkConfig>,
    /// The time limits. By default a job may run for a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping_condition: Option<StoppingCondition>,
    /// The tags, at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// The experiment. By default the pipeline's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment_config: Option<ExperimentConfig>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl ProcessingArguments {
    /// Creates a request with only the members that every request needs.
    pub fn new(
        cluster: ClusterConfig,
        app: AppSpecification,
        role_arn: impl Into<Expression>,
    ) -> Self {
        Self {
            processing_job_name: None,
            processing_resources: ProcessingResources {
                cluster_config: cluster,
                other: IndexMap::new(),
            },
            app_specification: app,
            role_arn: role_arn.into(),
            processing_inputs: Vec::new(),
            processing_output_config: None,
            environment: IndexMap::new(),
            network_config: None,
            stopping_condition: None,
            tags: Vec::new(),
            experiment_config: None,
            other: IndexMap::new(),
        }
    }

    /// Returns the job's outputs, which may be none.
    pub fn outputs(&self) -> &[ProcessingOutput] {
        self.processing_output_config.as_ref().map_or(&[], |config| &config.outputs)
    }
}

/// `ProcessingResources`: the instances of a Processing job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessingResources {
    /// The instances, the only member that the API has.
    pub cluster_config: ClusterConfig,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// `ProcessingResources.ClusterConfig`: the instances of a Processing job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClusterConfig {
    /// The instance type, `ml.*`.
    pub instance_type: Expression,
    /// The number of instances, 1 to 100.
    pub instance_count: Expression,
    /// The size of each instance's volume in GB, 1 to 16384.
    #[serde(rename = "VolumeSizeInGB")]
    pub volume_size_in_gb: Expression,
    /// The KMS key that encrypts the volumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_kms_key_id: Option<Expression>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl ClusterConfig {
    /// Creates a cluster of instances of one type, each with a volume of this size in GB.
    pub fn new(
        instance_type: impl Into<Expression>,
        instance_count: impl Into<Expression>,
        volume_size_in_gb: impl Into<Expression>,
    ) -> Self {
        Self {
            instance_type: instance_type.into(),
            instance_count: instance_count.into(),
            volume_size_in_gb: volume_size_in_gb.into(),
            volume_kms_key_id: None,
            other: IndexMap::new(),
        }
    }
}

/// `AppSpecification`: the image of a Processing job and its command line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AppSpecification {
    /// The image, at most 255 characters.
    pub image_uri: Expression,
    /// Replaces the image's `CMD`: at most 100 arguments of at most 256 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container_arguments: Vec<Expression>,
    /// Replaces the image's `ENTRYPOINT`: at most 100 words of at most 256 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container_entrypoint: Vec<Expression>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl AppSpecification {
    /// Creates a specification of an image with its own entrypoint and no arguments.
    pub fn new(image_uri: impl Into<Expression>) -> Self {
        Self {
            image_uri: image_uri.into(),
            container_arguments: Vec::new(),
            container_entrypoint: Vec::new(),
            other: IndexMap::new(),
        }
    }
}

/// An entry of `ProcessingInputs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessingInput {
    /// The name, unique among the job's inputs.
    pub input_name: String,
    /// Whether the service manages the data. The official SDK writes false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_managed: Option<Expression>,
    /// The S3 objects, and their directory in the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_input: Option<S3Input>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl ProcessingInput {
    /// Creates an input of all objects under a prefix, copied as files to every instance.
    pub fn new(
        name: impl Into<String>,
        s3_uri: impl Into<Expression>,
        local_path: impl Into<Expression>,
    ) -> Self {
        Self {
            input_name: name.into(),
            app_managed: None,
            s3_input: Some(S3Input {
                s3_uri: s3_uri.into(),
                local_path: Some(local_path.into()),
                s3_data_type: "S3Prefix".into(),
                s3_input_mode: Some("File".into()),
                s3_data_distribution_type: Some("FullyReplicated".into()),
                s3_compression_type: Some("None".into()),
                other: IndexMap::new(),
            }),
            other: IndexMap::new(),
        }
    }
}

/// `ProcessingInputs[].S3Input`: an input from S3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct S3Input {
    /// The URI of a prefix, an object or a manifest.
    pub s3_uri: Expression,
    /// The directory in the container, under `/opt/ml/processing/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_path: Option<Expression>,
    /// `S3Prefix` or `ManifestFile`.
    pub s3_data_type: Expression,
    /// `File` or `Pipe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_input_mode: Option<Expression>,
    /// `FullyReplicated` or `ShardedByS3Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_data_distribution_type: Option<Expression>,
    /// `None`, or `Gzip` with mode Pipe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_compression_type: Option<Expression>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// `ProcessingOutputConfig`: the outputs of a Processing job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessingOutputConfig {
    /// The outputs, at most 10.
    pub outputs: Vec<ProcessingOutput>,
    /// The KMS key that encrypts the uploaded objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<Expression>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// An entry of `ProcessingOutputConfig.Outputs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessingOutput {
    /// The name, unique among the job's outputs.
    pub output_name: String,
    /// Whether the service manages the data. The official SDK writes false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_managed: Option<Expression>,
    /// The directory in the container, and its prefix in S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_output: Option<S3Output>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl ProcessingOutput {
    /// Creates an output that is uploaded to a prefix at the end of the job.
    pub fn new(
        name: impl Into<String>,
        s3_uri: impl Into<Expression>,
        local_path: impl Into<Expression>,
    ) -> Self {
        Self {
            output_name: name.into(),
            app_managed: None,
            s3_output: Some(S3Output {
                s3_uri: s3_uri.into(),
                local_path: Some(local_path.into()),
                s3_upload_mode: "EndOfJob".into(),
                other: IndexMap::new(),
            }),
            other: IndexMap::new(),
        }
    }
}

/// `ProcessingOutputConfig.Outputs[].S3Output`: an output to S3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct S3Output {
    /// The prefix that the output is uploaded to.
    pub s3_uri: Expression,
    /// The directory in the container, under `/opt/ml/processing/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_path: Option<Expression>,
    /// `EndOfJob` or `Continuous`.
    pub s3_upload_mode: Expression,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// `NetworkConfig`: the network of a Processing job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NetworkConfig {
    /// Whether the container has no network access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_network_isolation: Option<Expression>,
    /// Whether traffic between the instances of the job is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_inter_container_traffic_encryption: Option<Expression>,
    /// The VPC that the instances are attached to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_config: Option<VpcConfig>,
    /// Members that have no field of their own.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

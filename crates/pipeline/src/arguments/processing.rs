//! `CreateProcessingJob`, as the arguments of a Processing step.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::arguments::{ExperimentConfig, StoppingCondition, Tag, VpcConfig};
use crate::expression::Expression;

/// Everything a Processing job is made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessingArguments {
    /// Left out, the service makes one up from pipeline, execution and step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_job_name: Option<Expression>,
    /// Machines.
    pub processing_resources: ProcessingResources,
    /// Image and command line.
    pub app_specification: AppSpecification,
    /// Who the job is allowed to be.
    pub role_arn: Expression,
    /// At most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processing_inputs: Vec<ProcessingInput>,
    /// At most 10 outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processing_output_config: Option<ProcessingOutputConfig>,
    /// At most 100 entries, values of at most 256 characters.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub environment: IndexMap<String, Expression>,
    /// Left out, the job has the internet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_config: Option<NetworkConfig>,
    /// Left out, a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping_condition: Option<StoppingCondition>,
    /// At most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// Left out, the pipeline's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment_config: Option<ExperimentConfig>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl ProcessingArguments {
    /// A job with nothing but what every job needs.
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

    /// The job's outputs, if it has any.
    pub fn outputs(&self) -> &[ProcessingOutput] {
        self.processing_output_config.as_ref().map_or(&[], |config| &config.outputs)
    }
}

/// `ProcessingResources`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessingResources {
    /// The only member the API has.
    pub cluster_config: ClusterConfig,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// `ProcessingResources.ClusterConfig`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ClusterConfig {
    /// `ml.*`
    pub instance_type: Expression,
    /// 1 to 100.
    pub instance_count: Expression,
    /// 1 to 16384.
    #[serde(rename = "VolumeSizeInGB")]
    pub volume_size_in_gb: Expression,
    /// Encrypts the volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_kms_key_id: Option<Expression>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl ClusterConfig {
    /// Machines of one type, each with a volume of so many gigabytes.
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

/// `AppSpecification`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AppSpecification {
    /// At most 255 characters.
    pub image_uri: Expression,
    /// In place of the image's `CMD`: at most 100 of at most 256 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container_arguments: Vec<Expression>,
    /// In place of the image's `ENTRYPOINT`: at most 100 of at most 256 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container_entrypoint: Vec<Expression>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl AppSpecification {
    /// An image with its own entrypoint and no arguments.
    pub fn new(image_uri: impl Into<Expression>) -> Self {
        Self {
            image_uri: image_uri.into(),
            container_arguments: Vec::new(),
            container_entrypoint: Vec::new(),
            other: IndexMap::new(),
        }
    }
}

/// `ProcessingInputs[]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessingInput {
    /// Unique among the job's inputs.
    pub input_name: String,
    /// The official SDK writes false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_managed: Option<Expression>,
    /// Where it comes from and goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_input: Option<S3Input>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl ProcessingInput {
    /// All objects under a prefix, as files, a full copy on every instance.
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

/// `ProcessingInputs[].S3Input`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct S3Input {
    /// A prefix, an object or a manifest.
    pub s3_uri: Expression,
    /// Under `/opt/ml/processing/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_path: Option<Expression>,
    /// `S3Prefix` or `ManifestFile`
    pub s3_data_type: Expression,
    /// `File` or `Pipe`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_input_mode: Option<Expression>,
    /// `FullyReplicated` or `ShardedByS3Key`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_data_distribution_type: Option<Expression>,
    /// `None`, or `Gzip` with mode Pipe
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_compression_type: Option<Expression>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// `ProcessingOutputConfig`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessingOutputConfig {
    /// At most 10.
    pub outputs: Vec<ProcessingOutput>,
    /// Encrypts what is uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<Expression>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// `ProcessingOutputConfig.Outputs[]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProcessingOutput {
    /// Unique among the job's outputs.
    pub output_name: String,
    /// The official SDK writes false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_managed: Option<Expression>,
    /// Where it comes from and goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_output: Option<S3Output>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

impl ProcessingOutput {
    /// Uploaded to a prefix when the job is done.
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

/// `ProcessingOutputConfig.Outputs[].S3Output`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct S3Output {
    /// The prefix to upload to.
    pub s3_uri: Expression,
    /// Under `/opt/ml/processing/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_path: Option<Expression>,
    /// `EndOfJob` or `Continuous`
    pub s3_upload_mode: Expression,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

/// `NetworkConfig`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NetworkConfig {
    /// No network at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_network_isolation: Option<Expression>,
    /// Between the instances of one job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_inter_container_traffic_encryption: Option<Expression>,
    /// A network of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_config: Option<VpcConfig>,
    /// Members without a name here.
    #[serde(flatten)]
    pub other: IndexMap<String, Value>,
}

//! The contract's files: their paths below the base directory and their contents.
//!
//! Every field that SageMaker may leave out is optional, and unknown fields are ignored: the Python
//! SDK's local mode and newer versions of the service differ from the documentation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The environment variable that replaces [`DEFAULT_BASE`].
pub const BASE_VARIABLE: &str = "SAGEMAKER_BASE_DIR";
/// The directory below which SageMaker puts all files of a job.
pub const DEFAULT_BASE: &str = "/opt/ml";

/// A Training job's hyperparameters, an object whose values are strings. This path and the following
/// ones are relative to the base directory.
pub const HYPERPARAMETERS: &str = "input/config/hyperparameters.json";
/// A Training job's channels.
pub const INPUT_DATA_CONFIG: &str = "input/config/inputdataconfig.json";
/// A Training job's hosts.
pub const TRAINING_RESOURCES: &str = "input/config/resourceconfig.json";
/// A Processing job's whole request.
pub const PROCESSING_JOB: &str = "config/processingjobconfig.json";
/// A Processing job's hosts.
pub const PROCESSING_RESOURCES: &str = "config/resourceconfig.json";
/// The directory of channels.
pub const CHANNELS: &str = "input/data";
/// The directory of inputs and outputs of a Processing job.
pub const PROCESSING: &str = "processing";
/// The directory that SageMaker packs into `model.tar.gz`.
pub const MODEL: &str = "model";
/// The archive that SageMaker makes of [`MODEL`].
pub const MODEL_ARCHIVE: &str = "model.tar.gz";
/// The directory that SageMaker packs into `output.tar.gz`.
pub const OUTPUT_DATA: &str = "output/data";
/// The file with the reason of a Training job's failure.
pub const FAILURE: &str = "output/failure";
/// The file with a Processing job's exit message.
pub const MESSAGE: &str = "output/message";
/// SageMaker keeps only this many bytes of [`FAILURE`] and [`MESSAGE`].
pub const REASON_LIMIT: usize = 1024;

/// The contents of `resourceconfig.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceConfig {
    /// The name of this host.
    pub current_host: String,
    /// The names of all hosts, sorted.
    pub hosts: Vec<String>,
    /// The network interface that connects the hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_interface_name: Option<String>,
    /// The instance type, such as `ml.m5.large`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_instance_type: Option<String>,
}

/// One channel of `inputdataconfig.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Channel {
    /// The input mode: `File`, `FastFile` or `Pipe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_input_mode: Option<String>,
    /// The distribution to hosts: `FullyReplicated` or `ShardedByS3Key`.
    #[serde(default, rename = "S3DistributionType", skip_serializing_if = "Option::is_none")]
    pub s3_distribution_type: Option<String>,
    /// The record wrapper: `None` or `RecordIO`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_wrapper_type: Option<String>,
    /// The content type, such as `text/csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// The contents of `inputdataconfig.json`: the channels by name.
pub type InputDataConfig = BTreeMap<String, Channel>;

/// Returns the longest start of `text` of at most `limit` bytes that ends between two characters.
pub fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

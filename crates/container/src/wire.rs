//! The contract's files: their places under the base directory and their shapes.
//!
//! Every field that the platform may leave out is optional, and fields that it adds are ignored:
//! local mode and newer platforms differ from the guide.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The variable that moves everything away from [`DEFAULT_BASE`].
pub const BASE_VARIABLE: &str = "SAGEMAKER_BASE_DIR";
/// Where SageMaker puts everything.
pub const DEFAULT_BASE: &str = "/opt/ml";

/// Under the base directory: a Training job's hyperparameters, every value a string.
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
/// What becomes `model.tar.gz`.
pub const MODEL: &str = "model";
/// The archive that SageMaker makes of [`MODEL`].
pub const MODEL_ARCHIVE: &str = "model.tar.gz";
/// What becomes `output.tar.gz`.
pub const OUTPUT_DATA: &str = "output/data";
/// Why a Training job failed.
pub const FAILURE: &str = "output/failure";
/// What a Processing job has to say.
pub const MESSAGE: &str = "output/message";
/// So many bytes of [`FAILURE`] and [`MESSAGE`] are kept by the platform.
pub const REASON_LIMIT: usize = 1024;

/// `resourceconfig.json`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceConfig {
    /// This host's name.
    pub current_host: String,
    /// All hosts, sorted.
    pub hosts: Vec<String>,
    /// The interface that the hosts see one another on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_interface_name: Option<String>,
    /// Such as `ml.m5.large`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_instance_type: Option<String>,
}

/// One channel of `inputdataconfig.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Channel {
    /// `File`, `FastFile` or `Pipe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_input_mode: Option<String>,
    /// `FullyReplicated` or `ShardedByS3Key`.
    #[serde(default, rename = "S3DistributionType", skip_serializing_if = "Option::is_none")]
    pub s3_distribution_type: Option<String>,
    /// `None` or `RecordIO`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_wrapper_type: Option<String>,
    /// Such as `text/csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// `inputdataconfig.json`: the channels by name.
pub type InputDataConfig = BTreeMap<String, Channel>;

/// The start of `text` that fits into `limit` bytes and ends between characters.
pub fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

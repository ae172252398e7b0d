//! `metadata.json`: how a model was trained.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::document::{self, DocumentError};
use crate::measure::Measure;
use crate::names::METADATA_JSON;

const VERSION: u32 = 1;

/// How a model was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// The learning algorithm, `random_forest`.
    pub algorithm: String,
    /// The version of the program that trained the model.
    pub program_version: String,
    /// The SHA-256 digest of the training rows as they were read, in hexadecimal digits.
    pub data_digest: String,
    /// The number of training rows.
    pub training_rows: usize,
    /// The hyperparameters, as the training job received them.
    pub hyperparameters: BTreeMap<String, String>,
    /// The metrics over the training rows. Empty if several hosts grew the forest, because none of
    /// them had all trees.
    pub training_metrics: IndexMap<String, Measure>,
    /// Each feature's share of the total impurity decrease, in the order of the features.
    pub feature_importances: IndexMap<String, f64>,
    /// The decrease of the out-of-bag accuracy when a feature is permuted. Empty unless requested,
    /// or if several hosts grew the forest.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub permutation_importances: IndexMap<String, f64>,
}

impl Metadata {
    /// Returns the bytes of `metadata.json`.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, DocumentError> {
        document::write(METADATA_JSON, VERSION, self)
    }

    /// Parses the bytes of `metadata.json`.
    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, DocumentError> {
        document::read(METADATA_JSON, VERSION..=VERSION, bytes)
    }

    /// Returns an identifier of the training: a CRC-32 of everything that the forest depends on.
    /// Two different trainings have the same identifier with a probability of one in four billion
    /// (2^-32). It does not protect against deliberate forgery.
    pub(crate) fn training_id(&self) -> Result<u32, DocumentError> {
        let Self {
            algorithm, program_version, data_digest, training_rows, hyperparameters, ..
        } = self;
        let inputs = (algorithm, program_version, data_digest, training_rows, hyperparameters);
        let json = serde_json::to_vec(&inputs)
            .map_err(|source| DocumentError::Malformed { name: METADATA_JSON, source })?;
        Ok(crc32fast::hash(&json))
    }
}

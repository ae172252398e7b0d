//! `metadata.json`: how a model was trained.
//!
//! Version 2 has the digest of `recipe.json`, which holds the files of a model together.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::document::{self, DocumentError};
use crate::measure::Measure;
use crate::names::METADATA_JSON;

const VERSION: u32 = 2;
const WITHOUT_RECIPE_DIGEST: u32 = 1;

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

/// The document: what is known of the training, and of the recipe beside it.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    metadata: &'a Metadata,
    recipe_digest: &'a str,
}

/// The part of a document that holds the files of a model together.
#[derive(Deserialize)]
struct RecipeDigest {
    /// The SHA-256 digest of `recipe.json` in hexadecimal digits. Version 1 has none.
    recipe_digest: Option<String>,
}

impl Metadata {
    /// Returns the bytes of `metadata.json`. `recipe_digest` is the SHA-256 digest of `recipe.json`.
    pub(crate) fn to_json(&self, recipe_digest: &str) -> Result<Vec<u8>, DocumentError> {
        document::write(METADATA_JSON, VERSION, &Written { metadata: self, recipe_digest })
    }

    /// Parses the bytes of `metadata.json`, and returns the digest of `recipe.json` besides, if they have it.
    pub(crate) fn from_json(bytes: &[u8]) -> Result<(Self, Option<String>), DocumentError> {
        let versions = WITHOUT_RECIPE_DIGEST..=VERSION;
        let metadata = document::read(METADATA_JSON, versions.clone(), bytes)?;
        let RecipeDigest { recipe_digest } = document::read(METADATA_JSON, versions, bytes)?;
        Ok((metadata, recipe_digest))
    }

    /// Returns an identifier of the training: a CRC-32 of everything that the forest depends on, and of the
    /// recipe whose features it takes, unless the training is of a program that did not store its digest.
    /// Two different trainings have the same identifier with a probability of one in four billion
    /// (2^-32). It does not protect against deliberate forgery.
    pub(crate) fn training_id(&self, recipe_digest: Option<&str>) -> Result<u32, DocumentError> {
        let Self {
            algorithm, program_version, data_digest, training_rows, hyperparameters, ..
        } = self;
        let inputs = (algorithm, program_version, data_digest, training_rows, hyperparameters);
        let mut json = serde_json::to_vec(&inputs)
            .map_err(|source| DocumentError::Malformed { name: METADATA_JSON, source })?;
        json.extend_from_slice(recipe_digest.unwrap_or_default().as_bytes());
        Ok(crc32fast::hash(&json))
    }
}

//! The model bundle: what Train leaves in the model directory and SageMaker archives as
//! `model.tar.gz`.

use std::collections::BTreeMap;
use std::io::Read;

use dataset::Recipe;
use forest::RandomForest;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::archive::{self, ArchiveError};
use crate::document::{self, DocumentError};
use crate::forest_file::{self, ForestFileError};
use crate::measure::Measure;
use crate::recipe_file::{self, RECIPE_JSON};

/// The forest.
pub const FOREST_BIN: &str = "forest.bin";
/// How the model was made.
pub const METADATA_JSON: &str = "metadata.json";

const METADATA_VERSION: u32 = 1;

/// How a model was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// `random_forest`
    pub algorithm: String,
    /// The version of the program that trained it.
    pub program_version: String,
    /// SHA-256 of the training rows as they were read, in hexadecimal digits.
    pub data_digest: String,
    /// How many rows it was trained on.
    pub training_rows: usize,
    /// As given.
    pub hyperparameters: BTreeMap<String, String>,
    /// Over the training rows.
    pub training_metrics: IndexMap<String, Measure>,
    /// Each feature's share of the impurity taken away, in the order of the features.
    pub feature_importances: IndexMap<String, f64>,
}

/// A trained model and what it needs to turn raw readings into an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// The forest.
    pub forest: RandomForest,
    /// From raw columns to the forest's features.
    pub recipe: Recipe,
    /// How it was made.
    pub metadata: Metadata,
}

/// Why a bundle cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The forest.
    #[error(transparent)]
    Forest(#[from] ForestFileError),
    /// The recipe or the metadata.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A forest for other features.
    #[error("the forest takes {forest} features and the recipe makes {recipe}")]
    Features {
        /// What the forest takes.
        forest: usize,
        /// What the recipe makes.
        recipe: usize,
    },
    /// A forest for other classes.
    #[error("the forest tells {0} classes apart, expected 2")]
    Classes(usize),
}

impl Bundle {
    /// The bundle's files, by name.
    ///
    /// # Errors
    /// None that a bundle can cause.
    pub fn to_files(&self) -> Result<[(&'static str, Vec<u8>); 3], BundleError> {
        Ok([
            (FOREST_BIN, forest_file::write(&self.forest)),
            (RECIPE_JSON, recipe_file::write_recipe(&self.recipe)?),
            (METADATA_JSON, document::write(METADATA_JSON, METADATA_VERSION, &self.metadata)?),
        ])
    }

    /// Reads `model.tar.gz`, which has `length` bytes.
    ///
    /// # Errors
    /// An archive that is hostile or damaged, files that are missing or do not belong together.
    pub fn from_archive(archive: impl Read, length: u64) -> Result<Self, BundleError> {
        Self::from_files(archive::read(archive, length, [FOREST_BIN, RECIPE_JSON, METADATA_JSON])?)
    }

    /// Reads the contents of the forest, the recipe and the metadata, in this order.
    ///
    /// # Errors
    /// As [`Self::from_archive`], but for the archive.
    pub fn from_files([forest, recipe, metadata]: [Vec<u8>; 3]) -> Result<Self, BundleError> {
        let forest = forest_file::read(&forest)?;
        let recipe = recipe_file::read_recipe(&recipe)?;
        let metadata = document::read(METADATA_JSON, METADATA_VERSION, &metadata)?;
        if forest.classes() != 2 {
            return Err(BundleError::Classes(forest.classes()));
        }
        let features = recipe.feature_names().count();
        if forest.features() != features {
            return Err(BundleError::Features { forest: forest.features(), recipe: features });
        }
        Ok(Self { forest, recipe, metadata })
    }
}

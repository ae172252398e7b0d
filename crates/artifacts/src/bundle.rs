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
use crate::shard::{Shard, holds_trees};

/// The forest, where one host grew it: [`Shard::file_name`].
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
    /// Over the training rows; none where several hosts grew the forest, for none of them had all
    /// of it.
    pub training_metrics: IndexMap<String, Measure>,
    /// Each feature's share of the impurity taken away, in the order of the features.
    pub feature_importances: IndexMap<String, f64>,
    /// How much accuracy on the rows a tree was not grown from is lost when a feature is shuffled;
    /// none unless asked for, or where several hosts grew the forest.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub permutation_importances: IndexMap<String, f64>,
}

impl Metadata {
    /// A number that tells trainings apart: a CRC-32 of all that a forest depends on. It is not
    /// proof against forgery; mistaken for one another, two trainings are once in four billion.
    fn training(&self) -> Result<u32, DocumentError> {
        let Self {
            algorithm, program_version, data_digest, training_rows, hyperparameters, ..
        } = self;
        let all = (algorithm, program_version, data_digest, training_rows, hyperparameters);
        let name = METADATA_JSON;
        let text =
            serde_json::to_vec(&all).map_err(|source| DocumentError::Malformed { name, source })?;
        Ok(crc32fast::hash(&text))
    }
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
    /// A file that is not there.
    #[error("the model has no `{missing}`; it has: {}", if .found.is_empty() { "nothing".to_owned() } else { .found.join(", ") })]
    Missing {
        /// The file.
        missing: String,
        /// What is there.
        found: Vec<String>,
    },
    /// The forest.
    #[error(transparent)]
    Forest(#[from] ForestFileError),
    /// Trees that are no shard.
    #[error("there are {found} trees, expected {expected}, which are the shard's")]
    Trees {
        /// How many there are.
        found: usize,
        /// How many the shard has.
        expected: usize,
    },
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
    pub fn to_files(&self) -> Result<Vec<(String, Vec<u8>)>, BundleError> {
        self.to_shard(Shard::WHOLE, self.forest.trees().len() as u32)
    }

    /// The files of a host that grew a shard of a forest of `trees` trees; [`Self::forest`] has
    /// those of the shard. SageMaker puts the hosts' files together, so no name is used by two: the
    /// first host writes what is not of its trees. What is only of its trees stays out of that.
    ///
    /// # Errors
    /// Trees that are not the shard's.
    pub fn to_shard(
        &self,
        shard: Shard,
        trees: u32,
    ) -> Result<Vec<(String, Vec<u8>)>, BundleError> {
        let (found, expected) = (self.forest.trees().len(), shard.trees(trees).len());
        if found != expected {
            return Err(BundleError::Trees { found, expected });
        }
        let training = self.metadata.training()?;
        let forest = forest_file::write(&self.forest, shard, trees, training);
        let mut files = vec![(shard.file_name(FOREST_BIN), forest)];
        if shard.index == 0 {
            let mut metadata = self.metadata.clone();
            if shard != Shard::WHOLE {
                metadata.training_metrics.clear();
                metadata.feature_importances.clear();
                metadata.permutation_importances.clear();
            }
            let metadata = document::write(METADATA_JSON, METADATA_VERSION, &metadata)?;
            files.push((RECIPE_JSON.to_owned(), recipe_file::write_recipe(&self.recipe)?));
            files.push((METADATA_JSON.to_owned(), metadata));
        }
        Ok(files)
    }

    /// Reads `model.tar.gz`, which has `length` bytes.
    ///
    /// # Errors
    /// An archive that is hostile or damaged, files that are missing or do not belong together.
    pub fn from_archive(archive: impl Read, length: u64) -> Result<Self, BundleError> {
        Self::from_files(archive::read(archive, length, Self::has)?)
    }

    /// Whether a file of this name is a part of a bundle.
    pub fn has(name: &str) -> bool {
        [RECIPE_JSON, METADATA_JSON].contains(&name) || holds_trees(name)
    }

    /// Reads the contents of files by name; others than a bundle's are passed over.
    ///
    /// # Errors
    /// As [`Self::from_archive`], but for the archive.
    pub fn from_files(mut files: BTreeMap<String, Vec<u8>>) -> Result<Self, BundleError> {
        let found: Vec<String> = files.keys().cloned().collect();
        let missing = |missing: &str| BundleError::Missing {
            missing: missing.to_owned(),
            found: found.clone(),
        };
        if !found.iter().any(|name| holds_trees(name)) {
            return Err(missing(FOREST_BIN));
        }
        let recipe = files.remove(RECIPE_JSON).ok_or_else(|| missing(RECIPE_JSON))?;
        let metadata = files.remove(METADATA_JSON).ok_or_else(|| missing(METADATA_JSON))?;
        let recipe = recipe_file::read_recipe(&recipe)?;
        let mut metadata: Metadata = document::read(METADATA_JSON, METADATA_VERSION, &metadata)?;
        files.retain(|name, _| holds_trees(name));
        let shards = forest_file::read_all(files, metadata.training()?)?;
        if let Some(shard) = shards.missing() {
            return Err(missing(&shard.file_name(FOREST_BIN)));
        }
        let forest = shards.merge()?;
        if forest.classes() != 2 {
            return Err(BundleError::Classes(forest.classes()));
        }
        let features = recipe.feature_names().count();
        if forest.features() != features {
            return Err(BundleError::Features { forest: forest.features(), recipe: features });
        }
        // what several hosts could not know
        if metadata.feature_importances.is_empty() {
            let names = recipe.feature_names().map(str::to_owned);
            metadata.feature_importances = names.zip(forest.feature_importances()).collect();
        }
        Ok(Self { forest, recipe, metadata })
    }
}

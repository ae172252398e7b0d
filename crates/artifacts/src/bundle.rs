//! The model bundle: the files that Train writes to the model directory. SageMaker archives that
//! directory as `model.tar.gz`.

use std::collections::BTreeMap;
use std::io::{self, Read};

use dataset::Recipe;
use forest::RandomForest;
use ndarray::Array2;

use crate::archive::{self, ArchiveError, MAX_UNPACKED};
use crate::background_file::{self, BackgroundFileError};
use crate::bundle_file::BundleFile;
use crate::document::DocumentError;
use crate::forest_file::{self, ForestFileError};
use crate::metadata::Metadata;
use crate::names::{BACKGROUND_BIN, FOREST_BIN, METADATA_JSON, RECIPE_JSON};
use crate::recipe_file;
use crate::shard::{Shard, is_forest_file};

/// A trained model, with the recipe that turns raw readings into its features.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// The forest.
    pub forest: RandomForest,
    /// The transformation from raw columns to the features of the forest.
    pub recipe: Recipe,
    /// How the model was trained.
    pub metadata: Metadata,
    /// The training rows beside which the model explains, `rows x features` and at most
    /// [`forest::MAX_BACKGROUND_ROWS`]. A model that was trained without them has none.
    pub background: Option<Array2<f32>>,
}

/// The reason for which a bundle cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The archive is refused.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A file is missing.
    #[error("the model has no `{missing}`; it has: {}", if .found.is_empty() { "nothing".to_owned() } else { .found.join(", ") })]
    Missing {
        /// The name of the missing file.
        missing: String,
        /// The names of the files that exist.
        found: Vec<String>,
    },
    /// A file other than a forest cannot be read.
    #[error("{name} cannot be read")]
    Unreadable {
        /// The name of the file.
        name: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// A forest file cannot be read.
    #[error(transparent)]
    Forest(#[from] ForestFileError),
    /// The rows of the background cannot be read.
    #[error(transparent)]
    Background(#[from] BackgroundFileError),
    /// The number of trees is not that of the shard to be written.
    #[error("there are {found} trees, expected {expected}, which are the shard's")]
    Trees {
        /// The number of trees of the forest.
        found: usize,
        /// The number of trees of the shard.
        expected: usize,
    },
    /// The recipe or the metadata cannot be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The forest and the recipe have different numbers of features.
    #[error("the forest takes {forest} features and the recipe makes {recipe}")]
    Features {
        /// The number of features of the forest.
        forest: usize,
        /// The number of features of the recipe.
        recipe: usize,
    },
    /// The recipe makes other features than those that the forest was trained with.
    #[error("{RECIPE_JSON} is of another training than {METADATA_JSON}")]
    OtherRecipe,
    /// The forest does not have two classes.
    #[error("the forest has {0} classes, expected 2")]
    Classes(usize),
}

impl Bundle {
    /// Returns the names and contents of the bundle's files.
    ///
    /// # Errors
    /// No bundle causes an error; the result is that of the serializer.
    pub fn to_files(&self) -> Result<Vec<(String, Vec<u8>)>, BundleError> {
        self.to_shard(Shard::WHOLE, self.forest.trees().len() as u32)
    }

    /// Returns the names and contents of the files of one host, which grew one shard of a forest of
    /// `trees` trees. [`Self::forest`] holds the trees of that shard.
    ///
    /// SageMaker merges the directories of all hosts, so no two hosts may write the same file name.
    /// Only the first host writes the files that do not depend on the shard, without the metrics
    /// and importances of its own trees.
    ///
    /// # Errors
    /// A number of trees that is not that of the shard.
    pub fn to_shard(
        &self,
        shard: Shard,
        trees: u32,
    ) -> Result<Vec<(String, Vec<u8>)>, BundleError> {
        let (found, expected) = (self.forest.trees().len(), shard.trees(trees).len());
        if found != expected {
            return Err(BundleError::Trees { found, expected });
        }
        let recipe = recipe_file::write_recipe(&self.recipe)?;
        let recipe_digest = common::sha256_hex(&recipe);
        let training_id = self.metadata.training_id(Some(&recipe_digest))?;
        let forest = forest_file::write(&self.forest, shard, trees, training_id);
        let mut files = vec![(shard.file_name(FOREST_BIN), forest)];
        if shard.index == 0 {
            let mut metadata = self.metadata.clone();
            if shard != Shard::WHOLE {
                metadata.training_metrics.clear();
                metadata.feature_importances.clear();
                metadata.permutation_importances.clear();
            }
            files.push((RECIPE_JSON.to_owned(), recipe));
            files.push((METADATA_JSON.to_owned(), metadata.to_json(&recipe_digest)?));
            if let Some(rows) = &self.background {
                let background = background_file::write(rows.view(), training_id);
                files.push((BACKGROUND_BIN.to_owned(), background));
            }
        }
        Ok(files)
    }

    /// Reads a `model.tar.gz` of `length` bytes, which unpacks to at most [`MAX_UNPACKED`] bytes.
    ///
    /// # Errors
    /// An archive that is hostile or damaged, or files that are missing or do not belong together.
    pub fn from_archive(archive: impl Read, length: u64) -> Result<Self, BundleError> {
        Self::from_archive_within(archive, length, MAX_UNPACKED)
    }

    /// Reads a `model.tar.gz` of `length` bytes, which unpacks to at most `most` bytes.
    ///
    /// # Errors
    /// Those of [`Self::from_archive`].
    pub fn from_archive_within(
        archive: impl Read,
        length: u64,
        most: u64,
    ) -> Result<Self, BundleError> {
        Self::from_files(archive::read(archive, length, most, Self::has)?)
    }

    /// Returns whether `name` is the file name of a part of a bundle.
    pub fn has(name: &str) -> bool {
        [RECIPE_JSON, METADATA_JSON, BACKGROUND_BIN].contains(&name) || is_forest_file(name)
    }

    /// Reads a bundle from the contents of its files, by name. Other files are ignored.
    ///
    /// # Errors
    /// Those of [`Self::from_archive`], except for the archive's own.
    pub fn from_files(files: BTreeMap<String, Vec<u8>>) -> Result<Self, BundleError> {
        Self::from_readers(files.into_iter().map(|(name, bytes)| (name, bytes.into())).collect())
    }

    /// Reads a bundle from its files, by name. A forest is prepared while it is read, so that its bytes are
    /// never all in memory. Other files are ignored.
    ///
    /// # Errors
    /// Those of [`Self::from_files`], and files that cannot be read.
    pub fn from_readers(mut files: BTreeMap<String, BundleFile<'_>>) -> Result<Self, BundleError> {
        let found: Vec<String> = files.keys().cloned().collect();
        let missing = |missing: &str| BundleError::Missing {
            missing: missing.to_owned(),
            found: found.clone(),
        };
        if !found.iter().any(|name| is_forest_file(name)) {
            return Err(missing(FOREST_BIN));
        }
        let mut read = |name: &'static str| {
            let contents = files.remove(name).map(BundleFile::read).transpose();
            contents.map_err(|source| BundleError::Unreadable { name, source })
        };
        let recipe = read(RECIPE_JSON)?.ok_or_else(|| missing(RECIPE_JSON))?;
        let metadata = read(METADATA_JSON)?.ok_or_else(|| missing(METADATA_JSON))?;
        let background = read(BACKGROUND_BIN)?;
        let found_digest = common::sha256_hex(&recipe);
        let recipe = recipe_file::read_recipe(&recipe)?;
        let (mut metadata, recipe_digest) = Metadata::from_json(&metadata)?;
        let training_id = metadata.training_id(recipe_digest.as_deref())?;
        files.retain(|name, _| is_forest_file(name));
        let shards = forest_file::read_all(files, training_id)?;
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
        let is_own = match recipe_digest {
            Some(digest) => digest == found_digest,
            // What earlier programs stored of the recipe is the names of its features.
            None => {
                metadata.feature_importances.is_empty()
                    || metadata.feature_importances.keys().eq(recipe.feature_names())
            }
        };
        if !is_own {
            return Err(BundleError::OtherRecipe);
        }
        let background = background
            .map(|bytes| background_file::read(&bytes, training_id, features))
            .transpose()?;
        // The hosts of a sharded training leave the importances out: each had only its own trees.
        if metadata.feature_importances.is_empty() {
            let names = recipe.feature_names().map(str::to_owned);
            metadata.feature_importances = names.zip(forest.feature_importances()).collect();
        }
        Ok(Self { forest, recipe, metadata, background })
    }
}

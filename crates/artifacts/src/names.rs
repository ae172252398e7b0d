//! File names of the model bundle.

/// The forest, where one host grew all of it. See [`Shard::file_name`](crate::Shard::file_name)
/// for the names where several hosts did.
pub const FOREST_BIN: &str = "forest.bin";
/// The fitted recipe: the output of Preprocess, an input of Train and a part of the bundle.
pub const RECIPE_JSON: &str = "recipe.json";
/// How the model was trained.
pub const METADATA_JSON: &str = "metadata.json";
/// The forest in the ONNX format.
pub const MODEL_ONNX: &str = "model.onnx";
/// The training rows beside which the model explains.
pub const BACKGROUND_BIN: &str = "background.bin";

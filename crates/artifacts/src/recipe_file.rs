//! `recipe.json`: the fitted recipe. Preprocess writes it, Train copies it into the bundle.

use dataset::Recipe;

use crate::document::{self, DocumentError};
use crate::names::RECIPE_JSON;

/// Version 2 has the range of each column of numbers.
const VERSION: u32 = 2;

#[derive(serde::Serialize, serde::Deserialize)]
struct RecipeFile<T> {
    recipe: T,
}

/// Returns the bytes of `recipe.json`.
///
/// # Errors
/// No recipe causes an error; the result is that of the serializer.
pub fn write_recipe(recipe: &Recipe) -> Result<Vec<u8>, DocumentError> {
    document::write(RECIPE_JSON, VERSION, &RecipeFile { recipe })
}

/// Parses the bytes of `recipe.json`.
///
/// # Errors
/// Bytes that are not JSON, another format version, or a recipe whose parts contradict each other.
pub fn read_recipe(bytes: &[u8]) -> Result<Recipe, DocumentError> {
    document::read::<RecipeFile<Recipe>>(RECIPE_JSON, 1..=VERSION, bytes).map(|file| file.recipe)
}

//! `recipe.json`: the fitted recipe, on its way from Preprocess through Train into the bundle.

use dataset::Recipe;

use crate::document::{self, DocumentError};

/// The recipe from raw columns to features.
pub const RECIPE_JSON: &str = "recipe.json";

const VERSION: u32 = 1;

#[derive(serde::Serialize, serde::Deserialize)]
struct RecipeFile<T> {
    recipe: T,
}

/// The bytes of `recipe.json`.
///
/// # Errors
/// None that a recipe can cause.
pub fn write_recipe(recipe: &Recipe) -> Result<Vec<u8>, DocumentError> {
    document::write(RECIPE_JSON, VERSION, &RecipeFile { recipe })
}

/// Reads `recipe.json`.
///
/// # Errors
/// No JSON, another version, a recipe that does not hang together.
pub fn read_recipe(bytes: &[u8]) -> Result<Recipe, DocumentError> {
    document::read::<RecipeFile<Recipe>>(RECIPE_JSON, VERSION, bytes).map(|file| file.recipe)
}

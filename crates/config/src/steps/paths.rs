//! Where the steps find and leave their files: relative to `/opt/ml/processing` for Processing
//! steps, channel names for Training.

/// Preprocess: every CSV of the raw table.
pub const PREPROCESS_INPUT: &str = "input";
/// Preprocess: the training rows, features then label.
pub const PREPROCESS_TRAIN: &str = "output/train";
/// Preprocess: the test rows, features then label.
pub const PREPROCESS_TEST: &str = "output/test";
/// Preprocess: the fitted recipe from raw columns to features.
pub const PREPROCESS_RECIPE: &str = "output/recipe";
/// Preprocess: what was read, dropped and why.
pub const PREPROCESS_SUMMARY: &str = "output/summary";
/// Train: the channel of training rows.
pub const TRAIN_CHANNEL: &str = "train";
/// Train: the channel of the fitted recipe.
pub const RECIPE_CHANNEL: &str = "recipe";
/// Evaluate: the model archive.
pub const EVALUATE_MODEL: &str = "model";
/// Evaluate: the test rows.
pub const EVALUATE_TEST: &str = "test";
/// Evaluate: the report and the flat metrics.
pub const EVALUATE_OUTPUT: &str = "evaluation";
/// Register: the report and the flat metrics.
pub const REGISTER_EVALUATION: &str = "evaluation";
/// Register: the registered package.
pub const REGISTER_OUTPUT: &str = "registration";

/// The training rows.
pub const TRAIN_CSV: &str = "train.csv";
/// The test rows.
pub const TEST_CSV: &str = "test.csv";
/// The fitted recipe.
pub const RECIPE_JSON: &str = "recipe.json";
/// What Preprocess read and dropped.
pub const SUMMARY_JSON: &str = "summary.json";
/// The model, as SageMaker archives the model directory.
pub const MODEL_ARCHIVE: &str = "model.tar.gz";
/// The model-quality report.
pub const EVALUATION_JSON: &str = "evaluation.json";
/// The flat metrics.
pub const METRICS_JSON: &str = "metrics.json";
/// The registered model package.
pub const REGISTRATION_JSON: &str = "registration.json";
/// The metrics over the training rows; of several hosts each has its own file, such as
/// `training_metrics-2-of-3.json`, about the trees that it grew.
pub const TRAINING_METRICS_JSON: &str = "training_metrics.json";

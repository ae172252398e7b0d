//! Where the steps read and write their files. The directories of Processing steps are relative to
//! `/opt/ml/processing`; those of Train are the names of its channels.

/// Preprocess reads every CSV file of the raw table here.
pub const PREPROCESS_INPUT: &str = "input";
/// Preprocess reads the settings of the table here.
pub const PREPROCESS_SETTINGS: &str = "settings";
/// Preprocess writes the training rows here: features, then the label.
pub const PREPROCESS_TRAIN: &str = "output/train";
/// Preprocess writes the test rows here: features, then the label.
pub const PREPROCESS_TEST: &str = "output/test";
/// Preprocess writes the fitted recipe here, which turns raw columns into features.
pub const PREPROCESS_RECIPE: &str = "output/recipe";
/// Preprocess writes the counts of rows read and dropped here.
pub const PREPROCESS_SUMMARY: &str = "output/summary";
/// The channel from which Train reads the training rows.
pub const TRAIN_CHANNEL: &str = "train";
/// The channel from which Train reads the fitted recipe.
pub const RECIPE_CHANNEL: &str = "recipe";
/// Evaluate reads the model archive here.
pub const EVALUATE_MODEL: &str = "model";
/// Evaluate reads the test rows here.
pub const EVALUATE_TEST: &str = "test";
/// Evaluate writes the report and the flat metrics here.
pub const EVALUATE_OUTPUT: &str = "evaluation";
/// Register reads the report and the flat metrics here.
pub const REGISTER_EVALUATION: &str = "evaluation";
/// Register writes the registered model package here.
pub const REGISTER_OUTPUT: &str = "registration";

/// The settings of the table.
pub const TABLE_JSON: &str = "table.json";
/// The training rows.
pub const TRAIN_CSV: &str = "train.csv";
/// The test rows.
pub const TEST_CSV: &str = "test.csv";
/// The counts of rows that Preprocess read and dropped.
pub const SUMMARY_JSON: &str = "summary.json";
/// The evaluation report. Register and the orchestrator read it too, which do not use `artifacts`.
pub const EVALUATION_JSON: &str = "evaluation.json";
/// The member of the evaluation report that names the missed gates, which the Fail step reads.
pub const MISSED_GATES: &str = "missed_gates";
/// The flat metrics, which Register and the orchestrator read as well.
pub const METRICS_JSON: &str = "metrics.json";
/// The registered model package.
pub const REGISTRATION_JSON: &str = "registration.json";
/// The metrics over the training rows. If several hosts grow the forest, each writes the metrics of
/// its own trees, to a file such as `training_metrics-2-of-3.json`.
pub const TRAINING_METRICS_JSON: &str = "training_metrics.json";

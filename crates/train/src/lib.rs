//! The Train step: training features and a recipe become a model bundle. Each of several hosts grows
//! some of the trees and leaves a shard of the forest. SageMaker puts the files of all hosts into one
//! archive, from which the same model is read as from that of a single host.
//!
//! Knows the order of that work. Must never know where the features come from, nor how a tree
//! grows.
//!
//! ```
//! use container::Container;
//! use testkit::Sandbox;
//!
//! let recipe = r#"{"format_version": 1, "recipe": {
//!     "columns": [{"column": {"name": "Torque", "unit": "Nm"}, "median": 20.0}],
//!     "label": {"column": "Downtime", "positive": ["yes"], "negative": ["no"]},
//!     "features": []
//! }}"#;
//! let opt_ml = Sandbox::new();
//! opt_ml
//!     .file("input/data/recipe/recipe.json", recipe)
//!     .file("input/data/train/train.csv", "Torque,label\n14.5,1\n15.2,1\n24.1,0\n26.3,0\n")
//!     .hyperparameters(&[("n_estimators", "10")]);
//!
//! train::run(&Container::new(opt_ml.base(), Vec::new(), [].into()))?;
//! let model = ["background.bin", "forest.bin", "metadata.json", "model.onnx", "recipe.json"];
//! assert_eq!(opt_ml.list("model"), model);
//! # Ok::<(), train::TrainError>(())
//! ```

mod error;

use artifacts::{Bundle, MODEL_ONNX, Measure, Metadata, Scores, Shard};
use common::{Sha256Reader, write_all_or_none, write_file};
use config::steps::{
    ClassWeight, Criterion, Hyperparameters, MaxFeatures, OOB_SCORE, Samples, TRAINING_METRICS,
    Weights, paths, training_metric_key,
};
use container::Container;
use dataset::{FeatureTable, Recipe};
use forest::{Fitted, RandomForest, RandomForestParams, TrainingSet, Watch};
use linfa::ParamGuard;
use ndarray::{Array2, ArrayView2, Axis};

pub use error::TrainError;

/// Runs the step in a container: reads the channels `train` and `recipe`, and writes the model and
/// the training metrics.
///
/// # Errors
/// Returns an error if a hyperparameter or a channel is invalid, the rows are all of one class, the
/// job is stopped, or an output cannot be written. No output is left then.
pub fn run(container: &Container) -> Result<(), TrainError> {
    let settings = settings(container)?;
    let shard = shard(container, settings.n_estimators)?;
    let recipe = recipe(container)?;
    let (table, data_digest) = table(container, &recipe)?;
    tracing::info!(rows = table.labels.len(), features = table.names.len(), "read the rows");
    let Fitted { forest, oob_score, oob_decision_function, permutation_importances } =
        fit(container, &settings, shard, &table)?;
    if let Some(shares) = oob_decision_function {
        warn_of_rows_never_out_of_bag(shares.view(), &table);
    }
    let mut training_metrics = score(&forest, &table)?;
    let oob_score = oob_score.filter(|_| settings.oob_score);
    training_metrics.extend(oob_score.map(|score| (OOB_SCORE.to_owned(), Measure(score))));
    let by_name = |values: Vec<f64>| table.names.iter().cloned().zip(values).collect();
    let bundle = Bundle {
        metadata: Metadata {
            algorithm: "random_forest".to_owned(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            data_digest,
            training_rows: table.labels.len(),
            hyperparameters: settings.to_map(),
            training_metrics,
            feature_importances: by_name(forest.feature_importances()),
            permutation_importances: by_name(permutation_importances.unwrap_or_default()),
        },
        forest,
        recipe,
        background: Some(background(&settings, &table)),
    };
    log_metrics(&bundle.metadata);
    write(container, &bundle, shard, settings.n_estimators)
}

/// Returns the hyperparameters of the job, after a warning for each unknown one.
fn settings(container: &Container) -> Result<Hyperparameters, TrainError> {
    let parsed = Hyperparameters::from_map(&container.hyperparameters()?)?;
    for name in parsed.unknown {
        tracing::warn!("hyperparameter `{name}` is not known here, it is ignored");
    }
    Ok(parsed.settings)
}

/// Returns the shard that this host grows of a forest of `trees` trees.
fn shard(container: &Container, trees: u32) -> Result<Shard, TrainError> {
    let hosts = container.hosts()?;
    let count = u32::try_from(hosts.all.len()).ok().filter(|&count| count <= trees);
    let Some(count) = count else {
        return Err(TrainError::Hosts { hosts: hosts.all.len(), trees });
    };
    let shard = Shard { index: hosts.index as u32, count };
    if shard != Shard::WHOLE {
        let range = shard.trees(trees);
        let (first, last, number) = (range.start + 1, range.end, hosts.index + 1);
        tracing::info!("shard {number} of {count}: grows trees {first} to {last} of {trees}");
    }
    Ok(shard)
}

fn recipe(container: &Container) -> Result<Recipe, TrainError> {
    let path = container.channel(paths::RECIPE_CHANNEL)?.join(artifacts::RECIPE_JSON);
    let bytes = common::json::read(&path).map_err(TrainError::Channel)?;
    artifacts::read_recipe(&bytes).map_err(|source| TrainError::Recipe { path, source })
}

/// Returns the training rows and the digest of their file.
fn table(container: &Container, recipe: &Recipe) -> Result<(FeatureTable, String), TrainError> {
    let path = container.channel(paths::TRAIN_CHANNEL)?.join(paths::TRAIN_CSV);
    let file = fs_err::File::open(&path).map_err(TrainError::Channel)?;
    let mut input = Sha256Reader::new(file);
    let table = FeatureTable::read(path.as_str(), &mut input, recipe.feature_names())?;
    let (rows, failures) = (table.labels.len(), table.labels.sum());
    if failures == 0 || failures == rows {
        return Err(TrainError::OneClass { path, rows, class: failures.min(1) });
    }
    Ok((table, input.digest()))
}

/// Returns the training rows beside which the model explains. They depend on rows and seed alone, so that
/// each of several hosts would choose the same.
fn background(settings: &Hyperparameters, table: &FeatureTable) -> Array2<f32> {
    let rows = forest::background_rows(table.labels.len(), settings.random_state.into());
    table.records.select(Axis(0), &rows)
}

fn fit(
    container: &Container,
    settings: &Hyperparameters,
    shard: Shard,
    table: &FeatureTable,
) -> Result<Fitted, TrainError> {
    let params = params(settings).check().map_err(forest::FitError::from)?;
    let set =
        TrainingSet { records: table.records.view(), labels: table.labels.view(), weights: None };
    let trees = shard.trees(settings.n_estimators);
    let tenth = trees.len().div_ceil(10);
    let trees = trees.start as usize..trees.end as usize;
    Ok(params.fit_share(trees, &set, &Progress { container, tenth })?)
}

/// Warns of a class of which most rows are in the sample of every tree. A great class weight does
/// that, and out-of-bag scores then say little about the class. `shares` is the out-of-bag decision
/// function, of shape `rows x classes`.
fn warn_of_rows_never_out_of_bag(shares: ArrayView2<'_, f64>, table: &FeatureTable) {
    for (class, name) in ["negative", "positive"].into_iter().enumerate() {
        let rows = shares.rows().into_iter().zip(&table.labels);
        let rows: Vec<bool> = rows
            .filter(|(_, label)| **label == class)
            .map(|(shares, _)| shares.iter().all(|share| share.is_finite()))
            .collect();
        let judged = rows.iter().filter(|&&judged| judged).count();
        if 2 * judged < rows.len() {
            tracing::warn!(
                "out-of-bag scores judge {judged} of {} rows of the {name} class, because its weight \
                 puts the others into every tree's sample; class_weight none leaves rows of both \
                 classes out of the bag",
                rows.len()
            );
        }
    }
}

/// Logs each tenth of the trees, and stops the training when the job is stopped.
struct Progress<'a> {
    container: &'a Container,
    tenth: usize,
}

impl Watch for Progress<'_> {
    fn grown(&self, trees: usize) {
        if trees.is_multiple_of(self.tenth) {
            tracing::debug!("{trees} trees are grown");
        }
    }

    fn stopped(&self) -> bool {
        self.container.stopping()
    }
}

/// Returns the parameters of the forest for the hyperparameters of the job.
fn params(settings: &Hyperparameters) -> RandomForestParams {
    let limit = |limit: u32| (limit > 0).then_some(limit as usize);
    let samples = |samples| match samples {
        Samples::Count(count) => forest::Samples::Count(count as usize),
        Samples::Fraction(share) => forest::Samples::Fraction(share),
    };
    RandomForest::params()
        .n_estimators(settings.n_estimators as usize)
        .criterion(match settings.criterion {
            Criterion::Gini => forest::Criterion::Gini,
            Criterion::Entropy | Criterion::LogLoss => forest::Criterion::Entropy,
        })
        .max_depth(limit(settings.max_depth))
        .max_leaf_nodes(limit(settings.max_leaf_nodes))
        .min_samples_split(samples(settings.min_samples_split))
        .min_samples_leaf(samples(settings.min_samples_leaf))
        .max_bins(limit(settings.max_bins))
        .bootstrap(settings.bootstrap)
        .max_samples(Some(samples(settings.max_samples)))
        // The importances need its decision function, too: see `warn_of_rows_never_out_of_bag`.
        .oob_score(settings.oob_score || settings.permutation_importances)
        .permutation_importances(settings.permutation_importances)
        .max_features(match settings.max_features {
            MaxFeatures::Sqrt => forest::MaxFeatures::Sqrt,
            MaxFeatures::Log2 => forest::MaxFeatures::Log2,
            MaxFeatures::All => forest::MaxFeatures::All,
            MaxFeatures::Count(count) => forest::MaxFeatures::Count(count as usize),
            MaxFeatures::Fraction(share) => forest::MaxFeatures::Fraction(share),
        })
        .class_weight(match settings.class_weight {
            ClassWeight::Balanced => forest::ClassWeight::Balanced,
            ClassWeight::None => forest::ClassWeight::Uniform,
            ClassWeight::Each(Weights { negative, positive }) => {
                forest::ClassWeight::Each(vec![negative, positive])
            }
        })
        .random_state(settings.random_state.into())
}

/// Returns the metrics, over the training rows, of the trees that this host grew.
fn score(
    forest: &RandomForest,
    table: &FeatureTable,
) -> Result<indexmap::IndexMap<String, Measure>, TrainError> {
    let probabilities = forest.predict_proba(table.records.view())?;
    let scores = Scores::of(&table.labels.to_vec(), &probabilities.column(1).to_vec());
    let value = |name: &str| scores.metric(name).map(|value| (name.to_owned(), value));
    Ok(TRAINING_METRICS.into_iter().filter_map(value).collect())
}

/// Logs a line for each metric, in the form that the definition's MetricDefinitions expect.
fn log_metrics(metadata: &Metadata) {
    for (name, Measure(value)) in &metadata.training_metrics {
        if value.is_finite() {
            tracing::info!("{}={value:.6}", training_metric_key(name));
        } else {
            tracing::warn!("{} has no value over these rows", training_metric_key(name));
        }
    }
    for (name, share) in &metadata.feature_importances {
        tracing::info!("feature_importance_{name}={share:.6}");
    }
    for (name, loss) in &metadata.permutation_importances {
        tracing::info!("permutation_importance_{name}={loss:.6}");
    }
}

/// Returns the name and the contents of `model.onnx`, the model for other programs. A host that grew
/// only some of the trees cannot make it.
fn onnx(bundle: &Bundle, shard: Shard) -> Option<(String, Vec<u8>)> {
    if shard != Shard::WHOLE {
        return None;
    }
    match bundle.to_onnx() {
        Ok(bytes) => Some((MODEL_ONNX.to_owned(), bytes)),
        Err(error) => {
            tracing::warn!("{MODEL_ONNX} is left out: {error}");
            None
        }
    }
}

/// Writes all outputs, or none.
fn write(
    container: &Container,
    bundle: &Bundle,
    shard: Shard,
    trees: u32,
) -> Result<(), TrainError> {
    let mut model = bundle.to_shard(shard, trees)?;
    model.extend(onnx(bundle, shard));
    let mut outputs: Vec<_> =
        model.into_iter().map(|(name, bytes)| (container.model().join(name), bytes)).collect();
    let mut metrics = serde_json::to_vec_pretty(&bundle.metadata.training_metrics)?;
    metrics.push(b'\n');
    let name = shard.file_name(paths::TRAINING_METRICS_JSON);
    outputs.push((container.output_data().join(name), metrics));
    write_all_or_none(outputs.iter().map(|(path, _)| path), || {
        outputs.iter().try_for_each(|(path, bytes)| write_file(path, bytes))
    })?;
    Ok(())
}

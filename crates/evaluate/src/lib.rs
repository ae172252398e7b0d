//! The Evaluate step: a model and test rows become a report.
//!
//! Knows the order of that work. Must never know how the model was trained, nor what is done with a
//! gate's verdict.
//!
//! ```
//! use container::Container;
//! use testkit::Sandbox;
//! # use artifacts::{Bundle, Metadata};
//! # use linfa::prelude::Fit;
//! #
//! # let recipe = r#"{"format_version": 1, "recipe": {
//! #     "columns": [{"column": {"name": "Torque", "unit": "Nm"}, "median": 20.0}],
//! #     "label": {"column": "Downtime", "positive": ["yes"], "negative": ["no"]},
//! #     "features": []
//! # }}"#;
//! # let rows = linfa::Dataset::new(
//! #     ndarray::array![[14.5_f32], [15.2], [24.1], [26.3]],
//! #     ndarray::array![1_usize, 1, 0, 0],
//! # );
//! # let bundle = Bundle {
//! #     forest: forest::RandomForest::params().n_estimators(10).fit(&rows)?,
//! #     recipe: artifacts::read_recipe(recipe.as_bytes())?,
//! #     metadata: Metadata {
//! #         algorithm: "random_forest".to_owned(),
//! #         program_version: "0.1.0".to_owned(),
//! #         data_digest: String::new(),
//! #         training_rows: 4,
//! #         hyperparameters: Default::default(),
//! #         training_metrics: Default::default(),
//! #         feature_importances: Default::default(),
//! #         permutation_importances: Default::default(),
//! #     },
//! #     background: None,
//! # };
//! # let level = flate2::Compression::default();
//! # let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), level));
//! # for (name, contents) in bundle.to_files()? {
//! #     let mut header = tar::Header::new_gnu();
//! #     header.set_size(contents.len() as u64);
//! #     header.set_mode(0o644);
//! #     archive.append_data(&mut header, name, contents.as_slice())?;
//! # }
//! # let model_tar_gz = archive.into_inner()?.finish()?;
//!
//! // A model that knows one column, the torque, which is low where a machine has failed.
//! let opt_ml = Sandbox::new();
//! opt_ml
//!     .file("processing/model/model.tar.gz", model_tar_gz)
//!     .file("processing/test/test.csv", "Torque,label\n14.8,1\n25.0,0\n27.1,0\n");
//!
//! let arguments = vec!["--gate=accuracy=0.8".to_owned()];
//! evaluate::run(&Container::new(opt_ml.base(), arguments, [].into()))?;
//! let metrics = opt_ml.read("processing/evaluation/metrics.json");
//! assert!(metrics.contains(r#""accuracy": 1.0"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod report;

use std::io::BufReader;

use artifacts::{Bundle, Evaluation, GateVerdict, Measure, ModelOrigin, Scores};
use common::{Sha256Reader, write_all_or_none, write_file};
use config::steps::{self, paths};
use container::Container;
use dataset::FeatureTable;

pub use error::EvaluateError;

/// Runs the step in a container: reads the model and the test rows, and writes the report and the
/// flat metrics. A missed gate is part of the report and not an error.
///
/// # Errors
/// Returns an error if an argument is invalid, the model or the test rows cannot be read, or an
/// output cannot be written. No output is left then.
pub fn run(container: &Container) -> Result<(), EvaluateError> {
    let settings = settings(container)?;
    let hosts = container.hosts()?.all.len();
    if hosts > 1 {
        return Err(EvaluateError::Hosts(hosts));
    }
    let (bundle, model_digest) = bundle(container, settings.max_model_mb << 20)?;
    let table = table(container, &bundle)?;
    tracing::info!(rows = table.labels.len(), "scoring the test rows");
    let probabilities = bundle.forest.predict_proba(table.records.view())?;
    let scores = Scores::of(&table.labels.to_vec(), &probabilities.column(1).to_vec());
    let gates = settings.gates.iter();
    let evaluation = Evaluation {
        gates: gates
            .map(|gate| GateVerdict::new(gate.metric.name(), gate.minimum, &scores))
            .collect(),
        model: ModelOrigin {
            algorithm: bundle.metadata.algorithm,
            program_version: bundle.metadata.program_version,
            model_digest,
            data_digest: bundle.metadata.data_digest,
            training_rows: bundle.metadata.training_rows,
            hyperparameters: bundle.metadata.hyperparameters,
        },
        scores,
    };
    log_report(&evaluation, &settings);
    write(container, &evaluation)
}

/// Returns the settings of the job, after a warning for each unknown argument.
fn settings(container: &Container) -> Result<steps::Evaluate, EvaluateError> {
    let parsed = steps::Evaluate::parse(container.arguments())?;
    for argument in parsed.unknown {
        tracing::warn!("argument `{argument}` is not known here, it is ignored");
    }
    Ok(parsed.settings)
}

/// Returns the model, which unpacks to at most `most` bytes, and the SHA-256 digest of its archive.
fn bundle(container: &Container, most: u64) -> Result<(Bundle, String), EvaluateError> {
    let path = container.processing(paths::EVALUATE_MODEL).join(container::wire::MODEL_ARCHIVE);
    let archive = fs_err::File::open(&path).map_err(EvaluateError::Input)?;
    let length = archive.metadata().map_err(EvaluateError::Input)?.len();
    let mut archive = Sha256Reader::new(archive);
    let bundle = Bundle::from_archive_within(BufReader::new(&mut archive), length, most)
        .map_err(|source| EvaluateError::Model { path, source })?;
    // Bytes behind the archive's end belong to the file, too.
    let digest = archive.digest_to_end().map_err(EvaluateError::Input)?;
    Ok((bundle, digest))
}

fn table(container: &Container, bundle: &Bundle) -> Result<FeatureTable, EvaluateError> {
    let path = container.processing(paths::EVALUATE_TEST).join(paths::TEST_CSV);
    let file = fs_err::File::open(&path).map_err(EvaluateError::Input)?;
    Ok(FeatureTable::read(path.as_str(), file, bundle.recipe.feature_names())?)
}

/// Logs the configured metrics that have a value, the reasons why others have none, and the gates.
fn log_report(evaluation: &Evaluation, settings: &steps::Evaluate) {
    for metric in &settings.metrics {
        if let Some(Measure(value)) = evaluation.scores.metric(metric.name())
            && value.is_finite()
        {
            tracing::info!("{metric}={value:.6}");
        }
    }
    for (name, reason) in evaluation.scores.explanations() {
        tracing::warn!("{name} has no value: {reason}");
    }
    for gate in &evaluation.gates {
        let GateVerdict { metric, minimum, value: Measure(value), met } = gate;
        if *met {
            tracing::info!("gate met: {metric} {value:.6} >= {minimum}");
        } else {
            tracing::warn!("gate missed: {metric} {value:.6}, expected at least {minimum}");
        }
    }
}

/// Writes both outputs, or none.
fn write(container: &Container, evaluation: &Evaluation) -> Result<(), EvaluateError> {
    let output = container.processing(paths::EVALUATE_OUTPUT);
    let outputs = [
        (output.join(paths::EVALUATION_JSON), report::with_missed_gates(evaluation)?),
        (output.join(paths::METRICS_JSON), evaluation.metrics_to_json()?),
    ];
    write_all_or_none(outputs.iter().map(|(path, _)| path), || {
        outputs.iter().try_for_each(|(path, bytes)| write_file(path, bytes))
    })?;
    Ok(())
}

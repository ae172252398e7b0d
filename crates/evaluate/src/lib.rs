//! The Evaluate step: a model and test rows become a report.
//!
//! Knows the order of that work. Must never know how the model was trained, nor what is done with a
//! gate's verdict.

mod error;

use std::io::BufReader;

use artifacts::{Bundle, Evaluation, GateVerdict, Measure, ModelOrigin, Scores};
use common::write_file;
use config::steps::{self, paths};
use container::Container;
use dataset::FeatureTable;

pub use error::EvaluateError;

/// Runs the step in its container.
///
/// # Errors
/// Settings of no use, a model or test rows that cannot be read, outputs that cannot be written. A
/// gate that is missed is not an error: it is the report.
pub fn run(container: &Container) -> Result<(), EvaluateError> {
    let settings = settings(container)?;
    let hosts = container.hosts()?.all.len();
    if hosts > 1 {
        return Err(EvaluateError::Hosts(hosts));
    }
    let bundle = bundle(container)?;
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
            data_digest: bundle.metadata.data_digest,
        },
        scores,
    };
    log(&evaluation, &settings);
    write(container, &evaluation)
}

fn settings(container: &Container) -> Result<steps::Evaluate, EvaluateError> {
    let parsed = steps::Evaluate::parse(container.arguments())?;
    for argument in parsed.unknown {
        tracing::warn!("argument `{argument}` is not known here, it is ignored");
    }
    Ok(parsed.settings)
}

fn bundle(container: &Container) -> Result<Bundle, EvaluateError> {
    let path = container.processing(paths::EVALUATE_MODEL).join(container::wire::MODEL_ARCHIVE);
    let archive = fs_err::File::open(&path).map_err(EvaluateError::Input)?;
    let length = archive.metadata().map_err(EvaluateError::Input)?.len();
    Bundle::from_archive(BufReader::new(archive), length)
        .map_err(|source| EvaluateError::Model { path, source })
}

fn table(container: &Container, bundle: &Bundle) -> Result<FeatureTable, EvaluateError> {
    let path = container.processing(paths::EVALUATE_TEST).join(paths::TEST_CSV);
    let file = fs_err::File::open(&path).map_err(EvaluateError::Input)?;
    Ok(FeatureTable::read(path.as_str(), file, bundle.recipe.feature_names())?)
}

fn log(evaluation: &Evaluation, settings: &steps::Evaluate) {
    for metric in &settings.metrics {
        match evaluation.scores.metric(metric.name()) {
            Some(Measure(value)) if value.is_finite() => tracing::info!("{metric}={value:.6}"),
            _ => {}
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

/// Leaves both outputs or none: one of them would look like both to whoever finds it.
fn write(container: &Container, evaluation: &Evaluation) -> Result<(), EvaluateError> {
    let output = container.processing(paths::EVALUATE_OUTPUT);
    let outputs = [
        (output.join(paths::EVALUATION_JSON), evaluation.to_json()?),
        (output.join(paths::METRICS_JSON), evaluation.metrics_to_json()?),
    ];
    let written = outputs.iter().try_for_each(|(path, bytes)| write_file(path, bytes));
    written.inspect_err(|_| {
        for (path, _) in &outputs {
            let _ = fs_err::remove_file(path);
        }
    })?;
    Ok(())
}

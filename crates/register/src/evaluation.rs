//! The fields of an evaluation that are stored with a version in the registry.
//!
//! Both files are read by the names of their fields and not through `artifacts`: that crate would
//! bring the forest into a program that needs a few values.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use config::Metric;
use config::steps::paths;
use registry::{MODEL_DIGEST, REPORT_DIGEST};
use serde_json::{Map, Value};

use crate::RegisterError;

/// The fields of `metrics.json` that are stored, each a number from 0 to 1.
const METRICS: [Metric; 3] = Metric::REGISTERED;
/// The fields of `model` in `evaluation.json` that are stored: the origin of the model.
const ORIGIN: [&str; 3] = ["algorithm", "data_digest", "program_version"];

/// The format version of the flat metrics.
const METRICS_VERSION: u64 = 1;
/// The format version of the report that says with what the model was trained.
const REPORT_VERSION: u64 = 2;
/// The one before, which does not.
const WITHOUT_TRAINING: u64 = 1;

/// The metrics and the origin of a model, as text.
#[derive(Debug)]
pub(crate) struct EvaluationFields {
    metrics: BTreeMap<String, String>,
    origin: BTreeMap<String, String>,
    training: BTreeMap<String, String>,
}

impl EvaluationFields {
    /// Reads both files in a directory.
    ///
    /// # Errors
    /// Returns an error that names all missing and invalid fields of a file. A metric without a
    /// value never becomes zero.
    pub(crate) fn read(directory: &Utf8Path) -> Result<Self, RegisterError> {
        let metrics = Document::read(directory.join(paths::METRICS_JSON), &[METRICS_VERSION])?;
        let metrics =
            metrics.fields("", METRICS.map(Metric::name), "a number from 0 to 1", |value| {
                let share = value.as_f64().filter(|share| (0.0..=1.0).contains(share))?;
                Some(share.to_string())
            })?;
        let versions = [WITHOUT_TRAINING, REPORT_VERSION];
        let report = Document::read(directory.join(paths::EVALUATION_JSON), &versions)?;
        let mut origin = report.fields("/model", ORIGIN, "a text", |value| {
            value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        })?;
        origin.extend(model_digest(&report)?);
        origin.insert(REPORT_DIGEST.to_owned(), report.digest.clone());
        let training = if report.version() == Some(REPORT_VERSION) {
            training(&report)?
        } else {
            BTreeMap::new()
        };
        Ok(Self { metrics, origin, training })
    }

    /// Returns the customer metadata properties of the version.
    pub(crate) fn metadata(self) -> BTreeMap<String, String> {
        let Self { mut metrics, origin, training } = self;
        metrics.extend(origin);
        metrics.extend(training);
        metrics
    }
}

/// Returns the digest of the model archive. Reports of earlier programs have none.
fn model_digest(report: &Document) -> Result<BTreeMap<String, String>, RegisterError> {
    if report.json.pointer(&format!("/model/{MODEL_DIGEST}")).is_none() {
        return Ok(BTreeMap::new());
    }
    report.fields(
        "/model",
        [MODEL_DIGEST],
        "a SHA-256 of 64 lower-case hexadecimal digits",
        |value| value.as_str().filter(|text| common::is_sha256_hex(text)).map(str::to_owned),
    )
}

/// Returns with what the model was trained: the number of rows, and an entry for each hyperparameter.
fn training(report: &Document) -> Result<BTreeMap<String, String>, RegisterError> {
    let rows = report.fields("/model", ["training_rows"], "a whole number", |value| {
        value.as_u64().map(|rows| rows.to_string())
    })?;
    let mut found = rows;
    for (key, value) in report.members("/model", "hyperparameters")? {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        found.insert(format!("hyperparameters.{key}"), text);
    }
    Ok(found)
}

/// A file of the evaluation.
struct Document {
    path: Utf8PathBuf,
    json: Value,
    /// The SHA-256 of the file.
    digest: String,
}

impl Document {
    /// Reads a file of one of these format versions. The flat metrics may come from another program, which
    /// states none.
    fn read(path: Utf8PathBuf, versions: &[u64]) -> Result<Self, RegisterError> {
        let bytes = common::json::read(&path).map_err(RegisterError::Unreadable)?;
        let json = match common::json::from_slice(&bytes) {
            Ok(json) => json,
            Err(source) => return Err(RegisterError::NotJson { path, source }),
        };
        let document = Self { path, json, digest: common::sha256_hex(&bytes) };
        match document.json.get("format_version") {
            Some(found) if !versions.iter().any(|version| *found == *version) => {
                let versions: Vec<String> = versions.iter().map(u64::to_string).collect();
                let expected = versions.join(" or ");
                Err(document.faulty(vec![format!("format_version {found}, expected {expected}")]))
            }
            _ => Ok(document),
        }
    }

    fn version(&self) -> Option<u64> {
        self.json.get("format_version")?.as_u64()
    }

    /// Returns the members `names` of the object at the JSON pointer `pointer`, converted by `read`.
    ///
    /// # Errors
    /// Returns an error that names all members that are missing or that `read` does not accept.
    fn fields<const N: usize>(
        &self,
        pointer: &str,
        names: [&str; N],
        expected: &str,
        read: impl Fn(&Value) -> Option<String>,
    ) -> Result<BTreeMap<String, String>, RegisterError> {
        let mut found = BTreeMap::new();
        let mut faults = Vec::new();
        for name in names {
            let value = self.json.pointer(&format!("{pointer}/{name}"));
            match value.and_then(&read) {
                Some(text) => drop(found.insert(name.to_owned(), text)),
                None => faults.push(fault(pointer, name, value, expected)),
            }
        }
        if faults.is_empty() { Ok(found) } else { Err(self.faulty(faults)) }
    }

    /// Returns the members of the object `name` at the JSON pointer `pointer`.
    fn members(&self, pointer: &str, name: &str) -> Result<&Map<String, Value>, RegisterError> {
        let value = self.json.pointer(&format!("{pointer}/{name}"));
        value
            .and_then(Value::as_object)
            .ok_or_else(|| self.faulty(vec![fault(pointer, name, value, "an object")]))
    }

    fn faulty(&self, faults: Vec<String>) -> RegisterError {
        RegisterError::Evaluation { path: self.path.clone(), faults }
    }
}

/// Returns what is wrong with a member.
fn fault(pointer: &str, name: &str, found: Option<&Value>, expected: &str) -> String {
    let place = format!("{pointer}/{name}").trim_start_matches('/').replace('/', ".");
    match found {
        Some(value) => format!("{place} {value}, expected {expected}"),
        None => format!("no {place}, expected {expected}"),
    }
}

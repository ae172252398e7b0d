//! The fields of an evaluation that are stored with a version in the registry.
//!
//! Both files are read by the names of their fields and not through `artifacts`: that crate would
//! bring the forest into a program that needs six values.

use std::collections::BTreeMap;

use camino::Utf8Path;
use config::Metric;
use config::steps::paths;
use serde_json::Value;

use crate::RegisterError;

/// The fields of `metrics.json` that are stored, each a number from 0 to 1.
const METRICS: [Metric; 3] = Metric::REGISTERED;
/// The fields of `model` in `evaluation.json` that are stored: the origin of the model.
const ORIGIN: [&str; 3] = ["algorithm", "data_digest", "program_version"];

/// The format version of both files.
const FORMAT_VERSION: u32 = 1;

/// The metrics and the origin of a model, as text.
#[derive(Debug)]
pub(crate) struct EvaluationFields {
    metrics: BTreeMap<String, String>,
    origin: BTreeMap<String, String>,
}

impl EvaluationFields {
    /// Reads both files in a directory.
    ///
    /// # Errors
    /// Returns an error that names all missing and invalid fields of a file. A metric without a
    /// value never becomes zero.
    pub(crate) fn read(directory: &Utf8Path) -> Result<Self, RegisterError> {
        let metrics = fields(
            &directory.join(paths::METRICS_JSON),
            "",
            METRICS.map(Metric::name),
            "a number from 0 to 1",
            |value| {
                let share = value.as_f64().filter(|share| (0.0..=1.0).contains(share))?;
                Some(share.to_string())
            },
        )?;
        let origin =
            fields(&directory.join(paths::EVALUATION_JSON), "/model", ORIGIN, "a text", |value| {
                value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
            })?;
        Ok(Self { metrics, origin })
    }

    /// Returns the customer metadata properties of the version.
    pub(crate) fn metadata(&self) -> BTreeMap<String, String> {
        self.metrics.iter().chain(&self.origin).map(|(k, v)| (k.clone(), v.clone())).collect()
    }
}

/// Returns the members `names` of the object at the JSON pointer `pointer` of a file, converted by
/// `read`.
///
/// # Errors
/// Returns an error that names all members that are missing or that `read` does not accept.
fn fields(
    path: &Utf8Path,
    pointer: &str,
    names: [&str; 3],
    expected: &str,
    read: impl Fn(&Value) -> Option<String>,
) -> Result<BTreeMap<String, String>, RegisterError> {
    let json = fs_err::read(path).map_err(RegisterError::Unreadable)?;
    let document: Value = serde_json::from_slice(&json)
        .map_err(|source| RegisterError::NotJson { path: path.to_owned(), source })?;
    let mut found = BTreeMap::new();
    let mut faults = Vec::new();
    // The flat metrics may come from another program, which states no version.
    if let Some(version) = document.get("format_version").filter(|found| **found != FORMAT_VERSION)
    {
        faults.push(format!("format_version {version}, expected {FORMAT_VERSION}"));
    }
    for name in names {
        let value = document.pointer(&format!("{pointer}/{name}"));
        let place = format!("{pointer}/{name}").trim_start_matches('/').replace('/', ".");
        if let Some(text) = value.and_then(&read) {
            found.insert(name.to_owned(), text);
        } else if let Some(value) = value {
            faults.push(format!("{place} {value}, expected {expected}"));
        } else {
            faults.push(format!("no {place}, expected {expected}"));
        }
    }
    if faults.is_empty() {
        Ok(found)
    } else {
        Err(RegisterError::Evaluation { path: path.to_owned(), faults })
    }
}

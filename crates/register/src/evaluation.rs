//! What of an evaluation a version is remembered by.
//!
//! Both files are read by the names of their fields and not through `artifacts`, which would bring
//! the forest and its arithmetic into a program that needs nine words of text.

use std::collections::BTreeMap;

use camino::Utf8Path;
use config::Metric;
use config::steps::paths;
use serde_json::Value;

use crate::RegisterError;

/// From `metrics.json`, each a number from 0 to 1.
const METRICS: [Metric; 3] = Metric::REGISTERED;
/// From `evaluation.json`, what its `model` says of the model's origin.
const ORIGIN: [&str; 3] = ["algorithm", "data_digest", "program_version"];

/// The version of both files' format that is read here.
const FORMAT_VERSION: u32 = 1;

/// The metrics and the model's origin, as text.
#[derive(Debug)]
pub(crate) struct Evaluation {
    metrics: BTreeMap<String, String>,
    origin: BTreeMap<String, String>,
}

impl Evaluation {
    /// Reads both files of a directory. A metric that is missing or is no number is an error, all
    /// of them at once; never a zero.
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

    pub(crate) fn metadata(&self) -> BTreeMap<String, String> {
        self.metrics.iter().chain(&self.origin).map(|(k, v)| (k.clone(), v.clone())).collect()
    }
}

/// Reads the named members of the object at `pointer` in a JSON file.
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
    // Flat metrics may come from another program, which has no version to state.
    if let Some(version) = document.get("format_version").filter(|found| **found != FORMAT_VERSION)
    {
        faults.push(format!("format_version {version}, expected {FORMAT_VERSION}"));
    }
    for name in names {
        let value = document.pointer(&format!("{pointer}/{name}"));
        let place = format!("{pointer}/{name}").trim_start_matches('/').replace('/', ".");
        match (value, value.and_then(&read)) {
            (_, Some(text)) => drop(found.insert(name.to_owned(), text)),
            (Some(value), None) => faults.push(format!("{place} {value}, expected {expected}")),
            (None, None) => faults.push(format!("no {place}, expected {expected}")),
        }
    }
    if faults.is_empty() {
        Ok(found)
    } else {
        Err(RegisterError::Evaluation { path: path.to_owned(), faults })
    }
}

//! The settings of the table: the file that Preprocess reads.

use config::Settings;
use config::steps::paths;
use infrastructure::DEFINITIONS;
use pipeline::{Definition, StepKind};

/// The settings of the table as an object in the bucket. The definition names its address, so it
/// must be stored before the definition runs.
///
/// The address contains the digest of the contents. An execution whose definition is older than the
/// settings reads the settings that it was made with, and SageMaker's step cache, which compares
/// addresses, reuses Preprocess for the same settings only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDocument {
    /// The key in the bucket of the settings.
    pub key: String,
    /// The address, `s3://<bucket>/<key>`.
    pub uri: String,
    /// The contents.
    pub json: String,
    /// The SHA-256 digest of the contents.
    pub digest: String,
}

impl TableDocument {
    /// Returns the document of these settings. The same settings give the same bytes and address.
    pub fn of(settings: &Settings) -> Self {
        let json = settings.table().to_json();
        let digest = common::sha256_hex(&json);
        let name = &settings.pipeline.name;
        let key = format!("{DEFINITIONS}{name}/{digest}/{}", paths::TABLE_JSON);
        Self { uri: settings.s3_paths.url(&key), key, json, digest }
    }

    /// Returns whether a step of the definition reads the document.
    pub fn is_read_by(&self, definition: &Definition) -> bool {
        definition.steps_recursive().iter().any(|placed| match &placed.step.kind {
            StepKind::Processing(job) => {
                let inputs = job.processing_inputs.iter().filter_map(|i| i.s3_input.as_ref());
                inputs.filter_map(|input| input.s3_uri.as_str()).any(|uri| uri == self.uri)
            }
            _ => false,
        })
    }
}

//! The step Preprocess.

use config::steps::paths;
use config::{Image, JobKind};
use pipeline::{Expression, Step};

use super::names::{INPUT_PARAMETER, INPUT_VERSION_PARAMETER, PREPROCESS};
use super::shared::{DefinitionBuilder, from_parameter, input, output};
use super::table::TableDocument;

impl DefinitionBuilder<'_> {
    /// Returns the step that reads the raw table and writes the training and test rows.
    pub(super) fn preprocess(&self) -> Step {
        let s = self.settings;
        let arguments = s.preprocess().to_arguments();
        let arguments = arguments.iter().map(|argument| match argument.name {
            "test-size" => from_parameter("--test-size=", "TestSize"),
            "seed" => from_parameter("--seed=", "RandomState"),
            "input-version" => from_parameter("--input-version=", INPUT_VERSION_PARAMETER),
            _ => argument.to_string().into(),
        });
        let mut job = self.processing(JobKind::Processing, Image::Preprocess, arguments.collect());
        let table = TableDocument::of(s);
        job.processing_inputs = vec![
            input("raw", Expression::parameter(INPUT_PARAMETER), paths::PREPROCESS_INPUT),
            input("settings", table.uri.into(), paths::PREPROCESS_SETTINGS),
        ];
        let outputs = [
            ("train", paths::PREPROCESS_TRAIN),
            ("test", paths::PREPROCESS_TEST),
            ("recipe", paths::PREPROCESS_RECIPE),
            ("summary", paths::PREPROCESS_SUMMARY),
        ];
        let prefix = &s.s3_paths.processed_data;
        let outputs =
            outputs.map(|(name, path)| output(name, self.own_prefix(prefix, Some(name)), path));
        job.processing_output_config = self.outputs(outputs.into());
        self.job(PREPROCESS, "Clean the raw table, engineer features, split it", job)
    }
}

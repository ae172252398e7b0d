//! The arguments of the job and the settings of the table.

use config::steps::{self, paths};
use container::Container;

use crate::error::PreprocessError;

/// Returns the arguments of the job, after a warning for each unknown one.
pub(crate) fn arguments(container: &Container) -> Result<steps::Preprocess, PreprocessError> {
    let parsed = steps::Preprocess::parse(container.arguments())?;
    for argument in parsed.unknown {
        tracing::warn!("argument `{argument}` is not known here, it is ignored");
    }
    Ok(parsed.settings)
}

/// Reads the settings of the table. They have no defaults: those of this program need not be those
/// of the definition.
pub(crate) fn table(container: &Container) -> Result<steps::TableSettings, PreprocessError> {
    let path = container.processing(paths::PREPROCESS_SETTINGS).join(paths::TABLE_JSON);
    let document = common::json::read(&path).map_err(PreprocessError::NoSettings)?;
    steps::TableSettings::from_json(&document)
        .map_err(|source| PreprocessError::TableSettings { path, source })
}

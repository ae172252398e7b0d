//! Our pipeline as a SageMaker definition, built from the settings: a file for each step.
//!
//! Preprocess, Train and Evaluate run in this order; then QualityGate lets Register run or ends in
//! QualityGateFailed.

mod evaluate;
#[cfg(feature = "aws")]
pub mod machines;
pub mod names;
mod parameters;
mod preprocess;
mod quality_gate;
mod register;
mod shared;
mod table;
mod train;

use config::Settings;
use pipeline::Definition;

use shared::DefinitionBuilder;
pub use table::TableDocument;

/// Returns the definition of the pipeline of these settings. The same settings give the same
/// definition, and its digest tells it from others. It needs the [`TableDocument`] of the settings in the bucket.
pub fn build(settings: &Settings) -> Definition {
    let without_digest = DefinitionBuilder { settings, digest: "" }.definition();
    let digest = common::sha256_hex(without_digest.to_json());
    DefinitionBuilder { settings, digest: &digest }.definition()
}

impl DefinitionBuilder<'_> {
    fn definition(&self) -> Definition {
        let steps = vec![self.preprocess(), self.train(), self.evaluate(), self.quality_gate()];
        Definition::new(self.parameters(), steps)
    }
}

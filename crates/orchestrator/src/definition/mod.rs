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
use pipeline::{Definition, StepKind};

use shared::DefinitionBuilder;
pub use table::TableDocument;

/// Returns the definition of the pipeline of these settings. The same settings give the same
/// definition, and its digest tells it from others. It needs the [`TableDocument`] of the settings in the bucket.
pub fn build(settings: &Settings) -> Definition {
    let without_digest = DefinitionBuilder { settings, digest: "" }.definition();
    let digest = common::sha256_hex(without_digest.to_json());
    DefinitionBuilder { settings, digest: &digest }.definition()
}

/// Returns the name of the step of a definition, whoever wrote it, that runs the settings' own
/// Register: the step of that name, if it starts the same program of the same image.
pub fn own_register<'a>(settings: &Settings, definition: &'a Definition) -> Option<&'a str> {
    let own = build(settings);
    let step = definition.step(names::REGISTER)?;
    match (&own.step(names::REGISTER)?.kind, &step.kind) {
        (StepKind::Processing(own), StepKind::Processing(job)) => {
            let (own, job) = (&own.app_specification, &job.app_specification);
            let same = own.image_uri == job.image_uri
                && own.container_entrypoint == job.container_entrypoint;
            same.then_some(&*step.name)
        }
        _ => None,
    }
}

impl DefinitionBuilder<'_> {
    fn definition(&self) -> Definition {
        let steps = vec![self.preprocess(), self.train(), self.evaluate(), self.quality_gate()];
        Definition::new(self.parameters(), steps)
    }
}

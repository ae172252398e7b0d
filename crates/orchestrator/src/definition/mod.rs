//! Our pipeline as a SageMaker definition, built from the settings: a file for each step.
//!
//! Preprocess, Train and Evaluate run in this order; then QualityGate lets Register run or ends in
//! QualityGateFailed.

mod evaluate;
#[cfg(feature = "aws")]
mod machines;
mod names;
mod parameters;
mod preprocess;
mod quality_gate;
mod register;
mod shared;
mod train;

use config::Settings;
use pipeline::Definition;

#[cfg(feature = "aws")]
pub use machines::{Machine, machines};
pub use names::INPUT_PARAMETER;
#[cfg(feature = "aws")]
pub use names::{EVALUATE, PREPROCESS, QUALITY_GATE_FAILED, REGISTER};
use shared::DefinitionBuilder;

/// Returns the definition of the pipeline of these settings. The same settings give the same
/// definition.
pub fn build(settings: &Settings) -> Definition {
    let builder = DefinitionBuilder { settings };
    let steps =
        vec![builder.preprocess(), builder.train(), builder.evaluate(), builder.quality_gate()];
    Definition::new(builder.parameters(), steps)
}

/// Returns whether a definition has the steps of this pipeline, of whatever settings.
#[cfg(feature = "aws")]
pub fn is_ours(definition: &Definition) -> bool {
    use names::{QUALITY_GATE, TRAIN};
    [PREPROCESS, TRAIN, EVALUATE, QUALITY_GATE].iter().all(|step| definition.step(step).is_some())
}

//! The orchestrator: our pipeline's definition built from the settings, checked offline, and run on
//! this machine or deployed and watched on SageMaker; the command line to all of it.
//!
//! Knows the settings, the definition language and the two ends of a run. Must never know how a
//! step does its work: it starts steps as processes and never links them.

mod arguments;
mod cli;
mod commands;
mod definition;
mod error;
mod output;
#[cfg(feature = "aws")]
mod sagemaker_error;

pub use cli::main;
pub use definition::build;

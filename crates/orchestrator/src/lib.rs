//! The orchestrator: our pipeline's definition built from the settings, checked offline, and run on
//! this machine or deployed and watched on SageMaker; the command line to all of it.
//!
//! Knows the settings, the definition language and the two ends of a run. Must never know how a
//! step does its work: it starts steps as processes and never links them.

mod cli;
#[cfg(feature = "aws")]
mod cloud;
mod command;
mod definition;
mod infrastructure;
mod models;
mod parameters;
mod progress;
mod report;
mod run;
mod table;
mod validate;

pub use cli::main;
pub use definition::build;

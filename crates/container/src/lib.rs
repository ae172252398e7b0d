//! SageMaker's container contract: the directories under `/opt/ml`, the files in them, failure and
//! message files, signals, logs and exit codes. Both ends use it: a step reads the contract, and
//! the local run writes it.
//!
//! Knows the contract. Must never know columns, models, or what a step does.
//!
//! A step's `main` is one call:
//!
//! ```no_run
//! use common::{Exit, Failure};
//! use container::{Container, Kind};
//!
//! #[derive(Debug, thiserror::Error)]
//! #[error("there is nothing to do")]
//! struct Idle;
//!
//! impl Failure for Idle {
//!     fn exit(&self) -> Exit {
//!         Exit::Failed
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     container::run(Kind::Processing, "idle", |_: &Container| Err(Idle))
//! }
//! ```

mod logs;
mod opt_ml;
mod run;
pub mod wire;

pub use opt_ml::{Container, ContainerError, Hosts};
pub use run::{Kind, run};

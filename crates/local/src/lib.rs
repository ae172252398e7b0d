//! Runs a pipeline definition on this machine: the crate schedules the steps, runs Processing and
//! Training jobs as processes or containers, and keeps a directory for S3, one for the Model
//! Registry and a record of each execution.
//!
//! Knows the definition language and the container contract. Must never know the settings, a command
//! line, or AWS.
//!
//! ```text
//! <runs>/s3/<bucket>/<key>             objects that the jobs read and write
//! <runs>/registry/<group>/<version>    registered models
//! <runs>/executions/<id>               each execution's record, definition and logs
//! <runs>/cache                         results that later executions can reuse
//! <runs>/running                       marks of the processes and executions that are at work
//! ```
//!
//! A definition of one step, whose execution fails with the step's message:
//!
//! ```
//! use std::collections::{BTreeMap, BTreeSet};
//! use std::num::NonZeroUsize;
//! use std::time::Duration;
//!
//! use local::{
//!     ModelRegistry, Processes, Programs, Progress, Registration, RegistrationError, RegistryAccess,
//!     RunOptions, Status, StepRecord, Stop,
//! };
//! use pipeline::{Definition, Step};
//! use serde_json::Value;
//!
//! struct Silent;
//!
//! impl Progress for Silent {
//!     fn began(&self, _: &str, _: Duration) {}
//!     fn retried(&self, _: &str, _: &str, _: u32) {}
//!     fn ended(&self, _: &StepRecord, _: &[String]) {}
//!     fn note(&self, _: &str) {}
//! }
//!
//! struct NoRegistry;
//!
//! impl ModelRegistry for NoRegistry {
//!     fn register(&self, _: &Value, _: &str) -> Result<Registration, RegistrationError> {
//!         Err(RegistrationError::Registry("there is none".to_owned()))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! let runs = camino::Utf8PathBuf::try_from(directory.path().to_owned())?;
//! let processes = Processes {
//!     programs: Programs { directory: runs.join("programs"), names: BTreeSet::new() },
//!     registry: RegistryAccess { directory: local::registry(&runs), step: None },
//!     environment: Vec::new(),
//! };
//! let options = RunOptions {
//!     runs,
//!     runner: Box::new(processes),
//!     models: Box::new(NoRegistry),
//!     pipeline_name: "example".to_owned(),
//!     parameters: indexmap::IndexMap::new(),
//!     named_input: None,
//!     inputs: local::Contents::new(),
//!     sync: true,
//!     cache: false,
//!     reused: BTreeMap::new(),
//!     parallel: NonZeroUsize::MIN,
//! };
//! let definition = Definition::new(Vec::new(), vec![Step::fail("Refuse", "the F1 is too low")]);
//! let ending = local::run(&definition, &options, &Silent, &Stop::default())?;
//! assert_eq!(ending.exit, common::Exit::Gate);
//! assert_eq!(ending.execution.status, Status::Failed);
//! assert_eq!(ending.execution.failure_reason.as_deref(), Some("Refuse: the F1 is too low"));
//! assert!(ending.execution.directory.join("execution.json").is_file());
//! # Ok(())
//! # }
//! ```

mod archive;
mod attempt;
mod cache;
pub mod clean;
mod docker;
mod docker_client;
mod environment;
mod execution;
mod failure;
mod inputs;
mod instance;
mod job;
mod keeper;
mod leftovers;
mod log;
mod metrics;
mod occupancy;
mod ownership;
mod process;
mod progress;
mod record;
mod recorded;
mod registration;
mod request;
mod resume;
mod retry;
mod runner;
mod stage;
mod state;
mod store;
mod strays;
mod transfer;
mod tree;

pub use docker::{Docker, DockerEngine, engine as docker_engine};
pub use execution::{Ending, RunOptions, executions, registry, run, store};
pub use inputs::inputs;
pub use job::LocalJob;
pub use occupancy::{Occupancy, running};
pub use process::{ENDING_SIGNALS, Stop};
pub use progress::Progress;
pub use record::{Compared, LocalExecution, Status, StepRecord};
pub use recorded::Contents;
pub use registration::{ModelRegistry, REGISTER_MODEL, Registration, RegistrationError};
pub use resume::{Earlier, ResumeError, ResumeFrom};
pub use runner::{Processes, Programs, RegistryAccess, Runner, refused_variables};
pub use stage::{StageError, Staged, is_runs_directory, stage};
pub use store::{Store, StoreError};

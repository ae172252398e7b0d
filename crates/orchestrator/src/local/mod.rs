//! The local run: a definition interpreted on this machine, with processes or containers for jobs,
//! a directory for S3 and one for the Model Registry.
//!
//! ```text
//! <runs>/s3/<bucket>/<key>             what the jobs read and write
//! <runs>/registry/<group>/<version>    registered models
//! <runs>/executions/<id>               each execution's record, definition and logs
//! <runs>/cache                         which results can be used again
//! ```

mod archive;
mod attempt;
mod cache;
mod docker;
mod engine;
mod failed;
mod instance;
mod job;
mod log;
mod process;
mod record;
mod runner;
mod store;

pub use docker::{Docker, engine as docker_engine};
pub use engine::{Options, executions, registry, run, store};
pub use process::Stop;
pub use record::{Compared, Execution, Status, StepRecord};
pub use runner::{Processes, Runner};
pub use store::{Store, StoreError, file_digest};

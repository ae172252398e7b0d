//! Runs a pipeline definition on this machine: it schedules the steps, runs Processing and Training
//! jobs as processes or containers, and keeps a directory for S3, one for the Model Registry and a
//! record of each execution.
//!
//! Knows the definition language and the container contract. Must never know the settings, a command
//! line, or AWS.
//!
//! ```text
//! <runs>/s3/<bucket>/<key>             objects that the jobs read and write
//! <runs>/registry/<group>/<version>    registered models
//! <runs>/executions/<id>               each execution's record, definition and logs
//! <runs>/cache                         results that later executions can reuse
//! ```

mod archive;
mod attempt;
mod cache;
mod docker;
mod execution;
mod failure;
mod instance;
mod job;
mod log;
mod process;
mod progress;
mod record;
mod request;
mod resume;
mod runner;
mod stage;
mod store;

pub use docker::{Docker, engine as docker_engine};
pub use execution::{Ending, RunOptions, executions, registry, run, store};
pub use job::LocalJob;
pub use process::Stop;
pub use progress::Progress;
pub use record::{Compared, LocalExecution, Status, StepRecord};
pub use resume::{ResumeError, ResumeFrom};
pub use runner::{Processes, Runner};
pub use stage::{StageError, Staged, stage};
pub use store::{Store, StoreError};

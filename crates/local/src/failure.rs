//! The failure of a job.

use common::{Exit, chain};

use crate::store::StoreError;

/// The failure of one attempt at a job.
#[derive(Debug)]
pub struct JobFailure {
    /// The reason, as the user reads it.
    pub reason: String,
    /// The host that failed, if a host did.
    pub host: Option<String>,
    /// The program's exit code.
    pub exit_code: Option<i32>,
    /// The meaning of the exit code.
    pub exit: Exit,
    /// The last lines of the job's log.
    pub tail: Vec<String>,
    /// The exception type that retry policies name, for a failure that may be transient.
    pub exception: Option<&'static str>,
    /// Whether the job was stopped because its execution or another of its hosts ended.
    pub stopped: bool,
}

impl JobFailure {
    /// Returns a failure without host, exit code, log and exception type.
    pub fn new(reason: String, exit: Exit) -> Self {
        Self {
            reason,
            host: None,
            exit_code: None,
            exit,
            tail: Vec::new(),
            exception: None,
            stopped: false,
        }
    }

    /// Attributes the failure to `host` and attaches the last lines of its log. Where the job has
    /// several hosts, the reason and the lines name the host.
    #[must_use]
    pub fn on_host(mut self, host: &str, hosts: usize, tail: Vec<String>) -> Self {
        let named = |text: String| if hosts > 1 { format!("{host}: {text}") } else { text };
        self.tail = tail.into_iter().map(named).collect();
        if !self.stopped {
            self.reason = named(self.reason);
        }
        self.host = Some(host.to_owned());
        self
    }

    /// Returns a failure of the machinery that runs the program, which may be transient.
    pub fn internal(reason: String) -> Self {
        let exception = Some("SageMaker.JOB_INTERNAL_ERROR");
        Self { exception, ..Self::new(reason, Exit::Failed) }
    }
}

impl From<StoreError> for JobFailure {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::Missing { .. }
            | StoreError::Changed { .. }
            | StoreError::Gone(_)
            | StoreError::Link(_) => Exit::Data,
            StoreError::Address(_) => Exit::Usage,
            StoreError::Io { .. } | StoreError::Write(_) => Exit::Failed,
        };
        Self::new(chain(&error), exit)
    }
}

impl From<common::FileError> for JobFailure {
    fn from(error: common::FileError) -> Self {
        StoreError::from(error).into()
    }
}

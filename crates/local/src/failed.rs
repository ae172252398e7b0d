//! Why a job did not succeed.

use common::{Exit, chain};

use crate::store::StoreError;

/// Why an attempt did not succeed.
#[derive(Debug)]
pub struct Failed {
    /// For people.
    pub reason: String,
    /// Which host it was, if it was one.
    pub host: Option<String>,
    /// What the program exited with.
    pub exit_code: Option<i32>,
    /// What that means.
    pub exit: Exit,
    /// The end of the job's log.
    pub tail: Vec<String>,
    /// SageMaker's name for a fault that may pass, if it is one.
    pub exception: Option<&'static str>,
    /// Whether it was the execution that stopped it.
    pub stopped: bool,
}

impl Failed {
    /// A failure that is not the program's.
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

    /// The same of one of so many hosts, whose log ends so. Where there are several, it is named.
    #[must_use]
    pub fn of_host(mut self, host: &str, hosts: usize, tail: Vec<String>) -> Self {
        let named = |text: String| if hosts > 1 { format!("{host}: {text}") } else { text };
        self.tail = tail.into_iter().map(named).collect();
        if !self.stopped {
            self.reason = named(self.reason);
        }
        self.host = Some(host.to_owned());
        self
    }

    /// A failure of what runs the program, which may pass.
    pub fn internal(reason: String) -> Self {
        let exception = Some("SageMaker.JOB_INTERNAL_ERROR");
        Self { exception, ..Self::new(reason, Exit::Failed) }
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::Missing { .. } => Exit::Data,
            StoreError::Address(_) => Exit::Usage,
            StoreError::Io { .. } | StoreError::Write(_) => Exit::Failed,
        };
        Self::new(chain(&error), exit)
    }
}

impl From<common::FileError> for Failed {
    fn from(error: common::FileError) -> Self {
        StoreError::from(error).into()
    }
}

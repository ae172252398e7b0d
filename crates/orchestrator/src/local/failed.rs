//! Why a job did not succeed.

use container::{Exit, chain};

use super::store::StoreError;

/// Why an attempt did not succeed.
#[derive(Debug)]
pub struct Failed {
    /// For people.
    pub reason: String,
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
        Self { reason, exit_code: None, exit, tail: Vec::new(), exception: None, stopped: false }
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

impl From<container::FileError> for Failed {
    fn from(error: container::FileError) -> Self {
        StoreError::from(error).into()
    }
}

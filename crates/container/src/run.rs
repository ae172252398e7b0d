//! The two forms of a program: a step, which ends when its work is done, and a server, which lasts
//! until it is asked to stop.

use std::process::ExitCode;
use std::time::Duration;

use common::Failure;

use crate::lifecycle::{Lifecycle, SecondSignal};
use crate::opt_ml::Container;
use crate::shutdown::Shutdown;
use crate::wire;

/// The time that a step has to stop by itself after a signal. SageMaker kills a Training job 120 s
/// after the SIGTERM and shows no reason then.
const STEP_GRACE: Duration = Duration::from_millis(1500);

/// The time that a server has to drain after a signal. SageMaker kills an endpoint's container 30 s
/// after the SIGTERM.
const SERVER_GRACE: Duration = Duration::from_secs(25);

/// The kind of a job, which decides where the reason of a failure goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Processing job: `output/message`.
    Processing,
    /// A Training job: `output/failure`.
    Training,
}

impl Kind {
    /// Returns the file below the base directory that holds the reason of a failure.
    pub fn reason_file(self) -> &'static str {
        match self {
            Self::Processing => wire::MESSAGE,
            Self::Training => wire::FAILURE,
        }
    }
}

/// Runs a step as this process. A step's `main` consists of this call.
///
/// A failure, a panic and a signal all end in the same way: the reason is logged and written to the
/// file that SageMaker shows, and the exit code is not 0. After SIGTERM or SIGINT the step has 1.5 s
/// to return by itself; [`Container::stopping`] tells it to.
pub fn run<E: Failure>(
    kind: Kind,
    program: &'static str,
    step: impl FnOnce(&Container) -> Result<(), E>,
) -> ExitCode {
    let reason_file = Some(kind.reason_file());
    let second_signal = SecondSignal::Ignored;
    Lifecycle { program, reason_file, grace: STEP_GRACE, second_signal }.run(step)
}

/// Runs a server as this process: a job that lasts until SIGTERM or SIGINT. A server's `main`
/// consists of this call.
///
/// On the first signal `shutdown` is requested; the server then drains and returns within 25 s, and
/// the exit code is 0. A server that takes longer, and one that gets a second signal, ends with exit
/// code 1. The contract has no failure file for servers, so the reason of a failure is in the log
/// alone. A panic in any thread ends the process with exit code 1.
pub fn serve<E: Failure>(
    program: &'static str,
    server: impl FnOnce(&Container, &Shutdown) -> Result<(), E>,
) -> ExitCode {
    serve_within(SERVER_GRACE, program, server)
}

/// Runs a server with another grace period, so that tests need not wait for 25 s.
#[doc(hidden)]
pub fn serve_within<E: Failure>(
    grace: Duration,
    program: &'static str,
    server: impl FnOnce(&Container, &Shutdown) -> Result<(), E>,
) -> ExitCode {
    let lifecycle =
        Lifecycle { program, reason_file: None, grace, second_signal: SecondSignal::Ends };
    lifecycle.run(|container| server(container, container.shutdown()))
}

//! One program's life: logs, signals, the panic hook, the failure file, the exit code.

use std::io;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use camino::Utf8PathBuf;
use common::{Exit, Failure, chain, write_file};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::{Container, logs, wire};

/// How long a step may take to stop by itself once it is asked to. The platform kills a Training
/// job after 120 s and shows no reason then.
const GRACE: Duration = Duration::from_millis(1500);

/// Which kind of job this is: it decides where a failure's reason goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `output/message`
    Processing,
    /// `output/failure`
    Training,
}

impl Kind {
    /// The file that holds the reason of a failure.
    pub fn reason_file(self) -> &'static str {
        match self {
            Self::Processing => wire::MESSAGE,
            Self::Training => wire::FAILURE,
        }
    }
}

/// Runs a step as this process: `main` calls this and nothing else.
///
/// A failure, a panic and a signal all end the same way: the reason is logged and left in the file
/// that SageMaker shows, and the exit code is not 0.
pub fn run<E: Failure>(
    kind: Kind,
    program: &'static str,
    step: impl FnOnce(&Container) -> Result<(), E>,
) -> ExitCode {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect::<std::collections::BTreeMap<_, _>>();
    let arguments = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let base = environment.get(wire::BASE_VARIABLE).map_or(wire::DEFAULT_BASE, String::as_str);
    let container = Container::new(Utf8PathBuf::from(base), arguments, environment.clone());

    logs::start(|name| container.variable(name));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "{program} starts");
    let report = Report { program, reason_file: container.file(kind.reason_file()) };
    report.on_panic();
    let (done, finished) = mpsc::channel();
    if let Err(error) = watch_signals(&container, report.clone(), finished) {
        tracing::warn!("signals will not be handled: {error}");
    }
    let result = step(&container);
    let _ = done.send(());
    match result {
        Ok(()) => {
            tracing::info!("{program} is done");
            Exit::Done.into()
        }
        Err(error) => {
            report.failed(&chain(&error));
            error.exit().into()
        }
    }
}

/// Where the reason of a failure goes.
#[derive(Clone)]
struct Report {
    program: &'static str,
    reason_file: Utf8PathBuf,
}

impl Report {
    fn failed(&self, reason: &str) {
        tracing::error!("{} failed: {reason}", self.program);
        if let Err(error) =
            write_file(&self.reason_file, wire::cut(reason, wire::REASON_LIMIT).as_bytes())
        {
            tracing::error!("{}", chain(&error));
        }
    }

    fn on_panic(&self) {
        let report = self.clone();
        std::panic::set_hook(Box::new(move |panic| {
            report.failed(&format!("this is a defect in the program: {panic}"));
            std::process::exit(Exit::Failed as i32);
        }));
    }
}

/// Sets the container's stop flag on the first SIGTERM or SIGINT; a step that does not end by
/// itself within [`GRACE`] is ended.
fn watch_signals(
    container: &Container,
    report: Report,
    finished: mpsc::Receiver<()>,
) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let stop = container.stop_flag();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        let name = if signal == SIGTERM { "SIGTERM" } else { "SIGINT" };
        tracing::warn!("stopping on {name}");
        stop.store(true, Ordering::Relaxed);
        if finished.recv_timeout(GRACE) == Err(mpsc::RecvTimeoutError::Timeout) {
            report.failed(&format!("stopped by {name}"));
            std::process::exit(Exit::Failed as i32);
        }
    })?;
    Ok(())
}

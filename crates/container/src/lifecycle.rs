//! What steps and servers share: logs, signals, the panic hook, the failure's reason, the exit code.

use std::collections::BTreeMap;
use std::io;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use common::{Exit, Failure, chain, write_file};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::opt_ml::Container;
use crate::{logs, wire};

/// The target of the events of a program's life, by which filters and readers of logs know them.
const LOG_TARGET: &str = "container::run";

/// How a program behaves from its start to its end.
pub(crate) struct Lifecycle {
    /// The program's name.
    pub(crate) program: &'static str,
    /// The file below the base directory that receives the reason of a failure, if the contract has
    /// one.
    pub(crate) reason_file: Option<&'static str>,
    /// The time between the first signal and the end of the process by its watchdog.
    pub(crate) grace: Duration,
    /// What a second signal does.
    pub(crate) second_signal: SecondSignal,
}

/// What a second SIGTERM or SIGINT does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecondSignal {
    /// Nothing.
    Ignored,
    /// It ends the process at once.
    Ends,
}

/// What the watchdog learns.
enum Event {
    Signal(&'static str),
    Finished,
}

impl Lifecycle {
    /// Runs `job` as this process. A failure, a panic and a job that does not end in time after a
    /// signal are logged, leave their reason in the reason file, and end with an exit code that is
    /// not 0.
    pub(crate) fn run<E: Failure>(self, job: impl FnOnce(&Container) -> Result<(), E>) -> ExitCode {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect::<BTreeMap<_, _>>();
        let arguments = std::env::args_os()
            .skip(1)
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        let base = environment.get(wire::BASE_VARIABLE).map_or(wire::DEFAULT_BASE, String::as_str);
        let container = Container::new(Utf8PathBuf::from(base), arguments, environment.clone());

        logs::start(|name| container.variable(name));
        let program = self.program;
        tracing::info!(target: LOG_TARGET, version = env!("CARGO_PKG_VERSION"), "{program} starts");
        let report = Report { program, reason_file: self.reason_file.map(|f| container.file(f)) };
        report.on_panic();
        let (events, received) = mpsc::channel();
        // The watchdog comes first: a signal that is caught and not acted upon would be lost.
        let watched = self
            .start_watchdog(&container, report.clone(), received)
            .and_then(|()| watch_signals(events.clone()));
        if let Err(error) = watched {
            tracing::warn!(target: LOG_TARGET, "signals will not be handled: {error}");
        }
        let result = job(&container);
        let _ = events.send(Event::Finished);
        match result {
            Ok(()) => {
                tracing::info!(target: LOG_TARGET, "{program} is done");
                Exit::Done.into()
            }
            Err(error) => {
                report.failed(&chain(&error));
                error.exit().into()
            }
        }
    }

    /// Starts the thread that requests the shutdown on the first signal, and ends the process if the
    /// job does not end by itself within the grace period.
    fn start_watchdog(
        &self,
        container: &Container,
        report: Report,
        events: Receiver<Event>,
    ) -> io::Result<()> {
        let shutdown = container.shutdown().clone();
        let (grace, second_signal) = (self.grace, self.second_signal);
        thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
            let Ok(Event::Signal(name)) = events.recv() else { return };
            tracing::warn!(target: LOG_TARGET, "stopping on {name}");
            shutdown.request();
            let deadline = Instant::now() + grace;
            loop {
                match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                    Ok(Event::Signal(_)) if second_signal == SecondSignal::Ignored => {}
                    Ok(Event::Signal(name)) => report.end(&format!("stopped by a second {name}")),
                    Err(RecvTimeoutError::Timeout) => report.end(&format!("stopped by {name}")),
                    Ok(Event::Finished) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(())
    }
}

/// Starts the thread that passes on each SIGTERM and SIGINT.
fn watch_signals(events: Sender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            let name = if signal == SIGTERM { "SIGTERM" } else { "SIGINT" };
            if events.send(Event::Signal(name)).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// Reports the reason of a failure.
#[derive(Clone)]
struct Report {
    program: &'static str,
    reason_file: Option<Utf8PathBuf>,
}

impl Report {
    fn failed(&self, reason: &str) {
        tracing::error!(target: LOG_TARGET, "{} failed: {reason}", self.program);
        let Some(path) = &self.reason_file else { return };
        let kept = wire::cut(reason, wire::REASON_LIMIT);
        if let Err(error) = write_file(path, kept.as_bytes()) {
            tracing::error!(target: LOG_TARGET, "{}", chain(&error));
        }
    }

    /// Reports the reason and ends the process.
    fn end(&self, reason: &str) -> ! {
        self.end_with(Exit::Failed, reason)
    }

    fn end_with(&self, exit: Exit, reason: &str) -> ! {
        self.failed(reason);
        std::process::exit(exit as i32);
    }

    /// Makes a panic end the process with a reason. A panic of a library on what it reads is no
    /// defect of the program but one of the input.
    fn on_panic(&self) {
        let report = self.clone();
        std::panic::set_hook(Box::new(move |panic| match common::containing() {
            // It is an error where it can be returned.
            Some(_) if cfg!(panic = "unwind") => {}
            Some(what) => report.end_with(Exit::Data, &format!("{what}: {panic}")),
            None => report.end(&format!("this is a defect in the program: {panic}")),
        }));
    }
}

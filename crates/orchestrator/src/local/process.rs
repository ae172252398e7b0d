//! A job's process: started in a group of its own, watched, and stopped as SageMaker stops one.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, or by a signal that was not ours.
    Exited(ExitStatus),
    /// It ran longer than it may.
    TimedOut,
    /// The execution was stopped.
    Stopped,
}

/// Why a process that ended with `status` did not succeed.
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => {
            let name = signal_hook::low_level::signal_name(signal)
                .map_or_else(String::new, |name| format!(" ({name})"));
            format!("was killed by signal {signal}{name}")
        }
        (None, None) => "ended without a code".to_owned(),
    }
}

/// Runs `command` to its end. After `limit`, or when `stop` is set, it gets SIGTERM and, `grace`
/// later, SIGKILL.
pub fn run(
    command: &mut Command,
    limit: Option<Duration>,
    grace: Duration,
    stop: &AtomicBool,
) -> io::Result<Ended> {
    // a group of its own: Ctrl-C on the terminal reaches us alone, and we decide
    let mut child = command.process_group(0).spawn()?;
    let started = Instant::now();
    let mut asked: Option<(Ended, Instant)> = None;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(asked.map_or(Ended::Exited(status), |(why, _)| why));
        }
        match asked {
            None if stop.load(Ordering::Relaxed) => {
                signal(&child, Signal::TERM);
                asked = Some((Ended::Stopped, Instant::now()));
            }
            None if limit.is_some_and(|limit| started.elapsed() > limit) => {
                signal(&child, Signal::TERM);
                asked = Some((Ended::TimedOut, Instant::now()));
            }
            Some((_, when)) if when.elapsed() > grace => signal(&child, Signal::KILL),
            _ => {}
        }
        // a step of this project takes tens of milliseconds; others minutes
        let nap = if started.elapsed() < Duration::from_secs(1) { 1 } else { 20 };
        thread::sleep(Duration::from_millis(nap));
    }
}

/// The child has not been waited for, so its number is still its own.
fn signal(child: &Child, signal: Signal) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // gone already is as good as signalled
        let _ = kill_process_group(group, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn an_exit_code_and_a_signal_are_told_apart() {
        let stop = AtomicBool::new(false);
        let ended =
            |script: &str| match run(&mut shell(script), None, Duration::ZERO, &stop).unwrap() {
                Ended::Exited(status) => describe(status),
                other => format!("{other:?}"),
            };
        assert_eq!(ended("exit 7"), "exited with code 7");
        assert_eq!(ended("kill -9 $$"), "was killed by signal 9 (SIGKILL)");
    }

    #[test]
    fn a_process_that_ignores_sigterm_is_killed_after_its_grace() {
        let stop = AtomicBool::new(false);
        let mut command = shell("trap '' TERM; while :; do sleep 0.05; done");
        let limit = Some(Duration::from_millis(50));
        let ended = run(&mut command, limit, Duration::from_millis(50), &stop).unwrap();
        assert_eq!(ended, Ended::TimedOut);
    }

    #[test]
    fn a_stopped_execution_stops_its_processes() {
        let stop = AtomicBool::new(true);
        let ended = run(&mut shell("sleep 60"), None, Duration::from_secs(60), &stop).unwrap();
        assert_eq!(ended, Ended::Stopped);
    }
}

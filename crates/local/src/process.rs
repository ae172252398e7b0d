//! A job's process: started in a group of its own, watched, and stopped as SageMaker stops one.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// How long SageMaker waits between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(120);
/// When what does not end is told again.
const AGAIN: Duration = Duration::from_secs(2);

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

/// Whether an execution is to end, or one of its jobs.
#[derive(Debug, Default)]
pub struct Stop<'a> {
    asked: AtomicBool,
    at_once: AtomicBool,
    above: Option<&'a Stop<'a>>,
}

impl<'a> Stop<'a> {
    /// What ends by itself, and with what is above it.
    pub fn below(above: &'a Self) -> Self {
        Self { above: Some(above), ..Self::default() }
    }

    /// Asks the execution to end: its jobs get SIGTERM and time to stop. Asked again, they are
    /// killed. True the first time.
    pub fn ask(&self) -> bool {
        let first = !self.asked.swap(true, Ordering::Relaxed);
        if !first {
            self.at_once.store(true, Ordering::Relaxed);
        }
        first
    }

    /// Asks the same however often: nobody is killed for it.
    pub fn ask_patiently(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether that was asked.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed) || self.above.is_some_and(Self::asked)
    }

    fn at_once(&self) -> bool {
        self.at_once.load(Ordering::Relaxed) || self.above.is_some_and(Self::at_once)
    }
}

/// Runs `command` to its end; what it prints goes to `log`. After `limit`, or when `stop` asks for
/// it, it gets SIGTERM and, as much later as SageMaker does it, SIGKILL. Nothing that it started
/// outlives it, nor does it outlive this program.
pub fn run(
    command: &mut Command,
    log: std::fs::File,
    limit: Option<Duration>,
    stop: &Stop<'_>,
) -> io::Result<Ended> {
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    watch(command, limit, GRACE, stop)
}

fn watch(
    command: &mut Command,
    limit: Option<Duration>,
    grace: Duration,
    stop: &Stop<'_>,
) -> io::Result<Ended> {
    // A group of its own: Ctrl-C on the terminal reaches us alone, and we decide. The guard makes
    // it, so that there is no moment in which the process is there and its guard is not.
    let guard = Guard::new("kill -s KILL 0", "");
    let mut child = command.process_group(guard.group().unwrap_or(0)).spawn()?;
    let group = guard.group().or_else(|| i32::try_from(child.id()).ok());
    let signal = |name: Signal| signal(group, name);
    let started = Instant::now();
    let mut asked: Option<(Ended, Instant)> = None;
    let mut told = started;
    loop {
        if let Some(status) = child.try_wait()? {
            // what it left running ends with it, as with a container
            signal(Signal::KILL);
            return Ok(asked.map_or(Ended::Exited(status), |(why, _)| why));
        }
        match asked {
            None if stop.asked() => {
                signal(Signal::TERM);
                told = Instant::now();
                asked = Some((Ended::Stopped, told));
            }
            None if limit.is_some_and(|limit| started.elapsed() > limit) => {
                signal(Signal::TERM);
                told = Instant::now();
                asked = Some((Ended::TimedOut, told));
            }
            Some((_, when)) if when.elapsed() > grace || stop.at_once() => {
                signal(Signal::KILL);
            }
            // a container that was only being started has not heard it
            Some(_) if told.elapsed() > AGAIN => {
                signal(Signal::TERM);
                told = Instant::now();
            }
            _ => {}
        }
        // a step of this project takes tens of milliseconds; others minutes
        let nap = if started.elapsed() < Duration::from_secs(1) { 1 } else { 20 };
        thread::sleep(Duration::from_millis(nap));
    }
}

/// Signals a group, whose number is its own as long as it has members.
fn signal(group: Option<i32>, signal: Signal) {
    if let Some(group) = group.and_then(Pid::from_raw) {
        // gone already is as good as signalled
        let _ = kill_process_group(group, signal);
    }
}

/// A shell that does something once this program ends, even if it is killed: it reads a pipe whose
/// other end nobody else holds. It leads a process group, and only SIGKILL ends it before that.
pub struct Guard(Option<Child>);

impl Guard {
    /// `$0` in `script` is `argument`. Where there is no shell, there is no guard.
    pub fn new(script: &str, argument: &str) -> Self {
        let mut command = Command::new("sh");
        let script = format!("trap '' TERM INT HUP; cat; {script}");
        command.args(["-c", &script, argument]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().ok())
    }

    /// The number of its group.
    fn group(&self) -> Option<i32> {
        self.0.as_ref().and_then(|shell| i32::try_from(shell.id()).ok())
    }

    /// Does it now, and goes on doing it when this program has ended.
    pub fn act(mut self) {
        if let Some(mut shell) = self.0.take() {
            drop(shell.stdin.take());
        }
    }
}

/// There is nothing left to do.
impl Drop for Guard {
    fn drop(&mut self) {
        let group = self.group();
        if let Some(mut shell) = self.0.take() {
            signal(group, Signal::KILL);
            let _ = shell.wait();
        }
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
        let stop = Stop::default();
        let ended =
            |script: &str| match watch(&mut shell(script), None, Duration::ZERO, &stop).unwrap() {
                Ended::Exited(status) => describe(status),
                other => format!("{other:?}"),
            };
        assert_eq!(ended("exit 7"), "exited with code 7");
        assert_eq!(ended("kill -9 $$"), "was killed by signal 9 (SIGKILL)");
    }

    #[test]
    fn a_process_that_ignores_sigterm_is_killed_after_its_grace() {
        let stop = Stop::default();
        let mut command = shell("trap '' TERM; while :; do sleep 0.05; done");
        let limit = Some(Duration::from_millis(50));
        let ended = watch(&mut command, limit, Duration::from_millis(50), &stop).unwrap();
        assert_eq!(ended, Ended::TimedOut);
    }

    #[test]
    fn a_stopped_execution_stops_its_processes() {
        let stop = Stop::default();
        assert!(stop.ask());
        let ended = watch(&mut shell("sleep 60"), None, Duration::from_secs(60), &stop).unwrap();
        assert_eq!(ended, Ended::Stopped);
    }

    #[test]
    fn a_job_is_stopped_with_its_execution_and_alone() {
        let execution = Stop::default();
        let (one, other) = (Stop::below(&execution), Stop::below(&execution));
        one.ask_patiently();
        one.ask_patiently();
        assert_eq!([&one, &other, &execution].map(Stop::asked), [true, false, false]);
        execution.ask();
        assert!(other.asked() && !one.at_once() && !other.at_once());
        execution.ask();
        assert!(one.at_once() && other.at_once());
    }

    #[test]
    fn asked_twice_it_kills() {
        let stop = Stop::default();
        assert!(stop.ask() && !stop.ask());
        let mut command = shell("trap '' TERM; while :; do sleep 0.05; done");
        let ended = watch(&mut command, None, Duration::from_secs(60), &stop).unwrap();
        assert_eq!(ended, Ended::Stopped);
    }

    #[test]
    fn what_a_process_leaves_running_ends_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let mut command = shell("sleep 60 & echo $! >$0");
        let ended = watch(command.arg(&file), None, Duration::ZERO, &Stop::default()).unwrap();
        assert!(matches!(ended, Ended::Exited(status) if status.success()));
        let pid = fs_err::read_to_string(&file).unwrap();
        // it may wait for being reaped, but it runs no more
        let alive = || {
            let stat = fs_err::read_to_string(format!("/proc/{}/stat", pid.trim()));
            stat.is_ok_and(|stat| !stat.contains(") Z"))
        };
        let started = Instant::now();
        while alive() {
            assert!(started.elapsed() < Duration::from_secs(10));
            thread::sleep(Duration::from_millis(5));
        }
    }
}

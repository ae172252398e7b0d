//! A job's process: it is started in its own process group, watched, and stopped as SageMaker
//! stops a container.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};
#[cfg(target_os = "linux")]
use rustix::process::{PidfdFlags, pidfd_open};
use signal_hook::consts::{
    SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGXCPU,
};

use crate::{log, strays};

/// The time that SageMaker waits between SIGTERM and SIGKILL.
const GRACE_PERIOD: Duration = Duration::from_secs(120);
/// The interval at which SIGTERM is repeated while the process has not ended.
const SIGTERM_INTERVAL: Duration = Duration::from_secs(2);
/// The time that the end of a log takes at most after the end of its program.
const LOG_PATIENCE: Duration = Duration::from_secs(5);
/// The time after which the request to stop comes at the latest, if the signal that ended a process was sent to this
/// program, too.
const LATEST_REQUEST: Duration = Duration::from_secs(1);
/// The signals that end a program that does not expect them, of those that others send: interrupts, the end of the
/// terminal, and what batch systems send before a limit of time is over. They stop an execution.
pub const ENDING_SIGNALS: [i32; 9] =
    [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGXCPU];
/// A script that kills the process group of its shell.
pub const KILL_GROUP: &str = "kill -s KILL 0";

/// The way in which a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The process exited, or a signal that did not come from here killed it.
    Exited(ExitStatus),
    /// The process exceeded its time limit.
    TimedOut,
    /// The execution was stopped.
    Stopped,
}

/// Describes how a process ended, as the predicate of a sentence.
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

/// A request to stop an execution or one of its jobs.
#[derive(Debug, Default)]
pub struct Stop<'a> {
    requested: AtomicBool,
    kills_at_once: AtomicBool,
    above: Option<&'a Stop<'a>>,
}

impl<'a> Stop<'a> {
    /// Returns a request that is also made when the request `above` it is made.
    pub fn below(above: &'a Self) -> Self {
        Self { above: Some(above), ..Self::default() }
    }

    /// Asks the execution to stop: its jobs get SIGTERM and time to end. The second request kills
    /// them. Returns whether this was the first request.
    pub fn request(&self) -> bool {
        let first = !self.requested.swap(true, Ordering::Relaxed);
        if !first {
            self.kills_at_once.store(true, Ordering::Relaxed);
        }
        first
    }

    /// Asks the execution to stop; repeating this request kills no process.
    pub fn request_gracefully(&self) {
        self.requested.store(true, Ordering::Relaxed);
    }

    /// Returns whether a stop has been requested.
    pub fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed) || self.above.is_some_and(Self::is_requested)
    }

    /// Returns whether processes are to be killed without a grace period.
    fn kills_at_once(&self) -> bool {
        self.kills_at_once.load(Ordering::Relaxed) || self.above.is_some_and(Self::kills_at_once)
    }
}

/// The conditions under which a process is ended, and the processes that end with it.
pub struct Watch<'a> {
    /// The process gets SIGTERM after this time.
    pub limit: Option<Duration>,
    /// The process gets SIGTERM when this is requested.
    pub stop: &'a Stop<'a>,
    /// The time between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// The mark of the processes that end with this one, though they left its group.
    pub mark: Option<String>,
    /// Is called again and again while the process runs; the process is killed when it fails.
    pub check: &'a mut dyn FnMut() -> io::Result<()>,
}

impl<'a> Watch<'a> {
    /// Returns the conditions of a job with SageMaker's grace period.
    pub fn new(
        limit: Option<Duration>,
        stop: &'a Stop<'a>,
        check: &'a mut dyn FnMut() -> io::Result<()>,
    ) -> Self {
        Self { limit, stop, grace: GRACE_PERIOD, mark: None, check }
    }
}

/// Runs `command` to its end and writes its output to `log`. After the limit of `watch`, or when a
/// stop is requested, the process gets SIGTERM and, after the grace period, SIGKILL. The processes
/// that it started do not outlive it, and it does not outlive this program.
///
/// # Errors
///
/// Fails where the process cannot be started or watched, where its log cannot be written, and where
/// the check of `watch` fails.
pub fn run(command: &mut Command, log: std::fs::File, watch: Watch<'_>) -> io::Result<Ended> {
    let (output, input) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(input.try_clone()?).stderr(input);
    let over = Arc::new(AtomicBool::new(false));
    let (send, copied) = mpsc::channel();
    let over_in_thread = Arc::clone(&over);
    thread::Builder::new().name("log".to_owned()).spawn(move || {
        let goes_on = || !over_in_thread.load(Ordering::Relaxed);
        let _ = send.send(log::copy(output, log, goes_on));
    })?;
    let ended = run_to_end(command, watch);
    // this program's own ends of the pipe, without which the log has no end
    command.stdout(Stdio::null()).stderr(Stdio::null());
    // a process that is still there and has the other end is not waited for
    let copied = copied.recv_timeout(LOG_PATIENCE);
    over.store(true, Ordering::Relaxed);
    let ended = ended?;
    match copied {
        Ok(Err(error)) => {
            Err(io::Error::new(error.kind(), format!("its log cannot be written: {error}")))
        }
        Ok(Ok(())) | Err(_) => Ok(ended),
    }
}

/// Waits for the end of `command` and of the processes that it started.
fn run_to_end(command: &mut Command, watch: Watch<'_>) -> io::Result<Ended> {
    // With its own process group, Ctrl-C on the terminal reaches only this program, which decides.
    // The guard creates the group, so that the process never exists without its guard.
    let mark = watch.mark.clone();
    let guard = match &mark {
        Some(mark) if strays::is_pattern(mark) => {
            Guard::new(&format!("{}; {KILL_GROUP}", strays::KILL_MARKED), mark)
        }
        _ => Guard::new(KILL_GROUP, ""),
    };
    let child = command.process_group(guard.group().unwrap_or(0)).spawn()?;
    let group = guard.group().or_else(|| i32::try_from(child.id()).ok());
    let ended = wait(child, group, watch);
    // background processes end with their parent, as in a container
    signal(group, Signal::KILL);
    drop(guard);
    strays::await_group(group);
    if let Some(mark) = &mark {
        strays::end(mark);
    }
    ended
}

/// Waits for the end of `child` and sends signals to its group.
fn wait(mut child: Child, group: Option<i32>, watch: Watch<'_>) -> io::Result<Ended> {
    let Watch { limit, stop, grace, check, .. } = watch;
    let signal = |name: Signal| signal(group, name);
    let ending = Ending::of(&child);
    let started = Instant::now();
    let mut stop_reason: Option<(Ended, Instant)> = None;
    let mut last_sigterm = started;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(match stop_reason {
                Some((why, _)) => why,
                None if is_stopped_with(status, stop) => Ended::Stopped,
                None => Ended::Exited(status),
            });
        }
        if let Err(error) = check() {
            signal(Signal::KILL);
            child.wait()?;
            return Err(error);
        }
        match stop_reason {
            None if stop.is_requested() => {
                signal(Signal::TERM);
                last_sigterm = Instant::now();
                stop_reason = Some((Ended::Stopped, last_sigterm));
            }
            None if limit.is_some_and(|limit| started.elapsed() > limit) => {
                signal(Signal::TERM);
                last_sigterm = Instant::now();
                stop_reason = Some((Ended::TimedOut, last_sigterm));
            }
            Some((_, when)) if when.elapsed() > grace || stop.kills_at_once() => {
                signal(Signal::KILL);
            }
            // a container that was still starting has not received the signal
            Some(_) if last_sigterm.elapsed() > SIGTERM_INTERVAL => {
                signal(Signal::TERM);
                last_sigterm = Instant::now();
            }
            _ => {}
        }
        ending.wait();
    }
}

/// Returns whether a process was ended by a signal that stops the execution, too: one that was sent to every process of
/// the execution may reach this program last.
fn is_stopped_with(status: ExitStatus, stop: &Stop<'_>) -> bool {
    if !status.signal().is_some_and(|signal| ENDING_SIGNALS.contains(&signal)) {
        return false;
    }
    let ended = Instant::now();
    while !stop.is_requested() && ended.elapsed() < LATEST_REQUEST {
        thread::sleep(Duration::from_millis(1));
    }
    stop.is_requested()
}

/// The time after which a process is looked at again, though it has not ended.
const LOOK: Duration = Duration::from_millis(20);

/// The end of a process, which can be waited for.
struct Ending {
    /// Becomes readable at the end. Systems other than Linux have no such thing.
    #[cfg(target_os = "linux")]
    process: Option<OwnedFd>,
}

impl Ending {
    #[cfg(target_os = "linux")]
    fn of(child: &Child) -> Self {
        Self { process: pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok() }
    }

    #[cfg(not(target_os = "linux"))]
    fn of(_: &Child) -> Self {
        Self {}
    }

    /// Waits for the end, at most [`LOOK`] and, where it cannot be waited for, a millisecond.
    fn wait(&self) {
        #[cfg(target_os = "linux")]
        if let Some(process) = &self.process
            && let Ok(limit) = Timespec::try_from(LOOK)
            && poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&limit)).is_ok()
        {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Sends a signal to a process group. The system does not reuse a group's id while it has members.
fn signal(group: Option<i32>, signal: Signal) {
    if let Some(group) = group.and_then(Pid::from_raw) {
        // an error means that the group has ended already
        let _ = kill_process_group(group, signal);
    }
}

/// The names of the [`ENDING_SIGNALS`], and of others that whoever wants to end a program may send.
const IGNORED: &str = "TERM INT HUP QUIT USR1 USR2 ALRM VTALRM XCPU XFSZ PIPE";

/// A shell that runs a script once this program ends, even if it is killed: the shell waits for the
/// end of a pipe whose other end only this program holds. It leads a process group and ignores
/// every other signal, so that only SIGKILL ends it earlier.
pub struct Guard(Option<Child>);

impl Guard {
    /// Starts a shell for `script`, in which `$0` is `argument`. Where no shell can be started, the
    /// guard does nothing.
    pub fn new(script: &str, argument: &str) -> Self {
        let mut command = Command::new("sh");
        // `read` is part of the shell: `cat` would be one more process. Bash ends it after `TMOUT` seconds.
        let script = format!("trap '' {IGNORED}; unset TMOUT; read -r _; {script}");
        command.args(["-c", &script, argument]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().ok())
    }

    /// Returns the id of the shell's process group.
    pub fn group(&self) -> Option<i32> {
        self.0.as_ref().and_then(|shell| i32::try_from(shell.id()).ok())
    }

    /// Runs the script now. The script continues after this program has ended.
    pub fn act(mut self) {
        if let Some(mut shell) = self.0.take() {
            drop(shell.stdin.take());
        }
    }
}

/// Ends the shell without running its script.
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

    /// Runs a command without a log.
    fn watch(
        command: &mut Command,
        limit: Option<Duration>,
        grace: Duration,
        stop: &Stop<'_>,
    ) -> io::Result<Ended> {
        run_to_end(command, Watch { grace, ..Watch::new(limit, stop, &mut || Ok(())) })
    }

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
    fn a_process_that_ignores_sigterm_is_killed_after_the_grace_period() {
        let stop = Stop::default();
        let mut command = shell("trap '' TERM; while :; do sleep 0.05; done");
        let limit = Some(Duration::from_millis(50));
        let ended = watch(&mut command, limit, Duration::from_millis(50), &stop).unwrap();
        assert_eq!(ended, Ended::TimedOut);
    }

    #[test]
    fn a_stopped_execution_stops_its_processes() {
        let stop = Stop::default();
        assert!(stop.request());
        let ended = watch(&mut shell("sleep 60"), None, Duration::from_secs(60), &stop).unwrap();
        assert_eq!(ended, Ended::Stopped);
    }

    #[test]
    fn a_job_can_be_stopped_with_its_execution_or_alone() {
        let execution = Stop::default();
        let (one, other) = (Stop::below(&execution), Stop::below(&execution));
        one.request_gracefully();
        one.request_gracefully();
        assert_eq!([&one, &other, &execution].map(Stop::is_requested), [true, false, false]);
        execution.request();
        assert!(other.is_requested() && !one.kills_at_once() && !other.kills_at_once());
        execution.request();
        assert!(one.kills_at_once() && other.kills_at_once());
    }

    #[test]
    fn a_second_stop_request_kills_the_process() {
        let stop = Stop::default();
        assert!(stop.request() && !stop.request());
        let mut command = shell("trap '' TERM; while :; do sleep 0.05; done");
        let ended = watch(&mut command, None, Duration::from_secs(60), &stop).unwrap();
        assert_eq!(ended, Ended::Stopped);
    }

    #[test]
    fn a_guard_outlives_what_stops_an_execution() {
        let mut guard = Guard::new("true", "");
        // The shell ignores the signals one after the other once it has begun, SIGPIPE (13) last.
        let status = format!("/proc/{}/status", guard.group().unwrap());
        let begin = Instant::now();
        loop {
            let status = fs_err::read_to_string(&status).unwrap();
            let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
            if u64::from_str_radix(mask.trim(), 16).unwrap() >> 12 & 1 == 1 {
                break;
            }
            assert!(begin.elapsed() < Duration::from_secs(30), "it does not begin");
            thread::sleep(Duration::from_millis(5));
        }
        let names =
            ENDING_SIGNALS.map(|signal| signal_hook::low_level::signal_name(signal).unwrap());
        let expected = names.map(|name| name.trim_start_matches("SIG")).to_vec();
        assert_eq!(IGNORED.split(' ').filter(|name| expected.contains(name)).count(), 9);
        let shell = guard.0.as_mut().unwrap();
        for name in IGNORED.split(' ') {
            let sent = Command::new("kill").args(["-s", name, &shell.id().to_string()]).status();
            assert!(sent.unwrap().success(), "{name}");
        }
        thread::sleep(Duration::from_millis(50));
        assert!(shell.try_wait().unwrap().is_none());
    }

    /// Whoever sends a signal to every process of an execution may reach the job first.
    #[test]
    fn a_job_that_a_signal_ends_just_before_its_execution_is_stopped() {
        let stop = Stop::default();
        let ended = thread::scope(|scope| {
            let job = scope.spawn(|| {
                watch(&mut shell("kill -s USR1 $$"), None, Duration::ZERO, &stop).unwrap()
            });
            thread::sleep(Duration::from_millis(50));
            stop.request();
            job.join().unwrap()
        });
        assert_eq!(ended, Ended::Stopped);
        let alone = watch(&mut shell("kill -s USR1 $$"), None, Duration::ZERO, &Stop::default());
        assert!(matches!(alone.unwrap(), Ended::Exited(_)));
    }

    #[test]
    fn background_processes_end_with_their_parent() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let mut command = shell("sleep 60 & echo $! >$0");
        let ended = watch(command.arg(&file), None, Duration::ZERO, &Stop::default()).unwrap();
        assert!(matches!(ended, Ended::Exited(status) if status.success()));
        let pid = fs_err::read_to_string(&file).unwrap();
        wait_until_ended(&pid);
    }

    /// Waits until a process has ended. It may remain as a zombie.
    fn wait_until_ended(pid: &str) {
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

    /// A daemon and its own child, whose parent ends first, leave the group.
    #[test]
    fn a_process_that_left_the_group_ends_too() {
        let directory = tempfile::tempdir().unwrap();
        let base = camino::Utf8Path::from_path(directory.path()).unwrap();
        strays::adopt();
        let mut command = shell(
            "setsid sh -c 'sh -c \"sleep 60 & echo \\$! >inner\"; echo $$ >outer; sleep 60' & \
             while ! test -s outer; do sleep 0.01; done",
        );
        let (name, value) = (container::wire::BASE_VARIABLE, base);
        command.current_dir(base).env(name, value);
        let (stop, mut check) = (Stop::default(), || Ok(()));
        let mark = Some(strays::mark(base));
        let watch = Watch { mark, ..Watch::new(None, &stop, &mut check) };
        let log = tempfile::tempfile().unwrap();
        let ended = run(&mut command, log, watch).unwrap();
        assert!(matches!(ended, Ended::Exited(status) if status.success()), "{ended:?}");
        for name in ["outer", "inner"] {
            let pid = fs_err::read_to_string(base.join(name)).unwrap();
            assert!(!fs_err::exists(format!("/proc/{}", pid.trim())).unwrap(), "{name}");
        }
    }

    #[test]
    fn a_process_whose_check_fails_is_killed() {
        let stop = Stop::default();
        let mut command = shell("trap '' TERM; while :; do sleep 0.05; done");
        let mut check = || Err(io::Error::other("no answer"));
        let error = run_to_end(&mut command, Watch::new(None, &stop, &mut check)).unwrap_err();
        assert_eq!(error.to_string(), "no answer");
    }
}

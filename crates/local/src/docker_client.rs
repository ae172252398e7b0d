//! Calls of Docker's command line. Each has a deadline: an engine that does not answer is an error
//! that says what was asked, not a wait without end.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use common::Exit;

use crate::failure::JobFailure;
use crate::process::{Guard, KILL_GROUP, Stop};

/// The interval at which a stop is looked for while an answer is awaited.
const POLL: Duration = Duration::from_millis(20);
/// The deadline of an engine while the execution is being stopped, if its own is not shorter.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// The command line of a Docker engine.
#[derive(Clone, Debug)]
pub struct DockerClient {
    /// The time within which the engine answers.
    pub deadline: Duration,
}

impl DockerClient {
    /// Returns a call of `docker` without input.
    pub fn command(&self) -> Command {
        let mut command = Command::new("docker");
        command.stdin(Stdio::null());
        command
    }

    /// Calls `docker` and returns its answer.
    ///
    /// # Errors
    ///
    /// Fails where it cannot be started or does not answer in time, and when `stop` is requested.
    pub fn call(&self, arguments: &[&str], stop: &Stop<'_>) -> Result<Output, JobFailure> {
        let call = self.begin(arguments).map_err(JobFailure::internal)?;
        loop {
            match call.answer(POLL).map_err(JobFailure::internal)? {
                Some(answer) => return Ok(answer),
                None if stop.is_requested() => {
                    let reason = format!("the execution was stopped while {} was asked", call.name);
                    return Err(JobFailure {
                        stopped: true,
                        ..JobFailure::new(reason, Exit::Failed)
                    });
                }
                None => call.require_within(self.deadline).map_err(JobFailure::internal)?,
            }
        }
    }

    /// Begins a call of `docker`.
    fn begin(&self, arguments: &[&str]) -> Result<Call, String> {
        let guard = Guard::new(KILL_GROUP, "");
        let mut command = self.command();
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.process_group(guard.group().unwrap_or(0)).spawn();
        let child = child.map_err(|error| format!("cannot start `docker`: {error}"))?;
        let (send, answer) = mpsc::channel();
        thread::spawn(move || send.send(output(child)));
        let name = format!("`docker {}`", arguments.join(" "));
        Ok(Call { name, _guard: guard, answer, begin: Instant::now() })
    }
}

/// The number of bytes of an answer that are read. Descriptions of images and containers have thousands.
const LONGEST_ANSWER: u64 = 16 << 20;

/// Waits for the end of a process, with what it wrote as far as that is read.
fn output(mut child: Child) -> io::Result<Output> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let errors = thread::spawn(move || read(stderr));
    let stdout = read(stdout)?;
    let stderr = errors.join().unwrap_or_else(|_| Ok(Vec::new()))?;
    Ok(Output { status: child.wait()?, stdout, stderr })
}

/// Reads a pipe to its end or to the limit, where the writer fails.
fn read(pipe: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(LONGEST_ANSWER).read_to_end(&mut text)?;
    }
    Ok(text)
}

/// A call of `docker` that may not have been answered yet. It is ended when this is dropped.
struct Call {
    name: String,
    _guard: Guard,
    answer: Receiver<io::Result<Output>>,
    begin: Instant,
}

impl Call {
    /// Returns the answer if it comes within `wait`.
    fn answer(&self, wait: Duration) -> Result<Option<Output>, String> {
        match self.answer.recv_timeout(wait) {
            Ok(Ok(answer)) => Ok(Some(answer)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Ok(Err(error)) => Err(format!("{} cannot be read: {error}", self.name)),
            Err(RecvTimeoutError::Disconnected) => Err(format!("{} cannot be read", self.name)),
        }
    }

    /// Fails if the call was begun more than `deadline` ago.
    fn require_within(&self, deadline: Duration) -> Result<(), String> {
        if self.begin.elapsed() <= deadline {
            return Ok(());
        }
        Err(format!(
            "the engine has not answered {} for {} s; --docker-timeout gives it more time",
            self.name,
            deadline.as_secs()
        ))
    }
}

/// Watches whether the engine still answers, and whether it still has the container, while the call
/// that runs the container waits for its end.
pub struct Heartbeat<'a> {
    client: &'a DockerClient,
    container: &'a str,
    stop: &'a Stop<'a>,
    call: Option<Call>,
    last_answer: Instant,
    last_seen: Instant,
}

impl<'a> Heartbeat<'a> {
    /// Begins to watch a container that is about to be made.
    pub fn new(client: &'a DockerClient, container: &'a str, stop: &'a Stop<'a>) -> Self {
        let now = Instant::now();
        Self { client, container, stop, call: None, last_answer: now, last_seen: now }
    }

    /// Asks the engine from time to time, and does not wait for its answer.
    ///
    /// # Errors
    ///
    /// Fails where an answer does not come in time, or says for that long that there is no such
    /// container.
    pub fn check(&mut self) -> Result<(), String> {
        let deadline = match self.stop.is_requested() {
            true => self.client.deadline.min(STOP_DEADLINE),
            false => self.client.deadline,
        };
        let Some(call) = &self.call else {
            if self.last_answer.elapsed() > deadline / 4 {
                let arguments = ["container", "inspect", "--format", "{{.Id}}", self.container];
                self.call = Some(self.client.begin(&arguments)?);
            }
            return Ok(());
        };
        let Some(answer) = call.answer(Duration::ZERO)? else {
            return call.require_within(deadline);
        };
        self.call = None;
        self.last_answer = Instant::now();
        if answer.status.success() {
            self.last_seen = self.last_answer;
        }
        if self.last_seen.elapsed() <= self.client.deadline {
            return Ok(());
        }
        Err(format!(
            "the engine has had no container {} for {} s, and `docker run` waits for its end; \
             --docker-timeout gives it more time",
            self.container,
            self.client.deadline.as_secs()
        ))
    }
}

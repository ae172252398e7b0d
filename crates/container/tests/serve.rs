//! A server as a process: signals, the watchdog, failures. The server is `examples/server.rs`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A running server.
struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
    text: String,
}

impl Server {
    /// Starts the server and waits until it is ready.
    fn start(behaviour: &str, directory: &tempfile::TempDir) -> Self {
        let test = std::env::current_exe().unwrap();
        let program = test.parent().unwrap().parent().unwrap().join("examples/server");
        assert!(program.is_file(), "{}: run `cargo test -p container`", program.display());
        let mut child = Command::new(program)
            .arg(behaviour)
            .env("SAGEMAKER_BASE_DIR", directory.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut server = Self { child, log, text: String::new() };
        server.wait_for("ready");
        server
    }

    fn wait_for(&mut self, text: &str) {
        let from = self.text.len();
        while !self.text[from..].contains(text) {
            assert!(self.log.read_line(&mut self.text).unwrap() > 0, "{}", self.text);
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Returns the exit code and the log.
    fn end(mut self) -> (Option<i32>, String) {
        self.log.read_to_string(&mut self.text).unwrap();
        (self.child.wait().unwrap().code(), self.text)
    }
}

#[test]
fn a_server_that_drains_after_a_signal_ends_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start("drains", &directory);
        server.signal(signal);
        let (code, log) = server.end();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("drained") && log.contains("server is done"), "{log}");
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_server_that_does_not_drain_is_ended_by_its_watchdog() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start("hangs", &directory);
    let started = Instant::now();
    server.signal(Signal::TERM);
    let (code, log) = server.end();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("server failed: stopped by SIGTERM"), "{log}");
    assert!(started.elapsed() >= Duration::from_millis(400));
    assert!(started.elapsed() < Duration::from_secs(30));
    // The contract has no failure file for servers.
    assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_second_signal_ends_a_server_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Server::start("hangs", &directory);
    server.signal(Signal::TERM);
    server.wait_for("stopping on SIGTERM");
    server.signal(Signal::INT);
    let (code, log) = server.end();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("server failed: stopped by a second SIGINT"), "{log}");
}

#[test]
fn a_failure_has_the_exit_code_of_its_error() {
    let directory = tempfile::tempdir().unwrap();
    let (code, log) = Server::start("fails", &directory).end();
    assert_eq!(code, Some(3), "{log}");
    assert!(log.contains("server failed: the model cannot be read"), "{log}");
}

#[test]
fn a_panic_in_any_thread_ends_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let (code, log) = Server::start("panics", &directory).end();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("this is a defect in the program"), "{log}");
}

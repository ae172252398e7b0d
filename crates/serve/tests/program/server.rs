//! A running server with a trained model, and a client that sends what it is told to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::LazyLock;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use config::steps::TableSettings;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use testkit::{Outcome, Sandbox, executable};

/// A record of the sample in the order of the model's columns.
pub const RECORD: &str = "120.5,5.1,6.4,21.3,47.1,35.2,1.02,25.9,20123,342,24.5,2.71";

/// The files of a model that Preprocess and Train make of a synthetic table, by name.
pub static MODEL: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| model(40));

/// Returns the files of a model with this number of trees.
pub fn model(trees: usize) -> BTreeMap<String, Vec<u8>> {
    trained(trees, None)
}

/// Returns the files of a model, as the first of `hosts` leaves them.
pub fn trained(trees: usize, hosts: Option<&str>) -> BTreeMap<String, Vec<u8>> {
    let sandbox = Sandbox::new();
    sandbox.file("processing/input/raw.csv", sample(600));
    sandbox.file("processing/settings/table.json", TableSettings::default().to_json());
    sandbox.run("preprocess", &[]).expect(0);
    for file in ["train/train.csv", "recipe/recipe.json"] {
        let output = fs_err::read(sandbox.path(&format!("processing/output/{file}"))).unwrap();
        sandbox.file(&format!("input/data/{file}"), output);
    }
    sandbox.hyperparameters(&[("n_estimators", &trees.to_string())]);
    if let Some(hosts) = hosts {
        sandbox.file("input/config/resourceconfig.json", hosts);
    }
    sandbox.run("train", &[]).expect(0);
    let read = |name: &String| fs_err::read(sandbox.path("model").join(name)).unwrap();
    sandbox.list("model").into_iter().map(|name| (name.clone(), read(&name))).collect()
}

/// Returns a synthetic raw table.
pub fn sample(rows: u64) -> Vec<u8> {
    let output = Command::new(executable("orchestrator"))
        .args(["sample", "--rows", &rows.to_string(), "--seed", "7", "--output", "-"])
        .output()
        .unwrap();
    assert!(output.status.success());
    output.stdout
}

/// Writes the files of a model into a directory below the base directory.
pub fn write_model(sandbox: &Sandbox, directory: &str, files: &BTreeMap<String, Vec<u8>>) {
    for (name, contents) in files {
        sandbox.file(&format!("{directory}/{name}"), contents);
    }
}

/// Returns a tree with the model where the server looks for it.
pub fn tree() -> Sandbox {
    let sandbox = Sandbox::new();
    write_model(&sandbox, "model", &MODEL);
    sandbox
}

/// Returns a port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    child: Option<Child>,
    log: Option<JoinHandle<String>>,
    _sandbox: Option<Sandbox>,
}

impl Server {
    /// Starts a server of [`MODEL`].
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts a server of [`MODEL`] with these variables.
    pub fn with(variables: &[(&str, &str)]) -> Self {
        let sandbox = tree();
        let mut server = Self::over(&sandbox, variables);
        server._sandbox = Some(sandbox);
        server
    }

    /// Starts a server with the files of a tree, and waits until it listens.
    pub fn over(sandbox: &Sandbox, variables: &[(&str, &str)]) -> Self {
        let own = variables.iter().find(|(name, _)| *name == "SAGEMAKER_BIND_TO_PORT");
        let port = own.map_or_else(free_port, |(_, port)| port.parse().unwrap());
        let mut command = sandbox.command("serve", &["serve"]);
        command.env("SAGEMAKER_BIND_TO_PORT", port.to_string()).env("SERVE_ADDRESS", "127.0.0.1");
        command.envs(variables.iter().copied()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let begin = wait_for(&mut log, "listening on");
        let rest = std::thread::spawn(move || {
            let mut text = begin;
            log.read_to_string(&mut text).unwrap();
            text
        });
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self { address, child: Some(child), log: Some(rest), _sandbox: None }
    }

    /// Connects to the server.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Sends a request on a connection of its own and returns the response.
    pub fn request(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Response {
        let mut stream = self.connect();
        send(&mut stream, method, path, headers, body);
        Response::read(&mut BufReader::new(stream))
    }

    /// Invokes the model.
    pub fn invoke(&self, content_type: &str, body: impl AsRef<[u8]>) -> Response {
        self.invoke_with(&format!("Content-Type: {content_type}\r\n"), body)
    }

    /// Invokes the model with these headers, which end in line ends.
    pub fn invoke_with(&self, headers: &str, body: impl AsRef<[u8]>) -> Response {
        self.request("POST", "/invocations", headers, body.as_ref())
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Returns a number of KB of the process: `VmRSS` or `VmHWM`.
    pub fn memory(&self, name: &str) -> u64 {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Returns the time that the process has taken of all processors.
    pub fn cpu_time(&self) -> Duration {
        let stat = fs_err::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        // The name of the program, in parentheses, may have blanks; the times are fields 14 and 15.
        let (_, behind) = stat.rsplit_once(')').unwrap();
        let ticks: u64 = behind.split_ascii_whitespace().skip(11).take(2).map(ticks).sum();
        // Linux counts them in hundredths of a second.
        Duration::from_millis(10 * ticks)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(self.child.as_ref().unwrap()), signal).unwrap();
    }

    /// Waits for the end, and returns the exit code and the log.
    pub fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.take().unwrap().wait().unwrap().code();
        (code, self.log.take().unwrap().join().unwrap())
    }

    /// Asks the server to stop, and returns its log.
    pub fn stop(self) -> String {
        self.signal(Signal::TERM);
        let (code, log) = self.end();
        assert_eq!(code, Some(0), "{log}");
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs a server that is expected to end by itself.
pub fn ended(sandbox: &Sandbox, variables: &[(&str, &str)], code: i32) -> Outcome {
    let mut command = sandbox.command("serve", &[]);
    command.env("SAGEMAKER_BIND_TO_PORT", free_port().to_string());
    command.env("SERVE_ADDRESS", "127.0.0.1").envs(variables.iter().copied());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(30) {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Outcome::from(child.wait_with_output().unwrap()).expect(code)
}

fn wait_for(log: &mut BufReader<ChildStderr>, text: &str) -> String {
    let mut read = String::new();
    while !read.contains(text) {
        assert!(log.read_line(&mut read).unwrap() > 0, "{read}");
    }
    read
}

fn ticks(number: &str) -> u64 {
    number.parse().unwrap()
}

/// Writes a request.
pub fn send(stream: &mut TcpStream, method: &str, path: &str, headers: &str, body: &[u8]) {
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
}

/// A response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// The headers in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Response {
    /// Reads a response.
    pub fn read(stream: &mut impl BufRead) -> Self {
        Self::try_read(stream).unwrap()
    }

    /// Reads a response; `None` if the server has closed the connection.
    pub fn try_read(stream: &mut impl BufRead) -> Option<Self> {
        let mut line = String::new();
        let mut next = |stream: &mut dyn BufRead| {
            line.clear();
            stream.read_line(&mut line).ok().map(|_| line.trim_end().to_owned())
        };
        let status = next(stream).filter(|line| !line.is_empty())?;
        let mut headers = BTreeMap::new();
        while let Some(line) = next(stream).filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap();
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        let status = status.split(' ').nth(1)?.parse().ok()?;
        Some(Self { status, headers, body: String::from_utf8(body).unwrap() })
    }

    /// Returns the response if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the reason of a refusal.
    pub fn reason(&self) -> String {
        self.json()["error"].as_str().unwrap().to_owned()
    }
}

/// Waits until something holds.
#[track_caller]
pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

//! Containers, started as SageMaker starts them.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};

use testkit::{Outcome, Sandbox};

/// Runs `docker`, which must succeed, and returns its standard output.
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    let outcome = Outcome::from(output).expect(0);
    outcome.stdout.trim().to_owned()
}

/// Returns the image of a step.
pub fn image(step: &str) -> String {
    let tag = std::env::var("IMAGE_TAG").unwrap_or_else(|_| "latest".to_owned());
    format!("machine-downtime/{step}:{tag}")
}

/// The command that starts a container.
pub struct Run<'a> {
    pub step: &'a str,
    pub sandbox: &'a Sandbox,
    /// More options for `docker run`.
    pub options: Vec<String>,
    pub arguments: Vec<String>,
}

impl<'a> Run<'a> {
    /// Mounts the tree at `/opt/ml`; the root file system is read-only and there is no network.
    pub fn new(step: &'a str, sandbox: &'a Sandbox) -> Self {
        let options = ["--read-only", "--tmpfs=/tmp", "--network=none", "--cap-drop=ALL"];
        let mut options: Vec<_> = options.map(str::to_owned).into();
        // Root without capabilities may not write into the directory of another user.
        let owner = sandbox.base().metadata().unwrap();
        options.push(format!("--user={}:{}", owner.uid(), owner.gid()));
        Self { step, sandbox, options, arguments: Vec::new() }
    }

    pub fn options(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(|&option| option.to_owned()));
        self
    }

    pub fn arguments(mut self, arguments: &[impl AsRef<str>]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new("docker");
        command.args(["run", "--rm", "--volume", &format!("{}:/opt/ml", self.sandbox.base())]);
        for (name, value) in self.sandbox.variables() {
            command.args(["--env", &format!("{name}={value}")]);
        }
        command.args(&self.options).arg(image(self.step)).args(&self.arguments);
        command
    }

    /// Runs the container until it ends.
    pub fn run(&self) -> Outcome {
        self.command().output().unwrap().into()
    }

    /// Starts the container under a name, and waits until its log contains `text`.
    pub fn start(&self, name: &str, text: &str) -> Started {
        let mut arguments: Vec<_> = self.command().get_args().map(ToOwned::to_owned).collect();
        // After `run --rm`.
        arguments.insert(2, format!("--name={name}").into());
        let mut command = Command::new("docker");
        let mut child =
            command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = Vec::new();
        let mut stderr = child.stderr.take().unwrap();
        // The pipe is open while the container runs, so what is read here was not buffered.
        while !String::from_utf8_lossy(&log).contains(text) {
            let mut some = [0; 4096];
            let read = stderr.read(&mut some).unwrap();
            assert!(read > 0, "ended before `{text}`: {}", String::from_utf8_lossy(&log));
            log.extend_from_slice(&some[..read]);
        }
        child.stderr = Some(stderr);
        Started { name: name.to_owned(), child: Some(child) }
    }
}

/// A running container, which is removed on drop.
pub struct Started {
    pub name: String,
    child: Option<Child>,
}

impl Started {
    /// Waits until the container ends.
    pub fn wait(mut self) -> Outcome {
        self.child.take().unwrap().wait_with_output().unwrap().into()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if self.child.is_some() {
            let _ = Command::new("docker").args(["rm", "--force", &self.name]).output();
        }
    }
}

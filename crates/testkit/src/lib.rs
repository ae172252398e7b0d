//! For tests only: an `/opt/ml` tree to run a step's executable in, where the executables are, and a
//! server that stands for AWS.
//!
//! Knows the contract's directories as plain paths and AWS's protocols as text. Must never be part of a program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

pub mod aws;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::{Child, Command, Output, Stdio};

use camino::{Utf8Path, Utf8PathBuf};

/// A SageMaker directory tree of its own, removed when dropped.
pub struct Sandbox {
    directory: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

impl Sandbox {
    /// An empty tree.
    #[expect(clippy::new_without_default, reason = "it makes a directory")]
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), environment: BTreeMap::new() }
    }

    /// What stands for `/opt/ml`.
    pub fn base(&self) -> &Utf8Path {
        Utf8Path::from_path(self.directory.path()).unwrap()
    }

    /// A path in the tree, such as `processing/input`.
    pub fn path(&self, relative: &str) -> Utf8PathBuf {
        self.base().join(relative)
    }

    /// Puts a file into the tree.
    pub fn file(&self, relative: &str, contents: impl AsRef<[u8]>) -> &Self {
        let path = self.path(relative);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, contents).unwrap();
        self
    }

    /// Puts an empty directory into the tree.
    pub fn directory(&self, relative: &str) -> &Self {
        fs_err::create_dir_all(self.path(relative)).unwrap();
        self
    }

    /// Writes `input/config/hyperparameters.json`.
    pub fn hyperparameters(&self, pairs: &[(&str, &str)]) -> &Self {
        let map: BTreeMap<_, _> = pairs.iter().copied().collect();
        self.file("input/config/hyperparameters.json", serde_json::to_vec(&map).unwrap())
    }

    /// Sets a variable of the job's environment.
    pub fn variable(&mut self, name: &str, value: &str) -> &mut Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The job's environment.
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// The text of a file of the tree.
    pub fn read(&self, relative: &str) -> String {
        fs_err::read_to_string(self.path(relative)).unwrap()
    }

    /// The names in a directory of the tree, hidden ones too, sorted; none where it does not exist.
    pub fn list(&self, relative: &str) -> Vec<String> {
        let entries = fs_err::read_dir(self.path(relative)).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The command that runs one of the workspace's programs in this tree.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(executable(program));
        command
            .args(arguments)
            .env_clear()
            .env("SAGEMAKER_BASE_DIR", self.base())
            .envs(&self.environment);
        command
    }

    /// Runs a program to its end.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Outcome {
        self.command(program, arguments).output().unwrap().into()
    }

    /// Starts a program; its output is kept for [`Child::wait_with_output`].
    pub fn start(&self, program: &str, arguments: &[&str]) -> Child {
        self.command(program, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs a program where so many bytes of address space are all there are.
    pub fn run_within(&self, bytes: u64, program: &str, arguments: &[&str]) -> Outcome {
        let limited = format!("ulimit -v {} && exec \"$@\"", bytes / 1024);
        let mut shell = Command::new("sh");
        self.through(shell.args(["-c", &limited, "sh"]), program, arguments)
    }

    /// Runs a program with a disk of `bytes` as one of its directories. The disk is gone
    /// afterwards, so the names of the files that were left on it come along. None where this
    /// machine lets nobody mount one, which is an error where `CI` is set.
    pub fn run_on_a_small_disk(
        &self,
        directory: &str,
        bytes: u64,
        program: &str,
        arguments: &[&str],
    ) -> Option<(Outcome, String)> {
        self.directory(directory);
        let (disk, left) = (self.path(directory), self.path("left-on-the-disk"));
        let mount = format!("mount -t tmpfs -o size={bytes} tmpfs {disk}");
        let namespace = ["--mount", "--map-root-user"];
        let mut trial = Command::new("unshare");
        if !trial.args(namespace).args(["sh", "-c", &mount]).status().is_ok_and(|s| s.success()) {
            assert!(std::env::var_os("CI").is_none(), "cannot mount a tmpfs");
            eprintln!("skipped: cannot mount a tmpfs");
            return None;
        }
        let script = format!(
            "{mount} || exit 99; \"$@\"; code=$?; (cd {disk} && find . -type f) >{left}; exit $code"
        );
        let mut unshare = Command::new("unshare");
        unshare.args(namespace).args(["sh", "-c", &script, "sh"]);
        let outcome = self.through(&mut unshare, program, arguments);
        Some((outcome, self.read("left-on-the-disk")))
    }

    /// Has another program run one of the workspace's.
    fn through(&self, other: &mut Command, program: &str, arguments: &[&str]) -> Outcome {
        let command = self.command(program, arguments);
        other.arg(command.get_program()).args(command.get_args()).env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            other.env("PATH", path);
        }
        other.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        other.output().unwrap().into()
    }

    /// Every file below a directory of the tree, hidden ones too, sorted.
    pub fn files(&self, relative: &str) -> Vec<String> {
        let mut files = Vec::new();
        for name in self.list(relative) {
            let path = format!("{relative}/{name}");
            if self.path(&path).is_dir() {
                files.extend(self.files(&path));
            } else {
                files.push(path);
            }
        }
        files
    }

    /// Why a Training job failed.
    pub fn failure(&self) -> String {
        self.neutral(&self.read("output/failure"))
    }

    /// What a Processing job had to say.
    pub fn message(&self) -> String {
        self.neutral(&self.read("output/message"))
    }

    /// `text` with the tree's own place written as `/opt/ml`.
    pub fn neutral(&self, text: &str) -> String {
        text.replace(self.base().as_str(), "/opt/ml")
    }
}

/// How a program ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Outcome {
    /// Fails the test, showing the log, unless the program ended with `code`.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "\n--- stdout\n{}--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

/// Where cargo put a program of this workspace. The tests of one package do not build the programs
/// of another, so `cargo build` comes first, as in `scripts/test`.
pub fn executable(program: &str) -> Utf8PathBuf {
    let test = Utf8PathBuf::from_path_buf(std::env::current_exe().unwrap()).unwrap();
    let directory = test.parent().and_then(Utf8Path::parent).unwrap();
    let path = directory.join(program);
    assert!(path.is_file(), "{path} does not exist: run `cargo build` first, then the tests");
    path
}

/// A Python that has onnxruntime, if there is one.
pub fn onnxruntime() -> Option<String> {
    peer("ONNXRUNTIME_PYTHON", "onnxruntime")
}

/// What an environment variable says of a peer, which `scripts/test` has started or installed. Where
/// the whole test run is wanted, it must be there.
fn peer(variable: &str, name: &str) -> Option<String> {
    let found = std::env::var(variable).ok().filter(|value| !value.is_empty());
    if found.is_none() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{variable} is not set");
        // Not by `eprintln!`, which the harness shows of failing tests only.
        io::stderr().write_all(format!("skipped: no {name}\n").as_bytes()).unwrap();
    }
    found
}

/// A file of the folder that stands beside this checkout where the project is developed, if it is
/// there.
pub fn shared(relative: &str) -> Option<Utf8PathBuf> {
    let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(relative);
    path.exists().then_some(path)
}

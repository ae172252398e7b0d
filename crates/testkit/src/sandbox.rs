//! A directory tree that stands for `/opt/ml`, in which the programs of the steps run.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};

use crate::outcome::Outcome;
use crate::peers::skipped;
use crate::programs::executable;

/// A temporary directory that stands for `/opt/ml`, with the environment variables of a job. The
/// directory is removed on drop.
pub struct Sandbox {
    directory: tempfile::TempDir,
    environment: BTreeMap<String, String>,
}

/// Resource limits of a program.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The size of the address space in bytes.
    pub address_space: u64,
    /// The CPU time in seconds, which other load on the machine does not add to.
    pub cpu_seconds: u64,
}

impl Sandbox {
    /// Creates an empty tree.
    #[expect(clippy::new_without_default, reason = "it creates a directory")]
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), environment: BTreeMap::new() }
    }

    /// Returns the directory that stands for `/opt/ml`.
    pub fn base(&self) -> &Utf8Path {
        Utf8Path::from_path(self.directory.path()).unwrap()
    }

    /// Returns the path of a place in the tree, such as `processing/input`.
    pub fn path(&self, relative: &str) -> Utf8PathBuf {
        self.base().join(relative)
    }

    /// Writes a file and creates its directories.
    pub fn file(&self, relative: &str, contents: impl AsRef<[u8]>) -> &Self {
        let path = self.path(relative);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, contents).unwrap();
        self
    }

    /// Creates an empty directory.
    pub fn directory(&self, relative: &str) -> &Self {
        fs_err::create_dir_all(self.path(relative)).unwrap();
        self
    }

    /// Writes `input/config/hyperparameters.json`.
    pub fn hyperparameters(&self, pairs: &[(&str, &str)]) -> &Self {
        let map: BTreeMap<_, _> = pairs.iter().copied().collect();
        self.file("input/config/hyperparameters.json", serde_json::to_vec(&map).unwrap())
    }

    /// Sets an environment variable of the job.
    pub fn variable(&mut self, name: &str, value: &str) -> &mut Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Returns the environment variables of the job.
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.environment
    }

    /// Returns the text of a file.
    pub fn read(&self, relative: &str) -> String {
        fs_err::read_to_string(self.path(relative)).unwrap()
    }

    /// Returns the sorted names in a directory, hidden ones included; none if it does not exist.
    pub fn list(&self, relative: &str) -> Vec<String> {
        let entries = fs_err::read_dir(self.path(relative)).into_iter().flatten();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Returns the sorted paths, relative to the tree, of all files below a directory, hidden ones
    /// included.
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

    /// Returns the command that runs a program of the workspace in this tree, with no environment
    /// variables but those of the job.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(executable(program));
        command
            .args(arguments)
            .env_clear()
            .env("SAGEMAKER_BASE_DIR", self.base())
            .envs(&self.environment);
        command
    }

    /// Runs a program until it ends.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Outcome {
        self.command(program, arguments).output().unwrap().into()
    }

    /// Starts a program whose output [`Child::wait_with_output`] returns.
    pub fn start(&self, program: &str, arguments: &[&str]) -> Child {
        self.command(program, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs a program that fails if it exceeds the limits: an allocation is refused then, or a signal
    /// ends the program.
    pub fn run_with_limits(&self, limits: Limits, program: &str, arguments: &[&str]) -> Outcome {
        let Limits { address_space, cpu_seconds } = limits;
        let kibibytes = address_space / 1024;
        let limited = format!("ulimit -v {kibibytes} && ulimit -t {cpu_seconds} && exec \"$@\"");
        let mut shell = Command::new("sh");
        self.run_through(shell.args(["-c", &limited, "sh"]), program, arguments)
    }

    /// Runs a program with a file system of `bytes` mounted at `directory`.
    ///
    /// Returns the outcome and the names of the files that the program left on that file system,
    /// which no longer exists by then. Where this machine does not allow the mount, prints that the
    /// test is skipped and returns nothing.
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
            skipped("cannot mount a tmpfs");
            return None;
        }
        let script = format!(
            "{mount} || exit 99; \"$@\"; code=$?; (cd {disk} && find . -type f) >{left}; exit $code"
        );
        let mut unshare = Command::new("unshare");
        unshare.args(namespace).args(["sh", "-c", &script, "sh"]);
        let outcome = self.run_through(&mut unshare, program, arguments);
        Some((outcome, self.read("left-on-the-disk")))
    }

    /// Runs `wrapper` with the command line of a program of the workspace as its last arguments.
    fn run_through(&self, wrapper: &mut Command, program: &str, arguments: &[&str]) -> Outcome {
        let command = self.command(program, arguments);
        wrapper.arg(command.get_program()).args(command.get_args()).env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            wrapper.env("PATH", path);
        }
        wrapper.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        wrapper.output().unwrap().into()
    }

    /// Returns the failure file of a Training job, [normalized](Self::normalized).
    pub fn failure(&self) -> String {
        self.normalized(&self.read("output/failure"))
    }

    /// Returns the message file of a Processing job, [normalized](Self::normalized).
    pub fn message(&self) -> String {
        self.normalized(&self.read("output/message"))
    }

    /// Returns `text` with the path of the tree replaced by `/opt/ml`.
    pub fn normalized(&self, text: &str) -> String {
        text.replace(self.base().as_str(), "/opt/ml")
    }
}

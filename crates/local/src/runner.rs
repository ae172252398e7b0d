//! What a job's program runs in: a process of this machine, or a container of its own.

use std::process::{Command, ExitStatus};

use camino::{Utf8Path, Utf8PathBuf};
use common::Exit;
use container::wire;

use crate::failed::Failed;
use crate::job::Job;
use crate::process::{self, Ended, Stop};
use crate::store::file_digest;

/// The variable that tells Register where the local registry is.
pub(super) const REGISTRY_VARIABLE: &str = "MODEL_REGISTRY_DIRECTORY";

/// Starts the programs of jobs.
pub trait Runner: Sync {
    /// What differs wherever the job's program does, part of what makes two jobs the same.
    fn identity(&self, job: &Job) -> Result<String, Failed>;

    /// Where the program finds the tree that lies at `base`.
    fn inside<'a>(&self, base: &'a Utf8Path) -> &'a Utf8Path;

    /// Runs the program of one host, whose tree is at `base`, until it ends or `stop` is set. What
    /// it prints goes to `log`.
    fn run(
        &self,
        job: &Job,
        base: &Utf8Path,
        log: std::fs::File,
        stop: &Stop<'_>,
    ) -> Result<Ended, Failed>;

    /// How a program ended that left no words of its own.
    fn describe(&self, _: &Job, status: ExitStatus) -> String {
        process::describe(status)
    }
}

/// Executables of this machine, each a process with `SAGEMAKER_BASE_DIR`.
#[derive(Debug)]
pub struct Processes {
    /// The directory of the executables, named like the images' programs.
    pub programs: Utf8PathBuf,
    /// The directory that stands for the Model Registry.
    pub registry: Utf8PathBuf,
    /// What every job's environment has besides the definition's own.
    pub environment: Vec<(String, String)>,
}

impl Processes {
    fn program(&self, job: &Job) -> Result<Utf8PathBuf, Failed> {
        let path = self.programs.join(job.program());
        if !job.program().is_empty() && path.is_file() {
            return Ok(path);
        }
        let reason = format!(
            "image {} runs `{}`, but {path} does not exist; `scripts/local` builds the programs, and --programs names their directory",
            job.image,
            job.program()
        );
        Err(Failed::new(reason, Exit::Usage))
    }
}

impl Runner for Processes {
    fn identity(&self, job: &Job) -> Result<String, Failed> {
        Ok(file_digest(&self.program(job)?)?)
    }

    fn inside<'a>(&self, base: &'a Utf8Path) -> &'a Utf8Path {
        base
    }

    fn run(
        &self,
        job: &Job,
        base: &Utf8Path,
        log: std::fs::File,
        stop: &Stop<'_>,
    ) -> Result<Ended, Failed> {
        let program = self.program(job)?;
        let mut command = Command::new(&program);
        command
            .args(job.entrypoint.iter().skip(1))
            .args(&job.arguments)
            .current_dir(base)
            .env_clear()
            .env(REGISTRY_VARIABLE, &self.registry)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(&job.environment)
            .env(wire::BASE_VARIABLE, base);
        process::run(&mut command, log, job.limit, stop)
            .map_err(|error| Failed::internal(format!("cannot start {program}: {error}")))
    }
}

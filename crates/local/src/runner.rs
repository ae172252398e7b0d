//! The runner of jobs: each program runs as a process of this machine or in its own container.

use std::process::{Command, ExitStatus};

use camino::{Utf8Path, Utf8PathBuf};
use common::Exit;
use container::wire;

use crate::failure::JobFailure;
use crate::job::LocalJob;
use crate::process::{self, Ended, Stop};
use crate::store::file_digest;

/// The environment variable that gives the register program the local registry's directory.
pub(super) const REGISTRY_VARIABLE: &str = "MODEL_REGISTRY_DIRECTORY";

/// Starts the programs of jobs.
pub trait Runner: Sync {
    /// Returns a digest or id of the job's program, which is part of the job's cache key.
    fn identity(&self, job: &LocalJob) -> Result<String, JobFailure>;

    /// Returns the path at which the program sees the directory tree `base`.
    fn inside<'a>(&self, base: &'a Utf8Path) -> &'a Utf8Path;

    /// Runs the program of one host, whose directory tree is at `base`, until it ends or `stop` is
    /// requested. Its output is written to `log`.
    fn run(
        &self,
        job: &LocalJob,
        base: &Utf8Path,
        log: std::fs::File,
        stop: &Stop<'_>,
    ) -> Result<Ended, JobFailure>;

    /// Describes the end of a program that wrote no reason itself.
    fn describe(&self, _: &LocalJob, status: ExitStatus) -> String {
        process::describe(status)
    }
}

/// A runner that starts executables of this machine, each a process with `SAGEMAKER_BASE_DIR`.
#[derive(Debug)]
pub struct Processes {
    /// The directory of the executables, which have the names of the images' programs.
    pub programs: Utf8PathBuf,
    /// The directory that stands for the Model Registry.
    pub registry: Utf8PathBuf,
    /// Environment variables of every job, in addition to the definition's.
    pub environment: Vec<(String, String)>,
}

impl Processes {
    /// Returns the path of the job's executable.
    fn program(&self, job: &LocalJob) -> Result<Utf8PathBuf, JobFailure> {
        let path = self.programs.join(job.program());
        if !job.program().is_empty() && path.is_file() {
            return Ok(path);
        }
        let reason = format!(
            "image {} runs `{}`, but {path} does not exist; `scripts/local` builds the programs, and --programs names their directory",
            job.image,
            job.program()
        );
        Err(JobFailure::new(reason, Exit::Usage))
    }
}

impl Runner for Processes {
    fn identity(&self, job: &LocalJob) -> Result<String, JobFailure> {
        Ok(file_digest(&self.program(job)?)?)
    }

    fn inside<'a>(&self, base: &'a Utf8Path) -> &'a Utf8Path {
        base
    }

    fn run(
        &self,
        job: &LocalJob,
        base: &Utf8Path,
        log: std::fs::File,
        stop: &Stop<'_>,
    ) -> Result<Ended, JobFailure> {
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
            .map_err(|error| JobFailure::internal(format!("cannot start {program}: {error}")))
    }
}

//! The runner of jobs: each program runs as a process of this machine or in its own container.

use std::collections::BTreeSet;
use std::process::{Command, ExitStatus};

use camino::{Utf8Path, Utf8PathBuf};
use common::Exit;
use container::wire;
use pipeline::{Definition, StepKind};

use crate::environment::{self, REGISTRY_VARIABLE};
use crate::failure::JobFailure;
use crate::job::LocalJob;
use crate::process::{self, Ended, Stop, Watch};
use crate::store::file_digest;
use crate::strays;

/// Starts the programs of jobs.
pub trait Runner: Sync {
    /// Returns a digest or id of the job's program, which is part of the job's cache key.
    fn identity(&self, job: &LocalJob, stop: &Stop<'_>) -> Result<String, JobFailure>;

    /// Returns the path at which the program sees the directory tree `base`.
    fn inside<'a>(&self, base: &'a Utf8Path) -> &'a Utf8Path;

    /// Returns the reason why a definition may not set this environment variable, if it may not.
    fn refuses(&self, variable: &str) -> Option<&'static str>;

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

/// The directory that stands for the Model Registry, and the only step whose job may write to it.
#[derive(Debug)]
pub struct RegistryAccess {
    /// The directory.
    pub directory: Utf8PathBuf,
    /// The step's name.
    pub step: Option<String>,
}

impl RegistryAccess {
    /// Returns the directory for the job of the step that registers, and nothing for others.
    pub(crate) fn of(&self, job: &LocalJob) -> Option<&Utf8Path> {
        (self.step.as_ref() == Some(&job.step)).then_some(&*self.directory)
    }
}

/// The programs that may be started, whatever else is in their directory.
#[derive(Debug)]
pub struct Programs {
    /// The directory.
    pub directory: Utf8PathBuf,
    /// The names of the programs.
    pub names: BTreeSet<String>,
}

impl Programs {
    /// Returns the path of the job's executable.
    fn path(&self, job: &LocalJob) -> Result<Utf8PathBuf, JobFailure> {
        let Self { directory, names } = self;
        let (image, program) = (&job.image, job.program());
        let path = directory.join(program);
        let is_there = !program.is_empty() && path.is_file();
        let reason = match names.contains(program) {
            true if is_there => return Ok(path),
            false if is_there => {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                format!(
                    "image {image} runs `{program}`, which is no step's program; of {directory} only {} may be started",
                    names.join(", ")
                )
            }
            _ => format!(
                "image {image} runs `{program}`, but {path} does not exist; `scripts/local` builds the programs, and --programs names their directory"
            ),
        };
        Err(JobFailure::new(reason, Exit::Usage))
    }
}

/// A runner that starts executables of this machine, each a process with `SAGEMAKER_BASE_DIR`. It
/// confines nothing: a process can do what the user can.
#[derive(Debug)]
pub struct Processes {
    /// The executables, which have the names of the images' programs.
    pub programs: Programs,
    /// The directory that stands for the Model Registry, and the step that learns of it. Others learn that they have
    /// none.
    pub registry: RegistryAccess,
    /// Environment variables of every job, in addition to the definition's.
    pub environment: Vec<(String, String)>,
}

impl Runner for Processes {
    fn identity(&self, job: &LocalJob, _: &Stop<'_>) -> Result<String, JobFailure> {
        Ok(file_digest(&self.programs.path(job)?)?)
    }

    fn refuses(&self, variable: &str) -> Option<&'static str> {
        environment::engines_own(variable).or_else(|| environment::loaders_own(variable))
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
        let program = self.programs.path(job)?;
        strays::adopt();
        let mut command = Command::new(&program);
        command
            .args(job.entrypoint.iter().skip(1))
            .args(&job.arguments)
            .current_dir(base)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .envs(&job.environment)
            .env(REGISTRY_VARIABLE, self.registry.of(job).map_or("", Utf8Path::as_str))
            .env(wire::BASE_VARIABLE, base);
        let mut check = || Ok(());
        let mark = Some(strays::mark(base));
        let watch = Watch { mark, ..Watch::new(job.limit, stop, &mut check) };
        process::run(&mut command, log, watch)
            .map_err(|error| JobFailure::internal(format!("cannot run {program}: {error}")))
    }
}

/// Returns a line for each environment variable of a definition that a runner refuses.
pub fn refused_variables(definition: &Definition, runner: &dyn Runner) -> Vec<String> {
    let mut refused = Vec::new();
    for placed in definition.steps_recursive() {
        let environment = match &placed.step.kind {
            StepKind::Processing(job) => &job.environment,
            StepKind::Training(job) => &job.environment,
            _ => continue,
        };
        for name in environment.keys() {
            if let Some(why) = runner.refuses(name) {
                let name = common::one_line(name);
                refused.push(format!("{}.Arguments.Environment.{name}: {why}", placed.place));
            }
        }
    }
    refused
}

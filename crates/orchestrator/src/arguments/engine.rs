//! The arguments that choose between processes and containers.

use std::collections::BTreeSet;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueEnum};
use common::Exit;
use config::Image;
use indexmap::IndexMap;
use local::{Docker, Processes, Programs, RegistryAccess, Runner, Stop};
use pipeline::{Definition, Expression, StepKind};
use serde_json::Value;

use super::parameters::text;
use crate::error::CommandError;
use crate::output::say;

/// The arguments that choose between processes and containers for the jobs.
#[derive(Debug, Args)]
pub struct EngineArgs {
    /// Run each job as a process, or in its image under a Docker engine
    #[arg(long, value_enum, default_value_t)]
    engine: EngineKind,
    /// The directory of the steps' programs, of which a definition may start each; without it
    /// preprocess, train, evaluate and register beside this program
    #[arg(long, value_name = "DIR")]
    programs: Option<Utf8PathBuf>,
    /// With Docker: run the local images of this tag instead of those that the definition names
    #[arg(long, value_name = "TAG")]
    image_tag: Option<String>,
    /// With Docker: the containers' network
    #[arg(long, value_name = "NAME", default_value = "none")]
    network: String,
    /// With Docker: the seconds within which the engine answers a call [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    docker_timeout: Option<u64>,
}

/// The time in which a Docker engine answers unless an argument says otherwise.
const DOCKER_TIMEOUT: u64 = 60;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum EngineKind {
    #[default]
    Process,
    Docker,
}

/// Returns the absolute path of the directory of the steps' programs. The default is the directory
/// of this program, because cargo builds all programs into one directory.
pub fn programs(directory: Option<&Utf8Path>) -> Result<Utf8PathBuf, CommandError> {
    if let Some(directory) = directory {
        return camino::absolute_utf8(directory).map_err(CommandError::Read);
    }
    let this = std::env::current_exe().map_err(CommandError::Read)?;
    let this = Utf8PathBuf::from_path_buf(this).map_err(|path| {
        CommandError::Usage(format!("{} is not UTF-8; use --programs", path.display()))
    })?;
    Ok(this.parent().map(Utf8Path::to_owned).unwrap_or_default())
}

/// Returns the programs that a definition may start: those of the steps, if the directory is this
/// program's or has an orchestrator, and else all that are in the directory.
fn step_programs(directory: Option<&Utf8Path>) -> Result<Programs, CommandError> {
    let is_named = directory.is_some();
    let directory = programs(directory)?;
    let names = if !is_named || directory.join(env!("CARGO_PKG_NAME")).is_file() {
        let images = Image::ALL.iter().filter(|image| image.job_kind().is_some());
        images.map(|image| image.name().to_owned()).collect()
    } else {
        let entries = directory.read_dir_utf8().into_iter().flatten().flatten();
        let files = entries.filter(|entry| entry.path().is_file());
        files.map(|entry| entry.file_name().to_owned()).collect()
    };
    Ok(Programs { directory, names })
}

/// Returns the environment variables that control logging. Every job inherits them.
fn environment() -> Vec<(String, String)> {
    let variable = |name: &str| std::env::var(name).ok().map(|value| (name.to_owned(), value));
    ["RUST_LOG", "LOG_FORMAT"].into_iter().filter_map(variable).collect()
}

impl EngineArgs {
    /// Returns the runner of the jobs of a definition with these parameters.
    ///
    /// # Errors
    ///
    /// Fails before the first job starts if arguments contradict each other, if the definition sets
    /// a variable that the runner refuses, or if there is no Docker engine or an image is missing.
    pub fn runner(
        &self,
        definition: &Definition,
        parameters: &IndexMap<String, Value>,
        registry: RegistryAccess,
    ) -> Result<Box<dyn Runner>, CommandError> {
        let runner: Box<dyn Runner> = match self.engine {
            EngineKind::Process => Box::new(self.processes(registry)?),
            EngineKind::Docker => Box::new(self.docker(definition, parameters, registry)?),
        };
        let refused = local::refused_variables(definition, &*runner);
        if refused.is_empty() {
            return Ok(runner);
        }
        let lines = refused.join("\n");
        Err(CommandError::Usage(format!("the definition sets variables that it may not\n{lines}")))
    }

    /// Says that nothing confines the programs of a definition that others may have written, if that
    /// is so.
    pub fn remark_on_foreign_definition(&self) {
        if self.engine == EngineKind::Process {
            say(
                "The definition's programs run as processes, which can read and change all that you can; \
                 a definition of others belongs in --engine docker.",
            );
        }
    }

    /// Returns the runner of processes.
    fn processes(&self, registry: RegistryAccess) -> Result<Processes, CommandError> {
        if self.image_tag.is_some() || self.network != "none" || self.docker_timeout.is_some() {
            return Err(CommandError::Usage(
                "--image-tag, --network and --docker-timeout go with --engine docker".to_owned(),
            ));
        }
        let programs = step_programs(self.programs.as_deref())?;
        Ok(Processes { programs, registry, environment: environment() })
    }

    /// Returns the runner of containers. Instance types of unknown size are said.
    fn docker(
        &self,
        definition: &Definition,
        parameters: &IndexMap<String, Value>,
        registry: RegistryAccess,
    ) -> Result<Docker, CommandError> {
        if self.programs.is_some() {
            let message = "--programs goes with --engine process: a container has its own";
            return Err(CommandError::Usage(message.to_owned()));
        }
        let deadline = Duration::from_secs(self.docker_timeout.unwrap_or(DOCKER_TIMEOUT));
        let engine = local::docker_engine(deadline).map_err(|why| {
            CommandError::Usage(format!("no Docker engine: {why}; --engine process needs none"))
        })?;
        let docker = Docker {
            image_tag: self.image_tag.clone(),
            network: self.network.clone(),
            registry,
            environment: environment(),
            engine,
        };
        let (mut images, mut instance_types) = (BTreeSet::new(), BTreeSet::new());
        for placed in definition.steps_recursive() {
            let (image, instance_type) = match &placed.step.kind {
                StepKind::Processing(job) => (
                    Some(&job.app_specification.image_uri),
                    Some(&job.processing_resources.cluster_config.instance_type),
                ),
                StepKind::Training(job) => (
                    job.algorithm_specification.training_image.as_ref(),
                    job.resource_config.instance_type.as_ref(),
                ),
                _ => continue,
            };
            images.extend(image.and_then(Expression::as_str));
            instance_types.extend(instance_type.and_then(|it| text(it, parameters)));
        }
        for image in images {
            docker.image(image, &Stop::default()).map_err(|failure| match failure.exit {
                Exit::Usage => CommandError::Usage(failure.reason),
                _ => CommandError::Begin(std::io::Error::other(failure.reason)),
            })?;
        }
        for remark in instance_types.into_iter().filter_map(|it| docker.remark(it)) {
            say(&remark);
        }
        Ok(docker)
    }
}

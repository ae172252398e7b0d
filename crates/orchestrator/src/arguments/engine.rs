//! The arguments that choose between processes and containers.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, ValueEnum};
use config::steps::Register;
use local::{Docker, Processes, Runner};
use pipeline::{Definition, StepKind};

use crate::error::CommandError;

/// The arguments that choose between processes and containers for the jobs.
#[derive(Debug, Args)]
pub struct EngineArgs {
    /// Run each job as a process, or in its image under a Docker engine
    #[arg(long, value_enum, default_value_t)]
    engine: EngineKind,
    /// The directory of the steps' programs; without it that of this program
    #[arg(long, value_name = "DIR")]
    programs: Option<Utf8PathBuf>,
    /// With Docker: run the local images of this tag instead of those that the definition names
    #[arg(long, value_name = "TAG")]
    image_tag: Option<String>,
    /// With Docker: the containers' network
    #[arg(long, value_name = "NAME", default_value = "none")]
    network: String,
}

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

/// Returns the environment variables that control logging. Every job inherits them.
fn environment() -> Vec<(String, String)> {
    let variable = |name: &str| std::env::var(name).ok().map(|value| (name.to_owned(), value));
    ["RUST_LOG", "LOG_FORMAT"].into_iter().filter_map(variable).collect()
}

impl EngineArgs {
    /// Returns the runner of the jobs.
    ///
    /// # Errors
    ///
    /// Fails before the first job starts if arguments contradict each other, or if there is no Docker
    /// engine or an image is missing.
    pub fn runner(
        &self,
        definition: &Definition,
        runs: &Utf8Path,
    ) -> Result<Box<dyn Runner>, CommandError> {
        let registry = local::registry(runs);
        let refuse = |message: &str| Err(CommandError::Usage(message.to_owned()));
        if self.engine == EngineKind::Process {
            if self.image_tag.is_some() || self.network != "none" {
                return refuse("--image-tag and --network go with --engine docker");
            }
            let programs = programs(self.programs.as_deref())?;
            return Ok(Box::new(Processes { programs, registry, environment: environment() }));
        }
        if self.programs.is_some() {
            return refuse("--programs goes with --engine process: a container has its own");
        }
        let host = local::docker_engine().map_err(|why| {
            CommandError::Usage(format!("no Docker engine: {why}; --engine process needs none"))
        })?;
        let docker = Docker {
            image_tag: self.image_tag.clone(),
            network: self.network.clone(),
            registry,
            mounts_registry: |job| job.environment.contains_key(Register::GROUP),
            environment: environment(),
            host,
        };
        let images =
            definition.steps_recursive().into_iter().filter_map(|placed| match &placed.step.kind {
                StepKind::Processing(job) => job.app_specification.image_uri.as_str(),
                StepKind::Training(job) => {
                    job.algorithm_specification.training_image.as_ref()?.as_str()
                }
                _ => None,
            });
        let images: BTreeSet<_> = images.collect();
        let missing: Vec<_> = images.iter().filter_map(|image| docker.image(image).err()).collect();
        match missing.first() {
            Some(first) => refuse(first),
            None => Ok(Box::new(docker)),
        }
    }
}

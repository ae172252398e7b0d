//! Jobs in containers, as SageMaker runs them: the host's directory tree is mounted at `/opt/ml`, only
//! it and `/tmp` are writable, and the container has the memory and processors of the instance
//! type.
//!
//! The containers are run with Docker's command line: a user can repeat each call in a terminal, and
//! the crate needs no client of the engine's API.

use std::io;
use std::process::{Command, ExitStatus, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use common::Exit;
use container::wire;

use crate::failure::JobFailure;
use crate::instance;
use crate::job::LocalJob;
use crate::log::tail;
use crate::process::{self, Ended, Guard, Stop};
use crate::runner::{REGISTRY_VARIABLE, Runner};

/// The path in a container of the directory that stands for the Model Registry.
const REGISTRY: &str = "/opt/ml/registry";
/// The exit code of `docker run` for a failure of Docker, not of the program.
const ENGINE_FAILED: i32 = 125;
/// The exit code of a killed program: 128 plus the number of SIGKILL.
const KILLED: i32 = 137;

/// A runner that starts each job's program in a Docker container.
#[derive(Debug)]
pub struct Docker {
    /// The tag of the locally built images that replace those of the definition, whatever registry
    /// the definition names.
    pub image_tag: Option<String>,
    /// The containers' network, as `docker run --network` takes it.
    pub network: String,
    /// The directory that stands for the Model Registry.
    pub registry: Utf8PathBuf,
    /// Whether a job's container may write to that directory.
    pub mounts_registry: fn(&LocalJob) -> bool,
    /// Environment variables of every job, in addition to the definition's.
    pub environment: Vec<(String, String)>,
    /// The processors and bytes of memory of the engine's machine.
    pub host: (u64, u64),
}

/// Returns the processors and bytes of memory of the Docker engine that the environment selects.
///
/// # Errors
///
/// Returns the reason where no engine answers.
pub fn engine() -> Result<(u64, u64), String> {
    let mut command = Command::new("docker");
    command.args(["info", "--format", "{{.NCPU}} {{.MemTotal}}"]);
    let answer = match command.stdin(Stdio::null()).output() {
        Ok(answer) => answer,
        Err(error) => return Err(format!("cannot start `docker`: {error}")),
    };
    let text = String::from_utf8_lossy(&answer.stdout);
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        // without an engine the client prints zeros
        [processors, memory] if processors > 0 && memory > 0 => Ok((processors, memory)),
        _ => Err(last_line(&answer.stderr).unwrap_or_else(|| format!("`docker info` says {text}"))),
    }
}

impl Docker {
    /// Returns the names under which an image may be present, in the order of preference.
    fn names(&self, image: &str) -> Vec<String> {
        let (host, repository) = match image.split_once('/') {
            // a registry's host name has a dot or a port, or is `localhost`
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => {
                (Some(host), rest)
            }
            _ => (None, image),
        };
        if let Some(tag) = &self.image_tag {
            let repository = repository.split('@').next().unwrap_or_default();
            let name = repository.rsplit('/').next().unwrap_or_default();
            let tagged = name.rfind(':').map_or(0, |colon| name.len() - colon);
            return vec![format!("{}:{tag}", &repository[..repository.len() - tagged])];
        }
        let mut names = vec![image.to_owned()];
        // a digest names exactly one image; a tag may also name an image that was built here and is
        // to be pushed to that registry
        if host.is_some() && !repository.contains('@') {
            names.push(repository.to_owned());
        }
        names
    }

    /// Returns the id of an image that is present on this machine.
    pub fn image(&self, image: &str) -> Result<String, String> {
        let names = self.names(image);
        for name in &names {
            let mut command = Command::new("docker");
            command.args(["image", "inspect", "--format", "{{.Id}}", name]).stdin(Stdio::null());
            let answer =
                command.output().map_err(|error| format!("cannot start `docker`: {error}"))?;
            if answer.status.success() {
                return Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned());
            }
        }
        Err(format!(
            "there is no image {} here; `scripts/build-images` builds the images of this checkout, \
             --image-tag names another tag of them",
            names.join(" or ")
        ))
    }

    /// Returns the call of `docker run` for one host of a job.
    fn command(&self, job: &LocalJob, base: &Utf8Path, image: &str, name: &str) -> Command {
        let user = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        let mut command = Command::new("docker");
        command
            .args(["run", "--rm", "--name", name, "--pull", "never"])
            .args(["--hostname", base.file_name().unwrap_or_default()])
            .args(["--network", &self.network])
            .args(["--read-only", "--tmpfs", "/tmp"])
            .args(["--mount", &mount(base, wire::DEFAULT_BASE)])
            // files that the container writes belong to the current user
            .args(["--user", &format!("{}:{}", user.0, user.1)])
            .args(["--cap-drop", "ALL", "--security-opt", "no-new-privileges"])
            // the client's output is the log
            .args(["--log-driver", "none"]);
        if let Some((processors, memory)) = self.limits(job) {
            command.args(["--cpus", &processors.to_string(), "--memory", &memory.to_string()]);
        }
        if (self.mounts_registry)(job) {
            command.args(["--mount", &mount(&self.registry, REGISTRY)]);
            command.args(["--env", &format!("{REGISTRY_VARIABLE}={REGISTRY}")]);
        }
        for (name, value) in &self.environment {
            command.args(["--env", &format!("{name}={value}")]);
        }
        for (name, value) in &job.environment {
            command.args(["--env", &format!("{name}={value}")]);
        }
        let mut entrypoint = job.entrypoint.iter();
        if let Some(program) = entrypoint.next() {
            command.args(["--entrypoint", program]);
        }
        command.arg(image).args(entrypoint).args(&job.arguments);
        command
    }

    /// Returns the instance type's processors and memory, at most those of the engine's machine.
    fn limits(&self, job: &LocalJob) -> Option<(u64, u64)> {
        let (processors, memory) = instance::size(&job.instance_type)?;
        Some((processors.min(self.host.0), memory.min(self.host.1)))
    }
}

impl Runner for Docker {
    fn identity(&self, job: &LocalJob) -> Result<String, JobFailure> {
        self.image(&job.image).map_err(|reason| JobFailure::new(reason, Exit::Usage))
    }

    fn inside<'a>(&self, _: &'a Utf8Path) -> &'a Utf8Path {
        Utf8Path::new(wire::DEFAULT_BASE)
    }

    fn run(
        &self,
        job: &LocalJob,
        base: &Utf8Path,
        log: std::fs::File,
        stop: &Stop<'_>,
    ) -> Result<Ended, JobFailure> {
        let image = self.identity(job)?;
        let host = base.file_name().unwrap_or_default();
        let name = format!("{}-{host}-{}", job.name, std::process::id());
        let failed =
            |error: io::Error| JobFailure::internal(format!("cannot run `docker`: {error}"));
        fs_err::create_dir_all(&self.registry).map_err(failed)?;
        // a container that is still being created appears some seconds later, so removal is retried
        let script = "for i in 1 2 3 4 5 6 7 8 9 10; do docker rm -f $0; sleep 1; done";
        let guard = Guard::new(script, &name);
        let mut command = self.command(job, base, &image, &name);
        let ended = process::run(&mut command, log, job.limit, stop).map_err(failed)?;
        let code = match &ended {
            Ended::Exited(status) => status.code(),
            Ended::TimedOut | Ended::Stopped => None,
        };
        match code {
            Some(ENGINE_FAILED) if let Some(message) = client_error(base) => {
                guard.act();
                Err(JobFailure::internal(format!("the container cannot be run: {message}")))
            }
            // the program itself exited, so the engine has removed the container
            Some(_) => Ok(ended),
            // the client was terminated or killed, but the container may still run
            None => {
                guard.act();
                Ok(ended)
            }
        }
    }

    fn describe(&self, job: &LocalJob, status: ExitStatus) -> String {
        let limit = self.limits(job).filter(|_| status.code() == Some(KILLED));
        match limit {
            Some((_, memory)) => format!(
                "was killed by signal 9 (SIGKILL); the memory of {} is {} MiB here",
                job.instance_type,
                memory >> 20
            ),
            None => process::describe(status),
        }
    }
}

/// Returns the value of `--mount` for a bind mount, which Docker parses as a CSV record.
fn mount(source: &Utf8Path, target: &str) -> String {
    let source = format!("source={source}").replace('"', "\"\"");
    format!("type=bind,\"{source}\",target={target}")
}

/// Returns the error message of Docker's client in the job's log, if there is one.
fn client_error(base: &Utf8Path) -> Option<String> {
    let log = tail(&base.with_extension("log"));
    let line = log.iter().rev().find_map(|line| line.strip_prefix("docker: "))?;
    Some(line.trim_end_matches('.').to_owned())
}

/// Returns the last non-empty line of `docker`'s error output.
fn last_line(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    Some(line.trim_start_matches("docker: ").trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn docker(image_tag: Option<&str>) -> Docker {
        Docker {
            image_tag: image_tag.map(str::to_owned),
            network: "none".to_owned(),
            registry: Utf8PathBuf::from("/runs/registry"),
            mounts_registry: |_| false,
            environment: Vec::new(),
            host: (2, 4 << 30),
        }
    }

    #[test]
    fn an_image_is_searched_by_its_full_name_and_its_local_name() {
        let ecr = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
        let names = |tag, image: &str| docker(tag).names(image);
        let built = "machine-downtime/train:1";
        assert_eq!(names(None, &format!("{ecr}/{built}")), [&format!("{ecr}/{built}"), built]);
        assert_eq!(names(None, built), [built]);
        let digest = format!("{ecr}/machine-downtime/train@sha256:00");
        assert_eq!(names(None, &digest), [digest.as_str()]);
        for image in [&format!("{ecr}/{built}"), &digest, "localhost:5000/machine-downtime/train"] {
            assert_eq!(names(Some("2"), image), ["machine-downtime/train:2"]);
        }
    }

    #[test]
    fn a_path_with_a_comma_stays_one_field_of_the_mount_option() {
        let field = mount(Utf8Path::new("/a,b/\"c\""), "/opt/ml");
        assert_eq!(field, "type=bind,\"source=/a,b/\"\"c\"\"\",target=/opt/ml");
    }
}

//! Jobs in containers, as SageMaker runs them: the host's directory tree is mounted at `/opt/ml`, only
//! it and `/tmp` are writable, and the container has the memory and processors of the instance
//! type.
//!
//! The containers are run with Docker's command line: a user can repeat each call in a terminal, and
//! the crate needs no client of the engine's API.

use std::io;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use camino::Utf8Path;
use common::Exit;
use container::wire;

use crate::docker_client::{DockerClient, Heartbeat};
use crate::environment::{self, REGISTRY_VARIABLE};
use crate::failure::JobFailure;
use crate::instance;
use crate::job::LocalJob;
use crate::log::tail;
use crate::process::{self, Ended, Guard, KILL_GROUP, Stop, Watch};
use crate::runner::{RegistryAccess, Runner};

/// The path in a container of the directory that stands for the Model Registry.
const REGISTRY: &str = "/opt/ml/registry";
/// The maximum number of processes and threads of a container. The largest instance types have 192
/// processors.
const MOST_PROCESSES: &str = "4096";
/// A script that removes the container `$0`. One that is still being created appears some seconds
/// later, and a call that the engine does not answer is given up.
const REMOVE: &str = "for i in 1 2 3 4 5 6 7 8 9 10; do docker rm -f $0 & sleep 1; done; sleep 20";
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
    /// The directory that stands for the Model Registry, and the step whose container gets it.
    pub registry: RegistryAccess,
    /// Environment variables of every job, in addition to the definition's.
    pub environment: Vec<(String, String)>,
    /// The engine.
    pub engine: DockerEngine,
}

/// A Docker engine and its machine.
#[derive(Debug)]
pub struct DockerEngine {
    client: DockerClient,
    processors: u64,
    /// In bytes.
    memory: u64,
}

/// Finds the Docker engine that the environment selects, which has to answer every call within
/// `deadline`.
///
/// # Errors
///
/// Returns the reason where no engine answers.
pub fn engine(deadline: Duration) -> Result<DockerEngine, String> {
    let client = DockerClient { deadline };
    let answer = client.call(&["info", "--format", "{{.NCPU}} {{.MemTotal}}"], &Stop::default());
    let answer = answer.map_err(|failure| failure.reason)?;
    let text = String::from_utf8_lossy(&answer.stdout);
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        // without an engine the client prints zeros
        [processors, memory] if processors > 0 && memory > 0 => {
            Ok(DockerEngine { client, processors, memory })
        }
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
    ///
    /// # Errors
    ///
    /// Fails where there is no such image or the engine does not answer, and when `stop` is
    /// requested.
    pub fn image(&self, image: &str, stop: &Stop<'_>) -> Result<String, JobFailure> {
        let names = self.names(image);
        // `docker image inspect` would take it as an option
        if names.iter().any(|name| name.starts_with('-')) {
            let reason = format!(
                "image {} begins with a hyphen, expected a name such as any:1",
                common::one_line(image)
            );
            return Err(JobFailure::new(reason, Exit::Usage));
        }
        for name in &names {
            let arguments = ["image", "inspect", "--format", "{{.Id}}", name];
            let answer = self.engine.client.call(&arguments, stop)?;
            if answer.status.success() {
                return Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned());
            }
        }
        let reason = format!(
            "there is no image {} here; `scripts/build-images` builds the images of this checkout, \
             --image-tag names another tag of them",
            common::one_line(&names.join(" or "))
        );
        Err(JobFailure::new(reason, Exit::Usage))
    }

    /// Returns the call of `docker run` for one host of a job.
    fn command(&self, job: &LocalJob, base: &Utf8Path, image: &str, name: &str) -> Command {
        let user = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        let mut command = self.engine.client.command();
        command
            .args(["run", "--rm", "--name", name, "--pull", "never"])
            .args(["--hostname", base.file_name().unwrap_or_default()])
            .args(["--network", &self.network])
            .args(["--read-only", "--tmpfs", "/tmp"])
            .args(["--mount", &mount(base, wire::DEFAULT_BASE)])
            // files that the container writes belong to the current user
            .args(["--user", &format!("{}:{}", user.0, user.1)])
            .args(["--cap-drop", "ALL", "--security-opt", "no-new-privileges"])
            .args(["--pids-limit", MOST_PROCESSES])
            // the client's output is the log
            .args(["--log-driver", "none"]);
        let (processors, memory) = self.limits(&job.instance_type);
        command.args(["--cpus", &processors.to_string(), "--memory", &memory.to_string()]);
        if let Some(registry) = self.registry.of(job) {
            command.args(["--mount", &mount(registry, REGISTRY)]);
        }
        let directory = self.registry.of(job).map_or("", |_| REGISTRY);
        command.args(["--env", &format!("{REGISTRY_VARIABLE}={directory}")]);
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

    /// Returns the processors and the bytes of memory of a container: those of the instance type as
    /// far as the engine's machine has them, whose own programs keep an eighth of the memory. A type
    /// of unknown size gets as much as the machine has to give.
    fn limits(&self, instance_type: &str) -> (u64, u64) {
        let DockerEngine { processors: all, memory, .. } = self.engine;
        let most = memory - memory / 8;
        match instance::size(instance_type) {
            Some((processors, memory)) => (processors.min(all), memory.min(most)),
            None => (all, most),
        }
    }

    /// Says how large the containers of an instance type of unknown size are.
    pub fn remark(&self, instance_type: &str) -> Option<String> {
        if instance::size(instance_type).is_some() {
            return None;
        }
        let (processors, memory) = self.limits(instance_type);
        Some(format!(
            "The size of {instance_type} is not known here: its containers get {processors} processors and {} MiB of memory.",
            memory >> 20
        ))
    }
}

impl Runner for Docker {
    fn identity(&self, job: &LocalJob, stop: &Stop<'_>) -> Result<String, JobFailure> {
        self.image(&job.image, stop)
    }

    fn inside<'a>(&self, _: &'a Utf8Path) -> &'a Utf8Path {
        Utf8Path::new(wire::DEFAULT_BASE)
    }

    fn refuses(&self, variable: &str) -> Option<&'static str> {
        environment::engines_own(variable)
    }

    fn run(
        &self,
        job: &LocalJob,
        base: &Utf8Path,
        log: std::fs::File,
        stop: &Stop<'_>,
    ) -> Result<Ended, JobFailure> {
        let image = self.identity(job, stop)?;
        let host = base.file_name().unwrap_or_default();
        let name = format!("{}-{host}-{}", job.name, std::process::id());
        if let Some(registry) = self.registry.of(job) {
            fs_err::create_dir_all(registry).map_err(failed)?;
        }
        let guard = Guard::new(&format!("{REMOVE}; {KILL_GROUP}"), &name);
        let mut command = self.command(job, base, &image, &name);
        let mut heartbeat = Heartbeat::new(&self.engine.client, &name, stop);
        let mut check = || heartbeat.check().map_err(io::Error::other);
        let ended = process::run(&mut command, log, Watch::new(job.limit, stop, &mut check));
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) => {
                guard.act();
                return Err(JobFailure { stopped: stop.is_requested(), ..failed(error) });
            }
        };
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
        if status.code() != Some(KILLED) {
            return process::describe(status);
        }
        let (_, memory) = self.limits(&job.instance_type);
        format!(
            "was killed by signal 9 (SIGKILL); the memory of {} is {} MiB here",
            job.instance_type,
            memory >> 20
        )
    }
}

/// Returns the failure of a container that could not be run to its end.
fn failed(error: io::Error) -> JobFailure {
    JobFailure::internal(format!("cannot run `docker`: {error}"))
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
    use camino::Utf8PathBuf;

    use super::*;

    fn docker(image_tag: Option<&str>) -> Docker {
        let client = DockerClient { deadline: Duration::from_secs(60) };
        Docker {
            image_tag: image_tag.map(str::to_owned),
            network: "none".to_owned(),
            registry: RegistryAccess {
                directory: Utf8PathBuf::from("/runs/registry"),
                step: Some("Register".to_owned()),
            },
            environment: Vec::new(),
            engine: DockerEngine { client, processors: 8, memory: 16 << 30 },
        }
    }

    /// Returns the arguments of `docker run` for a job of a step with this instance type, which
    /// names the group in which it would register a model.
    fn arguments(step: &str, instance_type: &str) -> Vec<String> {
        let request = serde_json::json!({
            "ProcessingResources": { "ClusterConfig": {
                "InstanceCount": 1, "InstanceType": instance_type, "VolumeSizeInGB": 10,
            } },
            "AppSpecification": { "ImageUri": "any:1" },
            "RoleArn": "arn:aws:iam::123456789012:role/pipelines",
            "Environment": { "MODEL_PACKAGE_GROUP_NAME": "pumps" },
        });
        let request = serde_json::from_value(request).unwrap();
        let job = LocalJob::processing(step, "pipelines-1-any".to_owned(), &request).unwrap();
        let base = Utf8Path::new("/runs/executions/1/Any/algo-1");
        let command = docker(None).command(&job, base, "sha256:1", "name");
        command.get_args().map(|argument| argument.to_str().unwrap().to_owned()).collect()
    }

    /// Returns the argument that follows `name`.
    fn value<'a>(arguments: &'a [String], name: &str) -> &'a str {
        let place = arguments.iter().position(|argument| argument == name).unwrap();
        &arguments[place + 1]
    }

    #[test]
    fn every_container_has_limits() {
        // the machine has 8 processors and 16 GiB, of which its own programs keep 2
        for (instance_type, processors, memory) in [
            ("ml.m5.large", "2", 8 << 30),
            ("ml.m5.24xlarge", "8", 14 << 30),
            ("ml.p3.2xlarge", "8", 14 << 30),
            ("ml.z9.unknown", "8", 14_u64 << 30),
        ] {
            let arguments = arguments("Any", instance_type);
            assert_eq!(value(&arguments, "--cpus"), processors, "{instance_type}");
            assert_eq!(value(&arguments, "--memory"), memory.to_string(), "{instance_type}");
            assert_eq!(value(&arguments, "--pids-limit"), "4096");
        }
        let docker = docker(None);
        assert_eq!(docker.remark("ml.m5.large"), None);
        let remark = docker.remark("ml.z9.unknown").unwrap();
        assert_eq!(
            remark,
            "The size of ml.z9.unknown is not known here: its containers get 8 processors and 14336 MiB of memory."
        );
    }

    #[test]
    fn one_step_gets_the_registry_whatever_others_name() {
        let with = |step: &str| {
            let arguments = arguments(step, "ml.m5.large").join(" ");
            let mounted = arguments.contains("target=/opt/ml/registry");
            assert_eq!(arguments.contains("MODEL_REGISTRY_DIRECTORY=/"), mounted, "{arguments}");
            assert_eq!(arguments.contains("MODEL_REGISTRY_DIRECTORY= "), !mounted, "{arguments}");
            mounted
        };
        assert!(with("Register"));
        assert!(!with("Evaluate") && !with("Re-Register"));
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

    /// There is no engine to ask.
    #[test]
    fn an_image_that_looks_like_an_option_is_refused() {
        for (tag, image) in [(None, "--help"), (None, "registry.example/-x"), (Some("1"), "-x")] {
            let refused = docker(tag).image(image, &Stop::default()).unwrap_err();
            let expected =
                format!("image {image} begins with a hyphen, expected a name such as any:1");
            assert_eq!((refused.reason, refused.exit), (expected, Exit::Usage));
        }
    }

    #[test]
    fn a_path_with_a_comma_stays_one_field_of_the_mount_option() {
        let field = mount(Utf8Path::new("/a,b/\"c\""), "/opt/ml");
        assert_eq!(field, "type=bind,\"source=/a,b/\"\"c\"\"\",target=/opt/ml");
    }
}

//! One attempt at a job: it creates a directory tree for every host, runs the program in it and
//! stores the outputs.

use std::io::{self, Read};
use std::process::ExitStatus;
use std::thread::{self, ScopedJoinHandle};

use camino::{Utf8Path, Utf8PathBuf};
use common::{Exit, chain};
use container::Kind;
use container::wire::{self, ResourceConfig};
use indexmap::IndexMap;
use serde_json::json;

use crate::archive;
use crate::failure::JobFailure;
use crate::job::LocalJob;
use crate::leftovers::executions_in;
use crate::log::tail;
use crate::metrics;
use crate::ownership;
use crate::process::{Ended, Stop};
use crate::recorded::Contents;
use crate::runner::Runner;
use crate::store::{Store, with_remedy};
use crate::tree::files_below;

/// What a job that succeeded has left.
pub struct Made {
    /// The metrics in its logs.
    pub metrics: IndexMap<String, f64>,
    /// The objects of its outputs.
    pub contents: Contents,
}

/// Runs attempts at jobs.
pub struct JobRunner<'a> {
    /// The object store of the inputs and outputs.
    pub store: &'a Store,
    /// The runner that starts the programs.
    pub runner: &'a dyn Runner,
    /// The request to stop the execution.
    pub stop: &'a Stop<'a>,
}

impl JobRunner<'_> {
    /// Runs the job once, with the hosts' trees and logs in `directory`. The trees stay.
    ///
    /// # Errors
    ///
    /// Fails where a host's program does not succeed or its files cannot be read or stored.
    pub fn attempt(&self, job: &LocalJob, directory: &Utf8Path) -> Result<Made, JobFailure> {
        for name in job.environment.keys() {
            if let Some(why) = self.runner.refuses(name) {
                return Err(JobFailure::new(format!("Environment.{name}: {why}"), Exit::Usage));
            }
        }
        require_own_addresses(job, directory)?;
        // what a job is told of, it need not read: a registration refers to a model
        self.store.require_named(job.texts())?;
        self.begin(directory)?;
        let hosts = job.host_names();
        for (index, host) in hosts.iter().enumerate() {
            self.lay_out(job, index, &directory.join(host))?;
        }
        let stop = Stop::below(self.stop);
        let ended = thread::scope(|scope| {
            let run = |host: &str| {
                let ended = self.start(job, &directory.join(host), &stop);
                // the other hosts cannot complete the job without this one
                if !matches!(ended, Ok(Ended::Exited(status)) if status.success()) {
                    stop.request_gracefully();
                }
                ended
            };
            let mut threads = Vec::new();
            for host in &hosts {
                let thread = thread::Builder::new().spawn_scoped(scope, move || run(host));
                threads.push(thread.inspect_err(|_| stop.request_gracefully()));
            }
            let end = |thread: io::Result<ScopedJoinHandle<'_, _>>| match thread {
                Ok(thread) => thread.join(),
                Err(error) => {
                    let reason = format!("its thread cannot be started: {error}");
                    Ok(Err(JobFailure::new(reason, Exit::Failed)))
                }
            };
            threads.into_iter().map(end).collect::<Vec<_>>()
        });
        let mut failures = Vec::new();
        for (host, ended) in hosts.iter().zip(ended) {
            let base = directory.join(host);
            let failed = match ended {
                Ok(Ok(Ended::Exited(status))) if status.success() => continue,
                Ok(Ok(ended)) => self.failure(job, &base, ended),
                Ok(Err(failed)) => failed,
                Err(_) => {
                    let reason = format!("{} could not be watched", job.program());
                    JobFailure::new(reason, Exit::Failed)
                }
            };
            failures.push(failed.on_host(host, hosts.len(), tail(&base.with_extension("log"))));
        }
        // a host that was stopped is a consequence of another host's failure
        failures.sort_by_key(|failed| failed.stopped);
        if let Some(first) = failures.into_iter().next() {
            return Err(first);
        }
        let metrics = metrics::find(job, directory, self.stop)?;
        let contents = self.gather(job, directory)?;
        Ok(Made { metrics, contents })
    }

    /// Makes the job's directory anew: files of an earlier attempt must not be mistaken for results of this one.
    fn begin(&self, directory: &Utf8Path) -> Result<(), JobFailure> {
        let name = directory.file_name().unwrap_or_default();
        let made = self.store.directory_of(directory).and_then(|above| {
            above.remove(name)?;
            above.new_directory(name)
        });
        made.map(drop).map_err(cannot("make", directory))
    }

    /// Creates the directory tree that SageMaker would mount at `/opt/ml`.
    fn lay_out(&self, job: &LocalJob, index: usize, base: &Utf8Path) -> Result<(), JobFailure> {
        let hosts = job.host_names();
        let resources = ResourceConfig {
            current_host: hosts[index].clone(),
            network_interface_name: Some("lo".to_owned()),
            current_instance_type: Some(job.instance_type.clone()),
            hosts,
        };
        let resources = (job.resources_file(), json!(resources));
        for (place, contents) in job.files.iter().chain([&resources]) {
            let file = base.join(place);
            let text = contents.to_string();
            let written = self.store.directory_of(&file).and_then(|directory| {
                let name = file.file_name().unwrap_or_default();
                directory.write(name, |out| out.write_all(text.as_bytes()))
            });
            written.map_err(cannot("write", &file))?;
        }
        let fixed: &[&str] = match job.kind {
            Kind::Training => &[wire::MODEL, wire::OUTPUT_DATA, wire::CHANNELS],
            Kind::Processing => &[wire::PROCESSING, "output"],
        };
        let outputs = job.outputs.iter().map(|output| base.join(&output.directory));
        for directory in fixed.iter().map(|place| base.join(place)).chain(outputs) {
            self.store.directory(&directory).map_err(cannot("make", &directory))?;
        }
        for input in &job.inputs {
            let share = input.sharded.then_some((index, job.hosts));
            self.store.download(&input.uri, &base.join(&input.directory), share)?;
        }
        Ok(())
    }

    /// Runs the program of one host and writes its output to the host's log.
    fn start(&self, job: &LocalJob, base: &Utf8Path, stop: &Stop<'_>) -> Result<Ended, JobFailure> {
        let path = base.with_extension("log");
        let log = self
            .store
            .directory_of(&path)
            .and_then(|directory| directory.new_file(path.file_name().unwrap_or_default()));
        let log = log.map_err(cannot("write", &path))?;
        self.runner.run(job, base, log, stop)
    }

    /// Stores the outputs of all hosts and returns what they hold.
    fn gather(&self, job: &LocalJob, directory: &Utf8Path) -> Result<Contents, JobFailure> {
        let mut contents = Contents::new();
        let hosts = job.host_names();
        let trees = |place: &str| {
            let places = hosts.iter().map(|host| {
                self.path_without_links(&directory.join(host).join(place)).ok_or_else(|| {
                    let reason = format!("/opt/ml/{place} is a symbolic link, or below one; expected the directory that the job was given");
                    JobFailure::new(reason, Exit::Failed)
                })
            });
            let places = places.collect::<Result<Vec<_>, _>>()?;
            let taken = places.iter().try_for_each(|tree| ownership::take(tree));
            taken.map_err(|error| JobFailure::new(chain(&error), Exit::Failed))?;
            Ok::<_, JobFailure>(places)
        };
        for output in &job.outputs {
            for tree in trees(output.directory.as_str())? {
                let objects = self.store.upload(&tree, &output.uri)?;
                contents.entry(output.uri.clone()).or_default().extend(objects);
            }
        }
        if let Some(prefix) = &job.model_prefix {
            let mut pack = |name: &str, trees: &[Utf8PathBuf]| -> Result<(), JobFailure> {
                let uri = format!("{prefix}/{name}");
                let digest = self.store.write(&uri, |out| archive::write(trees, out))?;
                contents.insert(uri, [(String::new(), digest)].into());
                Ok(())
            };
            pack(wire::MODEL_ARCHIVE, &trees(wire::MODEL)?)?;
            let data = trees(wire::OUTPUT_DATA)?;
            if data.iter().any(|tree| files_below(tree).is_ok_and(|files| !files.is_empty())) {
                pack("output.tar.gz", &data)?;
            }
        }
        Ok(contents)
    }

    /// Returns the failure of a host's program, with the reason that the program wrote itself where
    /// it wrote one.
    fn failure(&self, job: &LocalJob, base: &Utf8Path, ended: Ended) -> JobFailure {
        let written = self.written_reason(&base.join(job.kind.reason_file()));
        let written = job.name_sources(written.trim(), self.runner.inside(base), self.store);
        let written = (!written.is_empty()).then_some(written);
        let (fallback, status) = match ended {
            Ended::Exited(status) => {
                (format!("{} {}", job.program(), self.runner.describe(job, status)), Some(status))
            }
            Ended::TimedOut => {
                let seconds = job.limit.unwrap_or_default().as_secs();
                (format!("{} ran longer than its limit of {seconds} s", job.program()), None)
            }
            Ended::Stopped => ("the execution was stopped".to_owned(), None),
        };
        let reason = match (&ended, written) {
            (Ended::Exited(status), Some(written)) if status.code().is_some() => written,
            _ => fallback,
        };
        let exit_code = status.and_then(|status: ExitStatus| status.code());
        JobFailure {
            exit_code,
            stopped: ended == Ended::Stopped,
            ..JobFailure::new(reason, exit_code.map_or(Exit::Failed, Exit::from_code))
        }
    }

    /// Returns a path in a job's tree, or `None` if the program has replaced a part of the path by a
    /// link: the target of a link may not be the job's own, so it must not be stored or shown.
    fn path_without_links(&self, path: &Utf8Path) -> Option<Utf8PathBuf> {
        let runs = self.store.root.parent().unwrap_or(&self.store.root);
        let mut inside =
            path.ancestors().take_while(|above| above.starts_with(runs) && *above != runs);
        (!inside.any(Utf8Path::is_symlink)).then(|| path.to_owned())
    }

    /// Returns the text that a program wrote to its failure or message file, at most 16 KiB of it.
    fn written_reason(&self, file: &Utf8Path) -> String {
        let file = self.path_without_links(file);
        let file = file.and_then(|path| common::open_regular(&path).ok());
        let mut text = Vec::new();
        if let Some(file) = file {
            let _ = file.take(16 << 10).read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Refuses a job that would store its results among those of another execution, which a version may refer to.
fn require_own_addresses(job: &LocalJob, directory: &Utf8Path) -> Result<(), JobFailure> {
    let execution = directory.parent().unwrap_or(directory);
    let is_other =
        |id: &&str| execution.file_name() != Some(id) && execution.with_file_name(id).is_dir();
    for uri in job.stored().into_values() {
        if let Some(other) = executions_in(&uri).find(is_other) {
            let reason =
                format!("{uri} is an address of execution {other}; expected an output elsewhere");
            return Err(JobFailure::new(reason, Exit::Usage));
        }
    }
    Ok(())
}

/// Returns a function that makes an I/O error the failure of a job.
fn cannot(doing: &str, path: &Utf8Path) -> impl FnOnce(io::Error) -> JobFailure {
    move |error| {
        let error = with_remedy(error);
        JobFailure::new(format!("cannot {doing} {path}: {error}"), Exit::Failed)
    }
}

//! One attempt at one job: a tree for every host, the program started in it, the outputs gathered.

use std::io::{BufRead, BufReader, Read};
use std::process::ExitStatus;
use std::thread;

use camino::{Utf8Path, Utf8PathBuf};
use common::{Exit, write_file, write_with};
use container::Kind;
use container::wire::{self, ResourceConfig};
use indexmap::IndexMap;
use serde_json::json;

use crate::archive;
use crate::failed::Failed;
use crate::job::Job;
use crate::log::tail;
use crate::process::{Ended, Stop};
use crate::runner::Runner;
use crate::store::{Store, files_below};

/// Where and how jobs are run.
pub struct Bench<'a> {
    /// Inputs come from here and outputs go here.
    pub store: &'a Store,
    /// Starts the programs.
    pub runner: &'a dyn Runner,
    /// Set when the execution is to end.
    pub stop: &'a Stop<'a>,
}

impl Bench<'_> {
    /// Runs the job once. `directory` holds the hosts' trees and logs.
    pub fn attempt(
        &self,
        job: &Job,
        directory: &Utf8Path,
    ) -> Result<IndexMap<String, f64>, Failed> {
        let hosts = job.host_names();
        for (index, host) in hosts.iter().enumerate() {
            self.lay_out(job, index, &directory.join(host))?;
        }
        let stop = Stop::below(self.stop);
        let ended = thread::scope(|scope| {
            let run = |host: &str| {
                let ended = self.start(job, &directory.join(host), &stop);
                // none of the others can do its work
                if !matches!(ended, Ok(Ended::Exited(status)) if status.success()) {
                    stop.ask_patiently();
                }
                ended
            };
            let threads: Vec<_> = hosts.iter().map(|host| scope.spawn(move || run(host))).collect();
            threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
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
                    Failed::new(reason, Exit::Failed)
                }
            };
            failures.push(failed.of_host(host, hosts.len(), tail(&base.with_extension("log"))));
        }
        // who was stopped was so because of another
        failures.sort_by_key(|failed| failed.stopped);
        if let Some(first) = failures.into_iter().next() {
            return Err(first);
        }
        let metrics = self.metrics(job, directory)?;
        self.gather(job, directory)?;
        // what is worth keeping is in the store now; a failed job's trees stay for looking at
        for host in &hosts {
            let _ = fs_err::remove_dir_all(directory.join(host));
        }
        Ok(metrics)
    }

    /// Makes the tree that SageMaker would mount at `/opt/ml`.
    fn lay_out(&self, job: &Job, index: usize, base: &Utf8Path) -> Result<(), Failed> {
        let hosts = job.host_names();
        let resources = ResourceConfig {
            current_host: hosts[index].clone(),
            network_interface_name: Some("lo".to_owned()),
            current_instance_type: Some(job.instance_type.clone()),
            hosts,
        };
        write_file(&base.join(job.resources_file()), json!(resources).to_string().as_bytes())?;
        for (place, contents) in &job.files {
            write_file(&base.join(place), contents.to_string().as_bytes())?;
        }
        let fixed: &[&str] = match job.kind {
            Kind::Training => &[wire::MODEL, wire::OUTPUT_DATA, wire::CHANNELS],
            Kind::Processing => &[wire::PROCESSING, "output"],
        };
        let outputs = job.outputs.iter().map(|output| base.join(&output.directory));
        for directory in fixed.iter().map(|place| base.join(place)).chain(outputs) {
            let made = fs_err::create_dir_all(&directory);
            made.map_err(|error| Failed::new(error.to_string(), Exit::Failed))?;
        }
        for input in &job.inputs {
            let share = input.sharded.then_some((index, job.hosts));
            self.store.download(&input.uri, &base.join(&input.directory), share)?;
        }
        Ok(())
    }

    fn start(&self, job: &Job, base: &Utf8Path, stop: &Stop<'_>) -> Result<Ended, Failed> {
        let log = fs_err::File::create(base.with_extension("log"));
        let log = log.map_err(|error| Failed::new(error.to_string(), Exit::Failed))?;
        self.runner.run(job, base, log.into_parts().0, stop)
    }

    /// What the metric definitions find in the logs, the last value of each: of several hosts, what
    /// the last one says.
    fn metrics(&self, job: &Job, directory: &Utf8Path) -> Result<IndexMap<String, f64>, Failed> {
        let mut found = IndexMap::new();
        if job.metrics.is_empty() {
            return Ok(found);
        }
        let mut expressions = Vec::new();
        for (name, expression) in &job.metrics {
            let wrong = |error| Failed::new(format!("metric {name}: {error}"), Exit::Usage);
            expressions.push((name, regex::Regex::new(expression).map_err(wrong)?));
        }
        let unreadable = |error: std::io::Error| Failed::new(error.to_string(), Exit::Failed);
        for host in job.host_names() {
            let log = fs_err::File::open(directory.join(host).with_extension("log"));
            for line in BufReader::new(log.map_err(unreadable)?).split(b'\n') {
                let line = line.map_err(unreadable)?;
                let line = String::from_utf8_lossy(&line);
                for (name, expression) in &expressions {
                    let last = expression.captures_iter(&line).last();
                    let number = last.and_then(|captures| captures.get(1)?.as_str().parse().ok());
                    found.extend(number.map(|number| ((*name).clone(), number)));
                }
            }
        }
        Ok(found)
    }

    /// Stores what the hosts have written.
    fn gather(&self, job: &Job, directory: &Utf8Path) -> Result<(), Failed> {
        let hosts = job.host_names();
        let trees = |place: &str| {
            let places = hosts.iter().map(|host| {
                real(&directory.join(host), place).ok_or_else(|| {
                    let reason = format!("/opt/ml/{place} is or lies behind a link now, expected the directory that was there");
                    Failed::new(reason, Exit::Failed)
                })
            });
            places.collect::<Result<Vec<_>, _>>()
        };
        for output in &job.outputs {
            for tree in trees(output.directory.as_str())? {
                self.store.upload(&tree, &output.uri)?;
            }
        }
        if let Some(prefix) = &job.model_prefix {
            let target = self.store.path(&format!("{prefix}/{}", wire::MODEL_ARCHIVE))?;
            let models = trees(wire::MODEL)?;
            write_with(&target, |out| archive::write(&models, out))?;
            let data = trees(wire::OUTPUT_DATA)?;
            if data.iter().any(|tree| files_below(tree).is_ok_and(|files| !files.is_empty())) {
                let target = self.store.path(&format!("{prefix}/output.tar.gz"))?;
                write_with(&target, |out| archive::write(&data, out))?;
            }
        }
        Ok(())
    }

    /// Why a host's program did not succeed: its own words where it left any.
    fn failure(&self, job: &Job, base: &Utf8Path, ended: Ended) -> Failed {
        let said = reason(base, job.kind.reason_file());
        let said = job.name_sources(said.trim(), self.runner.inside(base));
        let said = (!said.is_empty()).then_some(said);
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
        let reason = match (&ended, said) {
            (Ended::Exited(status), Some(said)) if status.code().is_some() => said,
            _ => fallback,
        };
        let exit_code = status.and_then(|status: ExitStatus| status.code());
        Failed {
            exit_code,
            stopped: ended == Ended::Stopped,
            ..Failed::new(reason, exit_code.map_or(Exit::Failed, Exit::from_code))
        }
    }
}

/// A place in a job's tree, unless the program has put a link there or in its way: what that leads
/// to is not the job's to give away.
fn real(base: &Utf8Path, place: &str) -> Option<Utf8PathBuf> {
    let mut path = base.to_owned();
    for part in place.split('/') {
        path.push(part);
        if path.is_symlink() {
            return None;
        }
    }
    Some(path)
}

/// What a program left in its failure or message file: text, and no more than anybody reads.
fn reason(base: &Utf8Path, place: &str) -> String {
    let file = real(base, place).filter(|path| path.is_file());
    let file = file.and_then(|path| fs_err::File::open(path).ok());
    let mut text = Vec::new();
    if let Some(file) = file {
        let _ = file.take(16 << 10).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

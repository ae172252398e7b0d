//! Keeps what an execution leaves: its record, the results of its steps, and their cache entries.
//!
//! A thread of its own does that, one task after the other, while further steps run. What a step has made is on the
//! disk before a cache entry or the record names it, because the task that syncs it comes first.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use camino::{Utf8Path, Utf8PathBuf};
use common::{Directory, Durable};

use crate::cache::Cache;
use crate::record::{DEFINITION_FILE, LocalExecution, RECORD_FILE, StepRecord, readable};

/// Keeps what one execution leaves. Once something could not be kept, nothing that names it is written.
pub struct Keeper {
    tasks: Option<mpsc::Sender<Task>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Mutex<Shared>>,
}

/// What the thread and its owner tell each other.
#[derive(Default)]
struct Shared {
    /// The latest record that is to be written. It replaces those that were not written in time, so that the
    /// records of many steps do not add up.
    record: Option<Box<LocalExecution>>,
    /// The number of [`Task::Record`] that have not been begun.
    records: usize,
    /// Why something could not be kept.
    failure: Option<String>,
    /// What else the user should know.
    notes: Vec<String>,
}

/// Something to keep.
enum Task {
    /// Files that the record and the entry of a result, with its cache key, may name afterwards.
    Files(Vec<Utf8PathBuf>, Option<Box<(String, StepRecord)>>),
    /// The record as it is now, unless another one follows.
    Record,
    /// The record for good.
    LastRecord(Box<LocalExecution>),
    /// An answer to whoever waits.
    Answer(mpsc::Sender<()>),
}

/// The thread's side of a keeper.
struct Work {
    runs: Utf8PathBuf,
    directory: Directory,
    path: Utf8PathBuf,
    cache: Cache,
    sync: bool,
    /// Files that are synced with the next ones: the record and the definition at first, later cache entries.
    pending: Vec<Utf8PathBuf>,
    durable: Durable,
    shared: Arc<Mutex<Shared>>,
}

impl Keeper {
    /// Writes the record and the definition of an execution that begins, and starts to keep what it leaves. Without
    /// `sync`, the operating system decides when that gets to the disk.
    ///
    /// # Errors
    ///
    /// Fails where a file cannot be written without following a link in the runs directory.
    pub fn begin(
        runs: &Utf8Path,
        execution: &LocalExecution,
        definition: &str,
        sync: bool,
    ) -> io::Result<Self> {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let mut work = Work::begin(runs, execution, definition, sync, Arc::clone(&shared))?;
        let (tasks, receive) = mpsc::channel();
        let thread = std::thread::Builder::new().name("keeper".to_owned()).spawn(move || {
            for task in receive {
                if let Err(error) = work.run(task) {
                    lock(&work.shared).failure.get_or_insert_with(|| error.to_string());
                }
            }
        })?;
        Ok(Self { tasks: Some(tasks), thread: Some(thread), shared })
    }

    /// Keeps files that the record will name, and the result of a step for whoever has its cache key.
    pub fn files(&self, files: Vec<Utf8PathBuf>, result: Option<(String, StepRecord)>) {
        self.send(Task::Files(files, result.map(Box::new)));
    }

    /// Keeps the record as it is now; with `last`, for good.
    pub fn record(&self, execution: &LocalExecution, last: bool) {
        let execution = Box::new(execution.clone());
        if last {
            return self.send(Task::LastRecord(execution));
        }
        let mut shared = lock(&self.shared);
        shared.record = Some(execution);
        shared.records += 1;
        drop(shared);
        self.send(Task::Record);
    }

    /// Waits until everything is kept so far.
    pub fn settle(&self) {
        let (answer, answered) = mpsc::channel();
        self.send(Task::Answer(answer));
        // It is dropped unanswered only if the thread has panicked, which `failure` tells.
        let _ = answered.recv();
    }

    /// Returns why something could not be kept.
    pub fn failure(&self) -> Option<String> {
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            return Some("the thread that keeps the results has panicked".to_owned());
        }
        lock(&self.shared).failure.clone()
    }

    /// Returns what else the user should know, once.
    pub fn notes(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.shared).notes)
    }

    fn send(&self, task: Task) {
        // The thread ends early only if it panics, which `failure` tells.
        let _ = self.tasks.as_ref().map(|tasks| tasks.send(task));
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.tasks.take());
        // A panic has been reported already.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Work {
    /// Writes the record and the definition of an execution that begins.
    fn begin(
        runs: &Utf8Path,
        execution: &LocalExecution,
        definition: &str,
        sync: bool,
        shared: Arc<Mutex<Shared>>,
    ) -> io::Result<Self> {
        let path = execution.directory.clone();
        let directory = Directory::make(runs, path.strip_prefix(runs).unwrap_or(&path))?;
        directory.write(DEFINITION_FILE, |out| out.write_all(definition.as_bytes()))?;
        let (runs, cache) = (runs.to_owned(), Cache::new(runs));
        let (pending, durable) = (Vec::new(), Durable::default());
        let mut work = Self { runs, directory, path, cache, sync, pending, durable, shared };
        work.record(execution, false)?;
        work.pending.extend([RECORD_FILE, DEFINITION_FILE].map(|name| work.path.join(name)));
        Ok(work)
    }

    fn run(&mut self, task: Task) -> io::Result<()> {
        match task {
            Task::Files(mut files, result) => {
                files.append(&mut self.pending);
                self.sync(&files)?;
                if let Some((key, record)) = result.map(|result| *result) {
                    match self.cache.remember(&key, &record) {
                        Ok(()) => self.pending.push(self.cache.path(&key)),
                        Err(error) => lock(&self.shared)
                            .notes
                            .push(format!("the result of {} was not cached: {error}", record.name)),
                    }
                }
                Ok(())
            }
            Task::Record => {
                let mut shared = lock(&self.shared);
                shared.records -= 1;
                // A later record may name files that come between the two tasks.
                let is_latest = shared.records == 0;
                let record = if is_latest { shared.record.take() } else { None };
                let record = record.filter(|_| shared.failure.is_none());
                drop(shared);
                record.map_or(Ok(()), |execution| self.record(&execution, false))
            }
            // a record that names what could not be kept says at least that the execution failed
            Task::LastRecord(execution) => self.record(&execution, true),
            Task::Answer(answer) => {
                // Whoever has stopped waiting needs no answer.
                let _ = answer.send(());
                Ok(())
            }
        }
    }

    /// Writes the record. The last one ends on the disk, with the definition and the cache entries.
    fn record(&mut self, execution: &LocalExecution, last: bool) -> io::Result<()> {
        let text = readable(RECORD_FILE, common::json::seal(execution)?)?;
        let last = last && self.sync;
        let written = if last {
            self.directory.write_synced(RECORD_FILE, &text)
        } else {
            self.directory.write(RECORD_FILE, |out| out.write_all(&text))
        };
        let path = self.path.join(RECORD_FILE);
        written.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot write {path}: {error}"))
        })?;
        if !last {
            return Ok(());
        }
        let mut files = std::mem::take(&mut self.pending);
        files.push(path);
        self.sync(&files)
    }

    fn sync(&mut self, files: &[Utf8PathBuf]) -> io::Result<()> {
        if !self.sync {
            return Ok(());
        }
        self.durable.sync(&self.runs, files.iter().map(|file| &**file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Status;

    /// Later records may name what is made durable after the task of an earlier one.
    #[test]
    fn a_record_is_written_after_what_it_names() {
        let guard = tempfile::tempdir().unwrap();
        let runs = Utf8Path::from_path(guard.path()).unwrap();
        let executions = runs.join("executions");
        let mut execution =
            LocalExecution::begin(&executions, "pipeline", Default::default(), "{}").unwrap();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let mut work = Work::begin(runs, &execution, "{}", true, Arc::clone(&shared)).unwrap();
        let directory = execution.directory.clone();
        let written = || LocalExecution::read(&directory).unwrap().status;
        let (file, other) = (runs.join("file"), runs.join("other"));
        for path in [&file, &other] {
            fs_err::write(path, "contents").unwrap();
        }

        // What `Keeper::record` leaves of two records while the thread is busy.
        execution.status = Status::Stopped;
        *lock(&shared) =
            Shared { record: Some(Box::new(execution.clone())), records: 2, ..Shared::default() };
        work.run(Task::Files(vec![file], None)).unwrap();
        work.run(Task::Record).unwrap();
        assert_eq!(written(), Status::Executing);
        work.run(Task::Files(vec![other], None)).unwrap();
        work.run(Task::Record).unwrap();
        assert_eq!(written(), Status::Stopped);
    }

    #[test]
    fn nothing_is_written_once_a_file_could_not_be_kept() {
        let guard = tempfile::tempdir().unwrap();
        let runs = Utf8Path::from_path(guard.path()).unwrap();
        let executions = runs.join("executions");
        let mut execution =
            LocalExecution::begin(&executions, "pipeline", Default::default(), "{}").unwrap();
        let keeper = Keeper::begin(runs, &execution, "{}", true).unwrap();
        let file = runs.join("file");
        fs_err::write(&file, "contents").unwrap();
        keeper.files(vec![file.join("below")], None);
        execution.status = Status::Succeeded;
        keeper.record(&execution, false);
        keeper.settle();
        assert!(keeper.failure().is_some_and(|reason| reason.contains("file/below")));
        let directory = execution.directory.clone();
        let written = || LocalExecution::read(&directory).unwrap().status;
        assert_eq!(written(), Status::Executing);
        execution.status = Status::Failed;
        keeper.record(&execution, true);
        keeper.settle();
        assert_eq!(written(), Status::Failed);
    }
}

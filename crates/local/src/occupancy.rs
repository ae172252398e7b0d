//! Who is at work in a directory of runs, so that nobody removes what another one uses.
//!
//! A run holds a shared lock on the directory from before it stores its table until its end; whoever
//! removes results holds it alone. Beside it are marks: files in `<runs>/running`, one for each process and
//! each execution, which are locked as long as it lives. The system takes the locks of a process that is
//! killed, so that a mark without a lock tells of a process that left something behind.

use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::MetadataExt;

use camino::{Utf8Path, Utf8PathBuf};
use common::{Directory, PARTIAL_PREFIX};
use fs_err::File;
use rustix::fs::Mode;
use rustix::process::umask;

use crate::leftovers;
use crate::store::with_remedy;

/// The name of the directory of the marks in that of the runs.
const MARKS: &str = "running";
/// The bits of a directory whose new files belong to its group, which may write them.
const SHARED: u32 = 0o2020;

/// The presence of a process in a directory of runs.
#[derive(Debug)]
pub struct Occupancy {
    _mark: Option<Mark>,
    _lock: Lock,
}

/// A file that this process has locked or is about to lock.
#[derive(Debug)]
struct Lock(File);

/// A child process that has not yet begun has the file, too, so that closing it would not be enough.
impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.file().unlock();
    }
}

impl Occupancy {
    /// Enters a directory of runs, which is made if there is none, after whoever removes results there has
    /// ended, and removes what killed processes have left. `note` is told of both.
    ///
    /// In a directory that its group may write, with the bit that gives new files its group (`chmod g+ws`),
    /// this process makes directories that the group may write, whatever its umask says.
    ///
    /// # Errors
    ///
    /// Fails where the directory cannot be made or written.
    pub fn enter(runs: &Utf8Path, note: &dyn Fn(&str)) -> io::Result<Self> {
        let enter = || {
            // Its name outlasts a power cut as what is in it does.
            Directory::make(runs, "")?;
            let lock = Lock(File::open(runs)?);
            if lock.0.metadata()?.mode() & SHARED == SHARED {
                let mask = umask(Mode::RWXO);
                umask(mask - Mode::RWXG);
            }
            let dead = dead_marks(runs)?;
            // Only alone it can tell an unfinished file from one that is being written.
            let is_alone = || lock.0.file().try_lock().is_ok();
            if !dead.is_empty() {
                match remove_leftovers(runs, dead, is_alone()) {
                    Ok(true) => note("Removed what a killed run has left."),
                    Ok(false) => {}
                    // It is no reason not to run.
                    Err(error) => {
                        note(&format!("What a killed run has left is still there: {error}"));
                    }
                }
            }
            // A file system without locks is no reason not to run.
            if let Err(TryLockError::WouldBlock) = lock.0.file().try_lock_shared() {
                note(&format!("waiting for `orchestrator clean`, which is at work in {runs}"));
                lock.0.file().lock_shared()?;
            }
            let name = format!(
                "process-{}-{}",
                std::process::id(),
                jiff::Timestamp::now().as_nanosecond()
            );
            Ok(Self { _mark: Some(Mark::set(runs, &name)?), _lock: lock })
        };
        enter().map_err(|error| explained(error, runs))
    }

    /// Enters a directory of runs to remove results. Returns none while a run is at work there.
    ///
    /// # Errors
    ///
    /// Fails where the directory cannot be read, or where its file system has no locks.
    pub fn alone(runs: &Utf8Path) -> io::Result<Option<Self>> {
        let lock = Lock(File::open(runs)?);
        match lock.0.file().try_lock() {
            Ok(()) => Ok(Some(Self { _mark: None, _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => {
                Err(io::Error::new(source.kind(), format!("cannot lock {runs}: {source}")))
            }
        }
    }
}

/// Removes what killed processes have left, and returns whether there was something. The mark of a process stays
/// until somebody is alone and removes its unfinished files.
fn remove_leftovers(runs: &Utf8Path, mut dead: Vec<DeadMark>, is_alone: bool) -> io::Result<bool> {
    dead.retain(|mark| is_alone || leftovers::is_execution(name(&mark.path)));
    leftovers::remove(runs, &executions_of(&dead), is_alone)?;
    for mark in &dead {
        leftovers::remove_path(runs, &mark.path)?;
    }
    Ok(!dead.is_empty())
}

/// Adds to an error of a directory of runs what helps.
fn explained(error: io::Error, runs: &Utf8Path) -> io::Error {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return with_remedy(error);
    }
    let remedy = format!(
        "a group shares {runs} if it may write all of it: `chgrp -R GROUP {runs} && chmod -R g+rwX {runs} && find {runs} \
         -type d -exec chmod g+s {{}} +`"
    );
    io::Error::new(error.kind(), format!("{error}; {remedy}"))
}

/// A file that is locked while its process lives, and removed at its end.
#[derive(Debug)]
pub struct Mark {
    path: Utf8PathBuf,
    _lock: File,
}

impl Mark {
    /// Sets the mark of a process or an execution.
    ///
    /// # Errors
    ///
    /// Fails where the file cannot be made.
    pub fn set(runs: &Utf8Path, name: &str) -> io::Result<Self> {
        let directory = Directory::make(runs, MARKS)?;
        // It is locked before others see it.
        let unlocked = format!("{PARTIAL_PREFIX}{name}");
        let path = self::directory(runs).join(&unlocked);
        let lock = File::from_parts(directory.new_file(&unlocked)?, path.as_std_path());
        let _ = lock.file().lock();
        directory.take(&path, name)?;
        Ok(Self { path: path.with_file_name(name), _lock: lock })
    }
}

/// The mark goes before its lock does, so that nobody takes it for that of a killed process.
impl Drop for Mark {
    fn drop(&mut self) {
        let _ = fs_err::remove_file(&self.path);
    }
}

/// The mark of a process that was killed, locked so that nobody else finds it.
struct DeadMark {
    path: Utf8PathBuf,
    _lock: Lock,
}

fn directory(runs: &Utf8Path) -> Utf8PathBuf {
    runs.join(MARKS)
}

fn name(mark: &Utf8Path) -> &str {
    mark.file_name().unwrap_or_default()
}

/// Returns the names of the executions that run.
///
/// # Errors
///
/// Fails where the marks cannot be read.
pub fn running(runs: &Utf8Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for path in marks(runs)? {
        let is_locked =
            common::open_regular(&path).is_ok_and(|file| file.file().try_lock_shared().is_err());
        if is_locked && leftovers::is_execution(name(&path)) {
            names.push(name(&path).to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Takes the marks of processes that were killed.
fn dead_marks(runs: &Utf8Path) -> io::Result<Vec<DeadMark>> {
    let mut dead = Vec::new();
    for path in marks(runs)? {
        let Ok(lock) = common::open_regular(&path).map(Lock) else { continue };
        // Between these lines its process may have ended as it should, which removes the mark first.
        if lock.0.file().try_lock().is_ok() && path.exists() {
            dead.push(DeadMark { path, _lock: lock });
        }
    }
    Ok(dead)
}

fn executions_of(marks: &[DeadMark]) -> Vec<String> {
    let names = marks.iter().map(|mark| name(&mark.path));
    names.filter(|name| leftovers::is_execution(name)).map(str::to_owned).collect()
}

/// Returns the paths of the marks.
fn marks(runs: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
    let entries = match fs_err::read_dir(directory(runs)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = Utf8PathBuf::try_from(entry?.path()).map_err(io::Error::other)?;
        if !name(&path).starts_with(PARTIAL_PREFIX) {
            paths.push(path);
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_removes_results_is_alone() {
        let directory = tempfile::tempdir().unwrap();
        let runs = Utf8PathBuf::from_path_buf(directory.path().join("runs")).unwrap();
        let silent = |_: &str| {};
        let (one, other) =
            (Occupancy::enter(&runs, &silent).unwrap(), Occupancy::enter(&runs, &silent).unwrap());
        assert_eq!(marks(&runs).unwrap().len(), 2);
        drop(one);
        assert!(Occupancy::alone(&runs).unwrap().is_none());
        drop(other);
        assert_eq!(marks(&runs).unwrap().len(), 0);
        let alone = Occupancy::alone(&runs).unwrap();
        assert!(alone.is_some() && Occupancy::alone(&runs).unwrap().is_none());
    }

    #[test]
    fn what_a_killed_process_has_left_goes_once_nobody_else_is_at_work() {
        let directory = tempfile::tempdir().unwrap();
        let runs = Utf8PathBuf::from_path_buf(directory.path().to_owned()).unwrap();
        let mark = Mark::set(&runs, "20261130-080000-001").unwrap();
        let other = Occupancy::enter(&runs, &|_| {}).unwrap();
        // Nobody has locked these.
        let (id, process) = ("20261130-080000-002", "process-7-1");
        for name in [id, process] {
            common::write_file(&super::directory(&runs).join(name), b"").unwrap();
        }
        let unfinished = runs.join("s3/b/.partial-1");
        let tree = runs.join(format!("executions/{id}/Train/algo-1"));
        for file in [&unfinished, &tree.join("table.csv")] {
            common::write_file(file, b"1").unwrap();
        }
        assert_eq!(running(&runs).unwrap(), ["20261130-080000-001"]);
        let enter = || {
            let notes = std::cell::RefCell::new(Vec::new());
            drop(
                Occupancy::enter(&runs, &|note| notes.borrow_mut().push(note.to_owned())).unwrap(),
            );
            notes.into_inner()
        };
        assert_eq!(enter(), ["Removed what a killed run has left."]);
        assert!(!tree.exists() && unfinished.exists());
        assert_eq!(enter(), [""; 0]);
        drop((mark, other));
        assert_eq!(enter(), ["Removed what a killed run has left."]);
        assert!(!unfinished.exists());
        assert_eq!(marks(&runs).unwrap().len(), 0);
    }

    #[test]
    fn an_error_says_what_helps() {
        let explained = |kind| explained(io::Error::new(kind, "x"), Utf8Path::new("r")).to_string();
        assert_eq!(
            explained(io::ErrorKind::PermissionDenied),
            "x; a group shares r if it may write all of it: `chgrp -R GROUP r && chmod -R g+rwX r && find r -type d \
             -exec chmod g+s {} +`"
        );
        assert_eq!(
            explained(io::ErrorKind::StorageFull),
            "x; `orchestrator clean --keep 1 --runs DIR` removes the results of earlier runs"
        );
        assert_eq!(explained(io::ErrorKind::NotFound), "x");
    }
}

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
use common::PARTIAL_PREFIX;
use fs_err::File;
use rustix::fs::Mode;
use rustix::process::umask;

use crate::leftovers;

/// The bits of a directory whose new files belong to its group, which may write them.
const SHARED: u32 = 0o2020;

/// The presence of a process in a directory of runs.
#[derive(Debug)]
pub struct Occupancy {
    _mark: Option<Mark>,
    _lock: File,
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
            fs_err::create_dir_all(runs)?;
            let lock = File::open(runs)?;
            if lock.metadata()?.mode() & SHARED == SHARED {
                let mask = umask(Mode::RWXO);
                umask(mask - Mode::RWXG);
            }
            let dead = dead_marks(runs)?;
            if !dead.is_empty() {
                // Only alone it can tell an unfinished file from one that is being written.
                let is_alone = lock.file().try_lock().is_ok();
                leftovers::remove(runs, &executions_of(&dead), is_alone)?;
                dead.into_iter().for_each(drop);
                note("Removed what a killed run has left.");
            }
            // A file system without locks is no reason not to run.
            if let Err(TryLockError::WouldBlock) = lock.file().try_lock_shared() {
                note(&format!("waiting for `orchestrator clean`, which is at work in {runs}"));
                lock.file().lock_shared()?;
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
        let lock = File::open(runs)?;
        match lock.file().try_lock() {
            Ok(()) => Ok(Some(Self { _mark: None, _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => {
                Err(io::Error::new(source.kind(), format!("cannot lock {runs}: {source}")))
            }
        }
    }
}

/// Adds to an error of a directory of runs what helps.
fn explained(error: io::Error, runs: &Utf8Path) -> io::Error {
    let remedy = match error.kind() {
        io::ErrorKind::PermissionDenied => format!(
            "a group shares {runs} if it may write all of it: `chgrp -R GROUP {runs} && chmod -R g+rwX {runs} && find \
             {runs} -type d -exec chmod g+s {{}} +`"
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "`orchestrator clean` removes results that nobody needs any more".to_owned()
        }
        _ => return error,
    };
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
        let directory = directory(runs);
        fs_err::create_dir_all(&directory)?;
        // It is locked before others see it.
        let unlocked = directory.join(format!("{PARTIAL_PREFIX}{name}"));
        let lock = File::create_new(&unlocked)?;
        let _ = lock.file().lock();
        let path = directory.join(name);
        fs_err::rename(&unlocked, &path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Returns the name of a mark.
    fn name(&self) -> &str {
        self.path.file_name().unwrap_or_default()
    }
}

/// The mark goes before its lock does, so that nobody takes it for that of a killed process.
impl Drop for Mark {
    fn drop(&mut self) {
        let _ = fs_err::remove_file(&self.path);
    }
}

fn directory(runs: &Utf8Path) -> Utf8PathBuf {
    runs.join("running")
}

/// Returns the names of the executions that run.
///
/// # Errors
///
/// Fails where the marks cannot be read.
pub fn running(runs: &Utf8Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for path in marks(runs)? {
        let is_locked = File::open(&path).is_ok_and(|file| file.file().try_lock_shared().is_err());
        if let Some(name) =
            path.file_name().filter(|name| is_locked && leftovers::is_execution(name))
        {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Takes the marks of processes that were killed. They are removed when the result is dropped.
fn dead_marks(runs: &Utf8Path) -> io::Result<Vec<Mark>> {
    let mut dead = Vec::new();
    for path in marks(runs)? {
        let Ok(lock) = File::open(&path) else { continue };
        // Between these lines its process may have ended as it should, which removes the mark first.
        if lock.file().try_lock().is_ok() && path.exists() {
            dead.push(Mark { path, _lock: lock });
        }
    }
    Ok(dead)
}

fn executions_of(marks: &[Mark]) -> Vec<String> {
    let names = marks.iter().map(Mark::name);
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
        if !path.file_name().unwrap_or_default().starts_with(PARTIAL_PREFIX) {
            paths.push(path);
        }
    }
    Ok(paths)
}

//! Removing what nobody needs any more from a directory of runs.
//!
//! What stays is found first, from what refers to it: the executions that are to stay, by their records
//! and definitions, and the registered versions, by their addresses and by the executions that made them.
//! Of the rest only that is removed which executions made: an object whose key has the id of an execution,
//! a copy of an input below its digest, a record, a log, the tree of a job, a cached result whose outputs
//! go. Whatever else somebody has put into the object store stays.

mod kept;
mod objects;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

use self::kept::{Execution, Kept};
use self::objects::{Object, Owner};
use crate::cache::Cache;
use crate::execution::{executions, store};
use crate::leftovers::{self, Entry, entries, job_trees, readable_entries, remove_path};
use crate::occupancy::running;
use crate::record::{DEFINITION_FILE, LocalExecution, RECORD_FILE, Status};

pub use self::kept::{Policy, RegisteredVersion};

/// What is to be removed from a directory of runs.
#[derive(Debug)]
pub struct Cleaning<'a> {
    /// The directory of the runs.
    pub runs: &'a Utf8Path,
    /// What stays.
    pub policy: Policy,
    /// Whether everything stays that something unknown may refer to: of the executions that go only logs and
    /// the trees of jobs are removed. Where a run is at work it must be so.
    pub cautious: bool,
}

/// Something that goes, with its paths and its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removable {
    /// What it is.
    pub what: What,
    /// The paths of its files and directories.
    pub paths: Vec<Utf8PathBuf>,
    /// The number of bytes in its files.
    pub bytes: u64,
    /// Whether it is an execution whose record stays.
    pub keeps_record: bool,
}

/// What can be removed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Results that no step can use again, because their outputs go.
    CachedResults,
    /// An input below its digest that no execution that stays has read: its prefix.
    Input(String),
    /// What an execution made: its id.
    Execution(String),
    /// Files that their processes did not finish, and the trees of jobs that were killed.
    Unfinished,
}

impl Cleaning<'_> {
    /// Returns what goes, by kind and name.
    ///
    /// # Errors
    ///
    /// Fails where a directory cannot be read.
    pub fn plan(&self) -> io::Result<Vec<Removable>> {
        for name in ["s3", "registry", "cache", "executions", "running"] {
            let path = self.runs.join(name);
            if path.is_symlink() {
                return Err(io::Error::other(format!(
                    "{path} is a symbolic link, which is not followed; expected a directory"
                )));
            }
        }
        let records = executions(self.runs);
        let executions = kept::executions(&records)?;
        // An execution sets its mark before it writes its record, so none that was found is missed.
        let running = running(self.runs)?;
        let kept = Kept::of(&self.policy, &executions, &running, self.cautious);
        let mut found: BTreeMap<What, Vec<Utf8PathBuf>> = BTreeMap::new();
        if !self.cautious {
            let gone = self.objects(&kept, &mut found)?;
            self.cached_results(&gone, &mut found)?;
            let unfinished = leftovers::unfinished(self.runs)?;
            found.entry(What::Unfinished).or_default().extend(unfinished);
        }
        for execution in &executions {
            self.execution(execution, &kept, &mut found)?;
        }
        let mut removable = Vec::new();
        for (what, paths) in found {
            let keeps_record = match &what {
                What::Execution(id) => {
                    records.join(id).exists() && !paths.contains(&records.join(id))
                }
                _ => false,
            };
            removable.push(Removable { bytes: sizes(&paths)?, what, paths, keeps_record });
        }
        removable.retain(|part| !part.paths.is_empty());
        Ok(removable)
    }

    /// Returns the addresses of the objects that go.
    fn objects(
        &self,
        kept: &Kept,
        found: &mut BTreeMap<What, Vec<Utf8PathBuf>>,
    ) -> io::Result<BTreeSet<String>> {
        let mut gone = BTreeSet::new();
        let mut inputs: BTreeMap<String, Vec<Object>> = BTreeMap::new();
        for object in objects::all(&self.runs.join("s3"))? {
            match &object.owner {
                Owner::Execution(id) => {
                    if !kept.needs(&object.address) && self.goes_by_id(id, kept, &object.path)? {
                        found.entry(What::Execution(id.clone())).or_default().push(object.path);
                        gone.insert(object.address);
                    }
                }
                Owner::Digest(prefix) => inputs.entry(prefix.clone()).or_default().push(object),
                Owner::Unknown => {}
            }
        }
        for (prefix, objects) in inputs {
            let mut goes = true;
            for Object { address, path, .. } in &objects {
                goes = goes && !kept.needs(address) && self.policy.is_old(modified(path)?);
            }
            let name = |object: &Object| object.address[prefix.len() + 1..].to_owned();
            let names: Vec<_> = objects.iter().map(name).collect();
            let files: Vec<_> =
                names.iter().zip(&objects).map(|(name, it)| (&**name, &*it.path)).collect();
            // Others may have directories of such names, too.
            if goes && objects::fits_digest(&prefix, &files)? {
                gone.extend(objects.iter().map(|object| object.address.clone()));
                let paths = objects.into_iter().map(|object| object.path);
                found.entry(What::Input(prefix)).or_default().extend(paths);
            }
        }
        Ok(gone)
    }

    /// Returns whether an object of an execution goes. Where the execution's directory is gone, it is as old as the
    /// execution and the object itself.
    fn goes_by_id(&self, id: &str, kept: &Kept, path: &Utf8Path) -> io::Result<bool> {
        Ok(match kept.goes(id) {
            Some(goes) => goes,
            None => self.policy.is_old(kept::time_of(id)) && self.policy.is_old(modified(path)?),
        })
    }

    /// Finds the results of which something goes or is gone.
    fn cached_results(
        &self,
        gone: &BTreeSet<String>,
        found: &mut BTreeMap<What, Vec<Utf8PathBuf>>,
    ) -> io::Result<()> {
        let store = store(self.runs);
        let stays = |address: &String| {
            let is_there = store.path(address).is_ok_and(|path| path.exists());
            let first = gone.range(address.clone()..).next();
            is_there && !first.is_some_and(|first| first.starts_with(address.as_str()))
        };
        for entry in readable_entries(&self.runs.join("cache"))? {
            let is_entry = entry.is_file() && Cache::is_entry(entry.name());
            if is_entry && !Cache::addresses(&entry.path).is_some_and(|all| all.iter().all(stays)) {
                found.entry(What::CachedResults).or_default().push(entry.path);
            }
        }
        Ok(())
    }

    /// Finds what goes of the directory of an execution.
    fn execution(
        &self,
        execution: &Execution,
        kept: &Kept,
        found: &mut BTreeMap<What, Vec<Utf8PathBuf>>,
    ) -> io::Result<()> {
        let Execution { id, directory, record, .. } = execution;
        if kept.goes(id) != Some(true) {
            // With caution: it may have begun since, or have ended and left its trees on purpose.
            if !self.cautious {
                let trees = job_trees(directory)?.into_iter();
                let trees = trees.filter(|tree| is_left_over(record.as_ref(), tree));
                found.entry(What::Unfinished).or_default().extend(trees);
            }
            return Ok(());
        }
        let of_execution = found.entry(What::Execution(id.clone())).or_default();
        let is_record = |entry: &Entry| [RECORD_FILE, DEFINITION_FILE].contains(&entry.name());
        if self.cautious || kept.is_reproducible(id) {
            let inside = entries(directory)?.into_iter();
            let inside = inside.filter(|entry| !is_record(entry) && !entry.is_unfinished());
            of_execution.extend(inside.map(|entry| entry.path));
        } else {
            of_execution.push(directory.clone());
        }
        Ok(())
    }
}

/// Returns whether nobody needs the tree of a host: its execution was killed, or its job has succeeded and the tree could
/// not be removed. The trees of a job that failed are kept for inspection.
fn is_left_over(record: Option<&LocalExecution>, tree: &Utf8Path) -> bool {
    let Some(record) = record.filter(|it| it.status != Status::Executing) else { return true };
    let step = tree.parent().and_then(Utf8Path::file_name);
    record.steps.iter().any(|it| it.status == Status::Succeeded && Some(&*it.name) == step)
}

/// Returns the directories of the executions whose records or definitions cannot be read, each with the reason. What they
/// refer to is not known.
///
/// # Errors
///
/// Fails where the directory of the executions cannot be read.
pub fn unreadable(runs: &Utf8Path) -> io::Result<Vec<(Utf8PathBuf, io::Error)>> {
    let all = kept::executions(&executions(runs))?.into_iter();
    Ok(all.filter_map(|it| Some((it.directory, it.unreadable?))).collect())
}

/// Removes what was planned: cached results first, so that none is left whose outputs are gone, and records
/// last, so that what a cleaning that is broken off leaves is found again.
///
/// # Errors
///
/// Fails where something cannot be removed.
pub fn remove(runs: &Utf8Path, parts: &[Removable]) -> io::Result<()> {
    let records = executions(runs);
    let (last, first): (Vec<_>, Vec<_>) =
        parts.iter().flat_map(|part| &part.paths).partition(|path| path.starts_with(&records));
    let store = runs.join("s3");
    for path in first.into_iter().chain(last) {
        remove_path(runs, path)?;
        // A directory of the store is there only as long as there is an object below it.
        let above = path
            .ancestors()
            .skip(1)
            .take_while(|above| above.starts_with(&store) && **above != store);
        for directory in above {
            if fs_err::remove_dir(directory).is_err() {
                break;
            }
        }
    }
    Ok(())
}

/// Returns the parts of a plan that are also in an earlier one, which somebody has agreed to.
///
/// # Errors
///
/// Fails where a directory cannot be read.
pub fn restricted(plan: Vec<Removable>, earlier: &[Removable]) -> io::Result<Vec<Removable>> {
    let agreed: BTreeSet<&Utf8Path> =
        earlier.iter().flat_map(|part| &part.paths).map(Utf8PathBuf::as_path).collect();
    let mut parts = Vec::new();
    for mut part in plan {
        part.paths.retain(|path| path.ancestors().any(|above| agreed.contains(above)));
        if !part.paths.is_empty() {
            part.bytes = sizes(&part.paths)?;
            parts.push(part);
        }
    }
    Ok(parts)
}

/// Returns the number of bytes in a file, or in the files below a directory. What goes meanwhile has none.
///
/// # Errors
///
/// Fails where a directory cannot be read.
pub fn size(path: &Utf8Path) -> io::Result<u64> {
    let about = match fs_err::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        about => about?,
    };
    if about.is_dir() {
        return leftovers::size_below(path);
    }
    Ok(if about.is_file() { about.len() } else { 0 })
}

fn sizes(paths: &[Utf8PathBuf]) -> io::Result<u64> {
    paths.iter().map(|path| size(path)).sum()
}

fn modified(path: &Utf8Path) -> io::Result<Option<Timestamp>> {
    let modified = fs_err::symlink_metadata(path)?.modified()?;
    Ok(Timestamp::try_from(modified).ok())
}
